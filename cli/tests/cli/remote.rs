//! Commands that ask a verifier: what they send, show and exit with.

use std::os::unix::fs::PermissionsExt as _;

use insta::assert_snapshot;
use support::SoftHost;
use wire::operator::{
    Change, ClaimView, ComponentView, CounterView, CoverageView, GapView, HistoryEntry, HostDetail,
    HostHistory, HostList, HostStatus, HostSummary, NewToken, Refusal, RefusalList, StrayView, TokenList,
    TokenView, Version,
};

use crate::bundles::Recorded;
use crate::run::{Finished, file, finish, program};
use crate::server::{Answer, Server};

/// Long ago, so that "how long ago" is the same for years; shown exactly where a snapshot needs it.
const LONG_AGO: &str = "not a time";

fn host(name: &str, status: HostStatus) -> HostSummary {
    HostSummary {
        labels: std::collections::BTreeMap::new(),
        id: format!("{:064x}", name.len()),
        name: name.into(),
        status,
        tier: "manufacturer".into(),
        seq: Some(7),
        components: 412,
        last_seen: Some(LONG_AGO.into()),
        enrolled: LONG_AGO.into(),
    }
}

fn list(names: &[&str], total: u64, next: Option<&str>) -> Answer {
    let hosts = names.iter().map(|name| host(name, HostStatus::Trusted)).collect();
    Answer::json(&HostList { hosts, total, next: next.map(str::to_owned) })
}

fn detail(status: HostStatus) -> HostDetail {
    HostDetail {
        summary: host("web-1", status),
        agent_version: "0.1.0".into(),
        ak_name: "000b".to_owned() + &"ab".repeat(32),
        selection: "sha256:0,1,2,3,4,5,6,7,10".into(),
        chain: "07".repeat(16),
        reset_count: Some(12),
        restart_count: Some(0),
        state_root: Some("cd".repeat(32)),
        ima_records: 3_141,
        open_gaps: vec![GapView {
            from: "2026-01-01T00:00:00Z".into(),
            until: None,
            cause: "unreadable".into(),
            scope: "/srv/\u{1b}[31mdata".into(),
        }],
        coverage: vec![CoverageView {
            scope: "/srv".into(),
            means: "walks".into(),
            reason: "no file handles".into(),
        }],
        counters: vec![CounterView { name: "files.hashed".into(), value: 5_000 }],
        executions: 12,
        strays: vec![StrayView { path: "/tmp/x\u{1b}[2J".into(), digest: None, count: 3 }],
        posture: vec![ClaimView { key: "kernel.release".into(), value: "6.1.0-9".into() }],
        result: Some(serde_json::json!({"submods": {"lydian": {
            "ear.status": "warning",
            "ear.appraisal-policy-id": "lydian:built-in:1",
            "ear.trustworthiness-vector": {"configuration": 32, "executables": 2, "hardware": 0},
            "lydian.reasons": {
                "configuration": [{"code": "secure-boot-off", "detail": "event 4: Secure Boot was off"}],
                "executables": [{"code": "ima-replayed", "detail": "3141 IMA records replay to the quoted PCR 10"}],
            },
        }}})),
        component_list: vec![ComponentView {
            digest: "ef".repeat(32),
            kind: "package".into(),
            name: "bash".into(),
            version: "5.2.15-2".into(),
            artefacts: 3,
        }],
        refusals: vec![refusal()],
    }
}

fn refusal() -> Refusal {
    Refusal {
        at: LONG_AGO.into(),
        host: Some("ab".repeat(32)),
        code: "prev-mismatch".into(),
        detail: "prev is not the digest of the newest evidence".into(),
        peer: "192.0.2.7:40000".into(),
    }
}

fn show(status: HostStatus, arguments: &[&str]) -> Finished {
    let server = Server::new(&[("GET /v1/hosts/web-1", Answer::json(&detail(status)))]);
    finish(server.lydian().args(["host", "show", "web-1"]).args(arguments), b"")
}

