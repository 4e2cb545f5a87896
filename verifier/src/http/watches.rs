//! Watches, for operators: whoever may ask may read them, and admins add and remove them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use wire::watch::{AlertStanding, WatchDetail, WatchList, WatchRule};

use super::App;
use super::actions::Before;
use super::enrol::json;
use super::problem::Fault;
use super::tokens::checked;
use crate::record::{Done, Work};
use crate::store::action::Who;
use crate::store::watch;
use crate::watch::Alerting;

/// `GET /v1/watches`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<WatchList>, Fault> {
    let watches = watch::views(app.store.readers(), &app.watcher.standings(), None).await?;
    let alerts = match app.watcher.alerting() {
        Alerting::Off => None,
        Alerting::On(error) => {
            let waiting = watch::count_untold(app.store.readers()).await?;
            Some(AlertStanding { waiting, error: error.filter(|_| waiting > 0) })
        }
    };
    Ok(Json(WatchList { watches, alerts }))
}

/// `GET /v1/watches/{name}`, with what it found before `before`.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    query: Result<Query<Before>, QueryRejection>,
) -> Result<Json<WatchDetail>, Fault> {
    let Query(Before { before }) = query.map_err(Fault::malformed)?;
    let found = watch::views(app.store.readers(), &app.watcher.standings(), Some(&name)).await?.pop();
    let watch = found.ok_or_else(|| Fault::not_found("no watch has this name"))?;
    let (hits, next) = watch::hits(app.store.readers(), &name, before).await?;
    Ok(Json(WatchDetail { watch, hits, next }))
}

/// `POST /v1/watches`.
pub(super) async fn add(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<WatchRule>), Fault> {
    let mut rule: WatchRule = json(body)?;
    rule.name = named(rule.name)?;
    rule.note = checked(rule.note, "note")?;
    crate::watch::check(&rule)?;
    let name = rule.name.clone();
    match app.recorder.record(Work::Watch { who, rule: Box::new(rule.clone()) }).await? {
        (Done::Stored, _) => {
            app.watcher.look();
            Ok((StatusCode::CREATED, Json(rule)))
        }
        _ => Err(Fault::new(StatusCode::CONFLICT, "exists", format_args!("there is a watch {name} already"))
            .hint("`lydian watch rm` removes it")),
    }
}

/// `DELETE /v1/watches/{name}`.
pub(super) async fn remove(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<StatusCode, Fault> {
    match app.recorder.record(Work::Unwatch { who, name }).await? {
        (Done::Stored, _) => Ok(StatusCode::NO_CONTENT),
        _ => Err(Fault::not_found("no watch has this name")),
    }
}

/// A name that can be a segment of a path.
pub(super) fn named(name: String) -> Result<String, Fault> {
    let name = checked(name, "name")?;
    if is_name(&name) {
        return Ok(name);
    }
    Err(Fault::malformed("a name has letters, digits, dots, dashes and underscores"))
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with('.')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_'))
}
