//! `OpenPGP` key rings: certificates or an error; whatever is read can be assessed, and nothing that was not verified is
//! valid.

use appraisal::openpgp::{Status, assess};
use evidence::openpgp::KeyRing;
use evidence::time::UnixTime;

/// The target's body.
pub fn openpgp(bytes: &[u8]) {
    let Ok(ring) = KeyRing::read(bytes) else { return };
    for certificate in ring.certificates().filter_map(Result::ok).take(64) {
        let primary = certificate.primary;
        let _named = (primary.fingerprint().to_string(), primary.key_id().to_string(), primary.bits());
        let all = assess(&certificate, UnixTime::from_secs(1_800_000_000));
        if all.status == Status::Unverified {
            assert!(all.subkeys.iter().all(|subkey| subkey.status == Status::Unverified));
        }
        assert!(all.findings.iter().all(|finding| !finding.to_string().is_empty()));
    }
}
