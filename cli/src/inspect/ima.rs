//! `lydian inspect ima`.
//!
//! In: lists of any length, binary or text, read in pieces. Out: what was measured, what the PCRs come to, and what is out
//! of order. Records are shown as they come or not kept at all, so that memory does not grow with a list.

mod findings;
mod measured;
mod rows;
mod summary;
mod targets;
mod view;

use std::io::{self, Read};
use std::path::Path;

use evidence::digest::HashAlg;
use evidence::ima::{ImaError, ImaStream};

use self::rows::{Rows, Show};
use self::summary::Summary;
use self::targets::Targets;
use self::view::ListView;
use super::report::each_with;
use super::{bank, name_of};
use crate::Outcome;
use crate::args::ImaArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::CHUNK_BYTES;
use crate::ui::{Format, Ui};

/// What was asked for.
struct Options {
    banks: Vec<HashAlg>,
    targets: Targets,
    show: Show,
}

impl Options {
    fn new(format: Format, args: &ImaArgs) -> Result<Self, CliError> {
        let mut banks = Vec::new();
        for name in &args.bank {
            let bank = bank(name)?;
            if !banks.contains(&bank) {
                banks.push(bank);
            }
        }
        let show = match format {
            Format::Json if args.all => {
                return Err(CliError::value("--all", "a JSON document holds no records")
                    .hint("use -o jsonl: a record on each line, and what they come to on the last"));
            }
            Format::Json => Show::Nothing,
            Format::Jsonl if args.only_findings => Show::OddAsLines,
            Format::Jsonl => Show::AllAsLines,
            Format::Table if args.only_findings => Show::OddAsTable,
            Format::Table if args.all => Show::AllAsTable,
            Format::Table | Format::Csv => Show::Some,
        };
        let targets = Targets::new(&banks, args.quoted.as_deref(), args.against.as_deref())?;
        Ok(Self { banks, targets, show })
    }
}

pub(crate) fn run(ui: &mut Ui, args: &ImaArgs) -> Result<Outcome, CliError> {
    let options = Options::new(ui.format(), args)?;
    each_with(ui, &args.files, |ui, path| read(ui, path, &options))
}

fn read(ui: &mut Ui, path: &Path, options: &Options) -> Result<ListView, CliError> {
    let mut source = files::open(path)?;
    let mut stream = ImaStream::new();
    let mut rows = Rows::new(name_of(path), options.show);
    let mut summary = Summary::new(&options.banks, options.targets.clone());
    let mut buffer = vec![0; CHUNK_BYTES];
    let mut end: Result<(), ImaError> = Ok(());
    while end.is_ok() {
        let size = read_some(&mut source, &mut buffer).map_err(|error| CliError::file(path, &error))?;
        let chunk = buffer.get(..size).unwrap_or_default();
        let take = |item: evidence::ima::StreamItem<'_>| summary.take(&item, &mut rows);
        end = if chunk.is_empty() { stream.finish(take) } else { stream.push(chunk, take) };
        rows.flush(ui)?;
        if chunk.is_empty() {
            break;
        }
    }
    // Programs get a report of whatever file; people are told that it is the wrong one.
    if end == Err(ImaError::NotAList) && ui.format() == Format::Table {
        return Err(CliError::input(path, "not an IMA list").hint(
            "the kernel's are binary_runtime_measurements and ascii_runtime_measurements in /sys/kernel/security/ima",
        ));
    }
    Ok(summary.finish(name_of(path), &stream, end.err(), rows))
}

fn read_some(source: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// A path as text; bytes that are not UTF-8 are escaped.
fn text_of(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.escape_ascii().to_string(), str::to_owned)
}
