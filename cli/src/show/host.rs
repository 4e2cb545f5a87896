//! Hosts for people: the list, the card, the history.
//!
//! In: the verifier's answers. Out: tables and cards. What they say is the verifier's word.

use time::OffsetDateTime;
use wire::operator::{HistoryEntry, HostDetail, HostStatus, HostSummary};

use super::{Card, Cell, ClaimLine, Table, Tone, counted, result_of, short};
use crate::duration::{both, relative};

/// The word for a status.
pub(crate) const fn status_word(status: HostStatus) -> &'static str {
    match status {
        HostStatus::Trusted => "trusted",
        HostStatus::Warning => "warning",
        HostStatus::NotTrusted => "not-trusted",
        HostStatus::Stale => "stale",
        HostStatus::Pending => "pending",
        HostStatus::Retired => "retired",
    }
}

const STATUSES: [HostStatus; 6] = [
    HostStatus::Trusted,
    HostStatus::Warning,
    HostStatus::NotTrusted,
    HostStatus::Stale,
    HostStatus::Pending,
    HostStatus::Retired,
];

/// Hosts as a table.
pub(crate) fn host_table(hosts: &[HostSummary], now: OffsetDateTime) -> Table {
    let mut table = Table::new(&["NAME", "STATUS", "TIER", "SEQ", "COMPONENTS", "LAST SEEN", "ID"]);
    for host in hosts {
        table.row(vec![
            (&host.name).into(),
            Cell::status(status_word(host.status)),
            (&host.tier).into(),
            host.seq.map_or_else(Cell::none, |seq| seq.to_string().into()),
            host.components.to_string().into(),
            host.last_seen
                .as_ref()
                .map_or_else(|| Cell::toned("never", Tone::Dim), |at| relative(at, now).into()),
            Cell::toned(short(&host.id), Tone::Dim),
        ]);
    }
    table
}

/// How many hosts there are of each kind: `12 hosts: 10 trusted, 1 stale, 1 pending`.
pub(crate) fn denominator(hosts: &[HostSummary], total: u64) -> String {
    let shown = hosts.len() as u64;
    let count = |status| (status, hosts.iter().filter(|host| host.status == status).count());
    let kinds: Vec<String> = STATUSES
        .into_iter()
        .map(count)
        .filter(|(_, count)| *count > 0)
        .map(|(status, count)| format!("{count} {}", status_word(status)))
        .collect();
    let hosts = counted(total, "host");
    let of = if shown == total { hosts } else { format!("{shown} of {hosts}") };
    if kinds.is_empty() { of } else { format!("{of}: {}", kinds.join(", ")) }
}

/// Everything about a host.
pub(crate) fn host_card(host: &HostDetail, now: OffsetDateTime) -> Card {
    let summary = &host.summary;
    let mut card = Card::new(&summary.name, Cell::status(status_word(summary.status)));
    card.section("Identity");
    card.row("host", &summary.id);
    if !summary.labels.is_empty() {
        let labels: Vec<String> =
            summary.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
        card.row("labels", labels.join(" "));
    }
    card.row("TPM", format!("tier {}", summary.tier));
    card.row("attestation key", &host.ak_name);
    card.row("quotes", &host.selection);
    card.row("agent", &host.agent_version);
    card.row("enrolled", both(&summary.enrolled, now));
    evidence_section(&mut card, host, now);
    if let Some(result) = &host.result {
        let result = result_of(result);
        card.section(format!("Result: {} under {}", result.status, result.policy));
        for claim in &result.claims {
            claim_rows(&mut card, claim);
        }
    }
    coverage_section(&mut card, host);
    watching_sections(&mut card, host);
    card.section(format!("Components ({})", summary.components));
    for component in host.component_list.iter().take(COMPONENTS_SHOWN) {
        card.cells(vec![
            (&component.name).into(),
            (&component.version).into(),
            Cell::toned(&component.kind, Tone::Dim),
            Cell::toned(counted(component.artefacts, "artefact"), Tone::Dim),
            Cell::toned(short(&component.digest), Tone::Dim),
        ]);
    }
    let more = summary.components.saturating_sub(host.component_list.len().min(COMPONENTS_SHOWN) as u64);
    if more > 0 {
        card.foot(Cell::toned(format!("and {more} more: -o json has what the verifier lists"), Tone::Dim));
    }
    card.section("Posture (the agent's word)");
    for claim in &host.posture {
        card.row(&claim.key, &claim.value);
    }
    card.section("Refused evidence");
    for refusal in &host.refusals {
        card.cells(vec![
            relative(&refusal.at, now).into(),
            Cell::toned(&refusal.code, Tone::Bad),
            (&refusal.detail).into(),
            Cell::toned(&refusal.peer, Tone::Dim),
        ]);
    }
    card
}

