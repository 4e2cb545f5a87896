//! When hosts had what carries a subject.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use inquiry::answer::{Happening, Presence, Sighting, Span};
use inquiry::moment::Window;
use inquiry::role::Class;
use inquiry::subject::Subject;
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use super::carriers::{Carrier, Carriers, Of};
use super::moments::Moments;
use crate::limits::ROWS_PER_STATEMENT;
use crate::store::directory::Directory;
use crate::store::packed_rows::{list, numbers, present};
use crate::store::{StoreError, to_i64, to_u64};

/// What was found, with leaves that are not placed in time yet.
#[derive(Debug, Default)]
pub(super) struct Found {
    rows: Vec<Row>,
    names: BTreeMap<i64, Arc<str>>,
}

#[derive(Clone, Debug)]
struct Row {
    host: i64,
    subject: Arc<str>,
    carrier: Arc<Carrier>,
    from: i64,
    to: Option<i64>,
}

impl Row {
    /// The leaf of the first evidence that it may have been before.
    fn since(&self) -> i64 {
        match self.carrier.of {
            Of::Execution(run) => run.since,
            Of::Component(_) | Of::Profile(_) => self.from,
        }
    }
}

/// A sighting with what it is shown by.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) sighting: Sighting,
    pub(super) subject: Arc<str>,
    pub(super) what: Arc<str>,
    pub(super) carrier: Arc<Carrier>,
}

/// Sightings by host.
#[derive(Debug)]
pub(super) struct PlacedAll {
    by_host: BTreeMap<i64, Vec<Placed>>,
    pub(super) moments: Moments,
}

impl PlacedAll {
    /// Those of a host.
    pub(super) fn of(&self, host: i64) -> &[Placed] {
        self.by_host.get(&host).map(Vec::as_slice).unwrap_or_default()
    }
}

