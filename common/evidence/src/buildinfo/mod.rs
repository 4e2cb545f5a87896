//! What a program says of its own build: the versions of Go and Rust modules and compilers in it.
//!
//! In: an ELF file, read where it lies. Out: facts, sorted by key. Only headers and the few sections that are asked for
//! are read. Nobody signs any of it: it is what the toolchain wrote, or somebody after it. Programs without it were built
//! without it; Go before 1.18, which points to it instead of holding it, is told apart and not followed.

mod go;
mod rust;

use crate::body::Claim;
use crate::elf::{Section, search};
use crate::limits::{
    COMPILERS_BYTES, ENTRY_FACTS, GO_BUILD_BYTES, RUST_DEPENDENCIES_PACKED_BYTES, SHORT_TEXT_BYTES,
};
use crate::source::Source;

/// Everything that an ELF file says of its build; nothing of what is no ELF file.
pub fn read(source: &dyn Source) -> Vec<Claim> {
    let wanted: [&[u8]; 3] = [b".go.buildinfo", b".dep-v0", b".comment"];
    let Ok([go, rust, comment]) = search(source, wanted) else { return Vec::new() };
    let bytes = |section: Option<Section>, limit: usize| {
        let section = section?;
        // A longer one is read as far as it is looked at.
        let size = section.size.min(u64::try_from(limit).unwrap_or(u64::MAX));
        source.bytes(section.offset, size, limit).ok()
    };
    let mut facts = Facts::default();
    if let Some(bytes) = bytes(go, GO_BUILD_BYTES) {
        go::read(&bytes, &mut facts);
    }
    if let Some(bytes) = bytes(rust, RUST_DEPENDENCIES_PACKED_BYTES) {
        rust::dependencies(&bytes, &mut facts);
    }
    if let Some(bytes) = bytes(comment, COMPILERS_BYTES) {
        rust::compiler(&bytes, &mut facts);
    }
    facts.finish()
}

/// Facts as they come in.
#[derive(Debug, Default)]
struct Facts {
    list: Vec<Claim>,
    /// Those that there was no room for.
    left_out: u64,
}

impl Facts {
    /// Adds a fact; key and value are cut to what a manifest holds of a short text.
    fn add(&mut self, key: &str, value: &str) {
        if self.list.len() + RESERVED >= ENTRY_FACTS {
            self.left_out += 1;
            return;
        }
        self.list.push(Claim { key: cut(key).to_owned(), value: cut(value).to_owned() });
    }

    /// Sorted; values of one key are joined.
    fn finish(mut self) -> Vec<Claim> {
        self.list.sort_unstable();
        self.list.dedup();
        self.list.dedup_by(|later, kept| {
            let same = later.key == kept.key;
            if same && kept.value.len() + later.value.len() + 2 <= JOINED_BYTES {
                kept.value.push_str(", ");
                kept.value.push_str(&later.value);
            }
            same
        });
        if self.left_out > 0 {
            let fact = Claim { key: "build.left-out".to_owned(), value: self.left_out.to_string() };
            let at = self.list.partition_point(|claim| claim.key < fact.key);
            self.list.insert(at, fact);
        }
        self.list
    }
}

/// The text as far as a short text goes.
fn cut(text: &str) -> &str {
    text.get(..text.floor_char_boundary(SHORT_TEXT_BYTES)).unwrap_or_default()
}

/// Room for the fact that says how many were left out, and for others' facts of the same file.
const RESERVED: usize = 64;
/// Values of one key, joined: several versions of one crate.
const JOINED_BYTES: usize = 1_024;

#[cfg(test)]
mod tests;
