//! Unpacking modules.
//!
//! In: a file's bytes and the most that may come out. Out: the module's bytes, or the place at which unpacking had to
//! stop. Sizes that the file announces are not believed: memory grows with what really comes out, and windows and
//! dictionaries have limits of their own.

use std::borrow::Cow;
use std::io::Read;

use xz4rust::{XzDecoder, XzError};

use crate::limits::{MODULE_WINDOW_BYTES_LOG2, MODULE_XZ_DICTIONARY_BYTES};

/// How a module is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// gzip.
    Gzip,
    /// xz.
    Xz,
    /// Zstandard.
    Zstd,
}

impl Compression {
    /// As the file's bytes start.
    pub fn of(bytes: &[u8]) -> Option<Self> {
        [(Self::Gzip, GZIP), (Self::Xz, XZ), (Self::Zstd, ZSTD)]
            .into_iter()
            .find_map(|(compression, magic)| bytes.starts_with(magic).then_some(compression))
    }

    /// The word for answers: the file name's ending.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gz",
            Self::Xz => "xz",
            Self::Zstd => "zst",
        }
    }
}

const GZIP: &[u8] = &[0x1f, 0x8b];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Why a module cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnpackError {
    /// More comes out than may.
    #[error("at byte {offset}: more than {limit} bytes come out")]
    Limit {
        /// How far the compressed bytes were read.
        offset: usize,
        /// The most that may come out.
        limit: usize,
    },
    /// Unpacking would need more memory than it may have.
    #[error("at byte {offset}: unpacking needs a window or dictionary that is larger than allowed")]
    Memory {
        /// How far the compressed bytes were read.
        offset: usize,
    },
    /// The compressed bytes end early or are damaged; their checksum tells, too.
    #[error("at byte {offset}: the {} stream is damaged or cut", compression.name())]
    Damaged {
        /// How far the compressed bytes were read.
        offset: usize,
        /// What the stream is.
        compression: Compression,
    },
    /// Something stands behind the compressed bytes.
    #[error("at byte {offset}: {left} bytes behind the compressed stream")]
    Trailing {
        /// Where it starts.
        offset: usize,
        /// How many bytes.
        left: usize,
    },
}

impl UnpackError {
    /// Where it went wrong.
    pub const fn offset(&self) -> usize {
        match self {
            Self::Limit { offset, .. }
            | Self::Memory { offset }
            | Self::Damaged { offset, .. }
            | Self::Trailing { offset, .. } => *offset,
        }
    }
}

/// Unpacks a file if it is compressed; no more than `limit` bytes come out.
pub fn unpack(bytes: &[u8], limit: usize) -> Result<Cow<'_, [u8]>, UnpackError> {
    let out = match Compression::of(bytes) {
        None if bytes.len() > limit => return Err(UnpackError::Limit { offset: limit, limit }),
        None => return Ok(Cow::Borrowed(bytes)),
        Some(Compression::Gzip) => gzip(bytes, limit)?,
        Some(Compression::Xz) => xz(bytes, limit)?,
        Some(Compression::Zstd) => zstd(bytes, limit)?,
    };
    Ok(Cow::Owned(out))
}

fn gzip(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut decoder = flate2::bufread::GzDecoder::new(bytes);
    let read = |decoder: &mut flate2::bufread::GzDecoder<&[u8]>, buffer: &mut [u8]| {
        let count = decoder.read(buffer).map_err(|_| Stopped::Damaged);
        (count, decoder.get_ref().len())
    };
    drain(bytes, limit, Compression::Gzip, |buffer| read(&mut decoder, buffer))
}

fn zstd(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let damaged = UnpackError::Damaged { offset: 0, compression: Compression::Zstd };
    let mut decoder = zstd::stream::read::Decoder::with_buffer(bytes).map_err(|_| damaged)?.single_frame();
    decoder.window_log_max(MODULE_WINDOW_BYTES_LOG2).map_err(|_| damaged)?;
    drain(bytes, limit, Compression::Zstd, |buffer| {
        let count = decoder.read(buffer).map_err(|error| {
            // The library says so in words alone.
            if error.to_string().contains("memory") { Stopped::Memory } else { Stopped::Damaged }
        });
        (count, decoder.get_ref().len())
    })
}

/// Why a decoder stopped.
#[derive(Clone, Copy)]
enum Stopped {
    Memory,
    Damaged,
}

/// Reads a decoder to its end: it fills a buffer, and says how much of it and how many compressed bytes are left.
fn drain(
    bytes: &[u8],
    limit: usize,
    compression: Compression,
    mut read: impl FnMut(&mut [u8]) -> (Result<usize, Stopped>, usize),
) -> Result<Vec<u8>, UnpackError> {
    let mut out = Vec::new();
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        let (count, left) = read(&mut buffer);
        let offset = bytes.len().saturating_sub(left);
        let count = count.map_err(|stopped| match stopped {
            Stopped::Memory => UnpackError::Memory { offset },
            Stopped::Damaged => UnpackError::Damaged { offset, compression },
        })?;
        if count == 0 {
            return if left == 0 { Ok(out) } else { Err(UnpackError::Trailing { offset, left }) };
        }
        append(&mut out, buffer.get(..count).unwrap_or_default(), limit, offset)?;
    }
}

const BUFFER_BYTES: usize = 64 << 10;

fn append(out: &mut Vec<u8>, new: &[u8], limit: usize, offset: usize) -> Result<(), UnpackError> {
    if out.len().saturating_add(new.len()) > limit {
        return Err(UnpackError::Limit { offset, limit });
    }
    out.extend_from_slice(new);
    Ok(())
}

fn xz(bytes: &[u8], limit: usize) -> Result<Vec<u8>, UnpackError> {
    let mut decoder = XzDecoder::in_heap_with_alloc_dict_size(0, MODULE_XZ_DICTIONARY_BYTES);
    let (mut out, mut buffer, mut offset) = (Vec::new(), vec![0; BUFFER_BYTES], 0_usize);
    loop {
        let rest = bytes.get(offset..).unwrap_or_default();
        let damaged = UnpackError::Damaged { offset, compression: Compression::Xz };
        let step = decoder.decode(rest, &mut buffer).map_err(|error| match error {
            XzError::DictionaryTooLarge(_) => UnpackError::Memory { offset },
            _ => damaged,
        })?;
        offset = offset.saturating_add(step.input_consumed());
        let new = buffer.get(..step.output_produced()).ok_or(damaged)?;
        append(&mut out, new, limit, offset)?;
        if step.is_end_of_stream() {
            let left = bytes.len().saturating_sub(offset);
            return if left == 0 { Ok(out) } else { Err(UnpackError::Trailing { offset, left }) };
        }
        if !step.made_progress() {
            return Err(damaged);
        }
    }
}
