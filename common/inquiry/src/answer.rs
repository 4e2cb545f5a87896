//! YES, NO or UNKNOWN.
//!
//! In: the window, what is known of a host's presences and happenings, the first and last that was heard of it, and its gaps. Out: a
//! verdict. YES where a quote within the window shows it; NO only where every source that could have shown it was seen without a
//! gap from before the window's begin to after its end; UNKNOWN else, with every reason. A NO is as good as its sources: where
//! one of them is the agent's own word, so is the NO.

use std::collections::HashSet;

use crate::moment::{Moment, Window};
use crate::role::{Class, Role, Source};
use crate::subject::Subject;

/// Something that a host had or was for some time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Presence {
    /// The last quote without it; `None` where there is none before.
    pub before: Option<Moment>,
    /// The first quote with it.
    pub first: Moment,
    /// The last quote with it.
    pub last: Moment,
    /// The first quote without it again; `None` while it lasts.
    pub until: Option<Moment>,
}

/// Something that was done once, or more often without anybody being told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Happening {
    /// The last quote before it; `None` where there is none.
    pub before: Option<Moment>,
    /// The first quote that tells of it.
    pub told: Moment,
    /// The first quote by which it cannot go on: of the next boot.
    pub until: Option<Moment>,
}

/// How something lies to a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Overlap {
    /// Certainly without.
    None,
    /// Within, or shortly before or behind.
    Possible,
    /// Certainly within.
    Certain,
}

impl Presence {
    /// How it lies to a window.
    pub fn overlap(&self, window: Window) -> Overlap {
        if window.reaches_end(self.first) && window.reaches_begin(self.last) {
            return Overlap::Certain;
        }
        possible(window, self.before, self.until)
    }

    /// Whether it fills the window.
    fn fills(&self, window: Window, seen: &Seen) -> bool {
        let from_begin = match window.from {
            Some(_) => window.is_before(self.first),
            None => seen.first.is_some_and(|first| self.first.leaf <= first.leaf),
        };
        let to_end = match window.to {
            Some(_) => window.is_after(self.last),
            None => self.until.is_none() && seen.now != Standing::Silent,
        };
        from_begin && to_end
    }

    /// Whether a quote within the window shows that it is not there.
    fn is_interrupted(&self, window: Window) -> bool {
        [self.before, self.until].into_iter().flatten().any(|moment| window.has(moment))
    }
}

impl Happening {
    /// How it lies to a window.
    pub fn overlap(&self, window: Window) -> Overlap {
        let began = window.from.is_none() || self.before.is_some_and(|before| window.reaches_begin(before));
        if began && window.reaches_end(self.told) {
            return Overlap::Certain;
        }
        possible(window, self.before, self.until)
    }
}

fn possible(window: Window, before: Option<Moment>, until: Option<Moment>) -> Overlap {
    let begins_later = before.is_some_and(|before| window.is_after(before));
    let ended_earlier = until.is_some_and(|until| window.is_before(until));
    if begins_later || ended_earlier { Overlap::None } else { Overlap::Possible }
}

/// What is known of a host's part in a subject: one fact and when it held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// In what role.
    pub role: Role,
    /// How well that is known.
    pub class: Class,
    /// When.
    pub span: Span,
}

/// When a fact held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// For a time.
    Presence(Presence),
    /// At a time.
    Happening(Happening),
}

impl Sighting {
    /// How it lies to a window.
    pub fn overlap(&self, window: Window) -> Overlap {
        match &self.span {
            Span::Presence(presence) => presence.overlap(window),
            Span::Happening(happening) => happening.overlap(window),
        }
    }
}

/// A time for which a source could not be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The source.
    pub source: Source,
    /// The last quote before it; `None` where it was there from the first.
    pub from: Option<Moment>,
    /// The first quote for which it is over; `None` while it lasts.
    pub until: Option<Moment>,
}

impl Gap {
    /// Whether it may lie within a window.
    pub fn touches(&self, window: Window) -> bool {
        possible(window, self.from, self.until) != Overlap::None
    }
}

/// The first and last that was heard of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Its first quote.
    pub first: Option<Moment>,
    /// Its newest quote.
    pub last: Option<Moment>,
    /// How it stands now.
    pub now: Standing,
}

/// How far what was heard of a host reaches. Of hosts of which nothing was found and nothing is in doubt, those that are alike in this have the
/// same answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Whether anything was heard.
    pub is_heard: bool,
    /// Whether it was heard from before the window's begin.
    pub begin: bool,
    /// Whether it was heard to after the window's end.
    pub end: bool,
    /// How it stands now.
    pub now: Standing,
}

/// Whether more is to be expected of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It was heard within the promised time.
    Heard,
    /// It was not.
    Silent,
    /// It was retired: nothing is expected.
    Retired,
}

/// What is asked of each host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The time.
    pub window: Window,
    /// Whether at any moment of it or at all.
    pub mode: Mode,
    /// The roles, with the sources that show each: of each inner list one is enough.
    pub roles: Vec<(Role, &'static [&'static [Source]])>,
    /// What is known worse than so does not count.
    pub least: Class,
}

