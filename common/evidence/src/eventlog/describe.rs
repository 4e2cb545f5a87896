//! Events as lines of text for an operator.
//!
//! In: an event. Out: one line that is safe for a terminal or a page of text: control characters and
//! characters that turn the direction of writing are escaped, and long data is cut.

use std::fmt::{self, Write};

use super::payload::{
    Contents, DeviceSecurity, EfiVariable, FirmwareBlob, Gpt, HandoffTables, IplKind, IplText, Payload,
    PlatformEvent, SipaRecord, SipaRecords, SipaValue, SpecId, Tagged, Text,
};
use super::{Event, EventType, keys};
use crate::efi::Guid;

pub(super) fn describe(event: &Event<'_>) -> String {
    let mut line = Line::default();
    // A line that is full stops whoever writes it; what fits has been written.
    let _full = match event.payload() {
        Ok(payload) => write_payload(&mut line, event.event_type, &payload),
        Err(error) => write!(line, "{error}; ").and_then(|()| hex(&mut line, event.data)),
    };
    if line.text.is_empty() { "(no text)".to_owned() } else { line.text }
}

fn write_payload(f: &mut Line, event_type: EventType, payload: &Payload<'_>) -> fmt::Result {
    match payload {
        Payload::Variable(variable) => write_variable(f, event_type, variable),
        Payload::Image(image) if image.device_path.is_empty() => {
            write!(f, "{} bytes from memory", image.length)
        }
        Payload::Image(image) => write!(f, "{}", image.device_path),
        Payload::Separator(data) if data.len() == 4 => hex(f, data),
        Payload::Separator(data) | Payload::Raw(data) => text_or_hex(f, data),
        Payload::Text(text) | Payload::CrtmVersion(text) => write!(f, "{text}"),
        Payload::CrtmGuid(guid) => write!(f, "{guid}"),
        Payload::Ipl(ipl) => write_ipl(f, ipl),
        Payload::Tagged(tagged) => write_tagged(f, *tagged),
        Payload::Windows(records) => write_records(f, *records),
        Payload::FirmwareBlob(blob) => write_blob(f, blob),
        Payload::HandoffTables(tables) => write_tables(f, *tables),
        Payload::Gpt(gpt) => write_gpt(f, *gpt),
        Payload::SpecId(spec) => write_spec_id(f, spec),
        Payload::StartupLocality([locality]) => write!(f, "StartupLocality {locality}"),
        Payload::StartupLocality(value) => f.write_str("StartupLocality ").and_then(|()| hex(f, value)),
        Payload::PlatformEvent(event) => write_platform(f, event),
        Payload::DeviceSecurity(device) => write_device(f, device),
    }
}

fn write_variable(f: &mut Line, event_type: EventType, variable: &EfiVariable<'_>) -> fmt::Result {
    write!(f, "{}", variable.name)?;
    if !matches!(variable.guid, Guid::GLOBAL_VARIABLE | Guid::IMAGE_SECURITY | Guid::SHIM_LOCK) {
        write!(f, " ({})", variable.guid)?;
    }
    match variable.contents(event_type) {
        Contents::Switch(None) => f.write_str(": not there"),
        Contents::Switch(Some(value)) => write!(f, " = {value}"),
        Contents::BootOrder(order) => {
            f.write_str(":")?;
            order.iter().try_for_each(|number| write!(f, " {number:04X}"))
        }
        Contents::LoadOption(option) => {
            write!(f, ": {} at {}", option.description, option.device_path)
        }
        Contents::Text(text) => {
            f.write_str(": ")?;
            let mut lines = text.chars().map(|c| if c == '\n' { ' ' } else { c });
            lines.try_for_each(|c| f.write_char(c))
        }
        Contents::SignatureLists(data) => {
            f.write_str(": ")?;
            keys::write_lists(f, data)
        }
        Contents::Signature(data) => {
            f.write_str(": ")?;
            keys::write_alone(f, data)
        }
        Contents::Raw(data) if data.len() <= 8 => f.write_str(" = ").and_then(|()| hex(f, data)),
        Contents::Raw(data) => write!(f, ", {} bytes", data.len()),
    }
}

fn write_ipl(f: &mut Line, ipl: &IplText<'_>) -> fmt::Result {
    let whose = match ipl.kind {
        IplKind::GrubCommand => "grub: ",
        IplKind::KernelCommandLine => "kernel: ",
        IplKind::ModuleCommandLine => "module: ",
        IplKind::ShimVariable => "shim: ",
        IplKind::UkiSection => "section: ",
        IplKind::Other => "",
    };
    write!(f, "{whose}{}", ipl.text)
}

fn write_tagged(f: &mut Line, tagged: Tagged<'_>) -> fmt::Result {
    match tagged.meaning() {
        Some(meaning) => write!(f, "{meaning}")?,
        None => write!(f, "tag {:#010x}", tagged.id)?,
    }
    if tagged.data.is_empty() {
        return Ok(());
    }
    f.write_str(": ")?;
    text_or_hex(f, tagged.data)
}

fn write_records(f: &mut Line, records: SipaRecords<'_>) -> fmt::Result {
    for (at, record) in records.iter().enumerate() {
        f.write_str(if at == 0 { "" } else { ", " })?;
        write_record(f, &record)?;
    }
    Ok(())
}

