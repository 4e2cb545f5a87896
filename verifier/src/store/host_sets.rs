//! Which hosts ever had a component, or booted by a profile, in memory: a compressed bitmap for each that was asked about.
//!
//! In: components or profiles, and a reading transaction. Out: sets of hosts' rows as of that transaction, of which only what came since the set was last read
//! is read. Intervals begin at leaves that grow, and none is ever taken back, so a set only grows with the log; when hosts had a component it does
//! not tell. Components that are asked about seldom make room for others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use roaring::RoaringBitmap;

use super::packed_rows::{list, numbers};
use super::{StoreError, to_i64};
use crate::limits::HOST_SETS_BYTES;
use crate::sql::{self, Connection};

/// The sets that anybody has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct HostSets(Arc<Mutex<Kept>>);

/// What hosts have intervals of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    Components,
    Profiles,
}

impl Held {
    const fn statement(self) -> &'static str {
        match self {
            Self::Components => {
                "SELECT string_agg(CAST(component_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' ') FROM host_component
                 WHERE component_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) AND from_leaf >= ? AND from_leaf < ?"
            }
            Self::Profiles => {
                "SELECT string_agg(CAST(profile_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' ') FROM host_boot_profile
                 WHERE profile_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) AND from_leaf >= ? AND from_leaf < ?"
            }
        }
    }
}

#[derive(Debug, Default)]
struct Kept {
    sets: HashMap<(Held, i64), HostSet>,
    /// What they take together.
    bytes: usize,
    /// Counts questions.
    now: u64,
}

#[derive(Clone, Debug)]
struct HostSet {
    /// Every interval that began before this leaf is in it.
    through: i64,
    hosts: Arc<RoaringBitmap>,
    bytes: usize,
    asked: u64,
}

/// A row, the leaf through which its set was read, and the set.
type Before = (i64, i64, Arc<RoaringBitmap>);

impl HostSets {
    /// Hosts that had any of these before the log had this size.
    pub(crate) async fn of(
        &self,
        reading: &mut Connection<'_>,
        rows: (Held, &[i64]),
        size: u64,
    ) -> Result<RoaringBitmap, StoreError> {
        let each = self.each(reading, rows, size).await?;
        Ok(each.values().fold(RoaringBitmap::new(), |all, hosts| all | &**hosts))
    }

    /// The same of each.
    pub(crate) async fn each(
        &self,
        reading: &mut Connection<'_>,
        (held, rows): (Held, &[i64]),
        size: u64,
    ) -> Result<HashMap<i64, Arc<RoaringBitmap>>, StoreError> {
        let (size, mut all) = (to_i64(size), HashMap::with_capacity(rows.len()));
        // Those that nobody has asked about yet are read whole, of the others what came since.
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for row in rows {
            // Another question may have seen more of the log than this one is about.
            match self.kept((held, *row)).filter(|set| set.through <= size) {
                Some(set) if set.through == size => drop(all.insert(*row, set.hosts)),
                Some(set) => known.push((*row, set.through, set.hosts)),
                None => unknown.push((*row, 0, Arc::default())),
            }
        }
        known.sort_unstable_by_key(|(_, through, _)| *through);
        for some in known.chunks(SETS_AT_ONCE).chain(unknown.chunks(WHOLE_AT_ONCE)) {
            let hosts = self.read(reading, (held, some), size).await?;
            all.extend(some.iter().map(|(row, ..)| *row).zip(hosts));
        }
        Ok(all)
    }

    /// Reads what came since the first of these sets was read, and keeps them as of a size.
    async fn read(
        &self,
        reading: &mut Connection<'_>,
        (held, sets): (Held, &[Before]),
        size: i64,
    ) -> Result<Vec<Arc<RoaringBitmap>>, StoreError> {
        let since = sets.iter().map(|(_, through, _)| *through).min().unwrap_or_default();
        let rows: Vec<i64> = sets.iter().map(|(row, ..)| *row).collect();
        let query = sql::query(held.statement());
        let query = query.bind(list(&rows)).bind(since).bind(size);
        let mut new: HashMap<i64, Vec<i64>> = HashMap::new();
        for [row, host] in numbers(reading, query).await? {
            new.entry(row).or_default().push(host);
        }
        let mut read = Vec::with_capacity(sets.len());
        for (row, _, hosts) in sets {
            let hosts = match new.remove(row) {
                Some(new) => Arc::new(with(hosts, &new)?),
                None => Arc::clone(hosts),
            };
            self.keep((held, *row), size, &hosts);
            read.push(hosts);
        }
        Ok(read)
    }

    fn kept(&self, of: (Held, i64)) -> Option<HostSet> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.now += 1;
        let now = kept.now;
        let set = kept.sets.get_mut(&of)?;
        set.asked = now;
        Some(set.clone())
    }

    fn keep(&self, of: (Held, i64), through: i64, hosts: &Arc<RoaringBitmap>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.sets.get(&of).is_some_and(|known| known.through >= through) {
            return;
        }
        let (bytes, asked) = (hosts.serialized_size() + SET_BYTES, kept.now);
        let set = HostSet { through, hosts: Arc::clone(hosts), bytes, asked };
        let before = kept.sets.insert(of, set);
        kept.bytes = kept.bytes + bytes - before.map_or(0, |before| before.bytes);
        kept.make_room();
    }
}

