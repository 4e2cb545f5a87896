//! `POST /v1/enrol/begin` and `/finish`: a host proves that its attestation key is in the TPM of its endorsement key.
//!
//! In: a join token, two public keys, certificates. Out: a credential that only that TPM opens; and for the opened
//! secret, what the host is to do from now on. The token is checked at both steps, and used with the second.

use std::sync::Arc;

use appraisal::attester::AttestationKey;
use appraisal::credential::make_credential;
use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::StatusCode;
use evidence::digest::{ChainId, HostId};
use evidence::tpm::{Public, Template};
use ledger::tree::LogSize;
use serde::de::DeserializeOwned;
use wire::enrol::{EnrolBegin, EnrolChallenge, EnrolFinish, Enrolled};
use wire::limits::{EK_CERTIFICATES, HOST_NAME_BYTES};
use zeroize::Zeroizing;

use super::App;
use super::evidence::{blocking, turn};
use super::problem::Fault;
use super::receipt::{self, About};
use super::session::Session;
use crate::record::{Done, NewEnrolment, Work};
use crate::store::token::{JoinRefusal, Presented, TokenKind, check_join};

pub(super) async fn begin(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<EnrolChallenge>, Fault> {
    let begin: EnrolBegin = json(body)?;
    let enrolment = check(&app, &begin).await?;
    let secret = Zeroizing::new(crate::random::bytes::<32>().map_err(Fault::internal)?);
    let (ek, name, sealed) = (enrolment.ek.clone(), enrolment.ak.name(), secret.clone());
    let turn = turn(&app).await?;
    let made = blocking(move || make_credential(&ek, &name, &*sealed, &mut rand_core::OsRng)).await?;
    drop(turn);
    let blob = made.map_err(|error| unsuitable("endorsement", error))?;
    let session = hex::encode(crate::random::bytes::<16>().map_err(Fault::internal)?);
    app.books
        .sessions
        .open(session.clone(), Session { secret, enrolment }, app.clock.now())
        .map_err(|_| Fault::overloaded("too many enrolments are under way"))?;
    Ok(Json(EnrolChallenge {
        session,
        id_object: blob.id_object.to_tpm2b().map_err(Fault::internal)?.into(),
        encrypted_secret: blob.secret.to_tpm2b().map_err(Fault::internal)?.into(),
    }))
}

pub(super) async fn finish(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Enrolled>, Fault> {
    let finish: EnrolFinish = json(body)?;
    let wrong = || {
        Fault::new(
            StatusCode::FORBIDDEN,
            "credential-wrong",
            "the secret is wrong, or the enrolment's time is over",
        )
        .hint("begin again; if it stays so, the two keys are not in one TPM")
    };
    let session = app.books.sessions.take(&finish.session, app.clock.now()).ok_or_else(wrong)?;
    if !same(session.secret.as_slice(), &finish.secret.0) {
        return Err(wrong());
    }
    let (host, tier) = (session.enrolment.host, session.enrolment.tier);
    let selection = session.enrolment.selection.to_string();
    let (done, head) = app.recorder.record(Work::Enrolment(Box::new(session.enrolment))).await?;
    let Done::Logged { index, leaf } = done else {
        return Err(Fault::internal("an enrolment was recorded without a leaf"));
    };
    tracing::info!(%host, %tier, index = index.get(), "enrolled");
    let about = About { leaf, index, wanted: Vec::new(), status: "none" };
    Ok(Json(Enrolled {
        host: host.to_string(),
        selection,
        heartbeat_secs: app.rules.heartbeat.as_secs(),
        log_key: app.log_key.clone(),
        tier: tier.name().to_owned(),
        receipt: receipt::build(&app, &head, LogSize::ZERO, about).await?,
    }))
}

/// Everything that can be said before the TPM has proved anything.
async fn check(app: &App, begin: &EnrolBegin) -> Result<NewEnrolment, Fault> {
    let ek = Public::parse(&begin.ek_public.0)
        .map_err(|error| Fault::malformed(format_args!("ek_public: {error}")))?;
    let ak = Public::parse(&begin.ak_public.0)
        .map_err(|error| Fault::malformed(format_args!("ak_public: {error}")))?;
    // A certificate vouches for the key's value alone; with other fields one TPM would be many hosts.
    if Template::of_endorsement_key(&ek).is_none() {
        return Err(unsuitable(
            "endorsement",
            "the endorsement key is of no template of the TCG's EK profile",
        ));
    }
    let host = HostId::of_endorsement_key(ek.raw());
    let token = Presented::parse(TokenKind::Join, &begin.token).ok_or(JoinRefusal::Unknown)?;
    let now = app.clock.now();
    check_join(app.store.readers(), &token, host, &ak.name().to_bytes(), now).await??;
    let ak = AttestationKey::new(ak).map_err(|error| unsuitable("ak-unsuitable", error))?.public().clone();
    if begin.ek_certificates.len() > EK_CERTIFICATES {
        return Err(Fault::malformed(format_args!("more than {EK_CERTIFICATES} certificates")));
    }
    let chain: Vec<&[u8]> = begin.ek_certificates.iter().map(|der| der.0.as_slice()).collect();
    let tier = app.endorser.tier(&ek, &chain, now).map_err(|error| {
        unsuitable("endorsement", error)
            .hint("put the root certificate of the TPM's vendor into the verifier's EK roots, if it is to be trusted")
    })?;
    check_banks(app, &begin.banks)?;
    Ok(NewEnrolment {
        token,
        host,
        name: host_name(&begin.host_name)?,
        ek,
        ak,
        chain: begin
            .chain
            .parse::<ChainId>()
            .map_err(|error| Fault::malformed(format_args!("chain: {error}")))?,
        tier,
        selection: app.rules.selection.clone(),
        agent_version: short(&begin.agent_version, "agent_version")?,
        reason: short(&begin.reason, "reason")?,
        salt: crate::random::bytes().map_err(Fault::internal)?,
    })
}

fn check_banks(app: &App, banks: &[String]) -> Result<(), Fault> {
    for (bank, _) in app.rules.selection.banks() {
        if !banks.iter().any(|has| has == bank.name()) {
            return Err(unsuitable("selection-mismatch", format_args!("the TPM has no PCR bank {bank}"))
                .hint(
                    "allocate the bank in the host's firmware, or change hosts.selection at the verifier",
                ));
        }
    }
    Ok(())
}

fn unsuitable(code: &'static str, error: impl std::fmt::Display) -> Fault {
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, code, error)
}

/// A display name: something to read, without what would disturb a terminal or a log.
fn host_name(name: &str) -> Result<String, Fault> {
    if name.is_empty()
        || name.len() > HOST_NAME_BYTES
        || name.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        let detail = format!("host_name has 1 to {HOST_NAME_BYTES} bytes and no white space");
        return Err(Fault::malformed(detail));
    }
    Ok(name.to_owned())
}

fn short(text: &str, what: &str) -> Result<String, Fault> {
    if text.len() > evidence::limits::SHORT_TEXT_BYTES || text.chars().any(char::is_control) {
        return Err(Fault::malformed(format_args!("{what} is too long or not printable")));
    }
    Ok(text.to_owned())
}

/// Compares in a time that does not depend on where the two differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
}

/// Reads a JSON body.
pub(super) fn json<T: DeserializeOwned>(body: Result<Bytes, BytesRejection>) -> Result<T, Fault> {
    serde_json::from_slice(&body?).map_err(Fault::malformed)
}
