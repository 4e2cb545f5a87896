//! Real signature lists, updates and EFI programs, compared with what other programs say of them: everything is read, every
//! digest is the same, every signature holds.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "tests read recorded inputs from disk"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use evidence::asn1::from_pem;
use evidence::digest::HashAlg;
use evidence::efi::{Container, EntryValue};
use evidence::pe::{Image, IndirectData};
use evidence::pkcs7::SignedData;
use lydian_appraisal::signed_data::{
    included, verify_countersignature, verify_detached, verify_included, verify_timestamp, verify_update,
};
use serde_json::Value;

/// Where the oracle is wrong: entries of 9 bytes cannot hold an owner of 16.
const NO_LIST: &str = "invalid-signature-size.siglist";

#[test]
fn signature_lists_are_read_as_others_read_them() {
    let Some(files) = real("kind", "dbx") else { return };
    let (mut same, mut updates) = (0, BTreeMap::<_, usize>::new());
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let oracle = oracle(path, "siglist");
        let container = Container::detect(&bytes).unwrap();
        let mut entries = BTreeMap::<_, u64>::new();
        for entry in container.lists().entries() {
            assert!(!matches!(entry.value(), EntryValue::Opaque(_)), "{}", path.display());
            *entries.entry(entry.kind().name().to_owned()).or_default() += 1;
        }
        let complete = container.lists().all(|list| list.is_ok());
        if path.ends_with(NO_LIST) {
            assert!(!complete && entries.is_empty());
            continue;
        }
        assert_eq!(serde_json::to_value(&entries).unwrap(), oracle["entries"], "{}", path.display());
        assert_eq!(complete, oracle["clean"].as_bool().unwrap(), "{}", path.display());
        if let Container::Authenticated(update) = container {
            let (signer, target) =
                verify_update(&update).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            assert_eq!((signer.hash(), target.appends()), (HashAlg::Sha256, true));
            *updates.entry(target.name).or_default() += 1;
        }
        same += 1;
    }
    println!("{} signature lists: {same} as the oracle, updates that are signed: {updates:?}", files.len());
    assert_eq!(same + 1, files.len());
}

#[test]
fn images_have_the_digests_and_signatures_that_others_find() {
    let Some(files) = real("kind", "pe") else { return };
    let (mut digests, mut signatures, mut stamps, mut detached) = (0, 0, 0, 0);
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        if !bytes.starts_with(b"MZ") {
            let der = from_pem(&bytes).unwrap_or(bytes);
            let signed = SignedData::parse(&der).unwrap();
            signatures += holds(path, &signed, None);
            stamps += stamped(path, &signed);
            detached += 1;
            continue;
        }
        let image = Image::parse(&bytes).unwrap();
        let oracle = oracle(path, "authenticode");
        for (alg, digest) in oracle["authenticode"].as_object().unwrap() {
            let found = image.authenticode(alg.parse().unwrap()).unwrap();
            assert_eq!(found.to_string(), digest.as_str().unwrap(), "{}", path.display());
            digests += 1;
        }
        for attached in image.attached() {
            let signed = attached.unwrap().signed_data().unwrap().unwrap();
            signatures += holds(path, &signed, Some(&image));
            stamps += stamped(path, &signed);
        }
    }
    println!(
        "{} files: {digests} digests as the oracles, {signatures} signatures and {stamps} time stamps hold, {detached} files \
         without an image",
        files.len()
    );
    assert!(signatures > 20 && stamps > 0);
}

/// Every signer of a signature and of those nested in it holds, over the image where there is one.
fn holds(path: &Path, signed: &SignedData<'_>, image: Option<&Image<'_>>) -> usize {
    let certificates = included(signed);
    let indirect = IndirectData::of(signed).unwrap();
    if let Some(image) = image {
        assert_eq!(indirect.is_of(image), Some(true), "{}", path.display());
    }
    let mut count = 0;
    for signer in signed.signers().map(Result::unwrap) {
        let result = verify_included(signed, &signer, &certificates);
        assert!(result.is_ok(), "{}: {result:?}", path.display());
        let other = verify_detached(signed, &signer, &certificates, &|alg| alg.hash(&[b"another"]));
        assert!(other.is_err(), "{}", path.display());
        count += 1;
        count += signer.nested_signatures().map(|nested| holds(path, &nested.unwrap(), image)).sum::<usize>();
    }
    count
}

fn stamped(path: &Path, signed: &SignedData<'_>) -> usize {
    let mut count = 0;
    for signer in signed.signers().map(Result::unwrap) {
        for token in signer.timestamp_tokens().map(Result::unwrap) {
            let result = verify_timestamp(&signer, &token);
            assert!(result.is_ok_and(|stamp| stamp.time().is_some()), "{}", path.display());
            count += 1;
        }
        for by in signer.countersignatures().map(Result::unwrap) {
            let result = verify_countersignature(&signer, &by, &included(signed));
            assert!(result.is_ok(), "{}: {result:?}", path.display());
            count += 1;
        }
    }
    count
}

fn oracle(path: &Path, kind: &str) -> Value {
    let path = format!("{}.{kind}.json", path.display());
    serde_json::from_slice(&std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))).unwrap()
}

/// Files whose column of the index has this value; `None`, said aloud, where they are missing.
fn real(column: &str, value: &str) -> Option<Vec<PathBuf>> {
    let workspace = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."));
    let root =
        std::env::var_os("LYDIAN_VECTORS").map_or_else(|| workspace.join("../shared/vectors"), PathBuf::from);
    let Ok(index) = std::fs::read_to_string(root.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: {} is missing; set LYDIAN_VECTORS to check {value} files", root.display());
        return None;
    };
    let mut lines = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    let at = lines.next().unwrap().iter().position(|name| *name == column).unwrap();
    Some(lines.filter(|row| row[at] == value).map(|row| root.join(row[0])).collect())
}
