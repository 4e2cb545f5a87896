//! The database's part of the log: the signed head, the entries since the last full bundle, and when it had which size.
//!
//! The rest lies in files (`crate::log`). A head is believed only when its signature is the log's; that files and entries
//! lead to its root is established by the sequencer when it opens them.

use evidence::body::CheckpointView;
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::note::VerifierKey;
use ledger::proof::{ConsistencyProof, InclusionProof};
use ledger::tree::{LeafIndex, LogSize};

use super::{Store, StoreError, to_i64, to_u64};
pub(crate) use crate::log::sequence::{Committed, Head};
use crate::sql::{self, Connection};

/// Whose the log is before it is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taking {
    /// Anybody's who has ended: this process starts.
    Start,
    /// Ours, with this fencing token: another one means that somebody else has started meanwhile.
    Again(i64),
}

/// Raises the fencing token and reads what the database holds of the log. `None` where the log was never begun.
pub(crate) async fn take_over(
    connection: &mut Connection<'_>,
    key: &VerifierKey,
    taking: Taking,
) -> Result<Option<(Committed, i64)>, HeadError> {
    let own = match taking {
        Taking::Start => None,
        Taking::Again(epoch) => Some(epoch),
    };
    // One transaction: behind one whose end nobody has heard of, it waits for that.
    let mut tx = connection.begin_write().await?;
    let epoch: Option<i64> = sql::query_scalar(
        "UPDATE log_head SET epoch = epoch + 1 WHERE id = 1 AND epoch = coalesce(?, epoch) RETURNING epoch",
    )
    .bind(own)
    .fetch_optional(&mut *tx)
    .await?;
    if epoch.is_none() && own.is_some() {
        return Err(StoreError::Fenced.into());
    }
    let rows: Vec<(i64, Vec<u8>)> =
        sql::query_as("SELECT idx, entry FROM log_pending ORDER BY idx").fetch_all(&mut *tx).await?;
    let Some(epoch) = epoch else {
        return if rows.is_empty() { Ok(None) } else { Err(HeadError::Entries { size: 0 }) };
    };
    let row = sql::query("SELECT size, note, contradicted_by FROM log_head WHERE id = 1")
        .fetch_one(&mut *tx)
        .await?;
    tx.commit().await?;
    if let Some(note) = row.try_get::<Option<String>>("contradicted_by")? {
        return Err(HeadError::Contradicted { note });
    }
    let (size, note): (i64, String) = (row.try_get("size")?, row.try_get("note")?);
    let size = to_u64(size);
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())
        .and_then(|signed| signed.verify(key).map(|verified| verified.signed().clone()))?;
    if checkpoint.claim().size().get() != size {
        return Err(HeadError::Size);
    }
    let first = rows.first().map_or(size, |(index, _)| to_u64(*index));
    let unbroken = (first..).zip(&rows).all(|(index, row)| index == to_u64(row.0));
    if !unbroken || first + rows.len() as u64 != size {
        return Err(HeadError::Entries { size });
    }
    let first = LogSize::new(first).map_err(|_| HeadError::Size)?;
    let entries = rows.into_iter().map(|(_, entry)| entry).collect();
    Ok(Some((Committed { checkpoint, first, entries }, epoch)))
}

/// Why the stored log is not to be appended to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadError {
    /// Reading failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A size that is not the signed one.
    #[error("the log's head has another size than was signed")]
    Size,
    /// This log's key has signed another history.
    #[error("this log's key has signed another history, which others have seen:\n{note}")]
    Contradicted {
        /// The checkpoint that shows it.
        note: String,
    },
    /// Entries are missing, or there are some that were never signed.
    #[error("the entries that wait to be written are not those before the head of {size} leaves")]
    Entries {
        /// What the head says.
        size: u64,
    },
    /// The head is not signed by this log's key.
    #[error("the log's head: {0}")]
    Checkpoint(#[from] ledger::checkpoint::CheckpointError),
}

impl From<sqlx::Error> for HeadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Whether a checkpoint that somebody names is on this log's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody can have seen another: the log without leaves.
    Empty,
    /// The log had this size and root, at the latest at this time.
    Known(UnixTime),
    /// Larger than the log, or another root: the log was shown forked, or its database is older than its readers.
    Unknown,
}

/// The checkpoint that was archived last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Archived {
    pub(crate) size: LogSize,
    /// When, in milliseconds since 1970.
    pub(crate) at_ms: u64,
}

impl Store {
    /// What was archived last; the empty log long ago where nothing was.
    pub(crate) async fn last_archived(&self) -> Result<Archived, StoreError> {
        let row: Option<(i64, i64)> = sql::query_as(
            "SELECT a.size, (SELECT at_ms FROM log_time WHERE size > a.leaf ORDER BY size LIMIT 1) FROM log_archive a
             ORDER BY number DESC LIMIT 1",
        )
        .fetch_optional(&self.readers)
        .await?;
        let (size, at_ms) = row.unwrap_or_default();
        let size =
            LogSize::new(to_u64(size)).map_err(|_| StoreError::Damaged { what: "an archived size" })?;
        Ok(Archived { size, at_ms: to_u64(at_ms) })
    }

    /// Whether the checkpoint is on this log's history.
    pub(crate) async fn standing(&self, view: &CheckpointView, head: &Head) -> Result<Standing, StoreError> {
        let size = match LogSize::new(view.size) {
            Ok(size) if size <= head.size() => size,
            _ => return Ok(Standing::Unknown),
        };
        let root = self.log().root_at(size, head.size()).await?;
        if Sha256Digest::new(*root.as_bytes()) != view.root {
            return Ok(Standing::Unknown);
        }
        if size.is_empty() {
            return Ok(Standing::Empty);
        }
        let at: Option<i64> =
            sql::query_scalar("SELECT at_ms FROM log_time WHERE size >= ? ORDER BY size LIMIT 1")
                .bind(to_i64(size.get()))
                .fetch_optional(&self.readers)
                .await?;
        let at = at.ok_or(StoreError::Damaged { what: "the time of a checkpoint is missing" })?;
        Ok(Standing::Known(UnixTime::from_ms(to_u64(at))))
    }

    /// A leaf of the log with this head; `None` beyond it.
    pub(crate) async fn leaf(&self, index: LeafIndex, head: &Head) -> Result<Option<Leaf>, StoreError> {
        self.log().leaf(index, head.size()).await
    }

    /// Proves that the log with this head has the leaf, and that it begins with that of `old` leaves.
    pub(crate) async fn prove(
        &self,
        index: LeafIndex,
        old: LogSize,
        head: &Head,
    ) -> Result<(InclusionProof, ConsistencyProof), StoreError> {
        self.log().prove(index, old, head.size()).await
    }

    /// Proves that the log with this head has the leaf.
    pub(crate) async fn prove_inclusion(
        &self,
        index: LeafIndex,
        head: &Head,
    ) -> Result<InclusionProof, StoreError> {
        Ok(self.prove(index, head.size(), head).await?.0)
    }
}
