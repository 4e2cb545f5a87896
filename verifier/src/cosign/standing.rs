//! How the witnesses stand, for operators.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ledger::policy::Policy;
use ledger::tree::LogSize;

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

#[derive(Debug)]
struct Posted {
    witnesses: Vec<WitnessStanding>,
    published: Option<u64>,
    unpublished: Option<(u64, String)>,
}

/// A board that the task writes on and operators read.
#[derive(Clone, Debug)]
pub(crate) struct Board(Arc<Mutex<Posted>>);

impl Board {
    pub(super) fn new(policy: &Policy) -> Self {
        let witnesses = policy.witnesses().iter().enumerate().map(|(place, witness)| WitnessStanding {
            name: String::from_utf8_lossy(&witness.name).into_owned(),
            key: witness.key.to_string(),
            url: witness.url.clone(),
            counts: policy.counts(place),
            cosigned: None,
            failure: None,
        });
        let posted = Posted { witnesses: witnesses.collect(), published: None, unpublished: None };
        Self(Arc::new(Mutex::new(posted)))
    }

    fn lock(&self) -> MutexGuard<'_, Posted> {
        // Whoever panicked in between has left a board that is at worst out of date.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn cosigned(&self, place: usize, size: LogSize, time_secs: u64) {
        if let Some(witness) = self.lock().witnesses.get_mut(place) {
            (witness.cosigned, witness.failure) = (Some((size.get(), time_secs)), None);
        }
    }

    pub(super) fn failed(&self, place: usize, now_ms: u64, why: &str) {
        if let Some(witness) = self.lock().witnesses.get_mut(place) {
            witness.failure = Some((now_ms, why.to_owned()));
        }
    }

    pub(super) fn published(&self, size: LogSize) {
        let mut posted = self.lock();
        (posted.published, posted.unpublished) = (Some(size.get()), None);
    }

    pub(super) fn not_published(&self, size: LogSize, why: &str) {
        self.lock().unpublished = Some((size.get(), why.to_owned()));
    }

    /// The witnesses, in the policy's order.
    pub(crate) fn witnesses(&self) -> Vec<WitnessStanding> {
        self.lock().witnesses.clone()
    }

    /// The head that did not reach the quorum, and why.
    pub(crate) fn unpublished(&self) -> Option<(u64, String)> {
        self.lock().unpublished.clone()
    }
}
