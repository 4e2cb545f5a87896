//! The log, for everybody: its files as they are, and proofs of single leaves.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::IntoResponse;
use ledger::checkpoint::SignedCheckpoint;
use ledger::proof_file::ProofFile;
use ledger::tile::{Resource, parse_indexed_path};
use ledger::tree::LeafIndex;
use wire::operator::{LogUnpublished, LogWitness, LogWitnesses};

use super::App;
use super::problem::Fault;
use crate::cosign::WitnessStanding;
use crate::log::{CHECKPOINT, archive_path};
use crate::store::log::Head;

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
    // What is published is read first: the head may be behind it for a moment, and is not afterwards.
    let (published, head) = (published(&app).await?, app.recorder.head());
    let index = index.parse().ok().and_then(|index: u64| LeafIndex::new(index).ok());
    // What is published may be cosigned; only what is not yet in it is proved by the head alone.
    let has =
        |checkpoint: &SignedCheckpoint| index.is_some_and(|index| checkpoint.claim().size().contains(index));
    let towards = published.filter(has).or_else(|| Some(head.checkpoint.clone()).filter(has));
    let (Some(index), Some(checkpoint)) = (index, towards) else {
        let size = head.size();
        return Err(Fault::not_found(format_args!("the log has {size} leaves, counted from 0")));
    };
    let towards = Head { checkpoint };
    let leaf = app.store.leaf(index, &towards).await?.ok_or_else(|| Fault::internal("a leaf is missing"))?;
    let inclusion = app.store.prove_inclusion(index, &towards).await?;
    // The entry rides along: it is what the proof is of.
    let file = ProofFile::new(index, inclusion, towards.checkpoint)
        .with_extra(leaf.to_bytes().to_vec())
        .map_err(Fault::internal)?;
    Ok(([(header::CONTENT_TYPE, TEXT)], file.to_string()))
}

/// `GET /v1/log/witnesses`: how the published checkpoint came to be, and what keeps a newer one back.
pub(super) async fn witnesses(State(app): State<Arc<App>>) -> Result<Json<LogWitnesses>, Fault> {
    let published = published(&app).await?.map(|published| published.claim().size().get());
    let board = &app.witnesses;
    let witnesses = board.witnesses().into_iter().map(view).collect();
    let waiting = board.unpublished().map(|(size, why)| LogUnpublished { size, why });
    let head = app.recorder.head().size().get();
    Ok(Json(LogWitnesses { policy: board.has_policy(), head, published, waiting, witnesses }))
}

async fn published(app: &App) -> Result<Option<SignedCheckpoint>, Fault> {
    let note = app.store.log().file(CHECKPOINT.to_owned()).await?;
    note.map(|note| SignedCheckpoint::parse(&note)).transpose().map_err(Fault::internal)
}

fn view(standing: WitnessStanding) -> LogWitness {
    let WitnessStanding { name, key, url, counts, cosigned, failure } = standing;
    LogWitness {
        name,
        key,
        url,
        counts,
        cosigned_size: cosigned.map(|(size, _)| size),
        cosigned_at_secs: cosigned.map(|(_, at)| at),
        failed_at_ms: failure.as_ref().map(|(at, _)| *at),
        failure: failure.map(|(_, why)| why),
    }
}

const TEXT: &str = "text/plain; charset=utf-8";
const OCTETS: &str = "application/octet-stream";
const IMMUTABLE: &str = "public, max-age=31536000, immutable";
