//! A key's public area and the name that the TPM gives it.
//!
//! In: `TPMT_PUBLIC`, or `TPM2B_PUBLIC` around it. Out: the area's fields beside its bytes, and the name, which is a
//! hash over those bytes and never over a re-encoding. A name identifies a key; it does not vouch for it.
//= TPM 2.0 Library Part 2 §12.2.4: TPMT_PUBLIC; Part 1 §16: Names

use std::fmt;
use std::ops::BitOr;

use crate::cursor::{Cursor, Truncated};
use crate::digest::{Digest, HashAlg};
use crate::limits::{PUBLIC_BYTES, TPM_DIGEST_BYTES, TPM_NAME_BYTES};

use super::key::Key;
use super::wire::{TpmError, Writer, hash_alg, sized, unsized_tpm2b, whole};

/// A public area: its bytes, their fields, and the name that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Public {
    raw: Vec<u8>,
    area: PublicArea,
    name: KeyName,
}

/// The fields of a `TPMT_PUBLIC`, free to be filled in; [`Public::new`] makes a public area of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicArea {
    /// The hash that names the object and runs its policy.
    pub name_alg: HashAlg,
    /// What the object may do and where it may go.
    pub attributes: ObjectAttributes,
    /// The policy's digest, or nothing.
    pub auth_policy: Vec<u8>,
    /// The object's type, parameters and public value.
    pub key: Key,
}

impl Public {
    /// Reads a `TPMT_PUBLIC`.
    pub fn parse(tpmt_public: &[u8]) -> Result<Self, TpmError> {
        let area = whole(tpmt_public, "public area", PUBLIC_BYTES, PublicArea::read)?;
        let name = KeyName::of(area.name_alg, tpmt_public);
        Ok(Self { raw: tpmt_public.to_vec(), area, name })
    }

    /// Reads a `TPM2B_PUBLIC`.
    pub fn parse_tpm2b(tpm2b_public: &[u8]) -> Result<Self, TpmError> {
        let (offset, inner) = unsized_tpm2b(tpm2b_public, "public area", PUBLIC_BYTES)?;
        Self::parse(inner).map_err(|error| error.behind(offset))
    }

    /// The public area that has these fields.
    pub fn new(area: &PublicArea) -> Result<Self, TpmError> {
        Self::parse(&area.encode()?)
    }

    /// The `TPMT_PUBLIC` as it was read.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The `TPM2B_PUBLIC` around it.
    pub fn to_tpm2b(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.sized(&self.raw, "public area", PUBLIC_BYTES)?;
        Ok(out.finish())
    }

    /// The fields.
    pub const fn area(&self) -> &PublicArea {
        &self.area
    }

    /// What the object may do.
    pub const fn attributes(&self) -> ObjectAttributes {
        self.area.attributes
    }

    /// The object's type, parameters and public value.
    pub const fn key(&self) -> &Key {
        &self.area.key
    }

    /// The object's name.
    pub const fn name(&self) -> KeyName {
        self.name
    }
}

impl PublicArea {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let object_type = cursor.u16_be()?;
        let name_alg = hash_alg(cursor)?;
        let attributes = ObjectAttributes::from_bits(cursor.u32_be()?);
        let auth_policy = sized(cursor, "policy digest", TPM_DIGEST_BYTES)?.to_vec();
        let key = Key::read(object_type, cursor)?;
        Ok(Self { name_alg, attributes, auth_policy, key })
    }

    /// The `TPMT_PUBLIC` of these fields.
    pub fn encode(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.u16(self.key.object_type()).u16(self.name_alg.tpm_id()).u32(self.attributes.bits());
        out.sized(&self.auth_policy, "policy digest", TPM_DIGEST_BYTES)?;
        self.key.write(&mut out)?;
        Ok(out.finish())
    }
}

/// `TPMA_OBJECT`: what an object may do and where it may go.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ObjectAttributes(u32);

impl ObjectAttributes {
    /// The hierarchy or TPM that holds the object cannot change.
    pub const FIXED_TPM: Self = Self(1 << 1);
    /// Saved contexts end with a TPM restart.
    pub const ST_CLEAR: Self = Self(1 << 2);
    /// The parent cannot change.
    pub const FIXED_PARENT: Self = Self(1 << 4);
    /// The TPM made the secret part itself.
    pub const SENSITIVE_DATA_ORIGIN: Self = Self(1 << 5);
    /// Use may be authorised by the object's password.
    pub const USER_WITH_AUTH: Self = Self(1 << 6);
    /// Administration needs the policy.
    pub const ADMIN_WITH_POLICY: Self = Self(1 << 7);
    /// Not subject to dictionary attack protection.
    pub const NO_DA: Self = Self(1 << 10);
    /// Leaves the TPM encrypted only.
    pub const ENCRYPTED_DUPLICATION: Self = Self(1 << 11);
    /// Signs or decrypts only what the TPM itself formed.
    pub const RESTRICTED: Self = Self(1 << 16);
    /// May decrypt.
    pub const DECRYPT: Self = Self(1 << 17);
    /// May sign, or encrypt where it is symmetric.
    pub const SIGN: Self = Self(1 << 18);
    /// Signs certificates that the TPM formed, and nothing else.
    pub const X509_SIGN: Self = Self(1 << 19);

