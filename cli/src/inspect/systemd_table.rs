//! systemd's log for people.
//!
//! In: a view. Out: what the log comes to, what is wrong with it, its events, and what PCRs and `NvPCRs` replay to.

use super::report::{FindingView, counts};
use super::systemd_view::{EventView, LogView};
use crate::escape::safe;
use crate::show::{Cell, Screen, Table, Tone, counted, paint};

/// The report as text.
pub(super) fn render(log: &LogView, screen: Screen) -> String {
    let mut text = format!("{}\n", paint(&safe(&log.file), Tone::Strong, screen));
    text.push_str(&head(log).render(screen));
    for table in [findings(&log.findings), events(&log.events), pcrs(log), nvpcrs(log)] {
        if !table.is_empty() {
            text.push('\n');
            text.push_str(&table.render(screen));
        }
    }
    text.push('\n');
    text
}

fn head(log: &LogView) -> Table {
    let mut head = Table::indented(2);
    let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
    row("form", format!("{}, banks {}", log.format, log.banks.join(", ")).into());
    let shown = log.events.len() as u64;
    let events =
        if shown == log.event_count { shown.to_string() } else { format!("{shown} of {}", log.event_count) };
    row("events", events.into());
    for boot_id in &log.boot_ids {
        row("boot", boot_id.into());
    }
    let start = match &log.firmware {
        Some(file) => format!("where {file} leaves them"),
        None => "a reset: give the firmware log with --firmware".to_owned(),
    };
    row("PCRs start from", start.into());
    row("findings", counts(&log.findings));
    if let Some(matches) = &log.matches {
        let all: usize = matches.values().map(std::collections::BTreeMap::len).sum();
        let good = matches.values().flat_map(|pcrs| pcrs.values()).filter(|equal| **equal).count();
        let tone = if good == all { Tone::Good } else { Tone::Warn };
        row("known values", Cell::toned(format!("{good} of {all} are what the logs replay to"), tone));
    }
    for (bank, records) in &log.vouched_for {
        let text =
            format!("the first {} of {}, in bank {bank}", counted(*records, "record"), log.event_count);
        row("vouched for", text.into());
    }
    if let Some(offset) = log.truncated_at {
        row("read", Cell::toned(format!("up to byte {offset}, and no further"), Tone::Bad));
    }
    head
}

fn findings(findings: &[FindingView]) -> Table {
    let mut table = Table::new(&["FINDING", "EVENT", "WHAT"]);
    for finding in findings {
        let event = finding.event.map_or_else(Cell::none, |event| event.to_string().into());
        table.row(vec![Cell::toned(finding.code, finding.tone()), event, (&finding.text).into()]);
    }
    table
}

fn events(events: &[EventView]) -> Table {
    let mut table = Table::new(&["#", "REGISTER", "TYPE", "CHECK", "SECONDS", "WHAT"]);
    for event in events {
        let register = match (event.pcr, &event.nvpcr) {
            (Some(pcr), _) => pcr.to_string(),
            (None, Some(place)) => place.name.clone().unwrap_or_else(|| place.index.clone()),
            (None, None) => String::new(),
        };
        let seconds = |us: u64| format!("{}.{:03}", us / 1_000_000, us % 1_000_000 / 1_000);
        table.row(vec![
            event.number.to_string().into(),
            register.into(),
            event.event_type.as_ref().map_or_else(Cell::none, Into::into),
            check(event),
            event.timestamp_us.map_or_else(Cell::none, |us| seconds(us).into()),
            (&event.text).into(),
        ]);
    }
    table
}

fn check(event: &EventView) -> Cell {
    match event.findings.as_slice() {
        [] => Cell::status(event.digest),
        [only] if *only == "digest-mismatch" => Cell::status(event.digest),
        findings => {
            let tone = if event.digest == "mismatch" { Tone::Bad } else { Tone::Warn };
            Cell::toned(format!("{} ({})", event.digest, findings.join(", ")), tone)
        }
    }
}

fn pcrs(log: &LogView) -> Table {
    let known = log.matches.as_ref().and_then(|banks| banks.get(log.bank));
    let mut headings = vec!["PCR".to_owned(), format!("REPLAYS TO ({})", log.bank)];
    headings.extend(known.map(|_| "KNOWN VALUE".to_owned()));
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for (pcr, value) in log.pcrs.get(log.bank).into_iter().flatten() {
        let mut row = vec![pcr.to_string().into(), Cell::from(value)];
        row.extend(known.map(|known| match known.get(pcr) {
            Some(true) => Cell::toned("accounted for", Tone::Good),
            Some(false) => Cell::toned("another", Tone::Bad),
            None => Cell::none(),
        }));
        table.row(row);
    }
    table
}

fn nvpcrs(log: &LogView) -> Table {
    let mut table = Table::new(&["NVPCR", "INDEX", "STARTS", "EVENTS", "REPLAYS TO"]);
    for (name, nvpcr) in &log.nvpcrs {
        let value = match (nvpcr.alg, &nvpcr.value) {
            (Some(alg), Some(value)) => format!("{alg}:{value}").into(),
            _ => Cell::none(),
        };
        let tone = if nvpcr.start == "unknown" { Tone::Warn } else { Tone::Plain };
        table.row(vec![
            name.into(),
            (&nvpcr.index).into(),
            Cell::toned(nvpcr.start, tone),
            nvpcr.events.to_string().into(),
            value,
        ]);
    }
    table
}
