//! Quotes, and the PCR values that belong to them.
//!
//! In: a loaded attestation key, a selection and 32 bytes. Out: the quote, with values that hash to its digest.
//! A TPM gives eight values a command, and PCRs can change between commands, so values are read until they fit. Where
//! PCR 10 alone keeps moving (IMA on a busy host), the values are given as read: whoever has the IMA list finds the one
//! that was quoted.

use evidence::digest::{Digest, HashAlg, Sha256Digest};
use evidence::pcr::{PcrIndex, PcrMask, PcrSelection};
use evidence::tpm::{Attest, Signature};
use tss_esapi::Context;
use tss_esapi::constants::CapabilityType;
use tss_esapi::handles::KeyHandle;
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{CapabilityData, Data, PcrSelectionList, SignatureScheme};
use tss_esapi::traits::Marshall as _;
use tss_esapi::tss2_esys::{TPML_PCR_SELECTION, TPMS_PCR_SELECTION};

use super::code;
use crate::quote::{Quote, TpmError};

/// The banks that have PCRs.
pub(super) fn banks(context: &mut Context) -> Result<Vec<HashAlg>, TpmError> {
    let (found, _more) = context
        .execute_without_session(|context| context.get_capability(CapabilityType::AssignedPcr, 0, 1))
        .map_err(code::of("TPM2_GetCapability"))?;
    let CapabilityData::AssignedPcr(selections) = found else {
        return Err(TpmError::Inconsistent { what: "another capability than the one asked for" });
    };
    let in_use = selections.get_selections().iter().filter(|selection| !selection.is_empty());
    let mut banks: Vec<HashAlg> =
        in_use.filter_map(|selection| HashAlg::from_tpm_id(selection.hashing_algorithm().into())).collect();
    banks.sort_unstable();
    Ok(banks)
}

/// Quotes a selection.
pub(super) fn quote(
    context: &mut Context,
    ak: KeyHandle,
    selection: &PcrSelection,
    qualifying: &Sha256Digest,
) -> Result<Quote, TpmError> {
    let mut before = read(context, selection)?;
    let mut last = None;
    for _ in 0..ATTEMPTS {
        let (attest, signature, quoted) = quote_once(context, ak, selection, qualifying)?;
        let after = read(context, selection)?;
        for values in [&after, &before] {
            if hash(quoted.hash, values) == quoted.digest {
                return Ok(Quote { attest, signature, pcr_values: values.clone() });
            }
        }
        let ima_only = differ_in_ima_only(selection, &before, &after);
        before.clone_from(&after);
        last = ima_only.then_some(Quote { attest, signature, pcr_values: after });
    }
    last.ok_or(TpmError::Inconsistent {
        what: "PCRs other than 10 keep changing, or their values are not those quoted",
    })
}

struct Quoted {
    hash: HashAlg,
    digest: Vec<u8>,
}

fn quote_once(
    context: &mut Context,
    ak: KeyHandle,
    selection: &PcrSelection,
    qualifying: &Sha256Digest,
) -> Result<(Vec<u8>, Vec<u8>, Quoted), TpmError> {
    let data = Data::try_from(qualifying.as_bytes().to_vec()).map_err(code::of("TPM2B_DATA"))?;
    let list = to_list(selection)?;
    let (attest, signature) = context
        .execute_with_session(Some(AuthSession::Password), |context| {
            context.quote(ak, data, SignatureScheme::Null, list)
        })
        .map_err(code::of("TPM2_Quote"))?;
    let attest = attest.marshall().map_err(code::of("Tss2_MU_TPMS_ATTEST_Marshal"))?;
    let signature = signature.marshall().map_err(code::of("Tss2_MU_TPMT_SIGNATURE_Marshal"))?;
    let parsed = Attest::parse(&attest)?;
    let info =
        parsed.quote().ok_or(TpmError::Inconsistent { what: "TPM2_Quote gave another attestation" })?;
    if info.selection != *selection {
        return Err(TpmError::Unsuitable { what: "a PCR or a bank of those that are to be quoted" });
    }
    let quoted = Quoted { hash: Signature::parse(&signature)?.hash(), digest: info.pcr_digest.clone() };
    Ok((attest, signature, quoted))
}

