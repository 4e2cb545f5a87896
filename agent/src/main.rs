//! `lydian-agent`: see `lydian_agent::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    lydian_agent::cli::main()
}
