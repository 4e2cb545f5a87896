//! `lydian incident …`: what happened, which hosts it concerns, and what is left to do.

use std::path::Path;

use wire::incident::{CloseIncident, IncidentList, IncidentRule, IncidentStatus};
use wire::trusted::AskTrusted;

use super::trusted::{collected, window};
use crate::Outcome;
use crate::args::{ConnectionArgs, IncidentCommand, IncidentOpen, ReportFormat};
use crate::client::{Client, Denied, Request};
use crate::config::Connection;
use crate::duration::relative;
use crate::error::CliError;
use crate::files;
use crate::show::{self, Cell, Table, Tone, counted};
use crate::ui::{Format, Ui};

pub(super) fn run(
    connection: &ConnectionArgs,
    ui: &mut Ui,
    command: IncidentCommand,
) -> Result<Outcome, CliError> {
    match command {
        IncidentCommand::Open(args) => {
            // What was written wrongly is found before anybody is asked.
            let rule = rule(&args, ui)?;
            open(&client(connection)?, ui, &rule)
        }
        IncidentCommand::List => list(&client(connection)?, ui),
        IncidentCommand::Status { name } => status(&client(connection)?, ui, &name),
        IncidentCommand::Report { name, format, out } => {
            report(&client(connection)?, ui, &name, format, out.as_deref())
        }
        IncidentCommand::Close { name, note } => {
            let path = ["v1", "incidents", &name, "close"];
            client(connection)?.tell(&path, &CloseIncident { note }).map_err(unknown)?;
            ui.note(&crate::escape::safe(&format!(
                "{name} is closed; `lydian incident report {name}` still tells of it"
            )));
            Ok(Outcome::Good)
        }
    }
}

fn client(connection: &ConnectionArgs) -> Result<Client, CliError> {
    Client::new(&Connection::of(connection)?)
}

fn unknown(denied: Denied) -> CliError {
    match denied {
        Denied::NotFound(error) => error.hint("`lydian incident list` shows their names"),
        Denied::TooMany(error) | Denied::Other(error) => error,
    }
}

fn rule(args: &IncidentOpen, ui: &mut Ui) -> Result<IncidentRule, CliError> {
    let (from, to) = window(args.from.as_deref(), args.to.as_deref(), ui.now())?;
    let question = AskTrusted {
        subjects: collected(&args.subjects, ui)?,
        from,
        to,
        accept: args.accept.clone(),
        ..args.narrowing.question()
    };
    Ok(IncidentRule { name: args.name.clone(), note: args.note.clone(), question })
}

fn open(client: &Client, ui: &mut Ui, rule: &IncidentRule) -> Result<Outcome, CliError> {
    let opened: IncidentRule = client.post(&["v1", "incidents"], rule)?;
    if ui.format() != Format::Table {
        ui.json(&opened)?;
    }
    let name = &opened.name;
    ui.note(&crate::escape::safe(&format!(
        "{name} is open; `lydian incident status {name}` tells how hosts stand"
    )));
    Ok(Outcome::Good)
}

fn list(client: &Client, ui: &mut Ui) -> Result<Outcome, CliError> {
    let list: IncidentList = client.get(Request::path(&["v1", "incidents"]))?;
    match ui.format() {
        Format::Json => ui.json(&list)?,
        Format::Jsonl => ui.json_lines(&list.incidents)?,
        Format::Table | Format::Csv => {
            let mut table = Table::new(&["INCIDENT", "OPENED", "STATE", "SUBJECTS", "NOTE"]);
            for incident in &list.incidents {
                let state = match &incident.closed {
                    None => Cell::toned("open", Tone::Warn),
                    Some(at) => Cell::toned(format!("closed {}", relative(at, ui.now())), Tone::Dim),
                };
                table.row(vec![
                    (&incident.rule.name).into(),
                    relative(&incident.opened, ui.now()).into(),
                    state,
                    incident.rule.question.subjects.len().to_string().as_str().into(),
                    Cell::toned(&incident.rule.note, Tone::Dim),
                ]);
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
            ui.note(&counted(list.incidents.len() as u64, "incident"));
        }
    }
    Ok(Outcome::Good)
}

fn read(client: &Client, ui: &mut Ui, name: &str) -> Result<IncidentStatus, CliError> {
    ui.progress("asking the verifier");
    let status = client.get(Request::path(&["v1", "incidents", name]));
    ui.progress_done();
    status.map_err(unknown)
}

fn status(client: &Client, ui: &mut Ui, name: &str) -> Result<Outcome, CliError> {
    let status = read(client, ui, name)?;
    match ui.format() {
        Format::Json => ui.json(&status)?,
        Format::Jsonl => ui.json_lines(&status.hosts)?,
        Format::Table | Format::Csv => {
            let text = show::incident_table(&status).render(ui.screen());
            ui.text(&text)?;
        }
    }
    for line in show::incident_summary(&status) {
        ui.note(&crate::escape::safe(&line));
    }
    Ok(outcome(&status))
}

fn report(
    client: &Client,
    ui: &mut Ui,
    name: &str,
    format: ReportFormat,
    out: Option<&Path>,
) -> Result<Outcome, CliError> {
    let status = read(client, ui, name)?;
    let text = match format {
        ReportFormat::Json => {
            let json = serde_json::to_string_pretty(&status).map_err(|error| CliError::output(&error))?;
            format!("{json}\n")
        }
        ReportFormat::Md => show::incident_report(&status).markdown(),
        ReportFormat::Html => show::incident_report(&status).html(),
    };
    match out {
        Some(path) => files::write(path, text.as_bytes())?,
        None => ui.text(&text)?,
    }
    Ok(outcome(&status))
}

fn outcome(status: &IncidentStatus) -> Outcome {
    let counts = status.counts;
    if counts.no + counts.re_attested == counts.all { Outcome::Good } else { Outcome::NotTrusted }
}
