//! PCR values from files of tpm2-tools.
//!
//! In: what `tpm2_quote -o` writes (a selection and lists of eight digests, each as they lie in memory on a
//! little-endian machine), or the values one behind the other (`-F values`, `tpm2_pcrread -o`), and the selection that was quoted.
//! Out: the values of that selection. Whether a TPM ever had them is what the quoted digest says.

use crate::cursor::{Cursor, Truncated};
use crate::digest::{Digest, HashAlg};
use crate::limits::{PCR_FILE_BYTES, PCR_SELECT_OCTETS, PCR_SELECTIONS};
use crate::pcr::{PcrError, PcrMask, PcrSelection, PcrValues};

/// Why a file holds no PCR values for a selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PcrFileError {
    /// The file is longer than any that could be meant.
    #[error("{found} bytes are over the limit of {limit}")]
    Limit {
        /// The limit.
        limit: usize,
        /// The length found.
        found: usize,
    },
    /// Neither form has this length.
    #[error("{found} bytes: {expected} were expected for {selection}, or tpm2_quote's own form")]
    Length {
        /// The length found.
        found: usize,
        /// The values' length.
        expected: usize,
        /// The quoted selection.
        selection: PcrSelection,
    },
    /// The structure ends early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A count that cannot be.
    #[error("at byte {offset}: {found} {what}, {expected} at most")]
    Count {
        /// Where the count is.
        offset: usize,
        /// What is counted.
        what: &'static str,
        /// The most that there can be.
        expected: usize,
        /// The count.
        found: u32,
    },
    /// A bank that is not known.
    #[error("at byte {offset}: {found:#06x} is no hash algorithm that is known here")]
    Bank {
        /// Where it is.
        offset: usize,
        /// Its `TPM_ALG_ID`.
        found: u16,
    },
    /// A digest of another length than its bank has.
    #[error("at byte {offset}: a digest of {found} bytes for bank {bank}")]
    Digest {
        /// Where its size is.
        offset: usize,
        /// The bank.
        bank: HashAlg,
        /// The size.
        found: u16,
    },
    /// More values than the file's selection has, or other bytes behind them.
    #[error("at byte {offset}: {left} bytes or values follow those of the selection")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many there are.
        left: usize,
    },
    /// The file's selection lacks something, or cannot be.
    #[error(transparent)]
    Pcr(#[from] PcrError),
}

/// The values of `selection` in a file of either form.
pub fn parse_pcr_file(bytes: &[u8], selection: &PcrSelection) -> Result<PcrValues, PcrFileError> {
    let found = bytes.len();
    if found > PCR_FILE_BYTES {
        return Err(PcrFileError::Limit { limit: PCR_FILE_BYTES, found });
    }
    let expected: usize = selection.iter().map(|(bank, _)| bank.size()).sum();
    let structure = looks_serialised(bytes).then(|| serialised(bytes, selection));
    match structure {
        // Values can have a structure's length by chance, but then no structure's content.
        Some(Err(_)) | None if found == expected => Ok(PcrValues::from_concatenated(selection, bytes)?),
        Some(result) => result,
        None => Err(PcrFileError::Length { found, expected, selection: selection.clone() }),
    }
}

/// Whether the length fits a number of lists, or the first bank does.
fn looks_serialised(bytes: &[u8]) -> bool {
    let lists = bytes.len().checked_sub(HEAD_BYTES).map(|rest| rest % LIST_BYTES);
    let mut head = Cursor::new(bytes);
    let count = head.u32_le().ok().and_then(|count| usize::try_from(count).ok());
    let known = head.u16_le().ok().and_then(HashAlg::from_tpm_id);
    lists == Some(0) || (matches!(count, Some(1..=PCR_SELECTIONS)) && known.is_some())
}

