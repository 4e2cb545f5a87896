//! Older evidence of one chain, many pieces as one frame.
//!
//! In: the parts of evidence that follow each other in a chain. Out: one value, and the parts again, byte for byte. An hour's evidence
//! costs what is new in it: a signature, a salt, a checkpoint's root. What can be computed from the rest is not kept twice: the digest of the
//! evidence before, and the data that the quote qualifies. Zeros stand in their places, and the places are written down.

use evidence::body::qualifying_data;
use evidence::cbor::{CborError, Reader, Writer};
use evidence::digest::Sha256Digest;
use evidence::envelope::Evidence;
use wire::submit::{compress_slowly, decompress};

use super::StoreError;
use super::packed::{Completeness, KEPT_BYTES, Kept};

/// Pieces of evidence in one pack: half a megabyte to unpack for one of them, some thirty kilobytes on the disk.
pub(crate) const PACK_PIECES: usize = 128;
/// A pack is begun anew before it has more bytes than these, but for evidence that has more by itself.
pub(crate) const PACK_BYTES: usize = 4 << 20;

/// Packs evidence. What comes out is unpacked and compared before it is given.
pub(crate) fn pack(pieces: &[Kept]) -> std::io::Result<Vec<u8>> {
    let lean = compress_slowly(&encode(pieces, Places::Found))?;
    if unpack(&lean).is_ok_and(|unpacked| unpacked == pieces) {
        return Ok(lean);
    }
    // A piece has its own digest within it, or nothing of the kind: somebody has thought of it. It costs more, that is all.
    let plain = compress_slowly(&encode(pieces, Places::None))?;
    match unpack(&plain) {
        Ok(unpacked) if unpacked == pieces => Ok(plain),
        _ => Err(std::io::Error::other("a pack does not unpack to what was packed")),
    }
}

/// The evidence of a pack.
pub(crate) fn unpack(packed: &[u8]) -> Result<Vec<Kept>, StoreError> {
    let bytes = decompress(packed, FRAME_BYTES).map_err(|_| DAMAGED)?;
    decode(&bytes).map_err(|_| DAMAGED)
}

/// Whether what can be computed is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Places {
    Found,
    None,
}

fn encode(pieces: &[Kept], places: Places) -> Vec<u8> {
    let mut w = Writer::new();
    w.array(pieces.len());
    let mut before = None;
    for kept in pieces {
        let mut bytes = kept.encode();
        let (mut of_before, mut qualifying) = (Vec::new(), Vec::new());
        if places == Places::Found {
            // In the order in which they are put back: qualifying data is of a body that is whole.
            if let Ok(evidence) = Evidence::decode(&kept.sealed) {
                qualifying = blank(&mut bytes, &qualifying_data(evidence.body_raw()));
            }
            of_before = before.map_or_else(Vec::new, |digest| blank(&mut bytes, &digest));
            before = Some(kept.digest());
        }
        w.array(3).bytes(&bytes);
        for places in [of_before, qualifying] {
            w.array(places.len());
            for place in places {
                w.uint(place as u64);
            }
        }
    }
    w.finish()
}

fn decode(bytes: &[u8]) -> Result<Vec<Kept>, CborError> {
    let mut r = Reader::new(bytes);
    let count = r.array(PACK_PIECES)?;
    let mut pieces: Vec<Kept> = Vec::with_capacity(count);
    for _ in 0..count {
        r.array_of(3)?;
        let mut bytes = r.bytes(KEPT_BYTES)?.to_vec();
        let of_before = places(&mut r, bytes.len())?;
        let qualifying = places(&mut r, bytes.len())?;
        if !of_before.is_empty() {
            let offset = r.offset();
            let before = pieces.last().ok_or(CborError::Schema { offset, expected: 0, found: 1 })?;
            restore(&mut bytes, &of_before, &before.digest());
        }
        if !qualifying.is_empty() {
            let offset = r.offset();
            let (kept, _) = Kept::decode(&bytes)?;
            let evidence = Evidence::decode(&kept.sealed).map_err(|_| CborError::Schema {
                offset,
                expected: 0,
                found: qualifying.len() as u64,
            })?;
            restore(&mut bytes, &qualifying, &qualifying_data(evidence.body_raw()));
        }
        let offset = r.offset();
        match Kept::decode(&bytes)? {
            (kept, Completeness::Whole) => pieces.push(kept),
            (_, Completeness::Early) => return Err(CborError::Schema { offset, expected: 9, found: 5 }),
        }
    }
    r.end()?;
    Ok(pieces)
}

/// Puts zeros where a digest stands, and gives the places.
fn blank(bytes: &mut [u8], digest: &Sha256Digest) -> Vec<usize> {
    let digest = digest.as_bytes();
    let mut places = Vec::new();
    let mut from = 0;
    while places.len() < PLACES
        && let Some(rest) = bytes.get(from..)
        && let Some(found) = rest.windows(digest.len()).position(|window| window == digest)
    {
        places.push(from + found);
        from += found + digest.len();
    }
    for place in &places {
        if let Some(room) = bytes.get_mut(*place..place + digest.len()) {
            room.fill(0);
        }
    }
    places
}

