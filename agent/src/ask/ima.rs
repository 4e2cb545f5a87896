//! What the kernel's list says of a digest and of a path.
//!
//! In: the list, as a stream. Out: numbers of records. The list is read here and now, and is not replayed: that it leads to
//! what the TPM quotes is what the verifier finds out. The kernel logs a file once, so that the last use is not told.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use evidence::digest::Sha256Digest;
use evidence::ima::{ImaRecord, ImaStream, StreamItem};
use serde::Serialize;

use super::limits::{OTHERS, READ_BYTES};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct ImaView {
    /// `read`, `none`, `denied` or `damaged`.
    pub(super) list: &'static str,
    /// Records in the list.
    pub(super) records: u64,
    /// Records of this content, under any path, and the number of the first.
    pub(super) of_digest: u64,
    pub(super) first_of_digest: Option<u64>,
    /// Records of this path, with any content, and the number of the first.
    pub(super) of_path: u64,
    pub(super) first_of_path: Option<u64>,
    /// Other contents that ran or were read under this path; capped.
    pub(super) other_digests: Vec<String>,
}

pub(super) fn view(list: &Path, path: &[u8], digest: &Sha256Digest) -> ImaView {
    let mut view = ImaView { list: "read", ..ImaView::default() };
    match read(list, |record| view.take(&record, path, digest)) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => view.list = "none",
        Err(error) if error.kind() == io::ErrorKind::InvalidData => view.list = "damaged",
        Err(_) => view.list = "denied",
    }
    view
}

impl ImaView {
    fn take(&mut self, record: &ImaRecord<'_>, path: &[u8], digest: &Sha256Digest) {
        self.records = self.records.saturating_add(1);
        let Ok(fields) = record.fields() else { return };
        let of_digest =
            fields.digest.is_some_and(|found| found.alg == "sha256" && found.bytes == digest.as_bytes());
        if of_digest {
            self.of_digest = self.of_digest.saturating_add(1);
            self.first_of_digest.get_or_insert(record.number);
        }
        if fields.name != Some(path) {
            return;
        }
        self.of_path = self.of_path.saturating_add(1);
        self.first_of_path.get_or_insert(record.number);
        if let (Some(found), false) = (fields.digest, of_digest) {
            let text = format!("{}:{}", found.alg, hex::encode(found.bytes));
            if self.other_digests.len() < OTHERS && !self.other_digests.contains(&text) {
                self.other_digests.push(text);
            }
        }
    }
}

fn read(list: &Path, mut each: impl FnMut(ImaRecord<'_>)) -> io::Result<()> {
    let damaged = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    let mut file = File::open(list)?;
    let mut stream = ImaStream::new();
    let mut buffer = vec![0; READ_BYTES];
    let mut take = |item: StreamItem<'_>| {
        if let StreamItem::Record(record) = item {
            each(record);
        }
    };
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return stream.finish(&mut take).map_err(damaged);
        }
        stream.push(buffer.get(..count).unwrap_or_default(), &mut take).map_err(damaged)?;
    }
}
