//! `lydian inspect keyring`.

use std::path::Path;

use appraisal::openpgp::{Finding, Subkey, UserId, assess};
use evidence::finding::Severity;
use evidence::limits::OPENPGP_RING_BYTES;
use evidence::openpgp::{Certificate, CertificateError, Form, Key, KeyError, KeyRing};
use evidence::time::UnixTime;
use serde::Serialize;

use super::report::{Completeness, FindingView, Report, each, finding_rows, lossy, outcome_of};
use super::{moment, name_of};
use crate::Outcome;
use crate::args::KeyringArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Cell, Screen, Table, Tone, counted, paint};
use crate::ui::Ui;

/// A key ring; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
struct RingView {
    file: String,
    /// `binary`, `armored` or `keybox`.
    format: &'static str,
    /// The time that states are of.
    at: String,
    keys: Vec<KeyView>,
    findings: Vec<FindingView>,
    truncated_at: Option<u64>,
}

/// A primary key with what is bound to it.
#[derive(Clone, Debug, Serialize)]
struct KeyView {
    #[serde(flatten)]
    key: NumbersView,
    user_ids: Vec<UserIdView>,
    subkeys: Vec<NumbersView>,
    /// Signatures by others; they are not verified.
    signatures_by_others: usize,
}

/// A primary key or subkey.
#[derive(Clone, Debug, Serialize)]
struct NumbersView {
    fingerprint: String,
    key_id: String,
    version: u8,
    algorithm: String,
    bits: Option<usize>,
    curve: Option<&'static str>,
    created: String,
    expires: Option<String>,
    status: &'static str,
    /// `C` certifies, `S` signs, `E` encrypts, `A` authenticates.
    usage: Option<String>,
}

/// A user id or attribute.
#[derive(Clone, Debug, Serialize)]
struct UserIdView {
    /// The text; of an attribute, its size.
    user_id: String,
    kind: &'static str,
    status: &'static str,
    primary: bool,
    /// When its newest signature was made.
    signed: Option<String>,
}

pub(crate) fn run(ui: &mut Ui, args: &KeyringArgs) -> Result<Outcome, CliError> {
    let at = moment::of_option(args.at.as_deref(), ui.now())?;
    each(ui, &args.files, |path| read(path, at))
}

fn read(path: &Path, at: UnixTime) -> Result<RingView, CliError> {
    let bytes = files::read(path, OPENPGP_RING_BYTES)?;
    let ring = KeyRing::read(&bytes).map_err(|error| {
        CliError::input(path, error).hint("apt's lie in /etc/apt/keyrings and /usr/share/keyrings")
    })?;
    let mut view = RingView {
        file: name_of(path),
        format: ring.form().name(),
        at: moment::rfc3339(u32::try_from(at.as_secs()).unwrap_or(u32::MAX)),
        keys: Vec::new(),
        findings: Vec::new(),
        truncated_at: None,
    };
    let mut certificates = ring.certificates();
    for certificate in certificates.by_ref() {
        match certificate {
            Ok(certificate) => view.take_in(&certificate, ring.form(), at),
            Err(error) => view.refuse(&error, ring.form()),
        }
    }
    let stray = u64::try_from(certificates.stray_packets()).unwrap_or(u64::MAX);
    if stray > 0 {
        let text = format!("{} before the first key", counted(stray, "packet"));
        view.find("stray-packets", Severity::Warning, None, None, text);
    }
    if ring.other_blobs() > 0 {
        let text = format!("{} of the keybox hold no OpenPGP keys", ring.other_blobs());
        view.find("other-blobs", Severity::Info, None, None, text);
    }
    if let Some(damage) = ring.damage() {
        let code = if ring.form() == Form::Armored { "armor-damaged" } else { "keybox-damaged" };
        view.find(code, Severity::Error, None, Some(damage.offset()), damage.to_string());
        view.truncated_at = u64::try_from(damage.offset()).ok();
    }
    Ok(view)
}

impl RingView {
    fn take_in(&mut self, certificate: &Certificate<'_>, form: Form, at: UnixTime) {
        let assessment = assess(certificate, at);
        let number = self.keys.len();
        for finding in &assessment.findings {
            self.find_in(number, finding, form);
        }
        let mut key = NumbersView::new(&certificate.primary);
        key.expires = assessment.expires.map(moment::rfc3339);
        key.status = assessment.status.name();
        key.usage = assessment.flags.map(usage);
        self.keys.push(KeyView {
            key,
            user_ids: assessment.user_ids.iter().map(UserIdView::new).collect(),
            subkeys: assessment.subkeys.iter().map(NumbersView::of_subkey).collect(),
            signatures_by_others: assessment.signatures_by_others,
        });
    }

    fn find_in(&mut self, key: usize, finding: &Finding, form: Form) {
        let offset = (form == Form::Binary).then_some(finding.offset);
        self.find(finding.code.as_str(), finding.code.severity(), Some(key), offset, finding.to_string());
    }

