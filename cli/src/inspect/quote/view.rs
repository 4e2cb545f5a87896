//! What is shown of an attestation, as JSON and as a card.

use appraisal::crypto::{KeyFile, KeySize};
use evidence::tpm::{Attested, ClockInfo, ClockSafety, Curve, Exclusivity, Key, Public};
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::Outcome;
use crate::error::CliError;
use crate::inspect::report::{Completeness, FindingView, Report, outcome_of};
use crate::show::{Card, Cell, Screen, Tone};

use super::checks::{CheckView, checks, findings};
use super::given::{Given, GivenKey};

/// An attestation as `-o json` writes it; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
pub(super) struct QuoteView {
    /// `quote`, `certify`, `nv-certify`, `creation`, `time` and so on.
    #[serde(rename = "type")]
    kind: &'static str,
    type_id: u16,
    signature: Option<SignatureView>,
    nonce: String,
    nonce_matches: Option<bool>,
    pcr_selection: Option<Banks<Vec<u8>>>,
    pcr_selection_matches: Option<bool>,
    pcr_digest: Option<String>,
    pcr_digest_matches: Option<bool>,
    /// Values of the selection, where they were given.
    pcrs: Option<Banks<Ordered<u8, String>>>,
    clock: ClockView,
    firmware_version: String,
    qualified_signer: String,
    /// Where the signing key hangs, if it is a primary one.
    signer_hierarchy: Option<&'static str>,
    /// What other attestations than quotes are about.
    attested: Option<Ordered<&'static str, Value>>,
    key: Option<KeyView>,
    checks: Vec<CheckView>,
    findings: Vec<FindingView>,
    /// What was given and could not be read.
    unread: Vec<String>,
}

/// A JSON object whose fields keep their order: banks have the one of the selection, which the digest depends on.
#[derive(Clone, Debug)]
struct Ordered<K, V>(Vec<(K, V)>);

type Banks<T> = Ordered<&'static str, T>;

impl<K: Serialize, V: Serialize> Serialize for Ordered<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

#[derive(Clone, Debug, Serialize)]
struct SignatureView {
    scheme: &'static str,
    hash: &'static str,
    /// Nothing where there is no key, or nobody can tell.
    valid: Option<bool>,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct ClockView {
    /// Milliseconds.
    clock: u64,
    reset_count: u32,
    restart_count: u32,
    safe: bool,
}

#[derive(Clone, Debug, Serialize)]
struct KeyView {
    /// `public-area`, or `bare`.
    form: &'static str,
    kind: String,
    name: Option<String>,
    attributes: Option<String>,
}

impl QuoteView {
    pub(super) fn new(given: &Given, unread: &[CliError]) -> Self {
        let fields = given.attest.fields();
        let quote = given.attest.quote();
        let checks = checks(given);
        let holds =
            |name: &str| checks.iter().find(|check| check.check == name).and_then(|check| check.holds);
        Self {
            kind: fields.attested.name(),
            type_id: fields.attested.tag(),
            signature: given.signature.as_ref().map(|signature| SignatureView {
                scheme: signature.scheme_name(),
                hash: signature.hash().name(),
                valid: holds("signature"),
            }),
            nonce: hex::encode(&fields.extra_data),
            nonce_matches: holds("nonce"),
            pcr_selection: quote.map(|quote| {
                let numbers = |mask: &evidence::pcr::PcrMask| mask.iter().map(evidence::pcr::PcrIndex::get);
                let banks = quote.selection.banks().iter();
                Ordered(banks.map(|(bank, mask)| (bank.name(), numbers(mask).collect())).collect())
            }),
            pcr_selection_matches: holds("selection"),
            pcr_digest: quote.map(|quote| hex::encode(&quote.pcr_digest)),
            pcr_digest_matches: holds("PCR values"),
            pcrs: values(given),
            clock: ClockView::new(&fields.clock),
            firmware_version: format!("{:016x}", fields.firmware_version),
            qualified_signer: hex::encode(&fields.qualified_signer),
            signer_hierarchy: hierarchy(given),
            attested: attested(&fields.attested),
            key: given.key.as_ref().map(KeyView::new),
            findings: findings(given, &checks),
            checks,
            unread: unread.iter().map(|error| error.message.clone()).collect(),
        }
    }

