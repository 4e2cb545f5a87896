//! What can be out of order in systemd's log.
//!
//! In: the log, and the bank that digests are checked in. Out: findings with codes that policies and answers name; they never
//! change. They are handed out one by one, so that however many there are, nothing is kept.

use std::fmt;

use super::decode::{EventKind, Measured, PHASES};
use super::nvpcr::NvPcrs;
use super::{NvPcrStart, SystemdEvent, SystemdLog, TextCheck};
use crate::cel::{CelError, CelProblem, Content, Framing, Register};
use crate::digest::HashAlg;
use crate::json::JsonError;
use crate::limits::SYSTEMD_LOG_BYTES;

/// Something out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// The record.
    pub event: u64,
    /// Where it starts, or the byte that is wrong.
    pub offset: usize,
    /// More of it.
    pub detail: Detail,
}

/// What a finding says beside its code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Detail {
    /// Nothing.
    None,
    /// A register.
    Register(Register),
    /// A bank.
    Bank(HashAlg),
    /// Why a record cannot be read.
    Problem(CelProblem),
}

crate::finding_codes! {
    /// An event's text is not what was measured.
    DigestMismatch = "digest-mismatch", Error, "the text is not what was measured";
    /// An event without a digest of the bank, so that the bank does not replay.
    DigestMissing = "digest-missing", Warning, "no digest of this bank, which therefore does not replay";
    /// A record that cannot be read, with others behind it.
    RecordMalformed = "record-malformed", Error, "the record cannot be read";
    /// The log ends within a record.
    RecordTruncated = "record-truncated", Error, "the log ends within this record";
    /// A record that extends a register that no TPM has.
    UnknownRegister = "unknown-register", Error, "no TPM has this register";
    /// A PCR of firmware's that is extended with anything but the separator.
    FirmwarePcr = "firmware-pcr-extended", Warning, "systemd extends firmware's PCRs with its separator and nothing else";
    /// A type of event that Lydian does not know.
    UnknownEvent = "unknown-event", Info, "a type of event that is not known here";
    /// A type that belongs to another text.
    TypeDisguised = "event-type-disguised", Warning, "the event's type does not fit its text, which was measured";
    /// A phase that comes before it can.
    PhaseOutOfOrder = "phase-out-of-order", Info, "this phase comes behind a later one";
    /// Another boot than that of the events before.
    BootChanged = "boot-id-changed", Warning, "an event of another boot than those before it";
    /// An earlier time than that of the events before.
    TimeWentBack = "timestamp-went-back", Warning, "an earlier time than that of the event before it";
    /// An `NvPCR` of which the log does not tell what it started from.
    NvPcrStartUnknown = "nvpcr-start-unknown", Warning, "the log does not tell what this NvPCR started from";
    /// An `NvPCR` that was set up behind the separator: not in the initrd.
    NvPcrSetUpLate = "nvpcr-set-up-late", Warning, "an NvPCR was set up behind the separator of the early boot";
    /// An `NvPCR` that was set up twice.
    NvPcrSetUpAgain = "nvpcr-set-up-again", Error, "an NvPCR was set up a second time, which wipes it";
    /// A record number that is not the next one.
    NumberGap = "record-number-gap", Warning, "the record's number is not the next one";
    /// A log that is longer than systemd's are.
    TooLong = "log-too-long", Warning, "longer than any log of systemd's";
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.text())?;
        match self.detail {
            Detail::None => Ok(()),
            Detail::Register(Register::Pcr(pcr)) => write!(f, ": PCR {pcr}"),
            Detail::Register(Register::Nv(index)) => write!(f, ": NV index {index:#x}"),
            Detail::Bank(bank) => write!(f, ": {bank}"),
            Detail::Problem(problem) => write!(f, ": {problem}"),
        }
    }
}

impl SystemdLog<'_> {
    /// Hands out what is out of order, in the order of the records.
    pub fn findings(self, bank: Option<HashAlg>, mut each: impl FnMut(Finding)) {
        let bytes = self.cel().as_bytes().len();
        if self.cel().framing() == Framing::Sequence && bytes > SYSTEMD_LOG_BYTES {
            let (code, detail) = (FindingCode::TooLong, Detail::None);
            each(Finding { code, event: 0, offset: SYSTEMD_LOG_BYTES, detail });
        }
        let mut state = State { bank, ..State::default() };
        for event in self.events() {
            match event {
                Ok(event) => state.look(&event, &mut each),
                Err(error) => each(unreadable(&error)),
            }
        }
    }
}

fn unreadable(error: &CelError) -> Finding {
    let code =
        if error.is_truncation() { FindingCode::RecordTruncated } else { FindingCode::RecordMalformed };
    let detail = match error.cause {
        CelProblem::Json(JsonError::Ended { .. }) if error.is_truncation() => Detail::None,
        problem => Detail::Problem(problem),
    };
    Finding { code, event: error.record, offset: error.offset(), detail }
}

