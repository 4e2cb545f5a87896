//! `lydian version`.

use serde::Serialize;
use wire::operator::Version;

use crate::Outcome;
use crate::args::ConnectionArgs;
use crate::client::{Client, Request};
use crate::config::Connection;
use crate::error::CliError;
use crate::show::Card;
use crate::ui::{Format, Ui};

/// Both sides' versions.
#[derive(Serialize)]
struct Versions {
    version: &'static str,
    protocol: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    verifier: Option<Version>,
}

pub(super) fn run(ui: &mut Ui, args: &ConnectionArgs) -> Result<Outcome, CliError> {
    // What cannot be asked is said after what is known.
    let asked = Connection::is_configured(args).then(|| ask(args)).transpose();
    let verifier = asked.as_ref().ok().cloned().flatten();
    let versions =
        Versions { version: env!("CARGO_PKG_VERSION"), protocol: wire::PROTOCOL_VERSION, verifier };
    if ui.format() != Format::Table {
        ui.json(&versions)?;
        return asked.map(|_| Outcome::Good);
    }
    let mut card = Card::new("lydian", versions.version.into());
    card.section("This program");
    card.row("protocol", versions.protocol.to_string());
    if let Some(verifier) = &versions.verifier {
        card.section("Verifier");
        card.row("version", format!("{} {}", verifier.name, verifier.version));
        card.row("protocol", verifier.protocol.to_string());
        card.row("log", &verifier.origin);
        card.row("log key", &verifier.log_key);
    }
    let text = card.render(ui.screen());
    ui.text(&text)?;
    asked.map(|_| Outcome::Good)
}

fn ask(args: &ConnectionArgs) -> Result<Version, CliError> {
    let client = Client::new(&Connection::of(args)?)?;
    Ok(client.get(Request::path(&["v1", "version"]))?)
}
