//! Answers against the truth, through the database: fleets whose every tick is known, and what evidence shows of it.
//!
//! In: a seed. Out: no NO where the truth is yes, no YES where it is no, and no UNKNOWN where two quotes around the window have seen all
//! that lies between them. Files are as an honest agent sees them; what a lying one says is class D whatever it says.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::evidence::body::{BootCounters, Claim};
use ::evidence::digest::Sha256Digest;
use ::evidence::manifest::{AUTHENTICODE_FACT, ComponentKind, Entry, EntryFlags, Manifest, component_digest};
use ::evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use inquiry::profile::{Executed, Fact, Lasting, Place, Profile, Reading, Setting, Trouble};
use inquiry::subject::SecureBootState;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use wire::trusted::{HostAnswer, Verdict};

use super::*;
use crate::clock::Clock;
use crate::record::tests::{Bench, Chain, submit};
use crate::record::{Done, IndexEntry, NewManifest, Work};

const TICKS: usize = 40;
/// Milliseconds of a tick; evidence comes at its begin, and windows end in its middle.
const TICK_MS: u64 = 60_000;
const PACKAGES: usize = 4;
const VERSIONS: usize = 3;
const PROFILES: usize = 5;

/// What is true of a host in one tick.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Truth {
    /// The version of each package; `None` where it is not there.
    packages: [Option<usize>; PACKAGES],
    /// Which of the profiles it has booted by.
    profile: usize,
    /// The TPM's reset counter.
    boot: u32,
    /// The packages whose programs are run in this tick.
    ran: [bool; PACKAGES],
    /// Whether the agent notices no change of files.
    blind: bool,
    /// Whether the machine runs without its agent.
    absent: bool,
}

impl Truth {
    fn next(&self, rng: &mut Rng) -> Self {
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
        }
        for (ran, package) in next.ran.iter_mut().zip(&next.packages) {
            *ran = package.is_some() && rng.one_in(6);
        }
        next.blind = if self.blind { rng.one_in(2) } else { rng.one_in(25) };
        next.absent = if self.absent { rng.one_in(2) } else { rng.one_in(30) };
        next
    }
}

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
struct Quote {
    tick: usize,
    named: u64,
    leaf: u64,
    blind: [bool; 3],
}

struct Host {
    chain: Chain,
    has_ima: bool,
    truth: Vec<Truth>,
    /// What the agent knows of the packages.
    view: [Option<usize>; PACKAGES],
    sealed: Option<usize>,
    spool: Vec<Sealed>,
    /// The log's size by the newest receipt.
    known: u64,
    quotes: Vec<Quote>,
}

struct Rng(ChaCha20Rng);

impl Rng {
    fn below(&mut self, bound: usize) -> usize {
        self.0.next_u32() as usize % bound
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }
}

fn byte(number: usize) -> u8 {
    u8::try_from(number).unwrap()
}

fn program(number: usize, version: usize) -> Sha256Digest {
    Sha256Digest::of(&[b"program", &[byte(number), byte(version)]])
}

/// Versions 0 and 1 of a package are of one signer, 2 is of another.
fn signer(number: usize, version: usize) -> Principal {
    Principal::new(PrincipalKind::Spki, &[byte(number * 2 + version / 2 + 1); 32]).unwrap()
}

fn platform_key(number: usize) -> Principal {
    Principal::new(PrincipalKind::Spki, &[byte(100 + number); 32]).unwrap()
}

fn image(version: usize) -> [u8; 32] {
    [byte(200 + version); 32]
}

/// A package of one program; package 0 has a boot image too.
fn package(number: usize, version: usize) -> Manifest {
    let entry = |name: &str, digest, facts| Entry {
        path: format!("/usr/lib/p{number}/{name}").into_bytes(),
        digest,
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: vec![Edge::new(Relation::SignedBy, vec![signer(number, version)], "a signer")],
        facts,
    };
    let mut entries = vec![entry("tool", program(number, version), vec![])];
    if number == 0 {
        let hash = Claim { key: AUTHENTICODE_FACT.to_owned(), value: hex::encode(image(version)) };
        entries.push(entry("boot.efi", Sha256Digest::of(&[b"image", &[byte(version)]]), vec![hash]));
    }
    let (name, version) = (format!("p{number}"), format!("{version}.0-1"));
    Manifest::new(ComponentKind::Package, name, version, "amd64".to_owned(), entries).unwrap()
}

