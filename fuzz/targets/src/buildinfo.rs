//! What programs say of their build: facts with keys that rise, within a manifest's limits.

use evidence::buildinfo;
use evidence::limits::{ENTRY_FACTS, LONG_TEXT_BYTES, SHORT_TEXT_BYTES};

/// The target's body.
pub fn buildinfo(bytes: &[u8]) {
    let facts = buildinfo::read(&bytes);
    assert!(facts.len() <= ENTRY_FACTS);
    assert!(facts.is_sorted_by(|a, b| a.key < b.key));
    assert!(
        facts.iter().all(|fact| fact.key.len() <= SHORT_TEXT_BYTES && fact.value.len() <= LONG_TEXT_BYTES)
    );
}
