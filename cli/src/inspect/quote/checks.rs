//! Each thing that was given, held against the attestation.
//!
//! In: what was read. Out: checks that hold, do not hold, or cannot be made, and what else is worth knowing. A check that
//! cannot be made is never one that holds.

use appraisal::attester::AttestationKey;
use appraisal::crypto::{HashPolicy, KeyFile, SignatureError};
use appraisal::quote::{NONCE_BYTES, check_name, check_nonce, check_selection, check_values, quoted};
use evidence::digest::HashAlg;
use evidence::finding::Severity;
use evidence::tpm::{Attested, ClockSafety, Signature};
use serde::Serialize;

use crate::inspect::report::FindingView;

use super::given::{Given, GivenKey};

/// Whether something that was given fits.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CheckView {
    /// What was checked.
    pub(super) check: &'static str,
    /// Nothing where it cannot be checked.
    pub(super) holds: Option<bool>,
    /// For people.
    pub(super) detail: String,
}

/// A check's result: what holds, why it does not, or why it cannot be told.
enum Verdict {
    Holds(String),
    Fails(String),
    NotCheckable(String),
}

use Verdict::{Fails, Holds, NotCheckable};

impl Verdict {
    fn of<E: std::fmt::Display>(result: Result<(), E>, good: &str) -> Self {
        match result {
            Ok(()) => Holds(good.to_owned()),
            Err(error) => Fails(error.to_string()),
        }
    }
}

