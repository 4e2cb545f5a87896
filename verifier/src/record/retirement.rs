//! Recording that a host was retired: an operator says that no more is to be expected of it.

use evidence::digest::{HostId, Sha256Digest};
use evidence::record::RetirementRecord;
use evidence::time::UnixTime;
use inquiry::replay::Ended;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::RecordError;
use super::enrolment::chain_end;
use super::event::{EventKind, insert_event};
use super::index;
use super::intervals::Intervals;
use crate::sql::{self, Connection};
use crate::store::action::{self, ActionKind, Who};
use crate::store::{StoreError, to_i64};

/// A host that an operator retires.
#[derive(Clone, Debug)]
pub(crate) struct NewRetirement {
    pub(crate) host_row: i64,
    pub(crate) who: Who,
    pub(crate) reason: String,
    pub(crate) salt: [u8; 32],
}

impl NewRetirement {
    /// What the host had ends here, and its chain ends with the leaf.
    pub(super) async fn apply(
        &self,
        tx: &mut Connection<'_>,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<Leaf, RecordError> {
        let row =
            sql::query("SELECT identity, name, chain, next_seq, prev, retired_ms FROM host WHERE id = ?")
                .bind(self.host_row)
                .fetch_one(&mut *tx)
                .await?;
        let column = |name| row.try_get::<Option<i64>>(name);
        if column("retired_ms")?.is_some() {
            return Err(RecordError::Retired);
        }
        let (identity, name): (Vec<u8>, String) = (row.try_get("identity")?, row.try_get("name")?);
        let end = chain_end(&row)?;
        let host = identity.try_into().map_err(|_| StoreError::Damaged { what: "a host's identity" })?;
        let record = RetirementRecord {
            host: HostId::new(host),
            end,
            reason: self.reason.clone(),
            who: self.who.to_string(),
            at_ms: now.as_ms(),
        };
        let record = record.encode();
        self.end_intervals(tx, index).await?;
        sql::query("UPDATE host SET retired_ms = ?, silent = 1 WHERE id = ?")
            .bind(to_i64(now.as_ms()))
            .bind(self.host_row)
            .execute(&mut *tx)
            .await?;
        sql::query(
            "INSERT INTO retirement (chain, host_id, leaf, at_ms, salt, record) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(end.chain.as_bytes().as_slice())
        .bind(self.host_row)
        .bind(to_i64(index.get()))
        .bind(to_i64(now.as_ms()))
        .bind(self.salt.as_slice())
        .bind(&record)
        .execute(&mut *tx)
        .await?;
        let why = if self.reason.is_empty() { "no reason was given" } else { &self.reason };
        let (summary, leaf) = (format!("retired by {}: {why}", self.who), Some(to_i64(index.get())));
        insert_event(tx, Some(self.host_row), EventKind::Retired, now.as_ms(), leaf, &summary).await?;
        let detail = format!("{name} ({}): {why}", HostId::new(host));
        action::record(tx, ActionKind::HostRetired, &self.who, &detail, now).await?;
        Ok(Leaf::enrol(&Salt::from_bytes(self.salt), Sha256Digest::of(&[&record]).as_bytes()))
    }

    async fn end_intervals(&self, tx: &mut Connection<'_>, index: LeafIndex) -> Result<(), StoreError> {
        let packed: Vec<u8> = sql::query_scalar("SELECT intervals FROM host_state WHERE host_id = ?")
            .bind(self.host_row)
            .fetch_one(&mut *tx)
            .await?;
        let mut intervals = Intervals::decode(&packed)?;
        intervals.close_all(tx, self.host_row, index).await?;
        index::end_chain(tx, self.host_row, index, Ended::Retired).await?;
        sql::query("UPDATE host_state SET intervals = ? WHERE host_id = ?")
            .bind(intervals.encode())
            .bind(self.host_row)
            .execute(tx)
            .await?;
        Ok(())
    }
}
