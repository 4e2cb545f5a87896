//! A file as a source of bytes.
//!
//! In: an open file and its length as it was known. Out: bytes at any place. What is written meanwhile is the caller's
//! business.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use evidence::source::{Source, SourceError};

#[derive(Debug)]
pub(crate) struct OnDisk<'a> {
    pub(crate) file: &'a File,
    pub(crate) length: u64,
}

impl Source for OnDisk<'_> {
    fn length(&self) -> u64 {
        self.length
    }

    fn fill(&self, offset: u64, buffer: &mut [u8]) -> Result<(), SourceError> {
        self.file.read_exact_at(buffer, offset).map_err(|_| SourceError::Failed { offset })
    }
}
