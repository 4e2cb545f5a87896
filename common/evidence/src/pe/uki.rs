//! Unified kernel images.
//!
//! In: an image with a `.linux` section, or an addon of one. Out: the sections that the stub knows, and what PCR 11 comes
//! to once the stub has measured them. The phases that systemd measures afterwards are not part of it.
//= UAPI.5 Unified Kernel Image; systemd, src/fundamental/uki.h: the order in which sections are measured

use crate::digest::{Digest, HashAlg};
use crate::limits::{PE_SECTION_PADDING_BYTES, UKI_PROFILES};

use super::{Image, Section};

/// Sections in the order in which they are measured, and the first version of systemd whose stub measures each.
const MEASURED: [(&str, u32); 13] = [
    (".linux", 0),
    (".osrel", 0),
    (".cmdline", 0),
    (".initrd", 0),
    (".ucode", 256),
    (".splash", 0),
    (".dtb", 0),
    (".uname", 253),
    (".sbat", 254),
    (".pcrpkey", 0),
    (".profile", 257),
    (".hwids", 257),
    // Signed PCR values are no part of what they sign.
    (".pcrsig", u32::MAX),
];

/// Sections of which the stub takes those that fit the machine.
const CHOSEN: [&str; 2] = [".dtbauto", ".efifw"];

/// A unified kernel image or an addon.
#[derive(Clone, Copy, Debug)]
pub struct Uki<'i, 'a> {
    image: &'i Image<'a>,
    has_kernel: bool,
}

/// A section that is measured.
#[derive(Clone, Copy, Debug)]
pub struct MeasuredSection<'a> {
    /// Its name, which is measured before it with a zero behind it.
    pub name: &'static str,
    /// The section.
    pub section: Section<'a>,
}

impl<'i, 'a> Uki<'i, 'a> {
    /// The image as a unified kernel image; `None` where it is none.
    pub fn of(image: &'i Image<'a>) -> Option<Self> {
        let has = |name: &str| image.section(name).is_some();
        let has_kernel = has(".linux");
        let is_addon = || [".cmdline", ".initrd", ".ucode", ".dtb"].into_iter().any(has);
        (has_kernel || is_addon()).then_some(Self { image, has_kernel })
    }

    /// Whether it holds a kernel; an addon holds none.
    pub const fn has_kernel(&self) -> bool {
        self.has_kernel
    }

    /// The sections that a stub knows, in the order of the file.
    pub fn sections(&self) -> impl Iterator<Item = Section<'a>> + use<'a> {
        self.image.sections().filter(is_known)
    }

    /// The number of profiles: 1 without a `.profile` section.
    pub fn profiles(&self) -> usize {
        self.image.sections().filter(|section| section.is(".profile")).count().clamp(1, UKI_PROFILES)
    }

    /// Whether the stub takes sections by what the machine is, which is not known here.
    pub fn depends_on_machine(&self) -> bool {
        self.image.sections().any(|section| CHOSEN.into_iter().any(|name| section.is(name)))
    }

    /// The version of systemd that its stub is of.
    pub fn stub_version(&self) -> Option<u32> {
        let info = self.image.loader_info()?;
        let version = info.strip_prefix("systemd-stub ")?;
        version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
    }

    /// What the stub measures when this profile is booted, in its order: the sections before the first `.profile`, each
    /// replaced by the profile's own. A stub of unknown version is taken for the newest.
    pub fn measured(&self, profile: usize) -> impl Iterator<Item = MeasuredSection<'a>> + use<'a> {
        let version = self.stub_version().unwrap_or(u32::MAX - 1);
        let image = *self.image;
        MEASURED.into_iter().filter(move |(_, since)| version >= *since).filter_map(move |(name, _)| {
            let own = of_profile(&image, Some(profile)).find(|section| section.is(name));
            let section = own.or_else(|| of_profile(&image, None).find(|section| section.is(name)))?;
            Some(MeasuredSection { name, section })
        })
    }

    /// What PCR 11 comes to when this profile is booted; `None` where a section cannot be read, or they overlap.
    pub fn pcr_11(&self, alg: HashAlg, profile: usize) -> Option<Digest> {
        let sizes = self.measured(profile).map(|measured| measured.section.raw_size());
        if sizes.fold(0, usize::saturating_add) > self.image.bytes().len() {
            return None;
        }
        let mut value = Digest::zero(alg);
        for MeasuredSection { name, section } in self.measured(profile) {
            value = value.extend(&alg.hash(&[name.as_bytes(), &[0]]))?;
            value = value.extend(&in_memory(&section, alg)?)?;
        }
        Some(value)
    }
}

fn is_known(section: &Section<'_>) -> bool {
    MEASURED.into_iter().map(|(name, _)| name).chain(CHOSEN).any(|name| section.is(name))
}

/// The sections before the first `.profile`, or those of one profile, which its `.profile` starts.
fn of_profile<'a>(image: &Image<'a>, profile: Option<usize>) -> impl Iterator<Item = Section<'a>> + use<'a> {
    let mut started = 0_usize;
    image.sections().filter(move |section| {
        if section.is(".profile") {
            started = started.saturating_add(1);
        }
        match profile {
            None => started == 0,
            Some(profile) => started == profile.saturating_add(1),
        }
    })
}

/// The hash of a section as it lies in memory: with zeros where the file has less of it.
fn in_memory(section: &Section<'_>, alg: HashAlg) -> Option<Digest> {
    const ZEROS: [u8; 4096] = [0; 4096];
    let contents = section.contents()?;
    let missing = section.virtual_size().saturating_sub(contents.len());
    if missing > PE_SECTION_PADDING_BYTES {
        return None;
    }
    let mut parts = vec![contents];
    parts.extend(std::iter::repeat_n(ZEROS.as_slice(), missing / ZEROS.len()));
    parts.extend(ZEROS.get(..missing % ZEROS.len()));
    Some(alg.hash(&parts))
}
