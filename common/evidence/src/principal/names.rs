//! Certificates and entries of signature lists under all the names that they go by.
//!
//! In: what was parsed. Out: one edge with every name, so that a signature or a list that knows but one of them finds the
//! key. A label is what the key's maker wrote; nothing vouches for it.

use super::{Edge, Principal, PrincipalKind, Relation};
use crate::asn1::tag;
use crate::efi::{Entry, EntryValue, SignatureType};
use crate::x509::Certificate;

/// Whether a certificate lies where the kernel's integrity keyrings are loaded from, or in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringUse {
    /// It does not, as far as is known.
    None,
    /// `security.ima` names it by the end of its identifier.
    Kernel,
}

impl Edge {
    /// A certificate.
    pub fn certificate(relation: Relation, certificate: &Certificate<'_>, keyring: KeyringUse) -> Self {
        let issuer = certificate.issuer();
        let mut principals = vec![
            Principal::certificate(certificate.der()),
            Principal::spki(certificate.public_key().raw()),
            Principal::tbs(certificate.tbs()),
            Principal::issuer_serial(issuer.raw(), certificate.serial()),
            Principal::subject_name(certificate.subject().raw()),
            Principal::issuer_name(issuer.raw()),
        ];
        if let Some(id) = certificate.authority_key_id() {
            principals.extend(Principal::new(PrincipalKind::AuthorityKeyId, id));
        }
        if let Some(id) = certificate.subject_key_id() {
            principals.extend(Principal::new(PrincipalKind::SubjectKeyId, id));
            if keyring == KeyringUse::Kernel {
                principals.extend(Principal::ima_key_id(id));
            }
        }
        Self::new(relation, principals, &label(certificate))
    }

    /// An entry of a signature list; `None` where it is of a kind that has no name here.
    pub fn signature_entry(relation: Relation, entry: &Entry<'_>) -> Option<Self> {
        let owner = entry.owner();
        let owned = |principal| {
            let owner = owner.name().map_or_else(|| owner.to_string(), str::to_owned);
            Self::new(relation, vec![principal], &format!("owner {owner}"))
        };
        match entry.value() {
            EntryValue::Certificate { certificate, .. } => {
                Some(Self::certificate(relation, &certificate, KeyringUse::Kernel))
            }
            EntryValue::Hash { kind: SignatureType::Sha256, bytes } => {
                Principal::new(PrincipalKind::Image, bytes).ok().map(owned)
            }
            EntryValue::CertificateHash { hash, .. } => {
                Principal::new(PrincipalKind::Tbs, hash.as_bytes()).ok().map(owned)
            }
            _ => None,
        }
    }
}

impl Principal {
    /// The name that `security.ima` has for a key: the end of its identifier.
    pub fn ima_key_id(subject_key_id: &[u8]) -> Option<Self> {
        Self::new(PrincipalKind::ImaKeyId, subject_key_id.last_chunk::<4>()?).ok()
    }
}

/// A certificate's subject in words.
fn label(certificate: &Certificate<'_>) -> String {
    let subject = certificate.subject().to_string();
    subject.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// A serial number as DER again: its content came from there.
pub(super) fn integer(content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let length: Vec<u8> = length.into_iter().skip_while(|byte| *byte == 0).collect();
    let mut der = vec![tag::INTEGER];
    match length[..] {
        [] => der.push(0),
        [short] if short < 0x80 => der.push(short),
        _ => {
            der.push(0x80 | u8::try_from(length.len()).unwrap_or(0x7f));
            der.extend_from_slice(&length);
        }
    }
    der.extend_from_slice(content);
    der
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_have_their_length_in_der() {
        assert_eq!(integer(&[5]), [2, 1, 5]);
        assert_eq!(integer(&[]), [2, 0]);
        assert_eq!(integer(&[7; 200])[..3], [2, 0x81, 200]);
        assert_eq!(integer(&[7; 300])[..4], [2, 0x82, 1, 44]);
    }
}
