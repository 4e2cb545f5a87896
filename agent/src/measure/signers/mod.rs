//! Who is said to have signed a file, and which keys a boot loader brings.
//!
//! In: an open file that counts as an artefact. Out: edges of its entry: `security.ima` and `security.evm`, the signature
//! behind a kernel module, Authenticode signatures with the certificates beside them, and what shim's vendor built in. No
//! signature is verified: each names a key by its own word. Those of images go along whole, for the verifier to check. A signature that a file system or an IMA list keeps elsewhere
//! is not seen. Files beyond the limits have no edges but those of their attributes.

use std::fs::File;
use std::os::unix::fs::FileExt as _;

use evidence::body::Claim;
use evidence::digest::HashAlg;
use evidence::ima::ImaSignature;
use evidence::limits::{CARRIED_BYTES, LONG_TEXT_BYTES, MODULE_BYTES, MODULE_FILE_BYTES};
use evidence::manifest::{
    AUTHENTICODE_FACT, EntryFlags, SBAT_FACT, SIGNATURE_BYTES, SIGNATURES_UNREAD_FACT, carry,
};
use evidence::module::{Compression, Module, unpack};
use evidence::pe::{Image, SbatEntry, VendorKeys};
use evidence::pkcs7::SignedData;
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};
use rustix::io::Errno;

use super::details::Details;
use crate::anchors::names;
use crate::anchors::signature_lists;

/// Edges of a file's entry, sorted, none twice, and what a program of the boot says of itself. The file's offset stays where it is.
pub(crate) fn of(file: &File, name: &[u8], size: u64, flags: EntryFlags) -> Details {
    let mut edges: Vec<Edge> =
        ATTRIBUTES.iter().filter_map(|attribute| of_attribute(file, attribute)).collect();
    let mut facts = Vec::new();
    if flags.contains(EntryFlags::KERNEL_MODULE) {
        edges.extend(of_module(file, name, size));
    } else if flags.contains(EntryFlags::PE)
        && let Some(bytes) = whole(file, name, size, PE_BYTES)
        && let Ok(image) = Image::parse(&bytes)
    {
        let signatures = of_signatures(&image);
        edges.extend(signatures.edges);
        edges.extend(of_vendor_keys(&image));
        facts = image_facts(&image);
        facts.extend(signatures.carried);
        if signatures.unread {
            facts.push(Claim { key: SIGNATURES_UNREAD_FACT.to_owned(), value: "yes".to_owned() });
        }
    }
    edges.sort_unstable();
    edges.dedup();
    Details { edges, facts }
}

/// The hash by which firmware's log and its lists know an image, and shim's generations of what it is made of.
fn image_facts(image: &Image<'_>) -> Vec<Claim> {
    let fact = |key: &str, value: String| Claim { key: key.to_owned(), value };
    let mut facts = Vec::new();
    if let Ok(digest) = image.authenticode(HashAlg::Sha256) {
        facts.push(fact(AUTHENTICODE_FACT, digest.to_string()));
    }
    if let Some(entries) = image.sbat() {
        let clean =
            |text: &str| text.chars().filter(|c| c.is_ascii_graphic() && *c != ';').collect::<String>();
        let line = |entry: SbatEntry<'_>| format!("{},{}", clean(entry.component), clean(entry.generation));
        let lines: Vec<String> = entries.take(SBAT_ENTRIES).map(line).collect();
        let value = lines.join(";");
        if value.len() <= LONG_TEXT_BYTES {
            facts.push(fact(SBAT_FACT, value));
        }
    }
    facts
}

const ATTRIBUTES: [&std::ffi::CStr; 2] = [c"security.ima", c"security.evm"];

/// The key that a signature in an attribute names; a bare hash names none.
fn of_attribute(file: &File, attribute: &std::ffi::CStr) -> Option<Edge> {
    let mut value = [0_u8; ATTRIBUTE_BYTES];
    let length = match rustix::fs::fgetxattr(file, attribute, &mut value) {
        Ok(length) => length,
        Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => return None,
        Err(errno) => {
            tracing::debug!(%errno, ?attribute, "an attribute that could not be read");
            return None;
        }
    };
    attribute_edge(value.get(..length)?, attribute)
}

fn attribute_edge(value: &[u8], attribute: &std::ffi::CStr) -> Option<Edge> {
    let signature = ImaSignature::parse(value).ok()?;
    let key = Principal::new(PrincipalKind::ImaKeyId, &signature.key_id.to_be_bytes()).ok()?;
    Some(Edge::new(Relation::SignedBy, vec![key], &attribute.to_string_lossy()))
}

/// The signature stands at the end: of a module that is not compressed nothing else is read.
fn of_module(file: &File, name: &[u8], size: u64) -> Vec<Edge> {
    let mut head = [0; 6];
    let compressed = file.read_exact_at(&mut head, 0).is_ok() && Compression::of(&head).is_some();
    if compressed {
        let limit = u64::try_from(MODULE_FILE_BYTES).unwrap_or(u64::MAX);
        let Some(bytes) = whole(file, name, size, limit) else { return Vec::new() };
        return match unpack(&bytes, MODULE_BYTES) {
            Ok(bytes) => module_edges(&bytes),
            Err(error) => {
                tracing::debug!(%error, name = %name.escape_ascii(), "a module that could not be unpacked");
                Vec::new()
            }
        };
    }
    let length = size.min(MODULE_END_BYTES);
    let mut end = vec![0; usize::try_from(length).unwrap_or(0)];
    match file.read_exact_at(&mut end, size.saturating_sub(length)) {
        Ok(()) => module_edges(&end),
        Err(_) => Vec::new(),
    }
}

