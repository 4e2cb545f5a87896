//! `lydian inspect quote`: what a TPM attests, and whether all that belongs to it fits.
//!
//! In: an attestation, and of its signature, key, PCR values, nonce and so on whatever is at hand. Out: what it says and a
//! check for each thing that was given. That the key is in a real TPM, and that the nonce was fresh, no file can show.

mod checks;
mod given;
mod pcrs;
mod view;

use crate::Outcome;
use crate::args::QuoteArgs;
use crate::error::CliError;
use crate::ui::{Format, Ui};

use super::report::Report as _;
use given::Given;
use view::QuoteView;

pub(crate) fn run(ui: &mut Ui, args: &QuoteArgs) -> Result<Outcome, CliError> {
    let (given, unread) = Given::read(args)?;
    let view = QuoteView::new(&given, &unread);
    if ui.format() == Format::Table {
        let text = view.render(ui.screen());
        ui.text(&text)?;
    } else {
        ui.json(&view)?;
    }
    for error in &unread {
        ui.error(error);
    }
    if view.nothing_given() {
        ui.note("nothing was checked: give --signature with --ak, --pcrs or --nonce");
    }
    Ok(view.outcome())
}
