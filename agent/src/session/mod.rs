//! What to do next: seal, send, fetch, upload, wait.
//!
//! In: what happened, what waits in the journal, and the time since the start. Out: actions, and the moment at which to
//! ask again. No clock, no network, no disk, no randomness of its own: `run` carries the actions out. At most one seal
//! and one exchange with the verifier are under way at any time, and evidence goes out in its order.

mod backoff;
mod refusal;

use std::time::Duration;

use evidence::body::Trigger;

use crate::journal::Rewind;
use backoff::Backoff;
pub use refusal::{Refusal, read as read_refusal};

/// Something to carry out. Each seal and each exchange is answered by one event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Seal what is there now.
    Seal(Trigger),
    /// Note that nothing can be sealed because too much waits.
    Block,
    /// Send the evidence at this place as it lies in the spool.
    Send(u64),
    /// Send it with the firmware log attached.
    SendWithFirmwareLog(u64),
    /// Fetch the receipt of evidence that is recorded already.
    FetchReceipt(u64),
    /// Upload manifests that are wanted.
    Upload,
    /// Put evidence aside and go back.
    Rewind(Rewind),
}

/// Something that happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is something to seal.
    Wanted(Trigger),
    /// A seal ended well.
    Sealed,
    /// A seal could not be had, or came too late for the chain.
    NotSealed,
    /// Evidence was recorded and its receipt verified.
    Acknowledged,
    /// Manifests were taken.
    Uploaded,
    /// The verifier could not be reached, or was not ready.
    Unanswered,
    /// A receipt that does not hold, or an answer that nobody understands.
    Distrusted,
    /// The verifier refused.
    Refused(Refusal),
    /// The position that the verifier names is not one that this agent knows.
    Lost,
    /// Nothing but the time.
    Tick,
}

/// What the journal holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct View {
    /// The place of the oldest evidence that waits.
    pub oldest: Option<u64>,
    /// Whether as much waits as may.
    pub spool: Room,
    /// Whether the verifier wants manifests.
    pub wanted: Demand,
}

/// Whether there is room for more evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// There is.
    #[default]
    Left,
    /// Nothing can be sealed before something was delivered.
    Full,
}

/// Whether manifests are to be uploaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Demand {
    /// None.
    #[default]
    None,
    /// Some.
    Some,
}

/// How the evidence at the front is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    WithFirmwareLog,
    Receipt,
}

/// The state between events.
#[derive(Debug)]
pub struct Session {
    heartbeat: Duration,
    wanted: Option<Trigger>,
    sealing: Option<Trigger>,
    sealed_at: Option<Duration>,
    seal_backoff: Backoff,
    exchanging: bool,
    exchange_backoff: Backoff,
    way: Way,
    waiting_since: Option<Duration>,
    random: u64,
}

impl Session {
    /// A session of a host that seals at least once in `heartbeat`; `seed` is any random number.
    pub const fn new(heartbeat: Duration, seed: u64) -> Self {
        Self {
            heartbeat,
            wanted: None,
            sealing: None,
            sealed_at: None,
            seal_backoff: Backoff::NONE,
            exchanging: false,
            exchange_backoff: Backoff::NONE,
            way: Way::Plain,
            waiting_since: None,
            random: seed | 1,
        }
    }

