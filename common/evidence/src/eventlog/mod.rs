//! The firmware's measurement log (TCG PC Client event log).
//!
//! In: the log's bytes as the kernel gives them (`binary_bios_measurements`), or a confidential-computing
//! log (CCEL). Out: its events beside their raw bytes, what each PCR replays to, and what the events say of
//! Secure Boot. Nothing here is true before the replayed values equal quoted ones; and even then only the
//! digests per PCR were measured: event types, the order across PCRs and most data were not.

mod ccel;
mod check;
mod compare;
mod describe;
mod event_type;
mod events;
mod facts;
mod finding;
mod keys;
mod order;
mod parse;
mod payload;
mod pcr7;
mod replay;
mod windows;

pub use check::{DigestCheck, Separator};
pub use compare::{Cause, Comparison, LogEnd};
pub(crate) use describe::sanitise;
pub use event_type::EventType;
pub use events::{Digests, EventIter, Events};
pub use facts::{Authority, BootFacts, MeasuredVariable, SecureBoot, SecureBootUnknown, SeparatorState};
pub use finding::{Finding, FindingCode};
pub use parse::{EventLogError, Parsed};
pub use payload::{
    BootOrder, Contents, DevicePath, DeviceSecurity, EfiVariable, FirmwareBlob, Gpt, HandoffTables,
    ImageLoad, IplKind, IplText, LoadOption, Locator, Partition, Payload, PayloadError, PlatformEvent,
    PlatformNames, SipaId, SipaRecord, SipaRecords, SipaValue, SpecId, Tagged, Text, crypto_api_hash,
};
pub use replay::{
    EXIT_BOOT_SERVICES_PCR, EXTENDED_BY_SYSTEM, ExitBootServicesRepair, ReplayError, StartupLocality,
};
pub use windows::{Setting, Windows, WindowsFacts};

use std::ops::Range;

use self::events::RawDigests;
use self::parse::Table;
use crate::digest::{Digest, HashAlg};
use crate::pcr::PcrIndex;

/// A firmware log: its events in the order in which they were logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventLog<'a> {
    bytes: &'a [u8],
    format: LogFormat,
    /// Of a crypto-agile log.
    table: Option<Table<'a>>,
    banks: Vec<HashAlg>,
    /// Where each event starts; they are read again when they are asked for.
    starts: Vec<u32>,
    padding_bytes: usize,
}

/// Which form a log has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// A digest for each bank in every event, announced by a `Spec ID Event03` record.
    CryptoAgile,
    /// One SHA-1 digest in every event: firmware of TPM 1.2 times, and some that never changed.
    LegacySha1,
    /// A crypto-agile log of a confidential virtual machine: the registers are not PCRs but measurement registers, where 0
    /// is the build's own and 1 to 4 are those that are extended while it runs.
    Ccel,
}

impl<'a> EventLog<'a> {
    /// The log's form.
    pub const fn format(&self) -> LogFormat {
        self.format
    }

    /// The banks that Lydian knows among those that the log carries, in the log's order.
    pub fn banks(&self) -> &[HashAlg] {
        &self.banks
    }

    /// The events; an event's number is its position here.
    pub const fn events(&self) -> Events<'_, 'a> {
        Events::new(self)
    }

    /// The log's raw bytes.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes of 0x00 or 0xFF behind the last event, as in CCEL tables.
    pub const fn padding_bytes(&self) -> usize {
        self.padding_bytes
    }
}

/// One record of a firmware log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// Position in the log, from 0.
    pub number: u32,
    /// Offset of the record's first byte in the log.
    pub offset: usize,
    /// The register index as logged: a PCR, a confidential-computing register, or anything at all in an
    /// `EV_NO_ACTION`.
    pub register: u32,
    /// What the event claims to be. Not measured.
    pub event_type: EventType,
    /// The event's data, raw.
    pub data: &'a [u8],
    digests: RawDigests<'a>,
}

impl<'a> Event<'a> {
    /// The PCR that the event extends; `None` where nothing is extended or there is no such PCR.
    //= TCG PFP 1.06 §10.4.1: EV_NO_ACTION events SHALL NOT be extended
    pub fn pcr(&self) -> Option<PcrIndex> {
        if self.event_type == EventType::NO_ACTION {
            return None;
        }
        PcrIndex::new(self.register).ok()
    }

    /// The digests that were extended, of the banks that Lydian knows.
    pub fn digests(&self) -> Digests<'a> {
        self.digests.iter()
    }

    /// The digest in a bank.
    pub fn digest(&self, bank: HashAlg) -> Option<Digest> {
        self.digests().find(|digest| digest.alg() == bank)
    }

    /// The same record with other data: what a log that lies of its data says.
    #[must_use]
    pub const fn with_data<'b>(self, data: &'b [u8]) -> Event<'b>
    where
        'a: 'b,
    {
        Event { data, ..self }
    }

    /// Whether the event extends this PCR.
    pub(crate) fn extends(&self, pcr: PcrIndex) -> bool {
        self.pcr() == Some(pcr)
    }

    /// The event's data as its type defines it.
    pub fn payload(&self) -> Result<Payload<'a>, PayloadError> {
        payload::decode(self.event_type, self.data)
    }

    /// Whether the digest in `bank` is the one that the event's data gives.
    pub fn digest_check(&self, bank: HashAlg) -> DigestCheck {
        check::digest_check(self, bank)
    }

    /// Which bytes of the data the digest in `bank` is of; what the rest says is a mere claim, as the name of a boot
    /// variable or a loader's prefix. `None` where the digest is of something else.
    pub fn measured_bytes(&self, bank: HashAlg) -> Option<Range<usize>> {
        check::measured(self, bank)
    }

    /// What kind of separator the measured digest is, whatever the event's type says.
    pub fn separator(&self, bank: HashAlg) -> Option<Separator> {
        check::SeparatorDigests::of(bank).kind(self, bank)
    }

    /// One line of text on the event's data. Control and direction characters are escaped, long data is cut.
    pub fn describe(&self) -> String {
        describe::describe(self)
    }
}

#[cfg(test)]
mod tests;
