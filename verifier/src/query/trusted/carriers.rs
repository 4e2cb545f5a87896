//! What a subject is found in: components, profiles of boots, executions; and what of it cannot be told.
//!
//! In: one subject. Out: carriers, each with the role that whoever has it has to do with the subject. A component that a hundred
//! thousand hosts have is one carrier.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use evidence::principal::Principal;
use futures_util::TryStreamExt as _;
use inquiry::issued::UnknownAuthority;
use inquiry::role::{Class, Role};
use inquiry::subject::{BootSubject, Glob, KeySubject, PackageSubject, Scheme, Subject};

use super::AskError;
use crate::limits::{CARRIERS, PATHS_NAMED};
use crate::sql::{self, Connection, QueryBuilder, Row};
use crate::store::{StoreError, to_u64};

/// Something that hosts have, boot by or do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Carrier {
    pub(super) of: Of,
    pub(super) role: Role,
    pub(super) class: Class,
    /// Escaped where it is not printable.
    pub(super) path: Option<Arc<str>>,
    pub(super) place: Option<Arc<str>>,
    pub(super) label: Option<Arc<str>>,
    /// How far below an authority that was asked about it is: 0 is the authority.
    pub(super) level: Option<u32>,
}

/// What kind it is, and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Of {
    Component(i64),
    Profile(i64),
    Execution(Run),
}

/// An execution on a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Run {
    pub(super) host: i64,
    /// The first leaf that tells of it.
    pub(super) told: i64,
    /// The leaf before whose evidence it was not: the same, but where the boot had begun in a chain before.
    pub(super) since: i64,
    /// The first leaf of the next boot.
    pub(super) until: Option<i64>,
}

/// Carriers of one subject, and profiles of which it cannot be told whether they are.
#[derive(Clone, Debug, Default)]
pub(super) struct Carriers {
    pub(super) all: Vec<Carrier>,
    /// In how many different components, boots and executions the subject is found in the roles that were asked for.
    pub(super) asked: usize,
    /// With the reason.
    pub(super) doubtful: Vec<(i64, &'static str)>,
    /// Components, with the reason.
    pub(super) doubtful_components: BTreeMap<i64, &'static str>,
    /// How many there may be.
    left: usize,
}

/// Those of each subject, in these roles and those that bear upon them.
pub(super) async fn all(
    reading: &mut Connection<'_>,
    subjects: &[Subject],
    roles: &[Role],
) -> Result<Vec<Carriers>, AskError> {
    let known = known_files(reading, subjects).await?;
    let (mut all, mut left) = (Vec::with_capacity(subjects.len()), CARRIERS);
    for (number, subject) in subjects.iter().enumerate() {
        let is_unknown = matches!(subject, Subject::File(_)) && !known.contains(&number);
        let mut found = Carriers { left, ..Carriers::default() };
        if !is_unknown {
            found.gather(reading, subject, roles).await?;
        }
        left = left.saturating_sub(found.all.len());
        all.push(found);
    }
    Ok(all)
}

/// The numbers of those subjects that are contents which some host has or has run. Of a list of indicators most are none.
async fn known_files(reading: &mut Connection<'_>, subjects: &[Subject]) -> Result<HashSet<usize>, AskError> {
    let digest = |(number, subject): (usize, &Subject)| match subject {
        Subject::File(digest) => Some((number, digest.to_string())),
        _ => None,
    };
    let (numbers, digests): (Vec<usize>, Vec<String>) =
        subjects.iter().enumerate().filter_map(digest).unzip();
    // What is but one is as well looked for at once.
    if digests.len() <= 1 {
        return Ok(numbers.into_iter().collect());
    }
    let found: Vec<i64> = sql::query_scalar(
        "SELECT key FROM json_each(?) WHERE EXISTS (SELECT 1 FROM component_artefact WHERE digest = unhex(value))
           OR EXISTS (SELECT 1 FROM execution WHERE digest = unhex(value))",
    )
    .bind(format!("[\"{}\"]", digests.join("\",\"")))
    .fetch_all(reading)
    .await?;
    let number = |key: i64| numbers.get(usize::try_from(key).ok()?).copied();
    Ok(found.into_iter().filter_map(number).collect())
}

impl Carriers {
    async fn gather(
        &mut self,
        reading: &mut Connection<'_>,
        subject: &Subject,
        roles: &[Role],
    ) -> Result<(), AskError> {
        let found = self;
        let gathered = match subject {
            Subject::File(digest) => found.file(reading, digest.as_bytes()).await,
            Subject::Path(glob) => match (found.path(reading, glob).await, glob.in_usr()) {
                (Ok(()), Some(glob)) => found.path(reading, &glob).await,
                (done, _) => done,
            },
            Subject::Package(package) => found.package(reading, package, OF_NAME).await,
            Subject::Source(source) => found.package(reading, source, OF_SOURCE).await,
            Subject::Key(key) => found.key(reading, key, roles).await,
            Subject::CertName(text) => found.named(reading, text, roles).await,
            Subject::Issuer(issuer) => found.issuer(reading, issuer, roles).await,
            Subject::Boot(boot) => found.boot(reading, boot).await,
        };
        gathered.map_err(|error| match error {
            GatherError::TooMany => AskError::Broad { subject: subject.to_string() },
            GatherError::Authority(why) => AskError::Authority { subject: subject.to_string(), why },
            GatherError::Store(error) => AskError::Store(error),
        })?;
        // What was there may have been run.
        let bears =
            |role: Role| roles.contains(&role) || role == Role::Present && roles.contains(&Role::Executed);
        found.all.retain(|carrier| bears(carrier.role));
        let asked = found.all.iter().filter(|carrier| roles.contains(&carrier.role));
        found.asked = asked.map(|carrier| carrier.of).collect::<BTreeSet<_>>().len();
        Ok(())
    }

