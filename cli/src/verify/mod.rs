//! A bundle verified again, on this machine, by the verifier's own code.
//!
//! In: a bundle, and what the operator knows from elsewhere: the log's key, the attestation key's name, the bundle
//! before. Out: a [`Report`] that says of each link whether it holds, fails, or is only the verifier's word. That the
//! attestation key lives in the host's TPM was established at enrolment and is in no bundle; nor is the time at
//! which the log published the checkpoint that the host names, so freshness is not judged here.

mod report;

use appraisal::attester::{AttestationKey, Attester};
use appraisal::endorsement::TrustTier;
use appraisal::policy::{Context, NotBefore, Policy, appraise};
use appraisal::result::Member;
use appraisal::state::HostState;
use appraisal::verify::VerifiedLog;
use evidence::bundle::Bundle;
use evidence::pcr::PcrSelection;
use evidence::time::UnixTime;
use evidence::tpm::Public;
use ledger::leaf::{Leaf, Salt};
use ledger::note::VerifierKey;
use ledger::proof_file::ProofFile;

pub(crate) use report::{Check, Report, Standing};

/// What the operator knows from elsewhere.
#[derive(Debug, Default)]
pub(crate) struct Given {
    /// The log's key.
    pub(crate) log_key: Option<VerifierKey>,
    /// The name of the host's attestation key.
    pub(crate) ak_name: Option<Vec<u8>>,
    /// The bundle of the evidence before.
    pub(crate) previous: Option<Bundle>,
}

/// Why a bundle's parts cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The attestation key's public area.
    #[error("the attestation key: {0}")]
    Key(#[from] evidence::tpm::TpmError),
    /// The selection of PCRs.
    #[error("the PCR selection: {0}")]
    Selection(#[from] evidence::pcr::PcrError),
    /// The carried state.
    #[error(transparent)]
    State(#[from] appraisal::state::StateError),
    /// A tier that this program does not know.
    #[error("unknown tier {0:?}")]
    Tier(String),
    /// The proof file.
    #[error("the log proof: {0}")]
    Proof(#[from] ledger::proof_file::ProofFileError),
    /// The log's key in the bundle.
    #[error("the log's key: {0}")]
    LogKey(#[from] ledger::note::KeyError),
}

/// The parts of a bundle, read.
struct Parts<'b> {
    bundle: &'b Bundle,
    public: Public,
    selection: PcrSelection,
    state: HostState,
}

impl<'b> Parts<'b> {
    fn read(bundle: &'b Bundle) -> Result<Self, Unreadable> {
        Ok(Self {
            bundle,
            public: Public::parse(&bundle.ak_public)?,
            selection: bundle.selection.parse()?,
            state: HostState::decode(&bundle.state)?,
        })
    }

    fn verify(&self) -> Result<VerifiedLog<'b>, String> {
        let ak = AttestationKey::new(self.public.clone()).map_err(|error| error.to_string())?;
        let host = self.bundle.envelope.evidence.body().host;
        let attester = Attester { host, ak, selection: self.selection.clone() };
        let log = self.bundle.firmware_log.as_slice();
        let known = if log.is_empty() { None } else { Some(log) };
        appraisal::verify::verify(&self.bundle.envelope, &attester, &self.state, known)
            .map_err(|refusal| format!("{refusal} ({})", refusal.code()))
    }
}

/// Verifies everything that a bundle and the operator's knowledge allow.
pub(crate) fn verify(file: String, bundle: &Bundle, given: &Given) -> Result<Report, Unreadable> {
    let parts = Parts::read(bundle)?;
    let tier = TrustTier::from_name(&bundle.tier).ok_or_else(|| Unreadable::Tier(bundle.tier.clone()))?;
    let mut report = Report::new(file, bundle);
    report.add(attestation_key(&parts.public, given));
    report.add(state_before(&parts, given)?);
    match parts.verify() {
        Err(why) => report.add(Check::fails("evidence", why)),
        Ok(verified) => {
            report.add(Check::holds("evidence", "signature, nonce, PCR values, order, components and logs"));
            let context = Context {
                received: UnixTime::from_ms(bundle.received_ms),
                not_before: NotBefore::Unknown,
                heartbeat_ms: 0,
                tier,
            };
            let mut result = report::ResultView::from(&appraise(&verified, &Policy::built_in(), &context));
            // Without the checkpoint's time the claim on freshness would be made up.
            if verified.body().checkpoint.size > 0 {
                result.claims.retain(|claim| claim.member != Member::SourcedData.name());
            }
            report.result = Some(result);
        }
    }
    log_checks(bundle, given, &mut report)?;
    Ok(report)
}

fn attestation_key(public: &Public, given: &Given) -> Check {
    let name = public.name();
    match &given.ak_name {
        None => Check::believed("attestation key", format!("{name}; compare it with --ak-name")),
        Some(expected) if *expected == name.to_bytes() => {
            Check::holds("attestation key", format!("{name}, as given"))
        }
        Some(_) => {
            Check::fails("attestation key", format!("the bundle's is {name}, not the one that was given"))
        }
    }
}

/// Where the state comes from that the evidence was checked against.
fn state_before(parts: &Parts<'_>, given: &Given) -> Result<Check, Unreadable> {
    const NAME: &str = "state before";
    if let Some(previous) = &given.previous {
        let before = Parts::read(previous)?;
        if before.public.raw() != parts.public.raw() {
            return Ok(Check::fails(NAME, "the previous bundle is of another attestation key"));
        }
        return Ok(match before.verify() {
            Err(why) => Check::fails(NAME, format!("the previous bundle does not verify: {why}")),
            Ok(verified) if *verified.next_state() == parts.state => {
                let seq = verified.body().seq;
                Check::holds(NAME, format!("computed from the previous bundle, evidence {seq}"))
            }
            Ok(verified) => {
                let seq = verified.body().seq;
                Check::fails(NAME, format!("evidence {seq} of the previous bundle leads to another state"))
            }
        });
    }
    let body = parts.bundle.envelope.evidence.body();
    if parts.state == HostState::enrolled(body.chain) {
        return Ok(Check::holds(NAME, "none: the evidence starts its chain"));
    }
    let detail = format!("give --previous with the bundle of evidence {}", body.seq.saturating_sub(1));
    Ok(Check::believed(NAME, detail))
}

/// The leaf is this evidence's, and the log has it.
fn log_checks(bundle: &Bundle, given: &Given, report: &mut Report) -> Result<(), Unreadable> {
    let file = ProofFile::parse(bundle.proof.as_bytes())?;
    let key = match &given.log_key {
        Some(key) => key.clone(),
        None => bundle.log_key.parse()?,
    };
    let evidence = &bundle.envelope.evidence;
    let salt = Salt::from_bytes(evidence.body().salt);
    let leaf = Leaf::attestation(&salt, evidence.digest().as_bytes()).hash();
    report.leaf = Some(file.index().get());
    match file.verify(&leaf, &key) {
        Err(error) => report.add(Check::fails("log", error.to_string())),
        Ok(checkpoint) => {
            let head = checkpoint.checkpoint();
            let (index, size, origin) = (file.index(), head.size(), head.origin());
            report.add(Check::holds("log", format!("leaf {index} of {size} in {origin}")));
        }
    }
    report.add(match &given.log_key {
        Some(key) => Check::holds("log key", format!("{key}, as given")),
        None => Check::believed("log key", format!("{key}; give --log-key from a source that you trust")),
    });
    Ok(())
}
