//! `lydian inspect quote`.

use std::path::Path;

use appraisal::attester::AttestationKey;
use appraisal::crypto::verify_signature;
use evidence::limits::{ATTEST_BYTES, PUBLIC_BYTES, SIGNATURE_BYTES};
use evidence::tpm::{Attest, Attested, ClockSafety, Key, Public, QuoteInfo, Signature};
use serde::Serialize;

use super::{pcrs, unhex};
use crate::Outcome;
use crate::args::QuoteArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::PCR_FILE_BYTES;
use crate::show::{Card, Cell, Tone};
use crate::ui::{Format, Ui};

/// A quote as `-o json` writes it; fields are added, never renamed.
#[derive(Clone, Debug, Serialize)]
struct QuoteView {
    /// `quote`, or the number of another attestation's type.
    attests: String,
    qualified_signer: String,
    nonce: String,
    clock_ms: u64,
    reset_count: u32,
    restart_count: u32,
    clock_safe: bool,
    firmware_version: String,
    selection: Option<String>,
    pcr_digest: Option<String>,
    /// Values by bank and PCR, where they were given.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pcrs: Vec<PcrView>,
    key: Option<KeyView>,
    checks: Vec<CheckView>,
}

#[derive(Clone, Debug, Serialize)]
struct PcrView {
    bank: &'static str,
    pcr: u8,
    value: String,
}

#[derive(Clone, Debug, Serialize)]
struct KeyView {
    name: String,
    kind: String,
}

/// Whether something that was given fits.
#[derive(Clone, Debug, Serialize)]
struct CheckView {
    check: &'static str,
    holds: bool,
    detail: String,
}

/// What was given, read.
struct Given {
    attest: Attest,
    signature: Option<Signature>,
    public: Option<Public>,
    pcrs: Option<Vec<Vec<u8>>>,
    nonce: Option<Vec<u8>>,
}

pub(crate) fn run(ui: &mut Ui, args: &QuoteArgs) -> Result<Outcome, CliError> {
    let given = Given::read(args)?;
    let view = QuoteView::new(&given);
    if ui.format() == Format::Table {
        let text = card(&view).render(ui.screen());
        ui.text(&text)?;
    } else {
        ui.json(&view)?;
    }
    if view.checks.is_empty() {
        ui.note("nothing was checked: give --signature with --public, --pcrs or --nonce");
    }
    let fits = view.checks.iter().all(|check| check.holds);
    Ok(if fits { Outcome::Good } else { Outcome::NotTrusted })
}

impl Given {
    fn read(args: &QuoteArgs) -> Result<Self, CliError> {
        let path = args.attest.as_deref().or(args.file.as_deref()).unwrap_or(Path::new("-"));
        let attest = parse(path, ATTEST_BYTES, Attest::parse)?;
        let signature = args.signature.as_deref().map(|path| parse(path, SIGNATURE_BYTES, Signature::parse));
        let public = args.public.as_deref().map(|path| {
            // Either form; the first error tells of the one that tpm2-tools write.
            parse(path, PUBLIC_BYTES + 2, |bytes| {
                Public::parse_tpm2b(bytes).or_else(|error| Public::parse(bytes).map_err(|_| error))
            })
        });
        let pcrs = match (&args.pcrs, attest.quote()) {
            (None, _) => None,
            (Some(path), None) => {
                return Err(CliError::input(path, "what is attested is no quote and has no PCRs"));
            }
            (Some(path), Some(quote)) => {
                let bytes = files::read(path, PCR_FILE_BYTES)?;
                Some(pcrs::read(&bytes, &quote.selection).map_err(|error| CliError::input(path, error))?)
            }
        };
        let nonce =
            args.nonce.as_deref().map(|text| unhex("--nonce", &files::value_or_file(text)?)).transpose()?;
        Ok(Self { attest, signature: signature.transpose()?, public: public.transpose()?, pcrs, nonce })
    }
}

fn parse<T, E: std::fmt::Display>(
    path: &Path,
    limit: usize,
    read: impl Fn(&[u8]) -> Result<T, E>,
) -> Result<T, CliError> {
    let bytes = files::read(path, limit)?;
    read(&bytes).map_err(|error| CliError::input(path, error))
}

impl QuoteView {
    fn new(given: &Given) -> Self {
        let fields = given.attest.fields();
        let quote = given.attest.quote();
        Self {
            attests: match &fields.attested {
                Attested::Quote(_) => "quote".to_owned(),
                Attested::Other { tag, .. } => format!("{tag:#06x}"),
            },
            qualified_signer: hex::encode(&fields.qualified_signer),
            nonce: hex::encode(&fields.extra_data),
            clock_ms: fields.clock.clock_ms,
            reset_count: fields.clock.reset_count,
            restart_count: fields.clock.restart_count,
            clock_safe: fields.clock.safety == ClockSafety::Safe,
            firmware_version: format!("{:#018x}", fields.firmware_version),
            selection: quote.map(|quote| quote.selection.to_string()),
            pcr_digest: quote.map(|quote| hex::encode(&quote.pcr_digest)),
            pcrs: quote
                .map_or_else(Vec::new, |quote| pcr_views(quote, given.pcrs.as_deref().unwrap_or_default())),
            key: given.public.as_ref().map(KeyView::new),
            checks: checks(given),
        }
    }
}

