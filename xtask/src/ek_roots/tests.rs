//! Bundles of our own certificates, and of the makers' where the corpus is at hand.

use super::*;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../common/appraisal/tests/data/ek");

/// A folder with certificates at these places; the names of the originals are behind the colon.
fn folder(places: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (place, original) in places {
        let path = dir.path().join(place);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::copy(Path::new(DATA).join(original), path).unwrap();
    }
    dir
}

fn args(dir: &Path, out: &Path) -> Args {
    Args { dir: dir.to_owned(), version: "2026.11".into(), out: out.to_owned(), allow_refused: false }
}

const ROOT: &str = "swtpm-localca-rootca-cert.pem";

#[test]
fn a_folder_becomes_a_bundle_that_depends_on_nothing_but_its_certificates() {
    let out = tempfile::tempdir().unwrap();
    let (one, other) = (out.path().join("one"), out.path().join("other"));
    let dir = folder(&[("IBM/a.pem", ROOT), ("cloud/LYD/b.pem", "pss-root.pem"), ("IBM/again.pem", ROOT)]);
    let report = run(&args(dir.path(), &one)).unwrap();
    assert!(report.contains("2 certificates, 1 repeated"), "{report}");
    assert!(report.contains("cloud        LYD"), "{report}");
    let dir = folder(&[("cloud/LYD/z.pem", "pss-root.pem"), ("IBM/x.crt", ROOT), (".hidden", "ek_rsa.pub")]);
    run(&args(dir.path(), &other)).unwrap();
    let bytes = std::fs::read(&one).unwrap();
    assert_eq!(bytes, std::fs::read(&other).unwrap());
    let bundle = Bundle::parse(std::str::from_utf8(&bytes).unwrap()).unwrap();
    assert_eq!((bundle.version.as_str(), bundle.roots.len()), ("2026.11", 2));
}

#[test]
fn what_is_no_authority_is_refused_with_its_reason() {
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("bundle");
    let dir = folder(&[("IBM/a.pem", ROOT), ("IBM/leaf.crt", "ek-rsa2048.crt"), ("IBM/key", "ek_rsa.pub")]);
    let error = run(&args(dir.path(), &path)).unwrap_err().to_string();
    assert!(error.contains("IBM/leaf.crt: root 0 is not the certificate of an authority"), "{error}");
    assert!(error.contains("IBM/key: no certificate in 316 bytes"), "{error}");
    assert!(!path.exists());
    let report = run(&Args { allow_refused: true, ..args(dir.path(), &path) }).unwrap();
    assert!(report.contains("1 certificates") && report.contains("IBM/leaf.crt: "), "{report}");
    let empty = tempfile::tempdir().unwrap();
    assert!(run(&args(empty.path(), &path)).unwrap_err().to_string().contains("no certificate in it"));
    let dir = folder(&[("two words/a.pem", ROOT)]);
    assert!(run(&args(dir.path(), &path)).unwrap_err().to_string().contains("is no vendor"));
    let wrong = Args { version: "a b".into(), ..args(folder(&[("a.pem", ROOT)]).path(), &path) };
    assert!(run(&wrong).is_err());
}

/// Real makers' certificates, in place: those of the files, and of the bundles that they were made into.
#[test]
fn the_makers_certificates_become_a_bundle() {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors");
    let vectors = std::env::var_os("LYDIAN_VECTORS").map_or(default, PathBuf::from);
    if !vectors.is_dir() {
        println!("SKIPPED: no vectors at {} (LYDIAN_VECTORS)", vectors.display());
        return;
    }
    let out = tempfile::tempdir().unwrap();
    let check = |folder: &str, expected: usize, refused: usize| {
        let path = out.path().join("bundle");
        let gathered = gather(&vectors.join(folder)).unwrap();
        assert_eq!(gathered.refused.len(), refused, "{folder}: {:#?}", gathered.refused);
        let report = run(&Args { allow_refused: true, ..args(&vectors.join(folder), &path) }).unwrap();
        println!("{folder}: {}", report.lines().last().unwrap());
        let bundle = Bundle::parse(&std::fs::read_to_string(&path).unwrap()).unwrap();
        assert_eq!(bundle.roots.len(), expected, "{folder}: {report}");
    };
    // One is an authority for attestation keys alone: `WUS-IFX-KEYID-EFFE….cer`.
    check("loicsikidi+tpm-ca-certificates", 174, 1);
    check("keylime+keylime/tpm_cert_store", 45, 0);
    check("kgoldman+ibmtss/utils/certificates", 62, 0);
    check("google+go-tpm-tools/server/ca-certs", 5, 0);
}
