//! Fields of IMA's templates.
//!
//! In: a template's name or format and its data. Out: typed fields that borrow the data. Templates that are
//! not known stay raw: their template hash still replays.
//= Linux Documentation/security/IMA-templates.rst

use std::fmt;

use super::ascii::RebuildError;
use super::layout::ByteOrder;
use super::template;
use crate::cursor::{Cursor, Truncated};
use crate::digest::{Digest, HashAlg};
use crate::eventlog::sanitise;

/// A record's fields; which are there depends on the template.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImaFields<'a> {
    /// What was measured: a file's content, its fs-verity digest, or a buffer.
    pub digest: Option<ImaDigest<'a>>,
    /// The file's path or the event's name as the kernel logged it; spaces are underscores in it.
    pub name: Option<&'a [u8]>,
    /// The file's `security.ima` attribute, if it was signed; empty where it was not.
    pub signature: Option<&'a [u8]>,
    /// A measured buffer: a certificate that was loaded, a command line, critical data.
    pub buffer: Option<&'a [u8]>,
    /// The digest that an appended signature is over.
    pub modsig_digest: Option<ImaDigest<'a>>,
    /// An appended signature (PKCS#7).
    pub modsig: Option<&'a [u8]>,
    /// The file's portable `security.evm` signature; empty where it has none.
    pub evm_signature: Option<&'a [u8]>,
    /// Other fields that the template names, raw, such as owner and attributes in `evm-sig`.
    pub others: Vec<(&'a str, &'a [u8])>,
}

/// A digest as a template holds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaDigest<'a> {
    /// What it is over.
    pub over: DigestType,
    /// The algorithm's name as the kernel writes it.
    pub alg: &'a str,
    /// The digest's bytes.
    pub bytes: &'a [u8],
}

impl ImaDigest<'_> {
    /// The digest, where Lydian knows the algorithm and the length fits it.
    pub fn known(&self) -> Option<Digest> {
        Digest::new(self.alg.parse().ok()?, self.bytes).ok()
    }
}

/// What a digest is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestType {
    /// The content itself.
    Content,
    /// The fs-verity digest of a file.
    Verity,
}

/// Why fields could not be read. The record's bytes and hash stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The template is not one that Lydian knows.
    #[error("unknown template")]
    UnknownTemplate,
    /// A line of a text list from which the data cannot be had back.
    #[error(transparent)]
    Text(#[from] RebuildError),
    /// A field goes on past the data's end.
    #[error("template data ends early: {0}")]
    Truncated(#[from] Truncated),
    /// A digest without its algorithm.
    #[error("at byte {offset} of the template data: a digest without its algorithm")]
    Digest {
        /// Where the field starts.
        offset: usize,
    },
    /// A name without its NUL.
    #[error("at byte {offset} of the template data: a name without its NUL")]
    Name {
        /// Where the field starts.
        offset: usize,
    },
    /// Bytes that the kernel never puts into such a field. The template's name is not measured: somebody may have changed
    /// it, so that a file's signature passes for a buffer.
    #[error("at byte {offset} of the template data: bytes that this field never has")]
    Shape {
        /// Where the field starts.
        offset: usize,
    },
    /// Data behind the last field.
    #[error("at byte {offset} of the template data: bytes behind the last field")]
    Trailing {
        /// Where they start.
        offset: usize,
    },
}

pub(super) fn decode<'a>(
    template: &'a str,
    order: ByteOrder,
    data: &'a [u8],
) -> Result<ImaFields<'a>, FieldError> {
    if template == template::LEGACY {
        return decode_legacy(order, data);
    }
    let format = template::format_of(template).ok_or(FieldError::UnknownTemplate)?;
    let mut cursor = Cursor::new(data);
    let mut fields = ImaFields::default();
    for id in format.split('|') {
        let size = order.u32(&mut cursor)?;
        let offset = cursor.offset();
        let bytes = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        fields.put(id, bytes, offset)?;
    }
    if cursor.is_empty() { Ok(fields) } else { Err(FieldError::Trailing { offset: cursor.offset() }) }
}

