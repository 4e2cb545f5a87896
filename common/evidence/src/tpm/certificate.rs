//! Certificates as they lie in a TPM's NV memory.
//!
//! In: the contents of an NV index, or of several that hold a chain. Out: the DER of each certificate in it, without the
//! headers that some vendors and tools put in front and without the padding behind. Nothing is said about what a
//! certificate says or who signed it: here only its outermost length is read.
//= TCG EK Credential Profile 2.5 §2.2.1.4: EK Certificates and EK Nonces in NV; §2.2.1.5: EK certificate chains; TCG
//= PC Client Specific Implementation Specification 1.21 §7.4.2: TCG_PCCLIENT_STORED_CERT

use crate::cursor::Cursor;
use crate::limits::{NV_CERTIFICATE_BYTES, NV_CHAIN_BYTES};

use super::wire::TpmError;

const SEQUENCE: u8 = 0x30;
/// `TCG_TAG_PCCLIENT_STORED_CERT`, then a type, then the size of what follows.
const STORED_CERT: u16 = 0x1001;
/// `TCG_TAG_PCCLIENT_FULL_CERT`, in front of the DER of a stored certificate of type 0.
const FULL_CERT: u16 = 0x1002;
/// The size of the header with both tags, one without the other being shorter.
const HEADER_BYTES: usize = 7;

/// The DER of the first certificate in an NV index.
pub fn certificate_from_nv(nv: &[u8]) -> Result<&[u8], TpmError> {
    let (limit, found) = (NV_CERTIFICATE_BYTES, nv.len());
    if found > limit {
        return Err(TpmError::Limit { offset: 0, what: "NV certificate", limit, found });
    }
    let first = first_in(nv).ok_or(TpmError::NoCertificate { size: found })?;
    Ok(first.der)
}

/// The certificates that lie one behind the other in the indices of a chain, in their order.
///
/// What lies between and behind them may be padding; the first bytes that are neither padding nor a certificate end the
/// chain, and [`NvChain::rest`] gives them.
pub fn certificates_from_nv(nv: &[u8]) -> Result<NvChain<'_>, TpmError> {
    let (limit, found) = (NV_CHAIN_BYTES, nv.len());
    if found > limit {
        return Err(TpmError::Limit { offset: 0, what: "NV certificate chain", limit, found });
    }
    Ok(NvChain { rest: nv })
}

/// An iterator over the certificates of a chain; it borrows all that it gives.
#[derive(Clone, Debug)]
pub struct NvChain<'a> {
    rest: &'a [u8],
}

impl<'a> NvChain<'a> {
    /// What has not been read: after the last certificate, what is no certificate and not only padding.
    pub fn rest(&self) -> &'a [u8] {
        without_padding(self.rest)
    }
}

impl<'a> Iterator for NvChain<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<Self::Item> {
        let rest = without_padding(self.rest);
        let found = first_in(rest)?;
        self.rest = rest.get(found.end..)?;
        Some(found.der)
    }
}

/// A certificate, and where what follows it begins.
struct Found<'a> {
    der: &'a [u8],
    end: usize,
}

fn first_in(nv: &[u8]) -> Option<Found<'_>> {
    let header = header_size(nv).unwrap_or(0);
    let body = nv.get(header..)?;
    let size = der_size(body)?;
    let der = body.get(..size)?;
    Some(Found { der, end: header.checked_add(size)? })
}

/// The size of what stands before the DER: TCG's tags, in full or one of them, or a `TPM2B`'s length.
fn header_size(nv: &[u8]) -> Option<usize> {
    let mut cursor = Cursor::new(nv);
    let first = cursor.u16_be().ok()?;
    match first {
        STORED_CERT => {
            let _certificate_type = cursor.u8().ok()?;
            let size = usize::from(cursor.u16_be().ok()?);
            // The size is that of all that follows, the second tag included.
            let mut body = Cursor::new(cursor.rest().get(..size)?);
            let full = body.u16_be().ok()? == FULL_CERT;
            Some(if full { HEADER_BYTES } else { cursor.offset() })
        }
        FULL_CERT => Some(cursor.offset()),
        size if cursor.rest().first() == Some(&SEQUENCE) => {
            let der = cursor.rest();
            (der_size(der)? == usize::from(size)).then_some(cursor.offset())
        }
        _ => None,
    }
}

