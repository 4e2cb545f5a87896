use std::path::{Path, PathBuf};
use std::process::Command;

use evidence::manifest::carried;

use super::*;

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn vectors() -> PathBuf {
    std::env::var_os("LYDIAN_VECTORS").map_or_else(|| workspace().join("../shared/vectors"), PathBuf::from)
}

/// Edges of a file; `None`, with a word, where it is not there.
fn edges(path: &Path, flags: EntryFlags) -> Option<Vec<Edge>> {
    let Ok(file) = File::open(path) else {
        eprintln!("SKIPPED: {} is missing", path.display());
        return None;
    };
    let size = file.metadata().unwrap().len();
    Some(of(&file, path.as_os_str().as_encoded_bytes(), size, flags).edges)
}

fn labels(edges: &[Edge], relation: Relation) -> Vec<&str> {
    edges.iter().filter(|edge| edge.relation == relation).map(|edge| edge.label.as_str()).collect()
}

#[test]
fn a_shim_is_signed_by_microsoft_and_trusts_its_vendor() {
    let path = vectors().join("debian/shim-signed/usr/lib/shim/shimx64.efi.signed");
    let Some(edges) = edges(&path, EntryFlags::PE) else { return };
    let signed = labels(&edges, Relation::SignedBy);
    assert!(
        signed.iter().any(|label| label.contains("Microsoft Windows UEFI Driver Publisher")),
        "{signed:?}"
    );
    assert!(signed.iter().any(|label| label.contains("Microsoft Corporation UEFI CA 2011")), "{signed:?}");
    let trusted = labels(&edges, Relation::Trusts);
    assert!(trusted.iter().any(|label| label.contains("Debian Secure Boot CA")), "{trusted:?}");
    assert!(!labels(&edges, Relation::Revokes).is_empty(), "Debian's shim has a list of its own");
    let Ok(output) = Command::new("sbverify").arg("--list").arg(&path).output() else {
        eprintln!("SKIPPED: sbverify is missing");
        return;
    };
    let listed = String::from_utf8_lossy(&output.stdout).matches(" - subject:").count();
    // sbverify shows each certificate of the signature once, as the edges do.
    assert_eq!(signed.len(), listed, "{}", String::from_utf8_lossy(&output.stdout));
}

#[test]
fn modules_name_their_signers_in_every_form() {
    let folder = workspace().join("tests/vectors/modules");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if !name.contains(".ko") || path.extension().is_some_and(|end| end == "json") {
            continue;
        }
        let edges = edges(&path, EntryFlags::KERNEL_MODULE).unwrap();
        let modinfo = Command::new("modinfo").args(["-F", "signer"]).arg(&path).output();
        let Ok(modinfo) = modinfo.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        else {
            eprintln!("SKIPPED: modinfo is missing");
            return;
        };
        eprintln!("{name}: {edges:?}, modinfo {modinfo:?}");
        if !modinfo.is_empty() && !edges.is_empty() {
            assert!(edges.iter().any(|edge| edge.label.contains(&modinfo)), "{name}: {modinfo}");
            seen += 1;
        }
    }
    assert!(seen > 0, "no signed module among the vectors");
}

#[test]
fn attributes_name_a_key_or_none() {
    let signature = [&[3, 2, 4, 0xaa, 0xbb, 0xcc, 0xdd, 0, 2][..], &[1, 2]].concat();
    let edge = attribute_edge(&signature, c"security.ima").unwrap();
    assert_eq!(
        (edge.principals[0].id(), edge.label.as_str()),
        (&[0xaa, 0xbb, 0xcc, 0xdd][..], "security.ima")
    );
    assert_eq!(attribute_edge(&[1; 21], c"security.ima"), None);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    std::fs::write(&path, "x").unwrap();
    match rustix::fs::setxattr(&path, c"security.ima", &signature, rustix::fs::XattrFlags::empty()) {
        Ok(()) => assert_eq!(edges(&path, EntryFlags::ELF).unwrap(), [edge]),
        Err(errno) => eprintln!("SKIPPED: security.ima cannot be set here: {errno}"),
    }
}

#[test]
fn damage_gives_no_edges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    for bytes in [&b""[..], b"MZ", b"\xfd7zXZ\0rest", b"~Module signature appended~\n"] {
        std::fs::write(&path, bytes).unwrap();
        for flags in [EntryFlags::PE, EntryFlags::KERNEL_MODULE] {
            assert_eq!(edges(&path, flags).unwrap(), [], "{bytes:?}");
        }
    }
}

fn facts_of(folder: &Path, bytes: &[u8]) -> Vec<(String, String)> {
    let path = folder.join("image.efi");
    std::fs::write(&path, bytes).unwrap();
    let size = bytes.len() as u64;
    let details = of(&File::open(&path).unwrap(), b"image.efi", size, EntryFlags::PE);
    details.facts.into_iter().map(|fact| (fact.key, fact.value)).collect()
}

#[test]
fn an_image_tells_its_hash_its_generations_and_whether_its_signatures_were_read() {
    let signed = std::fs::read(workspace().join("tests/vectors/signing/shim.signed.efi")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let image = Image::parse(&signed).unwrap();
    let hash = image.authenticode(HashAlg::Sha256).unwrap().to_string();
    let facts = facts_of(folder.path(), &signed);
    let value = |facts: &[(String, String)], key: &str| {
        facts.iter().find(|(known, _)| known == key).map(|(_, value)| value.clone())
    };
    assert_eq!(value(&facts, AUTHENTICODE_FACT), Some(hash.clone()), "{facts:?}");
    let levels = value(&facts, SBAT_FACT).unwrap();
    assert!(levels.split(';').any(|level| level.starts_with("shim,")), "{levels}");
    assert_eq!(value(&facts, SIGNATURES_UNREAD_FACT), None);
    // The table of certificates is at the end: behind its header of eight bytes stands a signature.
    let attached = image.attached().next().unwrap().unwrap().signed_data().unwrap().unwrap();
    let claims: Vec<Claim> =
        facts.iter().map(|(key, value)| Claim { key: key.clone(), value: value.clone() }).collect();
    let signatures: Vec<Vec<u8>> = carried(&claims, SIGNATURE_BYTES).collect();
    assert_eq!(signatures, [attached.raw()], "the verifier checks it itself");
    let at = attached.raw().as_ptr() as usize - signed.as_ptr() as usize;
    let mut damaged = signed.clone();
    damaged[at] = 0xff;
    let facts = facts_of(folder.path(), &damaged);
    assert!(!facts.iter().any(|(key, _)| key.starts_with(SIGNATURE_BYTES)), "{facts:?}");
    assert_eq!(value(&facts, AUTHENTICODE_FACT), Some(hash), "signatures are no part of the hash");
    assert_eq!(value(&facts, SIGNATURES_UNREAD_FACT).as_deref(), Some("yes"));
}
