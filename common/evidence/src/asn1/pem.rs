//! The text form that tools write certificates and signatures in.
//!
//! In: a file. Out: the DER in its first block, or nothing where it is no text of that kind. The label is not looked at:
//! what the bytes are is for their parser to say.
//= RFC 7468

/// The bytes of the first block.
pub fn from_pem(file: &[u8]) -> Option<Vec<u8>> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let start = file.windows(BEGIN.len()).position(|window| window == BEGIN)?;
    let (_label, der) = der::pem::decode_vec(file.get(start..)?).ok()?;
    Some(der)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_block_is_decoded() {
        let text = b"text before\n-----BEGIN PKCS7-----\nMAMCAQE=\n-----END PKCS7-----\n";
        assert_eq!(from_pem(text).as_deref(), Some(&[0x30, 3, 2, 1, 1][..]));
        assert_eq!(from_pem(b"-----BEGIN PKCS7-----\nMAMC"), None);
        assert_eq!(from_pem(&[0x30, 0]), None);
    }
}
