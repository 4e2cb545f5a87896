//! The parts of an image, as answers show them.
//!
//! In: an image. Out: its headers and sections, SBAT lines, what a unified kernel image holds, and what is built into shim.

use std::collections::BTreeMap;

use evidence::digest::{HashAlg, Sha256Digest};
use evidence::efi::EntryValue;
use evidence::pe::{Image, SbatEntry, Section, Uki, VendorCertificates, VendorKeys};
use serde::Serialize;

use super::signer_view::CertificateView;
use crate::show::Card;

/// Sections, SBAT lines and built-in hashes that are shown. Real images have 6 to 30, 2 to 6 and up to some hundred.
const MAX_ROWS: usize = 1_024;
/// Profiles whose PCR 11 is computed: each is hashed anew.
const MAX_PROFILES: usize = 16;
/// Characters of a text section that are shown. Command lines have at most 4,096 on most machines.
const MAX_TEXT: usize = 8_192;

#[derive(Debug, Serialize)]
pub(super) struct HeaderView {
    machine: &'static str,
    machine_id: u16,
    subsystem: &'static str,
    pe32_plus: bool,
    timestamp: u32,
    entry_point: u32,
    headers_size: usize,
    nx_compatible: bool,
    /// What systemd's programs call themselves.
    loader_info: Option<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct SectionView {
    name: String,
    offset: usize,
    size: usize,
    virtual_address: u32,
    virtual_size: usize,
    characteristics: u32,
}

/// A line of SBAT.
#[derive(Debug, Serialize)]
pub(super) struct SbatView {
    pub(super) component: String,
    /// A number; `null` where it is none.
    #[serde(rename = "generation")]
    number: Option<u64>,
    #[serde(skip)]
    pub(super) generation: String,
    pub(super) vendor: String,
    package: String,
    pub(super) version: String,
    url: String,
}

/// A unified kernel image.
#[derive(Debug, Serialize)]
pub(super) struct UkiView {
    addon: bool,
    stub_version: Option<u32>,
    sections: Vec<UkiSectionView>,
    cmdline: Option<String>,
    osrel: Option<String>,
    uname: Option<String>,
    /// Names of the sections that the stub measures into PCR 11, in its order, for each profile.
    profiles: Vec<ProfileView>,
    /// Whether it has sections that the stub takes by what the machine is; PCR 11 then differs.
    depends_on_machine: bool,
}

#[derive(Debug, Serialize)]
struct UkiSectionView {
    name: String,
    size: usize,
    sha256: Option<String>,
    text: Option<String>,
}

#[derive(Debug, Serialize)]
struct ProfileView {
    measured: Vec<&'static str>,
    /// What PCR 11 is once the stub has measured them; `null` in banks where it cannot be computed.
    pcr_11: BTreeMap<&'static str, Option<String>>,
}

/// What is built into shim.
#[derive(Debug, Serialize)]
pub(super) struct VendorView {
    authorized: KeysView,
    deauthorized: KeysView,
}

#[derive(Debug, Default, Serialize)]
struct KeysView {
    certificates: Vec<CertificateView>,
    hashes: Vec<HashView>,
    /// Why there may be more.
    error: Option<String>,
}

#[derive(Debug, Serialize)]
struct HashView {
    #[serde(rename = "type")]
    kind: &'static str,
    hash: String,
}

impl HeaderView {
    pub(super) fn new(image: &Image<'_>) -> Self {
        Self {
            machine: image.machine_name(),
            machine_id: image.machine(),
            subsystem: image.subsystem_name(),
            pe32_plus: image.is_64(),
            timestamp: image.timestamp(),
            entry_point: image.entry_point(),
            headers_size: image.headers_size(),
            nx_compatible: image.is_nx_compatible(),
            loader_info: image.loader_info(),
        }
    }

    pub(super) fn text(&self) -> String {
        let Self { machine, subsystem, loader_info, .. } = self;
        let nx = if self.nx_compatible { ", NX" } else { "" };
        let info = loader_info.as_ref().map_or_else(String::new, |info| format!(", {info}"));
        format!("{subsystem} for {machine}{nx}{info}")
    }
}

impl SectionView {
    pub(super) fn all(image: &Image<'_>) -> Vec<Self> {
        let view = |section: Section<'_>| Self {
            name: section.name().into_owned(),
            offset: section.raw_offset(),
            size: section.raw_size(),
            virtual_address: section.virtual_address(),
            virtual_size: section.virtual_size(),
            characteristics: section.characteristics(),
        };
        image.sections().take(MAX_ROWS).map(view).collect()
    }
}

pub(super) fn sbat_views<'a>(entries: impl Iterator<Item = SbatEntry<'a>>) -> Vec<SbatView> {
    let view = |entry: SbatEntry<'_>| SbatView {
        component: entry.component.to_owned(),
        number: entry.generation.parse().ok(),
        generation: entry.generation.to_owned(),
        vendor: entry.vendor.to_owned(),
        package: entry.package.to_owned(),
        version: entry.version.to_owned(),
        url: entry.url.to_owned(),
    };
    entries.take(MAX_ROWS).map(view).collect()
}

