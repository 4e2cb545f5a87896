//! What the kernel trusts: its keyrings, and certificates that are loaded into them from files.
//!
//! In: `/proc/keys`, `/etc/keys`, certificates of machines' owners, and IMA's list. Out: components. `/proc/keys` says neither
//! which keyring a key is in nor more of it than its description; the certificates that IMA measured are whole, with
//! their keyring, and as true as the list that they stand in.

use std::io::Read;

use evidence::ima::{ImaError, ImaStream, MeasuredBuffer, StreamItem};
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};
use evidence::settings::{KernelKey, kernel_keys};
use evidence::x509::Certificate;

use super::draft::{Draft, text};
use super::forms;
use super::limits::CHUNK_BYTES;
use super::look::Look;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let mut drafts: Vec<Draft> = keyrings(look).into_iter().collect();
    for (name, directory, endings) in CERTIFICATES {
        let mut draft = Draft::store(format!("certificates:{name}"));
        for path in look.with_endings(directory, endings) {
            if let Some(found) = look.read(path) {
                draft.add(found, |bytes| forms::certificates(bytes, Relation::Trusts, KeyringUse::Kernel));
            }
        }
        drafts.push(draft);
    }
    drafts
}

/// Where certificates lie that are loaded into keyrings, or whose keys sign modules and images on the machine itself.
const CERTIFICATES: [(&str, &str, &[&str]); 7] = [
    ("ima", "/etc/keys", &[".der", ".x509", ".pem", ".crt", ".cer"]),
    ("ima-directory", "/etc/keys/ima", &[".der", ".x509", ".pem", ".crt", ".cer"]),
    ("mok", "/var/lib/shim-signed/mok", &[".der", ".pem", ".crt", ".cer"]),
    ("dkms", "/var/lib/dkms", &[".pub", ".der", ".pem", ".crt", ".cer"]),
    ("sbctl-pk", "/var/lib/sbctl/keys/PK", &[".pem", ".crt", ".cer", ".der"]),
    ("sbctl-kek", "/var/lib/sbctl/keys/KEK", &[".pem", ".crt", ".cer", ".der"]),
    ("sbctl-db", "/var/lib/sbctl/keys/db", &[".pem", ".crt", ".cer", ".der"]),
];

/// The file's own digest is not kept: keys of users come and go in it.
fn keyrings(look: &mut Look<'_>) -> Option<Draft> {
    let found = look.read("/proc/keys")?;
    let mut draft = Draft::store("kernel:keyrings");
    let whole = &mut draft.whole;
    whole.fact("keyring-of-a-key", "not shown by /proc/keys");
    for key in kernel_keys(&found.bytes.unwrap_or_default()) {
        match key {
            Ok(key) if key.kind == b"keyring" && KEYRINGS.contains(&key.description) => {
                whole.fact(&format!("keyring {}", text(key.description)), text(key.summary));
            }
            Ok(key) => whole.edges.extend(edge(&key)),
            Err(error) => whole.fact("unparsed", error),
        }
    }
    Some(draft)
}

/// Keyrings of the kernel itself, not of its users.
const KEYRINGS: [&[u8]; 11] = [
    b".builtin_trusted_keys",
    b".secondary_trusted_keys",
    b".machine",
    b".platform",
    b".ima",
    b".evm",
    b"_ima",
    b"_evm",
    b".blacklist",
    b".fs-verity",
    b".dm-verity",
];

fn edge(key: &KernelKey<'_>) -> Option<Edge> {
    match key.kind {
        b"asymmetri" | b"asymmetric" => asymmetric(key),
        b"blacklist" => blacklisted(key),
        _ => None,
    }
}

fn asymmetric(key: &KernelKey<'_>) -> Option<Edge> {
    let end = key.id_end()?;
    let mut principals = vec![Principal::new(PrincipalKind::ImaKeyId, &end).ok()?];
    // Kernels describe a certificate by its subject key identifier, or by its serial number where it has none.
    let whole = key
        .id_text()
        .and_then(|id| hex::decode(id).ok())
        .filter(|id| id.ends_with(&end) && id.len() > end.len());
    principals.extend(whole.and_then(|id| Principal::new(PrincipalKind::SubjectKeyId, &id).ok()));
    Some(Edge::new(Relation::Trusts, principals, &text(key.subject())))
}

//= Linux certs/blacklist.c: "tbs:" and "bin:" before a hash
fn blacklisted(key: &KernelKey<'_>) -> Option<Edge> {
    let (kind, hash) = key.description.split_at_checked(4)?;
    let hash = hex::decode(hash).ok()?;
    let kind = match kind {
        b"tbs:" => PrincipalKind::Tbs,
        b"bin:" => PrincipalKind::Image,
        _ => return None,
    };
    Some(Edge::new(Relation::Revokes, vec![Principal::new(kind, &hash).ok()?], ""))
}

/// A keyring's certificates that IMA measured when they were loaded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MeasuredKey {
    /// The keyring, as the kernel named it.
    pub keyring: Vec<u8>,
    /// The certificate under its names.
    pub edge: Edge,
}

/// The certificates that an IMA list says were loaded, in their order; a list that is damaged gives those before the
/// damage, and the error. A policy that measures `KEY_CHECK` has to be in force for there to be any.
pub fn ima_keys(mut list: impl Read) -> Result<(Vec<MeasuredKey>, Option<ImaError>), std::io::Error> {
    let (mut keys, mut stream) = (Vec::new(), ImaStream::new());
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        let count = match list.read(&mut chunk) {
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let outcome = match chunk.get(..count) {
            None | Some([]) => stream.finish(|item| keys.extend(measured(&item))),
            Some(bytes) => stream.push(bytes, |item| keys.extend(measured(&item))),
        };
        if count == 0 || outcome.is_err() {
            return Ok((keys, outcome.err()));
        }
    }
}

fn measured(item: &StreamItem<'_>) -> Option<MeasuredKey> {
    let StreamItem::Record(record) = item else { return None };
    let fields = record.fields().ok()?;
    let MeasuredBuffer::Key { keyring, certificate } = MeasuredBuffer::of(&fields)? else { return None };
    let certificate = Certificate::parse(certificate).ok()?;
    let edge = Edge::certificate(Relation::Trusts, &certificate, KeyringUse::Kernel);
    Some(MeasuredKey { keyring: keyring.to_vec(), edge })
}
