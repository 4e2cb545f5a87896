//! Answers against the truth, through the database: fleets whose every tick is known, and what evidence shows of it.
//!
//! In: a seed. Out: no NO where the truth is yes, no YES where it is no, and no UNKNOWN where two quotes around the window have seen all
//! that lies between them. Hosts' clocks are set at will. Files are as an honest agent sees them; of a lying one the answers count that are of a
//! better class than its word.

mod fleet;
mod made;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ::evidence::principal::Principal;
use inquiry::answer::Standing;
use inquiry::replay;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;
use wire::trusted::{HostAnswer, Verdict};

use self::fleet::{Fleet, Host, Kept, Rng, TICK_MS, TICKS, Truth};
use self::made::{
    LISTS, LOST, NO_PLATFORM_KEY, PACKAGES, PROFILES, ROOT, UNNAMED_REVOCATIONS, VERSIONS, authority,
    component, image, is_kernel_signed, is_sourceless, is_unissued, kernel_key, lie, listed, lost_key,
    package, platform_key, program, prover, signer, source, store,
};
use super::*;
use crate::sql::Kind;

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
    /// A source package, from a version on and before another.
    Source(usize, usize, usize),
    Signer(usize, usize),
    PlatformKey(usize),
    Image(usize),
    /// An authority that issued the signers of two packages, as one that signed or one that is listed.
    Authority(usize),
    /// The authority above all.
    Root,
    SecureBootOff,
    DbxLacks(usize),
    SbatBelow(usize),
    /// An image that one of shim's lists has.
    Listed(usize),
    /// The key whose signature over the image of version 0 holds.
    Prover,
    /// The key by which the kernel knows one version of a package.
    KernelKey,
    /// Images that state a generation below this one.
    States(usize),
    /// The key that signed a program which no honest agent has as a file.
    LostKey,
}

impl Case {
    fn draw(rng: &mut Rng) -> Self {
        let (number, version) = (rng.below(PACKAGES), rng.below(VERSIONS));
        let name = |principal: Principal| hex::encode(principal.id());
        let (subject, roles, what): (String, &[Role], What) = match rng.below(17) {
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
            8 => {
                let (source, to) = (source(number), version + rng.below(VERSIONS));
                let subject = format!("source:s{source}>={version}.0<={to}.0-1");
                (subject, &[Role::Present], What::Source(source, version, to))
            }
            9 => {
                let of = authority(number);
                let written = format!("issuer:name:{}", hex::encode([u8::try_from(of).unwrap(); 32]));
                (written, &[Role::Used, Role::Eligible], What::Authority(of))
            }
            10 => {
                let root = hex::encode([u8::try_from(ROOT).unwrap(); 32]);
                (format!("issuer:name:{root}/closure"), &[Role::Used, Role::Eligible], What::Root)
            }
            11 => (format!("boot:sbat<grub,{number}"), &[Role::Present], What::SbatBelow(number)),
            12 => {
                let (list, role) = (rng.below(LISTS), [Role::Eligible, Role::Revoked][rng.below(2)]);
                let subject = format!("image:{}", hex::encode(listed(list, role)));
                return Self { subject, role, what: What::Listed(list) };
            }
            13 => (format!("key:spki:{}", name(prover())), &[Role::Used], What::Prover),
            14 => (format!("key:{}", name(kernel_key())), &[Role::Used], What::KernelKey),
            15 => (format!("key:spki:{}", name(lost_key())), &[Role::Used], What::LostKey),
            _ => (format!("sbat:loader<{number}"), &[Role::Executed, Role::Present], What::States(number)),
        };
        Self { subject, role: roles[rng.below(roles.len())], what }
    }

