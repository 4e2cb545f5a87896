//! One host's history, piece by piece, as evidence tells it.

use std::collections::{BTreeMap, HashMap, HashSet};

use appraisal::verify::BootChange;
use evidence::digest::Sha256Digest;
use evidence::principal::Principal;
use evidence::time::UnixTime;

use super::catalogue::Catalogue;
use crate::limits::GAP_NOTICED_LATE;
use crate::moment::Moment;
use crate::profile::{KeySeen, Lasting, Ran, Reading, Trouble};
use crate::role::{Class, Role, Source};

/// What a piece of evidence is the first of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// A chain: its boot may be the one that the chain before it ended in. Counters do not tell, as whoever clears a TPM sets them back.
    Chain,
    /// A boot.
    Boot,
    /// Of neither.
    Nothing,
}

impl Begins {
    /// Of evidence with this number in its chain.
    pub const fn of(seq: u64, boot: BootChange) -> Self {
        match boot {
            _ if seq == 0 => Self::Chain,
            BootChange::First => Self::Boot,
            BootChange::Same => Self::Nothing,
        }
    }
}

/// One verified piece of evidence.
#[derive(Clone, Copy, Debug)]
pub struct Piece<'a> {
    /// Its leaf.
    pub leaf: u64,
    /// The size of the checkpoint that it names.
    pub named: u64,
    /// The agent's clock.
    pub agent_time: UnixTime,
    /// What it is the first of.
    pub begins: Begins,
    /// Components that came.
    pub added: &'a [Sha256Digest],
    /// Components that went.
    pub removed: &'a [Sha256Digest],
    /// What was read out of it.
    pub reading: &'a Reading,
}

/// Why a chain goes on no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The host enrolled again.
    EnrolledAgain,
    /// It was retired.
    Retired,
}

impl Ended {
    /// The word for the gap that follows.
    pub const fn cause(self) -> &'static str {
        match self {
            Self::EnrolledAgain => "enrolled-again",
            Self::Retired => "retired",
        }
    }

    /// What is seen no more until new evidence comes.
    pub fn troubles(self) -> [Trouble; 3] {
        Source::ALL.map(|source| Trouble {
            source,
            cause: self.cause().to_owned(),
            scope: "between two chains of evidence".to_owned(),
            lasting: Lasting::Stands,
            since: None,
        })
    }
}

/// A host's history.
#[derive(Clone, Debug, Default)]
pub struct History {
    quotes: Vec<Quote>,
    /// Open intervals of components that matter, by their first leaves.
    open: BTreeMap<Sha256Digest, u64>,
    components: Vec<(Sha256Digest, u64, Option<u64>)>,
    profile: Option<(Sha256Digest, u64)>,
    /// Shim's lists of keys that the running boot is under.
    lists: BTreeMap<Sha256Digest, u64>,
    profiles: Vec<(Sha256Digest, u64, Option<u64>)>,
    boots: Vec<Boot>,
    runs: Vec<(What, u64)>,
    /// What was told of the running boot.
    told: Told,
    gaps: Vec<Unseen>,
}

/// What a boot tells once.
#[derive(Clone, Debug, Default)]
struct Told {
    contents: HashSet<(Sha256Digest, Class)>,
    entries: HashSet<Ran>,
    keys: HashSet<(Role, Vec<Principal>)>,
}

/// Something that happened, and may go on until the boot is over.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// A content was run.
    Content { digest: Sha256Digest, class: Class, path: Vec<u8> },
    /// A file of a component was.
    Entry(Ran),
    /// A key was there, or had signed something.
    Key(KeySeen),
}

#[derive(Clone, Copy, Debug)]
struct Quote {
    moment: Moment,
    sealed: UnixTime,
}

#[derive(Clone, Copy, Debug)]
struct Boot {
    first: u64,
    /// It may have begun in the chain before.
    continues: bool,
}

/// What could not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unseen {
    pub(super) source: Source,
    pub(super) cause: String,
    pub(super) scope: String,
    /// The last evidence before it.
    pub(super) from: Option<u64>,
    pub(super) until: Option<u64>,
    of_boot: bool,
}

impl Unseen {
    fn is(&self, trouble: &Trouble) -> bool {
        (self.source, &self.cause, &self.scope) == (trouble.source, &trouble.cause, &trouble.scope)
    }
}

/// The same with the leaves that it lies between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run<'a> {
    pub(super) what: &'a What,
    /// The first leaf that tells of it.
    pub(super) told: u64,
    /// The leaf before whose evidence it was not: the same, but where the boot had begun in a chain before.
    pub(super) since: u64,
    /// The first leaf of the next boot.
    pub(super) until: Option<u64>,
}

