//! Incidents as they are kept.

use evidence::time::UnixTime;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqlitePool};
use wire::incident::IncidentView;

use super::{StoreError, to_u64};

/// All, newest first, or the one with this name.
pub(crate) async fn views(readers: &SqlitePool, name: Option<&str>) -> Result<Vec<IncidentView>, StoreError> {
    let mut query = QueryBuilder::<Sqlite>::new("SELECT rule, who, opened_ms, closed_ms FROM incident");
    if let Some(name) = name {
        query.push(" WHERE name = ").push_bind(name);
    }
    query.push(" ORDER BY id DESC");
    let rows = query.build().fetch_all(readers).await?;
    let time = |ms: i64| UnixTime::from_ms(to_u64(ms)).to_string();
    rows.iter()
        .map(|row| {
            let rule = serde_json::from_str(row.try_get("rule")?);
            Ok(IncidentView {
                rule: rule.map_err(|_| StoreError::Damaged { what: "an incident" })?,
                who: row.try_get("who")?,
                opened: time(row.try_get("opened_ms")?),
                closed: row.try_get::<Option<i64>, _>("closed_ms")?.map(time),
            })
        })
        .collect()
}
