//! Times for which it cannot be told whether a host had a carrier: what agents told they did not see, components that nobody has
//! described or read whole, boots that do not say.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use inquiry::moment::Window;
use inquiry::role::{Role, Source};
use inquiry::subject::Subject;

use super::carriers::Carriers;
use super::images::{self, Needed};
use crate::limits::DOUBTS_APART;
use crate::sql::{self, Connection, QueryBuilder, Row};
use crate::store::directory::{Directory, GapEntry};
use crate::store::packed_rows::{list, numbers, present};
use crate::store::{StoreError, to_i64};

/// A gap with the words for it.
#[derive(Clone, Debug)]
pub(super) struct FoundGap {
    pub(super) host: i64,
    pub(super) source: Source,
    pub(super) cause: Arc<str>,
    pub(super) scope: Arc<str>,
    /// The last evidence before it.
    pub(super) from_leaf: Option<i64>,
    pub(super) to_leaf: Option<i64>,
}

impl FoundGap {
    /// By what doubts of one host are told apart.
    fn order(&self) -> impl Ord {
        (self.host, self.from_leaf, self.to_leaf, &*self.cause)
    }

    /// One that the directory has.
    pub(super) fn of(host: i64, gap: &GapEntry) -> Self {
        Self {
            host,
            source: gap.source,
            cause: Arc::clone(&gap.cause),
            scope: Arc::clone(&gap.scope),
            from_leaf: gap.from_leaf,
            to_leaf: gap.to_leaf,
        }
    }
}

/// Those of the subjects that are not over before the window.
pub(super) async fn all(
    reading: &mut Connection<'_>,
    directory: &Directory,
    (subjects, roles, carriers): (&[Subject], &[Role], &[Carriers]),
    sources: &[Source],
    window: Window,
) -> Result<Vec<FoundGap>, StoreError> {
    let since = to_i64(window.from.unwrap_or_default());
    let mut gaps = Vec::new();
    if sources.contains(&Source::Files) {
        gaps.extend(UNDESCRIBED.read(reading, since, DOUBTS_APART).await?);
        let is_of_keys = |subject: &Subject| {
            matches!(subject, Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_))
        };
        if subjects.iter().any(|subject| matches!(subject, Subject::Issuer(_))) {
            for (_, doubt) in UNISSUED.iter().filter(|(role, _)| roles.contains(role)) {
                gaps.extend(doubt.read(reading, since, DOUBTS_APART).await?);
            }
        }
        if subjects.iter().any(is_of_keys) {
            gaps.extend(UNREAD.read(reading, since, DOUBTS_APART).await?);
        }
        if subjects.iter().any(|subject| matches!(subject, Subject::Source(_))) {
            gaps.extend(SOURCELESS.read(reading, since, DOUBTS_APART).await?);
        }
    }
    let mut doubtful: BTreeMap<i64, Arc<str>> = BTreeMap::new();
    for (profile, why) in carriers.iter().flat_map(|carriers| &carriers.doubtful) {
        doubtful.entry(*profile).or_insert_with(|| Arc::from(*why));
    }
    gaps.extend(alone(boots(reading, &doubtful, since).await?));
    let needed: BTreeSet<Needed> = carriers.iter().filter_map(|carriers| carriers.needed).collect();
    for needed in needed {
        gaps.extend(images::unresolved(reading, directory, needed, since).await?);
    }
    if sources.contains(&Source::Files) {
        let doubtful = carriers.iter().flat_map(|carriers| &carriers.doubtful_components);
        let doubtful: BTreeMap<i64, Arc<str>> =
            doubtful.map(|(component, why)| (*component, Arc::from(*why))).collect();
        gaps.extend(alone(components(reading, &doubtful, since).await?));
        let of_keys = carriers.iter().flat_map(|carriers| &carriers.doubtful_keys);
        let scope: Arc<str> = Arc::from("a key that the kernel's list tells of");
        let reaches = of_keys.filter(|(_, _, until, _)| until.is_none_or(|until| until >= since));
        let of_keys: BTreeSet<_> = reaches.collect();
        gaps.extend(of_keys.into_iter().map(|(host, from_leaf, to_leaf, why)| FoundGap {
            host: *host,
            source: Source::Files,
            cause: Arc::from(*why),
            scope: Arc::clone(&scope),
            from_leaf: *from_leaf,
            to_leaf: *to_leaf,
        }));
    }
    Ok(gaps)
}

