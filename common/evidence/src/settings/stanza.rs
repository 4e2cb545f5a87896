//! Stanzas of `Name: value` lines with empty lines between them, as Debian writes control files and snapd its assertions.
//!
//! In: a file. Out: its stanzas, and of each the fields. A value goes on in lines that start with white space.
//= deb822(5)

use std::borrow::Cow;

use super::lines;

/// Lines without an empty one between them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// Where it starts.
    pub offset: usize,
    text: &'a [u8],
}

/// The stanzas of a file, one by one.
pub fn stanzas(file: &[u8]) -> impl Iterator<Item = Stanza<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let rest = file.get(at..)?;
        let mut bounds: Option<(usize, usize)> = None;
        for (offset, line) in lines(rest) {
            match (line.trim_ascii().is_empty(), bounds) {
                (true, Some(_)) => break,
                (true, None) => {}
                (false, _) => {
                    let start = bounds.map_or(offset, |(start, _)| start);
                    bounds = Some((start, offset.saturating_add(line.len())));
                }
            }
        }
        let (start, end) = bounds?;
        let offset = at.saturating_add(start);
        at = at.saturating_add(end);
        Some(Stanza { offset, text: rest.get(start..end)? })
    })
}

impl<'a> Stanza<'a> {
    /// Names and values in their order; lines of a value are kept apart by newlines, and an indented dot is an empty line.
    pub fn fields(&self) -> impl Iterator<Item = (&'a [u8], Cow<'a, [u8]>)> + use<'a> {
        let mut rest = lines(self.text).filter(|(_, line)| !line.starts_with(b"#")).peekable();
        std::iter::from_fn(move || {
            loop {
                let (_, line) = rest.next()?;
                let colon = line.iter().position(|byte| *byte == b':');
                let named = colon.filter(|_| !line.starts_with(b" ") && !line.starts_with(b"\t"));
                let Some((name, value)) = named.and_then(|colon| line.split_at_checked(colon)) else {
                    continue;
                };
                let mut value = Cow::Borrowed(value.get(1..).unwrap_or_default().trim_ascii());
                while let Some((_, more)) =
                    rest.next_if(|(_, next)| next.starts_with(b" ") || next.starts_with(b"\t"))
                {
                    let more = more.trim_ascii();
                    let value = value.to_mut();
                    value.push(b'\n');
                    value.extend_from_slice(if more == b"." { b"" } else { more });
                }
                return Some((name, value));
            }
        })
    }

    /// The first value of this name, whatever its case.
    pub fn field(&self, name: &str) -> Option<Cow<'a, [u8]>> {
        self.fields().find_map(|(found, value)| found.eq_ignore_ascii_case(name.as_bytes()).then_some(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_have_fields_that_go_on() {
        let file = b"\n# a comment\nTypes: deb\nURIs: a\n# between\n b\n\n \nSigned-By:\n -----BEGIN\n .\n x:y\n-bad\n";
        let found: Vec<_> = stanzas(file).collect();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].offset, 1);
        assert_eq!(found[0].field("uris").as_deref(), Some(&b"a\nb"[..]));
        assert_eq!(found[1].field("Signed-By").as_deref(), Some(&b"\n-----BEGIN\n\nx:y"[..]));
        assert_eq!(found[1].fields().count(), 1);
        assert_eq!(found[0].field("none"), None);
    }
}
