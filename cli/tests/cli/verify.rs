//! `lydian evidence verify`: true bundles hold, each forged link is named.

use evidence::body::CheckpointView;
use evidence::bundle::Bundle;
use insta::assert_snapshot;
use ledger::note::{KeyName, SignerKey};
use support::{SecureBootSwitch, SoftHost, SoftTpmSpec};

use crate::bundles::Recorded;
use crate::run::{Finished, finish, program};

fn recorded(secure_boot: SecureBootSwitch) -> Recorded {
    let spec = SoftTpmSpec { seed: 5, ..SoftTpmSpec::default() };
    Recorded::new(SoftHost::with(&spec, secure_boot).unwrap())
}

fn verify(bundle: &Bundle, arguments: &[&str]) -> Finished {
    finish(program().args(["evidence", "verify", "-"]).args(arguments), &bundle.encode())
}

/// The text without what the soft host decides: its digests, and how long its logs are.
fn steady(run: &Finished) -> String {
    let text = run.text();
    let lengths = |word: &str| word.len() < 4 && word.bytes().all(|byte| byte.is_ascii_digit());
    let digest = |word: &str| word.len() >= 32 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let mut words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    for at in 0..words.len() {
        let next = words.get(at + 1).map(String::as_str);
        let core = words[at].trim_end_matches([',', ';']).split('\n').next().unwrap_or_default().to_owned();
        if digest(&core) {
            words[at] = words[at].replacen(&core, "(digest)", 1);
        } else if matches!(next, Some("events" | "IMA")) && lengths(&words[at]) {
            "n".clone_into(&mut words[at]);
        }
    }
    words.join(" ")
}

/// How a check stands, in JSON.
fn standing(run: &Finished, check: &str) -> String {
    let json = run.json();
    let checks = json["checks"].as_array().unwrap();
    let found = checks.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("{json}"));
    found["standing"].as_str().unwrap().to_owned()
}

#[test]
fn a_true_bundle_holds_and_what_is_believed_is_named() {
    let run = verify(&recorded(SecureBootSwitch::On).next(), &[]);
    assert_snapshot!("verify-first", steady(&run));
    assert_eq!(run.code, 0);
}

#[test]
fn with_everything_given_nothing_is_believed() {
    let mut recorded = recorded(SecureBootSwitch::On);
    let first = recorded.next();
    recorded.host.run("/usr/bin/new").unwrap();
    recorded.host.saw(CheckpointView { size: 2, root: evidence::digest::Sha256Digest::of(&[b"root"]) });
    let second = recorded.next();
    let folder = tempfile::tempdir().unwrap();
    let previous = crate::run::file(&folder, "previous", &first.encode());
    let key = crate::run::file(&folder, "key", recorded.log_key.verifier_key().to_string().as_bytes());
    let ak = recorded.host.attester().unwrap().ak.public().name().to_string();
    let key = format!("@{}", key.display());
    let run =
        verify(&second, &["--log-key", &key, "--ak-name", &ak, "--previous", previous.to_str().unwrap()]);
    assert_snapshot!("verify-second", steady(&run));
    assert_eq!((run.code, run.words.as_str()), (0, ""));
    let alone = verify(&second, &["-o", "json"]);
    assert_eq!(standing(&alone, "state before"), "believed");
    let claims = alone.json()["result"]["claims"].to_string();
    assert!(!claims.contains("sourced-data"), "freshness cannot be judged from a bundle: {claims}");
}

#[test]
fn warnings_count_where_they_are_asked_to() {
    let bundle = recorded(SecureBootSwitch::Off).next();
    let run = verify(&bundle, &["-o", "json"]);
    assert_eq!((run.code, &run.json()["result"]["status"]), (0, &"warning".into()));
    assert_eq!(verify(&bundle, &["--strict"]).code, 1);
}

#[test]
fn each_forged_link_is_named() {
    let mut recorded = recorded(SecureBootSwitch::On);
    let (first, second) = (recorded.next(), recorded.next());
    let other = Recorded::new(SoftHost::new(6).unwrap()).next();
    let forgeries: [(&str, Bundle); 6] = [
        ("evidence", Bundle { ak_public: other.ak_public.clone(), ..first.clone() }),
        ("evidence", Bundle { selection: "sha256:0".into(), ..first.clone() }),
        ("evidence", Bundle { state: second.state.clone(), ..first.clone() }),
        ("evidence", Bundle { firmware_log: vec![1, 2, 3], ..second.clone() }),
        ("log", Bundle { proof: other.proof.clone(), ..first.clone() }),
        ("log", Bundle { proof: first.proof.clone(), ..second.clone() }),
    ];
    for (at, (check, forged)) in forgeries.into_iter().enumerate() {
        let run = verify(&forged, &["-o", "json"]);
        assert_eq!(run.code, 1, "{at}: {run:?}");
        assert_eq!(run.json()["verdict"], "refused", "{at}");
        assert_eq!(standing(&run, check), "fails", "{at}");
    }
}

#[test]
fn values_that_were_given_win_over_the_bundle_s() {
    let mut recorded = recorded(SecureBootSwitch::On);
    let (first, second) = (recorded.next(), recorded.next());
    let other = SignerKey::from_seed(KeyName::new("verifier.example/log").unwrap(), &[4; 32]);
    let run = verify(&first, &["-o", "json", "--log-key", &other.verifier_key().to_string()]);
    assert_eq!((run.code, standing(&run, "log").as_str()), (1, "fails"));
    let run = verify(&first, &["-o", "json", "--ak-name", &format!("000b{}", "00".repeat(32))]);
    assert_eq!((run.code, standing(&run, "attestation key").as_str()), (1, "fails"));
    let folder = tempfile::tempdir().unwrap();
    let itself = crate::run::file(&folder, "itself", &second.encode());
    let run = verify(&second, &["-o", "json", "--previous", itself.to_str().unwrap()]);
    assert_eq!((run.code, standing(&run, "state before").as_str()), (1, "fails"));
}

#[test]
fn damaged_bundles_are_errors() {
    let bundle = recorded(SecureBootSwitch::On).next();
    let bytes = bundle.encode();
    let cut = finish(program().args(["evidence", "verify", "-"]), &bytes[..bytes.len() - 1]);
    assert_eq!((cut.code, cut.out.as_str()), (2, ""));
    for strange in [
        Bundle { tier: "golden".into(), ..bundle.clone() },
        Bundle { state: vec![0], ..bundle.clone() },
        Bundle { log_key: "no key".into(), ..bundle.clone() },
    ] {
        let run = verify(&strange, &[]);
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.words.contains("hint: the bundle is damaged"), "{}", run.words);
    }
}

#[test]
fn a_host_s_name_is_escaped() {
    let bundle = Bundle { host_name: "web\x1b[2J-1".into(), ..recorded(SecureBootSwitch::On).next() };
    let run = verify(&bundle, &[]);
    assert!(run.out.starts_with("web\\u{1b}[2J-1 evidence 0  verified\n"), "{}", run.out);
}
