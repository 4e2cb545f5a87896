//! TPM structures: what parses is written back to the same bytes where it can be written at all.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_evidence::tpm::{
    Attest, CreationData, CreationTicket, CredentialBlob, NvPublic, Public, Signature, certificate_from_nv,
    parse_pcr_selection,
};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(attest) = Attest::parse(bytes)
        && let Ok(written) = attest.fields().encode()
    {
        assert_eq!(Attest::parse(&written).map(|again| again.fields().clone()), Ok(attest.fields().clone()));
    }
    if let Ok(public) = Public::parse(bytes) {
        let _name = public.name();
    }
    let _public = Public::parse_tpm2b(bytes);
    if let Ok(signature) = Signature::parse(bytes)
        && let Ok(written) = signature.encode()
    {
        assert_eq!(Signature::parse(&written), Ok(signature));
    }
    if let Ok(data) = CreationData::parse(bytes)
        && let Ok(written) = data.fields().encode()
    {
        assert_eq!(CreationData::parse(&written).map(|again| again.fields().clone()), Ok(data.fields().clone()));
    }
    if let Ok(public) = NvPublic::parse(bytes) {
        assert_eq!(public.area().encode().as_deref(), Ok(bytes));
    }
    let _others = (CreationData::parse_tpm2b(bytes), NvPublic::parse_tpm2b(bytes), CreationTicket::parse(bytes));
    if let Ok(blob) = CredentialBlob::parse_file(bytes) {
        assert_eq!(blob.to_file().as_deref(), Ok(bytes));
    }
    let _selection = parse_pcr_selection(bytes);
    let _certificate = certificate_from_nv(bytes);
});
