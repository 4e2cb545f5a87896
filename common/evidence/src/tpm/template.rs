//! The templates that Lydian's keys are made from.
//!
//! In: a choice. Out: the public area to hand to `TPM2_CreatePrimary` or `TPM2_Create`. The endorsement templates are
//! the TCG's own, so that the TPM makes the very key that its certificate is about; a changed bit makes another key.
//= TCG EK Credential Profile 2.5 §B.3: templates L-1 and L-2; §B.4: templates H-1, H-2, H-3 and H-6

use crate::digest::HashAlg;

use super::key::{Curve, EccKey, Key, RsaKey};
use super::public::{ObjectAttributes as Attr, Public, PublicArea};
use super::scheme::{KdfScheme, Scheme, Symmetric};

/// A key that Lydian knows how to ask a TPM for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Template {
    /// Endorsement key L-1: RSA-2048, certificate at NV 0x01C00002.
    EkRsa2048,
    /// Endorsement key L-2: ECC P-256, certificate at NV 0x01C0000A.
    EkEccP256,
    /// Endorsement key H-1: RSA-2048, certificate at NV 0x01C00012.
    EkRsa2048High,
    /// Endorsement key H-2: ECC P-256, certificate at NV 0x01C00014.
    EkEccP256High,
    /// Endorsement key H-3: ECC P-384, certificate at NV 0x01C00016.
    EkEccP384,
    /// Endorsement key H-6: RSA-3072, certificate at NV 0x01C0001C.
    EkRsa3072,
    /// Attestation key: RSA-2048, RSASSA with SHA-256.
    AkRsa2048,
    /// Attestation key: ECC P-256, ECDSA with SHA-256.
    AkEccP256,
    /// Storage root key: ECC P-256.
    SrkEccP256,
}

impl Template {
    /// The templates of endorsement keys, the commonest first.
    pub const ENDORSEMENT_KEYS: [Self; 6] = [
        Self::EkRsa2048,
        Self::EkEccP256,
        Self::EkEccP384,
        Self::EkRsa2048High,
        Self::EkEccP256High,
        Self::EkRsa3072,
    ];

    /// The endorsement template that a key was made from: every field is its own but the public value.
    ///
    /// A certificate vouches for the public value alone. Whoever wants one identity for one TPM refuses areas that
    /// are of no template, since their other fields are the host's own word.
    pub fn of_endorsement_key(public: &Public) -> Option<Self> {
        Self::ENDORSEMENT_KEYS.into_iter().find(|template| template.made(public))
    }

    fn made(self, public: &Public) -> bool {
        let mut area = public.area().clone();
        let expected = self.area();
        match (&mut area.key, &expected.key) {
            (Key::Rsa(key), Key::Rsa(blank)) => key.modulus.clone_from(&blank.modulus),
            (Key::Ecc(key), Key::Ecc(blank)) => {
                key.x.clone_from(&blank.x);
                key.y.clone_from(&blank.y);
            }
            _ => return false,
        }
        area == expected
    }

    /// The public area to create the key from.
    pub fn area(self) -> PublicArea {
        match self {
            Self::EkRsa2048 => area(HashAlg::Sha256, ek_low(), &POLICY_A_SHA256, ek_rsa()),
            Self::EkEccP256 => area(HashAlg::Sha256, ek_low(), &POLICY_A_SHA256, storage_p256()),
            Self::EkEccP384 => area(HashAlg::Sha384, ek_high(), &POLICY_B_SHA384, ek_p384()),
            Self::EkRsa2048High => area(HashAlg::Sha256, ek_high(), &POLICY_B_SHA256, ek_rsa_high()),
            Self::EkEccP256High => area(HashAlg::Sha256, ek_high(), &POLICY_B_SHA256, ek_p256_high()),
            Self::EkRsa3072 => area(HashAlg::Sha384, ek_high(), &POLICY_B_SHA384, ek_rsa_3072()),
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
            Self::EkRsa2048High => Some(0x01c0_0012),
            Self::EkEccP256High => Some(0x01c0_0014),
            Self::EkEccP384 => Some(0x01c0_0016),
            Self::EkRsa3072 => Some(0x01c0_001c),
            Self::AkRsa2048 | Self::AkEccP256 | Self::SrkEccP256 => None,
        }
    }
}

/// `PolicySecret(TPM_RH_ENDORSEMENT)`.
const POLICY_A_SHA256: [u8; 32] = [
    0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xb3, 0xf8, 0x1a, 0x90, 0xcc, 0x8d, 0x46, 0xa5, 0xd7, 0x24, 0xfd,
    0x52, 0xd7, 0x6e, 0x06, 0x52, 0x0b, 0x64, 0xf2, 0xa1, 0xda, 0x1b, 0x33, 0x14, 0x69, 0xaa,
];

/// `PolicyOR` of `PolicySecret(TPM_RH_ENDORSEMENT)` and the policy that NV index 0x01C07F01 authorises.
const POLICY_B_SHA256: [u8; 32] = [
    0xca, 0x3d, 0x0a, 0x99, 0xa2, 0xb9, 0x39, 0x06, 0xf7, 0xa3, 0x34, 0x24, 0x14, 0xef, 0xcf, 0xb3, 0xa3,
    0x85, 0xd4, 0x4c, 0xd1, 0xfd, 0x45, 0x90, 0x89, 0xd1, 0x9b, 0x50, 0x71, 0xc0, 0xb7, 0xa0,
];

/// The same with SHA-384 and NV index 0x01C07F02.
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
    Attr::ENDORSEMENT_KEY | Attr::ADMIN_WITH_POLICY
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

fn rsa(bits: u16, symmetric: Symmetric, scheme: Scheme, modulus: Vec<u8>) -> Key {
    Key::Rsa(RsaKey { symmetric, scheme, bits, exponent: 0, modulus })
}

fn ecc(curve: Curve, symmetric: Symmetric, scheme: Scheme, coordinate: &[u8]) -> Key {
    let (x, y) = (coordinate.to_vec(), coordinate.to_vec());
    Key::Ecc(EccKey { symmetric, scheme, curve, kdf: KdfScheme::Null, x, y })
}

/// The unique field of the low range's templates is zero in the key's full length; it enters the derivation.
fn ek_rsa() -> Key {
    rsa(2048, Symmetric::aes_cfb(128), Scheme::Null, vec![0; 256])
}

fn storage_p256() -> Key {
    ecc(Curve::NistP256, Symmetric::aes_cfb(128), Scheme::Null, &[0; 32])
}

/// The unique field of the high range's templates is empty.
fn ek_p384() -> Key {
    ecc(Curve::NistP384, Symmetric::aes_cfb(256), Scheme::Null, &[])
}

fn ek_rsa_high() -> Key {
    rsa(2048, Symmetric::aes_cfb(128), Scheme::Null, Vec::new())
}

fn ek_rsa_3072() -> Key {
    rsa(3072, Symmetric::aes_cfb(256), Scheme::Null, Vec::new())
}

fn ek_p256_high() -> Key {
    ecc(Curve::NistP256, Symmetric::aes_cfb(128), Scheme::Null, &[])
}

fn ak_rsa() -> Key {
    rsa(2048, Symmetric::Null, Scheme::RsaSsa(HashAlg::Sha256), Vec::new())
}

fn ak_ecc() -> Key {
    ecc(Curve::NistP256, Symmetric::Null, Scheme::Ecdsa(HashAlg::Sha256), &[])
}
