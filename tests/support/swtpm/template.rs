//! States of TPMs as their maker ships them: with endorsement keys, and certificates from a local CA.
//!
//! In: banks and an identity. Out: a copy of a state that was made once and is kept below the target directory,
//! because making one takes a second. Nothing outside the target directory is written. Keys are made on the machine
//! that tests, and never leave it.

use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use rustix::fs::{FlockOperation, flock};

use super::SwtpmSpec;
use crate::artefacts;

/// Certificates of the CA that vouches for every `swtpm` of this build, PEM: the root, then the issuer.
pub fn ca_certificates() -> Result<Vec<Vec<u8>>> {
    // The CA is made together with the first TPM.
    locked(|cache| template(cache, &SwtpmSpec::default()).map(drop))?;
    let ca = cache()?.join("ca");
    ["swtpm-localca-rootca-cert.pem", "issuercert.pem"]
        .into_iter()
        .map(|name| std::fs::read(ca.join(name)).with_context(|| format!("read {name} of the swtpm CA")))
        .collect()
}

/// Copies the state of an unused TPM into a new directory.
pub(super) fn copy_into(spec: &SwtpmSpec, state: &Path) -> Result<()> {
    let template = locked(|cache| template(cache, spec))?;
    std::fs::create_dir(state)?;
    std::fs::copy(template.join(STATE_FILE), state.join(STATE_FILE))?;
    Ok(())
}

/// What a missing `swtpm` means, and what helps.
pub(super) fn missing(error: std::io::Error) -> anyhow::Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            anyhow!("no swtpm here; `apt-get install swtpm swtpm-tools` brings it")
        }
        _ => anyhow::Error::new(error).context("start swtpm"),
    }
}

const STATE_FILE: &str = "tpm2-00.permall";

fn cache() -> Result<PathBuf> {
    let dir = artefacts::cache_dir()?.join("swtpm");
    std::fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Every test is a process of its own, and several want the first template at the same time.
fn locked<T>(make: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    let cache = cache()?;
    let lock = File::create(cache.join("lock"))?;
    flock(&lock, FlockOperation::LockExclusive)?;
    make(&cache)
}

fn template(cache: &Path, spec: &SwtpmSpec) -> Result<PathBuf> {
    let banks = spec.banks.iter().map(|bank| bank.name()).collect::<Vec<_>>().join(",");
    let done = cache.join(format!("{}-{banks}", spec.identity));
    if done.join(STATE_FILE).is_file() {
        return Ok(done);
    }
    // Renamed when it is whole: a test that is killed in between must not leave half a TPM.
    let making = tempfile::Builder::new().prefix("making-").tempdir_in(cache)?;
    let config = write_configuration(cache, making.path())?;
    let output = Command::new("swtpm_setup")
        .args(["--tpm2", "--create-ek-cert", "--ecc", "--lock-nvram", "--overwrite"])
        .args(["--pcr-banks", &banks, "--vmid", &format!("host-{}", spec.identity)])
        .arg("--config")
        .arg(&config)
        .arg("--tpmstate")
        .arg(making.path())
        .stdin(Stdio::null())
        .output()
        .map_err(missing)?;
    if !output.status.success() {
        let mut said = String::from_utf8_lossy(&output.stdout).into_owned();
        write!(said, "{}", String::from_utf8_lossy(&output.stderr))?;
        bail!("swtpm_setup ended with {}: {said}", output.status);
    }
    std::fs::rename(making.keep(), &done)?;
    Ok(done)
}

/// The local CA lies beside the templates: `swtpm_setup` makes it at its first use.
fn write_configuration(cache: &Path, dir: &Path) -> Result<PathBuf> {
    let ca = cache.join("ca");
    std::fs::create_dir_all(&ca)?;
    let ca = ca.display();
    let (localca, options, setup) =
        (dir.join("localca.conf"), dir.join("localca.options"), dir.join("setup.conf"));
    std::fs::write(
        &localca,
        format!(
            "statedir = {ca}\nsigningkey = {ca}/signkey.pem\nissuercert = {ca}/issuercert.pem\ncertserial = {ca}/certserial\n"
        ),
    )?;
    std::fs::write(
        &options,
        "--platform-manufacturer Lydian\n--platform-version 1.0\n--platform-model Simulated\n",
    )?;
    std::fs::write(
        &setup,
        format!(
            "create_certs_tool=swtpm_localca\ncreate_certs_tool_config={}\ncreate_certs_tool_options={}\n",
            localca.display(),
            options.display()
        ),
    )?;
    Ok(setup)
}
