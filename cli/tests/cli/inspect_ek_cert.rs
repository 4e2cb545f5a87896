//! `lydian inspect ek-cert` on certificates of our own.

use insta::assert_snapshot;

use crate::run::{Finished, file, finish, lydian, program};

/// A certificate of software TPMs, and of our own makers.
fn data(name: &str) -> String {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../common/appraisal/tests/data/ek");
    format!("{folder}/{name}")
}

/// Runs with the certificate on standard input, so that no path gets into a snapshot.
fn on_stdin(name: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(data(name)).unwrap();
    let mut command = program();
    command.args(["inspect", "ek-cert", "-"]).args(arguments);
    if !arguments.contains(&"--at") {
        command.args(["--at", "2026-12-01"]);
    }
    finish(&mut command, &bytes)
}

#[test]
fn certificates_as_tables() {
    let (root, list, key) = (data("maker-root.pem"), data("maker.crl"), data("ek_rsa.pub"));
    let run = on_stdin("maker-ek.crt", &["--roots", &root, "--crls", &list, "--public", &key]);
    assert_snapshot!("ek-cert-manufacturer", run.text());
    let run = on_stdin("maker-ek-revoked.crt", &["--roots", &root, "--crls", &list]);
    assert_snapshot!("ek-cert-revoked", run.text());
    let (root, more) = (data("swtpm-localca-rootca-cert.pem"), data("issuercert.pem"));
    let run = on_stdin("platform-cert.der", &["--roots", &root, "--intermediates", &more]);
    assert_snapshot!("ek-cert-platform", run.text());
    assert_snapshot!("ek-cert-no-roots", on_stdin("ek-secp384r1.crt", &[]).text());
}

#[test]
fn a_certificate_as_json() {
    let run = on_stdin("maker-ek.crt", &["--roots", &data("maker-root.pem"), "-o", "json"]);
    assert_snapshot!("ek-cert-json", run.text());
    let run = on_stdin("maker-ek.crt", &["-o", "json"]);
    let view = run.json();
    assert_eq!(
        (run.code, &view["tier"], &view["findings"][0]["code"]),
        (0, &"unknown".into(), &"no-roots".into())
    );
    assert_eq!(view["chain"], serde_json::json!([]));
}

#[test]
fn what_does_not_fit_exits_with_1() {
    let check = |name: &str, arguments: &[&str], code: &str| {
        let run = on_stdin(name, &[arguments, &["-o", "json"]].concat());
        let view = run.json();
        let codes: Vec<_> =
            view["findings"].as_array().unwrap().iter().map(|finding| &finding["code"]).collect();
        assert!(codes.contains(&&code.into()), "{name}: {codes:?}");
        assert_eq!((run.code, &view["tier"]), (1, &"none".into()), "{name}");
    };
    let (root, other) = (data("maker-root.pem"), data("pss-root.pem"));
    check("maker-ek.crt", &["--roots", &other], "no-issuer");
    check("maker-ek.crt", &["--roots", &root, "--at", "2020-01-01"], "not-yet-valid");
    check("maker-ek.crt", &["--roots", &root, "--at", "@9999999999"], "expired");
    check("ek-secp384r1.crt", &["--roots", &root, "--public", &data("ek_rsa.pub")], "other-key");
}

#[test]
fn a_folder_of_roots_says_whose_word_is_a_clouds() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("cloud/LYD")).unwrap();
    std::fs::copy(data("maker-root.pem"), folder.path().join("cloud/LYD/root.pem")).unwrap();
    std::fs::copy(data("pss-root.pem"), folder.path().join("root.pem")).unwrap();
    let roots = folder.path().to_str().unwrap();
    let run = on_stdin("maker-ek.crt", &["--roots", roots, "-o", "json"]);
    assert_eq!((run.code, &run.json()["tier"]), (0, &"cloud".into()));
}

#[test]
fn intels_service_and_nv_memory_have_forms_of_their_own() {
    let (der, folder) = (std::fs::read(data("maker-ek.crt")).unwrap(), tempfile::tempdir().unwrap());
    let base64 = std::fs::read_to_string(data("pss-root.pem")).unwrap();
    let base64: String = base64.lines().filter(|line| !line.starts_with('-')).collect();
    let answer = format!(
        "{{\"pubhash\":\"x\",\"certificate\":\"{}\"}}",
        base64.replace('+', "%2B").replace('/', "_").replace('=', "%3D")
    );
    let answer = file(&folder, "answer.json", answer.as_bytes());
    let nv = file(&folder, "nv.bin", &[&[0x10, 0x02][..], &der, &[0xff; 700]].concat());
    let run = lydian(&["inspect", "ek-cert", "-o", "json", answer.to_str().unwrap(), nv.to_str().unwrap()]);
    let views = run.json();
    assert_eq!((&views[0]["form"], &views[0]["kind"]), (&"json".into(), &"ca".into()));
    assert_eq!((&views[1]["form"], &views[1]["kind"]), (&"nv".into(), &"ek".into()));
}

#[test]
fn what_cannot_be_read_exits_with_2() {
    let run = finish(program().args(["inspect", "ek-cert", "-"]), b"no certificate");
    assert_eq!((run.code, run.words.contains("no certificate in 14 bytes")), (2, true), "{run:?}");
    let roots = on_stdin("maker-ek.crt", &["--roots", &data("ek_rsa.pub")]);
    assert_eq!((roots.code, roots.words.contains("no certificate in 316 bytes")), (2, true), "{roots:?}");
    let lists = on_stdin("maker-ek.crt", &["--crls", &data("ek-rsa2048.crt")]);
    assert_eq!(lists.code, 2, "{lists:?}");
    assert_eq!(on_stdin("maker-ek.crt", &["--at", "soon"]).code, 2);
}
