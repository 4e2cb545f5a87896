//! Components: content-addressed manifests of the artefacts that belong together, and the state root over them.
//!
//! A component is one installed package's executables, or a directory's unowned ones. Its digest is over the
//! canonical bytes of its manifest, so equal components of many hosts are one. The package database only says
//! which files belong together; every digest in a manifest was computed from the file by the agent. A manifest
//! does not say that the files were run, nor that anybody vouches for them.

mod carried;

use crate::body::{Claim, read_claims, write_claims};
use crate::cbor::{CborError, Reader, Writer};
use crate::digest::Sha256Digest;
use crate::limits::{
    ENTRY_FACTS, LONG_TEXT_BYTES, MANIFEST_BYTES, MANIFEST_ENTRIES, PATH_BYTES, SHORT_TEXT_BYTES,
};
use crate::principal::{Edge, read_edges, write_edges};

pub use carried::{LIST_BYTES, SIGNATURE_BYTES, carried, carry, is_carried};

/// The fact of a PE image's entry that holds its Authenticode SHA-256, by which firmware's logs and lists know it.
pub const AUTHENTICODE_FACT: &str = "authenticode";
/// The fact of a PE image's entry that says that it has signatures of which its edges do not tell.
pub const SIGNATURES_UNREAD_FACT: &str = "signatures-unread";
/// The fact of a package that holds the source package that it was built from: name and version, with a space between.
pub const SOURCE_FACT: &str = "source";
/// The fact of a PE image's entry that holds its SBAT generations: `component,generation`, with semicolons between.
pub const SBAT_FACT: &str = "sbat";

/// What holds a component's artefacts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentKind {
    /// Files of one installed package.
    Package,
    /// Files of one directory that no package owns.
    Directory,
    /// Images and settings that one boot used.
    BootChain,
    /// Keys and certificates that one store trusts.
    TrustStore,
    /// Where packages come from: the archives that are configured, and who signed what was last fetched from them.
    PackageSources,
}

impl ComponentKind {
    const ALL: [Self; 5] =
        [Self::Package, Self::Directory, Self::BootChain, Self::TrustStore, Self::PackageSources];

    const fn code(self) -> u64 {
        match self {
            Self::Package => 1,
            Self::Directory => 2,
            Self::BootChain => 3,
            Self::TrustStore => 4,
            Self::PackageSources => 5,
        }
    }

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Package => "package",
            Self::Directory => "directory",
            Self::BootChain => "boot-chain",
            Self::TrustStore => "trust-store",
            Self::PackageSources => "package-sources",
        }
    }
}

/// What is known of a file beside its bytes; a set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryFlags(u32);

impl EntryFlags {
    /// ELF executable or shared object.
    pub const ELF: Self = Self(1);
    /// PE image, such as an EFI application.
    pub const PE: Self = Self(1 << 1);
    /// Script with an interpreter line and an execute bit.
    pub const SCRIPT: Self = Self(1 << 2);
    /// Kernel module.
    pub const KERNEL_MODULE: Self = Self(1 << 3);
    /// Set-user-id.
    pub const SETUID: Self = Self(1 << 4);
    /// Set-group-id.
    pub const SETGID: Self = Self(1 << 5);
    /// Carries file capabilities.
    pub const CAPABILITIES: Self = Self(1 << 6);
    /// The file changed while it was hashed each time it was tried: its digest is of no one moment.
    pub const RACED: Self = Self(1 << 7);
    /// Lies on the EFI system partition or in /boot.
    pub const BOOT_FILE: Self = Self(1 << 8);
    /// The package database lists a digest for it, and the content has another. Its absence says that no difference
    /// was found: whether and when it was looked for is in the counters.
    pub const NOT_AS_PACKAGED: Self = Self(1 << 9);
    /// A configuration file of its package: its administrator may change it.
    pub const CONFIGURATION: Self = Self(1 << 10);
    /// The kernel lets nobody write to it: fs-verity is on.
    pub const VERITY: Self = Self(1 << 11);
    /// Every flag that this version knows.
    const KNOWN: u32 = (1 << 12) - 1;

