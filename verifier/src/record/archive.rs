//! Keeping checkpoints with their witnesses' signatures, which are not in the tree themselves.
//!
//! In: a cosigned checkpoint of this log. Out: its number, and a leaf that anchors it, so that nobody can take it out of the
//! archive again unnoticed. The record is public and its signatures cannot be guessed: the leaf's salt is all zeroes.

use evidence::digest::Sha256Digest;
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::{LeafIndex, LogSize};

use super::RecordError;
use crate::sql::{self, Connection};
use crate::store::{StoreError, to_i64, to_u64};

pub(super) async fn apply(
    checkpoint: &SignedCheckpoint,
    tx: &mut Connection<'_>,
    index: LeafIndex,
) -> Result<Leaf, RecordError> {
    sql::query(
        "INSERT INTO log_archive (number, size, note, leaf)
         SELECT coalesce(max(number) + 1, 0), ?, ?, ? FROM log_archive",
    )
    .bind(to_i64(checkpoint.claim().size().get()))
    .bind(checkpoint.note().as_str())
    .bind(to_i64(index.get()))
    .execute(tx)
    .await?;
    let record = Sha256Digest::of(&[checkpoint.as_bytes()]);
    Ok(Leaf::anchor(&Salt::from_bytes([0; 32]), record.as_bytes()))
}

/// What was archived with leaves from `first` on: what may not be in files yet.
pub(super) async fn since(
    connection: &mut Connection<'_>,
    first: LogSize,
) -> Result<Vec<(u64, SignedCheckpoint)>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "an archived checkpoint" };
    let rows: Vec<(i64, String)> =
        sql::query_as("SELECT number, note FROM log_archive WHERE leaf >= ? ORDER BY number")
            .bind(to_i64(first.get()))
            .fetch_all(connection)
            .await?;
    rows.into_iter()
        .map(|(number, note)| {
            Ok((to_u64(number), SignedCheckpoint::parse(note.as_bytes()).map_err(|_| DAMAGED)?))
        })
        .collect()
}
