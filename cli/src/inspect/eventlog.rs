//! `lydian inspect eventlog`.

use std::path::Path;

use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::limits::EVENT_LOG_BYTES;
use evidence::pcr::PcrIndex;
use serde::Serialize;

use super::event_view::{EventView, LogView};
use super::{bank, name_of};
use crate::Outcome;
use crate::args::EventLogArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Cell, Screen, Table, Tone, paint};
use crate::ui::{Format, Ui};

/// An event on a line of its own.
#[derive(Serialize)]
struct EventLine<'a> {
    file: &'a str,
    #[serde(flatten)]
    event: &'a EventView,
}

pub(crate) fn run(ui: &mut Ui, args: &EventLogArgs) -> Result<Outcome, CliError> {
    let bank = args.bank.as_deref().map(bank).transpose()?;
    let mut outcome = Outcome::Good;
    let mut views = Vec::new();
    for path in &args.files {
        let view = read(path, args, bank)?;
        if view.is_bad() {
            outcome = Outcome::NotTrusted;
        }
        match ui.format() {
            Format::Json => views.push(view),
            Format::Jsonl => {
                for event in &view.events {
                    ui.json(&EventLine { file: &view.file, event })?;
                }
            }
            Format::Table => {
                let text = render(&view, ui.screen());
                ui.text(&text)?;
            }
        }
    }
    if ui.format() == Format::Json {
        ui.json(&views)?;
    }
    Ok(outcome)
}

fn read(path: &Path, args: &EventLogArgs, bank: Option<HashAlg>) -> Result<LogView, CliError> {
    let bytes = files::read(path, EVENT_LOG_BYTES)?;
    let parsed = EventLog::parse(&bytes);
    if let Some(damage) = parsed.damage
        && !starts_like_a_log(&parsed.log)
    {
        return Err(CliError::input(path, format!("not a firmware log: {damage}")).hint(
            "the kernel's is /sys/kernel/security/tpm0/binary_bios_measurements; text forms of it are not read",
        ));
    }
    let bank = match bank {
        None => strongest(&parsed.log),
        Some(bank) if parsed.log.banks().contains(&bank) => bank,
        Some(bank) => {
            let banks: Vec<_> = parsed.log.banks().iter().map(|bank| bank.name()).collect();
            return Err(CliError::input(path, format!("the log has no bank {bank}"))
                .hint(format!("it has: {}", banks.join(", "))));
        }
    };
    let damage = parsed.damage.map(|damage| damage.to_string());
    Ok(LogView::new(name_of(path), &parsed.log, damage, bank, args.pcr, |event| {
        args.pcr.is_none_or(|pcr| event.register == pcr)
            && (!args.only_findings || !event.findings.is_empty())
    }))
}

/// Any bytes have some events: those of other files start with a register or type that no firmware writes.
fn starts_like_a_log(log: &EventLog<'_>) -> bool {
    let first = log.events().first();
    first
        .is_some_and(|event| event.register < u32::from(PcrIndex::COUNT) && event.event_type.name().is_some())
}

/// The bank that the verifier would rely on.
fn strongest(log: &EventLog<'_>) -> HashAlg {
    let strength = [HashAlg::Sha512, HashAlg::Sha384, HashAlg::Sha256, HashAlg::Sha1];
    strength.into_iter().find(|bank| log.banks().contains(bank)).unwrap_or(HashAlg::Sha1)
}

fn render(view: &LogView, screen: Screen) -> String {
    let mut text = format!("{}\n", paint(&crate::escape::safe(&view.file), Tone::Strong, screen));
    text.push_str(&head(view).render(screen));
    let mut table = Table::new(&["#", "PCR", "TYPE", "CHECK", "TEXT"]);
    for event in &view.events {
        let check = match event.findings.as_slice() {
            [] => Cell::status(event.check),
            findings => Cell::toned(format!("{} ({})", event.check, findings.join(", ")), Tone::Bad),
        };
        let pcr =
            if event.check == "not-measured" { Cell::none() } else { event.register.to_string().into() };
        table.row(vec![
            event.number.to_string().into(),
            pcr,
            (&event.event_type).into(),
            check,
            (&event.text).into(),
        ]);
    }
    if !table.is_empty() {
        text.push('\n');
        text.push_str(&table.render(screen));
    }
    if let Some(values) = view.replay.get(view.bank) {
        let mut table = Table::new(&["PCR", &format!("REPLAYS TO ({})", view.bank)]);
        for (pcr, value) in values {
            table.row(vec![pcr.to_string().into(), value.into()]);
        }
        text.push('\n');
        text.push_str(&table.render(screen));
    }
    text.push('\n');
    text
}

fn head(view: &LogView) -> Table {
    let mut head = Table::indented(2);
    let mut row = |label: &str, value: Cell| head.row(vec![Cell::toned(label, Tone::Dim), value]);
    row("form", format!("{}, banks {}", view.format, view.banks.join(", ")).into());
    let shown = view.events.len();
    row(
        "events",
        if shown == view.event_count {
            shown.to_string()
        } else {
            format!("{shown} of {}", view.event_count)
        }
        .into(),
    );
    let secure_boot = &view.secure_boot;
    let tone = match secure_boot.state {
        "on" => Tone::Good,
        _ => Tone::Warn,
    };
    let place = match (secure_boot.event, &secure_boot.why) {
        (Some(event), _) => format!("{} (event {event})", secure_boot.state),
        (None, Some(why)) => format!("{}: {why}", secure_boot.state),
        (None, None) => secure_boot.state.to_owned(),
    };
    row("Secure Boot", Cell::toned(place, tone));
    if let Some(locality) = view.startup_locality {
        row("startup locality", locality.to_string().into());
    }
    for finding in &view.findings {
        let place = match finding.event {
            Some(event) => format!("event {event}, PCR {}", finding.register),
            None => format!("PCR {}", finding.register),
        };
        let tone = if finding.mismatch { Tone::Bad } else { Tone::Warn };
        row("finding", Cell::toned(format!("{}: {place}", finding.code), tone));
    }
    if let Some(damage) = &view.damage {
        row("damage", Cell::toned(damage, Tone::Bad));
    }
    head
}
