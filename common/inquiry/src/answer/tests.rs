//! Answers against the truth: made histories in a time that nobody measures, of which the log shows what a log shows.

use super::*;
use proptest::prelude::*;

const FILES: &[&[Source]] = &[&[Source::Files]];

fn moment(after: u64, leaf: u64) -> Moment {
    Moment { after, leaf }
}

fn window(from: Option<u64>, to: Option<u64>) -> Window {
    Window { from, to }
}

fn question(window: Window) -> Question {
    Question { window, mode: Mode::Any, roles: vec![(Role::Present, FILES)], least: Class::D }
}

fn heard(first: Moment, last: Moment) -> Seen {
    Seen { first: Some(first), last: Some(last), now: Standing::Heard }
}

fn present(presence: Presence) -> Sighting {
    Sighting { role: Role::Present, class: Class::D, span: Span::Presence(presence) }
}

/// Quotes at leaf 10, 20, 30, … each after the checkpoint that has the leaf before.
fn quote(number: u64) -> Moment {
    moment(number * 10 - 9, number * 10)
}

#[test]
fn what_a_quote_within_the_window_shows_is_a_yes() {
    let seen = heard(quote(1), quote(9));
    let was = Presence { before: Some(quote(3)), first: quote(4), last: quote(5), until: Some(quote(6)) };
    let answer = |from, to| question(window(from, to)).answer(&seen, &[present(was)], &[]);
    assert_eq!(answer(None, None), Answer::Yes(Class::D));
    assert_eq!(answer(Some(25), Some(45)), Answer::Yes(Class::D));
    assert_eq!(answer(Some(40), Some(41)), Answer::Yes(Class::D), "between two quotes that show it");
    assert_eq!(answer(Some(15), Some(20)), Answer::No(Class::D), "over before it came");
    assert_eq!(answer(Some(65), Some(75)), Answer::No(Class::D), "after it went");
    assert_eq!(
        answer(Some(32), Some(38)),
        Answer::Unknown(vec![Why::Edge]),
        "between the quotes of its coming"
    );
    assert_eq!(
        answer(Some(52), Some(58)),
        Answer::Unknown(vec![Why::Edge]),
        "between the quotes of its going"
    );
}

#[test]
fn a_no_wants_everything_seen() {
    let seen = heard(quote(2), quote(9));
    let answer = |from, to, gaps: &[Gap]| question(window(from, to)).answer(&seen, &[], gaps);
    assert_eq!(answer(Some(25), Some(70), &[]), Answer::No(Class::D));
    assert_eq!(answer(Some(15), Some(70), &[]), Answer::Unknown(vec![Why::BeforeFirst]));
    assert_eq!(answer(Some(25), Some(95), &[]), Answer::Unknown(vec![Why::AfterLast]));
    let gap = Gap { source: Source::Files, from: Some(quote(4)), until: Some(quote(5)) };
    assert_eq!(answer(Some(25), Some(70), &[gap]), Answer::Unknown(vec![Why::Gap(0)]));
    assert_eq!(answer(Some(55), Some(70), &[gap]), Answer::No(Class::D), "it is over");
    assert_eq!(answer(Some(25), Some(30), &[gap]), Answer::No(Class::D), "it has not begun");
    let other = Gap { source: Source::Ima, ..gap };
    assert_eq!(answer(Some(25), Some(70), &[other]), Answer::No(Class::D), "of a source that is not needed");
    let never = Seen { first: None, last: None, now: Standing::Heard };
    assert_eq!(question(Window::ALL).answer(&never, &[], &[]), Answer::Unknown(vec![Why::NeverHeard]));
    let silent = Seen { now: Standing::Silent, ..seen };
    assert_eq!(question(Window::ALL).answer(&silent, &[], &[]), Answer::Unknown(vec![Why::Silent]));
    let retired = Seen { now: Standing::Retired, ..seen };
    assert_eq!(question(Window::ALL).answer(&retired, &[], &[]), Answer::No(Class::D));
}

#[test]
fn a_class_that_is_too_weak_gives_neither_yes_nor_no() {
    let seen = heard(quote(1), quote(9));
    let was = Presence { before: None, first: quote(1), last: quote(9), until: None };
    let strict = Question { least: Class::B, ..question(Window::ALL) };
    let weaker = Answer::Unknown(vec![Why::Weaker(Class::D), Why::NoSource(Role::Present)]);
    assert_eq!(strict.answer(&seen, &[present(was)], &[]), weaker);
    assert_eq!(strict.answer(&seen, &[], &[]), Answer::Unknown(vec![Why::NoSource(Role::Present)]));
}

