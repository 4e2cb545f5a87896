//! The files of an export: private, appended to, and durable when they are finished.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{BufReader, BufWriter, Seek as _, SeekFrom};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use evidence::export::Item;
use wire::export::{ExportError as Unreadable, ItemReader, ItemWriter};

use super::{ExportError, file_error};

/// A file of items that is gone on with.
#[derive(Debug)]
pub(super) struct ItemFile {
    path: PathBuf,
    writer: ItemWriter<BufWriter<File>>,
    last: Option<Item>,
}

impl ItemFile {
    /// Opens the file and reads it through to its last item; one that an earlier export did not finish is cut off.
    pub(super) fn open(path: &Path) -> Result<Self, ExportError> {
        let io = |cause| file_error(path, cause);
        let mut options = OpenOptions::new();
        let file = options.read(true).write(true).create(true).truncate(false).mode(0o600).open(path);
        let mut file = file.map_err(io)?;
        let (last, end, bytes) = match read(&file) {
            Ok(read) => read,
            // Not even its first line was written.
            Err(Unreadable::NotAnExport) if file.metadata().map_err(io)?.len() < MAGIC_BYTES => {
                (None, 0, Vec::new())
            }
            Err(cause) => return Err(ExportError::Earlier { path: path.to_owned(), cause }),
        };
        file.set_len(end).map_err(io)?;
        file.seek(SeekFrom::End(0)).map_err(io)?;
        let out = BufWriter::new(file);
        let writer =
            if end == 0 { ItemWriter::begin(out).map_err(io)? } else { ItemWriter::resume(out, bytes) };
        Ok(Self { path: path.to_owned(), writer, last })
    }

    /// The last item of an earlier export.
    pub(super) const fn take_last(&mut self) -> Option<Item> {
        self.last.take()
    }

    pub(super) fn write(&mut self, item: &Item) -> Result<(), ExportError> {
        self.writer.write(item).map_err(|cause| file_error(&self.path, cause))
    }

    /// Waits until it is on the disk.
    pub(super) fn finish(self) -> Result<(), ExportError> {
        let synced = self.writer.into_inner().into_inner().map_err(std::io::IntoInnerError::into_error);
        synced.and_then(|file| file.sync_all()).map_err(|cause| file_error(&self.path, cause))
    }
}

/// The last whole item, where it ends, and its bytes.
fn read(file: &File) -> Result<(Option<Item>, u64, Vec<u8>), Unreadable> {
    let mut reader = ItemReader::new(BufReader::new(file))?;
    let mut last = None;
    loop {
        match reader.next_item() {
            Ok(Some(item)) => last = Some(item),
            Ok(None) | Err(Unreadable::CutShort { .. }) => break,
            Err(error) => return Err(error),
        }
    }
    let end = reader.offset();
    Ok((last, end, reader.into_last()))
}

/// Makes a directory for its owner alone, and those above it.
pub(super) fn make_dir(path: &Path) -> Result<(), ExportError> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|cause| file_error(path, cause))
}

/// Writes a whole file, or none.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> Result<(), ExportError> {
    let io = |cause| file_error(path, cause);
    let temporary = path.with_extension("new");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary);
    let mut file = file.map_err(io)?;
    std::io::Write::write_all(&mut file, bytes).and_then(|()| file.sync_all()).map_err(io)?;
    fs::rename(&temporary, path).map_err(io)
}

const MAGIC_BYTES: u64 = wire::export::MAGIC.len() as u64;
