//! Recording evidence that was verified.

use std::collections::{HashMap, HashSet};

use evidence::digest::{ChainId, Sha256Digest};
use inquiry::profile::Reading;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::components::{Changes, Components};
use super::event::{EventKind, add_event, add_evidence_event};
use super::index::{Came, IndexEntry, Place};
use super::intervals::{History, Intervals};
use super::{RecordError, leaf_at};
use crate::limits::{EVIDENCE_TOGETHER, ROWS_PER_STATEMENT};
use crate::sql::{Batch, Connection, QueryBuilder, Rows};
use crate::store::blob::Blob;
use crate::store::packed::Packed;
use crate::store::unpack;
use crate::store::{StoreError, to_i64};

/// Verified and appraised evidence, ready to be written.
#[derive(Clone, Debug)]
pub(crate) struct NewEvidence {
    pub(crate) host_row: i64,
    pub(crate) chain: ChainId,
    pub(crate) seq: u64,
    pub(crate) prev: Sha256Digest,
    pub(crate) digest: Sha256Digest,
    pub(crate) salt: [u8; 32],
    pub(crate) received_ms: u64,
    pub(crate) packed: Packed,
    /// Contents that the packed parts name.
    pub(crate) blobs: Vec<Blob>,
    pub(crate) added: Vec<Sha256Digest>,
    pub(crate) removed: Vec<Sha256Digest>,
    /// What the next evidence is verified against.
    pub(crate) state: Vec<u8>,
    /// The Merkle root over the components after it.
    pub(crate) state_root: Sha256Digest,
    pub(crate) components: u64,
    pub(crate) agent_version: String,
    pub(crate) status: i64,
    pub(crate) index: IndexEntry,
}

/// Values of a row, beside what they point to.
const ROW_BYTES: usize = 256;

/// What is known of a host and its chain before its next evidence is written.
struct Standing {
    silent: bool,
    enrolment: i64,
    /// Its open intervals, where they are needed.
    intervals: Option<Vec<u8>>,
    place: Option<Place>,
}

/// Pieces of evidence, each of another host, that are written together.
#[derive(Clone, Debug)]
pub(super) struct Together<'a> {
    pieces: Vec<&'a NewEvidence>,
    hosts: HashSet<i64>,
    bytes: usize,
}

impl<'a> Together<'a> {
    /// One to begin with.
    pub(super) fn of(new: &'a NewEvidence) -> Self {
        Self { pieces: vec![new], hosts: HashSet::from([new.host_row]), bytes: new.bytes() }
    }

    /// Takes one more, unless it must wait for one of these or they are too large together.
    pub(super) fn take(&mut self, new: &'a NewEvidence) -> bool {
        let bytes = self.bytes.saturating_add(new.bytes());
        if bytes > EVIDENCE_TOGETHER || !self.hosts.insert(new.host_row) {
            return false;
        }
        self.bytes = bytes;
        self.pieces.push(new);
        true
    }

    pub(super) fn pieces(&self) -> &[&'a NewEvidence] {
        &self.pieces
    }

    /// Writes them as one step: what is needed is read first, and whatever is written is written together. The first leaf is at `first`, those
    /// of others follow it; what cannot be recorded has none.
    pub(super) async fn apply(
        &self,
        tx: &mut Connection<'_>,
        first: LeafIndex,
    ) -> Result<Vec<Result<(LeafIndex, Leaf), RecordError>>, RecordError> {
        let mut standings = standings(tx, &self.pieces).await?;
        let (mut outcomes, mut standing) = (Vec::with_capacity(self.pieces.len()), Vec::new());
        let mut index = first;
        for new in &self.pieces {
            let Some(found) = standings.remove(&new.host_row) else {
                outcomes.push(Err(new.refused(tx).await?));
                continue;
            };
            outcomes.push(Ok((index, Leaf::attestation(&Salt::from_bytes(new.salt), new.digest.as_bytes()))));
            standing.push((*new, found, index));
            index = leaf_at(index.get().saturating_add(1))?;
        }
        let changed: Vec<_> = standing.iter().map(|(new, _, index)| (new.changes(), *index)).collect();
        let components = Components::named(tx, &changed).await?;
        let (mut batch, mut history) = (Batch::default(), History::default());
        for (new, standing, index) in &standing {
            new.write((tx, &mut batch), (&components, &mut history), standing, *index).await?;
        }
        history.write(&mut batch);
        components.want(&mut batch, &changed);
        batch.run(tx).await.map_err(StoreError::from)?;
        Ok(outcomes)
    }
}

