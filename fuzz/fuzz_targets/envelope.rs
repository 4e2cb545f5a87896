//! Submissions, bundles, manifests and stored states: bytes that are accepted are the canonical ones.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_appraisal::state::HostState;
use lydian_evidence::body::Body;
use lydian_evidence::bundle::Bundle;
use lydian_evidence::envelope::Envelope;
use lydian_evidence::manifest::Manifest;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(body.encode(), bytes);
    }
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert_eq!(envelope.encode(), bytes);
    }
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert_eq!(manifest.encode(), bytes);
    }
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert_eq!(bundle.encode(), bytes);
    }
    if let Ok(state) = HostState::decode(bytes) {
        assert_eq!(state.encode(), bytes);
    }
});
