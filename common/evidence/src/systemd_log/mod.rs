//! systemd's own measurement log: `/run/log/systemd/tpm2-measure.log`.
//!
//! In: the log's bytes, a JSON text sequence close to CEL-JSON, or a canonical log that holds such records. Out: what systemd
//! says that it measured, checked against the digests; what PCRs and `NvPCRs` replay to; and, with the firmware log's values,
//! the prefix that quoted values vouch for. Only digests were measured, each register's in its own order. Event types, boot
//! ids and times are claims; text is true where its hash is the digest. systemd extends first and logs after, so a log that
//! is read after a quote holds all that was quoted, unless systemd was killed between the two.
//= systemd docs/TPM2_PCR_MEASUREMENTS.md; systemd src/shared/tpm2-util.c: tpm2_userspace_log

mod check;
mod decode;
mod escape;
mod finding;
mod merge;
mod nvpcr;
mod phases;

pub use check::{OpaqueReason, TextCheck};
pub use decode::{EventKind, Measured, NvPcrAnchor};
pub use finding::{Detail, Finding, FindingCode};
pub use merge::{Joint, Merged, PcrMerge, PrefixRange, explain, merge};
pub use nvpcr::{NvPcr, NvPcrStart, NvPcrs};
pub use phases::{PhasePlace, PhaseRepair, UNLOGGED_PHASES, repair_phases};

use crate::cel::{Cel, CelError, CelRecord, Content};
use crate::json::{Text, Value};

/// A log of systemd's measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SystemdLog<'a> {
    cel: Cel<'a>,
}

impl<'a> SystemdLog<'a> {
    /// A log from its bytes.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { cel: Cel::new(bytes) }
    }

    /// The log as records.
    pub const fn cel(self) -> Cel<'a> {
        self.cel
    }

    /// The events in order, and an error in place of each record that cannot be read.
    pub fn events(self) -> impl Iterator<Item = Result<SystemdEvent<'a>, CelError>> + Clone {
        self.cel.records().map(|record| record.map(SystemdEvent::new))
    }
}

/// One measurement.
#[derive(Clone, Copy, Debug)]
pub struct SystemdEvent<'a> {
    /// The record: its register and digests.
    pub record: CelRecord<'a>,
    /// What systemd calls the measurement. Not measured.
    pub event_type: Option<Text<'a>>,
    /// What was measured, as text; escaped and cut where it is not plain text.
    pub text: Option<Text<'a>>,
    /// The name of the `NvPCR`. Not measured here, but where it was set up, into PCR 9.
    pub nv_name: Option<Text<'a>>,
    /// The boot in which it was measured. Not measured.
    pub boot_id: Option<Text<'a>>,
    /// Microseconds since the boot. Not measured.
    pub timestamp_us: Option<u64>,
}

impl<'a> SystemdEvent<'a> {
    fn new(record: CelRecord<'a>) -> Self {
        let mut event =
            Self { record, event_type: None, text: None, nv_name: None, boot_id: None, timestamp_us: None };
        let Content::Systemd(content) = record.content else { return event };
        for (key, value) in content.members().into_iter().flatten() {
            event.take_in(key, value);
        }
        event
    }

    fn take_in(&mut self, key: Text<'a>, value: Value<'a>) {
        match key.raw() {
            "eventType" => self.event_type = value.text(),
            "string" => self.text = value.text(),
            "nvIndexName" => self.nv_name = value.text(),
            "bootId" => self.boot_id = value.text(),
            "timestamp" => self.timestamp_us = value.unsigned(),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests;
