//! `lydian inspect module`.

use std::collections::BTreeMap;
use std::path::Path;

use appraisal::endorsement::certificates_from_pem;
use appraisal::module::{MAX_SIGNERS, SignerOutcome, Verdict, Verification, verify};
use evidence::digest::HashAlg;
use evidence::elf::ElfError;
use evidence::finding::Severity;
use evidence::limits::{MODULE_BYTES, MODULE_FILE_BYTES};
use evidence::module::{Compression, Info, Module, ModuleSignature, unpack};
use evidence::pkcs7::SignerId;
use evidence::x509::Certificate;
use serde::Serialize;

use super::name_of;
use super::report::{Completeness, FindingView, Report, each, finding_rows, lossy, outcome_of};
use crate::Outcome;
use crate::args::ModuleArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::CA_BYTES;
use crate::show::{Cell, Screen, Table, Tone, paint};
use crate::ui::Ui;

/// A module; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
struct ModuleView {
    file: String,
    /// `null`, `gz`, `xz` or `zst`.
    compression: Option<&'static str>,
    name: Option<String>,
    /// A text, or a list where a field stands there several times.
    modinfo: BTreeMap<String, InfoValue>,
    /// Bytes of the module, unpacked.
    size: usize,
    signature: Option<SignatureView>,
    findings: Vec<FindingView>,
    truncated_at: Option<u64>,
}

/// A field of `.modinfo`.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
enum InfoValue {
    One(String),
    Several(Vec<String>),
}

/// A module's signature.
#[derive(Clone, Debug, Serialize)]
struct SignatureView {
    id_type: &'static str,
    /// The hash that its first signer used.
    hash: Option<String>,
    signers: Vec<SignerView>,
    /// Whether a certificate of `--keys`, or one beneath, signed this content; `null` where that could not be verified.
    valid: Option<bool>,
    /// Digest of what is signed, by that hash.
    digest: Option<String>,
    /// Where the signature starts.
    offset: usize,
    size: usize,
}

/// A signer.
#[derive(Clone, Debug, Default, Serialize)]
struct SignerView {
    issuer: Option<String>,
    serial: Option<String>,
    key_id: Option<String>,
    hash: Option<String>,
    algorithm: Option<String>,
    /// Subject of the certificate that verifies it.
    subject: Option<String>,
    cert_sha256: Option<String>,
    /// Whether it signed this content: `null` where its certificate is not at hand.
    valid: Option<bool>,
    /// Why it is not valid, or not verified.
    why: Option<String>,
}

pub(crate) fn run(ui: &mut Ui, args: &ModuleArgs) -> Result<Outcome, CliError> {
    let keys = args.keys.iter().map(|path| certificates(path)).collect::<Result<Vec<_>, _>>()?.concat();
    each(ui, &args.files, |path| read(path, &keys))
}

/// The DER of a file's certificates: of a bundle in PEM, or of one alone.
fn certificates(path: &Path) -> Result<Vec<Vec<u8>>, CliError> {
    let bytes = files::read(path, CA_BYTES)?;
    let ders = match std::str::from_utf8(&bytes) {
        Ok(text) if text.contains("-----BEGIN") => {
            certificates_from_pem(text).map_err(|error| CliError::input(path, error))?
        }
        _ => vec![bytes],
    };
    if ders.is_empty() {
        return Err(CliError::input(path, "there is no certificate in it"));
    }
    for der in &ders {
        let certificate = Certificate::parse(der);
        certificate.map_err(|error| CliError::input(path, format!("not a certificate: {error}")))?;
    }
    Ok(ders)
}

fn read(path: &Path, keys: &[Vec<u8>]) -> Result<ModuleView, CliError> {
    let bytes = files::read(path, MODULE_FILE_BYTES)?;
    let compression = Compression::of(&bytes).map(Compression::name);
    let unpacked = unpack(&bytes, MODULE_BYTES).map_err(|error| CliError::input(path, error))?;
    let mut view = ModuleView {
        file: name_of(path),
        compression,
        name: None,
        modinfo: BTreeMap::new(),
        size: unpacked.len(),
        signature: None,
        findings: Vec::new(),
        truncated_at: None,
    };
    match Module::parse(&unpacked) {
        Ok(module) => view.take_in(path, &module, keys)?,
        Err(error) => {
            view.find("signature-malformed", Severity::Error, Some(error.offset()), &error);
            view.truncated_at = u64::try_from(error.offset()).ok();
        }
    }
    Ok(view)
}

