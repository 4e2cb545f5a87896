//! A host that has booted: a TPM, the logs that it replays to, and files to watch.
//!
//! In: a recorded boot. Out: a directory that looks to an agent like a machine (logs, a tree of executables, a package
//! database) beside a real TPM process whose PCRs were extended as the logs say. The kernel and the firmware of this
//! host are the test; nothing checks that the recorded files were ever run.

mod agent_config;
mod packages;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use evidence::digest::Sha256Digest;
use evidence::ima::ImaList;
use tempfile::TempDir;

use crate::artefacts;
use crate::logs;
use crate::swtpm::{Swtpm, SwtpmSpec};
use crate::tpm_command::TpmSocket;

pub use agent_config::AgentSettings;
pub use packages::Package;

/// What was recorded on a real measured boot.
#[derive(Clone, Debug)]
pub struct Recording {
    /// `binary_bios_measurements`.
    pub firmware_log: Vec<u8>,
    /// `binary_runtime_measurements`.
    pub ima_list: Vec<u8>,
}

impl Recording {
    /// A recording of `tests/vectors`, such as `direct` or `shim-sb`.
    pub fn load(name: &str) -> Result<Self> {
        let dir = artefacts::vectors(name)?;
        let read = |file: &str| {
            let path = dir.join(file);
            std::fs::read(&path).with_context(|| format!("read {}", path.display()))
        };
        Ok(Self { firmware_log: read(FIRMWARE_LOG)?, ima_list: read(IMA_LIST)? })
    }

    /// The same boot of a kernel to which nobody gave a policy for IMA, as Debian's: it measures `boot_aggregate` alone.
    pub fn without_ima_policy(mut self) -> Result<Self> {
        let second = ImaList::new(&self.ima_list).records().nth(1).context("a second record")?;
        let end = second.context("a damaged list")?.offset;
        self.ima_list.truncate(end);
        Ok(self)
    }
}

/// A host with a TPM in a process of its own.
#[derive(Debug)]
pub struct SimulatedHost {
    dir: TempDir,
    swtpm: Swtpm,
    recording: Recording,
}