#[test]
fn one_of_two_sources_is_enough_and_the_better_one_counts() {
    const EITHER: &[&[Source]] = &[&[Source::Ima, Source::Files]];
    let seen = heard(quote(1), quote(9));
    let executed = Question { roles: vec![(Role::Executed, EITHER)], ..question(Window::ALL) };
    let gap = |source| Gap { source, from: None, until: None };
    assert_eq!(executed.answer(&seen, &[], &[]), Answer::No(Class::B));
    assert_eq!(executed.answer(&seen, &[], &[gap(Source::Ima)]), Answer::No(Class::D));
    assert_eq!(executed.answer(&seen, &[], &[gap(Source::Files)]), Answer::No(Class::B));
    let there = Presence { before: None, first: quote(1), last: quote(9), until: None };
    let there = present(there);
    assert_eq!(executed.answer(&seen, &[there], &[]), Answer::No(Class::B), "the kernel's list lacks it");
    let only_there = executed.answer(&seen, &[there], &[gap(Source::Ima)]);
    assert_eq!(only_there, Answer::Unknown(vec![Why::Gap(0)]), "either reason would do");
    let both = executed.answer(&seen, &[], &[gap(Source::Files), gap(Source::Ima)]);
    assert!(matches!(both, Answer::Unknown(_)), "{both:?}");
}

#[test]
fn which_source_is_told_of_does_not_depend_on_who_counts_gaps_apart() {
    let executed: &[&[Source]] = &[&[Source::Ima, Source::Files]];
    let question = Question { roles: vec![(Role::Executed, executed)], ..question(Window::ALL) };
    let gap = |source, at| Gap { source, from: Some(quote(at)), until: Some(quote(at + 1)) };
    let (files, ima) = (gap(Source::Files, 4), [gap(Source::Ima, 2), gap(Source::Ima, 5)]);
    let answer = |gaps: &[Gap]| question.answer(&heard(quote(1), quote(9)), &[], gaps);
    let once = answer(&[files, ima[0], ima[1]]);
    assert_eq!(once, Answer::Unknown(vec![Why::Gap(0)]));
    // The same time, missed by three things.
    let thrice = answer(&[files, files, files, ima[0], ima[1]]);
    assert_eq!(thrice, Answer::Unknown(vec![Why::Gap(0), Why::Gap(1), Why::Gap(2)]));
    let apart = answer(&[files, gap(Source::Files, 6), gap(Source::Files, 7), ima[0], ima[1]]);
    assert_eq!(apart, Answer::Unknown(vec![Why::Gap(3), Why::Gap(4)]));
}

#[test]
fn what_ran_once_may_run_until_the_boot_is_over() {
    const IMA: &[&[Source]] = &[&[Source::Ima]];
    let seen = heard(quote(1), quote(9));
    let ran = Happening { before: Some(quote(3)), told: quote(4), until: Some(quote(7)) };
    let ran = Sighting { role: Role::Executed, class: Class::B, span: Span::Happening(ran) };
    let answer = |from, to| {
        let question = Question { roles: vec![(Role::Executed, IMA)], ..question(window(from, to)) };
        question.answer(&seen, &[ran], &[])
    };
    assert_eq!(answer(Some(20), Some(45)), Answer::Yes(Class::B));
    assert_eq!(
        answer(Some(52), Some(55)),
        Answer::Unknown(vec![Why::Edge]),
        "the list never tells the last use"
    );
    assert_eq!(answer(Some(72), Some(75)), Answer::No(Class::B), "another boot");
    assert_eq!(answer(Some(12), Some(18)), Answer::No(Class::B), "before it");
}

#[test]
fn the_whole_window_is_filled_by_versions_in_turn() {
    let seen = heard(quote(1), quote(9));
    let one = Presence { before: None, first: quote(1), last: quote(4), until: Some(quote(5)) };
    let two = Presence { before: Some(quote(4)), first: quote(5), last: quote(9), until: None };
    let whole = |window, sightings: &[Sighting]| {
        Question { mode: Mode::Whole, ..question(window) }.answer(&seen, sightings, &[])
    };
    let inside = window(Some(15), Some(75));
    assert_eq!(whole(inside, &[present(one), present(two)]), Answer::Yes(Class::D));
    assert_eq!(whole(Window::ALL, &[present(one), present(two)]), Answer::Yes(Class::D));
    assert_eq!(whole(inside, &[present(one)]), Answer::No(Class::D), "a quote shows that it was gone");
    assert_eq!(whole(inside, &[]), Answer::No(Class::D));
    let early = Presence { until: None, last: quote(3), ..one };
    let partly = whole(inside, &[present(early)]);
    assert!(matches!(&partly, Answer::Unknown(why) if why.contains(&Why::Partly)), "{partly:?}");
}

/// A host's life in ticks: what was true at each, when it was quoted, what of it could not be seen.
#[derive(Clone, Debug)]
struct Life {
    /// Whether it had the subject, at each tick.
    had: Vec<bool>,
    /// Ticks at which it was quoted, rising, each with how many ticks its checkpoint was old and its leaf late.
    quotes: Vec<(usize, usize, usize)>,
    /// Ticks at which changes are not noticed: what came and went within is in no evidence.
    blind: Vec<bool>,
}

