//! Recording: the one task that writes, and the one place where the log grows.
//!
//! In: work from a bounded queue. What waits is taken together into one transaction: it re-checks what may have
//! changed since the work was prepared, writes rows, appends leaves, signs the new head and swaps it for the old one.
//! Out: an answer to each, given only after the commit is on the disk. So nothing that was acknowledged is lost, and
//! nothing that failed is half there. Whether evidence is true was established before, by `appraisal::verify`.

mod archive;
mod components;
mod enrolment;
mod event;
mod evidence;
mod folding;
mod incident;
mod index;
mod intervals;
mod labelling;
pub(crate) mod log;
mod manifest;
mod principal;
mod proved;
mod reindex;
mod retirement;
mod root;
mod step;
mod watching;

#[cfg(test)]
pub(crate) mod tests;

use std::path::Path;
use std::sync::Arc;

use ::evidence::time::UnixTime;
use ledger::checkpoint::SignedCheckpoint;
use ledger::leaf::Leaf;
use ledger::note::SignerKey;
use ledger::tree::LeafIndex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use wire::incident::IncidentRule;
use wire::operator::{NewToken, Scope};
use wire::watch::WatchRule;

use crate::clock::Clock;
use crate::config::{Config, LogFiles, Publishing};
use crate::cosign::CONTRADICTED_HINT;
use crate::failure::{Exit, Failure};
use crate::limits::{RECORD_BATCH, RECORD_QUEUE};
use crate::log::bucket::Bucket;
use crate::log::local::LocalFiles;
use crate::log::sequence::{Draft, DraftError, OpenError, Patience, Sequencer};
use crate::log::{Objects, disk::RealDisk};
use crate::sql::{self, Connection, Kind, Pool};
use crate::store::action::{self, ActionError, Who};
use crate::store::log::{Committed, Head, HeadError, Taking, take_over};
use crate::store::token::{JoinRefusal, TokenError, TokenKind};
use crate::store::{self, Database, Store, StoreError, Trouble, reopen};

pub(crate) use enrolment::NewEnrolment;
pub(crate) use event::{EventKind, NewRefusal};
pub(crate) use evidence::NewEvidence;
use evidence::Together;
pub(crate) use folding::{NewPack, next_to_fold};
pub(crate) use index::IndexEntry;
pub(crate) use labelling::NewLabels;
pub(crate) use manifest::NewManifest;
pub(crate) use principal::certificates;
pub(crate) use reindex::is_current;
pub(crate) use reindex::{Reindexed, reindex};
pub(crate) use retirement::NewRetirement;
pub(crate) use root::{NewRoot, last_root, root_differs};
pub(crate) use watching::NewHits;

/// What is to be recorded.
#[derive(Debug)]
pub(crate) enum Work {
    Evidence(Box<NewEvidence>),
    Enrolment(Box<NewEnrolment>),
    Retirement(Box<NewRetirement>),
    Labels(NewLabels),
    Manifest(Box<NewManifest>),
    Refusal(Box<NewRefusal>),
    /// A checkpoint that reached the quorum of its policy.
    Publish(Box<SignedCheckpoint>),
    /// A checkpoint by this log's key that is not of its history: the log must not be signed after the next start.
    Contradicted(Box<SignedCheckpoint>),
    /// A checkpoint with its witnesses' signatures, to be kept for auditors.
    Archive(Box<SignedCheckpoint>),
    /// Operators' actions that a command line wrote wait for their leaves.
    Outbox,
    /// Older evidence moves into a pack.
    Fold(Box<NewPack>),
    /// What the index is.
    IndexRoot(NewRoot),
    /// Hosts that were last heard before this time are silent now.
    Silence(UnixTime),
    OperatorToken {
        who: Who,
        name: String,
        scope: Scope,
        expires: UnixTime,
    },
    JoinToken {
        who: Who,
        note: String,
        expires: UnixTime,
    },
    /// Somebody asked who trusted something; what in words.
    Asked {
        who: Who,
        question: String,
    },
    Revoke {
        who: Who,
        kind: TokenKind,
        id: String,
    },
    Watch {
        who: Who,
        rule: Box<WatchRule>,
    },
    Unwatch {
        who: Who,
        name: String,
    },
    /// What a watch found.
    Hits(Box<NewHits>),
    /// Somebody was told of what watches found, up to this hit; from now on, where it is none.
    Alerted(Option<u64>),
    OpenIncident {
        who: Who,
        rule: Box<IncidentRule>,
    },
    CloseIncident {
        who: Who,
        name: String,
        note: String,
    },
}

