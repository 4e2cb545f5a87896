//! Bytes to types for everything that a host's state is proved by.
//!
//! In: the bytes of firmware logs, IMA lists, TPM structures, manifests and evidence. Out: typed views beside
//! the raw bytes, and the digests that they replay to. This crate parses and writes; it has no IO, clock or
//! randomness, and it establishes no trust: `appraisal` does.

pub mod limits;

pub mod asn1;
pub mod cbor;
pub mod cel;
pub mod cursor;
pub mod digest;
pub mod finding;
pub mod json;
pub mod pcr;
pub mod source;
pub mod time;

pub mod efi;
pub mod pe;
pub mod pkcs7;
pub mod principal;
pub mod x509;

pub mod eventlog;
pub mod ima;
pub mod systemd_log;
pub mod tpm;

pub mod buildinfo;
pub mod elf;
pub mod module;
pub mod openpgp;
pub mod rpm;
pub mod settings;
pub mod sqlite;
pub mod ssh;

pub mod body;
pub mod bundle;
pub mod envelope;
pub mod export;
pub mod manifest;
pub mod record;
