//! EK certificates as they come from a TPM: a chain or a refusal, never a crash.

use evidence::tpm::certificate_from_nv;

/// The target's body.
pub fn ek_certificate(bytes: &[u8]) {
    if let Ok(certificate) = certificate_from_nv(bytes) {
        let _root = appraisal::endorsement::EndorsementRoots::from_der([certificate]);
    }
}
