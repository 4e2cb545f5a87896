//! Answers about hosts for people, and for spreadsheets.

use time::OffsetDateTime;
use wire::trusted::{EvidenceView, HostAnswer, SightingView, Trusted, Verdict};

use super::{Card, Cell, Table, Tone, short};
use crate::duration::relative;

fn word(answer: Verdict) -> (&'static str, Tone) {
    match answer {
        Verdict::Yes => ("YES", Tone::Bad),
        Verdict::No => ("NO", Tone::Good),
        Verdict::Unknown => ("UNKNOWN", Tone::Warn),
    }
}

fn verdict(host: &HostAnswer) -> Cell {
    let (word, tone) = word(host.answer);
    Cell::toned(word, tone)
}

/// Hosts by their names, those that are a YES first; for other programs.
pub(crate) fn trusted_names(answer: &Trusted) -> String {
    let mut hosts: Vec<&HostAnswer> = answer.hosts.iter().collect();
    hosts.sort_by_key(|host| host.answer);
    let line = |host: &HostAnswer| {
        let (word, _) = word(host.answer);
        format!("{:<7} {}\n", word.to_lowercase(), host.name.escape_debug())
    };
    hosts.into_iter().map(line).collect()
}

/// Hosts that did, then those of which it is not known; with `all` those that did not.
pub(crate) fn trusted_table(answer: &Trusted, all: bool, now: OffsetDateTime) -> Table {
    let mut table = Table::new(&["HOST", "ANSWER", "CLASS", "ROLE", "WHAT", "SINCE", "UNTIL", "ID"]);
    let mut hosts: Vec<&HostAnswer> =
        answer.hosts.iter().filter(|host| all || host.answer != Verdict::No).collect();
    hosts.sort_by_key(|host| host.answer);
    for host in hosts {
        let best = host.seen.iter().find(|seen| seen.certain).or_else(|| host.seen.first());
        let shown = best.filter(|_| host.answer != Verdict::No);
        let why = host.unknown.first().filter(|_| host.answer == Verdict::Unknown);
        let what = match (why, shown) {
            (Some(why), _) if host.unknown.len() > 1 => {
                format!("{} (and {} more)", why.detail, host.unknown.len() as u64 - 1 + host.more_unknown)
            }
            (Some(why), _) => why.detail.clone(),
            (None, Some(seen)) => described(seen),
            (None, None) => String::new(),
        };
        let time = |evidence: Option<&EvidenceView>| {
            evidence
                .and_then(|evidence| evidence.not_after.as_ref())
                .map_or_else(Cell::none, |at| relative(at, now).into())
        };
        table.row(vec![
            (&host.name).into(),
            verdict(host),
            host.class.as_ref().map_or_else(Cell::none, Into::into),
            shown.map_or_else(Cell::none, |seen| (&seen.role).into()),
            what.into(),
            time(shown.map(|seen| &seen.first)),
            time(shown.and_then(|seen| seen.until.as_ref())),
            Cell::toned(short(&host.id), Tone::Dim),
        ]);
    }
    table
}

/// What it was seen in, and where there.
fn described(seen: &SightingView) -> String {
    let level = seen.level.map(|level| match level {
        0 => "the authority".to_owned(),
        1 => "issued by it".to_owned(),
        level => format!("{level} below it"),
    });
    let more = [seen.path.as_deref(), seen.place.as_deref(), seen.label.as_deref(), level.as_deref()];
    let more: Vec<&str> = more.into_iter().flatten().collect();
    if more.is_empty() { seen.what.to_string() } else { format!("{}: {}", seen.what, more.join(", ")) }
}

/// The denominator first, and what was asked.
pub(crate) fn trusted_summary(answer: &Trusted) -> Vec<String> {
    let counts = answer.hosts_asked;
    let bound = |end: &Option<wire::trusted::BoundView>, open: &str| {
        end.as_ref().map_or_else(|| open.to_owned(), |end| format!("{} ({} leaves)", end.time, end.log_size))
    };
    let mut lines = vec![
        format!("{} hosts: {} yes, {} unknown, {} no", counts.all, counts.yes, counts.unknown, counts.no),
        format!(
            "window: from {} to {}; roles: {}; classes: A to {}; log of {} leaves",
            bound(&answer.window.from, "each host's first evidence"),
            bound(&answer.window.to, "each host's newest evidence"),
            answer.roles.join(", "),
            answer.min_class,
            answer.log_size
        ),
    ];
    let never: Vec<&str> =
        answer.known.iter().filter(|known| known.found == 0).map(|known| known.subject.as_str()).collect();
    if !answer.accepted.is_empty() {
        lines.push(format!("gaps that do not count: {}", answer.accepted.join(", ")));
    }
    if counts.no > 0 {
        lines.extend(answer.limits.iter().map(|limit| format!("a NO does not say more than this: {limit}")));
    }
    match never.as_slice() {
        [] => {}
        [one] => lines.push(format!("never seen in this fleet: {one}")),
        [one, more @ ..] => lines.push(format!("never seen in this fleet: {one} and {} more", more.len())),
    }
    lines
}

