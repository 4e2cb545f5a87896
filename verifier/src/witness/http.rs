//! The witness's interface: C2SP tlog-witness, and a page that says whose it is.

use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Extension, Path, Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use ledger::cosignature::CosignerSecret;
use ledger::limits::MAX_ADD_CHECKPOINT_BYTES;
use ledger::witness::{AddCheckpoint, Refusal, Suspicion, judge};
use tokio_util::sync::CancellationToken;

use super::book::Book;
use crate::clock::Clock;
use crate::config::Limits;
use crate::failure::{Exit, Failure};
use crate::http::Peer;
use crate::http::limits::{Rate, RateLimits};

/// What every handler stands on.
#[derive(Debug)]
pub(super) struct Witness {
    secret: CosignerSecret,
    /// Held from judging to remembering, so that two requests for one log cannot both pass.
    book: Mutex<Book>,
    clock: Clock,
    rates: RateLimits,
    stop: CancellationToken,
    failure: Mutex<Option<Failure>>,
}

impl Witness {
    pub(super) fn new(
        secret: CosignerSecret,
        book: Book,
        clock: Clock,
        limits: &Limits,
        stop: CancellationToken,
    ) -> Self {
        let rates = RateLimits::new(limits);
        Self { secret, book: Mutex::new(book), clock, rates, stop, failure: Mutex::default() }
    }

    /// What ended the witness.
    pub(super) fn failure(&self) -> Option<Failure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Judges, remembers, cosigns: blocks on the disk.
    fn cosign(&self, body: &[u8]) -> Response {
        let request = match AddCheckpoint::parse(body) {
            Ok(request) => request,
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("{error}\n")),
        };
        // A thread that panicked in between may have left the book and the disk apart.
        let Ok(mut book) = self.book.lock() else {
            return self.end(&Failure::new(Exit::Software, "a request died"));
        };
        let origin = request.checkpoint().claim().origin();
        let (keys, latest) = match book.log(origin) {
            Some(watched) => (watched.keys.as_slice(), watched.latest.as_ref()),
            None => (&[][..], None),
        };
        let verified = match judge(&request, keys, latest) {
            Ok(verified) => verified,
            Err(refusal) => return self.refuse(&mut book, &request, refusal),
        };
        let time = self.clock.now().as_ms() / 1_000;
        let cosigned =
            self.secret.cosign(&verified, time).map_err(|error| error.to_string()).and_then(|line| {
                let mut signed = verified.signed().clone();
                signed.add_signature(line.clone()).map_err(|error| error.to_string())?;
                let verified = signed.verify_by_any(origin, keys).map_err(|error| error.to_string())?;
                Ok((line, verified))
            });
        let (line, cosigned) = match cosigned {
            Ok(cosigned) => cosigned,
            // A note that is full already, most likely.
            Err(error) => return text(StatusCode::BAD_REQUEST, format!("it cannot be cosigned: {error}\n")),
        };
        if let Err(failure) = book.remember(cosigned) {
            return self.end(&failure);
        }
        text(StatusCode::OK, format!("{}\n", line.to_line()))
    }

    fn refuse(&self, book: &mut Book, request: &AddCheckpoint, refusal: Refusal) -> Response {
        let claim = request.checkpoint().claim();
        let suspicion = refusal.suspicion();
        let kept = match book.keep(suspicion, request) {
            Ok(kept) => kept,
            Err(failure) => return self.end(&failure),
        };
        match suspicion {
            Suspicion::Fork => tracing::error!(
                origin = %claim.origin(), size = %claim.size(), ?kept, "a log has signed two histories"
            ),
            Suspicion::Doubt => tracing::warn!(
                origin = %claim.origin(), size = %claim.size(), %refusal, ?kept,
                "a checkpoint is not shown to follow from the last one"
            ),
            Suspicion::None => {
                tracing::info!(origin = %claim.origin(), size = %claim.size(), %refusal, "not cosigned");
            }
        }
        let status = StatusCode::from_u16(refusal.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, body) = refusal.body();
        (status, [(header::CONTENT_TYPE, kind)], body).into_response()
    }

    /// After a failed write nobody knows what the disk holds: the witness ends, and reads it when it starts again.
    fn end(&self, failure: &Failure) -> Response {
        tracing::error!(%failure, "the witness ends");
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
        self.stop.cancel();
        text(
            StatusCode::INTERNAL_SERVER_ERROR,
            "the witness could not remember what it would sign\n".to_owned(),
        )
    }
}

/// Every endpoint.
pub(super) fn router(witness: Arc<Witness>) -> Router {
    Router::new()
        .route("/", get(about))
        .route("/add-checkpoint", post(add_checkpoint).layer(DefaultBodyLimit::max(MAX_ADD_CHECKPOINT_BYTES)))
        .route("/{log}/checkpoint", get(checkpoint))
        .fallback(async || text(StatusCode::NOT_FOUND, "there is no such path\n".to_owned()))
        .layer(from_fn_with_state(Arc::clone(&witness), guard))
        .with_state(witness)
}

/// Charges the address before anything is read.
async fn guard(
    State(witness): State<Arc<Witness>>,
    Extension(Peer(peer)): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    if witness.rates.address(peer.ip()) == Rate::Exceeded {
        return text(StatusCode::TOO_MANY_REQUESTS, "too many requests from this address\n".to_owned());
    }
    next.run(request).await
}

async fn about(State(witness): State<Arc<Witness>>) -> Response {
    let key = witness.secret.cosigner_key();
    text(StatusCode::OK, format!("A witness of transparency logs (c2sp.org/tlog-witness).\n\n{key}\n"))
}

async fn add_checkpoint(State(witness): State<Arc<Witness>>, body: Bytes) -> Response {
    tokio::task::spawn_blocking(move || witness.cosign(&body))
        .await
        .unwrap_or_else(|error| text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")))
}

/// `GET /<hex of the origin's SHA-256>/checkpoint`, for monitors.
async fn checkpoint(State(witness): State<Arc<Witness>>, Path(log): Path<String>) -> Response {
    let note = {
        let book = witness.book.lock().unwrap_or_else(PoisonError::into_inner);
        book.by_name(&log).map(|latest| latest.signed().note().as_str().to_owned())
    };
    match note {
        Some(note) => text(StatusCode::OK, note),
        None => text(StatusCode::NOT_FOUND, "no checkpoint of that log was cosigned\n".to_owned()),
    }
}

fn text(status: StatusCode, body: String) -> Response {
    let headers = [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (status, headers, body).into_response()
}
