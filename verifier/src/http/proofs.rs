//! What the proof of an answer is made of: chains of evidence page by page, and manifests.
//!
//! In: names of hosts, chains, components and images. Out: the same bytes that an export has. Whoever reads these verifies them: nothing
//! here is the verifier's word but that there is no more.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::IntoResponse;
use evidence::digest::{ChainId, Sha256Digest};
use serde::Deserialize;
use wire::limits::MANIFESTS_READ;
use wire::proof::{HostChains, ImageComponents, Manifests, ReadManifests};

use super::App;
use super::enrol::json;
use super::operator::find;
use super::problem::Fault;
use crate::export::pages;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    next: Option<u64>,
    size: u64,
}

/// `GET /v1/hosts/{id, unique prefix or name}/chains`.
pub(super) async fn chains(
    State(app): State<Arc<App>>,
    Path(which): Path<String>,
) -> Result<Json<HostChains>, Fault> {
    let host = find(&app, &which).await?;
    Ok(Json(pages::chains(app.store.readers(), host).await?))
}

/// `GET /v1/hosts/{id, unique prefix or name}/chains/{chain}?size=N[&next=SEQ]`: a page of it.
pub(super) async fn chain(
    State(app): State<Arc<App>>,
    Path((which, chain)): Path<(String, String)>,
    query: Result<Query<PageQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    let Query(PageQuery { next, size }) = query.map_err(Fault::malformed)?;
    let absent = || Fault::not_found("the host has no such chain");
    let chain: ChainId = chain.parse().map_err(|_| absent())?;
    let host = find(&app, &which).await?;
    let page = pages::page(app.store.readers(), (host, chain), next, size).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], page.ok_or_else(absent)?))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SizeQuery {
    size: u64,
}

/// `GET /v1/index-roots/newest?size=N`.
pub(super) async fn index_root(
    State(app): State<Arc<App>>,
    query: Result<Query<SizeQuery>, QueryRejection>,
) -> Result<impl IntoResponse, Fault> {
    let Query(SizeQuery { size }) = query.map_err(Fault::malformed)?;
    let file = pages::newest_root(app.store.readers(), size).await?;
    Ok(([(header::CONTENT_TYPE, "application/octet-stream")], file))
}

/// `POST /v1/manifests/read`.
pub(super) async fn manifests(
    State(app): State<Arc<App>>,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Manifests>, Fault> {
    let asked: ReadManifests = json(body)?;
    if asked.components.len() > MANIFESTS_READ {
        return Err(Fault::malformed(format_args!("at most {MANIFESTS_READ} components are read at once")));
    }
    let components: Result<Vec<Sha256Digest>, _> =
        asked.components.iter().map(|component| component.parse()).collect();
    let components = components.map_err(Fault::malformed)?;
    Ok(Json(pages::manifests(app.store.readers(), &components).await?))
}

/// `GET /v1/images/{sha256}`.
pub(super) async fn image(
    State(app): State<Arc<App>>,
    Path(image): Path<String>,
) -> Result<Json<ImageComponents>, Fault> {
    let image: Sha256Digest = image.parse().map_err(Fault::malformed)?;
    let components = pages::of_image(app.store.readers(), image.as_bytes()).await?;
    Ok(Json(ImageComponents { components }))
}

/// `GET /v1/carried/{hash}`.
pub(super) async fn carried(
    State(app): State<Arc<App>>,
    Path(hash): Path<String>,
) -> Result<Json<ImageComponents>, Fault> {
    const LENGTHS: [usize; 3] = [32, 48, 64];
    let hash = hex::decode(&hash).map_err(Fault::malformed)?;
    if !LENGTHS.contains(&hash.len()) {
        return Err(Fault::malformed("a hash of 32, 48 or 64 bytes"));
    }
    let components = pages::that_carry(app.store.readers(), &hash).await?;
    Ok(Json(ImageComponents { components }))
}