const TICKS: usize = 60;

fn life() -> impl Strategy<Value = Life> {
    let runs = || prop::collection::vec((any::<bool>(), 1_usize..12), 1..16);
    let spread = |runs: Vec<(bool, usize)>| {
        let mut all: Vec<bool> = runs.into_iter().flat_map(|(value, length)| vec![value; length]).collect();
        all.resize(TICKS, false);
        all
    };
    let quotes = prop::collection::btree_map(0_usize..TICKS, (0_usize..3, 0_usize..3), 1..20);
    (runs(), quotes, runs()).prop_map(move |(had, quotes, blind)| Life {
        had: spread(had),
        quotes: quotes.into_iter().map(|(tick, (old, late))| (tick, old, late)).collect(),
        blind: spread(blind),
    })
}

/// What the log shows of a life. The log grows by ten leaves a tick, so that every tick has sizes of its own.
struct Shown {
    seen: Seen,
    sightings: Vec<Sighting>,
    gaps: Vec<Gap>,
}

impl Life {
    fn moment(&self, index: usize) -> Moment {
        let (tick, old, late) = self.quotes[index];
        let size = |tick: usize| (tick as u64) * 10;
        // Evidence is submitted in the order of its quotes.
        let late = self.quotes[index + 1..]
            .iter()
            .map(|(next, _, _)| *next)
            .min()
            .map_or(late, |next| late.min(next - tick));
        moment(size(tick.saturating_sub(old)), size(tick + late) + 5)
    }

    /// An agent that sees everything notices what comes and goes between two quotes, and seals it: here it seals late, so that what
    /// it saw between is a change within one piece of evidence, which components show as nothing. Such a span is blind.
    fn shown(&self) -> Shown {
        let count = self.quotes.len();
        let (mut sightings, mut gaps) = (Vec::new(), Vec::new());
        let tick = |index: usize| self.quotes[index].0;
        let has = |index: usize| self.had[tick(index)];
        let mut index = 0;
        while index < count {
            if !has(index) {
                index += 1;
                continue;
            }
            let end = (index..count).find(|at| !has(*at));
            let last = end.unwrap_or(count) - 1;
            let before = index.checked_sub(1).map(|at| self.moment(at));
            let until = end.map(|at| self.moment(at));
            sightings.push(present(Presence {
                before,
                first: self.moment(index),
                last: self.moment(last),
                until,
            }));
            index = last + 1;
        }
        for index in 1..count {
            let between = tick(index - 1)..=tick(index);
            let changes = self.had[between.clone()].windows(2).filter(|pair| pair[0] != pair[1]).count();
            let noticed = usize::from(has(index - 1) != has(index));
            let blind = self.blind[between].iter().any(|blind| *blind);
            if changes > noticed || blind {
                let (from, until) = (Some(self.moment(index - 1)), Some(self.moment(index)));
                gaps.push(Gap { source: Source::Files, from, until });
            }
        }
        let seen = heard(self.moment(0), self.moment(count - 1));
        Shown { seen, sightings, gaps }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// The truth is never denied, and never claimed where it is not; and where every quote about a window says one thing and
    /// nothing was hidden, it is said.
    #[test]
    fn answers_agree_with_the_truth(life in life(), from in 0..TICKS, length in 0..TICKS) {
        let to = (from + length).min(TICKS - 1);
        let shown = life.shown();
        // The window begins and ends within a tick: the log's size then is that of the tick's begin or a little more.
        let asked = window(Some(from as u64 * 10 + 1), Some(to as u64 * 10 + 1));
        let answer = question(asked).answer(&shown.seen, &shown.sightings, &shown.gaps);
        let truth = life.had[from..=to].iter().any(|had| *had);
        match &answer {
            Answer::Yes(_) => {
                // Between two quotes that show it with nothing hidden it is there; hidden goings are gaps.
                let hidden = shown.gaps.iter().any(|gap| gap.touches(asked));
                prop_assert!(truth || hidden, "claimed: {:?}", life);
            }
            Answer::No(_) => prop_assert!(!truth, "denied: {:?}", life),
            Answer::Unknown(why) => {
                let quotes: Vec<_> = life.quotes.iter().map(|(tick, _, _)| *tick).collect();
                let around = quotes.iter().any(|tick| tick + 4 < from) && quotes.iter().any(|tick| *tick > to + 4);
                // As far as anybody looks who wants to be sure of the window.
                let near = from.saturating_sub(30)..=(to + 30).min(TICKS - 1);
                let constant = life.had[near.clone()].iter().all(|had| !*had);
                let hidden = life.blind[near].iter().any(|blind| *blind);
                let dense = quotes.windows(2).all(|pair| pair[1] - pair[0] < 20);
                prop_assert!(!(around && constant && dense && !hidden), "needlessly unknown ({why:?}): {:?}", life);
            }
        }
    }
}
