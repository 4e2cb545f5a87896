//! Whether an answer follows from the evidence beside it.
//!
//! In: the directory of a proof, and where its log is read. Out: a report. For each host every chain of the directory is read from its
//! enrolment on, as an audit does; what verified evidence tells is put together anew, and the answer made from it by the rules that
//! the verifier's answers follow, without its index.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::channel;

use evidence::digest::Sha256Digest;
use evidence::manifest::{Manifest, component_digest};
use evidence::time::UnixTime;
use inquiry::answer::{Answer, Standing};
use inquiry::replay::{self, Asked, Catalogue, History};
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use wire::export::{ItemReader, MANIFESTS};
use wire::limits::MANIFESTS_BYTES;
use wire::proof::{ANSWER, EVIDENCE, ProofSummary, QUESTION};
use wire::trusted::{AskTrusted, HostAnswer, Trusted, Verdict};

use super::hosts::{self, Denominator, Known};
use super::question;
use super::report::{HostReport, LogReport, Report};
use crate::error::{CliError, Kind};
use crate::files;
use crate::limits::JSON_REPLY_BYTES;
use crate::log::Trust;
use crate::log::audit::chain::{self, ChainReport, Listeners, Told};
use crate::log::audit::fleet::{self, ChainFile};
use crate::log::audit::history::Hashed;
use crate::log::source::Source;
use crate::ui::Ui;

/// Where a proof is, and what its log is believed by.
pub(super) struct Proof<'a> {
    pub(super) dir: &'a Path,
    pub(super) source: &'a Source,
    /// Nobody says where a proof is made without a key; then it is not looked at who has signed the checkpoint.
    pub(super) trust: Option<&'a Trust>,
    pub(super) jobs: usize,
}

