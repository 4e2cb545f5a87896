//! Recording evidence that was verified.

use std::collections::HashMap;

use evidence::digest::{ChainId, Sha256Digest};
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::RecordError;
use super::event::{EventKind, event_row, evidence_event_row};
use super::index::{Came, IndexEntry, Place};
use super::intervals::Intervals;
use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{self, Batch, Connection, QueryBuilder};
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

/// What is known of a host and its chain before its next evidence is written.
struct Standing {
    silent: bool,
    enrolment: i64,
    /// Its open intervals, where they are needed.
    intervals: Option<Vec<u8>>,
    place: Option<Place>,
}

impl NewEvidence {
    /// Writes it as one step: what is needed is read first, and whatever is written is written together.
    pub(super) async fn apply(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<Leaf, RecordError> {
        let standing = self.standing(tx).await?;
        let mut batch = Batch::default();
        self.advance_chain(&mut batch, index);
        for blob in &self.blobs {
            batch.push(blob.insert());
        }
        let came = Came { seq: self.seq, received_ms: self.received_ms, digest: self.digest };
        let place = standing.place.as_ref();
        self.index.write((tx, &mut batch), (self.host_row, place), index, came).await?;
        self.insert(&mut batch, standing.enrolment, index);
        self.write_components((tx, &mut batch), standing.intervals.as_deref(), index).await?;
        if standing.silent {
            batch.push(event_row(
                Some(self.host_row),
                EventKind::Fresh,
                self.received_ms,
                None,
                "evidence came again",
            ));
        }
        batch.push(evidence_event_row(self.host_row, index));
        batch.run(tx).await.map_err(StoreError::from)?;
        Ok(Leaf::attestation(&Salt::from_bytes(self.salt), self.digest.as_bytes()))
    }

    /// Compares the head of the host's chain with what the evidence was verified against.
    async fn standing(&self, tx: &mut Connection<'_>) -> Result<Standing, RecordError> {
        const NO_ENROLMENT: StoreError = StoreError::Damaged { what: "a host's chain has no enrolment" };
        let changes = !self.added.is_empty() || !self.removed.is_empty();
        let row = sql::query(
            "SELECT h.silent <> 0 AS silent, n.id AS enrolment, CASE WHEN ? <> 0 THEN s.intervals END AS intervals,
               i.last_leaf, i.boot_leaf, i.profile_id, i.profile_leaf, i.facts,
               (SELECT count(*) FROM coverage_gap g WHERE g.host_id = h.id AND g.to_leaf IS NULL) AS gaps
             FROM host h JOIN host_state s ON s.host_id = h.id LEFT JOIN enrolment n ON n.chain = h.chain
             LEFT JOIN host_index i ON i.host_id = h.id
             WHERE h.id = ? AND h.chain = ? AND h.next_seq = ? AND h.prev = ? AND h.retired_ms IS NULL",
        )
        .bind(changes)
        .bind(self.host_row)
        .bind(self.chain.as_bytes().as_slice())
        .bind(to_i64(self.seq))
        .bind(self.prev.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(row) = row else {
            let known = unpack::find(tx, self.digest.as_bytes()).await?;
            return Err(if known.is_empty() { RecordError::Overtaken } else { RecordError::Replayed });
        };
        Ok(Standing {
            silent: row.try_get("silent")?,
            enrolment: row.try_get::<Option<i64>>("enrolment")?.ok_or(NO_ENROLMENT)?,
            intervals: row.try_get("intervals")?,
            place: Place::of(&row)?,
        })
    }

    /// Swaps the head of the host's chain.
    fn advance_chain(&self, batch: &mut Batch, index: LeafIndex) {
        let update = sql::query(
            "UPDATE host SET next_seq = ?, prev = ?, components = ?, agent_version = ?, last_received_ms = ?,
               last_status = ?, last_leaf = ?, silent = 0 WHERE id = ?",
        );
        let update = update
            .bind(to_i64(self.seq.saturating_add(1)))
            .bind(self.digest.as_bytes().as_slice())
            .bind(to_i64(self.components))
            .bind(&self.agent_version)
            .bind(to_i64(self.received_ms))
            .bind(self.status)
            .bind(to_i64(index.get()))
            .bind(self.host_row);
        batch.push_changing(update, 1);
    }

    fn insert(&self, batch: &mut Batch, enrolment: i64, index: LeafIndex) {
        let leaf = to_i64(index.get());
        let row = sql::query(
            "INSERT INTO attestation (leaf, enrolment_id, seq, received_ms, changes, status) VALUES (?, ?, ?, ?, ?, ?)",
        );
        let row = row
            .bind(leaf)
            .bind(enrolment)
            .bind(to_i64(self.seq))
            .bind(to_i64(self.received_ms))
            .bind(!self.added.is_empty() || !self.removed.is_empty())
            .bind(self.status);
        batch.push(row);
        let digest = sql::query("INSERT INTO attestation_digest (begins, leaf) VALUES (?, ?)");
        batch.push(digest.bind(unpack::begins(&self.digest).as_slice()).bind(leaf));
        let recent = sql::query("INSERT INTO attestation_recent (leaf, packed, keyframe) VALUES (?, ?, ?)");
        batch.push(recent.bind(leaf).bind(&self.packed.bytes).bind(self.packed.keyframe));
        if self.packed.keyframe.is_none() {
            let keyframe = sql::query("UPDATE host_state SET keyframe_leaf = ? WHERE host_id = ?");
            batch.push_changing(keyframe.bind(leaf).bind(self.host_row), 1);
        }
    }

    /// A heartbeat touches nothing of the history: only the state goes on.
    async fn write_components(
        &self,
        (tx, batch): (&mut Connection<'_>, &mut Batch),
        intervals: Option<&[u8]>,
        index: LeafIndex,
    ) -> Result<(), StoreError> {
        let Some(packed) = intervals else {
            let state = sql::query("UPDATE host_state SET state = ?, state_root = ? WHERE host_id = ?");
            let state = state.bind(&self.state).bind(self.state_root.as_bytes().as_slice());
            batch.push_changing(state.bind(self.host_row), 1);
            return Ok(());
        };
        let mut intervals = Intervals::decode(packed)?;
        let changes = (self.added.as_slice(), self.removed.as_slice());
        let wanted = change_components((tx, batch), self.host_row, changes, &mut intervals, index).await?;
        push_wanted(batch, &wanted);
        let state =
            sql::query("UPDATE host_state SET state = ?, state_root = ?, intervals = ? WHERE host_id = ?");
        let state = state.bind(&self.state).bind(self.state_root.as_bytes().as_slice());
        batch.push_changing(state.bind(intervals.encode()).bind(self.host_row), 1);
        Ok(())
    }
}

/// Closes the intervals of components that went and opens those of components that came. Gives those whose manifests are missing.
pub(super) async fn change_components(
    (tx, batch): (&mut Connection<'_>, &mut Batch),
    host: i64,
    (added, removed): (&[Sha256Digest], &[Sha256Digest]),
    intervals: &mut Intervals,
    index: LeafIndex,
) -> Result<Vec<i64>, StoreError> {
    const MISSING: StoreError = StoreError::Damaged { what: "a component that a host has is missing" };
    let both: Vec<&Sha256Digest> = added.iter().chain(removed).collect();
    let mut known = known_components(tx, &both).await?;
    let new: Vec<&Sha256Digest> = added.iter().filter(|digest| !known.contains_key(*digest)).collect();
    if !new.is_empty() {
        insert_components(tx, &new, index).await?;
        known.extend(known_components(tx, &new).await?);
    }
    let row = |digest: &Sha256Digest| known.get(digest).copied().ok_or(MISSING);
    let gone = removed.iter().map(|digest| Ok(row(digest)?.0)).collect::<Result<Vec<_>, StoreError>>()?;
    let came = added.iter().map(row).collect::<Result<Vec<_>, StoreError>>()?;
    intervals.close(batch, host, &gone, index)?;
    let ids: Vec<i64> = came.iter().map(|(id, _)| *id).collect();
    intervals.open(batch, host, &ids, index);
    Ok(came.into_iter().filter(|(_, manifest)| *manifest == Manifest::Missing).map(|(id, _)| id).collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manifest {
    Stored,
    Missing,
}

async fn insert_components(
    tx: &mut Connection<'_>,
    digests: &[&Sha256Digest],
    index: LeafIndex,
) -> Result<(), StoreError> {
    let first = to_i64(index.get());
    for rows in digests.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO component (digest, first_leaf) ");
        query.push_values(rows, |mut row, digest| {
            row.push_bind(digest.as_bytes().to_vec()).push_bind(first);
        });
        query.push(" ON CONFLICT (digest) DO NOTHING");
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// Rows of those components that are there.
async fn known_components(
    tx: &mut Connection<'_>,
    digests: &[&Sha256Digest],
) -> Result<HashMap<Sha256Digest, (i64, Manifest)>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a component's digest" };
    let mut found = HashMap::with_capacity(digests.len());
    for some in digests.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            QueryBuilder::new("SELECT digest, id, manifest IS NOT NULL FROM component WHERE digest IN (");
        let mut list = query.separated(", ");
        for digest in some {
            list.push_bind(digest.as_bytes().to_vec());
        }
        query.push(")");
        let rows: Vec<(Vec<u8>, i64, bool)> = query.build_query_as().fetch_all(&mut *tx).await?;
        for (digest, id, stored) in rows {
            let digest = Sha256Digest::from_slice(&digest).map_err(|_| DAMAGED)?;
            found.insert(digest, (id, if stored { Manifest::Stored } else { Manifest::Missing }));
        }
    }
    Ok(found)
}

fn push_wanted(batch: &mut Batch, components: &[i64]) {
    for rows in components.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO component_wanted (component_id) ");
        query.push_values(rows, |mut row, component| {
            row.push_bind(*component);
        });
        query.push(" ON CONFLICT (component_id) DO NOTHING");
        batch.push(query.build());
    }
}
