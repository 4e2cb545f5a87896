//! Forms of settings: every part lies within the file, and stanzas rise.

use evidence::asn1::pem_blocks;
use evidence::settings::{directives, kernel_keys, settings as sections, source_lines, stanzas};

/// The target's body.
pub fn settings(bytes: &[u8]) {
    let mut last = None;
    for stanza in stanzas(bytes) {
        assert!(stanza.offset < bytes.len() && last < Some(stanza.offset));
        last = Some(stanza.offset);
        let _fields = stanza.fields().count();
    }
    assert!(sections(bytes).all(|setting| setting.offset <= bytes.len()));
    assert!(directives(bytes).flatten().all(|directive| directive.offset <= bytes.len()));
    for line in source_lines(bytes).flatten() {
        let _signed_by = line.option("signed-by");
    }
    for key in kernel_keys(bytes).flatten() {
        let _names = (key.id_end(), key.id_text(), key.subject());
    }
    assert!(pem_blocks(bytes).all(|block| block.offset < bytes.len()));
}
