//! Certificate authorities that programs of the host trust.
//!
//! In: directories and bundles where distributions keep them. Out: a component for each. A certificate that several links
//! lead to is one entry, at its real path. A program can bring authorities of its own; those are not here.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use evidence::principal::{KeyringUse, Relation};

use super::draft::{Draft, Yield};
use super::forms;
use super::look::Look;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let mut drafts =
        vec![hashed_directory(look, "/etc/ssl/certs"), hashed_directory(look, "/etc/pki/tls/certs")];
    for file in BUNDLES {
        let mut draft = Draft::store(format!("ca:{file}"));
        if let Some(found) = look.read(file) {
            draft.add(found, authorities);
        }
        drafts.push(draft);
    }
    for (tree, relation) in TREES {
        let mut draft = Draft::store(format!("ca:{tree}"));
        for path in look.tree(tree) {
            if let Some(found) = look.read(&path) {
                draft.add(found, |bytes| by_name(&path, bytes, relation));
            }
        }
        drafts.push(draft);
    }
    let mut java = Draft::store("ca:java");
    for file in JAVA {
        if let Some(found) = look.read(file) {
            java.add(found, java_store);
        }
    }
    drafts.push(java);
    drafts
}

const BUNDLES: [&str; 3] =
    ["/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem"];

const TREES: [(&str, Relation); 7] = [
    ("/usr/local/share/ca-certificates", Relation::Trusts),
    ("/etc/pki/ca-trust/source/anchors", Relation::Trusts),
    ("/etc/pki/ca-trust/source/blocklist", Relation::Revokes),
    ("/etc/pki/ca-trust/source/blacklist", Relation::Revokes),
    ("/etc/pki/ca-trust/extracted/pem", Relation::Trusts),
    ("/etc/pki/ca-trust/extracted/openssl", Relation::Trusts),
    ("/etc/ca-certificates/trust-source", Relation::Trusts),
];

const JAVA: [&str; 4] = [
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
    "/etc/ssl/ca-certificates/java/cacerts",
];

/// A directory of certificates and of links to them by the hashes of their subjects.
fn hashed_directory(look: &mut Look<'_>, directory: &str) -> Draft {
    let mut draft = Draft::store(format!("ca:{directory}"));
    let mut others = 0_usize;
    for path in look.list(directory) {
        if BUNDLES.iter().any(|bundle| path == Path::new(bundle)) || path.ends_with("java") {
            continue;
        }
        if !is_certificate_name(&path) {
            others = others.saturating_add(1);
            continue;
        }
        if let Some(found) = look.read(&path) {
            draft.add(found, authorities);
        }
    }
    if others > 0 {
        draft.whole.fact("other-files", others);
    }
    draft
}

/// A certificate's file, or a hashed name such as `5ad8a5d6.0`.
fn is_certificate_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let hashed = matches!(name.split_at_checked(8), Some((hash, [b'.', digits @ ..]))
        if hash.iter().all(u8::is_ascii_hexdigit) && !digits.is_empty() && digits.iter().all(u8::is_ascii_digit));
    hashed || [b".pem".as_slice(), b".crt", b".cer", b".der"].iter().any(|end| name.ends_with(end))
}

fn authorities(bytes: &[u8]) -> Yield {
    forms::certificates(bytes, Relation::Trusts, KeyringUse::None)
}

/// `*.p11-kit` files have certificates among other objects; their PEM blocks are read.
fn by_name(path: &Path, bytes: &[u8], relation: Relation) -> Yield {
    let is_text = path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"README"));
    if is_text {
        Yield::unparsed("a text about the directory")
    } else {
        forms::certificates(bytes, relation, KeyringUse::None)
    }
}

fn java_store(_: &[u8]) -> Yield {
    Yield::unparsed("a store of Java")
}
