//! Reading what evidence of a host is verified against.

use std::collections::HashSet;

use appraisal::attester::{AttestationKey, Attester};
use appraisal::endorsement::TrustTier;
use appraisal::state::HostState;
use evidence::digest::{HostId, Sha256Digest};
use evidence::tpm::Public;

use super::packed::Keyframe;
use super::unpack::{Found, find};
use super::{Store, StoreError};
use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{self, QueryBuilder};

/// An enrolled host with its chain's state.
#[derive(Clone, Debug)]
pub(crate) struct EnrolledHost {
    pub(crate) row: i64,
    pub(crate) attester: Attester,
    pub(crate) state: HostState,
    pub(crate) tier: TrustTier,
    /// What its next evidence is packed against.
    pub(crate) keyframe: Option<Keyframe>,
}

/// Evidence that is recorded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RecordedEvidence {
    pub(crate) host_row: i64,
    pub(crate) leaf: u64,
    pub(crate) status: i64,
}

impl Store {
    /// The host with this identity.
    pub(crate) async fn enrolled(&self, host: HostId) -> Result<Option<EnrolledHost>, StoreError> {
        let row = sql::query(
            "SELECT h.id, h.ak_public, h.selection, h.tier, s.state, k.leaf, k.packed FROM host h
             JOIN host_state s ON s.host_id = h.id LEFT JOIN attestation_recent k ON k.leaf = s.keyframe_leaf
             WHERE h.identity = ? AND h.retired_ms IS NULL",
        )
        .bind(host.as_bytes().as_slice())
        .fetch_optional(&self.readers)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let damaged = |what| StoreError::Damaged { what };
        let (ak, selection): (Vec<u8>, String) = (row.try_get("ak_public")?, row.try_get("selection")?);
        let (tier, state): (String, Vec<u8>) = (row.try_get("tier")?, row.try_get("state")?);
        let public = Public::parse(&ak).map_err(|_| damaged("a host's attestation key"))?;
        let ak = AttestationKey::new(public).map_err(|_| damaged("a host's attestation key"))?;
        let selection = selection.parse().map_err(|_| damaged("a host's PCR selection"))?;
        let keyframe = row.try_get::<Option<i64>>("leaf")?.zip(row.try_get::<Option<Vec<u8>>>("packed")?);
        Ok(Some(EnrolledHost {
            row: row.try_get("id")?,
            attester: Attester { host, ak, selection },
            state: HostState::decode(&state).map_err(|_| damaged("a host's state"))?,
            tier: TrustTier::from_name(&tier).ok_or_else(|| damaged("a host's tier"))?,
            keyframe: keyframe.map(|(leaf, packed)| Keyframe::read(leaf, &packed)).transpose()?,
        }))
    }

    /// The evidence with this digest.
    pub(crate) async fn recorded(
        &self,
        digest: &Sha256Digest,
    ) -> Result<Option<RecordedEvidence>, StoreError> {
        let found = find(&mut self.readers.acquire().await?, digest.as_bytes()).await?.pop();
        Ok(found.map(|Found { host_row, leaf, status, .. }| RecordedEvidence { host_row, leaf, status }))
    }

    /// Those of these components whose manifests are missing.
    pub(crate) async fn wanted(
        &self,
        components: &[Sha256Digest],
    ) -> Result<HashSet<Sha256Digest>, StoreError> {
        let mut wanted = HashSet::new();
        for some in components.chunks(ROWS_PER_STATEMENT) {
            let mut query = QueryBuilder::new(
                "SELECT c.digest FROM component_wanted w JOIN component c ON c.id = w.component_id WHERE c.digest IN (",
            );
            let mut list = query.separated(", ");
            for component in some {
                list.push_bind(component.as_bytes().as_slice());
            }
            query.push(")");
            for row in query.build().fetch_all(&self.readers).await? {
                wanted.insert(component(row.bytes(0)?)?);
            }
        }
        Ok(wanted)
    }

    /// Components of the host's newest state whose manifests are missing.
    pub(crate) async fn wanted_of(&self, host_row: i64) -> Result<Vec<Sha256Digest>, StoreError> {
        let wanted: Vec<Vec<u8>> = sql::query_scalar(
            "SELECT c.digest FROM component_wanted w JOIN component c ON c.id = w.component_id ORDER BY c.digest",
        )
        .fetch_all(&self.readers)
        .await?;
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let state: Vec<u8> = sql::query_scalar("SELECT state FROM host_state WHERE host_id = ?")
            .bind(host_row)
            .fetch_one(&self.readers)
            .await?;
        let state = HostState::decode(&state).map_err(|_| StoreError::Damaged { what: "a host's state" })?;
        let mut missing = Vec::new();
        for digest in wanted {
            let digest = component(&digest)?;
            if state.components().binary_search(&digest).is_ok() {
                missing.push(digest);
            }
        }
        Ok(missing)
    }
}

fn component(digest: &[u8]) -> Result<Sha256Digest, StoreError> {
    Sha256Digest::from_slice(digest).map_err(|_| StoreError::Damaged { what: "a component's digest" })
}