    /// Whether it is of programs that are run, each at a time of its own.
    const fn is_run(&self) -> bool {
        matches!((self.what, self.role), (What::Program(..) | What::AnyVersion(_), Role::Executed))
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
            (What::Source(of, least, most), _) => {
                let mut packages = truth.packages.iter().enumerate();
                packages.any(|(number, version)| {
                    source(number) == of && version.is_some_and(|version| version >= least && version <= most)
                })
            }
            // An authority is listed by the profiles 1 and 2, and known by its certificate where one of them is.
            (What::Authority(_) | What::Root, Role::Eligible) => {
                let of = |number: usize| match self.what {
                    What::Authority(of) => authority(number) == of,
                    _ => true,
                };
                [1, 2].into_iter().any(|number| truth.profile == number && of(number))
            }
            (What::Authority(_) | What::Root, _) => {
                let by = |number: usize, version: usize| {
                    !is_unissued(number, version)
                        && match self.what {
                            What::Authority(of) => authority(number) == of,
                            _ => true,
                        }
                };
                let mut packages = truth.packages.iter().enumerate();
                packages.any(|(number, version)| version.is_some_and(|version| by(number, version)))
                    || truth.profile < VERSIONS && by(0, truth.profile)
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
            (What::Listed(list), _) => truth.list == list,
            (What::Prover, _) => started(0),
            (What::LostKey, _) => started(LOST),
            (What::KernelKey, _) => has(PACKAGES - 1, VERSIONS - 1),
            (What::States(generation), Role::Executed) => truth.profile < generation.min(VERSIONS),
            (What::States(generation), _) => truth.packages[0].is_some_and(|version| version < generation),
        }
    }
}

/// How many answers of each kind there were.
#[derive(Debug, Default)]
struct Tally {
    yes: u64,
    no: u64,
    unknown: u64,
    /// The same by what was asked.
    by_case: BTreeMap<String, [u64; 3]>,
}

impl Tally {
    fn add(&mut self, other: Self) {
        (self.yes, self.no, self.unknown) =
            (self.yes + other.yes, self.no + other.no, self.unknown + other.unknown);
        for (case, counts) in other.by_case {
            let own = self.by_case.entry(case).or_default();
            own.iter_mut().zip(counts).for_each(|(own, count)| *own += count);
        }
    }

    fn count(&mut self, case: &Case, found: &Trusted) {
        let asked = &found.hosts_asked;
        let mut what = format!("{:?}", case.what);
        what.truncate(what.find('(').unwrap_or(what.len()));
        let counts = [asked.yes, asked.no, asked.unknown];
        let by_case = BTreeMap::from([(format!("{what} {}", case.role), counts)]);
        self.add(Self { yes: asked.yes, no: asked.no, unknown: asked.unknown, by_case });
    }

    /// Each kind of question must have had answers of every kind, or the comparison says nothing of it.
    fn check(&self, least: u64) {
        println!("{self:#?}");
        assert!(self.yes > least && self.no > least, "{self:?}");
        // Of a host without a package of an authority there is hardly any, and of what nobody can know none.
        let has_yes = |case: &str| case != "LostKey used";
        let has_no = |case: &str| !matches!(case, "Authority used" | "Root used");
        let lacks = |case: &str, [yes, no, _]: [u64; 3]| yes == 0 && has_yes(case) || no == 0 && has_no(case);
        let never = self.by_case.iter().filter(|(case, counts)| lacks(case, **counts));
        let never: Vec<&String> = never.map(|(case, _)| case).collect();
        assert_eq!(never, <[&String; 0]>::default(), "{self:#?}");
    }
}

async fn ask(fleet: &Fleet, case: &Case, from: usize, to: usize) -> Trusted {
    let asked = asked(case, from, to);
    answer(&fleet.bench.store, &asked, UnixTime::from_ms(0)).await.unwrap()
}

fn asked(case: &Case, from: usize, to: usize) -> Asked {
    let at = |tick: usize, half: i64| {
        let middle = (i64::try_from(tick).unwrap() + 1) * i64::try_from(TICK_MS).unwrap() + half * 30_000;
        Some(Bound::At(UnixTime::from_ms(u64::try_from(middle).unwrap())))
    };
    Asked {
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
        shown: 100,
    }
}