    /// What a key must be for its quotes to be a TPM's own word.
    pub const ATTESTATION_KEY: Self = Self(
        Self::FIXED_TPM.0
            | Self::FIXED_PARENT.0
            | Self::SENSITIVE_DATA_ORIGIN.0
            | Self::RESTRICTED.0
            | Self::SIGN.0,
    );

    /// What a key must be so that its TPM alone opens what is encrypted to it, and only as the TPM sees fit.
    pub const ENDORSEMENT_KEY: Self = Self(
        Self::FIXED_TPM.0
            | Self::FIXED_PARENT.0
            | Self::SENSITIVE_DATA_ORIGIN.0
            | Self::RESTRICTED.0
            | Self::DECRYPT.0,
    );

    /// From the bits of a `TPMA_OBJECT`; reserved ones are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether every attribute of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The attributes of `other` that are not set.
    #[must_use]
    pub const fn missing(self, other: Self) -> Self {
        Self(other.0 & !self.0)
    }
}

impl BitOr for ObjectAttributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Display for ObjectAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut bar = "";
        for (flag, name) in NAMES {
            if self.contains(flag) {
                write!(f, "{bar}{name}")?;
                rest &= !flag.0;
                bar = "|";
            }
        }
        if rest != 0 || self.0 == 0 { write!(f, "{bar}{rest:#x}") } else { Ok(()) }
    }
}

impl fmt::Debug for ObjectAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ObjectAttributes({self})")
    }
}

/// The names as tpm2-tools writes them.
const NAMES: [(ObjectAttributes, &str); 12] = [
    (ObjectAttributes::FIXED_TPM, "fixedtpm"),
    (ObjectAttributes::ST_CLEAR, "stclear"),
    (ObjectAttributes::FIXED_PARENT, "fixedparent"),
    (ObjectAttributes::SENSITIVE_DATA_ORIGIN, "sensitivedataorigin"),
    (ObjectAttributes::USER_WITH_AUTH, "userwithauth"),
    (ObjectAttributes::ADMIN_WITH_POLICY, "adminwithpolicy"),
    (ObjectAttributes::NO_DA, "noda"),
    (ObjectAttributes::ENCRYPTED_DUPLICATION, "encryptedduplication"),
    (ObjectAttributes::RESTRICTED, "restricted"),
    (ObjectAttributes::DECRYPT, "decrypt"),
    (ObjectAttributes::SIGN, "sign"),
    (ObjectAttributes::X509_SIGN, "x509sign"),
];

/// A name: an object's or NV index's name algorithm, then that hash over its public area.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName(Digest);

impl KeyName {
    //= TPM 2.0 Library Part 1 §16: Name ≔ nameAlg || H_nameAlg (object→publicArea)
    pub(super) fn of(name_alg: HashAlg, public_area: &[u8]) -> Self {
        Self(name_alg.hash(&[public_area]))
    }

    /// The qualified name below a parent, whose own is given; a hierarchy's is its handle.
    //= TPM 2.0 Library Part 1 §16: QN_B ≔ H_B (QN_A || NAME_B)
    pub fn qualified(&self, parent: &[u8]) -> Vec<u8> {
        let alg = self.0.alg();
        let digest = alg.hash(&[parent, &self.to_bytes()]);
        [alg.tpm_id().to_be_bytes().as_slice(), digest.as_bytes()].concat()
    }

    /// Reads a name, without its size.
    pub fn parse(bytes: &[u8]) -> Result<Self, TpmError> {
        whole(bytes, "name", TPM_NAME_BYTES, |cursor| {
            let alg = hash_alg(cursor)?;
            let (offset, needed) = (cursor.offset(), alg.size());
            let digest = cursor.take(needed)?;
            let left = digest.len();
            let digest = Digest::new(alg, digest).map_err(|_| Truncated { offset, needed, left })?;
            Ok(Self(digest))
        })
    }

    /// The name's hash.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }

    /// The name as the TPM writes it: two bytes of algorithm, then the hash.
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.0.alg().tpm_id().to_be_bytes().as_slice(), self.0.as_bytes()].concat()
    }
}

impl fmt::Display for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04x}{}", self.0.alg().tpm_id(), self.0)
    }
}

impl fmt::Debug for KeyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyName({self})")
    }
}
