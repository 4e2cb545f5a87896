//! Lines of a keyword and words, as sshd has them.
//!
//! In: a file. Out: its directives; words can stand in quotes, and `=` can stand between keyword and words.
//= sshd_config(5)

use super::{SettingError, lines};
use crate::limits::SETTING_WORDS;

/// One directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive<'a> {
    /// Where its line starts.
    pub offset: usize,
    /// The keyword, in any case.
    pub keyword: &'a [u8],
    /// What follows, without quotes.
    pub words: Vec<&'a [u8]>,
}

impl Directive<'_> {
    /// Whether this is its keyword.
    pub const fn is(&self, keyword: &str) -> bool {
        self.keyword.eq_ignore_ascii_case(keyword.as_bytes())
    }
}

/// All directives, one by one.
pub fn directives(file: &[u8]) -> impl Iterator<Item = Result<Directive<'_>, SettingError>> {
    lines(file).filter_map(|(offset, line)| {
        let line = line.trim_ascii();
        if line.is_empty() || line.starts_with(b"#") {
            return None;
        }
        let end =
            line.iter().position(|byte| byte.is_ascii_whitespace() || *byte == b'=').unwrap_or(line.len());
        let (keyword, rest) = line.split_at_checked(end)?;
        let rest = rest.trim_ascii_start();
        let rest = rest.strip_prefix(b"=").unwrap_or(rest);
        Some(split(rest, offset).map(|words| Directive { offset, keyword, words }))
    })
}

fn split(mut rest: &[u8], offset: usize) -> Result<Vec<&[u8]>, SettingError> {
    let mut words = Vec::new();
    loop {
        rest = rest.trim_ascii_start();
        let (word, after) = match rest {
            [] | [b'#', ..] => return Ok(words),
            [b'"', quoted @ ..] => {
                let end = quoted.iter().position(|byte| *byte == b'"');
                let end = end.ok_or(SettingError::Missing { offset, missing: "a closing quote" })?;
                (quoted.get(..end), quoted.get(end.saturating_add(1)..))
            }
            plain => {
                let end = plain.iter().position(u8::is_ascii_whitespace).unwrap_or(plain.len());
                (plain.get(..end), plain.get(end..))
            }
        };
        if words.len() >= SETTING_WORDS {
            return Err(SettingError::Words { offset });
        }
        words.push(word.unwrap_or_default());
        rest = after.unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_can_be_quoted() {
        let file = b"# no\nHostKey=/a\n  authorizedkeysfile \"a b\" .ssh/%u # c\nBad \"x\n";
        let found: Vec<_> = directives(file).collect();
        assert_eq!(found[0].as_ref().unwrap().words, [b"/a"]);
        let two = found[1].as_ref().unwrap();
        assert!(two.is("AuthorizedKeysFile"));
        assert_eq!(two.words, [&b"a b"[..], b".ssh/%u"]);
        assert!(matches!(found[2], Err(SettingError::Missing { .. })));
        let many = [b"X ".to_vec(), b"a ".repeat(SETTING_WORDS + 1)].concat();
        assert_eq!(directives(&many).next(), Some(Err(SettingError::Words { offset: 0 })));
    }
}
