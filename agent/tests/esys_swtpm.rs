//! `EsysTpm` against swtpm: keys, credentials, quotes, and what happens when the TPM goes away, comes back, or is full.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, in its helpers too")]

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use evidence::digest::{HashAlg, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::tpm::{Attest, CredentialBlob, KeyName, ObjectAttributes, Public, Template};
use lydian_agent::quote::{AkPlace, EsysTpm, Tpm, TpmError};

/// A running swtpm with its state in a directory of its own.
struct Swtpm {
    dir: PathBuf,
    child: Child,
}

impl Swtpm {
    fn start(dir: &Path) -> Self {
        let (state, socket) = (dir.join("state"), dir.join("s"));
        std::fs::create_dir_all(&state).unwrap();
        for socket in ["s", "s.ctrl"] {
            let _ = std::fs::remove_file(dir.join(socket));
        }
        let child = Command::new("swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", state.display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", socket.display()))
            .arg("--ctrl")
            .arg(format!("type=unixio,path={}.ctrl", socket.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("swtpm is installed");
        let swtpm = Self { dir: dir.to_owned(), child };
        let end = Instant::now() + Duration::from_secs(20);
        while !(socket.exists() && dir.join("s.ctrl").exists()) {
            assert!(Instant::now() < end, "swtpm did not start");
            std::thread::yield_now();
        }
        swtpm
    }

    fn address(&self) -> String {
        format!("swtpm:path={}", self.dir.join("s").display())
    }

    /// Runs a program of tpm2-tools on this TPM.
    fn tool(&self, program: &str, args: &[&str]) {
        let output = Command::new(program)
            .args(args)
            .args(["-T", &self.address()])
            .current_dir(&self.dir)
            .env_remove("TSS2_LOG")
            .output()
            .expect("tpm2-tools are installed");
        assert!(output.status.success(), "{program} {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn tpm(swtpm: &Swtpm) -> EsysTpm {
    let place = AkPlace { handle_base: 0x8101_8000, record: swtpm.dir.join("ak") };
    EsysTpm::new(swtpm.address().parse().unwrap(), place)
}

fn selection() -> PcrSelection {
    "sha256:0,1,2,3,4,5,6,7,8,9,10,14,23+sha1:0,10".parse().unwrap()
}

fn nonce() -> Sha256Digest {
    Sha256Digest::of(&[b"nonce"])
}

/// A credential made by tpm2-tools, which know nothing of our code.
fn credential(swtpm: &Swtpm, ek: &Public, ak: KeyName, secret: &[u8]) -> CredentialBlob {
    let path = |name: &str| swtpm.dir.join(name);
    std::fs::write(path("ek.pub"), ek.to_tpm2b().unwrap()).unwrap();
    std::fs::write(path("secret"), secret).unwrap();
    swtpm.tool("tpm2_makecredential", &["-u", "ek.pub", "-s", "secret", "-o", "blob", "-n", &ak.to_string()]);
    swtpm.tool("tpm2_flushcontext", &["-t"]);
    CredentialBlob::parse_file(&std::fs::read(path("blob")).unwrap()).unwrap()
}

#[test]
fn a_host_can_enrol_and_quote() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = tpm(&swtpm);
    assert!(tpm.banks().unwrap().contains(&HashAlg::Sha256));
    let ek = tpm.endorsement().unwrap();
    assert_eq!(ek.public.area().auth_policy, Template::EkEccP256.area().auth_policy);
    assert_eq!(ek.certificates, Vec::<Vec<u8>>::new(), "this TPM was not given a certificate");
    let ak = tpm.attestation_key().unwrap();
    assert!(ak.attributes().contains(ObjectAttributes::ATTESTATION_KEY));

    let blob = credential(&swtpm, &ek.public, ak.name(), b"the secret of this test");
    let id_object = blob.id_object.to_tpm2b().unwrap();
    let opened = tpm.activate_credential(&id_object, &blob.secret.to_tpm2b().unwrap()).unwrap();
    assert_eq!(opened.as_slice(), b"the secret of this test");

    let quote = tpm.quote(&selection(), &nonce()).unwrap();
    let attest = Attest::parse(&quote.attest).unwrap();
    assert_eq!(attest.fields().extra_data, nonce().as_bytes());
    assert_eq!(attest.quote().unwrap().selection, selection());
    assert_eq!(quote.pcr_values.len(), 15);
    check_with_tools(&swtpm, &ak, &quote);
}

/// The signature holds over the very bytes that we got, says a second implementation.
fn check_with_tools(swtpm: &Swtpm, ak: &Public, quote: &lydian_agent::quote::Quote) {
    std::fs::write(swtpm.dir.join("ak.pub"), ak.to_tpm2b().unwrap()).unwrap();
    std::fs::write(swtpm.dir.join("attest"), &quote.attest).unwrap();
    std::fs::write(swtpm.dir.join("signature"), &quote.signature).unwrap();
    let output = Command::new("tpm2_checkquote")
        .args(["-u", "ak.pub", "-m", "attest", "-s", "signature", "-q", &nonce().to_string()])
        .current_dir(&swtpm.dir)
        .output()
        .expect("tpm2-tools are installed");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_attestation_key_stays_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let first = tpm(&swtpm).attestation_key().unwrap();
    assert_eq!(tpm(&swtpm).attestation_key().unwrap(), first, "another process");
    std::fs::remove_file(dir.path().join("ak")).unwrap();
    assert_eq!(tpm(&swtpm).attestation_key().unwrap(), first, "the record was lost");
    let record = std::fs::read_to_string(dir.path().join("ak")).unwrap();
    assert!(record.starts_with("81018000 "), "no second handle was taken: {record}");
    swtpm.tool("tpm2_evictcontrol", &["-C", "o", "-c", "0x81018000"]);
    tpm(&swtpm).quote(&selection(), &nonce()).expect("somebody else evicted the key; it is made again");
}

#[test]
fn clearing_the_tpm_keeps_the_key_and_another_tpm_is_told_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = tpm(&swtpm);
    assert_eq!(tpm.quote(&selection(), &nonce()), Err(TpmError::KeyGone), "never made");
    let first = tpm.attestation_key().unwrap();
    drop(tpm);
    // The key follows from the endorsement seed, which clearing leaves alone.
    swtpm.tool("tpm2_clear", &["-c", "p"]);
    let mut tpm = self::tpm(&swtpm);
    tpm.quote(&selection(), &nonce()).expect("the key was evicted by the clearing; it is made again");
    drop((tpm, swtpm));
    std::fs::remove_dir_all(dir.path().join("state")).unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = self::tpm(&swtpm);
    assert_eq!(tpm.quote(&selection(), &nonce()), Err(TpmError::KeyGone), "this is another TPM");
    assert_ne!(tpm.attestation_key().unwrap(), first);
    tpm.quote(&selection(), &nonce()).unwrap();
}

#[test]
fn a_tpm_that_went_away_is_reported_and_found_again() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = tpm(&swtpm);
    tpm.attestation_key().unwrap();
    let before = Attest::parse(&tpm.quote(&selection(), &nonce()).unwrap().attest).unwrap();
    drop(swtpm);
    let gone = tpm.quote(&selection(), &nonce()).unwrap_err();
    assert!(matches!(gone, TpmError::NotReachable { .. }) && gone.is_temporary(), "{gone:?}");
    let _swtpm = Swtpm::start(dir.path());
    let after = Attest::parse(&tpm.quote(&selection(), &nonce()).unwrap().attest).unwrap();
    let resets = |attest: &Attest| attest.fields().clock.reset_count;
    assert!(resets(&after) > resets(&before), "a restart of swtpm is a reset of the TPM");
}

#[test]
fn a_tpm_full_of_others_leftovers_is_cleared() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let first = tpm(&swtpm).attestation_key().unwrap();
    for slot in ["one", "two", "three"] {
        let context = format!("{slot}.ctx");
        swtpm.tool("tpm2_createprimary", &["-C", "o", "-G", "ecc", "-c", &context]);
    }
    for slot in 0..3 {
        swtpm.tool("tpm2_startauthsession", &["--policy-session", "-S", &format!("session{slot}")]);
    }
    let mut tpm = tpm(&swtpm);
    let ek = tpm.endorsement().unwrap();
    let blob = credential(&swtpm, &ek.public, first.name(), b"secret");
    let id_object = blob.id_object.to_tpm2b().unwrap();
    tpm.activate_credential(&id_object, &blob.secret.to_tpm2b().unwrap()).unwrap();
    tpm.quote(&selection(), &nonce()).unwrap();
}

#[test]
fn many_calls_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = tpm(&swtpm);
    tpm.attestation_key().unwrap();
    for _ in 0..40 {
        tpm.endorsement().unwrap();
        tpm.quote(&selection(), &nonce()).unwrap();
    }
    drop(tpm);
    for range in ["handles-transient", "handles-loaded-session", "handles-saved-session"] {
        let output = Command::new("tpm2_getcap").args([range, "-T", &swtpm.address()]).output().unwrap();
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "", "{range}");
    }
}

