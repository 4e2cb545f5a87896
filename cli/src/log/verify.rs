//! `lydian log verify`: every file of a log read, hashed and compared.
//!
//! In: a log's files and what its checkpoints are believed by. Out: whether entries, tiles, published and archived
//! checkpoints are one history, and what of it is not. It does not read the evidence that the leaves commit to.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ledger::audit::{AuditError, Auditor, Mark, Step, check_chunk};
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::tile::FileError;
use serde::Serialize;

use super::entries::{Entries, EntryWriter};
use super::leaves::{Leaves, anchor, kind_name};
use super::source::Source;
use super::{Cosigned, Trust, state};
use crate::Outcome;
use crate::args::LogVerifyArgs;
use crate::error::{CliError, Kind};
use crate::show::{Card, Cell, Tone, counted};
use crate::ui::{Format, Ui};

/// What came of it, for programs.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    pub(super) origin: String,
    size: u64,
    root: String,
    /// Who has cosigned the published checkpoint, of the policy's witnesses.
    cosigned: Vec<Cosigned>,
    /// `reached`, `none` where the policy asks for none, or `no-policy`.
    quorum: &'static str,
    archived: u64,
    leaves: std::collections::BTreeMap<&'static str, u64>,
    /// What does not hold; empty where everything does.
    pub(super) findings: Vec<String>,
    pub(super) holds: bool,
}

/// A log that was hashed.
#[derive(Debug)]
pub(super) struct Audited {
    pub(super) report: Report,
    pub(super) published: SignedCheckpoint,
    pub(super) archive: Vec<Archived>,
    /// Whether every entry was hashed, and leads to the published root.
    pub(super) hashed: bool,
}

/// Runs the audit.
pub(crate) fn verify(ui: &mut Ui, args: &LogVerifyArgs) -> Result<Outcome, CliError> {
    let source = Source::open(&args.source, args.ca.as_deref())?;
    let audited = run(ui, args, &source, None)?;
    show(ui, &audited.report)?;
    Ok(if audited.report.holds { Outcome::Good } else { Outcome::NotTrusted })
}

/// Audits a log's files, and keeps its entries where they are wanted.
pub(super) fn run(
    ui: &mut Ui,
    args: &LogVerifyArgs,
    source: &Source,
    entries: Option<&Arc<Entries>>,
) -> Result<Audited, CliError> {
    let trust = Trust::of(&args.trust)?;
    let published = source.checkpoint()?;
    let mut report = Report {
        origin: published.claim().origin().to_string(),
        size: published.claim().size().get(),
        root: published.claim().root().to_string(),
        cosigned: Vec::new(),
        quorum: "no-policy",
        archived: 0,
        leaves: std::collections::BTreeMap::new(),
        findings: Vec::new(),
        holds: false,
    };
    match trust.believe(&published) {
        Ok(believed) => (report.cosigned, report.quorum) = (believed.cosigned, believed.quorum),
        Err(error) => report.findings.push(format!("the published checkpoint: {error}")),
    }
    let archive = archived(source, &trust, &published, &mut report, ui)?;
    let leaves = audit(ui, args, source, &published, &archive, entries, &mut report)?;
    if let Some(leaves) = &leaves {
        check_leaves(leaves, &archive, &mut report);
    }
    report.holds = report.findings.is_empty();
    Ok(Audited { report, published, archive, hashed: leaves.is_some() })
}

/// An archived checkpoint that is believed: which it is, its bytes, and what it claims.
#[derive(Debug)]
pub(super) struct Archived {
    number: u64,
    note: Vec<u8>,
    pub(super) mark: Mark,
    /// When the first of its witnesses has cosigned it.
    pub(super) cosigned_secs: Option<u64>,
}

