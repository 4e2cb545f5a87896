//! Keys that the kernel's list tells of, programs that the agent saw start, and what boot loaders read.
//!
//! In: fields of records, the body, the firmware log. Out: keys by the certificates that were loaded onto keyrings (`KEY_CHECK`) and by the signatures that
//! files carried; programs of the state by their place in it; contents by their SHA-256. A signature in the list is what a file carried: whether it holds
//! is not checked, and it names its key by 32 bits of its identifier.

use std::collections::BTreeSet;

use appraisal::verify::{PcrStanding, VerifiedFirmwareLog, VerifiedLog};
use evidence::cbor::Writer;
use evidence::digest::{HashAlg, Sha256Digest};
use evidence::eventlog::{DigestCheck, IplKind, Payload};
use evidence::ima::{ImaFields, ImaSignature, MeasuredBuffer};
use evidence::pcr::PcrIndex;
use evidence::pkcs7::{SignedData, SignerId};
use evidence::principal::{Edge, KeyringUse, Principal, PrincipalKind, Relation};
use evidence::x509::Certificate;

use super::Executed;
use crate::limits::{KERNEL_KEYS, LOADED_FILES};
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

/// A program of the state that the agent saw opened to be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ran {
    /// The component that it is of.
    pub component: Sha256Digest,
    /// Which of its entries.
    pub entry: u32,
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

/// Programs of the state that the agent saw start: the body names them by where they stand in it.
pub(super) fn ran(log: &VerifiedLog<'_>) -> Vec<Ran> {
    let components = log.next_state().components();
    let place = |execution: &evidence::body::Execution| {
        let component = components.get(usize::try_from(execution.component).ok()?)?;
        Some(Ran { component: *component, entry: execution.entry })
    };
    log.body().executions.iter().filter_map(place).collect()
}

/// Contents that boot loaders read to run them: what GRUB read, the initrd that the kernel's EFI stub was given, the parts of a unified kernel image. Neither
/// paths nor names of GRUB's are measured. In a bank other than SHA-256 they have no name that files have.
pub(super) fn loaded(firmware: &VerifiedFirmwareLog<'_>) -> Vec<Executed> {
    let bank = firmware.bank();
    if bank != HashAlg::Sha256 {
        return Vec::new();
    }
    let proves = |pcr: PcrIndex| firmware.standing(pcr).is_some_and(PcrStanding::proves_firmware);
    let (files, parts) = (proves(PcrIndex::LOADED), proves(PcrIndex::UNIFIED_IMAGE));
    let (mut found, mut section) = (Vec::new(), None);
    for event in firmware.log().events() {
        let pcr = event.pcr();
        let is_part = parts && pcr == Some(PcrIndex::UNIFIED_IMAGE);
        let is_file = files && pcr == Some(PcrIndex::LOADED);
        if !is_part && !is_file {
            continue;
        }
        let text = match event.payload() {
            Ok(Payload::Ipl(ipl)) => Some((ipl.kind, ipl.text.to_string())),
            Ok(Payload::Tagged(tagged)) => {
                let initrd = tagged.meaning().filter(|meaning| meaning.contains("initrd"));
                initrd.map(|meaning| (IplKind::Other, meaning.to_owned()))
            }
            _ => None,
        };
        if event.digest_check(bank) == DigestCheck::Verified {
            // The name of a section stands before its contents, and both are measured in this order.
            section = text.filter(|(kind, _)| *kind == IplKind::UkiSection).map(|(_, name)| name);
            continue;
        }
        let name = if is_part { section.take() } else { text.map(|(_, path)| path) };
        let digest = event.digest(bank).and_then(|digest| Sha256Digest::from_slice(digest.as_bytes()).ok());
        let is_run = name.as_deref().is_some_and(if is_part { is_code } else { is_no_data });
        if let (Some(digest), Some(name), true) = (digest, name, is_run && found.len() < LOADED_FILES) {
            found.push(Executed { digest, path: name.into_bytes(), class: Class::B });
        }
    }
    found
}

/// Sections that are run, or unpacked to be run from.
//= UAPI.5 Unified Kernel Image: .linux, .initrd, .ucode, .efifw
fn is_code(section: &str) -> bool {
    [".linux", ".initrd", ".ucode", ".efifw"].contains(&section)
}

/// Files of GRUB that are but shown or looked up are not run; its modules and scripts are.
fn is_no_data(path: &str) -> bool {
    const DATA: [&str; 8] = ["grubenv", ".pf2", ".lst", ".mo", ".png", ".tga", ".jpg", ".txt"];
    !DATA.iter().any(|end| path.trim_end_matches('\0').ends_with(end))
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

    #[test]
    fn what_grub_shows_is_not_run() {
        assert!(is_no_data("/boot/vmlinuz-6.1") && is_no_data("/grub/grub.cfg"));
        assert!(!is_no_data("/grub/fonts/unicode.pf2\0") && !is_no_data("(hd0)/grubenv"));
        assert!(is_code(".linux") && !is_code(".osrel"));
    }
}
