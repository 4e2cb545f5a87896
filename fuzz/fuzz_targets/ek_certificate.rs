//! EK certificates as they come from a TPM: a chain or a refusal, never a crash.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_evidence::tpm::certificate_from_nv;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(certificate) = certificate_from_nv(bytes) {
        let _root = lydian_appraisal::endorsement::EndorsementRoots::from_der([certificate]);
    }
});
