//! What leaves of the log commit to beside sealed evidence: that a host enrolled or was retired, what an operator
//! did, and what the index was.
//!
//! In and out: canonical bytes, whose SHA-256 a leaf commits to with a salt of their own. A record is the verifier's word: the
//! log fixes it, and fixes when; it does not make it true.

use crate::cbor::{CborError, Reader, Writer};
use crate::digest::{ChainId, HostId, Sha256Digest};
use crate::limits::{LONG_TEXT_BYTES, PUBLIC_BYTES, SHORT_TEXT_BYTES};

/// A host enrolled: its TPM proved that it holds both keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRecord {
    /// Its identity.
    pub host: HostId,
    /// `TPMT_PUBLIC` of its attestation key.
    pub ak_public: Vec<u8>,
    /// `TPMT_PUBLIC` of its endorsement key.
    pub ek_public: Vec<u8>,
    /// The chain that starts.
    pub chain: ChainId,
    /// How well the endorsement key is vouched for.
    pub tier: String,
    /// When, in milliseconds since 1970 by the verifier's clock.
    pub at_ms: u64,
    /// What records of the first version lack.
    pub more: Option<EnrolmentMore>,
}

/// What records have since their second version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentMore {
    /// What people call the host.
    pub name: String,
    /// What it has to quote, such as `sha256:0,1,2`.
    pub selection: String,
    /// The host's own word for why its history breaks here; empty where it gave none.
    pub reason: String,
    /// Where the chain before ends; `None` where this is the host's first.
    pub previous: Option<ChainEnd>,
}

/// Where a chain ends, as far as the verifier has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainEnd {
    /// The chain.
    pub chain: ChainId,
    /// How many pieces of evidence it has.
    pub next_seq: u64,
    /// Digest of the last; zero where there is none.
    pub last: Sha256Digest,
}

impl EnrolmentRecord {
    /// The bytes that a leaf commits to.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        let Some(more) = &self.more else {
            w.array(7).uint(1).bytes(self.host.as_bytes()).bytes(&self.ak_public).bytes(&self.ek_public);
            w.bytes(self.chain.as_bytes()).text(&self.tier).uint(self.at_ms);
            return w.finish();
        };
        w.array(11).uint(2).bytes(self.host.as_bytes()).bytes(&self.ak_public).bytes(&self.ek_public);
        w.bytes(self.chain.as_bytes()).text(&self.tier).uint(self.at_ms);
        w.text(&more.name).text(&more.selection).text(&more.reason);
        match &more.previous {
            None => w.array(0),
            Some(end) => w.array(3).bytes(end.chain.as_bytes()).uint(end.next_seq).bytes(end.last.as_bytes()),
        };
        w.finish()
    }

    /// Reads what [`EnrolmentRecord::encode`] wrote, of both versions.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        let items = r.array(11)?;
        let offset = r.offset();
        let version = r.uint()?;
        if !matches!((version, items), (1, 7) | (2, 11)) {
            return Err(CborError::Schema { offset, expected: 2, found: version });
        }
        let mut record = Self {
            host: HostId::new(r.array_bytes()?),
            ak_public: r.bytes(PUBLIC_BYTES)?.to_vec(),
            ek_public: r.bytes(PUBLIC_BYTES)?.to_vec(),
            chain: ChainId::new(r.array_bytes()?),
            tier: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            at_ms: r.uint()?,
            more: None,
        };
        if items == 11 {
            record.more = Some(EnrolmentMore {
                name: r.text(SHORT_TEXT_BYTES)?.to_owned(),
                selection: r.text(SHORT_TEXT_BYTES)?.to_owned(),
                reason: r.text(LONG_TEXT_BYTES)?.to_owned(),
                previous: previous(&mut r)?,
            });
        }
        r.end()?;
        Ok(record)
    }
}

fn previous(r: &mut Reader<'_>) -> Result<Option<ChainEnd>, CborError> {
    let offset = r.offset();
    match r.array(3)? {
        0 => Ok(None),
        3 => Ok(Some(ChainEnd {
            chain: ChainId::new(r.array_bytes()?),
            next_seq: r.uint()?,
            last: Sha256Digest::new(r.array_bytes()?),
        })),
        found => Err(CborError::Schema { offset, expected: 3, found: found as u64 }),
    }
}

/// A host was retired, and its chain ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RetirementRecord {
    /// Its identity.
    pub host: HostId,
    /// Where its chain ends.
    pub end: ChainEnd,
    /// Why, in the operator's words.
    pub reason: String,
    /// Who retired it.
    pub who: String,
    /// When, in milliseconds since 1970 by the verifier's clock.
    pub at_ms: u64,
}

impl RetirementRecord {
    /// The bytes that a leaf commits to.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(8).uint(3).bytes(self.host.as_bytes()).bytes(self.end.chain.as_bytes());
        w.uint(self.end.next_seq).bytes(self.end.last.as_bytes());
        w.text(&self.reason).text(&self.who).uint(self.at_ms);
        w.finish()
    }

    /// Reads what [`RetirementRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of(8)?;
        r.key(3)?;
        let host = HostId::new(r.array_bytes()?);
        let end = ChainEnd {
            chain: ChainId::new(r.array_bytes()?),
            next_seq: r.uint()?,
            last: Sha256Digest::new(r.array_bytes()?),
        };
        let record = Self {
            host,
            end,
            reason: r.text(LONG_TEXT_BYTES)?.to_owned(),
            who: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            at_ms: r.uint()?,
        };
        r.end()?;
        Ok(record)
    }
}

