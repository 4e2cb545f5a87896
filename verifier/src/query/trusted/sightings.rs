//! When hosts had what carries a subject.

use std::collections::{BTreeMap, BTreeSet};
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
    carried: Vec<Carried>,
}

#[derive(Clone, Copy, Debug)]
struct Row {
    /// Which of the directory's hosts.
    host: usize,
    /// Which of what is carried.
    carried: usize,
    from: i64,
    to: Option<i64>,
    /// When it was, as far as that is needed, where that is known without looking anything up.
    presence: Option<Presence>,
}

/// A subject, and a carrier of it.
#[derive(Debug)]
pub(super) struct Carried {
    pub(super) subject: Arc<str>,
    pub(super) carrier: Carrier,
    /// What people call it.
    pub(super) what: Arc<str>,
}

/// A sighting with what it is shown by.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) sighting: Sighting,
    /// The last evidence that shows it, where that was looked up.
    pub(super) last: Option<Moment>,
    carried: usize,
}

/// Sightings by host.
#[derive(Debug)]
pub(super) struct PlacedAll {
    /// By the directory's hosts.
    all: Vec<Placed>,
    /// Where each host's end.
    ends: Vec<usize>,
    carried: Vec<Carried>,
    pub(super) moments: Moments,
}

impl PlacedAll {
    /// Those of one of the directory's hosts.
    pub(super) fn of(&self, host: usize) -> &[Placed] {
        let end = |host: usize| self.ends.get(host).copied().unwrap_or_default();
        let begin = host.checked_sub(1).map_or(0, end);
        self.all.get(begin..end(host)).unwrap_or_default()
    }

    /// What one is of.
    pub(super) fn carried(&self, placed: &Placed) -> Option<&Carried> {
        self.carried.get(placed.carried)
    }
}