    /// The flags of both.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// The flags that are in both.
    #[must_use]
    pub const fn only(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The flags that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The set as bits, as encoded.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Words for the flags that are set, in the order of their bits.
    pub fn names(self) -> Vec<&'static str> {
        const NAMES: [(EntryFlags, &str); 12] = [
            (EntryFlags::ELF, "elf"),
            (EntryFlags::PE, "pe"),
            (EntryFlags::SCRIPT, "script"),
            (EntryFlags::KERNEL_MODULE, "kernel-module"),
            (EntryFlags::SETUID, "setuid"),
            (EntryFlags::SETGID, "setgid"),
            (EntryFlags::CAPABILITIES, "capabilities"),
            (EntryFlags::RACED, "raced"),
            (EntryFlags::BOOT_FILE, "boot-file"),
            (EntryFlags::NOT_AS_PACKAGED, "not-as-packaged"),
            (EntryFlags::CONFIGURATION, "configuration"),
            (EntryFlags::VERITY, "verity"),
        ];
        NAMES.into_iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| name).collect()
    }
}

/// One artefact of a component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// Absolute path as the host's bytes, without the leading root that the agent may look through.
    pub path: Vec<u8>,
    /// SHA-256 of the content.
    pub digest: Sha256Digest,
    /// Length of the content in bytes.
    pub size: u64,
    /// `st_mode`: type and permission bits.
    pub mode: u32,
    /// What else is known of it.
    pub flags: EntryFlags,
    /// Keys and certificates that signed it, or that it lists; sorted.
    pub edges: Vec<Edge>,
    /// What else its content says, such as the modules that a program was built from; sorted by key, no key twice.
    pub facts: Vec<Claim>,
}

/// A component's manifest; its entries are sorted by path and no path occurs twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    kind: ComponentKind,
    name: String,
    version: String,
    architecture: String,
    edges: Vec<Edge>,
    facts: Vec<Claim>,
    entries: Vec<Entry>,
}

impl Manifest {
    /// A manifest of these entries, which are sorted here with all that they list. For a directory, `name` is its
    /// path and the version and architecture are empty.
    pub fn new(
        kind: ComponentKind,
        name: String,
        version: String,
        architecture: String,
        mut entries: Vec<Entry>,
    ) -> Result<Self, ManifestError> {
        if entries.len() > MANIFEST_ENTRIES {
            return Err(ManifestError::TooManyEntries { found: entries.len() });
        }
        for entry in &mut entries {
            sort(&mut entry.edges, &mut entry.facts);
        }
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        if entries.windows(2).any(|pair| matches!(pair, [a, b] if a.path == b.path)) {
            return Err(ManifestError::PathTwice);
        }
        Self { kind, name, version, architecture, edges: Vec::new(), facts: Vec::new(), entries }.checked()
    }

    /// The same, with what is known of the component as a whole; sorted here.
    pub fn described(self, mut edges: Vec<Edge>, mut facts: Vec<Claim>) -> Result<Self, ManifestError> {
        sort(&mut edges, &mut facts);
        Self { edges, facts, ..self }.checked()
    }

    /// One set of limits: what the decoder would refuse must not be written either.
    fn checked(self) -> Result<Self, ManifestError> {
        Self::decode(&self.encode())?;
        Ok(self)
    }

    /// What holds the artefacts together.
    pub const fn kind(&self) -> ComponentKind {
        self.kind
    }

    /// The package's name, or the directory's path with invalid UTF-8 replaced.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The package's version; empty where there is none.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The package's architecture; empty where there is none.
    pub fn architecture(&self) -> &str {
        &self.architecture
    }

    /// Keys and certificates that signed the component as a whole, such as an RPM package; sorted.
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    /// What else is known of the component as a whole, sorted by key.
    pub fn facts(&self) -> &[Claim] {
        &self.facts
    }

