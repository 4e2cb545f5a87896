//! Who trusted X: from the index, for every host at one moment of the database.
//!
//! In: a checked question. Out: the answer for each host with what was seen and what was not. What decides is
//! `inquiry::answer`; here is only where its presences, happenings and gaps are found. An answer is of one snapshot: what is recorded
//! meanwhile is in the next.

mod carriers;
mod doubts;
mod happened;
mod images;
mod issuers;
mod keys;
mod moments;
mod sets;
mod sightings;
mod view;

#[cfg(test)]
mod tests;

use std::collections::HashMap;

use evidence::time::UnixTime;
use inquiry::answer::{Answer, Mode, Question};
use inquiry::hosts::Selector;
use inquiry::issued::UnknownAuthority;
use inquiry::moment::{Moment, Window};
use inquiry::role::{Class, Role, Source};
use inquiry::subject::{Subject, lies_elsewhere};
use wire::trusted::{BoundView, Counts, HostAnswer, List, SubjectView, Trusted, WindowView};

use self::doubts::FoundGap;
use self::moments::Moments;
use crate::limits::{CARRIERS, INTERVALS_READ};
use crate::sql::{self, Connection};
use crate::store::directory::{self, Directory, GapEntry, HostEntry};
use crate::store::{Store, StoreError, to_i64, to_u64};

/// A question that was understood.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) subjects: Vec<Subject>,
    pub(crate) roles: Vec<Role>,
    pub(crate) least: Class,
    pub(crate) mode: Mode,
    pub(crate) from: Option<Bound>,
    pub(crate) to: Option<Bound>,
    pub(crate) hosts: Option<Selector>,
    /// Causes of gaps that do not count.
    pub(crate) accept: Vec<String>,
    pub(crate) list: List,
    /// Whether times are left out.
    pub(crate) brief: bool,
    /// Sightings of one host that are shown.
    pub(crate) shown: usize,
}

/// One end of the window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bound {
    At(UnixTime),
    Leaf(u64),
}

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AskError {
    /// The window does not fit the log.
    #[error("{0}")]
    Window(String),
    /// A subject that fits nearly everything.
    #[error(
        "up to {subject}, what was asked about is found in more than {CARRIERS} places: ask for less at once"
    )]
    Broad {
        /// The subject.
        subject: String,
    },
    /// An authority that nobody knows.
    #[error("{subject}: {why}")]
    Authority {
        /// The subject.
        subject: String,
        /// Why.
        why: UnknownAuthority,
    },
    /// Too many hosts had too much of it.
    #[error(
        "hosts had what was asked about more than {INTERVALS_READ} times: ask for less at once, or for a later window"
    )]
    Often,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for AskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// Answers.
pub(crate) async fn answer(
    store: &Store,
    asked: &Asked,
    silent_before: UnixTime,
) -> Result<Trusted, AskError> {
    let (mut reading, directory) = directory::begin(store).await?;
    answer_as_of(&mut reading, &directory, asked, silent_before, &Since::new()).await
}

/// Where the window of a host begins by itself, by its row: later than what was asked for.
pub(crate) type Since = HashMap<i64, u64>;

/// Answers as of a transaction, so that several answers are of the same moment.
pub(crate) async fn answer_as_of(
    reading: &mut Connection<'_>,
    directory: &Directory,
    asked: &Asked,
    silent_before: UnixTime,
    since: &Since,
) -> Result<Trusted, AskError> {
    let size = directory.log_size();
    let (window, shown) = window(reading, asked, size).await?;
    let question = Question::of(&asked.subjects, &asked.roles, (window, asked.mode, asked.least));
    let all = carriers::all(reading, &asked.subjects, &asked.roles).await?;
    let known = asked.subjects.iter().zip(&all).map(|(subject, carriers)| SubjectView {
        subject: subject.to_string(),
        found: carriers.asked as u64,
    });
    let known = known.collect();
    let sources: Vec<Source> =
        question.roles.iter().flat_map(|(_, sources)| sources.iter().copied().flatten().copied()).collect();
    let fits = |host: &HostEntry| {
        let label = |key: &str| host.card.labels.get(key).map(String::as_str);
        asked.hosts.as_ref().is_none_or(|only| only.matches(&host.card.name, label))
    };
    let hosts: Vec<(usize, &HostEntry)> =
        directory.hosts().iter().enumerate().filter(|(_, host)| fits(host)).collect();
    // Whoever ever had a component is a YES of a question without a window: when that was is not told.
    let is_ever = asked.list == List::Names && window == Window::ALL && asked.mode == Mode::Any;
    let by_sets = is_ever && since.is_empty() && sets::tell_all(&question, &all);
    let had = if by_sets { sets::had(reading, directory, &all).await? } else { Vec::new() };
    let of = (asked.subjects.as_slice(), all.as_slice());
    let mut found = sightings::all(reading, directory, of, window, by_sets).await?;
    let doubts =
        doubts::all(reading, directory, (&asked.subjects, &asked.roles, &all), &sources, window).await?;
    let gaps = Gaps::of(asked, window, &sources, directory, doubts);
    // Whole windows are filled by what begins where another ends, so that each end counts.
    if asked.mode == Mode::Any {
        found.bound(directory, window);
    }
    let unclear = gaps.all.iter().filter_map(|gap| {
        let host = directory.of(gap.host)?;
        gap.from_leaf.filter(|leaf| is_unclear(host.at(*leaf), window))
    });
    let exact = sorted(found.exact().chain(unclear));
    let others = if asked.brief || asked.list == List::Names { Vec::new() } else { sorted(found.shown()) };
    let moments = Moments::of(reading, &exact, &others).await?;
    let placed = found.place(reading, moments, directory).await?;
    let view = view::View {
        question: &question,
        placed: &placed,
        silent_before,
        times: !asked.brief && asked.list != List::Names,
        most: asked.shown,
    };
    let (counts, answers) = judged(view, &hosts, (&gaps, &had), asked.list, since);
    Ok(Trusted {
        subjects: asked.subjects.iter().map(ToString::to_string).collect(),
        roles: asked.roles.iter().map(|role| role.name().to_owned()).collect(),
        min_class: asked.least.name().to_owned(),
        mode: match asked.mode {
            Mode::Any => wire::trusted::Mode::Any,
            Mode::Whole => wire::trusted::Mode::Whole,
        },
        window: shown,
        accepted: asked.accept.clone(),
        limits: limits(&question, &asked.subjects),
        log_size: size,
        hosts_asked: counts,
        known,
        hosts: answers,
    })
}