fn component(number: usize, version: usize) -> Sha256Digest {
    component_digest(&package(number, version).encode())
}

/// Secure Boot is on but in profile 0; profile n lists platform key n, which has authorised something but in 0, revokes the images of
/// versions below n, asks for grub's generation n, and starts the image of version n where there is one.
fn profile(number: usize) -> Profile {
    let place = Place { event: Some(7), pcr: 7 };
    let key = |name, role, class| Fact::Key {
        names: vec![name],
        role,
        class,
        store: "db".to_owned(),
        label: String::new(),
        place,
    };
    let image = |version| Principal::new(PrincipalKind::Image, &image(version)).unwrap();
    let state = if number == 0 { SecureBootState::Off } else { SecureBootState::On };
    let level = Setting::SbatLevel { component: "grub".to_owned(), generation: number.to_string() };
    let settings = [Setting::SecureBoot(state), Setting::Measured("dbx".to_owned()), level];
    let mut facts: Vec<Fact> = settings.into_iter().map(|setting| Fact::Setting { setting, place }).collect();
    facts.push(key(platform_key(number), Role::Eligible, Class::A));
    if number > 0 {
        facts.push(key(platform_key(number), Role::Used, Class::A));
    }
    facts.extend((0..number.min(VERSIONS)).map(|version| key(image(version), Role::Revoked, Class::A)));
    if number < VERSIONS {
        facts.push(key(image(number), Role::Executed, Class::B));
    }
    Profile::new(facts)
}

impl Host {
    fn born(chain: Chain, rng: &mut Rng) -> Self {
        let first = Truth {
            packages: std::array::from_fn(|_| Some(rng.below(VERSIONS))),
            profile: rng.below(PROFILES),
            boot: 1,
            ..Truth::default()
        };
        let mut truth = vec![first];
        while truth.len() < TICKS {
            let next = truth.last().unwrap().next(rng);
            truth.push(next);
        }
        Self {
            chain,
            has_ima: !rng.one_in(3),
            view: truth[0].packages,
            truth,
            sealed: None,
            spool: Vec::new(),
            known: 0,
            quotes: Vec::new(),
        }
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

    fn seal(&mut self, tick: usize) {
        let now = &self.truth[tick];
        let since = self.sealed.map_or(tick..tick, |sealed| sealed + 1..tick);
        let trouble = |source, cause: &str, lasting| Trouble {
            source,
            cause: cause.to_owned(),
            scope: "/".to_owned(),
            lasting,
        };
        let mut troubles = Vec::new();
        let mut blind = [false; 3];
        let was = |of: fn(&Truth) -> bool| {
            let before = self.sealed.is_some_and(|sealed| of(&self.truth[sealed]));
            before || self.truth[since.clone()].iter().any(of)
        };
        if now.blind {
            troubles.push(trouble(Source::Files, "overflow", Lasting::Stands));
        } else if was(|truth| truth.blind) {
            troubles.push(trouble(Source::Files, "overflow", Lasting::Passed));
        }
        if was(|truth| truth.absent) {
            troubles.push(trouble(Source::Files, "not-running", Lasting::Passed));
        }
        blind[0] = now.blind || was(|truth| truth.blind || truth.absent);
        let boot_before = self.sealed.map(|sealed| self.truth[sealed].boot);
        let first_of_boot = boot_before != Some(now.boot);
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
        let mut executions = Vec::new();
        let begin = self.sealed.map_or(0, |sealed| sealed + 1);
        for truth in self.truth[begin..=tick].iter().filter(|truth| self.has_ima && truth.boot == now.boot) {
            for (number, version) in truth.packages.iter().enumerate() {
                if let (true, Some(version)) = (truth.ran[number], version) {
                    let path = format!("/usr/lib/p{number}/tool").into_bytes();
                    executions.push(Executed { digest: program(number, *version), path, class: Class::B });
                }
            }
        }
        troubles.sort();
        let reading = Reading { profile: Some(profile(now.profile)), executions, troubles };
        let boot = BootCounters { reset_count: now.boot, restart_count: 0 };
        let has =
            self.view.iter().enumerate().filter_map(|(number, version)| Some(component(number, (*version)?)));
        self.spool.push(Sealed {
            tick,
            components: has.collect(),
            entry: IndexEntry { named: self.known, boot, is_first_of_boot: first_of_boot, reading },
            blind,
        });
        self.sealed = Some(tick);
    }

    async fn send(&mut self, bench: &Bench) {
        for sealed in std::mem::take(&mut self.spool) {
            let mut new = self.chain.next(&sealed.components);
            new.index = sealed.entry;
            new.boot = new.index.boot;
            let named = new.index.named;
            let done = submit(bench.recorder.clone(), new.clone()).await.unwrap().0;
            let Done::Logged { index, .. } = done else { panic!("{done:?}") };
            self.chain.accepted(&new, &sealed.components);
            self.known = index.get() + 1;
            self.quotes.push(Quote { tick: sealed.tick, named, leaf: index.get(), blind: sealed.blind });
        }
    }
}

/// A fleet, and the log that it wrote.
struct Fleet {
    bench: Bench,
    hosts: Vec<Host>,
    /// How many leaves the log had at the end of each tick.
    sizes: Vec<u64>,
    /// Packages whose manifests were sent.
    sent: BTreeSet<(usize, usize)>,
}

impl Fleet {
    async fn live(rng: &mut Rng, count: usize) -> Self {
        let now = Arc::new(AtomicU64::new(TICK_MS / 2));
        let read = Arc::clone(&now);
        let clock = Clock::new(move || UnixTime::from_ms(read.load(Ordering::SeqCst)));
        let bench = Bench::timed(tempfile::tempdir().unwrap(), clock).await.unwrap();
        let mut hosts = Vec::new();
        for number in 0..count {
            let id = byte(number + 1);
            let row = bench.enrol(id, id).await.unwrap();
            hosts.push(Host::born(Chain::new(row, id), rng));
        }
        let mut fleet = Self { bench, hosts, sizes: Vec::new(), sent: BTreeSet::new() };
        for tick in 0..TICKS {
            now.store((tick as u64 + 1) * TICK_MS, Ordering::SeqCst);
            for (number, host) in fleet.hosts.iter_mut().enumerate() {
                // The first host is the fleet's clock: something of it is in nearly every tick.
                host.live(tick, number == 0, rng);
                if number == 0 || tick + 1 == TICKS || !rng.one_in(4) {
                    host.send(&fleet.bench).await;
                }
            }
            fleet.sizes.push(fleet.bench.recorder.head().size().get());
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
            let manifest = package(number, version);
            let new = NewManifest::new(&manifest.encode(), manifest).unwrap();
            let done = self.bench.recorder.record(Work::Manifest(Box::new(new))).await.unwrap().0;
            if matches!(done, Done::Stored) {
                self.sent.insert((number, version));
            }
        }
    }

