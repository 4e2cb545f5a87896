//! A firmware log that is written while a TPM is extended.
//!
//! In: events. Out: the log's bytes, and PCRs that they replay to. What it measures is made up; the form is the one
//! that firmware writes.
//= TCG PFP 1.06 §10.2.2: TCG_PCR_EVENT2; §10.4.5.1: TCG_EfiSpecIDEvent

use anyhow::Result;
use evidence::digest::{Digest, HashAlg};
use evidence::eventlog::EventType;
use evidence::pcr::PcrIndex;

use super::machine::{image_digest, load_event};
use super::{Machine, Measured};

/// A log in the making, and the TPM that it is about.
#[derive(Debug)]
pub struct EventLogBuilder<'t, T> {
    tpm: &'t T,
    banks: Vec<HashAlg>,
    bytes: Vec<u8>,
}

/// What the machine's firmware has set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecureBootSwitch {
    /// Only what db vouches for is started.
    On,
    /// Anything is started.
    Off,
}

impl<'t, T: Measured> EventLogBuilder<'t, T> {
    /// A crypto-agile log with a digest in each of the TPM's banks.
    pub fn new(tpm: &'t T) -> Result<Self> {
        let banks = tpm.banks()?;
        let mut announced = b"Spec ID Event03\0".to_vec();
        // Platform class 0, version 2.0, errata 0, UINTN of 64 bits.
        announced.extend([0, 0, 0, 0, 0, 2, 0, 2]);
        announced.extend(u32::try_from(banks.len())?.to_le_bytes());
        for bank in &banks {
            announced.extend(bank.tpm_id().to_le_bytes());
            announced.extend(u16::try_from(bank.size())?.to_le_bytes());
        }
        announced.push(0);
        let mut bytes = [0_u32.to_le_bytes(), EventType::NO_ACTION.0.to_le_bytes()].concat();
        bytes.extend([0; 20]);
        bytes.extend(u32::try_from(announced.len())?.to_le_bytes());
        bytes.extend(announced);
        Ok(Self { tpm, banks, bytes })
    }

    /// A small boot as firmware of our days logs it: version, Secure Boot's variables, separators, a boot loader.
    pub fn typical(tpm: &'t T, secure_boot: SecureBootSwitch) -> Result<Self> {
        Self::of(tpm, &Machine::new(secure_boot))
    }

    /// The boot of a machine.
    pub fn of(tpm: &'t T, machine: &Machine) -> Result<Self> {
        let mut log = Self::new(tpm)?;
        log.event(0, EventType::S_CRTM_VERSION, &utf16("Lydian test firmware"))?;
        let config = EventType::EFI_VARIABLE_DRIVER_CONFIG;
        let on = [u8::from(machine.secure_boot == SecureBootSwitch::On)];
        log.variable(config, "SecureBoot", GLOBAL_VARIABLE, &on)?;
        log.variable(config, "PK", GLOBAL_VARIABLE, &machine.platform_key)?;
        log.variable(config, "KEK", GLOBAL_VARIABLE, b"")?;
        log.variable(config, "db", IMAGE_SECURITY_DATABASE, &machine.db)?;
        log.variable(config, "dbx", IMAGE_SECURITY_DATABASE, &machine.dbx)?;
        log.event(4, EventType::EFI_ACTION, b"Calling EFI Application from Boot Option")?;
        for pcr in 0..8 {
            log.event(pcr, EventType::SEPARATOR, &[0; 4])?;
        }
        let authority = EventType::EFI_VARIABLE_AUTHORITY;
        for (name, entry) in &machine.authorities {
            let vendor = if *name == "db" { IMAGE_SECURITY_DATABASE } else { SHIM_LOCK };
            log.variable(authority, name, vendor, entry)?;
        }
        if let Some(level) = machine.sbat_level {
            log.variable(authority, "SbatLevel", SHIM_LOCK, level.as_bytes())?;
        }
        for (content, path) in &machine.images {
            let data = if path.is_empty() { vec![0; 32] } else { load_event(path)? };
            let digests: Vec<Digest> = log.banks.iter().map(|bank| image_digest(content, *bank)).collect();
            log.digests(4, EventType::EFI_BOOT_SERVICES_APPLICATION, &digests, &data)?;
        }
        for (name, list) in ["MokList\0", "MokListX\0"].into_iter().zip(machine.shim_lists.iter().flatten()) {
            log.measured(14, EventType::IPL, list, name.as_bytes())?;
        }
        for (content, path) in &machine.loaded {
            log.measured(9, EventType::IPL, content, format!("{path}\0").as_bytes())?;
        }
        log.event(5, EventType::EFI_ACTION, b"Exit Boot Services Invocation")?;
        log.event(5, EventType::EFI_ACTION, b"Exit Boot Services Returned with Success")?;
        Ok(log)
    }

    /// An event whose digest is over its data.
    pub fn event(&mut self, pcr: u32, event_type: EventType, data: &[u8]) -> Result<()> {
        self.measured(pcr, event_type, data, data)
    }

    /// An event whose digest is over something else than its data.
    pub fn measured(&mut self, pcr: u32, event_type: EventType, over: &[u8], data: &[u8]) -> Result<()> {
        let digests = self.banks.iter().map(|bank| bank.hash(&[over])).collect::<Vec<_>>();
        self.digests(pcr, event_type, &digests, data)
    }

    /// An event with these digests.
    fn digests(&mut self, pcr: u32, event_type: EventType, digests: &[Digest], data: &[u8]) -> Result<()> {
        self.tpm.extend(PcrIndex::new(pcr)?, digests)?;
        self.log_only(pcr, event_type, digests, data)
    }

    /// An event that is logged and not extended: what an intruder adds to a log.
    pub fn log_only(
        &mut self,
        pcr: u32,
        event_type: EventType,
        digests: &[Digest],
        data: &[u8],
    ) -> Result<()> {
        self.bytes.extend(pcr.to_le_bytes());
        self.bytes.extend(event_type.0.to_le_bytes());
        self.bytes.extend(u32::try_from(digests.len())?.to_le_bytes());
        for digest in digests {
            self.bytes.extend(digest.alg().tpm_id().to_le_bytes());
            self.bytes.extend(digest.as_bytes());
        }
        self.bytes.extend(u32::try_from(data.len())?.to_le_bytes());
        self.bytes.extend(data);
        Ok(())
    }

    //= TCG PFP 1.06 §10.2.6: UEFI_VARIABLE_DATA
    fn variable(&mut self, event_type: EventType, name: &str, vendor: [u8; 16], value: &[u8]) -> Result<()> {
        let mut data = vendor.to_vec();
        data.extend(u64::try_from(name.encode_utf16().count())?.to_le_bytes());
        data.extend(u64::try_from(value.len())?.to_le_bytes());
        data.extend(utf16(name));
        data.extend(value);
        self.event(7, event_type, &data)
    }

    /// The log's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// `EFI_GLOBAL_VARIABLE`.
const GLOBAL_VARIABLE: [u8; 16] =
    [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c];
/// `EFI_IMAGE_SECURITY_DATABASE_GUID`.
const IMAGE_SECURITY_DATABASE: [u8; 16] =
    [0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f];
/// Shim's own.
const SHIM_LOCK: [u8; 16] =
    [0x50, 0xab, 0x5d, 0x60, 0x46, 0xe0, 0x00, 0x43, 0xab, 0xb6, 0x3d, 0xd8, 0x10, 0xdd, 0x8b, 0x23];
