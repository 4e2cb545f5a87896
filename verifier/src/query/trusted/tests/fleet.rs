//! A made fleet: what is true of each host in each tick, and the evidence that its agent seals and sends of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::evidence::body::BootCounters;
use ::evidence::digest::Sha256Digest;
use ::evidence::manifest::Manifest;
use ::evidence::time::UnixTime;
use inquiry::profile::{Executed, KeySeen, Lasting, Ran, Reading, Trouble};
use inquiry::replay::{Begins, Catalogue, History, Piece};
use inquiry::role::{Class, Role, Source};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::RngCore as _;

use super::made::{
    self, LISTS, PACKAGES, PROFILES, VERSIONS, byte, component, kernel_key, measured, package, profile,
    program, store,
};
use crate::clock::Clock;
use crate::record::tests::{Bench, Chain, submit};
use crate::record::{Done, IndexEntry, NewEvidence, NewManifest, RecordError, Work};

pub(super) const TICKS: usize = 40;
/// Milliseconds of a tick; evidence comes at its begin, and windows end in its middle.
pub(super) const TICK_MS: u64 = 60_000;

/// Ticks at the end in which agents tell what they had not noticed.
const TOLD_WITHIN: usize = 4;
/// What is true of a host in one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Truth {
    /// The version of each package; `None` where it is not there.
    pub(super) packages: [Option<usize>; PACKAGES],
    /// Which of the profiles it has booted by.
    pub(super) profile: usize,
    /// Under which of shim's lists.
    pub(super) list: usize,
    /// The TPM's reset counter.
    pub(super) boot: u32,
    /// The packages whose programs are run in this tick.
    pub(super) ran: [bool; PACKAGES],
    /// Whether the agent notices no change of files.
    pub(super) blind: bool,
    /// Whether it does not even notice that.
    pub(super) stalled: bool,
    /// Whether the machine runs without its agent.
    pub(super) absent: bool,
    /// How many milliseconds more than have passed the host's clock shows.
    pub(super) ahead: i64,
}

impl Truth {
    fn next(&self, rng: &mut Rng, has_steady_clock: bool) -> Self {
        let mut next = self.clone();
        for package in &mut next.packages {
            if rng.one_in(14) {
                *package = if rng.one_in(4) { None } else { Some(rng.below(VERSIONS)) };
            }
        }
        if rng.one_in(12) {
            next.boot += 1 + u32::from(rng.one_in(8));
            if rng.one_in(2) {
                next.profile = rng.below(PROFILES);
            }
            if rng.one_in(2) {
                next.list = rng.below(LISTS);
            }
        }
        for (ran, package) in next.ran.iter_mut().zip(&next.packages) {
            *ran = package.is_some() && rng.one_in(6);
        }
        next.blind = match (self.blind, self.stalled) {
            (true, true) => !rng.one_in(5),
            (true, false) => rng.one_in(2),
            _ => rng.one_in(25),
        };
        next.stalled = next.blind && if self.blind { self.stalled } else { rng.one_in(2) };
        next.absent = if self.absent { rng.one_in(2) } else { rng.one_in(30) };
        if !has_steady_clock && rng.one_in(8) {
            let most = 2 * CLOCK_SET_MS + 1;
            let by = i64::try_from(rng.below(usize::try_from(most).unwrap())).unwrap() - CLOCK_SET_MS;
            next.ahead = (next.ahead + by).max(0);
        }
        next
    }
}

/// By how much a host's clock is set at most.
const CLOCK_SET_MS: i64 = 6 * 60_000;

/// Evidence that is sealed.
struct Sealed {
    tick: usize,
    components: Vec<Sha256Digest>,
    entry: IndexEntry,
    /// Whether something may have escaped since the evidence before: of files, of boots, of what was run.
    blind: [bool; 3],
}

/// Evidence that is recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Quote {
    pub(super) tick: usize,
    pub(super) named: u64,
    pub(super) leaf: u64,
    pub(super) blind: [bool; 3],
}

