//! What PCRs hold after the records of a log.
//!
//! In: start values and records. Out: values in one bank. As with a firmware log, equality with quoted values is what makes
//! digests true, and that is for the caller to check.

use super::{Cel, CelRecord, Content};
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrMask, PcrValues};

/// PCRs of one bank while records are replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    bank: HashAlg,
    values: [Digest; 24],
    extended: PcrMask,
}

impl Replay {
    /// As a reset leaves them.
    pub fn reset(bank: HashAlg) -> Self {
        Self { bank, values: PcrIndex::ALL.map(|pcr| pcr.start(bank)), extended: PcrMask::EMPTY }
    }

    /// As another log left them; what it has no value of is as a reset leaves it.
    pub fn after(bank: HashAlg, values: &PcrValues) -> Self {
        let value = |pcr: PcrIndex| values.value(bank, pcr).unwrap_or_else(|| pcr.start(bank));
        Self { bank, values: PcrIndex::ALL.map(value), extended: PcrMask::EMPTY }
    }

    /// The bank.
    pub const fn bank(&self) -> HashAlg {
        self.bank
    }

    /// Takes in a record and gives the PCR that it changed in this bank, if any.
    pub fn extend(&mut self, record: &CelRecord<'_>) -> Option<PcrIndex> {
        let pcr = record.register.pcr()?;
        if !record.is_measured() {
            self.locate(record, pcr);
            return None;
        }
        let value = self.values.get_mut(usize::from(pcr.get()))?;
        *value = value.extend(&record.digest(self.bank)?)?;
        self.extended = self.extended.with(pcr);
        Some(pcr)
    }

    //= TCG PFP 1.06 §10.4.5.3: EV_NO_ACTION event with StartupLocality, for PCR 0 before it is extended
    fn locate(&mut self, record: &CelRecord<'_>, pcr: PcrIndex) {
        let Content::Firmware { data, .. } = record.content else { return };
        let at_start = pcr.get() == 0 && !self.extended.contains(pcr);
        if !at_start || data.len() != LOCALITY.len().saturating_add(1) {
            return;
        }
        let mut bytes = data.bytes();
        if !LOCALITY.iter().all(|expected| bytes.next() == Some(*expected)) {
            return;
        }
        if let (Some(locality @ (0 | 3 | 4)), Some(value)) = (bytes.next(), self.values.first_mut()) {
            let mut start = [0; 64];
            let start = start.get_mut(..self.bank.size()).unwrap_or_default();
            if let Some(last) = start.last_mut() {
                *last = locality;
            }
            *value = Digest::new(self.bank, start).unwrap_or(*value);
        }
    }

    /// A PCR's value.
    pub fn value(&self, pcr: PcrIndex) -> Digest {
        self.values.get(usize::from(pcr.get())).copied().unwrap_or_else(|| pcr.start(self.bank))
    }

    /// The PCRs that were extended in this bank.
    pub const fn extended(&self) -> PcrMask {
        self.extended
    }

    /// Every value.
    pub fn values(&self) -> PcrValues {
        let mut values = PcrValues::new();
        for pcr in PcrIndex::ALL {
            values.insert(pcr, self.value(pcr));
        }
        values
    }
}

impl Cel<'_> {
    /// The PCRs after every record that can be read.
    pub fn replay(self, bank: HashAlg) -> Replay {
        let mut replay = Replay::reset(bank);
        for record in self.records().flatten() {
            replay.extend(&record);
        }
        replay
    }
}

const LOCALITY: &[u8] = b"StartupLocality\0";
