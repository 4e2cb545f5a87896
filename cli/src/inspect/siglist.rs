//! `lydian inspect siglist`.
//!
//! In: contents of variables, files of efivarfs, updates. Out: every list with its entries, the update's signature, and
//! what firmware would object to.

use std::path::Path;

use appraisal::signed_data::{included, verify_update};
use evidence::efi::{
    AuthenticatedUpdate, Container, EfiError, Entry, EntryValue, SignatureList, SignatureType, UpdateSigner,
};
use evidence::finding::Severity;
use serde::Serialize;

use super::name_of;
use super::report::{Completeness, FindingView, Report, each, outcome_of};
use super::signer_view::SignerView;
use crate::Outcome;
use crate::args::SiglistArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::SIGNATURE_LIST_BYTES;
use crate::show::{Cell, Screen, Table, Tone, counted, paint};
use crate::ui::Ui;

/// Findings of one file that are shown.
const MAX_FINDINGS: usize = 200;

/// A file of signature lists, as `-o json` writes it; fields are added, never renamed.
#[derive(Debug, Serialize)]
struct SiglistView {
    file: String,
    /// `plain`, `efivarfs` or `authenticated`.
    container: &'static str,
    /// The variable's attributes, where the container has them.
    attributes: Option<u32>,
    /// The signature of an update.
    update: Option<UpdateView>,
    lists: Vec<ListView>,
    findings: Vec<FindingView>,
    truncated_at: Option<usize>,
}

#[derive(Debug, Serialize)]
struct UpdateView {
    time: Option<String>,
    /// The variable that the signature holds for.
    variable: Option<&'static str>,
    /// Whether it adds to what is there.
    append: Option<bool>,
    valid: bool,
    signers: Vec<SignerView>,
}

#[derive(Debug, Serialize)]
struct ListView {
    #[serde(rename = "type")]
    kind: String,
    offset: usize,
    entries: Vec<EntryView>,
}

/// An entry; the name of the field with its hash says which hash it is.
#[derive(Debug, Default, Serialize)]
struct EntryView {
    owner: String,
    owner_name: Option<&'static str>,
    subject: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    issuer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    not_after: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cert_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    spki_sha256: Option<String>,
    #[serde(flatten)]
    hash: std::collections::BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    revoked_from: Option<String>,
}

pub(crate) fn run(ui: &mut Ui, args: &SiglistArgs) -> Result<Outcome, CliError> {
    each(ui, &args.files, read)
}

fn read(path: &Path) -> Result<SiglistView, CliError> {
    let bytes = files::read(path, SIGNATURE_LIST_BYTES)?;
    Ok(SiglistView::new(name_of(path), &bytes))
}

impl SiglistView {
    fn new(file: String, bytes: &[u8]) -> Self {
        let mut view = Self {
            file,
            container: "plain",
            attributes: None,
            update: None,
            lists: Vec::new(),
            findings: Vec::new(),
            truncated_at: None,
        };
        match Container::detect(bytes) {
            Ok(container) => view.read(&container),
            Err(error) => {
                view.container = "authenticated";
                view.stop(&error);
            }
        }
        view
    }

    fn read(&mut self, container: &Container<'_>) {
        self.container = container.name();
        match container {
            Container::Plain(_) => {}
            Container::Efivarfs { attributes, .. } => self.attributes = Some(*attributes),
            Container::Authenticated(update) => self.update(update),
        }
        let mut number = 0;
        for list in container.lists() {
            match list {
                Ok(list) => self.list(&list, &mut number),
                Err(error) => self.stop(&error),
            }
        }
    }

    fn stop(&mut self, error: &EfiError) {
        self.truncated_at = Some(error.offset());
        self.find("truncated", Severity::Error, None, error.offset(), error.to_string());
    }

    fn find(
        &mut self,
        code: &'static str,
        severity: Severity,
        event: Option<u64>,
        offset: usize,
        text: String,
    ) {
        let offset = u64::try_from(offset).ok();
        let severity = severity.name();
        match self.findings.len() {
            ..MAX_FINDINGS => self.findings.push(FindingView { code, severity, event, offset, text }),
            MAX_FINDINGS => self.findings.push(FindingView {
                code: "more-findings",
                severity,
                event: None,
                offset,
                text: format!("more than {MAX_FINDINGS}; the others are not shown"),
            }),
            _ => {}
        }
    }

    fn update(&mut self, update: &AuthenticatedUpdate<'_>) {
        let time = update.time().map(|time| time.to_string());
        let mut view = UpdateView { time, variable: None, append: None, valid: false, signers: Vec::new() };
        match update.signed_data() {
            Some(Ok(signed)) => {
                let verified = verify_update(update);
                if let Ok((_, target)) = &verified {
                    (view.variable, view.append) = (Some(target.name), Some(target.appends()));
                    view.valid = true;
                }
                let result = verified.map(|_| ());
                if let Err(error) = &result {
                    let text = format!("for none of the known variables: {error}");
                    self.find("update-signature", Severity::Error, None, 16, text);
                }
                let certificates = included(&signed);
                let signer = signed.signers().find_map(Result::ok);
                view.signers.extend(signer.map(|signer| SignerView::new(&signer, &certificates, result)));
            }
            Some(Err(error)) => {
                self.find("update-signature", Severity::Error, None, 16, error.to_string());
            }
            None => {
                let form = match update.signer() {
                    UpdateSigner::Rsa2048 { .. } => "a bare RSA-2048 signature, which names no signer",
                    _ => "a form that firmware does not know",
                };
                let text = format!("the update is signed by {form}");
                self.find("update-signature-form", Severity::Warning, None, 8, text);
            }
        }
        self.update = Some(view);
    }