impl Kept {
    /// Half of them go at once, those that were asked about longest ago: each is read again when it is asked about.
    fn make_room(&mut self) {
        if self.bytes <= HOST_SETS_BYTES {
            return;
        }
        let mut asked: Vec<u64> = self.sets.values().map(|set| set.asked).collect();
        asked.sort_unstable();
        let middle = asked.get(asked.len() / 2).copied().unwrap_or_default();
        self.sets.retain(|_, set| set.asked > middle);
        self.bytes = self.sets.values().map(|set| set.bytes).sum();
    }
}

fn with(hosts: &RoaringBitmap, new: &[i64]) -> Result<RoaringBitmap, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "the number of a host" };
    let mut rows =
        new.iter().map(|row| u32::try_from(*row)).collect::<Result<Vec<_>, _>>().map_err(|_| DAMAGED)?;
    rows.sort_unstable();
    rows.dedup();
    let new = RoaringBitmap::from_sorted_iter(rows).map_err(|_| DAMAGED)?;
    Ok(hosts | new)
}

/// Sets of which one statement reads what came since.
const SETS_AT_ONCE: usize = 64;
/// Those of which it reads everything, which may be some intervals of each of a hundred thousand hosts.
const WHOLE_AT_ONCE: usize = 8;
/// What a set takes beside its bits.
const SET_BYTES: usize = 128;

#[cfg(test)]
mod tests {
    use evidence::digest::Sha256Digest;

    use super::*;
    use crate::record::tests::{Bench, lived};
    use crate::store::{self, directory};

    /// Sets as of sizes of the log, in whichever order they are asked for.
    #[tokio::test]
    async fn a_set_has_every_host_that_had_it_before_a_size() {
        let bench = Bench::new().await;
        let [a, b] = [1_u8, 2].map(|byte| Sha256Digest::new([byte; 32]));
        let hosts = [(1, &[vec![], vec![a, b], vec![b]][..]), (2, &[vec![a], vec![]])];
        let sizes: Vec<u64> = lived(&bench, &hosts).await.into_iter().map(|leaf| leaf + 1).collect();
        let mut reading = bench.store.readers().acquire().await.unwrap();
        let row = |digest: Sha256Digest| {
            sql::query_scalar::<i64>("SELECT id FROM component WHERE digest = ?")
                .bind(digest.as_bytes().to_vec())
        };
        let (a, b) =
            (row(a).fetch_one(&mut reading).await.unwrap(), row(b).fetch_one(&mut reading).await.unwrap());
        let sets = HostSets::default();
        let mut of = async |components: &[i64], size| {
            let hosts = sets.of(&mut reading, (Held::Components, components), size).await.unwrap();
            hosts.iter().collect::<Vec<_>>()
        };
        assert!(of(&[a], sizes[0]).await.is_empty());
        assert_eq!(of(&[a], sizes[1]).await, [1]);
        assert_eq!(of(&[a, b], sizes[4]).await, [1, 2]);
        assert_eq!(of(&[b], sizes[4]).await, [1]);
        // One that was read of a larger log does not tell of a smaller one.
        assert_eq!(of(&[a], sizes[2]).await, [1]);
        assert_eq!(of(&[a], sizes[4]).await, [1, 2]);
        assert!(of(&[], sizes[4]).await.is_empty());
    }

    /// Whoever makes the index anew gives its rows other numbers.
    #[tokio::test]
    async fn sets_of_an_index_that_was_made_anew_are_forgotten() {
        let bench = Bench::new().await;
        let component = Sha256Digest::new([1; 32]);
        lived(&bench, &[(1, &[vec![component]])]).await;
        let had = async || {
            let (mut reading, directory) = directory::begin(&bench.store).await.unwrap();
            let rows = (Held::Components, &[1][..]);
            directory.sets().of(&mut reading, rows, directory.log_size()).await.unwrap().len()
        };
        assert_eq!(had().await, 1);
        let mut writing = store::open_existing(&bench.database()).await.unwrap();
        for statement in
            ["DELETE FROM host_component", "INSERT INTO index_state (id, extractor, made) VALUES (1, 3, 7)"]
        {
            assert_eq!(had().await, 1, "what is known is not read again");
            sql::query(statement).execute(&mut writing).await.unwrap();
        }
        assert_eq!(had().await, 0);
    }

    #[test]
    fn those_that_were_asked_about_longest_ago_go() {
        let sets = HostSets::default();
        let dense = Arc::new((0..400_000_u32).map(|row| row * 3).collect::<RoaringBitmap>());
        let fit = HOST_SETS_BYTES / dense.serialized_size();
        for component in 0..i64::try_from(fit + 2).unwrap() {
            sets.keep((Held::Components, component), 1, &dense);
            assert!(
                sets.kept((Held::Components, component)).is_some()
                    && sets.0.lock().unwrap().bytes <= HOST_SETS_BYTES
            );
        }
        assert!(sets.kept((Held::Components, 0)).is_none());
    }
}
