//! `lydian host …` and `lydian refusal list`: what the verifier knows of hosts.

use inquiry::hosts::{Label, Selector, check_key};
use wire::operator::{
    HistoryEntry, HostDetail, HostHistory, HostList, HostStatus, LabelHost, RefusalList, RetireHost,
    RetiredHost,
};

use crate::Outcome;
use crate::args::{HostCommand, StatusArg};
use crate::client::{Client, Denied, Request};
use crate::duration::both;
use crate::error::CliError;
use crate::limits::{HISTORY_PER_PAGE, HOST_PAGES, HOSTS_PER_PAGE};
use crate::show::{self, Cell, Table, Tone, short};
use crate::ui::{Format, Ui};

pub(super) fn run(client: &Client, ui: &mut Ui, command: HostCommand) -> Result<Outcome, CliError> {
    match command {
        HostCommand::List { status, search, hosts } => {
            let hosts = hosts.as_deref().map(str::parse).transpose();
            let hosts = hosts.map_err(|error| CliError::value("--hosts", error))?;
            list(client, ui, (status, search.as_deref()), hosts.as_ref())
        }
        HostCommand::Label { host, labels } => label(client, ui, &host, &labels),
        HostCommand::Show { host, strict } => show(client, ui, &host, strict),
        HostCommand::Retire { host, reason } => retire(client, ui, &host, &reason),
        HostCommand::History { host, limit } => history(client, ui, &host, limit),
    }
}

fn list(
    client: &Client,
    ui: &mut Ui,
    (status, search): (Option<StatusArg>, Option<&str>),
    hosts: Option<&Selector>,
) -> Result<Outcome, CliError> {
    let mut list = all_hosts(client, status, search)?;
    if let Some(hosts) = hosts {
        list.hosts.retain(|host| hosts.matches(&host.name, |key| host.labels.get(key).map(String::as_str)));
    }
    match ui.format() {
        Format::Json => ui.json(&list)?,
        Format::Jsonl => list.hosts.iter().try_for_each(|host| ui.json(host))?,
        Format::Table | Format::Csv => {
            let text = show::host_table(&list.hosts, ui.now()).render(ui.screen());
            ui.text(&text)?;
        }
    }
    ui.note(&show::denominator(&list.hosts, list.total));
    Ok(Outcome::Good)
}

/// All pages as one.
fn all_hosts(client: &Client, status: Option<StatusArg>, search: Option<&str>) -> Result<HostList, CliError> {
    let limit = HOSTS_PER_PAGE.to_string();
    let mut all = HostList { hosts: Vec::new(), total: 0, next: None };
    for _ in 0..HOST_PAGES {
        let after = all.next.take();
        let mut query = vec![("limit", limit.as_str())];
        query.extend(status.map(|status| ("status", status_value(status))));
        query.extend(search.map(|search| ("search", search)));
        query.extend(after.as_deref().map(|after| ("after", after)));
        let page: HostList = client.get(Request { path: &["v1", "hosts"], query: &query })?;
        all.hosts.extend(page.hosts);
        all.total = page.total;
        all.next = page.next;
        if all.next.is_none() || all.next == after {
            break;
        }
    }
    Ok(all)
}

const fn status_value(status: StatusArg) -> &'static str {
    match status {
        StatusArg::Trusted => "trusted",
        StatusArg::Warning => "warning",
        StatusArg::NotTrusted => "not-trusted",
        StatusArg::Stale => "stale",
        StatusArg::Pending => "pending",
        StatusArg::Retired => "retired",
    }
}

fn show(client: &Client, ui: &mut Ui, host: &str, strict: bool) -> Result<Outcome, CliError> {
    let path = ["v1", "hosts", host];
    let detail: HostDetail =
        client.get(Request::path(&path)).map_err(|denied| with_matches(client, host, denied))?;
    if ui.format() == Format::Table {
        let text = show::host_card(&detail, ui.now()).render(ui.screen());
        ui.text(&text)?;
    } else {
        ui.json(&detail)?;
    }
    Ok(outcome(detail.summary.status, strict))
}

