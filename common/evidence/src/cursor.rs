//! A bounded reader over bytes from outside.
//!
//! In: a slice. Out: integers and sub-slices, or an error with the offset at which the bytes ran out. It
//! never allocates and never panics; what the bytes mean is the caller's business.

/// The bytes ended before a field did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {needed} bytes needed, {left} left")]
pub struct Truncated {
    /// Where the field starts, from the start of the whole input.
    pub offset: usize,
    /// How many bytes the field needs.
    pub needed: usize,
    /// How many bytes are left.
    pub left: usize,
}

/// A position in a slice; every read is checked.
#[derive(Clone, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// Starts at the slice's first byte.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }

    /// Starts at the first byte of a slice that lies at `offset` of a larger input.
    pub const fn at(bytes: &'a [u8], offset: usize) -> Self {
        Self { rest: bytes, offset }
    }

    /// Offset of the next byte, from the start of the whole input.
    pub const fn offset(&self) -> usize {
        self.offset
    }

    /// What has not been read yet.
    pub const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// How many bytes have not been read yet.
    pub const fn left(&self) -> usize {
        self.rest.len()
    }

    /// Whether everything has been read.
    pub const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], Truncated> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(Truncated { offset: self.offset, needed: count, left: self.rest.len() });
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(count);
        Ok(taken)
    }

    /// The next `N` bytes as an array.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Truncated> {
        let (offset, left) = (self.offset, self.rest.len());
        let taken = self.take(N)?;
        taken.try_into().map_err(|_| Truncated { offset, needed: N, left })
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8, Truncated> {
        self.array::<1>().map(|[byte]| byte)
    }

    /// Two bytes, most significant first.
    pub fn u16_be(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_be_bytes)
    }

    /// Four bytes, most significant first.
    pub fn u32_be(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_be_bytes)
    }

    /// Eight bytes, most significant first.
    pub fn u64_be(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_be_bytes)
    }

    /// Two bytes, least significant first.
    pub fn u16_le(&mut self) -> Result<u16, Truncated> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes, least significant first.
    pub fn u32_le(&mut self) -> Result<u32, Truncated> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes, least significant first.
    pub fn u64_le(&mut self) -> Result<u64, Truncated> {
        self.array().map(u64::from_le_bytes)
    }

    /// A TPM2B: a big-endian 16-bit length, then that many bytes.
    pub fn tpm2b(&mut self) -> Result<&'a [u8], Truncated> {
        let size = self.u16_be()?;
        self.take(usize::from(size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_the_place() {
        let mut cursor = Cursor::new(&[1, 2, 3]);
        assert_eq!(cursor.u16_be(), Ok(0x0102));
        assert_eq!(cursor.u32_le(), Err(Truncated { offset: 2, needed: 4, left: 1 }));
        assert_eq!(cursor.u8(), Ok(3), "a failed read takes nothing");
        assert!(cursor.is_empty());
    }

    #[test]
    fn a_huge_length_is_refused_without_allocating() {
        let mut cursor = Cursor::new(&[0xff, 0xff, 1]);
        assert_eq!(cursor.tpm2b(), Err(Truncated { offset: 2, needed: 0xffff, left: 1 }));
    }
}
