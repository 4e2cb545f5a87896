//! Submission of evidence and manifests, and the receipt that proves its recording.

use evidence::cbor::{CborError, Reader, Writer};
use serde::{Deserialize, Serialize};

use crate::Base64Bytes;
use crate::limits::{MANIFESTS_BYTES, MANIFESTS_COUNT};

/// Proof that a leaf is in the log, and that the log only grew since the host last looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The leaf's 34 bytes.
    pub leaf: Base64Bytes,
    /// The leaf's index.
    pub index: u64,
    /// Hashes from the leaf's sibling upwards, 32 bytes each.
    pub inclusion: Vec<Base64Bytes>,
    /// Size of the tree that `consistency` starts from, as the host named it.
    pub from_size: u64,
    /// Hashes that lead from the tree of `from_size` leaves to the checkpoint's.
    pub consistency: Vec<Base64Bytes>,
    /// The signed checkpoint (C2SP note) that both proofs lead to.
    pub checkpoint: String,
    /// Components named by the evidence whose manifests the verifier lacks, in hex.
    pub wanted: Vec<String>,
    /// What the verifier made of the host: `affirming`, `warning`, `contraindicated` or `none`.
    pub status: String,
}

/// Answer to `POST /v1/manifests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestsStored {
    /// How many were new and were stored.
    pub stored: u64,
    /// How many the verifier had already, or had not asked for.
    pub ignored: u64,
}

/// Frames manifests' canonical bytes for an upload.
pub fn encode_manifests<'a>(manifests: impl ExactSizeIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(manifests.len());
    for manifest in manifests {
        w.bytes(manifest);
    }
    w.finish()
}

/// Splits an upload into the manifests' bytes, which are not read further here.
pub fn decode_manifests(bytes: &[u8]) -> Result<Vec<&[u8]>, CborError> {
    let mut r = Reader::new(bytes);
    let count = r.array(MANIFESTS_COUNT)?;
    let manifests = (0..count).map(|_| r.bytes(MANIFESTS_BYTES)).collect::<Result<_, _>>()?;
    r.end()?;
    Ok(manifests)
}

/// Compresses a body for the network.
pub fn compress(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL)
}

/// Compresses what is kept for years: ten times slower, and smaller by a tenth and more.
pub fn compress_slowly(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(bytes, ZSTD_LEVEL_SLOW)
}

/// Compresses a submission against what the verifier has of the host already: what repeats costs next to nothing.
pub fn compress_against(bytes: &[u8], reference: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::Compressor::with_dictionary(ZSTD_LEVEL, reference)?.compress(bytes)
}

/// Decompresses a body of at most `limit` bytes; a frame that unpacks to more is refused when it passes the
/// limit, whatever its header says.
pub fn decompress(compressed: &[u8], limit: usize) -> Result<Vec<u8>, DecompressError> {
    decompress_against(compressed, &[], limit)
}

/// Decompresses what was compressed against these bytes; none where it stands for itself.
pub fn decompress_against(
    compressed: &[u8],
    reference: &[u8],
    limit: usize,
) -> Result<Vec<u8>, DecompressError> {
    use std::io::Read as _;

    let decoder = zstd::stream::read::Decoder::with_dictionary(compressed, reference);
    let mut decoder = decoder.map_err(DecompressError::Frame)?;
    decoder.window_log_max(WINDOW_LOG_MAX).map_err(DecompressError::Frame)?;
    let mut out = Vec::new();
    let read =
        decoder.by_ref().take(limit as u64 + 1).read_to_end(&mut out).map_err(DecompressError::Frame)?;
    if read > limit { Err(DecompressError::TooLong { limit }) } else { Ok(out) }
}

/// Why a compressed body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum DecompressError {
    /// Not a zstd frame.
    #[error("not a zstd frame: {0}")]
    Frame(std::io::Error),
    /// It unpacks to more than is accepted.
    #[error("unpacks to more than {limit} bytes")]
    TooLong {
        /// The limit.
        limit: usize,
    },
}

/// Level 3 compresses a first submission of 40 KiB in under a millisecond; higher ones gain a few per cent.
const ZSTD_LEVEL: i32 = 3;
/// The highest whose window is not larger than what is accepted.
const ZSTD_LEVEL_SLOW: i32 = 19;
/// 8 MiB: what level 19 needs at most, so that a frame cannot make the verifier allocate more.
const WINDOW_LOG_MAX: u32 = 23;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_round_trip() {
        let manifests: [&[u8]; 2] = [b"one", b""];
        let bytes = encode_manifests(manifests.into_iter());
        assert_eq!(decode_manifests(&bytes), Ok(manifests.to_vec()));
    }

    #[test]
    fn a_decompression_bomb_stops_at_the_limit() {
        let bomb = compress(&vec![0; 10 << 20]).unwrap();
        assert!(bomb.len() < 2_000);
        assert!(matches!(decompress(&bomb, 1 << 20), Err(DecompressError::TooLong { .. })));
        assert_eq!(decompress(&bomb, 10 << 20).unwrap().len(), 10 << 20);
    }

    #[test]
    fn what_repeats_costs_next_to_nothing() {
        let before: Vec<u8> =
            (0..2_000_u32).flat_map(|n| (n.wrapping_mul(2_654_435_761)).to_be_bytes()).collect();
        let now = [b"new".as_slice(), &before].concat();
        let lean = compress_against(&now, &before).unwrap();
        assert!(lean.len() < 60, "{}", lean.len());
        assert_eq!(decompress_against(&lean, &before, now.len()).unwrap(), now);
        assert!(decompress(&lean, now.len()).map_or(true, |bytes| bytes != now), "not without the reference");
        let bomb = compress_against(&vec![0; 10 << 20], &before).unwrap();
        assert!(matches!(decompress_against(&bomb, &before, 1 << 20), Err(DecompressError::TooLong { .. })));
    }

    #[test]
    fn noise_is_not_a_frame() {
        assert!(matches!(decompress(b"noise that is no frame", 100), Err(DecompressError::Frame(_))));
    }
}
