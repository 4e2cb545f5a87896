//! Every host with what was heard of it and what could not be seen, in memory: a question is about all of them.
//!
//! In: a reading transaction, and the directory of an earlier one. Out: the directory as of that transaction, of which only what has
//! changed since was read. Rows change with leaves: hosts by their newest evidence, gaps by the leaf that opened or closed them; only
//! enrolments and retirements change more, and then all is read.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use evidence::time::UnixTime;
use inquiry::moment::Moment;
use inquiry::role::Source;

use super::host_sets::HostSets;
use super::packed_rows::{numbers, present};
use super::{StoreError, to_u64};
use crate::sql::{self, Connection, Transaction};

/// The newest directory that anybody has read.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directories(Arc<Mutex<Arc<Directory>>>);

impl Directories {
    /// The newest one.
    pub(crate) fn newest(&self) -> Arc<Directory> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Keeps one that is newer.
    fn keep(&self, directory: &Arc<Directory>) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if directory.heads.size >= newest.heads.size {
            *newest = Arc::clone(directory);
        }
    }
}

/// Hosts, by name and identity.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    hosts: Vec<HostEntry>,
    by_row: HashMap<i64, usize>,
    /// Which hosts ever had components that were asked about.
    sets: HostSets,
    heads: Heads,
    /// The newest gap.
    gap: i64,
    /// Which hosts have gaps.
    gapped: BTreeSet<usize>,
    /// Leaves by which a host's chain ended: of enrolments but the first, and of retirements.
    breaks: Arc<HashSet<i64>>,
}

/// What tells whether anything has changed since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Heads {
    /// The log's size at the time.
    size: i64,
    enrolments: i64,
    retirements: i64,
    /// The newest change of a label.
    labels: i64,
    /// How often the index was made: numbers of its rows are of one of them.
    made: i64,
}

impl Heads {
    async fn read(reading: &mut Connection<'_>) -> Result<Self, StoreError> {
        let row = sql::query(
            "SELECT (SELECT size FROM log_head WHERE id = 1), (SELECT coalesce(max(id), 0) FROM enrolment),
               (SELECT count(*) FROM retirement), (SELECT coalesce(max(change), 0) FROM host_label),
               (SELECT coalesce(max(made), 0) FROM index_state)",
        )
        .fetch_one(reading)
        .await?;
        Ok(Self {
            size: row.try_get(0)?,
            enrolments: row.try_get(1)?,
            retirements: row.try_get(2)?,
            labels: row.try_get(3)?,
            made: row.try_get(4)?,
        })
    }
}

/// A host.
#[derive(Clone, Debug)]
pub(crate) struct HostEntry {
    pub(crate) row: i64,
    pub(crate) card: Arc<Card>,
    /// Its first and its newest quote.
    pub(crate) quotes: Option<(Moment, Moment)>,
    /// No evidence of it, and none before such, names a checkpoint that is smaller than its leaf by more than this.
    reach: i64,
    pub(crate) heard: Option<UnixTime>,
    /// The same as it is shown.
    pub(crate) heard_text: Option<Arc<str>>,
    pub(crate) retired: bool,
    /// Shared between one directory and the next, where nothing has changed.
    pub(crate) gaps: Arc<Vec<GapEntry>>,
}

/// What people call a host.
#[derive(Clone, Debug)]
pub(crate) struct Card {
    /// Identity in hex.
    pub(crate) id: Arc<str>,
    pub(crate) name: Arc<str>,
    /// What operators call it, by key.
    pub(crate) labels: BTreeMap<String, String>,
}

/// A time for which a source was not seen.
#[derive(Clone, Debug)]
pub(crate) struct GapEntry {
    row: i64,
    pub(crate) source: Source,
    pub(crate) cause: Arc<str>,
    pub(crate) scope: Arc<str>,
    pub(crate) from_leaf: Option<i64>,
    pub(crate) to_leaf: Option<i64>,
}

impl HostEntry {
    /// At the latest as far back as that, the evidence with this leaf was quoted.
    pub(crate) fn at(&self, leaf: i64) -> Moment {
        Moment { after: to_u64(leaf.saturating_sub(self.reach)), leaf: to_u64(leaf) }
    }

    /// The same of the evidence before the one with this leaf.
    pub(crate) fn before(&self, leaf: i64) -> Moment {
        Moment { leaf: to_u64(leaf.saturating_sub(1)), ..self.at(leaf) }
    }
}

