//! `lydian inspect systemd-log`.

use crate::Outcome;
use crate::args::SystemdLogArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &SystemdLogArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(
        Kind::Usage,
        format!("systemd's measurement log are not read yet ({} files)", args.files.len()),
    ))
}