    fn refuse(&mut self, error: &CertificateError, form: Form) {
        let (code, severity, offset) = match error {
            CertificateError::Packet(error) => ("packet-malformed", Severity::Error, Some(error.offset())),
            CertificateError::Key(KeyError::Version { offset, .. }) => {
                ("key-unknown", Severity::Warning, Some(*offset))
            }
            CertificateError::Key(_) => ("key-malformed", Severity::Error, None),
        };
        if code == "packet-malformed" {
            self.truncated_at = offset.and_then(|offset| u64::try_from(offset).ok());
        }
        let offset = offset.filter(|_| form == Form::Binary);
        self.find(code, severity, None, offset, error.to_string());
    }

    fn find(
        &mut self,
        code: &'static str,
        severity: Severity,
        key: Option<usize>,
        offset: Option<usize>,
        text: String,
    ) {
        let number = |number: usize| u64::try_from(number).ok();
        let (event, offset) = (key.and_then(number), offset.and_then(number));
        self.findings.push(FindingView { code, severity: severity.name(), event, offset, text });
    }
}

impl NumbersView {
    fn new(key: &Key<'_>) -> Self {
        Self {
            fingerprint: key.fingerprint().to_string(),
            key_id: key.key_id().to_string(),
            version: key.version,
            algorithm: key.algorithm.to_string(),
            bits: key.bits(),
            curve: key.curve(),
            created: moment::rfc3339(key.created),
            expires: None,
            status: "unverified",
            usage: None,
        }
    }

    fn of_subkey(subkey: &Subkey<'_>) -> Self {
        Self {
            expires: subkey.expires.map(moment::rfc3339),
            status: subkey.status.name(),
            usage: subkey.flags.map(usage),
            ..Self::new(&subkey.key)
        }
    }

    /// The algorithm with its size or curve.
    fn kind(&self) -> String {
        match (self.curve, self.bits) {
            (Some(curve), _) => curve.to_owned(),
            (None, Some(bits)) => format!("{}{bits}", self.algorithm),
            (None, None) => self.algorithm.clone(),
        }
    }

    fn cells(&self, indent: &str, name: Cell) -> Vec<Cell> {
        let day = |time: &str| time.get(..10).unwrap_or(time).to_owned();
        vec![
            format!("{indent}{}", self.fingerprint).into(),
            self.kind().into(),
            self.usage.as_ref().map_or_else(Cell::none, Into::into),
            day(&self.created).into(),
            self.expires.as_ref().map_or_else(Cell::none, |time| day(time).into()),
            status(self.status),
            name,
        ]
    }
}

/// What a key is for, as GnuPG abbreviates it.
//= RFC 9580 §5.2.3.29
fn usage(flags: u8) -> String {
    let letters = [(0x01, 'C'), (0x02, 'S'), (0x0c, 'E'), (0x20, 'A')];
    letters.into_iter().filter(|(bits, _)| flags & bits != 0).map(|(_, letter)| letter).collect()
}

fn status(word: &str) -> Cell {
    match word {
        "unverified" => Cell::toned(word, Tone::Warn),
        word => Cell::status(word),
    }
}

impl UserIdView {
    fn new(user_id: &UserId<'_>) -> Self {
        let size = u64::try_from(user_id.bytes.len()).unwrap_or(u64::MAX);
        Self {
            user_id: if user_id.is_attribute { counted(size, "byte") } else { lossy(user_id.bytes) },
            kind: if user_id.is_attribute { "attribute" } else { "user-id" },
            status: user_id.status.name(),
            primary: user_id.is_primary,
            signed: user_id.signed.map(moment::rfc3339),
        }
    }

    fn cell(&self) -> Cell {
        let text = if self.kind == "attribute" {
            format!("(a picture of {})", self.user_id)
        } else {
            self.user_id.clone()
        };
        match self.status {
            "valid" => text.into(),
            status => Cell::toned(format!("{text} ({status})"), Tone::Dim),
        }
    }
}

impl Report for RingView {
    fn outcome(&self) -> Outcome {
        let complete = if self.truncated_at.is_some() { Completeness::CutShort } else { Completeness::Whole };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        let mut text = format!("{}\n", paint(&crate::escape::safe(&self.file), Tone::Strong, screen));
        let keys = counted(u64::try_from(self.keys.len()).unwrap_or(u64::MAX), "key");
        let mut head = Table::indented(2);
        head.row(vec![Cell::toned("form", Tone::Dim), format!("{}, {keys}", self.format).into()]);
        finding_rows(&mut head, &self.findings);
        text.push_str(&head.render(screen));
        let headings = ["FINGERPRINT", "ALGORITHM", "USE", "CREATED", "EXPIRES", "STATUS", "USER ID"];
        let mut table = Table::new(&headings);
        for key in &self.keys {
            let mut names = key.user_ids.iter().map(UserIdView::cell);
            table.row(key.key.cells("", names.next().unwrap_or_else(Cell::none)));
            for name in names {
                let mut cells = vec![Cell::default(); headings.len() - 1];
                cells.push(name);
                table.row(cells);
            }
            for subkey in &key.subkeys {
                table.row(subkey.cells("  ", Cell::default()));
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
