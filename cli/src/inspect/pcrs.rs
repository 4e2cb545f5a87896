//! PCR values from files of tpm2-tools.
//!
//! In: what `tpm2_quote -o` writes (its own structure, as it lies in memory on a little-endian machine), or the values one
//! behind the other in selection order (`-F values`). Out: the values in the order in which the quote hashes them.

use evidence::cursor::{Cursor, Truncated};
use evidence::digest::HashAlg;
use evidence::pcr::PcrSelection;

/// Why a file holds no PCR values for a selection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum PcrFileError {
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
    /// A digest is longer than its buffer.
    #[error("at byte {offset}: a digest of {found} bytes")]
    Digest {
        /// Where its size is.
        offset: usize,
        /// The size.
        found: u16,
    },
    /// Other values than the selection has.
    #[error("{found} values, the quote is over {expected}")]
    Count {
        /// Values of the selection.
        expected: usize,
        /// Values in the file.
        found: usize,
    },
}

/// The values in selection order.
pub(super) fn read(bytes: &[u8], selection: &PcrSelection) -> Result<Vec<Vec<u8>>, PcrFileError> {
    let sizes = || selection.iter().map(|(bank, _)| bank.size());
    let expected: usize = sizes().sum();
    let lists = bytes.len().checked_sub(HEAD_BYTES).map(|rest| (rest / LIST_BYTES, rest % LIST_BYTES));
    let values = if bytes.len() == expected {
        let mut cursor = Cursor::new(bytes);
        sizes().map(|size| cursor.take(size).map(<[u8]>::to_vec)).collect::<Result<_, _>>()?
    } else if matches!(lists, Some((1.., 0))) {
        serialised(bytes)?
    } else {
        return Err(PcrFileError::Length { found: bytes.len(), expected, selection: selection.clone() });
    };
    if values.len() == selection.len() {
        Ok(values)
    } else {
        Err(PcrFileError::Count { expected: selection.len(), found: values.len() })
    }
}

/// A selection of 16 banks, the number of lists, and lists of eight digests in buffers of 64 bytes.
fn serialised(bytes: &[u8]) -> Result<Vec<Vec<u8>>, PcrFileError> {
    let mut cursor = Cursor::new(bytes);
    cursor.take(SELECTION_BYTES)?;
    let lists = cursor.u32_le()?;
    let mut values = Vec::new();
    for _ in 0..lists {
        let used = cursor.u32_le()?;
        for digest in 0..DIGESTS {
            let offset = cursor.offset();
            let size = cursor.u16_le()?;
            let buffer = cursor.take(BUFFER_BYTES)?;
            if digest < used {
                let value =
                    buffer.get(..usize::from(size)).ok_or(PcrFileError::Digest { offset, found: size })?;
                values.push(value.to_vec());
            }
        }
    }
    Ok(values)
}

/// `TPML_PCR_SELECTION` in memory: a count and 16 banks of eight bytes.
const SELECTION_BYTES: usize = 4 + 16 * 8;
const HEAD_BYTES: usize = SELECTION_BYTES + 4;
/// `TPML_DIGEST` in memory.
const LIST_BYTES: usize = 4 + 8 * (2 + BUFFER_BYTES);
const DIGESTS: u32 = 8;
const BUFFER_BYTES: usize = 64;

/// Whether the values hash to the quoted digest: by the signature's algorithm, or by one of the digest's size.
pub(super) fn hash_to(values: &[Vec<u8>], digest: &[u8], alg: Option<HashAlg>) -> bool {
    let parts: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
    let fits = |alg: &HashAlg| alg.hash(&parts).as_bytes() == digest;
    match alg {
        Some(alg) => fits(&alg),
        None => HashAlg::ALL.iter().any(fits),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection() -> PcrSelection {
        "sha256:0,7".parse().unwrap()
    }

    fn structure(used: u32, size: u16) -> Vec<u8> {
        let mut bytes = vec![0; SELECTION_BYTES];
        bytes.extend(1_u32.to_le_bytes());
        bytes.extend(used.to_le_bytes());
        for digest in 0..8_u8 {
            bytes.extend(size.to_le_bytes());
            bytes.extend([digest; BUFFER_BYTES]);
        }
        bytes
    }

    #[test]
    fn both_forms_give_the_same_values() {
        let expected = vec![vec![0; 32], vec![1; 32]];
        assert_eq!(read(&[[0; 32], [1; 32]].concat(), &selection()), Ok(expected.clone()));
        assert_eq!(read(&structure(2, 32), &selection()), Ok(expected));
    }

    #[test]
    fn other_bytes_are_refused() {
        let refused = |bytes: &[u8]| read(bytes, &selection()).unwrap_err();
        assert!(matches!(refused(&[0; 63]), PcrFileError::Length { found: 63, expected: 64, .. }));
        assert_eq!(refused(&structure(3, 32)), PcrFileError::Count { expected: 2, found: 3 });
        assert!(matches!(refused(&structure(2, 65)), PcrFileError::Digest { found: 65, .. }));
    }
}
