//! `lydian inspect module`.

use crate::Outcome;
use crate::args::ModuleArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &ModuleArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(Kind::Usage, format!("kernel modules are not read yet ({} files)", args.files.len())))
}
