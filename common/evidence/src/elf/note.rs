//! Notes: records with an owner, a type and bytes.
//!
//! In: the bytes of a note section or segment. Out: its notes one by one, decoded where the owner's types are known, or
//! the place at which the area stops making sense. What a note says is the builder's word.
//= System V gABI 4.2, chapter 5: Note Section; Linux ABI extensions: notes aligned to 8 bytes

use super::layout::{Endianness, array};
use super::property::Properties;

/// One note.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note<'a> {
    /// Where it starts in the file.
    pub offset: u64,
    /// Its owner, without the NUL.
    pub name: &'a [u8],
    /// Its type; what it means is the owner's business.
    pub note_type: u32,
    /// Its bytes.
    pub desc: &'a [u8],
    align: Align,
    endianness: Endianness,
}

/// What a note says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoteKind<'a> {
    /// `NT_GNU_BUILD_ID`: unique to the build's result.
    BuildId(&'a [u8]),
    /// `NT_GNU_ABI_TAG`: the oldest system that it runs on.
    AbiTag(AbiTag),
    /// `NT_GNU_PROPERTY_TYPE_0`: what processor and loader may rely on.
    Properties(Properties<'a>),
    /// `NT_GNU_GOLD_VERSION`: the linker.
    GoldVersion(&'a [u8]),
    /// `.note.package`: JSON that names the package.
    //= systemd.io: Package Metadata for Executable Files
    Package(&'a [u8]),
    /// `.note.dlopen`: JSON that names libraries which are loaded on demand.
    //= systemd.io: ELF dlopen metadata
    Dlopen(&'a [u8]),
    /// The Go toolchain's build id.
    GoBuildId(&'a [u8]),
    /// A probe of `SystemTap`.
    Probe,
    /// Linux: the salt of the kernel's build.
    LinuxBuildSalt(&'a [u8]),
    /// Linux: whether it was optimised when linked.
    LinuxLto(bool),
    /// Linux: the version of a kernel or its vDSO.
    LinuxVersion(u32),
    /// Anything else.
    Other,
}

impl NoteKind<'_> {
    /// The word for answers; it never changes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::BuildId(_) => "build-id",
            Self::AbiTag(_) => "abi-tag",
            Self::Properties(_) => "gnu-property",
            Self::GoldVersion(_) => "gold-version",
            Self::Package(_) => "package",
            Self::Dlopen(_) => "dlopen",
            Self::GoBuildId(_) => "go-build-id",
            Self::Probe => "stapsdt",
            Self::LinuxBuildSalt(_) => "linux-build-salt",
            Self::LinuxLto(_) => "linux-lto",
            Self::LinuxVersion(_) => "linux-version",
            Self::Other => "other",
        }
    }
}

/// The oldest system that a program runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AbiTag {
    /// 0 is Linux, 1 GNU/Hurd, 2 Solaris, 3 FreeBSD.
    pub os: u32,
    /// Its version: three numbers.
    pub version: [u32; 3],
}

impl AbiTag {
    /// The system's name.
    pub const fn os_name(&self) -> Option<&'static str> {
        match self.os {
            0 => Some("Linux"),
            1 => Some("Hurd"),
            2 => Some("Solaris"),
            3 => Some("FreeBSD"),
            4 => Some("NetBSD"),
            5 => Some("Syllable"),
            6 => Some("NaCl"),
            _ => None,
        }
    }
}

impl<'a> Note<'a> {
    /// What it says.
    pub fn kind(&self) -> NoteKind<'a> {
        match (self.name, self.note_type) {
            (b"GNU", 1) => self.abi_tag().map_or(NoteKind::Other, NoteKind::AbiTag),
            (b"GNU", 3) => NoteKind::BuildId(self.desc),
            (b"GNU", 4) => NoteKind::GoldVersion(text(self.desc)),
            (b"GNU", 5) => {
                NoteKind::Properties(Properties::new(self.desc, self.endianness, self.align.bytes()))
            }
            (b"FDO", 0xcafe_1a7e) => NoteKind::Package(text(self.desc)),
            (b"FDO", 0x407c_0c0a) => NoteKind::Dlopen(text(self.desc)),
            (b"Go", 4) => NoteKind::GoBuildId(text(self.desc)),
            (b"stapsdt", 3) => NoteKind::Probe,
            (b"Linux", 0x100) => NoteKind::LinuxBuildSalt(text(self.desc)),
            (b"Linux", 0x101) => self.word(0).map_or(NoteKind::Other, |word| NoteKind::LinuxLto(word != 0)),
            (b"Linux", 0) => self.word(0).map_or(NoteKind::Other, NoteKind::LinuxVersion),
            _ => NoteKind::Other,
        }
    }

    fn abi_tag(&self) -> Option<AbiTag> {
        let version = [self.word(4)?, self.word(8)?, self.word(12)?];
        Some(AbiTag { os: self.word(0)?, version })
    }

    fn word(&self, at: usize) -> Option<u32> {
        array(self.desc, at).map(|bytes| self.endianness.u32(bytes))
    }
}

