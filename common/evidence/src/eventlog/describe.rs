//! Events as lines of text for an operator.
//!
//! In: an event. Out: one line that is safe for a terminal or a page of text: control characters and
//! characters that turn the direction of writing are escaped, and long data is cut.

use std::fmt::Write as _;

use super::payload::{EfiVariable, IplKind, Payload};
use super::{Event, Guid};

pub(super) fn describe(event: &Event<'_>) -> String {
    let text = match event.payload() {
        Ok(payload) => describe_payload(&payload),
        Err(error) => format!("{error}; {}", hex(event.data)),
    };
    if text.is_empty() { "(no text)".to_owned() } else { sanitise(&text) }
}

fn describe_payload(payload: &Payload<'_>) -> String {
    match payload {
        Payload::Variable(variable) => describe_variable(variable),
        Payload::Image(image) => match image.device_path.to_string() {
            path if path.is_empty() => format!("{} bytes from memory", image.length),
            path => path,
        },
        Payload::Separator(data) => hex(data),
        Payload::Text(text) | Payload::CrtmVersion(text) => text.clone(),
        Payload::Ipl(ipl) => match ipl.kind {
            IplKind::GrubCommand => format!("grub: {}", ipl.text),
            IplKind::KernelCommandLine => format!("kernel: {}", ipl.text),
            IplKind::ModuleCommandLine => format!("module: {}", ipl.text),
            IplKind::Other => ipl.text.clone(),
        },
        Payload::Tagged { id, data } => format!("tag {id:#010x}: {}", text_or_hex(data)),
        Payload::FirmwareBlob { description: [], base, length } => format!("{length:#x} bytes at {base:#x}"),
        Payload::FirmwareBlob { description, base, length } => {
            format!("{}: {length:#x} bytes at {base:#x}", text_or_hex(description))
        }
        Payload::SpecId => "Spec ID Event03".to_owned(),
        Payload::StartupLocality(value) => format!("StartupLocality {}", hex(value)),
        Payload::Raw(data) => text_or_hex(data),
    }
}

fn describe_variable(variable: &EfiVariable<'_>) -> String {
    let vendor = match variable.guid {
        Guid::GLOBAL_VARIABLE | Guid::IMAGE_SECURITY | Guid::SHIM_LOCK => String::new(),
        guid => format!(" ({guid})"),
    };
    match variable.data {
        data if data.len() <= 8 => format!("{}{vendor} = {}", variable.name, hex(data)),
        data => format!("{}{vendor}, {} bytes", variable.name, data.len()),
    }
}

fn text_or_hex(data: &[u8]) -> String {
    let text = data.strip_suffix(&[0]).unwrap_or(data);
    match std::str::from_utf8(text) {
        Ok(text) if !text.is_empty() && text.chars().all(|c| !c.is_control()) => text.to_owned(),
        _ => hex(data),
    }
}

fn hex(data: &[u8]) -> String {
    let mut text = String::new();
    for byte in data.iter().take(HEX_BYTES) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    if data.len() > HEX_BYTES {
        let _ = write!(text, "… ({} bytes)", data.len());
    }
    if text.is_empty() { "(no data)".to_owned() } else { text }
}

/// Escapes what could move a terminal's cursor or make text read otherwise than it is, and cuts what is long.
pub(crate) fn sanitise(text: &str) -> String {
    let mut safe = String::new();
    for (at, c) in text.chars().enumerate() {
        if at == TEXT_CHARS {
            safe.push('…');
            break;
        }
        if c.is_control() || is_invisible(c) {
            safe.extend(c.escape_unicode());
        } else {
            safe.push(c);
        }
    }
    safe
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
