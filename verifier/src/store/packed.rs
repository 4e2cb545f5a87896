//! What is kept of evidence and is only ever read whole, in few bytes.
//!
//! In: the parts of a piece of evidence. Out: one value. From one hour to the next a host's evidence differs in its signature and some
//! digests, so the newest is compressed against a *keyframe*: earlier evidence of the same chain that is compressed by itself. Two rows
//! are read for one, whatever the chain's length. Older evidence lies in packs (`pack`), which take less; `unpack` reads both.

use appraisal::state::HostState;
use evidence::cbor::{CborError, Reader, Writer};
use evidence::digest::Sha256Digest;
use evidence::envelope::Evidence;
use evidence::limits::{ATTEST_BYTES, BODY_BYTES, PCR_VALUES, RESULT_BYTES, SIGNATURE_BYTES};
use wire::submit::{compress, compress_against, decompress, decompress_against};

use super::StoreError;

/// The parts of evidence that are read whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) sealed: Vec<u8>,
    /// A CBOR array.
    pub(crate) pcr_values: Vec<u8>,
    /// What it was verified against, without components.
    pub(crate) state_before: Vec<u8>,
    /// The result in JSON.
    pub(crate) result: String,
    /// New records of IMA, where they are few; many are a content of their own.
    pub(crate) ima_list: Vec<u8>,
    /// The content that many records are.
    pub(crate) ima_content: Option<Sha256Digest>,
    /// systemd's log, whole.
    pub(crate) systemd_log: Option<Sha256Digest>,
    /// The heartbeat that was asked for when it was appraised; none is known of evidence of early versions.
    pub(crate) heartbeat_ms: u64,
    /// One line for people.
    pub(crate) summary: String,
}

impl Kept {
    pub(super) fn encode(&self) -> Vec<u8> {
        let content =
            |digest: &Option<Sha256Digest>| digest.map_or(Vec::new(), |digest| digest.as_bytes().to_vec());
        let mut w = Writer::new();
        w.array(PARTS).bytes(&self.sealed).bytes(&self.pcr_values).bytes(&self.state_before);
        w.text(&self.result).bytes(&self.ima_list);
        w.bytes(&content(&self.ima_content)).bytes(&content(&self.systemd_log));
        w.uint(self.heartbeat_ms).text(&self.summary);
        w.finish()
    }

    /// Those of earlier versions have five parts; the others were columns.
    pub(super) fn decode(bytes: &[u8]) -> Result<(Self, Completeness), CborError> {
        let mut r = Reader::new(bytes);
        let parts = r.array(PARTS)?;
        if parts != PARTS && parts != EARLY_PARTS {
            return Err(CborError::Schema { offset: 0, expected: PARTS as u64, found: parts as u64 });
        }
        let mut kept = Self {
            sealed: r.bytes(SEALED_BYTES)?.to_vec(),
            pcr_values: r.bytes(PCR_VALUES_BYTES)?.to_vec(),
            state_before: r.bytes(STATE_BYTES)?.to_vec(),
            result: r.text(RESULT_BYTES)?.to_owned(),
            ima_list: r.bytes(IMA_BYTES)?.to_vec(),
            ..Self::default()
        };
        if parts == EARLY_PARTS {
            r.end()?;
            return Ok((kept, Completeness::Early));
        }
        kept.ima_content = content(&mut r)?;
        kept.systemd_log = content(&mut r)?;
        kept.heartbeat_ms = r.uint()?;
        r.text(SUMMARY_BYTES)?.clone_into(&mut kept.summary);
        r.end()?;
        Ok((kept, Completeness::Whole))
    }

    /// How many bytes it has, roughly.
    pub(crate) const fn bytes(&self) -> usize {
        self.sealed.len()
            + self.pcr_values.len()
            + self.state_before.len()
            + self.result.len()
            + self.ima_list.len()
            + self.summary.len()
            + 256
    }

    /// The evidence.
    pub(crate) fn evidence(&self) -> Result<Evidence, StoreError> {
        Evidence::decode(&self.sealed).map_err(|_| StoreError::Damaged { what: "recorded evidence" })
    }

    /// The digest that its chain and the log know it by.
    pub(crate) fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&[&self.sealed])
    }

    /// What it was verified against, without components.
    pub(crate) fn state_before(&self) -> Result<HostState, StoreError> {
        HostState::decode(&self.state_before)
            .map_err(|_| StoreError::Damaged { what: "a host's earlier state" })
    }
}

fn content(r: &mut Reader<'_>) -> Result<Option<Sha256Digest>, CborError> {
    let offset = r.offset();
    match r.bytes(32)? {
        [] => Ok(None),
        bytes => Sha256Digest::from_slice(bytes).map(Some).map_err(|_| CborError::Schema {
            offset,
            expected: 32,
            found: bytes.len() as u64,
        }),
    }
}

/// Whether the packed parts are all that is kept of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Completeness {
    Whole,
    /// Of an early version: the rest is in columns.
    Early,
}

/// Evidence that later evidence is compressed against.
#[derive(Clone, Debug)]
pub(crate) struct Keyframe {
    leaf: i64,
    bytes: Vec<u8>,
}

