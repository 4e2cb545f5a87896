//! Which evidence somebody means.
//!
//! In: a bundle's file, or a name for evidence of an export. Out: the leaf that commits to it, computed from its own bytes; an
//! export also tells where the leaf is said to be.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use evidence::bundle::{BUNDLE_BYTES, Bundle};
use evidence::digest::Sha256Digest;
use evidence::export::{Attestation, Item};
use ledger::leaf::{Leaf, Salt};
use wire::export::ItemReader;

use super::audit::{ChainFile, chain_files};
use crate::error::{CliError, Kind};
use crate::files;
use crate::ui::Ui;

/// The leaf of evidence, and its index where that is known.
pub(super) fn leaf_of(
    ui: &mut Ui,
    evidence: &str,
    export: Option<&Path>,
) -> Result<(Leaf, Option<u64>), CliError> {
    let Some(export) = export else { return Ok((of_bundle(Path::new(evidence))?, None)) };
    let which = Which::parse(evidence)?;
    let files = chain_files(export, &mut Vec::new())?;
    let mut found: Option<Found> = None;
    for (number, file) in files.iter().enumerate() {
        ui.progress(&format!("looking through chain {number} of {}", files.len()));
        let newest = which.look(file)?;
        // Of a host's chains the newest one is meant.
        if newest.as_ref().is_some_and(|new| found.as_ref().is_none_or(|old| old.chain < new.chain)) {
            found = newest;
        }
    }
    ui.progress_done();
    let found = found.ok_or_else(|| {
        CliError::new(Kind::Input, format!("{} has no evidence {evidence}", export.display()))
            .hint("name it by its digest or as HOST/SEQ; has it been exported since?")
    })?;
    Ok((found.leaf, Some(found.index)))
}

fn of_bundle(path: &Path) -> Result<Leaf, CliError> {
    let bytes = files::read(path, BUNDLE_BYTES)?;
    let bundle = Bundle::decode(&bytes).map_err(|error| {
        CliError::input(path, error).hint(
            "`lydian evidence fetch HOST SEQ --out FILE` downloads one; --export names an export instead",
        )
    })?;
    let evidence = &bundle.envelope.evidence;
    Ok(Leaf::attestation(&Salt::from_bytes(evidence.body().salt), evidence.digest().as_bytes()))
}

/// A name for evidence.
enum Which {
    Digest(Sha256Digest),
    /// A host's name or identity, and a place in its chain.
    Place(String, u64),
}

/// Evidence, and the leaf with which its chain begins.
struct Found {
    chain: u64,
    index: u64,
    leaf: Leaf,
}

impl Which {
    fn parse(text: &str) -> Result<Self, CliError> {
        if let Some((host, seq)) = text.rsplit_once('/')
            && let Ok(seq) = seq.parse()
        {
            return Ok(Self::Place(host.to_owned(), seq));
        }
        text.parse().map(Self::Digest).map_err(|_| {
            CliError::value("--evidence", "neither a digest nor HOST/SEQ")
                .hint("with --export, evidence is named by its SHA-256 in hex, or like web-1/42")
        })
    }

    /// Looks through a chain.
    fn look(&self, file: &ChainFile) -> Result<Option<Found>, CliError> {
        let path = &file.path;
        let opened = File::open(path).map_err(|error| CliError::file(path, &error))?;
        let unreadable = |error| CliError::input(path, error);
        let mut reader = ItemReader::new(BufReader::new(opened)).map_err(unreadable)?;
        let mut chain = 0;
        while let Some(item) = reader.next_item().map_err(unreadable)? {
            match (item, self) {
                (Item::Enrolment(enrolment), Self::Place(host, _)) => {
                    chain = enrolment.committed.leaf;
                    if enrolment.name != *host && !file.of.0.to_string().starts_with(host.as_str()) {
                        return Ok(None);
                    }
                }
                (Item::Enrolment(enrolment), Self::Digest(_)) => chain = enrolment.committed.leaf,
                (Item::Attestation(attestation), _) if self.is(&attestation) => {
                    let sealed = &attestation.envelope.evidence;
                    let salt = Salt::from_bytes(sealed.body().salt);
                    let leaf = Leaf::attestation(&salt, sealed.digest().as_bytes());
                    return Ok(Some(Found { chain, index: attestation.leaf, leaf }));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn is(&self, attestation: &Attestation) -> bool {
        let sealed = &attestation.envelope.evidence;
        match self {
            Self::Digest(digest) => sealed.digest() == *digest,
            Self::Place(_, seq) => sealed.body().seq == *seq,
        }
    }
}
