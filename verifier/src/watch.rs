//! Watches: questions that are asked again whenever there is something new.
//!
//! In: watches, and word that something was recorded. Out: what each found that it had not found before, written into the history of its host
//! and into this program's log. A watch is asked of the whole past each time, so that nothing depends on what was looked at when: a manifest that
//! comes late, a verifier that was down. What was found is remembered, so that it is told once.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use evidence::time::UnixTime;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use wire::trusted::{AskTrusted, HostAnswer, List, SightingView, Trusted, Verdict};
use wire::watch::{WatchRule, WatchStanding};

use crate::clock::Clock;
use crate::http::{Fault, understand};
use crate::limits::{HITS_AT_ONCE, HITS_PER_HOST, HITS_PER_WATCH, HITS_TOLD, WATCH_EVERY};
use crate::query::trusted::{AskError, Asked, Since, answer_as_of};
use crate::record::{NewHits, RecordError, Recorder, Work};
use crate::store::directory;
use crate::store::watch::{self, Hit, Watch};
use crate::store::{Store, StoreError, to_i64};

/// Whom one tells that there is something new, and who knows how watches stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watcher {
    new: Arc<Notify>,
    standings: Arc<Mutex<HashMap<i64, WatchStanding>>>,
    /// Something was found.
    found: Arc<Notify>,
    alerting: Arc<Mutex<Alerting>>,
}

/// How it stands with telling somebody.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Alerting {
    /// Nobody is to be told.
    #[default]
    Off,
    /// Somebody is; why that failed last, if it did.
    On(Option<String>),
}

impl Watcher {
    /// Something was recorded, or a watch was added.
    pub(crate) fn look(&self) {
        self.new.notify_one();
    }

    /// How each stood when it was looked at last.
    pub(crate) fn standings(&self) -> HashMap<i64, WatchStanding> {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits until something was found since this was asked last.
    pub(crate) async fn found(&self) {
        self.found.notified().await;
    }

    /// How it stands with telling somebody.
    pub(crate) fn alerting(&self) -> Alerting {
        self.alerting.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_alerting(&self, alerting: Alerting) {
        *self.alerting.lock().unwrap_or_else(PoisonError::into_inner) = alerting;
    }

    fn forget(&self, gone: impl Fn(&i64) -> bool) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).retain(|id, _| !gone(id));
    }

    fn keep(&self, watch: i64, standing: WatchStanding) {
        self.standings.lock().unwrap_or_else(PoisonError::into_inner).insert(watch, standing);
    }
}

/// What the task works with.
#[derive(Debug)]
pub(crate) struct Watching {
    pub(crate) store: Store,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Clock,
    pub(crate) stale_after: Duration,
    pub(crate) watcher: Watcher,
}

