//! Where a host's chain of evidence stands, and how each piece moves it.
//!
//! In: a position and a sealed piece. Out: the position after it, or before it. Both follow from the piece alone, so a
//! spool can be replayed forwards after a crash and backwards after a refusal.

use evidence::body::{Body, BootCounters, FirmwareLog};
use evidence::digest::Sha256Digest;
use evidence::envelope::{AttachmentKind, Envelope};
use evidence::ima::ImaList;
use evidence::time::UnixTime;

/// What the next piece of evidence starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Its place in the chain.
    pub next_seq: u64,
    /// The first place that the verifier has not confirmed.
    pub acknowledged: u64,
    /// Digest of the piece before; zero at the start.
    pub prev: Sha256Digest,
    /// The TPM's counters in the piece before.
    pub boot: Option<BootCounters>,
    /// The firmware log that was attached last.
    pub firmware: Option<FirmwareSent>,
    /// IMA records of this boot that evidence covers.
    pub ima_count: u64,
    /// When the piece before was sealed.
    pub sealed_at: Option<UnixTime>,
    /// When the newest piece was sealed to which the measuring thread had a word to say: one that stalled has none, and the pieces behind it may
    /// be of what nobody saw.
    pub watched_at: Option<UnixTime>,
    /// Since when nothing could be sealed because too much waited.
    pub blocked_since: Option<UnixTime>,
}

/// A firmware log that evidence carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirmwareSent {
    /// The TPM's counters then: a reset or a resume of the TPM asks for the log again.
    pub boot: BootCounters,
    /// The log's digest.
    pub digest: Sha256Digest,
}

impl Default for Position {
    fn default() -> Self {
        Self {
            next_seq: 0,
            acknowledged: 0,
            prev: Sha256Digest::new([0; 32]),
            boot: None,
            firmware: None,
            ima_count: 0,
            sealed_at: None,
            watched_at: None,
            blocked_since: None,
        }
    }
}

impl Position {
    /// The position behind a piece that was sealed at this one.
    #[must_use]
    pub fn after(&self, envelope: &Envelope) -> Self {
        let body = envelope.evidence.body();
        let carried = envelope.attachment(AttachmentKind::FirmwareLog).is_some();
        let firmware = match body.firmware_log {
            FirmwareLog::Present(digest) if carried => Some(FirmwareSent { boot: body.boot, digest }),
            _ => self.firmware,
        };
        // The thread tells how it watches; the first piece is of nothing before it.
        let has_watched = !body.coverage.is_empty() || self.sealed_at.is_none();
        // Where the clock was set back meanwhile, this piece must not look as if it had been sealed before.
        let heard = self.watched_at.or(self.sealed_at).map(|heard| heard.min(body.agent_time));
        let watched_at = if has_watched { Some(body.agent_time) } else { heard };
        let records = envelope.attachment(AttachmentKind::ImaList).map_or(0, |list| count(&list.bytes));
        Self {
            next_seq: body.seq.saturating_add(1),
            acknowledged: self.acknowledged,
            prev: envelope.evidence.digest(),
            boot: Some(body.boot),
            firmware,
            ima_count: body.ima_first.saturating_add(records),
            sealed_at: Some(body.agent_time),
            watched_at,
            blocked_since: None,
        }
    }

    /// The position in front of the piece that led to this one.
    ///
    /// The counters become those of the undone piece: they say to which boot the count of IMA records belongs.
    #[must_use]
    pub fn before(&self, body: &Body) -> Self {
        Self {
            next_seq: body.seq,
            prev: body.prev,
            boot: Some(body.boot),
            ima_count: body.ima_first,
            ..*self
        }
    }

    /// The same, with the firmware log to be attached again: twice does no harm, not at all does.
    #[must_use]
    pub const fn without_firmware_log(self) -> Self {
        Self { firmware: None, ..self }
    }
}

/// Attached records are exactly those that the quote vouches for, so all of them count.
fn count(ima_list: &[u8]) -> u64 {
    ImaList::new(ima_list).records().take_while(Result::is_ok).count() as u64
}
