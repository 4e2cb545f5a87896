//! systemd's log: what of it the quoted values vouch for.
//!
//! In: the attached log, and how each quoted PCR comes out of it behind the firmware log. Out: which events are true. Nothing
//! signs the log: an event is believed where its PCR's values lead over it to a quoted one. What is appended later, and what
//! extends `NvPCRs`, which are not quoted, stays unverified. A log that explains nothing does no harm and proves nothing.
//!
//! Whoever can forge both logs cannot change what was extended, but could move the end of firmware's events into this log and
//! so hide what they are. Therefore firmware's PCRs take nothing from it but systemd's separator, and in the others a record
//! whose text is not what was measured is told from one whose text is.

use evidence::cel::Register;
use evidence::digest::HashAlg;
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{
    Finding, Joint, Measured, Merged, OpaqueReason, SystemdEvent, SystemdLog, TextCheck,
};

/// A log, and what quoted values say of it.
#[derive(Clone, Debug)]
pub struct VerifiedSystemdLog<'e> {
    log: SystemdLog<'e>,
    merged: Merged,
}

impl<'e> VerifiedSystemdLog<'e> {
    pub(super) const fn new(log: SystemdLog<'e>, merged: Merged) -> Self {
        Self { log, merged }
    }

    /// The attached bytes.
    pub const fn bytes(&self) -> &'e [u8] {
        self.log.cel().as_bytes()
    }

    /// How many of its records can be read.
    pub const fn records(&self) -> u64 {
        self.merged.records
    }

    /// The records that all explained PCRs vouch for together.
    pub fn joint(&self) -> Joint {
        self.merged.joint()
    }

    /// The PCRs that only records of this log lead to the quoted value.
    pub fn explained(&self) -> impl Iterator<Item = PcrIndex> {
        self.merged.pcrs.iter().filter(|merge| merge.needs_systemd()).map(|merge| merge.pcr)
    }

    /// The events that a quoted value vouches for.
    pub fn events(&self) -> impl Iterator<Item = SystemdEvent<'e>> {
        // Ranges count the records that can be read.
        let readable = self.log.events().flatten().zip(1_u64..);
        readable
            .filter(|(event, count)| self.vouches_for(event.record.register, *count))
            .map(|(event, _)| event)
    }

    /// Hands out what is out of order among the records before the last one that is vouched for.
    pub fn findings(&self, mut each: impl FnMut(Finding)) {
        let last = self.events().map(|event| event.record.number).last();
        self.log.findings(Some(self.merged.bank), |finding| {
            if last.is_some_and(|last| finding.event <= last) {
                each(finding);
            }
        });
    }

    fn vouches_for(&self, register: Register, count: u64) -> bool {
        let range = register.pcr().and_then(|pcr| self.merged.pcr(pcr)?.range);
        range.is_some_and(|range| count <= range.from)
    }
}

/// What the records are that lead a PCR to its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Explanation {
    /// Nothing but systemd's separator, once.
    Separator,
    /// What systemd measures, and says so truly.
    Told,
    /// Something that no text tells of.
    Opaque,
}

/// What the first `records` records say of one PCR; `None` where they say nothing.
pub(super) fn explanation(
    log: SystemdLog<'_>,
    bank: HashAlg,
    pcr: PcrIndex,
    records: u64,
) -> Option<Explanation> {
    let readable = log.events().flatten().zip(1_u64..).take_while(|(_, count)| *count <= records);
    let of_pcr = readable.map(|(event, _)| event).filter(|event| event.record.register.pcr() == Some(pcr));
    of_pcr.map(|event| told(&event, bank, pcr)).reduce(|one, other| match (one, other) {
        (Explanation::Separator, Explanation::Separator) => Explanation::Told,
        (one, other) => one.max(other),
    })
}

fn told(event: &SystemdEvent<'_>, bank: HashAlg, pcr: PcrIndex) -> Explanation {
    match (event.check(bank), event.measured()) {
        (TextCheck::Verified, Some(Measured::OsSeparator)) => Explanation::Separator,
        (TextCheck::Verified, _) => Explanation::Told,
        // A volume's key is measured so that nobody can tell it.
        (TextCheck::Opaque(OpaqueReason::Secret), _) if pcr.get() == VOLUME_KEYS_PCR => Explanation::Told,
        _ => Explanation::Opaque,
    }
}

const VOLUME_KEYS_PCR: u8 = 15;
