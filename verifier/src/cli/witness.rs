//! The commands of the witness.

use std::fmt::Write as _;

use super::commands::{Signals, block_on, log_to_stderr, print};
use super::{Settings, WitnessCommand};
use crate::clock::Clock;
use crate::failure::Failure;
use crate::notify;
use crate::witness::{self, WitnessConfig};

pub(super) fn run(settings: &Settings, command: &WitnessCommand) -> Result<(), Failure> {
    let config = witness::load(settings.config.as_deref(), &settings.overrides())?;
    match command {
        WitnessCommand::Serve { log_format } => {
            log_to_stderr(*log_format);
            block_on(serve(config))
        }
        WitnessCommand::CheckConfig => check(&config),
        WitnessCommand::Key => print(&format!("{}\n", witness::existing_key(&config)?)),
    }
}

async fn serve(config: WitnessConfig) -> Result<(), Failure> {
    let signals = Signals::listen()?;
    let running = witness::start(config, Clock::system()).await?;
    tracing::info!(address = %running.address(), key = running.key(), "witnessing");
    notify::ready(running.address());
    signals.call(running.stopper());
    running.ended().await
}

fn check(config: &WitnessConfig) -> Result<(), Failure> {
    let mut text = String::new();
    let name = config.name.as_ref().map_or("(of the key)", |name| name.as_str());
    for (key, value) in [
        ("listen", config.listen.to_string()),
        ("state-dir", config.state_dir.display().to_string()),
        ("names", config.names.join(", ")),
        ("name", name.to_owned()),
    ] {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{key:<12} {value}");
    }
    for (origin, keys) in &config.logs {
        for key in keys {
            let _ = writeln!(text, "{:<12} {origin}  {key}", "log");
        }
    }
    print(&text)
}