/// Reads the archive from its beginning to where it ends.
fn archived(
    source: &Source,
    trust: &Trust,
    published: &SignedCheckpoint,
    report: &mut Report,
    ui: &mut Ui,
) -> Result<Vec<Archived>, CliError> {
    let mut archive = Vec::new();
    let limit = ledger::limits::MAX_MARKS as u64;
    while let Some(note) = source.archived(report.archived)? {
        let number = report.archived;
        report.archived += 1;
        if report.archived >= limit {
            return Err(CliError::new(Kind::Input, format!("more than {limit} archived checkpoints")));
        }
        ui.progress(&format!("archived checkpoints: {number}"));
        let bad = |why: &dyn std::fmt::Display| format!("archived checkpoint {number}: {why}");
        match SignedCheckpoint::parse(&note) {
            Err(error) => report.findings.push(bad(&error)),
            Ok(signed) => {
                let claim = signed.claim();
                let mark = Mark { size: claim.size(), root: *claim.root() };
                match trust.believe(&signed) {
                    Err(error) => report.findings.push(bad(&error)),
                    Ok(_) if mark.size > published.claim().size() => {
                        let why = format!("it has {} leaves, more than the published one", mark.size);
                        report.findings.push(bad(&why));
                    }
                    Ok(believed) => {
                        let cosigned_secs = believed.cosigned.iter().map(|word| word.time_secs).min();
                        archive.push(Archived { number, note, mark, cosigned_secs });
                    }
                }
            }
        }
    }
    Ok(archive)
}

/// Hashes everything; `None` where it stopped at a finding.
fn audit(
    ui: &mut Ui,
    args: &LogVerifyArgs,
    source: &Source,
    published: &SignedCheckpoint,
    archive: &[Archived],
    entries: Option<&Arc<Entries>>,
    report: &mut Report,
) -> Result<Option<Leaves>, CliError> {
    let claim = published.claim();
    let end = Mark { size: claim.size(), root: *claim.root() };
    let marks: Vec<Mark> = archive.iter().map(|archived| archived.mark).collect();
    let (mut auditor, mut leaves) = begin(ui, args, &report.origin, end, &marks, entries)?;
    leaves.kept = entries.map(|entries| EntryWriter::new(Arc::clone(entries)));
    let (start, first) = (Instant::now(), auditor.position().get());
    let mut saved = Instant::now();
    loop {
        match advance(&mut auditor, source, &mut leaves, args.jobs.get()) {
            Ok(Step::Done) => break,
            Ok(Step::More) => {}
            Err(AuditError::File(FileError::Source { cause, .. })) => return Err(cause),
            Err(error) => {
                report.findings.push(error.to_string());
                ui.progress_done();
                return Ok(None);
            }
        }
        if saved.elapsed() >= SAVE_EVERY {
            saved = Instant::now();
            keep(args, &report.origin, &auditor, &mut leaves)?;
            ui.progress(&progress(auditor.position().get(), first, end.size.get(), start.elapsed()));
        }
    }
    ui.progress_done();
    keep(args, &report.origin, &auditor, &mut leaves)?;
    Ok(Some(leaves))
}

/// Keeps how far it came; the entries up to there first.
fn keep(args: &LogVerifyArgs, origin: &str, auditor: &Auditor, leaves: &mut Leaves) -> Result<(), CliError> {
    if let Some(kept) = &mut leaves.kept {
        kept.finish().map_err(|error| not_kept(&error))?;
    }
    args.state.as_deref().map_or(Ok(()), |path| state::save(path, origin, auditor, leaves))
}

fn not_kept(error: &std::io::Error) -> CliError {
    CliError::new(Kind::File, format!("keeping the entries: {error}"))
}

/// Takes up an interrupted audit, or begins one.
fn begin(
    ui: &mut Ui,
    args: &LogVerifyArgs,
    origin: &str,
    end: Mark,
    marks: &[Mark],
    entries: Option<&Arc<Entries>>,
) -> Result<(Auditor, Leaves), CliError> {
    if let Some(path) = &args.state {
        // An audit of the log alone kept no entries.
        let kept = |auditor: &Auditor| match entries {
            Some(entries) => entries.reaches(auditor.position().get()).map_err(|error| not_kept(&error)),
            None => Ok(true),
        };
        match state::load(path, origin, end, marks.to_vec())? {
            Ok((auditor, _)) if !kept(&auditor)? => {
                ui.note("the log was audited without its evidence before, and is read once more");
            }
            Ok((auditor, leaves)) => {
                ui.note(&format!("going on after {} leaves", auditor.position()));
                return Ok((auditor, leaves));
            }
            Err(why) if why.is_empty() => {}
            Err(why) => ui.warn(&format!("{} is not gone on from: {why}", path.display())),
        }
    }
    let auditor = Auditor::new(end, marks.to_vec())
        .map_err(|error| CliError::new(Kind::Input, format!("archive: {error}")))?;
    Ok((auditor, Leaves::default()))
}