#[test]
fn a_selection_that_the_tpm_lacks_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let swtpm = Swtpm::start(dir.path());
    let mut tpm = tpm(&swtpm);
    tpm.attestation_key().unwrap();
    let lacking = "sha256:0+sm3_256:0".parse().unwrap();
    assert!(tpm.quote(&lacking, &nonce()).is_err());
    tpm.quote(&selection(), &nonce()).expect("the refusal left the TPM usable");
}

#[test]
fn no_tpm_is_a_clear_error() {
    let place = AkPlace { handle_base: 0x8101_8000, record: "/nonexistent/ak".into() };
    for address in ["device:/dev/no-such-tpm", "swtpm:path=/nonexistent/s", "swtpm:host=127.0.0.1,port=1"] {
        let error = EsysTpm::new(address.parse().unwrap(), place.clone()).banks().unwrap_err();
        assert!(matches!(&error, TpmError::NotReachable { reason } if reason.contains(address)), "{error:?}");
    }
}

/// With certificates in NV the certified key is taken, whichever it is.
#[test]
fn the_key_with_a_certificate_is_the_endorsement_key() {
    for (index, template) in [
        ("0x01c00002", Template::EkRsa2048),
        ("0x01c0000a", Template::EkEccP256),
        ("0x01c00016", Template::EkEccP384),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let swtpm = Swtpm::start(dir.path());
        // What matters here is where a DER value lies, not what it says: 0x30, a length, padding behind.
        let certificate = [&[0x30, 0x82, 0x02, 0x58][..], &[0xab; 600]].concat();
        std::fs::write(dir.path().join("nv"), [&certificate[..], &[0xff; 100]].concat()).unwrap();
        swtpm.tool(
            "tpm2_nvdefine",
            &[index, "-C", "o", "-s", "704", "-a", "ownerread|ownerwrite|authread|no_da"],
        );
        swtpm.tool("tpm2_nvwrite", &[index, "-C", "o", "-i", "nv"]);
        let mut tpm = tpm(&swtpm);
        let ek = tpm.endorsement().unwrap();
        assert_eq!(ek.certificates, std::slice::from_ref(&certificate));
        assert_eq!(ek.public.area().auth_policy, template.area().auth_policy, "{template:?}");
        let ak = tpm.attestation_key().unwrap();
        let blob = credential(&swtpm, &ek.public, ak.name(), b"secret");
        let id_object = blob.id_object.to_tpm2b().unwrap();
        let opened = tpm.activate_credential(&id_object, &blob.secret.to_tpm2b().unwrap());
        assert_eq!(opened.unwrap().as_slice(), b"secret", "{template:?}");
    }
}