impl ModuleView {
    fn take_in(&mut self, path: &Path, module: &Module<'_>, keys: &[Vec<u8>]) -> Result<(), CliError> {
        match module.elf() {
            Ok(elf) => {
                let found = elf.findings();
                self.truncated_at = found.truncated_at;
                for finding in &found.list {
                    let place = usize::try_from(finding.offset).ok();
                    self.find(finding.code.as_str(), finding.code.severity(), place, finding);
                }
            }
            Err(ElfError::Magic) => {
                return Err(CliError::input(path, "not a kernel module: what is in it is no ELF file"));
            }
            Err(error) => {
                self.find("elf-malformed", Severity::Error, Some(0), &error);
                self.truncated_at = Some(0);
            }
        }
        self.modinfo = fields(module.info());
        self.name = module.info().first(b"name").map(lossy);
        if let Some(place) = module.misplaced_signature() {
            let text =
                "a signature's closing text is not at the end: the kernel takes the module for unsigned";
            self.find("signature-misplaced", Severity::Error, Some(place), &text);
        }
        if module.is_signed_twice() {
            let text = "what is signed has a signature of its own, which the kernel does not look at";
            self.find("signed-twice", Severity::Info, None, &text);
        }
        let Some(signature) = module.signature() else { return Ok(()) };
        let trusted: Vec<_> = keys.iter().filter_map(|der| Certificate::parse(der).ok()).collect();
        self.signature = Some(match verify(module, &trusted) {
            None => self.older(module, signature),
            Some(Ok(verification)) => self.pkcs7(module, signature, &verification),
            Some(Err(error)) => {
                self.find("signature-malformed", Severity::Error, Some(signature.offset), &error);
                SignatureView { valid: Some(false), ..SignatureView::new(signature) }
            }
        });
        Ok(())
    }

    /// A signature as Linux had it before 4.3.
    fn older(&mut self, module: &Module<'_>, signature: &ModuleSignature<'_>) -> SignatureView {
        let text = "a signature of a kind that today's kernels refuse; it is not verified";
        self.find("signature-kind", Severity::Warning, Some(signature.offset), &text);
        let hash = signature.legacy_hash();
        SignatureView {
            hash: hash.map(|hash| hash.name().to_owned()),
            digest: hash.map(|hash| module.digest(hash).to_string()),
            signers: vec![SignerView {
                issuer: Some(lossy(signature.signer)),
                key_id: Some(hex::encode(signature.key_id)),
                ..SignerView::default()
            }],
            ..SignatureView::new(signature)
        }
    }

    fn pkcs7(
        &mut self,
        module: &Module<'_>,
        signature: &ModuleSignature<'_>,
        verification: &Verification<'_>,
    ) -> SignatureView {
        let signers: Vec<_> = verification.signers.iter().map(SignerView::new).collect();
        let hash = verification.signers.first().and_then(|first| first.signer);
        let hash = hash.and_then(|signer| signer.digest_algorithm().hash());
        let valid = match verification.verdict {
            Verdict::Holds => Some(true),
            Verdict::Fails => Some(false),
            Verdict::NotVerified => None,
        };
        if valid == Some(false) {
            let wrong = signers.iter().find(|signer| signer.valid == Some(false));
            let why = wrong.and_then(|signer| signer.why.as_deref());
            let why = why.unwrap_or("no certificate of --keys signed it, nor one beneath them");
            self.find("signature-invalid", Severity::Error, Some(signature.offset), &why);
        }
        if hash == Some(HashAlg::Sha1) {
            let text = "the signature is over a SHA-1 digest";
            self.find("sha1-signature", Severity::Warning, Some(signature.offset), &text);
        }
        if verification.signers.len() == MAX_SIGNERS {
            let text = format!("no more than {MAX_SIGNERS} signers are verified");
            self.find("many-signers", Severity::Warning, Some(signature.offset), &text);
        }
        SignatureView {
            hash: signers.first().and_then(|signer| signer.hash.clone()),
            digest: hash.map(|hash| module.digest(hash).to_string()),
            signers,
            valid,
            ..SignatureView::new(signature)
        }
    }

    fn find(
        &mut self,
        code: &'static str,
        severity: Severity,
        offset: Option<usize>,
        text: &dyn std::fmt::Display,
    ) {
        let offset = offset.and_then(|offset| u64::try_from(offset).ok());
        let severity = severity.name();
        self.findings.push(FindingView { code, severity, event: None, offset, text: text.to_string() });
    }
}

