//! `lydian inspect ima` on boots of our own and on lists that were changed.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::run::{Finished, file, finish, lydian, program, vector};

const BINARY: &str = "binary_runtime_measurements";
const TEXT: &str = "ascii_runtime_measurements";

fn list(boot: &str, name: &str) -> Vec<u8> {
    std::fs::read(vector(boot, name)).unwrap()
}

/// Runs with the list on standard input, so that no path gets into a snapshot.
fn on(bytes: &[u8], arguments: &[&str]) -> Finished {
    finish(program().args(["inspect", "ima"]).args(arguments).arg("-"), bytes)
}

fn lines(run: &Finished) -> Vec<Value> {
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// PCR `index` of the SHA-256 bank, as the TPM held it when the boot was recorded.
fn held(boot: &str, index: usize) -> String {
    hex::encode(&list(boot, "pcrs_all.bin")[index * 32..(index + 1) * 32])
}

fn codes(report: &Value) -> Vec<&str> {
    report["findings"].as_array().unwrap().iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn lists_as_tables() {
    let bytes = list("direct-imasig-viol", BINARY);
    assert_snapshot!("violations", on(&bytes, &[]).text());
    assert_snapshot!("only-findings", on(&bytes, &["--only-findings", "--bank", "sha384"]).text());
    let all = on(&bytes, &["--all"]);
    assert_eq!(all.out.lines().filter(|line| line.contains("ima-sig     v")).count(), 356, "{}", all.out);
}

#[test]
fn a_list_as_json() {
    let run = on(&list("direct-imasig-viol", BINARY), &["-o", "json"]);
    assert_eq!(run.code, 0);
    assert_snapshot!("json", run.text());
}

#[test]
fn text_and_binary_come_to_the_same() {
    for boot in ["direct", "direct-imasig-viol"] {
        let report = |name| on(&list(boot, name), &["-o", "json", "--bank", "sha1,sha256,sm3_256"]).json();
        let (mut binary, mut text) = (report(BINARY), report(TEXT));
        assert_eq!((&binary["format"], &text["format"]), (&json!("binary"), &json!("ascii")));
        for report in [&mut binary, &mut text] {
            report["format"] = Value::Null;
            for finding in report["findings"].as_array_mut().unwrap() {
                finding["offset"] = Value::Null;
            }
        }
        assert_eq!(binary, text, "{boot}");
    }
}

#[test]
fn lines_are_records_and_what_they_come_to() {
    let run = on(&list("direct-imasig-viol", TEXT), &["-o", "jsonl"]);
    let mut lines = lines(&run);
    let summary = lines.pop().unwrap();
    assert_eq!((summary["entries"].as_u64(), lines.len()), (Some(357), 357));
    assert!(lines.iter().all(|line| line["file"] == "(standard input)" && line["pcr"] == 10));
    assert_eq!(lines.iter().filter(|line| line["signed_by"] == "440cadcd").count(), 1);
    let odd = on(&list("direct-imasig-viol", TEXT), &["-o", "jsonl", "--only-findings"]);
    assert_eq!(odd.out.lines().count(), 3, "two violations and the summary");
    assert_eq!(on(b"", &["-o", "json", "--all"]).code, 2, "a document holds no records");
}

#[test]
fn a_quoted_value_tells_how_far_the_list_is_vouched_for() {
    let bytes = list("direct", BINARY);
    let run = on(&bytes, &["--quoted", &held("direct", 10)]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.out.contains("  quoted PCR 10    vouches for "), "{}", run.out);
    let run = on(&bytes, &["--quoted", &"ab".repeat(32), "-o", "json"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.json()["quoted"]["matches"], false);
    assert!(codes(&run.json()).contains(&"pcr-mismatch"));
    assert_eq!(on(&bytes, &["--quoted", "abcd"]).code, 2);
}

#[test]
fn values_of_a_tpm_are_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let against = |name: &str, values: Value| {
        let path = file(&folder, name, json!({ "banks": { "sha256": values } }).to_string().as_bytes());
        on(&list("direct", BINARY), &["-o", "json", "--against", path.to_str().unwrap()])
    };
    let all: serde_json::Map<_, _> =
        (0..24).map(|pcr| (pcr.to_string(), held("direct", pcr).into())).collect();
    let good = against("good", Value::Object(all));
    assert_eq!(good.code, 0, "{good:?}");
    let report = good.json();
    assert_eq!(report["match"], json!({ "sha256": { "10": true } }), "the others are firmware's");
    assert_eq!(report["boot_aggregates"][0]["check"], "pcrs-0-9");
    assert_eq!(codes(&report), ["prefix"]);
    let bad = against("bad", json!({ "10": held("uki", 10) }));
    assert_eq!((bad.code, &bad.json()["match"]["sha256"]["10"]), (1, &json!(false)));
    let path = file(&folder, "form", br#"{"banks": {"sha256": {"10": "ab"}}}"#);
    let run = on(b"", &["--against", path.to_str().unwrap()]);
    assert_eq!(run.code, 2);
    assert!(run.words.contains("hint: "), "{}", run.words);
}

/// Kernels before 5.8 extend the SHA-1 template hash with zeros behind it.
#[test]
fn padded_sha1_is_said() {
    let bytes = list("direct", BINARY);
    let sha1: Vec<String> = lines(&on(&bytes, &["-o", "jsonl"]))
        .iter()
        .filter_map(|line| Some(line["listed_hash"].as_str()?.to_owned()))
        .collect();
    let padded = sha1.iter().fold(vec![0_u8; 32], |value, hash| {
        let hash = [hex::decode(hash).unwrap(), vec![0; 12]].concat();
        sha256_of(&[value, hash].concat())
    });
    let run = on(&bytes, &["-o", "json", "--quoted", &hex::encode(padded)]);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json()["quoted"]["padded_sha1"], true);
    assert_eq!(codes(&run.json()), ["sha1-padded"]);
}

fn sha256_of(bytes: &[u8]) -> Vec<u8> {
    evidence::digest::HashAlg::Sha256.hash(&[bytes]).as_bytes().to_vec()
}

#[test]
fn what_is_wrong_has_a_code_and_an_exit_code() {
    let check = |name: &str, change: &dyn Fn(&mut Vec<u8>), code: &str, exit: i32| {
        let mut bytes = list("direct", name);
        change(&mut bytes);
        let run = on(&bytes, &["-o", "json"]);
        assert_eq!(run.code, exit, "{code}: {run:?}");
        let report = run.json();
        assert!(codes(&report).contains(&code), "{code}: {report}");
        report
    };
    let put = |bytes: &mut Vec<u8>, old: &[u8], new: &[u8]| {
        let at = bytes.windows(old.len()).position(|window| window == old).unwrap();
        bytes.splice(at..at + old.len(), new.iter().copied());
    };
    check(BINARY, &|bytes| put(bytes, b"boot_aggregate", b"Boot_aggregate"), "template-hash-mismatch", 1);
    check(BINARY, &|bytes| bytes[0] = 11, "other-pcr", 0);
    check(BINARY, &|bytes| bytes[4..24].fill(0), "violation", 0);
    check(BINARY, &|bytes| put(bytes, b"ima-ng", b"vendor"), "unknown-template", 0);
    check(BINARY, &|bytes| put(bytes, b"\x06\0\0\0ima-ng", b"\x07\0\0\0ima-sig"), "fields-malformed", 1);
    check(BINARY, &|bytes| bytes.extend_from_within(..), "second-boot-aggregate", 0);
    check(BINARY, &|bytes| drop(bytes.drain(..118)), "not-a-list", 2);
    check(BINARY, &|bytes| bytes.clear(), "empty", 0);
    assert!(on(b"no list", &[]).words.starts_with("error: -: not an IMA list\nhint: "));
    check(BINARY, &|bytes| bytes.extend(b"0123"), "damaged", 2);
    let report = check(BINARY, &|bytes| bytes.truncate(44_150), "truncated", 2);
    assert!(report["truncated_at"].as_u64().unwrap() > 44_000, "{report}");
    assert_eq!(report["entries"], 342, "what was read is there");
    check(TEXT, &|bytes| put(bytes, b"boot_aggregate", b"Boot_aggregate"), "template-hash-mismatch", 1);
    check(TEXT, &|bytes| put(bytes, b" sha256:", b" sha256:x"), "fields-malformed", 1);
    let report = check(TEXT, &|bytes| put(bytes, b"ima-ng", b"vendor"), "not-computable", 0);
    assert_eq!(report["pcrs"]["sha256"], json!({}), "what is not known is not claimed");
    check(TEXT, &|bytes| bytes.extend(b"some words\n"), "line-malformed", 1);
    check(TEXT, &|bytes| bytes.extend(b"\n"), "line-empty", 0);
}

/// A record of a template with these fields.
fn record(template: &str, fields: &[&[u8]]) -> Vec<u8> {
    let sized = |bytes: &[u8]| [&u32::try_from(bytes.len()).unwrap().to_le_bytes(), bytes].concat();
    let data: Vec<u8> = fields.iter().flat_map(|field| sized(field)).collect();
    let hash = evidence::digest::HashAlg::Sha1.hash(&[&data]);
    [&10_u32.to_le_bytes()[..], hash.as_bytes(), &sized(template.as_bytes()), &sized(&data)].concat()
}

#[test]
fn keys_devices_and_signers_have_their_tables() {
    let signing = |name: &str| std::fs::read(vector("signing", name)).unwrap();
    let digest = [b"sha256:\0".as_slice(), &[7; 32]].concat();
    let root = signing("root.der");
    let certificate = evidence::x509::Certificate::parse(&root).unwrap();
    let key_id = certificate.subject_key_id().and_then(|id| id.last_chunk::<4>()).copied().unwrap();
    let table =
        b"dm_version=4.45.0;name=root,uuid=CRYPT-VERITY-1,major=253,minor=0,minor_count=1,num_targets=1;\
        target_index=0,target_begin=0,target_len=8,target_name=verity,hash_failed=C,verity_algorithm=sha256,\
        root_digest=0a0b,salt=0c;";
    let bytes = [
        record("ima-ng", &[&digest, b"boot_aggregate\0"]),
        record("ima-buf", &[&digest, b".builtin_trusted_keys\0", &root]),
        record("ima-buf", &[&digest, b".ima\0", &[&[0x30, 0x81, 0x80][..], &[0; 0x80]].concat()]),
        record("ima-buf", &[&digest, b"dm_table_load\0", table]),
        record("ima-buf", &[&digest, b"kexec-cmdline\0", b"root=/dev/sda1 ro"]),
        record("ima-buf", &[&digest, b"selinux-policy-hash\0", &[0; 32]]),
        record("ima-modsig", &[&digest, b"/a.ko\0", b"", &digest, &signing("detached.p7")]),
        record("ima-modsig", &[&digest, b"/b.ko\0", b"", &digest, &signing("pss-keyid.p7")]),
        record("evm-sig", &[&digest, b"/c\0", &[5, 2, 4, 0, 0, 0, 9, 0, 1, 1], b"", b"", b"", b"", b"", b""]),
        record(
            "ima-sigv2",
            &[&[b"verity:".as_slice(), &digest].concat(), b"/d\0", &[6, 3, 4, 0, 0, 0, 8, 0, 1, 1]],
        ),
        record("ima-sig", &[&digest, b"/known\0", &[&[3, 2, 4][..], &key_id, &[0, 1, 1]].concat()]),
        record("ima-sig", &[&digest, b"/e\0", &[3, 2, 4, 0, 0, 0, 8, 0, 9, 1]]),
    ]
    .concat();
    let run = on(&bytes, &[]);
    assert_eq!(run.code, 1, "a signature is cut short");
    assert_snapshot!("measured", run.text());
}

#[test]
fn a_list_that_does_not_start_at_the_boot_is_said_to() {
    let bytes = list("direct", TEXT);
    let second = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    assert_eq!(codes(&on(&bytes[second..], &["-o", "json"]).json()), ["no-boot-aggregate"]);
}

#[test]
fn findings_without_end_are_counted() {
    let mut bytes = list("direct", TEXT);
    bytes.extend(b"\n".repeat(1_000));
    let report = on(&bytes, &["-o", "json"]).json();
    assert_eq!(report["findings"].as_array().unwrap().len(), 101);
    let last = report["findings"][100]["text"].as_str().unwrap();
    assert_eq!(last, "900 more findings of line-empty");
}

#[test]
fn text_from_a_host_cannot_drive_the_terminal() {
    let mut bytes = list("direct", BINARY);
    let at = bytes.windows(14).position(|window| window == b"boot_aggregate").unwrap();
    bytes[at..at + 4].copy_from_slice(b"\x1b[2J");
    let folder = tempfile::tempdir().unwrap();
    let path = file(&folder, "evil\x1b[31m", &bytes);
    for arguments in
        [&["-o", "table"][..], &["-o", "json"], &["-o", "jsonl"], &["--all"], &["--only-findings"]]
    {
        let run = lydian(&[&["inspect", "ima", path.to_str().unwrap()], arguments].concat());
        assert_eq!(run.code, 1);
        assert!(!run.out.contains('\x1b'), "{arguments:?}");
    }
}
