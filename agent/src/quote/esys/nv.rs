//! Certificates in the TPM's NV memory.
//!
//! In: a context and NV indices. Out: the DER of what lies there. An index that is not defined is not an error; nothing
//! here looks into a certificate.
//= TCG EK Credential Profile 2.5 §2.2.1.4, §2.2.1.5: NV indices of EK certificates and of their chains

use evidence::limits::{NV_CERTIFICATE_BYTES, NV_CHAIN_BYTES};
use evidence::tpm::{certificate_from_nv, certificates_from_nv};
use tss_esapi::Context;
use tss_esapi::handles::{NvIndexHandle, NvIndexTpmHandle, TpmHandle};
use tss_esapi::interface_types::resource_handles::NvAuth;
use tss_esapi::interface_types::session_handles::AuthSession;

use super::object::with_persistent;
use super::{code, leftovers};
use crate::quote::TpmError;

/// Which of these indices are defined.
pub(super) fn defined(
    context: &mut Context,
    first: u32,
    last: u32,
) -> Result<Vec<NvIndexTpmHandle>, TpmError> {
    let handles = leftovers::handles(context, first, INDICES)?;
    let indices = handles.into_iter().filter_map(|handle| match handle {
        TpmHandle::NvIndex(index) if (first..=last).contains(&u32::from(index)) => Some(index),
        _ => None,
    });
    Ok(indices.collect())
}

/// The certificates of the chain, in the order in which they lie there.
pub(super) fn chain(context: &mut Context, limit: usize) -> Result<Vec<Vec<u8>>, TpmError> {
    // A chain that is longer than one index goes on in the next.
    let mut bytes = Vec::new();
    for index in defined(context, CHAIN_FIRST, CHAIN_LAST)? {
        let mut part = read(context, index)?;
        if bytes.len() + part.len() > NV_CHAIN_BYTES {
            break;
        }
        bytes.append(&mut part);
    }
    Ok(certificates_from_nv(&bytes)?.take(limit).map(<[u8]>::to_vec).collect())
}

/// The certificate in an index.
pub(super) fn certificate(context: &mut Context, index: NvIndexTpmHandle) -> Result<Vec<u8>, TpmError> {
    Ok(certificate_from_nv(&read(context, index)?)?.to_vec())
}

/// The bytes of an index, with its own authorisation or else the owner's.
fn read(context: &mut Context, index: NvIndexTpmHandle) -> Result<Vec<u8>, TpmError> {
    with_persistent(context, index.into(), |context, object| {
        let index = NvIndexHandle::from(object);
        read_as(context, index, NvAuth::NvIndex(index)).or_else(|_| read_as(context, index, NvAuth::Owner))
    })
}

fn read_as(context: &mut Context, index: NvIndexHandle, auth: NvAuth) -> Result<Vec<u8>, TpmError> {
    let (public, _name) = context
        .execute_without_session(|context| context.nv_read_public(index))
        .map_err(code::of("TPM2_NV_ReadPublic"))?;
    let size = public.data_size();
    if size > NV_CERTIFICATE_BYTES {
        return Err(TpmError::Inconsistent { what: "an NV index is larger than any certificate" });
    }
    let mut bytes = Vec::with_capacity(size);
    while bytes.len() < size {
        let (left, offset) = ((size - bytes.len()).min(CHUNK), bytes.len());
        let wrong = |_| TpmError::Inconsistent { what: "an NV index's size" };
        let (left, offset) = (u16::try_from(left).map_err(wrong)?, u16::try_from(offset).map_err(wrong)?);
        let part = context
            .execute_with_session(Some(AuthSession::Password), |context| {
                context.nv_read(auth, index, left, offset)
            })
            .map_err(code::of("TPM2_NV_Read"))?;
        if part.is_empty() {
            return Err(TpmError::Inconsistent { what: "an NV index ends before its size" });
        }
        bytes.extend_from_slice(&part);
    }
    Ok(bytes)
}

const CHAIN_FIRST: u32 = 0x01c0_0100;
const CHAIN_LAST: u32 = 0x01c0_01ff;
/// What the smallest TPM buffers for one `TPM2_NV_Read` hold.
//= TCG PC Client Platform TPM Profile 1.05 §4.4: TPM_PT_NV_BUFFER_MAX is at least 512
const CHUNK: usize = 512;
/// Indices that one listing asks for.
const INDICES: u32 = 64;
