//! Recording: the one task that writes, and the one place where the log grows.
//!
//! In: work from a bounded queue. What waits is taken together into one transaction: it re-checks what may have
//! changed since the work was prepared, writes rows, appends leaves, signs the new head and swaps it for the old one.
//! Out: an answer to each, given only after the commit is on the disk. So nothing that was acknowledged is lost, and
//! nothing that failed is half there. Whether evidence is true was established before, by `appraisal::verify`.

mod enrolment;
mod event;
mod evidence;
mod intervals;
mod log;
mod manifest;

#[cfg(test)]
pub(crate) mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::evidence::time::UnixTime;
use ledger::leaf::Leaf;
use ledger::note::SignerKey;
use ledger::tree::LeafIndex;
use sqlx::{Connection as _, SqliteConnection};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use wire::operator::{NewToken, Scope};

use crate::clock::Clock;
use crate::failure::{Exit, Failure};
use crate::limits::{RECORD_BATCH, RECORD_QUEUE};
use crate::store::log::{Head, HeadError, load_head};
use crate::store::token::{self, JoinRefusal, TokenError, TokenKind};
use crate::store::{Store, StoreError, Trouble, reopen};

pub(crate) use enrolment::NewEnrolment;
pub(crate) use event::NewRefusal;
pub(crate) use evidence::NewEvidence;
pub(crate) use manifest::NewManifest;

use log::Draft;

/// What is to be recorded.
#[derive(Debug)]
pub(crate) enum Work {
    Evidence(Box<NewEvidence>),
    Enrolment(Box<NewEnrolment>),
    Manifest(Box<NewManifest>),
    Refusal(Box<NewRefusal>),
    /// Hosts that were last heard before this time are silent now.
    Silence(UnixTime),
    OperatorToken {
        name: String,
        scope: Scope,
        expires: UnixTime,
    },
    JoinToken {
        note: String,
        expires: UnixTime,
    },
    Revoke {
        kind: TokenKind,
        id: String,
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

/// Starts the recorder. Its task ends when every [`Recorder`] is gone, or with the failure that makes going on unsafe.
pub(crate) async fn start(
    database: &Path,
    key: Arc<SignerKey>,
    clock: Clock,
) -> Result<(Recorder, Store, JoinHandle<Result<(), Failure>>), Failure> {
    let (store, mut connection) = Store::open(database).await?;
    let head = match load_head(&mut connection, key.verifier_key()).await.map_err(|error| damaged(&error))? {
        Some(head) => head,
        None => log::begin(&mut connection, &key).await.map_err(|error| damaged(&error.into()))?,
    };
    let (recorder, task) = spawn(database, connection, head, key, clock);
    Ok((recorder, store, task))
}

fn spawn(
    database: &Path,
    connection: SqliteConnection,
    head: Head,
    key: Arc<SignerKey>,
    clock: Clock,
) -> (Recorder, JoinHandle<Result<(), Failure>>) {
    let (publish, head) = watch::channel(Arc::new(head));
    let (queue, jobs) = mpsc::channel(RECORD_QUEUE);
    let writer = Writer { database: database.to_owned(), connection, key, clock, publish };
    (Recorder { queue, head }, tokio::spawn(writer.run(jobs)))
}

/// A log that is not what was signed must not be appended to: a second history would be signed.
fn damaged(error: &HeadError) -> Failure {
    match error {
        HeadError::Store(StoreError::Database(_)) => Failure::new(Exit::Io, error),
        HeadError::Checkpoint(_) => Failure::new(Exit::Software, error)
            .hint("is log.key in the configuration the key that this database's log was begun with?"),
        _ => Failure::new(Exit::Software, format_args!("the log is damaged: {error}"))
            .hint("restore the newest backup; agents that have seen a newer checkpoint will say so"),
    }
}

/// The task's own things.
struct Writer {
    database: PathBuf,
    connection: SqliteConnection,
    key: Arc<SignerKey>,
    clock: Clock,
    publish: watch::Sender<Arc<Head>>,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) -> Result<(), Failure> {
        let mut jobs = Vec::with_capacity(RECORD_BATCH);
        while queue.recv_many(&mut jobs, RECORD_BATCH).await > 0 {
            self.batch(std::mem::take(&mut jobs)).await?;
        }
        // A tidy end leaves one file to back up; the write-ahead log would be as safe.
        let _ = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut self.connection).await;
        let _ = self.connection.close().await;
        Ok(())
    }

