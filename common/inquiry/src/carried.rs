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

use crate::limits::SIGNERS_CHECKED;

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
    let mut signers = Signers { found: BTreeMap::new(), left: SIGNERS_CHECKED };
    for bytes in manifest.entries().iter().flat_map(|entry| carried(&entry.facts, SIGNATURE_BYTES)) {
        signers.read(&bytes);
    }
    signers.finish()
}

/// The same of one signature, with those that are nested in it.
pub fn signers_of(signature: &[u8]) -> BTreeMap<Principal, Vec<Edge>> {
    let mut signers = Signers { found: BTreeMap::new(), left: SIGNERS_CHECKED };
    signers.read(signature);
    signers.finish()
}

struct Signers {
    found: BTreeMap<Principal, Vec<Edge>>,
    /// How many more are checked.
    left: usize,
}

impl Signers {
    fn read(&mut self, signature: &[u8]) {
        let Ok(signed) = SignedData::parse(signature) else { return };
        self.check(&signed);
        for signer in signed.signers().filter_map(Result::ok) {
            for nested in signer.nested_signatures().filter_map(Result::ok) {
                if self.left == 0 {
                    return;
                }
                self.check(&nested);
            }
        }
    }

    /// Adds those of a signature that hold.
    fn check(&mut self, signed: &SignedData<'_>) {
        let Ok(content) = IndirectData::of(signed) else { return };
        if content.algorithm().hash() != Some(HashAlg::Sha256) {
            return;
        }
        let Ok(image) = Principal::new(PrincipalKind::Image, content.digest()) else { return };
        let certificates = included(signed);
        for signer in signed.signers().filter_map(Result::ok) {
            let Some(left) = self.left.checked_sub(1) else { return };
            self.left = left;
            let Ok(verified) = verify_included(signed, &signer, &certificates) else { continue };
            let path = chain(verified.certificate(), &certificates);
            let edge = |certificate| Edge::certificate(Relation::SignedBy, certificate, KeyringUse::None);
            let edges = self.found.entry(image.clone()).or_default();
            edges.extend(path.certificates().iter().map(edge));
        }
    }

    fn finish(mut self) -> BTreeMap<Principal, Vec<Edge>> {
        for edges in self.found.values_mut() {
            edges.sort_unstable();
            edges.dedup();
        }
        self.found
    }
}

#[cfg(test)]
mod tests {
    use evidence::body::Claim;
    use evidence::digest::Sha256Digest;
    use evidence::manifest::{ComponentKind, Entry, EntryFlags, carry};
    use evidence::pe::Image;

    use super::*;

    const IMAGE: &[u8] = include_bytes!("../../../tests/vectors/signing/shim.signed.efi");
    const LIST: &[u8] = include_bytes!("../../../tests/vectors/signing/db.esl");

    fn manifest(facts: Vec<Claim>) -> Manifest {
        let entry = Entry {
            path: b"/boot/efi/EFI/BOOT/BOOTX64.EFI".to_vec(),
            digest: Sha256Digest::new([1; 32]),
            size: 1,
            mode: 0o644,
            flags: EntryFlags::PE,
            edges: vec![],
            facts,
        };
        let kind = ComponentKind::Directory;
        Manifest::new(kind, "/boot".into(), String::new(), String::new(), vec![entry]).unwrap()
    }

    fn signature() -> Vec<u8> {
        let image = Image::parse(IMAGE).unwrap();
        image.attached().next().unwrap().unwrap().signed_data().unwrap().unwrap().raw().to_vec()
    }

    fn signers(signature: &[u8]) -> BTreeMap<Principal, Vec<Edge>> {
        image_signers(&manifest(carry(SIGNATURE_BYTES, 0, signature)))
    }

    #[test]
    fn a_signature_names_its_image_and_its_signer() {
        let (image, signature) = (Image::parse(IMAGE).unwrap(), signature());
        let found = signers(&signature);
        let (name, edges) = found.first_key_value().unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!(name.id(), image.authenticode(HashAlg::Sha256).unwrap().as_bytes());
        let signed = SignedData::parse(&signature).unwrap();
        let signer = signed.certificates().next().unwrap().unwrap();
        assert!(edges.iter().any(|edge| edge.principals.contains(&Principal::certificate(signer.der()))));
        assert!(edges.iter().all(|edge| edge.relation == Relation::SignedBy));
    }

    /// Whoever changes a byte of what is signed, or of the signature, proves nothing of any image.
    #[test]
    fn a_signature_that_does_not_hold_says_nothing() {
        let whole = signature();
        let signed = SignedData::parse(&whole).unwrap();
        let signer = signed.signers().next().unwrap().unwrap();
        let at = |part: &[u8]| part.as_ptr() as usize - whole.as_ptr() as usize;
        let content = IndirectData::of(&signed).unwrap();
        for place in [at(content.digest()), at(signer.signature()), at(signer.message_digest().unwrap())] {
            let mut damaged = whole.clone();
            damaged[place] ^= 1;
            assert!(signers(&damaged).is_empty(), "{place}");
        }
        assert!(signers(&whole[..whole.len() - 1]).is_empty());
    }

    #[test]
    fn a_list_is_known_by_its_hash_in_each_bank() {
        let lists = key_lists(&manifest(carry(LIST_BYTES, 0, LIST)));
        let [list] = &lists[..] else { panic!("{lists:?}") };
        assert!(list.whole && !list.edges.is_empty());
        assert!(list.digests.contains(&HashAlg::Sha384.hash(&[LIST]).as_bytes().to_vec()));
        assert!(!KeyList::new(&LIST[..LIST.len() - 1]).whole);
        assert_eq!(KeyList::new(&[]).edges, []);
        assert!(KeyList::new(&[]).whole);
    }
}
