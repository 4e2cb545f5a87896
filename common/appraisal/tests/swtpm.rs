//! Credentials and attestations against a TPM that somebody else wrote: swtpm opens what this crate makes, and what swtpm
//! attests holds.
//!
//! Needs swtpm, its TCTI and tpm2-tools. Without them these tests fail and say what to install; a machine that cannot
//! have them sets `LYDIAN_TESTS_WITHOUT_SWTPM` and gets a line for each test that was left out.
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_types,
        clippy::disallowed_methods,
        reason = "the crate is pure; its oracle is a process with files and a socket"
    )
)]

#[cfg(test)]
mod activation {
    use std::io::ErrorKind;
    use std::os::unix::net::UnixStream;
    use std::path::{Path, PathBuf};
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    use evidence::digest::HashAlg;
    use evidence::tpm::{Attest, Attested, CreationData, Public, Signature, Template, parse_pcr_file};
    use lydian_appraisal::credential::make_credential;
    use lydian_appraisal::crypto::{HashPolicy, VerifyingKey};
    use lydian_appraisal::quote::check_values;
    use rand_chacha::ChaCha20Rng;
    use rand_core::SeedableRng;

    const INSTALL: &str =
        "apt-get install swtpm tpm2-tools libtss2-tcti-swtpm0 (or set LYDIAN_TESTS_WITHOUT_SWTPM)";
    const START_LIMIT: Duration = Duration::from_secs(20);

    /// A software TPM with a directory of its own; both end with the value.
    struct Swtpm {
        process: Child,
        dir: tempfile::TempDir,
    }

    impl Swtpm {
        /// `None` where the machine has none and says that this is meant.
        fn start() -> Option<Self> {
            let dir = tempfile::tempdir().unwrap();
            let socket = dir.path().join("tpm");
            let spawned = Command::new("swtpm")
                .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
                .arg("--tpmstate")
                .arg(format!("dir={}", dir.path().display()))
                .args(["--server", &format!("type=unixio,path={}", socket.display())])
                .args(["--ctrl", &format!("type=unixio,path={}.ctrl", socket.display())])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            let process = match spawned {
                Ok(process) => process,
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    assert!(
                        std::env::var_os("LYDIAN_TESTS_WITHOUT_SWTPM").is_some(),
                        "no swtpm here: {INSTALL}"
                    );
                    println!("SKIPPED: no swtpm on this machine, and LYDIAN_TESTS_WITHOUT_SWTPM is set");
                    return None;
                }
                Err(error) => panic!("swtpm does not start: {error}"),
            };
            let mut swtpm = Self { process, dir };
            swtpm.wait_for(&socket);
            Some(swtpm)
        }

        fn wait_for(&mut self, socket: &Path) {
            let deadline = Instant::now() + START_LIMIT;
            while UnixStream::connect(socket).is_err() {
                assert_eq!(self.process.try_wait().unwrap(), None, "swtpm ended at once");
                assert!(Instant::now() < deadline, "swtpm opened no socket in {START_LIMIT:?}");
                std::thread::yield_now();
            }
        }

        fn path(&self, name: &str) -> PathBuf {
            self.dir.path().join(name)
        }

        fn read(&self, name: &str) -> Vec<u8> {
            std::fs::read(self.path(name)).unwrap()
        }

        /// Runs a tool in the TPM's directory and gives back whether it succeeded, with what it said.
        fn attempt(&self, line: &str) -> Result<(), String> {
            let mut words = line.split_whitespace();
            let output = Command::new(words.next().unwrap())
                .args(words)
                .current_dir(self.dir.path())
                .env("TPM2TOOLS_TCTI", format!("swtpm:path={}", self.path("tpm").display()))
                .output()
                .unwrap_or_else(|error| panic!("{line}: {error}; {INSTALL}"));
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            if output.status.success() { Ok(()) } else { Err(format!("{line}: {said}")) }
        }

        fn run(&self, line: &str) {
            self.attempt(line).unwrap();
        }

        /// There is no resource manager, and a TPM has three places for objects.
        fn run_and_flush(&self, line: &str) {
            self.run(line);
            self.run("tpm2_flushcontext -t");
        }

        fn public(&self, name: &str) -> Public {
            Public::parse_tpm2b(&self.read(name)).unwrap()
        }

