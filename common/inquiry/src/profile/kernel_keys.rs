//! Keys that the kernel's list tells of.
//!
//! In: fields of verified records. Out: certificates that were loaded onto keyrings (`KEY_CHECK`), and keys that signatures of files name. Whether such a signature holds
//! is not checked, and it names its key by 32 bits of its identifier.

use std::collections::BTreeSet;

use evidence::cbor::Writer;
use evidence::ima::{ImaFields, ImaSignature, MeasuredBuffer};
use evidence::pkcs7::{SignedData, SignerId};
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};
use evidence::x509::Certificate;

use crate::limits::KERNEL_KEYS;
use crate::role::{Class, Role};

/// A key that the kernel's list tells of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeySeen {
    /// Its names: at least one.
    pub names: Vec<Principal>,
    /// How the host had to do with it.
    pub role: Role,
    /// How well that is known.
    pub class: Class,
    /// The keyring, or the file that it signed; of several files the first.
    pub place: Vec<u8>,
    /// What people call it.
    pub label: String,
}

impl KeySeen {
    pub(crate) fn write(&self, w: &mut Writer) {
        w.array(5).array(self.names.len());
        for name in &self.names {
            w.array(2).text(name.kind().name()).bytes(name.id());
        }
        w.uint(self.role.code().into()).uint(self.class.code().into()).bytes(&self.place).text(&self.label);
    }
}

/// Keys of a list, each role of one once.
#[derive(Debug, Default)]
pub(super) struct Keys {
    pub(super) seen: Vec<KeySeen>,
    known: BTreeSet<(Role, Vec<Principal>)>,
    /// Whether there are more than are kept.
    pub(super) overflowed: bool,
}

impl Keys {
    /// Takes in what a record says of keys.
    pub(super) fn record(&mut self, fields: &ImaFields<'_>) {
        let path = fields.name.unwrap_or_default();
        if let Some(MeasuredBuffer::Key { keyring, certificate }) = MeasuredBuffer::of(fields)
            && let Ok(certificate) = Certificate::parse(certificate)
        {
            let Edge { principals, label, .. } =
                Edge::certificate(Relation::Trusts, &certificate, KeyringUse::Kernel);
            self.add(principals, (Role::Eligible, Class::A), keyring, label);
        }
        for signature in [fields.signature, fields.evm_signature].into_iter().flatten() {
            let Ok(signature) = ImaSignature::parse(signature) else { continue };
            let name = Principal::new(PrincipalKind::ImaKeyId, &signature.key_id.to_be_bytes());
            self.add(name.into_iter().collect(), (Role::Used, Class::B), path, String::new());
        }
        if let Some(Ok(signed)) = fields.modsig.map(SignedData::parse) {
            for signer in signed.signers().filter_map(Result::ok) {
                self.add(names_of(&signer.id()), (Role::Used, Class::B), path, String::new());
            }
        }
    }

    fn add(&mut self, names: Vec<Principal>, (role, class): (Role, Class), place: &[u8], label: String) {
        if names.is_empty() || self.known.contains(&(role, names.clone())) {
            return;
        }
        if self.seen.len() >= KERNEL_KEYS {
            self.overflowed = true;
            return;
        }
        self.known.insert((role, names.clone()));
        self.seen.push(KeySeen { names, role, class, place: place.to_vec(), label });
    }
}

fn names_of(signer: &SignerId<'_>) -> Vec<Principal> {
    match signer {
        SignerId::IssuerSerial { issuer, serial } => {
            vec![Principal::issuer_serial(issuer.raw(), serial), Principal::issuer_name(issuer.raw())]
        }
        SignerId::KeyId(id) => Principal::new(PrincipalKind::SubjectKeyId, id)
            .into_iter()
            .chain(Principal::ima_key_id(id))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_once_and_no_more_than_are_kept() {
        let mut keys = Keys::default();
        let name =
            |number: u32| vec![Principal::new(PrincipalKind::ImaKeyId, &number.to_be_bytes()).unwrap()];
        let used = (Role::Used, Class::B);
        for number in 0..=u32::try_from(KERNEL_KEYS).unwrap() {
            keys.add(name(number / 2), used, b"/a", String::new());
            keys.add(name(number / 2), used, b"/b", String::new());
        }
        assert!(!keys.overflowed && keys.seen.iter().all(|key| key.place == b"/a"));
        for number in 0..=u32::try_from(KERNEL_KEYS).unwrap() {
            keys.add(name(number), used, b"/c", String::new());
        }
        assert!(keys.overflowed && keys.seen.len() == KERNEL_KEYS);
        keys.add(Vec::new(), used, b"/d", String::new());
        assert_eq!(keys.seen.len(), KERNEL_KEYS);
    }

    #[test]
    fn signatures_and_certificates_of_records() {
        let mut keys = Keys::default();
        let signature = [3, 2, 4, 0xaa, 0xbb, 0xcc, 0xdd, 0, 1, 9];
        let signed = ImaFields { name: Some(b"/bin/a"), signature: Some(&signature), ..ImaFields::default() };
        keys.record(&signed);
        keys.record(&ImaFields { name: Some(b"/bin/b"), ..signed });
        // A bare hash is no signature.
        keys.record(&ImaFields {
            name: Some(b"/bin/c"),
            signature: Some(&[4, 4, 1]),
            ..ImaFields::default()
        });
        let [key] = &keys.seen[..] else { panic!("{keys:?}") };
        assert_eq!((key.role, key.place.as_slice()), (Role::Used, b"/bin/a".as_slice()));
        assert_eq!(key.names[0].to_string(), "ima-key-id:aabbccdd");
    }
}
