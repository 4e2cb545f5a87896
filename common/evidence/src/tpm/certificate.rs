//! Certificates as they lie in a TPM's NV memory.
//!
//! In: the contents of an NV index. Out: the DER of the first certificate in it, without the header that some
//! vendors put in front and without the padding behind. Nothing is said about who signed it.
//= TCG EK Credential Profile 2.5 §2.2.1.4: EK Certificates and EK Nonces in NV; TCG PC Client Specific
//= Implementation Specification 1.21 §7.4.2: TCG_PCCLIENT_STORED_CERT

use crate::cursor::Cursor;
use crate::limits::NV_CERTIFICATE_BYTES;

use super::wire::TpmError;

const SEQUENCE: u8 = 0x30;
/// `TCG_TAG_PCCLIENT_STORED_CERT`, then a type, then the size of what follows.
const STORED_CERT: u16 = 0x1001;
/// `TCG_TAG_PCCLIENT_FULL_CERT`, in front of the DER of a stored certificate of type 0.
const FULL_CERT: u16 = 0x1002;

/// The DER of the certificate in an NV index.
pub fn certificate_from_nv(nv: &[u8]) -> Result<&[u8], TpmError> {
    let (limit, found) = (NV_CERTIFICATE_BYTES, nv.len());
    if found > limit {
        return Err(TpmError::Limit { offset: 0, what: "NV certificate", limit, found });
    }
    let missing = TpmError::NoCertificate { size: found };
    let der = without_header(nv).unwrap_or(nv);
    let size = der_size(der).ok_or(missing)?;
    der.get(..size).ok_or(missing)
}

/// What follows a `TCG_PCCLIENT_STORED_CERT` header, where there is one.
fn without_header(nv: &[u8]) -> Option<&[u8]> {
    let mut cursor = Cursor::new(nv);
    if cursor.u16_be().ok()? != STORED_CERT {
        return None;
    }
    let _certificate_type = cursor.u8().ok()?;
    let size = usize::from(cursor.u16_be().ok()?);
    let mut body = Cursor::new(cursor.rest().get(..size)?);
    let mut probe = body.clone();
    if probe.u16_be().ok()? == FULL_CERT {
        body = probe;
    }
    Some(body.rest())
}

/// The size of the outermost DER value: a sequence in the shortest form of its length.
fn der_size(der: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(der);
    if cursor.u8().ok()? != SEQUENCE {
        return None;
    }
    let length = match cursor.u8().ok()? {
        short @ ..=0x7f => usize::from(short),
        0x81 => usize::from(cursor.u8().ok()?),
        0x82 => usize::from(cursor.u16_be().ok()?),
        _ => return None,
    };
    // An erased index reads as zeros or ones, and an empty sequence is no certificate either.
    if length == 0 { None } else { cursor.offset().checked_add(length) }
}
