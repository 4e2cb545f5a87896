//! When quotes were made, by the leaves of their evidence.

use std::collections::HashMap;

use evidence::time::UnixTime;
use inquiry::moment::Moment;

use crate::sql::{self, Connection};
use crate::store::packed_rows::{list, numbers, present};
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
pub(super) struct Moments {
    quoted: HashMap<i64, Quoted>,
}

impl Moments {
    /// Those with these leaves, and the ones before those that must be known exactly; of all where they are few. A leaf that is no evidence's has
    /// none.
    pub(super) async fn of(
        reading: &mut Connection<'_>,
        exact: &[i64],
        shown: &[i64],
    ) -> Result<Self, StoreError> {
        let mut moments = Self::default();
        moments.add(reading, exact).await?;
        moments.add_before(reading, exact).await?;
        moments.add(reading, shown).await?;
        if shown.len() <= SHOWN_WITH_NEIGHBOURS {
            moments.add_before(reading, shown).await?;
        }
        Ok(moments)
    }

    /// The last evidence of a host before the one with this leaf, where both were looked up.
    pub(super) fn last_before(&self, leaf: i64) -> Option<Moment> {
        Some(self.get(self.get(leaf)?.before?)?.moment)
    }

    async fn add_before(&mut self, reading: &mut Connection<'_>, leaves: &[i64]) -> Result<(), StoreError> {
        let mut before: Vec<i64> =
            leaves.iter().filter_map(|leaf| self.get(*leaf)).filter_map(|quoted| quoted.before).collect();
        before.sort_unstable();
        self.add(reading, &before).await
    }

    async fn add(&mut self, reading: &mut Connection<'_>, leaves: &[i64]) -> Result<(), StoreError> {
        let missing: Vec<i64> =
            leaves.iter().filter(|leaf| !self.quoted.contains_key(leaf)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        self.quoted.reserve(missing.len());
        let query = sql::query(
            "SELECT string_agg(CAST(leaf AS TEXT), ' '), string_agg(CAST(seq AS TEXT), ' '), string_agg(CAST(received_ms AS TEXT), ' '),
               string_agg(CAST(age AS TEXT), ' '), string_agg(CAST(coalesce(back, -1) AS TEXT), ' ')
             FROM json_each(?) CROSS JOIN moment WHERE moment.leaf = CAST(json_each.value AS BIGINT)",
        );
        for [leaf, seq, received, age, back] in numbers(reading, query.bind(list(&missing))).await? {
            let quoted = Quoted {
                moment: Moment { after: to_u64(leaf.saturating_sub(age)), leaf: to_u64(leaf) },
                seq: to_u64(seq),
                received: UnixTime::from_ms(to_u64(received)),
                before: present(back).map(|back| leaf.saturating_sub(back)),
            };
            self.quoted.insert(leaf, quoted);
        }
        Ok(())
    }

    /// The evidence with this leaf.
    pub(super) fn get(&self, leaf: i64) -> Option<&Quoted> {
        self.quoted.get(&leaf)
    }

    /// The first evidence of a host behind a leaf that is none's own, which is remembered.
    pub(super) async fn next(
        &mut self,
        reading: &mut Connection<'_>,
        host: i64,
        leaf: i64,
    ) -> Result<Option<i64>, StoreError> {
        // With a chain a row of boots begins.
        let next: Option<i64> = sql::query_scalar(
            "SELECT first_leaf FROM boot WHERE host_id = ? AND first_leaf > ? ORDER BY first_leaf LIMIT 1",
        )
        .bind(host)
        .bind(leaf)
        .fetch_optional(&mut *reading)
        .await?;
        let Some(next) = next else { return Ok(None) };
        self.add(reading, &[next]).await?;
        let before = self.quoted.get(&next).and_then(|quoted| quoted.before);
        self.add(reading, &before.into_iter().collect::<Vec<_>>()).await?;
        Ok(Some(next))
    }
}

/// Leaves whose neighbours are read for showing alone.
const SHOWN_WITH_NEIGHBOURS: usize = 1_000;