impl Keyframe {
    /// From its leaf, and its packed parts.
    pub(crate) fn read(leaf: i64, packed: &[u8]) -> Result<Self, StoreError> {
        Ok(Self { leaf, bytes: decompress(packed, KEPT_BYTES).map_err(|_| DAMAGED)? })
    }

    pub(super) const fn leaf(&self) -> i64 {
        self.leaf
    }

    /// What was packed against it, as it was encoded.
    pub(super) fn unpack(&self, packed: &[u8]) -> Result<Vec<u8>, StoreError> {
        decompress_against(packed, &self.bytes, KEPT_BYTES).map_err(|_| DAMAGED)
    }
}

/// Parts that were packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    /// The leaf of the keyframe that they need; `None` where they are one.
    pub(crate) keyframe: Option<i64>,
}

impl Packed {
    /// Packs against a keyframe, or into a new one where that costs little more.
    pub(crate) fn new(kept: &Kept, keyframe: Option<&Keyframe>) -> std::io::Result<Self> {
        let bytes = kept.encode();
        let alone = compress(&bytes)?;
        // One that has far more than this, such as the list of all components, is slow to read each time.
        if let Some(keyframe) =
            keyframe.filter(|keyframe| keyframe.bytes.len() / KEYFRAME_RATIO <= bytes.len())
        {
            let against = compress_against(&bytes, &keyframe.bytes)?;
            if against.len() < alone.len() / 2 {
                return Ok(Self { bytes: against, keyframe: Some(keyframe.leaf) });
            }
        }
        Ok(Self { bytes: alone, keyframe: None })
    }
}

/// New records of IMA of more bytes than these are a content of their own.
pub(crate) const IMA_BYTES: usize = 8 << 10;

pub(super) const DAMAGED: StoreError = StoreError::Damaged { what: "packed evidence" };
const PARTS: usize = 9;
const EARLY_PARTS: usize = 5;
const SEALED_BYTES: usize = BODY_BYTES + ATTEST_BYTES + SIGNATURE_BYTES + 64;
const PCR_VALUES_BYTES: usize = PCR_VALUES * 66 + 8;
/// A state without its components.
const STATE_BYTES: usize = 1 << 10;
/// One line that we wrote ourselves: some words, and the codes of reasons.
const SUMMARY_BYTES: usize = 64 << 10;
pub(super) const KEPT_BYTES: usize =
    SEALED_BYTES + PCR_VALUES_BYTES + STATE_BYTES + RESULT_BYTES + IMA_BYTES + SUMMARY_BYTES + 256;
const KEYFRAME_RATIO: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(n: u8) -> Kept {
        let noise = |from: u32| (from..from + 200).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes());
        Kept {
            sealed: [n; 64].into_iter().chain(noise(0)).collect(),
            pcr_values: noise(1_000).collect(),
            state_before: vec![n; 100],
            result: format!("{{\"iat\":{n}}}"),
            ima_list: vec![n; 50],
            ima_content: n.is_multiple_of(2).then(|| Sha256Digest::new([n; 32])),
            systemd_log: Some(Sha256Digest::new([7; 32])),
            heartbeat_ms: 300_000,
            summary: format!("{n} components"),
        }
    }

    fn unpack(packed: &Packed, keyframe: Option<&Keyframe>) -> Kept {
        let reference = keyframe.map_or(&[][..], |keyframe| &keyframe.bytes);
        let bytes = decompress_against(&packed.bytes, reference, KEPT_BYTES).unwrap();
        let (kept, completeness) = Kept::decode(&bytes).unwrap();
        assert_eq!(completeness, Completeness::Whole);
        kept
    }

    #[test]
    fn what_repeats_costs_little_and_comes_back() {
        let first = Packed::new(&kept(1), None).unwrap();
        assert!(first.keyframe.is_none() && first.bytes.len() > 1_600);
        assert_eq!(unpack(&first, None), kept(1));
        let keyframe = Keyframe::read(7, &first.bytes).unwrap();
        let second = Packed::new(&kept(2), Some(&keyframe)).unwrap();
        assert!(second.keyframe == Some(7) && second.bytes.len() < 200, "{}", second.bytes.len());
        assert_eq!(unpack(&second, Some(&keyframe)), kept(2));
    }

    #[test]
    fn a_keyframe_that_helps_little_or_is_huge_is_left() {
        let other = Kept { sealed: vec![9; 40], ..Kept::default() };
        let keyframe = Keyframe::read(7, &Packed::new(&other, None).unwrap().bytes).unwrap();
        assert!(Packed::new(&kept(1), Some(&keyframe)).unwrap().keyframe.is_none());
        let huge = Kept { sealed: [kept(1).encode(), vec![0; 40_000]].concat(), ..Kept::default() };
        let keyframe = Keyframe::read(7, &Packed::new(&huge, None).unwrap().bytes).unwrap();
        assert!(Packed::new(&kept(1), Some(&keyframe)).unwrap().keyframe.is_none());
    }

    #[test]
    fn damage_is_told() {
        let bytes = kept(1).encode();
        for len in 0..bytes.len() {
            assert!(Kept::decode(&bytes[..len]).is_err());
        }
        assert!(Keyframe::read(1, b"no frame").is_err());
    }
}
