//! Recording evidence that was verified.

use evidence::digest::{ChainId, Sha256Digest};
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::RecordError;
use super::event::{EventKind, insert_event, insert_evidence_event};
use super::index::{Came, IndexEntry};
use super::intervals::Intervals;
use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{self, Connection, QueryBuilder};
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

impl NewEvidence {
    pub(super) async fn apply(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<Leaf, RecordError> {
        let was_silent = self.advance_chain(tx, index).await?;
        for blob in &self.blobs {
            blob.insert(tx).await?;
        }
        let came = Came { seq: self.seq, received_ms: self.received_ms, digest: self.digest };
        self.index.apply(tx, self.host_row, index, came).await?;
        self.insert(tx, index).await?;
        self.write_components(tx, index).await?;
        let host = Some(self.host_row);
        if was_silent {
            insert_event(tx, host, EventKind::Fresh, self.received_ms, None, "evidence came again").await?;
        }
        insert_evidence_event(tx, self.host_row, index).await?;
        Ok(Leaf::attestation(&Salt::from_bytes(self.salt), self.digest.as_bytes()))
    }

    /// Compares the head of the host's chain with what the evidence was verified against, and swaps it.
    async fn advance_chain(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<bool, RecordError> {
        let silent: Option<bool> = sql::query_scalar(
            "SELECT silent <> 0 FROM host WHERE id = ? AND chain = ? AND next_seq = ? AND prev = ?
               AND retired_ms IS NULL",
        )
        .bind(self.host_row)
        .bind(self.chain.as_bytes().as_slice())
        .bind(to_i64(self.seq))
        .bind(self.prev.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(silent) = silent else {
            let known = unpack::find(tx, self.digest.as_bytes()).await?;
            return Err(if known.is_empty() { RecordError::Overtaken } else { RecordError::Replayed });
        };
        sql::query(
            "UPDATE host SET next_seq = ?, prev = ?, components = ?, agent_version = ?, last_received_ms = ?,
               last_status = ?, last_leaf = ?, silent = 0 WHERE id = ?",
        )
        .bind(to_i64(self.seq.saturating_add(1)))
        .bind(self.digest.as_bytes().as_slice())
        .bind(to_i64(self.components))
        .bind(&self.agent_version)
        .bind(to_i64(self.received_ms))
        .bind(self.status)
        .bind(to_i64(index.get()))
        .bind(self.host_row)
        .execute(tx)
        .await?;
        Ok(silent)
    }

    async fn insert(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<(), StoreError> {
        let leaf = to_i64(index.get());
        let row = sql::query(
            "INSERT INTO attestation (leaf, enrolment_id, seq, received_ms, changes, status)
             SELECT ?, id, ?, ?, ?, ? FROM enrolment WHERE chain = ?",
        )
        .bind(leaf)
        .bind(to_i64(self.seq))
        .bind(to_i64(self.received_ms))
        .bind(i64::from(!self.added.is_empty() || !self.removed.is_empty()))
        .bind(self.status)
        .bind(self.chain.as_bytes().as_slice())
        .execute(&mut *tx)
        .await?;
        if row.rows_affected() != 1 {
            return Err(StoreError::Damaged { what: "a host's chain has no enrolment" });
        }
        sql::query("INSERT INTO attestation_digest (begins, leaf) VALUES (?, ?)")
            .bind(unpack::begins(&self.digest).as_slice())
            .bind(leaf)
            .execute(&mut *tx)
            .await?;
        sql::query("INSERT INTO attestation_recent (leaf, packed, keyframe) VALUES (?, ?, ?)")
            .bind(leaf)
            .bind(&self.packed.bytes)
            .bind(self.packed.keyframe)
            .execute(&mut *tx)
            .await?;
        if self.packed.keyframe.is_none() {
            sql::query("UPDATE host_state SET keyframe_leaf = ? WHERE host_id = ?")
                .bind(leaf)
                .bind(self.host_row)
                .execute(tx)
                .await?;
        }
        Ok(())
    }

    /// A heartbeat touches nothing of the history: only the state goes on.
    async fn write_components(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<(), StoreError> {
        if self.added.is_empty() && self.removed.is_empty() {
            sql::query("UPDATE host_state SET state = ?, state_root = ? WHERE host_id = ?")
                .bind(&self.state)
                .bind(self.state_root.as_bytes().as_slice())
                .bind(self.host_row)
                .execute(tx)
                .await?;
            return Ok(());
        }
        let packed: Vec<u8> = sql::query_scalar("SELECT intervals FROM host_state WHERE host_id = ?")
            .bind(self.host_row)
            .fetch_one(&mut *tx)
            .await?;
        let mut intervals = Intervals::decode(&packed)?;
        let changes = (self.added.as_slice(), self.removed.as_slice());
        let wanted = change_components(tx, self.host_row, changes, &mut intervals, index).await?;
        insert_wanted(tx, &wanted).await?;
        sql::query("UPDATE host_state SET state = ?, state_root = ?, intervals = ? WHERE host_id = ?")
            .bind(&self.state)
            .bind(self.state_root.as_bytes().as_slice())
            .bind(intervals.encode())
            .bind(self.host_row)
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Closes the intervals of components that went and opens those of components that came. Gives those whose manifests are missing.
pub(super) async fn change_components(
    tx: &mut Connection<'_>,
    host: i64,
    (added, removed): (&[Sha256Digest], &[Sha256Digest]),
    intervals: &mut Intervals,
    index: LeafIndex,
) -> Result<Vec<i64>, StoreError> {
    let gone: Vec<i64> = known_components(tx, removed).await?.into_iter().map(|(id, _)| id).collect();
    intervals.close(tx, host, &gone, index).await?;
    insert_components(tx, added, index).await?;
    let came = known_components(tx, added).await?;
    let ids: Vec<i64> = came.iter().map(|(id, _)| *id).collect();
    intervals.open(tx, host, &ids, index).await?;
    Ok(came.into_iter().filter(|(_, manifest)| *manifest == Manifest::Missing).map(|(id, _)| id).collect())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manifest {
    Stored,
    Missing,
}

async fn insert_components(
    tx: &mut Connection<'_>,
    digests: &[Sha256Digest],
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

/// Rows of components that are all there.
async fn known_components(
    tx: &mut Connection<'_>,
    digests: &[Sha256Digest],
) -> Result<Vec<(i64, Manifest)>, StoreError> {
    let mut found = Vec::with_capacity(digests.len());
    for some in digests.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("SELECT id, manifest IS NOT NULL FROM component WHERE digest IN (");
        let mut list = query.separated(", ");
        for digest in some {
            list.push_bind(digest.as_bytes().to_vec());
        }
        query.push(")");
        let rows: Vec<(i64, bool)> = query.build_query_as().fetch_all(&mut *tx).await?;
        found.extend(
            rows.into_iter()
                .map(|(id, stored)| (id, if stored { Manifest::Stored } else { Manifest::Missing })),
        );
    }
    if found.len() == digests.len() {
        Ok(found)
    } else {
        Err(StoreError::Damaged { what: "a component that a host has is missing" })
    }
}

async fn insert_wanted(tx: &mut Connection<'_>, components: &[i64]) -> Result<(), StoreError> {
    for rows in components.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO component_wanted (component_id) ");
        query.push_values(rows, |mut row, component| {
            row.push_bind(*component);
        });
        query.push(" ON CONFLICT (component_id) DO NOTHING");
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}
