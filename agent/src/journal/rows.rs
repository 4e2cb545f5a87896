//! What the store keeps, in the shape in which it keeps it.
//!
//! These are the only types of the agent that are serialised for itself; a version of the agent reads what the one
//! before it wrote, so fields are added with a default and never renamed.

use evidence::body::BootCounters;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::pcr::PcrSelection;
use evidence::time::UnixTime;
use serde::{Deserialize, Serialize};

use super::{FirmwareSent, Identity, JournalError, Position, Tally};

#[derive(Serialize, Deserialize)]
pub(super) struct IdentityRow {
    host: String,
    chain: String,
    name: String,
    url: String,
    ca: String,
    selection: String,
    heartbeat_secs: u64,
    log_key: String,
    tier: String,
    enrolled_ms: u64,
}

impl From<&Identity> for IdentityRow {
    fn from(identity: &Identity) -> Self {
        Self {
            host: identity.host.to_string(),
            chain: identity.chain.to_string(),
            name: identity.name.clone(),
            url: identity.url.clone(),
            ca: identity.ca.clone(),
            selection: identity.selection.to_string(),
            heartbeat_secs: identity.heartbeat_secs,
            log_key: identity.log_key.to_string(),
            tier: identity.tier.clone(),
            enrolled_ms: identity.enrolled_at.as_ms(),
        }
    }
}

impl TryFrom<IdentityRow> for Identity {
    type Error = JournalError;

    fn try_from(row: IdentityRow) -> Result<Self, JournalError> {
        let damaged = || JournalError::Damaged { what: "the identity" };
        Ok(Self {
            host: row.host.parse::<HostId>().map_err(|_| damaged())?,
            chain: row.chain.parse::<ChainId>().map_err(|_| damaged())?,
            name: row.name,
            url: row.url,
            ca: row.ca,
            selection: row.selection.parse::<PcrSelection>().map_err(|_| damaged())?,
            heartbeat_secs: row.heartbeat_secs,
            log_key: row.log_key.parse().map_err(|_| damaged())?,
            tier: row.tier,
            enrolled_at: UnixTime::from_ms(row.enrolled_ms),
        })
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct PositionRow {
    next_seq: u64,
    acknowledged: u64,
    prev: String,
    boot: Option<(u32, u32)>,
    firmware: Option<(u32, u32, String)>,
    ima_count: u64,
    sealed_ms: Option<u64>,
    #[serde(default)]
    watched_ms: Option<u64>,
    #[serde(default)]
    blocked_ms: Option<u64>,
}

impl From<&Position> for PositionRow {
    fn from(position: &Position) -> Self {
        Self {
            next_seq: position.next_seq,
            acknowledged: position.acknowledged,
            prev: position.prev.to_string(),
            boot: position.boot.map(|boot| (boot.reset_count, boot.restart_count)),
            firmware: position
                .firmware
                .map(|sent| (sent.boot.reset_count, sent.boot.restart_count, sent.digest.to_string())),
            ima_count: position.ima_count,
            sealed_ms: position.sealed_at.map(UnixTime::as_ms),
            watched_ms: position.watched_at.map(UnixTime::as_ms),
            blocked_ms: position.blocked_since.map(UnixTime::as_ms),
        }
    }
}

impl TryFrom<PositionRow> for Position {
    type Error = JournalError;

    fn try_from(row: PositionRow) -> Result<Self, JournalError> {
        let digest = |text: &str| {
            text.parse::<Sha256Digest>().map_err(|_| JournalError::Damaged { what: "the position" })
        };
        let firmware = match &row.firmware {
            Some((reset_count, restart_count, text)) => Some(FirmwareSent {
                boot: BootCounters { reset_count: *reset_count, restart_count: *restart_count },
                digest: digest(text)?,
            }),
            None => None,
        };
        Ok(Self {
            next_seq: row.next_seq,
            acknowledged: row.acknowledged,
            prev: digest(&row.prev)?,
            boot: row.boot.map(|(reset_count, restart_count)| BootCounters { reset_count, restart_count }),
            firmware,
            ima_count: row.ima_count,
            sealed_at: row.sealed_ms.map(UnixTime::from_ms),
            watched_at: row.watched_ms.map(UnixTime::from_ms),
            blocked_since: row.blocked_ms.map(UnixTime::from_ms),
        })
    }
}

#[derive(Default, Serialize, Deserialize)]
pub(super) struct TallyRow {
    sealed: u64,
    acknowledged: u64,
    refused: u64,
    last_status: String,
    last_acknowledged_ms: Option<u64>,
}

impl From<&Tally> for TallyRow {
    fn from(tally: &Tally) -> Self {
        Self {
            sealed: tally.sealed,
            acknowledged: tally.acknowledged,
            refused: tally.refused,
            last_status: tally.last_status.clone(),
            last_acknowledged_ms: tally.last_acknowledged_at.map(UnixTime::as_ms),
        }
    }
}

impl From<TallyRow> for Tally {
    fn from(row: TallyRow) -> Self {
        Self {
            sealed: row.sealed,
            acknowledged: row.acknowledged,
            refused: row.refused,
            last_status: row.last_status,
            last_acknowledged_at: row.last_acknowledged_ms.map(UnixTime::from_ms),
        }
    }
}