impl SimulatedHost {
    /// Boots a new host.
    pub fn boot(recording: &Recording, spec: &SwtpmSpec) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix("lydian-host").tempdir()?;
        for part in ["root/usr/bin", "state"] {
            std::fs::create_dir_all(dir.path().join(part))?;
        }
        write_logs(dir.path(), recording)?;
        let swtpm = Swtpm::start_with(spec, |tpm| measure(tpm, dir.path()))?;
        let host = Self { dir, swtpm, recording: recording.clone() };
        packages::create_database(&host.dpkg_admin_dir())?;
        Ok(host)
    }

    /// Everything of this host; goes away with it.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// What the host takes for `/`.
    pub fn root(&self) -> PathBuf {
        self.dir.path().join("root")
    }

    /// A directory for the agent's own files.
    pub fn state_dir(&self) -> PathBuf {
        self.dir.path().join("state")
    }

    /// How many pieces of evidence the agent says are acknowledged, in the status that it writes.
    pub fn acknowledged(&self) -> Result<u64> {
        let status: serde_json::Value =
            serde_json::from_slice(&std::fs::read(self.state_dir().join("status.json"))?)?;
        status.get("acknowledged").and_then(serde_json::Value::as_u64).context("status.json")
    }

    /// Its `binary_bios_measurements`.
    pub fn firmware_log(&self) -> PathBuf {
        self.dir.path().join(FIRMWARE_LOG)
    }

    /// Its `binary_runtime_measurements`.
    pub fn ima_list(&self) -> PathBuf {
        self.dir.path().join(IMA_LIST)
    }

    /// Its `tpm2-measure.log`; there is none until systemd has measured something.
    pub fn systemd_log(&self) -> PathBuf {
        self.dir.path().join(SYSTEMD_LOG)
    }

    /// Its `/var/lib/dpkg`.
    pub fn dpkg_admin_dir(&self) -> PathBuf {
        self.root().join("var/lib/dpkg")
    }

    /// Its TPM.
    pub const fn tpm(&self) -> &Swtpm {
        &self.swtpm
    }

    /// Its TPM, to be killed or started.
    pub const fn tpm_mut(&mut self) -> &mut Swtpm {
        &mut self.swtpm
    }

    /// A power cycle: the same firmware log, the IMA list as after the first boot, one more on the reset counter.
    /// Nobody reaches the TPM before everything is measured.
    pub fn reboot(&mut self) -> Result<()> {
        self.swtpm.power_off()?;
        if self.systemd_log().exists() {
            std::fs::remove_file(self.systemd_log())?;
        }
        write_logs(self.dir.path(), &self.recording)?;
        self.swtpm.power_on(|tpm| measure(tpm, self.dir.path()))
    }

    /// Kills the TPM's process and starts it again. Its PCRs are lost with it and extended anew with everything that was
    /// measured so far, so it looks like a boot that measured the same.
    pub fn crash_tpm(&mut self) -> Result<()> {
        self.swtpm.kill_9()?;
        self.swtpm.power_on(|tpm| measure(tpm, self.dir.path()))
    }

    /// The kernel measures a file for the first time: list first, PCR after.
    pub fn append_ima(&self, path: &str, digest: &Sha256Digest) -> Result<()> {
        let record = logs::ng_record(path, digest)?;
        let mut list = std::fs::File::options().append(true).open(self.ima_list())?;
        std::io::Write::write_all(&mut list, &record)?;
        logs::extend_list(&self.swtpm.socket(), &record)
    }

    /// systemd measures a text: PCR first, log after.
    pub fn systemd_measures(&self, pcr: u32, text: &str, event_type: &str) -> Result<()> {
        let record = logs::systemd_measures(&self.swtpm.socket(), pcr, text, event_type)?;
        let mut log = std::fs::File::options().create(true).append(true).open(self.systemd_log())?;
        Ok(std::io::Write::write_all(&mut log, &record)?)
    }

    /// Writes an executable as package managers do: beside its place, then renamed onto it. The path is absolute on
    /// the host.
    pub fn write_executable(&self, path: &str, content: &[u8]) -> Result<()> {
        let target = self.path_of(path);
        let parent = target.parent().context("a file has a directory")?;
        std::fs::create_dir_all(parent)?;
        let mut new = target.clone().into_os_string();
        new.push(".new");
        std::fs::write(&new, content)?;
        std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o755))?;
        std::fs::rename(&new, &target).with_context(|| format!("write {}", target.display()))
    }

    /// Removes a file.
    pub fn remove(&self, path: &str) -> Result<()> {
        let target = self.path_of(path);
        std::fs::remove_file(&target).with_context(|| format!("remove {}", target.display()))
    }

    /// Writes a package's files and enters it into the package database.
    pub fn install(&self, package: &Package<'_>) -> Result<()> {
        for (path, content) in package.files {
            self.write_executable(path, content)?;
        }
        packages::enter(&self.dpkg_admin_dir(), package)
    }

    /// Where a path of the host lies in truth.
    pub fn path_of(&self, path: &str) -> PathBuf {
        self.root().join(path.trim_start_matches('/'))
    }
}

const FIRMWARE_LOG: &str = "binary_bios_measurements";
const IMA_LIST: &str = "binary_runtime_measurements";
const SYSTEMD_LOG: &str = "tpm2-measure.log";

fn write_logs(dir: &Path, recording: &Recording) -> Result<()> {
    replace(&dir.join(IMA_LIST), &recording.ima_list)?;
    replace(&dir.join(FIRMWARE_LOG), &recording.firmware_log)
}

fn measure(tpm: &TpmSocket, dir: &Path) -> Result<()> {
    logs::boot(tpm, &std::fs::read(dir.join(FIRMWARE_LOG))?)?;
    logs::extend_list(tpm, &std::fs::read(dir.join(IMA_LIST))?)
}

fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, path).with_context(|| format!("write {}", path.display()))
}

/// The shortest content that counts as an ELF executable by its magic number, different for each text.
pub fn elf(text: &str) -> Vec<u8> {
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    bytes.extend(text.as_bytes());
    bytes
}

#[cfg(test)]
mod tests;