fn write_record(f: &mut Line, record: &SipaRecord<'_>) -> fmt::Result {
    match record.id.name() {
        Some(name) => f.write_str(name)?,
        None => write!(f, "{:#010x}", record.id.0)?,
    }
    match record.value() {
        SipaValue::Records(records) => {
            f.write_str(" {")?;
            write_records(f, records)?;
            f.write_str("}")
        }
        SipaValue::Switch(on) => f.write_str(if on { " on" } else { " off" }),
        SipaValue::Number(number) => write!(f, " {number}"),
        SipaValue::Text(text) => write!(f, " {text}"),
        SipaValue::Policy { name, .. } => write!(f, " {name}"),
        SipaValue::RevocationList { digest, .. } | SipaValue::Bytes(digest) => {
            f.write_str(" ")?;
            hex(f, digest)
        }
    }
}

fn write_blob(f: &mut Line, blob: &FirmwareBlob<'_>) -> fmt::Result {
    if let Some(description) = blob.description {
        write!(f, "{description}: ")?;
    }
    write!(f, "{:#x} bytes at {:#x}", blob.length, blob.base)
}

fn write_tables(f: &mut Line, tables: HandoffTables<'_>) -> fmt::Result {
    if let Some(description) = tables.description {
        write!(f, "{description}: ")?;
    }
    for (at, (guid, address)) in tables.tables().enumerate() {
        write!(f, "{}{guid} at {address:#x}", if at == 0 { "" } else { ", " })?;
    }
    Ok(())
}

fn write_gpt(f: &mut Line, gpt: Gpt<'_>) -> fmt::Result {
    write!(f, "disk {}, {} partitions:", gpt.disk, gpt.partitions().count())?;
    for (at, partition) in gpt.partitions().enumerate() {
        f.write_str(if at == 0 { " " } else { ", " })?;
        match partition.name {
            name if name.is_empty() => write!(f, "{}", partition.guid)?,
            name => write!(f, "{name}")?,
        }
    }
    Ok(())
}

fn write_spec_id(f: &mut Line, spec: &SpecId<'_>) -> fmt::Result {
    let (major, minor) = spec.version;
    write!(f, "Spec ID {major}.{minor} errata {}", spec.errata)?;
    if spec.vendor_info.is_empty() {
        return Ok(());
    }
    f.write_str(", vendor ")?;
    text_or_hex(f, spec.vendor_info)
}

fn write_platform(f: &mut Line, event: &PlatformEvent<'_>) -> fmt::Result {
    write!(f, "reference manifest {} of vendor {}", event.manifest, event.vendor_id)?;
    let Some(names) = event.platform else { return Ok(()) };
    write!(
        f,
        ": {} {} {}, firmware {} {}",
        names.manufacturer, names.model, names.version, names.firmware_manufacturer, names.firmware_version
    )
}

fn write_device(f: &mut Line, device: &DeviceSecurity<'_>) -> fmt::Result {
    let kind = match device.device_type {
        1 => "PCI device",
        2 => "USB device",
        _ => "device",
    };
    let state = match device.auth_state {
        None => "",
        Some(0) => ", authenticated",
        Some(1) => ", without authentication",
        Some(2) => ", not bound",
        Some(0xff) => ", without SPDM",
        Some(_) => ", authentication failed",
    };
    write!(f, "{kind}{state}")?;
    device.device_path.map_or(Ok(()), |path| write!(f, " at {path}"))
}

fn text_or_hex(f: &mut Line, data: &[u8]) -> fmt::Result {
    match Text::printable(data) {
        Some(text) => write!(f, "{text}"),
        None => hex(f, data),
    }
}

fn hex(f: &mut Line, data: &[u8]) -> fmt::Result {
    if data.is_empty() {
        return f.write_str("(no data)");
    }
    data.iter().take(HEX_BYTES).try_for_each(|byte| write!(f, "{byte:02x}"))?;
    if data.len() > HEX_BYTES {
        write!(f, "… ({} bytes)", data.len())?;
    }
    Ok(())
}

/// Escapes what could move a terminal's cursor or make text read otherwise than it is, and cuts what is long.
pub(crate) fn sanitise(text: &str) -> String {
    let mut line = Line::default();
    let _full = line.write_str(text);
    line.text
}

/// A line that is escaped while it is written, and takes no more than an operator can read.
#[derive(Default)]
struct Line {
    text: String,
    chars: usize,
}

impl Write for Line {
    /// An error where the line is full, so that whoever writes it stops.
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for c in text.chars() {
            if self.chars >= TEXT_CHARS {
                if self.chars == TEXT_CHARS {
                    self.text.push('…');
                    self.chars = self.chars.saturating_add(1);
                }
                return Err(fmt::Error);
            }
            self.chars = self.chars.saturating_add(1);
            if c.is_control() || is_invisible(c) {
                self.text.extend(c.escape_unicode());
            } else {
                self.text.push(c);
            }
        }
        Ok(())
    }
}

/// Format characters: zero width, direction marks and overrides, line and paragraph separators, the BOM, tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Raw data longer than this is cut: a line is for reading, the bytes are beside it.
const HEX_BYTES: usize = 32;
/// Longest line: a kernel command line with room to spare.
const TEXT_CHARS: usize = 4096;
