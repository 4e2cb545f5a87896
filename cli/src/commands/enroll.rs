//! `lydian enroll token …`: join tokens.

use wire::operator::{CreateJoinToken, NewToken};

use super::tokens::{self, Tokens};
use crate::Outcome;
use crate::args::JoinTokenCommand;
use crate::client::Client;
use crate::error::CliError;
use crate::ui::Ui;

pub(super) fn run(client: &Client, ui: &mut Ui, command: JoinTokenCommand) -> Result<Outcome, CliError> {
    match command {
        JoinTokenCommand::Create { ttl, note } => {
            let token: NewToken =
                client.post(Tokens::Join.path(), &CreateJoinToken { note, ttl_secs: ttl.0 })?;
            tokens::show_new(ui, &token)?;
            ui.note("give it to one host: lydian-agent enrol --token …; it lets that host enrol once");
        }
        JoinTokenCommand::List => tokens::list(client, ui, Tokens::Join)?,
        JoinTokenCommand::Revoke { id } => tokens::revoke(client, ui, Tokens::Join, &id)?,
    }
    Ok(Outcome::Good)
}