    /// Whether there was nothing to check the attestation with.
    pub(super) fn nothing_given(&self) -> bool {
        self.checks.is_empty() && self.unread.is_empty()
    }
}

impl Report for QuoteView {
    fn outcome(&self) -> Outcome {
        let complete = if self.unread.is_empty() { Completeness::Whole } else { Completeness::CutShort };
        outcome_of(&self.findings, complete)
    }

    fn render(&self, screen: Screen) -> String {
        card(self).render(screen)
    }
}

impl ClockView {
    fn new(clock: &ClockInfo) -> Self {
        Self {
            clock: clock.clock_ms,
            reset_count: clock.reset_count,
            restart_count: clock.restart_count,
            safe: clock.safety == ClockSafety::Safe,
        }
    }
}

impl KeyView {
    fn new(key: &GivenKey) -> Self {
        match &key.file {
            KeyFile::Area(public) => Self {
                form: "public-area",
                kind: kind(public),
                name: Some(public.name().to_string()),
                attributes: Some(public.attributes().to_string()),
            },
            KeyFile::Bare(bare) => {
                let kind = match bare.size() {
                    KeySize::Rsa(bits) => format!("RSA, {bits} bits"),
                    KeySize::Ecc(curve) => format!("ECC, {}", curve_name(curve)),
                };
                Self { form: "bare", kind, name: None, attributes: None }
            }
        }
    }
}

fn kind(public: &Public) -> String {
    match public.key() {
        Key::Rsa(rsa) => format!("RSA, {} bits", rsa.bits),
        Key::Ecc(ecc) => format!("ECC, {}", curve_name(ecc.curve)),
        Key::Opaque { object_type, .. } => format!("object of type {object_type:#06x}"),
    }
}

fn curve_name(curve: Curve) -> String {
    match curve {
        Curve::NistP256 => "P-256".to_owned(),
        Curve::NistP384 => "P-384".to_owned(),
        Curve::NistP521 => "P-521".to_owned(),
        Curve::Other(id) => format!("curve {id:#06x}"),
    }
}

fn values(given: &Given) -> Option<Banks<Ordered<u8, String>>> {
    let (quote, values) = given.attest.quote().zip(given.pcrs.as_ref())?;
    let banks = quote.selection.banks().iter().map(|(bank, mask)| {
        let of_bank = mask.iter().filter_map(|pcr| Some((pcr.get(), values.value(*bank, pcr)?.to_string())));
        (bank.name(), Ordered(of_bank.collect()))
    });
    Some(Ordered(banks.collect()))
}

/// The hierarchy whose primary key's qualified name the signer has.
fn hierarchy(given: &Given) -> Option<&'static str> {
    const HIERARCHIES: [(u32, &str); 4] = [
        (0x4000_0001, "owner"),
        (0x4000_0007, "null"),
        (0x4000_000b, "endorsement"),
        (0x4000_000c, "platform"),
    ];
    let GivenKey { file: KeyFile::Area(public), .. } = given.key.as_ref()? else { return None };
    let signer = &given.attest.fields().qualified_signer;
    let found =
        HIERARCHIES.iter().find(|(handle, _)| public.name().qualified(&handle.to_be_bytes()) == *signer);
    found.map(|(_, name)| *name)
}

fn attested(attested: &Attested) -> Option<Ordered<&'static str, Value>> {
    let hex = |bytes: &[u8]| Value::from(hex::encode(bytes));
    Some(Ordered(match attested {
        Attested::Quote(_) => return None,
        Attested::Certify(info) => {
            vec![("name", hex(&info.name)), ("qualified_name", hex(&info.qualified_name))]
        }
        Attested::Creation(info) => {
            vec![("object_name", hex(&info.object_name)), ("creation_hash", hex(&info.creation_hash))]
        }
        Attested::Nv(info) => vec![
            ("index_name", hex(&info.index_name)),
            ("offset", info.offset.into()),
            ("contents", hex(&info.contents)),
        ],
        Attested::NvDigest(info) => {
            vec![("index_name", hex(&info.index_name)), ("digest", hex(&info.digest))]
        }
        Attested::Time(info) => vec![
            ("time", info.time_ms.into()),
            ("clock", json!(ClockView::new(&info.clock))),
            ("firmware_version", format!("{:016x}", info.firmware_version).into()),
        ],
        Attested::SessionAudit(info) => vec![
            ("exclusive", (info.exclusivity == Exclusivity::Exclusive).into()),
            ("session_digest", hex(&info.session_digest)),
        ],
        Attested::CommandAudit(info) => vec![
            ("audit_counter", info.audit_counter.into()),
            ("digest_alg", info.digest_alg.name().into()),
            ("audit_digest", hex(&info.audit_digest)),
            ("command_digest", hex(&info.command_digest)),
        ],
        Attested::Other { info, .. } => vec![("info", hex(info))],
    }))
}