    /// The artefacts, sorted by path.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(8).uint(1).uint(VERSION).uint(2).uint(self.kind.code());
        w.uint(3).text(&self.name).uint(4).text(&self.version).uint(5).text(&self.architecture);
        w.uint(6);
        write_edges(&mut w, &self.edges);
        w.uint(7);
        write_claims(&mut w, &self.facts);
        w.uint(8).array(self.entries.len());
        for entry in &self.entries {
            w.array(7).bytes(&entry.path).bytes(entry.digest.as_bytes()).uint(entry.size);
            w.uint(u64::from(entry.mode)).uint(u64::from(entry.flags.0));
            write_edges(&mut w, &entry.edges);
            write_claims(&mut w, &entry.facts);
        }
        w.finish()
    }

    /// Reads canonical bytes; anything else is refused, so bytes and manifest determine each other.
    pub fn decode(bytes: &[u8]) -> Result<Self, ManifestError> {
        if bytes.len() > MANIFEST_BYTES {
            return Err(ManifestError::TooLong { found: bytes.len() });
        }
        let mut r = Reader::new(bytes);
        r.map_of(8)?;
        r.key(1)?;
        let found = r.uint()?;
        if found != VERSION {
            return Err(ManifestError::Version { found });
        }
        r.key(2)?;
        let offset = r.offset();
        let code = r.uint()?;
        let kind = ComponentKind::ALL
            .into_iter()
            .find(|kind| kind.code() == code)
            .ok_or(ManifestError::UnknownKind { offset, code })?;
        r.key(3)?;
        let name = r.text(LONG_TEXT_BYTES)?.to_owned();
        r.key(4)?;
        let version = r.text(SHORT_TEXT_BYTES)?.to_owned();
        r.key(5)?;
        let architecture = r.text(SHORT_TEXT_BYTES)?.to_owned();
        r.key(6)?;
        let edges = read_edges(&mut r)?;
        r.key(7)?;
        let facts = read_claims(&mut r, ENTRY_FACTS)?;
        r.key(8)?;
        let entries = decode_entries(&mut r)?;
        r.end()?;
        Ok(Self { kind, name, version, architecture, edges, facts, entries })
    }

    /// The component's digest: over a domain tag and the canonical bytes.
    pub fn digest(&self) -> Sha256Digest {
        component_digest(&self.encode())
    }
}

/// The digest of the component whose manifest has these canonical bytes.
pub fn component_digest(manifest: &[u8]) -> Sha256Digest {
    Sha256Digest::of(&[b"lydian/component/v1\0", manifest])
}

/// The Merkle root over a host's component digests, which must rise strictly; `None` where they do not.
//= RFC 6962 §2.1: leaves and nodes are hashed with the prefixes 0x00 and 0x01
pub fn state_root<'a>(components: impl IntoIterator<Item = &'a Sha256Digest>) -> Option<Sha256Digest> {
    let mut last: Option<&Sha256Digest> = None;
    // Roots of complete subtrees, largest first, each with its number of leaves: at most 64 of them.
    let mut right_edge: Vec<(u64, Sha256Digest)> = Vec::new();
    for component in components {
        if last.is_some_and(|last| last >= component) {
            return None;
        }
        last = Some(component);
        let mut subtree = (1, Sha256Digest::of(&[&[0], component.as_bytes()]));
        while let Some((leaves, left)) = right_edge.pop_if(|(leaves, _)| *leaves == subtree.0) {
            subtree = (leaves * 2, node(&left, &subtree.1));
        }
        right_edge.push(subtree);
    }
    let root = right_edge.into_iter().map(|(_, root)| root).rev().reduce(|right, left| node(&left, &right));
    Some(root.unwrap_or_else(|| Sha256Digest::of(&[])))
}

/// Why bytes or parts are not a manifest.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestError {
    /// Not the canonical encoding.
    #[error("manifest: {0}")]
    Encoding(#[from] CborError),
    /// More bytes than any component has.
    #[error("manifest of {found} bytes; the limit is {MANIFEST_BYTES}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// More entries than any component has.
    #[error("manifest of {found} entries; the limit is {MANIFEST_ENTRIES}")]
    TooManyEntries {
        /// The number found.
        found: usize,
    },
    /// A version of the format that this one does not know.
    #[error("manifest of version {found}; this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u64,
    },
    /// A kind of component that this version does not know.
    #[error("manifest: at byte {offset}: unknown kind of component {code}")]
    UnknownKind {
        /// Where it stands.
        offset: usize,
        /// What was found.
        code: u64,
    },
    /// Flags that this version does not know.
    #[error("manifest: at byte {offset}: unknown flags {bits:#x}")]
    UnknownFlags {
        /// Where they stand.
        offset: usize,
        /// What was found.
        bits: u32,
    },
    /// The same path in two entries.
    #[error("manifest: a path occurs twice")]
    PathTwice,
}

