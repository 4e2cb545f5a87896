//! Which hosts there are and how they stand now.
//!
//! A host's standing is derived when it is asked for, from its newest result and the time since: nothing has to run
//! for a silent host to be stale.

use evidence::body::{Body, Gap, GapEnd};
use evidence::time::UnixTime;
use evidence::tpm::Public;
use wire::operator::{
    ClaimView, ComponentView, CounterView, CoverageView, GapView, HostDetail, HostList, HostStatus,
    HostSummary, Refusal,
};

use crate::limits::{COMPONENTS_SHOWN, REFUSALS_PER_HOST};
use crate::sql::{self, Connection, Executor, Pool, QueryBuilder, Row};
use crate::store::unpack::{self, Unpacker};
use crate::store::{Store, StoreError, to_i64, to_u64};

/// Which hosts are asked for.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: Option<HostStatus>,
    /// Part of the name, or the beginning of the identity.
    pub(crate) search: Option<String>,
    /// The `next` of the page before.
    pub(crate) after: Option<String>,
    pub(crate) limit: i64,
}

/// What a name or prefix fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    One(i64),
    None,
    Several,
}

/// The host with this identity, or the only one with this name or this beginning of its identity.
pub(crate) async fn find(readers: &Pool, which: &str) -> Result<Found, StoreError> {
    let mut rows: Vec<i64> = sql::query_scalar("SELECT id FROM host WHERE name = ? LIMIT 2")
        .bind(which)
        .fetch_all(readers)
        .await?;
    if rows.is_empty() && is_hex(which) {
        rows = sql::query_scalar("SELECT id FROM host WHERE lower(hex(identity)) LIKE ? || '%' LIMIT 2")
            .bind(which.to_ascii_lowercase())
            .fetch_all(readers)
            .await?;
    }
    Ok(match rows.as_slice() {
        [row] => Found::One(*row),
        [] => Found::None,
        _ => Found::Several,
    })
}

/// A page of hosts by name, then identity; retired ones only where they are asked for.
pub(crate) async fn list(
    store: &Store,
    page: &Page,
    silent_before: UnixTime,
) -> Result<HostList, StoreError> {
    let total: i64 = sql::query_scalar("SELECT count(*) FROM host WHERE retired_ms IS NULL")
        .fetch_one(store.readers())
        .await?;
    let mut query = QueryBuilder::new(SUMMARY);
    query.push(" WHERE 1 = 1");
    if let Some(search) = &page.search {
        query.push(" AND (instr(lower(h.name), lower(").push_bind(search.clone()).push(")) > 0");
        if is_hex(search) {
            query
                .push(" OR lower(hex(h.identity)) LIKE ")
                .push_bind(format!("{}%", search.to_ascii_lowercase()));
        }
        query.push(")");
    }
    if let Some((name, id)) = page.after.as_deref().and_then(|after| after.rsplit_once('/')) {
        query.push(" AND (h.name, hex(h.identity)) > (").push_bind(name.to_owned());
        query.push(", ").push_bind(id.to_ascii_uppercase()).push(")");
    }
    match page.status {
        Some(status) => push_status(&mut query, status, silent_before),
        // Those that are gone are shown to who asks for them.
        None => {
            query.push(" AND h.retired_ms IS NULL");
        }
    }
    query.push(" ORDER BY h.name, hex(h.identity) LIMIT ").push_bind(page.limit + 1);
    let rows = query.build().fetch_all(store.readers()).await?;
    let more = rows.len() as u64 > to_u64(page.limit);
    let hosts: Vec<HostSummary> = rows
        .iter()
        .take(usize::try_from(page.limit).unwrap_or(usize::MAX))
        .map(|row| summary(row, silent_before))
        .collect::<Result<_, _>>()?;
    let next = if more { hosts.last().map(|host| format!("{}/{}", host.name, host.id)) } else { None };
    Ok(HostList { hosts, total: to_u64(total), next })
}

const SUMMARY: &str = "SELECT h.id, h.identity, h.name, h.tier, h.next_seq, h.components, h.last_received_ms,
  h.enrolled_ms, h.retired_ms, h.last_status, h.agent_version, h.ak_public, h.selection, h.chain, h.last_leaf,
  (SELECT string_agg(l.key || '=' || l.value, ',') FROM host_label l WHERE l.host_id = h.id AND l.value IS NOT NULL) AS labels
  FROM host h";

