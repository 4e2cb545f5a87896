//! Making a proof: the question asked, and everything that its answer follows from fetched and checked.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use evidence::body::FirmwareLog;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::AttachmentKind;
use evidence::export::Item;
use inquiry::replay::Catalogue;
use wire::export::{HOSTS, INDEX_ROOTS, ItemReader, ItemWriter, MANIFESTS};
use wire::limits::{EVIDENCE_PAGE_BYTES, MANIFESTS_READ};
use wire::proof::{
    ANSWER, EVIDENCE, HostChains, ImageComponents, LOG, Manifests, ProofSummary, QUESTION, ReadManifests,
};
use wire::trusted::{AskTrusted, List, Trusted};

use super::check::{self, Proof, take_manifest};
use super::report::Report;
use crate::client::{Client, Request};
use crate::config::Connection;
use crate::error::{CliError, Kind};
use crate::files;
use crate::log::source::Source;
use crate::ui::Ui;

/// Asks, and puts the answer with its proof into a new directory; whether the answer follows from it is seen at once.
pub(crate) fn fetch(
    ui: &mut Ui,
    connection: &Connection,
    question: AskTrusted,
    dir: &Path,
) -> Result<(Trusted, Report), CliError> {
    let client = Client::patient(connection)?;
    fs::create_dir(dir).map_err(|error| {
        let error = CliError::file(dir, &error);
        if dir.exists() {
            error.hint("a proof is written into a directory that is not there yet")
        } else {
            error
        }
    })?;
    let question = AskTrusted { list: List::All, brief: false, ..question };
    ui.progress("asking the verifier");
    let answer: Trusted = client.post(&["v1", "trusted"], &question)?;
    ui.progress_done();
    let program = concat!("lydian ", env!("CARGO_PKG_VERSION")).to_owned();
    write_json(&dir.join(QUESTION), &ProofSummary { version: 1, program, question })?;
    write_json(&dir.join(ANSWER), &answer)?;
    let source = Source::open(connection.url.as_str(), Some(&connection.ca))?;
    await_checkpoint(ui, &source, answer.log_size)?;
    let source = source.kept(dir.join(LOG));
    let mut making = Making { client, evidence: dir.join(EVIDENCE), known: BTreeSet::new() };
    let mut components = BTreeSet::new();
    for (number, host) in answer.hosts.iter().enumerate() {
        ui.progress(&format!("fetching evidence: {number} of {} hosts", answer.hosts.len()));
        making.host(&host.id, answer.log_size, &mut components)?;
    }
    ui.progress_done();
    making.index_root(answer.log_size)?;
    making.manifests(components, None, |done, of| {
        ui.progress(&format!("fetching manifests: {done} of {of}"));
    })?;
    ui.progress_done();
    let proof = Proof { dir, source: &source, trust: None, jobs: jobs() };
    let mut unresolved = |catalogue: &mut Catalogue<'_>| making.images(catalogue);
    let report = check::check(ui, &proof, &mut unresolved)?;
    Ok((answer, report))
}

fn jobs() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

fn write_json(path: &Path, value: &impl serde::Serialize) -> Result<(), CliError> {
    let mut text = serde_json::to_vec_pretty(value).map_err(|error| CliError::output(&error))?;
    text.push(b'\n');
    files::write(path, &text)
}

