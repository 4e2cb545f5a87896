//! One-line entries of apt's lists of sources.
//!
//! In: a `*.list`. Out: each entry with its options, address, suite and components.
//= sources.list(5), ONE-LINE-STYLE FORMAT

use super::{SettingError, lines, words};

/// One entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceLine<'a> {
    /// Where its line starts.
    pub offset: usize,
    /// `deb` or `deb-src`.
    pub kind: &'a [u8],
    options: &'a [u8],
    /// Where the archive is.
    pub uri: &'a [u8],
    /// The suite.
    pub suite: &'a [u8],
}

impl<'a> SourceLine<'a> {
    /// The value of an option; `name=`, `name+=` and `name-=` all set one.
    pub fn option(&self, name: &str) -> Option<&'a [u8]> {
        words(self.options).find_map(|option| {
            let equals = option.iter().position(|byte| *byte == b'=')?;
            let (found, value) = option.split_at_checked(equals)?;
            let found = found.strip_suffix(b"+").or_else(|| found.strip_suffix(b"-")).unwrap_or(found);
            found.eq_ignore_ascii_case(name.as_bytes()).then(|| value.get(1..).unwrap_or_default())
        })
    }
}

/// All entries, one by one.
pub fn source_lines(file: &[u8]) -> impl Iterator<Item = Result<SourceLine<'_>, SettingError>> {
    lines(file).filter_map(|(offset, line)| {
        let end = line.iter().position(|byte| *byte == b'#').unwrap_or(line.len());
        let line = line.get(..end)?.trim_ascii();
        (!line.is_empty()).then(|| entry(line, offset))
    })
}

fn entry(line: &[u8], offset: usize) -> Result<SourceLine<'_>, SettingError> {
    let missing = |missing| SettingError::Missing { offset, missing };
    let kind = words(line).next().filter(|kind| matches!(*kind, b"deb" | b"deb-src"));
    let kind = kind.ok_or(missing("deb or deb-src"))?;
    let rest = line.get(kind.len()..).unwrap_or_default().trim_ascii_start();
    let (options, rest) = match rest.strip_prefix(b"[") {
        Some(rest) => {
            let end = rest.iter().position(|byte| *byte == b']').ok_or(missing("a closing bracket"))?;
            let (options, rest) = rest.split_at_checked(end).ok_or(missing("a closing bracket"))?;
            (options, rest.get(1..).unwrap_or_default())
        }
        None => (b"".as_slice(), rest),
    };
    let mut rest = words(rest);
    let uri = rest.next().ok_or(missing("an address"))?;
    let suite = rest.next().ok_or(missing("a suite"))?;
    Ok(SourceLine { offset, kind, options, uri, suite })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_have_options() {
        let file = b"# x\ndeb [ signed-by=/k.gpg trusted=yes ] http://a s main # c\ndeb-src http://b t\nrpm x\ndeb [a=b http://c u\ndeb http://d\n";
        let found: Vec<_> = source_lines(file).collect();
        let one = found[0].unwrap();
        assert_eq!((one.uri, one.suite), (&b"http://a"[..], &b"s"[..]));
        assert_eq!(one.option("Signed-By"), Some(&b"/k.gpg"[..]));
        assert_eq!(one.option("trusted"), Some(&b"yes"[..]));
        assert_eq!(found[1].unwrap().option("trusted"), None);
        assert_eq!(found[2..].iter().filter(|entry| entry.is_err()).count(), 3);
    }
}
