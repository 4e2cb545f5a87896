//! Getting the log's heads cosigned, and publishing those that reached the policy's quorum.
//!
//! In: heads whose files are durable, a trust policy, and its witnesses. Out: published checkpoints with cosignatures, every
//! so often one for the archive, and a standing of each witness for operators. A witness that knows a longer log than
//! this one, or another, ends the verifier: it was restored from a backup, and what it signed next would be a fork.

mod ask;
mod standing;

use std::sync::Arc;
use std::time::Duration;

use ledger::checkpoint::SignedCheckpoint;
use ledger::note::{NoteSignature, VerifierKey};
use ledger::policy::Policy;
use ledger::tree::LogSize;
use ledger::witness::{Answer, WitnessClient};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Witnessing;
use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::{PEM_BYTES, WITNESS_BACKOFF_MAX};
use crate::log::LogReader;
use crate::record::{Recorder, Work};

use ask::Asker;
pub(crate) use standing::{Board, WitnessStanding};

/// The task's own things.
#[derive(Debug)]
pub(crate) struct Cosigner {
    policy: Arc<Policy>,
    log: VerifierKey,
    rules: Witnessing,
    witnesses: Vec<Witness>,
    reader: LogReader,
    recorder: Recorder,
    clock: Clock,
    board: Board,
    published: LogSize,
    archived: LogSize,
    last_archive_ms: u64,
}

/// One witness of the policy that can be asked.
#[derive(Clone, Debug)]
struct Witness {
    /// Its place in the policy.
    place: usize,
    client: WitnessClient,
    asker: Asker,
    failures: u32,
    next_try_ms: u64,
}

/// What somebody's policy says, from its file.
pub(crate) fn read_policy(rules: &Witnessing) -> Result<Policy, Failure> {
    let bytes = files::read_trusted(&rules.policy, PEM_BYTES)?;
    Policy::parse(&bytes).map_err(|error| {
        Failure::new(Exit::Config, format_args!("{}: {error}", rules.policy.display()))
            .hint("the format is c2sp.org/tlog-policy; docs/witnesses.md has an example")
    })
}

impl Cosigner {
    pub(crate) fn new(
        rules: Witnessing,
        log: VerifierKey,
        reader: LogReader,
        recorder: Recorder,
        clock: Clock,
    ) -> Result<(Self, Board), Failure> {
        let policy = Arc::new(read_policy(&rules)?);
        let http = ask::http(&rules)?;
        let mut witnesses = Vec::new();
        for (place, known) in policy.witnesses().iter().enumerate() {
            let Some(url) = &known.url else { continue };
            let client = WitnessClient::new(known.key.clone(), LogSize::ZERO);
            let asker = Asker::new(http.clone(), url, rules.transport)?;
            witnesses.push(Witness { place, client, asker, failures: 0, next_try_ms: 0 });
        }
        let board = Board::new(&policy);
        let cosigner = Self {
            policy,
            log,
            rules,
            witnesses,
            reader,
            recorder,
            clock,
            board: board.clone(),
            published: LogSize::ZERO,
            archived: LogSize::ZERO,
            last_archive_ms: 0,
        };
        Ok((cosigner, board))
    }

    /// Asks every witness once, before anything new is signed: those that answer must not know more than we do.
    pub(crate) async fn first_round(&mut self) -> Result<(), Failure> {
        self.round().await
    }

