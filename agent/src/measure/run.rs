//! The measuring thread: waits for hints, lets a burst of them settle, walks, reports.
//!
//! In: the kernel's hints, requests to walk everything, the passing of time. Out: snapshots. Between those it
//! sleeps: it wakes for a hint, for the reconciling walk, and for what a gap or a busy receiver has it retry.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use evidence::time::UnixTime;
use rustix::event::{PollFd, PollFlags, Timespec};
use tokio::sync::oneshot;

use super::MeasureConfig;
use super::engine::Engine;
use super::executed::{Executed, Watching};
use super::limits::{
    ANCHORS_EVERY, DPKG_LOOK, DPKG_WAIT, HINTS_EVERY, NAMESPACES_EVERY, NAMESPACES_IDLE, NICE, OFFER_EVERY,
    PACKAGE_MANAGER_LOOK, RACED_EVERY, REHASH_PAUSE, UNWATCHED_EVERY,
};
use super::packages::Packages;
use super::rehash::Found;
use super::report::{Handover, Reporter};
use crate::anchors::Anchors;

/// What the handle and the thread share.
#[derive(Debug)]
pub(crate) struct Shared {
    /// Becomes readable when one of the others was set.
    pub(crate) wake: OwnedFd,
    pub(crate) rescan: AtomicBool,
    pub(crate) stop: Arc<AtomicBool>,
}

/// What the thread is asked.
#[derive(Debug)]
pub(crate) enum Ask {
    /// What a seal tells beside the state.
    Watching(oneshot::Sender<Watching>),
    /// These executions are sealed, and the evidence is durable.
    Sealed(Vec<Executed>),
}

/// The thread's own.
pub(crate) struct Runner {
    pub(crate) config: MeasureConfig,
    pub(crate) shared: Arc<Shared>,
    pub(crate) engine: Engine,
    pub(crate) database: Packages,
    pub(crate) anchors: Option<Anchors>,
    pub(crate) reporter: Reporter,
    pub(crate) asks: Receiver<Ask>,
}

/// Hints that came close together.
#[derive(Clone, Copy, Debug)]
struct Burst {
    first: Instant,
    last: Instant,
    /// Not before this: dpkg was seen at work.
    held: Option<Instant>,
    at: UnixTime,
}

/// When to do what without a hint.
#[derive(Debug)]
struct Timers {
    reconcile: Instant,
    unwatched: Instant,
    raced: Instant,
    raced_pause: Duration,
    packages: Instant,
    anchors: Instant,
    namespaces: Instant,
    hints: Instant,
}

/// What ends a sleep beside time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hear {
    /// Whoever asks, and mounts.
    Asked,
    /// Hints as well.
    All,
}

/// What has ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Woken {
    Asked,
    Else,
}

impl Runner {
    /// Runs until stopped or until nobody receives.
    pub(crate) fn run(mut self) {
        // Of this thread and of those that it starts.
        if let Err(error) = rustix::process::setpriority_process(None, NICE) {
            tracing::debug!(%error, "the measuring thread keeps its priority");
        }
        let mut burst = None;
        let mut timers = self.timers();
        let mut handover = self.walk_all(&mut timers);
        while handover != Handover::Closed && !self.stopped() {
            if self.engine.take_hints() {
                self.join_burst(&mut burst);
            }
            self.answer();
            let now = Instant::now();
            timers.hints = now + HINTS_EVERY;
            self.touch_what_is_due(&mut timers, &mut burst, now);
            handover = if self.shared.rescan.swap(false, Ordering::AcqRel) || now >= timers.reconcile {
                burst = None;
                self.walk_all(&mut timers)
            } else if let Some(settled) = burst.filter(|burst| now >= self.due(burst)) {
                self.settle(settled, &mut burst, &mut timers)
            } else if self.engine.is_rehashing() {
                self.rehash()
            } else if now >= timers.anchors {
                timers.anchors = now + ANCHORS_EVERY;
                self.report(self.engine.clock.now())
            } else {
                self.reporter.offer()
            };
            // A walk takes hints too: they must not wait for the next one.
            if self.engine.is_dirty() && burst.is_none() {
                self.join_burst(&mut burst);
            }
            self.wait(handover, burst.as_ref(), &timers);
        }
    }

    fn timers(&self) -> Timers {
        let now = Instant::now();
        let Self { config, .. } = self;
        Timers {
            reconcile: now + config.reconcile_every,
            unwatched: now + UNWATCHED_EVERY,
            raced: now + config.settle_max,
            raced_pause: config.settle_max,
            packages: now,
            anchors: now + ANCHORS_EVERY,
            namespaces: now,
            hints: now,
        }
    }

    fn walk_all(&mut self, timers: &mut Timers) -> Handover {
        let at = self.engine.clock.now();
        self.engine.walk_all();
        timers.reconcile = Instant::now() + self.config.reconcile_every;
        self.report(at)
    }

    fn settle(&mut self, settled: Burst, burst: &mut Option<Burst>, timers: &mut Timers) -> Handover {
        let now = Instant::now();
        let at_work = self.is_package_manager_at_work();
        if at_work && now < settled.first + DPKG_WAIT {
            *burst = Some(Burst { held: Some(now + DPKG_LOOK), ..settled });
            return self.reporter.offer();
        }
        *burst = None;
        self.engine.package_manager(at_work);
        if !self.engine.is_raced() {
            timers.raced_pause = self.config.settle_max;
        }
        self.engine.walk_touched();
        self.report(settled.at)
    }

