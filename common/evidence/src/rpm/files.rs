//! The files of a package: where each is, its packaged digest, and what the packager says of it.
//!
//! In: parallel arrays of a header. Out: one file after the other; an array that is shorter than the list of names says
//! nothing of the rest.

use super::{Header, Kind, Texts, tag};

/// How packaged digests were computed.
//= rpm, lib/rpmcrypto.h: RPM_HASH_*, the numbers of RFC 9580 §9.5
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DigestAlgorithm {
    /// MD5: packages of before 2009, which do not name it.
    Md5,
    /// SHA-256.
    Sha256,
    /// Another one.
    Other(u32),
}

/// A file of a package.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File<'a> {
    /// The directory, with a slash at its end.
    pub directory: &'a [u8],
    /// The name in it.
    pub name: &'a [u8],
    /// The packaged digest in hexadecimal digits; empty for what is no regular file.
    pub digest: &'a [u8],
    /// What the packager says of it.
    pub flags: u32,
    /// What became of it when it was installed.
    pub state: u8,
    /// For which machines it is a program or library, as bits; 0 where it is none.
    pub colour: u32,
}

impl File<'_> {
    /// `RPMFILE_CONFIG`: its administrator may change it.
    const CONFIGURATION: u32 = 1;
    /// `RPMFILE_GHOST`: belongs to the package and was not in it.
    const GHOST: u32 = 1 << 6;
    /// `RPMFILE_STATE_NORMAL` and `RPMFILE_STATE_NETSHARED`; the others are not installed, or another package's have
    /// taken their place.
    const STATES: [u8; 2] = [0, 3];

    /// Whether it is a program or library: an ELF file of 32 or 64 bits.
    //= rpm, docs/manual/multilib.md: colours 1 and 2
    pub const fn is_elf(&self) -> bool {
        self.colour & 3 != 0
    }

    /// Whether its administrator may change it.
    pub const fn is_configuration(&self) -> bool {
        self.flags & Self::CONFIGURATION != 0
    }

    /// Whether it belongs to the package without having come with it.
    pub const fn is_ghost(&self) -> bool {
        self.flags & Self::GHOST != 0
    }

    /// Whether it was put where it belongs, and not another package's file instead.
    pub fn is_installed(&self) -> bool {
        Self::STATES.contains(&self.state)
    }
}

/// A package's files, one by one.
#[derive(Clone, Debug)]
pub struct Files<'a> {
    store: &'a [u8],
    /// Where each directory's text starts in the store's part.
    directories: Vec<u32>,
    names: Texts<'a>,
    digests: Texts<'a>,
    indexes: &'a [[u8; 4]],
    flags: &'a [[u8; 4]],
    states: &'a [u8],
    colours: &'a [[u8; 4]],
    at: usize,
}

impl<'a> Header<'a> {
    /// The files of the package.
    pub fn files(&self) -> Files<'a> {
        let texts = self.texts(tag::DIRECTORIES);
        let (store, count) = (texts.bytes, texts.left.min(texts.bytes.len()));
        let mut directories = Vec::with_capacity(count);
        let mut at = 0_usize;
        for text in texts {
            directories.push(u32::try_from(at).unwrap_or(u32::MAX));
            at += text.len() + 1;
        }
        Files {
            store,
            directories,
            names: self.texts(tag::BASENAMES),
            digests: self.texts(tag::FILE_DIGESTS),
            indexes: self.quads(tag::DIRECTORY_INDEXES),
            flags: self.quads(tag::FILE_FLAGS),
            states: self.chars(tag::FILE_STATES),
            colours: self.quads(tag::FILE_COLOURS),
            at: 0,
        }
    }

    /// How the packaged digests were computed.
    pub fn digest_algorithm(&self) -> DigestAlgorithm {
        match self.words(tag::FILE_DIGEST_ALGORITHM).next() {
            None | Some(1) => DigestAlgorithm::Md5,
            Some(8) => DigestAlgorithm::Sha256,
            Some(other) => DigestAlgorithm::Other(other),
        }
    }

    fn quads(&self, tag: u32) -> &'a [[u8; 4]] {
        let value = self.value(tag).filter(|value| value.kind == Kind::Word);
        let (all, count) = value.map_or((&[][..], 0), |value| (value.bytes.as_chunks::<4>().0, value.count));
        all.get(..count).unwrap_or(all)
    }

    fn chars(&self, tag: u32) -> &'a [u8] {
        let value = self.value(tag).filter(|value| value.kind == Kind::Char);
        value.and_then(|value| value.bytes.get(..value.count)).unwrap_or_default()
    }
}

impl<'a> Iterator for Files<'a> {
    type Item = File<'a>;

    fn next(&mut self) -> Option<File<'a>> {
        let number = |all: &[[u8; 4]], at: usize| all.get(at).map(|bytes| u32::from_be_bytes(*bytes));
        let name = self.names.next()?;
        let digest = self.digests.next().unwrap_or_default();
        let at = self.at;
        self.at += 1;
        let directory = usize::try_from(number(self.indexes, at)?).ok()?;
        let start = usize::try_from(*self.directories.get(directory)?).ok()?;
        Some(File {
            directory: super::until_nul(self.store.get(start..)?)?,
            name,
            digest,
            flags: number(self.flags, at).unwrap_or_default(),
            state: self.states.get(at).copied().unwrap_or_default(),
            colour: number(self.colours, at).unwrap_or_default(),
        })
    }
}