/// The answer for each host, and how many there are of each.
fn judged(
    view: view::View<'_>,
    hosts: &[(usize, &HostEntry)],
    (gaps, had): (&Gaps, &[bool]),
    list: List,
    since: &Since,
) -> (Counts, Vec<HostAnswer>) {
    let (mut counts, mut answers, mut bare) = (Counts::default(), Vec::new(), Vec::new());
    let mut gaps = gaps.in_turn();
    for (place, host) in hosts {
        let own = since.get(&host.row).map(|from| Question {
            window: Window { from: Some(*from), ..view.question.window },
            ..view.question.clone()
        });
        let view = view::View { question: own.as_ref().unwrap_or(view.question), ..view };
        let gaps = gaps.of(*place);
        let sightings = view.placed.of(*place);
        // Those with a window of their own are judged by themselves.
        let mut alone = Vec::new();
        let bare = if own.is_some() { &mut alone } else { &mut bare };
        let (seen, found) = view.judge(host, (sightings, gaps), bare);
        let found = if had.get(*place) == Some(&true) { sets::with_had(&found) } else { found };
        counts.all += 1;
        match found {
            Answer::Yes(_) => counts.yes += 1,
            Answer::No(_) => counts.no += 1,
            Answer::Unknown(_) => counts.unknown += 1,
        }
        let is_no = matches!(found, Answer::No(_));
        match list {
            List::Names if !is_no => answers.push(view.named((host, &seen), found)),
            List::Exposed if !is_no => answers.push(view.of_host((host, &seen), found, sightings, gaps)),
            List::All => answers.push(view.of_host((host, &seen), found, sightings, gaps)),
            List::Names | List::Exposed => {}
        }
    }
    (counts, answers)
}

fn sorted(leaves: impl Iterator<Item = i64>) -> Vec<i64> {
    let mut leaves: Vec<i64> = leaves.collect();
    leaves.sort_unstable();
    leaves.dedup();
    leaves
}

/// Whether a bound does not tell that something was quoted after a window's end, but the exact moment may.
fn is_unclear(bound: Moment, window: Window) -> bool {
    window.to.is_some_and(|to| bound.leaf > to) && !window.is_after(bound)
}

/// Gaps that bear upon the question, by the directory's hosts.
struct Gaps {
    all: Vec<FoundGap>,
    /// The host of each.
    places: Vec<usize>,
}

impl Gaps {
    fn of(
        asked: &Asked,
        window: Window,
        sources: &[Source],
        directory: &Directory,
        doubts: Vec<FoundGap>,
    ) -> Self {
        let is_accepted = |cause: &str| asked.accept.iter().any(|accepted| accepted == cause);
        let bears = |gap: &&GapEntry| {
            sources.contains(&gap.source)
                && !is_accepted(&gap.cause)
                && !lies_elsewhere(gap.source, &gap.scope, &asked.subjects)
                && gap.to_leaf.is_none_or(|to| to_u64(to) >= window.from.unwrap_or_default())
        };
        let doubts = doubts.into_iter().filter(|gap| !is_accepted(&gap.cause));
        let mut gaps: Vec<(usize, FoundGap)> =
            doubts.filter_map(|gap| Some((directory.place(gap.host)?, gap))).collect();
        for (place, host) in directory.with_gaps() {
            gaps.extend(host.gaps.iter().filter(bears).map(|gap| (place, FoundGap::of(host.row, gap))));
        }
        gaps.sort_by_key(|(place, _)| *place);
        let (places, all) = gaps.into_iter().unzip();
        Self { all, places }
    }

    fn in_turn(&self) -> InTurn<'_> {
        InTurn { gaps: self, begin: 0 }
    }
}