/// 2: principals and facts of entries and components, in the place of digests of signers.
const VERSION: u64 = 2;
/// The shortest entry: heads, an empty path, a digest and small numbers.
const ENTRY_BYTES: usize = 41;

fn sort(edges: &mut Vec<Edge>, facts: &mut [Claim]) {
    edges.sort_unstable();
    edges.dedup();
    facts.sort_unstable();
}

fn decode_entries(r: &mut Reader<'_>) -> Result<Vec<Entry>, ManifestError> {
    let count = r.array(MANIFEST_ENTRIES)?;
    // Not the count, which a hostile manifest may lie about, but what the bytes can hold of the shortest entries.
    let mut entries: Vec<Entry> = Vec::with_capacity(count.min(r.left() / ENTRY_BYTES));
    for _ in 0..count {
        let offset = r.offset();
        let entry = decode_entry(r)?;
        if entries.last().is_some_and(|last| last.path >= entry.path) {
            return Err(CborError::Order { offset }.into());
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn decode_entry(r: &mut Reader<'_>) -> Result<Entry, ManifestError> {
    r.array_of(7)?;
    let path = r.bytes(PATH_BYTES)?.to_vec();
    let digest = Sha256Digest::new(r.array_bytes()?);
    let size = r.uint()?;
    let mode = r.u32()?;
    let offset = r.offset();
    let bits = r.u32()?;
    if bits & !EntryFlags::KNOWN != 0 {
        return Err(ManifestError::UnknownFlags { offset, bits });
    }
    let edges = read_edges(r)?;
    let facts = read_claims(r, ENTRY_FACTS)?;
    Ok(Entry { path, digest, size, mode, flags: EntryFlags(bits), edges, facts })
}

/// Reads an array of digests that rise strictly.
pub(crate) fn rising_digests(r: &mut Reader<'_>, limit: usize) -> Result<Vec<Sha256Digest>, CborError> {
    let count = r.array(limit)?;
    let mut digests: Vec<Sha256Digest> = Vec::with_capacity(count.min(r.left() / 34));
    for _ in 0..count {
        let offset = r.offset();
        let digest = Sha256Digest::new(r.array_bytes()?);
        if digests.last().is_some_and(|last| *last >= digest) {
            return Err(CborError::Order { offset });
        }
        digests.push(digest);
    }
    Ok(digests)
}

fn node(left: &Sha256Digest, right: &Sha256Digest) -> Sha256Digest {
    Sha256Digest::of(&[&[1], left.as_bytes(), right.as_bytes()])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::principal::{Principal, Relation};

    fn entry(path: &str) -> Entry {
        Entry {
            path: path.into(),
            digest: Sha256Digest::of(&[path.as_bytes()]),
            size: 7,
            mode: 0o100_755,
            flags: EntryFlags::ELF,
            edges: vec![],
            facts: vec![],
        }
    }

    fn package(entries: Vec<Entry>) -> Result<Manifest, ManifestError> {
        Manifest::new(ComponentKind::Package, "coreutils".into(), "9.1-1".into(), "amd64".into(), entries)
    }

    #[test]
    fn order_of_entries_does_not_matter() {
        let one = package(vec![entry("/bin/a"), entry("/bin/b")]).unwrap();
        let other = package(vec![entry("/bin/b"), entry("/bin/a")]).unwrap();
        assert_eq!(one.digest(), other.digest());
    }

    #[test]
    fn every_field_is_in_the_digest() {
        let base = entry("/bin/a");
        let digest = |entry: Entry| package(vec![entry]).unwrap().digest();
        let changed = [
            Entry { path: b"/bin/c".to_vec(), ..base.clone() },
            Entry { digest: Sha256Digest::of(&[b"other"]), ..base.clone() },
            Entry { size: 8, ..base.clone() },
            Entry { mode: 0o104_755, ..base.clone() },
            Entry { flags: EntryFlags::ELF.with(EntryFlags::SETUID), ..base.clone() },
            Entry {
                edges: vec![Edge::new(Relation::SignedBy, vec![Principal::ssh(b"key")], "")],
                ..base.clone()
            },
            Entry { facts: vec![Claim { key: "go".into(), value: "1".into() }], ..base.clone() },
        ];
        for entry in changed {
            assert_ne!(digest(entry.clone()), digest(base.clone()), "{entry:?}");
        }
    }

    #[test]
    fn a_path_twice_is_refused() {
        assert_eq!(package(vec![entry("/bin/a"), entry("/bin/a")]), Err(ManifestError::PathTwice));
    }

    #[test]
    fn unsorted_or_padded_bytes_are_refused() {
        let bytes = package(vec![entry("/bin/a"), entry("/bin/b")]).unwrap().encode();
        let swapped: Vec<u8> = {
            let text = bytes.clone();
            let (a, b) = (find(&text, b"/bin/a"), find(&text, b"/bin/b"));
            let mut out = text;
            out[a + 5] = b'b';
            out[b + 5] = b'a';
            out
        };
        assert!(matches!(Manifest::decode(&swapped), Err(ManifestError::Encoding(CborError::Order { .. }))));
        let padded = [bytes, vec![0]].concat();
        assert!(matches!(
            Manifest::decode(&padded),
            Err(ManifestError::Encoding(CborError::Trailing { .. }))
        ));
    }

    fn find(haystack: &[u8], needle: &[u8]) -> usize {
        haystack.windows(needle.len()).position(|window| window == needle).unwrap()
    }

    #[test]
    fn state_root_is_rfc_6962() {
        let digests: Vec<_> = (0..3_u8).map(|n| Sha256Digest::new([n; 32])).collect();
        let leaf = |d: &Sha256Digest| Sha256Digest::of(&[&[0], d.as_bytes()]);
        let expected = node(&node(&leaf(&digests[0]), &leaf(&digests[1])), &leaf(&digests[2]));
        assert_eq!(state_root(&digests), Some(expected));
        assert_eq!(state_root(&[]), Some(Sha256Digest::of(&[])));
    }

    #[test]
    fn state_root_refuses_disorder() {
        let (low, high) = (Sha256Digest::new([0; 32]), Sha256Digest::new([1; 32]));
        assert_eq!(state_root(&[high, low]), None);
        assert_eq!(state_root(&[low, low]), None);
    }

    prop_compose! {
        fn any_entry()(
            path in proptest::collection::vec(any::<u8>(), 1..40),
            digest in any::<[u8; 32]>(),
            size in any::<u64>(),
            mode in any::<u32>(),
            bits in 0..=EntryFlags::KNOWN,
            keys in proptest::collection::vec(any::<[u8; 4]>(), 0..3),
        ) -> Entry {
            let edges = keys.iter().map(|key| Edge::new(Relation::SignedBy, vec![Principal::ssh(key)], "key"));
            let facts = keys.first().map(|key| Claim { key: "key".into(), value: format!("{key:?}") });
            let (edges, facts) = (edges.collect(), facts.into_iter().collect());
            Entry { path, digest: Sha256Digest::new(digest), size, mode, flags: EntryFlags(bits), edges, facts }
        }
    }

    proptest! {
        #[test]
        fn decode_of_encode_is_identity(entries in proptest::collection::vec(any_entry(), 0..20)) {
            if let Ok(manifest) = package(entries) {
                prop_assert_eq!(Manifest::decode(&manifest.encode()), Ok(manifest));
            }
        }

        #[test]
        fn bytes_that_decode_are_canonical(mut bytes in Just(package(vec![entry("/a"), entry("/b")]).unwrap().encode()), at in any::<prop::sample::Index>(), to in any::<u8>()) {
            let at = at.index(bytes.len());
            bytes[at] = to;
            if let Ok(manifest) = Manifest::decode(&bytes) {
                prop_assert_eq!(manifest.encode(), bytes);
            }
        }
    }
}
