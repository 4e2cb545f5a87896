//! What operators read: hosts, their history, and what was refused.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use evidence::digest::ChainId;
use evidence::time::UnixTime;
use inquiry::hosts::{Label, check_key};
use serde::Deserialize;
use wire::limits::REASON_BYTES;
use wire::operator::{
    HostDetail, HostHistory, HostList, HostStatus, LabelHost, RefusalList, RetireHost, RetiredHost,
};

use super::App;
use super::enrol::json;
use super::problem::Fault;
use crate::limits::{HISTORY_SHOWN, HOSTS_SHOWN, REFUSALS_SHOWN};
use crate::query::bundle::{self, Wanted};
use crate::query::history;
use crate::query::hosts::{self, Found, Page};
use crate::record::{Done, NewLabels, NewRetirement, Work};
use crate::store::action::Who;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HostsQuery {
    status: Option<HostStatus>,
    search: Option<String>,
    after: Option<String>,
    limit: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HistoryQuery {
    before: Option<u64>,
    limit: Option<i64>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct EvidenceQuery {
    chain: Option<String>,
}

/// Hosts that were last heard before this time are stale.
pub(super) fn silent_before(app: &App) -> UnixTime {
    let after_ms = u64::try_from(app.rules.stale_after.as_millis()).unwrap_or(u64::MAX);
    UnixTime::from_ms(app.clock.now().as_ms().saturating_sub(after_ms))
}

/// `GET /v1/hosts`.
pub(super) async fn hosts(
    State(app): State<Arc<App>>,
    query: Result<Query<HostsQuery>, QueryRejection>,
) -> Result<Json<HostList>, Fault> {
    let Query(query) = query.map_err(Fault::malformed)?;
    let page = Page {
        status: query.status,
        search: query.search,
        after: query.after,
        limit: query.limit.unwrap_or(HOSTS_SHOWN).clamp(1, HOSTS_SHOWN),
    };
    Ok(Json(hosts::list(&app.store, &page, silent_before(&app)).await?))
}

/// `GET /v1/hosts/{id, unique prefix or name}`.
pub(super) async fn host(
    State(app): State<Arc<App>>,
    Path(which): Path<String>,
) -> Result<Json<HostDetail>, Fault> {
    let row = find(&app, &which).await?;
    Ok(Json(hosts::detail(&app.store, row, silent_before(&app)).await?))
}

/// `GET /v1/hosts/{id, unique prefix or name}/history`.
pub(super) async fn history(
    State(app): State<Arc<App>>,
    Path(which): Path<String>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Json<HostHistory>, Fault> {
    let Query(query) = query.map_err(Fault::malformed)?;
    let row = find(&app, &which).await?;
    let limit = query.limit.unwrap_or(HISTORY_SHOWN).clamp(1, HISTORY_SHOWN);
    Ok(Json(history::of_host(&app.store, row, query.before, limit).await?))
}

/// `GET /v1/hosts/{id, unique prefix or name}/evidence/{seq}`: a bundle, of the newest chain or the one named.
pub(super) async fn evidence(
    State(app): State<Arc<App>>,
    Path((which, seq)): Path<(String, String)>,
    query: Result<Query<EvidenceQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    let Query(query) = query.map_err(Fault::malformed)?;
    let chain = query.chain.map(|chain| chain.parse::<ChainId>()).transpose().map_err(Fault::malformed)?;
    let host = find(&app, &which).await?;
    let absent = || Fault::not_found("the host has no evidence at this position");
    let seq = seq.parse().map_err(|_| absent())?;
    let wanted = Wanted { host, chain: chain.map(|chain| *chain.as_bytes()), seq };
    let found = bundle::of_evidence(&app.store, &wanted, &app.recorder, &app.log_key).await?;
    Ok(([(header::CONTENT_TYPE, BUNDLE)], found.ok_or_else(absent)?.encode()))
}

/// `POST /v1/hosts/{id, unique prefix or name}/retire`: no more is expected of it, and none is taken.
pub(super) async fn retire(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(which): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<RetiredHost>, Fault> {
    let asked: RetireHost = json(body)?;
    let reason = asked.reason;
    if reason.len() > REASON_BYTES || reason.chars().any(char::is_control) {
        return Err(Fault::malformed(format_args!(
            "reason has more than {REASON_BYTES} bytes or is not printable"
        )));
    }
    let host_row = find(&app, &which).await?;
    let salt = crate::random::bytes().map_err(Fault::internal)?;
    let work = Work::Retirement(Box::new(NewRetirement { host_row, who, reason, salt }));
    let (Done::Logged { index, .. }, _) = app.recorder.record(work).await? else {
        return Err(Fault::internal("a host was retired without a leaf"));
    };
    Ok(Json(RetiredHost { leaf: index.get() }))
}

/// `POST /v1/hosts/{id, unique prefix or name}/labels`: what operators call it.
pub(super) async fn label(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(which): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<HostDetail>, Fault> {
    let asked: LabelHost = json(body)?;
    let set: Result<Vec<Label>, _> = asked.set.iter().map(|(key, value)| Label::new(key, value)).collect();
    let set = set.map_err(Fault::malformed)?;
    asked.remove.iter().try_for_each(|key| check_key(key)).map_err(Fault::malformed)?;
    if set.iter().any(|label| asked.remove.contains(&label.key)) {
        return Err(Fault::malformed("a label is given and taken away at once"));
    }
    let host_row = find(&app, &which).await?;
    app.recorder.record(Work::Labels(NewLabels { host_row, who, set, remove: asked.remove })).await?;
    Ok(Json(hosts::detail(&app.store, host_row, silent_before(&app)).await?))
}

const BUNDLE: &str = "application/vnd.lydian.bundle";

/// `GET /v1/refusals`.
pub(super) async fn refusals(State(app): State<Arc<App>>) -> Result<Json<RefusalList>, Fault> {
    Ok(Json(RefusalList { refusals: hosts::refusals(app.store.readers(), None, REFUSALS_SHOWN).await? }))
}

pub(super) async fn find(app: &App, which: &str) -> Result<i64, Fault> {
    match hosts::find(app.store.readers(), which).await? {
        Found::One(row) => Ok(row),
        Found::None => Err(Fault::not_found("no host has this identity or name")),
        Found::Several => {
            Err(Fault::new(StatusCode::CONFLICT, "not-found", "several hosts fit: use more of the identity"))
        }
    }
}