/// Gives labels and takes them away; shows those that the host has then.
fn label(client: &Client, ui: &mut Ui, host: &str, labels: &[String]) -> Result<Outcome, CliError> {
    let mut asked = LabelHost::default();
    for written in labels {
        let wrong = |error: &dyn std::fmt::Display| {
            CliError::value(written, error).hint("labels are given as KEY=VALUE and taken away as KEY-")
        };
        match (written.split_once('='), written.strip_suffix('-')) {
            (Some((key, value)), _) => {
                let label = Label::new(key, value).map_err(|error| wrong(&error))?;
                if asked.set.insert(label.key, label.value).is_some() {
                    return Err(wrong(&"the label is given twice"));
                }
            }
            (None, Some(key)) => {
                check_key(key).map_err(|error| wrong(&error))?;
                asked.remove.push(key.to_owned());
            }
            (None, None) => return Err(wrong(&"neither given nor taken away")),
        }
    }
    let detail: HostDetail = if labels.is_empty() {
        let path = ["v1", "hosts", host];
        client.get(Request::path(&path)).map_err(|denied| with_matches(client, host, denied))?
    } else {
        client.post(&["v1", "hosts", host, "labels"], &asked)?
    };
    let labels = &detail.summary.labels;
    if ui.format() != Format::Table {
        ui.json(labels)?;
        return Ok(Outcome::Good);
    }
    for (key, value) in labels {
        ui.text(&format!("{}\n", crate::escape::safe(&format!("{key}={value}"))))?;
    }
    if labels.is_empty() {
        ui.note(&crate::escape::safe(&format!("{host} has no labels")));
    }
    Ok(Outcome::Good)
}

fn retire(client: &Client, ui: &mut Ui, host: &str, reason: &str) -> Result<Outcome, CliError> {
    let asked = RetireHost { reason: reason.to_owned() };
    let RetiredHost { leaf } = client.post(&["v1", "hosts", host, "retire"], &asked)?;
    if ui.format() == Format::Table {
        ui.note(&crate::escape::safe(&format!("{host} is retired; its history ends with leaf {leaf}")));
    } else {
        ui.json(&RetiredHost { leaf })?;
    }
    Ok(Outcome::Good)
}

/// Silence, a host that never spoke and one that is gone are no reason to trust.
const fn outcome(status: HostStatus, strict: bool) -> Outcome {
    match (status, strict) {
        (HostStatus::Trusted, _) | (HostStatus::Warning, false) => Outcome::Good,
        (HostStatus::Warning, true)
        | (HostStatus::NotTrusted | HostStatus::Stale | HostStatus::Pending | HostStatus::Retired, _) => {
            Outcome::NotTrusted
        }
    }
}

fn history(client: &Client, ui: &mut Ui, host: &str, limit: u64) -> Result<Outcome, CliError> {
    let mut entries: Vec<HistoryEntry> = Vec::new();
    let mut before: Option<u64> = None;
    loop {
        let left = limit.saturating_sub(entries.len() as u64);
        let (ask, at) = (left.min(HISTORY_PER_PAGE).to_string(), before.map(|id| id.to_string()));
        let mut query = vec![("limit", ask.as_str())];
        query.extend(at.as_deref().map(|at| ("before", at)));
        let path = ["v1", "hosts", host, "history"];
        let page: HostHistory = client
            .get(Request { path: &path, query: &query })
            .map_err(|denied| with_matches(client, host, denied))?;
        let empty = page.entries.is_empty();
        entries.extend(page.entries.into_iter().take(usize::try_from(left).unwrap_or(usize::MAX)));
        // A page that brings nothing new would be asked for for ever.
        let goes_on = page.next.is_some() && page.next != before && !empty;
        before = page.next;
        if !goes_on || entries.len() as u64 >= limit {
            break;
        }
    }
    let more = before.is_some();
    match ui.format() {
        Format::Json => ui.json(&HostHistory { entries, next: before })?,
        Format::Jsonl => entries.iter().try_for_each(|entry| ui.json(entry))?,
        Format::Table | Format::Csv => {
            let text = show::history(&entries, ui.now()).render(ui.screen());
            ui.text(&text)?;
        }
    }
    if more {
        ui.note("there is more: ask with a greater --limit");
    }
    Ok(Outcome::Good)
}