        /// A restricted signing key, and the name that the TPM gives it.
        fn create_ak(&self, name: &str, kind: &str) -> Public {
            let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|noda|restricted|sign";
            self.run_and_flush(&format!(
                "tpm2_createprimary -Q -C o -G {kind} -a {attributes} -c {name}.ctx"
            ));
            self.run_and_flush(&format!("tpm2_readpublic -Q -c {name}.ctx -o {name}.pub -n {name}.name"));
            let public = self.public(&format!("{name}.pub"));
            assert_eq!(public.name().to_bytes(), self.read(&format!("{name}.name")), "the TPM's own name");
            public
        }
    }

    impl Drop for Swtpm {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    /// How the endorsement key's use is authorised.
    #[derive(Clone, Copy, PartialEq)]
    enum Authorisation {
        /// `PolicySecret(endorsement)`, as the low range's templates ask.
        Policy,
        /// The empty password, which the high range's templates allow.
        Password,
    }

    fn activate(swtpm: &Swtpm, ak: &str, authorisation: Authorisation) -> Result<Vec<u8>, String> {
        let line = format!("tpm2_activatecredential -Q -c {ak}.ctx -C ek.ctx -i blob -o secret");
        let result = match authorisation {
            Authorisation::Password => swtpm.attempt(&line),
            Authorisation::Policy => {
                swtpm.run("tpm2_startauthsession -Q --policy-session -S session");
                swtpm.run("tpm2_policysecret -Q -S session -c e");
                let result = swtpm.attempt(&format!("{line} -P session:session"));
                swtpm.run("tpm2_flushcontext session");
                result
            }
        };
        swtpm.run("tpm2_flushcontext -t");
        result.map(|()| swtpm.read("secret"))
    }

    fn check(create_ek: &str, authorisation: Authorisation) -> Option<Public> {
        let swtpm = Swtpm::start()?;
        let made = swtpm.attempt(create_ek);
        if let Err(said) = &made
            && NOT_IN_THIS_TPM.iter().any(|code| said.contains(code))
        {
            println!("SKIPPED: this swtpm does not have such a key: {create_ek}");
            return None;
        }
        made.unwrap();
        swtpm.run("tpm2_flushcontext -t");
        swtpm.run_and_flush("tpm2_readpublic -Q -c ek.ctx -o ek.pub");
        let ek = swtpm.public("ek.pub");
        let hash = ek.area().name_alg.size();
        let ak = swtpm.create_ak("ak", "ecc256:ecdsa-sha256:null");
        let other = swtpm.create_ak("other", "rsa2048:rsassa-sha256:null");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let secret: Vec<u8> = (1..=64).collect();
        // The longest that the key's hash allows, in whole blocks of the cipher and not.
        for size in [1, 16, 31, hash] {
            let secret = &secret[..size];
            let blob = make_credential(&ek, &ak.name(), secret, &mut rng).unwrap();
            std::fs::write(swtpm.path("blob"), blob.to_file().unwrap()).unwrap();
            assert_eq!(activate(&swtpm, "ak", authorisation).unwrap(), secret);
            assert_ne!(ak.name(), other.name());
            let refused = activate(&swtpm, "other", authorisation).unwrap_err();
            assert!(refused.contains("integrity check failed"), "for another key: {refused}");
        }
        Some(ek)
    }

    /// `TPM_RC_VALUE`, `TPM_RC_CURVE` and what tpm2-tools say of sizes and curves that the TPM lacks.
    const NOT_IN_THIS_TPM: [&str; 3] =
        ["value is out of range", "curve not supported", "key size is not supported"];

    /// The key that the TPM made has every bit of our template but its public value.
    fn matches_template(ek: &Public, template: Template) {
        assert_eq!(Template::of_endorsement_key(ek), Some(template));
    }

    #[test]
    fn an_rsa_2048_endorsement_key_opens_our_credential() {
        let ek = check("tpm2_createek -Q -G rsa -c ek.ctx", Authorisation::Policy);
        ek.inspect(|ek| matches_template(ek, Template::EkRsa2048));
    }

    #[test]
    fn a_p256_endorsement_key_opens_our_credential() {
        let ek = check("tpm2_createek -Q -G ecc -c ek.ctx", Authorisation::Policy);
        ek.inspect(|ek| matches_template(ek, Template::EkEccP256));
    }

    #[test]
    fn a_p384_endorsement_key_opens_our_credential() {
        let ek = check("tpm2_createek -Q -G ecc384 -c ek.ctx", Authorisation::Password);
        ek.inspect(|ek| matches_template(ek, Template::EkEccP384));
    }

    /// The high range's templates are not in tpm2-tools 5.4; the policies are, in ours.
    fn high(kind: &str, hash: &str, template: Option<Template>) -> Option<Public> {
        let attributes =
            "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|adminwithpolicy|restricted|decrypt";
        let policy = match template {
            Some(template) => {
                let file = tempfile::NamedTempFile::new().unwrap();
                std::fs::write(file.path(), template.area().auth_policy).unwrap();
                Some(file)
            }
            None => None,
        };
        let policy_option =
            policy.as_ref().map_or_else(String::new, |file| format!("-L {}", file.path().display()));
        let create = format!(
            "tpm2_createprimary -Q -C e -g {hash} -G {kind} -a {attributes} {policy_option} -c ek.ctx"
        );
        let ek = check(&create, Authorisation::Password);
        if let (Some(ek), Some(template)) = (&ek, template) {
            matches_template(ek, template);
        }
        ek
    }

    #[test]
    fn an_rsa_2048_endorsement_key_of_the_high_range_opens_our_credential() {
        high("rsa2048:aes128cfb", "sha256", Some(Template::EkRsa2048High));
    }

    #[test]
    fn a_p256_endorsement_key_of_the_high_range_opens_our_credential() {
        high("ecc256:aes128cfb", "sha256", Some(Template::EkEccP256High));
    }

    #[test]
    fn an_rsa_3072_endorsement_key_opens_our_credential() {
        high("rsa3072:aes256cfb", "sha384", Some(Template::EkRsa3072));
    }

    #[test]
    fn a_p384_endorsement_key_of_the_high_range_opens_our_credential() {
        high("ecc384:aes256cfb", "sha384", Some(Template::EkEccP384));
    }

    #[test]
    fn a_p521_endorsement_key_opens_our_credential() {
        high("ecc521:aes256cfb", "sha512", None);
    }

    /// Few software TPMs make such keys: where this one does not, a line says so.
    #[test]
    fn an_rsa_4096_endorsement_key_opens_our_credential() {
        high("rsa4096:aes256cfb", "sha512", None);
    }

    /// Everything that this TPM attests, by keys of two kinds: it reads, holds, and names what it is about.
    #[test]
    fn what_a_tpm_attests_now_reads_and_holds() {
        for kind in ["ecc384:ecdsa-sha384:null", "rsa3072:rsassa-sha384:null"] {
            let Some(swtpm) = Swtpm::start() else { return };
            let ak = swtpm.create_ak("ak", kind);
            attest_all(&swtpm);
            let key = VerifyingKey::of_public(&ak).unwrap();
            let object = swtpm.public("object.pub").name().to_bytes();
            for (command, expected) in
                [("quote", "quote"), ("made", "creation"), ("time", "time"), ("nv", "nv-certify")]
            {
                let bytes = swtpm.read(&format!("{command}.msg"));
                let signature = Signature::parse(&swtpm.read(&format!("{command}.sig"))).unwrap();
                assert_eq!(key.verify(HashPolicy::Modern, &signature, &bytes), Ok(()), "{kind}, {command}");
                let attest = Attest::parse(&bytes).unwrap();
                assert_eq!(attest.fields().extra_data, [0, 0x11, 0x22, 0x33], "{kind}, {command}");
                let attested = &attest.fields().attested;
                assert_eq!(attested.name(), expected, "{kind}");
                match attested {
                    Attested::Creation(info) => {
                        let data = CreationData::parse_tpm2b(&swtpm.read("object.data")).unwrap();
                        assert_eq!(info.object_name, object);
                        assert_eq!(info.creation_hash, data.hash(HashAlg::Sha256).as_bytes());
                    }
                    Attested::Nv(info) => assert_eq!(info.contents, b"12345678"),
                    Attested::Quote(quote) => {
                        let values = parse_pcr_file(&swtpm.read("quote.pcrs"), &quote.selection).unwrap();
                        assert_eq!(check_values(quote, signature.hash(), &values), Ok(()), "{kind}");
                    }
                    _ => {}
                }
            }
        }
    }

    fn attest_all(swtpm: &Swtpm) {
        let nonce = "-q 00112233 -g sha384 -f tss";
        swtpm.run_and_flush("tpm2_createprimary -Q -C o -G ecc -c parent.ctx");
        swtpm.run_and_flush(
            "tpm2_create -Q -C parent.ctx -G ecc -u object.pub -r object.priv --creation-data object.data -t ticket -d hash",
        );
        swtpm.run_and_flush("tpm2_load -Q -C parent.ctx -u object.pub -r object.priv -c object.ctx");
        swtpm.run_and_flush(
            "tpm2_quote -Q -c ak.ctx -l sha1:0+sha256:0,7,23 -m quote.msg -s quote.sig -o quote.pcrs -q 00112233 -g sha384",
        );
        // tpm2_certify 5.4 sends the same bytes as a nonce always; the one of `tests/vectors/attested` has them.
        swtpm.run_and_flush(&format!(
            "tpm2_certifycreation -Q -C ak.ctx -c object.ctx -d hash -t ticket --attestation made.msg -o made.sig {nonce}"
        ));
        swtpm.run_and_flush(&format!("tpm2_gettime -Q -c ak.ctx --attestation time.msg -o time.sig {nonce}"));
        swtpm.run("tpm2_nvdefine -Q -C o -s 8 -a ownerread|ownerwrite|authread|authwrite 0x1500011");
        std::fs::write(swtpm.path("contents"), b"12345678").unwrap();
        swtpm.run("tpm2_nvwrite -Q -C o -i contents 0x1500011");
        swtpm.run_and_flush(&format!(
            "tpm2_nvcertify -Q -C ak.ctx -c o --attestation nv.msg -o nv.sig --size 8 {nonce} 0x1500011"
        ));
    }
}
