//! What the bytes that manifests carry say by themselves, whoever sent them.
//!
//! In: a manifest. Out: lists of keys under the hashes that a quoted log may have of them, and which keys' signatures over a boot image hold. An agent
//! that lies can leave such bytes out, and cannot make any that say something else: a list is what its hash is of, and a signature holds or does not.

use std::collections::BTreeMap;

use appraisal::signed_data::{chain, included, verify_included};
use evidence::digest::HashAlg;
use evidence::efi::SignatureLists;
use evidence::manifest::{LIST_BYTES, Manifest, SIGNATURE_BYTES, carried};
use evidence::pe::IndirectData;
use evidence::pkcs7::SignedData;
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};

use crate::limits::{NESTED_SIGNATURES, SIGNATURES_CHECKED};

/// A list of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyList {
    /// Its hashes, as a log of each bank may have one.
    pub digests: Vec<Vec<u8>>,
    /// Its entries; whether they are trusted or revoked says the list's name in the log.
    pub edges: Vec<Edge>,
    /// Whether every entry has a name.
    pub whole: bool,
}

impl KeyList {
    /// Of a list's contents.
    pub fn new(contents: &[u8]) -> Self {
        const BANKS: [HashAlg; 3] = [HashAlg::Sha256, HashAlg::Sha384, HashAlg::Sha512];
        let digests = BANKS.map(|bank| bank.hash(&[contents]).as_bytes().to_vec()).to_vec();
        let (mut edges, mut whole) = (Vec::new(), true);
        for list in SignatureLists::new(contents) {
            let Ok(list) = list else {
                whole = false;
                break;
            };
            for entry in list.entries() {
                match Edge::signature_entry(Relation::Trusts, &entry) {
                    Some(edge) => edges.push(edge),
                    None => whole = false,
                }
            }
        }
        edges.sort_unstable();
        edges.dedup();
        Self { digests, edges, whole }
    }
}

/// The lists that a manifest carries.
pub fn key_lists(manifest: &Manifest) -> Vec<KeyList> {
    let entries = manifest.entries().iter();
    entries.flat_map(|entry| carried(&entry.facts, LIST_BYTES)).map(|bytes| KeyList::new(&bytes)).collect()
}

/// Boot images, by their Authenticode SHA-256, of which a manifest carries signatures that hold: who signed, and who issued the signers' certificates as
/// far as those are beside them.
pub fn image_signers(manifest: &Manifest) -> BTreeMap<Principal, Vec<Edge>> {
    let mut found: BTreeMap<Principal, Vec<Edge>> = BTreeMap::new();
    let signatures = manifest.entries().iter().flat_map(|entry| carried(&entry.facts, SIGNATURE_BYTES));
    for bytes in signatures.take(SIGNATURES_CHECKED) {
        let Ok(signed) = SignedData::parse(&bytes) else { continue };
        check(&signed, &mut found);
        let signers = signed.signers().filter_map(Result::ok);
        let nested = signers.flat_map(|signer| signer.nested_signatures().filter_map(Result::ok));
        for nested in nested.take(NESTED_SIGNATURES) {
            check(&nested, &mut found);
        }
    }
    for edges in found.values_mut() {
        edges.sort_unstable();
        edges.dedup();
    }
    found
}

/// Adds those of a signature that hold.
fn check(signed: &SignedData<'_>, found: &mut BTreeMap<Principal, Vec<Edge>>) {
    let Ok(content) = IndirectData::of(signed) else { return };
    if content.algorithm().hash() != Some(HashAlg::Sha256) {
        return;
    }
    let Ok(image) = Principal::new(PrincipalKind::Image, content.digest()) else { return };
    let certificates = included(signed);
    for signer in signed.signers().filter_map(Result::ok).take(NESTED_SIGNATURES) {
        let Ok(verified) = verify_included(signed, &signer, &certificates) else { continue };
        let path = chain(verified.certificate(), &certificates);
        let edge = |certificate| Edge::certificate(Relation::SignedBy, certificate, KeyringUse::None);
        found.entry(image.clone()).or_default().extend(path.certificates().iter().map(edge));
    }
}
