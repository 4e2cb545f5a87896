//! What came of a proof, for programs and for people.

use serde::Serialize;
use wire::trusted::{BoundView, Counts, Trusted, Verdict, WindowView};

use super::hosts::Denominator;
use crate::error::CliError;
use crate::log::{Cosigned, verify};
use crate::show::{Card, Cell, Tone, counted};
use crate::ui::{Format, Ui};

/// What came of it.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(super) subjects: Vec<String>,
    pub(super) roles: Vec<String>,
    pub(super) min_class: String,
    pub(super) mode: wire::trusted::Mode,
    pub(super) window: WindowView,
    pub(super) accepted: Vec<String>,
    /// What a NO does not say.
    pub(super) limits: Vec<String>,
    pub(super) log: LogReport,
    /// Leaves of the log of which the answer is.
    pub(super) log_size: u64,
    /// How many hosts have each answer, counted here.
    pub(super) answers: Counts,
    /// Whether they are all hosts that the log knows of.
    pub(super) denominator: Denominator,
    /// Answers that follow from the evidence as they were given.
    pub(super) follow: u64,
    /// Answers that were UNKNOWN, and YES or NO by what is here.
    pub(super) sharper: u64,
    /// Answers that do not follow.
    pub(super) differ: u64,
    pub(super) chains: u64,
    pub(super) attestations: u64,
    pub(super) manifests: u64,
    pub(super) hosts: Vec<HostReport>,
    pub(crate) findings: Vec<String>,
    pub(crate) holds: bool,
}

/// The log that the evidence is in.
#[derive(Debug, Default, Serialize)]
pub(super) struct LogReport {
    pub(super) origin: String,
    pub(super) size: u64,
    pub(super) root: String,
    /// `reached`, `none` where the policy asks for none, `no-policy`, or `not-asked` where no key was given.
    pub(super) quorum: &'static str,
    pub(super) cosigned: Vec<Cosigned>,
}

/// One host.
#[derive(Debug, Serialize)]
pub(super) struct HostReport {
    pub(super) id: String,
    pub(super) name: String,
    /// As the verifier said.
    pub(super) said: Verdict,
    pub(super) said_class: Option<String>,
    /// As it follows from the evidence.
    pub(super) found: Verdict,
    pub(super) class: Option<&'static str>,
    /// Reasons of an UNKNOWN.
    pub(super) why: Vec<&'static str>,
    pub(super) chains: u64,
    pub(super) attestations: u64,
    /// When the newest evidence came, by the verifier's clock.
    pub(super) newest: Option<String>,
}

impl Report {
    /// Of an answer that was not looked at yet.
    pub(super) fn of(answer: &Trusted) -> Self {
        Self {
            subjects: answer.subjects.clone(),
            roles: answer.roles.clone(),
            min_class: answer.min_class.clone(),
            mode: answer.mode,
            window: answer.window.clone(),
            accepted: answer.accepted.clone(),
            limits: answer.limits.clone(),
            log: LogReport::default(),
            log_size: answer.log_size,
            answers: Counts::default(),
            denominator: Denominator::default(),
            follow: 0,
            sharper: 0,
            differ: 0,
            chains: 0,
            attestations: 0,
            manifests: 0,
            hosts: Vec::new(),
            findings: Vec::new(),
            holds: false,
        }
    }

    /// In one line.
    pub(crate) fn summary(&self) -> String {
        let (hosts, pieces) =
            (counted(self.answers.all, "answer"), counted(self.attestations, "attestation"));
        if self.holds {
            let follow = if self.answers.all == 1 { "follows" } else { "follow" };
            format!("{hosts} {follow} from {pieces}")
        } else {
            format!("of {hosts} {} do not follow from {pieces}", self.differ)
        }
    }

    /// Adds a host, with what of its evidence does not hold.
    pub(super) fn add(&mut self, host: HostReport, findings: &[String]) {
        self.answers.all += 1;
        *match host.said {
            Verdict::Yes => &mut self.answers.yes,
            Verdict::No => &mut self.answers.no,
            Verdict::Unknown => &mut self.answers.unknown,
        } += 1;
        let (name, said, found) = (&host.name, host.said_text(), host.found_text());
        self.findings.extend(findings.iter().map(|why| format!("host {name}: {why}")));
        if host.follows() {
            self.follow += 1;
        } else if host.is_sharper() {
            self.sharper += 1;
        } else {
            self.differ += 1;
            let why = if host.why.is_empty() { String::new() } else { format!(": {}", host.why.join(", ")) };
            self.findings
                .push(format!("host {name}: the answer is {said}, and the evidence gives {found}{why}"));
        }
        self.chains += host.chains;
        self.attestations += host.attestations;
        self.hosts.push(host);
    }
}

impl HostReport {
    fn said_text(&self) -> String {
        text(self.said, self.said_class.as_deref())
    }

    fn found_text(&self) -> String {
        text(self.found, self.class)
    }

    /// Whether the evidence says the same.
    pub(super) fn follows(&self) -> bool {
        self.said == self.found && self.said_class.as_deref() == self.class
    }

    /// Whether it says more.
    pub(super) fn is_sharper(&self) -> bool {
        self.said == Verdict::Unknown && self.found != Verdict::Unknown
    }
}

