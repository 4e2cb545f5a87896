//! How a TPM tells under which circumstances it made an object.
//!
//! In: `TPMS_CREATION_DATA` (or the `TPM2B` around it) and `TPMT_TK_CREATION`. Out: their fields, and the hash by which an
//! attestation of `TPM2_CertifyCreation` names the data. The ticket's HMAC is for the TPM that made it; nobody else can
//! check it. Creation data alone proves nothing: anybody can write it.
//= TPM 2.0 Library Part 2 §15: Creation Data; §10.7.3: TPMT_TK_CREATION

use crate::cursor::Cursor;
use crate::digest::{Digest, HashAlg};
use crate::limits::{CREATION_DATA_BYTES, TPM_DIGEST_BYTES, TPM_NAME_BYTES};
use crate::pcr::PcrSelection;

use super::selection;
use super::wire::{TpmError, Writer, hash_alg, sized, unsized_tpm2b, whole};

const TAG_CREATION: u16 = 0x8021;
const NULL: u16 = 0x0010;

/// Creation data: its bytes and their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationData {
    raw: Vec<u8>,
    fields: CreationFields,
}

/// The fields of a `TPMS_CREATION_DATA`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationFields {
    /// The PCRs that were looked at.
    pub selection: PcrSelection,
    /// The hash over their values, by the object's name algorithm.
    pub pcr_digest: Vec<u8>,
    /// `TPMA_LOCALITY`: from where the command came.
    pub locality: u8,
    /// The name algorithm of the parent.
    pub parent_name_alg: ParentNameAlg,
    /// The parent's name; a hierarchy's handle for a primary object.
    pub parent_name: Vec<u8>,
    /// The parent's qualified name.
    pub parent_qualified_name: Vec<u8>,
    /// What the caller wanted to be associated.
    pub outside_info: Vec<u8>,
}

/// The name algorithm of an object's parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParentNameAlg {
    /// The parent is a hierarchy: the object is a primary one.
    Hierarchy,
    /// The parent is an object.
    Object(HashAlg),
}

impl CreationData {
    /// Reads a `TPMS_CREATION_DATA`.
    pub fn parse(tpms_creation_data: &[u8]) -> Result<Self, TpmError> {
        let fields = whole(tpms_creation_data, "creation data", CREATION_DATA_BYTES, CreationFields::read)?;
        Ok(Self { raw: tpms_creation_data.to_vec(), fields })
    }

    /// Reads a `TPM2B_CREATION_DATA`.
    pub fn parse_tpm2b(tpm2b: &[u8]) -> Result<Self, TpmError> {
        let (offset, inner) = unsized_tpm2b(tpm2b, "creation data", CREATION_DATA_BYTES)?;
        Self::parse(inner).map_err(|error| error.behind(offset))
    }

    /// The `TPMS_CREATION_DATA` as it was read.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The fields.
    pub const fn fields(&self) -> &CreationFields {
        &self.fields
    }

    /// The hash that stands for it in an attestation and in a ticket, by the object's name algorithm.
    //= TPM 2.0 Library Part 3 §12.1: creationHash, digest of creationData using nameAlg of outPublic
    pub fn hash(&self, name_alg: HashAlg) -> Digest {
        name_alg.hash(&[&self.raw])
    }
}

impl CreationFields {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        Ok(Self {
            selection: selection::read(cursor)?,
            pcr_digest: sized(cursor, "PCR digest", TPM_DIGEST_BYTES)?.to_vec(),
            locality: cursor.u8()?,
            parent_name_alg: ParentNameAlg::read(cursor)?,
            parent_name: sized(cursor, "parent name", TPM_NAME_BYTES)?.to_vec(),
            parent_qualified_name: sized(cursor, "parent's qualified name", TPM_NAME_BYTES)?.to_vec(),
            outside_info: sized(cursor, "outside information", TPM_NAME_BYTES)?.to_vec(),
        })
    }

    /// The `TPMS_CREATION_DATA` of these fields.
    pub fn encode(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        selection::write(&self.selection, &mut out);
        out.sized(&self.pcr_digest, "PCR digest", TPM_DIGEST_BYTES)?.u8(self.locality);
        out.u16(match self.parent_name_alg {
            ParentNameAlg::Hierarchy => NULL,
            ParentNameAlg::Object(alg) => alg.tpm_id(),
        });
        out.sized(&self.parent_name, "parent name", TPM_NAME_BYTES)?;
        out.sized(&self.parent_qualified_name, "parent's qualified name", TPM_NAME_BYTES)?;
        out.sized(&self.outside_info, "outside information", TPM_NAME_BYTES)?;
        Ok(out.finish())
    }
}

impl ParentNameAlg {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let mut probe = cursor.clone();
        if probe.u16_be()? == NULL {
            *cursor = probe;
            return Ok(Self::Hierarchy);
        }
        hash_alg(cursor).map(Self::Object)
    }
}

/// `TPMT_TK_CREATION`: the TPM's note to itself that it made an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationTicket {
    /// The hierarchy that the object is in.
    pub hierarchy: u32,
    /// An HMAC that only this TPM can check; empty where the TPM gave none.
    pub digest: Vec<u8>,
}

impl CreationTicket {
    /// Reads a `TPMT_TK_CREATION`.
    pub fn parse(bytes: &[u8]) -> Result<Self, TpmError> {
        whole(bytes, "creation ticket", CREATION_DATA_BYTES, |cursor| {
            let offset = cursor.offset();
            let tag = cursor.u16_be()?;
            if tag != TAG_CREATION {
                return Err(TpmError::Value { offset, what: "TPM_ST_CREATION", found: tag.into() });
            }
            let hierarchy = cursor.u32_be()?;
            Ok(Self { hierarchy, digest: sized(cursor, "ticket", TPM_DIGEST_BYTES)?.to_vec() })
        })
    }
}
