//! UEFI device paths, for people to read.
//!
//! In: the bytes of a device path. Out: text for the node types that boot logs hold, hexadecimal for others.
//! A path is what the loader said; it is not measured with the image.

use std::fmt::{self, Write as _};

use super::payload::{Guid, utf16};
use crate::cursor::{Cursor, Truncated};

/// A device path, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePath<'a>(&'a [u8]);

impl<'a> DevicePath<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The path's bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The file's path on its medium, from the path's file nodes, if it has any.
    pub fn file_path(&self) -> Option<String> {
        let files = self.nodes().filter(|node| (node.kind, node.subkind) == FILE_PATH);
        let names: Vec<String> = files.map(|node| text(node.data)).collect();
        (!names.is_empty()).then(|| names.join("\\"))
    }

    /// Nodes up to the end node, or to the first that is damaged.
    fn nodes(&self) -> impl Iterator<Item = Node<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        std::iter::from_fn(move || {
            let node = read_node(&mut cursor).ok()?;
            (node.kind != END).then_some(node)
        })
    }
}

struct Node<'a> {
    kind: u8,
    subkind: u8,
    data: &'a [u8],
}

//= UEFI 2.10 §10.3.1: a node is its type, subtype, 16-bit length with these four bytes, and data
fn read_node<'a>(cursor: &mut Cursor<'a>) -> Result<Node<'a>, Truncated> {
    let (kind, subkind) = (cursor.u8()?, cursor.u8()?);
    let offset = cursor.offset();
    let length = usize::from(cursor.u16_le()?);
    // A length below 4 would make the reader stand still or go back.
    let rest = length.checked_sub(4).ok_or(Truncated { offset, needed: 4, left: length })?;
    Ok(Node { kind, subkind, data: cursor.take(rest)? })
}

impl fmt::Display for DevicePath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = String::new();
        for node in self.nodes() {
            write!(shown, "{}{node}", if shown.is_empty() { "" } else { "/" })?;
        }
        f.write_str(&shown)
    }
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.write_known(f)?.is_none() {
            write!(f, "Path({},{},", self.kind, self.subkind)?;
            for byte in self.data {
                write!(f, "{byte:02x}")?;
            }
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl Node<'_> {
    /// `None` where the node's type is not known or its data too short for it.
    fn write_known(&self, f: &mut fmt::Formatter<'_>) -> Result<Option<()>, fmt::Error> {
        let mut cursor = Cursor::new(self.data);
        match (self.kind, self.subkind) {
            FILE_PATH => f.write_str(&text(self.data))?,
            (1, 1) => {
                let (Ok(function), Ok(device)) = (cursor.u8(), cursor.u8()) else { return Ok(None) };
                write!(f, "Pci({device:#x},{function:#x})")?;
            }
            (2, 1) => {
                let (Ok(hid), Ok(uid)) = (cursor.u32_le(), cursor.u32_le()) else { return Ok(None) };
                // A compressed EISA identifier: `PNP` is 0x41d0, the number is above it.
                match (hid & 0xffff, hid >> 16) {
                    (0x41d0, 0x0a03) => write!(f, "PciRoot({uid:#x})")?,
                    (0x41d0, number) => write!(f, "Acpi(PNP{number:04X},{uid:#x})")?,
                    _ => return Ok(None),
                }
            }
            (3, 18) => {
                let (Ok(port), Ok(_), Ok(lun)) = (cursor.u16_le(), cursor.u16_le(), cursor.u16_le()) else {
                    return Ok(None);
                };
                write!(f, "Sata({port:#x},{lun:#x})")?;
            }
            (4, 1) => return write_hard_drive(&mut cursor, f),
            (4, 3 | 6 | 7) => {
                let Ok(guid) = cursor.array().map(Guid) else { return Ok(None) };
                let name = match self.subkind {
                    3 => "VenMedia",
                    6 => "FvFile",
                    _ => "Fv",
                };
                write!(f, "{name}({guid})")?;
            }
            _ => return Ok(None),
        }
        Ok(Some(()))
    }
}

//= UEFI 2.10 §10.3.5.1: Hard Drive Media Device Path
fn write_hard_drive(cursor: &mut Cursor<'_>, f: &mut fmt::Formatter<'_>) -> Result<Option<()>, fmt::Error> {
    let (Ok(number), Ok(_), Ok(signature)) = (cursor.u32_le(), cursor.take(16), cursor.array()) else {
        return Ok(None);
    };
    let (Ok(_), Ok(signature_type)) = (cursor.u8(), cursor.u8()) else { return Ok(None) };
    if signature_type != 2 {
        return Ok(None);
    }
    write!(f, "HD({number},GPT,{})", Guid(signature))?;
    Ok(Some(()))
}

fn text(data: &[u8]) -> String {
    utf16(data).trim_end_matches('\0').to_owned()
}

const FILE_PATH: (u8, u8) = (4, 4);
const END: u8 = 0x7f;
