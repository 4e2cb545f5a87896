//! `lydian log check`: a proof file verified offline.

use ledger::leaf::Leaf;
use ledger::limits::MAX_PROOF_FILE_BYTES;
use ledger::proof_file::ProofFile;
use serde::Serialize;

use super::leaves::kind_name;
use super::which::leaf_of;
use super::{Believed, Trust};
use crate::Outcome;
use crate::args::LogCheckArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Card, Cell, Tone};
use crate::ui::{Format, Ui};

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Report {
    origin: String,
    index: u64,
    size: u64,
    kind: &'static str,
    /// Where the leaf is from: `given`, `evidence`, or `file`, whose word for it is all there is.
    leaf: &'static str,
    witnesses: Vec<String>,
    problem: Option<String>,
    holds: bool,
}

/// Verifies that a leaf is in a log.
pub(crate) fn check(ui: &mut Ui, args: &LogCheckArgs) -> Result<Outcome, CliError> {
    let trust = Trust::of(&args.trust)?;
    let bytes = files::read(&args.file, MAX_PROOF_FILE_BYTES)?;
    let file = ProofFile::parse(&bytes).map_err(|error| CliError::input(&args.file, error))?;
    let (leaf, from) = leaf(ui, args, &file)?;
    let claim = file.checkpoint().claim();
    let mut report = Report {
        origin: claim.origin().to_string(),
        index: file.index().get(),
        size: claim.size().get(),
        kind: kind_name(leaf.kind().code()),
        leaf: from,
        witnesses: Vec::new(),
        problem: None,
        holds: false,
    };
    match verify(&trust, &file, &leaf) {
        Ok(believed) => {
            report.witnesses = believed.cosigned.into_iter().map(|cosigned| cosigned.witness).collect();
            report.holds = true;
        }
        Err(why) => report.problem = Some(why),
    }
    show(ui, &report)?;
    if from == "file" {
        ui.warn("the leaf is the file's own word: give --evidence or --leaf to know what it is a proof of");
    }
    Ok(if report.holds { Outcome::Good } else { Outcome::NotTrusted })
}

/// The leaf that the proof must be of, and where it is from.
fn leaf(ui: &mut Ui, args: &LogCheckArgs, file: &ProofFile) -> Result<(Leaf, &'static str), CliError> {
    if let Some(evidence) = &args.evidence {
        return Ok((leaf_of(ui, evidence, args.export.as_deref())?.0, "evidence"));
    }
    if let Some(text) = &args.leaf {
        let bytes = hex::decode(text.trim()).map_err(|error| CliError::value("--leaf", error))?;
        return Ok((Leaf::from_bytes(&bytes).map_err(|error| CliError::value("--leaf", error))?, "given"));
    }
    let extra = file.unauthenticated_extra().ok_or_else(|| {
        CliError::input(&args.file, "it does not hold the leaf").hint("give it with --leaf or --evidence")
    })?;
    Ok((Leaf::from_bytes(extra).map_err(|error| CliError::input(&args.file, error))?, "file"))
}

fn verify(trust: &Trust, file: &ProofFile, leaf: &Leaf) -> Result<Believed, String> {
    let believed = trust.believe(file.checkpoint()).map_err(|error| error.to_string())?;
    believed
        .verified
        .verify_inclusion(&leaf.hash(), file.index(), file.proof())
        .map_err(|error| error.to_string())?;
    Ok(believed)
}

fn show(ui: &mut Ui, report: &Report) -> Result<(), CliError> {
    if ui.format() != Format::Table {
        return ui.json(report);
    }
    let status =
        if report.holds { Cell::toned("holds", Tone::Good) } else { Cell::toned("DOES NOT HOLD", Tone::Bad) };
    let mut card = Card::new(&format!("leaf {} of {}", report.index, report.origin), status);
    card.section("Proof");
    card.row("kind", report.kind);
    card.row("log", format!("{} leaves", report.size).as_str());
    card.row(
        "witnesses",
        if report.witnesses.is_empty() {
            "no policy was given".to_owned()
        } else {
            report.witnesses.join(", ")
        }
        .as_str(),
    );
    if let Some(why) = &report.problem {
        card.row("problem", Cell::toned(why, Tone::Bad));
    }
    let text = card.render(ui.screen());
    ui.text(&text)
}
