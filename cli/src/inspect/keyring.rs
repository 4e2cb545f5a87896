//! `lydian inspect keyring`.

use crate::Outcome;
use crate::args::KeyringArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &KeyringArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(
        Kind::Usage,
        format!("OpenPGP key rings are not read yet ({} files)", args.files.len()),
    ))
}
