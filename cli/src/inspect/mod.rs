//! Measurement logs, quotes, certificates, key lists and signed files, from files.
//!
//! In: files as the kernel and tpm2-tools give them. Out: what they say, and whether their parts fit each other. A log
//! alone proves nothing: only a quote that somebody asked for makes its digests true.

mod report;
mod signer_view;

mod against;
mod event_decoded;
mod event_signatures;
mod event_table;
mod event_view;
mod eventlog;
mod ima;
mod systemd_compare;
mod systemd_log;
mod systemd_table;
mod systemd_view;

mod ek_cert;
mod quote;

mod elf;
mod keyring;
mod module;
mod moment;
mod pe;
mod pe_signature;
mod pe_view;
mod siglist;

use std::path::Path;

use evidence::digest::HashAlg;

use crate::error::CliError;

pub(crate) use ek_cert::run as ek_cert;
pub(crate) use elf::run as elf;
pub(crate) use eventlog::run as eventlog;
pub(crate) use ima::run as ima;
pub(crate) use keyring::run as keyring;
pub(crate) use module::run as module;
pub(crate) use pe::run as pe;
pub(crate) use quote::run as quote;
pub(crate) use siglist::run as siglist;
pub(crate) use systemd_log::run as systemd_log;

/// A bank's name from the command line.
fn bank(name: &str) -> Result<HashAlg, CliError> {
    name.parse().map_err(|error| CliError::value("--bank", error))
}

/// How a file is called in output.
fn name_of(path: &Path) -> String {
    if path.as_os_str() == "-" { "(standard input)".to_owned() } else { path.display().to_string() }
}

/// Hexadecimal from the command line.
fn unhex(what: &str, text: &str) -> Result<Vec<u8>, CliError> {
    let digits: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let digits = digits.strip_prefix("0x").unwrap_or(&digits);
    hex::decode(digits).map_err(|error| CliError::value(what, format!("not hexadecimal: {error}")))
}