impl<'a> ImaFields<'a> {
    fn put(&mut self, id: &'a str, bytes: &'a [u8], offset: usize) -> Result<(), FieldError> {
        match id {
            "d" => self.digest = Some(ImaDigest { over: DigestType::Content, alg: "sha1", bytes }),
            "d-ng" | "d-ngv2" => self.digest = Some(digest(bytes, offset)?),
            "n" | "n-ng" => self.name = Some(bytes.strip_suffix(&[0]).ok_or(FieldError::Name { offset })?),
            // The types of signatures are 3, 5 and 6; no other attribute is logged, and no empty buffer.
            "sig" | "evmsig" if !matches!(bytes.first(), None | Some(3 | 5 | 6)) => {
                return Err(FieldError::Shape { offset });
            }
            "buf" if bytes.is_empty() => return Err(FieldError::Shape { offset }),
            "sig" => self.signature = Some(bytes),
            "buf" => self.buffer = Some(bytes),
            // Empty where the file has no appended signature.
            "d-modsig" if bytes.is_empty() => {}
            "d-modsig" => self.modsig_digest = Some(digest(bytes, offset)?),
            "modsig" => self.modsig = Some(bytes),
            "evmsig" => self.evm_signature = Some(bytes),
            other => self.others.push((other, bytes)),
        }
        Ok(())
    }
}

/// `sha256:\0` and the hash, in the second version behind `ima:` or `verity:`.
fn digest(bytes: &[u8], offset: usize) -> Result<ImaDigest<'_>, FieldError> {
    let bad = FieldError::Digest { offset };
    let end = bytes.iter().position(|byte| *byte == 0).ok_or(bad)?;
    let (prefix, rest) = bytes.split_at_checked(end).ok_or(bad)?;
    let hash = rest.strip_prefix(&[0]).ok_or(bad)?;
    let prefix = std::str::from_utf8(prefix).ok().and_then(|prefix| prefix.strip_suffix(':')).ok_or(bad)?;
    let (over, alg) = match prefix.split_once(':') {
        None => (DigestType::Content, prefix),
        Some(("ima", alg)) => (DigestType::Content, alg),
        Some(("verity", alg)) => (DigestType::Verity, alg),
        Some(_) => return Err(bad),
    };
    if alg.is_empty() || !alg.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(bad);
    }
    Ok(ImaDigest { over, alg, bytes: hash })
}

fn decode_legacy(order: ByteOrder, data: &[u8]) -> Result<ImaFields<'_>, FieldError> {
    let (bytes, name) = split_legacy(order, data)?;
    let digest = ImaDigest { over: DigestType::Content, alg: "sha1", bytes };
    Ok(ImaFields { digest: Some(digest), name: Some(name), ..ImaFields::default() })
}

fn split_legacy(order: ByteOrder, data: &[u8]) -> Result<(&[u8], &[u8]), Truncated> {
    let mut cursor = Cursor::new(data);
    let digest = cursor.take(HashAlg::Sha1.size())?;
    let size = order.u32(&mut cursor)?;
    let name = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
    Ok((digest, name))
}

/// The old template's hash is over the digest and the name padded to 256 bytes, without lengths.
pub(super) fn legacy_hash(order: ByteOrder, data: &[u8], alg: HashAlg) -> Option<Digest> {
    let (digest, name) = split_legacy(order, data).ok()?;
    let padding = LEGACY_NAME_BYTES.checked_sub(name.len())?;
    Some(alg.hash(&[digest, name, ZEROS.get(..padding)?]))
}

const LEGACY_NAME_BYTES: usize = 256;
const ZEROS: [u8; LEGACY_NAME_BYTES] = [0; LEGACY_NAME_BYTES];

/// Digest, name and what else is there, as one line.
impl fmt::Display for ImaFields<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(digest) = &self.digest {
            write!(f, "{digest} ")?;
        }
        f.write_str(&sanitise(&String::from_utf8_lossy(self.name.unwrap_or_default())))?;
        let extras = [
            ("sig", self.signature),
            ("buf", self.buffer),
            ("modsig", self.modsig),
            ("evmsig", self.evm_signature),
        ];
        for (name, bytes) in extras.into_iter().filter_map(|(name, bytes)| Some((name, bytes?))) {
            if !bytes.is_empty() {
                write!(f, " {name}={} bytes", bytes.len())?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ImaDigest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.over == DigestType::Verity {
            f.write_str("verity:")?;
        }
        write!(f, "{}:", self.alg)?;
        // A digest has at most 64 bytes; what is longer is not one.
        for byte in self.bytes.iter().take(64) {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}
