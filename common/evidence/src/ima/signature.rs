//! Headers of IMA's and EVM's signatures.
//!
//! In: a `security.ima` attribute as the `sig` field has it, or a `security.evm` one as `evmsig` has it. Out: which key is
//! said to have signed with which algorithm, and the signature. It is not verified here.
//= Linux security/integrity/integrity.h: struct signature_v2_hdr

use crate::cursor::{Cursor, Truncated};

/// The header of a signature, and the signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImaSignature<'a> {
    /// What is signed.
    pub kind: SignatureKind,
    /// The format's version: 2, or 3 where the signature is over a structure that names the digest's type.
    pub version: u8,
    /// The kernel's number of the hash algorithm (`enum hash_algo`).
    pub hash_algo: u8,
    /// The last four bytes of the key's identifier: ambiguous, so try every key that has them.
    pub key_id: u32,
    /// The signature.
    pub signature: &'a [u8],
}

/// What a signature is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignatureKind {
    /// A file's content.
    Content,
    /// A file's fs-verity digest.
    Verity,
    /// A file's metadata and attributes, made to be moved between machines.
    PortableEvm,
}

/// Why an attribute is not a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The attribute ends within the header or the signature.
    #[error("the attribute ends early: {0}")]
    Truncated(#[from] Truncated),
    /// The attribute is of another type, such as a bare hash.
    #[error("an attribute of type {found:#04x} is not a signature")]
    NotASignature {
        /// The type.
        found: u8,
    },
    /// A version that Lydian does not know.
    #[error("a signature of version {found}")]
    Version {
        /// The version.
        found: u8,
    },
    /// Bytes behind the signature.
    #[error("the attribute has {found} bytes behind its signature")]
    Trailing {
        /// How many.
        found: usize,
    },
}

impl<'a> ImaSignature<'a> {
    /// Reads an attribute as a list holds it.
    //= Linux security/integrity/integrity.h: enum evm_ima_xattr_type
    pub fn parse(bytes: &'a [u8]) -> Result<Self, SignatureError> {
        let mut cursor = Cursor::new(bytes);
        let kind = match cursor.u8()? {
            3 => SignatureKind::Content,
            5 => SignatureKind::PortableEvm,
            6 => SignatureKind::Verity,
            found => return Err(SignatureError::NotASignature { found }),
        };
        let version = match cursor.u8()? {
            version @ (2 | 3) => version,
            found => return Err(SignatureError::Version { found }),
        };
        let (hash_algo, key_id) = (cursor.u8()?, cursor.u32_be()?);
        let signature = cursor.tpm2b()?;
        match cursor.left() {
            0 => Ok(Self { kind, version, hash_algo, key_id, signature }),
            found => Err(SignatureError::Trailing { found }),
        }
    }

    /// The hash algorithm's name, where the kernel has one for the number.
    //= Linux include/uapi/linux/hash_info.h: enum hash_algo
    pub fn hash_name(&self) -> Option<&'static str> {
        HASH_NAMES.get(usize::from(self.hash_algo)).copied()
    }
}

//= Linux crypto/hash_info.c: hash_algo_name
const HASH_NAMES: [&str; 23] = [
    "md4",
    "md5",
    "sha1",
    "rmd160",
    "sha256",
    "sha384",
    "sha512",
    "sha224",
    "rmd128",
    "rmd256",
    "rmd320",
    "wp256",
    "wp384",
    "wp512",
    "tgr128",
    "tgr160",
    "tgr192",
    "sm3",
    "streebog256",
    "streebog512",
    "sha3-256",
    "sha3-384",
    "sha3-512",
];
