//! Recording that a host enrolled, for the first time or again.

use appraisal::endorsement::TrustTier;
use appraisal::state::HostState;
use evidence::cbor::Writer;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::time::UnixTime;
use evidence::tpm::Public;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;
use sqlx::SqliteConnection;

use super::RecordError;
use super::event::{EventKind, insert_event};
use super::intervals::Intervals;
use crate::store::token::{Presented, check_join, use_join};
use crate::store::{StoreError, to_i64};

/// A host that has proved that its attestation key is in the TPM of its endorsement key.
#[derive(Clone, Debug)]
pub(crate) struct NewEnrolment {
    pub(crate) token: Presented,
    pub(crate) host: HostId,
    pub(crate) name: String,
    pub(crate) ek: Public,
    pub(crate) ak: Public,
    pub(crate) chain: ChainId,
    pub(crate) tier: TrustTier,
    pub(crate) selection: PcrSelection,
    pub(crate) agent_version: String,
    pub(crate) salt: [u8; 32],
}

impl NewEnrolment {
    pub(super) async fn apply(
        &self,
        tx: &mut SqliteConnection,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<Leaf, RecordError> {
        let ak_name = self.ak.name().to_bytes();
        check_join(&mut *tx, &self.token, self.host, &ak_name, now).await?.map_err(RecordError::Join)?;
        let taken: Option<i64> = sqlx::query_scalar("SELECT id FROM enrolment WHERE chain = ?")
            .bind(self.chain.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await?;
        if taken.is_some() {
            return Err(RecordError::ChainTaken);
        }
        let known: Option<(i64, Vec<u8>)> =
            sqlx::query_as("SELECT id, ak_public FROM host WHERE identity = ?")
                .bind(self.host.as_bytes().as_slice())
                .fetch_optional(&mut *tx)
                .await?;
        let (row, summary) = match known {
            None => (self.insert_host(tx, now).await?, "enrolled".to_owned()),
            Some((row, before)) => {
                self.restart_host(tx, row, index, now).await?;
                let same = if before == self.ak.raw() { "the same" } else { "another" };
                (row, format!("enrolled again with {same} attestation key; a new chain starts"))
            }
        };
        let record = self.record(now);
        self.insert_enrolment(tx, row, index, now, &record).await?;
        use_join(tx, &self.token.id, self.host, &ak_name, now).await?;
        let summary = format!("{summary}, as {}, tier {}", self.name, self.tier);
        let leaf = Some(to_i64(index.get()));
        insert_event(tx, Some(row), EventKind::Enrolled, now.as_ms(), None, leaf, &summary).await?;
        Ok(Leaf::enrol(&Salt::from_bytes(self.salt), Sha256Digest::of(&[&record]).as_bytes()))
    }

    /// What the leaf commits to.
    fn record(&self, now: UnixTime) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(7).uint(1).bytes(self.host.as_bytes()).bytes(self.ak.raw()).bytes(self.ek.raw());
        w.bytes(self.chain.as_bytes()).text(self.tier.name()).uint(now.as_ms());
        w.finish()
    }

    async fn insert_host(&self, tx: &mut SqliteConnection, now: UnixTime) -> Result<i64, StoreError> {
        let state = HostState::enrolled(self.chain);
        let row: i64 = sqlx::query_scalar(
            "INSERT INTO host (identity, name, ek_public, ak_public, selection, tier, agent_version, enrolled_ms,
               chain, next_seq, prev, components, silent)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0) RETURNING id",
        )
        .bind(self.host.as_bytes().as_slice())
        .bind(&self.name)
        .bind(self.ek.raw())
        .bind(self.ak.raw())
        .bind(self.selection.to_string())
        .bind(self.tier.name())
        .bind(&self.agent_version)
        .bind(to_i64(now.as_ms()))
        .bind(self.chain.as_bytes().as_slice())
        .bind(state.prev().as_bytes().as_slice())
        .fetch_one(&mut *tx)
        .await?;
        sqlx::query("INSERT INTO host_state (host_id, state, intervals) VALUES (?, ?, ?)")
            .bind(row)
            .bind(state.encode())
            .bind(Intervals::default().encode())
            .execute(tx)
            .await?;
        Ok(row)
    }

    /// A new chain begins with nothing: what the host had before is not continued, so its intervals end here.
    async fn restart_host(
        &self,
        tx: &mut SqliteConnection,
        row: i64,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let packed: Vec<u8> = sqlx::query_scalar("SELECT intervals FROM host_state WHERE host_id = ?")
            .bind(row)
            .fetch_one(&mut *tx)
            .await?;
        let mut intervals = Intervals::decode(&packed)?;
        intervals.close_all(tx, row, index).await?;
        let state = HostState::enrolled(self.chain);
        sqlx::query(
            "UPDATE host SET name = ?, ak_public = ?, selection = ?, tier = ?, agent_version = ?, enrolled_ms = ?,
               chain = ?, next_seq = 0, prev = ?, components = 0, last_evidence = NULL, last_received_ms = NULL,
               last_status = NULL, silent = 0 WHERE id = ?",
        )
        .bind(&self.name)
        .bind(self.ak.raw())
        .bind(self.selection.to_string())
        .bind(self.tier.name())
        .bind(&self.agent_version)
        .bind(to_i64(now.as_ms()))
        .bind(self.chain.as_bytes().as_slice())
        .bind(state.prev().as_bytes().as_slice())
        .bind(row)
        .execute(&mut *tx)
        .await?;
        sqlx::query("UPDATE host_state SET state = ?, intervals = ? WHERE host_id = ?")
            .bind(state.encode())
            .bind(intervals.encode())
            .bind(row)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn insert_enrolment(
        &self,
        tx: &mut SqliteConnection,
        row: i64,
        index: LeafIndex,
        now: UnixTime,
        record: &[u8],
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO enrolment (host_id, chain, leaf, at_ms, join_token, ak_public, selection, tier, salt, record)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(row)
        .bind(self.chain.as_bytes().as_slice())
        .bind(to_i64(index.get()))
        .bind(to_i64(now.as_ms()))
        .bind(&self.token.id)
        .bind(self.ak.raw())
        .bind(self.selection.to_string())
        .bind(self.tier.name())
        .bind(self.salt.as_slice())
        .bind(record)
        .execute(tx)
        .await?;
        Ok(())
    }
}
