//! `POST /v1/evidence`: a host submits evidence and gets a receipt, or a refusal with its reason.
//!
//! Every refusal is kept for operators. Cheap checks come first, nothing is unpacked before there is room for it, and
//! the costly part runs on threads of its own.

use std::sync::Arc;

use appraisal::policy::NotBefore;
use appraisal::refusal::Refusal;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, FromRequest as _, Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use evidence::body::FirmwareLog;
use evidence::digest::HostId;
use evidence::envelope::Envelope;
use evidence::limits::ENVELOPE_BYTES;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;
use wire::EVIDENCE_MEDIA_TYPE;
use wire::limits::EVIDENCE_REQUEST_BYTES;
use wire::problem::Resume;
use wire::submit::{DecompressError, Receipt, decompress_against};

use super::limits::Rate;
use super::problem::Fault;
use super::receipt::{self, About, checkpoint_unknown};
use super::{App, Peer};
use crate::appraise::{Circumstances, Unrecordable, appraise, status_name};
use crate::query::reference::{self, Reference};
use crate::record::{Done, NewEvidence, NewRefusal, RecordError, Work};
use crate::store::host::EnrolledHost;
use crate::store::log::Standing;

/// A refusal, and whom it concerns as far as that is known.
struct Refused {
    host_row: Option<i64>,
    named: Option<HostId>,
    fault: Fault,
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Self { host_row: None, named: None, fault }
    }
}

pub(super) async fn submit(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    Query(from): Query<receipt::From>,
    Query(against): Query<Against>,
    request: Request,
) -> Result<Json<Receipt>, Fault> {
    match accept(&app, &from, &against, request).await {
        Ok(receipt) => Ok(Json(receipt)),
        Err(refused) => {
            keep(&app, peer, &refused).await;
            Err(refused.fault)
        }
    }
}

/// A failure of ours is not a refusal; it is in the program's log.
async fn keep(app: &App, peer: Peer, refused: &Refused) {
    // What is asked for is no refusal either.
    let kept = !matches!(
        refused.fault.code(),
        "internal" | "overloaded" | "reference-unknown" | "firmware-log-needed"
    );
    if !kept {
        return;
    }
    let (code, detail) = (refused.fault.code(), refused.fault.detail().to_owned());
    tracing::warn!(%peer, code, detail, host = ?refused.named, "refused evidence");
    let refusal = NewRefusal {
        host_row: refused.host_row,
        named: refused.named,
        code,
        detail,
        peer: peer.to_string(),
        at: app.clock.now(),
    };
    if let Err(error) = app.recorder.record(Work::Refusal(Box::new(refusal))).await {
        tracing::error!(%error, "a refusal could not be kept");
    }
}

/// What the submission is compressed against.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Against {
    /// The first eight bytes of the digest of evidence of the same host, in hex.
    against: Option<String>,
    /// The root of a state that another host has.
    state: Option<String>,
}

impl Against {
    async fn reference(&self, app: &App) -> Result<Reference, Fault> {
        let found = match (&self.against, &self.state) {
            (Some(begin), _) => {
                let mut bytes = [0; 8];
                hex::decode_to_slice(begin, &mut bytes)
                    .map_err(|_| Fault::malformed("`against` is not the begin of a digest in hex"))?;
                reference::of_evidence(&app.store, bytes).await?
            }
            (None, Some(root)) => {
                let root = root.parse().map_err(|_| Fault::malformed("`state` is no SHA-256 digest"))?;
                reference::of_state(&app.store, &root).await?
            }
            (None, None) => Some(Reference::None),
        };
        found.ok_or_else(reference_unknown)
    }
}

async fn accept(
    app: &Arc<App>,
    from: &receipt::From,
    against: &Against,
    request: Request,
) -> Result<Receipt, Refused> {
    media_type(request.headers(), EVIDENCE_MEDIA_TYPE)?;
    let from = from.checked(&app.recorder.head())?;
    let _room = room_for(app, request.headers(), EVIDENCE_REQUEST_BYTES)?;
    let bytes = Bytes::from_request(request, app).await.map_err(Fault::from)?;
    let turn = turn(app).await?;
    let reference = against.reference(app).await?;
    let (whose, reference) = match reference {
        Reference::None => (None, Vec::new()),
        Reference::Evidence { host_row, bytes } => (Some(host_row), bytes),
        Reference::State(bytes) => (None, bytes),
    };
    let envelope = blocking(move || unpack(&bytes, &reference)).await??;
    let named = envelope.evidence.body().host;
    let found = app.store.enrolled(named).await.map_err(Fault::from)?;
    // What was unpacked with another host's evidence is not talked about: it may hold parts of that.
    if whose.is_some_and(|whose| found.as_ref().is_none_or(|found| found.row != whose)) {
        return Err(reference_unknown().into());
    }
    let unknown = || Refused { host_row: None, named: Some(named), fault: unknown_host(named) };
    let host = Arc::new(found.ok_or_else(unknown)?);
    let row = host.row;
    let of_host = |fault| Refused { host_row: Some(row), named: Some(named), fault };
    let new = judge(app, Arc::new(envelope), Arc::clone(&host)).await.map_err(of_host)?;
    // Others compute while this one waits for the disk; so many share one flush.
    drop(turn);
    if app.books.rates.host(named) == Rate::Exceeded {
        return Err(of_host(Fault::rate_limited("too much evidence from this host")));
    }
    let status = status_name(new.status);
    let (chain, seq) = (new.chain, new.seq);
    let recorded = app.recorder.record(Work::Evidence(Box::new(new))).await;
    let (done, head) = match recorded {
        Ok(recorded) => recorded,
        Err(error) => return Err(of_host(overtaken(app, named, error).await)),
    };
    let Done::Logged { index, leaf } = done else {
        return Err(Fault::internal("evidence was recorded without a leaf").into());
    };
    app.folder.recorded(chain, seq);
    app.watcher.look();
    let wanted = app.store.wanted_of(row).await.map_err(Fault::from)?;
    let about = About { leaf, index, wanted, status };
    Ok(receipt::build(app, &head, from, about).await?)
}

