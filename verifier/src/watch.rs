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
use crate::limits::{HITS_AT_ONCE, HITS_PER_HOST, HITS_TOLD, WATCH_EVERY};
use crate::query::trusted::{AskError, answer};
use crate::record::{NewHits, RecordError, Recorder, Work};
use crate::store::watch::{self, Hit, Watch};
use crate::store::{Store, StoreError, to_i64};

/// Whom one tells that there is something new, and who knows how watches stand.
#[derive(Clone, Debug, Default)]
pub(crate) struct Watcher {
    new: Arc<Notify>,
    standings: Arc<Mutex<HashMap<i64, WatchStanding>>>,
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
                    let nothing = WatchStanding { log_size: 0, hosts: 0, found: 0, unknown: 0, error: None };
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
        let mut hits: Vec<_> = found.hits.into_iter().filter(|(hit, _)| !before.contains(hit)).collect();
        hits.dedup();
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
            before.extend(hits.into_iter().map(|(hit, _)| hit));
        }
        self.watcher.keep(watch.id, found.standing);
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
        let mut excused = HashSet::new();
        if !rule.unless.is_empty() {
            let unless = answer(&self.store, &ask(&rule.unless, &[])?, silent_before).await.map_err(told)?;
            let now = |host: &&HostAnswer| host.seen.iter().any(lasts);
            excused.extend(unless.hosts.iter().filter(now).map(|host| host.id.to_string()));
        }
        let found = answer(&self.store, &asked, silent_before).await.map_err(told)?;
        let rows = self.store.directories().newest();
        let rows: HashMap<String, i64> =
            rows.hosts().iter().map(|host| (host.card.id.to_string(), host.row)).collect();
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
    fn of(
        rule: &WatchRule,
        answer: &Trusted,
        excused: &HashSet<String>,
        rows: &HashMap<String, i64>,
    ) -> Self {
        let counts = answer.hosts_asked;
        let mut found = Self {
            hits: Vec::new(),
            names: HashMap::new(),
            standing: WatchStanding {
                log_size: answer.log_size,
                hosts: counts.all,
                found: 0,
                unknown: counts.unknown,
                error: None,
            },
        };
        for host in &answer.hosts {
            let Some(row) = rows.get(&*host.id).filter(|_| !excused.contains(&*host.id)) else { continue };
            let counts = |seen: &&SightingView| seen.certain && (!rule.lasting || lasts(seen));
            let seen: Vec<_> = host.seen.iter().filter(counts).collect();
            if host.answer != Verdict::Yes || seen.is_empty() {
                continue;
            }
            found.standing.found += 1;
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