    fn add(&mut self, carrier: Carrier) -> Result<(), GatherError> {
        if self.all.len() >= self.left {
            return Err(GatherError::TooMany);
        }
        self.all.push(carrier);
        Ok(())
    }

    async fn file(&mut self, reading: &mut Connection<'_>, digest: &[u8]) -> Result<(), GatherError> {
        let mut rows = sql::query(
            "SELECT component_id, path FROM component_artefact WHERE digest = ? ORDER BY component_id, path",
        )
        .bind(digest)
        .fetch(&mut *reading);
        while let Some(row) = rows.try_next().await? {
            self.add(present(row.try_get(0)?, Some(row.try_get(1)?)))?;
        }
        drop(rows);
        let mut query = QueryBuilder::new(EXECUTIONS);
        query.push(" WHERE e.digest = ").push_bind(digest).push(" ORDER BY e.host_id, e.from_leaf, e.class");
        let mut rows = query.build().fetch(reading);
        while let Some(row) = rows.try_next().await? {
            self.add(executed(&row)?)?;
        }
        Ok(())
    }

    async fn path(&mut self, reading: &mut Connection<'_>, glob: &Glob) -> Result<(), GatherError> {
        let prefix = glob.prefix();
        let length = i64::try_from(prefix.len()).unwrap_or(i64::MAX);
        let mut rows = sql::query(
            "SELECT component_id, path FROM component_artefact WHERE substr(path, 1, ?1) = ?2 ORDER BY component_id, path",
        )
        .bind(length)
        .bind(&prefix)
        .fetch(&mut *reading);
        // A pattern may fit every file of a component: some are named, and that it fits is known by the first.
        let (mut open, mut named) = (None, 0);
        while let Some(row) = rows.try_next().await? {
            let (component, path): (i64, &[u8]) = (row.try_get(0)?, row.bytes(1)?);
            if open != Some(component) {
                (open, named) = (Some(component), 0);
            }
            if named < PATHS_NAMED && glob.matches(path) {
                named += 1;
                self.add(present(component, Some(path.to_vec())))?;
            }
        }
        drop(rows);
        let mut query = QueryBuilder::new(EXECUTIONS);
        query.push(" WHERE substr(e.path, 1, ").push_bind(length).push(") = ").push_bind(&prefix);
        query.push(" ORDER BY e.host_id, e.from_leaf, e.class, e.path");
        let mut rows = query.build().fetch(reading);
        while let Some(row) = rows.try_next().await? {
            if glob.matches(row.bytes("path")?) {
                self.add(executed(&row)?)?;
            }
        }
        Ok(())
    }

    async fn package(
        &mut self,
        reading: &mut Connection<'_>,
        package: &PackageSubject,
        statement: &'static str,
    ) -> Result<(), GatherError> {
        let mut rows = sql::query(statement).bind(package.name()).fetch(reading);
        while let Some(row) = rows.try_next().await? {
            if package.takes(row.text(1)?, Scheme::of_architecture(row.text(2)?)) {
                self.add(present(row.try_get(0)?, None))?;
            }
        }
        Ok(())
    }

