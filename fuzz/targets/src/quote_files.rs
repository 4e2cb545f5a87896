//! Keys and signatures in every form that they come in: two bytes say how long the key's file is, the signature's is
//! the rest. Each is read or refused, and the two are put to the test on each other.

use appraisal::crypto::{HashPolicy, KeyFile, SchemeHint, parse_signature_file};
use evidence::digest::HashAlg;

/// The target's body.
pub fn quote_files(bytes: &[u8]) {
    let Some((size, rest)) = bytes.split_first_chunk() else { return };
    let Some((key, signature)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*size))) else {
        return;
    };
    let key = KeyFile::parse(key).ok().and_then(|file| file.verifying_key().ok());
    for key in [None, key.as_ref()] {
        let hint = SchemeHint { stated: None, key, hash: HashAlg::Sha256 };
        if let (Ok(signature), Some(key)) = (parse_signature_file(signature, &hint), key) {
            let _verdict = key.verify(HashPolicy::Modern, &signature, b"a message");
        }
    }
}