    /// Takes in an event and says what to do.
    pub fn handle(&mut self, event: Event, view: View, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Wanted(trigger) => self.want(trigger),
            Event::Sealed => {
                self.sealing = None;
                self.sealed_at = Some(now);
                self.seal_backoff.succeeded();
            }
            Event::NotSealed => {
                let trigger = self.sealing.take().unwrap_or(Trigger::Change);
                self.want(trigger);
                let random = self.random();
                self.seal_backoff.failed(now, random);
            }
            Event::Acknowledged => {
                self.exchange_ended(Way::Plain);
                self.waiting_since = None;
            }
            Event::Uploaded => self.exchange_ended(self.way),
            Event::Unanswered | Event::Distrusted => self.exchange_failed(now),
            Event::Refused(refusal) => actions.extend(self.refused(refusal, now)),
            Event::Lost => {
                // To seal anew would only add to what is refused.
                self.wanted = None;
                self.exchanging = false;
                let random = self.random();
                self.exchange_backoff.failed_for_long(now, random);
            }
            Event::Tick => {}
        }
        self.next(view, now, &mut actions);
        actions
    }

    /// When to send [`Event::Tick`] if nothing else happens before; `None` for never.
    pub fn deadline(&self, view: View) -> Option<Duration> {
        let seal = match (self.sealing, view.spool, self.wanted) {
            (Some(_), _, _) | (_, Room::Full, _) => None,
            (None, Room::Left, Some(_)) => self.seal_backoff.until(),
            (None, Room::Left, None) => self.heartbeat_at().max(self.seal_backoff.until()),
        };
        let waits = view.oldest.is_some() || view.wanted == Demand::Some;
        let exchange = self.exchange_backoff.until().filter(|_| waits && !self.exchanging);
        [seal, exchange].into_iter().flatten().min()
    }

    /// When evidence is due without a change; not before there was a first piece.
    fn heartbeat_at(&self) -> Option<Duration> {
        self.sealed_at.map(|at| at.saturating_add(self.heartbeat))
    }

    /// For how long evidence has waited for its receipt, if that is longer than the verifier promises.
    pub fn overdue(&self, now: Duration) -> Option<Duration> {
        self.waiting_since.map(|since| now.saturating_sub(since)).filter(|waited| *waited > PROMISE)
    }

    /// A trigger that says more replaces one that says less.
    fn want(&mut self, trigger: Trigger) {
        let weight = |trigger| match trigger {
            Trigger::Start => 3,
            Trigger::Change => 2,
            Trigger::Gap => 1,
            Trigger::Heartbeat => 0,
        };
        if self.wanted.is_none_or(|wanted| weight(wanted) < weight(trigger)) {
            self.wanted = Some(trigger);
        }
    }

    fn refused(&mut self, refusal: Refusal, now: Duration) -> Option<Action> {
        match (refusal, self.way) {
            (Refusal::Recorded, Way::Plain | Way::WithFirmwareLog) => self.exchange_ended(Way::Receipt),
            (Refusal::NeedsFirmwareLog, Way::Plain) => self.exchange_ended(Way::WithFirmwareLog),
            // It will not be asked for again: the journal has forgotten the reference.
            (Refusal::NeedsWhole, way) => self.exchange_ended(way),
            (Refusal::Stuck, _) => {
                self.exchanging = false;
                let random = self.random();
                self.exchange_backoff.failed_for_long(now, random);
            }
            (Refusal::Rewind(to), _) => {
                self.exchange_failed(now);
                self.want(Trigger::Change);
                // What is sealed anew would be refused as quickly.
                self.seal_backoff = self.exchange_backoff;
                self.waiting_since = None;
                return Some(Action::Rewind(to));
            }
            // The same answer to another question: the verifier contradicts itself, which may pass.
            (Refusal::Later | Refusal::Recorded | Refusal::NeedsFirmwareLog, _) => self.exchange_failed(now),
        }
        None
    }

    fn exchange_ended(&mut self, way: Way) {
        self.exchanging = false;
        self.exchange_backoff.succeeded();
        self.way = way;
    }

    fn exchange_failed(&mut self, now: Duration) {
        self.exchanging = false;
        self.way = Way::Plain;
        let random = self.random();
        self.exchange_backoff.failed(now, random);
    }

    fn next(&mut self, view: View, now: Duration, actions: &mut Vec<Action>) {
        if self.wanted.is_none() && self.sealing.is_none() && self.heartbeat_at().is_some_and(|at| now >= at)
        {
            self.wanted = Some(Trigger::Heartbeat);
        }
        // Nothing is composed in the moment in which the chain is taken back.
        let rewinding = actions.iter().any(|action| matches!(action, Action::Rewind(_)));
        if !rewinding && self.sealing.is_none() && self.seal_backoff.is_over(now) {
            match (self.wanted, view.spool) {
                (Some(_), Room::Full) => actions.push(Action::Block),
                (Some(trigger), Room::Left) => {
                    self.wanted = None;
                    self.sealing = Some(trigger);
                    actions.push(Action::Seal(trigger));
                }
                (None, _) => {}
            }
        }
        if !rewinding && !self.exchanging && self.exchange_backoff.is_over(now) {
            actions.extend(self.exchange(view, now));
        }
    }

    fn exchange(&mut self, view: View, now: Duration) -> Option<Action> {
        let action = match (view.oldest, view.wanted) {
            (Some(seq), _) => {
                self.waiting_since.get_or_insert(now);
                match self.way {
                    Way::Plain => Action::Send(seq),
                    Way::WithFirmwareLog => Action::SendWithFirmwareLog(seq),
                    Way::Receipt => Action::FetchReceipt(seq),
                }
            }
            (None, Demand::Some) => Action::Upload,
            (None, Demand::None) => return None,
        };
        self.exchanging = true;
        Some(action)
    }

    /// Any number: spreads hosts' attempts, and protects nothing.
    const fn random(&mut self) -> u64 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        self.random
    }
}

/// How soon the verifier promises a receipt.
const PROMISE: Duration = Duration::from_mins(10);

#[cfg(test)]
mod tests;