impl UkiView {
    pub(super) fn new(uki: &Uki<'_, '_>) -> Self {
        let sections: Vec<_> =
            uki.sections().take(MAX_ROWS).map(|section| UkiSectionView::new(&section)).collect();
        let text = |name: &str| {
            let found = sections.iter().find(|section| section.name == name);
            found.and_then(|section| section.text.clone())
        };
        Self {
            addon: !uki.has_kernel(),
            stub_version: uki.stub_version(),
            cmdline: text(".cmdline"),
            osrel: text(".osrel"),
            uname: text(".uname"),
            sections,
            profiles: (0..uki.profiles().min(MAX_PROFILES))
                .map(|profile| ProfileView::new(uki, profile))
                .collect(),
            depends_on_machine: uki.depends_on_machine(),
        }
    }

    pub(super) fn section(&self, card: &mut Card) {
        card.section(if self.addon { "Addon" } else { "Unified kernel image" });
        for section in &self.sections {
            let short = section.sha256.as_deref().unwrap_or("not in the file");
            let text = match section.name.as_str() {
                ".cmdline" | ".uname" => section.text.as_deref().unwrap_or_default(),
                _ => "",
            };
            card.cells(vec![
                (&section.name).into(),
                format!("{} bytes", section.size).into(),
                format!("sha256:{short}").into(),
                text.into(),
            ]);
        }
        card.section("It boots");
        if let Some(name) = self.osrel.as_deref().and_then(pretty_name) {
            card.row("system", name);
        }
        for (number, profile) in self.profiles.iter().enumerate() {
            let label =
                if self.profiles.len() == 1 { "PCR 11".to_owned() } else { format!("PCR 11 @{number}") };
            let value = profile.pcr_11.get(HashAlg::Sha256.name()).and_then(Option::as_deref);
            card.row(&label, value.map_or_else(|| "unknown".to_owned(), |value| format!("sha256:{value}")));
        }
    }
}

/// `PRETTY_NAME` of an os-release file.
fn pretty_name(osrel: &str) -> Option<&str> {
    let value = osrel.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="))?;
    Some(value.trim().trim_matches('"'))
}

impl UkiSectionView {
    fn new(section: &Section<'_>) -> Self {
        let is_text = [".cmdline", ".osrel", ".uname", ".profile", ".sbat", ".pcrsig", ".pcrpkey"]
            .into_iter()
            .any(|name| section.is(name));
        let text = section.text().filter(|_| is_text);
        Self {
            name: section.name().into_owned(),
            size: section.contents().map_or(section.virtual_size(), <[u8]>::len),
            sha256: section.contents().map(|contents| Sha256Digest::of(&[contents]).to_string()),
            text: text.map(|text| text.chars().take(MAX_TEXT).collect()),
        }
    }
}

impl ProfileView {
    fn new(uki: &Uki<'_, '_>, profile: usize) -> Self {
        let banks = [HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384, HashAlg::Sha512];
        let value = |alg| uki.pcr_11(alg, profile).map(|value| value.to_string());
        Self {
            measured: uki.measured(profile).map(|measured| measured.name).collect(),
            pcr_11: banks.into_iter().map(|alg| (alg.name(), value(alg))).collect(),
        }
    }
}

impl VendorView {
    pub(super) fn new(vendor: &VendorCertificates<'_>) -> Self {
        let (authorized, deauthorized) = (vendor.authorized(), vendor.deauthorized());
        Self { authorized: KeysView::new(authorized), deauthorized: KeysView::new(deauthorized) }
    }

    pub(super) fn section(&self, card: &mut Card) {
        card.section("Built into shim");
        for (label, keys) in [("trusts", &self.authorized), ("refuses", &self.deauthorized)] {
            for certificate in &keys.certificates {
                card.row(label, &certificate.subject);
            }
            if !keys.hashes.is_empty() {
                card.row(label, format!("{} hashes", keys.hashes.len()));
            }
            if let Some(error) = &keys.error {
                card.row(label, error);
            }
        }
    }
}

impl KeysView {
    fn new(keys: VendorKeys<'_>) -> Self {
        let mut view = Self::default();
        match keys {
            VendorKeys::None => {}
            VendorKeys::Certificate(certificate) => {
                view.certificates.push(CertificateView::new(&certificate));
            }
            VendorKeys::Lists(mut lists) => {
                for entry in lists.entries().take(MAX_ROWS) {
                    view.add(&entry.value());
                }
                view.error = lists.find_map(Result::err).map(|error| error.to_string());
            }
        }
        view
    }

    fn add(&mut self, value: &EntryValue<'_>) {
        match value {
            EntryValue::Certificate { certificate, .. } => {
                self.certificates.push(CertificateView::new(certificate));
            }
            EntryValue::Hash { kind, bytes } => {
                self.hashes.push(HashView { kind: kind.name(), hash: hex::encode(bytes) });
            }
            EntryValue::CertificateHash { hash, .. } => {
                self.hashes.push(HashView { kind: "x509", hash: hash.to_string() });
            }
            _ => {}
        }
    }
}
