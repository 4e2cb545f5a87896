//! Bytes that are read where they lie: files too large, or too little needed, to be held in memory.
//!
//! In: an offset. Out: the bytes there, or why not. A length is checked against the source and against a limit before
//! anything is allocated. Whether the bytes stay the same between two reads is the caller's business.

/// Something that can be read at any place.
pub trait Source {
    /// How many bytes there are.
    fn length(&self) -> u64;

    /// Fills the buffer from this place on; all of it lies within the length.
    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError>;

    /// The bytes of a range, if they are no more than `limit`.
    fn bytes(&self, offset: u64, size: u64, limit: usize) -> Result<Vec<u8>, SourceError> {
        let end = offset.checked_add(size).filter(|end| *end <= self.length());
        end.ok_or(SourceError::Outside { offset, size })?;
        let size = usize::try_from(size).ok().filter(|size| *size <= limit);
        let mut buffer = vec![0; size.ok_or(SourceError::Limit { offset, limit })?];
        self.fill(offset, &mut buffer)?;
        Ok(buffer)
    }
}

impl Source for &[u8] {
    fn length(&self) -> u64 {
        u64::try_from(self.len()).unwrap_or(u64::MAX)
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        let start = usize::try_from(offset).ok();
        let range = start.and_then(|start| self.get(start..start.checked_add(buffer.len())?));
        let size = u64::try_from(buffer.len()).unwrap_or(u64::MAX);
        buffer.copy_from_slice(range.ok_or(SourceError::Outside { offset, size })?);
        Ok(())
    }
}

/// Why bytes are not to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SourceError {
    /// They do not lie within the source.
    #[error("at byte {offset}: {size} bytes leave the file")]
    Outside {
        /// Where they start.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// More than is read of such a thing.
    #[error("at byte {offset}: more than {limit} bytes")]
    Limit {
        /// Where they start.
        offset: u64,
        /// The most that is read.
        limit: usize,
    },
    /// Reading failed.
    #[error("at byte {offset}: reading failed")]
    Failed {
        /// Where they start.
        offset: u64,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_outside_or_is_too_much_is_refused() {
        let source: &[u8] = b"abcdef";
        assert_eq!(source.bytes(1, 3, 3), Ok(b"bcd".to_vec()));
        assert_eq!(source.bytes(6, 0, 0), Ok(Vec::new()));
        assert_eq!(source.bytes(4, 3, 9), Err(SourceError::Outside { offset: 4, size: 3 }));
        assert_eq!(source.bytes(u64::MAX, 2, 9), Err(SourceError::Outside { offset: u64::MAX, size: 2 }));
        assert_eq!(source.bytes(0, 4, 3), Err(SourceError::Limit { offset: 0, limit: 3 }));
    }
}
