//! What was true in a course, and whether an answer holds against it.
//!
//! A state holds from the end of the round before to the end of its own, by the log's size. Evidence of it comes somewhere in the round, so that what came or
//! went next to an end of a window may be on either side of it: there an answer may say that it does not know, and must not say what is wrong.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use wire::trusted::Verdict;

use super::{AgentState, Course, Moment, version_text};

/// From the end of one round to the end of another, as places in [`super::Played::sizes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Where it begins.
    pub from: usize,
    /// Where it ends.
    pub to: usize,
}

/// One subject, and which hosts had it when.
#[derive(Clone, Debug)]
pub struct Fact {
    /// As it is asked for.
    pub subject: String,
    /// In what role; empty for a state of the boot.
    pub role: &'static str,
    /// Rounds in which hosts had it.
    pub had: BTreeMap<u64, Vec<usize>>,
    kind: Kind,
}

/// What becomes of a subject when the agent does not run, or the host boots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// It lasts, and each evidence says whether it is there.
    State,
    /// It happens, and what a boot's last evidence did not say is lost.
    Event,
}

impl Moment {
    /// The kernel measures a file once in each boot.
    pub(super) fn starts_tool(&self, before: Option<&Self>) -> bool {
        self.has_tool && before.is_none_or(|before| !before.has_tool || before.boots != self.boots)
    }

    /// Whether something of it reaches the verifier in its own round.
    fn is_told(&self) -> bool {
        self.agent == AgentState::Sends
    }
}

impl Course {
    /// Every subject of the course, and what was true of it.
    pub fn facts(&self) -> Vec<Fact> {
        let hosts: BTreeMap<u64, Vec<Moment>> =
            (0..self.life.hosts).map(|host| (host, self.moments(host))).collect();
        let fact = |subject: String, role, kind, had: &dyn Fn(&Moment, Option<&Moment>) -> bool| {
            let rounds = |moments: &Vec<Moment>| {
                let before = std::iter::once(None).chain(moments.iter().map(Some));
                let pairs = moments.iter().zip(before).enumerate();
                pairs
                    .filter(|(_, (now, before))| had(now, *before))
                    .map(|(round, _)| round)
                    .collect::<Vec<_>>()
            };
            let had = hosts.iter().map(|(host, moments)| (*host, rounds(moments)));
            Fact { subject, role, kind, had: had.filter(|(_, rounds)| !rounds.is_empty()).collect() }
        };
        let mut facts = Vec::new();
        for package in 0..self.life.packages {
            for version in 0..self.life.versions(package) {
                let had = |now: &Moment, _: Option<&Moment>| {
                    (0..).zip(&now.versions).any(|(number, has)| number == package && *has == Some(version))
                };
                let file = format!("file:{}", self.life.file(package, version, 0));
                facts.push(fact(file, "present", Kind::State, &had));
                let named = format!("package:package-{package:04}={}", version_text(version));
                facts.push(fact(named, "present", Kind::State, &had));
            }
        }
        let tool = format!("file:{}", self.tool());
        facts.push(fact(tool.clone(), "present", Kind::State, &|now, _| now.has_tool));
        facts.push(fact(tool, "executed", Kind::Event, &|now, before| now.starts_tool(before)));
        facts.push(fact("boot:secure-boot=off".to_owned(), "", Kind::State, &|now, _| now.is_open()));
        let lacks = format!("boot:dbx-lacks={}", self.revoked());
        facts.push(fact(lacks, "", Kind::State, &|now, _| !now.is_patched));
        facts
    }
}

impl Fact {
    /// How many hosts had it in a window; without one, ever.
    pub fn count(&self, window: Option<Window>) -> usize {
        let within = |rounds: &&Vec<usize>| rounds.iter().any(|round| contains(window, *round));
        self.had.values().filter(within).count()
    }