/// All that an answer rests on.
pub(crate) fn trusted_card(answer: &Trusted, host: &HostAnswer, now: OffsetDateTime) -> Card {
    let mut card = Card::new(&host.name, verdict(host));
    card.section("Question");
    for subject in &answer.subjects {
        card.row("subject", subject);
    }
    card.row("roles", answer.roles.join(", "));
    card.row("classes", format!("A to {}", answer.min_class));
    for line in trusted_summary(answer).iter().skip(1).take(1) {
        card.row("asked", line);
    }
    card.section("Host");
    card.row("identity", &host.id);
    card.row("standing", Cell::status(&host.standing));
    card.row("heard", host.heard.as_ref().map_or_else(|| "never".to_owned(), |at| relative(at, now)));
    if let Some(class) = &host.class {
        card.row("class of the answer", class);
    }
    card.section("Seen");
    for seen in &host.seen {
        let certain =
            if seen.certain { Cell::toned("within", Tone::Bad) } else { Cell::toned("near", Tone::Warn) };
        let until = seen.until.as_ref().map_or_else(|| "now".to_owned(), place);
        card.cells(vec![
            certain,
            format!("{} {}", seen.role, seen.class).into(),
            described(seen).into(),
            match &seen.last {
                Some(last) => format!("{} to {}", place(&seen.first), place(last)),
                None => format!("from {}", place(&seen.first)),
            }
            .into(),
            format!("without it: {until}").into(),
        ]);
    }
    if host.more_seen > 0 {
        card.row("not shown", format!("{} more", host.more_seen));
    }
    card.section("Not seen");
    for unknown in &host.unknown {
        let gap = unknown.gap.as_ref().map(|gap| {
            let end = |leaf: Option<u64>, open: &str| {
                leaf.map_or_else(|| open.to_owned(), |leaf| format!("leaf {leaf}"))
            };
            format!("from {} to {}", end(gap.from_leaf, "the first"), end(gap.to_leaf, "now"))
        });
        card.cells(vec![
            Cell::toned(&unknown.code, Tone::Warn),
            (&unknown.detail).into(),
            gap.map_or_else(Cell::default, Into::into),
        ]);
    }
    if host.more_unknown > 0 {
        card.row("not shown", format!("{} more", host.more_unknown));
    }
    card
}

fn place(evidence: &EvidenceView) -> String {
    match (evidence.seq, &evidence.not_after) {
        (Some(seq), Some(at)) => format!("evidence {seq} (leaf {}, {at})", evidence.leaf),
        _ => format!("leaf {}", evidence.leaf),
    }
}

/// One line a host.
pub(crate) fn trusted_csv(answer: &Trusted) -> String {
    let mut text = "host,id,answer,class,role,what,path,since,until,why\r\n".to_owned();
    for host in &answer.hosts {
        let seen = host.seen.iter().find(|seen| seen.certain).or_else(|| host.seen.first());
        let time = |evidence: Option<&EvidenceView>| {
            evidence.and_then(|evidence| evidence.not_after.clone()).unwrap_or_default()
        };
        let why: Vec<&str> = host.unknown.iter().map(|unknown| unknown.detail.as_str()).collect();
        let fields = [
            host.name.to_string(),
            host.id.to_string(),
            word(host.answer).0.to_owned(),
            host.class.clone().unwrap_or_default().into_owned(),
            seen.map(|seen| seen.role.clone()).unwrap_or_default().into_owned(),
            seen.map(|seen| seen.what.to_string()).unwrap_or_default(),
            seen.and_then(|seen| seen.path.as_ref().map(ToString::to_string)).unwrap_or_default(),
            time(seen.map(|seen| &seen.first)),
            time(seen.and_then(|seen| seen.until.as_ref())),
            why.join("; "),
        ];
        let fields: Vec<String> = fields.iter().map(|field| field_of(field)).collect();
        text.push_str(&fields.join(","));
        text.push_str("\r\n");
    }
    text
}

//= RFC 4180 §2: fields with commas, quotes or line breaks are quoted, and quotes within doubled
fn field_of(text: &str) -> String {
    // A spreadsheet would take these for formulas; a host's name may be anything.
    let guard = if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { "'" } else { "" };
    if text.contains([',', '"', '\n', '\r']) || !guard.is_empty() {
        format!("\"{guard}{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}