    fn is_package_manager_at_work(&self) -> bool {
        self.database.busy(&self.engine.places)
    }

    /// Hashes some more files anew; it is told of where something is found, and at the end.
    fn rehash(&mut self) -> Handover {
        let found = self.engine.rehash_some();
        if found == Found::Change || !self.engine.is_rehashing() {
            self.report(self.engine.clock.now())
        } else {
            self.reporter.offer()
        }
    }

    fn answer(&mut self) {
        while let Ok(ask) = self.asks.try_recv() {
            match ask {
                // Whoever asked may have given up.
                Ask::Watching(reply) => drop(reply.send(self.engine.watching(&self.database))),
                Ask::Sealed(told) => self.engine.executed.sealed(&told),
            }
        }
    }

    fn report(&mut self, at: UnixTime) -> Handover {
        // A walk that was stopped has not seen everything.
        if self.stopped() {
            Handover::Closed
        } else {
            self.reporter.report(&mut self.engine, &mut self.database, self.anchors.as_mut(), at)
        }
    }

    fn touch_what_is_due(&mut self, timers: &mut Timers, burst: &mut Option<Burst>, now: Instant) {
        if self.engine.has_unwatched() && now >= timers.unwatched {
            timers.unwatched = now + UNWATCHED_EVERY;
            self.engine.touch_unwatched();
        }
        if self.engine.is_raced() && now >= timers.raced {
            timers.raced_pause = (timers.raced_pause * 2).min(RACED_EVERY);
            timers.raced = now + timers.raced_pause;
            self.engine.touch_raced();
        }
        if self.engine.waits_for_packages() && now >= timers.packages {
            timers.packages = now + PACKAGE_MANAGER_LOOK;
            if !self.is_package_manager_at_work() {
                self.engine.touch_roots();
            }
        }
        if self.engine.sees_namespaces() && now >= timers.namespaces {
            // A container that is new has started something.
            let quiet = self.engine.hears_executions() && !self.engine.take_started();
            if !quiet || now >= timers.namespaces + NAMESPACES_IDLE {
                timers.namespaces = now + NAMESPACES_EVERY;
                self.engine.look_elsewhere();
            }
        }
        if self.engine.is_dirty() && burst.is_none() {
            self.join_burst(burst);
        }
    }

    fn join_burst(&self, burst: &mut Option<Burst>) {
        let now = Instant::now();
        match burst {
            Some(burst) => burst.last = now,
            None => *burst = Some(Burst { first: now, last: now, held: None, at: self.engine.clock.now() }),
        }
    }

    /// When a burst is over: some time after its last hint, but not later than some time after its first.
    fn due(&self, burst: &Burst) -> Instant {
        let quiet = burst.last + self.config.settle;
        quiet.min(burst.first + self.config.settle_max).max(burst.held.unwrap_or(burst.first))
    }

    fn wait(&mut self, handover: Handover, burst: Option<&Burst>, timers: &Timers) {
        let now = Instant::now();
        let mut until = burst.map_or(timers.reconcile, |burst| self.due(burst).min(timers.reconcile));
        if self.engine.has_unwatched() {
            until = until.min(timers.unwatched);
        }
        if self.engine.is_raced() {
            until = until.min(timers.raced);
        }
        if self.engine.waits_for_packages() {
            until = until.min(timers.packages);
        }
        until = until.min(timers.anchors);
        if self.engine.is_rehashing() {
            until = until.min(now + REHASH_PAUSE);
        }
        if self.engine.sees_namespaces() {
            until = until.min(timers.namespaces.max(now + NAMESPACES_EVERY));
        }
        if handover == Handover::Waiting {
            until = until.min(now + OFFER_EVERY);
        }
        let mut now = now;
        if now < timers.hints {
            if self.sleep(until.min(timers.hints), now, Hear::Asked) == Woken::Asked {
                return;
            }
            now = Instant::now();
        }
        if now < until {
            self.sleep(until, now, Hear::All);
        }
    }

    /// Sleeps until something is to be done; hints are not heard before their time.
    fn sleep(&mut self, until: Instant, now: Instant, hear: Hear) -> Woken {
        let wait = until.saturating_duration_since(now);
        self.engine.rounds.sleep_until(self.engine.clock.ticking() + wait);
        let timeout = Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        let mut fds = vec![PollFd::new(&self.shared.wake, PollFlags::IN)];
        fds.extend(self.engine.mounts.fd().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::PRI)));
        if hear == Hear::All {
            fds.extend(self.engine.hints().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        }
        // An interrupted wait is a short one.
        let _ = rustix::event::poll(&mut fds, Some(&timeout));
        let mounts = fds.iter().any(|fd| fd.revents().contains(PollFlags::PRI));
        drop(fds);
        if mounts {
            self.engine.look_at_mounts();
        }
        let asked = rustix::io::read(&self.shared.wake, &mut [0; 8]).is_ok();
        if asked || mounts { Woken::Asked } else { Woken::Else }
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Acquire)
    }
}
