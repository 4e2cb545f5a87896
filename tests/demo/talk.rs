//! Words to whoever watches.

use std::io::Write as _;

/// One line on the terminal; nobody there is no reason to stop.
pub(crate) fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
}

/// A numbered step.
pub(crate) fn step(number: u32, line: &str) {
    say(&format!("\n[{number}] {line}"));
}
