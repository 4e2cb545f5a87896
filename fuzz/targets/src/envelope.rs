//! Submissions, bundles, manifests and stored states: bytes that are accepted are the canonical ones.

use appraisal::state::HostState;
use evidence::body::Body;
use evidence::bundle::Bundle;
use evidence::envelope::Envelope;
use evidence::manifest::Manifest;
use inquiry::carried::{image_signers, key_lists};

/// The target's body.
pub fn envelope(bytes: &[u8]) {
    if let Ok(body) = Body::decode(bytes) {
        assert_eq!(body.encode(), bytes);
    }
    if let Ok(envelope) = Envelope::decode(bytes) {
        assert_eq!(envelope.encode(), bytes);
    }
    if let Ok(manifest) = Manifest::decode(bytes) {
        assert_eq!(manifest.encode(), bytes);
        let _carried = (key_lists(&manifest), image_signers(&manifest));
    }
    if let Ok(bundle) = Bundle::decode(bytes) {
        assert_eq!(bundle.encode(), bytes);
    }
    if let Ok(state) = HostState::decode(bytes) {
        assert_eq!(state.encode(), bytes);
    }
}
