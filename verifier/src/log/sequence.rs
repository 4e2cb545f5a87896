//! The sequencer's own things: the log's right edge, and the way from a commit to files.
//!
//! In: entries that the recorder's transaction commits. Out: the signed head for that transaction; after it, durable
//! files and a published checkpoint. At the start it makes again what a crash kept from being written, and refuses to
//! go on where database and files are not one history: whoever signed on from there would sign a second one.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use ledger::checkpoint::{Checkpoint, CheckpointError, Origin, SignedCheckpoint};
use ledger::note::{SignerKey, VerifierKey};
use ledger::tile::{
    BundleId, Growth, LoadError, Resource, TILE_WIDTH, TileSource, TileWriter, Width, WriteError,
};
use ledger::tree::LogSize;

use super::{CHECKPOINT, LogReader, ObjectError, Objects, archive_path};
use crate::failure::{Exit, Failure};
use crate::limits::{PARTIALS_REMOVED, WRITE_RETRIES, WRITE_RETRY};

/// The newest signed state of the log whose files are durable.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) checkpoint: SignedCheckpoint,
}

impl Head {
    pub(crate) const fn size(&self) -> LogSize {
        self.checkpoint.claim().size()
    }
}

/// What the database holds of the log.
#[derive(Clone, Debug)]
pub(crate) struct Committed {
    /// The head that was signed last.
    pub(crate) checkpoint: SignedCheckpoint,
    /// The index of the first entry that is pending.
    pub(crate) first: LogSize,
    /// The entries from there to the head.
    pub(crate) entries: Vec<Vec<u8>>,
}

impl Committed {
    /// The log without leaves.
    pub(crate) const fn nothing(checkpoint: SignedCheckpoint) -> Self {
        Self { checkpoint, first: LogSize::ZERO, entries: Vec::new() }
    }
}

/// How long a storage that refuses is asked again.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    pub(crate) tries: u32,
    pub(crate) wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: WRITE_RETRIES, wait: WRITE_RETRY }
    }
}

/// The log's right edge and its files.
#[derive(Debug)]
pub(crate) struct Sequencer {
    objects: Arc<dyn Objects>,
    key: Arc<SignerKey>,
    patience: Patience,
    writer: TileWriter,
    /// Partial files that were written and not removed.
    partials: BTreeSet<Resource>,
    /// The size that is published, below whose full tiles partial ones go.
    published: LogSize,
}

impl Sequencer {
    /// Takes up the log where the database says it is, and makes the files that are missing.
    pub(crate) fn open(
        objects: Arc<dyn Objects>,
        key: Arc<SignerKey>,
        patience: Patience,
        committed: &Committed,
    ) -> Result<Self, OpenError> {
        let claim = committed.checkpoint.claim();
        let published = read_published(&*objects, key.verifier_key())?;
        if let Some(published) = published.as_ref().map(SignedCheckpoint::claim)
            && published.size() > claim.size()
        {
            return Err(OpenError::Rolled { database: claim.size(), files: published.size() });
        }
        let partials = partials_of(&*objects)?;
        check_nothing_beyond(&*objects, &partials, claim.size())?;
        let source = Source(&*objects);
        let (writer, growth) =
            TileWriter::resume(&source, committed.first, &committed.entries, claim.root())?;
        if writer.size() != claim.size() {
            return Err(OpenError::Entries { head: claim.size(), found: writer.size() });
        }
        let mut sequencer = Self { objects, key, patience, writer, partials, published: LogSize::ZERO };
        sequencer.write(&growth)?;
        sequencer.check_published(published)?;
        Ok(sequencer)
    }

    /// The checkpoint that others may hold must be of this very history.
    fn check_published(&mut self, published: Option<SignedCheckpoint>) -> Result<(), OpenError> {
        let Some(published) = published else { return Ok(()) };
        let claim = published.claim();
        let source = Source(&*self.objects);
        let then = ledger::tile::TileReader::new(&source, self.writer.size(), &self.writer.root())?;
        let frontier = ledger::tree::load_frontier(&then, claim.size())
            .map_err(|error| OpenError::Past { size: claim.size(), message: error.to_string() })?;
        if frontier.root() != *claim.root() {
            return Err(OpenError::Forked { size: claim.size() });
        }
        self.published = claim.size();
        Ok(())
    }

    /// The size of the log that was drafted last, whether or not it was committed.
    pub(crate) const fn size(&self) -> LogSize {
        self.writer.size()
    }