/// What came of it.
#[derive(Debug)]
pub(crate) enum Done {
    /// A leaf was logged.
    Logged { index: LeafIndex, leaf: Leaf },
    /// Something was stored or changed.
    Stored,
    /// There was nothing to do.
    Nothing,
    /// A token was made.
    Token(NewToken),
}

/// Why something was not recorded.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum RecordError {
    /// The very evidence is recorded.
    #[error("this evidence is recorded already")]
    Replayed,
    /// The host's chain went on since the evidence was verified.
    #[error("other evidence of this host was recorded meanwhile")]
    Overtaken,
    /// The join token does not let the host in.
    #[error(transparent)]
    Join(JoinRefusal),
    /// The chain was started before.
    #[error("this chain was started before; draw a fresh one")]
    ChainTaken,
    /// There are as many watches or incidents as there may be.
    #[error("there are as many as there may be")]
    TooMany,
    /// The host was retired before.
    #[error("the host is retired already")]
    Retired,
    /// The database.
    #[error("{message}")]
    Store { trouble: Trouble, message: String },
    /// The recorder has ended.
    #[error("the verifier is stopping")]
    Stopped,
}

impl From<StoreError> for RecordError {
    fn from(error: StoreError) -> Self {
        Self::Store { trouble: error.trouble(), message: error.to_string() }
    }
}

impl From<sqlx::Error> for RecordError {
    fn from(error: sqlx::Error) -> Self {
        StoreError::from(error).into()
    }
}

impl From<TokenError> for RecordError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Store(error) => error.into(),
            TokenError::Random(_) => Self::Store { trouble: Trouble::Other, message: error.to_string() },
        }
    }
}

impl From<ActionError> for RecordError {
    fn from(error: ActionError) -> Self {
        TokenError::from(error).into()
    }
}

/// The way to the recorder.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    queue: mpsc::Sender<Job>,
    head: watch::Receiver<Arc<Head>>,
}

#[derive(Debug)]
struct Job {
    work: Work,
    reply: oneshot::Sender<Answer>,
}

type Answer = Result<(Done, Arc<Head>), RecordError>;

impl Recorder {
    /// Records, and waits until it is on the disk. The head is one that includes what was recorded.
    pub(crate) async fn record(&self, work: Work) -> Answer {
        let (reply, answer) = oneshot::channel();
        self.queue.send(Job { work, reply }).await.map_err(|_| RecordError::Stopped)?;
        answer.await.map_err(|_| RecordError::Stopped)?
    }

    /// A way to ask whether the task still works, which does not keep it from ending.
    pub(crate) fn liveness(&self) -> Liveness {
        Liveness(self.queue.downgrade())
    }

    /// Whether the task takes work.
    pub(crate) fn is_running(&self) -> bool {
        !self.queue.is_closed()
    }

    /// The newest head.
    pub(crate) fn head(&self) -> Arc<Head> {
        Arc::clone(&self.head.borrow())
    }

    /// The heads, for tests that wait for one.
    #[cfg(test)]
    pub(crate) fn heads(&self) -> watch::Receiver<Arc<Head>> {
        self.head.clone()
    }

    /// The newest head as soon as it includes a leaf that was committed: for a moment its files are not yet durable.
    pub(crate) async fn head_with(&self, index: LeafIndex) -> Result<Arc<Head>, RecordError> {
        let mut heads = self.head.clone();
        let head = heads.wait_for(|head| head.size().contains(index)).await;
        head.map(|head| Arc::clone(&head)).map_err(|_| RecordError::Stopped)
    }
}

