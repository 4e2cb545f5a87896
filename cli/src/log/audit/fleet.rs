//! All chains of an export, side by side, and what they come to together.
//!
//! In: the directory of an export. Out: a report for each chain, in the order of the log; where hosts' histories break, and whether
//! what their enrolments say of that is so.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use evidence::digest::{ChainId, HostId, Sha256Digest};
use serde::Serialize;

use super::chain::{self, ChainReport, Listeners, Previous};
use super::history::Hashed;
use super::state::Done;
use crate::error::CliError;
use crate::ui::Ui;
use wire::export::HOSTS;

/// A file that holds a chain.
#[derive(Clone, Debug)]
pub(in crate::log) struct ChainFile {
    pub(in crate::log) path: PathBuf,
    pub(in crate::log) of: (HostId, ChainId),
    pub(super) bytes: u64,
}

/// The chains of an export, and what else lies beside them.
pub(in crate::log) fn chain_files(
    dir: &Path,
    findings: &mut Vec<String>,
) -> Result<Vec<ChainFile>, CliError> {
    let mut files = Vec::new();
    let hosts = dir.join(HOSTS);
    if !hosts.exists() {
        return Ok(files);
    }
    for host in entries(&hosts)? {
        let Some(id) = named::<HostId>(&host) else {
            findings.push(format!("{} is no host of an export", host.display()));
            continue;
        };
        for path in entries(&host)? {
            match named::<ChainId>(&path) {
                None => findings.push(format!("{} is no chain of an export", path.display())),
                Some(chain) => {
                    let bytes = fs::metadata(&path).map_err(|error| CliError::file(&path, &error))?.len();
                    files.push(ChainFile { path, of: (id, chain), bytes });
                }
            }
        }
    }
    Ok(files)
}

/// What is in a directory, sorted.
pub(in crate::log) fn entries(dir: &Path) -> Result<Vec<PathBuf>, CliError> {
    let failed = |error| CliError::file(dir, &error);
    let entries = fs::read_dir(dir).map_err(failed)?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    paths.sort();
    Ok(paths)
}

/// What a file's name says.
pub(in crate::log) fn named<T: std::str::FromStr>(path: &Path) -> Option<T> {
    path.file_name()?.to_str()?.parse().ok()
}

/// What is known of all chains.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// In the order of their leaves.
    pub(super) chains: Vec<ChainReport>,
    /// Components that evidence names.
    pub(super) components: BTreeSet<Sha256Digest>,
}

/// What the threads share.
struct Work<'a> {
    hashed: &'a Hashed<'a>,
    /// The sizes of the log at which it says what the index is.
    roots: &'a [u64],
    files: &'a [ChainFile],
    next: AtomicUsize,
    read: AtomicU64,
}

/// What a thread tells.
type Told = Result<(usize, ChainReport, BTreeSet<Sha256Digest>), CliError>;