fn serialised(bytes: &[u8], wanted: &PcrSelection) -> Result<PcrValues, PcrFileError> {
    let mut cursor = Cursor::new(bytes);
    let selection = selection(&mut cursor)?;
    let mut places = selection.iter();
    let mut values = PcrValues::new();
    let lists = cursor.u32_le()?;
    for _ in 0..lists {
        let offset = cursor.offset();
        let found = cursor.u32_le()?;
        let used = usize::try_from(found).unwrap_or(usize::MAX);
        if used > DIGESTS {
            return Err(PcrFileError::Count { offset, what: "digests", expected: DIGESTS, found });
        }
        let start = cursor.offset();
        let mut buffers = Cursor::at(cursor.take(DIGESTS * DIGEST_BYTES)?, start);
        for left in (1..=used).rev() {
            let offset = buffers.offset();
            let Some((bank, pcr)) = places.next() else {
                return Err(PcrFileError::Trailing { offset, left });
            };
            values.insert(pcr, digest(&mut buffers, bank)?);
        }
    }
    if !cursor.is_empty() {
        return Err(PcrFileError::Trailing { offset: cursor.offset(), left: cursor.left() });
    }
    values.selected(wanted)?;
    Ok(values)
}

/// `TPML_PCR_SELECTION` in memory: a count and 16 banks.
fn selection(cursor: &mut Cursor<'_>) -> Result<PcrSelection, PcrFileError> {
    let offset = cursor.offset();
    let found = cursor.u32_le()?;
    let count = usize::try_from(found).unwrap_or(usize::MAX);
    if count > PCR_SELECTIONS {
        return Err(PcrFileError::Count { offset, what: "banks", expected: PCR_SELECTIONS, found });
    }
    let mut banks = Vec::with_capacity(count);
    for number in 0..PCR_SELECTIONS {
        let offset = cursor.offset();
        let mut place = Cursor::at(cursor.take(BANK_BYTES)?, offset);
        if number < count {
            banks.push(bank(&mut place)?);
        }
    }
    Ok(PcrSelection::new(banks)?)
}

/// `TPMS_PCR_SELECTION` in memory: an algorithm, a size, four octets and one to fill up.
fn bank(place: &mut Cursor<'_>) -> Result<(HashAlg, PcrMask), PcrFileError> {
    let offset = place.offset();
    let found = place.u16_le()?;
    let bank = HashAlg::from_tpm_id(found).ok_or(PcrFileError::Bank { offset, found })?;
    let offset = place.offset();
    let size = place.u8()?;
    let mut octets: [u8; PCR_SELECT_OCTETS] = place.array()?;
    if usize::from(size) > PCR_SELECT_OCTETS {
        let (what, expected) = ("octets of a bitmap", PCR_SELECT_OCTETS);
        return Err(PcrFileError::Count { offset, what, expected, found: size.into() });
    }
    octets.iter_mut().skip(usize::from(size)).for_each(|octet| *octet = 0);
    Ok((bank, PcrMask::new(u32::from_le_bytes(octets))?))
}

/// `TPM2B_DIGEST` in memory: a size and a buffer for the longest digest.
fn digest(buffers: &mut Cursor<'_>, bank: HashAlg) -> Result<Digest, PcrFileError> {
    let offset = buffers.offset();
    let found = buffers.u16_le()?;
    let buffer = buffers.take(BUFFER_BYTES)?;
    let value = buffer.get(..usize::from(found)).and_then(|value| Digest::new(bank, value).ok());
    value.ok_or(PcrFileError::Digest { offset, bank, found })
}

const BANK_BYTES: usize = 8;
const HEAD_BYTES: usize = 4 + PCR_SELECTIONS * BANK_BYTES + 4;
const BUFFER_BYTES: usize = 64;
const DIGEST_BYTES: usize = 2 + BUFFER_BYTES;
const DIGESTS: usize = 8;
/// `TPML_DIGEST` in memory.
const LIST_BYTES: usize = 4 + DIGESTS * DIGEST_BYTES;

#[cfg(test)]
mod tests {
    use super::*;

    fn selection() -> PcrSelection {
        "sha256:0,7".parse().unwrap()
    }

