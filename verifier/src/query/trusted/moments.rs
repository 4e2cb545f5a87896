//! When quotes were made, by the leaves of their evidence.

use std::collections::BTreeMap;

use evidence::time::UnixTime;
use inquiry::moment::Moment;
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use crate::limits::ROWS_PER_STATEMENT;
use crate::store::{StoreError, to_u64};

/// One piece of evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quoted {
    pub(super) moment: Moment,
    pub(super) seq: u64,
    pub(super) received: UnixTime,
    /// The host's evidence before.
    pub(super) before: Option<i64>,
}

/// Pieces of evidence by their leaves.
#[derive(Debug, Default)]
pub(super) struct Moments(BTreeMap<i64, Quoted>);

impl Moments {
    /// Those with these leaves, and the ones before them. A leaf that is no evidence's has none.
    pub(super) async fn of(reading: &mut SqliteConnection, leaves: &[i64]) -> Result<Self, StoreError> {
        let mut moments = Self::default();
        moments.add(reading, leaves).await?;
        let before: Vec<i64> = moments.0.values().filter_map(|quoted| quoted.before).collect();
        moments.add(reading, &before).await?;
        Ok(moments)
    }

    async fn add(&mut self, reading: &mut SqliteConnection, leaves: &[i64]) -> Result<(), StoreError> {
        let missing: Vec<i64> = leaves.iter().filter(|leaf| !self.0.contains_key(leaf)).copied().collect();
        for some in missing.chunks(ROWS_PER_STATEMENT) {
            let mut query = QueryBuilder::<Sqlite>::new(
                "SELECT leaf, seq, received_ms, named, leaf_before FROM evidence WHERE leaf IN (",
            );
            let mut list = query.separated(", ");
            for leaf in some {
                list.push_bind(*leaf);
            }
            query.push(")");
            for row in query.build().fetch_all(&mut *reading).await? {
                self.0.insert(row.try_get("leaf")?, quoted(&row)?);
            }
        }
        Ok(())
    }

    /// The evidence with this leaf.
    pub(super) fn get(&self, leaf: i64) -> Option<&Quoted> {
        self.0.get(&leaf)
    }

    /// The first evidence of a host behind a leaf that is none's own, which is remembered.
    pub(super) async fn next(
        &mut self,
        reading: &mut SqliteConnection,
        host: i64,
        leaf: i64,
    ) -> Result<Option<i64>, StoreError> {
        let row = sqlx::query(
            "SELECT leaf, seq, received_ms, named, leaf_before FROM evidence WHERE host_id = ? AND leaf > ?
             ORDER BY leaf LIMIT 1",
        )
        .bind(host)
        .bind(leaf)
        .fetch_optional(&mut *reading)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let (leaf, next) = (row.try_get("leaf")?, quoted(&row)?);
        self.0.insert(leaf, next);
        self.add(reading, &next.before.into_iter().collect::<Vec<_>>()).await?;
        Ok(Some(leaf))
    }
}

fn quoted(row: &sqlx::sqlite::SqliteRow) -> Result<Quoted, StoreError> {
    let leaf: i64 = row.try_get("leaf")?;
    let named: Option<i64> = row.try_get("named")?;
    Ok(Quoted {
        // Without the index's columns nothing is known of how old the quote is.
        moment: Moment { after: to_u64(named.unwrap_or_default()), leaf: to_u64(leaf) },
        seq: to_u64(row.try_get("seq")?),
        received: UnixTime::from_ms(to_u64(row.try_get("received_ms")?)),
        before: row.try_get("leaf_before")?,
    })
}
