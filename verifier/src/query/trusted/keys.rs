//! What keys, certificates and boot images are found in.
//!
//! In: names of keys, or text that they are called by. Out: stores and files of components, lists of firmware and shim, programs that were started,
//! keys that kernels tell of; and boots of which it cannot be told.

use std::collections::{BTreeSet, HashSet};

use evidence::principal::Principal;
use futures_util::TryStreamExt as _;
use inquiry::profile::ShimList;
use inquiry::role::{Class, Role};
use inquiry::subject::{KeySubject, SbatSubject};

use super::carriers::{
    Carrier, Carriers, GatherError, NO_DBX, Of, class, executed, label, present, role, shown,
};
use super::happened::KEYS;
use super::images::Needed;
use crate::sql::{self, Connection, QueryBuilder};
use crate::store::StoreError;

impl Carriers {
    pub(super) async fn key(
        &mut self,
        reading: &mut Connection<'_>,
        key: &KeySubject,
        roles: &[Role],
    ) -> Result<(), GatherError> {
        for name in key.names() {
            let Some(principal) = principal(reading, name).await? else { continue };
            self.principal(reading, principal).await?;
        }
        self.doubts_of_keys(reading, roles, key.is_image()).await
    }

    /// Certificates with this in their name.
    pub(super) async fn named(
        &mut self,
        reading: &mut Connection<'_>,
        text: &str,
        roles: &[Role],
    ) -> Result<(), GatherError> {
        let text = text.to_lowercase();
        let mut principals = BTreeSet::new();
        let mut rows = sql::query(LABELS).fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            if row.text("label")?.to_lowercase().contains(&text) {
                principals.insert(row.try_get::<i64>("principal_id")?);
            }
        }
        drop(rows);
        for principal in principals {
            self.principal(reading, principal).await?;
        }
        // One certificate has several names: each finds the same places.
        let mut known = HashSet::new();
        self.all
            .retain(|found| known.insert((found.of, found.role, found.path.clone(), found.place.clone())));
        if roles.contains(&Role::Eligible) || roles.contains(&Role::Revoked) {
            self.doubt(reading, "certificate-without-name", NAMELESS).await?;
        }
        self.doubts_of_keys(reading, roles, false).await
    }

    pub(super) async fn doubts_of_keys(
        &mut self,
        reading: &mut Connection<'_>,
        roles: &[Role],
        is_image: bool,
    ) -> Result<(), GatherError> {
        // A program that ran is known by its hash alone: who signed it, only where the host has it as a file.
        if roles.contains(&Role::Used) && !is_image {
            self.needed = Some(Needed::Signatures);
            self.doubt(reading, "entries-of-other-kinds", UNNAMED_AUTHORITIES).await?;
        }
        for (role, unmeasured, unnamed) in
            [(Role::Eligible, UNMEASURED_TRUST, UNNAMED_TRUST), (Role::Revoked, NO_DBX, UNNAMED_DBX)]
        {
            if roles.contains(&role) {
                self.doubt(reading, "list-not-measured", unmeasured).await?;
                self.doubt(reading, "entries-of-other-kinds", unnamed).await?;
            }
        }
        self.unresolved_lists(reading, roles).await?;
        Ok(())
    }

    /// Lists of shim's that boots were under, and of which nobody has sent what is in them.
    async fn unresolved_lists(
        &mut self,
        reading: &mut Connection<'_>,
        roles: &[Role],
    ) -> Result<(), GatherError> {
        let rows: Vec<(i64, String)> = sql::query_as(UNRESOLVED_LISTS).fetch_all(reading).await?;
        for (profile, name) in rows {
            let list = ShimList::ALL.into_iter().find(|list| list.name() == name);
            let bears = |role: Role| {
                roles.contains(&role) && list.and_then(ShimList::role).is_none_or(|of| of == role)
            };
            if bears(Role::Eligible) || bears(Role::Revoked) {
                self.doubtful.push((profile, "list-unresolved"));
            }
        }
        Ok(())
    }

    /// Boot images that state a generation of themselves.
    pub(super) async fn by_generation(
        &mut self,
        reading: &mut Connection<'_>,
        sbat: &SbatSubject,
        roles: &[Role],
    ) -> Result<(), GatherError> {
        let mut rows = sql::query(
            "SELECT component_id, path, generation FROM component_sbat WHERE name = ? ORDER BY 1, 2",
        )
        .bind(sbat.component())
        .fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            if sbat.takes(row.text("generation")?) {
                self.add(present(row.try_get("component_id")?, Some(row.try_get("path")?)))?;
            }
        }
        drop(rows);
        if !roles.contains(&Role::Executed) {
            return Ok(());
        }
        let mut rows = sql::query(
            "SELECT DISTINCT b.profile_id, b.place, s.generation, s.path FROM component_sbat s
             JOIN boot_principal b ON b.principal_id = s.image_id AND b.role = 3 WHERE s.name = ? ORDER BY 1, 2, 3, 4",
        )
        .bind(sbat.component())
        .fetch(&mut *reading);
        let mut known = HashSet::new();
        while let Some(row) = rows.try_next().await? {
            let (profile, place): (i64, String) = (row.try_get("profile_id")?, row.try_get("place")?);
            // One file of several that are the same program.
            if !sbat.takes(row.text("generation")?) || !known.insert((profile, place.clone())) {
                continue;
            }
            self.add(Carrier {
                of: Of::Profile(profile),
                role: Role::Executed,
                class: Class::D,
                path: Some(shown(row.bytes("path")?)),
                place: Some(format!("images, {place}").into()),
                label: None,
                level: None,
            })?;
        }
        self.needed = Some(Needed::File);
        Ok(())
    }

    pub(super) async fn principal(
        &mut self,
        reading: &mut Connection<'_>,
        principal: i64,
    ) -> Result<(), GatherError> {
        let mut rows = sql::query(
            "SELECT component_id, role, path, label FROM component_principal WHERE principal_id = ?
             UNION ALL SELECT component_id, 4, path, '' FROM component_image WHERE principal_id = ?
             ORDER BY 1, 2, 3",
        )
        .bind(principal)
        .bind(principal)
        .fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            let path: Vec<u8> = row.try_get("path")?;
            let path = (!path.is_empty()).then_some(path);
            let component = present(row.try_get("component_id")?, path);
            self.add(Carrier { role: role(&row)?, label: label(&row)?, ..component })?;
        }
        drop(rows);
        let mut rows = sql::query(
            "SELECT profile_id, role, class, place, store, label FROM boot_principal WHERE principal_id = ? ORDER BY 1, 2, 4",
        )
        .bind(principal)
        .fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            let (place, store): (&str, &str) = (row.text("place")?, row.text("store")?);
            self.add(Carrier {
                of: Of::Profile(row.try_get("profile_id")?),
                role: role(&row)?,
                class: class(&row)?,
                path: None,
                place: Some(format!("{store}, {place}").into()),
                label: label(&row)?,
                level: None,
            })?;
        }
        drop(rows);
        self.signed(reading, principal).await?;
        let mut query = QueryBuilder::new(KEYS);
        query.push(" WHERE e.principal_id = ").push_bind(principal).push(" ORDER BY 1, 2, e.role");
        let mut rows = query.build().fetch(reading);
        while let Some(row) = rows.try_next().await? {
            let (carrier, role) = (executed(&row)?, role(&row)?);
            // A certificate was put on a keyring; anything else has signed a file.
            let (path, place) = match role {
                Role::Eligible => (None, carrier.path.map(|keyring| format!("keyring {keyring}").into())),
                _ => (carrier.path, Some("IMA list".into())),
            };
            self.add(Carrier {
                of: carrier.of,
                role,
                class: carrier.class,
                path,
                place,
                label: label(&row)?,
                level: None,
            })?;
        }
        Ok(())
    }

    /// Programs that hosts started and that it signed: by signatures that hold, and by the word of whoever has a file with their hash.
    async fn signed(&mut self, reading: &mut Connection<'_>, principal: i64) -> Result<(), GatherError> {
        let mut rows = sql::query(
            "SELECT DISTINCT b.profile_id, b.place, s.label FROM image_signer s
             JOIN boot_principal b ON b.principal_id = s.image_id AND b.role = 3 WHERE s.principal_id = ? ORDER BY 1, 2",
        )
        .bind(principal)
        .fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            self.add(Carrier {
                of: Of::Profile(row.try_get("profile_id")?),
                role: Role::Used,
                class: Class::C,
                path: None,
                place: Some(format!("images, {}", row.text("place")?).into()),
                label: label(&row)?,
                level: None,
            })?;
        }
        drop(rows);
        let mut rows = sql::query(
            "SELECT DISTINCT b.profile_id, b.place, p.path, p.label FROM component_principal p
             JOIN component_image i ON i.component_id = p.component_id AND i.path = p.path
             JOIN boot_principal b ON b.principal_id = i.principal_id AND b.role = 3
             WHERE p.principal_id = ? AND p.role = 2 ORDER BY 1, 2, 3, 4",
        )
        .bind(principal)
        .fetch(reading);
        let mut last: Option<(i64, String)> = None;
        while let Some(row) = rows.try_next().await? {
            // One file of several that are the same program.
            let this = (row.try_get("profile_id")?, row.try_get("place")?);
            if last.as_ref() == Some(&this) {
                continue;
            }
            let profile = last.insert(this).0;
            self.add(Carrier {
                of: Of::Profile(profile),
                role: Role::Used,
                class: Class::D,
                path: Some(shown(row.bytes("path")?)),
                place: Some(format!("images, {}", row.text("place")?).into()),
                label: label(&row)?,
                level: None,
            })?;
        }
        Ok(())
    }
}

