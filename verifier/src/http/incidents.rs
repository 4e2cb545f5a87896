//! Incidents, for operators: whoever may ask may read how they stand, and admins open and close them.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use inquiry::role::Role;
use wire::incident::{CloseIncident, IncidentList, IncidentRule, IncidentStatus};
use wire::trusted::AskTrusted;

use super::App;
use super::enrol::json;
use super::operator::silent_before;
use super::problem::Fault;
use super::tokens::checked;
use super::trusted::understand;
use super::watches::named;
use crate::query::incident;
use crate::record::{Done, Work};
use crate::store::action::Who;
use crate::store::incident::views;

/// `GET /v1/incidents`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<IncidentList>, Fault> {
    Ok(Json(IncidentList { incidents: views(app.store.readers(), None).await? }))
}

/// `GET /v1/incidents/{name}`: asking is an action, as every such question is.
pub(super) async fn status(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
) -> Result<Json<IncidentStatus>, Fault> {
    let found = views(app.store.readers(), Some(&name)).await?.pop();
    let found = found.ok_or_else(|| Fault::not_found("no incident has this name"))?;
    let question = &found.rule.question;
    let asked = understand(question)?;
    let ever = understand(&AskTrusted {
        subjects: question.subjects.clone(),
        accept: question.accept.clone(),
        hosts: question.hosts.clone(),
        ..AskTrusted::default()
    })?;
    app.recorder.record(Work::Asked { who, question: format!("how incident {name} stands") }).await?;
    Ok(Json(incident::status(&app.store, found, &asked, ever, silent_before(&app)).await?))
}

/// `POST /v1/incidents`.
pub(super) async fn open(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<IncidentRule>), Fault> {
    let mut rule: IncidentRule = json(body)?;
    rule.name = named(rule.name)?;
    rule.note = checked(rule.note, "note")?;
    if understand(&rule.question)?.roles.contains(&Role::Revoked) {
        return Err(Fault::malformed("to be revoked is no exposure: an incident has no such role"));
    }
    let (done, _) = app.recorder.record(Work::OpenIncident { who, rule: Box::new(rule.clone()) }).await?;
    if matches!(done, Done::Stored) {
        return Ok((StatusCode::CREATED, Json(rule)));
    }
    let detail = format!("there is an incident {} already", rule.name);
    Err(Fault::new(StatusCode::CONFLICT, "exists", detail).hint("take another name: incidents stay"))
}

/// `POST /v1/incidents/{name}/close`.
pub(super) async fn close(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    Path(name): Path<String>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Fault> {
    let asked: CloseIncident = json(body)?;
    let note = checked(asked.note, "note")?;
    match app.recorder.record(Work::CloseIncident { who, name, note }).await? {
        (Done::Stored, _) => Ok(StatusCode::NO_CONTENT),
        _ => Err(Fault::not_found("no open incident has this name")),
    }
}