#[cfg(test)]
impl HostEntry {
    /// One of which no more is known than when it was quoted.
    pub(crate) fn made((first, last): (Moment, Moment), reach: i64) -> Self {
        let card = Card { id: "00".into(), name: "made".into(), labels: BTreeMap::new() };
        let quotes = Some((first, last));
        let (heard, heard_text, retired, gaps) = (None, None, false, Arc::default());
        Self { row: 1, card: Arc::new(card), quotes, reach, heard, heard_text, retired, gaps }
    }
}

impl Directory {
    /// Hosts by name, then identity.
    pub(crate) fn hosts(&self) -> &[HostEntry] {
        &self.hosts
    }

    /// The host of a row.
    pub(crate) fn of(&self, row: i64) -> Option<&HostEntry> {
        self.hosts.get(self.place(row)?)
    }

    /// Which of [`Self::hosts`] is that of a row.
    pub(crate) fn place(&self, row: i64) -> Option<usize> {
        self.by_row.get(&row).copied()
    }

    /// Which hosts ever had a component.
    pub(crate) const fn sets(&self) -> &HostSets {
        &self.sets
    }

    /// Hosts with gaps, and which of [`Self::hosts`] they are.
    pub(crate) fn with_gaps(&self) -> impl Iterator<Item = (usize, &HostEntry)> {
        self.gapped.iter().filter_map(|place| Some((*place, self.hosts.get(*place)?)))
    }

    /// Whether a host's chain ended with this leaf.
    pub(crate) fn is_break(&self, leaf: i64) -> bool {
        self.breaks.contains(&leaf)
    }

    /// The log's size as of this directory.
    pub(crate) fn log_size(&self) -> u64 {
        to_u64(self.heads.size)
    }

    /// The directory as of a transaction that was begun after `earlier` was the newest one.
    async fn read(
        reading: &mut Connection<'_>,
        directories: &Directories,
        earlier: Arc<Self>,
        heads: Heads,
    ) -> Result<Arc<Self>, StoreError> {
        let is_known = earlier.heads.size > 0;
        if earlier.heads == heads && is_known {
            return Ok(earlier);
        }
        let same_hosts = Heads { size: heads.size, ..earlier.heads } == heads;
        let mut directory =
            if same_hosts && is_known { (*earlier).clone() } else { Self::whole(reading).await? };
        if earlier.heads.made == heads.made {
            directory.sets = earlier.sets.clone();
        }
        let since = directory.heads.size;
        directory.quotes(reading, since).await?;
        directory.gaps(reading, since).await?;
        directory.heads = heads;
        let directory = Arc::new(directory);
        directories.keep(&directory);
        Ok(directory)
    }

    /// Every host, with nothing heard of any.
    async fn whole(reading: &mut Connection<'_>) -> Result<Self, StoreError> {
        let labels: Vec<(i64, String, String)> =
            sql::query_as("SELECT host_id, key, value FROM host_label WHERE value IS NOT NULL")
                .fetch_all(&mut *reading)
                .await?;
        let mut labels_of: HashMap<i64, BTreeMap<String, String>> = HashMap::new();
        for (host, key, value) in labels {
            labels_of.entry(host).or_default().insert(key, value);
        }
        let rows = sql::query("SELECT id, identity, name, retired_ms FROM host ORDER BY name, identity")
            .fetch_all(&mut *reading)
            .await?;
        let breaks: Vec<i64> = sql::query_scalar(
            "SELECT leaf FROM enrolment e WHERE EXISTS (SELECT 1 FROM enrolment b WHERE b.host_id = e.host_id AND b.leaf < e.leaf)
             UNION ALL SELECT leaf FROM retirement",
        )
        .fetch_all(reading)
        .await?;
        let breaks = Arc::new(breaks.into_iter().collect());
        let mut directory = Self { breaks, ..Self::default() };
        for row in rows {
            let row_id = row.try_get(0)?;
            let labels = labels_of.remove(&row_id).unwrap_or_default();
            let card = Card { id: hex::encode(row.bytes(1)?).into(), name: row.text(2)?.into(), labels };
            directory.by_row.insert(row_id, directory.hosts.len());
            directory.hosts.push(HostEntry {
                row: row_id,
                card: Arc::new(card),
                quotes: None,
                reach: 0,
                heard: None,
                heard_text: None,
                retired: row.try_get::<Option<i64>>(3)?.is_some(),
                gaps: Arc::default(),
            });
        }
        Ok(directory)
    }

