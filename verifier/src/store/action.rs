//! What operators did: written down where it is done, and given a leaf by the sequencer.
//!
//! In: who did what. Out: rows with the record that a leaf commits to; no secret is ever in one. These functions take any
//! connection: the command line uses them while the server runs, and its actions get their leaves from the server.

use evidence::digest::Sha256Digest;
use evidence::record::ActionRecord;
use evidence::time::UnixTime;
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;
use wire::operator::ActionView;

use super::{StoreError, to_i64, to_u64};
use crate::limits::{ACTIONS_PER_BATCH, ACTIONS_SHOWN};
use crate::sql::{self, Connection, Executor};

/// Who did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Who(String);

impl Who {
    /// The holder of an operator's token.
    pub(crate) fn token(id: &str) -> Self {
        Self(format!("token {id}"))
    }

    /// Somebody who may write the state directory.
    pub(crate) fn command_line() -> Self {
        Self(format!("command line, user {}", rustix::process::getuid().as_raw()))
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What was done. The names are part of the record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ActionKind {
    TokenCreated,
    TokenRevoked,
    JoinTokenCreated,
    JoinTokenRevoked,
    Exported,
    HostRetired,
    HostLabelled,
    TrustedAsked,
    WatchAdded,
    WatchRemoved,
    IncidentOpened,
    IncidentClosed,
}

impl ActionKind {
    const fn name(self) -> &'static str {
        match self {
            Self::TokenCreated => "token-created",
            Self::TokenRevoked => "token-revoked",
            Self::JoinTokenCreated => "join-token-created",
            Self::JoinTokenRevoked => "join-token-revoked",
            Self::Exported => "exported",
            Self::HostRetired => "host-retired",
            Self::HostLabelled => "host-labelled",
            Self::TrustedAsked => "trusted-asked",
            Self::WatchAdded => "watch-added",
            Self::WatchRemoved => "watch-removed",
            Self::IncidentOpened => "incident-opened",
            Self::IncidentClosed => "incident-closed",
        }
    }
}

/// Writes down what was done; the caller's transaction holds the thing itself.
pub(crate) async fn record(
    tx: &mut Connection<'_>,
    kind: ActionKind,
    who: &Who,
    detail: &str,
    now: UnixTime,
) -> Result<(), ActionError> {
    let salt = crate::random::bytes::<32>()?;
    let record = ActionRecord {
        kind: kind.name().to_owned(),
        who: who.0.clone(),
        detail: detail.to_owned(),
        at_ms: now.as_ms(),
    };
    sql::query(
        "INSERT INTO operator_action (at_ms, kind, who, detail, salt, record) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(to_i64(now.as_ms()))
    .bind(kind.name())
    .bind(&who.0)
    .bind(detail)
    .bind(salt.as_slice())
    .bind(record.encode())
    .execute(tx)
    .await
    .map_err(StoreError::from)?;
    Ok(())
}

/// Gives the actions that have none their leaves, from `next` on.
pub(crate) async fn give_leaves(tx: &mut Connection<'_>, next: LeafIndex) -> Result<Vec<Leaf>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "an operator's action" };
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> =
        sql::query_as("SELECT id, salt, record FROM operator_action WHERE leaf IS NULL ORDER BY id LIMIT ?")
            .bind(ACTIONS_PER_BATCH)
            .fetch_all(&mut *tx)
            .await?;
    let mut leaves = Vec::with_capacity(rows.len());
    for ((id, salt, record), index) in rows.into_iter().zip(next.get()..) {
        let salt = Salt::from_bytes(salt.try_into().map_err(|_| DAMAGED)?);
        leaves.push(Leaf::operator_action(&salt, Sha256Digest::of(&[&record]).as_bytes()));
        sql::query("UPDATE operator_action SET leaf = ? WHERE id = ?")
            .bind(to_i64(index))
            .bind(id)
            .execute(&mut *tx)
            .await?;
    }
    Ok(leaves)
}

/// Whether an action waits for its leaf.
pub(crate) async fn is_waiting(executor: impl Executor<'_>) -> Result<bool, StoreError> {
    let found: bool = sql::query_scalar("SELECT EXISTS (SELECT 1 FROM operator_action WHERE leaf IS NULL)")
        .fetch_one(executor)
        .await?;
    Ok(found)
}

/// The newest actions, those before `before` where it is given.
pub(crate) async fn list(
    executor: impl Executor<'_>,
    before: Option<u64>,
) -> Result<Vec<ActionView>, StoreError> {
    let rows = sql::query(
        "SELECT id, at_ms, kind, who, detail, leaf FROM operator_action WHERE id < ? ORDER BY id DESC LIMIT ?",
    )
    .bind(before.map_or(i64::MAX, to_i64))
    .bind(ACTIONS_SHOWN)
    .fetch_all(executor)
    .await?;
    rows.iter()
        .map(|row| {
            Ok(ActionView {
                id: to_u64(row.try_get("id")?),
                at: UnixTime::from_ms(to_u64(row.try_get("at_ms")?)).to_string(),
                kind: row.try_get("kind")?,
                who: row.try_get("who")?,
                detail: row.try_get("detail")?,
                leaf: row.try_get::<Option<i64>>("leaf")?.map(to_u64),
            })
        })
        .collect()
}

/// Why an action was not written down; what it tells of must not be done then.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ActionError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the kernel gave no randomness: {0}")]
    Random(#[from] getrandom::Error),
}