/// The same rule as [`standing`], where the database can use it.
fn push_status(query: &mut QueryBuilder, status: HostStatus, silent_before: UnixTime) {
    const LAST: &str = "coalesce(h.last_received_ms, h.enrolled_ms)";
    let before = to_i64(silent_before.as_ms());
    if status == HostStatus::Retired {
        query.push(" AND h.retired_ms IS NOT NULL");
        return;
    }
    query.push(" AND h.retired_ms IS NULL");
    if status == HostStatus::Stale {
        query.push(format_args!(" AND {LAST} < ")).push_bind(before);
        return;
    }
    query.push(format_args!(" AND {LAST} >= ")).push_bind(before);
    query.push(match status {
        HostStatus::Pending => " AND h.last_status IS NULL",
        HostStatus::NotTrusted => " AND h.last_status = 3",
        HostStatus::Warning => " AND h.last_status IN (0, 2)",
        HostStatus::Trusted | HostStatus::Stale | HostStatus::Retired => " AND h.last_status = 1",
    });
}

/// Nothing claimed is nothing to trust: it counts as something to look at.
fn standing(last_ms: u64, status: Option<i64>, silent_before: UnixTime) -> HostStatus {
    if last_ms < silent_before.as_ms() {
        return HostStatus::Stale;
    }
    match status {
        None => HostStatus::Pending,
        Some(1) => HostStatus::Trusted,
        Some(0 | 2) => HostStatus::Warning,
        Some(_) => HostStatus::NotTrusted,
    }
}

fn summary(row: &Row, silent_before: UnixTime) -> Result<HostSummary, StoreError> {
    let enrolled: i64 = row.try_get("enrolled_ms")?;
    let last: Option<i64> = row.try_get("last_received_ms")?;
    let next_seq = to_u64(row.try_get("next_seq")?);
    let standing = standing(to_u64(last.unwrap_or(enrolled)), row.try_get("last_status")?, silent_before);
    let retired = row.try_get::<Option<i64>>("retired_ms")?.is_some();
    let at = |ms: i64| UnixTime::from_ms(to_u64(ms)).to_string();
    // Neither keys nor values have signs that part them.
    let labels: Option<String> = row.try_get("labels")?;
    let labels = labels.unwrap_or_default();
    let labels = labels.split(',').filter_map(|label| label.split_once('='));
    Ok(HostSummary {
        labels: labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect(),
        id: hex::encode(row.try_get::<Vec<u8>>("identity")?),
        name: row.try_get("name")?,
        status: if retired { HostStatus::Retired } else { standing },
        tier: row.try_get("tier")?,
        seq: next_seq.checked_sub(1),
        components: to_u64(row.try_get("components")?),
        last_seen: last.map(at),
        enrolled: at(enrolled),
    })
}

/// Everything that is known of a host now.
pub(crate) async fn detail(
    store: &Store,
    host: i64,
    silent_before: UnixTime,
) -> Result<HostDetail, StoreError> {
    // All of one moment: evidence may be recorded between two statements.
    let mut reading = store.readers().begin_read().await?;
    let mut query = QueryBuilder::new(SUMMARY);
    query.push(" WHERE h.id = ").push_bind(host);
    let row = query.build().fetch_one(&mut *reading).await?;
    let ak = Public::parse(&row.try_get::<Vec<u8>>("ak_public")?)
        .map_err(|_| StoreError::Damaged { what: "a host's attestation key" })?;
    let mut detail = HostDetail {
        summary: summary(&row, silent_before)?,
        agent_version: row.try_get("agent_version")?,
        ak_name: hex::encode(ak.name().to_bytes()),
        selection: row.try_get("selection")?,
        chain: hex::encode(row.try_get::<Vec<u8>>("chain")?),
        reset_count: None,
        restart_count: None,
        state_root: None,
        ima_records: ima_records(&mut reading, host).await?,
        open_gaps: Vec::new(),
        coverage: Vec::new(),
        counters: Vec::new(),
        executions: 0,
        strays: Vec::new(),
        posture: Vec::new(),
        result: None,
        component_list: components(&mut reading, host).await?,
        refusals: refusals(&mut *reading, Some(host), REFUSALS_PER_HOST).await?,
    };
    if let Some(leaf) = row.try_get::<Option<i64>>("last_leaf")? {
        add_newest(&mut reading, leaf, &mut detail).await?;
    }
    Ok(detail)
}

async fn add_newest(
    reading: &mut Connection<'_>,
    leaf: i64,
    detail: &mut HostDetail,
) -> Result<(), StoreError> {
    let mut query = QueryBuilder::new("SELECT ");
    query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE).push(" WHERE e.leaf = ").push_bind(leaf);
    let row = query.build().fetch_one(&mut *reading).await?;
    let kept = Unpacker::default().kept(reading, &row).await?;
    let sealed = kept.evidence()?;
    let body = sealed.body();
    detail.reset_count = Some(body.boot.reset_count);
    detail.restart_count = Some(body.boot.restart_count);
    detail.state_root = Some(body.state_root.to_string());
    detail.open_gaps = body.gaps.iter().filter(|gap| gap.until == GapEnd::Open).map(gap_view).collect();
    add_watching(body, detail);
    detail.posture = body
        .posture
        .iter()
        .map(|claim| ClaimView { key: claim.key.clone(), value: claim.value.clone() })
        .collect();
    detail.result = Some(
        serde_json::from_str(&kept.result).map_err(|_| StoreError::Damaged { what: "a recorded result" })?,
    );
    Ok(())
}

