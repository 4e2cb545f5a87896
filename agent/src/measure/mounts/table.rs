//! The kernel's table of mounts.
//!
//! In: the bytes of `/proc/PID/mountinfo`. Out: the mounts, or the place of what cannot be one. Names have any bytes; the
//! kernel escapes space, tab, newline, backslash (and `#`) as three octal digits. A line says nothing of what hides a mount.

use std::io;

use super::limits::{MOUNTS, TABLE_BYTES};

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mount {
    pub(super) id: u64,
    pub(super) parent: u64,
    pub(super) device: Device,
    /// The directory of the file system that is mounted.
    pub(super) root: Box<[u8]>,
    /// Where.
    pub(super) point: Box<[u8]>,
    /// The type of file system.
    pub(super) kind: Box<[u8]>,
    /// The file system's own options.
    pub(super) options: Box<[u8]>,
}

/// A file system's device.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Device {
    pub(crate) major: u32,
    pub(crate) minor: u32,
}

/// Why there is no table.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TableError {
    #[error("mountinfo: {0}")]
    Read(io::Error),
    #[error("mountinfo has more than {TABLE_BYTES} bytes")]
    Bytes,
    #[error("mountinfo has more than {MOUNTS} mounts")]
    Mounts,
    #[error("mountinfo, at byte {offset}: no {field}")]
    Line { offset: usize, field: &'static str },
}

//= proc_pid_mountinfo(5)
pub(super) fn parse(bytes: &[u8]) -> Result<Vec<Mount>, TableError> {
    if bytes.len() as u64 > TABLE_BYTES {
        return Err(TableError::Bytes);
    }
    let mut mounts = Vec::new();
    let mut at = 0;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if mounts.len() >= MOUNTS {
            return Err(TableError::Mounts);
        }
        let text = line.strip_suffix(b"\n").unwrap_or(line);
        if !text.is_empty() {
            mounts.push(mount(text, at)?);
        }
        at += line.len();
    }
    Ok(mounts)
}

fn mount(line: &[u8], start: usize) -> Result<Mount, TableError> {
    let mut fields = Fields { line, start, at: 0 };
    let id = fields.number("mount's number")?;
    let parent = fields.number("parent's number")?;
    let device = fields.device()?;
    let root = unescape(fields.next("root")?);
    let point = unescape(fields.next("mount point")?);
    let _own_options = fields.next("options of the mount")?;
    while fields.next("end of the optional fields")? != b"-" {}
    let kind = unescape(fields.next("type of file system")?);
    let _source = fields.next("source")?;
    let options = unescape(fields.next("options of the file system")?);
    Ok(Mount { id, parent, device, root, point, kind, options })
}

struct Fields<'a> {
    line: &'a [u8],
    start: usize,
    at: usize,
}

impl<'a> Fields<'a> {
    fn next(&mut self, field: &'static str) -> Result<&'a [u8], TableError> {
        let missing = TableError::Line { offset: self.start + self.at.min(self.line.len()), field };
        let Some(rest) = self.line.get(self.at..) else { return Err(missing) };
        let length = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        self.at += length + 1;
        // The kernel writes an empty source as nothing between two spaces.
        rest.get(..length).ok_or(missing)
    }

    fn number(&mut self, field: &'static str) -> Result<u64, TableError> {
        let offset = self.start + self.at;
        decimal(self.next(field)?).ok_or(TableError::Line { offset, field })
    }

    fn device(&mut self) -> Result<Device, TableError> {
        let field = "device";
        let offset = self.start + self.at;
        let text = self.next(field)?;
        let parsed = text.iter().position(|byte| *byte == b':').and_then(|colon| {
            let (major, minor) = text.split_at(colon);
            let number = |text| u32::try_from(decimal(text)?).ok();
            Some(Device { major: number(major)?, minor: number(minor.get(1..)?)? })
        });
        parsed.ok_or(TableError::Line { offset, field })
    }
}

fn decimal(text: &[u8]) -> Option<u64> {
    let digits = !text.is_empty() && text.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(text).ok().filter(|_| digits)?.parse().ok()
}

/// Three octal digits after a backslash are a byte; any other backslash stands for itself.
pub(super) fn unescape(text: &[u8]) -> Box<[u8]> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, after @ ..] = rest {
        if *first == b'\\'
            && let [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..] = after
        {
            out.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
            rest = after;
        } else {
            out.push(*first);
            rest = after;
        }
    }
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    type Parts<'a> = (&'a [u8], &'a [u8], &'a [u8]);

    fn check(line: &[u8], expected: Result<Parts<'_>, &str>) {
        let found = parse(line).map_err(|error| error.to_string());
        match (found, expected) {
            (Ok(found), Ok((root, point, kind))) => {
                assert_eq!(found.len(), 1);
                assert_eq!((&*found[0].root, &*found[0].point, &*found[0].kind), (root, point, kind));
            }
            (Err(error), Err(expected)) => assert_eq!(error, expected),
            (found, expected) => panic!("{found:?} is not {expected:?}"),
        }
    }

    #[test]
    fn lines_with_any_optional_fields() {
        check(
            b"36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw\n",
            Ok((b"/mnt1", b"/mnt2", b"ext3")),
        );
        check(b"36 35 98:0 / / rw - ext3 /dev/root rw", Ok((b"/", b"/", b"ext3")));
        check(
            b"1 0 0:5 / / rw shared:7 master:1 propagate_from:2 unbindable - tmpfs  rw",
            Ok((b"/", b"/", b"tmpfs")),
        );
    }

    #[test]
    fn names_have_any_bytes() {
        check(
            b"1 2 0:1 /a\\040b /c\\011\\012\\134\\043\xff rw - x y z",
            Ok((b"/a b", b"/c\t\n\\#\xff", b"x")),
        );
        check(b"1 2 0:1 /\\9 /\\4000\\ rw - x y z", Ok((b"/\\9", b"/\\4000\\", b"x")));
    }

    #[test]
    fn what_is_no_line_is_refused_at_its_place() {
        check(b"x 35 98:0 / / rw - a b c", Err("mountinfo, at byte 0: no mount's number"));
        check(b"1 -5 98:0 / / rw - a b c", Err("mountinfo, at byte 2: no parent's number"));
        check(b"1 5 98 / / rw - a b c", Err("mountinfo, at byte 4: no device"));
        check(b"1 5 9:4294967296 / / rw - a b c", Err("mountinfo, at byte 4: no device"));
        check(b"1 5 9:8 / / rw shared:1", Err("mountinfo, at byte 23: no end of the optional fields"));
        check(b"1 5 9:8 / / rw - a", Err("mountinfo, at byte 18: no source"));
        check(b"\n\n1 5 9:8", Err("mountinfo, at byte 9: no root"));
    }

    #[test]
    fn limits() {
        let line = b"1 0 0:5 / / rw - tmpfs x rw\n";
        assert_eq!(parse(&line.repeat(MOUNTS)).unwrap().len(), MOUNTS);
        assert!(matches!(parse(&line.repeat(MOUNTS + 1)), Err(TableError::Mounts)));
        let long = vec![b'\n'; usize::try_from(TABLE_BYTES).unwrap() + 1];
        assert!(matches!(parse(&long), Err(TableError::Bytes)));
    }

    #[test]
    fn this_machines_own_table() {
        let bytes = std::fs::read("/proc/self/mountinfo").unwrap();
        let mounts = parse(&bytes).unwrap();
        assert!(mounts.iter().any(|mount| *mount.point == *b"/"));
    }
}
