//! Rust: the crates that `cargo auditable` wrote into the program, and the compiler.
//!
//! In: the sections `.dep-v0`, compressed JSON, and `.comment`. Out: facts under `rust.`.
//= cargo-auditable, PARSING.md: zlib, then JSON with a list `packages` of name, version, source, kind, root

use std::io::Read as _;

use super::Facts;
use crate::json::{Text, Value};
use crate::limits::RUST_DEPENDENCIES_BYTES;

pub(super) fn dependencies(section: &[u8], facts: &mut Facts) {
    let limit = u64::try_from(RUST_DEPENDENCIES_BYTES).unwrap_or(u64::MAX);
    let mut json = Vec::new();
    // One byte more than is read would be cut JSON, which is refused as a whole.
    let unpacked = flate2::bufread::ZlibDecoder::new(section).take(limit).read_to_end(&mut json);
    let Some(document) = unpacked.ok().and_then(|_| Value::parse(&json).ok()) else { return };
    let Some(packages) = document.member("packages").and_then(Value::items) else { return };
    for package in packages {
        let text = |key| package.member(key).and_then(Value::text).map(Text::decode);
        let (Some(name), Some(version)) = (text("name"), text("version")) else { continue };
        let is_root = package.member("root").is_some_and(|root| root.raw() == "true");
        match text("kind").as_deref() {
            _ if is_root => facts.add("rust.package", &format!("{name} {version}")),
            // Ran when it was built, and is not in it.
            Some("build") => facts.add(&format!("rust.build-dep.{name}"), &version),
            _ => facts.add(&format!("rust.dep.{name}"), &version),
        }
    }
}

pub(super) fn compiler(section: &[u8], facts: &mut Facts) {
    for text in section.split(|byte| *byte == 0) {
        if let Some(version) = text.strip_prefix(b"rustc version ") {
            facts.add("rust.version", &String::from_utf8_lossy(version));
        }
    }
}
