//! `lydian action list`: what operators did.

use wire::operator::ActionList;

use crate::Outcome;
use crate::client::{Client, Request};
use crate::duration::both;
use crate::error::CliError;
use crate::limits::ACTION_PAGES;
use crate::show::{Cell, Table, Tone, counted};
use crate::ui::{Format, Ui};

pub(super) fn list(client: &Client, ui: &mut Ui) -> Result<Outcome, CliError> {
    let mut actions = Vec::new();
    let mut before = None::<String>;
    for _ in 0..ACTION_PAGES {
        let query = before.as_deref().map(|before| ("before", before));
        let request = Request { path: &["v1", "actions"], query: query.as_slice() };
        let page: ActionList = client.get(request)?;
        let Some(oldest) = page.actions.last() else { break };
        before = Some(oldest.id.to_string());
        actions.extend(page.actions);
    }
    match ui.format() {
        Format::Json => ui.json(&ActionList { actions })?,
        Format::Jsonl => ui.json_lines(&actions)?,
        Format::Table | Format::Csv => {
            let mut table = Table::new(&["WHEN", "LEAF", "WHAT", "WHO", "DETAIL"]);
            for action in &actions {
                table.row(vec![
                    both(&action.at, ui.now()).into(),
                    action.leaf.map_or_else(Cell::none, |leaf| leaf.to_string().as_str().into()),
                    (&action.kind).into(),
                    (&action.who).into(),
                    Cell::toned(&action.detail, Tone::Dim),
                ]);
            }
            let text = table.render(ui.screen());
            ui.text(&text)?;
            ui.note(&counted(actions.len() as u64, "action"));
        }
    }
    Ok(Outcome::Good)
}
