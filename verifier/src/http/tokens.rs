//! Tokens, for operators who may make them.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use evidence::time::UnixTime;
use wire::operator::{CreateJoinToken, CreateToken, NewToken, TokenList};

use super::App;
use super::enrol::json;
use super::problem::Fault;
use crate::limits::{OPERATOR_TOKEN_TTL_MAX, TOKEN_NAME_BYTES};
use crate::record::{Done, Work};
use crate::store::action::Who;
use crate::store::token::{self, TokenKind};

pub(super) async fn list_join(State(app): State<Arc<App>>) -> Result<Json<TokenList>, Fault> {
    list(&app, TokenKind::Join).await
}

pub(super) async fn list_operator(State(app): State<Arc<App>>) -> Result<Json<TokenList>, Fault> {
    list(&app, TokenKind::Operator).await
}

async fn list(app: &App, kind: TokenKind) -> Result<Json<TokenList>, Fault> {
    let tokens = token::list(app.store.readers(), kind, app.clock.now()).await?;
    Ok(Json(TokenList { tokens }))
}

pub(super) async fn create_join(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<NewToken>), Fault> {
    let asked: CreateJoinToken = json(body)?;
    let note = checked(asked.note, "note")?;
    let expires = expiry(&app, asked.ttl_secs, app.join_token_ttl_max)?;
    made(&app, Work::JoinToken { who, note, expires }).await
}

pub(super) async fn create_operator(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    body: Result<Bytes, BytesRejection>,
) -> Result<(StatusCode, Json<NewToken>), Fault> {
    let asked: CreateToken = json(body)?;
    let name = checked(asked.name, "name")?;
    if name.is_empty() {
        return Err(Fault::malformed("a token needs a name: whose it is, or what for"));
    }
    let expires = expiry(&app, asked.ttl_secs, OPERATOR_TOKEN_TTL_MAX)?;
    made(&app, Work::OperatorToken { who, name, scope: asked.scope, expires }).await
}

async fn made(app: &App, work: Work) -> Result<(StatusCode, Json<NewToken>), Fault> {
    match app.recorder.record(work).await? {
        (Done::Token(token), _) => Ok((StatusCode::CREATED, Json(token))),
        _ => Err(Fault::internal("no token was made")),
    }
}

pub(super) fn checked(text: String, what: &str) -> Result<String, Fault> {
    if text.len() > TOKEN_NAME_BYTES || text.chars().any(char::is_control) {
        return Err(Fault::malformed(format_args!(
            "{what} has more than {TOKEN_NAME_BYTES} bytes or is not printable"
        )));
    }
    Ok(text)
}

fn expiry(app: &App, ttl_secs: u64, max: Duration) -> Result<UnixTime, Fault> {
    if ttl_secs == 0 || ttl_secs > max.as_secs() {
        let detail = format!("ttl_secs must be between 1 and {}", max.as_secs());
        return Err(Fault::malformed(detail));
    }
    Ok(app.clock.now().plus_ms(ttl_secs * 1_000))
}

pub(super) async fn revoke_join(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    id: Path<String>,
) -> Result<StatusCode, Fault> {
    revoke(&app, who, TokenKind::Join, id).await
}

pub(super) async fn revoke_operator(
    State(app): State<Arc<App>>,
    Extension(who): Extension<Who>,
    id: Path<String>,
) -> Result<StatusCode, Fault> {
    revoke(&app, who, TokenKind::Operator, id).await
}

async fn revoke(app: &App, who: Who, kind: TokenKind, Path(id): Path<String>) -> Result<StatusCode, Fault> {
    match app.recorder.record(Work::Revoke { who, kind, id }).await? {
        (Done::Stored, _) => Ok(StatusCode::NO_CONTENT),
        _ => Err(Fault::not_found("there is no token with this id")),
    }
}
