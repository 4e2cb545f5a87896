//! What a file is, by its first bytes, and whether it counts as an artefact.
//!
//! In: the first bytes of a file, its mode, name and place. Out: the flags of its manifest entry, or that it
//! is none of ours. Bytes decide; the name matters only for compressed kernel modules, whose magic is not
//! their own. That a file is called ELF here does not say that it would run.

use evidence::manifest::EntryFlags;

use super::place::Place;

/// What the first bytes say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Other,
    Elf,
    Pe,
    Script,
    Xz,
    Zstd,
    Gzip,
}

impl Content {
    const ALL: [Self; 7] = [Self::Other, Self::Elf, Self::Pe, Self::Script, Self::Xz, Self::Zstd, Self::Gzip];

    /// Its number in the cache.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Other => 0,
            Self::Elf => 1,
            Self::Pe => 2,
            Self::Script => 3,
            Self::Xz => 4,
            Self::Zstd => 5,
            Self::Gzip => 6,
        }
    }

    pub(crate) fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|content| content.code() == code)
    }

    /// By the first bytes, and for PE by those at the offset that they name.
    pub(crate) fn of(head: &[u8], pe_header: impl FnOnce(u64) -> Option<[u8; 4]>) -> Self {
        match head {
            [0x7f, b'E', b'L', b'F', ..] => Self::Elf,
            [b'#', b'!', ..] => Self::Script,
            [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Self::Xz,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [0x1f, 0x8b, ..] => Self::Gzip,
            [b'M', b'Z', ..] if is_pe(head, pe_header) => Self::Pe,
            _ => Self::Other,
        }
    }
}

/// What is known of a file whose content and attributes have not changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Traits {
    pub(crate) content: Content,
    pub(crate) capabilities: Capabilities,
}

/// Whether a file carries capabilities of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Capabilities {
    None,
    Some,
}

impl Traits {
    /// The flags of the file's entry; `None` where it is no artefact.
    pub(crate) fn flags(self, mode: u32, name: &[u8], place: Place) -> Option<EntryFlags> {
        let is_module =
            [b".ko".as_slice(), b".ko.xz", b".ko.zst", b".ko.gz"].iter().any(|suffix| name.ends_with(suffix));
        let mut flags = EntryFlags::default();
        match self.content {
            Content::Elf => flags = flags.with(EntryFlags::ELF),
            Content::Pe => flags = flags.with(EntryFlags::PE),
            Content::Script if mode & ANY_EXECUTE != 0 => flags = flags.with(EntryFlags::SCRIPT),
            _ => {}
        }
        if is_module && matches!(self.content, Content::Elf | Content::Xz | Content::Zstd | Content::Gzip) {
            flags = flags.with(EntryFlags::KERNEL_MODULE);
        }
        if mode & SET_UID != 0 {
            flags = flags.with(EntryFlags::SETUID);
        }
        if mode & SET_GID != 0 {
            flags = flags.with(EntryFlags::SETGID);
        }
        if self.capabilities == Capabilities::Some {
            flags = flags.with(EntryFlags::CAPABILITIES);
        }
        if place == Place::Boot {
            flags = flags.with(EntryFlags::BOOT_FILE);
        }
        (flags != EntryFlags::default()).then_some(flags)
    }
}

const ANY_EXECUTE: u32 = 0o111;
const SET_UID: u32 = 0o4000;
const SET_GID: u32 = 0o2000;

//= PE Format, "MS-DOS Stub": at location 0x3c, the stub has the file offset to the PE signature
fn is_pe(head: &[u8], pe_header: impl FnOnce(u64) -> Option<[u8; 4]>) -> bool {
    let offset = head.get(0x3c..0x40).and_then(|field| <[u8; 4]>::try_from(field).ok());
    offset.and_then(|field| pe_header(u64::from(u32::from_le_bytes(field)))) == Some(*b"PE\0\0")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(head: &[u8], mode: u32, name: &str, place: Place, expected: &[&str]) {
        let at = |offset: u64| {
            let start = usize::try_from(offset).ok()?;
            head.get(start..start + 4)?.try_into().ok()
        };
        let traits = Traits { content: Content::of(head, at), capabilities: Capabilities::None };
        let found = traits.flags(mode, name.as_bytes(), place).map(EntryFlags::names).unwrap_or_default();
        assert_eq!(found, expected, "{name} {mode:o}");
    }

    fn pe(offset: u8) -> Vec<u8> {
        let mut head = vec![0; 0x80];
        head[..2].copy_from_slice(b"MZ");
        head[0x3c] = offset;
        head[0x60..0x64].copy_from_slice(b"PE\0\0");
        head
    }

    #[test]
    fn content_decides_not_the_name() {
        check(b"\x7fELF\x02", 0o644, "notes.txt", Place::Ordinary, &["elf"]);
        check(b"plain", 0o755, "a.so", Place::Ordinary, &[]);
        check(b"", 0o755, "empty", Place::Ordinary, &[]);
        check(&pe(0x60), 0o644, "x", Place::Ordinary, &["pe"]);
        check(&pe(0x61), 0o644, "x.efi", Place::Ordinary, &[]);
        check(b"MZ", 0o644, "x.exe", Place::Ordinary, &[]);
    }

    #[test]
    fn a_script_needs_an_execute_bit() {
        check(b"#!/bin/sh", 0o755, "s", Place::Ordinary, &["script"]);
        check(b"#!/bin/sh", 0o601, "s", Place::Ordinary, &["script"]);
        check(b"#!/bin/sh", 0o644, "s", Place::Ordinary, &[]);
    }

    #[test]
    fn modules_are_elf_or_compressed() {
        check(b"\x7fELF", 0o644, "a.ko", Place::Ordinary, &["elf", "kernel-module"]);
        check(b"\xfd7zXZ\0", 0o644, "a.ko.xz", Place::Ordinary, &["kernel-module"]);
        check(b"\x28\xb5\x2f\xfd", 0o644, "a.ko.zst", Place::Ordinary, &["kernel-module"]);
        check(b"\x1f\x8b\x08", 0o644, "a.ko.gz", Place::Ordinary, &["kernel-module"]);
        check(b"\x1f\x8b\x08", 0o644, "changelog.gz", Place::Ordinary, &[]);
        check(b"text", 0o644, "a.ko", Place::Ordinary, &[]);
    }

    #[test]
    fn set_id_and_boot_files_count_whatever_they_hold() {
        check(b"text", 0o104_755, "s", Place::Ordinary, &["setuid"]);
        check(b"text", 0o102_755, "s", Place::Ordinary, &["setgid"]);
        check(b"text", 0o644, "grub.cfg", Place::Boot, &["boot-file"]);
        check(b"\x7fELF", 0o755, "x", Place::Boot, &["elf", "boot-file"]);
    }

    #[test]
    fn codes_round_trip() {
        for content in Content::ALL {
            assert_eq!(Content::from_code(content.code()), Some(content));
        }
        assert_eq!(Content::from_code(7), None);
    }
}
