//! Programs that were really built.

use std::process::Command;

use evidence::principal::{Principal, Relation};

use super::*;

fn facts(path: &std::path::Path) -> Vec<(String, String)> {
    let file = File::open(path).unwrap();
    let size = file.metadata().unwrap().len();
    let details = details(&file, Content::Elf, size);
    assert_eq!(Details::decode(&details.encode()), Ok(details.clone()));
    details.facts.into_iter().map(|claim| (claim.key, claim.value)).collect()
}

fn value<'a>(facts: &'a [(String, String)], key: &str) -> Option<&'a str> {
    facts.iter().find(|(found, _)| found == key).map(|(_, value)| value.as_str())
}

#[test]
fn a_program_of_rust_names_its_compiler() {
    let facts = facts(&std::env::current_exe().unwrap());
    assert!(value(&facts, "rust.version").is_some_and(|version| version.starts_with("1.")), "{facts:?}");
}

#[test]
fn a_program_of_go_names_its_module() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("go.mod"), "module example.org/tool\n\ngo 1.18\n").unwrap();
    std::fs::write(dir.path().join("main.go"), "package main\n\nfunc main() {}\n").unwrap();
    let mut build = Command::new("go");
    build.args(["build", "-buildvcs=false", "-o", "tool", "."]).current_dir(dir.path());
    build.env("GOCACHE", dir.path().join("cache")).env("GOPATH", dir.path().join("path"));
    build.env("GOFLAGS", "-mod=mod").env("GOPROXY", "off").env("HOME", dir.path());
    let Ok(output) = build.output() else {
        eprintln!("skipped: no go here (Debian: apt-get install golang-go)");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let facts = facts(&dir.path().join("tool"));
    let told = Command::new("go").arg("version").arg(dir.path().join("tool")).output().unwrap();
    let told = String::from_utf8(told.stdout).unwrap();
    assert_eq!(value(&facts, "go.version"), told.trim().split(": ").nth(1));
    assert_eq!(value(&facts, "go.module"), Some("example.org/tool"));
    assert_eq!(value(&facts, "go.path"), Some("example.org/tool"));
}

#[test]
fn details_are_kept_in_one_form() {
    let edge = Edge::new(Relation::SignedBy, vec![Principal::spki(b"key")], "label");
    let claim = |key: &str| Claim { key: key.into(), value: "v".into() };
    let details = Details { edges: vec![edge], facts: vec![claim("a"), claim("b")] };
    let bytes = details.encode();
    assert_eq!(Details::decode(&bytes), Ok(details.clone()));
    assert!(!details.is_empty() && Details::default().is_empty());
    let mut unsorted = details;
    unsorted.facts.reverse();
    assert!(matches!(Details::decode(&unsorted.encode()), Err(CborError::Order { .. })));
    assert!(Details::decode(&bytes[..bytes.len() - 1]).is_err());
}

#[test]
fn what_is_no_elf_file_has_no_build() {
    let file = tempfile::tempfile().unwrap();
    assert!(details(&file, Content::Script, 0).is_empty());
    assert!(details(&file, Content::Elf, 1_000).is_empty(), "cut since it was hashed");
    let subject =
        Subject { file: &file, content: Content::Other, name: b"x", size: 0, flags: EntryFlags::default() };
    assert_eq!(of(&subject), None, "nothing to keep");
}

fn details(file: &File, content: Content, size: u64) -> Details {
    Details::of(&Subject { file, content, name: b"program", size, flags: EntryFlags::default() })
}