    /// The log's size when a tick begins, for who asks in the middle before it.
    fn size_before(&self, tick: usize) -> u64 {
        tick.checked_sub(1).map_or_else(|| self.hosts.len() as u64, |tick| self.sizes[tick])
    }
}

/// A subject of the made world, in one role.
#[derive(Clone, Debug)]
struct Case {
    subject: String,
    role: Role,
    what: What,
}

#[derive(Clone, Copy, Debug)]
enum What {
    Program(usize, usize),
    AnyVersion(usize),
    AtLeast(usize, usize),
    Signer(usize, usize),
    PlatformKey(usize),
    Image(usize),
    SecureBootOff,
    DbxLacks(usize),
    SbatBelow(usize),
}

impl Case {
    fn draw(rng: &mut Rng) -> Self {
        let (number, version) = (rng.below(PACKAGES), rng.below(VERSIONS));
        let name = |principal: Principal| hex::encode(principal.id());
        let (subject, roles, what): (String, &[Role], What) = match rng.below(9) {
            0 => {
                let subject = format!("file:{}", program(number, version));
                (subject, &[Role::Present, Role::Executed], What::Program(number, version))
            }
            1 => (
                format!("path:/usr/lib/p{number}/t*l"),
                &[Role::Present, Role::Executed],
                What::AnyVersion(number),
            ),
            2 => {
                (format!("package:p{number}>={version}.0"), &[Role::Present], What::AtLeast(number, version))
            }
            3 => {
                let key = name(signer(number, version));
                (format!("key:spki:{key}"), &[Role::Used], What::Signer(number, version))
            }
            4 => {
                let number = rng.below(PROFILES);
                let key = name(platform_key(number));
                (format!("key:{key}"), &[Role::Eligible, Role::Used], What::PlatformKey(number))
            }
            5 => {
                let subject = format!("image:{}", hex::encode(image(version)));
                (subject, &[Role::Executed, Role::Revoked, Role::Present], What::Image(version))
            }
            6 => ("boot:secure-boot=off".to_owned(), &[Role::Present], What::SecureBootOff),
            7 => {
                let subject = format!("boot:dbx-lacks={}", hex::encode(image(version)));
                (subject, &[Role::Present], What::DbxLacks(version))
            }
            _ => (format!("boot:sbat<grub,{number}"), &[Role::Present], What::SbatBelow(number)),
        };
        Self { subject, role: roles[rng.below(roles.len())], what }
    }

