//! Chores of the project that want Lydian's own code: `cargo run -p xtask -- --help`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod ek_roots;
mod manuals;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Chores of the project
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Makes a bundle of EK roots from a folder of certificates
    EkRoots(ek_roots::Args),
    /// Makes the manual pages and completions that packages install
    Manuals(manuals::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().chore {
        Chore::EkRoots(args) => ek_roots::run(&args),
        Chore::Manuals(args) => manuals::run(&args),
    };
    match outcome {
        Ok(report) => {
            print!("{report}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