/// What the events before tell.
#[derive(Default)]
struct State<'a> {
    bank: Option<HashAlg>,
    phase: usize,
    boot_id: Option<&'a str>,
    timestamp_us: u64,
    separated: bool,
    nvpcrs: NvPcrs,
    numbered: Option<u64>,
}

impl<'a> State<'a> {
    fn look(&mut self, event: &SystemdEvent<'a>, each: &mut impl FnMut(Finding)) {
        let (number, offset) = (event.record.number, event.record.offset);
        let mut find = |code, detail| each(Finding { code, event: number, offset, detail });
        self.digests(event, &mut find);
        self.order(event, &mut find);
        let known = self.numbered.is_none_or(|before| event.record.recnum == before.checked_add(1));
        if !known {
            find(FindingCode::NumberGap, Detail::None);
        }
        self.numbered = event.record.recnum;
        let register = event.record.register;
        if event.record.is_measured() && matches!(register, Register::Pcr(_)) && register.pcr().is_none() {
            find(FindingCode::UnknownRegister, Detail::Register(register));
        }
        if let (Content::Systemd(_), Register::Pcr(0..=8 | 14)) = (event.record.content, register)
            && event.measured() != Some(Measured::OsSeparator)
        {
            find(FindingCode::FirmwarePcr, Detail::Register(register));
        }
        self.nvpcr(event, &mut find);
    }

    fn digests(&self, event: &SystemdEvent<'a>, find: &mut impl FnMut(FindingCode, Detail)) {
        let is_systemd = event.text.is_some() || event.event_type.is_some();
        if is_systemd && event.check_all() == TextCheck::Mismatch {
            find(FindingCode::DigestMismatch, Detail::Register(event.record.register));
        }
        if let (Some(bank), Register::Pcr(_)) = (self.bank, event.record.register)
            && event.record.is_measured()
            && event.record.digest(bank).is_none()
        {
            find(FindingCode::DigestMissing, Detail::Bank(bank));
        }
        let kind = event.kind();
        if kind == EventKind::Unknown {
            find(FindingCode::UnknownEvent, Detail::None);
        } else if event.measured().as_ref().and_then(kind_of).is_some_and(|of| kind != of)
            && !matches!(kind, EventKind::Unnamed)
        {
            find(FindingCode::TypeDisguised, Detail::None);
        }
    }

    fn order(&mut self, event: &SystemdEvent<'a>, find: &mut impl FnMut(FindingCode, Detail)) {
        if let Some(Measured::Phase(phase)) = event.measured() {
            let at = PHASES.iter().position(|known| *known == phase).unwrap_or_default();
            if at < self.phase {
                find(FindingCode::PhaseOutOfOrder, Detail::None);
            }
            self.phase = at;
        }
        if let Some(boot_id) = event.boot_id {
            if self.boot_id.is_some_and(|before| before != boot_id.raw()) {
                find(FindingCode::BootChanged, Detail::None);
                self.timestamp_us = 0;
            }
            self.boot_id = Some(boot_id.raw());
        }
        if let Some(timestamp_us) = event.timestamp_us {
            if timestamp_us < self.timestamp_us {
                find(FindingCode::TimeWentBack, Detail::None);
            }
            self.timestamp_us = timestamp_us;
        }
    }

    fn nvpcr(&mut self, event: &SystemdEvent<'a>, find: &mut impl FnMut(FindingCode, Detail)) {
        let register = event.record.register;
        match event.measured() {
            Some(Measured::NvPcrSeparator) => self.separated = true,
            Some(Measured::NvPcrInit { index, .. }) => {
                let detail = Detail::Register(Register::Nv(index));
                if self.separated {
                    find(FindingCode::NvPcrSetUpLate, detail);
                }
                if self.nvpcrs.of_index(index).is_some_and(|known| known.start != NvPcrStart::Unknown) {
                    find(FindingCode::NvPcrSetUpAgain, detail);
                }
            }
            _ => {}
        }
        if let Register::Nv(index) = register
            && self.nvpcrs.of_index(index).is_none()
        {
            find(FindingCode::NvPcrStartUnknown, Detail::Register(register));
        }
        self.nvpcrs.take_in(event);
    }
}

/// The type that systemd gives such a text.
const fn kind_of(measured: &Measured) -> Option<EventKind> {
    match measured {
        Measured::Phase(_) => Some(EventKind::Phase),
        Measured::FileSystem { .. } => Some(EventKind::FileSystem),
        Measured::VolumeKey { .. } => Some(EventKind::VolumeKey),
        Measured::MachineId(_) => Some(EventKind::MachineId),
        Measured::ProductId(_) => Some(EventKind::ProductId),
        Measured::KeySlot { .. } => Some(EventKind::KeySlot),
        Measured::NvPcrInit { .. } => Some(EventKind::NvPcrInit),
        Measured::NvPcrSeparator => Some(EventKind::NvPcrSeparator),
        Measured::OsSeparator => Some(EventKind::OsSeparator),
        Measured::Verity { .. } => Some(EventKind::Verity),
        Measured::Login { .. } => Some(EventKind::Login),
        Measured::Credential { .. } => Some(EventKind::Credential),
        Measured::Text(_) => None,
    }
}