    /// Whether it is true in a tick.
    fn holds(&self, truth: &Truth) -> bool {
        let has = |number: usize, version: usize| truth.packages[number] == Some(version);
        let started = |version: usize| truth.profile == version;
        match (self.what, self.role) {
            (What::Program(number, version), Role::Executed) => has(number, version) && truth.ran[number],
            (What::Program(number, version), _) => has(number, version),
            (What::AnyVersion(number), Role::Executed) => {
                truth.packages[number].is_some() && truth.ran[number]
            }
            (What::AnyVersion(number), _) => truth.packages[number].is_some(),
            (What::AtLeast(number, least), _) => {
                truth.packages[number].is_some_and(|version| version >= least)
            }
            (What::Signer(number, version), _) => {
                let of_key = |other: usize| signer(number, other) == signer(number, version);
                truth.packages[number].is_some_and(of_key)
                    || number == 0 && (0..VERSIONS).any(|other| of_key(other) && started(other))
            }
            (What::PlatformKey(number), Role::Used) => number > 0 && truth.profile == number,
            (What::PlatformKey(number), _) => truth.profile == number,
            (What::Image(version), Role::Executed) => started(version),
            (What::Image(version), Role::Present) => has(0, version),
            (What::Image(version), _) => version < truth.profile,
            (What::SecureBootOff, _) => truth.profile == 0,
            (What::DbxLacks(version), _) => version >= truth.profile,
            (What::SbatBelow(generation), _) => truth.profile < generation,
        }
    }
}

/// How many answers of each kind there were.
#[derive(Debug, Default)]
struct Tally {
    yes: u64,
    no: u64,
    unknown: u64,
}

async fn ask(fleet: &Fleet, case: &Case, from: usize, to: usize) -> Trusted {
    let at = |tick: usize, half: i64| {
        let middle = (i64::try_from(tick).unwrap() + 1) * i64::try_from(TICK_MS).unwrap() + half * 30_000;
        Some(Bound::At(UnixTime::from_ms(u64::try_from(middle).unwrap())))
    };
    let asked = Asked {
        subjects: vec![case.subject.parse().unwrap()],
        roles: vec![case.role],
        least: Class::E,
        mode: Mode::Any,
        from: at(from, -1),
        to: at(to, 1),
        hosts: None,
        accept: Vec::new(),
        list: List::All,
        brief: false,
    };
    answer(&fleet.bench.store, &asked, UnixTime::from_ms(0)).await.unwrap()
}

/// Compares one host's answer with what is true of it.
fn check(fleet: &Fleet, host: &Host, case: &Case, (from, to): (usize, usize), found: &HostAnswer) {
    let truth = host.truth[from..=to].iter().any(|truth| case.holds(truth));
    let place = || {
        let mut text = format!("{case:?} in {from}..={to}, IMA {}: {found:#?}\n", host.has_ima);
        for (tick, truth) in host.truth.iter().enumerate() {
            let quote = host.quotes.iter().find(|quote| quote.tick == tick);
            writeln!(text, "{tick} (to {}): {} {truth:?} {quote:?}", fleet.sizes[tick], case.holds(truth))
                .unwrap();
        }
        text
    };
    match found.answer {
        Verdict::Yes => assert!(truth || hidden(host, from, to), "claimed: {}", place()),
        Verdict::No => assert!(!truth, "denied: {}", place()),
        Verdict::Unknown => {
            assert!(!is_plain(fleet, host, case, from, to), "needlessly unknown: {}", place());
        }
    }
}

/// Between two quotes that show something it is taken to be there, unless a gap says that more happened.
fn hidden(host: &Host, from: usize, to: usize) -> bool {
    let end = host.quotes.iter().find(|quote| quote.tick >= to).map_or(TICKS, |quote| quote.tick + 1);
    let inside = host.quotes.iter().filter(|quote| quote.tick + 1 > from && quote.tick < end);
    inside.clone().any(|quote| quote.blind != [false; 3]) || inside.count() == 0
}

/// Whether two quotes around the window leave nothing open: nothing escaped between them, and nothing changed.
fn is_plain(fleet: &Fleet, host: &Host, case: &Case, from: usize, to: usize) -> bool {
    let (begin, end) = (fleet.size_before(from), fleet.sizes[to]);
    let before = host.quotes.iter().rev().find(|quote| quote.leaf < begin);
    let after = host.quotes.iter().find(|quote| quote.named > end);
    let (Some(before), Some(after)) = (before, after) else { return false };
    let between = host.quotes.iter().filter(|quote| quote.leaf > before.leaf && quote.leaf <= after.leaf);
    // A gap that was open at the quote before may have begun earlier: its neighbour counts too.
    let blind = between.chain([before]).any(|quote| quote.blind != [false; 3]);
    let span = &host.truth[before.tick..=after.tick];
    let constant = span.iter().all(|truth| case.holds(truth) == case.holds(&span[0]));
    let missing = |truth: &Truth| {
        let has = |(number, version): (usize, &Option<usize>)| {
            version.is_some_and(|version| !fleet.sent.contains(&(number, version)))
        };
        truth.packages.iter().enumerate().any(has)
            // A program that was started and that no host has as a file.
            || truth.profile < VERSIONS && !fleet.sent.contains(&(0, truth.profile))
    };
    // What ran once in a boot may run on without being told.
    let ran = case.role == Role::Executed && host.truth.iter().any(|truth| case.holds(truth));
    // Without the kernel's list nobody knows whether what was there was run.
    let there = Case { role: Role::Present, ..case.clone() };
    let ran = ran
        || case.role == Role::Executed
            && matches!(case.what, What::Program(..) | What::AnyVersion(_))
            && !host.has_ima
            && span.iter().any(|truth| there.holds(truth));
    // What is replaced by another version that it is true of as well may have been gone for a while.
    let replaced = span.iter().any(|truth| truth.packages != span[0].packages);
    let open = [!constant, blind, ran, replaced && case.holds(&span[0]), span.iter().any(missing)];
    !open.contains(&true)
}

async fn truth(seed: u64, count: usize, questions: usize) -> Tally {
    let mut rng = Rng(ChaCha20Rng::seed_from_u64(seed));
    let fleet = Fleet::live(&mut rng, count).await;
    let mut tally = Tally::default();
    for _ in 0..questions {
        let case = Case::draw(&mut rng);
        let from = rng.below(TICKS);
        let to = (from + rng.below(8)).min(TICKS - 1);
        let found = ask(&fleet, &case, from, to).await;
        assert_eq!(found.hosts.len(), count);
        for host in &found.hosts {
            let number: usize = host.name.trim_start_matches("host-").parse().unwrap();
            check(&fleet, &fleet.hosts[number - 1], &case, (from, to), host);
        }
        tally.yes += found.hosts_asked.yes;
        tally.no += found.hosts_asked.no;
        tally.unknown += found.hosts_asked.unknown;
    }
    tally
}

#[tokio::test]
async fn answers_are_true_of_made_fleets() {
    let seed = std::env::var("LYDIAN_TRUTH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(1..5, |seed| seed..seed + 1);
    let mut all = Tally::default();
    for seed in seeds {
        let tally = truth(seed, 12, 120).await;
        all.yes += tally.yes;
        all.no += tally.no;
        all.unknown += tally.unknown;
    }
    println!("{all:?}");
    let least = if seed.is_some() { 50 } else { 300 };
    assert!(all.yes > least && all.no > least, "{all:?}");
}

#[tokio::test]
#[ignore = "the long form: 200 fleets of 50 hosts, some minutes, run by `make soak`"]
async fn answers_are_true_of_two_hundred_fleets() {
    let mut all = Tally::default();
    for seed in 100..300 {
        let tally = truth(seed, 50, 100).await;
        all.yes += tally.yes;
        all.no += tally.no;
        all.unknown += tally.unknown;
    }
    println!("{all:?}");
    assert!(all.yes > 50_000 && all.no > 50_000, "{all:?}");
}
