//! Keys and hashes of Secure Boot's variables in a few words.
//!
//! In: the contents of `PK`, `KEK`, `db` and the like, or one entry of them. Out: names of certificates and counts of hashes.
//! A certificate's name is its own word; nothing is checked here.

use std::fmt::{self, Write};

use crate::efi::{Entry, EntryValue, SignatureLists, SignatureType};
use crate::x509::Certificate;

/// A chain of lists: its certificates by name, everything else by number and kind.
pub(super) fn write_lists(f: &mut impl Write, data: &[u8]) -> fmt::Result {
    if data.is_empty() {
        return f.write_str("empty");
    }
    let mut first = true;
    let mut part = |f: &mut _| {
        let between = if std::mem::take(&mut first) { "" } else { "; " };
        Write::write_str(f, between)
    };
    for list in SignatureLists::new(data) {
        part(f)?;
        match list {
            Ok(list) if list.kind() == SignatureType::X509 => {
                for (at, entry) in list.entries().enumerate() {
                    f.write_str(if at == 0 { "" } else { ", " })?;
                    write_entry(f, &entry)?;
                }
            }
            Ok(list) => {
                let plural = if list.len() == 1 { "" } else { "s" };
                write!(
                    f,
                    "{} {} entr{}",
                    list.len(),
                    list.kind(),
                    if plural.is_empty() { "y" } else { "ies" }
                )?;
            }
            Err(error) => write!(f, "damaged: {error}")?,
        }
    }
    Ok(())
}

/// One entry without the type of its list; some loaders leave its owner out, too.
pub(super) fn write_alone(f: &mut impl Write, data: &[u8]) -> fmt::Result {
    if let Ok((certificate, _)) = Certificate::parse_prefix(data) {
        return write_certificate(f, &certificate);
    }
    let entry = Entry::alone(data);
    write_entry(f, &entry)?;
    match entry.owner().name() {
        Some(name) => write!(f, " (of {name})"),
        None => write!(f, " (of {})", entry.owner()),
    }
}

fn write_entry(f: &mut impl Write, entry: &Entry<'_>) -> fmt::Result {
    match entry.value() {
        EntryValue::Certificate { certificate, .. } => write_certificate(f, &certificate),
        EntryValue::Hash { kind, bytes } => {
            write!(f, "{kind} ")?;
            bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
        EntryValue::CertificateHash { hash, .. } => write!(f, "certificate {hash}"),
        _ => write!(f, "{} bytes", entry.data().len()),
    }
}

fn write_certificate(f: &mut impl Write, certificate: &Certificate<'_>) -> fmt::Result {
    match certificate.subject().common_name() {
        Some(name) => write!(f, "{name}"),
        None => write!(f, "{}", certificate.subject()),
    }
}
