//! What is wrong at the moment, for `status` and the log.
//!
//! In: troubles as they come and go, one of each kind. Out: a list. Each is logged once when it comes or changes, and
//! once when it is over, however often it is met between.

use std::collections::BTreeMap;

use evidence::time::UnixTime;

use crate::status::Problem;

/// Kinds of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The verifier shows something that must not be.
    Alarm,
    /// Evidence cannot be sealed.
    Seal,
    /// The state directory.
    Disk,
    /// Too much waits.
    Spool,
    /// The verifier refuses.
    Refused,
    /// The verifier cannot be reached.
    Verifier,
    /// No receipt within the promise.
    Promise,
}

#[derive(Debug, Default)]
pub(super) struct Troubles {
    now: BTreeMap<Kind, Problem>,
    last: Option<Problem>,
}

impl Troubles {
    /// Something is wrong.
    pub(super) fn met(&mut self, kind: Kind, at: UnixTime, message: String, hint: &str) {
        if self.now.get(&kind).is_some_and(|known| known.message == message) {
            return;
        }
        match kind {
            Kind::Alarm | Kind::Disk | Kind::Refused => tracing::error!(hint, "{message}"),
            Kind::Seal | Kind::Spool | Kind::Verifier | Kind::Promise => tracing::warn!(hint, "{message}"),
        }
        let problem = Problem { at: at.to_string(), message, hint: hint.to_owned() };
        self.last = Some(problem.clone());
        self.now.insert(kind, problem);
    }

    /// It is over.
    pub(super) fn over(&mut self, kinds: &[Kind]) {
        for kind in kinds {
            if let Some(problem) = self.now.remove(kind) {
                tracing::info!("over: {}", problem.message);
            }
        }
    }

    /// What is wrong now, the worst first.
    pub(super) fn now(&self) -> Vec<Problem> {
        self.now.values().cloned().collect()
    }

    /// What was wrong last.
    pub(super) fn last(&self) -> Option<Problem> {
        self.last.clone()
    }
}
