//! What a submission may be compressed against: evidence of its host that is recorded, or the state of another host.
//!
//! In: the first bytes of recorded evidence's digest, or a state root. Out: the bytes that the sender can make as well.
//! They are for unpacking alone; what comes out is verified as if it had come whole.

use appraisal::state::HostState;
use evidence::digest::Sha256Digest;
use evidence::envelope::state_reference;
use sqlx::{QueryBuilder, Row as _, Sqlite};

use super::bundle::envelope_without_records;
use crate::store::packed::{self, Kept};
use crate::store::{Store, StoreError};

/// What to unpack with.
#[derive(Debug)]
pub(crate) enum Reference {
    /// Nothing.
    None,
    /// Evidence of this host.
    Evidence {
        /// Whose it is.
        host_row: i64,
        /// Its reference.
        bytes: Vec<u8>,
    },
    /// Components that some host has: whoever knows their root knows them.
    State(Vec<u8>),
}

/// The reference of the evidence whose digest begins so; `None` where there is none, or more than one.
pub(crate) async fn of_evidence(store: &Store, begin: [u8; 8]) -> Result<Option<Reference>, StoreError> {
    let (mut least, mut most) = ([0; 32], [0xff; 32]);
    for bound in [&mut least, &mut most] {
        bound[..8].copy_from_slice(&begin);
    }
    let mut query = QueryBuilder::<Sqlite>::new("SELECT host_id, systemd_log, ");
    query.push(packed::COLUMNS).push(" FROM evidence WHERE digest >= ").push_bind(least.to_vec());
    query.push(" AND digest <= ").push_bind(most.to_vec()).push(" LIMIT 2");
    let rows = query.build().fetch_all(store.readers()).await?;
    let [row] = rows.as_slice() else { return Ok(None) };
    let kept = Kept::of(store.readers(), row).await?;
    let bytes = envelope_without_records(store.readers(), row, &kept).await?.reference();
    Ok(Some(Reference::Evidence { host_row: row.try_get("host_id")?, bytes }))
}

/// The components of any host whose newest state has this root.
pub(crate) async fn of_state(store: &Store, root: &Sha256Digest) -> Result<Option<Reference>, StoreError> {
    let state: Option<Vec<u8>> =
        sqlx::query_scalar("SELECT state FROM host_state WHERE state_root = ? LIMIT 1")
            .bind(root.as_bytes().as_slice())
            .fetch_optional(store.readers())
            .await?;
    let Some(state) = state else { return Ok(None) };
    let state =
        HostState::decode(&state).map_err(|_| StoreError::Damaged { what: "another host's state" })?;
    Ok(Some(Reference::State(state_reference(state.components()))))
}
