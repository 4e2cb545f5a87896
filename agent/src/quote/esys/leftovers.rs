//! Clearing a TPM of what killed processes left in it.
//!
//! A TPM has room for three transient objects and a few sessions. Without a resource manager, what a process leaves
//! behind stays until the next reset, and a restarted agent finds no room. In: a context on such a TPM. Out: how many
//! handles were flushed. Persistent objects are never touched.

use tss_esapi::Context;
use tss_esapi::constants::CapabilityType;
use tss_esapi::handles::TpmHandle;
use tss_esapi::structures::CapabilityData;

use super::code;
use crate::quote::TpmError;

/// Flushes every transient object and session; gives how many there were.
pub(super) fn flush_all(context: &mut Context) -> Result<usize, TpmError> {
    let mut flushed = 0;
    for first in FLUSHABLE {
        for handle in handles(context, first, COUNT)? {
            // Whatever refuses to go is not worth failing for: the command that wanted room will tell.
            if flush(context, handle).is_ok() {
                flushed += 1;
            }
        }
    }
    Ok(flushed)
}

fn flush(context: &mut Context, handle: TpmHandle) -> Result<(), TpmError> {
    let object = context
        .execute_without_session(|context| context.tr_from_tpm_public(handle))
        .map_err(code::of("TPM2_ReadPublic"))?;
    context.flush_context(object).map_err(code::of("TPM2_FlushContext"))
}

/// Handles in use from `first` on, at most `count`, of the range that `first` starts.
pub(super) fn handles(context: &mut Context, first: u32, count: u32) -> Result<Vec<TpmHandle>, TpmError> {
    let (found, _more) = context
        .execute_without_session(|context| context.get_capability(CapabilityType::Handles, first, count))
        .map_err(code::of("TPM2_GetCapability"))?;
    match found {
        CapabilityData::Handles(handles) => Ok(handles.into_inner()),
        _ => Err(TpmError::Inconsistent { what: "another capability than the one asked for" }),
    }
}

/// Transient objects, loaded sessions, saved sessions.
//= TPM 2.0 Library Part 2 §7.2: TPM_HT_TRANSIENT, TPM_HT_LOADED_SESSION, TPM_HT_SAVED_SESSION
const FLUSHABLE: [u32; 3] = [0x8000_0000, 0x0200_0000, 0x0300_0000];
/// More than any TPM has slots.
const COUNT: u32 = 64;
