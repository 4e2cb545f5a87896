//! Recording that a host enrolled, for the first time or again.

use appraisal::endorsement::TrustTier;
use appraisal::state::HostState;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::record::{ChainEnd, EnrolmentMore, EnrolmentRecord};
use evidence::time::UnixTime;
use evidence::tpm::Public;
use inquiry::replay::Ended;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::RecordError;
use super::event::{EventKind, insert_event};
use super::index;
use super::intervals::Intervals;
use crate::sql::{self, Connection, Row};
use crate::store::token::{Presented, check_join, use_join};
use crate::store::{StoreError, to_i64, to_u64};

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
    /// Why its history starts anew, in the host's words.
    pub(crate) reason: String,
    pub(crate) salt: [u8; 32],
}

/// A host that enrolled before.
struct Known {
    row: i64,
    ak_public: Vec<u8>,
    end: ChainEnd,
}

/// Where the chain of a host's row ends.
pub(super) fn chain_end(row: &Row) -> Result<ChainEnd, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "the end of a host's chain" };
    let (chain, last): (Vec<u8>, Vec<u8>) = (row.try_get("chain")?, row.try_get("prev")?);
    Ok(ChainEnd {
        chain: ChainId::new(chain.try_into().map_err(|_| DAMAGED)?),
        next_seq: to_u64(row.try_get("next_seq")?),
        last: Sha256Digest::from_slice(&last).map_err(|_| DAMAGED)?,
    })
}

impl NewEnrolment {
    pub(super) async fn apply(
        &self,
        tx: &mut Connection<'_>,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<Leaf, RecordError> {
        let ak_name = self.ak.name().to_bytes();
        check_join(&mut *tx, &self.token, self.host, &ak_name, now).await?.map_err(RecordError::Join)?;
        let taken: Option<i64> = sql::query_scalar("SELECT id FROM enrolment WHERE chain = ?")
            .bind(self.chain.as_bytes().as_slice())
            .fetch_optional(&mut *tx)
            .await?;
        if taken.is_some() {
            return Err(RecordError::ChainTaken);
        }
        let (row, summary, previous) = match self.known(tx).await? {
            None => (self.insert_host(tx, now).await?, "enrolled".to_owned(), None),
            Some(Known { row, ak_public, end }) => {
                self.restart_host(tx, row, index, now).await?;
                (row, self.broken(&ak_public, &end), Some(end))
            }
        };
        let record = self.record(now, previous);
        self.insert_enrolment(tx, row, index, now, &record).await?;
        use_join(tx, &self.token.id, self.host, &ak_name, now).await?;
        let summary = format!("{summary}, as {}, tier {}", self.name, self.tier);
        let leaf = Some(to_i64(index.get()));
        insert_event(tx, Some(row), EventKind::Enrolled, now.as_ms(), leaf, &summary).await?;
        Ok(Leaf::enrol(&Salt::from_bytes(self.salt), Sha256Digest::of(&[&record]).as_bytes()))
    }

    /// The host as it was, where it has enrolled before.
    async fn known(&self, tx: &mut Connection<'_>) -> Result<Option<Known>, StoreError> {
        let row = sql::query("SELECT id, ak_public, chain, next_seq, prev FROM host WHERE identity = ?")
            .bind(self.host.as_bytes().as_slice())
            .fetch_optional(tx)
            .await?;
        let Some(row) = row else { return Ok(None) };
        let (id, ak_public) = (row.try_get("id")?, row.try_get("ak_public")?);
        Ok(Some(Known { row: id, ak_public, end: chain_end(&row)? }))
    }

    /// The break in words.
    fn broken(&self, ak_before: &[u8], end: &ChainEnd) -> String {
        let same = if ak_before == self.ak.raw() { "the same" } else { "another" };
        let why = if self.reason.is_empty() { "no reason was given" } else { &self.reason };
        let ended = match end.next_seq.checked_sub(1) {
            None => "had no evidence".to_owned(),
            Some(last) => format!("ends after evidence {last}"),
        };
        format!("enrolled again with {same} attestation key ({why}): chain {} {ended}", end.chain)
    }

    /// What the leaf commits to.
    fn record(&self, now: UnixTime, previous: Option<ChainEnd>) -> Vec<u8> {
        let more = EnrolmentMore {
            name: self.name.clone(),
            selection: self.selection.to_string(),
            reason: self.reason.clone(),
            previous,
        };
        let record = EnrolmentRecord {
            host: self.host,
            ak_public: self.ak.raw().to_vec(),
            ek_public: self.ek.raw().to_vec(),
            chain: self.chain,
            tier: self.tier.name().to_owned(),
            at_ms: now.as_ms(),
            more: Some(more),
        };
        record.encode()
    }

    async fn insert_host(&self, tx: &mut Connection<'_>, now: UnixTime) -> Result<i64, StoreError> {
        let state = HostState::enrolled(self.chain);
        let row: i64 = sql::query_scalar(
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
        sql::query("INSERT INTO host_state (host_id, state, intervals) VALUES (?, ?, ?)")
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
        tx: &mut Connection<'_>,
        row: i64,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<(), StoreError> {
        let packed: Vec<u8> = sql::query_scalar("SELECT intervals FROM host_state WHERE host_id = ?")
            .bind(row)
            .fetch_one(&mut *tx)
            .await?;
        let mut intervals = Intervals::decode(&packed)?;
        intervals.close_all(tx, row, index).await?;
        index::end_chain(tx, row, index, Ended::EnrolledAgain).await?;
        let state = HostState::enrolled(self.chain);
        sql::query(
            "UPDATE host SET name = ?, ak_public = ?, selection = ?, tier = ?, agent_version = ?, enrolled_ms = ?,
               chain = ?, next_seq = 0, prev = ?, components = 0, last_leaf = NULL, last_received_ms = NULL,
               last_status = NULL, silent = 0, retired_ms = NULL WHERE id = ?",
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
        sql::query("UPDATE host_state SET state = ?, intervals = ?, keyframe_leaf = NULL WHERE host_id = ?")
            .bind(state.encode())
            .bind(intervals.encode())
            .bind(row)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn insert_enrolment(
        &self,
        tx: &mut Connection<'_>,
        row: i64,
        index: LeafIndex,
        now: UnixTime,
        record: &[u8],
    ) -> Result<(), StoreError> {
        sql::query(
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
