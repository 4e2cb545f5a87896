//! What is kept of evidence and is only ever read whole, in few bytes.
//!
//! In: the parts of a piece of evidence. Out: one column of its row. From one hour to the next a host's evidence differs in its
//! signature and some digests, so it is compressed against a *keyframe*: earlier evidence of the same chain that is compressed by
//! itself. Two rows are read for one, whatever the chain's length.

use evidence::cbor::{CborError, Reader, Writer};
use evidence::envelope::Evidence;
use evidence::limits::{ATTEST_BYTES, BODY_BYTES, PCR_VALUES, RESULT_BYTES, SIGNATURE_BYTES};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row as _, SqliteExecutor};
use wire::submit::{compress, compress_against, decompress, decompress_against};

use super::StoreError;

/// The columns of `evidence` that [`Kept::of`] reads.
pub(crate) const COLUMNS: &str = "packed, keyframe, sealed, pcr_values, state_before, result";

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
}

impl Kept {
    fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(5).bytes(&self.sealed).bytes(&self.pcr_values).bytes(&self.state_before);
        w.text(&self.result).bytes(&self.ima_list);
        w.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        let mut r = Reader::new(bytes);
        r.array_of(5)?;
        let kept = Self {
            sealed: r.bytes(SEALED_BYTES)?.to_vec(),
            pcr_values: r.bytes(PCR_VALUES_BYTES)?.to_vec(),
            state_before: r.bytes(STATE_BYTES)?.to_vec(),
            result: r.text(RESULT_BYTES)?.to_owned(),
            ima_list: r.bytes(IMA_BYTES)?.to_vec(),
        };
        r.end()?;
        Ok(kept)
    }

    /// From a row with [`COLUMNS`].
    pub(crate) async fn of(executor: impl SqliteExecutor<'_>, row: &SqliteRow) -> Result<Self, StoreError> {
        let Some(packed) = row.try_get::<Option<Vec<u8>>, _>("packed")? else {
            return Ok(Self {
                sealed: row.try_get("sealed")?,
                pcr_values: row.try_get("pcr_values")?,
                state_before: row.try_get("state_before")?,
                result: row.try_get("result")?,
                ima_list: Vec::new(),
            });
        };
        let bytes = match row.try_get::<Option<i64>, _>("keyframe")? {
            None => decompress(&packed, KEPT_BYTES),
            Some(id) => {
                let keyframe: Option<Vec<u8>> =
                    sqlx::query_scalar("SELECT packed FROM evidence WHERE id = ?")
                        .bind(id)
                        .fetch_one(executor)
                        .await?;
                let keyframe = Keyframe::read(id, &keyframe.ok_or(DAMAGED)?)?;
                decompress_against(&packed, &keyframe.bytes, KEPT_BYTES)
            }
        };
        Self::decode(&bytes.map_err(|_| DAMAGED)?).map_err(|_| DAMAGED)
    }

    /// The evidence.
    pub(crate) fn evidence(&self) -> Result<Evidence, StoreError> {
        Evidence::decode(&self.sealed).map_err(|_| StoreError::Damaged { what: "recorded evidence" })
    }
}

/// Evidence that later evidence is compressed against.
#[derive(Clone, Debug)]
pub(crate) struct Keyframe {
    id: i64,
    bytes: Vec<u8>,
}

impl Keyframe {
    /// From the row with this id, and its packed parts.
    pub(crate) fn read(id: i64, packed: &[u8]) -> Result<Self, StoreError> {
        Ok(Self { id, bytes: decompress(packed, KEPT_BYTES).map_err(|_| DAMAGED)? })
    }
}

/// Parts that were packed.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    pub(crate) bytes: Vec<u8>,
    /// The row of the keyframe that they need; `None` where they are one.
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
                return Ok(Self { bytes: against, keyframe: Some(keyframe.id) });
            }
        }
        Ok(Self { bytes: alone, keyframe: None })
    }
}

/// New records of IMA of more bytes than these are a content of their own.
pub(crate) const IMA_BYTES: usize = 8 << 10;

const DAMAGED: StoreError = StoreError::Damaged { what: "packed evidence" };
const SEALED_BYTES: usize = BODY_BYTES + ATTEST_BYTES + SIGNATURE_BYTES + 64;
const PCR_VALUES_BYTES: usize = PCR_VALUES * 66 + 8;
/// A state without its components.
const STATE_BYTES: usize = 1 << 10;
const KEPT_BYTES: usize = SEALED_BYTES + PCR_VALUES_BYTES + STATE_BYTES + RESULT_BYTES + IMA_BYTES + 64;
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
        }
    }

    fn unpack(packed: &Packed, keyframe: Option<&Keyframe>) -> Kept {
        let reference = keyframe.map_or(&[][..], |keyframe| &keyframe.bytes);
        Kept::decode(&decompress_against(&packed.bytes, reference, KEPT_BYTES).unwrap()).unwrap()
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
