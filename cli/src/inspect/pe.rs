//! `lydian inspect pe`.
//!
//! In: EFI programs, or Authenticode signatures without their image. Out: digests, signatures, and what the usual loaders
//! put into sections.

use std::path::Path;

use evidence::digest::{HashAlg, Sha256Digest};
use evidence::finding::Severity;
use evidence::pe::{Image, Uki};
use serde::Serialize;

use super::name_of;
use super::pe_signature::SignatureView;
use super::pe_view::{HeaderView, SbatView, SectionView, UkiView, VendorView, sbat_views};
use super::report::{Completeness, FindingView, Report, each, outcome_of};
use super::signer_view::SignerView;
use crate::Outcome;
use crate::args::PeArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::PE_IMAGE_BYTES;
use crate::show::{Card, Cell, Screen, Tone};
use crate::ui::Ui;

/// An image, as `-o json` writes it; fields are added, never renamed.
#[derive(Debug, Default, Serialize)]
pub(super) struct PeView {
    file: String,
    /// A guess by what is in it; `signature` is one without its image.
    kind: &'static str,
    size: usize,
    sha256: String,
    header: Option<HeaderView>,
    authenticode: Option<DigestsView>,
    signatures: Vec<SignatureView>,
    sbat: Vec<SbatView>,
    /// What shim raises the machine's SBAT level to.
    sbat_level: Option<SbatLevelView>,
    uki: Option<UkiView>,
    vendor_cert: Option<VendorView>,
    sections: Vec<SectionView>,
    findings: Vec<FindingView>,
    truncated_at: Option<usize>,
}

#[derive(Debug, Serialize)]
struct DigestsView {
    sha1: String,
    sha256: String,
    sha384: String,
    sha512: String,
}

#[derive(Debug, Serialize)]
struct SbatLevelView {
    previous: String,
    latest: String,
}

pub(crate) fn run(ui: &mut Ui, args: &PeArgs) -> Result<Outcome, CliError> {
    each(ui, &args.files, read)
}

fn read(path: &Path) -> Result<PeView, CliError> {
    let bytes = files::read(path, PE_IMAGE_BYTES)?;
    let mut view = PeView {
        file: name_of(path),
        kind: "other",
        size: bytes.len(),
        sha256: Sha256Digest::of(&[&bytes]).to_string(),
        ..PeView::default()
    };
    // An image is long, and starts with no mark of a signature's.
    let detached = if bytes.starts_with(b"MZ") { None } else { SignatureView::detached(&bytes) };
    if let Some(signatures) = detached {
        view.kind = "signature";
        view.signatures = signatures;
        view.signature_findings();
        return Ok(view);
    }
    match Image::parse(&bytes) {
        Ok(image) => view.image(&image),
        Err(error) => view.stop(error.offset(), error.to_string()),
    }
    Ok(view)
}

impl PeView {
    fn image(&mut self, image: &Image<'_>) {
        self.kind = image.kind().name();
        self.header = Some(HeaderView::new(image));
        self.sections = SectionView::all(image);
        match DigestsView::new(image) {
            Ok(digests) => self.authenticode = Some(digests),
            Err(error) => self.stop(error.offset(), error.to_string()),
        }
        for finding in image.findings() {
            let text = finding.code.text().to_owned();
            self.find(finding.code.as_str(), finding.code.severity(), Some(finding.offset), text);
        }
        self.signatures(image);
        self.sbat = image.sbat().map(sbat_views).unwrap_or_default();
        self.sbat_level = image.sbat_level().map(|level| {
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            SbatLevelView { previous: text(level.previous), latest: text(level.latest) }
        });
        self.uki = Uki::of(image).map(|uki| UkiView::new(&uki));
        self.vendor_cert = image.vendor_certificates().map(|vendor| VendorView::new(&vendor));
    }

    fn signatures(&mut self, image: &Image<'_>) {
        for (number, attached) in image.attached().enumerate() {
            let attached = match attached {
                Ok(attached) => attached,
                Err(error) => {
                    self.stop(error.offset(), error.to_string());
                    return;
                }
            };
            let at = attached.certificate().offset;
            match attached.signed_data() {
                Some(Ok(signed)) => {
                    self.signatures.extend(SignatureView::with_nested(&signed, Some(image), number));
                }
                Some(Err(error)) => {
                    let text = format!("signature {number} cannot be read: {error}");
                    self.find("signature-malformed", Severity::Error, Some(at), text);
                }
                None => {
                    let text = format!("signature {number} is of type {:#06x}", attached.certificate().kind);
                    self.find("signature-unknown", Severity::Warning, Some(at), text);
                }
            }
        }
        self.signature_findings();
    }

