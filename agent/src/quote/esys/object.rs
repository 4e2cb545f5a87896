//! Handles that are given back whatever happens: transient keys, sessions, and references to persistent objects.
//!
//! In: a handle and what to do with it. Out: the result, with the handle flushed or closed. A process that is killed
//! between can still leave something in a TPM without resource manager; `leftovers` clears that.

use tss_esapi::Context;
use tss_esapi::constants::SessionType;
use tss_esapi::handles::{KeyHandle, ObjectHandle, SessionHandle, TpmHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::session_handles::{AuthSession, PolicySession};
use tss_esapi::structures::SymmetricDefinition;

use super::code;
use crate::quote::TpmError;

/// Runs `body` with a transient key and flushes it.
pub(super) fn with_transient<T>(
    context: &mut Context,
    key: KeyHandle,
    body: impl FnOnce(&mut Context, KeyHandle) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let result = body(context, key);
    let flushed = context.flush_context(key.into()).map_err(code::of("TPM2_FlushContext"));
    let value = result?;
    flushed?;
    Ok(value)
}

/// Runs `body` with a reference to an object that stays in the TPM.
pub(super) fn with_persistent<T>(
    context: &mut Context,
    handle: TpmHandle,
    body: impl FnOnce(&mut Context, ObjectHandle) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let mut object = context
        .execute_without_session(|context| context.tr_from_tpm_public(handle))
        .map_err(code::of("TPM2_ReadPublic"))?;
    let result = body(context, object);
    let closed = context.tr_close(&mut object).map_err(code::of("Esys_TR_Close"));
    let value = result?;
    closed?;
    Ok(value)
}

/// Runs `body` with a policy session and flushes it.
pub(super) fn with_policy_session<T>(
    context: &mut Context,
    hash: HashingAlgorithm,
    body: impl FnOnce(&mut Context, PolicySession) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let session = context
        .execute_without_session(|context| {
            let symmetric = SymmetricDefinition::AES_128_CFB;
            context.start_auth_session(None, None, None, SessionType::Policy, symmetric, hash)
        })
        .map_err(code::of("TPM2_StartAuthSession"))?
        .ok_or(TpmError::Inconsistent { what: "a session was started, but has no handle" })?;
    let policy = PolicySession::try_from(session).map_err(code::of("TPM2_StartAuthSession"));
    let result = policy.and_then(|policy| body(context, policy));
    // The TPM may have flushed it itself: a session ends with a command that does not ask to continue it.
    let flushed = flush_session(context, session);
    let value = result?;
    flushed?;
    Ok(value)
}

fn flush_session(context: &mut Context, session: AuthSession) -> Result<(), TpmError> {
    let handle = SessionHandle::from(session);
    context.flush_context(handle.into()).map_err(code::of("TPM2_FlushContext"))
}
