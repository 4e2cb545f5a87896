//! Recording watches and what they find.

use std::collections::BTreeMap;

use evidence::time::UnixTime;
use serde::Serialize;
use wire::watch::WatchRule;

use super::RecordError;
use super::event::{EventKind, insert_event};
use crate::limits::{WATCH_DETAIL_BYTES, WATCHES};
use crate::sql::{self, Connection};
use crate::store::action::{self, ActionKind, Who};
use crate::store::watch::{self, Hit};
use crate::store::{StoreError, to_i64};

/// What a watch found that it had not found before.
#[derive(Clone, Debug)]
pub(crate) struct NewHits {
    pub(crate) watch: i64,
    pub(crate) name: String,
    /// With their classes.
    pub(crate) hits: Vec<(Hit, String)>,
}

/// Whether it was added: one of this name may be there.
pub(super) async fn add(
    tx: &mut Connection<'_>,
    who: &Who,
    rule: &WatchRule,
    now: UnixTime,
) -> Result<bool, RecordError> {
    if watch::count(tx).await? >= WATCHES {
        return Err(RecordError::TooMany);
    }
    let statement =
        "INSERT INTO watch (name, rule, who, created_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING";
    let added = insert(tx, statement, (&rule.name, rule), who, now).await?;
    if added {
        action::record(tx, ActionKind::WatchAdded, who, &listed(&rule.name, &rule.subjects), now).await?;
    }
    Ok(added)
}

/// Writes a rule under its name, with who wrote it and when; whether there was none of that name.
pub(super) async fn insert(
    tx: &mut Connection<'_>,
    statement: &'static str,
    (name, rule): (&str, &(impl Serialize + Sync)),
    who: &Who,
    now: UnixTime,
) -> Result<bool, StoreError> {
    let rule = serde_json::to_string(rule).map_err(|_| StoreError::Damaged { what: "a rule" })?;
    let inserted = sql::query(statement)
        .bind(name)
        .bind(rule)
        .bind(who.to_string())
        .bind(to_i64(now.as_ms()))
        .execute(tx)
        .await?;
    Ok(inserted.rows_affected() > 0)
}

/// Subjects for the record of what operators did; cut where they are many.
pub(super) fn listed(name: &str, subjects: &[String]) -> String {
    let mut words = format!("{name}: {} subjects:", subjects.len());
    for subject in subjects {
        if words.len() + subject.len() > WATCH_DETAIL_BYTES {
            words.push_str(" …");
            break;
        }
        words.push(' ');
        words.push_str(subject);
    }
    words
}

/// Whether there was one. What it found goes with it; what hosts' histories say of that stays.
pub(super) async fn remove(
    tx: &mut Connection<'_>,
    who: &Who,
    name: &str,
    now: UnixTime,
) -> Result<bool, RecordError> {
    let gone = sql::query("DELETE FROM watch WHERE name = ?").bind(name).execute(&mut *tx).await?;
    if gone.rows_affected() == 0 {
        return Ok(false);
    }
    action::record(tx, ActionKind::WatchRemoved, who, name, now).await?;
    Ok(true)
}

/// Remembers up to which hit somebody was told. Whoever is to be told for the first time is told of what is found from then on.
pub(super) async fn alerted(tx: &mut Connection<'_>, through: Option<u64>) -> Result<bool, RecordError> {
    let query = if let Some(through) = through {
        let through = to_i64(through);
        sql::query("UPDATE alert_state SET through = ?1 WHERE id = 1 AND through < ?1").bind(through)
    } else {
        sql::query(
            "INSERT INTO alert_state (id, through) SELECT 1, coalesce(max(id), 0) FROM watch_hit WHERE id > 0
             ON CONFLICT (id) DO NOTHING",
        )
    };
    let done = query.execute(tx).await?;
    Ok(done.rows_affected() > 0)
}

impl NewHits {
    /// Whether anything was new. A watch that was removed meanwhile finds nothing.
    pub(super) async fn apply(&self, tx: &mut Connection<'_>, now: UnixTime) -> Result<bool, RecordError> {
        let there: bool = sql::query_scalar("SELECT EXISTS (SELECT 1 FROM watch WHERE id = ?)")
            .bind(self.watch)
            .fetch_one(&mut *tx)
            .await?;
        let mut hosts: BTreeMap<i64, (u64, &Hit, &str)> = BTreeMap::new();
        for (hit, class) in self.hits.iter().filter(|_| there) {
            let new = sql::query(
                "INSERT INTO watch_hit (watch_id, host_id, leaf, subject, role, class, what, found_ms)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
            )
            .bind(self.watch)
            .bind(hit.host)
            .bind(hit.leaf)
            .bind(&hit.subject)
            .bind(&hit.role)
            .bind(class)
            .bind(&hit.what)
            .bind(to_i64(now.as_ms()))
            .execute(&mut *tx)
            .await?;
            if new.rows_affected() > 0 {
                hosts.entry(hit.host).or_insert((0, hit, class)).0 += 1;
            }
        }
        for (host, (count, hit, class)) in &hosts {
            let more = if *count > 1 { format!(", and {} more", count - 1) } else { String::new() };
            let summary = format!(
                "watch {}: {} {} in {} (class {class}){more}",
                self.name, hit.subject, hit.role, hit.what
            );
            insert_event(tx, Some(*host), EventKind::Watched, now.as_ms(), None, &summary).await?;
        }
        Ok(!hosts.is_empty())
    }
}
