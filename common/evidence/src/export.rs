//! What a verifier gives to an auditor: everything that leaves commit to, an item a leaf.
//!
//! In and out: canonical bytes of one item. A file of items is a host's chain (its enrolment, then its evidence in order), the
//! operators' actions or the roots of the index; `wire` frames them. Nothing in an item is believed: the log and `appraisal` decide.

use crate::cbor::{CborError, Reader, Writer};
use crate::envelope::{Envelope, EnvelopeError};
use crate::limits::{ENVELOPE_BYTES, LONG_TEXT_BYTES, PUBLIC_BYTES, RESULT_BYTES, SHORT_TEXT_BYTES};

/// One item: at most an envelope with a result.
pub const ITEM_BYTES: usize = ENVELOPE_BYTES + RESULT_BYTES + RECORD_BYTES;
/// A record: two public keys and short texts.
const RECORD_BYTES: usize = 2 * PUBLIC_BYTES + LONG_TEXT_BYTES + 4 * SHORT_TEXT_BYTES + 256;

/// What stands behind a leaf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A host enrolled, and a chain starts.
    Enrolment(Enrolment),
    /// A piece of evidence.
    Attestation(Box<Attestation>),
    /// What an operator did.
    Action(Committed),
    /// The host was retired, and its chain ends: a [`crate::record::RetirementRecord`].
    Retirement(Committed),
    /// What the index was at a size of the log: a [`crate::record::IndexRootRecord`].
    IndexRoot(Committed),
}

/// A record with what its leaf is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The leaf's index.
    pub leaf: u64,
    /// The leaf's salt.
    pub salt: [u8; 32],
    /// The record's bytes.
    pub record: Vec<u8>,
}

/// The beginning of a chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolment {
    /// The [`crate::record::EnrolmentRecord`].
    pub committed: Committed,
    /// What people call the host, in the verifier's word.
    pub name: String,
    /// What the host has to quote, in the verifier's word where the record does not say it.
    pub selection: String,
}

/// A piece of evidence and what was made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attestation {
    /// Its leaf's index.
    pub leaf: u64,
    /// When it came, in milliseconds since 1970 by the verifier's clock.
    pub received_ms: u64,
    /// When the log had the size of the checkpoint that it names; 0 where it names none.
    pub not_before_ms: u64,
    /// The heartbeat that was asked for, in milliseconds; 0 where that was not recorded.
    pub heartbeat_ms: u64,
    /// The result as it was recorded, in JSON.
    pub result: String,
    /// What was recorded of the submission. The firmware's log is attached to the first evidence of a boot.
    pub envelope: Envelope,
}

impl Item {
    /// The bytes of an item.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        match self {
            Self::Enrolment(enrolment) => {
                w.array(6).uint(ENROLMENT);
                write_committed(&mut w, &enrolment.committed);
                w.text(&enrolment.name).text(&enrolment.selection);
            }
            Self::Attestation(attestation) => {
                w.array(7).uint(ATTESTATION).uint(attestation.leaf).uint(attestation.received_ms);
                w.uint(attestation.not_before_ms).uint(attestation.heartbeat_ms).text(&attestation.result);
                w.bytes(&attestation.envelope.encode());
            }
            Self::Action(committed) => write_record(&mut w, ACTION, committed),
            Self::Retirement(committed) => write_record(&mut w, RETIREMENT, committed),
            Self::IndexRoot(committed) => write_record(&mut w, INDEX_ROOT, committed),
        }
        w.finish()
    }

    /// Reads what [`Item::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, ItemError> {
        let mut r = Reader::new(bytes);
        let items = r.array(7)?;
        let offset = r.offset();
        let kind = r.uint()?;
        let item = match (kind, items) {
            (ENROLMENT, 6) => Self::Enrolment(Enrolment {
                committed: read_committed(&mut r)?,
                name: r.text(SHORT_TEXT_BYTES)?.to_owned(),
                selection: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            }),
            (ATTESTATION, 7) => Self::Attestation(Box::new(Attestation {
                leaf: r.uint()?,
                received_ms: r.uint()?,
                not_before_ms: r.uint()?,
                heartbeat_ms: r.uint()?,
                result: r.text(RESULT_BYTES)?.to_owned(),
                envelope: Envelope::decode(r.bytes(ENVELOPE_BYTES)?)?,
            })),
            (ACTION, 4) => Self::Action(read_committed(&mut r)?),
            (RETIREMENT, 4) => Self::Retirement(read_committed(&mut r)?),
            (INDEX_ROOT, 4) => Self::IndexRoot(read_committed(&mut r)?),
            (found, _) => {
                return Err(CborError::Schema { offset, expected: ATTESTATION, found }.into());
            }
        };
        r.end()?;
        Ok(item)
    }

    /// The index of the leaf.
    pub const fn leaf(&self) -> u64 {
        match self {
            Self::Enrolment(enrolment) => enrolment.committed.leaf,
            Self::Attestation(attestation) => attestation.leaf,
            Self::Action(committed) | Self::Retirement(committed) | Self::IndexRoot(committed) => {
                committed.leaf
            }
        }
    }
}

