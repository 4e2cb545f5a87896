//! The log, for everybody: its newest checkpoint, and proofs of single leaves.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ledger::proof_file::ProofFile;
use ledger::tree::LeafIndex;

use super::App;
use super::problem::Fault;

/// `GET /checkpoint`.
pub(super) async fn checkpoint(State(app): State<Arc<App>>) -> impl IntoResponse {
    let note = app.recorder.head().checkpoint.note().as_str().to_owned();
    ([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-store")], note)
}

/// `GET /v1/log/proof/{index}`.
pub(super) async fn proof(
    State(app): State<Arc<App>>,
    Path(index): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let head = app.recorder.head();
    let index = index.parse().ok().and_then(|index: u64| LeafIndex::new(index).ok());
    let index = index.filter(|index| head.size().contains(*index)).ok_or_else(|| {
        Fault::not_found(format_args!("the log has {} leaves, counted from 0", head.size()))
    })?;
    let leaf = app.store.leaf(index, &head).await?.ok_or_else(|| Fault::internal("a leaf is missing"))?;
    let inclusion = app.store.prove_inclusion(index, &head).await?;
    // The entry rides along: it is what the proof is of.
    let file = ProofFile::new(index, inclusion, head.checkpoint.clone())
        .with_extra(leaf.to_bytes().to_vec())
        .map_err(Fault::internal)?;
    Ok(([(header::CONTENT_TYPE, TEXT)], file.to_string()))
}

const TEXT: &str = "text/plain; charset=utf-8";
