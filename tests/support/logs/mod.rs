//! Measuring as firmware and the kernel do: what a log says is extended into a TPM.
//!
//! In: a TPM, and a recorded log or what one should hold. Out: PCRs that the log replays to. A recorded log is extended by
//! what it says was extended, whether or not its data fits its digests: that is what the machine did.

mod event_log;
mod ima_list;
mod machine;
mod systemd_log;

use anyhow::{Context as _, Result, bail, ensure};
use evidence::digest::{Digest, HashAlg};
use evidence::eventlog::{EventLog, StartupLocality};
use evidence::ima::ImaList;
use evidence::pcr::PcrIndex;

use crate::tpm_command::TpmSocket;

pub use event_log::{EventLogBuilder, SecureBootSwitch};
pub use ima_list::ImaListBuilder;
pub(crate) use ima_list::ng_record;
pub use machine::{Machine, certificate_lists, entry, hash_list, image_hash};
pub use systemd_log::systemd_measures;

/// A TPM seen from below: something to extend into.
pub trait Measured {
    /// The active banks.
    fn banks(&self) -> Result<Vec<HashAlg>>;

    /// Extends a PCR, with a digest for each bank.
    fn extend(&self, pcr: PcrIndex, digests: &[Digest]) -> Result<()>;

    /// What a PCR holds.
    fn value(&self, bank: HashAlg, pcr: PcrIndex) -> Result<Digest>;
}

impl Measured for TpmSocket {
    fn banks(&self) -> Result<Vec<HashAlg>> {
        Self::banks(self)
    }

    fn extend(&self, pcr: PcrIndex, digests: &[Digest]) -> Result<()> {
        Self::extend(self, pcr, digests)
    }

    fn value(&self, bank: HashAlg, pcr: PcrIndex) -> Result<Digest> {
        self.read_bank(bank)?.value(bank, pcr).context("a bank has every PCR")
    }
}

/// Extends everything that a firmware log tells of, in every bank that both the log and the TPM have.
pub fn boot(tpm: &impl Measured, firmware_log: &[u8]) -> Result<()> {
    let parsed = EventLog::parse(firmware_log);
    if let Some(damage) = parsed.damage {
        bail!("the recording cannot be booted: {damage}");
    }
    // Another locality is chosen before the TPM starts, and swtpm starts it by itself.
    let locality = parsed.log.startup_locality();
    let plain = matches!(locality, StartupLocality::NotLogged | StartupLocality::Logged { locality: 0, .. });
    ensure!(plain, "the recording was started from another locality: {locality:?}");
    let banks = tpm.banks()?;
    for event in parsed.log.events() {
        // EV_NO_ACTION has no PCR here.
        let Some(pcr) = event.pcr() else { continue };
        let digests: Vec<_> = event.digests().filter(|digest| banks.contains(&digest.alg())).collect();
        tpm.extend(pcr, &digests)?;
    }
    Ok(())
}

/// Extends every record of an IMA list, in every bank of the TPM.
pub fn extend_list(tpm: &impl Measured, list: &[u8]) -> Result<()> {
    let banks = tpm.banks()?;
    for record in ImaList::new(list).records() {
        let record = record.context("the recording cannot be extended")?;
        let digests: Option<Vec<_>> = banks.iter().map(|bank| record.template_hash(*bank)).collect();
        tpm.extend(record.pcr, &digests.context("a record whose hash cannot be computed")?)?;
    }
    Ok(())
}
