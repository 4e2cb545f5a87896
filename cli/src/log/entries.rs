//! The entries of a log that was hashed, on the auditor's own disk: what evidence is compared with, in any order.
//!
//! In: entries with their places, as they are hashed. Out: the entry at a place, and which of them nothing was found behind. The
//! file takes 35 bytes an entry, and nobody but the auditor may write it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, Read as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;

use ledger::leaf::Leaf;

use crate::error::CliError;

/// The file.
#[derive(Debug)]
pub(super) struct Entries(File);

impl Entries {
    /// A file without a name, which is gone with the program.
    pub(super) fn temporary() -> Result<Self, CliError> {
        let path = std::env::temp_dir().join(format!("lydian-audit-{}", std::process::id()));
        let open = || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).create_new(true).mode(0o600).open(&path)?;
            std::fs::remove_file(&path)?;
            Ok(Self(file))
        };
        open().map_err(|error| {
            CliError::file(&path, &error).hint("TMPDIR names another place; 35 bytes an entry are needed")
        })
    }

    /// A file that stays, so that an audit can be gone on with.
    pub(super) fn at(path: &Path) -> Result<Self, CliError> {
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        file.map(Self).map_err(|error| CliError::file(path, &error))
    }

    /// Whether the first `size` entries were written once.
    pub(super) fn reaches(&self, size: u64) -> io::Result<bool> {
        Ok(self.0.metadata()?.len() >= size.saturating_mul(SLOT as u64))
    }

    /// The entry at a place; `None` where there is none, or none of ours.
    pub(super) fn get(&self, index: u64) -> io::Result<Option<Leaf>> {
        let mut entry = [0; Leaf::SIZE];
        match self.0.read_exact_at(&mut entry, index.saturating_mul(SLOT as u64)) {
            Ok(()) => Ok(Leaf::from_bytes(&entry).ok()),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Remembers that something was found behind the entry.
    pub(super) fn mark(&self, index: u64) -> io::Result<()> {
        self.0.write_all_at(&[MARKED], index.saturating_mul(SLOT as u64).saturating_add(Leaf::SIZE as u64))
    }

    /// Goes through the first `size` entries, and is told of each its bytes and whether something is behind it.
    pub(super) fn each(&self, size: u64, mut see: impl FnMut(u64, &[u8], bool)) -> io::Result<()> {
        let mut file = &self.0;
        io::Seek::rewind(&mut file)?;
        let mut reader = BufReader::with_capacity(BUFFER, file);
        for index in 0..size {
            let mut slot = [0; SLOT];
            reader.read_exact(&mut slot)?;
            let (entry, marked) = slot.split_at(Leaf::SIZE);
            see(index, entry, marked == [MARKED]);
        }
        Ok(())
    }

    /// Forgets what was remembered.
    pub(super) fn unmark(&self, size: u64) -> io::Result<()> {
        let mut marked = Vec::new();
        self.each(size, |index, _, is_marked| marked.extend(is_marked.then_some(index)))?;
        let place = |index: u64| index.saturating_mul(SLOT as u64).saturating_add(Leaf::SIZE as u64);
        marked.into_iter().try_for_each(|index| self.0.write_all_at(&[0], place(index)))
    }
}

/// Writes entries, many at once.
#[derive(Clone, Debug)]
pub(super) struct EntryWriter {
    entries: Arc<Entries>,
    first: u64,
    slots: Vec<u8>,
    failed: Option<io::ErrorKind>,
}

impl EntryWriter {
    pub(super) const fn new(entries: Arc<Entries>) -> Self {
        Self { entries, first: 0, slots: Vec::new(), failed: None }
    }

    /// Another one to the same file.
    pub(super) fn another(&self) -> Self {
        Self::new(Arc::clone(&self.entries))
    }

    pub(super) fn put(&mut self, index: u64, entry: &[u8]) {
        let next = self.first.saturating_add((self.slots.len() / SLOT) as u64);
        if index != next || self.slots.len() >= BUFFER {
            self.flush();
            self.first = index;
        }
        let mut slot = [0; SLOT];
        if let Some(place) = slot.get_mut(..Leaf::SIZE).filter(|place| place.len() == entry.len()) {
            place.copy_from_slice(entry);
        }
        self.slots.extend_from_slice(&slot);
    }

    fn flush(&mut self) {
        let written = self.entries.0.write_all_at(&self.slots, self.first.saturating_mul(SLOT as u64));
        self.failed = self.failed.or(written.err().map(|error| error.kind()));
        self.first = self.first.saturating_add((self.slots.len() / SLOT) as u64);
        self.slots.clear();
    }

    /// Takes over how it went with what another one wrote.
    pub(super) fn merge(&mut self, mut other: Self) {
        self.failed = self.failed.or(other.finish().err().map(|error| error.kind()));
    }

    /// Writes the rest; fails where anything could not be written.
    pub(super) fn finish(&mut self) -> io::Result<()> {
        self.flush();
        self.failed.map_or(Ok(()), |kind| Err(kind.into()))
    }
}

/// An entry, and whether something is behind it.
const SLOT: usize = Leaf::SIZE + 1;
const MARKED: u8 = 1;
const BUFFER: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::leaf::Salt;

    fn leaf(n: u8) -> Leaf {
        Leaf::attestation(&Salt::from_bytes([n; 32]), &[n; 32])
    }

    #[test]
    fn entries_come_back_from_wherever_they_were_written() {
        let dir = tempfile::tempdir().unwrap();
        let entries = Arc::new(Entries::at(&dir.path().join("entries")).unwrap());
        let mut writer = EntryWriter::new(Arc::clone(&entries));
        let mut later = writer.another();
        for n in 10..20 {
            later.put(n.into(), &leaf(n).to_bytes());
        }
        for n in 0..10 {
            writer.put(n.into(), &leaf(n).to_bytes());
        }
        // Not of ours, and another way round.
        writer.put(21, b"short");
        writer.put(20, &leaf(20).to_bytes());
        writer.finish().unwrap();
        later.finish().unwrap();
        for n in 0..21 {
            assert_eq!(entries.get(n.into()).unwrap(), Some(leaf(n)), "{n}");
        }
        assert_eq!((entries.get(21).unwrap(), entries.get(22).unwrap()), (None, None));
        assert!(entries.reaches(22).unwrap() && !entries.reaches(23).unwrap());
        entries.mark(3).unwrap();
        let marked = |size| {
            let mut marked = Vec::new();
            entries.each(size, |index, _, is_marked| marked.extend(is_marked.then_some(index))).unwrap();
            marked
        };
        assert_eq!(marked(22), [3]);
        entries.unmark(22).unwrap();
        assert_eq!(marked(22), [0_u64; 0]);
        assert_eq!(entries.get(3).unwrap(), Some(leaf(3)));
    }
}