/// Every interval of the carriers that is not over before the window; of components none, where it is known who had them.
pub(super) async fn all(
    reading: &mut Connection<'_>,
    directory: &Directory,
    (subjects, carriers): (&[Subject], &[Carriers]),
    window: Window,
    by_sets: bool,
) -> Result<Found, AskError> {
    let since = to_i64(window.from.unwrap_or_default());
    let mut found = Found::default();
    let mut of: BTreeMap<Of, Vec<usize>> = BTreeMap::new();
    for (subject, carriers) in subjects.iter().zip(carriers).filter(|(_, carriers)| !carriers.all.is_empty())
    {
        let subject: Arc<str> = subject.to_string().into();
        for carrier in
            carriers.all.iter().filter(|carrier| !by_sets || !matches!(carrier.of, Of::Component(_)))
        {
            of.entry(carrier.of).or_default().push(found.carried.len());
            let (subject, carrier, what) = (Arc::clone(&subject), carrier.clone(), Arc::default());
            found.carried.push(Carried { subject, carrier, what });
        }
    }
    for table in [Table::Components, Table::Profiles] {
        let ids: Vec<i64> = of.keys().filter_map(|of| table.row(*of)).collect();
        for some in ids.chunks(IDS_AT_ONCE) {
            for [id, host, from, to] in table.intervals(reading, some, since).await? {
                let Some(host) = directory.place(host) else { continue };
                for carried in of.get(&table.of(id)).into_iter().flatten() {
                    let carried = *carried;
                    found.rows.push(Row { host, carried, from, to: present(to), presence: None });
                }
                if found.rows.len() > INTERVALS_READ {
                    return Err(AskError::Often);
                }
            }
        }
    }
    for (key, carriers) in of {
        let Of::Execution(Run { host, told: from, until: to, .. }) = key else { continue };
        let Some(host) = directory.place(host) else { continue };
        found.rows.extend(carriers.into_iter().map(|carried| Row {
            host,
            carried,
            from,
            to,
            presence: None,
        }));
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
    /// The statement for some rows, or for one: most files are in one component.
    const fn statement(self, of_one: bool) -> &'static str {
        match (self, of_one) {
            (Self::Components, true) => {
                "SELECT string_agg(CAST(host_id AS TEXT), ' '), string_agg(CAST(from_leaf AS TEXT), ' '),
                   string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
                 FROM host_component WHERE component_id = ?1 AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
            (Self::Components, false) => {
                "SELECT string_agg(CAST(component_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' '),
                   string_agg(CAST(from_leaf AS TEXT), ' '), string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
                 FROM host_component WHERE component_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?1)) AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
            (Self::Profiles, true) => {
                "SELECT string_agg(CAST(host_id AS TEXT), ' '), string_agg(CAST(from_leaf AS TEXT), ' '),
                   string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
                 FROM host_boot_profile WHERE profile_id = ?1 AND (to_leaf IS NULL OR to_leaf >= ?2)"
            }
            (Self::Profiles, false) => {
                "SELECT string_agg(CAST(profile_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' '),
                   string_agg(CAST(from_leaf AS TEXT), ' '), string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
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

    /// Intervals of these rows that are not over before a leaf: row, host, first leaf, and that of its end.
    async fn intervals(
        self,
        reading: &mut Connection<'_>,
        ids: &[i64],
        since: i64,
    ) -> Result<Vec<[i64; 4]>, StoreError> {
        if let [id] = ids {
            let query = sql::query(self.statement(true)).bind(id).bind(since);
            let rows = numbers(reading, query).await?;
            return Ok(rows.into_iter().map(|[host, from, to]| [*id, host, from, to]).collect());
        }
        numbers(reading, sql::query(self.statement(false)).bind(list(ids)).bind(since)).await
    }
}

/// Carriers whose rows are read at one time, so that too many are noticed before they are in memory.
const IDS_AT_ONCE: usize = 64;

impl Found {
    /// The leaf of the first evidence that a row may have been before.
    fn since(&self, row: &Row) -> i64 {
        match self.of(row) {
            Some(Of::Execution(run)) => run.since,
            _ => row.from,
        }
    }

    fn of(&self, row: &Row) -> Option<Of> {
        self.carried.get(row.carried).map(|carried| carried.carrier.of)
    }

    /// Leaves of which it matters when exactly their evidence was quoted.
    pub(super) fn exact(&self) -> impl Iterator<Item = i64> {
        let unclear = self.rows.iter().filter(|row| row.presence.is_none());
        unclear.flat_map(|row| [row.from, self.since(row)].into_iter().chain(row.to))
    }

    /// All others, which are but shown.
    pub(super) fn shown(&self) -> impl Iterator<Item = i64> {
        let clear = self.rows.iter().filter(|row| row.presence.is_some());
        clear.flat_map(|row| std::iter::once(row.from).chain(row.to))
    }

    /// What people call what was found.
    async fn name(&mut self, reading: &mut Connection<'_>) -> Result<(), StoreError> {
        let seen: BTreeSet<usize> = self.rows.iter().map(|row| row.carried).collect();
        let of = |carried: &Carried| match carried.carrier.of {
            Of::Component(component) => Some(component),
            _ => None,
        };
        let components = seen.iter().filter_map(|carried| of(self.carried.get(*carried)?));
        let components: Vec<i64> = components.collect::<BTreeSet<_>>().into_iter().collect();
        let mut names: BTreeMap<i64, Arc<str>> = BTreeMap::new();
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
                names.insert(id, words.join(" ").into());
            }
        }
        let [boot, log, agent] = ["boot", "quoted log", "agent's word"].map(Arc::<str>::from);
        for carried in &mut self.carried {
            carried.what = match carried.carrier.of {
                Of::Component(id) => names.get(&id).cloned().unwrap_or_default(),
                Of::Profile(_) => Arc::clone(&boot),
                Of::Execution(_) if carried.carrier.class.reaches(Class::B) => Arc::clone(&log),
                Of::Execution(_) => Arc::clone(&agent),
            };
        }
        Ok(())
    }

    /// Finds what lies so far from the window's ends that it does not matter when exactly it was.
    pub(super) fn bound(&mut self, directory: &Directory, window: Window) {
        let carried = &self.carried;
        for row in &mut self.rows {
            // What two boots have in common it had in between as well, so that with a window each end of a boot's profile counts.
            let is_bounded = match carried.get(row.carried).map(|carried| carried.carrier.of) {
                Some(Of::Component(_)) => true,
                Some(Of::Profile(_)) => window == Window::ALL,
                _ => false,
            };
            // What an enrolment ended is over with the next evidence, wherever that is.
            let is_broken = row.to.is_some_and(|to| directory.is_break(to));
            if let Some(host) = directory.hosts().get(row.host).filter(|_| is_bounded && !is_broken) {
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
        let (order, mut ends) = by_host(&self.rows, directory.hosts().len());
        let mut all: Vec<Placed> = Vec::with_capacity(self.rows.len());
        let mut begin = 0;
        for (host, end) in directory.hosts().iter().zip(&mut ends) {
            let rows = order.get(begin..*end).unwrap_or_default();
            (begin, *end) = (*end, all.len());
            let Some((_, last)) = host.quotes else { continue };
            for row in rows.iter().filter_map(|row| self.rows.get(*row)) {
                all.push(self.placed(reading, &mut moments, row, (host.row, last)).await?);
            }
            let of_host = all.get_mut(*end..).unwrap_or_default();
            if of_host.len() > 1 {
                of_host.sort_unstable_by(|a, b| self.order(a).cmp(&self.order(b)));
            }
            *end = all.len();
        }
        Ok(PlacedAll { all, ends, carried: self.carried, moments })
    }

    async fn placed(
        &self,
        reading: &mut Connection<'_>,
        moments: &mut Moments,
        row: &Row,
        (host, last): (i64, Moment),
    ) -> Result<Placed, StoreError> {
        let carrier = &self.carried.get(row.carried).ok_or(DAMAGED)?.carrier;
        let placed = |span, last| Placed {
            sighting: Sighting { role: carrier.role, class: carrier.class, span },
            last,
            carried: row.carried,
        };
        if let Some(presence) = row.presence {
            let last = match presence.until {
                None => Some(presence.last),
                Some(until) => moments.last_before(to_i64(until.leaf)),
            };
            return Ok(placed(Span::Presence(presence), last));
        }
        let first = moments.get(row.from).copied().ok_or(DAMAGED)?;
        let since = moments.get(self.since(row)).copied().ok_or(DAMAGED)?;
        let before = since.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment);
        // An interval that an enrolment or a retirement ended: what came after is told by the next evidence, if any came.
        let until = match row.to {
            Some(to) if moments.get(to).is_none() => moments.next(reading, host, to).await?,
            to => to,
        };
        let until = until.and_then(|leaf| moments.get(leaf)).copied();
        if matches!(carrier.of, Of::Execution(_)) {
            let until = until.map(|quoted| quoted.moment);
            let happening = Happening { before, told: first.moment, until };
            return Ok(placed(Span::Happening(happening), Some(first.moment)));
        }
        let last = match until {
            Some(until) => until.before.and_then(|leaf| moments.get(leaf)).map(|quoted| quoted.moment),
            None => Some(last),
        };
        let presence = Presence {
            before,
            first: first.moment,
            last: last.unwrap_or(first.moment),
            until: until.map(|quoted| quoted.moment),
        };
        Ok(placed(Span::Presence(presence), last))
    }

    /// The best known first, then the earliest.
    fn order(&self, placed: &Placed) -> impl Ord {
        let first = match placed.sighting.span {
            Span::Presence(presence) => presence.first.leaf,
            Span::Happening(happening) => happening.told.leaf,
        };
        let (class, role) = (placed.sighting.class.code(), placed.sighting.role.code());
        let words = self.carried.get(placed.carried).map(|carried| {
            (&*carried.what, carried.carrier.path.as_deref(), carried.carrier.place.as_deref())
        });
        (class, role, first, words)
    }
}

/// Rows by their hosts, and where those of each host end.
fn by_host(rows: &[Row], hosts: usize) -> (Vec<usize>, Vec<usize>) {
    let mut places = vec![0_usize; hosts];
    for row in rows {
        if let Some(count) = places.get_mut(row.host) {
            *count += 1;
        }
    }
    let mut begin = 0;
    for place in &mut places {
        begin += std::mem::replace(place, begin);
    }
    let mut order = vec![0_usize; rows.len()];
    for (number, row) in rows.iter().enumerate() {
        if let Some(place) = places.get_mut(row.host) {
            if let Some(at) = order.get_mut(*place) {
                *at = number;
            }
            *place += 1;
        }
    }
    (order, places)
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