    /// Goes on until it is stopped, or a witness says that the log must not be signed any more.
    pub(crate) async fn run(mut self, stop: CancellationToken) -> Result<(), Failure> {
        let mut interval = tokio::time::interval(self.rules.every);
        interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                _ = interval.tick() => {}
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                done = self.round() => done?,
            }
        }
    }

    async fn round(&mut self) -> Result<(), Failure> {
        let head = self.recorder.head();
        if head.size() <= self.published && !head.size().is_empty() {
            return Ok(());
        }
        let lines = self.ask_all(&head.checkpoint).await?;
        let mut cosigned = head.checkpoint.clone();
        for line in lines {
            // A note holds more lines than a policy has witnesses of any use.
            if cosigned.add_signature(line).is_err() {
                break;
            }
        }
        match self.policy.check_log(&cosigned, &self.log) {
            Ok(_) => self.publish(cosigned).await,
            Err(error) => {
                self.board.not_published(head.size(), &error.to_string());
                tracing::warn!(size = %head.size(), %error, "the checkpoint is not published");
                Ok(())
            }
        }
    }

    /// The cosignatures of all witnesses that answer in time.
    async fn ask_all(&mut self, head: &SignedCheckpoint) -> Result<Vec<NoteSignature>, Failure> {
        let now = self.clock.now().as_ms();
        let mut asked = JoinSet::new();
        for witness in self.witnesses.iter().filter(|witness| witness.next_try_ms <= now) {
            let (mut witness, head, reader) = (witness.clone(), head.clone(), self.reader.clone());
            asked.spawn(async move {
                let answer = witness.asker.cosign(&mut witness.client, &head, &reader).await;
                (witness, answer)
            });
        }
        let mut lines = Vec::new();
        while let Some(done) = asked.join_next().await {
            let (mut witness, answer) = done.map_err(|error| Failure::new(Exit::Software, error))?;
            lines.extend(self.heard(&mut witness, answer)?);
            if let Some(own) = self.witnesses.iter_mut().find(|own| own.place == witness.place) {
                *own = witness;
            }
        }
        Ok(lines)
    }

    /// Takes an answer into account.
    fn heard(
        &self,
        witness: &mut Witness,
        answer: Result<Answer, String>,
    ) -> Result<Option<NoteSignature>, Failure> {
        let now = self.clock.now().as_ms();
        let trouble = match answer {
            Ok(Answer::Cosigned { signature, time_secs }) => {
                witness.failures = 0;
                witness.next_try_ms = 0;
                self.board.cosigned(witness.place, witness.client.known(), time_secs);
                return Ok(Some(signature));
            }
            Ok(Answer::Ahead { size }) => return Err(self.must_stop(witness, size, "has cosigned")),
            Ok(Answer::Forked { size }) => {
                return Err(self.must_stop(witness, size, "has cosigned another log of"));
            }
            Ok(Answer::TryAgain) => "it names another size each time".to_owned(),
            Ok(Answer::Refused { status }) => refused(status),
            Ok(Answer::Unusable { why }) => why.to_owned(),
            Err(why) => why,
        };
        witness.failures = witness.failures.saturating_add(1);
        let every = u64::try_from(self.rules.every.as_millis()).unwrap_or(u64::MAX);
        let wait = every.saturating_mul(1 << witness.failures.min(10)).min(WITNESS_BACKOFF_MAX);
        witness.next_try_ms = now.saturating_add(wait);
        self.board.failed(witness.place, now, &trouble);
        tracing::warn!(witness = %witness.client.key().name(), %trouble, "a witness did not cosign");
        Ok(None)
    }

    fn must_stop(&self, witness: &Witness, size: LogSize, what: &str) -> Failure {
        let ours = self.recorder.head().size();
        let name = witness.client.key().name();
        Failure::new(
            Exit::Software,
            format_args!("the witness {name} {what} {size} leaves of this log; the newest head here has {ours}"),
        )
        .hint(
            "this verifier was restored from an older backup, or another one signs with its key: restore the newest \
             state, or begin a new log under another origin. Nothing more is signed until then (docs/witnesses.md)",
        )
    }

    async fn publish(&mut self, cosigned: SignedCheckpoint) -> Result<(), Failure> {
        let (size, now) = (cosigned.claim().size(), self.clock.now().as_ms());
        let stopped = |error| Failure::new(Exit::Software, format_args!("publishing failed: {error}"));
        self.recorder.record(Work::Publish(Box::new(cosigned.clone()))).await.map_err(stopped)?;
        self.published = size;
        self.board.published(size);
        let every = u64::try_from(self.rules.archive_every.as_millis()).unwrap_or(u64::MAX);
        // The anchor of the last archived one is a leaf too, and no news.
        let grown = size.get() > self.archived.get().saturating_add(1);
        if grown && now >= self.last_archive_ms.saturating_add(every) {
            self.recorder.record(Work::Archive(Box::new(cosigned))).await.map_err(stopped)?;
            (self.archived, self.last_archive_ms) = (size, now);
        }
        Ok(())
    }
}

fn refused(status: u16) -> String {
    let why = match status {
        403 => "it does not trust this log's key",
        404 => "it does not know this log",
        422 => "it says that the proof does not hold",
        429 => "it was asked too often",
        500.. => "it has trouble of its own",
        _ => "it refuses",
    };
    format!("{why} (status {status})")
}

/// How long one witness may take for everything.
pub(crate) const WITNESS_TIMEOUT: Duration = Duration::from_secs(5);
