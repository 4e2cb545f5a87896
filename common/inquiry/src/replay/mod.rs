//! The answer again, from evidence alone: no store, no index, nobody's word but the hosts' TPMs and the log's.
//!
//! In: a question, the manifests of components, and each host's history as verified evidence tells it, piece by piece. Out: YES, NO or
//! UNKNOWN for a host, by the same rules as the verifier's. Where the verifier's index is rows in a database, this is what those
//! rows were made of, so that an auditor finds out where an index was otherwise.

mod carriers;
mod catalogue;
mod doubts;
mod history;

use std::collections::{BTreeSet, HashSet};

use evidence::digest::Sha256Digest;

use crate::answer::{Answer, Gap, Happening, Presence, Question, Seen, Sighting, Span, Standing};
use crate::moment::{Moment, Window};
use crate::role::{Class, Role, Source};
use crate::subject::{Subject, lies_elsewhere};

use history::Run;

pub use carriers::Carriers;
pub use catalogue::{Catalogue, TooMuch};
pub use history::{Begins, Ended, History, Piece};

/// A question, understood.
#[derive(Clone, Debug)]
pub struct Asked {
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// In which roles.
    pub roles: Vec<Role>,
    /// The window, the mode, the weakest class, and the sources of each role.
    pub question: Question,
    /// Causes of gaps that do not count.
    pub accept: BTreeSet<String>,
}

/// The answer for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replayed {
    /// The answer.
    pub answer: Answer,
    /// The first and last that was heard of the host.
    pub seen: Seen,
    /// What was seen of the subjects, in or near the window.
    pub sightings: usize,
}

/// Answers for one host, of which `standing` says whether more is to be expected.
pub fn answer(asked: &Asked, carriers: &Carriers, history: &History, standing: Standing) -> Replayed {
    let window = asked.question.window;
    let sightings = sightings(carriers, history, window);
    let gaps = gaps(asked, carriers, history);
    let seen = Seen { first: history.first(), last: history.last(), now: standing };
    let answer = asked.question.answer(&seen, &sightings, &gaps);
    Replayed { answer, seen, sightings: sightings.len() }
}

fn sightings(carriers: &Carriers, history: &History, window: Window) -> Vec<Sighting> {
    let mut found = Vec::new();
    let mut add = |of: &[(Role, Class)], presence: Option<Presence>| {
        let span = presence.map(Span::Presence);
        found.extend(span.into_iter().flat_map(|span| {
            of.iter().map(move |(role, class)| Sighting { role: *role, class: *class, span })
        }));
    };
    for (component, from, until) in history.components() {
        add(carriers.of_component(component), presence(history, (from, until), window));
    }
    for (profile, from, until) in history.profiles() {
        add(carriers.of_profile(profile), presence(history, (from, until), window));
    }
    let mut runs = Vec::new();
    for run in history.runs() {
        let how = carriers.of_run(&run);
        let (Some((told, until)), false) = (between(history, &run), how.is_empty()) else { continue };
        let before = history.before(run.since);
        let span = Span::Happening(Happening { before, told, until });
        runs.extend(how.into_iter().map(|(role, class)| Sighting { role, class, span }));
    }
    found.append(&mut runs);
    found
}

/// The quotes that tell of something, and that it is over; none of the first where it is not known.
fn between(history: &History, run: &Run<'_>) -> Option<(Moment, Option<Moment>)> {
    Some((history.moment(run.told)?, run.until.and_then(|leaf| history.moment(leaf))))
}

/// When a host had something by two leaves, unless that was over before the window.
fn presence(history: &History, (from, until): (u64, Option<u64>), window: Window) -> Option<Presence> {
    if until.is_some_and(|until| until < window.from.unwrap_or_default()) {
        return None;
    }
    let first = history.moment(from)?;
    // What an enrolment or a retirement ended is known to be over with the next evidence, if any came.
    let over = until.and_then(|until| history.at_or_after(until));
    let last = over.map_or_else(|| history.last(), |over| history.before(over.leaf));
    Some(Presence { before: history.before(from), first, last: last.unwrap_or(first), until: over })
}

/// Everything that could not be seen and bears upon the question.
fn gaps(asked: &Asked, carriers: &Carriers, history: &History) -> Vec<Gap> {
    let roles = &asked.question.roles;
    let sources: BTreeSet<Source> =
        roles.iter().flat_map(|(_, sources)| sources.iter().copied().flatten().copied()).collect();
    let begin = asked.question.window.from.unwrap_or_default();
    let reaches = |until: Option<u64>| until.is_none_or(|until| until >= begin);
    let accepted = |cause: &str| asked.accept.contains(cause);
    let gap = |source, from: Option<u64>, until: Option<u64>| Gap {
        source,
        from: from.and_then(|leaf| history.moment(leaf)),
        // Of its end the leaf alone counts, be it of evidence or of an enrolment.
        until: until.map(|leaf| Moment { after: leaf, leaf }),
    };
    let mut gaps = Vec::new();
    for open in history.gaps() {
        let elsewhere = lies_elsewhere(open.source, &open.scope, &asked.subjects);
        if sources.contains(&open.source) && !accepted(&open.cause) && !elsewhere && reaches(open.until) {
            gaps.push(gap(open.source, open.from, open.until));
        }
    }
    if sources.contains(&Source::Files) {
        let of_keys = asked
            .subjects
            .iter()
            .any(|of| matches!(of, Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_)));
        for (component, from, until) in history.components().filter(|(_, _, until)| reaches(*until)) {
            let before = history.before(from).map(|moment| moment.leaf);
            let undescribed = !carriers.is_described(component) && !accepted("manifest-missing");
            let unread = of_keys && carriers.is_unread(component) && !accepted("store-unread");
            let sourceless = carriers.is_sourceless(component) && !accepted("source-unknown");
            let unissued = carriers.is_unissued(component) && !accepted("issuer-unknown");
            let open = carriers.is_open(component) && !accepted("chain-open");
            if [undescribed, unread, sourceless, unissued, open].contains(&true) {
                gaps.push(gap(Source::Files, before, until));
            }
        }
    }
    for run in history.runs().filter(|run| sources.contains(&Source::Files) && reaches(run.until)) {
        if carriers.doubt_of_run(&run).is_some_and(|cause| !accepted(cause)) {
            let before = history.before(run.since).map(|moment| moment.leaf);
            gaps.push(gap(Source::Files, before, run.until));
        }
    }
    for (profile, from, until) in history.profiles().filter(|(_, _, until)| reaches(*until)) {
        if carriers.doubt(profile).is_some_and(|cause| !accepted(cause)) {
            gaps.push(gap(Source::Boot, history.before(from).map(|moment| moment.leaf), until));
        }
    }
    let had: HashSet<&Sha256Digest> = history.components().map(|(component, ..)| component).collect();
    for (profile, from, until) in history.profiles().filter(|(_, _, until)| reaches(*until)) {
        if carriers.is_unresolved(profile, &had) && !accepted("image-unresolved") {
            gaps.push(gap(Source::Boot, history.before(from).map(|moment| moment.leaf), until));
        }
    }
    gaps
}

#[cfg(test)]
mod tests;
