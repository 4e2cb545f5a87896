//! A firmware log for people.
//!
//! In: a report. Out: what the log comes to, what is wrong with it, its events, and what its PCRs replay to.

use super::event_view::{EventView, LogView, WindowsView};
use super::eventlog::LogReport;
use super::report::counts;
use crate::escape::safe;
use crate::show::{Cell, Screen, Table, Tone, counted, paint};

/// The report as text.
pub(super) fn render(report: &LogReport, screen: Screen) -> String {
    let log = &report.log;
    let mut text = format!("{}\n", paint(&safe(&log.file), Tone::Strong, screen));
    text.push_str(&head(log).render(screen));
    for table in [findings(report), events(log), pcrs(report)] {
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
    let (shown, all) = (log.events.len(), log.event_count);
    let events = if shown == all { all.to_string() } else { format!("{shown} of {all}") };
    let padding = match log.padding_bytes {
        0 => String::new(),
        bytes => format!(", then {bytes} bytes of padding"),
    };
    row("events", format!("{events}{padding}").into());
    row("Secure Boot", secure_boot(log));
    if let Some(locality) = log.startup_locality {
        let hcrtm = if locality == 4 { " (an H-CRTM measured first)" } else { "" };
        row("startup locality", format!("{locality}{hcrtm}").into());
    }
    if let Some(windows) = &log.windows {
        row("Windows", windows_line(windows));
    }
    row("findings", counts(&log.findings));
    if let Some(matches) = &log.matches {
        let all = matches.values().map(std::collections::BTreeMap::len).sum::<usize>();
        let good = matches.values().flat_map(|pcrs| pcrs.values()).filter(|equal| **equal).count();
        let tone = if good == all { Tone::Good } else { Tone::Warn };
        row("known values", Cell::toned(format!("{good} of {all} are what the log replays to"), tone));
    }
    if let Some(offset) = log.truncated_at {
        row("read", Cell::toned(format!("up to byte {offset}, and no further"), Tone::Bad));
    }
    head
}

fn secure_boot(log: &LogView) -> Cell {
    let state = &log.secure_boot;
    let tone = if state.state == "on" { Tone::Good } else { Tone::Warn };
    let place = match (state.event, &state.why) {
        (Some(event), _) => format!("{} (event {event})", state.state),
        (None, Some(why)) => format!("{}: {why}", state.state),
        (None, None) => state.state.to_owned(),
    };
    Cell::toned(place, tone)
}

fn windows_line(windows: &WindowsView) -> Cell {
    let Some(facts) = &windows.facts else {
        let event = windows.unverified_event.unwrap_or_default();
        return Cell::toned(format!("unknown: event {event} could not be verified"), Tone::Warn);
    };
    let weak = [
        ("boot debugging", facts.boot_debugging),
        ("kernel debugging", facts.kernel_debug),
        ("hypervisor debugging", facts.hypervisor_debug),
        ("test signing", facts.test_signing),
        ("flight signing", facts.flight_signing),
        ("safe mode", facts.safe_mode),
        ("installation environment", facts.win_pe),
    ];
    let mut said: Vec<String> = Vec::new();
    if let Some(counter) = facts.boot_counter {
        said.push(format!("boot {counter}"));
    }
    said.push(format!("code integrity {}", facts.code_integrity));
    let bad: Vec<_> = weak.iter().filter(|(_, state)| matches!(*state, "on" | "mixed")).collect();
    said.extend(bad.iter().map(|(what, state)| format!("{what} {state}")));
    said.push(counted(u64::from(facts.modules), "module"));
    said.push(counted(u64::from(facts.elam_drivers), "antimalware driver"));
    let good = bad.is_empty() && facts.code_integrity == "on";
    Cell::toned(said.join(", "), if good { Tone::Plain } else { Tone::Warn })
}

/// Findings; of one PCR alone where one was asked for.
fn findings(report: &LogReport) -> Table {
    let mut table = Table::new(&["FINDING", "EVENT", "WHAT"]);
    for (finding, register) in report.log.findings.iter().zip(&report.log.registers) {
        if report.pcr.is_some() && register.is_some() && *register != report.pcr {
            continue;
        }
        let event = finding.event.map_or_else(Cell::none, |event| event.to_string().into());
        table.row(vec![Cell::toned(finding.code, finding.tone()), event, (&finding.text).into()]);
    }
    table
}

fn events(log: &LogView) -> Table {
    let mut table = Table::new(&["#", "PCR", "TYPE", "CHECK", "WHAT"]);
    for event in &log.events {
        let pcr = if event.digest == "not-extended" { Cell::none() } else { event.pcr.to_string().into() };
        table.row(vec![
            event.number.to_string().into(),
            pcr,
            event.event_type.strip_prefix("EV_").unwrap_or(&event.event_type).into(),
            check(event),
            what(event),
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

fn what(event: &EventView) -> Cell {
    (&event.text).into()
}

/// What each PCR comes to in the bank that was checked.
fn pcrs(report: &LogReport) -> Table {
    let log = &report.log;
    let known = log.matches.as_ref().and_then(|banks| banks.get(log.bank));
    let mut headings = vec!["PCR".to_owned(), format!("REPLAYS TO ({})", log.bank)];
    headings.extend(known.map(|_| "KNOWN VALUE".to_owned()));
    let mut table = Table::new(&headings.iter().map(String::as_str).collect::<Vec<_>>());
    for (pcr, value) in log.pcrs.get(log.bank).into_iter().flatten() {
        if report.pcr.is_some_and(|only| only != u32::from(*pcr)) {
            continue;
        }
        let mut row = vec![pcr.to_string().into(), Cell::from(value)];
        row.extend(known.map(|known| match known.get(pcr) {
            Some(true) => Cell::toned("the same", Tone::Good),
            Some(false) => Cell::toned("another", Tone::Bad),
            None => Cell::none(),
        }));
        table.row(row);
    }
    table
}