    /// Whether an answer about a host holds: never the opposite of what is true, and not unknown where evidence of the rounds around says it.
    pub fn judge(
        &self,
        host: u64,
        moments: &[Moment],
        window: Option<Window>,
        answer: Verdict,
    ) -> Result<()> {
        let had = |round: usize| self.had.get(&host).is_some_and(|rounds| rounds.contains(&round));
        let told = |round: usize| moments.get(round).is_some_and(Moment::is_told);
        let mut within = (0..moments.len()).filter(|round| contains(window, *round));
        let truth = within.clone().any(had);
        let wrong = if truth { Verdict::No } else { Verdict::Yes };
        ensure!(
            answer != wrong,
            "{} {} {window:?}: {answer:?}, where the truth is {truth}",
            self.subject,
            self.role
        );
        // A state was sealed after the round before had been told, and before its own ended; an event was after what the round before had sealed.
        let back = if self.kind == Kind::State { 1 } else { 2 };
        let shown = |round: usize| had(round) && (round.saturating_sub(back)..=round).all(told);
        let begins = |round: usize| window.is_some_and(|window| round < window.from + back);
        let must_be_yes = within.any(|round| !begins(round) && shown(round));
        let must_be_no = self.kind == Kind::State && self.is_nowhere_near(host, moments, window);
        ensure!(
            !(must_be_yes || must_be_no) || answer != Verdict::Unknown,
            "{} {} {window:?}: unknown, where evidence says {truth}",
            self.subject,
            self.role
        );
        Ok(())
    }

    /// Whether it is in no round of the window, nor in any on either side to which evidence that was told in time reaches, and the agent ran in all of these.
    fn is_nowhere_near(&self, host: u64, moments: &[Moment], window: Option<Window>) -> bool {
        let is_told = |round: &usize| moments.get(*round).is_some_and(Moment::is_told);
        let last = moments.len().saturating_sub(1);
        let (from, to) = window.map_or((0, last), |window| (window.from, window.to));
        let from = (0..from).rev().find(is_told).unwrap_or_default();
        // What is sealed next to the end may have been sealed before it, so that one more is wanted.
        let to = (to..=last).filter(is_told).nth(1).unwrap_or(last);
        moments.iter().enumerate().skip(from).take(to + 1 - from).all(|(round, moment)| {
            moment.agent != AgentState::Ended
                && !self.had.get(&host).is_some_and(|rounds| rounds.contains(&round))
        })
    }
}

/// A window from the end of round `from - 1` holds the states of the rounds from `from`.
fn contains(window: Option<Window>, round: usize) -> bool {
    window.is_none_or(|window| (window.from..window.to).contains(&round))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One host's rounds: `t` told, `s` silent, `o` without its network; a capital where it has the subject.
    #[track_caller]
    fn check(rounds: &str, kind: Kind, window: Option<(usize, usize)>, allowed: &str) {
        let of = |letter: char| Moment {
            agent: match letter.to_ascii_lowercase() {
                's' => AgentState::Ended,
                'o' => AgentState::Waits,
                _ => AgentState::Sends,
            },
            ..Moment::first()
        };
        let moments: Vec<_> = rounds.chars().map(of).collect();
        let has = rounds.chars().enumerate().filter(|(_, letter)| letter.is_ascii_uppercase());
        let had = BTreeMap::from([(0, has.map(|(round, _)| round).collect())]);
        let fact = Fact { subject: "it".to_owned(), role: "", had, kind };
        let window = window.map(|(from, to)| Window { from, to });
        let answers = [(Verdict::Yes, 'y'), (Verdict::No, 'n'), (Verdict::Unknown, 'u')];
        let holds =
            answers.into_iter().filter(|(answer, _)| fact.judge(0, &moments, window, *answer).is_ok());
        assert_eq!(
            holds.map(|(_, letter)| letter).collect::<String>(),
            allowed,
            "{rounds} {kind:?} {window:?}"
        );
    }

    #[test]
    fn what_evidence_says_must_be_answered() {
        check("ttTttt", Kind::State, None, "y");
        check("tttttt", Kind::State, None, "n");
        check("tttttttt", Kind::State, Some((2, 4)), "n");
        check("ttTTtttt", Kind::State, Some((2, 4)), "y");
        check("tttTtttt", Kind::Event, Some((1, 5)), "y");
    }

    #[test]
    fn what_no_evidence_says_may_be_unknown_and_not_denied() {
        check("ttSttt", Kind::State, None, "yu");
        check("ttsttt", Kind::State, None, "nu");
        check("ttOotttt", Kind::State, Some((1, 4)), "yu");
        check("ttttttt", Kind::Event, None, "nu");
        // Next to an end of the window.
        check("ttTttttt", Kind::State, Some((2, 4)), "yu");
        check("tTtttttt", Kind::State, Some((2, 4)), "nu");
        check("ttttTttt", Kind::State, Some((2, 4)), "nu");
        check("ttTttttt", Kind::Event, Some((1, 5)), "yu");
        check("tttttstt", Kind::State, Some((2, 4)), "nu");
    }
}
