//! Bundles of EK roots: what reads is what would be written.

use appraisal::endorsement::{Bundle, EndorsementRoots, TrustTier};

/// The target's body.
pub fn ek_roots_bundle(bytes: &[u8]) {
    let mut roots = EndorsementRoots::default();
    let taken = roots.add_file(TrustTier::Manufacturer, bytes);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Ok(bundle) = Bundle::parse(text) else { return };
    assert_eq!(taken, Ok(bundle.roots.len()));
    assert!(text.contains(&bundle.version));
}