/// The same asked otherwise: of several subjects, for whole windows or none, by better evidence. What is true of it nobody has written
/// down, but the index and the evidence must say the same.
async fn ask_otherwise(fleet: &Fleet, case: &Case, rng: &mut Rng) {
    let from = rng.below(TICKS);
    let other = Case::draw(rng);
    let once = asked(case, from, (from + rng.below(8)).min(TICKS - 1));
    let both = [case, &other].map(|case| case.subject.parse().unwrap());
    let roles: &[Role] = if rng.one_in(2) { &[case.role, other.role] } else { &Role::ALL };
    let asked = Asked {
        subjects: both[..=rng.below(2)].to_vec(),
        roles: roles.to_vec(),
        least: Class::ALL[rng.below(4)],
        mode: if rng.one_in(2) { Mode::Whole } else { Mode::Any },
        from: once.from.filter(|_| !rng.one_in(4)),
        to: once.to.filter(|_| !rng.one_in(4)),
        accept: if rng.one_in(3) { vec!["overflow".to_owned(), "boot-ended".to_owned()] } else { Vec::new() },
        ..once
    };
    let silent = if rng.one_in(2) { UnixTime::from_ms(0) } else { UnixTime::from_ms(u64::MAX >> 1) };
    let found = answer(&fleet.bench.store, &asked, silent).await.unwrap();
    replay(fleet, &found);
    // By names alone the same is said, where there is no window by other means.
    let names = Asked { list: List::Names, ..asked };
    let names = answer(&fleet.bench.store, &names, silent).await.unwrap();
    let exposed = found.hosts.iter().filter(|host| host.answer != Verdict::No);
    let exposed: Vec<_> = exposed.map(|host| (&host.name, host.answer, &host.class)).collect();
    let named: Vec<_> = names.hosts.iter().map(|host| (&host.name, host.answer, &host.class)).collect();
    assert_eq!(named, exposed, "{:?} as {:?}, {:?}", found.subjects, found.roles, found.window);
    assert_eq!(names.hosts_asked, found.hosts_asked);
    assert!(names.hosts.iter().all(|host| host.seen.is_empty() && host.unknown.is_empty()));
}