/// For how much of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// At any moment.
    Any,
    /// All of it.
    Whole,
}

/// The answer for one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It did; the best class of what shows it.
    Yes(Class),
    /// It did not; the worst class of what would have shown it.
    No(Class),
    /// It is not known, for each of these reasons.
    Unknown(Vec<Why>),
}

/// Why it is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Why {
    /// Nothing was ever heard of the host.
    NeverHeard,
    /// The window begins before the host's first quote.
    BeforeFirst,
    /// The window ends after the host's newest quote, or too shortly before for the log to tell.
    AfterLast,
    /// The host is silent.
    Silent,
    /// Something came, went or was done between two quotes of which the window's edge is one neighbour.
    Edge,
    /// It did, but that is known less well than was asked for.
    Weaker(Class),
    /// It did for a part of the window.
    Partly,
    /// What would show that it did not is known less well than was asked for.
    NoSource(Role),
    /// It was there, and nothing tells whether it was run.
    WasThere,
    /// A source was not seen: the gap's position in what was given.
    Gap(usize),
}

impl Why {
    /// The word for it in answers.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NeverHeard => "never-heard",
            Self::BeforeFirst => "before-first",
            Self::AfterLast => "after-last",
            Self::Silent => "silent",
            Self::Edge => "edge",
            Self::Weaker(_) => "weaker",
            Self::Partly => "partly",
            Self::NoSource(_) => "no-source",
            Self::WasThere => "was-there",
            Self::Gap(_) => "gap",
        }
    }
}

