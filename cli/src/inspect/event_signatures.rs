//! Keys and hashes of Secure Boot's variables as JSON.
//!
//! In: the data of `PK`, `KEK`, `db` and the like, or one entry of them. Out: what they hold. Whose keys they are is for
//! the certificates to say; nothing is checked here.

use evidence::efi::{Entry, EntryValue, SignatureLists, find_entry};
use evidence::x509::Certificate;
use serde_json::{Value, json};

use super::event_decoded::merge;

/// A chain of signature lists.
pub(super) fn lists(data: &[u8]) -> Value {
    let (mut lists, mut error) = (Vec::new(), None);
    for list in SignatureLists::new(data) {
        match list {
            Ok(list) => {
                let entries: Vec<_> = list.entries().map(|entry| entry_fields(&entry)).collect();
                lists.push(json!({"type": list.kind().to_string(), "entries": entries}));
            }
            Err(found) => error = Some(found.to_string()),
        }
    }
    json!({"lists": lists, "error": error})
}

/// One entry, whose type is found in the measured variable of the same name, if there is one.
pub(super) fn authority(data: &[u8], measured: Option<&[u8]>) -> Value {
    if let Some(entry) = measured.and_then(|variable| find_entry(variable, data)) {
        return json!({"entry": entry_fields(&entry), "type": entry.kind().to_string(), "in_variable": true});
    }
    let entry = match Certificate::parse_prefix(data) {
        // Some loaders leave the owner out.
        Ok((certificate, _)) => certificate_fields(&certificate),
        Err(_) => entry_fields(&Entry::alone(data)),
    };
    json!({"entry": entry, "in_variable": measured.map(|_| false)})
}

fn entry_fields(entry: &Entry<'_>) -> Value {
    let mut fields = match entry.value() {
        EntryValue::Certificate { certificate, .. } => certificate_fields(&certificate),
        EntryValue::Hash { kind, bytes } => json!({kind.name(): hex::encode(bytes)}),
        EntryValue::CertificateHash { hash, revoked_from } => json!({
            "cert_tbs_hash": hash.to_string(),
            "hash": hash.alg().name(),
            "revoked_from": revoked_from.map(|time| time.to_string()),
        }),
        _ => json!({"data": hex::encode(entry.data())}),
    };
    let owner = entry.owner();
    merge(&mut fields, json!({"owner": owner.to_string(), "owner_name": owner.name()}));
    fields
}

fn certificate_fields(certificate: &Certificate<'_>) -> Value {
    json!({
        "subject": certificate.subject().to_string(),
        "issuer": certificate.issuer().to_string(),
        "cert_sha256": certificate.sha256().to_string(),
        "spki_sha256": certificate.spki_sha256().to_string(),
    })
}