    fn signature_findings(&mut self) {
        let mut found = Vec::new();
        for (number, signature) in self.signatures.iter().enumerate() {
            if signature.digest_matches == Some(false) {
                found.push((
                    "digest-mismatch",
                    Severity::Error,
                    format!("signature {number} is over another image"),
                ));
            }
            for signer in signature.signers.iter().filter(|signer| !signer.valid) {
                let why = signer.error.as_deref().unwrap_or_default();
                found.push(("signature-invalid", Severity::Error, format!("signature {number}: {why}")));
            }
            if let Some(error) = &signature.error {
                found.push(("signature-malformed", Severity::Error, format!("signature {number}: {error}")));
            }
            for signer in &signature.signers {
                if let Some(stamp) = signer.countersignatures.iter().find(|stamp| !stamp.valid) {
                    let why = stamp.error.as_deref().unwrap_or_default();
                    let text = format!("signature {number}: its time stamp does not hold: {why}");
                    found.push(("time-stamp-invalid", Severity::Warning, text));
                }
                if !signer.weaknesses.is_empty() {
                    let text = format!("signature {number}: {}", signer.weaknesses.join(", "));
                    found.push(("signature-weak", Severity::Warning, text));
                }
            }
        }
        for (code, severity, text) in found {
            self.find(code, severity, None, text);
        }
    }

    fn find(&mut self, code: &'static str, severity: Severity, offset: Option<usize>, text: String) {
        let offset = offset.and_then(|offset| u64::try_from(offset).ok());
        self.findings.push(FindingView { code, severity: severity.name(), event: None, offset, text });
    }

    fn stop(&mut self, offset: usize, text: String) {
        self.truncated_at = self.truncated_at.or(Some(offset));
        self.find("truncated", Severity::Error, Some(offset), text);
    }
}

impl DigestsView {
    fn new(image: &Image<'_>) -> Result<Self, evidence::pe::PeError> {
        let parts = image.hashed()?;
        let digest = |alg: HashAlg| alg.hash(&parts).to_string();
        Ok(Self {
            sha1: digest(HashAlg::Sha1),
            sha256: digest(HashAlg::Sha256),
            sha384: digest(HashAlg::Sha384),
            sha512: digest(HashAlg::Sha512),
        })
    }
}

impl Report for PeView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let status = match self.outcome() {
            Outcome::Good if self.signatures.is_empty() => Cell::toned("not signed", Tone::Dim),
            Outcome::Good => Cell::status("holds"),
            _ => Cell::status("fails"),
        };
        let mut card = Card::new(&self.file, status);
        self.image_section(&mut card);
        for (number, signature) in self.signatures.iter().enumerate() {
            card.section(format!("Signature {number}{}", if signature.nested { " (nested)" } else { "" }));
            for (label, value) in signature.rows() {
                card.row(label, value);
            }
        }
        self.sbat_section(&mut card);
        if let Some(uki) = &self.uki {
            uki.section(&mut card);
        }
        if let Some(vendor) = &self.vendor_cert {
            vendor.section(&mut card);
        }
        card.section("Findings");
        for finding in &self.findings {
            let place = finding.offset.map_or_else(String::new, |offset| format!("at byte {offset}"));
            card.cells(vec![Cell::toned(finding.code, finding.tone()), (&finding.text).into(), place.into()]);
        }
        card.render(screen) + "\n"
    }
}

impl PeView {
    fn image_section(&self, card: &mut Card) {
        card.section("Image");
        let form = self.header.as_ref().map_or_else(String::new, |header| format!(", {}", header.text()));
        card.row("kind", format!("{}{form}", self.kind));
        card.row("file", format!("sha256:{}, {} bytes", self.sha256, self.size));
        if let Some(digests) = &self.authenticode {
            card.row("Authenticode", format!("sha256:{}", digests.sha256));
            card.row("", format!("sha1:{}", digests.sha1));
            card.row("", format!("sha384:{}", digests.sha384));
        }
    }

    fn sbat_section(&self, card: &mut Card) {
        card.section("SBAT");
        for line in &self.sbat {
            card.cells(vec![
                (&line.component).into(),
                (&line.generation).into(),
                (&line.vendor).into(),
                (&line.version).into(),
            ]);
        }
        if let Some(level) = &self.sbat_level {
            card.section("SBAT level that shim sets");
            card.row("previous", level.previous.trim_end().replace('\n', " "));
            card.row("latest", level.latest.trim_end().replace('\n', " "));
        }
    }
}

impl SignatureView {
    fn rows(&self) -> Vec<(&'static str, Cell)> {
        let digest = match (self.digest_matches, &self.digest) {
            (Some(true), _) => Cell::toned("the image's", Tone::Good),
            (Some(false), Some(digest)) => Cell::toned(format!("of another image: {digest}"), Tone::Bad),
            (_, Some(digest)) => digest.into(),
            (_, None) => Cell::none(),
        };
        let mut rows = vec![("digest", digest)];
        rows.extend(self.signers.iter().flat_map(SignerView::rows));
        rows
    }
}
