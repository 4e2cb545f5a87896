//! Files of exported items: a chain, the operators' actions, or the roots of the index.
//!
//! In and out: a stream of bytes. It starts with a line that names it; then comes a frame for each item, the length of its zstd
//! frame in four bytes first, compressed against the item before: hourly evidence costs what is new in it. Files are only ever
//! appended to, and one that was cut short tells where.

use std::io::{self, Read, Write};

use evidence::export::{ITEM_BYTES, Item, ItemError};

use crate::submit::{DecompressError, compress_against, decompress_against};

/// What a file of items starts with, so that tools and people know it.
pub const MAGIC: &[u8] = b"lydian-export-v1\n";

/// The name of the file that has the operators' actions.
pub const ACTIONS: &str = "actions";
/// The name of the file that has what the index was.
pub const INDEX_ROOTS: &str = "index-roots";
/// The name of the directory that has a directory for each host, with a file for each of its chains.
pub const HOSTS: &str = "hosts";
/// The name of the directory that has the manifests, by the digests of their components.
pub const MANIFESTS: &str = "manifests";
/// The name of the file that says what was exported.
pub const SUMMARY: &str = "export.json";

/// What was exported, in the exporter's word.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Summary {
    /// 1.
    pub version: u32,
    /// The log's signed head: everything before its size was to be exported.
    pub head: String,
    /// The hosts that were asked for; none where all were.
    pub hosts: Option<Vec<String>>,
    /// Which program wrote it.
    pub program: String,
}

/// Writes items.
#[derive(Debug)]
pub struct ItemWriter<W> {
    out: W,
    before: Vec<u8>,
}

impl<W: Write> ItemWriter<W> {
    /// Begins a file.
    pub fn begin(mut out: W) -> io::Result<Self> {
        out.write_all(MAGIC)?;
        Ok(Self { out, before: Vec::new() })
    }

    /// Goes on behind the item whose bytes these are, the last of a file.
    pub const fn resume(out: W, last: Vec<u8>) -> Self {
        Self { out, before: last }
    }

    /// Appends an item.
    pub fn write(&mut self, item: &Item) -> io::Result<()> {
        let bytes = item.encode();
        let frame = compress_against(&bytes, reference(&self.before))?;
        let length = u32::try_from(frame.len()).map_err(|_| io::Error::other("an item of over 4 GiB"))?;
        self.out.write_all(&length.to_be_bytes())?;
        self.out.write_all(&frame)?;
        self.before = bytes;
        Ok(())
    }

    /// What was written to.
    pub fn into_inner(self) -> W {
        self.out
    }
}

/// Reads items.
#[derive(Debug)]
pub struct ItemReader<R> {
    input: R,
    before: Vec<u8>,
    offset: u64,
}

impl<R: Read> ItemReader<R> {
    /// Begins with a file.
    pub fn new(mut input: R) -> Result<Self, ExportError> {
        let mut magic = Vec::new();
        input.by_ref().take(MAGIC.len() as u64).read_to_end(&mut magic)?;
        if magic != MAGIC {
            return Err(ExportError::NotAnExport);
        }
        Ok(Self { input, before: Vec::new(), offset: MAGIC.len() as u64 })
    }

    /// The next item; `None` at the end.
    pub fn next_item(&mut self) -> Result<Option<Item>, ExportError> {
        let offset = self.offset;
        let mut length = Vec::new();
        self.input.by_ref().take(4).read_to_end(&mut length)?;
        let length: [u8; 4] = match length.len() {
            0 => return Ok(None),
            _ => length.try_into().map_err(|_| ExportError::CutShort { offset })?,
        };
        let length = u64::from(u32::from_be_bytes(length));
        if length > FRAME_BYTES {
            return Err(ExportError::TooLong { offset, found: length });
        }
        let mut frame = Vec::new();
        self.input.by_ref().take(length).read_to_end(&mut frame)?;
        if (frame.len() as u64) < length {
            return Err(ExportError::CutShort { offset });
        }
        let bytes = decompress_against(&frame, reference(&self.before), ITEM_BYTES)
            .map_err(|cause| ExportError::Frame { offset, cause })?;
        let item = Item::decode(&bytes).map_err(|cause| ExportError::Item { offset, cause })?;
        self.before = bytes;
        self.offset = offset.saturating_add(4).saturating_add(length);
        Ok(Some(item))
    }