/// An unknown host's error with the names that are near.
pub(super) fn with_matches(client: &Client, host: &str, denied: Denied) -> CliError {
    let error = match denied {
        Denied::TooMany(error) | Denied::Other(error) => return error,
        Denied::NotFound(error) => error,
    };
    let limit = HOSTS_PER_PAGE.to_string();
    let ask = Request { path: &["v1", "hosts"], query: &[("limit", limit.as_str())] };
    let Ok(hosts) = client.get::<HostList>(ask) else { return error };
    let names: Vec<&str> = hosts.hosts.iter().map(|host| host.name.as_str()).collect();
    match near(host, &names) {
        near if near.is_empty() => error.hint("`lydian host list` shows all hosts"),
        near => error.hint(format!("did you mean {}?", near.join(", "))),
    }
}

/// Up to three names that start alike, contain the text, or are a few letters off; the nearest first.
fn near<'n>(text: &str, names: &[&'n str]) -> Vec<&'n str> {
    let text = text.to_lowercase();
    let mut scored: Vec<(usize, &str)> = names
        .iter()
        .filter_map(|name| {
            let lower = name.to_lowercase();
            let score = if lower.contains(&text) { 0 } else { distance(&text, &lower) };
            (score <= 1 + text.chars().count() / 4).then_some((score, *name))
        })
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// Insertions, deletions and replacements between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for ((to, above), diagonal) in b.iter().zip(row.iter().skip(1)).zip(&row) {
            let left = next.last().copied().unwrap_or(0);
            next.push((diagonal + usize::from(from != *to)).min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

/// `lydian refusal list`.
pub(super) fn refusals(client: &Client, ui: &mut Ui) -> Result<Outcome, CliError> {
    let list: RefusalList = client.get(Request::path(&["v1", "refusals"]))?;
    match ui.format() {
        Format::Json => ui.json(&list)?,
        Format::Jsonl => list.refusals.iter().try_for_each(|refusal| ui.json(refusal))?,
        Format::Table | Format::Csv => {
            let mut table = Table::new(&["WHEN", "HOST", "CODE", "DETAIL", "FROM"]);
            for refusal in &list.refusals {
                table.row(vec![
                    both(&refusal.at, ui.now()).into(),
                    refusal.host.as_ref().map_or_else(Cell::none, |host| short(host).into()),
                    Cell::toned(&refusal.code, Tone::Bad),
                    (&refusal.detail).into(),
                    Cell::toned(&refusal.peer, Tone::Dim),
                ]);
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
        }
    }
    ui.note(&show::counted(list.refusals.len() as u64, "refusal"));
    Ok(Outcome::Good)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_follow_the_status() {
        use HostStatus::{NotTrusted, Pending, Retired, Stale, Trusted, Warning};
        for (status, plain, strict) in [
            (Trusted, Outcome::Good, Outcome::Good),
            (Warning, Outcome::Good, Outcome::NotTrusted),
            (NotTrusted, Outcome::NotTrusted, Outcome::NotTrusted),
            (Stale, Outcome::NotTrusted, Outcome::NotTrusted),
            (Pending, Outcome::NotTrusted, Outcome::NotTrusted),
            (Retired, Outcome::NotTrusted, Outcome::NotTrusted),
        ] {
            assert_eq!((outcome(status, false), outcome(status, true)), (plain, strict), "{status:?}");
        }
    }

    #[test]
    fn near_names_are_found() {
        let names = ["web-1", "web-2", "database", "mail"];
        assert_eq!(near("wbe-1", &names), ["web-1"]);
        assert_eq!(near("web1", &names), ["web-1", "web-2"]);
        assert_eq!(near("WEB", &names), ["web-1", "web-2"]);
        assert_eq!(near("databse", &names), ["database"]);
        assert_eq!(near("x", &names), [""; 0]);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
