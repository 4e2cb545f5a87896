//! A component while it is put together.
//!
//! In: files that were read, what they yield, facts. Out: a manifest that keeps to the format's limits: what does not fit is
//! counted in a fact, never dropped in silence.

use std::collections::BTreeMap;
use std::fmt::Display;

use evidence::body::Claim;
use evidence::limits::{ENTRY_EDGES, ENTRY_FACTS, LONG_TEXT_BYTES, SHORT_TEXT_BYTES};
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest, ManifestError, carry};
use evidence::principal::Edge;

use super::root::Found;

/// What a file's content says.
#[derive(Debug, Default)]
pub(crate) struct Yield {
    pub(crate) edges: Vec<Edge>,
    pub(crate) facts: BTreeMap<String, String>,
}

impl Yield {
    /// Nothing, and why.
    pub(crate) fn unparsed(why: impl Display) -> Self {
        let mut nothing = Self::default();
        nothing.fact("unparsed", why);
        nothing
    }

    /// Sets a fact; the first of a name stands.
    pub(crate) fn fact(&mut self, key: &str, value: impl Display) {
        let value = format!("{value}");
        self.facts.entry(clean(key, SHORT_TEXT_BYTES)).or_insert_with(|| clean(&value, LONG_TEXT_BYTES));
    }

    /// Has the bytes themselves go along, where they are not too long.
    pub(crate) fn carry(&mut self, kind: &str, bytes: &[u8]) {
        self.facts.extend(carry(kind, 0, bytes).into_iter().map(|fact| (fact.key, fact.value)));
    }

    pub(crate) fn with(mut self, other: Self) -> Self {
        self.edges.extend(other.edges);
        for (key, value) in other.facts {
            self.facts.entry(key).or_insert(value);
        }
        self
    }
}

/// A component.
#[derive(Debug)]
pub(crate) struct Draft {
    kind: ComponentKind,
    pub(crate) name: String,
    entries: BTreeMap<Vec<u8>, Entry>,
    /// What is known of the component as a whole.
    pub(crate) whole: Yield,
}

impl Draft {
    pub(crate) fn store(name: impl Into<String>) -> Self {
        Self::of(ComponentKind::TrustStore, name.into())
    }

    pub(crate) fn sources(name: &str) -> Self {
        Self::of(ComponentKind::PackageSources, name.to_owned())
    }

    fn of(kind: ComponentKind, name: String) -> Self {
        Self { kind, name, entries: BTreeMap::new(), whole: Yield::default() }
    }

    /// Adds a file once, under its real path; another name for it adds nothing.
    pub(crate) fn add(&mut self, found: Found, read: impl FnOnce(&[u8]) -> Yield) {
        let Found { path, bytes, digest, size, mode, raced } = found;
        if self.entries.contains_key(&path) {
            return;
        }
        let yielded = match bytes {
            Some(bytes) => read(&bytes),
            None => Yield::unparsed("longer than what is parsed"),
        };
        let flags = if raced { EntryFlags::RACED } else { EntryFlags::default() };
        let (edges, facts) = parts(yielded);
        self.entries.insert(path.clone(), Entry { path, digest, size, mode, flags, edges, facts });
    }

    /// Whether no file was added.
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The manifest; `None` where there is nothing in it.
    pub(crate) fn finish(self) -> Option<Result<Manifest, ManifestError>> {
        let (edges, facts) = parts(self.whole);
        if self.entries.is_empty() && edges.is_empty() && facts.is_empty() {
            return None;
        }
        let entries = self.entries.into_values().collect();
        let manifest = Manifest::new(self.kind, self.name, String::new(), String::new(), entries);
        Some(manifest.and_then(|manifest| manifest.described(edges, facts)))
    }
}

/// Sorted, none twice, and no more than fit.
fn parts(mut yielded: Yield) -> (Vec<Edge>, Vec<Claim>) {
    let mut edges = std::mem::take(&mut yielded.edges);
    edges.sort_unstable();
    edges.dedup();
    if edges.len() > ENTRY_EDGES {
        yielded.fact("left-out", format!("{} keys", edges.len().saturating_sub(ENTRY_EDGES)));
        edges.truncate(ENTRY_EDGES);
    }
    let over = yielded.facts.len().saturating_sub(ENTRY_FACTS);
    if over > 0 {
        while yielded.facts.len() >= ENTRY_FACTS {
            yielded.facts.pop_last();
        }
        yielded.fact("facts-left-out", over.saturating_add(1));
    }
    let facts = yielded.facts.into_iter().map(|(key, value)| Claim { key, value }).collect();
    (edges, facts)
}

/// Text that cannot forge a line of output, cut to what a manifest holds.
pub(crate) fn clean(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    for char in text.chars() {
        if char.is_control() {
            out.extend(char.escape_default());
        } else {
            out.push(char);
        }
        if out.len() > most {
            break;
        }
    }
    out.truncate(out.floor_char_boundary(most));
    out
}

/// The same of bytes.
pub(crate) fn text(bytes: &[u8]) -> String {
    clean(&String::from_utf8_lossy(bytes), LONG_TEXT_BYTES)
}

/// An address without a user's name and password.
pub(crate) fn address(bytes: &[u8]) -> String {
    let text = text(bytes);
    let Some((scheme, rest)) = text.split_once("://") else { return text };
    let (host, path) = rest.split_at_checked(rest.find('/').unwrap_or(rest.len())).unwrap_or((rest, ""));
    match host.rsplit_once('@') {
        Some((_secret, host)) => format!("{scheme}://…@{host}{path}"),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_forge_and_addresses_keep_no_passwords() {
        assert_eq!(text(b"a\nb\xff"), "a\\nb\u{fffd}");
        assert_eq!(clean(&"ä".repeat(300), SHORT_TEXT_BYTES).len(), SHORT_TEXT_BYTES);
        assert_eq!(address(b"https://u:p@x/y@z"), "https://…@x/y@z");
        assert_eq!(address(b"file:///a@b"), "file:///a@b");
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut whole = Yield::default();
        (0..ENTRY_FACTS + 10).for_each(|n| whole.fact(&format!("{n:05}"), ""));
        let (_, facts) = parts(whole);
        assert_eq!(facts.len(), ENTRY_FACTS);
        assert_eq!(facts.last().map(|fact| fact.value.as_str()), Some("11"));
        let draft = Draft { whole: Yield::unparsed("x"), ..Draft::store("a") };
        assert!(draft.finish().unwrap().is_ok());
        assert!(Draft::store("a").finish().is_none());
    }
}