    pub(crate) fn reader(&self) -> LogReader {
        LogReader::new(Arc::clone(&self.objects))
    }

    /// Drafts the log with more entries: the files that they make, and the signed head for the commit. Nothing of the
    /// sequencer changes before [`Sequencer::adopt`].
    pub(crate) fn draft<E: AsRef<[u8]>>(&self, entries: &[E]) -> Result<Draft, DraftError> {
        let mut writer = self.writer.clone();
        let growth = writer.append(entries)?;
        let checkpoint = sign(&self.key, &writer)?;
        Ok(Draft { writer, growth, archived: Vec::new(), head: Head { checkpoint } })
    }

    /// Takes over a draft that was committed, and makes its files durable.
    ///
    /// A full disk is waited for; whatever else fails ends the verifier, and the next start makes the files.
    pub(crate) fn adopt(&mut self, draft: Draft) -> Result<Head, ObjectError> {
        self.writer = draft.writer;
        self.write(&draft.growth)?;
        self.archive(&draft.archived)?;
        Ok(draft.head)
    }

    fn write(&mut self, growth: &Growth) -> Result<(), ObjectError> {
        let files: Vec<_> =
            growth.files.iter().map(|(resource, bytes)| (resource.to_string(), bytes.clone())).collect();
        self.retry(|| self.objects.create(&files))?;
        self.partials
            .extend(growth.files.iter().map(|(resource, _)| *resource).filter(|file| !file.is_full()));
        Ok(())
    }

    /// Publishes a checkpoint of this log, and removes the partial files that nobody needs any more.
    pub(crate) fn publish(&mut self, checkpoint: &SignedCheckpoint) -> Result<(), ObjectError> {
        self.retry(|| self.objects.replace(CHECKPOINT, checkpoint.as_bytes()))?;
        self.published = self.published.max(checkpoint.claim().size());
        let outgrown = self.partials.iter().filter(|partial| !partial.is_needed_by(self.published));
        let outgrown: Vec<_> = outgrown.take(PARTIALS_REMOVED).copied().collect();
        if !outgrown.is_empty() {
            let paths: Vec<_> = outgrown.iter().map(ToString::to_string).collect();
            // What could not be removed now is removed another time; nobody is harmed by it.
            match self.objects.remove(&paths) {
                Ok(()) => self.partials.retain(|partial| !outgrown.contains(partial)),
                Err(error) => tracing::warn!(%error, "outgrown files of the log could not be removed"),
            }
        }
        Ok(())
    }

    /// Makes archived checkpoints durable.
    pub(crate) fn archive(&self, archived: &[(u64, SignedCheckpoint)]) -> Result<(), ObjectError> {
        if archived.is_empty() {
            return Ok(());
        }
        let file =
            |(number, note): &(u64, SignedCheckpoint)| (archive_path(*number), note.as_bytes().to_vec());
        let files: Vec<_> = archived.iter().map(file).collect();
        self.retry(|| self.objects.create(&files))
    }

    /// Tries again for a while where the storage only refuses.
    fn retry(&self, mut work: impl FnMut() -> Result<(), ObjectError>) -> Result<(), ObjectError> {
        let mut tries = 0;
        loop {
            match work() {
                Err(error) if error.is_passing() && tries < self.patience.tries => {
                    tries += 1;
                    tracing::warn!(%error, tries, "writing the log's files failed; trying again");
                    std::thread::sleep(self.patience.wait);
                }
                done => return done,
            }
        }
    }

    /// Entries below this index are in full bundles, and need not be pending.
    pub(crate) fn settled(&self) -> u64 {
        self.writer.size().get() / 256 * 256
    }
}

/// The log with entries that are not committed yet.
#[derive(Debug)]
pub(crate) struct Draft {
    writer: TileWriter,
    growth: Growth,
    archived: Vec<(u64, SignedCheckpoint)>,
    head: Head,
}

impl Draft {
    /// Adds checkpoints that the same commit archives.
    pub(crate) fn archive(&mut self, archived: Vec<(u64, SignedCheckpoint)>) {
        self.archived = archived;
    }

    pub(crate) const fn head(&self) -> &Head {
        &self.head
    }
}

/// Signs the head of the log without leaves.
pub(crate) fn sign_empty(key: &SignerKey) -> Result<SignedCheckpoint, CheckpointError> {
    sign(key, &TileWriter::new())
}

