//! When hosts had what carries a subject, and when they could not be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use inquiry::answer::{Happening, Presence, Sighting, Span};
use inquiry::moment::Window;
use inquiry::role::{Class, Source};
use inquiry::subject::{Glob, Subject};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::carriers::{Carrier, Carriers, Of};
use super::moments::Moments;
use crate::limits::ROWS_PER_STATEMENT;
use crate::store::directory::{Directory, GapEntry};
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

/// A gap with the words for it.
#[derive(Clone, Debug)]
pub(super) struct FoundGap {
    pub(super) host: i64,
    pub(super) source: Source,
    pub(super) cause: String,
    pub(super) scope: String,
    pub(super) from_leaf: Option<i64>,
    pub(super) to_leaf: Option<i64>,
}

impl FoundGap {
    /// One that the directory has.
    pub(super) fn of(host: i64, gap: &GapEntry) -> Self {
        Self {
            host,
            source: gap.source,
            cause: gap.cause.to_string(),
            scope: gap.scope.to_string(),
            from_leaf: gap.from_leaf,
            to_leaf: gap.to_leaf,
        }
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
            Of::Execution { .. } => None,
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
            if let Of::Execution { host, leaf } = carrier.of {
                let to = next_boot(reading, host, leaf).await?;
                found.rows.push(Row {
                    host,
                    subject: Arc::clone(&subject),
                    carrier: Arc::new(carrier.clone()),
                    from: leaf,
                    to,
                });
            }
        }
    }
    found.name(reading).await?;
    Ok(found)
}

/// The first leaf of a host's next boot.
async fn next_boot(reading: &mut SqliteConnection, host: i64, leaf: i64) -> Result<Option<i64>, StoreError> {
    let next = sqlx::query_scalar(
        "SELECT first_leaf FROM boot WHERE host_id = ? AND first_leaf > ? ORDER BY first_leaf LIMIT 1",
    )
    .bind(host)
    .bind(leaf)
    .fetch_optional(reading)
    .await?;
    Ok(next)
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
        self.rows.iter().flat_map(|row| std::iter::once(row.from).chain(row.to))
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
            let before = first.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment);
            // An interval that an enrolment or a retirement ended: what came after is told by the next evidence, if any came.
            let until = match row.to {
                Some(to) if moments.get(to).is_none() => moments.next(reading, row.host, to).await?,
                to => to,
            };
            let until = until.and_then(|leaf| moments.get(leaf)).copied();
            let span = if matches!(row.carrier.of, Of::Execution { .. }) {
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
                Of::Execution { .. } if row.carrier.class == Class::B => Arc::clone(&kernel),
                Of::Execution { .. } => Arc::clone(&agent),
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

/// Times for which it cannot be told whether a host had a carrier: components that nobody has described, boots that do not say.
pub(super) async fn doubts(
    reading: &mut SqliteConnection,
    (subjects, carriers): (&[Subject], &[Carriers]),
    sources: &[Source],
    window: Window,
) -> Result<Vec<FoundGap>, StoreError> {
    let since = to_i64(window.from.unwrap_or_default());
    let mut gaps = Vec::new();
    if sources.contains(&Source::Files) {
        unresolved(reading, since, &mut gaps).await?;
        if subjects.iter().any(|subject| matches!(subject, Subject::Key(_))) {
            partial(reading, since, &mut gaps).await?;
        }
    }
    let doubtful: BTreeMap<i64, &'static str> =
        carriers.iter().flat_map(|carriers| carriers.doubtful.iter().copied()).collect();
    let ids: Vec<i64> = doubtful.keys().copied().collect();
    for (of, host, from, to) in Table::Profiles.intervals(reading, &ids, since).await? {
        let Of::Profile(profile) = of else { continue };
        let cause = doubtful.get(&profile).copied().unwrap_or_default().to_owned();
        let scope = "the host's boot".to_owned();
        gaps.push(FoundGap {
            host,
            source: Source::Boot,
            cause,
            scope,
            from_leaf: before(reading, from).await?,
            to_leaf: to,
        });
    }
    Ok(gaps)
}

/// Whether a gap is of a tree that none of the subjects, which are all paths, can lie in.
pub(super) fn lies_elsewhere(source: Source, scope: &str, subjects: &[Subject]) -> bool {
    let scope = scope.as_bytes();
    // What is escaped or may have been cut short is not compared: it could be any tree.
    let is_plain = scope.len() < SCOPE_COMPARED && !scope.contains(&b'\\');
    if source != Source::Files || !scope.starts_with(b"/") || scope == b"/" || !is_plain {
        return false;
    }
    let lies_elsewhere = |glob: &Glob| {
        let prefix = glob.prefix();
        // Up to where they could part: the scope is a whole path, the pattern's beginning may end within a name.
        let common = prefix.len().min(scope.len());
        let parts = prefix.get(..common) != scope.get(..common);
        let beside = prefix.len() > scope.len() && prefix.get(scope.len()) != Some(&b'/');
        parts || beside
    };
    subjects.iter().all(|subject| match subject {
        Subject::Path(glob) => lies_elsewhere(glob) && glob.in_usr().as_ref().is_none_or(lies_elsewhere),
        _ => false,
    })
}

/// Scopes of at least this many bytes may have been cut short.
const SCOPE_COMPARED: usize = 200;

/// Stores that nobody could read whole: a key may be in the part that is not known.
async fn partial(
    reading: &mut SqliteConnection,
    since: i64,
    gaps: &mut Vec<FoundGap>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT o.host_id, o.from_leaf, o.to_leaf, coalesce(c.name, '') || ': ' || p.what FROM component_partial p
         JOIN component c ON c.id = p.component_id JOIN host_component o ON o.component_id = p.component_id
         WHERE o.to_leaf IS NULL OR o.to_leaf >= ? ORDER BY o.host_id, o.from_leaf, c.digest",
    )
    .bind(since)
    .fetch_all(&mut *reading)
    .await?;
    for row in rows {
        let from = row.try_get(1)?;
        gaps.push(FoundGap {
            host: row.try_get(0)?,
            source: Source::Files,
            cause: "store-unread".to_owned(),
            scope: row.try_get(3)?,
            from_leaf: before(reading, from).await?,
            to_leaf: row.try_get(2)?,
        });
    }
    Ok(())
}

