//! What boot loaders and operating systems measure: strings (`EV_IPL`) and tagged data (`EV_EVENT_TAG`).
//!
//! In: event data. Out: whose it is and its text. A string often names what was measured without being it.

use super::Text;
use crate::cursor::{Cursor, Truncated};

/// What a boot loader measured as `EV_IPL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IplText<'a> {
    /// Which kind of string it is, by its prefix or its own words.
    pub kind: IplKind,
    /// The string without prefix and NUL: a command, a command line, a path, a section's name.
    pub text: Text<'a>,
    /// The string's bytes without prefix, with its NUL if there is one.
    pub raw: &'a [u8],
}

/// Whose string an `EV_IPL` is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IplKind {
    /// A command that GRUB ran.
    GrubCommand,
    /// The kernel's command line, as GRUB passed it.
    KernelCommandLine,
    /// A module's command line, as GRUB passed it.
    ModuleCommandLine,
    /// A variable of shim: the digest is of its contents.
    ShimVariable,
    /// A section of a unified kernel image: its name, and then again for its contents.
    UkiSection,
    /// Any other: the path of a file that GRUB read, a command line in UTF-16, or anything else.
    Other,
}

impl IplKind {
    /// A word for answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::GrubCommand => "grub-command",
            Self::KernelCommandLine => "kernel-command-line",
            Self::ModuleCommandLine => "module-command-line",
            Self::ShimVariable => "shim-variable",
            Self::UkiSection => "uki-section",
            Self::Other => "other",
        }
    }
}

impl<'a> IplText<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        let prefixed =
            GRUB_PREFIXES.iter().find_map(|(prefix, kind)| Some((data.strip_prefix(*prefix)?, *kind)));
        if let Some((raw, kind)) = prefixed {
            return Self { kind, text: Text::of_either_width(raw), raw };
        }
        let text = Text::of_either_width(data);
        let kind = if SHIM_VARIABLES.iter().any(|name| text == *name) {
            IplKind::ShimVariable
        } else if UKI_SECTIONS.iter().any(|name| text == *name) {
            IplKind::UkiSection
        } else {
            IplKind::Other
        };
        Self { kind, text, raw: data }
    }
}

/// GRUB's prefixes; those without a colon are of older versions, with their own distance to the text.
pub(in crate::eventlog) const GRUB_PREFIXES: [(&[u8], IplKind); 6] = [
    (b"grub_cmd: ", IplKind::GrubCommand),
    (b"kernel_cmdline: ", IplKind::KernelCommandLine),
    (b"module_cmdline: ", IplKind::ModuleCommandLine),
    (b"grub_cmd ", IplKind::GrubCommand),
    (b"grub_kernel_cmdline ", IplKind::KernelCommandLine),
    (b"grub_module_cmdline ", IplKind::ModuleCommandLine),
];
const SHIM_VARIABLES: [&str; 6] =
    ["MokList", "MokListX", "MokListTrusted", "MokSBState", "MokDBState", "MokIgnoreDB"];
//= UAPI.5 Unified Kernel Image: sections that are measured, in this order
const UKI_SECTIONS: [&str; 16] = [
    ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".dtbauto", ".hwids", ".uname",
    ".sbat", ".pcrsig", ".pcrpkey", ".profile", ".efifw", ".sdmagic",
];

/// Tagged data of a boot loader or kernel; Windows' has records of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tagged<'a> {
    /// What the data is; Linux and systemd have numbers of their own.
    pub id: u32,
    /// The data: a description or a file's name; the digest is of what it describes.
    pub data: &'a [u8],
}

impl<'a> Tagged<'a> {
    //= TCG PFP 1.06 §10.4.2.1: TCG_PCClientTaggedEvent
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        // Some kernels log their load options' description without number and length.
        if data.starts_with(LOAD_OPTIONS) {
            return Ok(Self { id: LINUX_LOAD_OPTIONS, data });
        }
        let mut cursor = Cursor::new(data);
        let id = cursor.u32_le()?;
        let size = cursor.u32_le()?;
        let data = cursor.take(usize::try_from(size).unwrap_or(usize::MAX))?;
        Ok(Self { id, data })
    }

    /// What the number means, if it is known.
    pub const fn meaning(self) -> Option<&'static str> {
        Some(match self.id {
            LINUX_INITRD => "Linux: initrd",
            LINUX_LOAD_OPTIONS => "Linux: kernel command line",
            0xf5bc_582a => "systemd-boot: loader.conf",
            0x6c46_f751 => "systemd-stub: device tree addon",
            0x49df_fe0f => "systemd-stub: initrd addon",
            0xdac0_8e1a => "systemd-stub: microcode addon",
            0x13ae_d6db => "systemd-stub: UKI profile",
            0xd5cb_7cbc => "systemd-stub: SMBIOS type 1",
            0xe0d4_7bc8 => "systemd-stub: SMBIOS type 2",
            0xc0b3_bd23 => "systemd-stub: SMBIOS type 11",
            _ => return None,
        })
    }
}

const LINUX_INITRD: u32 = 0x8f3b_22ec;
const LINUX_LOAD_OPTIONS: u32 = 0x8f3b_22ed;
const LOAD_OPTIONS: &[u8] = b"LOADED_IMAGE::LoadOptions";