/// The gaps of hosts that are asked for as the directory has them: to look each up would cost more than to judge it.
struct InTurn<'a> {
    gaps: &'a Gaps,
    begin: usize,
}

impl<'a> InTurn<'a> {
    fn of(&mut self, host: usize) -> &'a [FoundGap] {
        let left = self.gaps.places.get(self.begin..).unwrap_or_default();
        let earlier = left.iter().take_while(|place| **place < host).count();
        let own = left.iter().skip(earlier).take_while(|place| **place == host).count();
        let begin = self.begin + earlier;
        self.begin = begin + own;
        self.gaps.all.get(begin..self.begin).unwrap_or_default()
    }
}

/// What a NO does not say.
fn limits(question: &Question, subjects: &[Subject]) -> Vec<String> {
    let mut limits = Vec::new();
    let of_files = |subject: &Subject| {
        matches!(subject, Subject::File(_) | Subject::Path(_) | Subject::Package(_) | Subject::Source(_))
    };
    if subjects.iter().any(of_files) {
        limits.push(
            "files: agents measure programs, libraries, modules, scripts with an interpreter and an execute bit, and what lies in /boot; \
             other files, and packages that have none of these, are not measured"
                .to_owned(),
        );
    }
    if question.roles.iter().any(|(_, sources)| sources.iter().any(|one_of| one_of.contains(&Source::Ima))) {
        limits.push(
            "executed: the kernel's list has nothing that was run from a tmpfs or from memory; and by its usual policy it also has what \
             root only read; root can replace that policy while the system runs; what boot loaders ran is in it no more than in files"
                .to_owned(),
        );
    }
    if subjects.iter().any(|subject| matches!(subject, Subject::Sbat(_))) {
        limits.push(
            "sbat: generations that images state of themselves, as agents read them; an image without any states nothing"
                .to_owned(),
        );
    }
    if subjects.iter().any(|subject| matches!(subject, Subject::Issuer(_))) {
        limits.push(
            "issued: by the names that certificates have of their issuers; that these signed them is not verified, and no certificate counts of \
             which hosts have the digest alone"
                .to_owned(),
        );
    }
    if subjects.iter().any(|subject| matches!(subject, Subject::CertName(_))) {
        limits.push(
            "names: what certificates are called is their makers' word, and of stores on disk the agent's; one that is known by its digest alone has none"
                .to_owned(),
        );
    }
    if subjects
        .iter()
        .any(|subject| matches!(subject, Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_)))
    {
        limits.push(
            "keys: of the stores that agents read (docs/trust-anchors.md), and of signatures that files, packages and lists of packages carry"
                .to_owned(),
        );
    }
    limits
}

/// The window by the log's sizes.
async fn window(
    reading: &mut Connection<'_>,
    asked: &Asked,
    size: u64,
) -> Result<(Window, WindowView), AskError> {
    let mut ends = [None, None];
    for (end, bound) in ends.iter_mut().zip([asked.from, asked.to]) {
        let Some(bound) = bound else { continue };
        *end = Some(match bound {
            Bound::At(at) => (size_at(reading, at, size).await?, at),
            Bound::Leaf(leaf) if leaf <= size => (leaf, time_of(reading, leaf).await?),
            Bound::Leaf(leaf) => {
                return Err(AskError::Window(format!("the log has {size} leaves, not {leaf}")));
            }
        });
    }
    let [from, to] = ends;
    if let (Some((from, from_at)), Some((to, to_at))) = (from, to)
        && (from > to || from_at > to_at)
    {
        return Err(AskError::Window("the window ends before it begins".to_owned()));
    }
    let view =
        |end: Option<(u64, UnixTime)>| end.map(|(log_size, at)| BoundView { time: at.to_string(), log_size });
    let window = Window { from: from.map(|(size, _)| size), to: to.map(|(size, _)| size) };
    Ok((window, WindowView { from: view(from), to: view(to) }))
}

/// How many leaves the log had at a time. Times never fall as the log grows, so this is found by halving.
async fn size_at(reading: &mut Connection<'_>, at: UnixTime, size: u64) -> Result<u64, StoreError> {
    let at = to_i64(at.as_ms());
    let (mut known, mut beyond) = (0, to_i64(size) + 1);
    while beyond - known > 1 {
        let middle = known + (beyond - known) / 2;
        let next: Option<(i64, i64)> =
            sql::query_as("SELECT size, at_ms FROM log_time WHERE size >= ? ORDER BY size LIMIT 1")
                .bind(middle)
                .fetch_optional(&mut *reading)
                .await?;
        match next {
            Some((found, then)) if then <= at => known = found,
            _ => beyond = middle,
        }
    }
    Ok(to_u64(known))
}

/// When the log had so many leaves.
async fn time_of(reading: &mut Connection<'_>, leaves: u64) -> Result<UnixTime, StoreError> {
    let at: Option<i64> =
        sql::query_scalar("SELECT at_ms FROM log_time WHERE size >= ? ORDER BY size LIMIT 1")
            .bind(to_i64(leaves))
            .fetch_optional(reading)
            .await?;
    Ok(UnixTime::from_ms(to_u64(at.unwrap_or_default())))
}
