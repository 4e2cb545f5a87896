//! The HTTPS interface: one file for each family of endpoints, and what they share.
//!
//! In: requests from anybody. Out: answers as `docs/protocol.md` tells them; every error is a problem document.
//! Nothing is believed for having come over TLS: agents prove themselves by what they send, operators by a token.

mod actions;
mod auth;
mod enrol;
mod evidence;
mod incidents;
pub(crate) mod limits;
mod log;
mod manifests;
mod operator;
mod problem;
mod proofs;
mod receipt;
mod server;
mod session;
mod status;
mod tokens;
mod trusted;
mod watches;

#[cfg(test)]
pub(crate) mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use appraisal::policy::Policy;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Extension, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use tokio::sync::Semaphore;
use wire::limits::{EVIDENCE_REQUEST_BYTES, JSON_REQUEST_BYTES, MANIFESTS_REQUEST_BYTES};
use wire::{PROTOCOL_HEADER, PROTOCOL_VERSION};

use crate::clock::Clock;
use crate::config::{HostRules, Limits};
use crate::cosign::Board;
use crate::endorse::Endorser;
use crate::fold::Folder;
use crate::limits::{QUESTION_BYTES, REQUEST_TIMEOUT, SUBMISSION_KIB};
use crate::record::Recorder;
use crate::store::Store;
use crate::watch::Watcher;

pub(crate) use trusted::understand;

use limits::{Rate, RateLimits};
pub(crate) use problem::Fault;
use session::Sessions;

pub(crate) use server::{Server, tls_config};

/// What every handler stands on.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) folder: Folder,
    pub(crate) watcher: Watcher,
    pub(crate) clock: Clock,
    pub(crate) rules: HostRules,
    pub(crate) join_token_ttl_max: Duration,
    pub(crate) endorser: Endorser,
    pub(crate) policy: Policy,
    pub(crate) log_key: String,
    pub(crate) origin: String,
    /// How the log's witnesses stand.
    pub(crate) witnesses: Board,
    pub(crate) books: Books,
}

/// What the handlers keep about their callers.
#[derive(Debug)]
pub(crate) struct Books {
    rates: RateLimits,
    sessions: Sessions,
    /// Who computes; the others wait.
    verifications: Arc<Semaphore>,
    /// Kibibytes of submissions that are held in memory.
    submissions: Arc<Semaphore>,
}

impl Books {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            rates: RateLimits::new(limits),
            sessions: Sessions::new(),
            verifications: Arc::new(Semaphore::new(limits.verifications)),
            submissions: Arc::new(Semaphore::new(SUBMISSION_KIB)),
        }
    }
}

/// Where a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peer(pub(crate) SocketAddr);

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.ip().to_canonical().fmt(f)
    }
}

