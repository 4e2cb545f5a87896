//! systemd's log: what of it the quoted values vouch for.
//!
//! In: the attached log, and how each quoted PCR comes out of it behind the firmware log. Out: which events are true. Nothing
//! signs the log: an event is believed where its PCR's values lead over it to a quoted one. What is appended later, and what
//! extends `NvPCRs`, which are not quoted, stays unverified. A log that explains nothing does no harm and proves nothing.

use evidence::cel::Register;
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{Finding, Joint, Merged, SystemdEvent, SystemdLog};

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
