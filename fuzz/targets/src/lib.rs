//! What each fuzz target does with its bytes.
//!
//! In: any bytes. Out: nothing, or a panic that is a defect: of the parser, or of what must hold of everything that it
//! reads. `fuzz/fuzz_targets/NAME.rs` runs a body under libFuzzer; `tests/corpus.rs` replays the committed corpus
//! `fuzz/corpus/NAME/` through the same body in every test run.
//!
//! To add a target: a module here with a function of the module's name, its line in `TARGETS`, a file in
//! `fuzz/fuzz_targets`, a `[[bin]]` in `fuzz/Cargo.toml`, seeds in `scripts/fuzz-seeds`, and then
//! `scripts/fuzz --minimise NAME` for its corpus.
#![expect(clippy::missing_panics_doc, reason = "a panic is what a fuzz target is for")]

mod buildinfo;
mod cel;
mod crl;
mod ek_certificate;
mod ek_roots_bundle;
mod elf;
mod envelope;
mod event_log;
mod export;
mod fanotify;
mod ima_list;
mod json;
mod module;
mod notes;
mod openpgp;
mod pcr_files;
mod pe;
mod pkcs7;
mod quote_files;
mod rpm;
mod settings;
mod siglist;
mod sqlite;
mod ssh;
mod subject;
mod submission;
mod systemd_log;
mod tiles;
mod tpm_structures;
mod witness;
mod x509;

pub use buildinfo::buildinfo;
pub use cel::cel;
pub use crl::crl;
pub use ek_certificate::ek_certificate;
pub use ek_roots_bundle::ek_roots_bundle;
pub use elf::elf;
pub use envelope::envelope;
pub use event_log::event_log;
pub use export::export;
pub use fanotify::fanotify;
pub use ima_list::ima_list;
pub use json::json;
pub use module::module;
pub use notes::notes;
pub use openpgp::openpgp;
pub use pcr_files::pcr_files;
pub use pe::pe;
pub use pkcs7::pkcs7;
pub use quote_files::quote_files;
pub use rpm::rpm;
pub use settings::settings;
pub use siglist::siglist;
pub use sqlite::sqlite;
pub use ssh::ssh;
pub use subject::subject;
pub use submission::submission;
pub use systemd_log::systemd_log;
pub use tiles::tiles;
pub use tpm_structures::tpm_structures;
pub use witness::witness;
pub use x509::x509;

/// What a target does with its bytes.
pub type Body = fn(&[u8]);

/// Every target by its name.
pub const TARGETS: &[(&str, Body)] = &[
    ("buildinfo", buildinfo),
    ("rpm", rpm),
    ("sqlite", sqlite),
    ("cel", cel),
    ("json", json),
    ("systemd_log", systemd_log),
    ("ek_certificate", ek_certificate),
    ("elf", elf),
    ("crl", crl),
    ("ek_roots_bundle", ek_roots_bundle),
    ("envelope", envelope),
    ("event_log", event_log),
    ("export", export),
    ("fanotify", fanotify),
    ("ima_list", ima_list),
    ("module", module),
    ("notes", notes),
    ("openpgp", openpgp),
    ("pe", pe),
    ("pcr_files", pcr_files),
    ("quote_files", quote_files),
    ("pkcs7", pkcs7),
    ("settings", settings),
    ("siglist", siglist),
    ("ssh", ssh),
    ("subject", subject),
    ("submission", submission),
    ("tiles", tiles),
    ("tpm_structures", tpm_structures),
    ("witness", witness),
    ("x509", x509),
];
