//! An answer as it is shown.

use evidence::time::UnixTime;
use inquiry::answer::{Answer, Gap, Overlap, Question, Seen, Span, Standing, Why};
use inquiry::moment::Moment;
use wire::trusted::{CoverageGapView, EvidenceView, HostAnswer, SightingView, UnknownView, Verdict};

use super::doubts::FoundGap;
use super::moments::Moments;
use super::sightings::{Placed, number};
use crate::limits::{REASONS_SHOWN, SIGHTINGS_SHOWN};
use crate::store::directory::HostEntry;

/// The answer for one host, and what is known of its time.
pub(super) fn judge(
    question: &Question,
    host: &HostEntry,
    silent_before: UnixTime,
    placed: &[Placed],
    gaps: &[FoundGap],
    moments: &Moments,
) -> (Seen, Answer) {
    let sightings: Vec<_> = placed.iter().map(|placed| placed.sighting).collect();
    // A gap that ends with the leaf of an enrolment has no quote there: it is taken to be as long as it may be.
    let moment = |leaf: i64| moments.get(leaf).map(|quoted| quoted.moment);
    let plain = |gap: &FoundGap| Gap {
        source: gap.source,
        from: gap.from_leaf.and_then(moment),
        until: gap.to_leaf.and_then(moment),
    };
    let plain: Vec<Gap> = gaps.iter().map(plain).collect();
    let seen = seen(host, silent_before);
    let answer = question.answer(&seen, &sightings, &plain);
    (seen, answer)
}

/// The answer for one host, as it is shown.
pub(super) fn of_host(
    question: &Question,
    (host, seen): (&HostEntry, &Seen),
    answer: Answer,
    placed: &[Placed],
    gaps: &[FoundGap],
    moments: &Moments,
) -> HostAnswer {
    let (verdict, class, why) = match answer {
        Answer::Yes(class) => (Verdict::Yes, Some(class.name().to_owned()), Vec::new()),
        Answer::No(class) => (Verdict::No, Some(class.name().to_owned()), Vec::new()),
        Answer::Unknown(why) => (Verdict::Unknown, None, why),
    };
    let mut near = placed.iter().filter(|placed| is_near(question, placed));
    let seen_there =
        near.by_ref().take(SIGHTINGS_SHOWN).map(|placed| sighting(question, placed, moments)).collect();
    let more = why.len().saturating_sub(REASONS_SHOWN);
    HostAnswer {
        id: host.card.id.clone(),
        name: host.card.name.clone(),
        standing: match seen.now {
            Standing::Heard => "heard",
            Standing::Silent => "silent",
            Standing::Retired => "retired",
        }
        .to_owned(),
        heard: host.heard.map(|at| at.to_string()),
        answer: verdict,
        class,
        seen: seen_there,
        more_seen: near.count() as u64,
        unknown: why.into_iter().take(REASONS_SHOWN).map(|why| unknown(why, gaps)).collect(),
        more_unknown: more as u64,
    }
}

/// The first and last that was heard of a host, and whether it is silent now.
fn seen(host: &HostEntry, silent_before: UnixTime) -> Seen {
    let now = match host.heard {
        _ if host.retired => Standing::Retired,
        Some(heard) if heard >= silent_before => Standing::Heard,
        _ => Standing::Silent,
    };
    let (first, last) = host.quotes.unzip();
    Seen { first, last, now }
}

/// Whether it lies in the window or near it.
fn is_near(question: &Question, placed: &Placed) -> bool {
    question.roles.iter().any(|(role, _)| *role == placed.sighting.role)
        && placed.sighting.overlap(question.window) != Overlap::None
}

fn sighting(question: &Question, placed: &Placed, moments: &Moments) -> SightingView {
    let overlap = placed.sighting.overlap(question.window);
    let (first, last, until) = match placed.sighting.span {
        Span::Presence(presence) => (presence.first, presence.last, presence.until),
        Span::Happening(happening) => (happening.told, happening.told, happening.until),
    };
    let carrier = &placed.carrier;
    SightingView {
        subject: placed.subject.to_string(),
        role: placed.sighting.role.name().to_owned(),
        class: placed.sighting.class.name().to_owned(),
        certain: overlap == Overlap::Certain,
        what: placed.what.to_string(),
        path: carrier.path.clone(),
        place: carrier.place.clone(),
        label: carrier.label.clone(),
        first: evidence(first, moments),
        last: evidence(last, moments),
        until: until.map(|moment| evidence(moment, moments)),
    }
}

fn evidence(moment: Moment, moments: &Moments) -> EvidenceView {
    let quoted = moments.told(crate::store::to_i64(moment.leaf));
    EvidenceView {
        leaf: moment.leaf,
        seq: quoted.map(|quoted| quoted.seq),
        not_before_size: quoted.map(|quoted| quoted.moment.after),
        not_after: quoted.map(|quoted| quoted.received.to_string()),
    }
}

fn unknown(why: Why, gaps: &[FoundGap]) -> UnknownView {
    let view = |code: &str, detail: String| UnknownView { code: code.to_owned(), detail, gap: None };
    match why {
        Why::NeverHeard => view("never-heard", "the host has sent no evidence".to_owned()),
        Why::BeforeFirst => view("before-first", "the window begins before the host's first evidence".to_owned()),
        Why::AfterLast => view(
            "after-last",
            "no evidence of the host names a checkpoint from after the window's end: ask again after its next".to_owned(),
        ),
        Why::Silent => view("silent", "the host has sent no evidence within the promised time".to_owned()),
        Why::Edge => view("edge", "it came, went or ran between two quotes, and the window's edge lies between them".to_owned()),
        Why::Weaker(class) => view("weaker", format!("it did, as far as class {class} shows")),
        Why::Partly => view("partly", "it did for a part of the window, and no quote shows that it stopped".to_owned()),
        Why::NoSource(role) => {
            view("no-source", format!("nothing of the class that was asked for would show that it was not {role}"))
        }
        Why::WasThere => view("was-there", "it was there, and nothing tells whether it was run".to_owned()),
        Why::Gap(index) => {
            let Some(gap) = gaps.get(index) else { return view("gap", String::new()) };
            UnknownView {
                code: "gap".to_owned(),
                detail: format!("{} not seen: {} ({})", gap.source.name(), gap.cause, gap.scope),
                gap: Some(CoverageGapView {
                    source: gap.source.name().to_owned(),
                    cause: gap.cause.to_string(),
                    scope: gap.scope.to_string(),
                    from_leaf: gap.from_leaf.map(number),
                    to_leaf: gap.to_leaf.map(number),
                }),
            }
        }
    }
}
