//! When hosts had what carries a subject.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use inquiry::answer::{Happening, Overlap, Presence, Sighting, Span};
use inquiry::moment::{Moment, Window};
use inquiry::role::Class;
use inquiry::subject::Subject;

use super::AskError;
use super::carriers::{Carrier, Carriers, Of, Run};
use super::moments::Moments;
use crate::limits::{INTERVALS_READ, ROWS_PER_STATEMENT};
use crate::sql::{self, Connection, QueryBuilder};
use crate::store::directory::{Directory, HostEntry};
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
    /// When it was, as far as that is needed, where that is known without looking anything up.
    presence: Option<Presence>,
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

/// A subject, and a carrier of it.
type Carried = (Arc<str>, Arc<Carrier>);

/// A sighting with what it is shown by.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) sighting: Sighting,
    pub(super) subject: Arc<str>,
    pub(super) what: Arc<str>,
    pub(super) carrier: Arc<Carrier>,
    /// The last evidence that shows it, where that was looked up.
    pub(super) last: Option<Moment>,
    host: i64,
}

/// Sightings by host.
#[derive(Debug)]
pub(super) struct PlacedAll {
    /// Sorted by host.
    all: Vec<Placed>,
    /// Where each host's begin, and how many they are.
    of: HashMap<i64, (usize, usize)>,
    pub(super) moments: Moments,
}

impl PlacedAll {
    /// Those of a host.
    pub(super) fn of(&self, host: i64) -> &[Placed] {
        let Some((begin, count)) = self.of.get(&host) else { return &[] };
        self.all.get(*begin..begin + count).unwrap_or_default()
    }
}

