//! Recording a manifest that recorded evidence names.

use evidence::digest::Sha256Digest;
use evidence::manifest::{Manifest, component_digest};
use inquiry::component::Origin;

use super::principal;
use super::proved::Proved;
use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{self, Batch, Connection, QueryBuilder};
use crate::store::blob::Blob;
use crate::store::{StoreError, to_i64};

/// A manifest that was decoded, with the digest of its bytes.
#[derive(Clone, Debug)]
pub(crate) struct NewManifest {
    component: Sha256Digest,
    blob: Blob,
    manifest: Manifest,
    proved: Proved,
}

impl NewManifest {
    /// From the canonical bytes of a manifest.
    pub(crate) fn new(bytes: &[u8], manifest: Manifest) -> std::io::Result<Self> {
        let proved = Proved::of(&manifest);
        Ok(Self { component: component_digest(bytes), blob: Blob::new(bytes)?, manifest, proved })
    }

    /// Stores it if it is wanted; `false` where it is not.
    pub(super) async fn apply(&self, tx: &mut Connection<'_>) -> Result<bool, StoreError> {
        let wanted: Option<i64> = sql::query_scalar(
            "SELECT c.id FROM component c JOIN component_wanted w ON w.component_id = c.id WHERE c.digest = ?",
        )
        .bind(self.component.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
        let Some(component) = wanted else { return Ok(false) };
        let mut blob = Batch::default();
        self.blob.add_to(&mut blob);
        blob.run(tx).await?;
        sql::query(
            "UPDATE component SET kind = ?, name = ?, version = ?, architecture = ?, artefacts = ?, manifest = ?
             WHERE id = ?",
        )
        .bind(self.manifest.kind().name())
        .bind(self.manifest.name())
        .bind(self.manifest.version())
        .bind(self.manifest.architecture())
        .bind(to_i64(self.manifest.entries().len() as u64))
        .bind(self.blob.digest.as_bytes().as_slice())
        .bind(component)
        .execute(&mut *tx)
        .await?;
        write_members(tx, component, &self.manifest, &self.proved).await?;
        sql::query("DELETE FROM component_wanted WHERE component_id = ?").bind(component).execute(tx).await?;
        Ok(true)
    }
}

/// Rows of a component's artefacts, source, keys and boot images.
pub(super) async fn write_members(
    tx: &mut Connection<'_>,
    component: i64,
    manifest: &Manifest,
    proved: &Proved,
) -> Result<(), StoreError> {
    let entries: Vec<_> = manifest.entries().iter().zip(0_i64..).collect();
    for rows in entries.chunks(ROWS_PER_STATEMENT) {
        let mut query =
            QueryBuilder::new("INSERT INTO component_artefact (digest, component_id, path, entry) ");
        query.push_values(rows, |mut row, (entry, number)| {
            row.push_bind(entry.digest.as_bytes().to_vec())
                .push_bind(component)
                .push_bind(entry.path.clone())
                .push_bind(*number);
        });
        query.build().execute(&mut *tx).await?;
    }
    match Origin::of(manifest) {
        Origin::Source(name, version) => {
            sql::query("INSERT INTO component_source (component_id, name, version) VALUES (?, ?, ?)")
                .bind(component)
                .bind(name)
                .bind(version)
                .execute(&mut *tx)
                .await?;
        }
        Origin::Unknown => {
            let unknown = sql::query("INSERT INTO component_sourceless (component_id) VALUES (?)");
            unknown.bind(component).execute(&mut *tx).await?;
        }
        Origin::Nothing => {}
    }
    principal::write(tx, component, manifest).await?;
    proved.write(tx, component).await
}
