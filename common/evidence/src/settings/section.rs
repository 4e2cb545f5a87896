//! `[section]` and `key=value` lines, as yum, dnf and flatpak have them.
//!
//! In: a file. Out: its settings with their sections. A value goes on in indented lines.

use std::borrow::Cow;

use super::lines;

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting<'a> {
    /// Where its line starts.
    pub offset: usize,
    /// The section's name; empty before the first.
    pub section: &'a [u8],
    /// Its name.
    pub key: &'a [u8],
    /// Its value, with lines that it goes on in behind newlines.
    pub value: Cow<'a, [u8]>,
}

/// All settings, one by one.
pub fn settings(file: &[u8]) -> impl Iterator<Item = Setting<'_>> {
    let mut section: &[u8] = b"";
    let mut rest =
        lines(file).filter(|(_, line)| !matches!(line.first(), None | Some(b'#' | b';'))).peekable();
    std::iter::from_fn(move || {
        loop {
            let (offset, line) = rest.next()?;
            let line = line.trim_ascii();
            if let Some(name) = line.strip_prefix(b"[").and_then(|line| line.strip_suffix(b"]")) {
                section = name;
                continue;
            }
            let equals = line.iter().position(|byte| *byte == b'=');
            let Some((key, value)) = equals.and_then(|equals| line.split_at_checked(equals)) else {
                continue;
            };
            let mut value = Cow::Borrowed(value.get(1..).unwrap_or_default().trim_ascii());
            while let Some((_, more)) =
                rest.next_if(|(_, next)| next.starts_with(b" ") || next.starts_with(b"\t"))
            {
                let value = value.to_mut();
                value.push(b'\n');
                value.extend_from_slice(more.trim_ascii());
            }
            return Some(Setting { offset, section, key: key.trim_ascii_end(), value });
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_go_on_and_sections_end() {
        let file = b"a=1\n[one]\n# x\ngpgkey = file:///a\n   file:///b\nnothing\n[two]\nb=\n";
        let found: Vec<_> = settings(file).map(|s| (s.section, s.key, s.value.into_owned())).collect();
        let expected: [(&[u8], &[u8], Vec<u8>); 3] = [
            (b"", b"a", b"1".to_vec()),
            (b"one", b"gpgkey", b"file:///a\nfile:///b".to_vec()),
            (b"two", b"b", vec![]),
        ];
        assert_eq!(found, expected);
    }
}
