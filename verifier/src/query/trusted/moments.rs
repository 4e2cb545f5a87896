//! When quotes were made, by the leaves of their evidence.

use std::collections::HashMap;

use evidence::time::UnixTime;
use inquiry::moment::{Moment, Window};
use sqlx::SqliteConnection;

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
    /// Whether more than the leaves is known.
    told: bool,
}

impl Moments {
    /// Those with these leaves, and the ones before them where a window has ends or they are few: else they decide nothing. A leaf that is
    /// no evidence's has none.
    pub(super) async fn of(
        reading: &mut SqliteConnection,
        leaves: &[i64],
        window: Window,
    ) -> Result<Self, StoreError> {
        let mut moments = Self { told: true, ..Self::default() };
        moments.add(reading, leaves).await?;
        if window != Window::ALL || leaves.len() <= SHOWN_WITH_NEIGHBOURS {
            let before: Vec<i64> = moments.quoted.values().filter_map(|quoted| quoted.before).collect();
            moments.add(reading, &before).await?;
        }
        Ok(moments)
    }

    /// These leaves, of which nothing else is known.
    pub(super) fn untold(leaves: &[i64]) -> Self {
        let quoted = |leaf: &i64| {
            let moment = Moment { after: 0, leaf: to_u64(*leaf) };
            (*leaf, Quoted { moment, seq: 0, received: UnixTime::from_ms(0), before: None })
        };
        Self { quoted: leaves.iter().map(quoted).collect(), told: false }
    }

    /// The evidence with this leaf, where more than that is known.
    pub(super) fn told(&self, leaf: i64) -> Option<&Quoted> {
        self.get(leaf).filter(|_| self.told)
    }

    async fn add(&mut self, reading: &mut SqliteConnection, leaves: &[i64]) -> Result<(), StoreError> {
        let missing: Vec<i64> =
            leaves.iter().filter(|leaf| !self.quoted.contains_key(leaf)).copied().collect();
        if missing.is_empty() {
            return Ok(());
        }
        let query = sqlx::query_scalar(
            "SELECT group_concat(leaf || ' ' || seq || ' ' || received_ms || ' ' || coalesce(named, 0) || ' '
               || coalesce(leaf_before, -1), ' ') FROM evidence WHERE leaf IN (SELECT value FROM json_each(?))",
        );
        for [leaf, seq, received, named, before] in numbers(reading, query.bind(list(&missing))).await? {
            let quoted = Quoted {
                // Without the index's columns nothing is known of how old the quote is.
                moment: Moment { after: to_u64(named), leaf: to_u64(leaf) },
                seq: to_u64(seq),
                received: UnixTime::from_ms(to_u64(received)),
                before: present(before),
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
        reading: &mut SqliteConnection,
        host: i64,
        leaf: i64,
    ) -> Result<Option<i64>, StoreError> {
        let next: Option<i64> = sqlx::query_scalar(
            "SELECT leaf FROM evidence WHERE host_id = ? AND leaf > ? ORDER BY leaf LIMIT 1",
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
