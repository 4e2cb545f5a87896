//! An answer as it is shown.

use std::sync::Arc;

use evidence::time::UnixTime;
use inquiry::answer::{Answer, Gap, Overlap, Question, Reach, Seen, Span, Standing, Why};
use inquiry::moment::Moment;
use wire::trusted::{CoverageGapView, EvidenceView, HostAnswer, SightingView, UnknownView, Verdict};

use super::doubts::FoundGap;
use super::sightings::{Carried, Placed, PlacedAll, number};
use crate::limits::REASONS_SHOWN;
use crate::store::directory::HostEntry;
use crate::store::to_i64;

/// What answers are judged and shown by.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) question: &'a Question,
    pub(super) placed: &'a PlacedAll,
    pub(super) silent_before: UnixTime,
    /// Whether times are shown.
    pub(super) times: bool,
    /// Sightings of one host that are shown.
    pub(super) most: usize,
}

impl View<'_> {
    /// The answer for one host, and what is known of its time. `bare` are answers about hosts of which nothing was found.
    pub(super) fn judge(
        &self,
        host: &HostEntry,
        (placed, gaps): (&[Placed], &[FoundGap]),
        bare: &mut Vec<(Reach, Answer)>,
    ) -> (Seen, Answer) {
        let seen = seen(host, self.silent_before);
        if placed.is_empty() && gaps.is_empty() {
            let reach = self.question.reach(&seen);
            if let Some((_, answer)) = bare.iter().find(|(of, _)| *of == reach) {
                return (seen, answer.clone());
            }
            let answer = self.question.answer(&seen, &[], &[]);
            bare.push((reach, answer.clone()));
            return (seen, answer);
        }
        let sightings: Vec<_> = placed.iter().map(|placed| placed.sighting).collect();
        let plain = |gap: &FoundGap| Gap {
            source: gap.source,
            from: gap.from_leaf.map(|leaf| {
                self.placed.moments.get(leaf).map_or_else(|| host.at(leaf), |quoted| quoted.moment)
            }),
            // Of its end the leaf alone counts, be it of evidence or of an enrolment.
            until: gap.to_leaf.map(|leaf| host.at(leaf)),
        };
        let plain: Vec<Gap> = gaps.iter().map(plain).collect();
        let answer = self.question.answer(&seen, &sightings, &plain);
        (seen, answer)
    }

    /// The answer for one host, and nothing beside it.
    pub(super) fn named(&self, of: (&HostEntry, &Seen), answer: Answer) -> HostAnswer {
        let answer = match answer {
            Answer::Unknown(_) => Answer::Unknown(Vec::new()),
            known => known,
        };
        self.of_host(of, answer, &[], &[])
    }

    /// The answer for one host, as it is shown.
    pub(super) fn of_host(
        &self,
        (host, seen): (&HostEntry, &Seen),
        answer: Answer,
        placed: &[Placed],
        gaps: &[FoundGap],
    ) -> HostAnswer {
        let (verdict, class, why) = match answer {
            Answer::Yes(class) => (Verdict::Yes, Some(class.name().into()), Vec::new()),
            Answer::No(class) => (Verdict::No, Some(class.name().into()), Vec::new()),
            Answer::Unknown(why) => (Verdict::Unknown, None, why),
        };
        let mut near = placed.iter().filter(|placed| self.is_near(placed));
        let seen_there = near.by_ref().take(self.most).filter_map(|placed| self.sighting(placed)).collect();
        let more = why.len().saturating_sub(REASONS_SHOWN);
        HostAnswer {
            id: Arc::clone(&host.card.id).into(),
            name: Arc::clone(&host.card.name).into(),
            standing: match seen.now {
                Standing::Heard => "heard",
                Standing::Silent => "silent",
                Standing::Retired => "retired",
            }
            .into(),
            heard: host.heard_text.clone().map(Into::into),
            answer: verdict,
            class,
            seen: seen_there,
            more_seen: near.count() as u64,
            unknown: why.into_iter().take(REASONS_SHOWN).map(|why| unknown(why, gaps)).collect(),
            more_unknown: more as u64,
        }
    }

    /// Whether it lies in the window or near it.
    fn is_near(&self, placed: &Placed) -> bool {
        self.question.roles.iter().any(|(role, _)| *role == placed.sighting.role)
            && placed.sighting.overlap(self.question.window) != Overlap::None
    }

    fn sighting(&self, placed: &Placed) -> Option<SightingView> {
        let overlap = placed.sighting.overlap(self.question.window);
        let (first, until) = match placed.sighting.span {
            Span::Presence(presence) => (presence.first, presence.until),
            Span::Happening(happening) => (happening.told, happening.until),
        };
        let Carried { subject, carrier, what } = self.placed.carried(placed)?;
        Some(SightingView {
            subject: Arc::clone(subject).into(),
            role: placed.sighting.role.name().into(),
            class: placed.sighting.class.name().into(),
            certain: overlap == Overlap::Certain,
            what: Arc::clone(what).into(),
            path: carrier.path.clone().map(Into::into),
            place: carrier.place.clone().map(Into::into),
            label: carrier.label.clone().map(Into::into),
            level: carrier.level,
            first: self.evidence(first),
            last: placed.last.map(|moment| self.evidence(moment)),
            until: until.map(|moment| self.evidence(moment)),
        })
    }

    fn evidence(&self, moment: Moment) -> EvidenceView {
        let quoted = self.placed.moments.get(to_i64(moment.leaf)).filter(|_| self.times);
        EvidenceView {
            leaf: moment.leaf,
            seq: quoted.map(|quoted| quoted.seq),
            not_before_size: quoted.map(|quoted| quoted.moment.after),
            not_after: quoted.map(|quoted| quoted.received.to_string()),
        }
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

fn unknown(why: Why, gaps: &[FoundGap]) -> UnknownView {
    let gap = match why {
        Why::Gap(index) => gaps.get(index),
        _ => None,
    };
    let detail = match why {
        Why::NeverHeard => "the host has sent no evidence".to_owned(),
        Why::BeforeFirst => "the window begins before the host's first evidence".to_owned(),
        Why::AfterLast => {
            "no evidence of the host names a checkpoint from after the window's end: ask again after its next"
                .to_owned()
        }
        Why::Silent => "the host has sent no evidence within the promised time".to_owned(),
        Why::Edge => {
            "it came, went or ran between two quotes, and the window's edge lies between them".to_owned()
        }
        Why::Weaker(class) => format!("it did, as far as class {class} shows"),
        Why::Partly => "it did for a part of the window, and no quote shows that it stopped".to_owned(),
        Why::NoSource(role) => {
            format!("nothing of the class that was asked for would show that it was not {role}")
        }
        Why::WasThere => "it was there, and nothing tells whether it was run".to_owned(),
        Why::Gap(_) => gap.map_or_else(String::new, |gap| {
            format!("{} not seen: {} ({})", gap.source.name(), gap.cause, gap.scope)
        }),
    };
    let gap = gap.map(|gap| CoverageGapView {
        source: gap.source.name().into(),
        cause: Arc::clone(&gap.cause).into(),
        scope: Arc::clone(&gap.scope).into(),
        from_leaf: gap.from_leaf.map(number),
        to_leaf: gap.to_leaf.map(number),
    });
    UnknownView { code: why.code().into(), detail, gap }
}
