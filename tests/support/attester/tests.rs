//! Whether what an honest attester seals is what the verifier's own checks take.

use appraisal::attester::{AttestationKey, Attester};
use appraisal::state::HostState;
use appraisal::verify::verify;
use evidence::manifest::{ComponentKind, Entry, EntryFlags};

use super::*;
use crate::soft_tpm::{KeyKind, SoftTpmSpec};

fn manifest(name: &str) -> Manifest {
    let entry = Entry {
        path: format!("/usr/bin/{name}").into_bytes(),
        digest: Sha256Digest::of(&[name.as_bytes()]),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        signers: Vec::new(),
    };
    Manifest::new(ComponentKind::Package, name.into(), "1".into(), "amd64".into(), vec![entry]).unwrap()
}

/// What a verifier does with each envelope, without its store and log.
fn take(attester: &mut SoftAttester, state: &mut HostState, known: &mut Option<Vec<u8>>) {
    let envelope = Envelope::decode(&attester.envelope().unwrap().encode()).unwrap();
    let enrolled = Attester {
        host: attester.tpm.host(),
        ak: AttestationKey::new(attester.tpm.ak()).unwrap(),
        selection: attester.selection.clone(),
    };
    let verified = verify(&envelope, &enrolled, state, known.as_deref()).unwrap();
    *state = verified.next_state().clone();
    if let Some(log) = envelope.attachment(AttachmentKind::FirmwareLog) {
        *known = Some(log.bytes.clone());
    }
    // The log is somebody else's part; here only the position moves on.
    attester.next_seq += 1;
    attester.prev = envelope.evidence.digest();
    attester.recorded = attester.components.clone();
    attester.firmware_log_standing = Standing::Recorded;
    attester.ima_recorded = ImaList::new(&attester.ima_list).records().count() as u64;
}

#[test]
fn honest_evidence_verifies_across_changes_and_boots() {
    for ak in [KeyKind::EccP256, KeyKind::Rsa2048] {
        let tpm = SoftTpm::new(&SoftTpmSpec { ak, ..SoftTpmSpec::default() }).unwrap();
        let mut attester = SoftAttester::boot(&tpm, "host", SecureBootSwitch::On).unwrap();
        attester.selection = "sha256:0,1,2,3,4,5,6,7,8,9,10".parse().unwrap();
        let (mut state, mut known) = (HostState::enrolled(attester.chain), None);
        let first = attester.add(&manifest("one"));
        take(&mut attester, &mut state, &mut known);
        attester.add(&manifest("two"));
        attester.remove(&first);
        attester.measure_file("/usr/bin/two", &Sha256Digest::of(&[b"two"])).unwrap();
        take(&mut attester, &mut state, &mut known);
        attester.reboot(SecureBootSwitch::Off).unwrap();
        take(&mut attester, &mut state, &mut known);
        assert_eq!(state.next_seq(), 3);
        assert_eq!(state.components(), [manifest("two").digest()]);
    }
}
