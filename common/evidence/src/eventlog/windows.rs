//! What Windows measured of its own start.
//!
//! In: a log and a bank. Out: counters and switches from digest-verified records before Windows' own separators. A later
//! record cannot count: whatever runs may extend what it likes. What the records say is the boot manager's word, worth
//! what PCR 4 and 7 say of the boot manager.

use super::payload::{Payload, SipaId, SipaRecord, SipaRecords, SipaValue};
use super::{DigestCheck, Event, EventLog, EventType};
use crate::digest::HashAlg;
use crate::limits;

/// What the log proves of Windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Windows {
    /// There are no records of Windows.
    NotLogged,
    /// An event among Windows' own cannot be relied on, so that no fact can.
    Unverified {
        /// The first such event.
        event: u32,
    },
    /// All of its events are what was measured.
    Verified(WindowsFacts),
}

/// A setting that can be measured more than once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Setting {
    /// No record of it.
    #[default]
    NotLogged,
    /// Off whenever it was measured.
    Off,
    /// On whenever it was measured.
    On,
    /// On and off.
    Mixed,
}

impl Setting {
    /// A word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotLogged => "not-logged",
            Self::Off => "off",
            Self::On => "on",
            Self::Mixed => "mixed",
        }
    }

    const fn with(self, on: bool) -> Self {
        match (self, on) {
            (Self::NotLogged | Self::On, true) => Self::On,
            (Self::NotLogged | Self::Off, false) => Self::Off,
            _ => Self::Mixed,
        }
    }
}

/// Facts of a start of Windows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowsFacts {
    /// The monotonic counter of boots, the last one that was measured.
    pub boot_counter: Option<u64>,
    /// A debugger of the boot programs.
    pub boot_debugging: Setting,
    /// A debugger of the kernel.
    pub kernel_debug: Setting,
    /// A debugger of the hypervisor.
    pub hypervisor_debug: Setting,
    /// Drivers with test signatures load.
    pub test_signing: Setting,
    /// Drivers with signatures of preview versions load.
    pub flight_signing: Setting,
    /// Only the most needful runs.
    pub safe_mode: Setting,
    /// An installation or recovery environment.
    pub win_pe: Setting,
    /// The kernel checks the signatures of drivers.
    pub code_integrity: Setting,
    /// How the hypervisor keeps code integrity, if virtualisation-based security asks for it.
    pub hvci_policy: Option<u64>,
    /// How the secure kernel was started: 0 is not at all.
    pub vsm_launch_type: Option<u64>,
    /// How volumes were unlocked, all of `BitLocker`'s flags of all times.
    pub bitlocker_unlock: Option<u64>,
    /// Modules that were loaded.
    pub modules: u32,
    /// Antimalware drivers that had a word before others started.
    pub elam_drivers: u32,
}

impl EventLog<'_> {
    /// What the log proves of Windows in a bank.
    pub fn windows(&self, bank: HashAlg) -> Windows {
        let mut facts = WindowsFacts::default();
        let (mut found, mut strange, mut ended) = (false, None, [false; 2]);
        let separator = bank.hash(&[WINDOWS_SEPARATOR]);
        for event in self.events() {
            let Some(ended) = place(&event).and_then(|at| ended.get_mut(at)) else { continue };
            // The type is not measured: a separator is known by its digest.
            *ended |= event.digest(bank).is_some_and(|digest| digest == separator);
            if *ended {
                continue;
            }
            match (event.event_type, event.payload()) {
                (EventType::EVENT_TAG, Ok(Payload::Windows(records)))
                    if event.digest_check(bank) == DigestCheck::Verified =>
                {
                    found = true;
                    facts.take(records, limits::SIPA_DEPTH);
                }
                // Its type may have been changed, and its data: it could have said anything.
                _ => _ = strange.get_or_insert((event.number, looks_like_windows(&event))),
            }
        }
        match strange {
            Some((event, like_windows)) if found || like_windows => Windows::Unverified { event },
            _ if found => Windows::Verified(facts),
            _ => Windows::NotLogged,
        }
    }
}

fn looks_like_windows(event: &Event<'_>) -> bool {
    let id = event.data.first_chunk().map(|id| SipaId(u32::from_le_bytes(*id)));
    event.event_type == EventType::EVENT_TAG && id.is_some_and(SipaId::is_windows)
}

/// Which of the PCRs that Windows keeps for its settings and modules the event extends. PCR 11 has keys of volumes, PCR 14
/// authorities, which shim keeps there too.
fn place(event: &Event<'_>) -> Option<usize> {
    match event.pcr()?.get() {
        12 => Some(0),
        13 => Some(1),
        _ => None,
    }
}

impl WindowsFacts {
    fn take(&mut self, records: SipaRecords<'_>, depth: usize) {
        for record in records.iter() {
            self.count(record.id);
            match record.value() {
                SipaValue::Records(inner) if depth > 0 => self.take(inner, depth.saturating_sub(1)),
                SipaValue::Switch(on) => self.switch(record.id, on),
                SipaValue::Number(number) => self.number(&record, number),
                _ => {}
            }
        }
    }

    const fn count(&mut self, id: SipaId) {
        match id {
            SipaId::LOADED_MODULE_AGGREGATION => self.modules = self.modules.saturating_add(1),
            SipaId::ELAM_AGGREGATION => self.elam_drivers = self.elam_drivers.saturating_add(1),
            _ => {}
        }
    }

    const fn switch(&mut self, id: SipaId, on: bool) {
        let setting = match id {
            SipaId::BOOT_DEBUGGING => &mut self.boot_debugging,
            SipaId::OS_KERNEL_DEBUG => &mut self.kernel_debug,
            SipaId::HYPERVISOR_DEBUG => &mut self.hypervisor_debug,
            SipaId::TEST_SIGNING => &mut self.test_signing,
            SipaId::FLIGHT_SIGNING => &mut self.flight_signing,
            SipaId::SAFE_MODE => &mut self.safe_mode,
            SipaId::WIN_PE => &mut self.win_pe,
            SipaId::CODE_INTEGRITY => &mut self.code_integrity,
            _ => return,
        };
        *setting = setting.with(on);
    }

    fn number(&mut self, record: &SipaRecord<'_>, number: u64) {
        match record.id {
            SipaId::BOOT_COUNTER => self.boot_counter = Some(number),
            SipaId::VBS_HVCI_POLICY => self.hvci_policy = Some(number),
            SipaId::VSM_LAUNCH_TYPE => self.vsm_launch_type = Some(number),
            SipaId::BITLOCKER_UNLOCK => {
                self.bitlocker_unlock = Some(self.bitlocker_unlock.unwrap_or_default() | number);
            }
            _ => {}
        }
    }
}

/// The data of the separators that Windows ends its part of these PCRs with.
const WINDOWS_SEPARATOR: &[u8] = b"WBCL";
