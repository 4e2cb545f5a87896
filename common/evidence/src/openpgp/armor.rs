//! ASCII armour.
//!
//! In: text with one or more blocks. Out: their bytes one behind the other. A checksum that is there must be right; one
//! that is missing is, since RFC 9580, as it should be.
//= RFC 9580 §6

/// Why armour cannot be taken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ArmorError {
    /// A block is not one of public keys.
    #[error("at byte {offset}: a block of armour that holds no public keys")]
    Block {
        /// Where it starts.
        offset: usize,
    },
    /// A block does not end.
    #[error("at byte {offset}: the block of armour does not end")]
    Unfinished {
        /// Where the text ends.
        offset: usize,
    },
    /// A character that base64 does not have.
    #[error("at byte {offset}: {found:#04x} is not base64")]
    Character {
        /// Where.
        offset: usize,
        /// What is there.
        found: u8,
    },
    /// Too few characters at the end, or too many.
    #[error("at byte {offset}: base64 ends in the middle")]
    Length {
        /// Where.
        offset: usize,
    },
    /// The checksum is another one.
    #[error("at byte {offset}: the block's checksum is {found:06x}, its bytes give {computed:06x}")]
    Checksum {
        /// Where the checksum stands.
        offset: usize,
        /// What stands there.
        found: u32,
        /// What it should be.
        computed: u32,
    },
}

impl ArmorError {
    /// Where it went wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Block { offset }
            | Self::Unfinished { offset }
            | Self::Character { offset, .. }
            | Self::Length { offset }
            | Self::Checksum { offset, .. } => *offset,
        }
    }
}

const BEGIN: &[u8] = b"-----BEGIN PGP ";
const BEGIN_KEYS: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &[u8] = b"-----END PGP PUBLIC KEY BLOCK-----";

/// Whether the bytes hold armour: a line of its kind, and no packet at their start.
pub(super) fn is_armor(bytes: &[u8]) -> bool {
    bytes.first().is_some_and(|first| *first < 0x80)
        && Lines::new(bytes).any(|line| line.text.starts_with(BEGIN))
}

/// Takes off the armour as far as that goes.
pub(super) fn decode(text: &[u8]) -> (Vec<u8>, Option<ArmorError>) {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut lines = Lines::new(text);
    while let Some(line) = lines.next() {
        if !line.text.starts_with(BEGIN) {
            continue;
        }
        if line.text != BEGIN_KEYS {
            return (out, Some(ArmorError::Block { offset: line.offset }));
        }
        if let Err(error) = block(&mut lines, &mut out) {
            return (out, Some(error));
        }
    }
    (out, None)
}

/// The bytes of one line of radix 64 without armour.
pub(crate) fn radix64(text: &[u8]) -> Option<Vec<u8>> {
    let (mut quads, mut out) = (Quads::default(), Vec::with_capacity(text.len() / 4 * 3));
    quads.line(&Line { text, offset: 0 }, &mut out).and_then(|()| quads.finish(&mut out, 0)).ok()?;
    Some(out)
}

/// A block behind its first line.
fn block(lines: &mut Lines<'_>, out: &mut Vec<u8>) -> Result<(), ArmorError> {
    let start = out.len();
    let (mut quads, mut in_headers, mut checksum) = (Quads::default(), true, None);
    for line in lines.by_ref() {
        if line.text == END {
            quads.finish(out, line.offset)?;
            return check(checksum, out.get(start..).unwrap_or_default());
        }
        // Headers are there or not; the empty line behind them is forgotten by some.
        if in_headers && (line.text.is_empty() || line.text.windows(2).any(|two| two == b": ")) {
            in_headers = !line.text.is_empty();
            continue;
        }
        in_headers = false;
        match line.text.strip_prefix(b"=") {
            Some(sum) if quads.is_whole() && sum.len() == 4 => {
                checksum = Some((line.offset, value(sum, line.offset)?));
            }
            _ => quads.line(&line, out)?,
        }
    }
    Err(ArmorError::Unfinished { offset: lines.offset })
}

fn check(checksum: Option<(usize, u32)>, bytes: &[u8]) -> Result<(), ArmorError> {
    let Some((offset, found)) = checksum else { return Ok(()) };
    let computed = crc24(bytes);
    if found == computed { Ok(()) } else { Err(ArmorError::Checksum { offset, found, computed }) }
}

//= RFC 9580 §6.1.1
fn crc24(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0x00b7_04ce, |crc, byte| {
        (0..8).fold(crc ^ (u32::from(*byte) << 16), |crc, _| {
            let shifted = crc << 1;
            if shifted & 0x0100_0000 == 0 { shifted } else { shifted ^ 0x0186_4cfb }
        })
    })
}