    async fn batch(&mut self, jobs: Vec<Job>) -> Result<(), Failure> {
        match self.transaction(&jobs).await {
            Ok((outcomes, head)) => {
                let head = Arc::new(head);
                self.publish.send_replace(Arc::clone(&head));
                for (job, outcome) in jobs.into_iter().zip(outcomes) {
                    // Whoever asked may have hung up; what was recorded is recorded.
                    let _ = job.reply.send(outcome.map(|done| (done, Arc::clone(&head))));
                }
                Ok(())
            }
            Err(error) => self.recover(jobs, error).await,
        }
    }

    /// After a failed transaction nobody knows what the connection holds: a new one reads what is on the disk.
    async fn recover(&mut self, jobs: Vec<Job>, error: StoreError) -> Result<(), Failure> {
        tracing::error!(%error, jobs = jobs.len(), "recording failed");
        let (fatal, shared) = (error.trouble() == Trouble::Disk, RecordError::from(error));
        for job in jobs {
            let _ = job.reply.send(Err(shared.clone()));
        }
        if fatal {
            // After a failed flush, what the kernel still shows may never reach the disk.
            return Err(Failure::new(Exit::Io, format_args!("recording failed: {shared}"))
                .hint("look at the disk and at the kernel's log"));
        }
        self.connection = reopen(&self.database).await?;
        let head = load_head(&mut self.connection, self.key.verifier_key())
            .await
            .map_err(|error| damaged(&error))?;
        let head = head.ok_or_else(|| damaged(&HeadError::Size))?;
        self.publish.send_replace(Arc::new(head));
        Ok(())
    }

    async fn transaction(
        &mut self,
        jobs: &[Job],
    ) -> Result<(Vec<Result<Done, RecordError>>, Head), StoreError> {
        let now = self.clock.now();
        let before = Arc::clone(&self.publish.borrow());
        let mut tx = self.connection.begin_with("BEGIN IMMEDIATE").await?;
        let mut draft = Draft::after(&before);
        let mut outcomes = Vec::with_capacity(jobs.len());
        for job in jobs {
            // A savepoint for each, so that one row's refusal leaves no trace and the others go on.
            let mut step = tx.begin().await?;
            let outcome = apply(&job.work, &mut step, draft.next_index()?, now).await;
            match outcome {
                Ok((done, leaf)) => {
                    step.commit().await?;
                    if let Some(leaf) = leaf {
                        draft.push(leaf)?;
                    }
                    outcomes.push(Ok(done));
                }
                Err(RecordError::Store { trouble, message }) if trouble != Trouble::Row => {
                    return Err(StoreError::Failed { trouble, message });
                }
                Err(error) => {
                    step.rollback().await?;
                    outcomes.push(Err(error));
                }
            }
        }
        let head = draft.finish(&mut tx, &before, &self.key, now).await?;
        tx.commit().await?;
        Ok((outcomes, head))
    }
}

type Applied = Result<(Done, Option<Leaf>), RecordError>;

/// Writes one piece of work; a leaf that it returns is appended at `index`.
async fn apply(work: &Work, tx: &mut SqliteConnection, index: LeafIndex, now: UnixTime) -> Applied {
    let logged = |leaf| (Done::Logged { index, leaf }, Some(leaf));
    let stored = |changed| (if changed { Done::Stored } else { Done::Nothing }, None);
    match work {
        Work::Evidence(new) => new.apply(tx, index).await.map(logged),
        Work::Enrolment(new) => new.apply(tx, index, now).await.map(logged),
        Work::Manifest(new) => Ok(stored(new.apply(tx).await?)),
        Work::Refusal(new) => {
            new.apply(tx).await?;
            Ok(stored(true))
        }
        Work::Silence(before) => Ok(stored(event::mark_silent(tx, *before, now).await? > 0)),
        Work::OperatorToken { name, scope, expires } => {
            let token = token::create_operator(tx, name, *scope, now, *expires).await?;
            Ok((Done::Token(token), None))
        }
        Work::JoinToken { note, expires } => {
            Ok((Done::Token(token::create_join(tx, note, now, *expires).await?), None))
        }
        Work::Revoke { kind, id } => Ok(stored(token::revoke(tx, *kind, id, now).await?)),
    }
}