/// Components that nobody has sent the manifest of yet.
async fn unresolved(
    reading: &mut SqliteConnection,
    since: i64,
    gaps: &mut Vec<FoundGap>,
) -> Result<(), StoreError> {
    let rows = sqlx::query(
        "SELECT o.host_id, o.from_leaf, o.to_leaf, c.digest FROM component_wanted w JOIN component c ON c.id = w.component_id
         JOIN host_component o ON o.component_id = w.component_id WHERE o.to_leaf IS NULL OR o.to_leaf >= ?
         ORDER BY o.host_id, o.from_leaf, c.digest",
    )
    .bind(since)
    .fetch_all(&mut *reading)
    .await?;
    for row in rows {
        let from = row.try_get("from_leaf")?;
        gaps.push(FoundGap {
            host: row.try_get("host_id")?,
            source: Source::Files,
            cause: "manifest-missing".to_owned(),
            scope: format!("component {}", hex::encode(row.try_get::<Vec<u8>, _>("digest")?)),
            from_leaf: before(reading, from).await?,
            to_leaf: row.try_get("to_leaf")?,
        });
    }
    Ok(())
}

/// The leaf of the evidence before the one with this leaf.
async fn before(reading: &mut SqliteConnection, leaf: i64) -> Result<Option<i64>, StoreError> {
    let before: Option<Option<i64>> = sqlx::query_scalar("SELECT leaf_before FROM evidence WHERE leaf = ?")
        .bind(leaf)
        .fetch_optional(reading)
        .await?;
    Ok(before.flatten())
}

/// The leaf's number as the log has it.
pub(super) fn number(leaf: i64) -> u64 {
    to_u64(leaf)
}

const DAMAGED: StoreError = StoreError::Damaged { what: "an interval of the index begins with no evidence" };

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_of_another_tree_does_not_bear_on_a_path() {
        let elsewhere = |scope: &str, subjects: &[&str]| {
            let subjects: Vec<Subject> = subjects.iter().map(|subject| subject.parse().unwrap()).collect();
            lies_elsewhere(Source::Files, scope, &subjects)
        };
        assert!(elsewhere("/srv", &["path:/usr/bin/ssh"]));
        assert!(elsewhere("/srv", &["path:/srv2/x", "path:/usr/*"]));
        assert!(!elsewhere("/srv", &["path:/srv/x"]) && !elsewhere("/srv", &["path:/srv"]));
        assert!(!elsewhere("/srv", &["path:/s*/x"]) && !elsewhere("/srv", &["path:**/x"]));
        assert!(!elsewhere("/srv/a", &["path:/srv/*"]));
        assert!(!elsewhere("/", &["path:/usr/bin/ssh"]) && !elsewhere("agent", &["path:/usr/bin/ssh"]));
        assert!(!elsewhere("/srv", &["path:/usr/bin/ssh", "package:xz"]));
        assert!(!elsewhere("/usr/bin", &["path:/bin/ssh"]), "it may be the same");
        assert!(!elsewhere("/a\\xff", &["path:/usr/bin/ssh"]), "what is escaped is not compared");
        assert!(!elsewhere(&format!("/{}", "a".repeat(250)), &["path:/usr/bin/ssh"]), "it may be cut");
    }
}
