//! Values that a list is compared with, and how far it leads to them.
//!
//! In: `--quoted`, `--against`, and the state behind each record. Out: for each value the records that it vouches for. A
//! list is read after its PCRs and grows meanwhile: a prefix of it has to lead to a value, not all of it.

use std::path::Path;

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{BankReplay, Extends, ImaState};
use evidence::pcr::{PcrIndex, PcrValues};
use serde::Serialize;

use super::findings::{Findings, PCR_MISMATCH, PREFIX, Place, SHA1_PADDED};
use crate::error::CliError;
use crate::inspect::against::{KnownValues, Matches};
use crate::inspect::unhex;

/// All values that were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets {
    quoted: Option<Target>,
    against: Option<Vec<Target>>,
    values: PcrValues,
}

/// A PCR's value, and what leads to it.
#[derive(Clone, Copy, Debug)]
struct Target {
    pcr: PcrIndex,
    value: Digest,
    reached: Option<Reached>,
}

#[derive(Clone, Copy, Debug)]
struct Reached {
    records: u64,
    extends: Extends,
}

/// What `--quoted` vouches for.
#[derive(Clone, Debug, Serialize)]
pub(super) struct QuotedView {
    pub(super) bank: &'static str,
    /// Whether a prefix of the list replays to it.
    pub(super) matches: bool,
    pub(super) records: u64,
    /// Whether the kernel pads SHA-1 hashes in this bank.
    pub(super) padded_sha1: bool,
}

impl Targets {
    pub(super) fn new(
        banks: &[HashAlg],
        quoted: Option<&str>,
        against: Option<&Path>,
    ) -> Result<Self, CliError> {
        let quoted = quoted.map(|text| quoted_value(text, banks)).transpose()?;
        let values = against.map(KnownValues::read).transpose()?.map(|known| known.values());
        let target = |pcr, value| Target { pcr, value, reached: None };
        Ok(Self {
            quoted: quoted.map(|value| target(PcrIndex::IMA, value)),
            against: values
                .as_ref()
                .map(|values| values.iter().map(|(pcr, value)| target(pcr, value)).collect()),
            values: values.unwrap_or_default(),
        })
    }

    /// Every value of `--against`.
    pub(super) const fn values(&self) -> &PcrValues {
        &self.values
    }

    /// A state with these banks and those that are compared with, which a kernel before 5.8 fills with padded SHA-1.
    pub(super) fn start(&self, banks: &[HashAlg]) -> ImaState {
        let compared = self.all().map(|target| target.value.alg());
        let mut states: Vec<BankReplay> = Vec::new();
        let mut add = |extends, bank| {
            if !states.iter().any(|state| state.bank() == bank && state.extends() == extends) {
                states.push(BankReplay::start(extends, bank));
            }
        };
        banks.iter().copied().chain(compared.clone()).for_each(|bank| add(Extends::BankHash, bank));
        for bank in compared.filter(|bank| *bank != HashAlg::Sha1) {
            add(Extends::PaddedSha1, bank);
        }
        ImaState::resume(0, states)
    }

    fn all(&self) -> impl Iterator<Item = &Target> + Clone {
        self.quoted.iter().chain(self.against.iter().flatten())
    }

    /// Looks whether the state has reached a value that the last record may have led to.
    pub(super) fn look(&mut self, state: &ImaState, changed: Option<PcrIndex>) {
        for target in self.quoted.iter_mut().chain(self.against.iter_mut().flatten()) {
            if target.reached.is_some() || changed.is_some_and(|pcr| pcr != target.pcr) {
                continue;
            }
            let led = state.banks().iter().find(|bank| bank.value(target.pcr) == Some(target.value));
            target.reached = led.map(|bank| Reached { records: state.count(), extends: bank.extends() });
        }
    }

    /// What `--quoted` and `--against` come to. Of the latter, PCRs that no record names are firmware's.
    pub(super) fn finish(
        &self,
        state: &ImaState,
        findings: &mut Findings,
    ) -> (Option<QuotedView>, Option<Matches>) {
        let named = state.banks().first().map(BankReplay::named).unwrap_or_default().with(PcrIndex::IMA);
        let mut matches = Matches::new();
        let against = self.against.iter().flatten().filter(|target| named.contains(target.pcr));
        for target in against.clone() {
            let bank = matches.entry(target.value.alg().name()).or_default();
            bank.insert(target.pcr.get(), target.reached.is_some());
        }
        for target in self.quoted.iter().chain(against) {
            target.report(state, findings);
        }
        let quoted = self.quoted.map(|target| QuotedView {
            bank: target.value.alg().name(),
            matches: target.reached.is_some(),
            records: target.reached.map_or(0, |reached| reached.records),
            padded_sha1: target.reached.is_some_and(|reached| reached.extends == Extends::PaddedSha1),
        });
        (quoted, self.against.is_some().then_some(matches))
    }
}

impl Target {
    fn report(&self, state: &ImaState, findings: &mut Findings) {
        let (pcr, bank, all) = (self.pcr, self.value.alg(), state.count());
        let Some(reached) = self.reached else {
            let mut lost = state.banks().iter().filter(|state| state.bank() == bank).map(BankReplay::lost);
            let lost = lost.find_map(|lost| lost);
            return findings.add(PCR_MISMATCH, Place::default(), || {
                let why = lost.map_or_else(
                    || {
                        "the list was changed, is of another boot, or is shorter than what was measured"
                            .to_owned()
                    },
                    |record| format!("what record {record} extended into this bank is not known"),
                );
                format!("PCR {pcr} ({bank}): no part of the {all} records comes to {}; {why}", self.value)
            });
        };
        let later = all.saturating_sub(reached.records);
        if later > 0 {
            findings.add(PREFIX, Place::default(), || {
                format!("PCR {pcr} ({bank}) vouches for {} records; {later} came later", reached.records)
            });
        }
        if reached.extends == Extends::PaddedSha1 && reached.records > 0 {
            findings.add(SHA1_PADDED, Place::default(), || {
                format!("PCR {pcr} ({bank}): the kernel extends padded SHA-1, so the bank is no stronger than that")
            });
        }
    }
}

/// A value of one of the banks that were asked for, else of a bank whose digests have its length.
fn quoted_value(text: &str, banks: &[HashAlg]) -> Result<Digest, CliError> {
    let bytes = unhex("--quoted", text)?;
    let bank = banks.iter().copied().chain(HashAlg::ALL).find(|bank| bank.size() == bytes.len());
    let bank = bank.unwrap_or(HashAlg::Sha256);
    Digest::new(bank, &bytes).map_err(|error| CliError::value("--quoted", error))
}
