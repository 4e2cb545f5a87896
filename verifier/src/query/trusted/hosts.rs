//! Which hosts there are, and the first and last that was heard of each.

use evidence::time::UnixTime;
use inquiry::answer::{Seen, Standing};
use inquiry::moment::Moment;
use inquiry::subject::Glob;
use sqlx::{Row as _, SqliteConnection};

use crate::store::{StoreError, to_u64};

/// A host that is asked about.
#[derive(Clone, Debug)]
pub(super) struct AskedHost {
    pub(super) row: i64,
    pub(super) id: String,
    pub(super) name: String,
    pub(super) seen: Seen,
    pub(super) heard: Option<UnixTime>,
}

/// Hosts by name, then identity; those that were retired too, since they were of the fleet once.
pub(super) async fn all(
    reading: &mut SqliteConnection,
    only: Option<&Glob>,
    silent_before: UnixTime,
) -> Result<Vec<AskedHost>, StoreError> {
    let rows = sqlx::query(
        "SELECT h.id, h.identity, h.name, h.retired_ms, i.first_leaf, i.first_named, i.last_leaf, i.last_named,
           (SELECT received_ms FROM evidence WHERE leaf = i.last_leaf) AS heard_ms
         FROM host h LEFT JOIN host_index i ON i.host_id = h.id ORDER BY h.name, h.identity",
    )
    .fetch_all(reading)
    .await?;
    let mut hosts = Vec::with_capacity(rows.len());
    for row in rows {
        let name: String = row.try_get("name")?;
        if only.is_some_and(|only| !only.matches(name.as_bytes())) {
            continue;
        }
        let moment = |leaf: &str, named: &str| -> Result<Option<Moment>, StoreError> {
            let leaf: Option<i64> = row.try_get(leaf)?;
            let named: Option<i64> = row.try_get(named)?;
            Ok(leaf.zip(named).map(|(leaf, named)| Moment { after: to_u64(named), leaf: to_u64(leaf) }))
        };
        let heard: Option<i64> = row.try_get("heard_ms")?;
        let heard = heard.map(|ms| UnixTime::from_ms(to_u64(ms)));
        let retired = row.try_get::<Option<i64>, _>("retired_ms")?.is_some();
        let now = match heard {
            _ if retired => Standing::Retired,
            Some(heard) if heard >= silent_before => Standing::Heard,
            _ => Standing::Silent,
        };
        let (first, last) = (moment("first_leaf", "first_named")?, moment("last_leaf", "last_named")?);
        hosts.push(AskedHost {
            row: row.try_get("id")?,
            id: hex::encode(row.try_get::<Vec<u8>, _>("identity")?),
            name,
            seen: Seen { first, last, now },
            heard,
        });
    }
    Ok(hosts)
}