/// An operator did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActionRecord {
    /// What kind of thing, such as `token-created`.
    pub kind: String,
    /// Who.
    pub who: String,
    /// What exactly; no secret is in it.
    pub detail: String,
    /// When, in milliseconds since 1970 by the verifier's clock.
    pub at_ms: u64,
}

impl ActionRecord {
    /// The bytes that a leaf commits to.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(5).uint(1).text(&self.kind).text(&self.who).text(&self.detail).uint(self.at_ms);
        w.finish()
    }

    /// Reads what [`ActionRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of(5)?;
        r.key(1)?;
        let record = Self {
            kind: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            who: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            detail: r.text(LONG_TEXT_BYTES)?.to_owned(),
            at_ms: r.uint()?,
        };
        r.end()?;
        Ok(record)
    }
}

/// The root of the index at a size of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexRootRecord {
    /// The size: what the leaves below say is in the index. It is the index of the record's own leaf.
    pub size: u64,
    /// The version of the extractor that made it.
    pub extractor: u64,
    /// How many chains of evidence it is over.
    pub chains: u64,
    /// The root.
    pub root: Sha256Digest,
    /// When, in milliseconds since 1970 by the verifier's clock.
    pub at_ms: u64,
}

impl IndexRootRecord {
    /// The bytes that a leaf commits to.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(6).uint(1).uint(self.size).uint(self.extractor).uint(self.chains);
        w.bytes(self.root.as_bytes()).uint(self.at_ms);
        w.finish()
    }

    /// Reads what [`IndexRootRecord::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of(6)?;
        r.key(1)?;
        let record = Self {
            size: r.uint()?,
            extractor: r.uint()?,
            chains: r.uint()?,
            root: Sha256Digest::new(r.array_bytes()?),
            at_ms: r.uint()?,
        };
        r.end()?;
        Ok(record)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn enrolment(more: Option<EnrolmentMore>) -> EnrolmentRecord {
        EnrolmentRecord {
            host: HostId::new([1; 32]),
            ak_public: vec![2; 88],
            ek_public: vec![3; 314],
            chain: ChainId::new([4; 16]),
            tier: "manufacturer".into(),
            at_ms: 5,
            more,
        }
    }

    pub(crate) fn more() -> EnrolmentMore {
        let previous =
            ChainEnd { chain: ChainId::new([6; 16]), next_seq: 7, last: Sha256Digest::new([8; 32]) };
        EnrolmentMore {
            name: "web-1".into(),
            selection: "sha256:0,1".into(),
            reason: "the disk was replaced".into(),
            previous: Some(previous),
        }
    }

    fn retirement() -> RetirementRecord {
        RetirementRecord {
            host: HostId::new([1; 32]),
            end: ChainEnd { chain: ChainId::new([2; 16]), next_seq: 3, last: Sha256Digest::new([4; 32]) },
            reason: "sold".into(),
            who: "token 1".into(),
            at_ms: 5,
        }
    }

    fn index_root() -> IndexRootRecord {
        IndexRootRecord { size: 1, extractor: 2, chains: 3, root: Sha256Digest::new([4; 32]), at_ms: 5 }
    }

    #[test]
    fn decode_of_encode_is_identity() {
        assert_eq!(IndexRootRecord::decode(&index_root().encode()), Ok(index_root()));
        let first = EnrolmentMore { previous: None, reason: String::new(), ..more() };
        for more in [None, Some(more()), Some(first)] {
            let record = enrolment(more);
            assert_eq!(EnrolmentRecord::decode(&record.encode()), Ok(record));
        }
        let action =
            ActionRecord { kind: "export".into(), who: "token 1".into(), detail: "all".into(), at_ms: 9 };
        assert_eq!(ActionRecord::decode(&action.encode()), Ok(action));
        assert_eq!(RetirementRecord::decode(&retirement().encode()), Ok(retirement()));
    }

    #[test]
    fn truncations_and_other_versions_are_refused() {
        for record in [enrolment(None), enrolment(Some(more()))] {
            let bytes = record.encode();
            for len in 0..bytes.len() {
                assert!(EnrolmentRecord::decode(&bytes[..len]).is_err(), "{len}");
            }
            for version in [0, 3] {
                let mut other = bytes.clone();
                other[1] = version;
                assert!(EnrolmentRecord::decode(&other).is_err(), "{version}");
            }
        }
        let bytes = retirement().encode();
        for len in 0..bytes.len() {
            assert!(RetirementRecord::decode(&bytes[..len]).is_err(), "{len}");
        }
        let bytes = index_root().encode();
        for len in 0..bytes.len() {
            assert!(IndexRootRecord::decode(&bytes[..len]).is_err(), "{len}");
        }
        // The items of one version under the number of the other.
        let mut mixed = enrolment(None).encode();
        mixed[1] = 2;
        assert!(EnrolmentRecord::decode(&mixed).is_err());
    }
}
