//! Recording that an incident was opened and closed.

use evidence::time::UnixTime;
use wire::incident::IncidentRule;

use super::RecordError;
use super::watching::{insert, listed};
use crate::limits::INCIDENTS;
use crate::sql::{self, Connection};
use crate::store::action::{self, ActionKind, Who};
use crate::store::to_i64;

/// Whether it was opened: one of this name may be there.
pub(super) async fn open(
    tx: &mut Connection<'_>,
    who: &Who,
    rule: &IncidentRule,
    now: UnixTime,
) -> Result<bool, RecordError> {
    let count: i64 = sql::query_scalar("SELECT count(*) FROM incident").fetch_one(&mut *tx).await?;
    if count >= INCIDENTS {
        return Err(RecordError::TooMany);
    }
    let statement =
        "INSERT INTO incident (name, rule, who, opened_ms) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING";
    let opened = insert(tx, statement, (&rule.name, rule), who, now).await?;
    if opened {
        action::record(
            tx,
            ActionKind::IncidentOpened,
            who,
            &listed(&rule.name, &rule.question.subjects),
            now,
        )
        .await?;
    }
    Ok(opened)
}

/// Whether it was open.
pub(super) async fn close(
    tx: &mut Connection<'_>,
    who: &Who,
    name: &str,
    note: &str,
    now: UnixTime,
) -> Result<bool, RecordError> {
    let closed = sql::query("UPDATE incident SET closed_ms = ? WHERE name = ? AND closed_ms IS NULL")
        .bind(to_i64(now.as_ms()))
        .bind(name)
        .execute(&mut *tx)
        .await?;
    if closed.rows_affected() == 0 {
        return Ok(false);
    }
    let detail = if note.is_empty() { name.to_owned() } else { format!("{name}: {note}") };
    action::record(tx, ActionKind::IncidentClosed, who, &detail, now).await?;
    Ok(true)
}