impl Question {
    /// About these subjects in these roles: every role of every subject with what shows it.
    pub fn of(subjects: &[Subject], asked: &[Role], (window, mode, least): (Window, Mode, Class)) -> Self {
        let mut roles: Vec<(Role, &'static [&'static [Source]])> = Vec::new();
        for role in asked {
            for subject in subjects.iter().filter(|subject| subject.roles().contains(role)) {
                let one = (*role, subject.sources(*role));
                if !roles.contains(&one) {
                    roles.push(one);
                }
            }
        }
        Self { window, mode, roles, least }
    }

    /// The answer for a host. Sightings must have those of every role that bears upon the ones that are asked for: what was there may
    /// have been run.
    pub fn answer(&self, seen: &Seen, sightings: &[Sighting], gaps: &[Gap]) -> Answer {
        let asked: Vec<&Sighting> = sightings
            .iter()
            .filter(|sighting| self.roles.iter().any(|(role, _)| *role == sighting.role))
            .collect();
        let (counts, weaker): (Vec<&Sighting>, Vec<&Sighting>) =
            asked.into_iter().partition(|sighting| sighting.class.reaches(self.least));
        if let Some(class) = self.yes(seen, &counts, gaps) {
            return Answer::Yes(class);
        }
        let mut why = Vec::new();
        match self.mode {
            Mode::Any if counts.iter().any(|sighting| sighting.overlap(self.window) != Overlap::None) => {
                why.push(Why::Edge);
            }
            Mode::Whole if !self.is_interrupted(&counts) && !counts.is_empty() => why.push(Why::Partly),
            _ => {}
        }
        let inside = weaker.iter().filter(|sighting| sighting.overlap(self.window) != Overlap::None);
        why.extend(inside.map(|sighting| sighting.class).min().map(Why::Weaker));
        why.extend(self.unseen(seen));
        let mut worst = Class::A;
        for (role, sources) in &self.roles {
            for one_of in *sources {
                match self.resting_on(*role, one_of, sightings, gaps) {
                    Ok(source) => worst = worst.max(source.class()),
                    Err(reasons) if reasons.is_empty() => why.push(Why::NoSource(*role)),
                    Err(reasons) => why.extend(reasons),
                }
            }
        }
        let mut told = HashSet::with_capacity(why.len());
        why.retain(|reason| told.insert(*reason));
        if why.is_empty() { Answer::No(worst) } else { Answer::Unknown(why) }
    }

    fn yes(&self, seen: &Seen, counts: &[&Sighting], gaps: &[Gap]) -> Option<Class> {
        match self.mode {
            Mode::Any => {
                let certain =
                    counts.iter().filter(|sighting| sighting.overlap(self.window) == Overlap::Certain);
                certain.map(|sighting| sighting.class).min().or_else(|| self.boot_to_boot(counts, gaps))
            }
            Mode::Whole => self.roles.iter().find_map(|(role, _)| {
                let of_role: Vec<_> = counts.iter().filter(|sighting| sighting.role == *role).collect();
                let worst = of_role.iter().map(|sighting| sighting.class).max()?;
                let spans = of_role.iter().filter_map(|sighting| match sighting.span {
                    Span::Presence(presence) => Some(presence),
                    Span::Happening(_) => None,
                });
                joined(spans.collect()).iter().any(|span| span.fills(self.window, seen)).then_some(worst)
            }),
        }
    }

    /// A host is in one of two boots whose quotes follow each other, if none was missed between them: what both have it had throughout. With
    /// files it is not so: what is replaced may have been gone for a while.
    fn boot_to_boot(&self, counts: &[&Sighting], gaps: &[Gap]) -> Option<Class> {
        if gaps.iter().any(|gap| gap.source == Source::Boot && gap.touches(self.window)) {
            return None;
        }
        self.roles.iter().find_map(|(role, _)| {
            let of_boots =
                counts.iter().filter(|sighting| sighting.role == *role && sighting.class < Class::D);
            let worst = of_boots.clone().map(|sighting| sighting.class).max()?;
            let spans = of_boots.filter_map(|sighting| match sighting.span {
                Span::Presence(presence) => Some(presence),
                Span::Happening(_) => None,
            });
            let spans = joined(spans.collect());
            spans.iter().any(|span| span.overlap(self.window) == Overlap::Certain).then_some(worst)
        })
    }

    /// Whether in each role there was a quote without it.
    fn is_interrupted(&self, counts: &[&Sighting]) -> bool {
        let spans = |role: Role| {
            let of_role = counts.iter().filter(move |sighting| sighting.role == role);
            of_role.filter_map(|sighting| match sighting.span {
                Span::Presence(presence) => Some(presence),
                Span::Happening(_) => None,
            })
        };
        self.roles.iter().all(|(role, _)| {
            let spans = joined(spans(*role).collect());
            spans.is_empty() || spans.iter().any(|span| span.is_interrupted(self.window))
        })
    }

    /// Parts of the window in which nothing was heard of the host.
    fn unseen(&self, seen: &Seen) -> Vec<Why> {
        let reach = self.reach(seen);
        if !reach.is_heard {
            return vec![Why::NeverHeard];
        }
        let mut why = Vec::new();
        if !reach.begin {
            why.push(Why::BeforeFirst);
        }
        if !reach.end {
            let is_silent = seen.now == Standing::Silent;
            why.push(if is_silent { Why::Silent } else { Why::AfterLast });
        }
        why
    }

    /// How far what was heard of a host reaches.
    pub fn reach(&self, seen: &Seen) -> Reach {
        let (first, last) = (seen.first, seen.last);
        Reach {
            is_heard: first.is_some() && last.is_some(),
            begin: self.window.from.is_none() || first.is_some_and(|first| self.window.is_before(first)),
            end: match self.window.to {
                Some(_) => last.is_some_and(|last| self.window.is_after(last)),
                None => seen.now != Standing::Silent,
            },
            now: seen.now,
        }
    }

    /// The best source of these that would have shown it throughout; else why the one that missed the fewest times would not have. There are none
    /// where no source is good enough. Of times that begin and end together it does not matter how many things were missed in them, nor who counts these apart.
    fn resting_on(
        &self,
        role: Role,
        one_of: &[Source],
        sightings: &[Sighting],
        gaps: &[Gap],
    ) -> Result<Source, Vec<Why>> {
        let mut best: Option<(usize, Vec<Why>)> = None;
        for source in one_of.iter().filter(|source| source.class().reaches(self.least)) {
            let of_source = gaps.iter().enumerate().filter(|(_, gap)| gap.source == *source);
            let touching: Vec<_> = of_source.filter(|(_, gap)| gap.touches(self.window)).collect();
            let mut found: Vec<Why> = touching.iter().map(|(index, _)| Why::Gap(*index)).collect();
            if *source == Source::Files && role == Role::Executed && self.was_there(sightings) {
                found.push(Why::WasThere);
            }
            if found.is_empty() {
                return Ok(*source);
            }
            let leaf = |moment: Option<Moment>| moment.map(|moment| moment.leaf);
            let times: HashSet<_> =
                touching.iter().map(|(_, gap)| (leaf(gap.from), leaf(gap.until))).collect();
            let missed = times.len() + usize::from(found.len() > touching.len());
            if best.as_ref().is_none_or(|(least, _)| missed < *least) {
                best = Some((missed, found));
            }
        }
        Err(best.map(|(_, why)| why).unwrap_or_default())
    }

    /// Whether the host may have had it: then files do not tell that it was not run.
    fn was_there(&self, sightings: &[Sighting]) -> bool {
        let present = sightings.iter().filter(|sighting| sighting.role == Role::Present);
        present.into_iter().any(|sighting| sighting.overlap(self.window) != Overlap::None)
    }
}

/// Spans of which one begins with the quote that ends the other, as one.
fn joined(mut spans: Vec<Presence>) -> Vec<Presence> {
    spans.sort_unstable_by_key(|span| span.first.leaf);
    let mut joined: Vec<Presence> = Vec::with_capacity(spans.len());
    for span in spans {
        match joined.last_mut() {
            Some(open) if open.until.is_none_or(|until| span.first.leaf <= until.leaf) => {
                if span.last.leaf > open.last.leaf {
                    open.last = span.last;
                }
                let ends_later = match (open.until, span.until) {
                    (None, _) => false,
                    (Some(_), None) => true,
                    (Some(open), Some(own)) => own.leaf > open.leaf,
                };
                if ends_later {
                    open.until = span.until;
                }
            }
            _ => joined.push(span),
        }
    }
    joined
}

#[cfg(test)]
mod tests;