fn restore(bytes: &mut [u8], places: &[usize], digest: &Sha256Digest) {
    let digest = digest.as_bytes();
    for place in places {
        if let Some(room) = bytes.get_mut(*place..place + digest.len()) {
            room.copy_from_slice(digest);
        }
    }
}

/// Places of a digest within so many bytes.
fn places(r: &mut Reader<'_>, len: usize) -> Result<Vec<usize>, CborError> {
    let count = r.array(PLACES)?;
    (0..count)
        .map(|_| {
            let last = len.saturating_sub(DIGEST_BYTES);
            let place = r.uint_up_to(last as u64)?;
            Ok(usize::try_from(place).unwrap_or(last))
        })
        .collect()
}

const DIGEST_BYTES: usize = 32;
/// Places of one digest in one piece: a body and a state name what was before, a quote what it qualifies.
const PLACES: usize = 8;
const FRAME_BYTES: usize =
    if PACK_BYTES > KEPT_BYTES { PACK_BYTES } else { KEPT_BYTES } + PACK_PIECES * (2 * PLACES * 5 + 16);
const DAMAGED: StoreError = StoreError::Damaged { what: "a pack of evidence" };

#[cfg(test)]
mod tests {
    use super::*;

    /// Pieces of which each names the digest of the one before.
    fn chain(pieces: usize) -> Vec<Kept> {
        let mut all: Vec<Kept> = Vec::new();
        for number in 0..pieces {
            let before = all.last().map_or(Sha256Digest::new([0; 32]), Kept::digest);
            let salt = Sha256Digest::of(&[&number.to_be_bytes()]);
            all.push(Kept {
                sealed: [b"body ".as_slice(), before.as_bytes(), salt.as_bytes()].concat(),
                state_before: before.as_bytes().to_vec(),
                result: format!("{{\"iat\":{number}}}"),
                ima_content: (number % 3 == 0).then_some(salt),
                summary: "nothing".to_owned(),
                ..Kept::default()
            });
        }
        all
    }

    #[test]
    fn what_can_be_computed_costs_nothing() {
        let pieces = chain(PACK_PIECES);
        let packed = pack(&pieces).unwrap();
        assert_eq!(unpack(&packed).unwrap(), pieces);
        // A salt each, a content for every third, and little else.
        assert!(packed.len() < PACK_PIECES * 56, "{}", packed.len());
        let plain = compress_slowly(&encode(&pieces, Places::None)).unwrap();
        assert!(plain.len() > packed.len() + (PACK_PIECES - 1) * 30, "{} {}", plain.len(), packed.len());
    }

    #[test]
    fn no_piece_and_one_piece() {
        assert_eq!(unpack(&pack(&[]).unwrap()).unwrap(), Vec::new());
        assert_eq!(unpack(&pack(&chain(1)).unwrap()).unwrap(), chain(1));
    }

    #[test]
    fn the_largest_piece_and_as_many_as_fit_come_back() {
        let noise = |len: usize, salt: u32| -> Vec<u8> {
            (0..)
                .flat_map(|n: u32| n.wrapping_mul(2_654_435_761).wrapping_add(salt).to_le_bytes())
                .take(len)
                .collect()
        };
        let largest = Kept { sealed: noise(PACK_BYTES, 1), result: "x".repeat(1 << 20), ..Kept::default() };
        let packed = pack(std::slice::from_ref(&largest)).unwrap();
        assert_eq!(unpack(&packed).unwrap(), [largest]);
        let long =
            |number: u32| Kept { sealed: noise(16, number), summary: "s".repeat(32_000), ..Kept::default() };
        let mut pieces: Vec<Kept> = (0..).map(long).take(PACK_PIECES).collect();
        let mut bytes = 0;
        pieces.retain(|kept| {
            bytes += kept.bytes();
            bytes <= PACK_BYTES
        });
        assert_eq!(unpack(&pack(&pieces).unwrap()).unwrap(), pieces);
    }

    #[test]
    fn digests_that_overlap_or_are_many_come_back() {
        let first = Kept { sealed: b"first".to_vec(), ..Kept::default() };
        let digest = first.digest();
        let many = digest.as_bytes().repeat(20);
        let second = Kept { sealed: many.clone(), state_before: many[..64].to_vec(), ..Kept::default() };
        let third =
            Kept { sealed: [&[0], second.digest().as_bytes().as_slice()].concat(), ..Kept::default() };
        let pieces = vec![first, second, third];
        assert_eq!(unpack(&pack(&pieces).unwrap()).unwrap(), pieces);
    }

    #[test]
    fn damage_is_told() {
        let bytes = encode(&chain(5), Places::Found);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len]).is_err(), "{len}");
        }
        assert!(unpack(b"no frame").is_err());
        let mut w = Writer::new();
        w.array(1).array(3).bytes(&chain(1)[0].encode());
        w.array(1).uint(3).array(0);
        assert!(decode(&w.finish()).is_err(), "a digest of what is not there");
        let mut w = Writer::new();
        w.array(1).array(3).bytes(&chain(1)[0].encode());
        w.array(0).array(1).uint(1 << 20);
        assert!(decode(&w.finish()).is_err(), "a place that is not there");
    }
}
