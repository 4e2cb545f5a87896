//! What operators did, with the leaves that keep it from being rewritten.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use serde::Deserialize;
use wire::operator::ActionList;

use super::App;
use super::problem::Fault;
use crate::store::action;

/// `before`: the id of the oldest action of the page before.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Before {
    #[serde(default)]
    pub(super) before: Option<u64>,
}

/// `GET /v1/actions`: newest first.
pub(super) async fn list(
    State(app): State<Arc<App>>,
    query: Result<Query<Before>, QueryRejection>,
) -> Result<Json<ActionList>, Fault> {
    let Query(Before { before }) = query.map_err(Fault::malformed)?;
    Ok(Json(ActionList { actions: action::list(app.store.readers(), before).await? }))
}