#[test]
fn hosts_of_all_pages_and_their_denominator() {
    let mut second = HostList { hosts: vec![host("db", HostStatus::Stale)], total: 3, next: None };
    second.hosts.push(host("evil\x1b[2J", HostStatus::NotTrusted));
    let server = Server::new(&[
        ("GET /v1/hosts?limit=500", list(&["app"], 3, Some("app"))),
        ("GET /v1/hosts?limit=500&after=app", Answer::json(&second)),
    ]);
    assert_snapshot!("host-list", finish(server.lydian().args(["host", "list"]), b"").text());
    let lines = finish(server.lydian().args(["host", "list", "-o", "jsonl"]), b"");
    let names: Vec<HostSummary> = lines.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(names.len(), 3);
    assert_eq!(lines.words, "3 hosts: 1 trusted, 1 not-trusted, 1 stale\n");
    assert_eq!(server.asked()[0].authorization.as_deref(), Some("Bearer secret"));
}

#[test]
fn filters_are_the_verifier_s_and_the_denominator_stays() {
    let line = "GET /v1/hosts?limit=500&status=not-trusted&search=a%26b";
    let server = Server::new(&[(line, list(&[], 12, None))]);
    let run =
        finish(server.lydian().args(["host", "list", "--status", "not-trusted", "--search", "a&b"]), b"");
    assert_eq!((run.code, run.out.as_str(), run.words.as_str()), (0, "", "0 of 12 hosts\n"));
}

#[test]
fn a_host_s_card_and_its_exit_codes() {
    let run = show(HostStatus::Warning, &[]);
    assert_snapshot!("host-show", run.text());
    for (status, arguments, code) in [
        (HostStatus::Trusted, &[][..], 0),
        (HostStatus::Warning, &["--strict"], 1),
        (HostStatus::NotTrusted, &[], 1),
        (HostStatus::Stale, &["-o", "json"], 1),
        (HostStatus::Pending, &[], 1),
    ] {
        assert_eq!(show(status, arguments).code, code, "{status:?}");
    }
}

#[test]
fn json_is_the_wire_s_own_type() {
    let run = show(HostStatus::Trusted, &["-o", "json"]);
    let back: HostDetail = serde_json::from_str(&run.out).unwrap();
    assert_eq!(back, detail(HostStatus::Trusted));
    assert!(!run.out.contains('\x1b'));
}

#[test]
fn an_unknown_host_comes_with_names_that_are_near() {
    let server = Server::new(&[("GET /v1/hosts?limit=500", list(&["web-1", "mail"], 2, None))]);
    let run = finish(server.lydian().args(["host", "show", "web1"]), b"");
    assert_eq!((run.code, run.out.as_str()), (2, ""));
    assert_eq!(run.words, "error: there is no such thing (not-found)\nhint: did you mean web-1?\n");
    let strange = finish(server.lydian().args(["host", "show", ".."]), b"");
    assert_eq!(strange.code, 2);
    assert!(strange.words.contains("\"..\" cannot be one"), "{}", strange.words);
}