impl NewEvidence {
    /// About what its rows take in memory.
    fn bytes(&self) -> usize {
        let blobs: usize = self.blobs.iter().map(Blob::stored_bytes).sum();
        let Reading { executions, ran, keys, troubles, .. } = &self.index.reading;
        let paths: usize = executions.iter().map(|run| run.path.len()).sum();
        let rows =
            [self.added.len(), self.removed.len(), executions.len(), ran.len(), keys.len(), troubles.len()];
        let rows: usize = rows.iter().sum();
        self.packed.bytes.len() + self.state.len() + blobs + paths + ROW_BYTES * rows
    }

    fn changes(&self) -> Changes<'_> {
        Changes { added: &self.added, removed: &self.removed }
    }

    async fn write(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        (components, history): (&Components, &mut History),
        standing: &Standing,
        index: LeafIndex,
    ) -> Result<(), StoreError> {
        self.advance_chain(batch, index);
        for blob in &self.blobs {
            blob.add_to(batch);
        }
        let came = Came { seq: self.seq, received_ms: self.received_ms, digest: self.digest };
        let place = standing.place.as_ref();
        self.index.write((tx, batch), (self.host_row, place), index, came).await?;
        self.insert(batch, standing.enrolment, index);
        self.write_components(batch, (components, history), standing.intervals.as_deref(), index)?;
        if standing.silent {
            add_event(batch, (self.host_row, EventKind::Fresh), self.received_ms, "evidence came again");
        }
        add_evidence_event(batch, self.host_row, index);
        Ok(())
    }

    /// Why it cannot be recorded.
    async fn refused(&self, tx: &mut Connection<'_>) -> Result<RecordError, StoreError> {
        let known = unpack::find(tx, self.digest.as_bytes()).await?;
        Ok(if known.is_empty() { RecordError::Overtaken } else { RecordError::Replayed })
    }

    /// Swaps the head of the host's chain.
    fn advance_chain(&self, batch: &mut Batch, index: LeafIndex) {
        static HEADS: Rows = Rows {
            before: "WITH head (host, next_seq, prev, components, agent_version, received_ms, status, leaf) AS (",
            after: ") UPDATE host SET next_seq = head.next_seq, prev = head.prev, components = head.components,
               agent_version = head.agent_version, last_received_ms = head.received_ms, last_status = head.status,
               last_leaf = head.leaf, silent = 0 FROM head WHERE host.id = head.host",
            changes_each: true,
        };
        let head = [
            self.host_row.into(),
            to_i64(self.seq.saturating_add(1)).into(),
            self.digest.as_bytes().as_slice().into(),
            to_i64(self.components).into(),
            (&self.agent_version).into(),
            to_i64(self.received_ms).into(),
            self.status.into(),
            to_i64(index.get()).into(),
        ];
        batch.row(&HEADS, head);
    }

    fn insert(&self, batch: &mut Batch, enrolment: i64, index: LeafIndex) {
        static PIECES: Rows = Rows::inserted(
            "INSERT INTO attestation (leaf, enrolment_id, seq, received_ms, changes, status) ",
        );
        static DIGESTS: Rows = Rows::inserted("INSERT INTO attestation_digest (begins, leaf) ");
        static RECENT: Rows = Rows::inserted("INSERT INTO attestation_recent (leaf, packed, keyframe) ");
        static KEYFRAMES: Rows = Rows {
            before: "WITH new (host, leaf) AS (",
            after: ") UPDATE host_state SET keyframe_leaf = new.leaf FROM new WHERE host_state.host_id = new.host",
            changes_each: true,
        };
        let leaf = to_i64(index.get());
        let changes = !self.added.is_empty() || !self.removed.is_empty();
        let piece = [
            leaf.into(),
            enrolment.into(),
            to_i64(self.seq).into(),
            to_i64(self.received_ms).into(),
            changes.into(),
            self.status.into(),
        ];
        batch.row(&PIECES, piece);
        batch.row(&DIGESTS, [unpack::begins(&self.digest).as_slice().into(), leaf.into()]);
        batch.row(&RECENT, [leaf.into(), (&self.packed.bytes).into(), self.packed.keyframe.into()]);
        if self.packed.keyframe.is_none() {
            batch.row(&KEYFRAMES, [self.host_row.into(), leaf.into()]);
        }
    }

    /// A heartbeat touches nothing of the history: only the state goes on.
    fn write_components(
        &self,
        batch: &mut Batch,
        (components, history): (&Components, &mut History),
        intervals: Option<&[u8]>,
        index: LeafIndex,
    ) -> Result<(), StoreError> {
        static STATES: Rows = Rows {
            before: "WITH new (host, state, root) AS (",
            after: ") UPDATE host_state SET state = new.state, state_root = new.root FROM new WHERE host_state.host_id = new.host",
            changes_each: true,
        };
        static CHANGED: Rows = Rows {
            before: "WITH new (host, state, root, intervals) AS (",
            after:
                ") UPDATE host_state SET state = new.state, state_root = new.root, intervals = new.intervals
               FROM new WHERE host_state.host_id = new.host",
            changes_each: true,
        };
        let (host, state) = (self.host_row.into(), (&self.state).into());
        let root = self.state_root.as_bytes().as_slice().into();
        let Some(packed) = intervals else {
            batch.row(&STATES, [host, state, root]);
            return Ok(());
        };
        let mut intervals = Intervals::decode(packed)?;
        components.change(history, self.host_row, self.changes(), &mut intervals, index)?;
        batch.row(&CHANGED, [host, state, root, intervals.encode().into()]);
        Ok(())
    }
}