/// Compares each host's answer with the one that follows from its evidence, without the index.
fn replay(fleet: &Fleet, found: &Trusted) {
    let subjects: Vec<Subject> = found.subjects.iter().map(|subject| subject.parse().unwrap()).collect();
    let roles: Vec<Role> = found.roles.iter().map(|role| role.parse().unwrap()).collect();
    let size = |end: &Option<BoundView>| end.as_ref().map(|end| end.log_size);
    let window = Window { from: size(&found.window.from), to: size(&found.window.to) };
    let mode = match found.mode {
        wire::trusted::Mode::Any => Mode::Any,
        wire::trusted::Mode::Whole => Mode::Whole,
    };
    let question = Question::of(&subjects, &roles, (window, mode, found.min_class.parse().unwrap()));
    let mut catalogue = replay::Catalogue::new(&subjects, &roles);
    for (number, version) in &fleet.sent {
        catalogue.manifest(component(*number, *version), &package(*number, *version)).unwrap();
    }
    for list in &fleet.stores {
        catalogue.manifest(store(*list).digest(), &store(*list)).unwrap();
    }
    if fleet.is_lied_to {
        catalogue.manifest(lie().digest(), &lie()).unwrap();
    }
    let histories: Vec<_> = fleet.hosts.iter().map(|host| host.replayed(&catalogue)).collect();
    let carriers = catalogue.carriers();
    let accept = found.accepted.iter().cloned().collect();
    let asked = replay::Asked { subjects: subjects.clone(), roles: roles.clone(), question, accept };
    for host in &found.hosts {
        let number: usize = host.name.trim_start_matches("host-").parse().unwrap();
        let standing = if host.standing == "silent" { Standing::Silent } else { Standing::Heard };
        let again = replay::answer(&asked, &carriers, &histories[number - 1], standing);
        let (verdict, class, mut why) = match &again.answer {
            Answer::Yes(class) => (Verdict::Yes, Some(class.name()), Vec::new()),
            Answer::No(class) => (Verdict::No, Some(class.name()), Vec::new()),
            Answer::Unknown(why) => (Verdict::Unknown, None, why.iter().map(|why| why.code()).collect()),
        };
        let mut told: Vec<&str> = host.unknown.iter().map(|unknown| &*unknown.code).collect();
        for reasons in [&mut why, &mut told] {
            reasons.sort_unstable();
            reasons.dedup();
        }
        let same = (verdict, class, why) == (host.answer, host.class.as_deref(), told);
        assert!(same, "{again:?}, and the index says {host:#?} of {:?}", found.subjects);
    }
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
    // What a liar's word is worth is said with the answer: the classes above do not rest on it.
    let is_word = found.class.as_ref().is_none_or(|class| matches!(&**class, "D" | "E"));
    if host.lies && is_word {
        return;
    }
    match found.answer {
        Verdict::Yes => assert!(truth || !case.is_run() && hidden(host, from, to), "claimed: {}", place()),
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
    // Where the clock was set, what was noticed late is taken to have begun earlier than it may have.
    let blind = blind
        || !host.has_steady_clock
            && host.quotes.iter().any(|quote| quote.leaf > after.leaf && quote.blind[0]);
    let span = &host.truth[before.tick..=after.tick];
    let constant = span.iter().all(|truth| case.holds(truth) == case.holds(&span[0]));
    let owned = |version: usize| {
        let saw = |quote: &fleet::Quote| {
            let truth = &host.truth[quote.tick];
            !truth.blind && truth.packages[0] == Some(version)
        };
        host.quotes.iter().any(saw)
    };
    let missing = |truth: &Truth| {
        let has = |(number, version): (usize, &Option<usize>)| {
            version.is_some_and(|version| !fleet.sent.contains(&(number, version)))
        };
        truth.packages.iter().enumerate().any(has)
            // A program that was started and that is not known as a file of the host's own.
            || truth.profile == LOST
            || truth.profile < VERSIONS && !(fleet.sent.contains(&(0, truth.profile)) && owned(truth.profile))
            // A list that nobody has sent the contents of.
            || !fleet.stores.contains(&truth.list)
    };
    // What ran once in a boot may run on without being told.
    let ran = case.role == Role::Executed && host.truth.iter().any(|truth| case.holds(truth));
    // So may what the kernel has told of a key, which may be of any authority.
    let of_kernel_key = matches!(case.what, What::KernelKey)
        || matches!(case.what, What::Authority(_) | What::Root) && case.role == Role::Used;
    let told_of_it =
        |truth: &Truth| truth.packages[PACKAGES - 1] == Some(VERSIONS - 1) && truth.ran[PACKAGES - 1];
    let ran = ran || of_kernel_key && host.truth.iter().any(told_of_it);
    // Without the kernel's list nobody knows whether what was there was run.
    let there = Case { role: Role::Present, ..case.clone() };
    let ran = ran
        || case.role == Role::Executed
            && case.is_run()
            && !host.has_ima
            && span.iter().any(|truth| there.holds(truth));
    // What is replaced by another version that it is true of as well may have been gone for a while.
    let replaced = span.iter().any(|truth| truth.packages != span[0].packages);
    let lists = |truth: &Truth| match (case.what, case.role) {
        (What::PlatformKey(_) | What::Authority(_) | What::Root | What::Listed(_), Role::Eligible) => {
            truth.profile != NO_PLATFORM_KEY
        }
        (What::Image(_) | What::Listed(_), Role::Revoked) => truth.profile != UNNAMED_REVOCATIONS,
        // What nobody knows the issuer of may be of any.
        (What::Authority(_) | What::Root, Role::Used) => {
            let unissued = |(number, version): (usize, &Option<usize>)| {
                version
                    .is_some_and(|version| is_unissued(number, version) || is_kernel_signed(number, version))
            };
            !truth.packages.iter().enumerate().any(unissued)
        }
        (What::Source(..), _) => {
            let sourceless = |(number, version): (usize, &Option<usize>)| {
                version.is_some_and(|version| is_sourceless(number, version))
            };
            !truth.packages.iter().enumerate().any(sourceless)
        }
        _ => true,
    };
    // A closure needs every authority on the way, of which some boot must have told.
    let has_told = |profile: usize| {
        let booted = |host: &Host| host.quotes.iter().any(|quote| host.truth[quote.tick].profile == profile);
        fleet.hosts.iter().any(booted)
    };
    let chains = !matches!(case.what, What::Root) || has_told(1) && has_told(2);
    let told = span.iter().all(lists) && chains;
    let open = [!constant, !told, blind, ran, replaced && case.holds(&span[0]), span.iter().any(missing)];
    !open.contains(&true)
}

async fn truth(seed: u64, count: usize, questions: usize) -> Tally {
    println!("seed {seed}, {count} hosts");
    let mut rng = Rng(ChaCha20Rng::seed_from_u64(seed));
    let fleet = Fleet::live(&mut rng, count, Kept::AsOthers).await;
    // Where the others are kept by a server, the same fleet in a file must be answered for by the same bytes.
    let twin = if fleet.bench.store.readers().kind() == Kind::Postgres {
        let mut again = Rng(ChaCha20Rng::seed_from_u64(seed));
        Some(Fleet::live(&mut again, count, Kept::InAFile).await)
    } else {
        None
    };
    let mut tally = Tally::default();
    for _ in 0..questions {
        let case = Case::draw(&mut rng);
        let from = rng.below(TICKS);
        let to = (from + rng.below(8)).min(TICKS - 1);
        let found = ask(&fleet, &case, from, to).await;
        if let Some(twin) = &twin {
            let bytes = |found: &Trusted| serde_json::to_string_pretty(found).unwrap();
            assert_eq!(bytes(&found), bytes(&ask(twin, &case, from, to).await), "seed {seed}: {case:?}");
        }
        assert_eq!(found.hosts.len(), count);
        replay(&fleet, &found);
        ask_otherwise(&fleet, &case, &mut rng).await;
        for host in &found.hosts {
            let number: usize = host.name.trim_start_matches("host-").parse().unwrap();
            check(&fleet, &fleet.hosts[number - 1], &case, (from, to), host);
        }
        tally.count(&case, &found);
    }
    tally
}

#[tokio::test]
async fn answers_are_true_of_made_fleets() {
    let seed = std::env::var("LYDIAN_TRUTH_SEED").ok().and_then(|seed| seed.parse().ok());
    let seeds = seed.map_or(1..5, |seed| seed..seed + 1);
    let mut all = Tally::default();
    for seed in seeds {
        all.add(truth(seed, 12, 120).await);
    }
    if seed.is_some() {
        println!("{all:#?}");
        assert!(all.yes > 50 && all.no > 50, "{all:?}");
    } else {
        all.check(300);
    }
}

#[tokio::test]
#[ignore = "the long form: 200 fleets of 50 hosts, half an hour, run by `make soak`"]
async fn answers_are_true_of_two_hundred_fleets() {
    // Where somebody goes on from a seed, the others were seen before.
    let from: Option<u64> = std::env::var("LYDIAN_TRUTH_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut all = Tally::default();
    for seed in from.unwrap_or(100)..300 {
        all.add(truth(seed, 50, 100).await);
    }
    all.check(if from.is_some() { 100 } else { 50_000 });
}