/// Components of which something is not known.
struct Doubt {
    cause: &'static str,
    /// The table of such components.
    table: &'static str,
    /// What it is called: an expression over the table's row `d` and the component's `c`.
    scope: &'static str,
}

/// Components that nobody has sent the manifest of yet.
const UNDESCRIBED: Doubt = Doubt {
    cause: "manifest-missing",
    table: "component_wanted",
    scope: "'component ' || lower(hex(c.digest))",
};
/// Stores that nobody could read whole: a key may be in the part that is not known.
const UNREAD: Doubt = Doubt {
    cause: "store-unread",
    table: "component_partial",
    scope: "coalesce(c.name, '') || ': ' || d.what",
};

/// Components with certificates that anybody may have issued, by the role in which they have them.
const UNISSUED: [(Role, Doubt); 3] = [
    (Role::Eligible, unissued("(SELECT component_id FROM component_unissued WHERE role = 1)")),
    (Role::Used, unissued("(SELECT component_id FROM component_unissued WHERE role = 2)")),
    (Role::Revoked, unissued("(SELECT component_id FROM component_unissued WHERE role = 5)")),
];

const fn unissued(table: &'static str) -> Doubt {
    Doubt { cause: "issuer-unknown", table, scope: "coalesce(c.name, '') || ' ' || coalesce(c.version, '')" }
}

/// Packages of which nobody has said what they were built from.
const SOURCELESS: Doubt = Doubt {
    cause: "source-unknown",
    table: "component_sourceless",
    scope: "coalesce(c.name, '') || ' ' || coalesce(c.version, '')",
};

impl Doubt {
    /// When hosts had them: one by one, or where there are more than so many, all of a host as one.
    async fn read(
        &self,
        reading: &mut Connection<'_>,
        since: i64,
        apart: i64,
    ) -> Result<Vec<FoundGap>, StoreError> {
        let each = format!("o.from_leaf AS first, o.to_leaf AS t, {} AS scope", self.scope);
        let found = self.gaps(reading, since, &each, &format!("LIMIT {}", apart + 1)).await?;
        if i64::try_from(found.len()).is_ok_and(|found| found <= apart) {
            return Ok(found);
        }
        let together =
            "min(o.from_leaf) AS first, CASE WHEN count(*) = count(o.to_leaf) THEN max(o.to_leaf) END AS t,
           count(DISTINCT c.id) || ' components' AS scope";
        self.gaps(reading, since, together, "GROUP BY o.host_id").await
    }

    async fn gaps(
        &self,
        reading: &mut Connection<'_>,
        since: i64,
        columns: &str,
        end: &str,
    ) -> Result<Vec<FoundGap>, StoreError> {
        let mut query = QueryBuilder::new(
            "SELECT host, (SELECT leaf - back FROM moment WHERE leaf = first), t, scope FROM (SELECT o.host_id AS host, ",
        );
        query.push(columns).push(" FROM ").push(self.table).push(
            " d JOIN component c ON c.id = d.component_id JOIN host_component o ON o.component_id = d.component_id
             WHERE (o.to_leaf IS NULL OR o.to_leaf >= ",
        );
        query.push_bind(since).push(") ").push(end).push(") AS g ORDER BY host, first, scope");
        let rows = query.build().fetch_all(reading).await?;
        let cause: Arc<str> = Arc::from(self.cause);
        let gap = |row: &Row| {
            Ok(FoundGap {
                host: row.try_get(0)?,
                source: Source::Files,
                cause: Arc::clone(&cause),
                scope: row.text(3)?.into(),
                from_leaf: row.try_get(1)?,
                to_leaf: row.try_get(2)?,
            })
        };
        rows.iter().map(gap).collect()
    }
}

fn alone(found: Vec<(i64, FoundGap)>) -> impl Iterator<Item = FoundGap> {
    found.into_iter().map(|(_, gap)| gap)
}

/// When hosts had these components.
async fn components(
    reading: &mut Connection<'_>,
    doubtful: &BTreeMap<i64, Arc<str>>,
    since: i64,
) -> Result<Vec<(i64, FoundGap)>, StoreError> {
    const STATEMENT: &str = "SELECT string_agg(CAST(component_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' '),
           string_agg(CAST(coalesce((SELECT leaf - back FROM moment WHERE leaf = from_leaf), -1) AS TEXT), ' '),
           string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
         FROM host_component WHERE component_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) AND (to_leaf IS NULL OR to_leaf >= ?)";
    let scope: Arc<str> = Arc::from("a certificate that a component has");
    spans(reading, (STATEMENT, Source::Files, scope), doubtful, since).await
}

