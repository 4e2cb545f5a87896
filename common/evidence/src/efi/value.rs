//! The kinds of signatures, and what an entry of each holds.
//!
//! In: a list's type and an entry's data. Out: a certificate, a hash, a key, or the bytes where nothing else fits. Firmware
//! refuses lists whose entries have another size than their type asks for; here the entry is kept, as bytes.
//= UEFI 2.10 §32.4.1: signature types

use std::fmt;

use crate::cursor::Cursor;
use crate::digest::{Digest, HashAlg};
use crate::x509::Certificate;

use super::{EfiTime, Guid};

macro_rules! types {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $size:expr, $guid:expr;)*) => {
        /// The kind of a list's signatures.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum SignatureType {
            $($(#[$doc])* $name,)*
            /// A kind that the specification does not know.
            Other(Guid),
        }

        impl SignatureType {
            /// The kind with this GUID.
            pub fn of(guid: Guid) -> Self {
                $(const $name: Guid = $guid;)*
                match guid {
                    $($name => Self::$name,)*
                    other => Self::Other(other),
                }
            }

            /// The kind's name for answers; it never changes.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Other(_) => "unknown",
                }
            }

            /// The size of each entry's data, where the kind fixes it.
            pub const fn data_size(self) -> Option<usize> {
                match self {
                    $(Self::$name => $size,)*
                    Self::Other(_) => None,
                }
            }
        }
    };
}

#[expect(non_upper_case_globals, reason = "constants with the names of the variants")]
mod table {
    use super::{EfiTime, Guid};

    const TIME: usize = EfiTime::SIZE;

    types! {
        /// A certificate.
        X509 = "x509", None, Guid::of(0xa5c0_59a1, 0x94e4, 0x4aa7, [0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72]);
        /// A SHA-1.
        Sha1 = "sha1", Some(20), Guid::of(0x826c_a512, 0xcf10, 0x4ac9, [0xb1, 0x87, 0xbe, 0x01, 0x49, 0x66, 0x31, 0xbd]);
        /// A SHA-224.
        Sha224 = "sha224", Some(28), Guid::of(0x0b6e_5233, 0xa65c, 0x44c9, [0x94, 0x07, 0xd9, 0xab, 0x83, 0xbf, 0xc8, 0xbd]);
        /// A SHA-256.
        Sha256 = "sha256", Some(32), Guid::of(0xc1c4_1626, 0x504c, 0x4092, [0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28]);
        /// A SHA-384.
        Sha384 = "sha384", Some(48), Guid::of(0xff3e_5307, 0x9fd0, 0x48c9, [0x85, 0xf1, 0x8a, 0xd5, 0x6c, 0x70, 0x1e, 0x01]);
        /// A SHA-512.
        Sha512 = "sha512", Some(64), Guid::of(0x093e_0fae, 0xa6c4, 0x4f50, [0x9f, 0x1b, 0xd4, 0x1e, 0x2b, 0x89, 0xc1, 0x9a]);
        /// An SM3.
        Sm3 = "sm3", Some(32), Guid::of(0x5734_7f87, 0x7a9b, 0x403a, [0xb9, 0x3c, 0xdc, 0x4a, 0xfb, 0x7a, 0x0e, 0xbc]);
        /// The modulus of an RSA-2048 key with the exponent 65537.
        Rsa2048 = "rsa2048", Some(256), Guid::of(0x3c57_66e8, 0x269c, 0x4e34, [0xaa, 0x14, 0xed, 0x77, 0x6e, 0x85, 0xb3, 0xb6]);
        /// An RSA-2048 signature of a SHA-1.
        Rsa2048Sha1 = "rsa2048_sha1", Some(256), Guid::of(0x67f8_444f, 0x8743, 0x48f1, [0xa3, 0x28, 0x1e, 0xaa, 0xb8, 0x73, 0x60, 0x80]);
        /// An RSA-2048 signature of a SHA-256.
        Rsa2048Sha256 = "rsa2048_sha256", Some(256), Guid::of(0xe2b3_6190, 0x879b, 0x4a3d, [0xad, 0x8d, 0xf2, 0xe7, 0xbb, 0xa3, 0x27, 0x84]);
        /// The SHA-256 of a certificate's signed part, and the time from which it is revoked.
        X509Sha256 = "x509_sha256", Some(32 + TIME), Guid::of(0x3bd2_a492, 0x96c0, 0x4079, [0xb4, 0x20, 0xfc, 0xf9, 0x8e, 0xf1, 0x03, 0xed]);
        /// The SHA-384 of a certificate's signed part, and the time from which it is revoked.
        X509Sha384 = "x509_sha384", Some(48 + TIME), Guid::of(0x7076_876e, 0x80c2, 0x4ee6, [0xaa, 0xd2, 0x28, 0xb3, 0x49, 0xa6, 0x86, 0x5b]);
        /// The SHA-512 of a certificate's signed part, and the time from which it is revoked.
        X509Sha512 = "x509_sha512", Some(64 + TIME), Guid::of(0x446d_bf63, 0x2502, 0x4cda, [0xbc, 0xfa, 0x24, 0x65, 0xd2, 0xb0, 0xfe, 0x9d]);
        /// The SM3 of a certificate's signed part, and the time from which it is revoked.
        X509Sm3 = "x509_sm3", Some(32 + TIME), Guid::of(0x60d8_07e5, 0x10b4, 0x49a9, [0x93, 0x31, 0xe4, 0x04, 0x37, 0x88, 0x8d, 0x37]);
        /// The owner manages the variable by means of its own.
        ExternalManagement = "external_management", Some(1), Guid::of(0x452e_8ced, 0xdfff, 0x4b8c, [0xae, 0x01, 0x51, 0x18, 0x86, 0x2e, 0x68, 0x2c]);
    }
}

