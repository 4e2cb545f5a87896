//! `lydian inspect siglist`.

use crate::Outcome;
use crate::args::SiglistArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &SiglistArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(
        Kind::Usage,
        format!("EFI signature lists are not read yet ({} files)", args.files.len()),
    ))
}
