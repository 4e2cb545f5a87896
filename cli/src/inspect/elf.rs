//! `lydian inspect elf`.

use crate::Outcome;
use crate::args::ElfArgs;
use crate::error::{CliError, Kind};
use crate::ui::Ui;

pub(crate) fn run(_ui: &mut Ui, args: &ElfArgs) -> Result<Outcome, CliError> {
    Err(CliError::new(Kind::Usage, format!("ELF files are not read yet ({} files)", args.files.len())))
}
