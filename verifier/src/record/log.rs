//! Appending to the log within a transaction.
//!
//! In: a draft of the log with more leaves. Out: rows for its entries, and its signed head in the old one's place. The
//! caller commits; until then the signature leaves this process nowhere.

use evidence::time::UnixTime;
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::note::SignerKey;
use ledger::tree::LogSize;

use crate::limits::ROWS_PER_STATEMENT;
use crate::log::sequence::{Sequencer, sign_empty};
use crate::sql::{self, Connection, QueryBuilder};
use crate::store::{StoreError, to_i64};

/// Writes the entries after `before`, drops those that are in full bundles, and swaps the head.
pub(crate) async fn append(
    tx: &mut Connection<'_>,
    sequencer: &Sequencer,
    leaves: &[Leaf],
    head: &SignedCheckpoint,
    epoch: i64,
    now: UnixTime,
) -> Result<(), StoreError> {
    let before = sequencer.size();
    insert_entries(tx, before, leaves).await?;
    let swapped =
        sql::query("UPDATE log_head SET size = ?, note = ? WHERE id = 1 AND size = ? AND epoch = ?")
            .bind(to_i64(head.claim().size().get()))
            .bind(head.note().as_str())
            .bind(to_i64(before.get()))
            .bind(epoch)
            .execute(&mut *tx)
            .await?;
    if swapped.rows_affected() != 1 {
        return Err(StoreError::Fenced);
    }
    sql::query("DELETE FROM log_pending WHERE idx < ?")
        .bind(to_i64(sequencer.settled()))
        .execute(&mut *tx)
        .await?;
    // When the log had this size: what evidence that names this checkpoint cannot be older than. A clock that is set back does not
    // take the log back with it: times never fall, so that each falls between two sizes.
    sql::query(
        "INSERT INTO log_time (size, at_ms)
         VALUES (?, max(?, coalesce((SELECT at_ms FROM log_time ORDER BY size DESC LIMIT 1), 0)))",
    )
    .bind(to_i64(head.claim().size().get()))
    .bind(to_i64(now.as_ms()))
    .execute(tx)
    .await?;
    Ok(())
}

/// Signs the head of the log without leaves, and stores it.
pub(crate) async fn begin(
    connection: &mut Connection<'_>,
    key: &SignerKey,
) -> Result<SignedCheckpoint, StoreError> {
    let head =
        sign_empty(key).map_err(|_| StoreError::Damaged { what: "the log's head cannot be signed" })?;
    sql::query("INSERT INTO log_head (id, size, note, epoch) VALUES (1, 0, ?, 1)")
        .bind(head.note().as_str())
        .execute(connection)
        .await?;
    Ok(head)
}

/// Keeps the proof that this log's key has signed another history.
pub(super) async fn contradict(
    tx: &mut Connection<'_>,
    checkpoint: &SignedCheckpoint,
) -> Result<(), StoreError> {
    sql::query("UPDATE log_head SET contradicted_by = ? WHERE id = 1")
        .bind(checkpoint.note().as_str())
        .execute(tx)
        .await?;
    Ok(())
}

async fn insert_entries(tx: &mut Connection<'_>, first: LogSize, leaves: &[Leaf]) -> Result<(), StoreError> {
    let mut index = first.get();
    for rows in leaves.chunks(ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new("INSERT INTO log_pending (idx, entry) ");
        query.push_values(rows, |mut row, leaf| {
            row.push_bind(to_i64(index)).push_bind(leaf.to_bytes().to_vec());
            index += 1;
        });
        query.build().execute(&mut *tx).await?;
    }
    Ok(())
}
