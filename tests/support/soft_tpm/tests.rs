//! Whether the TPM in memory does what a TPM does, by tools that were written by others.

use std::process::Command;

use appraisal::credential::make_credential;
use evidence::eventlog::EventLog;
use evidence::ima::{ImaList, ImaReplay, replay_prefix};

use super::*;
use crate::ek_ca::{Lifetime, TestEkCa};
use crate::logs::{EventLogBuilder, ImaListBuilder, SecureBootSwitch};

fn spec(ek: KeyKind, ak: KeyKind) -> SoftTpmSpec {
    SoftTpmSpec { ek, ak, ..SoftTpmSpec::default() }
}

fn run(program: &str, command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{program} is needed here: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn tpm2_tools_accept_its_quotes() {
    for ak in [KeyKind::EccP256, KeyKind::Rsa2048] {
        let mut tpm = SoftTpm::new(&spec(KeyKind::EccP256, ak)).unwrap();
        EventLogBuilder::typical(&tpm, SecureBootSwitch::On).unwrap();
        let nonce = Sha256Digest::of(&[b"nonce"]);
        let quote = tpm.quote(&"sha256:0,4,7,10,17".parse().unwrap(), &nonce).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
        write("ak", &tpm.ak().to_tpm2b().unwrap());
        write("msg", &quote.attest);
        write("sig", &quote.signature);
        let mut check = Command::new("tpm2_checkquote");
        check.current_dir(dir.path()).args(["-u", "ak", "-m", "msg", "-s", "sig", "-g", "sha256"]);
        run("tpm2_checkquote", check.arg("-q").arg(nonce.to_string()));
    }
}

#[test]
fn openssl_accepts_its_certificates() {
    let ca = TestEkCa::new("Test TPM maker").unwrap();
    for ek in [KeyKind::EccP256, KeyKind::Rsa2048] {
        let mut tpm = SoftTpm::new(&spec(ek, KeyKind::EccP256)).unwrap();
        ca.certify(&tpm, Lifetime::Endless).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let leaf = tpm.endorsement().unwrap().certificates.remove(0);
        std::fs::write(dir.path().join("leaf"), leaf).unwrap();
        std::fs::write(dir.path().join("root"), ca.root_pem().unwrap()).unwrap();
        let mut verify = Command::new("openssl");
        // What OpenSSL cannot know is what a TPM's certificate is for, and what its name means.
        verify.current_dir(dir.path()).args(["verify", "-ignore_critical", "-CAfile", "root", "leaf"]);
        run("openssl", &mut verify);
    }
}

#[test]
fn it_opens_what_is_made_for_it_and_nothing_else() {
    for ek in [KeyKind::EccP256, KeyKind::Rsa2048] {
        let mut tpm = SoftTpm::new(&spec(ek, KeyKind::EccP256)).unwrap();
        let public = tpm.endorsement().unwrap().public;
        let blob = make_credential(&public, &tpm.ak().name(), b"secret", &mut rng("test", 1)).unwrap();
        let (id, secret) = (blob.id_object.to_tpm2b().unwrap(), blob.secret.to_tpm2b().unwrap());
        assert_eq!(tpm.activate_credential(&id, &secret).unwrap().as_slice(), b"secret");
        tpm.replace_ak(KeyKind::EccP256, 9).unwrap();
        let refused = tpm.activate_credential(&id, &secret);
        assert!(matches!(refused, Err(TpmError::Refused { .. })), "{refused:?}");
    }
}

#[test]
fn what_is_logged_replays_to_what_it_holds() {
    let banks = vec![HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384];
    let tpm = SoftTpm::new(&SoftTpmSpec { banks: banks.clone(), ..SoftTpmSpec::default() }).unwrap();
    let firmware = EventLogBuilder::typical(&tpm, SecureBootSwitch::Off).unwrap().finish();
    let mut list = ImaListBuilder::booted(&tpm).unwrap();
    list.file("/usr/bin/true", &Sha256Digest::of(&[b"true"])).unwrap();
    list.violation("/var/log/raced").unwrap();
    let parsed = EventLog::parse(&firmware);
    assert_eq!(parsed.damage, None);
    for bank in banks {
        for (pcr, value) in parsed.log.replay(bank).unwrap().iter() {
            if pcr != PcrIndex::IMA {
                assert_eq!(tpm.value(bank, pcr).unwrap(), value, "{bank} {pcr}");
            }
        }
        let quoted = tpm.value(bank, PcrIndex::IMA).unwrap();
        let prefix = replay_prefix(ImaReplay::start(bank), ImaList::new(list.bytes()), &quoted).unwrap();
        assert_eq!((prefix.records_verified, prefix.violations), (3, vec![2]), "{bank}");
    }
}

#[test]
fn seeds_decide_keys_and_resets_are_counted() {
    let new = |seed| SoftTpm::new(&SoftTpmSpec { seed, ..SoftTpmSpec::default() }).unwrap();
    assert_eq!(new(1).host(), new(1).host());
    assert_ne!(new(1).host(), new(2).host());
    let tpm = new(1);
    let before = tpm.clock().reset_count;
    tpm.extend(PcrIndex::SECURE_BOOT, &[HashAlg::Sha256.hash(&[b"x"])]).unwrap();
    tpm.reset();
    assert_eq!(tpm.clock().reset_count, before + 1);
    assert!(tpm.value(HashAlg::Sha256, PcrIndex::SECURE_BOOT).unwrap().is_zero());
}
