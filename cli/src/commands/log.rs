//! `lydian log …`: the log's checkpoint and proofs.

use std::path::Path;

use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::note::VerifierKey;
use ledger::proof_file::ProofFile;
use serde::Serialize;

use crate::Outcome;
use crate::args::LogKeyArg;
use crate::client::{Client, Denied, Request};
use crate::error::CliError;
use crate::files;
use crate::limits::TEXT_REPLY_BYTES;
use crate::show::{Cell, Table, Tone, counted};
use crate::ui::{Format, Ui};
use wire::operator::LogWitnesses;

/// A checkpoint for programs.
#[derive(Serialize)]
struct CheckpointView {
    origin: String,
    size: u64,
    root: String,
    /// Whether its signature holds under a key that the caller gave.
    verified: bool,
    note: String,
}

/// The key that an argument gives, if it gives one.
pub(super) fn key(arg: &LogKeyArg) -> Result<Option<VerifierKey>, CliError> {
    let Some(text) = &arg.log_key else { return Ok(None) };
    let text = files::value_or_file(text)?;
    let key = text.parse().map_err(|error| {
        CliError::value("--log-key", error)
            .hint("a key looks like name+1a2b3c4d+AbC…=; a file is given as @FILE")
    })?;
    Ok(Some(key))
}

pub(super) fn checkpoint(client: &Client, ui: &mut Ui, log_key: &LogKeyArg) -> Result<Outcome, CliError> {
    let key = key(log_key)?;
    let bytes = client.get_bytes(Request::path(&["checkpoint"]), TEXT_REPLY_BYTES)?;
    let checkpoint =
        SignedCheckpoint::parse(&bytes).map_err(|error| CliError::reply(format!("checkpoint: {error}")))?;
    let verdict = key.as_ref().map(|key| checkpoint.verify(key));
    let claim = checkpoint.claim();
    if ui.format() == Format::Table {
        ui.text(checkpoint.note().as_str())?;
    } else {
        ui.json(&CheckpointView {
            origin: claim.origin().to_string(),
            size: claim.size().get(),
            root: claim.root().to_string(),
            verified: matches!(verdict, Some(Ok(_))),
            note: checkpoint.note().as_str().to_owned(),
        })?;
    }
    match verdict {
        None => {
            ui.warn("its signature was not checked: give --log-key with a key from a source that you trust");
            Ok(Outcome::Good)
        }
        Some(Ok(_)) => {
            ui.note("the signature holds under the given key");
            Ok(Outcome::Good)
        }
        Some(Err(error)) => {
            ui.warn(&crate::escape::safe(&format!(
                "the checkpoint does not verify under the given key: {error}"
            )));
            Ok(Outcome::NotTrusted)
        }
    }
}

pub(super) fn proof(
    client: &Client,
    ui: &mut Ui,
    index: u64,
    out: Option<&Path>,
    log_key: &LogKeyArg,
) -> Result<Outcome, CliError> {
    let key = key(log_key)?;
    let number = index.to_string();
    let path = ["v1", "log", "proof", &number];
    let bytes = client.get_bytes(Request::path(&path), TEXT_REPLY_BYTES).map_err(|denied| match denied {
        Denied::NotFound(error) => error.hint("`lydian log checkpoint` shows how many leaves the log has"),
        Denied::TooMany(error) | Denied::Other(error) => error,
    })?;
    let file = ProofFile::parse(&bytes).map_err(|error| CliError::reply(format!("proof: {error}")))?;
    if file.index().get() != index {
        return Err(CliError::reply(format!("the proof is of leaf {}, not of leaf {index}", file.index())));
    }
    match out.filter(|path| path.as_os_str() != "-") {
        None => ui.text(&file.to_string())?,
        Some(path) => {
            files::write(path, file.to_string().as_bytes())?;
            ui.note(&format!("wrote {}", path.display()));
        }
    }
    match key.map(|key| check_proof(&file, &key)) {
        None => Ok(Outcome::Good),
        Some(Ok(())) => {
            ui.note("the leaf in the file is in the log of the given key");
            Ok(Outcome::Good)
        }
        Some(Err(why)) => {
            ui.warn(&crate::escape::safe(&format!("the proof does not verify under the given key: {why}")));
            Ok(Outcome::NotTrusted)
        }
    }
}

/// `lydian log witness status`.
pub(super) fn witnesses(client: &Client, ui: &mut Ui) -> Result<Outcome, CliError> {
    let found: LogWitnesses = client.get(Request::path(&["v1", "log", "witnesses"]))?;
    let behind =
        found.waiting.is_some() || found.witnesses.iter().any(|w| w.counts && w.cosigned_size.is_none());
    let outcome = if behind { Outcome::NotTrusted } else { Outcome::Good };
    match ui.format() {
        Format::Json => ui.json(&found)?,
        Format::Jsonl => ui.json_lines(&found.witnesses)?,
        Format::Table | Format::Csv => {
            let text = witness_table(ui, &found);
            ui.text(&text)?;
            let published = found.published.map_or("nothing".to_owned(), |size| counted(size, "leaf"));
            ui.note(&format!("published: {published}; newest head: {}", counted(found.head, "leaf")));
        }
    }
    if !found.policy {
        ui.warn("the log has no witnesses: set log.policy in the verifier's configuration");
    }
    if let Some(waiting) = &found.waiting {
        ui.warn(&crate::escape::safe(&format!(
            "{} are not published: {}",
            counted(waiting.size, "leaf"),
            waiting.why
        )));
    }
    Ok(outcome)
}

fn witness_table(ui: &Ui, found: &LogWitnesses) -> String {
    let mut table = Table::new(&["WITNESS", "QUORUM", "COSIGNED", "AT", "FAILURE"]);
    for witness in &found.witnesses {
        let at = witness.cosigned_at_secs.and_then(|at| i64::try_from(at).ok());
        let at = at.and_then(|at| time::OffsetDateTime::from_unix_timestamp(at).ok());
        let failure = match (&witness.failure, &witness.url) {
            (Some(failure), _) => Cell::toned(failure, Tone::Bad),
            (None, None) => Cell::toned("the policy gives no address, so it is not asked", Tone::Warn),
            (None, Some(_)) => Cell::none(),
        };
        table.row(vec![
            witness.name.as_str().into(),
            if witness.counts { "yes" } else { "no" }.into(),
            witness.cosigned_size.map_or_else(Cell::none, |size| size.to_string().as_str().into()),
            at.map_or_else(Cell::none, |at| at.to_string().as_str().into()),
            failure,
        ]);
    }
    table.render(ui.screen())
}

/// A verifier puts the leaf's entry into the file; without it there is nothing that the proof is of.
fn check_proof(file: &ProofFile, key: &VerifierKey) -> Result<(), String> {
    let entry = file.unauthenticated_extra().ok_or("the file does not hold the leaf")?;
    let leaf = Leaf::from_bytes(entry).map_err(|error| error.to_string())?;
    file.verify(&leaf.hash(), key).map(|_| ()).map_err(|error| error.to_string())
}
