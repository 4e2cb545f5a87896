//! Which hosts are asked about: by name, and by labels that operators gave them.
//!
//! In: text such as `web-*,env=prod`. Out: terms, all of which must hold. A label is an operator's word, and no evidence.

use std::fmt;
use std::str::FromStr;

use crate::limits::{LABEL_KEY_BYTES, LABEL_VALUE_BYTES};
use crate::subject::{Glob, SubjectError};

/// Hosts that fit every term.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector(Vec<Term>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Term {
    Name(Glob),
    Label { key: String, value: Glob },
}

impl Selector {
    /// Whether a host of this name fits, whose labels are told by their keys.
    pub fn matches<'l>(&self, name: &str, label: impl Fn(&str) -> Option<&'l str>) -> bool {
        self.0.iter().all(|term| match term {
            Term::Name(pattern) => pattern.matches(name.as_bytes()),
            Term::Label { key, value } => label(key).is_some_and(|label| value.matches(label.as_bytes())),
        })
    }

    /// Whether a host of this name may fit, whatever its labels.
    pub fn takes_name(&self, name: &str) -> bool {
        self.0.iter().all(|term| match term {
            Term::Name(pattern) => pattern.matches(name.as_bytes()),
            Term::Label { .. } => true,
        })
    }
}

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let terms = text.split(',').map(|term| match term.split_once('=') {
            Some((key, value)) => {
                check_key(key)?;
                let value = value.parse().map_err(SelectorError::Pattern)?;
                Ok(Term::Label { key: key.to_owned(), value })
            }
            None if term.is_empty() => Err(SelectorError::Empty),
            None => term.parse().map(Term::Name).map_err(SelectorError::Pattern),
        });
        terms.collect::<Result<_, _>>().map(Self)
    }
}

/// A label as operators give it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// What it says something about.
    pub key: String,
    /// What it says.
    pub value: String,
}

impl Label {
    /// A label of these words.
    pub fn new(key: &str, value: &str) -> Result<Self, SelectorError> {
        check_key(key)?;
        let is_plain = |c: char| c.is_ascii_graphic() && !matches!(c, ',' | '=' | '*' | '?' | '[' | '\\');
        if value.is_empty() || value.len() > LABEL_VALUE_BYTES || !value.chars().all(is_plain) {
            return Err(SelectorError::Value);
        }
        Ok(Self { key: key.to_owned(), value: value.to_owned() })
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

/// Keys begin with a letter.
pub fn check_key(key: &str) -> Result<(), SelectorError> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    let begins = key.starts_with(|c: char| c.is_ascii_lowercase());
    if begins && key.len() <= LABEL_KEY_BYTES && key.chars().all(is_plain) {
        Ok(())
    } else {
        Err(SelectorError::Key)
    }
}

/// Why hosts or labels are not named so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorError {
    /// Nothing before, between or behind commas.
    #[error("hosts are chosen by a pattern of their names and by labels, KEY=VALUE, with commas between")]
    Empty,
    /// Not a pattern.
    #[error("a pattern of hosts: {0}")]
    Pattern(SubjectError),
    /// Not a key.
    #[error(
        "a label's key has up to {LABEL_KEY_BYTES} lower-case letters, digits, dots, dashes and underscores, a letter first"
    )]
    Key,
    /// Not a value.
    #[error(
        "a label's value has up to {LABEL_VALUE_BYTES} printable characters without spaces, commas, = * ? [ and \\\\"
    )]
    Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_term_must_hold() {
        let labels = [("env", "prod"), ("role", "web")];
        let label = |key: &str| labels.iter().find(|(known, _)| *known == key).map(|(_, value)| *value);
        let fits = |text: &str| text.parse::<Selector>().unwrap().matches("web-1", label);
        assert!(fits("web-*") && fits("web-1") && !fits("db-*"));
        assert!(fits("env=prod") && fits("env=pr*,role=web") && fits("web-?,env=prod"));
        assert!(!fits("env=test") && !fits("rack=1") && !fits("db-*,env=prod") && !fits("env=prod,role=db"));
        let maybe = |text: &str| text.parse::<Selector>().unwrap().takes_name("web-1");
        assert!(maybe("env=test") && maybe("web-*,env=test") && !maybe("db-*,env=test"));
    }

    #[test]
    fn what_is_no_selector_or_label_is_told() {
        let fails = |text: &str| text.parse::<Selector>().unwrap_err();
        assert_eq!(fails(""), SelectorError::Empty);
        assert_eq!(fails("env=prod,"), SelectorError::Empty);
        assert_eq!(fails("Env=prod"), SelectorError::Key);
        assert_eq!(fails("=prod"), SelectorError::Key);
        assert!(matches!(fails("env=[a"), SelectorError::Pattern(_)));
        assert_eq!(Label::new("env", "prod/eu").unwrap().to_string(), "env=prod/eu");
        for value in ["", "a b", "a,b", "a=b", "a*", &"a".repeat(LABEL_VALUE_BYTES + 1)] {
            assert_eq!(Label::new("env", value), Err(SelectorError::Value), "{value}");
        }
        assert_eq!(Label::new(&"k".repeat(LABEL_KEY_BYTES + 1), "v"), Err(SelectorError::Key));
    }
}