    async fn key(
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
    async fn named(
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
        // A program that ran is known by its hash alone: who signed it, only where some host has it as a file.
        if roles.contains(&Role::Used) && !is_image {
            self.doubt(reading, "image-unresolved", UNRESOLVED_IMAGES).await?;
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
        // Programs that it signed, by the file that has their hash.
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
                class: Class::C,
                path: Some(shown(row.bytes("path")?)),
                place: Some(format!("images, {}", row.text("place")?).into()),
                label: label(&row)?,
                level: None,
            })?;
        }
        Ok(())
    }

    async fn boot(&mut self, reading: &mut Connection<'_>, boot: &BootSubject) -> Result<(), GatherError> {
        match boot {
            BootSubject::SecureBoot(state) => {
                let rows: Vec<(i64, String)> = sql::query_as(
                    "SELECT profile_id, place FROM boot_setting WHERE name = 'secure-boot' AND value = ? ORDER BY 1",
                )
                .bind(state.name())
                .fetch_all(&mut *reading)
                .await?;
                self.settings(rows)?;
                if *state != inquiry::subject::SecureBootState::Unknown {
                    self.doubt(reading, "secure-boot-unknown", UNKNOWN_STATE).await?;
                }
            }
            BootSubject::DbxLacks { hash } => {
                let mut revoking = BTreeSet::new();
                for name in BootSubject::revoked_names(hash) {
                    let rows: Vec<i64> = sql::query_scalar(
                        "SELECT b.profile_id FROM boot_principal b JOIN principal p ON p.id = b.principal_id
                         WHERE p.name = ? AND p.kind = ? AND b.role = 5",
                    )
                    .bind(name.id())
                    .bind(name.kind().name())
                    .fetch_all(&mut *reading)
                    .await?;
                    revoking.extend(rows);
                }
                let rows: Vec<(i64, String)> = sql::query_as(
                    "SELECT profile_id, place FROM boot_setting WHERE name = 'measured:dbx' ORDER BY 1",
                )
                .fetch_all(&mut *reading)
                .await?;
                self.settings(rows.into_iter().filter(|(profile, _)| !revoking.contains(profile)))?;
                self.doubt(reading, "dbx-not-measured", NO_DBX).await?;
            }
            BootSubject::SbatBelow { component, generation } => {
                let rows: Vec<(i64, String, String)> = sql::query_as(
                    "SELECT p.id, coalesce(s.value, ''), coalesce(s.place, 'no level for it was measured')
                     FROM boot_profile p LEFT JOIN boot_setting s ON s.profile_id = p.id AND s.name = ? ORDER BY 1",
                )
                .bind(format!("sbat:{component}"))
                .fetch_all(&mut *reading)
                .await?;
                // A level that is no number keeps nothing out.
                let below = |value: &str| value.parse::<u32>().map_or(true, |level| level < *generation);
                let rows = rows.into_iter().filter(|(_, value, _)| below(value));
                self.settings(rows.map(|(profile, _, place)| (profile, place)))?;
            }
        }
        Ok(())
    }

    fn settings(&mut self, rows: impl IntoIterator<Item = (i64, String)>) -> Result<(), GatherError> {
        rows.into_iter().try_for_each(|(profile, place)| {
            self.add(Carrier {
                of: Of::Profile(profile),
                role: Role::Present,
                class: Class::A,
                path: None,
                place: Some(place.into()),
                label: None,
                level: None,
            })
        })
    }

    async fn doubt(
        &mut self,
        reading: &mut Connection<'_>,
        why: &'static str,
        statement: &'static str,
    ) -> Result<(), GatherError> {
        let rows: Vec<i64> = sql::query_scalar(statement).fetch_all(reading).await?;
        self.doubtful.extend(rows.into_iter().map(|profile| (profile, why)));
        Ok(())
    }
}

/// Packages with their versions, and what these are versions of.
const OF_NAME: &str =
    "SELECT id, version, architecture FROM component WHERE name = ? AND kind = 'package' ORDER BY id";
const OF_SOURCE: &str =
    "SELECT c.id, s.version, c.architecture FROM component_source s JOIN component c ON c.id = s.component_id
  WHERE s.name = ? ORDER BY 1";

const UNKNOWN_STATE: &str =
    "SELECT profile_id FROM boot_setting WHERE name = 'secure-boot' AND value = 'unknown' ORDER BY 1";
const NO_DBX: &str = "SELECT id FROM boot_profile p WHERE NOT EXISTS
  (SELECT 1 FROM boot_setting s WHERE s.profile_id = p.id AND s.name = 'measured:dbx') ORDER BY 1";

