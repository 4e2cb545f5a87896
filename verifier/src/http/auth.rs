//! Operators' bearer tokens: each endpoint asks for a scope.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use wire::operator::Scope;

use super::App;
use super::problem::Fault;
use crate::store::action::Who;
use crate::store::token::{Presented, TokenKind, scope_name, scope_of};

pub(super) async fn read(app: State<Arc<App>>, request: Request, next: Next) -> Result<Response, Fault> {
    require(Scope::Read, &app, request, next).await
}

pub(super) async fn enrol(app: State<Arc<App>>, request: Request, next: Next) -> Result<Response, Fault> {
    require(Scope::Enrol, &app, request, next).await
}

pub(super) async fn admin(app: State<Arc<App>>, request: Request, next: Next) -> Result<Response, Fault> {
    require(Scope::Admin, &app, request, next).await
}

async fn require(needed: Scope, app: &App, mut request: Request, next: Next) -> Result<Response, Fault> {
    let Some(presented) = bearer(request.headers()) else {
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "unauthorised", "this needs a bearer token")
            .hint("make one with `lydian-verifier token create`"));
    };
    let scope = scope_of(app.store.readers(), &presented, app.clock.now()).await?;
    let Some(scope) = scope else {
        let detail = "the token is not known, has expired or was revoked";
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "unauthorised", detail)
            .hint("make one with `lydian-verifier token create`"));
    };
    if scope < needed {
        let (has, needs) = (scope_name(scope), scope_name(needed));
        let detail = format!("the token's scope is {has}, this needs {needs}");
        return Err(Fault::new(StatusCode::FORBIDDEN, "forbidden", detail)
            .hint("use a token with this scope, or a wider one"));
    }
    // What is done from here on is done by this token.
    request.extensions_mut().insert(Who::token(&presented.id));
    Ok(next.run(request).await)
}

fn bearer(headers: &HeaderMap) -> Option<Presented> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Presented::parse(TokenKind::Operator, token.trim())
}
