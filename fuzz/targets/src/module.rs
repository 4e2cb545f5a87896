//! Kernel modules: unpacked up to a limit; a signature and what it is over make up the whole.

use appraisal::module::verify;
use evidence::module::{Module, unpack};
use evidence::x509::Certificate;

/// More than any input of the corpus unpacks to, and little enough that bombs are no work.
const LIMIT: usize = 1 << 20;

/// The target's body.
pub fn module(bytes: &[u8]) {
    let Ok(bytes) = unpack(bytes, LIMIT) else { return };
    assert!(bytes.len() <= LIMIT.max(bytes.len().min(LIMIT)));
    let Ok(module) = Module::parse(&bytes) else { return };
    let _said = (module.info().count(), module.misplaced_signature(), module.is_signed_twice());
    if let Some(signature) = module.signature() {
        assert_eq!(
            signature.offset,
            module.content().len() + signature.signer.len() + signature.key_id.len()
        );
        let trailer = 12 + 28;
        assert_eq!(signature.offset + signature.signature.len() + trailer, bytes.len());
    }
    let key = Certificate::parse(KEY).ok();
    let _verdict = verify(&module, key.as_slice());
}

/// The certificate that the corpus's signed modules are signed by.
const KEY: &[u8] = include_bytes!("../../../tests/vectors/modules/rsa.der");