/// When hosts had booted by these profiles.
pub(super) async fn boots(
    reading: &mut Connection<'_>,
    doubtful: &BTreeMap<i64, Arc<str>>,
    since: i64,
) -> Result<Vec<(i64, FoundGap)>, StoreError> {
    const STATEMENT: &str = "SELECT string_agg(CAST(profile_id AS TEXT), ' '), string_agg(CAST(host_id AS TEXT), ' '),
           string_agg(CAST(coalesce((SELECT leaf - back FROM moment WHERE leaf = from_leaf), -1) AS TEXT), ' '),
           string_agg(CAST(coalesce(to_leaf, -1) AS TEXT), ' ')
         FROM host_boot_profile WHERE profile_id IN (SELECT CAST(value AS BIGINT) FROM json_each(?)) AND (to_leaf IS NULL OR to_leaf >= ?)";
    spans(reading, (STATEMENT, Source::Boot, Arc::from("the host's boot")), doubtful, since).await
}

/// When hosts had what is in doubt, by its rows.
async fn spans(
    reading: &mut Connection<'_>,
    (statement, source, scope): (&'static str, Source, Arc<str>),
    doubtful: &BTreeMap<i64, Arc<str>>,
    since: i64,
) -> Result<Vec<(i64, FoundGap)>, StoreError> {
    let ids: Vec<i64> = doubtful.keys().copied().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let query = sql::query(statement);
    let mut gaps = Vec::new();
    for [row, host, before, to] in numbers(reading, query.bind(list(&ids)).bind(since)).await? {
        let Some(cause) = doubtful.get(&row) else { continue };
        let (cause, scope) = (Arc::clone(cause), Arc::clone(&scope));
        let (from_leaf, to_leaf) = (present(before), present(to));
        gaps.push((row, FoundGap { host, source, cause, scope, from_leaf, to_leaf }));
    }
    // Each database has an order of its own.
    gaps.sort_unstable_by(|(_, a), (_, b)| a.order().cmp(&b.order()));
    Ok(gaps)
}

#[cfg(test)]
mod tests {
    use evidence::digest::Sha256Digest;

    use super::*;
    use crate::record::tests::{Bench, lived};

    /// Of each host: since when, until when, and of what.
    async fn undescribed(bench: &Bench, apart: i64) -> Vec<(i64, Option<i64>, Option<i64>, String)> {
        let mut reading = bench.store.readers().acquire().await.unwrap();
        let found = UNDESCRIBED.read(&mut reading, 0, apart).await.unwrap();
        let row = |gap: FoundGap| (gap.host, gap.from_leaf, gap.to_leaf, gap.scope.to_string());
        found.into_iter().map(row).collect()
    }

    #[tokio::test]
    async fn many_undescribed_components_of_a_host_are_one_doubt() {
        let bench = Bench::new().await;
        let [a, b] = [1_u8, 2].map(|byte| Sha256Digest::new([byte; 32]));
        let hosts = [(1, &[vec![], vec![a, b], vec![b]][..]), (2, &[vec![a], vec![]])];
        let leaves: Vec<i64> = lived(&bench, &hosts).await.into_iter().map(to_i64).collect();
        let [first, _, third, _, last] = leaves[..] else { panic!("{leaves:?}") };
        let named = |digest: Sha256Digest| format!("component {digest}");
        let apart = [
            (1, Some(first), Some(third), named(a)),
            (1, Some(first), None, named(b)),
            (2, None, Some(last), named(a)),
        ];
        assert_eq!(undescribed(&bench, 3).await, apart);
        let together = [
            (1, Some(first), None, "2 components".to_owned()),
            (2, None, Some(last), "1 components".to_owned()),
        ];
        assert_eq!(undescribed(&bench, 2).await, together);
    }
}
