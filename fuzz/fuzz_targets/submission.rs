//! What comes over the network before it is anything: compressed bodies and frames of manifests.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_wire::submit::{decode_manifests, decompress};

fuzz_target!(|bytes: &[u8]| {
    if let Ok(body) = decompress(bytes, 1 << 20) {
        assert!(body.len() <= 1 << 20);
        let _manifests = decode_manifests(&body);
    }
    let _manifests = decode_manifests(bytes);
});