    /// What `tpm2_quote -o` writes for one bank.
    fn structure(bank: u16, octets: [u8; 3], used: u32, size: u16) -> Vec<u8> {
        let mut bytes = 1_u32.to_le_bytes().to_vec();
        bytes.extend(bank.to_le_bytes());
        bytes.push(3);
        bytes.extend(octets);
        bytes.resize(4 + 16 * 8, 0);
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(used.to_le_bytes());
        for digest in 0..8_u8 {
            bytes.extend(size.to_le_bytes());
            bytes.extend([digest; BUFFER_BYTES]);
        }
        bytes
    }

    fn good() -> Vec<u8> {
        structure(0x000b, [0x81, 0, 0], 2, 32)
    }

    fn refused(bytes: &[u8]) -> PcrFileError {
        parse_pcr_file(bytes, &selection()).unwrap_err()
    }

    #[test]
    fn both_forms_give_the_same_values() {
        let values = parse_pcr_file(&[[0; 32], [1; 32]].concat(), &selection()).unwrap();
        assert_eq!(values.len(), 2);
        assert_eq!(parse_pcr_file(&good(), &selection()), Ok(values));
    }

    /// The file may have more than was quoted, but not less.
    #[test]
    fn the_files_own_selection_says_whose_values_they_are() {
        let more = structure(0x000b, [0x83, 0, 0], 3, 32);
        let values = parse_pcr_file(&more, &selection()).unwrap();
        let selected = values.selected(&selection()).unwrap();
        assert_eq!(selected.iter().map(|value| value.as_bytes()[0]).collect::<Vec<_>>(), [0, 2]);
        let less = structure(0x000b, [0x01, 0, 0], 1, 32);
        let missing = PcrError::MissingValue { bank: HashAlg::Sha256, pcr: "7".parse().unwrap() };
        assert_eq!(refused(&less), PcrFileError::Pcr(missing));
        let other = structure(0x0004, [0x81, 0, 0], 2, 20);
        assert!(matches!(refused(&other), PcrFileError::Pcr(PcrError::MissingValue { .. })));
    }

    #[test]
    fn other_bytes_are_refused_with_the_place() {
        assert!(matches!(refused(&[0; 63]), PcrFileError::Length { found: 63, expected: 64, .. }));
        let more = structure(0x000b, [0x81, 0, 0], 3, 32);
        assert_eq!(refused(&more), PcrFileError::Trailing { offset: 140 + 2 * 66, left: 1 });
        let fewer = structure(0x000b, [0x81, 0, 0], 1, 32);
        assert!(matches!(refused(&fewer), PcrFileError::Pcr(PcrError::MissingValue { .. })));
        for size in [0, 20, 33, 65, u16::MAX] {
            let wrong = structure(0x000b, [0x81, 0, 0], 2, size);
            let bank = HashAlg::Sha256;
            assert_eq!(refused(&wrong), PcrFileError::Digest { offset: 140, bank, found: size });
        }
        let nine = structure(0x000b, [0x81, 0, 0], 9, 32);
        assert_eq!(
            refused(&nine),
            PcrFileError::Count { offset: 136, what: "digests", expected: 8, found: 9 }
        );
        let bank = structure(0x0099, [0x81, 0, 0], 2, 32);
        assert_eq!(refused(&bank), PcrFileError::Bank { offset: 4, found: 0x99 });
        let mut banks = good();
        banks[0] = 17;
        assert_eq!(
            refused(&banks),
            PcrFileError::Count { offset: 0, what: "banks", expected: 16, found: 17 }
        );
        let mut bitmap = good();
        bitmap[6] = 5;
        assert!(matches!(refused(&bitmap), PcrFileError::Count { offset: 6, found: 5, .. }));
        assert!(matches!(refused(&vec![0; PCR_FILE_BYTES + 1]), PcrFileError::Limit { .. }));
    }

    #[test]
    fn cut_or_continued_files_are_refused() {
        let mut good = good();
        // Of 64 bytes are the values alone, whatever they are; that they are others shows in the digest.
        for cut in (0..good.len()).filter(|cut| *cut != 64) {
            assert!(parse_pcr_file(&good[..cut], &selection()).is_err(), "{cut}");
        }
        good.push(0);
        assert_eq!(refused(&good), PcrFileError::Trailing { offset: good.len() - 1, left: 1 });
    }
}
