//! TPM structures: what parses is written back to the same bytes where it can be written at all.

use evidence::tpm::{
    Attest, CreationData, CreationTicket, CredentialBlob, NvPublic, Public, Signature, certificate_from_nv,
    parse_pcr_selection,
};

/// The target's body.
pub fn tpm_structures(bytes: &[u8]) {
    if let Ok(attest) = Attest::parse(bytes)
        && let Ok(written) = attest.fields().encode()
    {
        assert_eq!(Attest::parse(&written).map(|again| again.fields().clone()), Ok(attest.fields().clone()));
    }
    if let Ok(public) = Public::parse(bytes) {
        let _name = public.name();
    }
    if let Ok(signature) = Signature::parse(bytes)
        && let Ok(written) = signature.encode()
    {
        assert_eq!(Signature::parse(&written), Ok(signature));
    }
    if let Ok(data) = CreationData::parse(bytes)
        && let Ok(written) = data.fields().encode()
    {
        assert_eq!(
            CreationData::parse(&written).map(|again| again.fields().clone()),
            Ok(data.fields().clone())
        );
    }
    if let Ok(public) = NvPublic::parse(bytes) {
        assert_eq!(public.area().encode().as_deref(), Ok(bytes));
    }
    if let Ok(blob) = CredentialBlob::parse_file(bytes) {
        assert_eq!(blob.to_file().as_deref(), Ok(bytes));
    }
    let _sized = (Public::parse_tpm2b(bytes), CreationData::parse_tpm2b(bytes), NvPublic::parse_tpm2b(bytes));
    let _ticket = CreationTicket::parse(bytes);
    let _selection = parse_pcr_selection(bytes);
    let _certificate = certificate_from_nv(bytes);
}
