//! Recording a pack: older evidence of one chain moves into it.
//!
//! In: a pack that was made of recorded evidence, and compared with it. Out: the pack's row in place of the rows of its evidence, in one
//! transaction. Nothing is appended to the log and no answer changes.

use crate::sql::{self, Connection};
use crate::store::{StoreError, to_i64};

/// A pack of evidence of one chain.
#[derive(Debug)]
pub(crate) struct NewPack {
    pub(crate) enrolment: i64,
    /// The place of its first evidence in the chain.
    pub(crate) first_seq: u64,
    pub(crate) count: u64,
    pub(crate) packed: Vec<u8>,
}

impl NewPack {
    /// Whether it was written: a pack that does not follow the chain's last one is not.
    pub(super) async fn apply(&self, tx: &mut Connection<'_>) -> Result<bool, StoreError> {
        let next = next_to_fold(tx, self.enrolment).await?;
        if next != to_i64(self.first_seq) || self.count == 0 {
            return Ok(false);
        }
        sql::query(
            "INSERT INTO attestation_pack (enrolment_id, first_seq, count, packed) VALUES (?, ?, ?, ?)",
        )
        .bind(self.enrolment)
        .bind(next)
        .bind(to_i64(self.count))
        .bind(&self.packed)
        .execute(&mut *tx)
        .await?;
        let end = next.saturating_add(to_i64(self.count));
        let keyframes: Vec<i64> = sql::query_scalar(
            "SELECT coalesce(r.keyframe, r.leaf) FROM attestation e JOIN attestation_recent r ON r.leaf = e.leaf
             WHERE e.enrolment_id = ? AND e.seq >= ? AND e.seq < ? GROUP BY 1",
        )
        .bind(self.enrolment)
        .bind(next)
        .bind(end)
        .fetch_all(&mut *tx)
        .await?;
        for statement in [
            "DELETE FROM attestation_recent WHERE keyframe IS NOT NULL
               AND leaf IN (SELECT leaf FROM attestation WHERE enrolment_id = ? AND seq >= ? AND seq < ?)",
            "DELETE FROM attestation_columns
               WHERE leaf IN (SELECT leaf FROM attestation WHERE enrolment_id = ? AND seq >= ? AND seq < ?)",
        ] {
            sql::query(statement).bind(self.enrolment).bind(next).bind(end).execute(&mut *tx).await?;
        }
        for keyframe in keyframes {
            // One that newer evidence needs goes with the last of that.
            sql::query(
                "DELETE FROM attestation_recent WHERE leaf = ?1 AND NOT EXISTS (SELECT 1 FROM attestation_recent WHERE keyframe = ?1)
                   AND NOT EXISTS (SELECT 1 FROM host_state WHERE keyframe_leaf = ?1)",
            )
            .bind(keyframe)
            .execute(&mut *tx)
            .await?;
        }
        Ok(true)
    }
}

/// The place in a chain behind its last pack.
pub(crate) async fn next_to_fold(reading: &mut Connection<'_>, enrolment: i64) -> Result<i64, StoreError> {
    let next = sql::query_scalar(
        "SELECT first_seq + count FROM attestation_pack WHERE enrolment_id = ? ORDER BY first_seq DESC LIMIT 1",
    )
    .bind(enrolment)
    .fetch_optional(reading)
    .await?;
    Ok(next.unwrap_or(0))
}