pub(super) struct Host {
    chain: Chain,
    pub(super) has_ima: bool,
    /// When it enrols anew.
    enrols_anew: Option<usize>,
    pub(super) truth: Vec<Truth>,
    /// What the agent knows of the packages.
    view: [Option<usize>; PACKAGES],
    sealed: Option<usize>,
    /// When it sealed what it had seen, rather than slept, by its clock; what it sealed since does not look older.
    watched: Option<UnixTime>,
    /// Whether the agent says whatever it likes, where nothing but its word counts.
    pub(super) lies: bool,
    /// Whether nobody sets the host's clock.
    pub(super) has_steady_clock: bool,
    spool: Vec<Sealed>,
    /// The log's size by the newest receipt.
    known: u64,
    pub(super) quotes: Vec<Quote>,
    /// What an auditor reads of it.
    told: Vec<Told>,
}

/// What the log has of a host, in its order.
enum Told {
    Enrolled(u64),
    Evidence(Box<(u64, NewEvidence)>),
}

pub(super) struct Rng(pub(super) ChaCha20Rng);

impl Rng {
    pub(super) fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    pub(super) fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

impl Host {
    fn born(chain: Chain, rng: &mut Rng) -> Self {
        let first = Truth {
            packages: std::array::from_fn(|_| Some(rng.below(VERSIONS))),
            profile: rng.below(PROFILES),
            list: rng.below(LISTS),
            boot: 1,
            ahead: CLOCK_SET_MS,
            ..Truth::default()
        };
        let (mut truth, has_steady_clock) = (vec![first], rng.one_in(2));
        while truth.len() < TICKS {
            let next = truth.last().unwrap().next(rng, has_steady_clock);
            truth.push(next);
        }
        // What an agent has not noticed yet nobody can know: each has the last ticks to tell.
        for truth in truth.iter_mut().rev().take(TOLD_WITHIN) {
            (truth.blind, truth.stalled, truth.absent) = (false, false, false);
        }
        Self {
            chain,
            has_ima: !rng.one_in(3),
            enrols_anew: rng.one_in(2).then(|| 1 + rng.below(TICKS - 1)),
            view: truth[0].packages,
            truth,
            sealed: None,
            watched: None,
            lies: rng.one_in(8),
            has_steady_clock,
            spool: Vec::new(),
            known: 0,
            quotes: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Its history by the evidence alone.
    pub(super) fn replayed(&self, catalogue: &Catalogue<'_>) -> History {
        let mut history = History::default();
        for told in &self.told {
            match told {
                Told::Enrolled(leaf) => history.enrolled(*leaf),
                Told::Evidence(told) => {
                    let (leaf, NewEvidence { added, removed, index, .. }) = &**told;
                    let IndexEntry { named, agent_time, begins, reading, .. } = index;
                    let (leaf, named, agent_time, begins) = (*leaf, *named, *agent_time, *begins);
                    let piece = Piece { leaf, named, agent_time, begins, added, removed, reading };
                    history.evidence(&piece, catalogue);
                }
            }
        }
        history
    }

    /// The agent seals what it notices at once, and something now and then.
    fn live(&mut self, tick: usize, always: bool, rng: &mut Rng) {
        let now = &self.truth[tick];
        if now.absent {
            return;
        }
        let noticed = !now.blind && self.view != now.packages;
        if !now.blind {
            self.view = now.packages;
        }
        let came_back = tick > 0 && self.truth[tick - 1].absent;
        let saw_again = tick > 0 && self.truth[tick - 1].blind && !now.blind;
        // A boot is told of by the agent's start.
        let booted = tick > 0 && self.truth[tick - 1].boot != now.boot;
        if always || self.sealed.is_none() || noticed || came_back || saw_again || booted || rng.one_in(5) {
            self.seal(tick);
        }
    }

    /// A new key and a new chain: what was sealed and not sent is lost, and the kernel's list is told from its begin again.
    async fn enrol_anew(&mut self, bench: &Bench, number: usize) {
        let row = bench.enrol(byte(number + 1), byte(number + 129)).await.unwrap();
        self.chain = Chain::new(row, byte(number + 129));
        self.spool.clear();
        (self.sealed, self.watched) = (None, None);
        self.enrols_anew = None;
        self.told.push(Told::Enrolled(bench.recorder.head().size().get() - 1));
    }

    /// Whether its agent has nothing to tell that it would forget.
    fn tells_all(&self, tick: usize) -> bool {
        let saw = |sealed: usize| self.truth[sealed..=tick].iter().all(|truth| !truth.blind && !truth.absent);
        self.spool.is_empty() && self.sealed.is_some_and(saw)
    }

    fn seal(&mut self, tick: usize) {
        let now = &self.truth[tick];
        let since = self.sealed.map_or(tick..tick, |sealed| sealed + 1..tick);
        let trouble = |source, cause: &str, lasting| Trouble {
            source,
            cause: cause.to_owned(),
            scope: "/".to_owned(),
            lasting,
            since: None,
        };
        let mut troubles = Vec::new();
        let mut blind = [false; 3];
        let was = |of: fn(&Truth) -> bool| {
            let before = self.sealed.is_some_and(|sealed| of(&self.truth[sealed]));
            before || self.truth[since.clone()].iter().any(of)
        };
        if now.blind && !now.stalled {
            troubles.push(trouble(Source::Files, "overflow", Lasting::Stands));
        } else if !now.blind && was(|truth| truth.blind && !truth.stalled) {
            troubles.push(trouble(Source::Files, "overflow", Lasting::Passed));
        }
        // That it stalled is noticed afterwards, when other evidence may have been sealed.
        if !now.blind && was(|truth| truth.stalled) {
            let end = self.truth[..tick].iter().rposition(|truth| truth.stalled).unwrap_or_default();
            let saw = self.truth[..end].iter().rposition(|truth| !truth.blind).unwrap_or_default();
            let stall = trouble(Source::Files, "stalled", Lasting::Passed);
            troubles.push(Trouble { since: Some(self.not_after(saw, tick)), ..stall });
        }
        // It may have ended while it was stalled: it knows when it last saw anything.
        if was(|truth| truth.absent) {
            let ended = trouble(Source::Files, "not-running", Lasting::Passed);
            troubles.push(Trouble { since: self.watched, ..ended });
        }
        blind[0] |= now.blind || was(|truth| truth.blind || truth.absent);
        let boot_before = self.sealed.map(|sealed| self.truth[sealed].boot);
        let is_first = self.chain_begins();
        let begins = match boot_before {
            _ if is_first => Begins::Chain,
            Some(before) if before == now.boot => Begins::Nothing,
            _ => Begins::Boot,
        };
        if is_first && !self.quotes.is_empty() {
            blind = [true; 3];
        }
        if let Some(before) = boot_before.filter(|before| *before != now.boot) {
            troubles.push(trouble(Source::Ima, "boot-ended", Lasting::Passed));
            blind[2] = true;
            if now.boot - before > 1 {
                troubles.push(trouble(Source::Boot, "boots-missed", Lasting::Passed));
                blind[1] = true;
            }
        }
        if !self.has_ima {
            troubles.push(trouble(Source::Ima, "missing", Lasting::Stands));
        }
        troubles.sort();
        let mut reading = Reading { troubles, ..self.reading(tick, begins) };
        let boot = BootCounters { reset_count: now.boot, restart_count: 0 };
        let has =
            self.view.iter().enumerate().filter_map(|(number, version)| Some(component(number, (*version)?)));
        let stores = [store(now.list).digest()];
        let (mut components, mut agent_time) = (has.chain(stores).collect(), self.clock(tick));
        if self.lies {
            lie(tick, (&mut reading, &mut components, &mut agent_time));
            blind[0] = true;
        }
        let (named, read) = (self.known, reading.digest());
        let entry = IndexEntry { named, agent_time, boot, begins, reading, read };
        self.spool.push(Sealed { tick, components, entry, blind });
        self.watch(tick);
        self.sealed = Some(tick);
    }

    /// What logs tell, and what was run.
    fn reading(&self, tick: usize, begins: Begins) -> Reading {
        let Truth { profile: booted, list, .. } = self.truth[tick];
        Reading {
            profile: Some(profile(booted)),
            lists: if begins == Begins::Nothing { Vec::new() } else { measured(list) },
            executions: self.executions(tick),
            ran: self.ran(tick),
            keys: self.keys(tick),
            troubles: Vec::new(),
        }
    }

    fn watch(&mut self, tick: usize) {
        let (shows, is_watched) = (self.clock(tick), !self.truth[tick].stalled || self.sealed.is_none());
        self.watched = match self.watched {
            Some(watched) if !is_watched => Some(watched.min(shows)),
            _ => Some(shows),
        };
    }

    /// The host's clock at the begin of a tick.
    fn clock(&self, tick: usize) -> UnixTime {
        UnixTime::from_ms((tick as u64 * TICK_MS).saturating_add_signed(self.truth[tick].ahead))
    }

    /// What it showed in a tick, and not later than whatever it would show of that time now: where it was set back, by all such steps earlier.
    fn not_after(&self, then: usize, now: usize) -> UnixTime {
        let steps = self.truth[then..=now].windows(2).map(|pair| (pair[0].ahead - pair[1].ahead).max(0));
        let back: i64 = steps.sum();
        UnixTime::from_ms(self.clock(then).as_ms().saturating_sub(back.unsigned_abs()))
    }

    /// What the kernel's list has that no evidence of the chain has told.
    fn executions(&self, tick: usize) -> Vec<Executed> {
        let boot = self.truth[tick].boot;
        let mut executions = Vec::new();
        let begin = self.sealed.map_or(0, |sealed| sealed + 1);
        for truth in self.truth[begin..=tick].iter().filter(|truth| self.has_ima && truth.boot == boot) {
            for (number, version) in truth.packages.iter().enumerate() {
                if let (true, Some(version)) = (truth.ran[number], version) {
                    let path = format!("/usr/lib/p{number}/tool").into_bytes();
                    executions.push(Executed { digest: program(number, *version), path, class: Class::B });
                }
            }
        }
        executions
    }

    /// Keys that the kernel's list names for what was run.
    fn keys(&self, tick: usize) -> Vec<KeySeen> {
        let signed = |run: &Executed| run.digest == program(PACKAGES - 1, VERSIONS - 1);
        let key = |run: Executed| KeySeen {
            names: vec![kernel_key()],
            role: Role::Used,
            class: Class::B,
            place: run.path,
            label: String::new(),
        };
        self.executions(tick).into_iter().filter(signed).map(key).collect()
    }

    /// Programs that the agent saw start, and that it still knows.
    fn ran(&self, tick: usize) -> Vec<Ran> {
        let boot = self.truth[tick].boot;
        let begin = self.sealed.map_or(0, |sealed| sealed + 1);
        let saw = self.truth[begin..=tick]
            .iter()
            .filter(|truth| truth.boot == boot && !truth.blind && !truth.absent);
        let mut ran = BTreeSet::new();
        for truth in saw {
            for (number, version) in truth.packages.iter().enumerate() {
                if let (true, Some(known), true) = (truth.ran[number], version, self.view[number] == *version)
                {
                    let component = component(number, *known);
                    ran.insert(Ran { component, entry: u32::from(number == 0) });
                }
            }
        }
        ran.into_iter().collect()
    }

    fn chain_begins(&self) -> bool {
        self.sealed.is_none()
    }

    async fn send(&mut self, bench: &Bench) {
        for sealed in std::mem::take(&mut self.spool) {
            let mut new = self.chain.next(&sealed.components);
            new.index = sealed.entry;
            let named = new.index.named;
            let done = submit(bench.recorder.clone(), new.clone()).await.unwrap().0;
            let Done::Logged { index, .. } = done else { panic!("{done:?}") };
            // Who heard no answer sends it again.
            if index.get().is_multiple_of(8) {
                let again = submit(bench.recorder.clone(), new.clone()).await;
                assert!(matches!(again, Err(RecordError::Replayed)), "{again:?}");
            }
            self.chain.accepted(&new, &sealed.components);
            self.told.push(Told::Evidence(Box::new((index.get(), new))));
            self.known = index.get() + 1;
            self.quotes.push(Quote { tick: sealed.tick, named, leaf: index.get(), blind: sealed.blind });
        }
    }
}

/// Of what an agent lies, and when it says that it was, is drawn from the tick alone: so is the same fleet anywhere.
fn lie(
    tick: usize,
    (reading, components, agent_time): (&mut Reading, &mut Vec<Sha256Digest>, &mut UnixTime),
) {
    reading.troubles.retain(|trouble| trouble.source != Source::Files);
    components.truncate(tick % (PACKAGES + 1));
    components.push(made::lie().digest());
    components.sort_unstable();
    *agent_time = UnixTime::from_ms((tick as u64).wrapping_mul(0x9e37_79b9) % 10_000_000);
}

/// Where a fleet's history is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    AsOthers,
    InAFile,
}

/// A fleet, and the log that it wrote.
pub(super) struct Fleet {
    pub(super) bench: Bench,
    pub(super) hosts: Vec<Host>,
    /// How many leaves the log had at the end of each tick.
    pub(super) sizes: Vec<u64>,
    /// Packages whose manifests were sent.
    pub(super) sent: BTreeSet<(usize, usize)>,
    /// The same of stores.
    pub(super) stores: BTreeSet<usize>,
    /// Whether some agent lies, and was believed to have sent a component.
    pub(super) is_lied_to: bool,
}

impl Fleet {
    pub(super) async fn live(rng: &mut Rng, count: usize, kept: Kept) -> Self {
        let now = Arc::new(AtomicU64::new(TICK_MS / 2));
        let read = Arc::clone(&now);
        let verifier = Clock::new(move || UnixTime::from_ms(read.load(Ordering::SeqCst)));
        let dir = tempfile::tempdir().unwrap();
        let bench = match kept {
            Kept::AsOthers => Bench::timed(dir, verifier).await.unwrap(),
            Kept::InAFile => Bench::in_file(dir, verifier).await.unwrap(),
        };
        let mut hosts = Vec::new();
        for number in 0..count {
            let id = byte(number + 1);
            let row = bench.enrol(id, id).await.unwrap();
            hosts.push(Host::born(Chain::new(row, id), rng));
        }
        let mut fleet = Self {
            bench,
            hosts,
            sizes: Vec::new(),
            sent: BTreeSet::new(),
            stores: BTreeSet::new(),
            is_lied_to: false,
        };
        for tick in 0..TICKS {
            now.store((tick as u64 + 1) * TICK_MS, Ordering::SeqCst);
            for (number, host) in fleet.hosts.iter_mut().enumerate() {
                if host.enrols_anew.is_some_and(|planned| planned <= tick)
                    && host.tells_all(tick)
                    && number > 0
                {
                    host.enrol_anew(&fleet.bench, number).await;
                }
                // The first host is the fleet's clock: something of it is in nearly every tick.
                host.live(tick, number == 0, rng);
                if number == 0 || tick + 1 == TICKS || !rng.one_in(4) {
                    host.send(&fleet.bench).await;
                }
            }
            fleet.sizes.push(fleet.bench.recorder.head().size().get());
            // What is in one list is known before most boots are under it, of the others afterwards.
            if tick == TICKS / 4 {
                fleet.stores(0).await;
            }
        }
        fleet.manifests(rng).await;
        fleet
    }

    /// Nearly all of what was wanted is sent.
    async fn manifests(&mut self, rng: &mut Rng) {
        for (number, version) in
            (0..PACKAGES).flat_map(|number| (0..VERSIONS).map(move |version| (number, version)))
        {
            if rng.one_in(20) {
                continue;
            }
            if self.store(package(number, version)).await {
                self.sent.insert((number, version));
            }
        }
        for list in 0..LISTS {
            if !rng.one_in(10) {
                self.stores(list).await;
            }
        }
        self.is_lied_to = self.store(made::lie()).await;
    }

    /// Whether it was wanted.
    async fn store(&self, manifest: Manifest) -> bool {
        let new = NewManifest::new(&manifest.encode(), manifest).unwrap();
        let done = self.bench.recorder.record(Work::Manifest(Box::new(new))).await.unwrap().0;
        matches!(done, Done::Stored)
    }

    async fn stores(&mut self, list: usize) {
        if self.store(store(list)).await {
            self.stores.insert(list);
        }
    }

    /// The log's size when a tick begins, for who asks in the middle before it.
    pub(super) fn size_before(&self, tick: usize) -> u64 {
        tick.checked_sub(1).map_or_else(|| self.hosts.len() as u64, |tick| self.sizes[tick])
    }
}