/// Text without the NULs that pad it.
fn text(bytes: &[u8]) -> &[u8] {
    let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
    bytes.get(..bytes.len().saturating_sub(zeros)).unwrap_or(bytes)
}

/// What names and descriptions are padded to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Align {
    Four,
    Eight,
}

impl Align {
    const fn bytes(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Eight => 8,
        }
    }

    /// The next multiple.
    fn up(self, at: usize) -> Option<usize> {
        at.checked_next_multiple_of(self.bytes())
    }
}

/// A note does not fit its area; what follows cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at byte {offset}: the note does not fit the {left} bytes of its section or segment")]
pub struct Misfit {
    /// Where the note starts in the file.
    pub offset: u64,
    /// How many bytes are left there.
    pub left: usize,
}

/// The notes of a section or segment, one by one.
#[derive(Clone, Debug)]
pub struct NoteArea<'a> {
    bytes: &'a [u8],
    at: usize,
    start: u64,
    align: Align,
    endianness: Endianness,
}

impl<'a> NoteArea<'a> {
    /// An area that lies at `start` of the file; an alignment of 8 is honoured, any other is 4, as binutils reads it.
    pub const fn new(bytes: &'a [u8], start: u64, align: u64, endianness: Endianness) -> Self {
        let align = if align == 8 { Align::Eight } else { Align::Four };
        Self { bytes, at: 0, start, align, endianness }
    }

    /// The note at the present place, and where the next one starts.
    fn read(&self, rest: &'a [u8]) -> Option<(Note<'a>, usize)> {
        let word = |at| array(rest, at).map(|bytes| self.endianness.u32(bytes));
        let size = |at| word(at).and_then(|size| usize::try_from(size).ok());
        let (name_size, desc_size) = (size(0)?, size(4)?);
        let name_end = HEADER_BYTES.checked_add(name_size)?;
        let name = rest.get(HEADER_BYTES..name_end)?;
        let desc_start = self.align.up(name_end)?;
        let desc_end = desc_start.checked_add(desc_size)?;
        let desc = if desc_size == 0 { &[] } else { rest.get(desc_start..desc_end)? };
        let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
        let note = Note {
            offset: self.place(),
            name: name.get(..end)?,
            note_type: word(8)?,
            desc,
            align: self.align,
            endianness: self.endianness,
        };
        Some((note, self.align.up(desc_end)?))
    }

    fn place(&self) -> u64 {
        self.start.saturating_add(u64::try_from(self.at).unwrap_or(u64::MAX))
    }
}

/// Sizes of name and description, and the type.
const HEADER_BYTES: usize = 12;

impl<'a> Iterator for NoteArea<'a> {
    type Item = Result<Note<'a>, Misfit>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.bytes.get(self.at..)?;
        // Zeros that are too few for a note are padding.
        if rest.len() < HEADER_BYTES && rest.iter().all(|byte| *byte == 0) {
            return None;
        }
        let Some((note, size)) = self.read(rest) else {
            let misfit = Misfit { offset: self.place(), left: rest.len() };
            self.at = usize::MAX;
            return Some(Err(misfit));
        };
        // The last note's padding may be left out.
        self.at = self.at.saturating_add(size).min(self.bytes.len());
        Some(Ok(note))
    }
}