/// Reads what the evidence is verified against, and verifies it.
async fn judge(
    app: &Arc<App>,
    envelope: Arc<Envelope>,
    host: Arc<EnrolledHost>,
) -> Result<NewEvidence, Fault> {
    let body = envelope.evidence.body();
    let known = match body.firmware_log {
        FirmwareLog::Present(digest) => app.store.blob(&digest).await?,
        FirmwareLog::Absent => None,
    };
    let position = resume(&host, known.is_some());
    if app.store.recorded(&envelope.evidence.digest()).await?.is_some() {
        return Err(Fault::from(RecordError::Replayed).resume(position));
    }
    let view = body.checkpoint;
    let standing = app.store.standing(&view, &app.recorder.head()).await?;
    let not_before = match standing {
        Standing::Known(at) => NotBefore::Checkpoint(at),
        Standing::Empty | Standing::Unknown => NotBefore::Unknown,
    };
    let circumstances = Circumstances {
        received: app.clock.now(),
        not_before,
        heartbeat_ms: u64::try_from(app.rules.heartbeat.as_millis()).unwrap_or(u64::MAX),
    };
    let policy = app.policy.clone();
    let judged =
        blocking(move || appraise(&envelope, &host, known.as_deref(), &policy, &circumstances)).await?;
    match judged {
        // A signature by the host's key is what makes the claim about the checkpoint worth an alarm.
        Ok(_) if standing == Standing::Unknown => Err(checkpoint_unknown(format_args!(
            "the host holds a checkpoint of {} leaves that is not on this log's history",
            view.size
        ))
        .resume(position)),
        Ok(new) => Ok(new),
        Err(Unrecordable::Refused(refusal)) => Err(refusal_fault(&refusal).resume(position)),
        Err(error) => Err(Fault::internal(error)),
    }
}

/// Where a refused agent finds back to.
fn resume(host: &EnrolledHost, has_firmware_log: bool) -> Resume {
    Resume {
        next_seq: host.state.next_seq(),
        prev: host.state.prev().to_string(),
        has_firmware_log,
        ima_first: host.state.ima_first(),
    }
}

/// Two submissions of one host met: the second hears where the chain is now.
async fn overtaken(app: &App, host: HostId, error: RecordError) -> Fault {
    let place = matches!(error, RecordError::Replayed | RecordError::Overtaken);
    let fault = Fault::from(error);
    match app.store.enrolled(host).await {
        Ok(Some(host)) if place => fault.resume(resume(&host, host.state.carried_firmware_log().is_some())),
        _ => fault,
    }
}

fn unknown_host(named: HostId) -> Fault {
    Fault::new(StatusCode::NOT_FOUND, "unknown-host", format_args!("host {named} is not enrolled"))
        .hint("enrol it with a join token: `lydian-agent enroll`")
}

fn refusal_fault(refusal: &Refusal) -> Fault {
    let status = match refusal.code() {
        "unknown-host" => StatusCode::NOT_FOUND,
        "wrong-chain" | "replayed" | "seq-out-of-order" | "prev-mismatch" | "ima-out-of-order" => {
            StatusCode::CONFLICT
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    Fault::new(status, refusal.code(), refusal).hint(refusal.hint())
}

fn reference_unknown() -> Fault {
    let detail = "no evidence of this host is recorded that the submission could be unpacked with";
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "reference-unknown", detail)
        .hint("send the same evidence compressed by itself, without `against`")
}

fn unpack(compressed: &[u8], reference: &[u8]) -> Result<Envelope, Fault> {
    let bytes = decompress_against(compressed, reference, ENVELOPE_BYTES).map_err(|error| match error {
        DecompressError::TooLong { .. } => Fault::too_large(error),
        DecompressError::Frame(_) => Fault::malformed(error),
    })?;
    Envelope::decode(&bytes).map_err(Fault::malformed)
}

/// Refuses a body of another kind before it is read.
pub(super) fn media_type(headers: &HeaderMap, expected: &str) -> Result<(), Fault> {
    let found = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if found == expected {
        return Ok(());
    }
    let detail = format!("content-type must be {expected}");
    Err(Fault::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "malformed", detail))
}

/// Takes room in memory for a body before it is read.
pub(super) fn room_for(app: &App, headers: &HeaderMap, limit: usize) -> Result<OwnedSemaphorePermit, Fault> {
    let stated = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let length: usize = stated.unwrap_or(limit);
    if length > limit {
        return Err(Fault::too_large(format_args!("a body of {length} bytes; the limit is {limit}")));
    }
    let kib = u32::try_from(length.div_ceil(1024)).unwrap_or(u32::MAX);
    let permit = Arc::clone(&app.books.submissions).try_acquire_many_owned(kib);
    permit.map_err(|_| Fault::overloaded("too many submissions are being received"))
}

/// Waits for a turn to compute.
pub(super) async fn turn(app: &App) -> Result<OwnedSemaphorePermit, Fault> {
    let turn = Arc::clone(&app.books.verifications).acquire_owned().await;
    turn.map_err(|_| Fault::overloaded("the verifier is stopping"))
}

/// Computes away from the threads that serve the network.
pub(super) async fn blocking<T: Send + 'static>(
    compute: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Fault> {
    tokio::task::spawn_blocking(compute).await.map_err(|error| {
        tracing::error!(%error, "verifying did not come to an end");
        Fault::internal("verifying did not come to an end")
    })
}
