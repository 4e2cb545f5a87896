//! `lydian inspect pe`.

use crate::Outcome;
use crate::args::PeArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &PeArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(Kind::Usage, format!("PE images are not read yet ({} files)", args.files.len())))
}
