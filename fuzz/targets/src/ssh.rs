//! Lines of SSH keys: what is read has a type and a blob that reads the same, and places lie within the file.

use evidence::ssh::{PublicKey, authorized_keys, known_hosts};

/// The target's body.
pub fn ssh(bytes: &[u8]) {
    for line in authorized_keys(bytes).flatten() {
        assert!(line.offset <= bytes.len());
        let key = line.key.key();
        assert!(key.is_some(), "a key that was read reads again");
        let _certificate = key.and_then(|key| key.certificate());
        let _options = line.options.pairs().count();
    }
    for line in known_hosts(bytes).flatten() {
        assert!(line.key.key().is_some());
    }
    if let Ok(key) = PublicKey::of(bytes) {
        assert_eq!(key.blob(), bytes);
        let _certificate = key.certificate();
    }
}
