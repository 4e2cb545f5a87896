//! What the main loop puts up for those who ask: what was sealed last, and what is watched.
//!
//! In: updates from the loop. Out: copies. The lock is held for a copy and never while anything is waited for.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use evidence::body::{Counter, Coverage, Gap, GapEnd};
use evidence::digest::Sha256Digest;
use serde::{Deserialize, Serialize};

use crate::journal::Journal;

/// Shared between the loop and the socket's thread.
#[derive(Clone, Debug, Default)]
pub struct Board {
    posted: Arc<Mutex<Posted>>,
}

/// What hangs there.
#[derive(Clone, Debug, Default)]
pub(super) struct Posted {
    pub(super) standing: Standing,
    pub(super) components: BTreeSet<Sha256Digest>,
    /// The newest checkpoint that was verified, and the key that it was verified under.
    pub(super) checkpoint: Option<String>,
    pub(super) log_key: Option<String>,
}

/// What was sealed last, and what is watched.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Standing {
    /// The newest sealed evidence; `None` before the first.
    pub sealed: Option<SealedView>,
    /// Scope, means and reason of each source.
    pub coverage: Vec<(String, String, String)>,
    /// Names and values.
    pub counters: Vec<(String, u64)>,
    /// Since when, cause and scope of each open gap.
    pub open_gaps: Vec<(String, String, String)>,
    /// An agent runs and told this; otherwise it is what the journal has.
    pub running: bool,
}

/// The newest sealed evidence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SealedView {
    /// Its place in the chain.
    pub seq: u64,
    /// When, by this host's clock, milliseconds since 1970.
    pub at_ms: u64,
    /// IMA records of this boot that evidence covers.
    pub ima_records: u64,
}

impl Board {
    /// After a seal, a receipt, a rewind and at the start: what the journal has.
    pub fn post_journal(&self, journal: &Journal) {
        let position = journal.position();
        let sealed = position.next_seq.checked_sub(1).zip(position.sealed_at).map(|(seq, at)| SealedView {
            seq,
            at_ms: at.as_ms(),
            ima_records: position.ima_count,
        });
        let checkpoint = journal.checkpoint().map(|verified| verified.signed().note().as_str().to_owned());
        let log_key = journal.identity().map(|identity| identity.log_key.to_string());
        self.change(|posted| {
            (posted.checkpoint, posted.log_key) = (checkpoint, log_key);
            posted.components.clone_from(journal.components());
            posted.standing.sealed = sealed;
        });
    }

    /// After a snapshot: what is watched, what was counted, and every gap.
    pub fn post_watching(&self, coverage: &[Coverage], counters: &[Counter], gaps: &[Gap]) {
        let open = gaps.iter().filter(|gap| gap.until == GapEnd::Open);
        let gaps =
            open.map(|gap| (gap.from.to_string(), gap.cause.name().to_owned(), gap.scope.clone())).collect();
        let coverage = coverage
            .iter()
            .map(|source| (source.scope.clone(), source.means.name().to_owned(), source.reason.clone()));
        let (coverage, counters) = (
            coverage.collect(),
            counters.iter().map(|counter| (counter.name.clone(), counter.value)).collect(),
        );
        self.change(|posted| {
            posted.standing = Standing {
                sealed: posted.standing.sealed.take(),
                coverage,
                counters,
                open_gaps: gaps,
                running: true,
            };
        });
    }

    fn change(&self, change: impl FnOnce(&mut Posted)) {
        change(&mut self.posted.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn read(&self) -> Posted {
        self.posted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