/// Four characters as 24 bits.
fn value(four: &[u8], offset: usize) -> Result<u32, ArmorError> {
    four.iter().zip(offset..).try_fold(0, |sum, (character, offset)| {
        let digit = digit(*character).ok_or(ArmorError::Character { offset, found: *character })?;
        Ok(sum << 6 | digit)
    })
}

fn digit(character: u8) -> Option<u32> {
    Some(u32::from(match character {
        b'A'..=b'Z' => character - b'A',
        b'a'..=b'z' => character - b'a' + 26,
        b'0'..=b'9' => character - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Characters that have not yet come to four.
#[derive(Debug, Default)]
struct Quads {
    bits: u32,
    count: u32,
    padding: u32,
}

impl Quads {
    const fn is_whole(&self) -> bool {
        self.count == 0
    }

    fn line(&mut self, line: &Line<'_>, out: &mut Vec<u8>) -> Result<(), ArmorError> {
        for (character, offset) in line.text.iter().zip(line.offset..) {
            let wrong = ArmorError::Character { offset, found: *character };
            if *character == b'=' {
                self.padding += 1;
                if self.count + self.padding > 4 || self.count < 2 {
                    return Err(wrong);
                }
                continue;
            }
            if self.padding > 0 {
                return Err(wrong);
            }
            self.bits = self.bits << 6 | digit(*character).ok_or(wrong)?;
            self.count += 1;
            if self.count == 4 {
                let [_, a, b, c] = self.bits.to_be_bytes();
                out.extend([a, b, c]);
                *self = Self::default();
            }
        }
        if self.padding > 0 {
            self.finish(out, line.offset)?;
        }
        Ok(())
    }

    /// The last one or two bytes.
    fn finish(&mut self, out: &mut Vec<u8>, offset: usize) -> Result<(), ArmorError> {
        if self.padding > 0 && self.count + self.padding != 4 {
            return Err(ArmorError::Length { offset });
        }
        match self.count {
            0 => {}
            2 => out.extend((self.bits >> 4).to_be_bytes().last()),
            3 => out.extend((self.bits >> 2).to_be_bytes().last_chunk::<2>().into_iter().flatten()),
            _ => return Err(ArmorError::Length { offset }),
        }
        *self = Self::default();
        Ok(())
    }
}

/// A line without its end and the blanks before that.
struct Line<'a> {
    text: &'a [u8],
    offset: usize,
}

struct Lines<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Lines<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, offset: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let end = self.rest.iter().position(|byte| *byte == b'\n').unwrap_or(self.rest.len());
        let (line, rest) = self.rest.split_at_checked(end)?;
        let (offset, size) = (self.offset, end.saturating_add(1).min(self.rest.len()));
        self.rest = rest.get(1..).unwrap_or_default();
        self.offset = self.offset.saturating_add(size);
        Some(Line { text: line.trim_ascii_end(), offset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_of_nothing_and_of_something() {
        assert_eq!(crc24(b""), 0x00b7_04ce);
        assert_eq!(crc24(b"123456789"), 0x0021_cf02, "the check value of CRC-24/OPENPGP");
    }

    fn armored(body: &str) -> String {
        format!("-----BEGIN PGP PUBLIC KEY BLOCK-----\n{body}-----END PGP PUBLIC KEY BLOCK-----\n")
    }

    #[test]
    fn blocks_one_behind_the_other_with_text_between_them() {
        let text = format!("a key:\r\n{}and\n{}", armored("Comment: x\n\nYWJj\nZA==\n"), armored("\nZWY=\n"));
        assert!(is_armor(text.as_bytes()));
        assert_eq!(decode(text.as_bytes()), (b"abcdef".to_vec(), None));
    }

    #[test]
    fn errors_name_their_place() {
        let check = |body: &str, expected: ArmorError| {
            assert_eq!(decode(armored(body).as_bytes()).1, Some(expected), "{body:?}");
        };
        check("\nYW*j\n", ArmorError::Character { offset: 40, found: b'*' });
        check("\nYWJjZ\n", ArmorError::Length { offset: 44 });
        check("\nZA==ZA==\n", ArmorError::Character { offset: 42, found: b'Z' });
        check("\nYWJj\n=AAAA\n", ArmorError::Checksum { offset: 43, found: 0, computed: crc24(b"abc") });
        let cut = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nYWJj\n";
        assert_eq!(decode(cut), (b"abc".to_vec(), Some(ArmorError::Unfinished { offset: 43 })));
        let other = b"-----BEGIN PGP MESSAGE-----\n";
        assert_eq!(decode(other).1, Some(ArmorError::Block { offset: 0 }));
    }
}
