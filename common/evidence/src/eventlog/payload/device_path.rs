//! UEFI device paths, for people to read.
//!
//! In: the bytes of a device path. Out: text for the node types that boot logs hold, hexadecimal for others.
//! A path is what the loader said; it is not measured with the image.

use std::fmt::{self, Write as _};

use super::{Guid, Text};
use crate::cursor::{Cursor, Truncated};

/// A device path, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DevicePath<'a>(&'a [u8]);

impl<'a> DevicePath<'a> {
    pub(in crate::eventlog) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The path's bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// Whether it has no node that could be read.
    pub fn is_empty(&self) -> bool {
        self.nodes().next().is_none()
    }

    /// The file's path on its medium, from the path's file nodes, if it has any.
    pub fn file_path(&self) -> Option<String> {
        let files = self.nodes().filter(|node| (node.kind, node.subkind) == FILE_PATH);
        let names: Vec<String> = files.map(|node| Text::wide(node.data).to_string()).collect();
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
        for (at, node) in self.nodes().enumerate() {
            if at > 0 {
                f.write_char('/')?;
            }
            write!(f, "{node}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Node<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if (self.kind, self.subkind) == FILE_PATH {
            return write!(f, "{}", Text::wide(self.data));
        }
        match self.known() {
            Ok(Some(text)) => f.write_str(&text),
            _ => self.write_raw(f),
        }
    }
}

impl Node<'_> {
    fn write_raw(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Path({},{},", self.kind, self.subkind)?;
        for byte in self.data {
            write!(f, "{byte:02x}")?;
        }
        f.write_char(')')
    }

    /// Text of a node whose type is known; never long. Numbers are as UEFI's own text form has them.
    //= UEFI 2.10 §10.6.1.6: text device node reference
    fn known(&self) -> Result<Option<String>, Truncated> {
        let mut cursor = Cursor::new(self.data);
        let c = &mut cursor;
        Ok(Some(match (self.kind, self.subkind) {
            (1, 1) => {
                let (function, device) = (c.u8()?, c.u8()?);
                format!("Pci({device:#x},{function:#x})")
            }
            (1, 3) => {
                let (_, start, end) = (c.u32_le()?, c.u64_le()?, c.u64_le()?);
                format!("MemoryMapped({start:#x},{end:#x})")
            }
            (1, 4) => format!("VenHw({})", Guid(c.array()?)),
            (1, 5) => format!("Ctrl({:#x})", c.u32_le()?),
            (2, 1) => return acpi(c),
            (2, 3) => format!("AcpiAdr({:#x})", c.u32_le()?),
            (3, 1) => {
                let (primary, device, lun) = (c.u8()?, c.u8()?, c.u16_le()?);
                format!("Ata({primary:#x},{device:#x},{lun:#x})")
            }
            (3, 2) => {
                let (target, lun) = (c.u16_le()?, c.u16_le()?);
                format!("Scsi({target:#x},{lun:#x})")
            }
            (3, 5) => {
                let (port, interface) = (c.u8()?, c.u8()?);
                format!("USB({port:#x},{interface:#x})")
            }
            (3, 10) => format!("VenMsg({})", Guid(c.array()?)),
            (3, 11) => {
                let mac = c.array::<6>()?;
                format!("MAC({})", mac.map(|byte| format!("{byte:02x}")).concat())
            }
            (3, 12) => "IPv4".to_owned(),
            (3, 13) => "IPv6".to_owned(),
            (3, 17) => format!("Unit({:#x})", c.u8()?),
            (3, 18) => {
                let (port, multiplier, lun) = (c.u16_le()?, c.u16_le()?, c.u16_le()?);
                match multiplier {
                    0 | 0xffff => format!("Sata({port:#x},{lun:#x})"),
                    multiplier => format!("Sata({port:#x},{multiplier:#x},{lun:#x})"),
                }
            }
            (3, 23) => {
                let (namespace, id) = (c.u32_le()?, c.array::<8>()?);
                let id = id.iter().rev().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>();
                format!("NVMe({namespace:#x},{})", id.join("-"))
            }
            (3, 26) => format!("SD({:#x})", c.u8()?),
            (3, 29) => format!("eMMC({:#x})", c.u8()?),
            (4, 1) => return hard_drive(c),
            (4, 2) => format!("CDROM({:#x})", c.u32_le()?),
            (4, 3) => format!("VenMedia({})", Guid(c.array()?)),
            (4, 6) => format!("FvFile({})", Guid(c.array()?)),
            (4, 7) => format!("Fv({})", Guid(c.array()?)),
            (4, 8) => {
                let (_, start, end) = (c.u32_le()?, c.u64_le()?, c.u64_le()?);
                format!("Offset({start:#x},{end:#x})")
            }
            _ => return Ok(None),
        }))
    }
}

fn acpi(cursor: &mut Cursor<'_>) -> Result<Option<String>, Truncated> {
    let (hid, uid) = (cursor.u32_le()?, cursor.u32_le()?);
    // A compressed EISA identifier: `PNP` is 0x41d0, the number is above it.
    Ok(match (hid & 0xffff, hid >> 16) {
        (0x41d0, 0x0a03) => Some(format!("PciRoot({uid:#x})")),
        (0x41d0, 0x0a08) => Some(format!("PcieRoot({uid:#x})")),
        (0x41d0, number) => Some(format!("Acpi(PNP{number:04X},{uid:#x})")),
        _ => None,
    })
}

//= UEFI 2.10 §10.3.5.1: Hard Drive Media Device Path
fn hard_drive(cursor: &mut Cursor<'_>) -> Result<Option<String>, Truncated> {
    let number = cursor.u32_le()?;
    // Where the partition starts, and its length.
    cursor.take(16)?;
    let signature = cursor.array::<16>()?;
    let (_, signature_type) = (cursor.u8()?, cursor.u8()?);
    Ok(match (signature_type, signature) {
        (2, guid) => Some(format!("HD({number},GPT,{})", Guid(guid))),
        (1, [a, b, c, d, ..]) => Some(format!("HD({number},MBR,{:#010x})", u32::from_le_bytes([a, b, c, d]))),
        _ => None,
    })
}

const FILE_PATH: (u8, u8) = (4, 4);
const END: u8 = 0x7f;