/// Programs that were started and are no file that is known with all its signatures.
const UNRESOLVED_IMAGES: &str =
    "SELECT DISTINCT b.profile_id FROM boot_principal b WHERE b.role = 3 AND NOT EXISTS
  (SELECT 1 FROM component_image i WHERE i.principal_id = b.principal_id AND i.whole <> 0) ORDER BY 1";
const UNMEASURED_TRUST: &str = "SELECT id FROM boot_profile p WHERE 3 >
  (SELECT count(*) FROM boot_setting s WHERE s.profile_id = p.id AND s.name IN ('measured:PK', 'measured:KEK', 'measured:db')) ORDER BY 1";
const UNNAMED_TRUST: &str = "SELECT DISTINCT profile_id FROM boot_setting WHERE name IN ('unnamed:PK', 'unnamed:KEK', 'unnamed:db', 'unnamed:dbt') ORDER BY 1";
const UNNAMED_AUTHORITIES: &str =
    "SELECT profile_id FROM boot_setting WHERE name = 'unnamed:authorities' ORDER BY 1";
const UNNAMED_DBX: &str = "SELECT profile_id FROM boot_setting WHERE name = 'unnamed:dbx' ORDER BY 1";

const LABELS: &str = "SELECT principal_id, label FROM boot_principal WHERE label <> '' GROUP BY 1, 2
  UNION SELECT principal_id, label FROM component_principal WHERE label <> '' GROUP BY 1, 2";
/// Boots with a certificate in a list of which nobody could read what it is called, or not all of it: names are cut at 256 bytes, where a character
/// begins, and none that is whole is known to have more than 252.
const NAMELESS: &str =
    "SELECT DISTINCT b.profile_id FROM boot_principal b JOIN principal p ON p.id = b.principal_id
  WHERE p.kind = 'certificate' AND (b.label = '' OR octet_length(b.label) > 252) ORDER BY 1";

/// Executions with the boot that each was in. One that the first evidence of a chain tells of was in a boot that may have begun in a chain before.
const EXECUTIONS: &str = "SELECT e.host_id, e.from_leaf, e.class, e.path,
  CASE WHEN EXISTS (SELECT 1 FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf = e.from_leaf AND b.continues <> 0)
    THEN (SELECT max(b.first_leaf) FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf < e.from_leaf AND b.continues = 0)
    ELSE e.from_leaf END AS since,
  (SELECT min(b.first_leaf) FROM boot b WHERE b.host_id = e.host_id AND b.first_leaf > e.from_leaf AND b.continues = 0) AS until
  FROM execution e";

/// Why carriers are not gathered.
#[derive(Debug, thiserror::Error)]
pub(super) enum GatherError {
    #[error("there are more than {CARRIERS}")]
    TooMany,
    #[error(transparent)]
    Authority(#[from] UnknownAuthority),
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for GatherError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

fn present(component: i64, path: Option<Vec<u8>>) -> Carrier {
    let path = path.map(|path| shown(&path));
    Carrier {
        of: Of::Component(component),
        role: Role::Present,
        class: Class::D,
        path,
        place: None,
        label: None,
        level: None,
    }
}

fn executed(row: &Row) -> Result<Carrier, StoreError> {
    let (told, since): (i64, Option<i64>) = (row.try_get("from_leaf")?, row.try_get("since")?);
    Ok(Carrier {
        of: Of::Execution(Run {
            host: row.try_get("host_id")?,
            told,
            since: since.unwrap_or(told),
            until: row.try_get("until")?,
        }),
        role: Role::Executed,
        class: class(row)?,
        path: Some(shown(row.bytes("path")?)),
        place: None,
        label: None,
        level: None,
    })
}

pub(super) fn role(row: &Row) -> Result<Role, StoreError> {
    let code = u8::try_from(to_u64(row.try_get("role")?)).unwrap_or_default();
    Role::from_code(code).ok_or(StoreError::Damaged { what: "a role in the index" })
}

fn class(row: &Row) -> Result<Class, StoreError> {
    let code = u8::try_from(to_u64(row.try_get("class")?)).unwrap_or_default();
    Class::from_code(code).ok_or(StoreError::Damaged { what: "a class in the index" })
}

fn label(row: &Row) -> Result<Option<Arc<str>>, StoreError> {
    let label: &str = row.text("label")?;
    Ok((!label.is_empty()).then(|| label.into()))
}

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

fn shown(path: &[u8]) -> Arc<str> {
    path.escape_ascii().to_string().into()
}