    fn list(&mut self, list: &SignatureList<'_>, number: &mut u64) {
        let offset = list.offset();
        if !list.has_sizes_of_kind() {
            let text = format!("entries of {} bytes: firmware refuses the variable", list.entry_size());
            self.find("signature-size", Severity::Error, None, offset, text);
        }
        if list.is_empty() {
            self.find("empty-list", Severity::Info, None, offset, "a list without entries".to_owned());
        }
        if let SignatureType::Other(guid) = list.kind() {
            self.find(
                "unknown-type",
                Severity::Warning,
                None,
                offset,
                format!("lists of type {guid} are not known"),
            );
        }
        let mut entries = Vec::with_capacity(list.len());
        for entry in list.entries() {
            entries.push(self.entry(&entry, *number));
            *number += 1;
        }
        self.lists.push(ListView { kind: list.kind().to_string(), offset, entries });
    }

    fn entry(&mut self, entry: &Entry<'_>, number: u64) -> EntryView {
        let owner = entry.owner();
        let mut view =
            EntryView { owner: owner.to_string(), owner_name: owner.name(), ..EntryView::default() };
        let mut hash = |name, bytes: &[u8]| view.hash.insert(name, hex::encode(bytes));
        match entry.value() {
            EntryValue::Certificate { certificate, padding } => {
                view.subject = Some(certificate.subject().to_string());
                view.issuer = Some(certificate.issuer().to_string());
                view.not_after = certificate.not_after().map(super::signer_view::second);
                view.cert_sha256 = Some(certificate.sha256().to_string());
                view.spki_sha256 = Some(certificate.spki_sha256().to_string());
                if !padding.is_empty() {
                    let text = format!("{} bytes behind the certificate", padding.len());
                    self.find("certificate-padding", Severity::Info, Some(number), entry.offset(), text);
                }
            }
            EntryValue::Hash { kind, bytes } => {
                hash(kind.name(), bytes);
            }
            EntryValue::CertificateHash { hash: digest, revoked_from } => {
                hash(tbs_name(entry.kind()), digest.as_bytes());
                view.revoked_from = revoked_from.map(|time| time.to_string());
            }
            EntryValue::RsaModulus(bytes) => {
                hash("modulus", bytes);
            }
            EntryValue::RsaSignature(bytes) => {
                hash("signature", bytes);
            }
            EntryValue::ExternalManagement => {}
            EntryValue::Opaque(bytes) => {
                hash("data_sha256", evidence::digest::Sha256Digest::of(&[bytes]).as_bytes());
                if entry.kind() == SignatureType::X509 {
                    let text = "the entry is no certificate".to_owned();
                    self.find("not-a-certificate", Severity::Error, Some(number), entry.offset(), text);
                }
            }
        }
        view
    }
}

/// The hash is over a certificate's signed part.
const fn tbs_name(kind: SignatureType) -> &'static str {
    match kind {
        SignatureType::X509Sha256 => "tbs_sha256",
        SignatureType::X509Sha384 => "tbs_sha384",
        SignatureType::X509Sha512 => "tbs_sha512",
        _ => "tbs_sm3",
    }
}

impl Report for SiglistView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let mut text = format!("{}\n", paint(&crate::escape::safe(&self.file), Tone::Strong, screen));
        text.push_str(&self.head().render(screen));
        let mut table = Table::new(&["TYPE", "OWNER", "ENTRY"]);
        for list in &self.lists {
            for entry in &list.entries {
                let owner = entry.owner_name.unwrap_or(&entry.owner);
                table.row(vec![(&list.kind).into(), owner.into(), entry.text().into()]);
            }
        }
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.render(screen));
        }
        text.push('\n');
        text
    }
}

impl SiglistView {
    fn head(&self) -> Table {
        let mut head = Table::indented(2);
        let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
        let entries = self.lists.iter().map(|list| list.entries.len()).sum::<usize>();
        let count = |count: usize, noun| counted(u64::try_from(count).unwrap_or(u64::MAX), noun);
        let entries = if entries == 1 { "1 entry".to_owned() } else { format!("{entries} entries") };
        row("contains", format!("{}, {entries}", count(self.lists.len(), "list")).into());
        match self.attributes {
            Some(attributes) => row("form", format!("{}, attributes {attributes:#x}", self.container).into()),
            None => row("form", self.container.into()),
        }
        if let Some(update) = &self.update {
            let time = update.time.as_deref().unwrap_or("none, it counts");
            row("time", time.into());
            if let (Some(variable), Some(append)) = (update.variable, update.append) {
                row("updates", format!("{variable}{}", if append { " (adds to it)" } else { "" }).into());
            }
            for (label, value) in update.signers.iter().flat_map(SignerView::rows) {
                row(label, value);
            }
        }
        for finding in &self.findings {
            let place = finding.offset.map_or_else(String::new, |offset| format!(" (at byte {offset})"));
            row("finding", Cell::toned(format!("{}: {}{place}", finding.code, finding.text), finding.tone()));
        }
        head
    }
}

impl EntryView {
    fn text(&self) -> String {
        if let Some(subject) = &self.subject {
            return subject.clone();
        }
        let hash = self.hash.values().next().map(String::as_str).unwrap_or_default();
        match &self.revoked_from {
            Some(time) => format!("{hash} from {time}"),
            None => hash.to_owned(),
        }
    }
}
