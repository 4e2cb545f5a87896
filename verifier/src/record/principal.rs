//! Names of keys, certificates and images, and what a manifest says of them.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use evidence::cbor::{Reader, Writer};
use evidence::digest::Sha256Digest;
use evidence::manifest::Manifest;
use evidence::principal::{Edge, Principal, Relation, read_edges, write_edges};
use futures_util::TryStreamExt as _;
use inquiry::component::{Image, generations_of, role_of, unread};
use inquiry::issued::{Certificate, is_of_unknown_issuer};
use inquiry::role::Role;

use crate::limits::PATHS_PER_PRINCIPAL;
use crate::sql::{self, Connection};
use crate::store::StoreError;

/// Rows of names that were met in one piece of work.
#[derive(Debug, Default)]
pub(super) struct Principals {
    rows: BTreeMap<Principal, i64>,
    /// Certificates that were met, by their digests.
    certificates: HashSet<Sha256Digest>,
}

impl Principals {
    /// The row of a name, which is made where there is none.
    pub(super) async fn row(&mut self, tx: &mut Connection<'_>, name: &Principal) -> Result<i64, StoreError> {
        if let Some(row) = self.rows.get(name) {
            return Ok(*row);
        }
        let known: Option<i64> = sql::query_scalar("SELECT id FROM principal WHERE name = ? AND kind = ?")
            .bind(name.id())
            .bind(name.kind().name())
            .fetch_optional(&mut *tx)
            .await?;
        let row = match known {
            Some(row) => row,
            None => {
                sql::query_scalar("INSERT INTO principal (kind, name) VALUES (?, ?) RETURNING id")
                    .bind(name.kind().name())
                    .bind(name.id())
                    .fetch_one(tx)
                    .await?
            }
        };
        self.rows.insert(name.clone(), row);
        Ok(row)
    }

    /// The row of a certificate of which it is known who issued it.
    pub(super) async fn certificate(
        &mut self,
        tx: &mut Connection<'_>,
        names: &[Principal],
    ) -> Result<(), StoreError> {
        if Certificate::of(names).is_none() {
            return Ok(());
        }
        let mut w = Writer::new();
        write_edges(&mut w, &[Edge::new(Relation::SignedBy, names.to_vec(), "")]);
        let bytes = w.finish();
        let digest = Sha256Digest::of(&[&bytes]);
        if self.certificates.insert(digest) {
            sql::query("INSERT INTO certificate (digest, names) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(digest.as_bytes().as_slice())
                .bind(bytes)
                .execute(tx)
                .await?;
        }
        Ok(())
    }
}

/// Every certificate of which it is known who issued it.
pub(crate) async fn certificates(reading: &mut Connection<'_>) -> Result<BTreeSet<Certificate>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a certificate in the index" };
    let mut found = BTreeSet::new();
    let mut rows = sql::query("SELECT names FROM certificate").fetch(reading);
    while let Some(row) = rows.try_next().await? {
        let mut r = Reader::new(row.bytes(0)?);
        let edges = read_edges(&mut r).map_err(|_| DAMAGED)?;
        found.extend(edges.iter().filter_map(|edge| Certificate::of(&edge.principals)));
    }
    Ok(found)
}

/// Writes what a manifest says of keys, and which boot images its files are.
pub(super) async fn write(
    tx: &mut Connection<'_>,
    component: i64,
    manifest: &Manifest,
) -> Result<(), StoreError> {
    let mut principals = Principals::default();
    let mut paths: BTreeMap<(i64, Role), usize> = BTreeMap::new();
    let mut unissued = BTreeSet::new();
    let images: BTreeMap<&[u8], Image> = manifest
        .entries()
        .iter()
        .filter_map(|entry| Some((entry.path.as_slice(), Image::of(entry)?)))
        .collect();
    let whole = (b"".as_slice(), manifest.edges());
    let each = manifest.entries().iter().map(|entry| (entry.path.as_slice(), entry.edges.as_slice()));
    for (path, edges) in std::iter::once(whole).chain(each) {
        // Which images a key has signed follows from the signers of each; of other files some are named.
        let most = if images.contains_key(path) { usize::MAX } else { PATHS_PER_PRINCIPAL };
        for edge in edges {
            write_edge(tx, component, path, edge, most, &mut principals, &mut paths).await?;
            principals.certificate(tx, &edge.principals).await?;
            if is_of_unknown_issuer(&edge.principals) {
                unissued.insert(role_of(edge.relation));
            }
        }
    }
    for role in unissued {
        sql::query("INSERT INTO component_unissued (component_id, role) VALUES (?, ?)")
            .bind(component)
            .bind(i64::from(role.code()))
            .execute(&mut *tx)
            .await?;
    }
    if let Some(what) = unread(manifest) {
        sql::query("INSERT INTO component_partial (component_id, what) VALUES (?, ?)")
            .bind(component)
            .bind(what)
            .execute(&mut *tx)
            .await?;
    }
    for entry in manifest.entries() {
        let Some(image) = images.get(entry.path.as_slice()) else { continue };
        let row = principals.row(tx, &image.name).await?;
        for (name, generation) in generations_of(entry) {
            sql::query(
                "INSERT INTO component_sbat (name, component_id, path, generation, image_id) VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT DO NOTHING",
            )
            .bind(name)
            .bind(component)
            .bind(&entry.path)
            .bind(generation)
            .bind(row)
            .execute(&mut *tx)
            .await?;
        }
    }
    for (path, image) in images {
        let row = principals.row(tx, &image.name).await?;
        sql::query(
            "INSERT INTO component_image (principal_id, component_id, path, whole) VALUES (?, ?, ?, ?)",
        )
        .bind(row)
        .bind(component)
        .bind(path)
        .bind(image.whole)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}

async fn write_edge(
    tx: &mut Connection<'_>,
    component: i64,
    path: &[u8],
    edge: &Edge,
    most: usize,
    principals: &mut Principals,
    paths: &mut BTreeMap<(i64, Role), usize>,
) -> Result<(), StoreError> {
    let role = role_of(edge.relation);
    for name in edge.principals.iter().filter(|name| name.kind().is_of_one()) {
        let row = principals.row(tx, name).await?;
        let known = paths.entry((row, role)).or_default();
        if *known >= most {
            continue;
        }
        *known += 1;
        sql::query(
            "INSERT INTO component_principal (principal_id, component_id, role, path, label) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT DO NOTHING",
        )
        .bind(row)
        .bind(component)
        .bind(i64::from(role.code()))
        .bind(path)
        .bind(&edge.label)
        .execute(&mut *tx)
        .await?;
    }
    Ok(())
}