#[test]
fn history_with_changes_follows_pages_up_to_the_limit() {
    let entry = |id, changes| HistoryEntry {
        id,
        kind: "evidence".into(),
        at: LONG_AGO.into(),
        seq: Some(id),
        leaf: Some(id * 10),
        digest: Some("ab".repeat(32)),
        trigger: Some("change".into()),
        reset_count: Some(1),
        status: Some("affirming".into()),
        summary: "1 component changed".into(),
        changes,
        strays: vec![StrayView { path: "/tmp/gone".into(), digest: None, count: 2 }],
    };
    let change = |action: &str, before: Option<&str>, after: Option<&str>| Change {
        action: action.into(),
        path: format!("/usr/bin/{action}"),
        component: "bash 5.2".into(),
        before: before.map(|text| text.repeat(32)),
        after: after.map(|text| text.repeat(32)),
    };
    let changes = vec![
        change("added", None, Some("aa")),
        change("removed", Some("bb"), None),
        change("changed", Some("cc"), Some("dd")),
    ];
    let page = |entries, next| Answer::json(&HostHistory { entries, next });
    let server = Server::new(&[
        ("GET /v1/hosts/web-1/history?limit=2", page(vec![entry(9, changes)], Some(9))),
        ("GET /v1/hosts/web-1/history?limit=1&before=9", page(vec![entry(8, vec![])], Some(8))),
    ]);
    let run = finish(server.lydian().args(["host", "history", "web-1", "--limit", "2"]), b"");
    assert_snapshot!("host-history", run.text());
}