    /// Where the next item starts.
    pub const fn offset(&self) -> u64 {
        self.offset
    }

    /// The bytes of the item that was read last, for [`ItemWriter::resume`].
    pub fn into_last(self) -> Vec<u8> {
        self.before
    }
}

/// What an item is compressed against: the begin of the one before, which has everything but its logs.
fn reference(before: &[u8]) -> &[u8] {
    before.get(..REFERENCE_BYTES).unwrap_or(before)
}

/// Why a file of items cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It does not start as one.
    #[error("not an export: it does not start with `lydian-export-v1`")]
    NotAnExport,
    /// It ends within an item.
    #[error("at byte {offset}: it ends within an item")]
    CutShort {
        /// Where the item starts.
        offset: u64,
    },
    /// An item that is longer than any.
    #[error("at byte {offset}: an item of {found} bytes; the limit is {FRAME_BYTES}")]
    TooLong {
        /// Where the item starts.
        offset: u64,
        /// Its length.
        found: u64,
    },
    /// Not compressed as it must be.
    #[error("at byte {offset}: {cause}")]
    Frame {
        /// Where the item starts.
        offset: u64,
        /// What is wrong.
        cause: DecompressError,
    },
    /// Not an item; offsets within it are of its bytes before compression.
    #[error("at byte {offset}: {cause}")]
    Item {
        /// Where the item starts.
        offset: u64,
        /// What is wrong.
        cause: ItemError,
    },
    /// Reading failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What zstd may add to what it cannot compress: under 1 in 256.
const FRAME_BYTES: u64 = (ITEM_BYTES + ITEM_BYTES / 256 + 1_024) as u64;
/// Evidence without its logs has 1 to 4 KiB; a first one names each of up to 100,000 components.
const REFERENCE_BYTES: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use evidence::export::Committed;

    fn item(leaf: u64) -> Item {
        // What does not compress by itself, and is the same each time.
        let record = (0..300_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        Item::Action(Committed { leaf, salt: [leaf.to_le_bytes()[0]; 32], record })
    }

    fn file(leaves: u64) -> Vec<u8> {
        let mut writer = ItemWriter::begin(Vec::new()).unwrap();
        (0..leaves).for_each(|leaf| writer.write(&item(leaf)).unwrap());
        writer.into_inner()
    }

    fn read(bytes: &[u8]) -> Result<Vec<Item>, ExportError> {
        let mut reader = ItemReader::new(bytes)?;
        std::iter::from_fn(|| reader.next_item().transpose()).collect()
    }

    #[test]
    fn what_was_written_is_read_and_costs_what_is_new() {
        let bytes = file(50);
        assert_eq!(read(&bytes).unwrap(), (0..50).map(item).collect::<Vec<_>>());
        assert!(bytes.len() < 1_400 + 50 * 60, "{}", bytes.len());
        assert_eq!(read(&file(0)).unwrap(), []);
    }

    #[test]
    fn a_file_goes_on_where_it_ended() {
        let half = file(20);
        let mut reader = ItemReader::new(half.as_slice()).unwrap();
        while reader.next_item().unwrap().is_some() {}
        assert_eq!(reader.offset(), half.len() as u64);
        let mut writer = ItemWriter::resume(half.clone(), reader.into_last());
        (20..50).for_each(|leaf| writer.write(&item(leaf)).unwrap());
        assert_eq!(writer.into_inner(), file(50));
    }

    #[test]
    fn every_cut_is_told_with_its_place() {
        let bytes = file(3);
        let ends: Vec<_> = (0..=3).map(|items| file(items).len()).collect();
        for len in 0..bytes.len() {
            match read(&bytes[..len]) {
                Ok(items) => assert_eq!(ends[items.len()], len),
                Err(ExportError::NotAnExport) => assert!(len < MAGIC.len()),
                Err(ExportError::CutShort { offset }) => {
                    assert!(ends.contains(&usize::try_from(offset).unwrap()));
                }
                Err(other) => panic!("{len}: {other}"),
            }
        }
        let long = [MAGIC, &[0xff; 8]].concat();
        assert!(matches!(read(&long), Err(ExportError::TooLong { offset: 17, .. })));
    }
}