/// Erased NV memory reads as ones, memory that was never written as zeros.
fn without_padding(nv: &[u8]) -> &[u8] {
    let padding = nv.iter().take_while(|byte| matches!(byte, 0x00 | 0xff)).count();
    match nv.get(padding..) {
        // A size's high byte may be zero.
        Some(rest) if padding > 0 && rest.get(1) == Some(&SEQUENCE) => {
            nv.get(padding.saturating_sub(1)..).filter(|sized| header_size(sized).is_some()).unwrap_or(rest)
        }
        Some(rest) => rest,
        None => &[],
    }
}

/// The size of the outermost DER value: a sequence whose length fits an NV index.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn der(size: u8, fill: u8) -> Vec<u8> {
        let mut der = vec![SEQUENCE, 0x82, size, 0x10];
        der.resize(4 + usize::from(size) * 256 + 0x10, fill);
        der
    }

    fn stored(der: &[u8]) -> Vec<u8> {
        let size = u16::try_from(der.len() + 2).unwrap().to_be_bytes();
        [&[0x10, 0x01, 0x00], &size[..], &[0x10, 0x02], der].concat()
    }

    fn sized(der: &[u8]) -> Vec<u8> {
        [&u16::try_from(der.len()).unwrap().to_be_bytes()[..], der].concat()
    }

    #[test]
    fn every_header_and_every_padding_is_taken_off() {
        let der = der(3, 7);
        let full = [&[0x10, 0x02][..], &der].concat();
        let bare = [&[0x10, 0x01, 0x00, 0x03, 0x14][..], &der].concat();
        for form in [der.clone(), stored(&der), sized(&der), full, bare] {
            for padding in [&[][..], &[0x00; 90], &[0xff; 90], &[0x5a; 3]] {
                let nv = [form.as_slice(), padding].concat();
                assert_eq!(certificate_from_nv(&nv), Ok(der.as_slice()), "{:02x?}", &nv[..9]);
            }
        }
    }

    #[test]
    fn a_cut_certificate_is_none_wherever_it_is_cut() {
        for form in [der(1, 7), stored(&der(1, 7)), sized(&der(1, 7))] {
            for cut in 0..form.len() {
                assert_eq!(certificate_from_nv(&form[..cut]), Err(TpmError::NoCertificate { size: cut }));
            }
        }
    }

    #[test]
    fn a_chain_is_cut_into_its_certificates() {
        let (one, two, three) = (der(1, 1), der(2, 2), der(3, 3));
        let nv = [&one[..], &[0xff; 5], &stored(&two), &[0; 7], &sized(&three), &[0xff; 40]].concat();
        let mut chain = certificates_from_nv(&nv).unwrap();
        let all: Vec<_> = chain.by_ref().collect();
        assert_eq!(all, [one.as_slice(), &two, &three]);
        assert!(chain.rest().is_empty());
        let followed = [&one[..], b"rubbish"].concat();
        let mut chain = certificates_from_nv(&followed).unwrap();
        assert_eq!((chain.next(), chain.next()), (Some(one.as_slice()), None));
        assert_eq!(chain.rest(), b"rubbish");
        assert_eq!(certificates_from_nv(&[0; 900]).unwrap().count(), 0);
        let found = NV_CHAIN_BYTES + 1;
        let too_long =
            TpmError::Limit { offset: 0, what: "NV certificate chain", limit: NV_CHAIN_BYTES, found };
        assert_eq!(certificates_from_nv(&vec![0; found]).unwrap_err(), too_long);
    }
}
