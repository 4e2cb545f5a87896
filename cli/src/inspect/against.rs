//! PCR values that a TPM held, from a file, and a firmware log beside them.
//!
//! In: JSON `{"banks": {"sha256": {"0": "<hex>"}}}`, as verifiers and test vectors have it; other members are left alone.
//! Out: for each value whether the log replays to it, and a finding with the likely cause where it does not. That the
//! values are a TPM's is for a quote to prove.

use std::collections::BTreeMap;
use std::path::Path;

use evidence::digest::{Digest, HashAlg};
use evidence::eventlog::{Comparison, EventLog, LogEnd};
use evidence::pcr::{PcrIndex, PcrValues};
use serde::Deserialize;

use super::event_view::register_name;
use super::report::FindingView;
use crate::error::CliError;
use crate::files;
use crate::limits::PCR_JSON_BYTES;

/// The file's form.
#[derive(Deserialize)]
struct RawValues {
    banks: BTreeMap<String, BTreeMap<String, String>>,
}

/// Values by bank and PCR.
pub(super) struct KnownValues(Vec<(HashAlg, PcrIndex, Digest)>);

/// By bank and PCR: whether the log replays to the value.
pub(super) type Matches = BTreeMap<&'static str, BTreeMap<u8, bool>>;

impl KnownValues {
    pub(super) fn read(path: &Path) -> Result<Self, CliError> {
        let bytes = files::read(path, PCR_JSON_BYTES)?;
        let bad = |error: &dyn std::fmt::Display| {
            CliError::input(path, error).hint("it should read {\"banks\": {\"sha256\": {\"0\": \"<hex>\"}}}")
        };
        let raw: RawValues = serde_json::from_slice(&bytes).map_err(|error| bad(&error))?;
        let mut values = Vec::new();
        for (name, pcrs) in &raw.banks {
            let bank: HashAlg = name.parse().map_err(|error| bad(&error))?;
            for (index, value) in pcrs {
                let place = |error: &dyn std::fmt::Display| bad(&format_args!("{name} PCR {index}: {error}"));
                let index: PcrIndex = index.parse().map_err(|error| place(&error))?;
                let bytes = hex::decode(value).map_err(|error| place(&error))?;
                values.push((bank, index, Digest::new(bank, &bytes).map_err(|error| place(&error))?));
            }
        }
        values.sort();
        Ok(Self(values))
    }

    /// The values of each bank.
    pub(super) fn banks(&self) -> BTreeMap<HashAlg, PcrValues> {
        let mut banks: BTreeMap<HashAlg, PcrValues> = BTreeMap::new();
        for (bank, pcr, value) in &self.0 {
            banks.entry(*bank).or_default().insert(*pcr, *value);
        }
        banks
    }

    /// All of them.
    pub(super) fn values(&self) -> PcrValues {
        let mut values = PcrValues::new();
        for (_, pcr, value) in &self.0 {
            values.insert(*pcr, *value);
        }
        values
    }

    /// Compares them with what the log replays to.
    pub(super) fn compare(&self, log: &EventLog<'_>, end: LogEnd) -> (Matches, Vec<(PcrIndex, FindingView)>) {
        let (mut matches, mut findings) = (Matches::new(), Vec::new());
        for (bank, pcr, value) in &self.0 {
            let comparison = log.compare(*bank, *pcr, value, end);
            matches.entry(bank.name()).or_default().insert(pcr.get(), comparison == Comparison::Equal);
            if let Comparison::Differs(cause) = comparison {
                let finding = FindingView {
                    code: cause.code(),
                    severity: cause.severity(*pcr).name(),
                    event: None,
                    offset: None,
                    text: format!("{} {pcr} in bank {bank}: {cause}", register_name(log.format())),
                };
                findings.push((*pcr, finding));
            }
        }
        (matches, findings)
    }
}
