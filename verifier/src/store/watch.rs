//! Watches and what they found, as they are kept.

use std::collections::HashMap;

use evidence::time::UnixTime;
use wire::watch::{Alert, HitView, WatchRule, WatchStanding, WatchView};

use super::{StoreError, to_i64, to_u64};
use crate::limits::{ALERTS_AT_ONCE, HITS_SHOWN};
use crate::sql::{self, Connection, Pool, Row};

/// A watch, by its row.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) id: i64,
    pub(crate) rule: WatchRule,
}

/// Something that a watch finds. What has the same is found once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Hit {
    pub(crate) host: i64,
    pub(crate) leaf: i64,
    pub(crate) subject: String,
    pub(crate) role: String,
    pub(crate) what: String,
}

fn rule(text: &str) -> Result<WatchRule, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Damaged { what: "a watch" })
}

/// All watches, by name.
pub(crate) async fn all(readers: &Pool) -> Result<Vec<Watch>, StoreError> {
    let rows: Vec<(i64, String)> =
        sql::query_as("SELECT id, rule FROM watch ORDER BY name").fetch_all(readers).await?;
    rows.into_iter().map(|(id, text)| Ok(Watch { id, rule: rule(&text)? })).collect()
}

/// How many there are.
pub(crate) async fn count(tx: &mut Connection<'_>) -> Result<i64, StoreError> {
    Ok(sql::query_scalar("SELECT count(*) FROM watch").fetch_one(tx).await?)
}

/// What a watch has found already.
pub(crate) async fn known(readers: &Pool, watch: i64) -> Result<Vec<Hit>, StoreError> {
    let rows: Vec<(i64, i64, String, String, String)> =
        sql::query_as("SELECT host_id, leaf, subject, role, what FROM watch_hit WHERE watch_id = ?")
            .bind(watch)
            .fetch_all(readers)
            .await?;
    let hit = |(host, leaf, subject, role, what)| Hit { host, leaf, subject, role, what };
    Ok(rows.into_iter().map(hit).collect())
}

/// Watches as they are shown: all, or the one with this name.
pub(crate) async fn views(
    readers: &Pool,
    standings: &HashMap<i64, WatchStanding>,
    name: Option<&str>,
) -> Result<Vec<WatchView>, StoreError> {
    let rows = sql::query(
        "SELECT w.id, w.rule, w.who, w.created_ms, count(h.id) AS hits, count(DISTINCT h.host_id) AS hosts, max(h.found_ms) AS newest
         FROM watch w LEFT JOIN watch_hit h ON h.watch_id = w.id WHERE ?1 IS NULL OR w.name = ?1 GROUP BY w.id ORDER BY w.name",
    )
    .bind(name)
    .fetch_all(readers)
    .await?;
    let time = |ms: i64| UnixTime::from_ms(to_u64(ms)).to_string();
    rows.iter()
        .map(|row| {
            let id: i64 = row.try_get("id")?;
            Ok(WatchView {
                rule: rule(row.text("rule")?)?,
                who: row.try_get("who")?,
                created: time(row.try_get("created_ms")?),
                last: standings.get(&id).cloned(),
                hits: to_u64(row.try_get("hits")?),
                hit_hosts: to_u64(row.try_get("hosts")?),
                newest: row.try_get::<Option<i64>>("newest")?.map(time),
            })
        })
        .collect()
}

fn hit_view(row: &Row) -> Result<HitView, StoreError> {
    Ok(HitView {
        id: to_u64(row.try_get("id")?),
        host: hex::encode(row.try_get::<Vec<u8>>("identity")?),
        name: row.try_get("name")?,
        subject: row.try_get("subject")?,
        role: row.try_get("role")?,
        class: row.try_get("class")?,
        what: row.try_get("what")?,
        leaf: to_u64(row.try_get("leaf")?),
        found: UnixTime::from_ms(to_u64(row.try_get("found_ms")?)).to_string(),
    })
}

/// What nobody was told of yet, the earliest first.
pub(crate) async fn untold(readers: &Pool) -> Result<Vec<Alert>, StoreError> {
    let rows = sql::query(
        "SELECT w.name AS watch, h.id, o.identity, o.name, h.subject, h.role, h.class, h.what, h.leaf, h.found_ms FROM alert_state a
         JOIN watch_hit h ON h.id > a.through JOIN watch w ON w.id = h.watch_id JOIN host o ON o.id = h.host_id ORDER BY h.id LIMIT ?",
    )
    .bind(ALERTS_AT_ONCE)
    .fetch_all(readers)
    .await?;
    rows.iter().map(|row| Ok(Alert { watch: row.try_get("watch")?, hit: hit_view(row)? })).collect()
}

/// How much nobody was told of yet.
pub(crate) async fn count_untold(readers: &Pool) -> Result<u64, StoreError> {
    let count: i64 =
        sql::query_scalar("SELECT count(*) FROM alert_state a JOIN watch_hit h ON h.id > a.through")
            .fetch_one(readers)
            .await?;
    Ok(to_u64(count))
}

/// What a watch found, newest first, with an id below `before`.
pub(crate) async fn hits(
    readers: &Pool,
    name: &str,
    before: Option<u64>,
) -> Result<(Vec<HitView>, Option<u64>), StoreError> {
    let rows = sql::query(
        "SELECT h.id, o.identity, o.name, h.subject, h.role, h.class, h.what, h.leaf, h.found_ms FROM watch_hit h
         JOIN watch w ON w.id = h.watch_id JOIN host o ON o.id = h.host_id
         WHERE w.name = ? AND h.id < ? ORDER BY h.id DESC LIMIT ?",
    )
    .bind(name)
    .bind(before.map_or(i64::MAX, to_i64))
    .bind(HITS_SHOWN + 1)
    .fetch_all(readers)
    .await?;
    let mut hits = rows.iter().map(hit_view).collect::<Result<Vec<_>, _>>()?;
    let more = hits.len() as u64 > to_u64(HITS_SHOWN);
    hits.truncate(usize::try_from(HITS_SHOWN).unwrap_or(usize::MAX));
    let next = hits.last().filter(|_| more).map(|hit| hit.id);
    Ok((hits, next))
}
