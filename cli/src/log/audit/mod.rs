//! `lydian log audit`: the log, and everything behind its leaves.
//!
//! In: a log's files, an export, and what the log's checkpoints are believed by. Out: whether each leaf commits to what was
//! exported, each host's chain is its own, unbroken or openly broken, each verdict follows from its evidence, by the code that
//! the verifier itself uses, and so does each root of the index; and which leaves nothing was exported for.

pub(super) mod chain;
pub(super) mod fleet;
pub(super) mod history;
mod roots;
mod state;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use evidence::digest::Sha256Digest;
use evidence::export::Item;
use evidence::manifest::component_digest;
use evidence::record::{ActionRecord, IndexRootRecord};
use evidence::time::UnixTime;
use inquiry::profile::EXTRACTOR;
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use serde::Serialize;
use wire::export::{ACTIONS, ItemReader, MANIFESTS, SUMMARY, Summary};
use wire::limits::MANIFESTS_BYTES;

use super::entries::Entries;
use super::leaves::kind_name;
use super::source::Source;
use super::verify;
use crate::Outcome;
use crate::args::LogAuditArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::SUMMARY_BYTES;
use crate::show::{Card, Cell, Tone, counted};
use crate::ui::{Format, Ui};
use chain::Retired;
use fleet::{Break, Fleet};
pub(super) use fleet::{ChainFile, chain_files};
use history::{Hashed, History, kept};
use roots::RootsReport;
use state::{Done, Of};

/// What came of it, for programs.
#[derive(Debug, Serialize)]
struct Report {
    log: verify::Report,
    evidence: EvidenceReport,
    /// What does not hold, of the log and of what is behind it.
    findings: Vec<String>,
    holds: bool,
}

/// What is behind the leaves.
#[derive(Debug, Default, Serialize)]
struct EvidenceReport {
    /// Up to which leaf everything was to be exported, in the exporter's word.
    exported_size: u64,
    /// The hosts that were asked for; none where all were.
    exported_hosts: Option<Vec<String>>,
    hosts: u64,
    chains: u64,
    attestations: u64,
    /// How many have each status, as computed here; `differs` where the recorded one is another.
    verdicts: BTreeMap<String, u64>,
    /// Where hosts' histories break.
    breaks: Vec<Break>,
    /// Hosts that were retired.
    retired: Vec<RetiredHost>,
    /// Operators' actions by their kinds.
    actions: BTreeMap<String, u64>,
    /// What the log says that the index was.
    index_roots: RootsReport,
    /// Components that evidence names, and of how many it is known what they consist of.
    components: u64,
    manifests: u64,
    /// Items behind one that does not hold, which could not be checked.
    unchecked: u64,
    /// Items whose leaves are not published yet.
    beyond: u64,
    /// Leaves that nothing was exported for, by their kinds.
    missing: BTreeMap<&'static str, Missing>,
    /// Leaves behind the export, by their kinds.
    newer: BTreeMap<&'static str, u64>,
}

/// A host whose history ended.
#[derive(Debug, Serialize)]
struct RetiredHost {
    host: String,
    name: String,
    #[serde(flatten)]
    end: Retired,
}

/// Leaves of a kind that nothing was exported for.
#[derive(Debug, Serialize)]
struct Missing {
    leaves: u64,
    first: u64,
}

/// Runs the audit.
pub(crate) fn audit(ui: &mut Ui, args: &LogAuditArgs) -> Result<Outcome, CliError> {
    let summary = summary(&args.evidence)?;
    let source = Source::open(&args.log.source, args.log.ca.as_deref())?;
    let beside = |what: &str| {
        let path = args.log.state.as_ref()?;
        let mut name = path.as_os_str().to_owned();
        name.push(what);
        Some(PathBuf::from(name))
    };
    let entries = Arc::new(match beside(".entries") {
        Some(path) => Entries::at(&path)?,
        None => Entries::temporary()?,
    });
    let audited = verify::run(ui, &args.log, &source, Some(&entries))?;
    let mut report = Report {
        findings: audited.report.findings.clone(),
        evidence: EvidenceReport::default(),
        holds: false,
        log: audited.report,
    };
    if audited.hashed {
        let sightings = audited.archive.iter();
        let sightings = sightings.filter_map(|old| Some((old.mark.size.get(), old.cosigned_secs?))).collect();
        let hashed = Hashed::new(&source, Some(&entries), &audited.published, sightings);
        let of = Of {
            origin: report.log.origin.clone(),
            size: audited.published.claim().size().get(),
            root: audited.published.claim().root().to_string(),
            extractor: EXTRACTOR,
        };
        let mut done = done(beside(".chains").as_deref(), &of, &entries)?;
        let index_roots = index_roots(args, &summary, &hashed.history()?, &mut report)?;
        behind(ui, (args, &summary), (&hashed, &index_roots), &mut done, &mut report)?;
        account(&entries, of.size, args.partial, &mut report)?;
    } else {
        report.findings.push("so nothing was compared with the evidence".to_owned());
    }
    report.holds = report.findings.is_empty();
    show(ui, &report)?;
    Ok(if report.holds { Outcome::Good } else { Outcome::NotTrusted })
}