/// What the answer is of must be published: witnesses may take a while.
fn await_checkpoint(ui: &mut Ui, source: &Source, size: u64) -> Result<(), CliError> {
    let began = Instant::now();
    loop {
        let published = source.checkpoint()?.claim().size().get();
        if published >= size {
            ui.progress_done();
            return Ok(());
        }
        if began.elapsed() > PUBLISHED_WITHIN {
            let why = format!("the answer is of {size} leaves, and the log has published {published} yet");
            return Err(CliError::new(Kind::Reply, why)
                .hint("`lydian log witness status` tells which witnesses do not cosign"));
        }
        ui.progress(&format!("waiting until {size} leaves are published, {published} are"));
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// What is written into a proof.
struct Making {
    client: Client,
    evidence: PathBuf,
    /// Components that were asked for.
    known: BTreeSet<Sha256Digest>,
}

impl Making {
    /// A host's chains, up to a size of the log.
    fn host(&self, host: &str, size: u64, components: &mut BTreeSet<Sha256Digest>) -> Result<(), CliError> {
        // It becomes the name of a directory.
        let host: HostId =
            host.parse().map_err(|error| CliError::reply(format!("the identity of a host: {error}")))?;
        let host = &host.to_string();
        let chains: HostChains = self.client.get(Request::path(&["v1", "hosts", host, "chains"]))?;
        let dir = self.evidence.join(HOSTS).join(host);
        fs::create_dir_all(&dir).map_err(|error| CliError::file(&dir, &error))?;
        for chain in chains.chains.iter().filter(|chain| chain.leaf < size) {
            self.chain((host, &chain.chain), size, &dir, components)?;
        }
        Ok(())
    }

    fn chain(
        &self,
        (host, chain): (&str, &str),
        size: u64,
        dir: &Path,
        components: &mut BTreeSet<Sha256Digest>,
    ) -> Result<(), CliError> {
        // It becomes the name of a file.
        let chain: ChainId =
            chain.parse().map_err(|error| CliError::reply(format!("the name of a chain: {error}")))?;
        let chain = chain.to_string();
        let path = dir.join(&chain);
        let failed = |error| CliError::file(&path, &error);
        let file = BufWriter::new(File::create_new(&path).map_err(failed)?);
        let mut writer = ItemWriter::begin(file).map_err(failed)?;
        let (mut next, mut firmware_log) = (None::<u64>, None::<FirmwareLog>);
        let size = size.to_string();
        loop {
            let seq = next.map(|next| next.to_string());
            let mut query = vec![("size", size.as_str())];
            query.extend(seq.as_deref().map(|seq| ("next", seq)));
            let path = ["v1", "hosts", host, "chains", &chain];
            let page = self.client.get_bytes(Request { path: &path, query: &query }, EVIDENCE_PAGE_BYTES)?;
            let damaged = |error| CliError::reply(format!("a page of evidence: {error}"));
            let mut reader = ItemReader::new(page.as_slice()).map_err(damaged)?;
            let mut pieces = 0;
            while let Some(mut item) = reader.next_item().map_err(damaged)? {
                if let Item::Attestation(piece) = &mut item {
                    let body = piece.envelope.evidence.body();
                    pieces += 1;
                    next = Some(body.seq.saturating_add(1));
                    components.extend(body.added.iter().copied());
                    // Every page has the firmware's log once; one is enough.
                    let same = firmware_log.replace(body.firmware_log) == Some(body.firmware_log);
                    piece
                        .envelope
                        .attachments
                        .retain(|attached| !same || attached.kind != AttachmentKind::FirmwareLog);
                }
                writer.write(&item).map_err(failed)?;
            }
            if pieces == 0 {
                break;
            }
        }
        let file = writer.into_inner().into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)
    }

    /// The newest root of the index, which says how many chains there are.
    fn index_root(&self, size: u64) -> Result<(), CliError> {
        let path = ["v1", "index-roots", "newest"];
        let query = [("size", size.to_string())];
        let query = query.each_ref().map(|(name, value)| (*name, value.as_str()));
        let file = self.client.get_bytes(Request { path: &path, query: &query }, EVIDENCE_PAGE_BYTES)?;
        fs::create_dir_all(&self.evidence).map_err(|error| CliError::file(&self.evidence, &error))?;
        files::write(&self.evidence.join(INDEX_ROOTS), &file)
    }

    /// What components consist of; those that nobody has told are left out, and the check says what that means.
    fn manifests(
        &mut self,
        components: impl IntoIterator<Item = Sha256Digest>,
        mut catalogue: Option<&mut Catalogue<'_>>,
        mut told: impl FnMut(usize, usize),
    ) -> Result<(), CliError> {
        let mut todo: Vec<String> = Vec::new();
        for component in components {
            if self.known.insert(component) {
                todo.push(component.to_string());
            }
        }
        let of = todo.len();
        let mut rest = todo.as_slice();
        while !rest.is_empty() {
            told(of - rest.len(), of);
            let components = rest.get(..rest.len().min(MANIFESTS_READ)).unwrap_or_default().to_vec();
            let found: Manifests =
                self.client.post(&["v1", "manifests", "read"], &ReadManifests { components })?;
            let looked_at = usize::try_from(found.looked_at).unwrap_or(usize::MAX).min(rest.len());
            if looked_at == 0 {
                return Err(CliError::reply("the verifier looked at none of the components"));
            }
            for manifest in found.manifests {
                let component: Sha256Digest = manifest
                    .component
                    .parse()
                    .map_err(|error| CliError::reply(format!("the digest of a component: {error}")))?;
                let name = component.to_string();
                let dir = self.evidence.join(MANIFESTS).join(name.get(..2).unwrap_or_default());
                fs::create_dir_all(&dir).map_err(|error| CliError::file(&dir, &error))?;
                let path = dir.join(&name);
                files::write(&path, &manifest.zstd.0)?;
                if let Some(catalogue) = catalogue.as_deref_mut() {
                    take_manifest(&path, component, &manifest.zstd.0, catalogue)?;
                }
            }
            rest = rest.get(looked_at..).unwrap_or_default();
        }
        Ok(())
    }

    /// Programs that hosts have started and do not have as files may be other hosts' files; and others may have sent what is in lists, and signatures.
    fn images(&mut self, catalogue: &mut Catalogue<'_>) -> Result<(), CliError> {
        for image in catalogue.unresolved() {
            self.of_others(["v1", "images", &hex::encode(image.id())], catalogue)?;
        }
        for hash in catalogue.uncarried() {
            self.of_others(["v1", "carried", &hex::encode(hash)], catalogue)?;
        }
        Ok(())
    }

    /// Manifests of other hosts that tell what those of the answer do not.
    fn of_others(&mut self, path: [&str; 3], catalogue: &mut Catalogue<'_>) -> Result<(), CliError> {
        let found: ImageComponents = self.client.get(Request::path(&path))?;
        let components: Result<Vec<Sha256Digest>, _> =
            found.components.iter().map(|component| component.parse()).collect();
        let components =
            components.map_err(|error| CliError::reply(format!("the digest of a component: {error}")))?;
        self.manifests(components, Some(catalogue), |_, _| {})
    }
}

/// Witnesses are asked every few seconds.
const PUBLISHED_WITHIN: Duration = Duration::from_mins(2);
