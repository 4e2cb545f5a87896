//! Text from hosts, made safe for a terminal.
//!
//! In: text from anywhere. Out: the same text with every character escaped that could move a cursor, change colours or
//! make text read otherwise than it is. Whether the text is true is not asked.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Escapes control characters, invisible ones and those that turn the direction of writing.
pub(crate) fn safe(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_unsafe(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// Escapes in JSON what JSON itself leaves as it is: there such characters only stand within strings.
pub(crate) fn json(text: &str) -> Cow<'_, str> {
    let unsafe_in_json = |c: char| c != '\n' && is_unsafe(c);
    if !text.chars().any(unsafe_in_json) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().saturating_mul(2));
    for c in text.chars() {
        if unsafe_in_json(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

/// Controls (C0, DEL, C1), soft hyphen, zero width, direction marks, line separators, the BOM, tags.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_stays_as_it_is() {
        assert_eq!(safe("Zürich – /usr/bin/[ 日本"), "Zürich – /usr/bin/[ 日本");
    }

    #[test]
    fn a_terminal_cannot_be_driven() {
        for (text, escaped) in [
            ("\x1b[31mroot", "\\u{1b}[31mroot"),
            ("a\u{9b}2J", "a\\u{9b}2J"),
            ("exe\u{202e}gpj", "exe\\u{202e}gpj"),
            ("two\nlines\tand\r", "two\\nlines\\tand\\u{d}"),
        ] {
            assert_eq!(safe(text), escaped);
        }
    }

    #[test]
    fn json_reads_back_as_the_same_text() {
        let text = "a\u{9b}\u{202e}b\u{e0001}\x1b\u{7f}";
        let encoded = serde_json::to_string(text).unwrap();
        let escaped = json(&encoded);
        assert!(!escaped.chars().any(is_unsafe), "{escaped:?}");
        assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
    }
}
