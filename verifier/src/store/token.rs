//! Tokens: the operators', and those by which a host may join.
//!
//! In: what a token is for, and later the text that somebody shows. Out: whether it is one of ours and what it may
//! do. Only the SHA-256 of a secret is kept, so a stolen database opens nothing. These functions take any
//! connection: the command line uses them while the server runs.

use evidence::digest::{HostId, Sha256Digest};
use evidence::time::UnixTime;
use wire::operator::{NewToken, Scope, TokenView};

use super::action::{self, ActionError, ActionKind, Who};
use super::{StoreError, to_i64, to_u64};
use crate::limits::TOKENS_SHOWN;
use crate::sql::{self, Connection, Executor};

/// Which table a token is in, and how its text begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenKind {
    /// An operator's.
    Operator,
    /// A host's, for joining.
    Join,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Operator => "lydian-op",
            Self::Join => "lydian-join",
        }
    }
}

/// A token's text, taken apart: `lydian-join_<id>_<secret>`.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) id: String,
    secret: Sha256Digest,
}

impl Presented {
    /// `None` where the text is no token of this kind.
    pub(crate) fn parse(kind: TokenKind, text: &str) -> Option<Self> {
        let (id, secret) = text.strip_prefix(kind.prefix())?.strip_prefix('_')?.split_once('_')?;
        let hex = |text: &str, len| text.len() == len && text.bytes().all(|b| b.is_ascii_hexdigit());
        (hex(id, 2 * ID_BYTES) && hex(secret, 2 * SECRET_BYTES))
            .then(|| Self { id: id.to_owned(), secret: Sha256Digest::of(&[secret.as_bytes()]) })
    }

    /// Compares in a time that does not depend on where the two differ.
    fn is(&self, stored: &[u8]) -> bool {
        let ours = self.secret.as_bytes();
        stored.len() == ours.len() && stored.iter().zip(ours).fold(0, |acc, (a, b)| acc | (a ^ b)) == 0
    }
}

/// A token in the making.
struct Fresh {
    id: String,
    text: String,
    secret: Sha256Digest,
}

impl Fresh {
    fn new(kind: TokenKind) -> Result<Self, getrandom::Error> {
        let id = hex::encode(crate::random::bytes::<ID_BYTES>()?);
        let secret = hex::encode(crate::random::bytes::<SECRET_BYTES>()?);
        let text = format!("{}_{id}_{secret}", kind.prefix());
        Ok(Self { id, text, secret: Sha256Digest::of(&[secret.as_bytes()]) })
    }

    fn shown(self, expires: UnixTime) -> NewToken {
        NewToken { id: self.id, secret: self.text, expires: expires.to_string() }
    }
}

/// Why no token was made.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TokenError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No randomness.
    #[error("the kernel gave no randomness: {0}")]
    Random(#[from] getrandom::Error),
}

impl From<ActionError> for TokenError {
    fn from(error: ActionError) -> Self {
        match error {
            ActionError::Store(error) => Self::Store(error),
            ActionError::Random(error) => Self::Random(error),
        }
    }
}

