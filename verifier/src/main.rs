//! `lydian-verifier`: arguments, then the command, then the exit status.

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    lydian_verifier::cli::Arguments::parse().run()
}