/// Every interval of the carriers that is not over before the window.
pub(super) async fn all(
    reading: &mut Connection<'_>,
    subjects: &[Subject],
    carriers: &[Carriers],
    window: Window,
) -> Result<Found, AskError> {
    let since = to_i64(window.from.unwrap_or_default());
    let mut found = Found::default();
    let mut of: BTreeMap<Of, Vec<Carried>> = BTreeMap::new();
    for (subject, carriers) in subjects.iter().zip(carriers).filter(|(_, carriers)| !carriers.all.is_empty())
    {
        let subject: Arc<str> = subject.to_string().into();
        for carrier in &carriers.all {
            of.entry(carrier.of).or_default().push((Arc::clone(&subject), Arc::new(carrier.clone())));
        }
    }
    for table in [Table::Components, Table::Profiles] {
        let ids: Vec<i64> = of.keys().filter_map(|of| table.row(*of)).collect();
        for some in ids.chunks(IDS_AT_ONCE) {
            for (key, host, from, to) in table.intervals(reading, some, since).await? {
                for (subject, carrier) in of.get(&key).into_iter().flatten() {
                    let (subject, carrier) = (Arc::clone(subject), Arc::clone(carrier));
                    found.rows.push(Row { host, subject, carrier, from, to, presence: None });
                }
                if found.rows.len() > INTERVALS_READ {
                    return Err(AskError::Often);
                }
            }
        }
    }
    for (key, carriers) in of {
        let Of::Execution(Run { host, told: from, until: to, .. }) = key else { continue };
        for (subject, carrier) in carriers {
            found.rows.push(Row { host, subject, carrier, from, to, presence: None });
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
                "SELECT string_agg(format('%d %d %d %d', component_id, host_id, from_leaf, coalesce(to_leaf, -1)), ' ')
                 FROM host_component WHERE component_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
            Self::Profiles => {
                "SELECT string_agg(format('%d %d %d %d', profile_id, host_id, from_leaf, coalesce(to_leaf, -1)), ' ')
                 FROM host_boot_profile WHERE profile_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
        }
    }

    const fn row(self, of: Of) -> Option<i64> {
        match (self, of) {
            (Self::Components, Of::Component(row)) | (Self::Profiles, Of::Profile(row)) => Some(row),
            _ => None,
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
        reading: &mut Connection<'_>,
        ids: &[i64],
        since: i64,
    ) -> Result<Vec<(Of, i64, i64, Option<i64>)>, StoreError> {
        let query = sql::query_scalar(self.statement()).bind(list(ids)).bind(since);
        let rows = numbers(reading, query).await?;
        Ok(rows.into_iter().map(|[id, host, from, to]| (self.of(id), host, from, present(to))).collect())
    }
}

/// Carriers whose rows are read at one time, so that too many are noticed before they are in memory.
const IDS_AT_ONCE: usize = 64;

impl Found {
    /// Leaves of which it matters when exactly their evidence was quoted.
    pub(super) fn exact(&self) -> impl Iterator<Item = i64> {
        let unclear = self.rows.iter().filter(|row| row.presence.is_none());
        unclear.flat_map(|row| [row.from, row.since()].into_iter().chain(row.to))
    }

    /// All others, which are but shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = i64> {
        let clear = self.rows.iter().filter(|row| row.presence.is_some());
        clear.flat_map(|row| std::iter::once(row.from).chain(row.to))
    }

    /// What people call the components.
    async fn name(&mut self, reading: &mut Connection<'_>) -> Result<(), StoreError> {
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
            let mut query = QueryBuilder::new(
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

    /// Finds what lies so far from the window's ends that it does not matter when exactly it was.
    pub(super) fn bound(&mut self, directory: &Directory, window: Window) {
        for row in &mut self.rows {
            // What two boots have in common it had in between as well, so that with a window each end of a boot's profile counts.
            let is_bounded = match row.carrier.of {
                Of::Component(_) => true,
                Of::Profile(_) => window == Window::ALL,
                Of::Execution(_) => false,
            };
            // What an enrolment ended is over with the next evidence, wherever that is.
            let is_broken = row.to.is_some_and(|to| directory.is_break(to));
            if let Some(host) = directory.of(row.host).filter(|_| is_bounded && !is_broken) {
                row.presence = bounded(host, (row.from, row.to), window);
            }
        }
    }

    /// Puts what was found into the log's time.
    pub(super) async fn place(
        self,
        reading: &mut Connection<'_>,
        mut moments: Moments,
        directory: &Directory,
    ) -> Result<PlacedAll, StoreError> {
        let [boot, kernel, agent] = ["boot", "kernel's list", "agent's word"].map(Arc::<str>::from);
        let mut all: Vec<Placed> = Vec::with_capacity(self.rows.len());
        for row in self.rows {
            let Some((_, last)) = directory.of(row.host).and_then(|host| host.quotes) else { continue };
            let what = match row.carrier.of {
                Of::Component(id) => self.names.get(&id).cloned().unwrap_or_default(),
                Of::Profile(_) => Arc::clone(&boot),
                Of::Execution(_) if row.carrier.class == Class::B => Arc::clone(&kernel),
                Of::Execution(_) => Arc::clone(&agent),
            };
            let (role, class) = (row.carrier.role, row.carrier.class);
            let placed = |span, last| Placed {
                sighting: Sighting { role, class, span },
                subject: Arc::clone(&row.subject),
                what,
                carrier: Arc::clone(&row.carrier),
                last,
                host: row.host,
            };
            if let Some(presence) = row.presence {
                let last = match presence.until {
                    None => Some(presence.last),
                    Some(until) => moments.last_before(to_i64(until.leaf)),
                };
                all.push(placed(Span::Presence(presence), last));
                continue;
            }
            let first = moments.get(row.from).copied().ok_or(DAMAGED)?;
            let since = moments.get(row.since()).copied().ok_or(DAMAGED)?;
            let before = since.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment);
            // An interval that an enrolment or a retirement ended: what came after is told by the next evidence, if any came.
            let until = match row.to {
                Some(to) if moments.get(to).is_none() => moments.next(reading, row.host, to).await?,
                to => to,
            };
            let until = until.and_then(|leaf| moments.get(leaf)).copied();
            let (span, last) = if matches!(row.carrier.of, Of::Execution(_)) {
                let until = until.map(|quoted| quoted.moment);
                (Span::Happening(Happening { before, told: first.moment, until }), Some(first.moment))
            } else {
                let last = match until {
                    Some(until) => {
                        until.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment)
                    }
                    None => Some(last),
                };
                let presence = Presence {
                    before,
                    first: first.moment,
                    last: last.unwrap_or(first.moment),
                    until: until.map(|quoted| quoted.moment),
                };
                (Span::Presence(presence), last)
            };
            all.push(placed(span, last));
        }
        all.sort_unstable_by(|a, b| a.host.cmp(&b.host).then_with(|| order(a).cmp(&order(b))));
        let mut of: HashMap<i64, (usize, usize)> = HashMap::new();
        for (number, placed) in all.iter().enumerate() {
            of.entry(placed.host).or_insert((number, 0)).1 += 1;
        }
        Ok(PlacedAll { all, of, moments })
    }
}

/// A presence by bounds, where they tell as much of a window as exact moments would.
fn bounded(host: &HostEntry, (from, to): (i64, Option<i64>), window: Window) -> Option<Presence> {
    let (first, last) = host.quotes?;
    let is_first = to_u64(from) == first.leaf;
    let presence = Presence {
        before: (!is_first).then(|| host.before(from)),
        first: if is_first { first } else { host.at(from) },
        last: to.map_or(last, |to| host.before(to)),
        until: to.map(|to| host.at(to)),
    };
    (presence.overlap(window) != Overlap::Possible).then_some(presence)
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Quotes of a host: each some leaves after the one before, and naming no smaller a checkpoint.
    fn quotes() -> impl Strategy<Value = Vec<Moment>> {
        let each = (1_u64..40, 0_u64..60);
        proptest::collection::vec(each, 2..12).prop_map(|steps| {
            let mut quotes: Vec<Moment> = Vec::new();
            for (step, age) in steps {
                let (leaf, named) = quotes.last().map_or((20, 0), |last| (last.leaf, last.after));
                let leaf = leaf + step;
                quotes.push(Moment { after: leaf.saturating_sub(age).max(named), leaf });
            }
            quotes
        })
    }

    proptest! {
        #[test]
        fn bounds_tell_nothing_that_moments_would_not(
            quotes in quotes(),
            (from, length) in (0_usize..12, 1_usize..12),
            (begin, end) in (proptest::option::of(0_u64..400), proptest::option::of(0_u64..400)),
        ) {
            let from = from % quotes.len();
            let until = quotes.get(from + length);
            let behind = quotes.windows(2).map(|pair| pair[1].leaf - pair[0].after.min(pair[1].after));
            let reach = behind.max().unwrap_or(0).max(quotes[0].leaf - quotes[0].after);
            let host = HostEntry::made((quotes[0], quotes[quotes.len() - 1]), to_i64(reach));
            let exact = Presence {
                before: from.checked_sub(1).map(|before| quotes[before]),
                first: quotes[from],
                last: until.map_or(quotes[quotes.len() - 1], |_| quotes[from + length - 1]),
                until: until.copied(),
            };
            let window = Window { from: begin, to: end };
            let to = until.map(|until| to_i64(until.leaf));
            if let Some(found) = bounded(&host, (to_i64(quotes[from].leaf), to), window) {
                prop_assert_eq!(found.overlap(window), exact.overlap(window), "{:?} {:?}", found, exact);
            }
            if window == Window::ALL {
                prop_assert!(bounded(&host, (to_i64(quotes[from].leaf), to), window).is_some());
            }
        }
    }
}
