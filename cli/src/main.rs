//! `lydian`: the operator's command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    lydian_cli::run(std::env::args_os())
}
