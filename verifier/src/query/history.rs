//! What happened to a host, newest first, with what changed in its files.

use evidence::body::Body;
use evidence::time::UnixTime;
use sqlx::sqlite::SqliteRow;
use sqlx::{QueryBuilder, Row as _, Sqlite};
use wire::operator::{Change, HistoryEntry, HostHistory, StrayView};

use super::changes;
use crate::appraise::status_name;
use crate::store::packed::Kept;
use crate::store::{Store, StoreError, to_i64, to_u64};

/// A page of a host's history: entries with an id below `before`.
pub(crate) async fn of_host(
    store: &Store,
    host: i64,
    before: Option<u64>,
    limit: i64,
) -> Result<HostHistory, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new(
        "SELECT v.id, v.kind, v.at_ms, v.leaf, v.summary, e.seq, e.digest, e.cause, e.reset_count, e.status,
           e.packed, e.keyframe, e.sealed, e.pcr_values, e.state_before, e.result
         FROM event v LEFT JOIN evidence e ON e.id = v.evidence_id WHERE v.host_id = ",
    );
    query.push_bind(host);
    if let Some(before) = before {
        query.push(" AND v.id < ").push_bind(to_i64(before));
    }
    query.push(" ORDER BY v.id DESC LIMIT ").push_bind(limit + 1);
    let rows = query.build().fetch_all(store.readers()).await?;
    let more = rows.len() as u64 > to_u64(limit);
    let mut entries = Vec::new();
    for row in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let body = body_of(store, row).await?;
        let changes = match &body {
            // The first evidence of a chain names everything; that is a state, not a change.
            Some(body) if body.seq > 0 => changes::between(store, &body.removed, &body.added).await?,
            _ => Vec::new(),
        };
        let strays = body.as_ref().map(changes::strays).unwrap_or_default();
        entries.push(entry(row, changes, strays)?);
    }
    let next = if more { entries.last().map(|entry| entry.id) } else { None };
    Ok(HostHistory { entries, next })
}

fn entry(row: &SqliteRow, changes: Vec<Change>, strays: Vec<StrayView>) -> Result<HistoryEntry, StoreError> {
    let number = |column| row.try_get::<Option<i64>, _>(column).map(|value| value.map(to_u64));
    Ok(HistoryEntry {
        id: to_u64(row.try_get("id")?),
        kind: row.try_get("kind")?,
        at: UnixTime::from_ms(to_u64(row.try_get("at_ms")?)).to_string(),
        seq: number("seq")?,
        leaf: number("leaf")?,
        digest: row.try_get::<Option<Vec<u8>>, _>("digest")?.map(hex::encode),
        trigger: row.try_get("cause")?,
        reset_count: number("reset_count")?.and_then(|count| u32::try_from(count).ok()),
        status: row.try_get::<Option<i64>, _>("status")?.map(|code| status_name(code).to_owned()),
        summary: row.try_get("summary")?,
        changes,
        strays,
    })
}

/// The body of an event that is evidence.
async fn body_of(store: &Store, row: &SqliteRow) -> Result<Option<Body>, StoreError> {
    if row.try_get::<Option<i64>, _>("seq")?.is_none() {
        return Ok(None);
    }
    let kept = Kept::of(store.readers(), row).await?;
    Ok(Some(kept.evidence()?.body().clone()))
}
