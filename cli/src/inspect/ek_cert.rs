//! `lydian inspect ek-cert`.

use crate::Outcome;
use crate::args::EkCertArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &EkCertArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(
        Kind::Usage,
        format!("endorsement certificates are not read yet ({} files)", args.files.len()),
    ))
}
