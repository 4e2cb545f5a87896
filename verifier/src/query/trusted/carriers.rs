//! What a subject is found in: components, profiles of boots, executions; and what of it cannot be told.
//!
//! In: one subject. Out: carriers, each with the role that whoever has it has to do with the subject. A component that a hundred
//! thousand hosts have is one carrier.

use evidence::principal::Principal;
use inquiry::role::{Class, Role};
use inquiry::subject::{BootSubject, Glob, KeySubject, PackageSubject, Scheme, Subject};
use sqlx::{Row as _, SqliteConnection};

use super::AskError;
use crate::limits::CARRIERS;
use crate::store::{StoreError, to_u64};

/// Something that hosts have, boot by or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    pub(super) of: Of,
    pub(super) role: Role,
    pub(super) class: Class,
    /// Escaped where it is not printable.
    pub(super) path: Option<String>,
    pub(super) place: Option<String>,
    pub(super) label: Option<String>,
}

/// What kind it is, and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Of {
    Component(i64),
    Profile(i64),
    /// On this host, first told by this leaf.
    Execution {
        host: i64,
        leaf: i64,
    },
}

/// Carriers of one subject, and profiles of which it cannot be told whether they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Carriers {
    pub(super) all: Vec<Carrier>,
    /// How many of them are in the roles that were asked for.
    pub(super) asked: usize,
    /// With the reason.
    pub(super) doubtful: Vec<(i64, &'static str)>,
}

impl Carriers {
    /// Those of a subject, in these roles and those that bear upon them.
    pub(super) async fn of(
        reading: &mut SqliteConnection,
        subject: &Subject,
        roles: &[Role],
    ) -> Result<Self, AskError> {
        let mut found = Self::default();
        match subject {
            Subject::File(digest) => found.file(reading, digest.as_bytes()).await?,
            Subject::Path(glob) => {
                found.path(reading, glob).await?;
                if let Some(glob) = glob.in_usr() {
                    found.path(reading, &glob).await?;
                }
            }
            Subject::Package(package) => found.package(reading, package).await?,
            Subject::Key(key) => found.key(reading, key, roles).await?,
            Subject::Boot(boot) => found.boot(reading, boot).await?,
        }
        // What was there may have been run.
        let bears =
            |role: Role| roles.contains(&role) || role == Role::Present && roles.contains(&Role::Executed);
        found.all.retain(|carrier| bears(carrier.role));
        found.asked = found.all.iter().filter(|carrier| roles.contains(&carrier.role)).count();
        if found.all.len() > CARRIERS {
            return Err(AskError::Broad { subject: subject.to_string() });
        }
        Ok(found)
    }