impl History {
    /// A chain begins with an enrolment; what was open in the one before is open no more.
    pub fn enrolled(&mut self, leaf: u64) {
        self.end(leaf, Ended::EnrolledAgain);
    }

    /// The host is retired.
    pub fn retired(&mut self, leaf: u64) {
        self.end(leaf, Ended::Retired);
    }

    fn end(&mut self, leaf: u64, why: Ended) {
        if self.quotes.is_empty() {
            return;
        }
        let open = std::mem::take(&mut self.open);
        self.components.extend(open.into_iter().map(|(component, from)| (component, from, Some(leaf))));
        self.close_profile(leaf);
        self.close_lists(leaf);
        self.cover(leaf, false, &why.troubles());
    }

    /// The next piece of evidence. `catalogue` says which components matter, and learns of profiles.
    pub fn evidence(&mut self, piece: &Piece<'_>, catalogue: &Catalogue<'_>) {
        let Piece { leaf, begins, reading, .. } = *piece;
        for component in piece.removed {
            if let Some(from) = self.open.remove(component) {
                self.components.push((*component, from, Some(leaf)));
            }
        }
        for component in piece.added.iter().filter(|component| catalogue.matters(component)) {
            self.open.insert(*component, leaf);
        }
        if begins != Begins::Nothing || self.boots.is_empty() {
            let continues = begins == Begins::Chain && !self.quotes.is_empty();
            self.boots.push(Boot { first: leaf, continues });
            self.told = Told::default();
            self.boot_lists(leaf, reading, catalogue);
        }
        self.boot_profile(leaf, reading, catalogue);
        self.cover(leaf, begins != Begins::Nothing, &reading.troubles);
        self.tell(leaf, reading, catalogue);
        let moment = Moment { after: piece.named, leaf };
        self.quotes.push(Quote { moment, sealed: piece.agent_time });
    }

    /// What this evidence is the first of its boot to tell of.
    fn tell(&mut self, leaf: u64, reading: &Reading, catalogue: &Catalogue<'_>) {
        let of_files = catalogue.asks_for_runs();
        for run in &reading.executions {
            if self.told.contents.insert((run.digest, run.class)) && of_files {
                let (digest, class, path) = (run.digest, run.class, run.path.clone());
                self.runs.push((What::Content { digest, class, path }, leaf));
            }
        }
        for ran in &reading.ran {
            if self.told.entries.insert(*ran) && catalogue.is_asked(ran) {
                self.runs.push((What::Entry(*ran), leaf));
            }
        }
        for key in reading.keys.iter().filter(|_| catalogue.asks_for_keys()) {
            if self.told.keys.insert((key.role, key.names.clone())) {
                catalogue.key(key);
                self.runs.push((What::Key(key.clone()), leaf));
            }
        }
    }

    /// Lists that this boot is under as the one before was go on, if no other was between them.
    fn boot_lists(&mut self, leaf: u64, reading: &Reading, catalogue: &Catalogue<'_>) {
        let new: HashSet<Sha256Digest> = reading.lists.iter().map(|list| catalogue.list(list)).collect();
        let unbroken = is_unbroken(reading);
        let open = std::mem::take(&mut self.lists);
        for (list, from) in open {
            if unbroken && new.contains(&list) {
                self.lists.insert(list, from);
            } else {
                self.profiles.push((list, from, Some(leaf)));
            }
        }
        for list in new {
            self.lists.entry(list).or_insert(leaf);
        }
    }

    fn close_lists(&mut self, leaf: u64) {
        let open = std::mem::take(&mut self.lists);
        self.profiles.extend(open.into_iter().map(|(list, from)| (list, from, Some(leaf))));
    }

    fn boot_profile(&mut self, leaf: u64, reading: &Reading, catalogue: &Catalogue<'_>) {
        let new = reading.profile.as_ref().map(|profile| catalogue.profile(profile));
        if is_unbroken(reading) && new.is_some() && self.profile.map(|(open, _)| open) == new {
            return;
        }
        self.close_profile(leaf);
        self.profile = new.map(|new| (new, leaf));
    }

    fn close_profile(&mut self, leaf: u64) {
        if let Some((open, from)) = self.profile.take() {
            self.profiles.push((open, from, Some(leaf)));
        }
    }

