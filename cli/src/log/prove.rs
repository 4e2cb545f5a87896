//! `lydian log prove`: a proof file made from a log's files alone.

use ledger::leaf::Leaf;
use ledger::proof_file::ProofFile;
use ledger::tile::{BundleId, Resource, TileReader, fetch_bundle, resources};
use ledger::tree::{LeafIndex, LogSize, prove_inclusion};

use super::source::Source;
use super::which::leaf_of;
use crate::Outcome;
use crate::args::LogProveArgs;
use crate::error::{CliError, Kind};
use crate::files;
use crate::ui::Ui;

/// Writes the proof that a leaf is in the log of the published checkpoint.
pub(crate) fn prove(ui: &mut Ui, args: &LogProveArgs) -> Result<Outcome, CliError> {
    let source = Source::open(&args.source, args.ca.as_deref())?;
    let signed = source.checkpoint()?;
    let (size, root) = (signed.claim().size(), *signed.claim().root());
    let reader = TileReader::new(&source, size, &root).map_err(|error| damaged(&error))?;
    let (index, leaf) = match (&args.evidence, args.index) {
        (Some(evidence), _) => {
            let (leaf, index) = leaf_of(ui, evidence, args.export.as_deref())?;
            let index = match index {
                Some(index) => LeafIndex::new(index).map_err(|error| damaged(&error))?,
                None => find(ui, &source, size, &leaf)?,
            };
            (index, Some(leaf))
        }
        (None, Some(index)) => {
            (LeafIndex::new(index).map_err(|error| CliError::value("--index", error))?, None)
        }
        (None, None) => return Err(CliError::value("--index", "which leaf? Give --index or --evidence")),
    };
    let entry = reader.entry(index).map_err(|error| damaged(&error))?;
    if leaf.is_some_and(|leaf| leaf.to_bytes() != *entry) {
        return Err(CliError::new(Kind::Input, format!("leaf {index} of the log commits to something else"))
            .hint("the export is not of this log, or one of them was falsified: `lydian log audit` tells"));
    }
    let proof = prove_inclusion(&reader, index, size).map_err(|error| damaged(&error))?;
    // The entry rides along: it is what the proof is of.
    let file = ProofFile::new(index, proof, signed).with_extra(entry).map_err(|error| damaged(&error))?;
    match args.out.as_deref().filter(|path| path.as_os_str() != "-") {
        None => ui.text(&file.to_string())?,
        Some(path) => {
            files::write(path, file.to_string().as_bytes())?;
            ui.note(&format!("wrote {}: leaf {index} of {size}", path.display()));
        }
    }
    Ok(Outcome::Good)
}

/// Looks through the entries: nothing in a log says where whose evidence is.
fn find(ui: &mut Ui, source: &Source, size: LogSize, leaf: &Leaf) -> Result<LeafIndex, CliError> {
    let wanted = leaf.to_bytes();
    for resource in resources(size) {
        let Resource::Bundle(id) = resource else { break };
        if let Some(place) = place_in(source, id, &wanted)? {
            return LeafIndex::new(id.first() + place).map_err(|error| damaged(&error));
        }
        if id.index().is_multiple_of(1_024) {
            ui.progress(&format!("looking at leaf {} of {size}", id.first()));
        }
    }
    ui.progress_done();
    Err(CliError::new(Kind::Input, format!("none of the log's {size} leaves commits to this evidence"))
        .hint("is it evidence of this log's verifier, and is the checkpoint newer than it?"))
}

fn place_in(source: &Source, id: BundleId, wanted: &[u8]) -> Result<Option<u64>, CliError> {
    let bundle = fetch_bundle(source, id).map_err(|error| damaged(&error))?;
    Ok(bundle.bundle().entries().zip(0_u64..).find(|(entry, _)| *entry == wanted).map(|(_, place)| place))
}

fn damaged(error: &dyn std::fmt::Display) -> CliError {
    CliError::new(Kind::Input, format!("the log: {error}"))
        .hint("`lydian log verify` says what else does not hold")
}
