//! Recording what happened to hosts: refusals, silence, and the return from it.

use evidence::digest::HostId;
use evidence::time::UnixTime;
use ledger::tree::LeafIndex;

use crate::limits::{REFUSALS_OF_STRANGERS, REFUSALS_PER_HOST};
use crate::sql::{self, Batch, Connection, Rows, Value};
use crate::store::{StoreError, to_i64};

/// What happened; the words are those of the operator's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventKind {
    Evidence,
    Enrolled,
    Refused,
    Stale,
    Fresh,
    Retired,
    /// A watch found something.
    Watched,
}

impl EventKind {
    const ALL: [Self; 7] = [
        Self::Evidence,
        Self::Enrolled,
        Self::Refused,
        Self::Stale,
        Self::Fresh,
        Self::Retired,
        Self::Watched,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Evidence => "evidence",
            Self::Enrolled => "enrolled",
            Self::Refused => "refused",
            Self::Stale => "stale",
            Self::Fresh => "fresh",
            Self::Retired => "retired",
            Self::Watched => "watched",
        }
    }

    /// The number by which it is stored.
    const fn code(self) -> i64 {
        match self {
            Self::Evidence => 1,
            Self::Enrolled => 2,
            Self::Refused => 3,
            Self::Stale => 4,
            Self::Fresh => 5,
            Self::Retired => 6,
            Self::Watched => 7,
        }
    }

    /// The word for a stored number.
    pub(crate) fn name_of(code: i64) -> Result<&'static str, StoreError> {
        let kind = Self::ALL.into_iter().find(|kind| kind.code() == code);
        kind.map(Self::name).ok_or(StoreError::Damaged { what: "an event's kind" })
    }
}

/// What happened and is no evidence.
pub(super) async fn insert_event(
    tx: &mut Connection<'_>,
    host: Option<i64>,
    kind: EventKind,
    at_ms: u64,
    leaf: Option<i64>,
    summary: &str,
) -> Result<i64, StoreError> {
    let query = sql::query(
        "INSERT INTO event (host_id, kind, at_ms, leaf, summary) VALUES (?, ?, ?, ?, ?) RETURNING id",
    );
    let query = query.bind(host).bind(kind.code()).bind(to_i64(at_ms)).bind(leaf).bind(summary);
    Ok(query.fetch_one(tx).await?.try_get(0)?)
}

static EVENTS: Rows = Rows::inserted("INSERT INTO event (host_id, kind, at_ms, leaf, summary) ");

/// What happened to a host and has no leaf, to be written with other rows.
pub(super) fn add_event(batch: &mut Batch, (host, kind): (i64, EventKind), at_ms: u64, summary: &str) {
    let row = [host.into(), kind.code().into(), to_i64(at_ms).into(), Value::Number(None), summary.into()];
    batch.row(&EVENTS, row);
}

/// Evidence has its time and its words itself.
pub(super) fn add_evidence_event(batch: &mut Batch, host: i64, index: LeafIndex) {
    let kind = EventKind::Evidence.code().into();
    let leaf = to_i64(index.get()).into();
    batch.row(&EVENTS, [host.into(), kind, Value::Number(None), leaf, Value::Text(None)]);
}

/// A submission that was not accepted.
#[derive(Clone, Debug)]
pub(crate) struct NewRefusal {
    /// The host, where one with the named identity is enrolled.
    pub(crate) host_row: Option<i64>,
    /// The identity that the submission named, where it could be read.
    pub(crate) named: Option<HostId>,
    pub(crate) code: &'static str,
    pub(crate) detail: String,
    pub(crate) peer: String,
    pub(crate) at: UnixTime,
}

impl NewRefusal {
    pub(super) async fn apply(&self, tx: &mut Connection<'_>) -> Result<(), StoreError> {
        let summary = format!("{}: {}", self.code, self.detail);
        let at_ms = self.at.as_ms();
        let event = insert_event(tx, self.host_row, EventKind::Refused, at_ms, None, &summary).await?;
        sql::query(
            "INSERT INTO refusal (event_id, host_id, named, code, detail, peer) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(event)
        .bind(self.host_row)
        .bind(self.named.as_ref().map(|host| host.as_bytes().as_slice()))
        .bind(self.code)
        .bind(&self.detail)
        .bind(&self.peer)
        .execute(&mut *tx)
        .await?;
        self.forget_old(tx).await
    }

    /// Those of strangers are counted apart, so that a stranger cannot push out what concerns a host.
    async fn forget_old(&self, tx: &mut Connection<'_>) -> Result<(), StoreError> {
        let kept = if self.host_row.is_some() { REFUSALS_PER_HOST } else { REFUSALS_OF_STRANGERS };
        let oldest: Option<i64> = sql::query_scalar(
            "SELECT event_id FROM refusal WHERE host_id IS NOT DISTINCT FROM ? ORDER BY event_id DESC LIMIT 1 OFFSET ?",
        )
        .bind(self.host_row)
        .bind(kept)
        .fetch_optional(&mut *tx)
        .await?;
        let Some(oldest) = oldest else { return Ok(()) };
        sql::query("DELETE FROM refusal WHERE host_id IS NOT DISTINCT FROM ? AND event_id <= ?")
            .bind(self.host_row)
            .bind(oldest)
            .execute(&mut *tx)
            .await?;
        sql::query("DELETE FROM event WHERE host_id IS NOT DISTINCT FROM ? AND id <= ? AND kind = ?")
            .bind(self.host_row)
            .bind(oldest)
            .bind(EventKind::Refused.code())
            .execute(tx)
            .await?;
        Ok(())
    }
}

/// Marks hosts that were last heard before `before` as silent; writes it down once for each.
pub(super) async fn mark_silent(
    tx: &mut Connection<'_>,
    before: UnixTime,
    now: UnixTime,
) -> Result<usize, StoreError> {
    let hosts: Vec<(i64, Option<i64>)> = sql::query_as(
        "SELECT id, last_received_ms FROM host WHERE silent = 0 AND coalesce(last_received_ms, enrolled_ms) < ?",
    )
    .bind(to_i64(before.as_ms()))
    .fetch_all(&mut *tx)
    .await?;
    for (host, last) in &hosts {
        let summary = match last {
            Some(ms) => format!("no evidence since {}", UnixTime::from_ms(ms.unsigned_abs())),
            None => "no evidence since it enrolled".to_owned(),
        };
        sql::query("UPDATE host SET silent = 1 WHERE id = ?").bind(host).execute(&mut *tx).await?;
        insert_event(tx, Some(*host), EventKind::Stale, now.as_ms(), None, &summary).await?;
    }
    Ok(hosts.len())
}