    /// Closes gaps that are over, opens new ones, and adds those that came and went since the evidence before.
    fn cover(&mut self, leaf: u64, new_boot: bool, troubles: &[Trouble]) {
        let open: Vec<usize> = (0..self.gaps.len())
            .filter(|at| self.gaps.get(*at).is_some_and(|gap| gap.until.is_none()))
            .collect();
        let known =
            |trouble: &&Trouble| !open.iter().filter_map(|at| self.gaps.get(*at)).any(|gap| gap.is(trouble));
        let new: Vec<&Trouble> = troubles.iter().filter(known).collect();
        for at in open {
            let Some(gap) = self.gaps.get_mut(at) else { continue };
            let stands = troubles.iter().any(|trouble| trouble.lasting != Lasting::Passed && gap.is(trouble));
            if (!gap.of_boot || new_boot) && !stands {
                gap.until = Some(leaf);
            }
        }
        for trouble in new {
            self.gaps.push(Unseen {
                source: trouble.source,
                cause: trouble.cause.clone(),
                scope: trouble.scope.clone(),
                from: self.begin(trouble),
                until: (trouble.lasting == Lasting::Passed).then_some(leaf),
                of_boot: trouble.lasting == Lasting::Boot,
            });
        }
    }

    /// The last evidence that was sealed before a trouble began: an agent may notice late that it was blind, with other evidence sealed
    /// meanwhile.
    fn begin(&self, trouble: &Trouble) -> Option<u64> {
        let Some(since) = trouble.since else { return self.last().map(|last| last.leaf) };
        let some = self.quotes.iter().rev().take(GAP_NOTICED_LATE);
        some.clone().find(|quote| quote.sealed <= since).map(|quote| quote.moment.leaf)
    }

    /// Its first quote.
    pub fn first(&self) -> Option<Moment> {
        self.quotes.first().map(|quote| quote.moment)
    }

    /// Its newest quote.
    pub fn last(&self) -> Option<Moment> {
        self.quotes.last().map(|quote| quote.moment)
    }

    /// The quote of the evidence with this leaf.
    pub(super) fn moment(&self, leaf: u64) -> Option<Moment> {
        self.at_or_after(leaf).filter(|moment| moment.leaf == leaf)
    }

    /// The last quote before a leaf.
    pub(super) fn before(&self, leaf: u64) -> Option<Moment> {
        let at = self.quotes.partition_point(|quote| quote.moment.leaf < leaf).checked_sub(1)?;
        self.quotes.get(at).map(|quote| quote.moment)
    }

    /// The first quote with this leaf or a later one.
    pub(super) fn at_or_after(&self, leaf: u64) -> Option<Moment> {
        let at = self.quotes.partition_point(|quote| quote.moment.leaf < leaf);
        self.quotes.get(at).map(|quote| quote.moment)
    }

    /// Components that matter with their leaves.
    pub(super) fn components(&self) -> impl Iterator<Item = (&Sha256Digest, u64, Option<u64>)> {
        let open = self.open.iter().map(|(component, from)| (component, *from, None));
        self.components.iter().map(|(component, from, until)| (component, *from, *until)).chain(open)
    }

    /// Profiles and lists of keys that it booted by, with their leaves.
    pub(super) fn profiles(&self) -> impl Iterator<Item = (&Sha256Digest, u64, Option<u64>)> {
        let profile = self.profile.iter().map(|(profile, from)| (profile, *from, None));
        let open = profile.chain(self.lists.iter().map(|(list, from)| (list, *from, None)));
        self.profiles.iter().map(|(profile, from, until)| (profile, *from, *until)).chain(open)
    }

    /// What happened.
    pub(super) fn runs(&self) -> impl Iterator<Item = Run<'_>> {
        let continued: HashMap<u64, bool> =
            self.boots.iter().map(|boot| (boot.first, boot.continues)).collect();
        self.runs.iter().map(move |(what, told)| {
            let continues = continued.get(told).copied().unwrap_or_default();
            let earlier = || self.boots.iter().rev().find(|boot| boot.first < *told && !boot.continues);
            let since = if continues { earlier().map_or(*told, |boot| boot.first) } else { *told };
            let until = self.boots.iter().find(|boot| boot.first > *told && !boot.continues);
            let until = until.map(|boot| boot.first);
            Run { what, told: *told, since, until }
        })
    }

    /// What could not be seen.
    pub(super) fn gaps(&self) -> &[Unseen] {
        &self.gaps
    }
}

/// Whether no boot was missed: what it was that nobody saw is not known, also where the ones around it are alike.
fn is_unbroken(reading: &Reading) -> bool {
    let missed = |trouble: &Trouble| trouble.source == Source::Boot && trouble.lasting == Lasting::Passed;
    !reading.troubles.iter().any(missed)
}