/// Every interval of the carriers that is not over before the window.
pub(super) async fn all(
    reading: &mut SqliteConnection,
    subjects: &[Subject],
    carriers: &[Carriers],
    window: Window,
) -> Result<Found, StoreError> {
    let since = to_i64(window.from.unwrap_or_default());
    let mut found = Found::default();
    for (subject, carriers) in subjects.iter().zip(carriers) {
        let subject: Arc<str> = subject.to_string().into();
        let mut of: BTreeMap<Of, Vec<Arc<Carrier>>> = BTreeMap::new();
        for carrier in &carriers.all {
            of.entry(carrier.of).or_default().push(Arc::new(carrier.clone()));
        }
        let rows = of.keys().filter_map(|of| match of {
            Of::Component(row) => Some((Table::Components, *row)),
            Of::Profile(row) => Some((Table::Profiles, *row)),
            Of::Execution(_) => None,
        });
        let mut intervals = Vec::new();
        for table in [Table::Components, Table::Profiles] {
            let ids: Vec<i64> = rows.clone().filter(|(of, _)| *of == table).map(|(_, row)| row).collect();
            intervals.extend(table.intervals(reading, &ids, since).await?);
        }
        for (key, host, from, to) in intervals {
            for carrier in of.get(&key).into_iter().flatten() {
                found.rows.push(Row {
                    host,
                    subject: Arc::clone(&subject),
                    carrier: Arc::clone(carrier),
                    from,
                    to,
                });
            }
        }
        for carrier in &carriers.all {
            if let Of::Execution(run) = carrier.of {
                found.rows.push(Row {
                    host: run.host,
                    subject: Arc::clone(&subject),
                    carrier: Arc::new(carrier.clone()),
                    from: run.told,
                    to: run.until,
                });
            }
        }
    }
    found.name(reading).await?;
    Ok(found)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Table {
    Components,
    Profiles,
}

impl Table {
    const fn statement(self) -> &'static str {
        match self {
            Self::Components => {
                "SELECT group_concat(component_id || ' ' || host_id || ' ' || from_leaf || ' ' || coalesce(to_leaf, -1), ' ')
                 FROM host_component WHERE component_id IN (SELECT value FROM json_each(?1)) AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
            Self::Profiles => {
                "SELECT group_concat(profile_id || ' ' || host_id || ' ' || from_leaf || ' ' || coalesce(to_leaf, -1), ' ')
                 FROM host_boot_profile WHERE profile_id IN (SELECT value FROM json_each(?1)) AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
        }
    }

    const fn of(self, row: i64) -> Of {
        match self {
            Self::Components => Of::Component(row),
            Self::Profiles => Of::Profile(row),
        }
    }

    /// Intervals of these rows that are not over before a leaf.
    async fn intervals(
        self,
        reading: &mut SqliteConnection,
        ids: &[i64],
        since: i64,
    ) -> Result<Vec<(Of, i64, i64, Option<i64>)>, StoreError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let query = sqlx::query_scalar(self.statement()).bind(list(ids)).bind(since);
        let rows = numbers(reading, query).await?;
        Ok(rows.into_iter().map(|[id, host, from, to]| (self.of(id), host, from, present(to))).collect())
    }
}

impl Found {
    /// Every leaf that matters.
    pub(super) fn leaves(&self) -> impl Iterator<Item = i64> {
        self.rows.iter().flat_map(|row| [row.from, row.since()].into_iter().chain(row.to))
    }

    /// What people call the components.
    async fn name(&mut self, reading: &mut SqliteConnection) -> Result<(), StoreError> {
        let components: BTreeSet<i64> = self
            .rows
            .iter()
            .filter_map(|row| match row.carrier.of {
                Of::Component(component) => Some(component),
                _ => None,
            })
            .collect();
        let components: Vec<i64> = components.into_iter().collect();
        for some in components.chunks(ROWS_PER_STATEMENT) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT id, coalesce(kind, ''), coalesce(name, ''), coalesce(version, ''), coalesce(architecture, '')
                 FROM component WHERE id IN (",
            );
            let mut list = query.separated(", ");
            for id in some {
                list.push_bind(*id);
            }
            query.push(")");
            let rows: Vec<(i64, String, String, String, String)> =
                query.build_query_as().fetch_all(&mut *reading).await?;
            for (id, kind, name, version, architecture) in rows {
                let words = [kind, name, version, architecture];
                let words: Vec<&str> =
                    words.iter().map(String::as_str).filter(|word| !word.is_empty()).collect();
                self.names.insert(id, words.join(" ").into());
            }
        }
        Ok(())
    }

    /// Puts what was found into the log's time.
    pub(super) async fn place(
        self,
        reading: &mut SqliteConnection,
        mut moments: Moments,
        directory: &Directory,
    ) -> Result<PlacedAll, StoreError> {
        let [boot, kernel, agent] = ["boot", "kernel's list", "agent's word"].map(Arc::<str>::from);
        let mut by_host: BTreeMap<i64, Vec<Placed>> = BTreeMap::new();
        for row in self.rows {
            let Some((_, last)) = directory.of(row.host).and_then(|host| host.quotes) else { continue };
            let first = moments.get(row.from).copied().ok_or(DAMAGED)?;
            let since = moments.get(row.since()).copied().ok_or(DAMAGED)?;
            let before = since.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment);
            // An interval that an enrolment or a retirement ended: what came after is told by the next evidence, if any came.
            let until = match row.to {
                Some(to) if moments.get(to).is_none() => moments.next(reading, row.host, to).await?,
                to => to,
            };
            let until = until.and_then(|leaf| moments.get(leaf)).copied();
            let span = if matches!(row.carrier.of, Of::Execution(_)) {
                let until = until.map(|quoted| quoted.moment);
                Span::Happening(Happening { before, told: first.moment, until })
            } else {
                let shown = match until {
                    Some(until) => {
                        until.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment)
                    }
                    None => Some(last),
                };
                let last = shown.unwrap_or(first.moment);
                Span::Presence(Presence {
                    before,
                    first: first.moment,
                    last,
                    until: until.map(|quoted| quoted.moment),
                })
            };
            let sighting = Sighting { role: row.carrier.role, class: row.carrier.class, span };
            let what = match row.carrier.of {
                Of::Component(id) => self.names.get(&id).cloned().unwrap_or_default(),
                Of::Profile(_) => Arc::clone(&boot),
                Of::Execution(_) if row.carrier.class == Class::B => Arc::clone(&kernel),
                Of::Execution(_) => Arc::clone(&agent),
            };
            by_host.entry(row.host).or_default().push(Placed {
                sighting,
                subject: row.subject,
                what,
                carrier: row.carrier,
            });
        }
        for placed in by_host.values_mut() {
            placed.sort_by(|a, b| order(a).cmp(&order(b)));
        }
        Ok(PlacedAll { by_host, moments })
    }
}

/// The best known first, then the earliest.
fn order(placed: &Placed) -> (u8, u8, u64, &str, Option<&str>, Option<&str>) {
    let first = match placed.sighting.span {
        Span::Presence(presence) => presence.first.leaf,
        Span::Happening(happening) => happening.told.leaf,
    };
    let Carrier { path, place, .. } = &*placed.carrier;
    let (class, role) = (placed.sighting.class.code(), placed.sighting.role.code());
    (class, role, first, &placed.what, path.as_deref(), place.as_deref())
}

/// The leaf's number as the log has it.
pub(super) fn number(leaf: i64) -> u64 {
    to_u64(leaf)
}

const DAMAGED: StoreError = StoreError::Damaged { what: "an interval of the index begins with no evidence" };
