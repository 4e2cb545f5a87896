//! The operator's command line: what a verifier knows of hosts, and evidence and logs checked without one.
//!
//! In: arguments, a profile, files, and a verifier's answers. Out: data on standard output, words on standard error,
//! and an exit code: 0 trusted, 1 not trusted, 2 error. What a verifier answers is its word; `lydian evidence
//! verify` is for those who do not want to take it.

mod args;
mod commands;

mod client;
mod config;
mod inspect;
mod log;
mod show;
mod verify;

mod duration;
mod error;
mod escape;
mod files;
mod limits;
mod ui;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::args::Cli;
use crate::ui::Ui;

/// What a command found out; its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// The command did what it was asked to, and what was asked about is as it should be.
    Good,
    /// It did, and what was asked about is not.
    NotTrusted,
    /// Something that was given could not be read to its end; what was read was shown.
    Unreadable,
}

/// The program's grammar, for manual pages and completions.
pub fn command() -> clap::Command {
    Cli::command()
}

/// Runs the program with these arguments, the first of which is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(usage) => {
            // Help and version go to standard output, faults to standard error; a closed pipe is no fault.
            let _ = usage.print();
            return if usage.use_stderr() { ExitCode::from(ERROR) } else { ExitCode::SUCCESS };
        }
    };
    let mut ui = Ui::of_process(cli.output);
    match commands::run(cli, &mut ui) {
        Ok(Outcome::Good) => ExitCode::SUCCESS,
        Ok(Outcome::NotTrusted) => ExitCode::from(NOT_TRUSTED),
        Ok(Outcome::Unreadable) => ExitCode::from(ERROR),
        Err(error) => {
            ui.error(&error);
            ExitCode::from(ERROR)
        }
    }
}

const NOT_TRUSTED: u8 = 1;
const ERROR: u8 = 2;
