//! `SignedData`: signers and certificates or an error, and nothing that verifies over another content.

use appraisal::signed_data;
use evidence::pkcs7::{SignedData, SignerInfo};

/// The target's body.
pub fn pkcs7(bytes: &[u8]) {
    // What holds is of an image's hash, and names a certificate at least.
    let signers = inquiry::carried::signers_of(bytes);
    assert!(signers.iter().all(|(image, signers)| image.id().len() == 32 && !signers.is_empty()));
    let Ok((signed, _)) = SignedData::parse_prefix(bytes) else { return };
    let certificates = signed_data::included(&signed);
    for signer in signed.signers().take(8).filter_map(Result::ok) {
        unsigned(&signer);
        if signed_data::verify_included(&signed, &signer, &certificates).is_ok() {
            let other =
                signed_data::verify_detached(&signed, &signer, &certificates, &|alg| alg.hash(&[b"other"]));
            assert!(other.is_err());
        }
    }
}

fn unsigned(signer: &SignerInfo<'_>) {
    let _times = (signer.signing_time(), signer.countersignature_time());
    for token in signer.timestamp_tokens().take(4).filter_map(Result::ok) {
        let _stamped = signed_data::verify_timestamp(signer, &token);
    }
    for nested in signer.nested_signatures().take(4).filter_map(Result::ok) {
        let _signers = nested.signers().count();
    }
}
