//! What needs nobody's word: lists of keys by the hashes that quoted logs have of them, and signatures of boot images that hold.
//!
//! In: a manifest, or a list that a boot was under. Out: rows that say what is in a list whichever came first, the boot or the contents.

use std::collections::BTreeMap;

use evidence::cbor::{Reader, Writer};
use evidence::manifest::Manifest;
use evidence::principal::{Edge, Principal, read_edges, write_edges};
use inquiry::carried::{KeyList, image_signers, key_lists};
use inquiry::issued::is_of_unknown_issuer;
use inquiry::profile::{MeasuredList, ShimList};
use inquiry::role::{Class, Role};

use super::principal::Principals;
use crate::sql::{self, Connection};
use crate::store::StoreError;

/// What a manifest carries that holds by itself.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proved {
    lists: Vec<KeyList>,
    signers: BTreeMap<Principal, Vec<Edge>>,
}

impl Proved {
    /// Checks signatures, which takes as long as these are many: not within a transaction where that can be helped.
    pub(crate) fn of(manifest: &Manifest) -> Self {
        Self { lists: key_lists(manifest), signers: image_signers(manifest) }
    }

    pub(super) async fn write(&self, tx: &mut Connection<'_>, component: i64) -> Result<(), StoreError> {
        let mut principals = Principals::default();
        for list in &self.lists {
            keep(tx, (list, Some(component)), &mut principals).await?;
        }
        for (image, signers) in &self.signers {
            let image = principals.row(tx, image).await?;
            for edge in signers {
                principals.certificate(tx, &edge.principals).await?;
                for name in edge.principals.iter().filter(|name| name.kind().is_of_one()) {
                    let signer = principals.row(tx, name).await?;
                    sql::query(
                        "INSERT INTO image_signer (principal_id, image_id, label, component_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
                    )
                    .bind(signer)
                    .bind(image)
                    .bind(&edge.label)
                    .bind(component)
                    .execute(&mut *tx)
                    .await?;
                }
            }
        }
        Ok(())
    }
}

/// Keeps a list's contents, and says what they mean for the boots that were under it.
async fn keep(
    tx: &mut Connection<'_>,
    (list, component): (&KeyList, Option<i64>),
    principals: &mut Principals,
) -> Result<(), StoreError> {
    let mut w = Writer::new();
    write_edges(&mut w, &list.edges);
    let edges = w.finish();
    for digest in &list.digests {
        let new = sql::query(
            "INSERT INTO key_list (digest, edges, whole, component_id) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING RETURNING digest",
        )
        .bind(digest)
        .bind(edges.as_slice())
        .bind(list.whole)
        .bind(component)
        .fetch_optional(&mut *tx)
        .await?;
        if new.is_none() {
            continue;
        }
        let profiles: Vec<(i64, String, String)> = sql::query_as(
            "SELECT id, list, place FROM boot_profile WHERE content = ? AND list IS NOT NULL ORDER BY id",
        )
        .bind(digest)
        .fetch_all(&mut *tx)
        .await?;
        for (profile, name, place) in profiles {
            let of = Resolved { profile, list: list_of(&name)?, place };
            of.write(tx, (&list.edges, list.whole), principals).await?;
        }
    }
    Ok(())
}

/// The row of a list; what is in it is written with the first boot that is under it, where that is known.
pub(super) async fn list_row(tx: &mut Connection<'_>, list: &MeasuredList) -> Result<i64, StoreError> {
    let id = list.id();
    let known: Option<i64> = sql::query_scalar("SELECT id FROM boot_profile WHERE digest = ?")
        .bind(id.as_bytes().as_slice())
        .fetch_optional(&mut *tx)
        .await?;
    if let Some(known) = known {
        return Ok(known);
    }
    let place = list.place.to_string();
    let profile: i64 = sql::query_scalar(
        "INSERT INTO boot_profile (digest, list, content, place) VALUES (?, ?, ?, ?) RETURNING id",
    )
    .bind(id.as_bytes().as_slice())
    .bind(list.list.name())
    .bind(&list.digest)
    .bind(&place)
    .fetch_one(&mut *tx)
    .await?;
    let mut principals = Principals::default();
    if list.is_empty() {
        keep(tx, (&KeyList::new(&[]), None), &mut principals).await?;
    }
    let contents: Option<(Vec<u8>, bool)> =
        sql::query_as("SELECT edges, whole <> 0 FROM key_list WHERE digest = ?")
            .bind(&list.digest)
            .fetch_optional(&mut *tx)
            .await?;
    if let Some((edges, whole)) = contents {
        const DAMAGED: StoreError = StoreError::Damaged { what: "a list of keys in the index" };
        let edges = read_edges(&mut Reader::new(&edges)).map_err(|_| DAMAGED)?;
        let of = Resolved { profile, list: list.list, place };
        of.write(tx, (&edges, whole), &mut principals).await?;
    }
    Ok(profile)
}

fn list_of(name: &str) -> Result<ShimList, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a list's name in the index" };
    ShimList::ALL.into_iter().find(|list| list.name() == name).ok_or(DAMAGED)
}

/// A list that boots were under, of which it is known what it says.
struct Resolved {
    profile: i64,
    list: ShimList,
    place: String,
}

impl Resolved {
    async fn write(
        &self,
        tx: &mut Connection<'_>,
        (edges, whole): (&[Edge], bool),
        principals: &mut Principals,
    ) -> Result<(), StoreError> {
        let Some(role) = self.list.role() else { return Ok(()) };
        if !whole {
            sql::query(
                "INSERT INTO boot_setting (name, value, profile_id, place) VALUES (?, 'yes', ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(format!("unnamed:{}", self.list.name()))
            .bind(self.profile)
            .bind(&self.place)
            .execute(&mut *tx)
            .await?;
        }
        for edge in edges {
            self.edge(tx, edge, role, principals).await?;
        }
        Ok(())
    }

    async fn edge(
        &self,
        tx: &mut Connection<'_>,
        edge: &Edge,
        role: Role,
        principals: &mut Principals,
    ) -> Result<(), StoreError> {
        principals.certificate(tx, &edge.principals).await?;
        let role = i64::from(role.code());
        if is_of_unknown_issuer(&edge.principals) {
            sql::query("INSERT INTO boot_unissued (profile_id, role) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(self.profile)
                .bind(role)
                .execute(&mut *tx)
                .await?;
        }
        for name in edge.principals.iter().filter(|name| name.kind().is_of_one()) {
            let principal = principals.row(tx, name).await?;
            sql::query(
                "INSERT INTO boot_principal (principal_id, profile_id, role, class, store, place, label)
                 VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(principal)
            .bind(self.profile)
            .bind(role)
            .bind(i64::from(Class::A.code()))
            .bind(self.list.name())
            .bind(&self.place)
            .bind(&edge.label)
            .execute(&mut *tx)
            .await?;
        }
        Ok(())
    }
}
