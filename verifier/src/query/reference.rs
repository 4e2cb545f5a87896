//! What a submission may be compressed against: evidence of its host that is recorded, or the state of another host.
//!
//! In: the first bytes of recorded evidence's digest, or a state root. Out: the bytes that the sender can make as well.
//! They are for unpacking alone; what comes out is verified as if it had come whole.

use appraisal::state::HostState;
use evidence::digest::Sha256Digest;
use evidence::envelope::state_reference;

use super::bundle::envelope_without_records;
use crate::sql;
use crate::store::unpack::find;
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
    let found = find(&mut store.readers().acquire().await?, &begin).await?;
    let [one] = found.as_slice() else { return Ok(None) };
    let bytes = envelope_without_records(store.readers(), &one.kept).await?.reference();
    Ok(Some(Reference::Evidence { host_row: one.host_row, bytes }))
}

/// The components of any host whose newest state has this root.
pub(crate) async fn of_state(store: &Store, root: &Sha256Digest) -> Result<Option<Reference>, StoreError> {
    let state: Option<Vec<u8>> =
        sql::query_scalar("SELECT state FROM host_state WHERE state_root = ? LIMIT 1")
            .bind(root.as_bytes().as_slice())
            .fetch_optional(store.readers())
            .await?;
    let Some(state) = state else { return Ok(None) };
    let state =
        HostState::decode(&state).map_err(|_| StoreError::Damaged { what: "another host's state" })?;
    Ok(Some(Reference::State(state_reference(state.components()))))
}
