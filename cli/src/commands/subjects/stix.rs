//! The comparisons of a STIX pattern.
//!
//! In: a pattern. Out: what is compared with what, without how comparisons are joined: whoever asks wants to know of each. No pattern is
//! refused; what is not understood is no comparison.

/// One comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Comparison {
    /// What is compared, as it is written.
    pub(super) path: String,
    /// Whether it asks for one of the values, rather than for others than them.
    pub(super) is_equality: bool,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    /// Without spaces, quotes within a path included.
    Word(String),
    Text(String),
    Sign(char),
}

/// Every comparison of a pattern, in its order.
//= STIX 2.1 §9.6: an object path, an operator that `NOT` may precede, and a value or a set of them
pub(super) fn comparisons(pattern: &str) -> Vec<Comparison> {
    let mut found: Vec<Comparison> = Vec::new();
    let mut open: Option<Comparison> = None;
    for token in tokens(pattern) {
        match token {
            Token::Word(word) if word.contains(':') => {
                found.extend(open.take());
                open = Some(Comparison { path: word, is_equality: true, values: Vec::new() });
            }
            Token::Word(word) if is_joining(&word) => found.extend(open.take()),
            Token::Word(word) if !word.eq_ignore_ascii_case("IN") => {
                if let Some(open) = &mut open {
                    open.is_equality = false;
                }
            }
            Token::Sign('!' | '<' | '>') => {
                if let Some(open) = &mut open {
                    open.is_equality = false;
                }
            }
            Token::Sign('[' | ']') => found.extend(open.take()),
            Token::Text(text) => {
                if let Some(open) = &mut open {
                    open.values.push(text);
                }
            }
            Token::Word(_) | Token::Sign(_) => {}
        }
    }
    found.extend(open);
    found
}

fn is_joining(word: &str) -> bool {
    ["AND", "OR", "FOLLOWEDBY"].iter().any(|joining| word.eq_ignore_ascii_case(joining))
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = pattern.chars().peekable();
    while let Some(first) = rest.next() {
        if first.is_whitespace() {
            continue;
        }
        if first == '\'' {
            tokens.push(Token::Text(quoted(&mut rest)));
            continue;
        }
        if SIGNS.contains(&first) {
            tokens.push(Token::Sign(first));
            continue;
        }
        let mut word = String::from(first);
        while let Some(next) = rest.peek().copied() {
            if next == '\'' && word.ends_with(['.', '[']) {
                rest.next();
                word.push('\'');
                word.push_str(&quoted(&mut rest));
                word.push('\'');
            } else if next.is_whitespace() || next == '\'' || SIGNS.contains(&next) {
                break;
            } else {
                rest.next();
                word.push(next);
            }
        }
        tokens.push(Token::Word(word));
    }
    tokens
}

const SIGNS: [char; 10] = ['[', ']', '(', ')', '=', '!', '<', '>', ',', ';'];

/// What stands between two quotes; a backslash takes the next character as it is.
fn quoted(rest: &mut impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    while let Some(next) = rest.next() {
        match next {
            '\'' => break,
            '\\' => text.extend(rest.next()),
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compared(pattern: &str) -> Vec<(String, bool, Vec<String>)> {
        let all = comparisons(pattern).into_iter();
        all.map(|comparison| (comparison.path, comparison.is_equality, comparison.values)).collect()
    }

    fn row(path: &str, is_equality: bool, values: &[&str]) -> (String, bool, Vec<String>) {
        (path.to_owned(), is_equality, values.iter().map(|value| (*value).to_owned()).collect())
    }

    #[test]
    fn every_comparison_is_found() {
        assert_eq!(
            compared(
                "[file:hashes.'SHA-256' = 'aa' OR (file:hashes.MD5='b\\'b' AND file:name != 'x')] FOLLOWEDBY [url:value = 'y']"
            ),
            [
                row("file:hashes.'SHA-256'", true, &["aa"]),
                row("file:hashes.MD5", true, &["b'b"]),
                row("file:name", false, &["x"]),
                row("url:value", true, &["y"]),
            ]
        );
        assert_eq!(
            compared(
                "[file:hashes.\"SHA-256\" IN ('aa', 'bb') AND file:hashes.'SHA-256' NOT IN ('cc')] REPEATS 5 TIMES"
            ),
            [
                row("file:hashes.\"SHA-256\"", true, &["aa", "bb"]),
                row("file:hashes.'SHA-256'", false, &["cc"]),
            ]
        );
        assert_eq!(compared("[file:name LIKE 'a%']"), [row("file:name", false, &["a%"])]);
        assert_eq!(compared("rule x { condition: true }"), [row("condition:", false, &[])]);
        assert!(compared("").is_empty() && compared("'a:b'").is_empty());
    }
}