/// A check for everything that was given.
pub(super) fn checks(given: &Given) -> Vec<CheckView> {
    let found: [(&'static str, Option<Verdict>); 9] = [
        ("signature", given.signature.as_ref().map(|signature| signature_check(given, signature))),
        ("key", given.key.as_ref().map(key)),
        (
            "name",
            given.name.map(|name| match &given.key {
                Some(GivenKey { file: KeyFile::Area(public), .. }) => {
                    Verdict::of(check_name(public, name), "the key's public area has this name")
                }
                Some(_) => NotCheckable("a bare key has no name".to_owned()),
                None => NotCheckable("no key is given".to_owned()),
            }),
        ),
        (
            "nonce",
            given.nonce.as_ref().map(|nonce| {
                Verdict::of(check_nonce(&given.attest, nonce), "the attestation is over this nonce")
            }),
        ),
        (
            "selection",
            given.selection.as_ref().map(|asked| {
                let result = quoted(&given.attest).and_then(|quote| check_selection(quote, asked));
                Verdict::of(result, "these PCRs were quoted, and no others")
            }),
        ),
        ("PCR values", given.pcrs.as_ref().map(|_| pcr_values(given))),
        ("object", given.object.as_ref().map(|object| name_is(given, &object.name().to_bytes()))),
        ("NV index", given.nv.as_ref().map(|index| name_is(given, &index.name().to_bytes()))),
        ("creation data", given.creation.as_ref().map(|_| creation(given))),
    ];
    found.into_iter().filter_map(|(check, result)| Some(view(check, result?))).collect()
}

fn view(check: &'static str, result: Verdict) -> CheckView {
    let (holds, detail) = match result {
        Holds(detail) => (Some(true), detail),
        Fails(detail) => (Some(false), detail),
        NotCheckable(detail) => (None, detail),
    };
    CheckView { check, holds, detail }
}

fn signature_check(given: &Given, signature: &Signature) -> Verdict {
    let scheme = signature.scheme_name().to_uppercase();
    match verified(given, signature) {
        None => NotCheckable(format!("{scheme} with {}, but no key is given", signature.hash())),
        Some(Ok(())) => Holds(format!("{scheme} with {} over these bytes by this key", signature.hash())),
        Some(Err(error @ SignatureError::SchemeUnsupported(_))) => NotCheckable(error.to_string()),
        Some(Err(error)) => Fails(error.to_string()),
    }
}

/// What the key says of the signature. SHA-1 is let through here, and told of as a finding.
fn verified(given: &Given, signature: &Signature) -> Option<Result<(), SignatureError>> {
    let key = match &given.key.as_ref()?.verifying {
        Ok(key) => key,
        Err(error) => return Some(Err(*error)),
    };
    Some(key.verify(HashPolicy::DangerAllowSha1, signature, given.attest.raw()))
}

fn key(key: &GivenKey) -> Verdict {
    match &key.file {
        KeyFile::Bare(_) => {
            NotCheckable("a bare key has no attributes: anything may be its holder".to_owned())
        }
        KeyFile::Area(public) => Verdict::of(
            AttestationKey::new(public.clone()).map(drop),
            "restricted, made by its TPM and bound to it",
        ),
    }
}

fn pcr_values(given: &Given) -> Verdict {
    let (Some(quote), Some(values)) = (given.attest.quote(), &given.pcrs) else {
        return NotCheckable("what is attested is no quote and has no PCRs".to_owned());
    };
    let good = "the values hash to the quoted digest";
    let hash = given.signature.as_ref().map(Signature::hash);
    let hash = hash.or_else(|| given.key.as_ref()?.verifying.as_ref().ok()?.bound().hash());
    if let Some(hash) = hash {
        return Verdict::of(check_values(quote, hash, values), good);
    }
    // Without a signature or a bound key, any hash of the digest's size may be the one.
    let mut sized = HashAlg::ALL.into_iter().filter(|hash| hash.size() == quote.pcr_digest.len());
    let first = sized.clone().next().unwrap_or(HashAlg::Sha256);
    match sized.find(|hash| check_values(quote, *hash, values).is_ok()) {
        Some(hash) => Holds(format!("{good}, by {hash}")),
        None => Verdict::of(check_values(quote, first, values), good),
    }
}

/// Whether what is attested has this name.
fn name_is(given: &Given, name: &[u8]) -> Verdict {
    let found = match &given.attest.fields().attested {
        Attested::Certify(info) => &info.name,
        Attested::Creation(info) => &info.object_name,
        Attested::Nv(info) => &info.index_name,
        Attested::NvDigest(info) => &info.index_name,
        other => return Fails(format!("an attestation of type {} names no object", other.name())),
    };
    if found == name {
        Holds("what is attested has this public area's name".to_owned())
    } else {
        Fails(format!("what is attested is called {}, this {}", hex::encode(found), hex::encode(name)))
    }
}

fn creation(given: &Given) -> Verdict {
    let (Attested::Creation(info), Some(data)) = (&given.attest.fields().attested, &given.creation) else {
        return Fails("what is attested is no creation".to_owned());
    };
    // The hash is the object's name algorithm, which its name begins with.
    let alg = info.object_name.first_chunk().map(|id| u16::from_be_bytes(*id));
    match alg.and_then(HashAlg::from_tpm_id) {
        Some(alg) if data.hash(alg).as_bytes() == info.creation_hash => {
            Holds("the TPM made the object under these circumstances".to_owned())
        }
        Some(_) => Fails("the data does not hash to the attested digest".to_owned()),
        None => NotCheckable("the object's name has no hash that is known here".to_owned()),
    }
}

/// What else is worth knowing, and each check that does not hold.
pub(super) fn findings(given: &Given, checks: &[CheckView]) -> Vec<FindingView> {
    let failed = checks.iter().filter(|check| check.holds == Some(false)).map(|check| {
        let code = match check.check {
            "signature" => "signature-invalid",
            "key" => "key-unsuitable",
            "name" => "name-mismatch",
            "nonce" => "nonce-mismatch",
            "selection" => "selection-mismatch",
            "PCR values" => "pcr-values-mismatch",
            "object" => "object-mismatch",
            "NV index" => "nv-index-mismatch",
            _ => "creation-data-mismatch",
        };
        finding(code, Severity::Error, &check.detail)
    });
    let mut findings: Vec<_> = failed.collect();
    of_the_signature(given, &mut findings);
    of_the_attestation(given, &mut findings);
    findings
}

fn of_the_signature(given: &Given, findings: &mut Vec<FindingView>) {
    if let Some(Signature::Other { scheme, .. }) = &given.signature {
        let text = SignatureError::SchemeUnsupported(*scheme).to_string();
        findings.push(finding("scheme-not-supported", Severity::Error, &text));
    }
    if given.signature.as_ref().is_some_and(|signature| signature.hash() == HashAlg::Sha1) {
        let text =
            "the signature is over SHA-1: whoever can make two attestations with one SHA-1 has both signed";
        findings.push(finding("sha1-signature", Severity::Warning, text));
    }
    if matches!(&given.key, Some(GivenKey { file: KeyFile::Bare(_), .. })) {
        let text = "the key came without its public area: that it signs a TPM's own structures only cannot be checked";
        findings.push(finding("key-not-checkable", Severity::Warning, text));
    }
}

fn of_the_attestation(given: &Given, findings: &mut Vec<FindingView>) {
    let fields = given.attest.fields();
    if fields.clock.safety == ClockSafety::MayHaveGoneBack {
        let text = "the clock may have gone back after an unorderly shutdown";
        findings.push(finding("clock-not-safe", Severity::Info, text));
    }
    if fields.extra_data.is_empty() {
        let text = "there is no nonce: the attestation may be of any time";
        findings.push(finding("no-nonce", Severity::Warning, text));
    }
    if given.nonce.as_ref().is_some_and(|nonce| nonce.len() > NONCE_BYTES) {
        let text = format!("the nonce has more than {NONCE_BYTES} bytes: there are TPMs that do not take it");
        findings.push(finding("long-nonce", Severity::Info, &text));
    }
    if let Some(quote) = given.attest.quote() {
        let mut banks = quote.selection.banks().iter().filter(|(_, mask)| !mask.is_empty()).peekable();
        if banks.peek().is_none() {
            findings.push(finding("no-pcr", Severity::Warning, "no PCR was quoted"));
        } else if banks.all(|(bank, _)| *bank == HashAlg::Sha1) {
            let text = "only SHA-1 PCRs were quoted: logs can be forged to replay to them";
            findings.push(finding("sha1-bank", Severity::Warning, text));
        }
    }
}

fn finding(code: &'static str, severity: Severity, text: &str) -> FindingView {
    FindingView { code, severity: severity.name(), event: None, offset: None, text: text.to_owned() }
}