/// Audits the chains on some threads, and keeps what is done.
pub(super) fn audit(
    ui: &mut Ui,
    (hashed, roots): (&Hashed<'_>, &[u64]),
    files: &[ChainFile],
    jobs: usize,
    done: &mut Done,
) -> Result<Fleet, CliError> {
    let mut fleet = Fleet::default();
    let known = |file: &ChainFile| done.chain(file, roots.len()).is_some();
    let (known, todo): (Vec<_>, Vec<_>) = files.iter().cloned().partition(known);
    for (report, components) in known.iter().filter_map(|file| done.chain(file, roots.len())) {
        fleet.chains.push(report.clone());
        fleet.components.extend(components);
    }
    let total: u64 = todo.iter().map(|file| file.bytes).sum();
    let work = Work { hashed, roots, files: &todo, next: AtomicUsize::new(0), read: AtomicU64::new(0) };
    let (tell, told) = channel();
    let ended = std::thread::scope(|scope| {
        for _ in 0..jobs.min(todo.len()) {
            let (work, tell) = (&work, tell.clone());
            scope.spawn(move || run(work, &tell));
        }
        drop(tell);
        let mut chains = 0_usize;
        loop {
            match told.recv_timeout(PROGRESS_EVERY) {
                Ok(Ok((place, report, components))) => {
                    chains += 1;
                    if let Some(file) = todo.get(place) {
                        done.keep(file, &report, &components)?;
                    }
                    fleet.chains.push(report);
                    fleet.components.extend(components);
                }
                Ok(Err(error)) => {
                    // Nobody begins another one.
                    work.next.store(todo.len(), Ordering::Relaxed);
                    return Err(error);
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            let percent = work.read.load(Ordering::Relaxed).saturating_mul(100) / total.max(1);
            ui.progress(&format!("evidence: {percent} %, {chains} of {} chains", todo.len()));
        }
    });
    ui.progress_done();
    ended?;
    fleet.chains.sort_by_key(|chain| chain.leaf);
    Ok(fleet)
}

fn run(work: &Work<'_>, tell: &Sender<Told>) {
    let history = match work.hashed.history() {
        Ok(history) => history,
        Err(error) => {
            let _ = tell.send(Err(error));
            return;
        }
    };
    loop {
        let place = work.next.fetch_add(1, Ordering::Relaxed);
        let Some(file) = work.files.get(place) else { return };
        let (mut components, mut before) = (BTreeSet::new(), 0);
        let mut read = |offset: u64| {
            work.read.fetch_add(offset.saturating_sub(before), Ordering::Relaxed);
            before = offset;
        };
        let listeners = Listeners { read: &mut read, told: &mut |_| {}, components: &mut components };
        let report = chain::audit(&file.path, file.of, (&history, work.roots), listeners);
        if tell.send(report.map(|report| (place, report, components))).is_err() {
            return;
        }
    }
}

/// Where a host's history breaks: it enrolled again.
#[derive(Debug, Serialize)]
pub(in crate::log) struct Break {
    pub(super) host: String,
    pub(super) name: String,
    /// The chain that ended, and how much evidence it had.
    pub(super) ended: String,
    pub(super) evidence: u64,
    /// The chain that began, and its leaf.
    pub(super) began: String,
    pub(super) leaf: u64,
    pub(super) at_ms: u64,
    /// The host's own word; empty where there is none.
    pub(super) reason: String,
}

/// The breaks, and what of them is not as the enrolments say.
pub(in crate::log) fn breaks(chains: &[ChainReport], findings: &mut Vec<String>) -> Vec<Break> {
    let mut breaks = Vec::new();
    let mut ended: BTreeMap<&str, &ChainReport> = BTreeMap::new();
    // Those that could not be read at all have no place.
    for chain in chains.iter().filter(|chain| !chain.last.is_empty()) {
        let before = ended.insert(&chain.host, chain);
        if let Err(why) = follows(before, chain) {
            findings.push(format!("host {}, chain {}: {why}", chain.name, chain.chain));
        }
        let Some(before) = before else { continue };
        breaks.push(Break {
            host: chain.host.clone(),
            name: chain.name.clone(),
            ended: before.chain.clone(),
            evidence: before.evidence,
            began: chain.chain.clone(),
            leaf: chain.leaf,
            at_ms: chain.enrolled_ms,
            reason: chain.reason.clone(),
        });
    }
    breaks
}

/// A chain begins where its enrolment says that the one before ended.
fn follows(before: Option<&ChainReport>, chain: &ChainReport) -> Result<(), String> {
    match (&chain.previous, before) {
        // Records of the first version do not say it.
        (None, _) | (Some(Previous::First), None) => Ok(()),
        (Some(Previous::First), Some(before)) => Err(format!(
            "its enrolment says that it is the first, and chain {} was there before",
            before.chain
        )),
        (Some(Previous::Chain { chain, evidence, .. }), None) => Err(format!(
            "chain {chain} with {evidence} pieces of evidence was there before, and is not exported"
        )),
        (Some(Previous::Chain { chain, evidence, last }), Some(before)) => {
            let same = (chain, evidence, last) == (&before.chain, &before.evidence, &before.last);
            // What is wrong with the chain before is told there.
            if same || !before.findings.is_empty() {
                return Ok(());
            }
            Err(format!(
                "its enrolment says that chain {chain} ended with {evidence} pieces of evidence; chain {} is exported \
                 with {}",
                before.chain, before.evidence
            ))
        }
    }
}

const PROGRESS_EVERY: Duration = Duration::from_millis(200);