fn text(verdict: Verdict, class: Option<&str>) -> String {
    let word = match verdict {
        Verdict::Yes => "YES",
        Verdict::No => "NO",
        Verdict::Unknown => "UNKNOWN",
    };
    class.map_or_else(|| word.to_owned(), |class| format!("{word} ({class})"))
}

pub(super) fn show(ui: &mut Ui, report: &Report) -> Result<(), CliError> {
    if ui.format() != Format::Table {
        return ui.json(report);
    }
    let text = card(report).render(ui.screen());
    ui.text(&text)
}

fn card(report: &Report) -> Card {
    let standing = verify::standing(report.holds);
    let (first, more) =
        (report.subjects.first().cloned().unwrap_or_default(), report.subjects.len().saturating_sub(1));
    let title = if more == 0 { first } else { format!("{first} and {more} more") };
    let mut card = Card::new(&title, standing);
    question_section(&mut card, report);
    log_section(&mut card, &report.log);
    answer_section(&mut card, report);
    if report.hosts.len() <= HOSTS_SHOWN {
        host_section(&mut card, &report.hosts);
    }
    let (shown, more) = report.findings.split_at(report.findings.len().min(FINDINGS_SHOWN));
    verify::list_findings(&mut card, shown);
    if !more.is_empty() {
        card.foot(Cell::toned(format!("and {} more; -o json has them all", more.len()), Tone::Bad));
    }
    card
}

fn question_section(card: &mut Card, report: &Report) {
    card.section("Question");
    card.row("roles", report.roles.join(", ").as_str());
    card.row("class", format!("{} or better", report.min_class).as_str());
    let end = |end: &Option<BoundView>, open: &str| {
        end.as_ref().map_or_else(|| open.to_owned(), |end| format!("{} (leaf {})", end.time, end.log_size))
    };
    card.row("from", end(&report.window.from, "as early as each host is known").as_str());
    card.row("to", end(&report.window.to, "as late as each host is known").as_str());
    if !report.accepted.is_empty() {
        card.row("accepted", Cell::toned(format!("gaps of {}", report.accepted.join(", ")), Tone::Warn));
    }
}

fn log_section(card: &mut Card, log: &LogReport) {
    card.section("Log");
    card.row("origin", &log.origin);
    card.row("checkpoint", format!("{} leaves, root {}", log.size, log.root).as_str());
    let quorum = match log.quorum {
        "reached" => Cell::toned("reached", Tone::Good),
        "none" => Cell::toned("none: the policy asks for no witness", Tone::Warn),
        "no-policy" => Cell::toned("not asked for: no --policy was given", Tone::Warn),
        _ => Cell::toned("not asked for: neither --log-key nor --policy was given", Tone::Warn),
    };
    card.row("quorum", quorum);
    for word in &log.cosigned {
        let at = evidence::time::UnixTime::from_secs(word.time_secs);
        card.row("cosigned", format!("{} at {at}", word.witness).as_str());
    }
}

fn answer_section(card: &mut Card, report: &Report) {
    card.section("Evidence");
    card.row("chains", counted(report.chains, "chain").as_str());
    card.row("attestations", format!("{} verified", report.attestations).as_str());
    card.row("manifests", report.manifests.to_string().as_str());
    card.section("Answers");
    card.row("of", format!("the log's first {} leaves", report.log_size).as_str());
    let Counts { all, yes, no, unknown } = report.answers;
    card.row("hosts", format!("{all}: {yes} YES, {no} NO, {unknown} UNKNOWN").as_str());
    card.row("follow", format!("{} as they were given", report.follow).as_str());
    if report.sharper > 0 {
        let text = format!("{} were UNKNOWN, and are not by what is here", report.sharper);
        card.row("sharper", Cell::toned(text, Tone::Warn));
    }
    if report.differ > 0 {
        card.row("differ", Cell::toned(report.differ.to_string(), Tone::Bad));
    }
    card.row(
        "others",
        match report.denominator {
            Denominator::Proved => Cell::toned("none: the log knows of no other host", Tone::Good),
            Denominator::Chosen => Cell::toned(
                "hosts were chosen by name: that no other has such a name is the verifier's word",
                Tone::Warn,
            ),
            Denominator::NotChecked => Cell::toned(
                "not looked for: `lydian log audit` of a whole export shows whether there are",
                Tone::Warn,
            ),
        },
    );
    for limit in &report.limits {
        card.row("does not say", limit);
    }
}

fn host_section(card: &mut Card, hosts: &[HostReport]) {
    card.section("Hosts");
    for host in hosts {
        let tone = if host.follows() {
            Tone::Good
        } else if host.is_sharper() {
            Tone::Warn
        } else {
            Tone::Bad
        };
        let found = host.found_text();
        let found = if host.follows() {
            format!("{found} follows")
        } else {
            format!("{} was said, the evidence gives {found}", host.said_text())
        };
        let why = host.why.join(", ");
        card.cells(vec![(&host.name).into(), Cell::toned(found, tone), (&why).into()]);
    }
}

const HOSTS_SHOWN: usize = 50;
const FINDINGS_SHOWN: usize = 100;