    async fn file(&mut self, reading: &mut SqliteConnection, digest: &[u8]) -> Result<(), StoreError> {
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT component_id, path FROM component_artefact WHERE digest = ? ORDER BY component_id, path",
        )
        .bind(digest)
        .fetch_all(&mut *reading)
        .await?;
        self.all.extend(rows.into_iter().map(|(component, path)| present(component, Some(path))));
        let rows = sqlx::query(
            "SELECT host_id, from_leaf, class, path FROM execution WHERE digest = ? ORDER BY host_id, from_leaf, class",
        )
        .bind(digest)
        .fetch_all(reading)
        .await?;
        for row in rows {
            self.all.push(executed(&row)?);
        }
        Ok(())
    }

    async fn path(&mut self, reading: &mut SqliteConnection, glob: &Glob) -> Result<(), StoreError> {
        let prefix = glob.prefix();
        let rows: Vec<(i64, Vec<u8>)> = sqlx::query_as(
            "SELECT component_id, path FROM component_artefact WHERE substr(path, 1, ?1) = ?2 ORDER BY component_id, path",
        )
        .bind(i64::try_from(prefix.len()).unwrap_or(i64::MAX))
        .bind(&prefix)
        .fetch_all(&mut *reading)
        .await?;
        let fits = rows.into_iter().filter(|(_, path)| glob.matches(path));
        self.all.extend(fits.map(|(component, path)| present(component, Some(path))));
        let rows = sqlx::query(
            "SELECT host_id, from_leaf, class, path FROM execution WHERE substr(path, 1, ?1) = ?2
             ORDER BY host_id, from_leaf, class, path",
        )
        .bind(i64::try_from(prefix.len()).unwrap_or(i64::MAX))
        .bind(&prefix)
        .fetch_all(reading)
        .await?;
        for row in rows {
            if glob.matches(row.try_get("path")?) {
                self.all.push(executed(&row)?);
            }
        }
        Ok(())
    }

    async fn package(
        &mut self,
        reading: &mut SqliteConnection,
        package: &PackageSubject,
    ) -> Result<(), StoreError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "SELECT id, version, architecture FROM component WHERE name = ? AND kind = 'package' ORDER BY id",
        )
        .bind(package.name())
        .fetch_all(reading)
        .await?;
        for (component, version, architecture) in rows {
            if package.takes(&version, Scheme::of_architecture(&architecture)) {
                self.all.push(present(component, None));
            }
        }
        Ok(())
    }

    async fn key(
        &mut self,
        reading: &mut SqliteConnection,
        key: &KeySubject,
        roles: &[Role],
    ) -> Result<(), StoreError> {
        for name in key.names() {
            let Some(principal) = principal(reading, name).await? else { continue };
            self.principal(reading, principal).await?;
        }
        // A program that ran is known by its hash alone: who signed it, only where some host has it as a file.
        if roles.contains(&Role::Used) && !key.is_image() {
            let unknown: Vec<i64> = sqlx::query_scalar(
                "SELECT DISTINCT b.profile_id FROM boot_principal b WHERE b.role = 3
                   AND NOT EXISTS (SELECT 1 FROM component_image i WHERE i.principal_id = b.principal_id) ORDER BY 1",
            )
            .fetch_all(reading)
            .await?;
            self.doubtful.extend(unknown.into_iter().map(|profile| (profile, "image-unresolved")));
        }
        Ok(())
    }

    async fn principal(&mut self, reading: &mut SqliteConnection, principal: i64) -> Result<(), StoreError> {
        let rows = sqlx::query(
            "SELECT component_id, role, path, label FROM component_principal WHERE principal_id = ?
             UNION ALL SELECT component_id, 4, path, '' FROM component_image WHERE principal_id = ?
             ORDER BY 1, 2, 3",
        )
        .bind(principal)
        .bind(principal)
        .fetch_all(&mut *reading)
        .await?;
        for row in rows {
            let path: Vec<u8> = row.try_get("path")?;
            let path = (!path.is_empty()).then_some(path);
            let component = present(row.try_get("component_id")?, path);
            self.all.push(Carrier { role: role(&row)?, label: label(&row)?, ..component });
        }
        let rows = sqlx::query(
            "SELECT profile_id, role, class, place, store, label FROM boot_principal WHERE principal_id = ? ORDER BY 1, 2, 4",
        )
        .bind(principal)
        .fetch_all(&mut *reading)
        .await?;
        for row in rows {
            let (place, store): (String, String) = (row.try_get("place")?, row.try_get("store")?);
            self.all.push(Carrier {
                of: Of::Profile(row.try_get("profile_id")?),
                role: role(&row)?,
                class: class(&row)?,
                path: None,
                place: Some(format!("{store}, {place}")),
                label: label(&row)?,
            });
        }
        // Programs that it signed, by the file that has their hash.
        let rows = sqlx::query(
            "SELECT b.profile_id, b.place, p.path, p.label FROM component_principal p
             JOIN component_image i ON i.component_id = p.component_id AND i.path = p.path
             JOIN boot_principal b ON b.principal_id = i.principal_id AND b.role = 3
             WHERE p.principal_id = ? AND p.role = 2 GROUP BY 1, 2 ORDER BY 1, 2",
        )
        .bind(principal)
        .fetch_all(reading)
        .await?;
        for row in rows {
            self.all.push(Carrier {
                of: Of::Profile(row.try_get("profile_id")?),
                role: Role::Used,
                class: Class::C,
                path: Some(shown(row.try_get("path")?)),
                place: Some(format!("images, {}", row.try_get::<String, _>("place")?)),
                label: label(&row)?,
            });
        }
        Ok(())
    }

    async fn boot(&mut self, reading: &mut SqliteConnection, boot: &BootSubject) -> Result<(), StoreError> {
        match boot {
            BootSubject::SecureBoot(state) => {
                let rows: Vec<(i64, String)> = sqlx::query_as(
                    "SELECT profile_id, place FROM boot_setting WHERE name = 'secure-boot' AND value = ? ORDER BY 1",
                )
                .bind(state.name())
                .fetch_all(&mut *reading)
                .await?;
                self.settings(rows);
                if *state != inquiry::subject::SecureBootState::Unknown {
                    self.doubt(reading, "secure-boot-unknown", UNKNOWN_STATE).await?;
                }
            }
            BootSubject::DbxLacks { hash } => {
                let mut revoking = std::collections::BTreeSet::new();
                for name in BootSubject::revoked_names(hash) {
                    let rows: Vec<i64> = sqlx::query_scalar(
                        "SELECT b.profile_id FROM boot_principal b JOIN principal p ON p.id = b.principal_id
                         WHERE p.name = ? AND p.kind = ? AND b.role = 5",
                    )
                    .bind(name.id())
                    .bind(name.kind().name())
                    .fetch_all(&mut *reading)
                    .await?;
                    revoking.extend(rows);
                }
                let rows: Vec<(i64, String)> = sqlx::query_as(
                    "SELECT profile_id, place FROM boot_setting WHERE name = 'measured:dbx' ORDER BY 1",
                )
                .fetch_all(&mut *reading)
                .await?;
                self.settings(rows.into_iter().filter(|(profile, _)| !revoking.contains(profile)).collect());
                self.doubt(reading, "dbx-not-measured", NO_DBX).await?;
            }
            BootSubject::SbatBelow { component, generation } => {
                let rows: Vec<(i64, String, String)> = sqlx::query_as(
                    "SELECT p.id, coalesce(s.value, ''), coalesce(s.place, 'no level for it was measured')
                     FROM boot_profile p LEFT JOIN boot_setting s ON s.profile_id = p.id AND s.name = ? ORDER BY 1",
                )
                .bind(format!("sbat:{component}"))
                .fetch_all(&mut *reading)
                .await?;
                // A level that is no number keeps nothing out.
                let below = |value: &str| value.parse::<u32>().map_or(true, |level| level < *generation);
                let rows = rows.into_iter().filter(|(_, value, _)| below(value));
                self.settings(rows.map(|(profile, _, place)| (profile, place)).collect());
            }
        }
        Ok(())
    }

    fn settings(&mut self, rows: Vec<(i64, String)>) {
        self.all.extend(rows.into_iter().map(|(profile, place)| Carrier {
            of: Of::Profile(profile),
            role: Role::Present,
            class: Class::A,
            path: None,
            place: Some(place),
            label: None,
        }));
    }

    async fn doubt(
        &mut self,
        reading: &mut SqliteConnection,
        why: &'static str,
        statement: &'static str,
    ) -> Result<(), StoreError> {
        let rows: Vec<i64> = sqlx::query_scalar(statement).fetch_all(reading).await?;
        self.doubtful.extend(rows.into_iter().map(|profile| (profile, why)));
        Ok(())
    }
}

