//! What comes over the network before it is anything: compressed bodies and frames of manifests.

use wire::submit::{decode_manifests, decompress};

/// The target's body.
pub fn submission(bytes: &[u8]) {
    if let Ok(body) = decompress(bytes, 1 << 20) {
        assert!(body.len() <= 1 << 20);
        let _manifests = decode_manifests(&body);
    }
    let _manifests = decode_manifests(bytes);
}
