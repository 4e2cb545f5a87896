//! `lydian watch …`: questions that the verifier asks again whenever there is something new.

use wire::watch::{AlertStanding, HitView, WatchDetail, WatchList, WatchRule, WatchView};

use super::trusted::collected;
use crate::Outcome;
use crate::args::{ConnectionArgs, WatchAdd, WatchCommand};
use crate::client::{Client, Denied, Request};
use crate::config::Connection;
use crate::duration::{both, relative};
use crate::error::CliError;
use crate::limits::HIT_PAGES;
use crate::show::{Cell, Table, Tone, counted};
use crate::ui::{Format, Ui};

pub(super) fn run(
    connection: &ConnectionArgs,
    ui: &mut Ui,
    command: WatchCommand,
) -> Result<Outcome, CliError> {
    let client = || Client::new(&Connection::of(connection)?);
    match command {
        WatchCommand::Add(args) => {
            // What was written wrongly is found before anybody is asked.
            let rules = rules(&args, ui)?;
            add(&client()?, ui, &rules)
        }
        WatchCommand::List => list(&client()?, ui),
        WatchCommand::Show { name } => show(&client()?, ui, &name),
        WatchCommand::Rm { name } => {
            client()?.delete(&["v1", "watches", &name]).map_err(unknown)?;
            ui.note(&crate::escape::safe(&format!("{name} is watched for no more")));
            Ok(Outcome::Good)
        }
        WatchCommand::Shipped => shipped(ui),
    }
}

fn unknown(denied: Denied) -> CliError {
    match denied {
        Denied::NotFound(error) => error.hint("`lydian watch list` shows their names"),
        Denied::TooMany(error) | Denied::Other(error) => error,
    }
}

fn rules(args: &WatchAdd, ui: &mut Ui) -> Result<Vec<WatchRule>, CliError> {
    if let Some(name) = &args.shipped {
        let mut rules = all_shipped();
        if name != "all" {
            rules.retain(|rule| rule.name == *name);
        }
        if rules.is_empty() {
            return Err(CliError::value("--shipped", format_args!("there is no shipped watch {name:?}"))
                .hint("`lydian watch shipped` shows them"));
        }
        for rule in &mut rules {
            rule.hosts.clone_from(&args.narrowing.hosts);
        }
        return Ok(rules);
    }
    let files: Vec<&str> = args.subjects.iter().filter_map(|subject| subject.strip_prefix('@')).collect();
    let rule = WatchRule {
        name: args.name.clone().unwrap_or_default(),
        note: args.note.clone().unwrap_or_else(|| files.join(", ")),
        subjects: collected(&args.subjects, ui)?,
        roles: args.narrowing.role.clone(),
        min_class: args.narrowing.min_class.clone(),
        hosts: args.narrowing.hosts.clone(),
        lasting: args.lasting,
        unless: collected(&args.unless, ui)?,
    };
    Ok(vec![rule])
}

fn add(client: &Client, ui: &mut Ui, rules: &[WatchRule]) -> Result<Outcome, CliError> {
    for rule in rules {
        let added: WatchRule = client.post(&["v1", "watches"], rule)?;
        if ui.format() != Format::Table {
            ui.json(&added)?;
        }
        let subjects = counted(added.subjects.len() as u64, "subject");
        ui.note(&crate::escape::safe(&format!(
            "{} watches for {subjects}; `lydian watch show {}` tells what it finds",
            added.name, added.name
        )));
    }
    Ok(Outcome::Good)
}