/// Looks until it is asked to end.
pub(crate) async fn run(watching: Watching, stop: CancellationToken) {
    let looking = async {
        let mut known = HashMap::new();
        loop {
            let begun = tokio::time::Instant::now();
            if let Err(error) = watching.round(&mut known).await
                && !matches!(error, LookError::Record(RecordError::Stopped))
            {
                tracing::error!(%error, "watches could not be looked at");
                watching.watcher.look();
            }
            // At once where nothing came for a while; where much comes, for half of the time at most.
            tokio::time::sleep(WATCH_EVERY.max(begun.elapsed())).await;
            watching.watcher.new.notified().await;
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = looking => {}
    }
}

#[derive(Debug, thiserror::Error)]
enum LookError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What each watch has found already.
type Known = HashMap<i64, HashSet<Hit>>;

impl Watching {
    async fn round(&self, known: &mut Known) -> Result<(), LookError> {
        let watches = watch::all(self.store.readers()).await?;
        let is_there = |id: &i64| watches.iter().any(|watch| watch.id == *id);
        known.retain(|id, _| is_there(id));
        self.watcher.forget(|id| !is_there(id));
        for watch in watches {
            let found = match self.found(&watch.rule).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::error!(watch = %watch.rule.name, %error, "a watch has no answer");
                    let nothing = WatchStanding::default();
                    self.watcher.keep(watch.id, WatchStanding { error: Some(error), ..nothing });
                    continue;
                }
            };
            self.tell(known, &watch, found).await?;
        }
        Ok(())
    }

    /// Records and tells what is new.
    async fn tell(&self, known: &mut Known, watch: &Watch, found: Found) -> Result<(), LookError> {
        let before = match known.entry(watch.id) {
            Entry::Occupied(before) => before.into_mut(),
            Entry::Vacant(first) => {
                let before = watch::known(self.store.readers(), watch.id).await?;
                first.insert(before.into_iter().collect())
            }
        };
        let mut new = HashSet::new();
        let is_new = |(hit, _): &(Hit, String)| !before.contains(hit) && new.insert(hit.clone());
        let mut hits: Vec<_> = found.hits.into_iter().filter(is_new).collect();
        let (room, many) = (HITS_PER_WATCH.saturating_sub(before.len()), hits.len());
        hits.truncate(room);
        let mut standing = found.standing;
        standing.untold += many.saturating_sub(room) as u64;
        if !hits.is_empty() {
            for some in hits.chunks(HITS_AT_ONCE) {
                let new = NewHits { watch: watch.id, name: watch.rule.name.clone(), hits: some.to_vec() };
                self.recorder.record(Work::Hits(Box::new(new))).await?;
            }
            for (hit, class) in hits.iter().take(HITS_TOLD) {
                let host = found.names.get(&hit.host).map_or("", String::as_str);
                tracing::warn!(watch = %watch.rule.name, host, subject = %hit.subject, role = %hit.role, class = %class,
                    what = %hit.what, leaf = hit.leaf, "a watch found something");
            }
            if hits.len() > HITS_TOLD {
                tracing::warn!(watch = %watch.rule.name, hits = hits.len(), "a watch found more than is told here");
            }
            self.watcher.found.notify_one();
            before.extend(hits.into_iter().map(|(hit, _)| hit));
        }
        self.watcher.keep(watch.id, standing);
        Ok(())
    }

    /// What a watch finds now, known or not; the error is for people.
    async fn found(&self, rule: &WatchRule) -> Result<Found, String> {
        let told = |error: AskError| error.to_string();
        let after_ms = u64::try_from(self.stale_after.as_millis()).unwrap_or(u64::MAX);
        let silent_before = UnixTime::from_ms(self.clock.now().as_ms().saturating_sub(after_ms));
        let ask = |subjects: &[String], roles: &[String]| -> Result<_, String> {
            let mut asked =
                understand(&question(rule, subjects, roles)).map_err(|fault| fault.detail().to_owned())?;
            asked.shown = HITS_PER_HOST;
            Ok(asked)
        };
        let asked = ask(&rule.subjects, &rule.roles)?;
        let unless = if rule.unless.is_empty() { None } else { Some(ask(&rule.unless, &[])?) };
        // Both answers are of one moment.
        let (mut reading, directory) =
            directory::begin(&self.store).await.map_err(|error| error.to_string())?;
        let mut ask = async |asked: &Asked| {
            answer_as_of(&mut reading, &directory, asked, silent_before, &Since::new()).await.map_err(told)
        };
        let mut excused = HashSet::new();
        if let Some(unless) = unless {
            let now = |host: &&HostAnswer| host.seen.iter().any(lasts);
            excused.extend(ask(&unless).await?.hosts.iter().filter(now).map(|host| host.id.to_string()));
        }
        let found = ask(&asked).await?;
        let rows = directory.hosts().iter().map(|host| (&*host.card.id, host.row)).collect();
        Ok(Found::of(rule, &found, &excused, &rows))
    }
}

/// What was found, with the hosts' names.
#[derive(Debug)]
struct Found {
    hits: Vec<(Hit, String)>,
    names: HashMap<i64, String>,
    standing: WatchStanding,
}

impl Found {
    fn of(rule: &WatchRule, answer: &Trusted, excused: &HashSet<String>, rows: &HashMap<&str, i64>) -> Self {
        let counts = answer.hosts_asked;
        let mut found = Self {
            hits: Vec::new(),
            names: HashMap::new(),
            standing: WatchStanding {
                log_size: answer.log_size,
                hosts: counts.all,
                found: 0,
                unknown: counts.unknown,
                untold: 0,
                error: None,
            },
        };
        for host in &answer.hosts {
            let Some(row) = rows.get(&*host.id).filter(|_| !excused.contains(&*host.id)) else { continue };
            // Classes are letters, the best first.
            let counts = |seen: &&SightingView| {
                seen.certain && *seen.class <= *answer.min_class && (!rule.lasting || lasts(seen))
            };
            let seen: Vec<_> = host.seen.iter().filter(counts).collect();
            if host.answer != Verdict::Yes || seen.is_empty() {
                continue;
            }
            found.standing.found += 1;
            found.standing.untold += host.more_seen;
            found.names.insert(*row, host.name.to_string());
            found.hits.extend(seen.into_iter().map(|seen| hit(*row, seen)));
        }
        found
    }
}

