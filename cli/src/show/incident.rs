//! Incidents for people: what is left to do first.

use wire::incident::{IncidentHost, IncidentState, IncidentStatus};
use wire::trusted::{BoundView, SightingView, Verdict};

use super::document::Document;
use super::{Cell, Table, Tone, short};

/// Hosts that are not a NO, the worst first.
pub(crate) fn incident_table(status: &IncidentStatus) -> Table {
    let mut table = Table::new(&["HOST", "STATE", "ANSWER", "CLASS", "LEFT TO DO", "ID"]);
    for host in &status.hosts {
        table.row(vec![
            (&host.name).into(),
            Cell::toned(host.state.name(), tone(host.state)),
            word(host.answer).into(),
            host.class.as_ref().map_or_else(Cell::none, Into::into),
            shown(host).join("; ").into(),
            Cell::toned(short(&host.id), Tone::Dim),
        ]);
    }
    table
}

const fn tone(state: IncidentState) -> Tone {
    match state {
        IncidentState::Exposed => Tone::Bad,
        IncidentState::Unknown | IncidentState::Contained => Tone::Warn,
        IncidentState::ReAttested => Tone::Good,
    }
}

const fn word(answer: Verdict) -> &'static str {
    match answer {
        Verdict::Yes => "YES",
        Verdict::No => "NO",
        Verdict::Unknown => "UNKNOWN",
    }
}

/// What is left to do of which evidence will show that it was done.
fn shown(host: &IncidentHost) -> Vec<&str> {
    host.todo.iter().filter(|todo| todo.shown).map(|todo| todo.what.as_str()).collect()
}

/// The denominator first.
pub(crate) fn incident_summary(status: &IncidentStatus) -> Vec<String> {
    let counts = status.counts;
    let mut lines = vec![
        format!(
            "{} hosts: {} exposed, {} unknown, {} contained, {} re-attested, {} no",
            counts.all, counts.exposed, counts.unknown, counts.contained, counts.re_attested, counts.no
        ),
        window(status),
    ];
    if status.hosts.iter().any(|host| host.todo.iter().any(|todo| !todo.shown)) {
        lines.push(
            "rotate what exposed hosts held: keys, tokens, passwords. No evidence shows that it was done"
                .to_owned(),
        );
    }
    if counts.no > 0 {
        lines.extend(status.limits.iter().map(|limit| format!("a NO does not say more than this: {limit}")));
    }
    lines
}

fn window(status: &IncidentStatus) -> String {
    let bound = |end: &Option<BoundView>, open: &str| {
        end.as_ref().map_or_else(|| open.to_owned(), |end| format!("{} ({} leaves)", end.time, end.log_size))
    };
    format!(
        "window: from {} to {}; roles: {}; log of {} leaves",
        bound(&status.window.from, "each host's first evidence"),
        bound(&status.window.to, "each host's newest evidence"),
        status.roles.join(", "),
        status.log_size
    )
}

/// All that is known of it, to be handed on.
pub(crate) fn incident_report(status: &IncidentStatus) -> Document {
    let (incident, counts) = (&status.incident, status.counts);
    let mut document = Document::new(format!("Incident {}", incident.rule.name));
    if !incident.rule.note.is_empty() {
        document.paragraph(&incident.rule.note);
    }
    let closed = incident.closed.as_ref().map_or_else(|| "open".to_owned(), |at| format!("closed {at}"));
    document.paragraph(format!("Opened {} by {}; {closed}.", incident.opened, incident.who));
    document.heading("Which hosts");
    document.table(
        &["hosts", "how many", "what it means"],
        [
            ("all", counts.all, "that were asked about"),
            ("exposed", counts.exposed, "their newest evidence still shows something of it"),
            ("unknown", counts.unknown, "evidence says neither yes nor no"),
            (
                "contained",
                counts.contained,
                "nothing of it is left; they have not attested as trusted from a boot without it",
            ),
            ("re-attested", counts.re_attested, "they attest as trusted, from a boot that began without it"),
            ("no", counts.no, "every source that would have shown it was seen without a gap, and none did"),
        ]
        .into_iter()
        .map(|(name, count, means)| vec![name.to_owned(), count.to_string(), means.to_owned()])
        .collect(),
    );
    document.heading("What was asked");
    document.list(incident.rule.question.subjects.clone());
    document.paragraph(window(status));
    let accepted = &incident.rule.question.accept;
    if !accepted.is_empty() {
        document.paragraph(format!("Gaps that do not count: {}", accepted.join(", ")));
    }
    document.heading("What is left to do");
    let left = |host: &&IncidentHost| host.state != IncidentState::ReAttested;
    let rows = status.hosts.iter().filter(left).map(|host| {
        let todo: Vec<&str> = host.todo.iter().map(|todo| todo.what.as_str()).collect();
        vec![host.name.clone(), host.state.name().to_owned(), todo.join("; ")]
    });
    document.table(&["host", "state", "to do"], rows.collect());
    document.heading("What shows it");
    for host in &status.hosts {
        let class = host.class.as_ref().map_or_else(String::new, |class| format!(", class {class}"));
        document.paragraph(format!("{} ({}): {}{class}", host.name, host.id, word(host.answer)));
        let seen = host.seen.iter().map(evidence);
        let unknown = host.unknown.iter().map(|why| format!("not known: {}", why.detail));
        let more = (host.more_seen > 0).then(|| format!("and {} more", host.more_seen));
        document.list(seen.chain(more).chain(unknown).collect());
    }
    document.heading("What this does not say");
    document.list(status.limits.clone());
    document.paragraph(
        "Leaves are positions in the verifier's log: `lydian evidence fetch HOST SEQ` gives the quote behind one with its proof, and `lydian evidence verify` checks it without the verifier.",
    );
    document
}

fn evidence(seen: &SightingView) -> String {
    let more = [seen.path.as_deref(), seen.place.as_deref(), seen.label.as_deref()];
    let what: Vec<&str> = std::iter::once(&*seen.what).chain(more.into_iter().flatten()).collect();
    let place = |evidence: &wire::trusted::EvidenceView| match (&evidence.not_after, evidence.seq) {
        (Some(at), Some(seq)) => format!("{at} (leaf {}, evidence {seq})", evidence.leaf),
        _ => format!("leaf {}", evidence.leaf),
    };
    let until = seen
        .until
        .as_ref()
        .map_or_else(|| "still there".to_owned(), |until| format!("until {}", place(until)));
    format!(
        "{} {} in {} (class {}), from {}, {until}",
        seen.subject,
        seen.role,
        what.join(", "),
        seen.class,
        place(&seen.first)
    )
}