/// Whether the recorder still does its work.
#[derive(Clone, Debug)]
pub struct Liveness(mpsc::WeakSender<Job>);

impl Liveness {
    /// Has the recorder do a transaction that changes nothing: `false` where it has ended. It does not answer while
    /// the disk does not.
    pub async fn check(&self) -> bool {
        let Some(queue) = self.0.upgrade() else { return false };
        let (reply, answer) = oneshot::channel();
        let job = Job { work: Work::Silence(UnixTime::from_ms(0)), reply };
        queue.send(job).await.is_ok() && answer.await.is_ok()
    }
}

/// What the recorder works on.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) database: Database,
    pub(crate) objects: Arc<dyn Objects>,
    pub(crate) key: Arc<SignerKey>,
    pub(crate) patience: Patience,
    pub(crate) heads: Heads,
}

/// Which heads are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heads {
    /// Each, once its files are durable.
    Published,
    /// Those that come back cosigned.
    Cosigned,
}

impl Place {
    /// A database, and the log's files in a directory that is made where it is not there.
    pub(crate) fn local(
        database: Database,
        log_dir: &Path,
        key: Arc<SignerKey>,
        heads: Heads,
    ) -> Result<Self, Failure> {
        crate::serve::make_public_dir(log_dir)?;
        let files = LocalFiles::open(RealDisk, log_dir).map_err(OpenError::from)?;
        Ok(Self { database, objects: Arc::new(files), key, patience: Patience::default(), heads })
    }

    /// A database, and the log's files where the configuration says.
    pub(crate) async fn configured(config: &Config, key: Arc<SignerKey>) -> Result<Self, Failure> {
        let heads = match &config.publishing {
            Publishing::DangerUnwitnessed => Heads::Published,
            Publishing::Witnessed(_) => Heads::Cosigned,
        };
        let LogFiles::Bucket(place) = &config.log_files else {
            return Self::local(config.database.clone(), &config.log_dir(), key, heads);
        };
        // Asking the storage blocks.
        let place = place.clone();
        let bucket = tokio::task::spawn_blocking(move || Bucket::open(&place)).await;
        let bucket = bucket.map_err(|error| Failure::new(Exit::Software, error))??;
        let (database, patience) = (config.database.clone(), Patience::default());
        Ok(Self { database, objects: Arc::new(bucket), key, patience, heads })
    }
}

/// Starts the recorder. Its task ends when every [`Recorder`] is gone, or with the failure that makes going on unsafe.
pub(crate) async fn start(
    place: Place,
    clock: Clock,
) -> Result<(Recorder, Store, JoinHandle<Result<(), Failure>>), Failure> {
    let (readers, connection) = store::open(&place.database).await?;
    start_with(place, clock, readers, connection).await
}

async fn start_with(
    place: Place,
    clock: Clock,
    readers: Pool,
    mut connection: Connection<'static>,
) -> Result<(Recorder, Store, JoinHandle<Result<(), Failure>>), Failure> {
    let (sequencer, head, epoch) = open_log(&place, &mut connection, Taking::Start).await?;
    let store = Store::new(readers, sequencer.reader());
    let (publish, head) = watch::channel(Arc::new(head));
    let (queue, jobs) = mpsc::channel(RECORD_QUEUE);
    let writer = Writer { place, connection, sequencer, epoch, clock, publish };
    Ok((Recorder { queue, head }, store, tokio::spawn(writer.run(jobs))))
}

