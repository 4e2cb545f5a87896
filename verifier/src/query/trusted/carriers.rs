//! What a subject is found in: components, profiles of boots, executions; and what of it cannot be told.
//!
//! In: one subject. Out: carriers, each with the role that whoever has it has to do with the subject. A component that a hundred
//! thousand hosts have is one carrier.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use futures_util::TryStreamExt as _;
use inquiry::issued::UnknownAuthority;
use inquiry::role::{Class, Role};
use inquiry::subject::{BootSubject, Glob, PackageSubject, Scheme, Subject};

use super::AskError;
use super::happened::{EXECUTIONS, RUNS};
use super::images::Needed;
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
    /// Keys of which a host's kernel tells: the host, the last evidence before, the end, and the reason.
    pub(super) doubtful_keys: Vec<(i64, Option<i64>, Option<i64>, &'static str)>,
    /// What must be known of the programs that hosts started.
    pub(super) needed: Option<Needed>,
    /// Whether it is asked what was run.
    of_runs: bool,
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
        let of_runs = roles.contains(&Role::Executed);
        let mut found = Carriers { of_runs, left, ..Carriers::default() };
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
        Subject::File(digest) => Some((digest.to_string(), number)),
        _ => None,
    };
    let mut asked: Vec<(String, usize)> = subjects.iter().enumerate().filter_map(digest).collect();
    // Those that are near each other in the index follow each other.
    asked.sort_unstable();
    let (digests, numbers): (Vec<String>, Vec<usize>) = asked.into_iter().unzip();
    // What is but one is as well looked for at once.
    if digests.len() <= 1 {
        return Ok(numbers.into_iter().collect());
    }
    let found: Vec<i64> = sql::query_scalar(
        "WITH asked AS MATERIALIZED (SELECT key, unhex(value) AS digest FROM json_each(?))
         SELECT key FROM asked WHERE EXISTS (SELECT 1 FROM component_artefact a WHERE a.digest = asked.digest)
           OR EXISTS (SELECT 1 FROM execution e WHERE e.digest = asked.digest)",
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
            Subject::Sbat(sbat) => found.by_generation(reading, sbat, roles).await,
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

    pub(super) fn add(&mut self, carrier: Carrier) -> Result<(), GatherError> {
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
        if !self.of_runs {
            return Ok(());
        }
        for (statement, of_digest) in [(EXECUTIONS, " WHERE e.digest = "), (RUNS, " AND a.digest = ")] {
            let mut query = QueryBuilder::new(statement);
            query.push(of_digest).push_bind(digest).push(" ORDER BY 1, 2, 3, 4");
            let mut rows = query.build().fetch(&mut *reading);
            while let Some(row) = rows.try_next().await? {
                self.add(executed(&row)?)?;
            }
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
        if !self.of_runs {
            return Ok(());
        }
        for (statement, of_path) in
            [(EXECUTIONS, " WHERE substr(e.path, 1, "), (RUNS, " AND substr(a.path, 1, ")]
        {
            let mut query = QueryBuilder::new(statement);
            query.push(of_path).push_bind(length).push(") = ").push_bind(&prefix);
            query.push(" ORDER BY 1, 2, 3, 4");
            let mut rows = query.build().fetch(&mut *reading);
            while let Some(row) = rows.try_next().await? {
                if glob.matches(row.bytes("path")?) {
                    self.add(executed(&row)?)?;
                }
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
                     FROM boot_profile p LEFT JOIN boot_setting s ON s.profile_id = p.id AND s.name = ?
                     WHERE p.list IS NULL ORDER BY 1",
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

    pub(super) async fn doubt(
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
pub(super) const NO_DBX: &str = "SELECT id FROM boot_profile p WHERE p.list IS NULL AND NOT EXISTS
  (SELECT 1 FROM boot_setting s WHERE s.profile_id = p.id AND s.name = 'measured:dbx') ORDER BY 1";

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

pub(super) fn present(component: i64, path: Option<Vec<u8>>) -> Carrier {
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

pub(super) fn executed(row: &Row) -> Result<Carrier, StoreError> {
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

pub(super) fn class(row: &Row) -> Result<Class, StoreError> {
    let code = u8::try_from(to_u64(row.try_get("class")?)).unwrap_or_default();
    Class::from_code(code).ok_or(StoreError::Damaged { what: "a class in the index" })
}

pub(super) fn label(row: &Row) -> Result<Option<Arc<str>>, StoreError> {
    let label: &str = row.text("label")?;
    Ok((!label.is_empty()).then(|| label.into()))
}

pub(super) fn shown(path: &[u8]) -> Arc<str> {
    path.escape_ascii().to_string().into()
}