fn write_record(w: &mut Writer, kind: u64, committed: &Committed) {
    w.array(4).uint(kind);
    write_committed(w, committed);
}

fn write_committed(w: &mut Writer, committed: &Committed) {
    w.uint(committed.leaf).bytes(&committed.salt).bytes(&committed.record);
}

fn read_committed(r: &mut Reader<'_>) -> Result<Committed, CborError> {
    Ok(Committed { leaf: r.uint()?, salt: r.array_bytes()?, record: r.bytes(RECORD_BYTES)?.to_vec() })
}

/// Why bytes are not an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemError {
    /// Not the canonical encoding.
    #[error("exported item: {0}")]
    Encoding(#[from] CborError),
    /// The envelope within is not one; offsets count within it.
    #[error("exported item: {0}")]
    Envelope(#[from] EnvelopeError),
}

const ENROLMENT: u64 = 1;
const ATTESTATION: u64 = 2;
const ACTION: u64 = 3;
const RETIREMENT: u64 = 4;
const INDEX_ROOT: u64 = 5;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::body;
    use crate::envelope::{Attachment, AttachmentKind, Evidence};
    use crate::record::tests::{enrolment, more};

    fn items() -> [Item; 5] {
        let committed = Committed { leaf: 1, salt: [2; 32], record: enrolment(Some(more())).encode() };
        [
            Item::Enrolment(Enrolment {
                committed: committed.clone(),
                name: "web-1".into(),
                selection: "sha256:0,1".into(),
            }),
            Item::Attestation(Box::new(Attestation {
                leaf: 3,
                received_ms: 4,
                not_before_ms: 5,
                heartbeat_ms: 6,
                result: "{}".into(),
                envelope: Envelope {
                    evidence: Evidence::seal(&body().encode(), b"attest", b"signature").unwrap(),
                    pcr_values: vec![vec![7; 32]],
                    attachments: vec![Attachment {
                        kind: AttachmentKind::FirmwareLog,
                        first: 0,
                        bytes: vec![8; 100],
                    }],
                },
            })),
            Item::Action(committed.clone()),
            Item::Retirement(committed.clone()),
            Item::IndexRoot(committed),
        ]
    }

    #[test]
    fn decode_of_encode_is_identity() {
        for item in items() {
            assert_eq!(Item::decode(&item.encode()), Ok(item));
        }
    }

    #[test]
    fn truncations_and_unknown_kinds_are_refused() {
        for item in items() {
            let bytes = item.encode();
            for len in 0..bytes.len() {
                assert!(Item::decode(&bytes[..len]).is_err(), "{len}");
            }
            let mut other = bytes.clone();
            other[1] = 9;
            assert!(Item::decode(&other).is_err());
            assert!(Item::decode(&[bytes.as_slice(), &[0]].concat()).is_err());
        }
    }
}
