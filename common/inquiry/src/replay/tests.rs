use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;

use super::history::What;
use super::*;
use crate::answer::{Mode, Why};
use crate::profile::{Executed, Lasting, Reading, Trouble};

fn digest(n: u8) -> Sha256Digest {
    Sha256Digest::new([n; 32])
}

/// A host's history, written piece by piece.
struct World<'q> {
    catalogue: Catalogue<'q>,
    history: History,
    leaf: u64,
}

impl<'q> World<'q> {
    fn new(subjects: &'q [Subject]) -> Self {
        let mut world =
            Self { catalogue: Catalogue::new(subjects, &Role::ALL), history: History::default(), leaf: 0 };
        world.enrol();
        world
    }

    fn enrol(&mut self) {
        self.leaf += 1;
        self.history.enrolled(self.leaf);
    }

    /// Evidence some leaves later.
    fn seal(&mut self, begins: Begins, troubles: Vec<Trouble>, runs: &[u8]) -> u64 {
        self.leaf += 10;
        let run = |n: &u8| Executed { digest: digest(*n), path: b"/usr/bin/x".to_vec(), class: Class::B };
        let executions = runs.iter().map(run).collect();
        let reading = Reading { executions, troubles, ..Reading::default() };
        let piece = Piece {
            leaf: self.leaf,
            named: self.leaf - 1,
            agent_time: UnixTime::from_secs(self.leaf),
            begins,
            added: &[],
            removed: &[],
            reading: &reading,
        };
        self.history.evidence(&piece, &self.catalogue);
        self.leaf
    }

    fn gaps(&self) -> Vec<(&str, Option<u64>, Option<u64>)> {
        self.history.gaps().iter().map(|gap| (gap.cause.as_str(), gap.from, gap.until)).collect()
    }
}

fn trouble(cause: &str, lasting: Lasting, since: Option<u64>) -> Trouble {
    let (cause, scope) = (cause.to_owned(), "x".to_owned());
    Trouble { source: Source::Ima, cause, scope, lasting, since: since.map(UnixTime::from_secs) }
}

#[test]
fn gaps_begin_before_what_was_sealed_meanwhile_and_end_with_what_they_are_of() {
    let mut world = World::new(&[]);
    let first = world.seal(Begins::Chain, vec![], &[]);
    let second = world.seal(Begins::Nothing, vec![trouble("boot", Lasting::Boot, None)], &[]);
    let late = trouble("late", Lasting::Passed, Some(first));
    let third = world.seal(Begins::Nothing, vec![late, trouble("stands", Lasting::Stands, None)], &[]);
    let fourth = world.seal(Begins::Boot, vec![], &[]);
    let expected = [
        ("boot", Some(first), Some(fourth)),
        ("late", Some(first), Some(third)),
        ("stands", Some(second), Some(fourth)),
    ];
    assert_eq!(world.gaps(), expected);
}

#[test]
fn between_two_chains_nothing_is_seen() {
    let mut world = World::new(&[]);
    let last = world.seal(Begins::Chain, vec![], &[]);
    world.enrol();
    assert!(world.gaps().iter().all(|gap| *gap == ("enrolled-again", Some(last), None)));
    let next = world.seal(Begins::Chain, vec![], &[]);
    assert_eq!(world.gaps(), [("enrolled-again", Some(last), Some(next)); 3]);
}

#[test]
fn what_ran_is_asked_for_and_a_boot_that_goes_on_in_another_chain_is_one() {
    let subjects = [Subject::File(digest(7))];
    let mut world = World::new(&subjects);
    let first = world.seal(Begins::Chain, vec![], &[]);
    world.enrol();
    let again = world.seal(Begins::Chain, vec![], &[7, 8]);
    let boot = world.seal(Begins::Boot, vec![], &[7]);
    let content = |run: Run<'_>| match run.what {
        What::Content { digest, .. } => (*digest, run.since, run.told, run.until),
        other => panic!("{other:?}"),
    };
    let runs: Vec<_> = world.history.runs().map(content).collect();
    let expected = [
        (digest(7), first, again, Some(boot)),
        (digest(8), first, again, Some(boot)),
        (digest(7), boot, boot, None),
    ];
    assert_eq!(runs, expected);
    let window = Window { from: None, to: Some(boot + 1) };
    let roles = vec![Role::Executed];
    let question = Question::of(&subjects, &roles, (window, Mode::Any, Class::E));
    let asked = Asked { subjects: subjects.to_vec(), roles, question, accept: BTreeSet::new() };
    let carriers = world.catalogue.carriers();
    let found = answer(&asked, &carriers, &world.history, Standing::Heard);
    assert_eq!(found.answer, Answer::Yes(Class::B));
    let nothing = answer(&asked, &carriers, &History::default(), Standing::Silent);
    assert_eq!(nothing.answer, Answer::Unknown(vec![Why::NeverHeard]), "{nothing:?}");
}
