//! Words for a terminal: paths and labels that cannot disturb it, and times.

use std::fmt::Write as _;
use std::io;

use evidence::time::UnixTime;

use crate::failure::{Failure, Status};

/// Bytes as text: what is not UTF-8 or not printable is escaped.
pub(super) fn printable(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(&safe(chunk.valid()));
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(text, "\\x{byte:02x}");
        }
    }
    text
}

/// Text with controls, invisible characters and those that turn the direction of writing escaped.
pub(super) fn safe(text: &str) -> String {
    let mut out = String::new();
    for character in text.chars() {
        let hidden = matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}');
        if character.is_control() || character == '\\' || hidden {
            out.extend(character.escape_default());
        } else {
            out.push(character);
        }
    }
    out
}

pub(super) fn time(ms: u64) -> String {
    UnixTime::from_ms(ms).to_string()
}

/// A value as JSON; what could disturb a terminal is escaped in it as well, since it stands within strings only.
pub(super) fn json(value: &impl serde::Serialize, out: &mut impl io::Write) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(io::Error::from);
    written(text.and_then(|text| writeln!(out, "{}", ascii(&text))))
}

fn ascii(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for character in json.chars() {
        if character == '\n' || (character.is_ascii() && !character.is_control()) {
            out.push(character);
        } else {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

pub(super) fn written(result: io::Result<()>) -> Result<(), Failure> {
    result.map_err(|error| Failure::new(Status::InputOutput, format_args!("cannot write: {error}"), ""))
}