fn fields(info: Info<'_>) -> BTreeMap<String, InfoValue> {
    let mut fields: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for field in info {
        fields.entry(lossy(field.key)).or_default().push(lossy(field.value));
    }
    let value = |key: &str, mut values: Vec<String>| match values.pop() {
        Some(only) if values.is_empty() && !LISTS.contains(&key) => InfoValue::One(only),
        last => {
            values.extend(last);
            InfoValue::Several(values)
        }
    };
    fields.into_iter().map(|(key, values)| (key.clone(), value(&key, values))).collect()
}

/// Fields that are lists even where they have one entry.
const LISTS: [&str; 7] = ["alias", "author", "firmware", "import_ns", "parm", "parmtype", "softdep"];

impl SignatureView {
    fn new(signature: &ModuleSignature<'_>) -> Self {
        Self {
            id_type: signature.header.id_type.name(),
            hash: None,
            signers: Vec::new(),
            valid: None,
            digest: None,
            offset: signature.offset,
            size: signature.signature.len(),
        }
    }
}

impl SignerView {
    fn new(outcome: &SignerOutcome<'_>) -> Self {
        let mut view = Self::default();
        if let Some(signer) = &outcome.signer {
            match signer.id() {
                SignerId::IssuerSerial { issuer, serial } => {
                    view.issuer = Some(issuer.to_string());
                    view.serial = Some(hex::encode(serial));
                }
                SignerId::KeyId(id) => view.key_id = Some(hex::encode(id)),
            }
            let digest = signer.digest_algorithm();
            view.hash = Some(digest.hash().map_or_else(|| digest.to_string(), |hash| hash.name().to_owned()));
            view.algorithm = Some(signer.signature_algorithm().to_string());
        }
        match &outcome.outcome {
            Ok(verified) => {
                let certificate = verified.certificate();
                view.subject = Some(certificate.subject().to_string());
                view.cert_sha256 = Some(hex::encode(certificate.sha256().as_bytes()));
                view.valid = Some(true);
                if !outcome.is_trusted {
                    view.why = Some("its certificate is none of --keys, nor beneath one".to_owned());
                }
            }
            Err(error) => {
                view.valid = if appraisal::module::is_wrong(error) { Some(false) } else { None };
                view.why = Some(error.to_string());
            }
        }
        view
    }

    /// How it names its certificate.
    fn name(&self) -> String {
        match (&self.subject, &self.issuer, &self.serial, &self.key_id) {
            (Some(subject), ..) => subject.clone(),
            (_, Some(issuer), Some(serial), _) => format!("number {serial} of {issuer}"),
            (_, Some(issuer), _, Some(id)) => format!("{issuer}, key {id}"),
            (_, _, _, Some(id)) => format!("key {id}"),
            _ => "unreadable".to_owned(),
        }
    }
}

impl Report for ModuleView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let mut text = format!("{}\n", paint(&crate::escape::safe(&self.file), Tone::Strong, screen));
        let mut head = Table::indented(2);
        let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
        row("name", self.name.as_ref().map_or_else(Cell::none, Into::into));
        for key in SHOWN_FIELDS {
            match self.modinfo.get(key) {
                Some(InfoValue::One(value)) => row(key, value.into()),
                Some(InfoValue::Several(values)) => row(key, values.join(", ").into()),
                None => {}
            }
        }
        let size = format!("{} bytes", self.size);
        row("size", self.compression.map_or(size.clone(), |kind| format!("{size}, from {kind}")).into());
        match &self.signature {
            None => row("signature", Cell::toned("none", Tone::Warn)),
            Some(signature) => {
                let (word, tone) = match signature.valid {
                    Some(true) => ("valid", Tone::Good),
                    Some(false) => ("not valid", Tone::Bad),
                    None => ("not verified", Tone::Warn),
                };
                let hash = signature.hash.as_deref().unwrap_or("unknown hash");
                row("signature", Cell::toned(format!("{word}: {}, {hash}", signature.id_type), tone));
                for signer in &signature.signers {
                    let why = signer.why.as_ref().map_or_else(String::new, |why| format!(" ({why})"));
                    row("signed by", format!("{}{why}", signer.name()).into());
                }
            }
        }
        finding_rows(&mut head, &self.findings);
        text.push_str(&head.render(screen));
        text.push('\n');
        text
    }
}

/// Fields of `.modinfo` that a person wants to see first.
const SHOWN_FIELDS: [&str; 9] = [
    "description",
    "author",
    "license",
    "version",
    "srcversion",
    "vermagic",
    "depends",
    "intree",
    "retpoline",
];