/// Whether a host has it now, as far as its newest evidence tells.
fn lasts(seen: &SightingView) -> bool {
    seen.certain && seen.until.is_none()
}

fn hit(host: i64, seen: &SightingView) -> (Hit, String) {
    let more = [seen.path.as_deref(), seen.place.as_deref(), seen.label.as_deref()];
    let what = std::iter::once(&*seen.what).chain(more.into_iter().flatten()).collect::<Vec<_>>().join(", ");
    let (subject, role) = (seen.subject.to_string(), seen.role.to_string());
    (Hit { host, leaf: to_i64(seen.first.leaf), subject, role, what }, seen.class.to_string())
}

fn question(rule: &WatchRule, subjects: &[String], roles: &[String]) -> AskTrusted {
    AskTrusted {
        subjects: subjects.to_vec(),
        roles: roles.to_vec(),
        min_class: rule.min_class.clone(),
        hosts: rule.hosts.clone(),
        list: List::Exposed,
        brief: true,
        ..AskTrusted::default()
    }
}

/// Whether a rule can be asked; the error is for whoever wrote it.
pub(crate) fn check(rule: &WatchRule) -> Result<(), Fault> {
    understand(&question(rule, &rule.subjects, &rule.roles))?;
    if !rule.unless.is_empty() {
        understand(&question(rule, &rule.unless, &[]))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use wire::trusted::{Counts, EvidenceView, Mode, WindowView};

    use super::*;

    fn seen(class: &'static str, certain: bool, until: Option<u64>) -> SightingView {
        let evidence = |leaf| EvidenceView { leaf, seq: None, not_before_size: None, not_after: None };
        SightingView {
            subject: "cert:1".into(),
            role: "eligible".into(),
            class: class.into(),
            certain,
            what: "boot".into(),
            path: None,
            place: Some("db, event 3".into()),
            label: None,
            level: None,
            first: evidence(3),
            last: None,
            until: until.map(evidence),
        }
    }

    fn found(rule: &WatchRule, least: &str, seen: Vec<SightingView>, excused: &[&str]) -> Found {
        let host = HostAnswer {
            id: "aa".into(),
            name: "host".into(),
            standing: "heard".into(),
            heard: None,
            answer: Verdict::Yes,
            class: None,
            seen,
            more_seen: 4,
            unknown: Vec::new(),
            more_unknown: 0,
        };
        let answer = Trusted {
            subjects: Vec::new(),
            roles: Vec::new(),
            min_class: least.to_owned(),
            mode: Mode::Any,
            window: WindowView { from: None, to: None },
            accepted: Vec::new(),
            limits: Vec::new(),
            log_size: 9,
            hosts_asked: Counts { all: 1, yes: 1, no: 0, unknown: 0 },
            known: Vec::new(),
            hosts: vec![host],
        };
        let excused = excused.iter().map(|id| (*id).to_owned()).collect();
        Found::of(rule, &answer, &excused, &HashMap::from([("aa", 7)]))
    }

    #[test]
    fn only_what_counts_is_told_and_the_rest_is_counted() {
        let (any, lasting) = (WatchRule::default(), WatchRule { lasting: true, ..WatchRule::default() });
        let all = || vec![seen("A", true, Some(5)), seen("D", true, None), seen("A", false, None)];
        let classes = |found: &Found| found.hits.iter().map(|(_, class)| class.clone()).collect::<Vec<_>>();
        let told = found(&any, "E", all(), &[]);
        assert_eq!(
            (classes(&told), told.standing.found, told.standing.untold),
            (vec!["A".into(), "D".into()], 1, 4)
        );
        assert_eq!(classes(&found(&any, "B", all(), &[])), ["A"]);
        assert_eq!(classes(&found(&lasting, "E", all(), &[])), ["D"]);
        let nothing = found(&lasting, "B", all(), &[]);
        assert_eq!((nothing.hits.len(), nothing.standing.found), (0, 0));
        assert_eq!(found(&any, "E", all(), &["aa"]).standing.found, 0);
    }
}
