//! The text form that tools write certificates, keys and signatures in.
//!
//! In: a file. Out: the DER in its blocks, or nothing where it is no text of that kind. What the bytes are is for their
//! parser to say; labels are given, since one of them says that a block is a secret.
//= RFC 7468

use base64::Engine as _;

/// The bytes of the first block.
pub fn from_pem(file: &[u8]) -> Option<Vec<u8>> {
    pem_blocks(file).next()?.der
}

/// One block of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PemBlock<'a> {
    /// Where it starts.
    pub offset: usize,
    /// What it says that it holds, such as `CERTIFICATE`.
    pub label: &'a [u8],
    /// What it holds; `None` where that is no base64, or the block has no end.
    pub der: Option<Vec<u8>>,
}

/// All blocks, one by one. Text between them is passed over, as OpenSSL does.
pub fn pem_blocks(file: &[u8]) -> impl Iterator<Item = PemBlock<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = file.get(at..)?;
        let offset = at.saturating_add(find(rest, BEGIN)?);
        let label_at = offset.saturating_add(BEGIN.len());
        let behind = file.get(label_at..)?;
        let line = behind.get(..behind.iter().position(|byte| *byte == b'\n').unwrap_or(behind.len()))?;
        let label = line.trim_ascii_end().strip_suffix(DASHES).unwrap_or(line);
        let body_at = label_at.saturating_add(line.len());
        let body = file.get(body_at..)?;
        let length = find(body, END);
        at = body_at.saturating_add(length.unwrap_or(body.len()));
        let der = length.and_then(|length| decode(body.get(..length)?));
        Some(PemBlock { offset, label, der })
    })
}

/// Base64 with white space anywhere in it.
pub fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64::engine::general_purpose::STANDARD.decode(digits).ok()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";

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

    #[test]
    fn all_blocks_are_found_and_damaged_ones_are_not_passed_over() {
        let text = b"# one\n-----BEGIN A-----\r\nMAMC\r\nAQE=\r\n-----END A-----\n-----BEGIN B-----\n?\n-----END B-----\n-----BEGIN C-----\nMAMC";
        let found: Vec<_> = pem_blocks(text).map(|block| (block.label, block.der.is_some())).collect();
        assert_eq!(found, [(&b"A"[..], true), (b"B", false), (b"C", false)]);
    }
}