/// Takes the log over: from here on no other sequencer can swap its head. Publishes the head that was committed last.
async fn open_log(
    place: &Place,
    connection: &mut Connection<'_>,
    taking: Taking,
) -> Result<(Sequencer, Head, i64), Failure> {
    let key = place.key.verifier_key();
    let found = take_over(connection, key, taking).await.map_err(|error| damaged(&error))?;
    let (committed, epoch) = if let Some(found) = found {
        found
    } else {
        let checkpoint = log::begin(connection, &place.key).await.map_err(|error| damaged(&error.into()))?;
        (Committed::nothing(checkpoint), 1)
    };
    let archived =
        archive::since(connection, committed.first).await.map_err(|error| damaged(&error.into()))?;
    let (objects, key, patience) = (Arc::clone(&place.objects), Arc::clone(&place.key), place.patience);
    let heads = place.heads;
    let opened = tokio::task::spawn_blocking(move || {
        let mut sequencer = Sequencer::open(objects, key, patience, &committed)?;
        sequencer.archive(&archived)?;
        if heads == Heads::Published {
            sequencer.publish(&committed.checkpoint)?;
        }
        Ok::<_, OpenError>((sequencer, Head { checkpoint: committed.checkpoint }))
    });
    let (sequencer, head) = opened.await.map_err(|error| Failure::new(Exit::Software, error))??;
    Ok((sequencer, head, epoch))
}

/// A log that is not what was signed must not be appended to: a second history would be signed.
fn damaged(error: &HeadError) -> Failure {
    match error {
        HeadError::Store(StoreError::Database(_)) => Failure::new(Exit::Io, error),
        HeadError::Store(StoreError::Fenced) => fenced(error),
        HeadError::Contradicted { .. } => Failure::new(Exit::Software, error).hint(CONTRADICTED_HINT),
        HeadError::Checkpoint(_) => Failure::new(Exit::Software, error)
            .hint("is log.key in the configuration the key that this database's log was begun with?"),
        _ => Failure::new(Exit::Software, format_args!("the log is damaged: {error}"))
            .hint("restore the newest backup; agents that have seen a newer checkpoint will say so"),
    }
}

/// Somebody else has the log.
fn fenced(error: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Unavailable, error).hint("one verifier appends to a log; stop the other one")
}