fn done(path: Option<&Path>, of: &Of, entries: &Entries) -> Result<Done, CliError> {
    let Some(path) = path else { return Ok(Done::default()) };
    let (done, goes_on) = Done::open(path, of)?;
    if !goes_on {
        entries.unmark(of.size).map_err(|error| kept(&error))?;
    }
    Ok(done)
}

/// What the exporter says that there is.
fn summary(dir: &Path) -> Result<Summary, CliError> {
    let path = dir.join(SUMMARY);
    let bytes = files::read(&path, SUMMARY_BYTES).map_err(|error| {
        error.hint("`lydian-verifier export DIR` makes the directory; it ends with this file")
    })?;
    let summary: Summary = serde_json::from_slice(&bytes).map_err(|error| CliError::input(&path, error))?;
    if summary.version != 1 {
        return Err(CliError::input(&path, format!("an export of version {}", summary.version))
            .hint("use the newest version of this program"));
    }
    Ok(summary)
}

/// What the log says that the index was, where every host was exported.
fn index_roots(
    args: &LogAuditArgs,
    summary: &Summary,
    history: &History<'_>,
    report: &mut Report,
) -> Result<Vec<IndexRootRecord>, CliError> {
    let told = (&mut report.evidence.index_roots, &mut report.findings);
    let mut found = roots::read(&args.evidence, history, told)?;
    if summary.hosts.is_some() {
        report.evidence.index_roots.partial = found.len() as u64;
        found.clear();
    }
    Ok(found)
}