/// Compares the heads of hosts' chains with what evidence was verified against: those that fit.
async fn standings(
    tx: &mut Connection<'_>,
    pieces: &[&NewEvidence],
) -> Result<HashMap<i64, Standing>, StoreError> {
    const NO_ENROLMENT: StoreError = StoreError::Damaged { what: "a host's chain has no enrolment" };
    let mut standings = HashMap::with_capacity(pieces.len());
    for some in pieces.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("WITH head (host, chain, seq, prev, changes) AS (");
        query.push_values(some, |mut row, new| {
            row.push_bind(new.host_row)
                .push_bind(new.chain.as_bytes().as_slice())
                .push_bind(to_i64(new.seq))
                .push_bind(new.prev.as_bytes().as_slice())
                .push_bind(!new.added.is_empty() || !new.removed.is_empty());
        });
        query.push(
            ") SELECT h.id, h.silent <> 0 AS silent, n.id AS enrolment, CASE WHEN head.changes <> 0 THEN s.intervals END AS intervals,
               i.last_leaf, i.boot_leaf, i.profile_id, i.profile_leaf, i.facts,
               (SELECT count(*) FROM coverage_gap g WHERE g.host_id = h.id AND g.to_leaf IS NULL) AS gaps
             FROM head CROSS JOIN host h JOIN host_state s ON s.host_id = h.id LEFT JOIN enrolment n ON n.chain = h.chain
             LEFT JOIN host_index i ON i.host_id = h.id
             WHERE h.id = head.host AND h.chain = head.chain AND h.next_seq = head.seq AND h.prev = head.prev AND h.retired_ms IS NULL",
        );
        for row in query.build().fetch_all(&mut *tx).await? {
            let standing = Standing {
                silent: row.try_get("silent")?,
                enrolment: row.try_get::<Option<i64>>("enrolment")?.ok_or(NO_ENROLMENT)?,
                intervals: row.try_get("intervals")?,
                place: Place::of(&row)?,
            };
            standings.insert(row.try_get("id")?, standing);
        }
    }
    Ok(standings)
}
