//! What stands behind a signed module: the signature, its description, and a line of text.
//!
//! In: a module's bytes. Out: the signature's bytes and fields. The description is not signed; the kernel refuses one
//! that it does not expect, and so does this.
//= Linux include/linux/module_signature.h, kernel/module_signature.c

use crate::asn1::Asn1Error;
use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::limits::MODULE_TRAILING_BYTES;
use crate::pkcs7::SignedData;

const MAGIC: &[u8] = b"~Module signature appended~\n";
const HEADER_BYTES: usize = 12;

/// What a signature is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdType {
    /// `OpenPGP`: proposed once, never in a released kernel.
    Pgp,
    /// A raw RSA signature beside a name and a key id: Linux 3.7 to 4.2.
    X509,
    /// A PKCS#7 message.
    Pkcs7,
    /// Anything else.
    Other(u8),
}

impl IdType {
    const fn of(number: u8) -> Self {
        match number {
            0 => Self::Pgp,
            1 => Self::X509,
            2 => Self::Pkcs7,
            other => Self::Other(other),
        }
    }

    /// The word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pgp => "pgp",
            Self::X509 => "x509",
            Self::Pkcs7 => "pkcs7",
            Self::Other(_) => "unknown",
        }
    }
}

/// `struct module_signature`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureHeader {
    /// Number of the key's algorithm; 0 with PKCS#7.
    pub algorithm: u8,
    /// Number of the hash; 0 with PKCS#7.
    pub hash: u8,
    /// What the signature is.
    pub id_type: IdType,
    /// Bytes of the signer's name; 0 with PKCS#7.
    pub signer_bytes: u8,
    /// Bytes of the key's identifier; 0 with PKCS#7.
    pub key_id_bytes: u8,
    /// Bytes of the signature.
    pub signature_bytes: u32,
}

/// A module's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModuleSignature<'a> {
    /// What it is over.
    pub content: &'a [u8],
    /// Its description.
    pub header: SignatureHeader,
    /// The signer's name, which only old signatures have here.
    pub signer: &'a [u8],
    /// The key's identifier, which only old signatures have here.
    pub key_id: &'a [u8],
    /// The signature: of PKCS#7, the message.
    pub signature: &'a [u8],
    /// Where the signature starts in the module.
    pub offset: usize,
}

impl<'a> ModuleSignature<'a> {
    /// The PKCS#7 message; `None` for older signatures.
    pub fn signed_data(&self) -> Option<Result<SignedData<'a>, Asn1Error>> {
        (self.header.id_type == IdType::Pkcs7).then(|| SignedData::parse(self.signature))
    }

    /// The hash of an old signature, where Lydian computes it.
    //= Linux 4.2 include/crypto/hash_info.h: enum hash_algo
    pub const fn legacy_hash(&self) -> Option<HashAlg> {
        match (self.header.id_type, self.header.hash) {
            (IdType::X509, 2) => Some(HashAlg::Sha1),
            (IdType::X509, 4) => Some(HashAlg::Sha256),
            (IdType::X509, 5) => Some(HashAlg::Sha384),
            (IdType::X509, 6) => Some(HashAlg::Sha512),
            _ => None,
        }
    }
}

/// Why a signature cannot be split off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrailerError {
    /// The module ends before its signature does.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The signature is said to be longer than what stands before its description.
    #[error("at byte {offset}: a signature of {found} bytes where {left} are left")]
    Length {
        /// Where the description starts.
        offset: usize,
        /// What it says.
        found: usize,
        /// Bytes before it.
        left: usize,
    },
    /// The description of a PKCS#7 signature has a field that is not zero.
    #[error("at byte {offset}: the signature's description has a field that must be zero")]
    NotZero {
        /// Where the description starts.
        offset: usize,
    },
}

impl TrailerError {
    /// Where it went wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated(error) => error.offset,
            Self::Length { offset, .. } | Self::NotZero { offset } => *offset,
        }
    }
}

/// Whether the bytes end as a signed module does.
pub(super) fn is_signed(bytes: &[u8]) -> bool {
    bytes.ends_with(MAGIC)
}

pub(super) fn parse(bytes: &[u8]) -> Result<Option<ModuleSignature<'_>>, TrailerError> {
    let Some(before) = bytes.strip_suffix(MAGIC) else { return Ok(None) };
    let at = before.len().saturating_sub(HEADER_BYTES);
    let (before, header) = before.split_at_checked(at).unwrap_or((&[], before));
    let header = header_of(header, at)?;
    let (name, key_id) = (usize::from(header.signer_bytes), usize::from(header.key_id_bytes));
    let size = usize::try_from(header.signature_bytes).unwrap_or(usize::MAX);
    let all = size.saturating_add(name).saturating_add(key_id);
    let wrong = TrailerError::Length { offset: at, found: all, left: before.len() };
    let start = before.len().checked_sub(all).ok_or(wrong)?;
    let (content, rest) = before.split_at_checked(start).ok_or(wrong)?;
    let mut rest = Cursor::at(rest, start);
    let (signer, key_id) = (rest.take(name)?, rest.take(key_id)?);
    let offset = rest.offset();
    Ok(Some(ModuleSignature { content, header, signer, key_id, signature: rest.rest(), offset }))
}

fn header_of(bytes: &[u8], offset: usize) -> Result<SignatureHeader, TrailerError> {
    let mut cursor = Cursor::at(bytes, offset);
    let [algorithm, hash, id_type, signer_bytes, key_id_bytes] = cursor.array()?;
    let padding: [u8; 3] = cursor.array()?;
    let id_type = IdType::of(id_type);
    let zeros = [algorithm, hash, signer_bytes, key_id_bytes];
    //= Linux kernel/module_signature.c, mod_check_sig: PKCS#7 signature info has unexpected non-zero params
    if id_type == IdType::Pkcs7 && (zeros != [0; 4] || padding != [0; 3]) {
        return Err(TrailerError::NotZero { offset });
    }
    let signature_bytes = cursor.u32_be()?;
    Ok(SignatureHeader { algorithm, hash, id_type, signer_bytes, key_id_bytes, signature_bytes })
}

/// Where the closing text of a signature ends that is not the module's end, within the last stretch of the module.
pub(super) fn misplaced(bytes: &[u8]) -> Option<usize> {
    let start = bytes.len().saturating_sub(MODULE_TRAILING_BYTES);
    let last = bytes.get(start..)?;
    let at = last.windows(MAGIC.len()).rposition(|window| window == MAGIC)?;
    Some(start.saturating_add(at))
}