/// Every endpoint.
pub(crate) fn router(app: Arc<App>) -> Router {
    let limit = |bytes| DefaultBodyLimit::max(bytes);
    let agents = Router::new()
        .route("/v1/enrol/begin", post(enrol::begin).layer(limit(JSON_REQUEST_BYTES)))
        .route("/v1/enrol/finish", post(enrol::finish).layer(limit(JSON_REQUEST_BYTES)))
        .route("/v1/evidence", post(evidence::submit).layer(limit(EVIDENCE_REQUEST_BYTES)))
        .route("/v1/evidence/{digest}/receipt", get(receipt::of_recorded))
        .route("/v1/manifests", post(manifests::upload).layer(limit(MANIFESTS_REQUEST_BYTES)))
        .route_layer(from_fn(check_protocol));
    let open = Router::new()
        .route("/checkpoint", get(log::checkpoint))
        .route("/tile/{*path}", get(log::tile))
        .route("/archive/{*path}", get(log::archive))
        .route("/v1/log/proof/{index}", get(log::proof))
        .route("/v1/version", get(status::version))
        .route("/v1/health", get(status::health));
    let readers = Router::new()
        .route("/v1/hosts", get(operator::hosts))
        .route("/v1/hosts/{host}", get(operator::host))
        .route("/v1/hosts/{host}/history", get(operator::history))
        .route("/v1/hosts/{host}/evidence/{seq}", get(operator::evidence))
        .route("/v1/hosts/{host}/chains", get(proofs::chains))
        .route("/v1/hosts/{host}/chains/{chain}", get(proofs::chain))
        .route("/v1/images/{image}", get(proofs::image))
        .route("/v1/carried/{hash}", get(proofs::carried))
        .route("/v1/index-roots/newest", get(proofs::index_root))
        .route("/v1/manifests/read", post(proofs::manifests).layer(limit(JSON_REQUEST_BYTES)))
        .route("/v1/refusals", get(operator::refusals))
        .route("/v1/trusted", post(trusted::ask).layer(limit(QUESTION_BYTES)))
        .route("/v1/actions", get(actions::list))
        .route("/v1/watches", get(watches::list))
        .route("/v1/incidents", get(incidents::list))
        .route("/v1/incidents/{name}", get(incidents::status))
        .route("/v1/watches/{name}", get(watches::show))
        .route("/v1/log/witnesses", get(log::witnesses))
        .route_layer(from_fn_with_state(Arc::clone(&app), auth::read));
    let enrollers = Router::new()
        .route("/v1/join-tokens", get(tokens::list_join).post(tokens::create_join))
        .route("/v1/join-tokens/{id}", delete(tokens::revoke_join))
        .layer(limit(JSON_REQUEST_BYTES))
        .route_layer(from_fn_with_state(Arc::clone(&app), auth::enrol));
    let admins = Router::new()
        .route("/v1/tokens", get(tokens::list_operator).post(tokens::create_operator))
        .route("/v1/tokens/{id}", delete(tokens::revoke_operator))
        .route("/v1/hosts/{host}/retire", post(operator::retire))
        .route("/v1/hosts/{host}/labels", post(operator::label))
        .layer(limit(JSON_REQUEST_BYTES))
        .merge(
            Router::new()
                .route("/v1/watches", post(watches::add).layer(limit(QUESTION_BYTES)))
                .route("/v1/incidents", post(incidents::open).layer(limit(QUESTION_BYTES)))
                .route("/v1/incidents/{name}/close", post(incidents::close).layer(limit(JSON_REQUEST_BYTES)))
                .route("/v1/watches/{name}", delete(watches::remove)),
        )
        .route_layer(from_fn_with_state(Arc::clone(&app), auth::admin));
    agents
        .merge(open)
        .merge(readers)
        .merge(enrollers)
        .merge(admins)
        .fallback(async || Fault::not_found("there is no such path"))
        .method_not_allowed_fallback(async || {
            Fault::new(StatusCode::METHOD_NOT_ALLOWED, "not-found", "this path does not take this method")
        })
        .layer(from_fn_with_state(Arc::clone(&app), guard))
        .with_state(app)
}

/// What holds for every request: an address's rate, a time limit, and our version on the answer.
async fn guard(
    State(app): State<Arc<App>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let mut response = match app.books.rates.address(peer.0.ip()) {
        Rate::Exceeded => Fault::rate_limited("too many requests from this address").into_response(),
        Rate::Within => match tokio::time::timeout(REQUEST_TIMEOUT, next.run(request)).await {
            Ok(response) => response,
            Err(_) => Fault::new(StatusCode::REQUEST_TIMEOUT, "overloaded", "the request took too long")
                .into_response(),
        },
    };
    response.headers_mut().insert(PROTOCOL_HEADER, HeaderValue::from(PROTOCOL_VERSION));
    response
}

/// Agents say which version they speak; another is told so before anything else is read.
async fn check_protocol(request: Request, next: Next) -> Response {
    let said = request.headers().get(PROTOCOL_HEADER).and_then(|value| value.to_str().ok());
    if said.and_then(|said| said.parse().ok()) == Some(PROTOCOL_VERSION) {
        return next.run(request).await;
    }
    let said = said.unwrap_or("none");
    let detail =
        format!("this verifier speaks protocol {PROTOCOL_VERSION}, the request says {}", said.escape_debug());
    Fault::new(StatusCode::BAD_REQUEST, "protocol-version", detail)
        .hint("install versions of agent and verifier that belong together")
        .into_response()
}