/// The values of a selection, in its order.
fn read(context: &mut Context, selection: &PcrSelection) -> Result<Vec<Digest>, TpmError> {
    let mut values = Vec::with_capacity(selection.len());
    for (bank, mask) in selection.banks() {
        let pcrs: Vec<PcrIndex> = mask.iter().collect();
        for some in pcrs.chunks(PCRS_PER_READ) {
            read_some(context, *bank, some, &mut values)?;
        }
    }
    Ok(values)
}

fn read_some(
    context: &mut Context,
    bank: HashAlg,
    pcrs: &[PcrIndex],
    values: &mut Vec<Digest>,
) -> Result<(), TpmError> {
    let list = to_list(&PcrSelection::of_bank(bank, pcrs.iter().copied().collect::<PcrMask>()))?;
    let (_counter, _selection, digests) = context
        .execute_without_session(|context| context.pcr_read(list))
        .map_err(code::of("TPM2_PCR_Read"))?;
    if digests.len() != pcrs.len() {
        return Err(TpmError::Unsuitable { what: "a PCR or a bank of those that are to be quoted" });
    }
    for digest in digests.value() {
        let digest = Digest::new(bank, digest.value());
        values.push(
            digest.map_err(|_| TpmError::Inconsistent { what: "a PCR value has another bank's length" })?,
        );
    }
    Ok(())
}

/// The library's builder loses the order of the banks, which counts; its conversion keeps it.
fn to_list(selection: &PcrSelection) -> Result<PcrSelectionList, TpmError> {
    let mut list = TPML_PCR_SELECTION::default();
    for (to, (bank, mask)) in list.pcrSelections.iter_mut().zip(selection.banks()) {
        let [a, b, c] = mask.to_octets();
        *to = TPMS_PCR_SELECTION { hash: bank.tpm_id(), sizeofSelect: 3, pcrSelect: [a, b, c, 0] };
        list.count += 1;
    }
    PcrSelectionList::try_from(list).map_err(code::of("TPML_PCR_SELECTION"))
}

fn hash(alg: HashAlg, values: &[Digest]) -> Vec<u8> {
    let parts: Vec<&[u8]> = values.iter().map(Digest::as_bytes).collect();
    alg.hash(&parts).as_bytes().to_vec()
}

fn differ_in_ima_only(selection: &PcrSelection, one: &[Digest], other: &[Digest]) -> bool {
    let mut values = selection.iter().zip(one.iter().zip(other));
    selection.iter().any(|(_, pcr)| pcr == PcrIndex::IMA)
        && values.all(|((_, pcr), (one, other))| pcr == PcrIndex::IMA || one == other)
}

//= TPM 2.0 Library Part 3 §22.4: at most eight digests are returned
const PCRS_PER_READ: usize = 8;
/// On a host that measures thousands of files a second, three quotes find PCR 10 moved; more would find the same.
const ATTEMPTS: u32 = 3;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_moved_ima_register_is_forgiven() {
        let selection: PcrSelection = "sha256:0,10".parse().unwrap();
        let (a, b) = (Digest::zero(HashAlg::Sha256), Digest::ones(HashAlg::Sha256));
        assert!(differ_in_ima_only(&selection, &[a, a], &[a, b]));
        assert!(!differ_in_ima_only(&selection, &[a, a], &[b, a]));
        let without: PcrSelection = "sha256:0,1".parse().unwrap();
        assert!(!differ_in_ima_only(&without, &[a, a], &[a, a]));
    }

    #[test]
    fn the_order_of_banks_survives() {
        let selection: PcrSelection = "sha384:0,23+sha1:1+sha256:7".parse().unwrap();
        let list = TPML_PCR_SELECTION::from(to_list(&selection).unwrap());
        let hashes: Vec<u16> = list.pcrSelections.iter().take(3).map(|bank| bank.hash).collect();
        assert_eq!((list.count, hashes), (3, vec![0x0c, 0x04, 0x0b]));
        assert_eq!(list.pcrSelections[0].pcrSelect, [1, 0, 0x80, 0]);
    }
}