fn list(client: &Client, ui: &mut Ui) -> Result<Outcome, CliError> {
    let list: WatchList = client.get(Request::path(&["v1", "watches"]))?;
    match ui.format() {
        Format::Json => ui.json(&list)?,
        Format::Jsonl => ui.json_lines(&list.watches)?,
        Format::Table | Format::Csv => {
            let mut table =
                Table::new(&["WATCH", "SUBJECTS", "NOW ON", "UNKNOWN", "FOUND", "NEWEST", "NOTE"]);
            for watch in &list.watches {
                table.row(vec![
                    (&watch.rule.name).into(),
                    watch.rule.subjects.len().to_string().as_str().into(),
                    standing(watch),
                    watch
                        .last
                        .as_ref()
                        .map_or_else(Cell::none, |last| last.unknown.to_string().as_str().into()),
                    watch.hits.to_string().as_str().into(),
                    watch.newest.as_deref().map_or_else(Cell::none, |at| relative(at, ui.now()).into()),
                    Cell::toned(&watch.rule.note, Tone::Dim),
                ]);
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
            let finding = list.watches.iter().filter(|watch| !is_quiet(watch)).count();
            ui.note(&format!("{}, {finding} to look at", counted(list.watches.len() as u64, "watch")));
            if let Some(AlertStanding { waiting, error: Some(error) }) = &list.alerts {
                let things = counted(*waiting, "alert");
                ui.note(&crate::escape::safe(&format!("{things} could not be told: {error}")));
            }
        }
    }
    Ok(if list.watches.iter().all(is_quiet) { Outcome::Good } else { Outcome::NotTrusted })
}

/// One that finds nothing, as far as it was looked at.
fn is_quiet(watch: &WatchView) -> bool {
    watch.last.as_ref().is_none_or(|last| last.found == 0 && last.error.is_none())
}

/// On how many hosts something is found now.
fn standing(watch: &WatchView) -> Cell {
    match &watch.last {
        None => Cell::toned("not yet", Tone::Dim),
        Some(last) if last.error.is_some() => Cell::toned("no answer", Tone::Bad),
        Some(last) if last.found == 0 => Cell::toned("no host", Tone::Good),
        Some(last) => Cell::toned(format!("{} of {} hosts", last.found, last.hosts), Tone::Bad),
    }
}

fn show(client: &Client, ui: &mut Ui, name: &str) -> Result<Outcome, CliError> {
    let path = ["v1", "watches", name];
    let mut detail: WatchDetail = client.get(Request::path(&path)).map_err(unknown)?;
    for _ in 0..HIT_PAGES {
        let Some(next) = detail.next.take() else { break };
        let before = next.to_string();
        let query = [("before", before.as_str())];
        let page: WatchDetail = client.get(Request { path: &path, query: &query })?;
        detail.hits.extend(page.hits);
        detail.next = page.next;
    }
    let quiet = is_quiet(&detail.watch);
    match ui.format() {
        Format::Json => ui.json(&detail)?,
        Format::Jsonl => ui.json_lines(&detail.hits)?,
        Format::Table | Format::Csv => {
            let mut table = Table::new(&["FOUND", "HOST", "CLASS", "ROLE", "SUBJECT", "WHAT", "LEAF"]);
            for hit in &detail.hits {
                table.row(row(hit, ui));
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
            for line in notes(&detail.watch, ui) {
                ui.note(&crate::escape::safe(&line));
            }
        }
    }
    Ok(if quiet { Outcome::Good } else { Outcome::NotTrusted })
}

fn row(hit: &HitView, ui: &Ui) -> Vec<Cell> {
    vec![
        relative(&hit.found, ui.now()).into(),
        (&hit.name).into(),
        (&hit.class).into(),
        (&hit.role).into(),
        (&hit.subject).into(),
        (&hit.what).into(),
        Cell::toned(hit.leaf.to_string(), Tone::Dim),
    ]
}

/// What is looked for, and how it stands.
fn notes(watch: &WatchView, ui: &Ui) -> Vec<String> {
    let rule = &watch.rule;
    let mut lines = vec![format!(
        "{}: {}{}{}",
        rule.name,
        counted(rule.subjects.len() as u64, "subject"),
        if rule.lasting { ", only what hosts have now" } else { "" },
        if rule.unless.is_empty() { String::new() } else { format!(", unless {}", rule.unless.join(", ")) },
    )];
    lines.push(format!("added {} by {}", both(&watch.created, ui.now()), watch.who));
    lines.push(match &watch.last {
        None => "not looked at yet".to_owned(),
        Some(last) => match &last.error {
            Some(error) => format!("it has no answer: {error}"),
            None => format!(
                "of {} hosts: found on {}, not known of {}, at {} leaves{}",
                last.hosts,
                last.found,
                last.unknown,
                last.log_size,
                if last.untold > 0 {
                    format!("; {} more things are not told one by one", last.untold)
                } else {
                    String::new()
                }
            ),
        },
    });
    lines
}

fn shipped(ui: &mut Ui) -> Result<Outcome, CliError> {
    let rules = all_shipped();
    match ui.format() {
        Format::Json => ui.json(&rules)?,
        Format::Jsonl => ui.json_lines(&rules)?,
        Format::Table | Format::Csv => {
            let mut table = Table::new(&["WATCH", "WHAT FOR", "SUBJECTS", "UNLESS"]);
            for rule in &rules {
                table.row(vec![
                    (&rule.name).into(),
                    (&rule.note).into(),
                    rule.subjects.join(", ").into(),
                    rule.unless.join(", ").into(),
                ]);
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
            ui.note("loaders that are revoked: `lydian watch add revoked-loaders @dbxupdate_x64.bin --role executed` with the newest update of dbx");
        }
    }
    Ok(Outcome::Good)
}

/// What is of use today. Certificates are looked for by name, so that those of every maker are found.
fn all_shipped() -> Vec<WatchRule> {
    let list = |all: &[&str]| all.iter().map(|one| (*one).to_owned()).collect();
    vec![
        WatchRule {
            name: "test-platform-keys".to_owned(),
            note: "PKfail: firmware that trusts a key which its maker published".to_owned(),
            subjects: list(&["cert-name:DO NOT TRUST", "cert-name:DO NOT SHIP"]),
            roles: list(&["eligible", "used"]),
            ..WatchRule::default()
        },
        WatchRule {
            name: "microsoft-2011".to_owned(),
            note: "firmware that accepts Microsoft's authorities of 2011, which expire in 2026, and none of 2023".to_owned(),
            subjects: list(&[
                "cert-name:Microsoft Corporation UEFI CA 2011",
                "cert-name:Microsoft Windows Production PCA 2011",
            ]),
            roles: list(&["eligible", "used"]),
            lasting: true,
            unless: list(&["cert-name:Microsoft UEFI CA 2023", "cert-name:Windows UEFI CA 2023"]),
            ..WatchRule::default()
        },
    ]
}