const UNMEASURED_TRUST: &str = "SELECT id FROM boot_profile p WHERE p.list IS NULL AND 3 >
  (SELECT count(*) FROM boot_setting s WHERE s.profile_id = p.id AND s.name IN ('measured:PK', 'measured:KEK', 'measured:db')) ORDER BY 1";
const UNNAMED_TRUST: &str = "SELECT DISTINCT profile_id FROM boot_setting WHERE name IN ('unnamed:PK', 'unnamed:KEK', 'unnamed:db', 'unnamed:dbt', 'unnamed:MokList') ORDER BY 1";
const UNNAMED_AUTHORITIES: &str =
    "SELECT profile_id FROM boot_setting WHERE name = 'unnamed:authorities' ORDER BY 1";
const UNNAMED_DBX: &str =
    "SELECT profile_id FROM boot_setting WHERE name IN ('unnamed:dbx', 'unnamed:MokListX') ORDER BY 1";

const LABELS: &str = "SELECT principal_id, label FROM boot_principal WHERE label <> '' GROUP BY 1, 2
  UNION SELECT principal_id, label FROM component_principal WHERE label <> '' GROUP BY 1, 2
  UNION SELECT principal_id, label FROM image_signer WHERE label <> '' GROUP BY 1, 2
  UNION SELECT principal_id, label FROM host_key WHERE label <> '' GROUP BY 1, 2";
/// Boots with a certificate in a list of which nobody could read what it is called, or not all of it: names are cut at 256 bytes, where a character
/// begins, and none that is whole is known to have more than 252.
const NAMELESS: &str =
    "SELECT DISTINCT b.profile_id FROM boot_principal b JOIN principal p ON p.id = b.principal_id
  WHERE p.kind = 'certificate' AND (b.label = '' OR octet_length(b.label) > 252) ORDER BY 1";

/// Lists that boots were under, by a hash of which nobody has sent the contents.
const UNRESOLVED_LISTS: &str = "SELECT id, list FROM boot_profile p WHERE p.list IS NOT NULL AND NOT EXISTS
  (SELECT 1 FROM key_list k WHERE k.digest = p.content) ORDER BY 1";

pub(super) async fn principal(
    reading: &mut Connection<'_>,
    name: &Principal,
) -> Result<Option<i64>, StoreError> {
    let row = sql::query_scalar("SELECT id FROM principal WHERE name = ? AND kind = ?")
        .bind(name.id())
        .bind(name.kind().name())
        .fetch_optional(reading)
        .await?;
    Ok(row)
}
