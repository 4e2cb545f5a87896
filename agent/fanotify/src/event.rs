//! Decodes what reading a group's descriptor gives.
//!
//! In: bytes of the kernel (or any bytes). Out: events, or the place of what cannot be one. Nothing is believed of a
//! length before it is checked; records of unknown types are skipped by their length, since newer kernels add some.
//! An event is true of the moment when it was queued; nothing here says that its file is still there.

use std::iter::FusedIterator;

use crate::handle::{FileHandle, Fsid};
use crate::mask::Mask;

/// One event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// What happened; several things where the kernel joined them.
    pub mask: Mask,
    /// The process that did it; 0 where it is of another namespace of processes.
    pub pid: i32,
    /// The file system; none in an overflow.
    pub fsid: Option<Fsid>,
    /// The directory in which it happened; none of a file without a known name.
    pub directory: Option<FileHandle>,
    /// The name in it; `.` for the directory itself.
    pub name: Option<&'a [u8]>,
    /// The file that it happened to.
    pub child: Option<FileHandle>,
}

impl Event<'_> {
    /// Whether events before this were lost.
    pub const fn is_overflow(&self) -> bool {
        self.mask.intersects(Mask::OVERFLOW)
    }
}

/// Bytes that are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: {fault}")]
pub struct DecodeError {
    /// Where, from the start of the buffer.
    pub offset: usize,
    /// What.
    pub fault: Fault,
}

/// What is wrong with bytes that are no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It ends in the middle of something.
    #[error("ends early")]
    Short,
    /// A length that is less than what must be there, or more than what holds it.
    #[error("a length of {0} does not fit")]
    Length(usize),
    /// Another version of the whole format.
    #[error("version {0} of the event format is not known")]
    Version(u8),
    /// A name without its end.
    #[error("a name without a NUL")]
    Name,
}

/// Decodes a buffer of events.
pub const fn decode(bytes: &[u8]) -> Events<'_> {
    Events { bytes, at: 0 }
}

/// The events of a buffer; ends after the first error.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.bytes.len() {
            return None;
        }
        let event = self.event();
        if event.is_err() {
            self.at = self.bytes.len();
        }
        Some(event)
    }
}

impl FusedIterator for Events<'_> {}

impl<'a> Events<'a> {
    //= fanotify(7) "struct fanotify_event_metadata"
    fn event(&mut self) -> Result<Event<'a>, DecodeError> {
        let start = self.at;
        let mut head = Reader { bytes: self.bytes, at: start };
        let length = usize::try_from(u32::from_ne_bytes(head.take()?)).unwrap_or(usize::MAX);
        let [version, _] = head.take()?;
        if version != libc::FANOTIFY_METADATA_VERSION {
            return Err(DecodeError { offset: start + 4, fault: Fault::Version(version) });
        }
        let head_length = usize::from(u16::from_ne_bytes(head.take()?));
        let mask = Mask::from_bits(u64::from_ne_bytes(head.take()?));
        let _fd: [u8; 4] = head.take()?;
        let pid = i32::from_ne_bytes(head.take()?);
        let own = head.at - start;
        if head_length < own || head_length > length {
            return Err(DecodeError { offset: start + 6, fault: Fault::Length(head_length) });
        }
        let all = self.bytes.get(..start.saturating_add(length));
        let all = all.ok_or(DecodeError { offset: start, fault: Fault::Length(length) })?;
        let mut event = Event { mask, pid, fsid: None, directory: None, name: None, child: None };
        let mut records = Reader { bytes: all, at: start + head_length };
        while records.at < all.len() {
            records.record(&mut event)?;
        }
        self.at = all.len();
        Ok(event)
    }
}

/// Takes bytes from the front.
struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let short = DecodeError { offset: self.at, fault: Fault::Short };
        let found = self.bytes.get(self.at..).and_then(<[u8]>::first_chunk).ok_or(short)?;
        self.at += N;
        Ok(*found)
    }

    //= fanotify(7) "struct fanotify_event_info_header"
    fn record(&mut self, event: &mut Event<'a>) -> Result<(), DecodeError> {
        let start = self.at;
        let [kind, _] = self.take()?;
        let length = usize::from(u16::from_ne_bytes(self.take()?));
        let end = start + length;
        let whole = self.bytes.get(..end).filter(|_| length >= HEADER_BYTES);
        let whole = whole.ok_or(DecodeError { offset: start + 2, fault: Fault::Length(length) })?;
        let mut body = Reader { bytes: whole, at: self.at };
        match kind {
            libc::FAN_EVENT_INFO_TYPE_DFID_NAME => {
                let directory = body.handle(event)?;
                let name = body.name()?;
                event.directory.get_or_insert(directory);
                event.name.get_or_insert(name);
            }
            libc::FAN_EVENT_INFO_TYPE_DFID => {
                let directory = body.handle(event)?;
                event.directory.get_or_insert(directory);
            }
            libc::FAN_EVENT_INFO_TYPE_FID => {
                let child = body.handle(event)?;
                event.child.get_or_insert(child);
            }
            _ => {}
        }
        self.at = end;
        Ok(())
    }

    //= fanotify(7) "struct fanotify_event_info_fid"
    fn handle(&mut self, event: &mut Event<'a>) -> Result<FileHandle, DecodeError> {
        let fsid = Fsid::from_bytes(self.take()?);
        event.fsid.get_or_insert(fsid);
        let at = self.at;
        let length = usize::try_from(u32::from_ne_bytes(self.take()?)).unwrap_or(usize::MAX);
        let kind = i32::from_ne_bytes(self.take()?);
        let wrong = DecodeError { offset: at, fault: Fault::Length(length) };
        let bytes = self.bytes.get(self.at..).and_then(|rest| rest.get(..length)).ok_or(wrong)?;
        let handle = FileHandle::new(kind, bytes).map_err(|_| wrong)?;
        self.at += length;
        Ok(handle)
    }

    fn name(&self) -> Result<&'a [u8], DecodeError> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let end = rest.iter().position(|byte| *byte == 0);
        end.and_then(|end| rest.get(..end)).ok_or(DecodeError { offset: self.at, fault: Fault::Name })
    }
}

const HEADER_BYTES: usize = 4;

#[cfg(test)]
mod tests;