const UNKNOWN_STATE: &str =
    "SELECT profile_id FROM boot_setting WHERE name = 'secure-boot' AND value = 'unknown' ORDER BY 1";
const NO_DBX: &str = "SELECT id FROM boot_profile p WHERE NOT EXISTS
  (SELECT 1 FROM boot_setting s WHERE s.profile_id = p.id AND s.name = 'measured:dbx') ORDER BY 1";

fn present(component: i64, path: Option<Vec<u8>>) -> Carrier {
    let path = path.map(|path| shown(&path));
    Carrier {
        of: Of::Component(component),
        role: Role::Present,
        class: Class::D,
        path,
        place: None,
        label: None,
    }
}

fn executed(row: &sqlx::sqlite::SqliteRow) -> Result<Carrier, StoreError> {
    Ok(Carrier {
        of: Of::Execution { host: row.try_get("host_id")?, leaf: row.try_get("from_leaf")? },
        role: Role::Executed,
        class: class(row)?,
        path: Some(shown(row.try_get("path")?)),
        place: None,
        label: None,
    })
}

fn role(row: &sqlx::sqlite::SqliteRow) -> Result<Role, StoreError> {
    let code = u8::try_from(to_u64(row.try_get("role")?)).unwrap_or_default();
    Role::from_code(code).ok_or(StoreError::Damaged { what: "a role in the index" })
}

fn class(row: &sqlx::sqlite::SqliteRow) -> Result<Class, StoreError> {
    let code = u8::try_from(to_u64(row.try_get("class")?)).unwrap_or_default();
    Class::from_code(code).ok_or(StoreError::Damaged { what: "a class in the index" })
}

fn label(row: &sqlx::sqlite::SqliteRow) -> Result<Option<String>, StoreError> {
    let label: String = row.try_get("label")?;
    Ok((!label.is_empty()).then_some(label))
}

async fn principal(reading: &mut SqliteConnection, name: &Principal) -> Result<Option<i64>, StoreError> {
    let row = sqlx::query_scalar("SELECT id FROM principal WHERE name = ? AND kind = ?")
        .bind(name.id())
        .bind(name.kind().name())
        .fetch_optional(reading)
        .await?;
    Ok(row)
}

fn shown(path: &[u8]) -> String {
    path.escape_ascii().to_string()
}