/// The task's own things.
struct Writer {
    place: Place,
    connection: Connection<'static>,
    sequencer: Sequencer,
    epoch: i64,
    clock: Clock,
    publish: watch::Sender<Arc<Head>>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) -> Result<(), Failure> {
        let mut jobs = Vec::with_capacity(RECORD_BATCH);
        while queue.recv_many(&mut jobs, RECORD_BATCH).await > 0 {
            self = self.batch(std::mem::take(&mut jobs)).await?;
        }
        if self.connection.kind() == Kind::Sqlite {
            // A tidy end leaves one file to back up; the write-ahead log would be as safe.
            let _ = sql::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await;
        }
        let _ = self.connection.close().await;
        Ok(())
    }

    async fn batch(mut self, jobs: Vec<Job>) -> Result<Self, Failure> {
        let (outcomes, draft) = match self.transaction(&jobs).await {
            Ok(committed) => committed,
            Err(error) => {
                self.recover(jobs, error).await?;
                return Ok(self);
            }
        };
        let cosigned = jobs.iter().rev().find_map(|job| match &job.work {
            Work::Publish(checkpoint) => Some((**checkpoint).clone()),
            _ => None,
        });
        if draft.is_some() || cosigned.is_some() {
            self = self.write(draft, cosigned).await?;
        }
        let head = Arc::clone(&self.publish.borrow());
        for (job, outcome) in jobs.into_iter().zip(outcomes) {
            // Whoever asked may have hung up; what was recorded is recorded.
            let _ = job.reply.send(outcome.map(|done| (done, Arc::clone(&head))));
        }
        Ok(self)
    }

    /// Makes the files of what was committed, and publishes. Where that fails the verifier ends unanswered: what was
    /// committed is made durable by its next start.
    async fn write(self, draft: Option<Draft>, cosigned: Option<SignedCheckpoint>) -> Result<Self, Failure> {
        let Self { place, connection, mut sequencer, epoch, clock, publish } = self;
        let heads = place.heads;
        let written = tokio::task::spawn_blocking(move || {
            let head = draft.map(|draft| sequencer.adopt(draft)).transpose()?;
            let publish = match (heads, &head, &cosigned) {
                (Heads::Published, Some(head), _) => Some(&head.checkpoint),
                (Heads::Published, None, _) => None,
                (Heads::Cosigned, _, cosigned) => cosigned.as_ref(),
            };
            publish.map(|checkpoint| sequencer.publish(checkpoint)).transpose()?;
            Ok::<_, OpenError>((sequencer, head))
        });
        let (sequencer, head) = written.await.map_err(|error| Failure::new(Exit::Software, error))??;
        if let Some(head) = head {
            publish.send_replace(Arc::new(head));
        }
        Ok(Self { place, connection, sequencer, epoch, clock, publish })
    }

    /// After a failed transaction nobody knows what the connection holds: a new one reads what is on the disk.
    async fn recover(&mut self, jobs: Vec<Job>, error: StoreError) -> Result<(), Failure> {
        tracing::error!(%error, jobs = jobs.len(), "recording failed");
        let (trouble, shared) = (error.trouble(), RecordError::from(error));
        for job in jobs {
            let _ = job.reply.send(Err(shared.clone()));
        }
        match trouble {
            // After a failed flush, what the kernel still shows may never reach the disk.
            Trouble::Disk => {
                return Err(Failure::new(Exit::Io, format_args!("recording failed: {shared}"))
                    .hint("look at the disk and at the kernel's log"));
            }
            Trouble::Fenced => return Err(fenced(&shared)),
            _ => {}
        }
        self.connection = reopen(&self.place.database).await?;
        let taking = Taking::Again(self.epoch);
        let (sequencer, head, epoch) = open_log(&self.place, &mut self.connection, taking).await?;
        (self.sequencer, self.epoch) = (sequencer, epoch);
        self.publish.send_replace(Arc::new(head));
        Ok(())
    }

    async fn transaction(
        &mut self,
        jobs: &[Job],
    ) -> Result<(Vec<Result<Done, RecordError>>, Option<Draft>), StoreError> {
        let now = self.clock.now();
        let mut tx = self.connection.begin_write().await?;
        let mut leaves = Vec::new();
        let mut outcomes = Vec::with_capacity(jobs.len());
        let mut left = jobs;
        while let Some((Job { work, .. }, mut behind)) = left.split_first() {
            let index = next_index(&self.sequencer, &leaves)?;
            let applied = if let Work::Evidence(new) = work {
                let mut together = Together::of(new);
                while let Some((Job { work: Work::Evidence(new), .. }, others)) = behind.split_first()
                    && together.take(new)
                {
                    behind = others;
                }
                step::together(&together, &mut tx, index).await?
            } else {
                vec![step::in_step(work, &mut tx, index, now).await?]
            };
            left = behind;
            for applied in applied {
                match applied {
                    Ok((done, leaf)) => {
                        leaves.extend(leaf);
                        outcomes.push(Ok(done));
                    }
                    Err(RecordError::Store { trouble, message }) if trouble != Trouble::Row => {
                        return Err(StoreError::Failed { trouble, message });
                    }
                    Err(error) => outcomes.push(Err(error)),
                }
            }
        }
        leaves.extend(action::give_leaves(&mut tx, next_index(&self.sequencer, &leaves)?).await?);
        let draft = if leaves.is_empty() {
            None
        } else {
            let entries: Vec<_> = leaves.iter().map(Leaf::to_bytes).collect();
            let mut draft = self.sequencer.draft(&entries)?;
            draft.archive(archive::since(&mut tx, self.sequencer.size()).await?);
            let head = &draft.head().checkpoint;
            log::append(&mut tx, &self.sequencer, &leaves, head, self.epoch, now).await?;
            Some(draft)
        };
        tx.commit().await?;
        Ok((outcomes, draft))
    }
}

/// The index that the next leaf of a batch will have.
fn next_index(sequencer: &Sequencer, leaves: &[Leaf]) -> Result<LeafIndex, StoreError> {
    leaf_at(sequencer.size().get().saturating_add(leaves.len() as u64))
}

/// A leaf that the log is to have.
fn leaf_at(index: u64) -> Result<LeafIndex, StoreError> {
    LeafIndex::new(index).map_err(|_| StoreError::Damaged { what: "the log cannot grow any more" })
}

impl From<DraftError> for StoreError {
    fn from(error: DraftError) -> Self {
        Self::Failed { trouble: Trouble::Other, message: error.to_string() }
    }
}