fn card(view: &QuoteView) -> Card {
    let mut card = Card::new(title(view.kind), status(view));
    card.section("Attested");
    if let (Some(selection), Some(digest)) = (&view.pcr_selection, &view.pcr_digest) {
        card.row("PCRs", selection_text(selection));
        card.row("PCR digest", digest);
    }
    // The clock of a time attestation is that of the section below.
    for (name, value) in
        view.attested.iter().flat_map(|fields| &fields.0).filter(|(name, _)| *name != "clock")
    {
        card.row(&name.replace('_', " "), value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    }
    card.row("nonce", if view.nonce.is_empty() { Cell::none() } else { (&view.nonce).into() });
    card.row("qualified signer", &view.qualified_signer);
    if let Some(hierarchy) = view.signer_hierarchy {
        card.row("signer", format!("primary key of the {hierarchy} hierarchy"));
    }
    card.section("TPM");
    card.row("boot", format!("reset {}, restart {}", view.clock.reset_count, view.clock.restart_count));
    let safe = if view.clock.safe { "" } else { " (may have gone back after an unorderly shutdown)" };
    card.row("clock", format!("{} ms{safe}", view.clock.clock));
    card.row("firmware", &view.firmware_version);
    if let Some(key) = &view.key {
        card.section("Key");
        card.row("kind", &key.kind);
        for (label, value) in [("name", &key.name), ("attributes", &key.attributes)] {
            card.row(label, value.as_ref().map_or_else(Cell::none, Cell::from));
        }
    }
    results(view, &mut card);
    card
}

fn results(view: &QuoteView, card: &mut Card) {
    card.section("PCR values");
    for (bank, values) in view.pcrs.iter().flat_map(|banks| &banks.0) {
        for (pcr, value) in &values.0 {
            card.row(&format!("{bank}:{pcr}"), value);
        }
    }
    card.section("Checks");
    for check in &view.checks {
        let status = match check.holds {
            Some(true) => Cell::status("holds"),
            Some(false) => Cell::status("fails"),
            None => Cell::toned("not checkable", Tone::Dim),
        };
        card.cells(vec![check.check.into(), status, (&check.detail).into()]);
    }
    card.section("Findings");
    // What fails stands among the checks already.
    for finding in
        view.findings.iter().filter(|finding| !finding.is_error() || finding.code.starts_with("scheme"))
    {
        let severity = Cell::toned(finding.severity, finding.tone());
        card.cells(vec![severity, finding.code.into(), (&finding.text).into()]);
    }
}

fn title(kind: &str) -> &'static str {
    match kind {
        "quote" => "TPM quote",
        "certify" => "Certified TPM object",
        "creation" => "Creation of a TPM object",
        "nv-certify" | "nv-digest" => "Certified NV index",
        "time" => "TPM time",
        "session-audit" => "Audited TPM session",
        "command-audit" => "Audited TPM commands",
        _ => "TPM attestation",
    }
}

fn status(view: &QuoteView) -> Cell {
    let any = |holds| view.checks.iter().any(|check| check.holds == holds);
    if !view.unread.is_empty() {
        Cell::toned("not read to its end", Tone::Bad)
    } else if any(Some(false)) || view.findings.iter().any(FindingView::is_error) {
        Cell::status("fails")
    } else if any(None) {
        Cell::toned("not checked in full", Tone::Warn)
    } else if view.checks.is_empty() {
        Cell::toned("not checked", Tone::Dim)
    } else {
        Cell::status("holds")
    }
}

fn selection_text(selection: &Banks<Vec<u8>>) -> String {
    let banks = selection.0.iter().map(|(bank, pcrs)| {
        let pcrs: Vec<String> = pcrs.iter().map(u8::to_string).collect();
        format!("{bank}:{}", if pcrs.is_empty() { "none".to_owned() } else { pcrs.join(",") })
    });
    let banks: Vec<String> = banks.collect();
    if banks.is_empty() { "none".to_owned() } else { banks.join("+") }
}
