//! `POST /v1/manifests`: hosts upload the manifests that the verifier asked for.
//!
//! No proof of identity is needed: a manifest is stored only where recorded evidence named its digest.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use evidence::manifest::Manifest;
use wire::MANIFESTS_MEDIA_TYPE;
use wire::limits::{MANIFESTS_BYTES, MANIFESTS_REQUEST_BYTES};
use wire::submit::{DecompressError, ManifestsStored, decode_manifests, decompress};

use super::App;
use super::evidence::{blocking, media_type, room_for, turn};
use super::problem::Fault;
use crate::record::{Done, NewManifest, Work};

pub(super) async fn upload(
    State(app): State<Arc<App>>,
    request: Request,
) -> Result<Json<ManifestsStored>, Fault> {
    media_type(request.headers(), MANIFESTS_MEDIA_TYPE)?;
    let _room = room_for(&app, request.headers(), MANIFESTS_REQUEST_BYTES)?;
    let bytes = Bytes::from_request(request, &app).await?;
    let turn = turn(&app).await?;
    let manifests = blocking(move || unpack(&bytes)).await??;
    drop(turn);
    let mut stored = ManifestsStored { stored: 0, ignored: 0 };
    for manifest in manifests {
        match app.recorder.record(Work::Manifest(Box::new(manifest))).await? {
            (Done::Stored, _) => stored.stored += 1,
            _ => stored.ignored += 1,
        }
    }
    if stored.stored > 0 {
        app.watcher.look();
    }
    Ok(Json(stored))
}

/// All are read before one is stored: an upload with a bad one changes nothing.
fn unpack(compressed: &[u8]) -> Result<Vec<NewManifest>, Fault> {
    let bytes = decompress(compressed, MANIFESTS_BYTES).map_err(|error| match error {
        DecompressError::TooLong { .. } => Fault::too_large(error),
        DecompressError::Frame(_) => Fault::malformed(error),
    })?;
    decode_manifests(&bytes)
        .map_err(Fault::malformed)?
        .into_iter()
        .map(|bytes| {
            let manifest = Manifest::decode(bytes).map_err(Fault::malformed)?;
            NewManifest::new(bytes, manifest).map_err(Fault::internal)
        })
        .collect()
}
