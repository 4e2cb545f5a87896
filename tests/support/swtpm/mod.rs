//! A TPM 2.0 in a process of its own: `swtpm` on a Unix socket.
//!
//! In: which banks it has and which of some identities it is. Out: a guard with the TCTI string for the agent and the
//! socket for the firmware. Its keys, counters and clock are a real TPM's; only its secrets are as safe as a file.

mod template;

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, bail};
use evidence::digest::HashAlg;
use tempfile::TempDir;

use crate::tpm_command::{Shutdown, TpmSocket};
use crate::wait;

pub use template::ca_certificates;

/// What kind of TPM is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SwtpmSpec {
    /// The PCR banks that are active.
    pub banks: Vec<HashAlg>,
    /// Two TPMs of one identity have one endorsement key, as a copied virtual machine has; of different identities,
    /// different ones. One local CA vouches for all of them.
    pub identity: u8,
}

impl Default for SwtpmSpec {
    fn default() -> Self {
        Self { banks: vec![HashAlg::Sha256], identity: 0 }
    }
}

/// A running (or killed) `swtpm` with its state.
#[derive(Debug)]
pub struct Swtpm {
    dir: TempDir,
    process: Option<Child>,
}

impl Swtpm {
    /// Starts a TPM that was never used: its endorsement keys and certificates are there, nothing else.
    pub fn start(spec: &SwtpmSpec) -> Result<Self> {
        // A socket's path has at most 107 bytes, so it does not lie below the target directory.
        let dir = tempfile::Builder::new().prefix("ltpm").tempdir_in("/tmp")?;
        template::copy_into(spec, &dir.path().join("state"))?;
        let mut swtpm = Self { dir, process: None };
        swtpm.power_on()?;
        Ok(swtpm)
    }

    /// What a tss2 client connects with.
    pub fn tcti(&self) -> String {
        format!("swtpm:path={}", self.socket_path().display())
    }

    /// The command channel, for whoever stands below the agent.
    pub fn socket(&self) -> TpmSocket {
        TpmSocket::new(&self.socket_path())
    }

    /// Kills the process, as a crash does: no shutdown is announced.
    pub fn kill_9(&mut self) -> Result<()> {
        if let Some(mut process) = self.process.take() {
            process.kill().context("kill swtpm")?;
            process.wait().context("wait for swtpm")?;
        }
        Ok(())
    }

    /// An orderly power cycle: PCRs at their start values, one more on the reset counter.
    pub fn restart(&mut self) -> Result<()> {
        if self.process.is_some() {
            self.socket().shutdown(Shutdown::Clear)?;
        }
        self.kill_9()?;
        self.power_on()
    }

    /// Starts the process on the state that is there; where it was killed, that is a new boot too.
    pub fn power_on(&mut self) -> Result<()> {
        self.kill_9()?;
        for stale in [self.socket_path(), self.control_path()] {
            if stale.exists() {
                std::fs::remove_file(&stale)?;
            }
        }
        let child = self.command().spawn().map_err(template::missing)?;
        let child = self.process.insert(child);
        let (socket, control) = (socket_path(&self.dir), control_path(&self.dir));
        let log = self.dir.path().join("log");
        wait::blocking("swtpm listens", || {
            if let Some(status) = child.try_wait()? {
                bail!("swtpm ended with {status}: {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            let up = std::os::unix::net::UnixStream::connect(&control).is_ok();
            Ok((up && TpmSocket::new(&socket).banks().is_ok()).then_some(()))
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new("swtpm");
        command
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", self.dir.path().join("state").display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", self.socket_path().display()))
            // The TCTI finds the control channel by this name.
            .arg("--ctrl")
            .arg(format!("type=unixio,path={}", self.control_path().display()))
            .arg("--log")
            .arg(format!("file={},level=1", self.dir.path().join("log").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn socket_path(&self) -> PathBuf {
        socket_path(&self.dir)
    }

    fn control_path(&self) -> PathBuf {
        control_path(&self.dir)
    }

    /// The directory that holds socket, state and log.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for Swtpm {
    fn drop(&mut self) {
        // Nobody is left to be told, and a process that is gone already is what is wanted.
        let _killed = self.kill_9();
    }
}

fn socket_path(dir: &TempDir) -> PathBuf {
    dir.path().join("s")
}

fn control_path(dir: &TempDir) -> PathBuf {
    dir.path().join("s.ctrl")
}

#[cfg(test)]
mod tests {
    use evidence::pcr::PcrIndex;

    use super::*;

    #[test]
    fn extends_as_the_library_says_and_forgets_at_reset() {
        let spec = SwtpmSpec { banks: vec![HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384], identity: 0 };
        let mut swtpm = Swtpm::start(&spec).unwrap();
        let socket = swtpm.socket();
        assert_eq!(socket.banks().unwrap(), spec.banks);
        let pcr = PcrIndex::new(11).unwrap();
        let measured: Vec<_> = spec.banks.iter().map(|bank| bank.hash(&[b"x"]).unwrap()).collect();
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
        swtpm.power_on().unwrap();
        assert_eq!(swtpm.socket().banks().unwrap(), [HashAlg::Sha256]);
    }
}
