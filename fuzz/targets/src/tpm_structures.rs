//! TPM structures: what parses is written back to the same bytes where it can be written at all.

use evidence::tpm::{Attest, Public, Signature, certificate_from_nv, parse_pcr_selection};

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
    let _public = Public::parse_tpm2b(bytes);
    if let Ok(signature) = Signature::parse(bytes)
        && let Ok(written) = signature.encode()
    {
        assert_eq!(Signature::parse(&written), Ok(signature));
    }
    let _selection = parse_pcr_selection(bytes);
    let _certificate = certificate_from_nv(bytes);
}
