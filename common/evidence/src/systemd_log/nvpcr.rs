//! What `NvPCRs` hold: NV indices that are extended like PCRs.
//!
//! In: events in order. Out: a value for each index. Where the index was set up, PCR 9 tells what it started from; without
//! that it is taken to start at zero, and said so. That an index is the one that systemd defined is what its TPM Name in PCR 9
//! and `TPM2_NV_Certify` prove: a value here is only what the log says.

use super::decode::{Measured, NvPcrAnchor};
use super::{SystemdEvent, TextCheck};
use crate::cel::Register;
use crate::digest::{Digest, HashAlg};
use crate::limits::NVPCRS;

/// Every `NvPCR` of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NvPcrs {
    known: Vec<NvPcr>,
}

/// One `NvPCR`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvPcr {
    /// Its NV index.
    pub index: u32,
    /// Its name, where a record gives it.
    pub name: Option<String>,
    /// What it holds after the last event; `None` where nothing is known of it but its name.
    pub value: Option<Digest>,
    /// What it started from.
    pub start: NvPcrStart,
    /// How many events extended it.
    pub events: u64,
}

impl NvPcr {
    /// Its hash algorithm, once anything is known of its value.
    pub fn alg(&self) -> Option<HashAlg> {
        self.value.map(|value| value.alg())
    }
}

/// What an `NvPCR` started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NvPcrStart {
    /// The value that was measured into PCR 9.
    Anchored,
    /// All zeros were extended first, and the index's TPM Name was measured into PCR 9.
    Named,
    /// The log does not tell; replayed from zero.
    Unknown,
}

impl NvPcrStart {
    /// The word for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Anchored => "anchored",
            Self::Named => "named",
            Self::Unknown => "unknown",
        }
    }
}

impl NvPcrs {
    /// No `NvPCRs`.
    pub const fn new() -> Self {
        Self { known: Vec::new() }
    }

    /// In the order of their first events.
    pub fn iter(&self) -> impl Iterator<Item = &NvPcr> {
        self.known.iter()
    }

    /// Takes in an event: one that sets an index up, or one that extends it.
    pub fn take_in(&mut self, event: &SystemdEvent<'_>) {
        match event.record.register {
            Register::Nv(index) => self.extend(index, event),
            Register::Pcr(9) => self.set_up(event),
            Register::Pcr(_) => {}
        }
    }

    fn set_up(&mut self, event: &SystemdEvent<'_>) {
        if !event.text.is_some_and(|text| text.raw().starts_with("nvpcr-init:")) {
            return;
        }
        let Some(Measured::NvPcrInit { name, index, anchor }) = event.measured() else { return };
        if event.check_all() != TextCheck::Verified {
            return;
        }
        let Some(nvpcr) = self.place(index) else { return };
        let (start, value) = match anchor {
            NvPcrAnchor::Value(value) => (NvPcrStart::Anchored, value),
            NvPcrAnchor::Name { alg, .. } => {
                let zero = Digest::zero(alg);
                (NvPcrStart::Named, zero.extend(&zero).unwrap_or(zero))
            }
            NvPcrAnchor::Unknown(_) => return,
        };
        nvpcr.name = Some(name);
        // Who sets an index up again behind its first events wipes it: those stay lost, and the events are counted anew.
        (nvpcr.start, nvpcr.value, nvpcr.events) = (start, Some(value), 0);
    }

    fn extend(&mut self, index: u32, event: &SystemdEvent<'_>) {
        // An index has one algorithm, so a record has one digest.
        let Some(digest) = event.record.digests().next() else { return };
        let Some(nvpcr) = self.place(index) else { return };
        if nvpcr.name.is_none() {
            nvpcr.name = event.nv_name.map(|name| name.decode().chars().take(NAME_CHARS).collect());
        }
        let before = nvpcr.value.unwrap_or_else(|| Digest::zero(digest.alg()));
        nvpcr.value = before.extend(&digest).or(Some(before));
        nvpcr.events = nvpcr.events.saturating_add(1);
    }

    /// The `NvPCR` of an index; `None` where there are too many.
    fn place(&mut self, index: u32) -> Option<&mut NvPcr> {
        let at = match self.known.iter().position(|known| known.index == index) {
            Some(at) => at,
            None if self.known.len() < NVPCRS => {
                let start = NvPcrStart::Unknown;
                self.known.push(NvPcr { index, name: None, value: None, start, events: 0 });
                self.known.len().saturating_sub(1)
            }
            None => return None,
        };
        self.known.get_mut(at)
    }

    /// The `NvPCR` of an index.
    pub fn of_index(&self, index: u32) -> Option<&NvPcr> {
        self.known.iter().find(|known| known.index == index)
    }
}

/// systemd's names have at most 255 characters and usually under 20.
const NAME_CHARS: usize = 64;
