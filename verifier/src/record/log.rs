//! Appending to the log within a transaction.
//!
//! In: the head as it was, and leaves. Out: rows for the leaves, for every node that they complete, and a new signed
//! head that took the old one's place. The caller commits; until then the signature leaves this process nowhere.

use evidence::time::UnixTime;
use ledger::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use ledger::hash::Hash;
use ledger::leaf::Leaf;
use ledger::note::SignerKey;
use ledger::tree::{Frontier, LeafIndex, NodeId};
use sqlx::{QueryBuilder, Sqlite, SqliteConnection};

use crate::limits::ROWS_PER_STATEMENT;
use crate::store::log::Head;
use crate::store::{StoreError, to_i64};

/// The log with leaves that are not committed yet.
pub(super) struct Draft {
    frontier: Frontier,
    leaves: Vec<(LeafIndex, Leaf)>,
    nodes: Vec<(NodeId, Hash)>,
}

impl Draft {
    pub(super) fn after(head: &Head) -> Self {
        Self { frontier: head.frontier.clone(), leaves: Vec::new(), nodes: Vec::new() }
    }

    /// The index that the next leaf will have.
    pub(super) fn next_index(&self) -> Result<LeafIndex, StoreError> {
        self.frontier.size().next().map(|(index, _)| index).map_err(|_| TOO_LONG)
    }

    pub(super) fn push(&mut self, leaf: Leaf) -> Result<(), StoreError> {
        let index = self.next_index()?;
        self.nodes.extend(self.frontier.push(leaf.hash()).map_err(|_| TOO_LONG)?);
        self.leaves.push((index, leaf));
        Ok(())
    }

    /// Writes what was pushed and swaps the head; without leaves the head stays.
    pub(super) async fn finish(
        self,
        tx: &mut SqliteConnection,
        before: &Head,
        key: &SignerKey,
        now: UnixTime,
    ) -> Result<Head, StoreError> {
        if self.leaves.is_empty() {
            return Ok(before.clone());
        }
        insert_leaves(tx, &self.leaves).await?;
        insert_nodes(tx, &self.nodes).await?;
        let head = Head { checkpoint: sign(&self.frontier, key)?, frontier: self.frontier };
        let swapped =
            sqlx::query("UPDATE log_head SET size = ?, frontier = ?, note = ? WHERE id = 1 AND size = ?")
                .bind(to_i64(head.size().get()))
                .bind(head.frontier.to_bytes())
                .bind(head.checkpoint.note().as_str())
                .bind(to_i64(before.size().get()))
                .execute(&mut *tx)
                .await?;
        if swapped.rows_affected() != 1 {
            return Err(StoreError::Damaged { what: "somebody else has appended to the log" });
        }
        write_time(tx, &head, now).await?;
        Ok(head)
    }
}

/// Signs the head of the log without leaves, and stores it.
pub(super) async fn begin(connection: &mut SqliteConnection, key: &SignerKey) -> Result<Head, StoreError> {
    let frontier = Frontier::new();
    let head = Head { checkpoint: sign(&frontier, key)?, frontier };
    sqlx::query("INSERT INTO log_head (id, size, frontier, note) VALUES (1, 0, ?, ?)")
        .bind(head.frontier.to_bytes())
        .bind(head.checkpoint.note().as_str())
        .execute(connection)
        .await?;
    Ok(head)
}

const TOO_LONG: StoreError = StoreError::Damaged { what: "the log cannot grow any more" };

fn sign(frontier: &Frontier, key: &SignerKey) -> Result<SignedCheckpoint, StoreError> {
    const UNSIGNED: StoreError = StoreError::Damaged { what: "the log's head cannot be signed" };
    let origin = Origin::from(key.verifier_key().name());
    let checkpoint = Checkpoint::new(origin, frontier.size(), frontier.root()).map_err(|_| UNSIGNED)?;
    SignedCheckpoint::sign(checkpoint, key).map_err(|_| UNSIGNED)
}

async fn insert_leaves(tx: &mut SqliteConnection, leaves: &[(LeafIndex, Leaf)]) -> Result<(), StoreError> {
    for rows in leaves.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO log_leaf (idx, kind, entry) ");
        query.push_values(rows, |mut row, (index, leaf)| {
            row.push_bind(to_i64(index.get()))
                .push_bind(i64::from(leaf.kind().code()))
                .push_bind(leaf.to_bytes().to_vec());
        });
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}

async fn insert_nodes(tx: &mut SqliteConnection, nodes: &[(NodeId, Hash)]) -> Result<(), StoreError> {
    for rows in nodes.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::<Sqlite>::new("INSERT INTO log_node (level, idx, hash) ");
        query.push_values(rows, |mut row, (id, hash)| {
            row.push_bind(i64::from(id.level()))
                .push_bind(to_i64(id.index()))
                .push_bind(hash.as_bytes().to_vec());
        });
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}

/// When the log had this size: what evidence that names this checkpoint cannot be older than.
async fn write_time(tx: &mut SqliteConnection, head: &Head, now: UnixTime) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO log_time (size, at_ms) VALUES (?, ?)")
        .bind(to_i64(head.size().get()))
        .bind(to_i64(now.as_ms()))
        .execute(tx)
        .await?;
    Ok(())
}
