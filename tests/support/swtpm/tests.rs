//! Whether the guard's TPM is a TPM to everybody else too.

use std::process::Command;

use evidence::pcr::PcrIndex;

use super::*;

fn run(program: &str, command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{program} is needed here: {error}"));
    assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn extends_as_the_library_says_and_forgets_at_reset() {
    let spec = SwtpmSpec { banks: vec![HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384], identity: 0 };
    let mut swtpm = Swtpm::start(&spec).unwrap();
    let socket = swtpm.socket();
    assert_eq!(socket.banks().unwrap(), spec.banks);
    let pcr = PcrIndex::new(11).unwrap();
    let measured: Vec<_> = spec.banks.iter().map(|bank| bank.hash(&[b"x"])).collect();
    socket.extend(pcr, &measured).unwrap();
    for digest in &measured {
        let bank = digest.alg();
        let expected = pcr.start(bank).extend(digest);
        assert_eq!(socket.read_bank(bank).unwrap().value(bank, pcr), expected, "{bank}");
    }
    swtpm.restart().unwrap();
    let after = swtpm.socket().read_bank(HashAlg::Sha256).unwrap();
    for pcr in PcrIndex::ALL {
        assert_eq!(after.value(HashAlg::Sha256, pcr), Some(pcr.start(HashAlg::Sha256)), "PCR {pcr}");
    }
}

#[test]
fn a_killed_tpm_comes_back() {
    let mut swtpm = Swtpm::start(&SwtpmSpec::default()).unwrap();
    swtpm.kill_9().unwrap();
    assert!(swtpm.socket().banks().is_err());
    swtpm.power_on(|_| Ok(())).unwrap();
    assert_eq!(swtpm.socket().banks().unwrap(), [HashAlg::Sha256]);
}

#[test]
fn other_clients_find_it_and_its_certificate() {
    let swtpm = Swtpm::start(&SwtpmSpec::default()).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let [root, issuer]: [Vec<u8>; 2] = ca_certificates().unwrap().try_into().unwrap();
    std::fs::write(dir.path().join("root"), root).unwrap();
    std::fs::write(dir.path().join("issuer"), issuer).unwrap();
    let mut read = Command::new("tpm2_nvread");
    read.current_dir(dir.path()).args(["-T", &swtpm.tcti(), "-C", "o", "0x1c00002", "-o", "leaf"]);
    run("tpm2_nvread", &mut read);
    let mut verify = Command::new("openssl");
    verify.current_dir(dir.path()).args(["verify", "-CAfile", "root", "-untrusted", "issuer"]);
    run("openssl", verify.args(["-ignore_critical", "leaf"]));
}

#[test]
fn identities_are_different_tpms() {
    let public = |identity| {
        let spec = SwtpmSpec { identity, ..SwtpmSpec::default() };
        let swtpm = Swtpm::start(&spec).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let mut read = Command::new("tpm2_nvread");
        read.current_dir(dir.path()).args(["-T", &swtpm.tcti(), "-C", "o", "0x1c00002", "-o", "leaf"]);
        run("tpm2_nvread", &mut read);
        std::fs::read(dir.path().join("leaf")).unwrap()
    };
    assert_eq!(public(0), public(0));
    assert_ne!(public(0), public(1));
}
