use std::io::Write as _;

use super::*;

fn facts(read: impl FnOnce(&mut Facts)) -> Vec<String> {
    let mut facts = Facts::default();
    read(&mut facts);
    facts.finish().into_iter().map(|claim| format!("{}={}", claim.key, claim.value)).collect()
}

fn go(version: &str, lines: &str) -> Vec<u8> {
    let mut section = [b"\xff Go buildinf:\x08\x02".as_slice(), &[0; 16]].concat();
    let module = format!("{}{lines}{}", "0".repeat(16), "1".repeat(16));
    for text in [version, &module] {
        section.extend([
            u8::try_from(text.len() & 0x7f).unwrap() | 0x80,
            u8::try_from(text.len() >> 7).unwrap(),
        ]);
        section.extend_from_slice(text.as_bytes());
    }
    section
}

#[test]
fn go_modules() {
    let lines = "path\tx.org/tool/cmd\nmod\tx.org/tool\t(devel)\t\ndep\ta.org/b\tv1.2.3\th1:x=\n\
        dep\tc.org/d\tv2.0.0\n=>\t./d\t\t\ndep\te.org/f\tv1.0.0\n=>\tg.org/h\tv1.1.0\th1:y=\n\
        build\t-compiler=gc\nbuild\tvcs.revision=abc\nbuild\tvcs.modified=true\n";
    let section = go("go1.21.3", lines);
    let expected = [
        "go.dep.a.org/b=v1.2.3",
        "go.dep.c.org/d=v2.0.0 => ./d",
        "go.dep.e.org/f=v1.0.0 => g.org/h v1.1.0",
        "go.module=x.org/tool",
        "go.module.version=(devel)",
        "go.path=x.org/tool/cmd",
        "go.vcs.modified=true",
        "go.vcs.revision=abc",
        "go.version=go1.21.3",
    ];
    assert_eq!(facts(|facts| go::read(&section, facts)), expected);
    for cut in 0..section.len() {
        let _ = facts(|facts| go::read(&section[..cut], facts));
    }
}

#[test]
fn go_that_points_elsewhere_is_told_apart() {
    let section = [b"\xff Go buildinf:\x08\x00".as_slice(), &[0; 16]].concat();
    assert_eq!(facts(|facts| go::read(&section, facts)), ["go.version=before 1.18"]);
    assert_eq!(facts(|facts| go::read(b"\xff Go", facts)), [] as [&str; 0]);
}

#[test]
fn rust_crates() {
    let json = br#"{"packages":[
        {"name":"adler","version":"0.2.3","source":"registry"},
        {"name":"cc","version":"1.0","source":"registry","kind":"build"},
        {"name":"syn","version":"2.0.1","source":"registry"},
        {"name":"syn","version":"1.0.9","source":"registry"},
        {"name":"tool","version":"0.1.0","source":"local","root":true,"dependencies":[0]}]}"#;
    let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(json).unwrap();
    let packed = packed.finish().unwrap();
    let expected = [
        "rust.build-dep.cc=1.0",
        "rust.dep.adler=0.2.3",
        "rust.dep.syn=1.0.9, 2.0.1",
        "rust.package=tool 0.1.0",
        "rust.version=1.88.0 (abc)",
    ];
    let found = facts(|facts| {
        rust::dependencies(&packed, facts);
        rust::compiler(b"GCC: (Debian)\0\0rustc version 1.88.0 (abc)\0", facts);
    });
    assert_eq!(found, expected);
    assert_eq!(facts(|facts| rust::dependencies(&packed[..9], facts)), [] as [&str; 0]);
}

#[test]
fn too_many_facts_are_counted() {
    let found = facts(|facts| (0..ENTRY_FACTS).for_each(|number| facts.add(&format!("k{number}"), "")));
    assert_eq!(found.len(), ENTRY_FACTS - RESERVED + 1);
    assert_eq!(found.first().map(String::as_str), Some("build.left-out=64"));
}

#[test]
fn what_is_no_program_says_nothing() {
    for bytes in [&b""[..], b"\x7fELF", b"#!/bin/sh", &[0x7f; 200]] {
        assert_eq!(read(&bytes), []);
    }
}
