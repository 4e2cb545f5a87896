//! Receipts: what proves to an agent that its record is in the log, and that the log only grew.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use evidence::digest::Sha256Digest;
use ledger::hash::Hash;
use ledger::leaf::Leaf;
use ledger::tree::{LeafIndex, LogSize};
use serde::Deserialize;
use wire::Base64Bytes;
use wire::submit::Receipt;

use super::App;
use super::problem::Fault;
use crate::appraise::status_name;
use crate::store::log::Head;

/// `from`: the size of the checkpoint that the agent holds.
#[derive(Debug, Default, Deserialize)]
pub(super) struct From {
    #[serde(default)]
    from: u64,
}

impl From {
    /// A size that the log has had.
    pub(super) fn checked(&self, head: &Head) -> Result<LogSize, Fault> {
        match LogSize::new(self.from) {
            Ok(size) if size <= head.size() => Ok(size),
            _ => Err(checkpoint_unknown(format_args!(
                "the log has {} leaves; a checkpoint of {} is not on its history",
                head.size(),
                self.from
            ))),
        }
    }
}

pub(super) fn checkpoint_unknown(detail: impl std::fmt::Display) -> Fault {
    Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "checkpoint-unknown", detail)
        .hint("the verifier was restored from an older backup, or somebody showed this host another log")
}

/// What a receipt says beside its proofs.
#[derive(Debug)]
pub(super) struct About {
    pub(super) leaf: Leaf,
    pub(super) index: LeafIndex,
    pub(super) wanted: Vec<Sha256Digest>,
    pub(super) status: &'static str,
}

/// Builds the proofs towards a head.
pub(super) async fn build(app: &App, head: &Head, from: LogSize, about: About) -> Result<Receipt, Fault> {
    let (inclusion, consistency) = app.store.prove(about.index, from, head).await?;
    let bytes =
        |hashes: &[Hash]| hashes.iter().map(|hash| Base64Bytes::from(hash.as_bytes().as_slice())).collect();
    Ok(Receipt {
        leaf: Base64Bytes::from(about.leaf.to_bytes().as_slice()),
        index: about.index.get(),
        inclusion: bytes(inclusion.hashes()),
        from_size: from.get(),
        consistency: bytes(consistency.hashes()),
        checkpoint: head.checkpoint.note().as_str().to_owned(),
        wanted: about.wanted.iter().map(ToString::to_string).collect(),
        status: about.status.to_owned(),
    })
}

/// `GET /v1/evidence/{digest}/receipt`.
pub(super) async fn of_recorded(
    State(app): State<Arc<App>>,
    Path(digest): Path<String>,
    Query(from): Query<From>,
) -> Result<Json<Receipt>, Fault> {
    let unknown = |what: &dyn std::fmt::Display| Fault::new(StatusCode::NOT_FOUND, "unknown-evidence", what);
    let digest: Sha256Digest = digest.parse().map_err(|error| unknown(&error))?;
    let found = app.store.recorded(&digest).await?;
    let found = found.ok_or_else(|| unknown(&"no evidence with this digest is recorded"))?;
    let index = LeafIndex::new(found.leaf).map_err(Fault::internal)?;
    let head = app.recorder.head_with(index).await?;
    let from = from.checked(&head)?;
    let leaf = app.store.leaf(index, &head).await?.ok_or_else(|| Fault::internal("a leaf is missing"))?;
    let wanted = app.store.wanted_of(found.host_row).await?;
    let about = About { leaf, index, wanted, status: status_name(found.status) };
    Ok(Json(build(&app, &head, from, about).await?))
}