    /// What was heard since the log had a size.
    async fn quotes(&mut self, reading: &mut Connection<'_>, since: i64) -> Result<(), StoreError> {
        let query = sql::query(
            "SELECT string_agg(CAST(i.host_id AS TEXT), ' '), string_agg(CAST(i.first_leaf AS TEXT), ' '),
               string_agg(CAST(i.first_named AS TEXT), ' '), string_agg(CAST(i.last_leaf AS TEXT), ' '),
               string_agg(CAST(i.last_named AS TEXT), ' '), string_agg(CAST(i.reach AS TEXT), ' '),
               string_agg(CAST(coalesce((SELECT received_ms FROM moment WHERE leaf = i.last_leaf), 0) AS TEXT), ' ')
             FROM host_index i WHERE i.last_leaf >= ?",
        );
        let moment = |leaf, named| Moment { after: to_u64(named), leaf: to_u64(leaf) };
        for [host, first, first_named, last, last_named, reach, heard] in
            numbers(reading, query.bind(since)).await?
        {
            let Some(host) = self.place(host).and_then(|place| self.hosts.get_mut(place)) else { continue };
            host.quotes = Some((moment(first, first_named), moment(last, last_named)));
            host.reach = reach;
            let heard = UnixTime::from_ms(to_u64(heard));
            (host.heard, host.heard_text) = (Some(heard), Some(heard.to_string().into()));
        }
        Ok(())
    }

    /// Gaps that were opened or closed since the log had a size.
    async fn gaps(&mut self, reading: &mut Connection<'_>, since: i64) -> Result<(), StoreError> {
        let query = sql::query(
            "SELECT string_agg(CAST(host_id AS TEXT), ' '), string_agg(CAST(id AS TEXT), ' '), string_agg(CAST(to_leaf AS TEXT), ' ')
             FROM coverage_gap WHERE to_leaf >= ? AND id <= ?",
        );
        for [host, gap, to] in numbers(reading, query.bind(since).bind(self.gap)).await? {
            let host = self.place(host).and_then(|place| self.hosts.get_mut(place));
            let Some(host) = host else { continue };
            if let Some(gap) = Arc::make_mut(&mut host.gaps).iter_mut().find(|known| known.row == gap) {
                gap.to_leaf = Some(to);
            }
        }
        let query = sql::query(
            "SELECT id, host_id, source, cause, scope, coalesce(from_leaf, -1), coalesce(to_leaf, -1) FROM coverage_gap
             WHERE id > ? ORDER BY id",
        );
        let mut words: BTreeMap<String, Arc<str>> = BTreeMap::new();
        let mut word =
            |text: String| Arc::clone(words.entry(text).or_insert_with_key(|text| Arc::from(text.as_str())));
        for row in query.bind(self.gap).fetch_all(reading).await? {
            let (id, host, source): (i64, i64, i64) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
            let source = u8::try_from(source).ok().and_then(Source::from_code);
            let gap = GapEntry {
                row: id,
                source: source.ok_or(StoreError::Damaged { what: "a source in the index" })?,
                cause: word(row.try_get(3)?),
                scope: word(row.try_get(4)?),
                from_leaf: present(row.try_get(5)?),
                to_leaf: present(row.try_get(6)?),
            };
            self.gap = self.gap.max(id);
            let Some(place) = self.place(host) else { continue };
            if let Some(host) = self.hosts.get_mut(place) {
                Arc::make_mut(&mut host.gaps).push(gap);
                self.gapped.insert(place);
            }
        }
        Ok(())
    }
}

/// A transaction that reads, and the directory as of its moment.
pub(crate) async fn begin(
    store: &super::Store,
) -> Result<(Transaction<'static>, Arc<Directory>), StoreError> {
    loop {
        // Whoever was quicker may have kept a newer one than this transaction sees.
        let earlier = store.directories().newest();
        let mut reading = store.readers().begin_read().await?;
        let heads = Heads::read(&mut reading).await?;
        if heads.size >= earlier.heads.size {
            let directory = Directory::read(&mut reading, store.directories(), earlier, heads).await?;
            return Ok((reading, directory));
        }
    }
}
