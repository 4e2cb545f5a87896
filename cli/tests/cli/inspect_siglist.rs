//! `lydian inspect siglist` on lists of our own.

use insta::assert_snapshot;

use crate::run::{Finished, finish, lydian, program, vector};

/// Runs with the file on standard input, so that no path gets into a snapshot.
fn on_stdin(name: &str, arguments: &[&str]) -> Finished {
    let bytes = std::fs::read(vector("signing", name)).unwrap();
    finish(program().args(["inspect", "siglist", "-"]).args(arguments), &bytes)
}

#[test]
fn lists_and_updates_as_tables() {
    for name in ["db.esl", "dbx.auth"] {
        assert_snapshot!(format!("siglist-{name}"), on_stdin(name, &[]).text());
    }
}

#[test]
fn a_list_as_json() {
    assert_snapshot!("siglist-db-json", on_stdin("db.esl", &["-o", "json"]).text());
}

#[test]
fn the_contract_of_an_updates_json() {
    let run = on_stdin("dbx.auth", &["-o", "json"]);
    assert_eq!(run.code, 0);
    let json = run.json();
    assert_eq!(json["container"], "authenticated");
    assert_eq!((&json["update"]["variable"], &json["update"]["valid"]), (&"dbx".into(), &true.into()));
    let list = &json["lists"][0];
    assert_eq!(list["type"], "sha256");
    assert_eq!(list["entries"][1]["owner"], "605dab50-e046-4300-abb6-3dd810dd8b23");
    assert!(list["entries"][1]["sha256"].as_str().unwrap().starts_with("1f1e1d"));
    assert!(json["truncated_at"].is_null());
}

#[test]
fn an_update_whose_payload_was_changed_exits_with_1() {
    let mut bytes = std::fs::read(vector("signing", "dbx.auth")).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let run = finish(program().args(["inspect", "siglist", "-", "-o", "json"]), &bytes);
    assert_eq!(run.code, 1);
    assert_eq!(run.json()["findings"][0]["code"], "update-signature");
}

#[test]
fn a_cut_list_exits_with_2_and_says_where() {
    let bytes = std::fs::read(vector("signing", "db.esl")).unwrap();
    let run = finish(program().args(["inspect", "siglist", "-", "-o", "json"]), &bytes[..bytes.len() - 1]);
    assert_eq!(run.code, 2);
    let json = run.json();
    assert_eq!(json["lists"].as_array().unwrap().len(), 1);
    assert_eq!(json["truncated_at"], 898);
}

#[test]
fn several_files_are_a_list() {
    let run = lydian(&[
        "inspect",
        "siglist",
        "-o",
        "json",
        &vector("signing", "db.esl"),
        &vector("signing", "dbx.esl"),
    ]);
    assert_eq!(run.code, 0);
    assert_eq!(run.json().as_array().unwrap().len(), 2);
}