/// Who may add manifests when all evidence was read.
pub(super) type Add<'a> = &'a mut dyn FnMut(&mut Catalogue<'_>) -> Result<(), CliError>;

/// Checks a proof.
pub(super) fn check(ui: &mut Ui, proof: &Proof<'_>, add: Add<'_>) -> Result<Report, CliError> {
    let summary: ProofSummary = document(&proof.dir.join(QUESTION))?;
    if summary.version != 1 {
        return Err(CliError::input(
            &proof.dir.join(QUESTION),
            format!("a proof of version {}", summary.version),
        )
        .hint("use the newest version of this program"));
    }
    let path = proof.dir.join(ANSWER);
    let answer: Trusted = document(&path)?;
    let asked = question::understood(&answer).map_err(|why| CliError::input(&path, why))?;
    let mut report = Report::of(&answer);
    report.findings = question::differences(&summary.question, &answer, &asked);
    let published = proof.source.checkpoint()?;
    let claim = published.claim();
    let mut log = LogReport {
        origin: claim.origin().to_string(),
        size: claim.size().get(),
        root: claim.root().to_string(),
        quorum: "not-asked",
        cosigned: Vec::new(),
    };
    match proof.trust.map(|trust| trust.believe(&published)) {
        Some(Ok(believed)) => (log.cosigned, log.quorum) = (believed.cosigned, believed.quorum),
        Some(Err(error)) => report.findings.push(format!("the log's checkpoint: {error}")),
        None => {}
    }
    if log.size < answer.log_size {
        let (has, of) = (log.size, answer.log_size);
        report.findings.push(format!("the answer is of {of} leaves, and the log's checkpoint has {has}"));
    }
    let sightings = log.cosigned.iter().map(|word| word.time_secs).min();
    let sightings = sightings.map(|secs| (log.size, secs)).into_iter().collect();
    report.log = log;
    let mut catalogue = Catalogue::new(&asked.subjects, &asked.roles);
    let dir = proof.dir.join(EVIDENCE).join(MANIFESTS);
    report.manifests = manifests(ui, &dir, &mut catalogue, &mut report.findings)?;
    let hashed = Hashed::new(proof.source, None, &published, sightings);
    let read = read_hosts(ui, proof, (&answer, &hashed), &catalogue, &mut report)?;
    add(&mut catalogue)?;
    report.denominator =
        denominator(proof, (&summary.question, &answer, &hashed), &read, &mut report.findings)?;
    judge(&answer, &asked, &catalogue, read, &mut report);
    report.holds = report.findings.is_empty();
    Ok(report)
}

/// Whether every host is there; where hosts were chosen by name, nobody can tell.
fn denominator(
    proof: &Proof<'_>,
    (question, answer, hashed): (&AskTrusted, &Trusted, &Hashed<'_>),
    read: &BTreeMap<String, Read>,
    findings: &mut Vec<String>,
) -> Result<Denominator, CliError> {
    if question.hosts.is_some() {
        return Ok(Denominator::Chosen);
    }
    let chains = || read.values().flat_map(|read| &read.chains);
    let known = Known {
        enrolments: chains().map(|chain| chain.leaf).collect(),
        retirements: chains().filter_map(|chain| Some(chain.retired.as_ref()?.leaf)).collect(),
    };
    let mut complete =
        |log: &_| hosts::complete(&proof.dir.join(EVIDENCE), log, (&known, answer.log_size), findings);
    match hashed.history().and_then(|log| complete(&log)) {
        Err(error) if error.kind == Kind::Input => {
            findings.push(error.to_string());
            Ok(Denominator::NotChecked)
        }
        done => done,
    }
}

fn document<T: DeserializeOwned>(path: &Path) -> Result<T, CliError> {
    let bytes = files::read(path, JSON_REPLY_BYTES).map_err(|error| {
        error.hint("`lydian trusted SUBJECT --proof DIR` makes a proof: a directory with this file in it")
    })?;
    serde_json::from_slice(&bytes).map_err(|error| CliError::input(path, error))
}

/// Everything that is there of what components consist of.
fn manifests(
    ui: &mut Ui,
    dir: &Path,
    catalogue: &mut Catalogue<'_>,
    findings: &mut Vec<String>,
) -> Result<u64, CliError> {
    let mut count = 0;
    if !dir.exists() {
        return Ok(count);
    }
    for some in fleet::entries(dir)? {
        ui.progress(&format!("manifests: {count}"));
        for path in fleet::entries(&some)? {
            let Some(component) = fleet::named::<Sha256Digest>(&path) else {
                findings
                    .push(format!("{}: the name of a manifest is its component's digest", path.display()));
                continue;
            };
            match take_manifest(&path, component, &files::read(&path, MANIFESTS_BYTES)?, catalogue) {
                Err(error) if error.kind == Kind::Input => findings.push(error.to_string()),
                taken => taken?,
            }
            count += 1;
        }
    }
    ui.progress_done();
    Ok(count)
}

/// A manifest that is the component's, or an error: one that is not makes no difference but damage.
pub(super) fn take_manifest(
    path: &Path,
    component: Sha256Digest,
    zstd: &[u8],
    catalogue: &mut Catalogue<'_>,
) -> Result<(), CliError> {
    let bytes =
        wire::submit::decompress(zstd, MANIFESTS_BYTES).map_err(|error| CliError::input(path, error))?;
    if component_digest(&bytes) != component {
        return Err(CliError::input(path, format!("it is not the manifest of component {component}")));
    }
    let manifest = Manifest::decode(&bytes).map_err(|error| CliError::input(path, error))?;
    catalogue.manifest(component, &manifest).map_err(|error| CliError::new(Kind::Usage, error.to_string()))
}

/// What a host's evidence tells.
#[derive(Default)]
struct Read {
    history: History,
    chains: Vec<ChainReport>,
    attestations: u64,
    /// When the newest came.
    newest_ms: Option<u64>,
    is_retired: bool,
    /// What does not hold.
    findings: Vec<String>,
}

/// Reads every host's evidence, on some threads, and gives it by the host's identity.
fn read_hosts(
    ui: &mut Ui,
    proof: &Proof<'_>,
    (answer, hashed): (&Trusted, &Hashed<'_>),
    catalogue: &Catalogue<'_>,
    report: &mut Report,
) -> Result<BTreeMap<String, Read>, CliError> {
    let mut files: BTreeMap<String, Vec<ChainFile>> = BTreeMap::new();
    for file in fleet::chain_files(&proof.dir.join(EVIDENCE), &mut report.findings)? {
        files.entry(file.of.0.to_string()).or_default().push(file);
    }
    let hosts: Vec<&HostAnswer> = answer.hosts.iter().collect();
    let (next, files) = (AtomicUsize::new(0), &files);
    let (tell, told) = channel();
    let mut all = BTreeMap::new();
    let ended = std::thread::scope(|scope| {
        for _ in 0..proof.jobs.min(hosts.len()) {
            let (hosts, next, tell) = (&hosts, &next, tell.clone());
            scope.spawn(move || {
                while let Some(host) = hosts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let files = files.get(&*host.id).map(Vec::as_slice).unwrap_or_default();
                    let read = match read_host(files, (answer, hashed), catalogue) {
                        // What is there and is not what it should be is no error: it is what is looked for.
                        Err(error) if error.kind == Kind::Input => {
                            Ok(Read { findings: vec![error.to_string()], ..Read::default() })
                        }
                        read => read,
                    };
                    let failed = read.is_err();
                    if tell.send(read.map(|read| (host.id.to_string(), read))).is_err() || failed {
                        return;
                    }
                }
            });
        }
        drop(tell);
        for read in told {
            let (id, read) = read.inspect_err(|_| next.store(hosts.len(), Ordering::Relaxed))?;
            all.insert(id, read);
            ui.progress(&format!("evidence: {} of {} hosts", all.len(), hosts.len()));
        }
        Ok(())
    });
    ui.progress_done();
    ended.map(|()| all)
}

/// Reads the chains of a host in the log's order.
fn read_host(
    files: &[ChainFile],
    (answer, hashed): (&Trusted, &Hashed<'_>),
    catalogue: &Catalogue<'_>,
) -> Result<Read, CliError> {
    let log = hashed.history()?;
    let mut read = Read::default();
    let mut ordered = Vec::with_capacity(files.len());
    for file in files {
        match first_leaf(&file.path)? {
            Some(leaf) => ordered.push((leaf, file)),
            None => read.findings.push(format!("chain {}: it does not begin with an enrolment", file.of.1)),
        }
    }
    ordered.sort_unstable_by_key(|(leaf, _)| *leaf);
    let edges = Edges::of(answer);
    for (_, file) in ordered {
        let mut components = BTreeSet::new();
        let mut strange = None;
        let mut told = |told: Told<'_>| match told {
            Told::Enrolled(leaf) if leaf < answer.log_size => {
                read.is_retired = false;
                read.history.enrolled(leaf);
            }
            Told::Retired(leaf) if leaf < answer.log_size => {
                read.is_retired = true;
                read.history.retired(leaf);
            }
            Told::Evidence(piece, received_ms) if piece.leaf < answer.log_size => {
                read.attestations += 1;
                read.newest_ms = Some(received_ms);
                strange = strange.take().or_else(|| edges.strange(piece.leaf, received_ms));
                read.history.evidence(&piece, catalogue);
            }
            _ => {}
        };
        let listeners = Listeners { read: &mut |_| {}, told: &mut told, components: &mut components };
        let chain = chain::audit(&file.path, file.of, (&log, &[]), listeners)?;
        read.findings
            .extend(chain.findings.iter().chain(&strange).map(|why| format!("chain {}: {why}", file.of.1)));
        if chain.beyond > 0 {
            let count = chain.beyond;
            read.findings
                .push(format!("chain {}: {count} of its items are not in the log's checkpoint", file.of.1));
        }
        read.chains.push(chain);
    }
    let _ = fleet::breaks(&read.chains, &mut read.findings);
    // Records of the first version do not say it.
    if read.chains.first().is_some_and(|first| first.previous.is_none()) {
        read.findings.push("its first enrolment does not say whether there was a chain before".to_owned());
    }
    Ok(read)
}

/// The leaf of the enrolment that a chain begins with.
fn first_leaf(path: &Path) -> Result<Option<u64>, CliError> {
    let file = File::open(path).map_err(|error| CliError::file(path, &error))?;
    let first = ItemReader::new(BufReader::new(file)).and_then(|mut reader| reader.next_item());
    Ok(first
        .ok()
        .flatten()
        .filter(|item| matches!(item, evidence::export::Item::Enrolment(_)))
        .map(|item| item.leaf()))
}

/// The window's ends in time and in the log.
struct Edges(Vec<(u64, u64)>);

impl Edges {
    fn of(answer: &Trusted) -> Self {
        let ends = [&answer.window.from, &answer.window.to];
        let end = |end: &wire::trusted::BoundView| {
            let at = OffsetDateTime::parse(&end.time, &Rfc3339).ok()?;
            Some((end.log_size, u64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok()?))
        };
        Self(ends.into_iter().flatten().filter_map(end).collect())
    }

    /// That evidence came on the other side of an end than its leaf lies.
    fn strange(&self, leaf: u64, received_ms: u64) -> Option<String> {
        let other = self.0.iter().find(|(size, at)| {
            let late = leaf < *size && received_ms > at.saturating_add(TOLERANCE_MS);
            let early = leaf >= *size && received_ms.saturating_add(TOLERANCE_MS) < *at;
            late || early
        });
        other.map(|(size, at)| {
            let (received, at) = (UnixTime::from_ms(received_ms), UnixTime::from_ms(*at));
            format!("leaf {leaf} came at {received}, and the log is said to have had {size} leaves at {at}")
        })
    }
}

/// Compares each answer with the one that follows.
fn judge(
    answer: &Trusted,
    asked: &Asked,
    catalogue: &Catalogue<'_>,
    mut read: BTreeMap<String, Read>,
    report: &mut Report,
) {
    let carriers = catalogue.carriers();
    for host in &answer.hosts {
        let read = read.remove(&*host.id).unwrap_or_default();
        let standing = match &*host.standing {
            _ if read.is_retired => Standing::Retired,
            "silent" => Standing::Silent,
            _ => Standing::Heard,
        };
        let found = replay::answer(asked, &carriers, &read.history, standing);
        let (verdict, class, why) = match found.answer {
            Answer::Yes(class) => (Verdict::Yes, Some(class.name()), BTreeSet::new()),
            Answer::No(class) => (Verdict::No, Some(class.name()), BTreeSet::new()),
            Answer::Unknown(why) => (Verdict::Unknown, None, why.iter().map(|why| why.code()).collect()),
        };
        let newest = read.newest_ms.map(|at| UnixTime::from_ms(at).to_string());
        let name = host.name.to_string();
        let mut findings = read.findings;
        if newest.as_deref() != host.heard.as_deref() {
            let (is, said) = (newest.as_deref().unwrap_or("never"), host.heard.as_deref().unwrap_or("never"));
            findings.push(format!("its newest evidence is said to have come {said}, and came {is}"));
        }
        let one = HostReport {
            id: host.id.to_string(),
            name,
            said: host.answer,
            said_class: host.class.as_deref().map(str::to_owned),
            found: verdict,
            class,
            why: why.into_iter().collect(),
            chains: read.chains.len() as u64,
            attestations: read.attestations,
            newest,
        };
        report.add(one, &findings);
    }
    let (counted, said) = (report.answers, answer.hosts_asked);
    if counted != said {
        report.findings.push(format!(
            "the answer counts {} hosts with {} YES, {} NO and {} UNKNOWN, and lists {} with {}, {} and {}",
            said.all, said.yes, said.no, said.unknown, counted.all, counted.yes, counted.no, counted.unknown
        ));
    }
}

/// Evidence is recorded soon after it came, and the verifier may have waited for its store.
const TOLERANCE_MS: u64 = 600_000;
