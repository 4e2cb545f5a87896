//! What answers here, and whether it works.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use wire::PROTOCOL_VERSION;
use wire::operator::Version;

use super::App;
use super::problem::Fault;
use crate::sql;

/// `GET /v1/version`.
pub(super) async fn version(State(app): State<Arc<App>>) -> Json<Version> {
    Json(Version {
        name: "lydian-verifier".to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL_VERSION,
        origin: app.origin.clone(),
        log_key: app.log_key.clone(),
    })
}

/// `GET /v1/health`: the database answers and the recorder takes work.
pub(super) async fn health(State(app): State<Arc<App>>) -> Result<Json<serde_json::Value>, Fault> {
    let _: i64 = sql::query_scalar("SELECT 1").fetch_one(app.store.readers()).await?;
    if app.recorder.is_running() {
        Ok(Json(serde_json::json!({ "status": "ok" })))
    } else {
        Err(Fault::overloaded("the recorder has stopped"))
    }
}