/// What was watched, counted and executed.
fn add_watching(body: &Body, detail: &mut HostDetail) {
    let coverage = body.coverage.iter().map(|source| CoverageView {
        scope: source.scope.clone(),
        means: source.means.name().to_owned(),
        reason: source.reason.clone(),
    });
    detail.coverage = coverage.collect();
    let counters = body.counters.iter();
    detail.counters =
        counters.map(|counter| CounterView { name: counter.name.clone(), value: counter.value }).collect();
    detail.executions = body.executions.len() as u64;
    detail.strays = super::changes::strays(body);
}

fn gap_view(gap: &Gap) -> GapView {
    GapView {
        from: gap.from.to_string(),
        until: match gap.until {
            GapEnd::Open => None,
            GapEnd::Closed(at) => Some(at.to_string()),
        },
        cause: gap.cause.name().to_owned(),
        scope: gap.scope.clone(),
    }
}

async fn ima_records(reading: &mut Connection<'_>, host: i64) -> Result<u64, StoreError> {
    let state: Vec<u8> = sql::query_scalar("SELECT state FROM host_state WHERE host_id = ?")
        .bind(host)
        .fetch_one(&mut *reading)
        .await?;
    let state = appraisal::state::HostState::decode(&state);
    Ok(state.map_err(|_| StoreError::Damaged { what: "a host's state" })?.ima_first())
}

/// The components that the host has now: those with an open interval.
async fn components(reading: &mut Connection<'_>, host: i64) -> Result<Vec<ComponentView>, StoreError> {
    let digests = current_components(reading, host).await?;
    let mut views = Vec::with_capacity(digests.len());
    for some in digests.chunks(crate::limits::ROWS_PER_STATEMENT) {
        let mut query = QueryBuilder::new(
            "SELECT digest, kind, name, version, artefacts FROM component WHERE digest IN (",
        );
        let mut list = query.separated(", ");
        for digest in some {
            list.push_bind(digest.as_bytes().to_vec());
        }
        query.push(")");
        for row in query.build().fetch_all(&mut *reading).await? {
            views.push(component_view(&row)?);
        }
    }
    views.sort_by(|a, b| (&a.kind, &a.name, &a.digest).cmp(&(&b.kind, &b.name, &b.digest)));
    views.truncate(usize::try_from(COMPONENTS_SHOWN).unwrap_or(usize::MAX));
    Ok(views)
}

async fn current_components(
    reading: &mut Connection<'_>,
    host: i64,
) -> Result<Vec<evidence::digest::Sha256Digest>, StoreError> {
    let state: Vec<u8> = sql::query_scalar("SELECT state FROM host_state WHERE host_id = ?")
        .bind(host)
        .fetch_one(&mut *reading)
        .await?;
    let state = appraisal::state::HostState::decode(&state);
    Ok(state.map_err(|_| StoreError::Damaged { what: "a host's state" })?.components().to_vec())
}

fn component_view(row: &Row) -> Result<ComponentView, StoreError> {
    let kind: Option<String> = row.try_get("kind")?;
    let text = |column| row.try_get::<Option<String>>(column).map(Option::unwrap_or_default);
    Ok(ComponentView {
        digest: hex::encode(row.try_get::<Vec<u8>>("digest")?),
        kind: kind.unwrap_or_else(|| "unresolved".to_owned()),
        name: text("name")?,
        version: text("version")?,
        artefacts: to_u64(row.try_get::<Option<i64>>("artefacts")?.unwrap_or(0)),
    })
}

/// Refusals, newest first: of one host, or of all.
pub(crate) async fn refusals(
    executor: impl Executor<'_>,
    host: Option<i64>,
    limit: i64,
) -> Result<Vec<Refusal>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT e.at_ms, r.named, r.code, r.detail, r.peer FROM refusal r JOIN event e ON e.id = r.event_id",
    );
    if let Some(host) = host {
        query.push(" WHERE r.host_id = ").push_bind(host);
    }
    query.push(" ORDER BY r.event_id DESC LIMIT ").push_bind(limit);
    let rows = query.build().fetch_all(executor).await?;
    rows.iter().map(refusal).collect()
}

fn refusal(row: &Row) -> Result<Refusal, StoreError> {
    Ok(Refusal {
        at: UnixTime::from_ms(to_u64(row.try_get("at_ms")?)).to_string(),
        host: row.try_get::<Option<Vec<u8>>>("named")?.map(hex::encode),
        code: row.try_get("code")?,
        detail: row.try_get("detail")?,
        peer: row.try_get("peer")?,
    })
}

fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.len() <= 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}
