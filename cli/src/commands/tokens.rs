//! `lydian token …`: operators' tokens, and what join tokens share with them.

use wire::operator::{CreateToken, NewToken, Scope, TokenList};

use crate::Outcome;
use crate::args::{ScopeArg, TokenCommand};
use crate::client::{Client, Denied, Request};
use crate::duration::{both, relative};
use crate::error::CliError;
use crate::show::{Cell, Table, Tone, counted, short};
use crate::ui::{Format, Ui};

/// The two kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tokens {
    /// Let a host enrol.
    Join,
    /// Let an operator ask.
    Operator,
}

impl Tokens {
    pub(super) const fn path(self) -> &'static [&'static str] {
        match self {
            Self::Join => &["v1", "join-tokens"],
            Self::Operator => &["v1", "tokens"],
        }
    }

    const fn list_command(self) -> &'static str {
        match self {
            Self::Join => "lydian enroll token list",
            Self::Operator => "lydian token list",
        }
    }
}

pub(super) fn run(client: &Client, ui: &mut Ui, command: TokenCommand) -> Result<Outcome, CliError> {
    match command {
        TokenCommand::Create { name, scope, ttl } => {
            let scope = match scope {
                ScopeArg::Read => Scope::Read,
                ScopeArg::Enrol => Scope::Enrol,
                ScopeArg::Admin => Scope::Admin,
            };
            let ask = CreateToken { name, scope, ttl_secs: ttl.0 };
            let token: NewToken = client.post(Tokens::Operator.path(), &ask)?;
            show_new(ui, &token)?;
        }
        TokenCommand::List => list(client, ui, Tokens::Operator)?,
        TokenCommand::Revoke { id } => revoke(client, ui, Tokens::Operator, &id)?,
    }
    Ok(Outcome::Good)
}

/// A secret alone on standard output, so that it can be piped to where it belongs.
pub(super) fn show_new(ui: &mut Ui, token: &NewToken) -> Result<(), CliError> {
    if ui.format() != Format::Table {
        return ui.json(token);
    }
    ui.text(&format!("{}\n", crate::escape::safe(&token.secret)))?;
    let expires = both(&token.expires, ui.now());
    ui.note(&crate::escape::safe(&format!(
        "token {} expires {expires}; the secret is not shown again",
        token.id
    )));
    Ok(())
}

pub(super) fn list(client: &Client, ui: &mut Ui, tokens: Tokens) -> Result<(), CliError> {
    let list: TokenList = client.get(Request::path(tokens.path()))?;
    match ui.format() {
        Format::Json => return ui.json(&list),
        Format::Jsonl => return list.tokens.iter().try_for_each(|token| ui.json(token)),
        Format::Table | Format::Csv => {}
    }
    let mut table = Table::new(&["ID", "NAME", "SCOPE", "STATE", "CREATED", "EXPIRES", "USED BY"]);
    for token in &list.tokens {
        table.row(vec![
            (&token.id).into(),
            (&token.name).into(),
            (&token.scope).into(),
            Cell::status(&token.state),
            relative(&token.created, ui.now()).into(),
            relative(&token.expires, ui.now()).into(),
            token.used_by.as_ref().map_or_else(Cell::none, |host| Cell::toned(short(host), Tone::Dim)),
        ]);
    }
    let text = table.render(ui.screen());
    ui.text(&text)?;
    let valid = list.tokens.iter().filter(|token| token.state == "valid").count();
    ui.note(&format!("{}, {valid} valid", counted(list.tokens.len() as u64, "token")));
    Ok(())
}

pub(super) fn revoke(client: &Client, ui: &mut Ui, tokens: Tokens, id: &str) -> Result<(), CliError> {
    let path: Vec<&str> = tokens.path().iter().copied().chain([id]).collect();
    client.delete(&path).map_err(|denied| match denied {
        Denied::NotFound(error) => error.hint(format!("`{}` shows the ids", tokens.list_command())),
        Denied::TooMany(error) | Denied::Other(error) => error,
    })?;
    ui.note(&crate::escape::safe(&format!("token {id} is revoked")));
    Ok(())
}
