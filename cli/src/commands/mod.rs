//! One function for each command: arguments in, an outcome out.

mod actions;
mod cel;
mod enroll;
mod evidence;
mod host;
mod incident;
mod log;
mod subjects;
mod tokens;
mod trusted;
mod verify;
mod version;
mod watch;

use crate::Outcome;
use crate::args::{
    ActionCommand, Cli, Command, ConnectionArgs, EnrollCommand, EvidenceCommand, InspectCommand, LogCommand,
    LogWitnessCommand, RefusalCommand,
};
use crate::client::Client;
use crate::config::Connection;
use crate::error::CliError;
use crate::inspect;
use crate::ui::{Format, Ui};

/// Runs a command.
pub(crate) fn run(cli: Cli, ui: &mut Ui) -> Result<Outcome, CliError> {
    let args = &cli.connection;
    if ui.format() == Format::Csv && !matches!(cli.command, Command::Trusted(_)) {
        return Err(
            CliError::value("--output", "csv is for `lydian trusted` alone").hint("take json or jsonl")
        );
    }
    match cli.command {
        Command::Host(command) => host::run(&client(args)?, ui, command),
        Command::Trusted(asked) => trusted::run(args, ui, &asked),
        Command::Verify(args) => crate::log::proof::verify(ui, &args),
        Command::Incident(command) => incident::run(args, ui, command),
        Command::Watch(command) => watch::run(args, ui, command),
        Command::Enroll(EnrollCommand::Token(command)) => enroll::run(&client(args)?, ui, command),
        Command::Token(command) => tokens::run(&client(args)?, ui, command),
        Command::Refusal(RefusalCommand::List) => host::refusals(&client(args)?, ui),
        Command::Action(ActionCommand::List) => actions::list(&client(args)?, ui),
        Command::Log(LogCommand::Checkpoint { log_key }) => log::checkpoint(&client(args)?, ui, &log_key),
        Command::Log(LogCommand::Proof { index, out, log_key }) => {
            log::proof(&client(args)?, ui, index, out.as_deref(), &log_key)
        }
        Command::Log(LogCommand::Verify(args)) => crate::log::verify(ui, &args),
        Command::Log(LogCommand::Audit(args)) => crate::log::audit(ui, &args),
        Command::Log(LogCommand::Prove(args)) => crate::log::prove(ui, &args),
        Command::Log(LogCommand::Check(args)) => crate::log::check(ui, &args),
        Command::Log(LogCommand::Witness(LogWitnessCommand::Status)) => log::witnesses(&client(args)?, ui),
        Command::Evidence(EvidenceCommand::Fetch { host, seq, out }) => {
            evidence::fetch(&client(args)?, ui, &host, seq, &out)
        }
        Command::Evidence(EvidenceCommand::Verify(args)) => verify::run(ui, &args),
        Command::Inspect(InspectCommand::EventLog(args)) => inspect::eventlog(ui, &args),
        Command::Inspect(InspectCommand::Ima(args)) => inspect::ima(ui, &args),
        Command::Inspect(InspectCommand::Quote(args)) => inspect::quote(ui, &args),
        Command::Inspect(InspectCommand::SystemdLog(args)) => inspect::systemd_log(ui, &args),
        Command::Inspect(InspectCommand::EkCert(args)) => inspect::ek_cert(ui, &args),
        Command::Inspect(InspectCommand::Siglist(args)) => inspect::siglist(ui, &args),
        Command::Inspect(InspectCommand::Pe(args)) => inspect::pe(ui, &args),
        Command::Inspect(InspectCommand::Elf(args)) => inspect::elf(ui, &args),
        Command::Inspect(InspectCommand::Module(args)) => inspect::module(ui, &args),
        Command::Inspect(InspectCommand::Keyring(args)) => inspect::keyring(ui, &args),
        Command::Cel(command) => cel::run(ui, &command),
        Command::Version => version::run(ui, args),
    }
}

fn client(args: &ConnectionArgs) -> Result<Client, CliError> {
    Client::new(&Connection::of(args)?)
}
