//! The templates that Lydian's keys are made from.
//!
//! In: a choice. Out: the public area to hand to `TPM2_CreatePrimary` or `TPM2_Create`. The endorsement templates are
//! the TCG's own, so that the TPM makes the very key that its certificate is about; a changed bit makes another key.
//= TCG EK Credential Profile 2.5 §B.3.3: Template L-1; §B.3.4: Template L-2; §B.4.5: Template H-3

use crate::digest::HashAlg;

use super::key::{Curve, EccKey, Key, RsaKey};
use super::public::{ObjectAttributes as Attr, PublicArea};
use super::scheme::{KdfScheme, Scheme, Symmetric};

/// A key that Lydian knows how to ask a TPM for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Endorsement key L-1: RSA-2048, certificate at NV 0x01C00002.
    EkRsa2048,
    /// Endorsement key L-2: ECC P-256, certificate at NV 0x01C0000A.
    EkEccP256,
    /// Endorsement key H-3: ECC P-384, certificate at NV 0x01C00016.
    EkEccP384,
    /// Attestation key: RSA-2048, RSASSA with SHA-256.
    AkRsa2048,
    /// Attestation key: ECC P-256, ECDSA with SHA-256.
    AkEccP256,
    /// Storage root key: ECC P-256.
    SrkEccP256,
}

impl Template {
    /// The public area to create the key from.
    pub fn area(self) -> PublicArea {
        match self {
            Self::EkRsa2048 => area(HashAlg::Sha256, ek_low(), &POLICY_A_SHA256, ek_rsa()),
            Self::EkEccP256 => area(HashAlg::Sha256, ek_low(), &POLICY_A_SHA256, storage_p256()),
            Self::EkEccP384 => area(HashAlg::Sha384, ek_high(), &POLICY_B_SHA384, ek_p384()),
            Self::AkRsa2048 => area(HashAlg::Sha256, ak(), &[], ak_rsa()),
            Self::AkEccP256 => area(HashAlg::Sha256, ak(), &[], ak_ecc()),
            Self::SrkEccP256 => area(HashAlg::Sha256, srk(), &[], storage_p256()),
        }
    }

    /// The NV index that holds the certificate of a key made from this template.
    //= TCG EK Credential Profile 2.5 §2.2.1.4, §2.2.1.5: NV indices of the low and the high range
    pub const fn certificate_nv_index(self) -> Option<u32> {
        match self {
            Self::EkRsa2048 => Some(0x01c0_0002),
            Self::EkEccP256 => Some(0x01c0_000a),
            Self::EkEccP384 => Some(0x01c0_0016),
            Self::AkRsa2048 | Self::AkEccP256 | Self::SrkEccP256 => None,
        }
    }
}

/// `PolicySecret(TPM_RH_ENDORSEMENT)`.
const POLICY_A_SHA256: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd,
    0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];

/// `PolicyOR` of `PolicySecret(TPM_RH_ENDORSEMENT)` and the policy that NV index 0x01C07F02 authorises.
const POLICY_B_SHA384: [u8; 48] = [
    0xb2, 0x6e, 0x7d, 0x28, 0xd1, 0x1a, 0x50, 0xbc, 0x53, 0xd8, 0x82, 0xbc, 0xf5, 0xfd, 0x3a, 0x1a, 0x07,
    0x41, 0x48, 0xbb, 0x35, 0xd3, 0xb4, 0xe4, 0xcb, 0x1c, 0x0a, 0xd9, 0xbd, 0xe4, 0x19, 0xca, 0xcb, 0x47,
    0xba, 0x09, 0x69, 0x96, 0x46, 0x15, 0x0f, 0x9f, 0xc0, 0x00, 0xf3, 0xf8, 0x0e, 0x12,
];

fn area(name_alg: HashAlg, attributes: Attr, policy: &[u8], key: Key) -> PublicArea {
    PublicArea { name_alg, attributes, auth_policy: policy.to_vec(), key }
}

fn born_here() -> Attr {
    Attr::FIXED_TPM | Attr::FIXED_PARENT | Attr::SENSITIVE_DATA_ORIGIN
}

fn ek_low() -> Attr {
    born_here() | Attr::ADMIN_WITH_POLICY | Attr::RESTRICTED | Attr::DECRYPT
}

fn ek_high() -> Attr {
    ek_low() | Attr::USER_WITH_AUTH
}

/// Without dictionary attack protection: the password is empty, and a lockout that somebody else's wrong guesses
/// caused must not stop a host from attesting.
fn ak() -> Attr {
    Attr::ATTESTATION_KEY | Attr::USER_WITH_AUTH | Attr::NO_DA
}

fn srk() -> Attr {
    born_here() | Attr::USER_WITH_AUTH | Attr::NO_DA | Attr::RESTRICTED | Attr::DECRYPT
}

fn rsa_2048(symmetric: Symmetric, scheme: Scheme, modulus: Vec<u8>) -> Key {
    Key::Rsa(RsaKey { symmetric, scheme, bits: 2048, exponent: 0, modulus })
}

fn ecc(curve: Curve, symmetric: Symmetric, scheme: Scheme, coordinate: &[u8]) -> Key {
    let (x, y) = (coordinate.to_vec(), coordinate.to_vec());
    Key::Ecc(EccKey { symmetric, scheme, curve, kdf: KdfScheme::Null, x, y })
}

/// The unique field of the low range's templates is zero in the key's full length; it enters the derivation.
fn ek_rsa() -> Key {
    rsa_2048(Symmetric::aes_cfb(128), Scheme::Null, vec![0; 256])
}

fn storage_p256() -> Key {
    ecc(Curve::NistP256, Symmetric::aes_cfb(128), Scheme::Null, &[0; 32])
}

/// The unique field of the high range's templates is empty.
fn ek_p384() -> Key {
    ecc(Curve::NistP384, Symmetric::aes_cfb(256), Scheme::Null, &[])
}

fn ak_rsa() -> Key {
    rsa_2048(Symmetric::Null, Scheme::RsaSsa(HashAlg::Sha256), Vec::new())
}

fn ak_ecc() -> Key {
    ecc(Curve::NistP256, Symmetric::Null, Scheme::Ecdsa(HashAlg::Sha256), &[])
}
