//! Keys and signatures in every form that they come in: each is read or refused, and no signature of chance holds.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_appraisal::crypto::{HashPolicy, KeyFile, SchemeHint, parse_signature_file};
use lydian_evidence::digest::HashAlg;

fuzz_target!(|input: (&[u8], &[u8])| {
    let (key, signature) = input;
    let key = KeyFile::parse(key).ok().and_then(|file| file.verifying_key().ok());
    let hint = SchemeHint { stated: None, key: key.as_ref(), hash: HashAlg::Sha256 };
    if let (Ok(signature), Some(key)) = (parse_signature_file(signature, &hint), &key) {
        let _verdict = key.verify(HashPolicy::Modern, &signature, b"a message");
    }
});