impl From<sqlx::Error> for TokenError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Makes an operator's token.
pub(crate) async fn create_operator(
    connection: &mut Connection<'_>,
    who: &Who,
    name: &str,
    scope: Scope,
    now: UnixTime,
    expires: UnixTime,
) -> Result<NewToken, TokenError> {
    let fresh = Fresh::new(TokenKind::Operator)?;
    let mut tx = connection.begin_write().await?;
    sql::query(
        "INSERT INTO operator_token (id, secret, name, scope, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(&fresh.id)
    .bind(fresh.secret.as_bytes().as_slice())
    .bind(name)
    .bind(scope_name(scope))
    .bind(to_i64(now.as_ms()))
    .bind(to_i64(expires.as_ms()))
    .execute(&mut *tx)
    .await?;
    let detail = format!("{}, scope {}, until {expires}: {name}", fresh.id, scope_name(scope));
    action::record(&mut tx, ActionKind::TokenCreated, who, &detail, now).await?;
    tx.commit().await?;
    Ok(fresh.shown(expires))
}

/// Makes a token by which one host may join.
pub(crate) async fn create_join(
    connection: &mut Connection<'_>,
    who: &Who,
    note: &str,
    now: UnixTime,
    expires: UnixTime,
) -> Result<NewToken, TokenError> {
    let fresh = Fresh::new(TokenKind::Join)?;
    let mut tx = connection.begin_write().await?;
    sql::query("INSERT INTO join_token (id, secret, note, created_ms, expires_ms) VALUES (?, ?, ?, ?, ?)")
        .bind(&fresh.id)
        .bind(fresh.secret.as_bytes().as_slice())
        .bind(note)
        .bind(to_i64(now.as_ms()))
        .bind(to_i64(expires.as_ms()))
        .execute(&mut *tx)
        .await?;
    let detail = format!("{}, until {expires}: {note}", fresh.id);
    action::record(&mut tx, ActionKind::JoinTokenCreated, who, &detail, now).await?;
    tx.commit().await?;
    Ok(fresh.shown(expires))
}

/// Revokes a token for ever; `false` where there is no such token.
pub(crate) async fn revoke(
    connection: &mut Connection<'_>,
    who: &Who,
    kind: TokenKind,
    id: &str,
    now: UnixTime,
) -> Result<bool, TokenError> {
    let (statement, action) = match kind {
        TokenKind::Operator => (
            "UPDATE operator_token SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?",
            ActionKind::TokenRevoked,
        ),
        TokenKind::Join => (
            "UPDATE join_token SET revoked_ms = coalesce(revoked_ms, ?) WHERE id = ?",
            ActionKind::JoinTokenRevoked,
        ),
    };
    let mut tx = connection.begin_write().await?;
    let done = sql::query(statement).bind(to_i64(now.as_ms())).bind(id).execute(&mut *tx).await?;
    if done.rows_affected() != 1 {
        return Ok(false);
    }
    action::record(&mut tx, action, who, id, now).await?;
    tx.commit().await?;
    Ok(true)
}

/// The tokens of a kind, newest first.
pub(crate) async fn list(
    executor: impl Executor<'_>,
    kind: TokenKind,
    now: UnixTime,
) -> Result<Vec<TokenView>, StoreError> {
    let statement = match kind {
        TokenKind::Operator => {
            "SELECT id, name, scope, created_ms, expires_ms, revoked_ms, NULL AS used_ms, NULL AS used_by
             FROM operator_token ORDER BY created_ms DESC, id LIMIT ?"
        }
        TokenKind::Join => {
            "SELECT id, note AS name, 'join' AS scope, created_ms, expires_ms, revoked_ms, used_ms, used_by
             FROM join_token ORDER BY created_ms DESC, id LIMIT ?"
        }
    };
    let rows = sql::query(statement).bind(TOKENS_SHOWN).fetch_all(executor).await?;
    rows.iter()
        .map(|row| {
            let time = |column| row.try_get::<i64>(column).map(|ms| UnixTime::from_ms(to_u64(ms)));
            let (revoked, used): (Option<i64>, Option<i64>) =
                (row.try_get("revoked_ms")?, row.try_get("used_ms")?);
            let expires = time("expires_ms")?;
            let state = TokenState::of(revoked.is_some(), used.is_some(), expires, now);
            let used_by: Option<Vec<u8>> = row.try_get("used_by")?;
            Ok(TokenView {
                id: row.try_get("id")?,
                name: row.try_get("name")?,
                scope: row.try_get("scope")?,
                created: time("created_ms")?.to_string(),
                expires: expires.to_string(),
                state: state.name().to_owned(),
                used_by: used_by.map(hex::encode),
            })
        })
        .collect()
}

/// How a token stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenState {
    Valid,
    Used,
    Expired,
    Revoked,
}

impl TokenState {
    fn of(revoked: bool, used: bool, expires: UnixTime, now: UnixTime) -> Self {
        match (revoked, now >= expires, used) {
            (true, _, _) => Self::Revoked,
            (_, _, true) => Self::Used,
            (_, true, _) => Self::Expired,
            _ => Self::Valid,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Used => "used",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
        }
    }
}