fn module_edges(bytes: &[u8]) -> Vec<Edge> {
    let Ok(module) = Module::parse(bytes) else { return Vec::new() };
    let Some(signature) = module.signature() else { return Vec::new() };
    match signature.signed_data() {
        Some(Ok(signed)) => of_signed(&signed),
        Some(Err(_)) => Vec::new(),
        // Kernels before 4.3: the signer is named beside the signature.
        None => {
            let id = Principal::new(PrincipalKind::SubjectKeyId, signature.key_id).ok();
            let label = String::from_utf8_lossy(signature.signer).escape_default().to_string();
            id.map(|id| Edge::new(Relation::SignedBy, vec![id], &label)).into_iter().collect()
        }
    }
}

/// What the signatures of an image name, and whether there are some that cannot be read or are too many.
#[derive(Debug, Default, PartialEq, Eq)]
struct Signatures {
    edges: Vec<Edge>,
    /// The signatures themselves.
    carried: Vec<Claim>,
    /// How many these are.
    whole: usize,
    /// Their bytes, with those of what did not fit.
    bytes: usize,
    unread: bool,
}

impl Signatures {
    /// What one file carries is bounded: its other signatures are the agent's word alone.
    fn carry(&mut self, signature: &[u8]) {
        self.bytes = self.bytes.saturating_add(signature.len());
        let parts = carry(SIGNATURE_BYTES, self.whole, signature);
        if self.bytes <= CARRIED_BYTES && !parts.is_empty() {
            self.carried.extend(parts);
            self.whole += 1;
        }
    }
}

fn of_signatures(image: &Image<'_>) -> Signatures {
    let mut found = Signatures::default();
    for (number, attached) in image.attached().enumerate() {
        // Behind what is no signature the table goes on nowhere.
        let Ok(attached) = attached else {
            found.unread = true;
            break;
        };
        match attached.signed_data() {
            Some(Ok(signed)) if number < SIGNATURES => {
                found.unread |= !reads_whole(&signed);
                found.edges.extend(of_signed(&signed));
                found.carry(signed.raw());
            }
            _ => found.unread = true,
        }
        if number >= SIGNATURES {
            break;
        }
    }
    found
}

/// Whether every signer and every nested signature is among what [`of_signed`] gives.
fn reads_whole(signed: &SignedData<'_>) -> bool {
    signed.signers().all(|signer| {
        signer.is_ok_and(|signer| {
            let mut nested = signer.nested_signatures().take(SIGNATURES + 1).enumerate();
            nested.all(|(number, nested)| number < SIGNATURES && nested.is_ok())
        })
    })
}

fn of_vendor_keys(image: &Image<'_>) -> Vec<Edge> {
    let mut edges = Vec::new();
    if let Some(vendor) = image.vendor_certificates() {
        edges.extend(of_vendor(&vendor.authorized(), Relation::Trusts));
        edges.extend(of_vendor(&vendor.deauthorized(), Relation::Revokes));
    }
    edges
}

/// Signers, certificates beside them, and the same of signatures that are nested in one.
fn of_signed(signed: &SignedData<'_>) -> Vec<Edge> {
    let mut edges = names::signers(signed);
    edges.extend(names::attached(signed));
    for signer in signed.signers().filter_map(Result::ok) {
        for nested in signer.nested_signatures().filter_map(Result::ok).take(SIGNATURES) {
            edges.extend(names::signers(&nested));
            edges.extend(names::attached(&nested));
        }
    }
    edges
}

fn of_vendor(keys: &VendorKeys<'_>, relation: Relation) -> Vec<Edge> {
    match keys {
        VendorKeys::None => Vec::new(),
        VendorKeys::Certificate(found) => vec![Edge::certificate(relation, found, KeyringUse::Kernel)],
        VendorKeys::Lists(lists) => signature_lists(lists.clone(), relation).edges,
    }
}

/// The whole content, where it is not too long.
fn whole(file: &File, name: &[u8], size: u64, limit: u64) -> Option<Vec<u8>> {
    if size > limit {
        tracing::debug!(size, name = %name.escape_ascii(), "too long to look for its signers");
        return None;
    }
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    file.read_exact_at(&mut bytes, 0).ok()?;
    Some(bytes)
}

/// An attribute with a signature: RSA-4096 has 521 bytes.
const ATTRIBUTE_BYTES: usize = 2_048;
/// The end of a module: a signature with its certificates has some KiB.
const MODULE_END_BYTES: u64 = 256 << 10;
/// A PE image that is read whole: unified kernel images have 20 to 60 MiB.
const PE_BYTES: u64 = 64 << 20;
/// Components that an image is made of; real ones name 2 to 8.
const SBAT_ENTRIES: usize = 64;
/// Signatures of one image, and nested ones of one signer. Real images have one to three.
const SIGNATURES: usize = 16;

#[cfg(test)]
mod tests;