fn pcr_views(quote: &QuoteInfo, values: &[Vec<u8>]) -> Vec<PcrView> {
    let view = |((bank, pcr), value): ((evidence::digest::HashAlg, evidence::pcr::PcrIndex), &Vec<u8>)| {
        PcrView { bank: bank.name(), pcr: pcr.get(), value: hex::encode(value) }
    };
    quote.selection.iter().zip(values).map(view).collect()
}

impl KeyView {
    fn new(public: &Public) -> Self {
        let kind = match public.key() {
            Key::Rsa(rsa) => format!("RSA {} bits", rsa.bits),
            Key::Ecc(ecc) => format!("ECC {:?}", ecc.curve),
            Key::Opaque { object_type, .. } => format!("object of type {object_type:#06x}"),
        };
        Self { name: hex::encode(public.name().to_bytes()), kind }
    }
}

fn checks(given: &Given) -> Vec<CheckView> {
    let mut checks = Vec::new();
    let mut add = |check, result: Result<String, String>| {
        let holds = result.is_ok();
        let detail = result.unwrap_or_else(|why| why);
        checks.push(CheckView { check, holds, detail });
    };
    if let (Some(signature), Some(public)) = (&given.signature, &given.public) {
        let held = verify_signature(public, signature, given.attest.raw());
        add("signature", held.map(|()| scheme(signature)).map_err(|error| error.to_string()));
    }
    if let Some(public) = &given.public {
        let fit = AttestationKey::new(public.clone());
        let good = "restricted, made by its TPM and bound to it";
        add("key", fit.map(|_| good.to_owned()).map_err(|error| error.to_string()));
    }
    if let (Some(values), Some(quote)) = (&given.pcrs, given.attest.quote()) {
        let alg = given.signature.as_ref().map(Signature::hash);
        let fits = pcrs::hash_to(values, &quote.pcr_digest, alg);
        let (good, bad) =
            ("the values hash to the quoted digest", "the values do not hash to the quoted digest");
        add("PCR values", if fits { Ok(good.to_owned()) } else { Err(bad.to_owned()) });
    }
    if let Some(nonce) = &given.nonce {
        let fits = *nonce == given.attest.fields().extra_data;
        let (good, bad) = ("the quote is over this nonce", "the quote is over another nonce");
        add("nonce", if fits { Ok(good.to_owned()) } else { Err(bad.to_owned()) });
    }
    checks
}

fn scheme(signature: &Signature) -> String {
    let (name, hash) = match signature {
        Signature::RsaSsa { hash, .. } => ("RSASSA", hash),
        Signature::RsaPss { hash, .. } => ("RSAPSS", hash),
        Signature::Ecdsa { hash, .. } => ("ECDSA", hash),
    };
    format!("{name} with {hash} over these bytes by this key")
}

fn card(view: &QuoteView) -> Card {
    let status = match view.checks.as_slice() {
        [] => Cell::toned("not checked", Tone::Dim),
        checks if checks.iter().all(|check| check.holds) => Cell::status("holds"),
        _ => Cell::status("fails"),
    };
    let mut card = Card::new(if view.attests == "quote" { "TPM quote" } else { "TPM attestation" }, status);
    card.section("Attested");
    if view.attests != "quote" {
        card.row("type", &view.attests);
    }
    if let (Some(selection), Some(digest)) = (&view.selection, &view.pcr_digest) {
        card.row("PCRs", selection);
        card.row("PCR digest", digest);
    }
    card.row("nonce", if view.nonce.is_empty() { Cell::none() } else { (&view.nonce).into() });
    card.row("qualified signer", &view.qualified_signer);
    card.section("TPM");
    card.row("boot", format!("reset {}, restart {}", view.reset_count, view.restart_count));
    let safe = if view.clock_safe { "" } else { " (may have gone back after an unorderly shutdown)" };
    card.row("clock", format!("{} ms{safe}", view.clock_ms));
    card.row("firmware", &view.firmware_version);
    if let Some(key) = &view.key {
        card.section("Key");
        card.row("name", &key.name);
        card.row("kind", &key.kind);
    }
    card.section("PCR values");
    for pcr in &view.pcrs {
        card.row(&format!("{}:{}", pcr.bank, pcr.pcr), &pcr.value);
    }
    card.section("Checks");
    for check in &view.checks {
        card.cells(vec![
            check.check.into(),
            Cell::status(if check.holds { "holds" } else { "fails" }),
            (&check.detail).into(),
        ]);
    }
    card
}
