//! `POST /v1/manifests`: hosts upload the manifests that the verifier asked for.
//!
//! No proof of identity is needed: a manifest is stored only where recorded evidence named its digest.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request, State};
use evidence::digest::Sha256Digest;
use evidence::manifest::{Manifest, component_digest};
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
    let named: Vec<Sha256Digest> = manifests.iter().map(|unpacked| unpacked.component).collect();
    // Checking signatures takes long, and anybody may send a manifest: only those that evidence has named are looked into.
    let wanted = app.store.wanted(&named).await?;
    let (wanted, others): (Vec<_>, Vec<_>) =
        manifests.into_iter().partition(|unpacked| wanted.contains(&unpacked.component));
    let mut stored = ManifestsStored { stored: 0, ignored: others.len() as u64 };
    let manifests = blocking(move || wanted.into_iter().map(Unpacked::read).collect::<Result<Vec<_>, _>>());
    let manifests = manifests.await?.map_err(Fault::internal)?;
    drop(turn);
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

/// A manifest as it came.
struct Unpacked {
    component: Sha256Digest,
    bytes: Vec<u8>,
    manifest: Manifest,
}

impl Unpacked {
    fn read(self) -> std::io::Result<NewManifest> {
        NewManifest::new(&self.bytes, self.manifest)
    }
}

/// All are read before one is stored: an upload with a bad one changes nothing.
fn unpack(compressed: &[u8]) -> Result<Vec<Unpacked>, Fault> {
    let bytes = decompress(compressed, MANIFESTS_BYTES).map_err(|error| match error {
        DecompressError::TooLong { .. } => Fault::too_large(error),
        DecompressError::Frame(_) => Fault::malformed(error),
    })?;
    let unpacked = |bytes: &[u8]| {
        let manifest = Manifest::decode(bytes).map_err(Fault::malformed)?;
        Ok(Unpacked { component: component_digest(bytes), bytes: bytes.to_vec(), manifest })
    };
    decode_manifests(&bytes).map_err(Fault::malformed)?.into_iter().map(unpacked).collect()
}
