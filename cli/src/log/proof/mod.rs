//! The proof of an answer: a directory that says who asked what, what the verifier said, and all evidence that it follows from.
//!
//! In: a verifier that is asked (`lydian trusted --proof DIR`), or such a directory (`lydian verify DIR`). Out: whether the answer
//! for each host follows from what its TPM has signed and the log has kept. Making one is checking it: what the check reads of the
//! log is what the directory keeps.

mod check;
mod fetch;
mod hosts;
mod question;
mod report;

pub(crate) use fetch::fetch;

use crate::Outcome;
use crate::args::VerifyProofArgs;
use crate::error::CliError;
use crate::log::Trust;
use crate::log::source::Source;
use crate::ui::Ui;
use check::Proof;

/// `lydian verify`: a proof checked on this machine alone.
pub(crate) fn verify(ui: &mut Ui, args: &VerifyProofArgs) -> Result<Outcome, CliError> {
    let trust = Trust::of(&args.trust)?;
    let source = Source::Directory(args.dir.join(wire::proof::LOG));
    let proof = Proof { dir: &args.dir, source: &source, trust: Some(&trust), jobs: args.jobs.get() };
    let report = check::check(ui, &proof, &mut |_| Ok(()))?;
    report::show(ui, &report)?;
    Ok(if report.holds { Outcome::Good } else { Outcome::NotTrusted })
}
