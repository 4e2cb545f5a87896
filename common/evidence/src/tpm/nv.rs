//! The public area of an NV index and the name that the TPM gives it.
//!
//! In: `TPMS_NV_PUBLIC`, or the `TPM2B` around it. Out: its fields beside its bytes, and the name, which `TPM2_NV_Certify` signs. The
//! name covers the attributes, so an index that was written has another name than before, and so has one whose
//! contents anybody may write.
//= TPM 2.0 Library Part 2 §13.5: TPMS_NV_PUBLIC; Part 1 §16: Names

use std::fmt;

use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits::{NV_PUBLIC_BYTES, TPM_DIGEST_BYTES};

use super::public::KeyName;
use super::wire::{TpmError, Writer, hash_alg, sized, unsized_tpm2b, whole};

/// An NV index's public area: its bytes, their fields, and the name that follows from them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvPublic {
    raw: Vec<u8>,
    area: NvArea,
    name: KeyName,
}

/// The fields of a `TPMS_NV_PUBLIC`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvArea {
    /// The index's handle.
    pub index: u32,
    /// The hash that names the index and runs its policy.
    pub name_alg: HashAlg,
    /// Who may read and write, and what was written.
    pub attributes: NvAttributes,
    /// The policy's digest, or nothing.
    pub auth_policy: Vec<u8>,
    /// How many bytes the index holds.
    pub data_size: u16,
}

impl NvPublic {
    /// Reads a `TPMS_NV_PUBLIC`.
    pub fn parse(tpms_nv_public: &[u8]) -> Result<Self, TpmError> {
        let area = whole(tpms_nv_public, "NV public area", NV_PUBLIC_BYTES, NvArea::read)?;
        let name = KeyName::of(area.name_alg, tpms_nv_public);
        Ok(Self { raw: tpms_nv_public.to_vec(), area, name })
    }

    /// Reads a `TPM2B_NV_PUBLIC`.
    pub fn parse_tpm2b(tpm2b: &[u8]) -> Result<Self, TpmError> {
        let (offset, inner) = unsized_tpm2b(tpm2b, "NV public area", NV_PUBLIC_BYTES)?;
        Self::parse(inner).map_err(|error| error.behind(offset))
    }

    /// The public area that has these fields.
    pub fn new(area: &NvArea) -> Result<Self, TpmError> {
        Self::parse(&area.encode()?)
    }

    /// The `TPMS_NV_PUBLIC` as it was read.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The fields.
    pub const fn area(&self) -> &NvArea {
        &self.area
    }

    /// The index's name.
    pub const fn name(&self) -> KeyName {
        self.name
    }
}

impl NvArea {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        Ok(Self {
            index: cursor.u32_be()?,
            name_alg: hash_alg(cursor)?,
            attributes: NvAttributes::from_bits(cursor.u32_be()?),
            auth_policy: sized(cursor, "policy digest", TPM_DIGEST_BYTES)?.to_vec(),
            data_size: cursor.u16_be()?,
        })
    }

    /// The `TPMS_NV_PUBLIC` of these fields.
    pub fn encode(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.u32(self.index).u16(self.name_alg.tpm_id()).u32(self.attributes.bits());
        out.sized(&self.auth_policy, "policy digest", TPM_DIGEST_BYTES)?.u16(self.data_size);
        Ok(out.finish())
    }
}

/// `TPMA_NV`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NvAttributes(u32);

/// What kind of value an NV index holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NvType {
    /// Bytes.
    Ordinary,
    /// A number that only grows.
    Counter,
    /// Bits that only rise.
    Bits,
    /// A digest that is extended as a PCR is: what systemd calls an `NvPCR`.
    Extend,
    /// A PIN whose failures are counted.
    PinFail,
    /// A PIN whose successes are counted.
    PinPass,
    /// A number without a meaning here.
    Unknown(u8),
}

impl NvAttributes {
    /// From the bits of a `TPMA_NV`; reserved ones are kept.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// The bits.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// What kind of value the index holds.
    //= TPM 2.0 Library Part 2 §13.4: TPMA_NV, bits 7:4 TPM_NT
    pub const fn nv_type(self) -> NvType {
        let [.., low] = self.0.to_be_bytes();
        match low >> 4 {
            0x0 => NvType::Ordinary,
            0x1 => NvType::Counter,
            0x2 => NvType::Bits,
            0x4 => NvType::Extend,
            0x8 => NvType::PinFail,
            0x9 => NvType::PinPass,
            other => NvType::Unknown(other),
        }
    }

    /// Whether the index was ever written.
    pub const fn written(self) -> bool {
        self.0 & (1 << 29) != 0
    }
}

impl fmt::Display for NvAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bar = "";
        for (bit, name) in NAMES {
            if self.0 & (1 << bit) != 0 {
                write!(f, "{bar}{name}")?;
                bar = "|";
            }
        }
        let nt = (self.0 >> 4) & 0x0f;
        let reserved = self.0 & !NAMES.iter().fold(0xf0, |known, (bit, _)| known | (1 << bit));
        if nt != 0 {
            write!(f, "{bar}nt={nt:#x}")?;
            bar = "|";
        }
        if reserved != 0 || self.0 == 0 { write!(f, "{bar}{reserved:#x}") } else { Ok(()) }
    }
}

impl fmt::Debug for NvAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NvAttributes({self})")
    }
}

/// Bits by their number, with the names as tpm2-tools writes them.
const NAMES: [(u32, &str); 21] = [
    (0, "ppwrite"),
    (1, "ownerwrite"),
    (2, "authwrite"),
    (3, "policywrite"),
    (10, "policydelete"),
    (11, "writelocked"),
    (12, "writeall"),
    (13, "writedefine"),
    (14, "write_stclear"),
    (15, "globallock"),
    (16, "ppread"),
    (17, "ownerread"),
    (18, "authread"),
    (19, "policyread"),
    (25, "no_da"),
    (26, "orderly"),
    (27, "clear_stclear"),
    (28, "readlocked"),
    (29, "written"),
    (30, "platformcreate"),
    (31, "read_stclear"),
];