fn sign(key: &SignerKey, writer: &TileWriter) -> Result<SignedCheckpoint, CheckpointError> {
    let origin = Origin::from(key.verifier_key().name());
    SignedCheckpoint::sign(Checkpoint::new(origin, writer.size(), writer.root())?, key)
}

fn partials_of(objects: &dyn Objects) -> Result<BTreeSet<Resource>, ObjectError> {
    Ok(objects.partials()?.iter().filter_map(|path| path.parse().ok()).collect())
}

/// Files are written after the commit that they belong to: one that reaches beyond the database's head was written by a
/// database that is newer than this one, whatever has been published of it.
fn check_nothing_beyond(
    objects: &dyn Objects,
    partials: &BTreeSet<Resource>,
    head: LogSize,
) -> Result<(), OpenError> {
    let rolled =
        |files| OpenError::Rolled { database: head, files: LogSize::new(files).unwrap_or(LogSize::MAX) };
    if let Some(beyond) = partials.iter().map(|partial| partial.end()).max().filter(|end| *end > head.get()) {
        return Err(rolled(beyond));
    }
    // The bundle that the next leaf would go into, full already.
    let next = BundleId::new(head.get() / u64::from(TILE_WIDTH), Width::FULL).map(Resource::Bundle);
    match next {
        Ok(next) if objects.read(&next.to_string())?.is_some() => Err(rolled(next.end())),
        _ => Ok(()),
    }
}

fn read_published(objects: &dyn Objects, key: &VerifierKey) -> Result<Option<SignedCheckpoint>, OpenError> {
    let Some(bytes) = objects.read(CHECKPOINT)? else { return Ok(None) };
    let signed = SignedCheckpoint::parse(&bytes)?;
    signed.verify(key)?;
    Ok(Some(signed))
}

struct Source<'a>(&'a dyn Objects);

impl TileSource for Source<'_> {
    type Error = ObjectError;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, ObjectError> {
        self.0.read(&resource.to_string())
    }
}

/// Why entries cannot be drafted.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DraftError {
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Sign(#[from] CheckpointError),
}

/// Why the log is not to be appended to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// The storage.
    #[error(transparent)]
    Objects(#[from] ObjectError),
    /// The files are not what the database's entries were appended to.
    #[error(transparent)]
    Load(#[from] LoadError<ObjectError>),
    /// The published checkpoint is not this log's.
    #[error("the published checkpoint: {0}")]
    Published(#[from] CheckpointError),
    /// The files are newer than the database.
    #[error("the log's files reach to {files} leaves, the database to {database}")]
    Rolled { database: LogSize, files: LogSize },
    /// The database's entries do not reach its head.
    #[error("the database's head has {head} leaves, its entries reach to {found}")]
    Entries { head: LogSize, found: LogSize },
    /// What was published is not the beginning of what the database holds.
    #[error("the log's past at {size} leaves cannot be read: {message}")]
    Past { size: LogSize, message: String },
    /// Another root was published.
    #[error("another root than the database's was published at {size} leaves")]
    Forked { size: LogSize },
}

impl From<OpenError> for Failure {
    fn from(error: OpenError) -> Self {
        let failure = |exit| Self::new(exit, format_args!("the log is not to be appended to: {error}"));
        match &error {
            OpenError::Objects(ObjectError::Io { full: true, .. }) => {
                failure(Exit::Io).hint("free some disk space")
            }
            OpenError::Objects(ObjectError::Overtaken { .. } | ObjectError::Differs { .. }) => {
                failure(Exit::Software).hint(
                    "does another verifier append to this log, or were its files changed? Two databases with one log \
                     cannot both go on",
                )
            }
            OpenError::Objects(_) => failure(Exit::Io).hint("look at the disk and at the kernel's log"),
            OpenError::Rolled { .. } | OpenError::Forked { .. } => failure(Exit::Software).hint(
                "the database was restored from a backup that is older than the log's files; going on would sign a \
                 second history. Restore the newest database, or begin a new log under another origin \
                 (docs/witnesses.md, \"When the log cannot go on\")",
            ),
            OpenError::Load(LoadError::File(_)) | OpenError::Past { .. } => failure(Exit::Software)
                .hint("files of the log were removed, or are older than the database: restore the log directory"),
            OpenError::Published(_) => failure(Exit::Software)
                .hint("are log.key and the log directory those of this database?"),
            _ => failure(Exit::Software).hint("restore the log directory and the database from one backup"),
        }
    }
}