pub use table::SignatureType;

impl fmt::Display for SignatureType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Other(guid) => guid.fmt(f),
            known => f.write_str(known.name()),
        }
    }
}

/// What an entry holds.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::large_enum_variant, reason = "made for one entry at a time and never kept")]
pub enum EntryValue<'a> {
    /// A certificate, with what follows it: some vendors pad.
    Certificate {
        /// The certificate.
        certificate: Certificate<'a>,
        /// What follows it.
        padding: &'a [u8],
    },
    /// The hash of a program, or for dbx of anything that firmware loads. SHA-224 is not a hash that Lydian computes.
    Hash {
        /// The hash's kind.
        kind: SignatureType,
        /// The hash.
        bytes: &'a [u8],
    },
    /// The hash of a certificate's signed part, and from when on it is revoked.
    CertificateHash {
        /// The hash.
        hash: Digest,
        /// From when on; `None` is always.
        revoked_from: Option<EfiTime>,
    },
    /// The modulus of an RSA-2048 key.
    RsaModulus(&'a [u8]),
    /// An RSA-2048 signature.
    RsaSignature(&'a [u8]),
    /// The variable is managed by other means.
    ExternalManagement,
    /// Bytes of a kind that the specification does not know, or that are not what their kind asks for.
    Opaque(&'a [u8]),
}

impl<'a> EntryValue<'a> {
    /// What data of this kind holds.
    pub(super) fn of(kind: SignatureType, data: &'a [u8]) -> Self {
        Self::read(kind, data).unwrap_or(Self::Opaque(data))
    }

    fn read(kind: SignatureType, data: &'a [u8]) -> Option<Self> {
        if kind.data_size().is_some_and(|size| size != data.len()) {
            return None;
        }
        Some(match kind {
            SignatureType::X509 => {
                let (certificate, padding) = Certificate::parse_prefix(data).ok()?;
                Self::Certificate { certificate, padding }
            }
            SignatureType::Sha1
            | SignatureType::Sha224
            | SignatureType::Sha256
            | SignatureType::Sha384
            | SignatureType::Sha512
            | SignatureType::Sm3 => Self::Hash { kind, bytes: data },
            SignatureType::X509Sha256 => certificate_hash(HashAlg::Sha256, data)?,
            SignatureType::X509Sha384 => certificate_hash(HashAlg::Sha384, data)?,
            SignatureType::X509Sha512 => certificate_hash(HashAlg::Sha512, data)?,
            SignatureType::X509Sm3 => certificate_hash(HashAlg::Sm3, data)?,
            SignatureType::Rsa2048 => Self::RsaModulus(data),
            SignatureType::Rsa2048Sha1 | SignatureType::Rsa2048Sha256 => Self::RsaSignature(data),
            SignatureType::ExternalManagement => Self::ExternalManagement,
            SignatureType::Other(_) => return None,
        })
    }
}

//= UEFI 2.10 §32.4.1: EFI_CERT_X509_SHA256: ToBeSignedHash, TimeOfRevocation
fn certificate_hash(alg: HashAlg, data: &[u8]) -> Option<EntryValue<'_>> {
    let mut cursor = Cursor::new(data);
    let hash = Digest::new(alg, cursor.take(alg.size()).ok()?).ok()?;
    let time = EfiTime::parse(&mut cursor).ok()?;
    Some(EntryValue::CertificateHash { hash, revoked_from: (!time.is_zero()).then_some(time) })
}
