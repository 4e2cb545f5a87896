//! `lydian cel`: a boot's logs as one canonical log, and back.

use std::io::Write as _;
use std::path::Path;

use evidence::cel::{Cel, CelWriter, Layout, to_firmware_log, to_ima_list};
use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::ima::ImaList;
use evidence::limits::{CEL_BYTES, EVENT_LOG_BYTES, IMA_LIST_BYTES};

use crate::Outcome;
use crate::args::{CelCommand, CelExtractArgs, CelKind, CelLayout, CelWriteArgs};
use crate::error::CliError;
use crate::files;
use crate::ui::Ui;

pub(super) fn run(ui: &mut Ui, command: &CelCommand) -> Result<Outcome, CliError> {
    match command {
        CelCommand::Write(args) => write(ui, args),
        CelCommand::Extract(args) => extract(ui, args),
    }
}

/// A log that cannot be read to its end gives no canonical log: what is missing could not be told from it.
fn write(ui: &mut Ui, args: &CelWriteArgs) -> Result<Outcome, CliError> {
    let mut writer = CelWriter::new(match args.layout {
        CelLayout::Array => Layout::Array,
        CelLayout::JsonSeq => Layout::Sequence,
    });
    if let Some(path) = &args.firmware {
        let bytes = files::read(path, EVENT_LOG_BYTES)?;
        let parsed = EventLog::parse(&bytes);
        if let Some(damage) = parsed.damage {
            return Err(CliError::input(path, format!("not a whole firmware log: {damage}")));
        }
        for event in parsed.log.events() {
            writer.firmware(&event);
        }
    }
    if let Some(path) = &args.ima {
        let bytes = files::read(path, IMA_LIST_BYTES)?;
        let banks = banks(&args.bank)?;
        for record in ImaList::detect(&bytes).records() {
            let record =
                record.map_err(|error| CliError::input(path, format!("not a whole IMA list: {error}")))?;
            writer.ima(&record, &banks);
        }
    }
    if let Some(path) = &args.systemd {
        let bytes = files::read(path, CEL_BYTES)?;
        for record in Cel::new(&bytes).records() {
            writer.canonical(&record.map_err(|error| CliError::input(path, error))?);
        }
    }
    put(ui, &args.out, writer.finish().as_bytes())
}

fn banks(names: &[String]) -> Result<Vec<HashAlg>, CliError> {
    if names.is_empty() {
        return Ok(vec![HashAlg::Sha1, HashAlg::Sha256]);
    }
    names.iter().map(|name| name.parse().map_err(|error| CliError::value("--bank", error))).collect()
}

fn extract(ui: &mut Ui, args: &CelExtractArgs) -> Result<Outcome, CliError> {
    let bytes = files::read(&args.file, CEL_BYTES)?;
    let cel = Cel::new(&bytes);
    let (what, extracted) = match args.kind {
        CelKind::EventLog => ("firmware events", to_firmware_log(cel)),
        CelKind::Ima => ("IMA records", to_ima_list(cel)),
    };
    let extracted = extracted.map_err(|error| CliError::input(&args.file, error))?;
    if extracted.is_empty() {
        return Err(CliError::input(&args.file, format!("it holds no {what}")));
    }
    put(ui, &args.out, &extracted)
}

fn put(ui: &mut Ui, out: &Path, bytes: &[u8]) -> Result<Outcome, CliError> {
    if out.as_os_str() != "-" {
        files::write(out, bytes)?;
        ui.note(&crate::escape::safe(&format!("wrote {}: {} bytes", out.display(), bytes.len())));
        return Ok(Outcome::Good);
    }
    match std::io::stdout().lock().write_all(bytes) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(CliError::output(&error)),
        _ => Ok(Outcome::Good),
    }
}
