//! GnuPG's keybox.
//!
//! In: a `.kbx` file. Out: the packets of its `OpenPGP` blobs one behind the other. X.509 blobs are counted and left.
//= GnuPG kbx/keybox-blob.c

use crate::cursor::{Cursor, Truncated};

/// Why a keybox, or the rest of it, cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyboxError {
    /// A blob ends early.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// A blob is shorter than its own header, or its keys do not lie within it.
    #[error("at byte {offset}: a blob that does not hold what it says")]
    Blob {
        /// Where the blob starts.
        offset: usize,
    },
}

impl KeyboxError {
    /// Where it went wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Truncated(error) => error.offset,
            Self::Blob { offset } => *offset,
        }
    }
}

const FIRST: u8 = 1;
const OPENPGP: u8 = 2;
const MAGIC: &[u8] = b"KBXf";

/// Whether the bytes start as a keybox does.
pub(super) fn is_keybox(bytes: &[u8]) -> bool {
    bytes.get(4) == Some(&FIRST) && bytes.get(8..12) == Some(MAGIC)
}

/// The packets, and how many blobs hold something else.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) packets: Vec<u8>,
    pub(super) others: usize,
}

/// Collects the packets as far as that goes.
pub(super) fn decode(bytes: &[u8]) -> (Keys, Option<KeyboxError>) {
    let mut keys = Keys::default();
    let mut cursor = Cursor::new(bytes);
    while !cursor.is_empty() {
        if let Err(error) = blob(&mut cursor, &mut keys) {
            return (keys, Some(error));
        }
    }
    (keys, None)
}

fn blob(cursor: &mut Cursor<'_>, keys: &mut Keys) -> Result<(), KeyboxError> {
    let offset = cursor.offset();
    let wrong = KeyboxError::Blob { offset };
    let length = usize::try_from(cursor.u32_be()?).map_err(|_| wrong)?;
    // The length counts itself.
    let body = cursor.take(length.checked_sub(4).ok_or(wrong)?)?;
    let mut fields = Cursor::at(body, offset.saturating_add(4));
    match fields.u8()? {
        OPENPGP => {
            let (_version, _flags) = (fields.u8()?, fields.u16_be()?);
            let (start, size) = (fields.u32_be()?, fields.u32_be()?);
            let start = usize::try_from(start).ok().and_then(|start| start.checked_sub(4)).ok_or(wrong)?;
            let size = usize::try_from(size).map_err(|_| wrong)?;
            let end = start.checked_add(size).ok_or(wrong)?;
            keys.packets.extend_from_slice(body.get(start..end).ok_or(wrong)?);
        }
        // An empty blob is what a deleted key leaves.
        0 | FIRST => {}
        _ => keys.others = keys.others.saturating_add(1),
    }
    Ok(())
}