/// One round: some chunks side by side, or one bundle.
fn advance(
    auditor: &mut Auditor,
    source: &Source,
    leaves: &mut Leaves,
    jobs: usize,
) -> Result<Step, AuditError<CliError>> {
    let ranges = auditor.chunks(jobs);
    if ranges.is_empty() {
        return auditor.step(source, &mut |index, entry| leaves.see(index, entry));
    }
    let checked = std::thread::scope(|scope| {
        let work = |range: std::ops::Range<u64>, mut seen: Leaves| {
            check_chunk(source, range, &mut |index, entry| seen.see(index, entry)).map(|chunk| (chunk, seen))
        };
        let threads: Vec<_> = ranges
            .into_iter()
            .map(|range| {
                let seen = leaves.another();
                scope.spawn(move || work(range, seen))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(AuditError::Place))).collect::<Vec<_>>()
    });
    for checked in checked {
        let (chunk, seen) = checked?;
        auditor.absorb(source, &chunk)?;
        leaves.merge(seen);
    }
    Ok(Step::More)
}

fn progress(position: u64, first: u64, end: u64, elapsed: Duration) -> String {
    let done = position.saturating_sub(first).max(1);
    let left = end.saturating_sub(position);
    let secs = elapsed.as_secs().saturating_mul(left) / done;
    let percent = position.saturating_mul(100) / end.max(1);
    format!("{percent} %: {position} of {end} leaves, about {secs} s left")
}

/// Anchors and archived checkpoints must name each other.
fn check_leaves(leaves: &Leaves, archive: &[Archived], report: &mut Report) {
    if let Some((index, why)) = &leaves.unknown {
        report.findings.push(format!("leaf {index}: {why}"));
    }
    report.leaves = leaves.kinds.iter().map(|(kind, count)| (kind_name(*kind), *count)).collect();
    let anchored: BTreeSet<[u8; Leaf::SIZE]> = leaves.anchors.values().copied().collect();
    let mut missing = Vec::new();
    let mut known = BTreeSet::new();
    for archived in archive {
        let leaf = anchor(&archived.note).to_bytes();
        known.insert(leaf);
        if !anchored.contains(&leaf) {
            missing.push(archived.number);
        }
    }
    // The anchor of the newest may be a leaf that is not published yet.
    if missing.last().copied() == archive.last().map(|newest| newest.number) {
        missing.pop();
    }
    for number in missing {
        report.findings.push(format!("archived checkpoint {number} is not the one that a leaf anchors"));
    }
    for (index, leaf) in &leaves.anchors {
        if !known.contains(leaf) {
            report.findings.push(format!("leaf {index} anchors a checkpoint that is not in the archive"));
        }
    }
}

fn show(ui: &mut Ui, report: &Report) -> Result<(), CliError> {
    if ui.format() != Format::Table {
        return ui.json(report);
    }
    let mut card = Card::new(&report.origin, standing(report.holds));
    sections(&mut card, report);
    list_findings(&mut card, &report.findings);
    let text = card.render(ui.screen());
    ui.text(&text)
}

/// Whether it holds, for the head of a card.
pub(super) fn standing(holds: bool) -> Cell {
    if holds { Cell::toned("holds", Tone::Good) } else { Cell::toned("DOES NOT HOLD", Tone::Bad) }
}

/// What does not hold, below everything else.
pub(super) fn list_findings(card: &mut Card, findings: &[String]) {
    if !findings.is_empty() {
        card.section("What does not hold");
        for finding in findings {
            card.cells(vec![Cell::toned(finding, Tone::Bad)]);
        }
    }
}

/// What there is to say of the log.
pub(super) fn sections(card: &mut Card, report: &Report) {
    card.section("Log");
    card.row("leaves", report.size.to_string().as_str());
    card.row("root", report.root.as_str());
    for (kind, count) in &report.leaves {
        card.row(kind, count.to_string().as_str());
    }
    card.section("Witnesses");
    let quorum = match report.quorum {
        "no-policy" => "not asked for: no --policy was given",
        "none" => "the policy asks for none",
        _ => "reached",
    };
    card.row("quorum", quorum);
    for Cosigned { witness, time_secs } in &report.cosigned {
        let at = time::OffsetDateTime::from_unix_timestamp(i64::try_from(*time_secs).unwrap_or(i64::MAX));
        let at = at.map_or_else(|_| time_secs.to_string(), |at| at.to_string());
        card.row(witness, at.as_str());
    }
    card.row("archived", counted(report.archived, "checkpoint").as_str());
}

const SAVE_EVERY: Duration = Duration::from_secs(1);
