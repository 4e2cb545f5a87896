//! Names of keys, certificates and images, and what a manifest says of them.

use std::collections::BTreeMap;

use evidence::manifest::Manifest;
use evidence::principal::{Edge, Principal};
use inquiry::component::{Image, role_of, unread};
use inquiry::role::Role;

use crate::limits::PATHS_PER_PRINCIPAL;
use crate::sql::{self, Connection};
use crate::store::StoreError;

/// Rows of names that were met in one piece of work.
#[derive(Debug, Default)]
pub(super) struct Principals(BTreeMap<Principal, i64>);

impl Principals {
    /// The row of a name, which is made where there is none.
    pub(super) async fn row(&mut self, tx: &mut Connection<'_>, name: &Principal) -> Result<i64, StoreError> {
        if let Some(row) = self.0.get(name) {
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
        self.0.insert(name.clone(), row);
        Ok(row)
    }
}

/// Writes what a manifest says of keys, and which boot images its files are.
pub(super) async fn write(
    tx: &mut Connection<'_>,
    component: i64,
    manifest: &Manifest,
) -> Result<(), StoreError> {
    let mut principals = Principals::default();
    let mut paths: BTreeMap<(i64, Role), usize> = BTreeMap::new();
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
        }
    }
    if let Some(what) = unread(manifest) {
        sql::query("INSERT INTO component_partial (component_id, what) VALUES (?, ?)")
            .bind(component)
            .bind(what)
            .execute(&mut *tx)
            .await?;
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
    for name in &edge.principals {
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