#[test]
fn tokens_are_made_listed_and_revoked() {
    let token = NewToken { id: "t1".into(), secret: "lyd_secret".into(), expires: LONG_AGO.into() };
    let view = TokenView {
        id: "t1".into(),
        name: "web-7".into(),
        scope: "join".into(),
        created: LONG_AGO.into(),
        expires: LONG_AGO.into(),
        state: "used".into(),
        used_by: Some("ab".repeat(32)),
    };
    let server = Server::new(&[
        ("POST /v1/join-tokens", Answer::json(&token)),
        ("GET /v1/join-tokens", Answer::json(&TokenList { tokens: vec![view] })),
        ("DELETE /v1/join-tokens/t1", Answer { status: 204, ..Answer::bytes(b"") }),
        ("POST /v1/tokens", Answer::json(&token)),
    ]);
    let run = |arguments: &[&str]| finish(server.lydian().args(arguments), b"");
    let made = run(&["enroll", "token", "create", "--ttl", "2h", "--note", "web-7"]);
    assert_eq!((made.code, made.out.as_str()), (0, "lyd_secret\n"), "the secret alone can be piped");
    assert!(!made.words.contains("lyd_secret"));
    assert_snapshot!("token-list", run(&["enroll", "token", "list"]).text());
    assert_eq!(run(&["enroll", "token", "revoke", "t1"]).words, "token t1 is revoked\n");
    let unknown = run(&["enroll", "token", "revoke", "t2"]);
    assert!(unknown.words.contains("hint: `lydian enroll token list` shows the ids"), "{}", unknown.words);
    assert_eq!(run(&["token", "create", "--name", "ann", "--scope", "admin", "--ttl", "8h"]).code, 0);
    let asked = server.asked();
    assert_eq!(asked[0].body, r#"{"note":"web-7","ttl_secs":7200}"#);
    assert_eq!(asked.last().unwrap().body, r#"{"name":"ann","scope":"admin","ttl_secs":28800}"#);
}

#[test]
fn refusals_are_listed() {
    let list = RefusalList { refusals: vec![refusal()] };
    let server = Server::new(&[("GET /v1/refusals", Answer::json(&list))]);
    assert_snapshot!("refusal-list", finish(server.lydian().args(["refusal", "list"]), b"").text());
}

#[test]
fn checkpoints_proofs_and_bundles_come_as_files() {
    let mut recorded = Recorded::new(SoftHost::new(5).unwrap());
    let bundle = recorded.next();
    let with_leaf = proof_with_leaf(&recorded.next());
    let checkpoint = bundle.proof.split_once("\n\n").unwrap().1;
    let server = Server::new(&[
        ("GET /checkpoint", Answer::bytes(checkpoint.as_bytes())),
        ("GET /v1/log/proof/1", Answer::bytes(bundle.proof.as_bytes())),
        ("GET /v1/log/proof/0", Answer::bytes(bundle.proof.as_bytes())),
        ("GET /v1/log/proof/2", Answer::bytes(&with_leaf)),
        ("GET /v1/hosts/web-1/evidence/0", Answer::bytes(&bundle.encode())),
        ("GET /v1/hosts/web-1/evidence/1", Answer::bytes(b"something else")),
        ("GET /v1/hosts/web-1/evidence/2", Answer::bytes(&bundle.encode())),
    ]);
    let run = |arguments: &[&str]| finish(server.lydian().args(arguments), b"");
    let plain = run(&["log", "checkpoint"]);
    assert_eq!((plain.code, plain.out.as_str()), (0, checkpoint));
    assert!(plain.words.contains("its signature was not checked"), "{}", plain.words);
    let key = recorded.log_key.verifier_key().to_string();
    let checked = run(&["log", "checkpoint", "--log-key", &key, "-o", "json"]);
    assert_eq!(
        (checked.code, &checked.json()["verified"], &checked.json()["size"]),
        (0, &true.into(), &2.into())
    );
    let other = ledger::note::SignerKey::from_seed("verifier.example/log".parse().unwrap(), &[9; 32]);
    assert_eq!(run(&["log", "checkpoint", "--log-key", &other.verifier_key().to_string()]).code, 1);

    assert_eq!(run(&["log", "proof", "1"]).out, bundle.proof);
    let not_there = run(&["log", "proof", "1", "--log-key", &key]);
    assert_eq!(not_there.code, 1);
    assert!(not_there.words.contains("the file does not hold the leaf"), "{}", not_there.words);
    let held = run(&["log", "proof", "2", "--log-key", &key]);
    assert_eq!((held.code, held.out.as_bytes()), (0, with_leaf.as_slice()), "{}", held.words);
    assert_eq!(run(&["log", "proof", "2", "--log-key", &other.verifier_key().to_string()]).code, 1);
    let wrong = run(&["log", "proof", "0"]);
    assert!(wrong.words.contains("the proof is of leaf 1, not of leaf 0"), "{}", wrong.words);
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("b");
    let out = out.to_str().unwrap();
    assert_eq!(run(&["evidence", "fetch", "web-1", "0", "--out", out]).code, 0);
    assert_eq!(std::fs::read(out).unwrap(), bundle.encode());
    assert_eq!(run(&["evidence", "verify", out, "--log-key", &key]).code, 0);
    let wrong = run(&["evidence", "fetch", "web-1", "1", "--out", out]);
    assert!(wrong.words.contains("not a bundle"), "{}", wrong.words);
    let other = run(&["evidence", "fetch", "web-1", "2", "--out", out]);
    assert!(other.words.contains("the bundle is of evidence 0, not of 2"), "{}", other.words);
}

/// The proof file with the leaf's entry in it, as the verifier's log gives it.
fn proof_with_leaf(bundle: &evidence::bundle::Bundle) -> Vec<u8> {
    let evidence = &bundle.envelope.evidence;
    let salt = ledger::leaf::Salt::from_bytes(evidence.body().salt);
    let leaf = ledger::leaf::Leaf::attestation(&salt, evidence.digest().as_bytes());
    let file = ledger::proof_file::ProofFile::parse(bundle.proof.as_bytes()).unwrap();
    file.with_extra(leaf.to_bytes().to_vec()).unwrap().to_string().into_bytes()
}

#[test]
fn a_verifier_that_cannot_be_asked_does_not_hide_the_program_s_own_version() {
    let run = finish(
        program().args(["version", "-o", "json", "--url", "https://127.0.0.1:1", "--ca", "/nowhere"]),
        b"",
    );
    assert_eq!((run.code, &run.json()["version"]), (2, &env!("CARGO_PKG_VERSION").into()));
    let known = Version {
        name: "lydian-verifier".into(),
        version: "9.9.9".into(),
        protocol: 1,
        origin: "verifier.example/log".into(),
        log_key: "verifier.example/log+00000000+AAAA".into(),
    };
    let server = Server::new(&[("GET /v1/version", Answer::json(&known))]);
    let run = finish(server.lydian().arg("version"), b"");
    assert!(run.out.contains("lydian-verifier 9.9.9") && run.code == 0, "{run:?}");
}

#[test]
fn each_way_of_not_being_heard_has_its_hint() {
    let hosts = "GET /v1/hosts?limit=500";
    let list = ["host", "list"];
    let server = Server::new(&[(hosts, Answer::problem(401, "unauthorised", "the token is not known"))]);
    let check = |run: Finished, message: &str, hint: &str| {
        assert_eq!((run.code, run.out.as_str()), (2, ""), "{run:?}");
        assert!(run.words.contains(message), "{message}: {}", run.words);
        assert!(run.words.contains(&format!("hint: {hint}")), "{hint}: {}", run.words);
    };
    check(
        finish(server.lydian().args(list), b""),
        "the token is not known (unauthorised)",
        "the token is missing",
    );
    let other = Server::new(&[]);
    let folder = tempfile::tempdir().unwrap();
    let wrong_ca = file(&folder, "ca.pem", other.ca_pem.as_bytes());
    check(
        finish(server.lydian().args(list).env("LYDIAN_CA", wrong_ca), b""),
        "certificate",
        "its certificate is not from the CA",
    );
    let named = Server::named("verifier.example", &[]);
    check(finish(named.lydian().args(list), b""), "certificate", "its certificate is for another name");
    let refused = "https://127.0.0.1:1";
    check(
        finish(server.lydian().args(list).env("LYDIAN_URL", refused), b""),
        "connection refused",
        "nothing listens there",
    );
    let newer = Answer { protocol: "2", ..Answer::bytes(b"{}") };
    check(
        finish(Server::new(&[(hosts, newer)]).lydian().args(list), b""),
        "the verifier speaks protocol 2, this program speaks 1",
        "use the version of `lydian` that came with the verifier",
    );
    let page = Answer { status: 502, ..Answer::bytes(b"<html>") };
    check(finish(Server::new(&[(hosts, page)]).lydian().args(list), b""), "502", "is this the address");
    check(
        finish(Server::new(&[(hosts, Answer::bytes(b"[]"))]).lydian().args(list), b""),
        "cannot be read",
        "is this",
    );
    let no_ca = file(&folder, "empty.pem", b"nothing");
    check(
        finish(server.lydian().args(list).env("LYDIAN_CA", no_ca), b""),
        "is not a CA file",
        "it holds PEM",
    );
}

#[test]
fn profiles_are_read_and_options_win() {
    let server = Server::new(&[("GET /v1/hosts?limit=500", list(&["app"], 1, None))]);
    let folder = tempfile::tempdir().unwrap();
    let ca = file(&folder, "ca.pem", server.ca_pem.as_bytes());
    let text =
        format!("[profile.lab]\nurl = \"{}\"\nca = \"{}\"\ntoken = \"filed\"\n", server.url, ca.display());
    let config = file(&folder, "config.toml", text.as_bytes());
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = config.to_str().unwrap();
    let base = ["--config", config, "--profile", "lab", "host", "list"];
    assert_eq!(finish(program().args(base), b"").code, 0);
    assert_eq!(finish(program().args(base).env("LYDIAN_TOKEN", "set"), b"").code, 0);
    assert_eq!(
        finish(program().args(base).env("LYDIAN_TOKEN", "set").args(["--token", "given"]), b"").code,
        0
    );
    let tokens: Vec<_> = server.asked().into_iter().filter_map(|asked| asked.authorization).collect();
    assert_eq!(tokens, ["Bearer filed", "Bearer set", "Bearer given"]);
    std::fs::set_permissions(config, std::fs::Permissions::from_mode(0o640)).unwrap();
    let open = finish(program().args(base), b"");
    assert_eq!(open.code, 2);
    assert!(open.words.contains(&format!("hint: chmod 600 {config}")), "{}", open.words);
}