/// Everything that was exported, compared with the log.
fn behind(
    ui: &mut Ui,
    (args, summary): (&LogAuditArgs, &Summary),
    (hashed, index_roots): (&Hashed<'_>, &[IndexRootRecord]),
    done: &mut Done,
    report: &mut Report,
) -> Result<(), CliError> {
    let findings = &mut report.findings;
    let history = hashed.history()?;
    report.evidence.exported_hosts.clone_from(&summary.hosts);
    report.evidence.exported_size = head(summary, &history, findings)?;
    let files = fleet::chain_files(&args.evidence, findings)?;
    let sizes: Vec<u64> = index_roots.iter().map(|root| root.size).collect();
    let fleet = fleet::audit(ui, (hashed, &sizes), &files, args.log.jobs.get(), done)?;
    roots::compare(index_roots, &fleet.chains, (&mut report.evidence.index_roots, findings));
    for chain in &fleet.chains {
        let of = if chain.name.is_empty() { &chain.host } else { &chain.name };
        findings.extend(chain.findings.iter().map(|why| format!("host {of}, chain {}: {why}", chain.chain)));
    }
    let breaks = fleet::breaks(&fleet.chains, findings);
    actions(&args.evidence.join(ACTIONS), &history, report)?;
    let manifests = manifests(ui, &args.evidence.join(MANIFESTS), &mut report.findings)?;
    report.evidence.tell(&fleet, breaks, &manifests);
    Ok(())
}

impl EvidenceReport {
    fn tell(&mut self, fleet: &Fleet, breaks: Vec<Break>, manifests: &BTreeSet<Sha256Digest>) {
        let hosts: BTreeSet<_> = fleet.chains.iter().map(|chain| &chain.host).collect();
        self.hosts = hosts.len() as u64;
        self.chains = fleet.chains.len() as u64;
        for chain in &fleet.chains {
            self.attestations += chain.evidence;
            self.unchecked += chain.unchecked;
            self.beyond += chain.beyond;
            self.retired.extend(chain.retired.clone().map(|end| {
                let (host, name) = (chain.host.clone(), chain.name.clone());
                RetiredHost { host, name, end }
            }));
            for (status, count) in &chain.verdicts {
                *self.verdicts.entry(status.clone()).or_default() += count;
            }
        }
        self.breaks = breaks;
        self.components = fleet.components.len() as u64;
        self.manifests = fleet.components.intersection(manifests).count() as u64;
    }
}

/// The size of the log up to which everything was to be exported.
fn head(summary: &Summary, history: &History<'_>, findings: &mut Vec<String>) -> Result<u64, CliError> {
    let head = match SignedCheckpoint::parse(summary.head.as_bytes()) {
        Ok(head) => head,
        Err(error) => {
            findings.push(format!("{SUMMARY}: its head of the log: {error}"));
            return Ok(0);
        }
    };
    let (size, root) = (head.claim().size().get(), head.claim().root());
    let reaches = size == 0 || history.has(size - 1);
    if reaches && history.root_at(size)? != *root {
        findings.push(format!(
            "{SUMMARY}: the export was made of another log: of {size} leaves with root {root}"
        ));
    }
    Ok(size)
}

/// What operators did is what leaves commit to.
fn actions(path: &Path, history: &History<'_>, report: &mut Report) -> Result<(), CliError> {
    if !path.exists() {
        return Ok(());
    }
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    let mut reader = match ItemReader::new(BufReader::new(file)) {
        Ok(reader) => reader,
        Err(error) => {
            report.findings.push(format!("{ACTIONS}: {error}"));
            return Ok(());
        }
    };
    loop {
        let committed = match reader.next_item() {
            Ok(None) => return Ok(()),
            Ok(Some(Item::Action(committed))) => committed,
            Ok(Some(item)) => {
                report.findings.push(format!("{ACTIONS}: leaf {}: not what an operator did", item.leaf()));
                continue;
            }
            Err(error) => {
                report.findings.push(format!("{ACTIONS}: {error}"));
                return Ok(());
            }
        };
        if !history.has(committed.leaf) {
            report.evidence.beyond += 1;
            continue;
        }
        let place = committed.leaf;
        let record = ActionRecord::decode(&committed.record);
        if let Err(why) = history.committed(place, &chain::leaf_of(&Item::Action(committed)))? {
            report.findings.push(format!("{ACTIONS}: leaf {place}: {why}"));
            continue;
        }
        match record {
            Ok(record) => *report.evidence.actions.entry(record.kind).or_default() += 1,
            Err(error) => report.findings.push(format!("{ACTIONS}: leaf {place}: {error}")),
        }
    }
}

/// Components of which it is known what they consist of.
fn manifests(
    ui: &mut Ui,
    dir: &Path,
    findings: &mut Vec<String>,
) -> Result<BTreeSet<Sha256Digest>, CliError> {
    let mut known = BTreeSet::new();
    if !dir.exists() {
        return Ok(known);
    }
    for some in fleet::entries(dir)? {
        ui.progress(&format!("manifests: {}", known.len()));
        for path in fleet::entries(&some)? {
            let Some(component) = fleet::named::<Sha256Digest>(&path) else {
                findings.push(format!("{} is no manifest of an export", path.display()));
                continue;
            };
            let bytes = files::read(&path, MANIFESTS_BYTES)?;
            match wire::submit::decompress(&bytes, MANIFESTS_BYTES) {
                Ok(manifest) if component_digest(&manifest) == component => {
                    known.insert(component);
                }
                Ok(_) => findings.push(format!("{} is of another component", path.display())),
                Err(error) => findings.push(format!("{}: {error}", path.display())),
            }
        }
    }
    ui.progress_done();
    Ok(known)
}

/// Leaves that nothing was found behind.
fn account(entries: &Entries, size: u64, partial: bool, report: &mut Report) -> Result<(), CliError> {
    let exported = report.evidence.exported_size;
    let (missing, newer) = (&mut report.evidence.missing, &mut report.evidence.newer);
    let each = |index: u64, entry: &[u8], is_marked: bool| {
        let kind = Leaf::from_bytes(entry).map_or(0, |leaf| leaf.kind().code());
        if is_marked || !EXPORTED_KINDS.contains(&kind) {
            return;
        }
        if index >= exported {
            *newer.entry(kind_name(kind)).or_default() += 1;
        } else {
            missing.entry(kind_name(kind)).or_insert(Missing { leaves: 0, first: index }).leaves += 1;
        }
    };
    entries.each(size, each).map_err(|error| kept(&error))?;
    if partial {
        return Ok(());
    }
    for (kind, Missing { leaves, first }) in &report.evidence.missing {
        report.findings.push(format!(
            "nothing was exported for {leaves} leaves ({kind}, the first is leaf {first}); --partial accepts that"
        ));
    }
    // The exporter's word for where it ends is no reason to leave out what comes after.
    let newer: u64 = report.evidence.newer.values().sum();
    if newer > 0 {
        report.findings.push(format!(
            "the export ends before {newer} leaves of the log, which begin at leaf {exported}: export again, or audit a \
             copy of the log that is older than the export; --partial accepts that"
        ));
    }
    Ok(())
}

fn show(ui: &mut Ui, report: &Report) -> Result<(), CliError> {
    if ui.format() != Format::Table {
        return ui.json(report);
    }
    let mut card = Card::new(&report.log.origin, verify::standing(report.holds));
    verify::sections(&mut card, &report.log);
    evidence_sections(&mut card, &report.evidence);
    let (shown, more) = report.findings.split_at(report.findings.len().min(FINDINGS_SHOWN));
    verify::list_findings(&mut card, shown);
    if !more.is_empty() {
        card.foot(Cell::toned(format!("and {} more; -o json has them all", more.len()), Tone::Bad));
    }
    let text = card.render(ui.screen());
    ui.text(&text)
}

fn evidence_sections(card: &mut Card, evidence: &EvidenceReport) {
    card.section("Evidence");
    card.row("exported", format!("up to leaf {}", evidence.exported_size).as_str());
    if let Some(hosts) = &evidence.exported_hosts {
        card.row("of", Cell::toned(hosts.join(", "), Tone::Warn));
    }
    card.row("hosts", evidence.hosts.to_string().as_str());
    card.row("attestations", evidence.attestations.to_string().as_str());
    for (status, count) in &evidence.verdicts {
        card.row(status, count.to_string().as_str());
    }
    let known = format!("{} of {} known by their contents", evidence.manifests, evidence.components);
    card.row("components", known.as_str());
    let roots = &evidence.index_roots;
    for (count, what, tone) in [
        (roots.agree, "follow from the evidence", Tone::Plain),
        (roots.differ.len() as u64, "do not follow from the evidence", Tone::Bad),
        (roots.other_extractor, "of another version, not compared", Tone::Warn),
        (roots.partial, "not compared, as not all hosts are here", Tone::Warn),
        (roots.beyond, "not published yet", Tone::Warn),
    ] {
        if count > 0 {
            card.row("index roots", Cell::toned(format!("{count} {what}"), tone));
        }
    }
    for (kind, count) in &evidence.actions {
        card.row(kind, count.to_string().as_str());
    }
    for (kind, Missing { leaves, first }) in &evidence.missing {
        let text = format!("{leaves} without what they commit to, from leaf {first} on");
        card.row(kind, Cell::toned(&text, Tone::Warn));
    }
    for (kind, count) in &evidence.newer {
        card.row(kind, format!("{count} newer than the export").as_str());
    }
    let unsaid = [(evidence.beyond, "not published yet"), (evidence.unchecked, "behind what does not hold")];
    for (count, why) in unsaid.into_iter().filter(|(count, _)| *count > 0) {
        card.row("not checked", Cell::toned(format!("{} {why}", counted(count, "item")), Tone::Warn));
    }
    ends(card, evidence);
}

/// Where histories break, and where they end.
fn ends(card: &mut Card, evidence: &EvidenceReport) {
    if !evidence.breaks.is_empty() {
        card.section("Where histories break");
        for found in &evidence.breaks {
            card.row(&found.name, describe(found).as_str());
        }
    }
    if !evidence.retired.is_empty() {
        card.section("Where histories end");
        for retired in &evidence.retired {
            card.row(&retired.name, describe_end(&retired.end).as_str());
        }
    }
}

fn describe_end(end: &Retired) -> String {
    let why = if end.reason.is_empty() { "no reason is recorded" } else { &end.reason };
    format!("retired at leaf {}, {}, by {}: {why}", end.leaf, UnixTime::from_ms(end.at_ms), end.who)
}

fn describe(found: &Break) -> String {
    let why = if found.reason.is_empty() { "no reason is recorded" } else { &found.reason };
    let (ended, at) = (counted(found.evidence, "attestation"), UnixTime::from_ms(found.at_ms));
    format!("enrolled again at leaf {}, {at}, after {ended}: {why}", found.leaf)
}

/// Anchors are compared with the archive.
const EXPORTED_KINDS: [u8; 4] = [1, 2, 3, 4];
const FINDINGS_SHOWN: usize = 100;
