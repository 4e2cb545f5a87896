//! The log, for everybody: its files as they are, and proofs of single leaves.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ledger::proof_file::ProofFile;
use ledger::tile::{Resource, parse_indexed_path};
use ledger::tree::LeafIndex;

use super::App;
use super::problem::Fault;
use crate::log::{CHECKPOINT, archive_path};

/// `GET /checkpoint`: the published one.
//= C2SP tlog-tiles v0.1.0, Checkpoints
pub(super) async fn checkpoint(State(app): State<Arc<App>>) -> Result<impl IntoResponse, Fault> {
    let note = app.store.log().file(CHECKPOINT.to_owned()).await?;
    let note = note.ok_or_else(|| Fault::not_found("no checkpoint has been published yet"))?;
    Ok(([(header::CONTENT_TYPE, TEXT), (header::CACHE_CONTROL, "no-cache")], note))
}

/// `GET /tile/…`: tiles and bundles. A path that a log does not have is not looked for.
//= C2SP tlog-tiles v0.1.0, Merkle Tree and Log Entries
pub(super) async fn tile(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let resource: Resource = format!("tile/{path}").parse().map_err(Fault::not_found)?;
    // What is drafted or left over beyond the head is not the log's.
    if resource.end() > app.recorder.head().size().get() {
        return Err(Fault::not_found("the log does not reach that far yet"));
    }
    file(&app, resource.to_string(), OCTETS).await
}

/// `GET /archive/…`: archived checkpoints, numbered from 0 on.
pub(super) async fn archive(
    State(app): State<Arc<App>>,
    Path(path): Path<String>,
) -> Result<impl IntoResponse, Fault> {
    let number = parse_indexed_path(&path).map_err(Fault::not_found)?;
    file(&app, archive_path(number), TEXT).await
}

/// A file that never changes.
async fn file(app: &App, path: String, media_type: &'static str) -> Result<impl IntoResponse + use<>, Fault> {
    let bytes = app.store.log().file(path).await?;
    let bytes = bytes.ok_or_else(|| Fault::not_found("the log has no such file"))?;
    Ok(([(header::CONTENT_TYPE, media_type), (header::CACHE_CONTROL, IMMUTABLE)], bytes))
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
const OCTETS: &str = "application/octet-stream";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
