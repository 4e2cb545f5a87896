//! The forms of text in which Linux systems keep what they trust: stanzas, sections, directives, and the kernel's keys.
//!
//! In: bytes of `*.sources`, `InRelease`, snap assertions, `*.repo`, `sshd_config`, `sources.list` and `/proc/keys`. Out:
//! lazily their parts, borrowed where they can be. What a program makes of a setting is not known here, and a line that
//! has another form is an error with its place, or no setting at all where the program passes over it too.

mod directive;
mod key_list;
mod section;
mod source;
mod stanza;

pub use directive::{Directive, directives};
pub use key_list::{KernelKey, kernel_keys};
pub use section::{Setting, settings};
pub use source::{SourceLine, source_lines};
pub use stanza::{Stanza, stanzas};

/// Why a line is none of its form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// A line that lacks what each has.
    #[error("at byte {offset}: a line without {missing}")]
    Missing {
        /// Where the line starts.
        offset: usize,
        /// What it lacks.
        missing: &'static str,
    },
    /// More words than any line has.
    #[error("at byte {offset}: a line of too many words")]
    Words {
        /// Where the line starts.
        offset: usize,
    },
}

/// Lines with their places, without their ends.
pub fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut at = 0_usize;
    bytes.split(|byte| *byte == b'\n').map(move |line| {
        let offset = at;
        at = offset.saturating_add(line.len()).saturating_add(1);
        (offset, line.strip_suffix(b"\r").unwrap_or(line))
    })
}

/// Words between white space.
pub fn words(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}
