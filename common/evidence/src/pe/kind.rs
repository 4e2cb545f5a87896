//! Which of the usual programs an image is.
//!
//! In: an image. Out: a guess by what such programs have in them. Anybody can put the same into another image: it helps
//! people, and decides nothing.

use super::{Image, Uki};

/// A usual program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageKind {
    /// The first loader of most distributions.
    Shim,
    /// GRUB.
    Grub,
    /// systemd-boot.
    SystemdBoot,
    /// systemd-stub without a kernel.
    SystemdStub,
    /// A kernel with its stub, command line and so on.
    UnifiedKernelImage,
    /// What is added to a unified kernel image.
    UkiAddon,
    /// A Linux kernel with its own EFI stub.
    LinuxKernel,
    /// A driver.
    Driver,
    /// Some other EFI program.
    Application,
    /// No EFI program.
    Other,
}

impl ImageKind {
    /// The kind's name for answers; it never changes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Shim => "shim",
            Self::Grub => "grub",
            Self::SystemdBoot => "systemd-boot",
            Self::SystemdStub => "systemd-stub",
            Self::UnifiedKernelImage => "uki",
            Self::UkiAddon => "uki-addon",
            Self::LinuxKernel => "linux-kernel",
            Self::Driver => "driver",
            Self::Application => "application",
            Self::Other => "other",
        }
    }
}

impl Image<'_> {
    /// Which of the usual programs it is.
    pub fn kind(&self) -> ImageKind {
        if let Some(uki) = Uki::of(self) {
            return if uki.has_kernel() { ImageKind::UnifiedKernelImage } else { ImageKind::UkiAddon };
        }
        let has = |name: &str| self.section(name).is_some();
        if has(".vendor_cert") || has(".vendor_") || self.is_shim_by_ident() {
            return ImageKind::Shim;
        }
        match self.loader_info() {
            Some(info) if info.starts_with("systemd-boot") => return ImageKind::SystemdBoot,
            Some(info) if info.starts_with("systemd-stub") => return ImageKind::SystemdStub,
            _ => {}
        }
        let is_component =
            |name| self.sbat().is_some_and(|mut lines| lines.any(|line| line.component == name));
        if has("mods") || is_component("grub") {
            return ImageKind::Grub;
        }
        if is_linux(self.bytes()) {
            return ImageKind::LinuxKernel;
        }
        match self.subsystem() {
            10 => ImageKind::Application,
            11..=13 => ImageKind::Driver,
            _ => ImageKind::Other,
        }
    }

    fn is_shim_by_ident(&self) -> bool {
        let ident = self.section(".data.ident").and_then(|section| section.contents());
        ident.is_some_and(|ident| ident.starts_with(b"UEFI SHIM"))
    }

    /// What systemd's programs call themselves in `.sdmagic`, with their version.
    pub fn loader_info(&self) -> Option<String> {
        let text = self.section(".sdmagic")?.text()?;
        let info = text.strip_prefix("#### LoaderInfo: ")?.strip_suffix(" ####")?;
        Some(info.chars().take(LOADER_INFO_CHARS).collect())
    }
}

/// Real ones have 20 to 40.
const LOADER_INFO_CHARS: usize = 128;

/// By the boot protocols' own marks, each at its place.
//= Linux Documentation/arch/x86/boot.rst, arm64/booting.rst, riscv/boot-image-header.rst; EFI zboot
fn is_linux(bytes: &[u8]) -> bool {
    let marks: [(usize, &[u8]); 4] =
        [(0x202, b"HdrS"), (0x38, b"ARM\x64"), (0x30, b"RISCV\0\0\0"), (4, b"zimg")];
    marks.into_iter().any(|(at, mark)| bytes.get(at..).is_some_and(|rest| rest.starts_with(mark)))
}
