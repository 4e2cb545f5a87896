//! How every TPM structure is read and written: big-endian, sized, and to its last byte.
//!
//! In: bytes, or fields. Out: a cursor's checked reads with this module's error, or bytes. A size is compared with
//! its limit before anything is copied.

use crate::cursor::{Cursor, Truncated};
use crate::digest::HashAlg;
use crate::pcr::PcrError;

/// Why bytes are not the TPM structure that was expected, with the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TpmError {
    /// The input ends within a field.
    #[error("TPM structure ends early: {0}")]
    Truncated(#[from] Truncated),
    /// Bytes follow the structure.
    #[error("at byte {offset}: {left} bytes follow the structure")]
    Trailing {
        /// Where they start.
        offset: usize,
        /// How many there are.
        left: usize,
    },
    /// A size or count above its limit.
    #[error("at byte {offset}: {what} of {found} is over the limit of {limit}")]
    Limit {
        /// Where the field starts.
        offset: usize,
        /// What has the size.
        what: &'static str,
        /// The limit.
        limit: usize,
        /// What was found.
        found: usize,
    },
    /// An algorithm, tag or selector that has no meaning here.
    #[error("at byte {offset}: {found:#06x} is no {what} that is known here")]
    Unknown {
        /// Where the field is.
        offset: usize,
        /// What was expected.
        what: &'static str,
        /// What was found.
        found: u16,
    },
    /// A structure that nobody signed: its scheme is `TPM_ALG_NULL`.
    #[error("at byte {offset}: the scheme is TPM_ALG_NULL: nobody signed")]
    Unsigned {
        /// Where the scheme is.
        offset: usize,
    },
    /// A field whose value the specification does not allow.
    #[error("at byte {offset}: {found:#x} is no valid {what}")]
    Value {
        /// Where the field is.
        offset: usize,
        /// What was expected.
        what: &'static str,
        /// What was found.
        found: u64,
    },
    /// A selection of PCRs that cannot be.
    #[error("at byte {offset}: {error}")]
    Selection {
        /// Where the selection starts.
        offset: usize,
        /// Why it cannot be.
        error: PcrError,
    },
    /// Bytes from NV that hold no certificate.
    #[error("no X.509 certificate in {size} bytes of NV")]
    NoCertificate {
        /// How many bytes were looked at.
        size: usize,
    },
}

impl TpmError {
    /// The same error for a structure that starts at `start` of a larger input.
    pub(super) fn behind(mut self, start: usize) -> Self {
        match &mut self {
            Self::Truncated(Truncated { offset, .. })
            | Self::Trailing { offset, .. }
            | Self::Limit { offset, .. }
            | Self::Unknown { offset, .. }
            | Self::Unsigned { offset }
            | Self::Value { offset, .. }
            | Self::Selection { offset, .. } => *offset = offset.saturating_add(start),
            Self::NoCertificate { .. } => {}
        }
        self
    }
}

/// Reads a whole structure: at most `limit` bytes, and not one more than `read` takes.
pub(super) fn whole<T>(
    bytes: &[u8],
    what: &'static str,
    limit: usize,
    read: impl FnOnce(&mut Cursor<'_>) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let found = bytes.len();
    if found > limit {
        return Err(TpmError::Limit { offset: 0, what, limit, found });
    }
    let mut cursor = Cursor::new(bytes);
    let value = read(&mut cursor)?;
    end(&cursor)?;
    Ok(value)
}

/// Refuses what follows a structure.
pub(super) fn end(cursor: &Cursor<'_>) -> Result<(), TpmError> {
    if cursor.is_empty() {
        Ok(())
    } else {
        Err(TpmError::Trailing { offset: cursor.offset(), left: cursor.left() })
    }
}

/// A `TPM2B` of at most `limit` bytes.
pub(super) fn sized<'a>(
    cursor: &mut Cursor<'a>,
    what: &'static str,
    limit: usize,
) -> Result<&'a [u8], TpmError> {
    let offset = cursor.offset();
    let bytes = cursor.tpm2b()?;
    let found = bytes.len();
    if found > limit { Err(TpmError::Limit { offset, what, limit, found }) } else { Ok(bytes) }
}

/// What a `TPM2B` that is the whole input holds, and where that starts.
pub(super) fn unsized_tpm2b<'a>(
    tpm2b: &'a [u8],
    what: &'static str,
    limit: usize,
) -> Result<(usize, &'a [u8]), TpmError> {
    let mut cursor = Cursor::new(tpm2b);
    let inner = sized(&mut cursor, what, limit)?;
    end(&cursor)?;
    Ok((2, inner))
}

/// A `TPMI_YES_NO`.
pub(super) fn yes_no(cursor: &mut Cursor<'_>) -> Result<bool, TpmError> {
    let offset = cursor.offset();
    match cursor.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        found => Err(TpmError::Value { offset, what: "TPMI_YES_NO", found: found.into() }),
    }
}

/// A `TPMI_ALG_HASH` that is known.
pub(super) fn hash_alg(cursor: &mut Cursor<'_>) -> Result<HashAlg, TpmError> {
    let offset = cursor.offset();
    let found = cursor.u16_be()?;
    HashAlg::from_tpm_id(found).ok_or(TpmError::Unknown { offset, what: "hash algorithm", found })
}

/// Appends the fields of a TPM structure.
#[derive(Clone, Debug, Default)]
pub(super) struct Writer {
    out: Vec<u8>,
}

impl Writer {
    pub(super) fn finish(self) -> Vec<u8> {
        self.out
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.bytes(&[value])
    }

    pub(super) fn u16(&mut self, value: u16) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.bytes(&value.to_be_bytes())
    }

    /// A `TPM2B` of at most `limit` bytes: what is written can be read again.
    pub(super) fn sized(
        &mut self,
        bytes: &[u8],
        what: &'static str,
        limit: usize,
    ) -> Result<&mut Self, TpmError> {
        let (offset, found) = (self.out.len(), bytes.len());
        let too_long = TpmError::Limit { offset, what, limit, found };
        if found > limit {
            return Err(too_long);
        }
        self.u16(u16::try_from(found).map_err(|_| too_long)?);
        Ok(self.bytes(bytes))
    }
}
