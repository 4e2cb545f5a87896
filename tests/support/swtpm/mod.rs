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
        Self::start_with(spec, |_| Ok(()))
    }

    /// As [`Self::start`], and lets `firmware` at the TPM before anybody else finds it.
    pub fn start_with(spec: &SwtpmSpec, firmware: impl FnOnce(&TpmSocket) -> Result<()>) -> Result<Self> {
        // A socket's path has at most 107 bytes, so it does not lie below the target directory.
        let dir = tempfile::Builder::new().prefix("ltpm").tempdir_in("/tmp")?;
        template::copy_into(spec, &dir.path().join("state"))?;
        let mut swtpm = Self { dir, process: None };
        swtpm.power_on(firmware)?;
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

    /// Switches the machine off in an orderly way.
    pub fn power_off(&mut self) -> Result<()> {
        if self.process.is_some() {
            self.socket().shutdown(Shutdown::Clear)?;
        }
        self.kill_9()
    }

    /// An orderly power cycle: PCRs at their start values, one more on the reset counter.
    pub fn restart(&mut self) -> Result<()> {
        self.power_off()?;
        self.power_on(|_| Ok(()))
    }

    /// Starts the process on the state that is there; where it was killed, that is a new boot too. `firmware` has the
    /// TPM for itself until it is done.
    pub fn power_on(&mut self, firmware: impl FnOnce(&TpmSocket) -> Result<()>) -> Result<()> {
        self.kill_9()?;
        let booting = self.dir.path().join("b");
        let booting_control = self.dir.path().join("b.ctrl");
        for stale in [&self.socket_path(), &self.control_path(), &booting, &booting_control] {
            if stale.exists() {
                std::fs::remove_file(stale)?;
            }
        }
        let child = self.command(&booting, &booting_control).spawn().map_err(template::missing)?;
        let child = self.process.insert(child);
        let log = self.dir.path().join("log");
        let tpm = TpmSocket::new(&booting);
        wait::blocking("swtpm listens", || {
            if let Some(status) = child.try_wait()? {
                bail!("swtpm ended with {status}: {}", std::fs::read_to_string(&log).unwrap_or_default());
            }
            let up = std::os::unix::net::UnixStream::connect(&booting_control).is_ok();
            Ok((up && tpm.banks().is_ok()).then_some(()))
        })?;
        firmware(&tpm)?;
        // A socket keeps listening under its new name. The control channel goes first: a client that finds the
        // one expects the other.
        std::fs::rename(&booting_control, self.control_path())?;
        std::fs::rename(&booting, self.socket_path())?;
        Ok(())
    }

    fn command(&self, socket: &Path, control: &Path) -> Command {
        let mut command = Command::new("swtpm");
        command
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg("--tpmstate")
            .arg(format!("dir={}", self.dir.path().join("state").display()))
            .arg("--server")
            .arg(format!("type=unixio,path={}", socket.display()))
            .arg("--ctrl")
            .arg(format!("type=unixio,path={}", control.display()))
            .arg("--log")
            .arg(format!("file={},level=1", self.dir.path().join("log").display()))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn socket_path(&self) -> PathBuf {
        self.dir.path().join("s")
    }

    /// The TCTI finds the control channel by this name.
    fn control_path(&self) -> PathBuf {
        self.dir.path().join("s.ctrl")
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

#[cfg(test)]
mod tests;
