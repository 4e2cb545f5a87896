//! What is watched, by what means, and why not by better ones.
//!
//! In: the engine's roots as they are watched, and the plan of mounts. Out: the coverage that evidence states. It is bounded:
//! what is too much for one piece of evidence is one line that says how much that is.

use std::sync::Arc;

use evidence::body::{Coverage, Means};
use evidence::limits::{BODY_COVERAGE, SHORT_TEXT_BYTES};

use super::engine::Engine;
use super::mounts::Foreign;
use super::place::{printable, within};

impl Engine {
    /// By what means each root is watched, and what is mounted below that is not walked.
    pub(crate) fn coverage(&self) -> Vec<Coverage> {
        let prefix = printable(self.places.prefix());
        let shown = |scope: &str| match scope.strip_prefix(&prefix) {
            Some(rest) if prefix.len() > 1 && rest.starts_with('/') => rest.to_owned(),
            _ => scope.to_owned(),
        };
        let others = self.mounts.not_walked().iter();
        let others = others.map(|other| Coverage { scope: shown(&other.scope), ..other.clone() });
        let roots = self.roots.iter().map(|root| self.coverage_of(root));
        let mut all: Vec<Coverage> = roots.chain(others).chain(self.left_out()).collect();
        all.sort();
        all.dedup_by(|later, kept| later.scope == kept.scope);
        let left_out = all.len().saturating_sub(BODY_COVERAGE - 1);
        if left_out > 0 {
            all.truncate(BODY_COVERAGE - 1);
            let reason = format!("{left_out} more mounts than a piece of evidence lists");
            all.push(Coverage { scope: "other mounts".to_owned(), means: Means::Nothing, reason });
            all.sort();
        }
        all
    }

    /// What is not looked at because its administrator said so: whoever asks whether something was there must know.
    fn left_out(&self) -> impl Iterator<Item = Coverage> {
        let line = |scope: &[u8], reason: &str| Coverage {
            scope: printable(self.places.shown(scope)),
            means: Means::LeftOut,
            reason: reason.to_owned(),
        };
        let prefix = self.places.prefix();
        let has_all = self.roots.iter().any(|root| within(prefix, root));
        let rest = (!has_all).then(|| line(prefix, "only the configured trees are measured"));
        let excludes = self.places.excludes();
        let excludes: Vec<_> =
            excludes.map(|exclude| line(exclude, "excluded by the configuration")).collect();
        excludes.into_iter().chain(rest)
    }

    fn coverage_of(&self, root: &Arc<[u8]>) -> Coverage {
        let scope = printable(self.places.shown(root));
        let Some(watched) = self.coverages.get(root) else {
            return Coverage { scope, means: Means::Walks, reason: "it is not there".to_owned() };
        };
        let mut coverage = Coverage { scope, ..watched.clone() };
        if coverage.means == Means::DirectoryEvents && self.unwatched.iter().any(|path| within(path, root)) {
            coverage.means = Means::Walks;
            coverage.reason = String::from("some directories cannot be watched: no more inotify watches");
        }
        if let Some(Foreign { point, namespace, .. }) = self.foreign.get(root) {
            let place = format!("{} of the mount namespace {}", printable(point), printable(namespace));
            coverage.reason =
                if coverage.reason.is_empty() { place } else { [place, coverage.reason].join("; ") };
        }
        coverage.reason.truncate(coverage.reason.floor_char_boundary(SHORT_TEXT_BYTES));
        coverage
    }
}
