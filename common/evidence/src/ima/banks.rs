//! Every PCR that a list extends, in any number of banks at once.
//!
//! In: a state, and records one after the other. Out: the next state, which is all that is needed to go on later. Values
//! are what the records come to: a quote makes them true, nothing else. Where a record's hash is not known for a bank,
//! its PCRs are lost from there on, and the state says so.

use super::record::{ImaRecord, ListedCheck};
use super::replay::Extends;
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrMask};

/// The PCRs of a list after a number of records, in several banks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImaState {
    count: u64,
    banks: Vec<BankReplay>,
}

/// The PCRs of a list in one bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankReplay {
    bank: HashAlg,
    extends: Extends,
    values: [Digest; PcrIndex::COUNT as usize],
    named: PcrMask,
    lost: Option<u64>,
}

impl ImaState {
    /// Before the first record since the TPM's reset.
    pub fn start(banks: &[HashAlg]) -> Self {
        let banks = banks.iter().map(|bank| BankReplay::start(Extends::BankHash, *bank));
        Self::resume(0, banks.collect())
    }

    /// After `count` records, with the banks as they were then.
    pub const fn resume(count: u64, banks: Vec<BankReplay>) -> Self {
        Self { count, banks }
    }

    /// How many records were taken in since the TPM's reset.
    pub const fn count(&self) -> u64 {
        self.count
    }

    /// The banks, in the order in which they were given.
    pub fn banks(&self) -> &[BankReplay] {
        &self.banks
    }

    /// Takes in a record.
    pub fn extend(&mut self, record: &ImaRecord<'_>) {
        self.extend_with(record, None);
    }

    /// Takes in a record and tells whether its data is that of its listed hash; a bank of the listed hash's algorithm
    /// costs no second hash.
    pub fn extend_checked(&mut self, record: &ImaRecord<'_>) -> ListedCheck {
        let (check, hash) = record.checked();
        self.extend_with(record, hash);
        check
    }

    fn extend_with(&mut self, record: &ImaRecord<'_>, known: Option<Digest>) {
        for bank in &mut self.banks {
            bank.extend(record, known, self.count);
        }
        self.count = self.count.saturating_add(1);
    }
}

impl BankReplay {
    /// Before the first record since the TPM's reset.
    pub fn start(extends: Extends, bank: HashAlg) -> Self {
        let values = PcrIndex::ALL.map(|pcr| pcr.start(bank));
        Self { bank, extends, values, named: PcrMask::EMPTY, lost: None }
    }

    /// After records that brought these PCRs to these values; values of another bank do not count.
    pub fn resume(
        extends: Extends,
        bank: HashAlg,
        values: impl IntoIterator<Item = (PcrIndex, Digest)>,
    ) -> Self {
        let mut state = Self::start(extends, bank);
        for (pcr, value) in values.into_iter().filter(|(_, value)| value.alg() == bank) {
            state.named = state.named.with(pcr);
            if let Some(slot) = state.values.get_mut(usize::from(pcr.get())) {
                *slot = value;
            }
        }
        state
    }

    /// The bank.
    pub const fn bank(&self) -> HashAlg {
        self.bank
    }

    /// What the kernel extends into it.
    pub const fn extends(&self) -> Extends {
        self.extends
    }

    /// The PCRs that records named.
    pub const fn named(&self) -> PcrMask {
        self.named
    }

    /// The first record whose hash in this bank is not known, counted from the TPM's reset.
    pub const fn lost(&self) -> Option<u64> {
        self.lost
    }

    /// A PCR's value; `None` once a record's hash was not known.
    pub fn value(&self, pcr: PcrIndex) -> Option<Digest> {
        if self.lost.is_some() {
            return None;
        }
        self.values.get(usize::from(pcr.get())).copied()
    }

    /// Every PCR that records named, with its value; none once a record's hash was not known.
    pub fn values(&self) -> impl Iterator<Item = (PcrIndex, Digest)> {
        self.named.iter().filter_map(|pcr| Some((pcr, self.value(pcr)?)))
    }

    fn extend(&mut self, record: &ImaRecord<'_>, known: Option<Digest>, number: u64) {
        if self.lost.is_some() {
            return;
        }
        self.named = self.named.with(record.pcr);
        let hash =
            |alg: HashAlg| known.filter(|hash| hash.alg() == alg).or_else(|| record.template_hash(alg));
        let extended = match self.extends {
            Extends::BankHash => hash(self.bank),
            Extends::PaddedSha1 => hash(HashAlg::Sha1).map(|sha1| sha1.padded(self.bank)),
        };
        let slot = self.values.get_mut(usize::from(record.pcr.get()));
        match extended.zip(slot).and_then(|(hash, slot)| Some((slot.extend(&hash)?, slot))) {
            Some((value, slot)) => *slot = value,
            None => self.lost = Some(number),
        }
    }
}
