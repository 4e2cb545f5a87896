//! How the witnesses stand, for operators.

use ledger::policy::Policy;
use ledger::tree::LogSize;
use tokio::sync::watch;

/// What is known of one witness since the verifier started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WitnessStanding {
    /// What the policy calls it.
    pub(crate) name: String,
    pub(crate) key: String,
    pub(crate) url: Option<String>,
    /// Whether the quorum can be made with it.
    pub(crate) counts: bool,
    /// The size that it cosigned last, and when by its clock, in seconds since 1970.
    pub(crate) cosigned: Option<(u64, u64)>,
    /// What went wrong since, and when, in milliseconds since 1970.
    pub(crate) failure: Option<(u64, String)>,
}

#[derive(Debug, Default)]
struct Posted {
    has_policy: bool,
    witnesses: Vec<WitnessStanding>,
    published: Option<u64>,
    unpublished: Option<(u64, String)>,
}

/// A board that the task writes on and operators read.
#[derive(Clone, Debug)]
pub(crate) struct Board(watch::Sender<Posted>);

impl Board {
    /// The board of a log that every head is published of.
    pub(crate) fn without_policy() -> Self {
        Self(watch::Sender::new(Posted::default()))
    }

    pub(super) fn new(policy: &Policy) -> Self {
        let witnesses = policy.witnesses().iter().enumerate().map(|(place, witness)| WitnessStanding {
            name: String::from_utf8_lossy(&witness.name).into_owned(),
            key: witness.key.to_string(),
            url: witness.url.clone(),
            counts: policy.counts(place),
            cosigned: None,
            failure: None,
        });
        let posted = Posted { has_policy: true, witnesses: witnesses.collect(), ..Posted::default() };
        Self(watch::Sender::new(posted))
    }

    fn of_witness(&self, place: usize, change: impl FnOnce(&mut WitnessStanding)) {
        self.0.send_modify(|posted| {
            if let Some(witness) = posted.witnesses.get_mut(place) {
                change(witness);
            }
        });
    }

    pub(super) fn cosigned(&self, place: usize, size: LogSize, time_secs: u64) {
        self.of_witness(place, |witness| {
            (witness.cosigned, witness.failure) = (Some((size.get(), time_secs)), None);
        });
    }

    pub(super) fn failed(&self, place: usize, now_ms: u64, why: &str) {
        self.of_witness(place, |witness| witness.failure = Some((now_ms, why.to_owned())));
    }

    pub(super) fn published(&self, size: LogSize) {
        self.0.send_modify(|posted| (posted.published, posted.unpublished) = (Some(size.get()), None));
    }

    pub(super) fn not_published(&self, size: LogSize, why: &str) {
        self.0.send_modify(|posted| posted.unpublished = Some((size.get(), why.to_owned())));
    }

    /// Waits until so many leaves are published.
    #[cfg(test)]
    pub(crate) async fn wait_published(&self, leaves: u64) {
        let fits = |posted: &Posted| posted.published.is_some_and(|published| published >= leaves);
        self.0.subscribe().wait_for(fits).await.expect("the board is there");
    }

    /// Whether a policy decides what is published.
    pub(crate) fn has_policy(&self) -> bool {
        self.0.borrow().has_policy
    }

    /// The witnesses, in the policy's order.
    pub(crate) fn witnesses(&self) -> Vec<WitnessStanding> {
        self.0.borrow().witnesses.clone()
    }

    /// The head that did not reach the quorum, and why.
    pub(crate) fn unpublished(&self) -> Option<(u64, String)> {
        self.0.borrow().unpublished.clone()
    }
}