fn evidence_section(card: &mut Card, host: &HostDetail, now: OffsetDateTime) {
    card.section("Newest evidence");
    let summary = &host.summary;
    match (&summary.seq, &summary.last_seen) {
        (Some(seq), at) => {
            card.row("position", format!("{seq} of chain {}", host.chain));
            card.row("received", at.as_ref().map_or_else(Cell::none, |at| both(at, now).into()));
        }
        (None, _) => {
            card.row("position", Cell::toned("none yet: enrolled, and nothing received", Tone::Warn));
        }
    }
    if let Some(reset) = host.reset_count {
        let restarts = host.restart_count.unwrap_or(0);
        card.row("boot", format!("TPM reset {reset}, restart {restarts}"));
    }
    if let Some(root) = &host.state_root {
        card.row("state root", root);
    }
    card.row("IMA records", format!("{} verified in this boot", host.ima_records));
}

/// The rows of a claim: its status beside the first reason, the rest below.
pub(crate) fn claim_rows(card: &mut Card, claim: &ClaimLine) {
    let mut head = vec![Cell::from(&claim.member), Cell::status(claim.status)];
    if claim.reasons.is_empty() {
        card.cells(head);
        return;
    }
    for (code, detail) in &claim.reasons {
        head.push(detail.into());
        head.push(Cell::toned(code, Tone::Dim));
        card.cells(std::mem::replace(&mut head, vec![Cell::default(), Cell::default()]));
    }
}

fn coverage_section(card: &mut Card, host: &HostDetail) {
    card.section("Coverage");
    if host.open_gaps.is_empty() {
        card.cells(vec![Cell::toned("no open gap", Tone::Good)]);
    }
    for gap in &host.open_gaps {
        card.cells(vec![
            Cell::toned("open gap", Tone::Warn),
            (&gap.cause).into(),
            (&gap.scope).into(),
            format!("since {}", gap.from).into(),
        ]);
    }
}

/// What is watched and by what means; weak ones stand out.
fn watching_sections(card: &mut Card, host: &HostDetail) {
    card.section("Watched (the agent's word)");
    for source in &host.coverage {
        let tone = match source.means.as_str() {
            "walks" | "nothing" => Tone::Warn,
            _ => Tone::Good,
        };
        card.cells(vec![
            (&source.scope).into(),
            Cell::toned(&source.means, tone),
            Cell::toned(&source.reason, Tone::Dim),
        ]);
    }
    card.section("Counters since the agent started");
    for counter in &host.counters {
        card.row(&counter.name, counter.value.to_string());
    }
    card.section("Executed (the agent's word)");
    if host.executions > 0 {
        card.row("of the state", counted(host.executions, "program"));
    }
    for stray in &host.strays {
        card.cells(vec![
            Cell::toned("not of the state", Tone::Warn),
            (&stray.path).into(),
            format!("{} times", stray.count).into(),
            stray.digest.as_deref().map_or_else(Cell::none, |digest| short(digest).into()),
        ]);
    }
}

/// History with what changed under each piece of evidence.
pub(crate) fn history(entries: &[HistoryEntry], now: OffsetDateTime) -> Table {
    let mut table = Table::new(&["WHEN", "SEQ", "WHAT", "STATUS", "SUMMARY", "LEAF"]);
    for entry in entries {
        let what = entry
            .trigger
            .as_ref()
            .map_or(entry.kind.clone(), |trigger| format!("{} ({trigger})", entry.kind));
        table.row(vec![
            both(&entry.at, now).into(),
            entry.seq.map_or_else(Cell::none, |seq| seq.to_string().into()),
            what.into(),
            entry.status.as_deref().map_or_else(Cell::none, Cell::status),
            (&entry.summary).into(),
            entry.leaf.map_or_else(Cell::none, |leaf| leaf.to_string().into()),
        ]);
        for change in &entry.changes {
            let (sign, tone) = match change.action.as_str() {
                "added" => ("+", Tone::Good),
                "removed" => ("-", Tone::Bad),
                _ => ("~", Tone::Warn),
            };
            let digests = match (&change.before, &change.after) {
                (Some(before), Some(after)) => format!("{} → {}", short(before), short(after)),
                (Some(one), None) | (None, Some(one)) => short(one),
                (None, None) => String::new(),
            };
            table.row(vec![
                Cell::default(),
                Cell::default(),
                Cell::toned(format!("{sign} {}", change.action), tone),
                Cell::default(),
                format!("{}  {digests}  {}", change.path, change.component).into(),
                Cell::default(),
            ]);
        }
        for stray in &entry.strays {
            let digest = stray.digest.as_deref().map_or_else(|| "content unknown".to_owned(), short);
            table.row(vec![
                Cell::default(),
                Cell::default(),
                Cell::toned("! stray", Tone::Warn),
                Cell::default(),
                format!("{}  {digest}  opened to be executed {} times", stray.path, stray.count).into(),
                Cell::default(),
            ]);
        }
    }
    table
}

/// Components on a card; a server has hundreds, and `-o json` has those that the verifier lists.
const COMPONENTS_SHOWN: usize = 12;
