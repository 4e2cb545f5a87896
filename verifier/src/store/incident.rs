//! Incidents as they are kept.

use evidence::time::UnixTime;
use wire::incident::IncidentView;

use super::{StoreError, to_u64};
use crate::sql::{Pool, QueryBuilder};

/// All, newest first, or the one with this name.
pub(crate) async fn views(readers: &Pool, name: Option<&str>) -> Result<Vec<IncidentView>, StoreError> {
    let mut query = QueryBuilder::new("SELECT rule, who, opened_ms, closed_ms FROM incident");
    if let Some(name) = name {
        query.push(" WHERE name = ").push_bind(name);
    }
    query.push(" ORDER BY id DESC");
    let rows = query.build().fetch_all(readers).await?;
    let time = |ms: i64| UnixTime::from_ms(to_u64(ms)).to_string();
    rows.iter()
        .map(|row| {
            let rule = serde_json::from_str(row.text("rule")?);
            Ok(IncidentView {
                rule: rule.map_err(|_| StoreError::Damaged { what: "an incident" })?,
                who: row.try_get("who")?,
                opened: time(row.try_get("opened_ms")?),
                closed: row.try_get::<Option<i64>>("closed_ms")?.map(time),
            })
        })
        .collect()
}