/// The scope of a presented operator's token; `None` where it is unknown, expired or revoked.
pub(crate) async fn scope_of(
    executor: impl Executor<'_>,
    presented: &Presented,
    now: UnixTime,
) -> Result<Option<Scope>, StoreError> {
    let row: Option<(Vec<u8>, String, i64, Option<i64>)> =
        sql::query_as("SELECT secret, scope, expires_ms, revoked_ms FROM operator_token WHERE id = ?")
            .bind(&presented.id)
            .fetch_optional(executor)
            .await?;
    let Some((secret, scope, expires, revoked)) = row else { return Ok(None) };
    let state = TokenState::of(revoked.is_some(), false, UnixTime::from_ms(to_u64(expires)), now);
    if !presented.is(&secret) || state != TokenState::Valid {
        return Ok(None);
    }
    let scope =
        [Scope::Read, Scope::Enrol, Scope::Admin].into_iter().find(|known| scope_name(*known) == scope);
    scope.map(Some).ok_or(StoreError::Damaged { what: "a token's scope" })
}

/// Why a join token does not let this host in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum JoinRefusal {
    /// No such token, or another secret.
    #[error("the join token is not known")]
    Unknown,
    /// Its time is over.
    #[error("the join token has expired")]
    Expired,
    /// Another host, or another key of this host, has used it.
    #[error("the join token was used already")]
    Used,
    /// An operator revoked it.
    #[error("the join token was revoked")]
    Revoked,
}

impl JoinRefusal {
    /// The stable code.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Unknown => "token-unknown",
            Self::Expired => "token-expired",
            Self::Used => "token-used",
            Self::Revoked => "token-revoked",
        }
    }
}

/// Checks a join token for a host and the name of its attestation key. A token that was used is still good for the
/// same two until it expires: the answer to an enrolment may have been lost.
pub(crate) async fn check_join(
    executor: impl Executor<'_>,
    presented: &Presented,
    host: HostId,
    ak: &[u8],
    now: UnixTime,
) -> Result<Result<(), JoinRefusal>, StoreError> {
    let row =
        sql::query("SELECT secret, expires_ms, revoked_ms, used_by, used_ak FROM join_token WHERE id = ?")
            .bind(&presented.id)
            .fetch_optional(executor)
            .await?;
    let Some(row) = row else { return Ok(Err(JoinRefusal::Unknown)) };
    if !presented.is(&row.try_get::<Vec<u8>>("secret")?) {
        return Ok(Err(JoinRefusal::Unknown));
    }
    if row.try_get::<Option<i64>>("revoked_ms")?.is_some() {
        return Ok(Err(JoinRefusal::Revoked));
    }
    if to_u64(row.try_get("expires_ms")?) <= now.as_ms() {
        return Ok(Err(JoinRefusal::Expired));
    }
    let used: (Option<Vec<u8>>, Option<Vec<u8>>) = (row.try_get("used_by")?, row.try_get("used_ak")?);
    Ok(match used {
        (None, None) => Ok(()),
        (Some(by), Some(with)) if by == host.as_bytes() && with == ak => Ok(()),
        _ => Err(JoinRefusal::Used),
    })
}

/// Marks a join token as used; the first use stays.
pub(crate) async fn use_join(
    connection: &mut Connection<'_>,
    id: &str,
    host: HostId,
    ak: &[u8],
    now: UnixTime,
) -> Result<(), StoreError> {
    sql::query(
        "UPDATE join_token SET used_ms = ?, used_by = ?, used_ak = ? WHERE id = ? AND used_ms IS NULL",
    )
    .bind(to_i64(now.as_ms()))
    .bind(host.as_bytes().as_slice())
    .bind(ak)
    .bind(id)
    .execute(connection)
    .await?;
    Ok(())
}

/// The word for a scope, as in the wire's type.
pub(crate) const fn scope_name(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "read",
        Scope::Enrol => "enrol",
        Scope::Admin => "admin",
    }
}

const ID_BYTES: usize = 8;
const SECRET_BYTES: usize = 32;

#[cfg(test)]
mod tests;
