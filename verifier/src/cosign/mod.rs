//! Getting the log's heads cosigned, and publishing those that reached the policy's quorum.
//!
//! In: heads whose files are durable, a trust policy, and its witnesses. Out: published checkpoints with cosignatures, every
//! so often one for the archive, and a standing of each witness for operators. A witness that knows a longer log than
//! this one, or another, ends the verifier: it was restored from a backup, and what it signed next would be a fork. Where
//! the witness can show a checkpoint by this log's own key for it, the verifier does not start again either.
//!
//! What a witness has cosigned is not remembered over a restart: asking it from size 0 makes it say so.

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
use crate::config::{WitnessTransport, Witnessing};
use crate::failure::{Exit, Failure};
use crate::files;
use crate::https;
use crate::limits::{PEM_BYTES, WITNESS_BACKOFF_MAX};
use crate::log::LogReader;
use crate::record::{Recorder, Work};
use crate::store::Store;
use crate::store::log::Archived;

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
    published: Option<LogSize>,
    archived: Archived,
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
    /// Reads the policy, and what was archived last.
    pub(crate) async fn new(
        rules: Witnessing,
        log: VerifierKey,
        store: &Store,
        recorder: Recorder,
        clock: Clock,
    ) -> Result<Self, Failure> {
        let archived = store.last_archived().await.map_err(|error| Failure::new(Exit::Software, error))?;
        let policy = Arc::new(read_policy(&rules)?);
        let clear = rules.transport == WitnessTransport::DangerHttp;
        let http = https::client(&rules.ca, "log.witness-ca", clear, WITNESS_TIMEOUT)?;
        let mut witnesses = Vec::new();
        for (place, known) in policy.witnesses().iter().enumerate() {
            let Some(url) = &known.url else { continue };
            let client = WitnessClient::new(known.key.clone(), LogSize::ZERO);
            let asker = Asker::new(http.clone(), url, rules.transport)?;
            witnesses.push(Witness { place, client, asker, failures: 0, next_try_ms: 0 });
        }
        Ok(Self {
            board: Board::new(&policy),
            policy,
            log,
            rules,
            witnesses,
            reader: store.log().clone(),
            recorder,
            clock,
            published: None,
            archived,
        })
    }

    /// Where it writes how the witnesses stand.
    pub(crate) fn board(&self) -> Board {
        self.board.clone()
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
        if self.published.is_some_and(|published| head.size() <= published) {
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
            lines.extend(self.heard(&mut witness, answer).await?);
            if let Some(own) = self.witnesses.iter_mut().find(|own| own.place == witness.place) {
                *own = witness;
            }
        }
        Ok(lines)
    }

    /// Takes an answer into account.
    async fn heard(
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
            Ok(Answer::Ahead { size }) => return Err(self.must_stop(witness, size, "has cosigned").await),
            Ok(Answer::Forked { size }) => {
                return Err(self.must_stop(witness, size, "has cosigned another log of").await);
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

    /// Ends the verifier; for good where the witness has a checkpoint by this log's key to show for it.
    async fn must_stop(&self, witness: &Witness, size: LogSize, what: &str) -> Failure {
        let ours = self.recorder.head().size();
        let name = witness.client.key().name();
        let proof = match self.contradiction(witness).await {
            Ok(proof) => {
                let kept = self.recorder.record(Work::Contradicted(Box::new(proof))).await;
                kept.map_or_else(
                    |error| format!("the proof could not be kept: {error}"),
                    |_| "it has the proof".into(),
                )
            }
            Err(why) => format!("it shows no proof: {why}"),
        };
        Failure::new(
            Exit::Software,
            format_args!(
                "the witness {name} {what} {size} leaves of this log; the newest head here has {ours}; {proof}"
            ),
        )
        .hint(CONTRADICTED_HINT)
    }

    /// A checkpoint by this log's key, from the witness, that is not of this log's history.
    async fn contradiction(&self, witness: &Witness) -> Result<SignedCheckpoint, String> {
        let theirs = witness.asker.newest(&self.log).await?;
        let (claim, ours) = (theirs.checkpoint(), self.recorder.head().size());
        if claim.size() <= ours {
            let root = self.reader.root_at(claim.size(), ours).await.map_err(|error| error.to_string())?;
            if root == *claim.root() {
                return Err("what it shows is of this log's history".to_owned());
            }
        }
        Ok(theirs.signed().clone())
    }

    async fn publish(&mut self, cosigned: SignedCheckpoint) -> Result<(), Failure> {
        let (size, now) = (cosigned.claim().size(), self.clock.now().as_ms());
        let stopped = |error| Failure::new(Exit::Software, format_args!("publishing failed: {error}"));
        self.recorder.record(Work::Publish(Box::new(cosigned.clone()))).await.map_err(stopped)?;
        self.published = Some(size);
        self.board.published(size);
        let every = u64::try_from(self.rules.archive_every.as_millis()).unwrap_or(u64::MAX);
        // The anchor of the last archived one is a leaf too, and no news.
        let grown = size.get() > self.archived.size.get().saturating_add(1);
        if grown && now >= self.archived.at_ms.saturating_add(every) {
            self.recorder.record(Work::Archive(Box::new(cosigned))).await.map_err(stopped)?;
            self.archived = Archived { size, at_ms: now };
        }
        Ok(())
    }
}

fn refused(status: u16) -> String {
    let why = match status {
        403 => "it does not trust this log's key",
        404 => "it does not know this log",
        429 => "it was asked too often",
        500.. => "it has trouble of its own",
        _ => "it refuses",
    };
    format!("{why} (status {status})")
}

/// What helps a log that others have seen another history of.
pub(crate) const CONTRADICTED_HINT: &str = "this verifier was restored from an older backup, or another one signs with its key: restore the newest state, or begin a \
     new log under another origin. Nothing more is signed until then (docs/witnesses.md)";

/// How long one witness may take for everything.
pub(crate) const WITNESS_TIMEOUT: Duration = Duration::from_secs(5);
