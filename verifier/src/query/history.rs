//! What happened to a host, newest first, with what changed in its files.

use evidence::time::UnixTime;
use wire::operator::{HistoryEntry, HostHistory};

use super::changes;
use crate::appraise::status_name;
use crate::record::EventKind;
use crate::sql::{QueryBuilder, Row};
use crate::store::packed::Kept;
use crate::store::unpack::{COLUMNS, Unpacker};
use crate::store::{Store, StoreError, to_i64, to_u64};

/// A page of a host's history: entries with an id below `before`.
pub(crate) async fn of_host(
    store: &Store,
    host: i64,
    before: Option<u64>,
    limit: i64,
) -> Result<HostHistory, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT v.id, v.kind, coalesce(v.at_ms, e.received_ms) AS at_ms, v.leaf AS logged, v.summary, e.status, ",
    );
    query.push(COLUMNS).push(
        " FROM event v LEFT JOIN attestation e ON e.leaf = v.leaf LEFT JOIN attestation_recent r ON r.leaf = e.leaf WHERE v.host_id = ",
    );
    query.push_bind(host);
    if let Some(before) = before {
        query.push(" AND v.id < ").push_bind(to_i64(before));
    }
    query.push(" ORDER BY v.id DESC LIMIT ").push_bind(limit + 1);
    let rows = query.build().fetch_all(store.readers()).await?;
    let more = rows.len() as u64 > to_u64(limit);
    let (mut entries, mut unpacker) = (Vec::new(), Unpacker::default());
    for row in rows.iter().take(usize::try_from(limit).unwrap_or(usize::MAX)) {
        let mut entry = entry(row)?;
        if row.try_get::<Option<i64>>("seq")?.is_some() {
            let kept = unpacker.kept(&mut store.readers().acquire().await?, row).await?;
            add_evidence(store, &mut entry, kept).await?;
        }
        entries.push(entry);
    }
    let next = if more { entries.last().map(|entry| entry.id) } else { None };
    Ok(HostHistory { entries, next })
}

/// What is told of everything that happened.
fn entry(row: &Row) -> Result<HistoryEntry, StoreError> {
    let number = |column| row.try_get::<Option<i64>>(column).map(|value| value.map(to_u64));
    Ok(HistoryEntry {
        id: to_u64(row.try_get("id")?),
        kind: EventKind::name_of(row.try_get("kind")?)?.to_owned(),
        at: UnixTime::from_ms(number("at_ms")?.unwrap_or_default()).to_string(),
        seq: None,
        leaf: number("logged")?,
        digest: None,
        trigger: None,
        reset_count: None,
        status: row.try_get::<Option<i64>>("status")?.map(|code| status_name(code).to_owned()),
        summary: row.try_get::<Option<String>>("summary")?.unwrap_or_default(),
        changes: Vec::new(),
        strays: Vec::new(),
    })
}

async fn add_evidence(store: &Store, entry: &mut HistoryEntry, kept: Kept) -> Result<(), StoreError> {
    let evidence = kept.evidence()?;
    let body = evidence.body();
    entry.seq = Some(body.seq);
    entry.digest = Some(evidence.digest().to_string());
    entry.trigger = Some(body.trigger.name().to_owned());
    entry.reset_count = Some(body.boot.reset_count);
    entry.summary = kept.summary;
    // The first evidence of a chain names everything; that is a state, not a change.
    if body.seq > 0 {
        entry.changes = changes::between(store, &body.removed, &body.added).await?;
    }
    entry.strays = changes::strays(body);
    Ok(())
}
