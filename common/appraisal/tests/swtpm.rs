//! Credentials against a TPM that somebody else wrote: swtpm opens what this crate makes.
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

    use evidence::tpm::{Public, Template};
    use lydian_appraisal::credential::make_credential;
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
        swtpm.run_and_flush(create_ek);
        swtpm.run_and_flush("tpm2_readpublic -Q -c ek.ctx -o ek.pub");
        let ek = swtpm.public("ek.pub");
        let ak = swtpm.create_ak("ak", "ecc256:ecdsa-sha256:null");
        let other = swtpm.create_ak("other", "rsa2048:rsassa-sha256:null");
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        for (size, secret) in [(1, [7; 32]), (16, [8; 32]), (32, [9; 32])] {
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

    #[test]
    fn an_rsa_3072_endorsement_key_opens_our_credential() {
        let attributes = "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|decrypt";
        let create =
            format!("tpm2_createprimary -Q -C e -g sha384 -G rsa3072:aes256cfb -a {attributes} -c ek.ctx");
        check(&create, Authorisation::Password);
    }
}
