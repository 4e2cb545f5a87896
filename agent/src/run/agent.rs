//! What the running agent holds, and how it carries out the session's decisions.
//!
//! In: snapshots, ended tasks, the passing of time. Out: tasks, and changes of the journal. Every receipt is verified here
//! before the journal hears of it, in `exchange`.

use std::sync::Arc;

use evidence::body::{Gap, GapCause, GapEnd};
use evidence::envelope::Envelope;
use evidence::time::UnixTime;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::answers::Answers;
use super::exchange::{FirmwareLogs, Form};
use super::jobs::{self, Done};
use super::memory::Memory;
use super::troubles::{Kind, Troubles};
use super::view::Seen;
use crate::clock::Clock;
use crate::config::{Config, MeasureSettings};
use crate::failure::{Failure, Status};
use crate::journal::{Identity, Journal, JournalError, Position};
use crate::measure::{Asking, HELD_AT_MOST, Report as Measured, Snapshot, Watching};
use crate::posture;
use crate::quote::TpmHandle;
use crate::seal::{LogPaths, SealError, Sealer, Statement};
use crate::session::{Action, Demand, Event, Room, Session, View};
use crate::status::Report;
use crate::submit::VerifierClient;

/// The running agent.
pub(super) struct Agent {
    pub(super) config: Config,
    pub(super) identity: Identity,
    pub(super) memory: Memory,
    pub(super) client: VerifierClient,
    pub(super) tpm: TpmHandle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) session: Session,
    pub(super) sealer: Option<Sealer>,
    pub(super) seen: Seen,
    pub(super) asking: Asking,
    pub(super) jobs: JoinSet<Done>,
    /// Grows when the chain is taken back: a seal that was begun before is worth nothing.
    pub(super) epoch: u64,
    pub(super) started: Instant,
    pub(super) view: View,
    pub(super) sent_through: Option<u64>,
    pub(super) form: Form,
    pub(super) troubles: Troubles,
    pub(super) report: Report,
    pub(super) answers: Answers,
}

/// Whom the agent deals with.
pub(super) struct Others {
    pub(super) client: VerifierClient,
    pub(super) tpm: TpmHandle,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) asking: Asking,
}

/// From when on it is not known what changed while the agent did not run. The measuring thread may have stalled before the agent ended, and what
/// was sealed meanwhile was not seen; and what it had heard of last it may not have looked at yet.
fn unseen_since(position: &Position, measure: &MeasureSettings) -> Option<UnixTime> {
    let heard = position.watched_at.or(position.sealed_at)?;
    let unsettled = measure.settle_max.saturating_add(HELD_AT_MOST);
    Some(UnixTime::from_ms(
        heard.as_ms().saturating_sub(u64::try_from(unsettled.as_millis()).unwrap_or(u64::MAX)),
    ))
}

impl Agent {
    pub(super) fn new(
        config: Config,
        identity: Identity,
        journal: Journal,
        others: Others,
        answers: Answers,
    ) -> Result<Self, Failure> {
        let Others { client, tpm, clock, asking } = others;
        let mut seed = [0; 8];
        getrandom::fill(&mut seed)
            .map_err(|_| Failure::new(Status::Software, "the kernel gave no random bytes", ""))?;
        let heartbeat = config.heartbeat.unwrap_or(std::time::Duration::from_secs(identity.heartbeat_secs));
        let mut seen = Seen::default();
        if let Some(from) = unseen_since(journal.position(), &config.measure) {
            // Until the first walk of this process is over, nobody has looked.
            let until = GapEnd::Closed(clock.now());
            seen.add_gap(Gap { from, until, cause: GapCause::NotRunning, scope: "agent".into() });
        }
        let mut agent = Self {
            session: Session::new(heartbeat, u64::from_ne_bytes(seed)),
            sealer: Some(Sealer::new(LogPaths::of(&config))),
            report: Report { pid: std::process::id(), ..Report::of(&journal) },
            memory: Memory::new(config.state_dir.clone(), journal),
            seen,
            asking,
            jobs: JoinSet::new(),
            epoch: 0,
            started: Instant::now(),
            view: View::default(),
            sent_through: None,
            form: Form::Lean,
            troubles: Troubles::default(),
            config,
            identity,
            client,
            tpm,
            clock,
            answers,
        };
        agent.post_journal();
        agent.handle(Event::Tick);
        Ok(agent)
    }

    /// When to tick.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.session.deadline(self.view).map(|deadline| self.started + deadline)
    }

    /// The next task that ends; never resolves to a task that was given up.
    pub(super) async fn ended(&mut self) -> Option<Done> {
        match self.jobs.join_next().await {
            Some(Ok(done)) => Some(done),
            // Tasks are never aborted, and a panic ends the process in release builds.
            Some(Err(error)) => std::panic::resume_unwind(error.into_panic()),
            None => None,
        }
    }

    /// Time has passed.
    pub(super) fn tick(&mut self) {
        if let Some(waited) = self.session.overdue(self.started.elapsed()) {
            let message = "the verifier promises a receipt within ten minutes, and there is none".to_owned();
            tracing::debug!(?waited, "receipt overdue");
            self.troubles.met(
                Kind::Promise,
                self.clock.now(),
                message,
                "the log of the verifier may say why",
            );
        }
        self.handle(Event::Tick);
    }

    /// A report.
    pub(super) fn measured(&mut self, report: Measured) {
        match report {
            Measured::Manifest(component, manifest) => {
                self.answers.take_manifest(component, &manifest, self.clock.now());
                if self.seen.keep(component, manifest) {
                    self.try_to_save();
                }
            }
            Measured::Snapshot(snapshot) => self.saw(*snapshot),
        }
    }

    /// Whether reports are taken: not while manifests wait that cannot be written.
    pub(super) fn has_room(&self) -> bool {
        !self.seen.is_full()
    }

    /// Writes manifests; where that fails it is tried again later, and before each seal, which must not go ahead
    /// without.
    pub(super) fn try_to_save(&mut self) {
        if let Err(error) = self.save_manifests() {
            self.disk_failed(&error);
        }
    }

    fn saw(&mut self, snapshot: Snapshot) {
        tracing::debug!(files = snapshot.files, components = snapshot.components.len(), "measured");
        self.answers.take(&snapshot, self.clock.now());
        let trigger = self.seen.take(snapshot);
        self.try_to_save();
        self.handle(trigger.map_or(Event::Tick, Event::Wanted));
    }

    /// A task has ended.
    pub(super) fn done(&mut self, done: Done) {
        let event = match done {
            Done::Sealed { epoch, sealer, statement, result } => {
                self.sealer = Some(sealer);
                self.sealed(epoch, *statement, result)
            }
            Done::Exchanged { asked, evidence, result } => self.exchanged(asked, &evidence, result),
            Done::Uploaded { components, result } => match result {
                Ok(stored) => {
                    tracing::debug!(stored.stored, stored.ignored, "manifests uploaded");
                    self.keep(Event::Uploaded, |memory| memory.with(|journal| journal.uploaded(&components)))
                }
                Err(error) => self.unanswered(&error),
            },
        };
        self.handle(event);
    }

    fn handle(&mut self, event: Event) {
        let mut events = vec![event];
        // An action that cannot be begun is an event of its own; back-off ends the circle.
        while let Some(event) = events.pop() {
            self.look();
            let actions = self.session.handle(event, self.view, self.started.elapsed());
            for action in actions {
                events.extend(self.carry_out(action));
            }
        }
        self.look();
    }

    /// Refreshes what the session is shown.
    fn look(&mut self) {
        let max = self.config.spool_max_bytes;
        let looked = self.memory.with(|journal| {
            let spool = if journal.waiting().1 >= max { Room::Full } else { Room::Left };
            let wanted = if journal.is_asked_for_manifests()? { Demand::Some } else { Demand::None };
            Ok(View { oldest: journal.oldest(), spool, wanted })
        });
        match looked {
            Ok(view) => self.view = view,
            Err(error) => {
                self.view = View::default();
                self.disk_failed(&error);
            }
        }
        if self.view.spool == Room::Left {
            self.troubles.over(&[Kind::Spool]);
        }
    }

    /// Begins an action; gives an event where that fails.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        let begun = match action {
            Action::Seal(trigger) => return self.begin_seal(trigger),
            Action::Block => self.block(),
            Action::Send(seq) => self.begin_send(seq, FirmwareLogs::WhenAsked),
            Action::SendWithFirmwareLog(seq) => match self.attach_firmware_log(seq) {
                Ok(()) => self.begin_send(seq, FirmwareLogs::Attached),
                Err(event) => return Some(event),
            },
            Action::FetchReceipt(seq) => self.begin_fetch(seq),
            Action::Upload => self.begin_upload(),
            Action::Rewind(to) => return self.rewind(to),
        };
        let error = begun.err()?;
        self.disk_failed(&error);
        (action != Action::Block).then_some(Event::Unanswered)
    }

    fn begin_seal(&mut self, trigger: evidence::body::Trigger) -> Option<Event> {
        let Some(components) = self.seen.components().map(<[_]>::to_vec) else {
            return Some(Event::NotSealed);
        };
        let Some(sealer) = self.sealer.take() else { return Some(Event::NotSealed) };
        let state = self.save_manifests().and_then(|()| {
            self.memory.with(|journal| {
                Ok((*journal.position(), journal.checkpoint_view(), journal.components().clone()))
            })
        });
        let (position, checkpoint, sealed) = match state {
            Ok(state) => state,
            Err(error) => {
                self.sealer = Some(sealer);
                self.disk_failed(&error);
                return Some(Event::NotSealed);
            }
        };
        let statement = Box::new(Statement {
            host: self.identity.host,
            chain: self.identity.chain,
            selection: self.identity.selection.clone(),
            position,
            checkpoint,
            sealed,
            components,
            gaps: self.seen.gaps(),
            watching: Watching::default(),
            posture: posture::read(&self.config.measure.path_prefix),
            trigger,
            now: self.clock.now(),
        });
        self.jobs.spawn(jobs::seal(sealer, self.tpm.clone(), self.asking.clone(), statement, self.epoch));
        None
    }

    fn sealed(
        &mut self,
        epoch: u64,
        statement: Statement,
        result: Result<Box<Envelope>, SealError>,
    ) -> Event {
        if epoch != self.epoch {
            return Event::NotSealed;
        }
        let envelope = match result {
            Ok(envelope) => envelope,
            Err(error) => {
                let hint = match &error {
                    SealError::Tpm(error) => error.hint(),
                    _ => "the agent tries again by itself",
                };
                self.troubles.met(Kind::Seal, self.clock.now(), error.to_string(), hint);
                return Event::NotSealed;
            }
        };
        let submission = match wire::submit::compress(&envelope.encode()) {
            Ok(submission) => submission,
            Err(error) => {
                self.troubles.met(
                    Kind::Seal,
                    self.clock.now(),
                    format!("cannot compress evidence: {error}"),
                    "",
                );
                return Event::NotSealed;
            }
        };
        if let Err(error) = self.memory.with(|journal| journal.seal(&envelope, &submission)) {
            self.disk_failed(&error);
            return Event::NotSealed;
        }
        let body = envelope.evidence.body();
        let (seq, trigger) = (body.seq, body.trigger.name());
        tracing::info!(seq, trigger, added = body.added.len(), removed = body.removed.len(), "sealed");
        self.seen.told(&statement.gaps);
        self.seen.room(self.clock.now());
        self.asking.sealed(statement.watching.executed);
        self.post_journal();
        self.troubles.over(&[Kind::Seal, Kind::Disk]);
        Event::Sealed
    }

    /// Shows those who ask what is sealed now.
    pub(super) fn post_journal(&mut self) {
        let board = &self.answers.board;
        // A journal that cannot be read leaves what hangs there.
        let _ = self.memory.with(|journal| {
            board.post_journal(journal);
            Ok(())
        });
    }

    fn block(&mut self) -> Result<(), JournalError> {
        let now = self.clock.now();
        let message = "too much evidence waits for the verifier; nothing more is sealed".to_owned();
        self.troubles.met(Kind::Spool, now, message, "bring the verifier back, or raise [spool] max-bytes");
        self.memory.with(|journal| journal.block(now))
    }

    fn save_manifests(&mut self) -> Result<(), JournalError> {
        let unsaved = self.seen.unsaved();
        self.memory.with(|journal| journal.keep_manifests(unsaved))?;
        self.seen.saved();
        Ok(())
    }

    /// The event, if the journal takes it.
    pub(super) fn keep(
        &mut self,
        event: Event,
        change: impl FnOnce(&mut Memory) -> Result<(), JournalError>,
    ) -> Event {
        match change(&mut self.memory) {
            Ok(()) => event,
            Err(error) => {
                self.disk_failed(&error);
                Event::Unanswered
            }
        }
    }

    pub(super) fn disk_failed(&mut self, error: &JournalError) {
        if error.is_no_room() {
            self.seen.no_room(self.clock.now());
        }
        self.troubles.met(Kind::Disk, self.clock.now(), error.to_string(), error.hint());
    }

    /// Brings `status.json` up to date; gives a line for the service manager where something has changed.
    pub(super) fn tell(&mut self) -> Option<String> {
        let mut report = self.report.clone();
        // A journal that cannot be read leaves the numbers as they were.
        let read = self.memory.with(|journal| {
            report.read(journal);
            Ok(())
        });
        if let Err(error) = read {
            self.disk_failed(&error);
        }
        let first_was_sent = self.view.oldest.is_some_and(|oldest| Some(oldest) <= self.sent_through);
        report.sent =
            report.acknowledged.saturating_add(report.refused).saturating_add(first_was_sent.into());
        (report.files, report.open_gaps) = self.seen.numbers();
        report.components = self.seen.components().map_or(0, <[_]>::len) as u64;
        report.problems = self.troubles.now();
        report.last_error = self.troubles.last();
        if report == self.report {
            return None;
        }
        if let Err(error) = report.write(&self.config.state_dir) {
            // The report stays the old one, so that this is tried again after the next event.
            tracing::debug!(%error, "status.json was not written");
            return None;
        }
        let words = match report.problems.first() {
            Some(problem) => problem.message.clone(),
            None => format!("{} sealed, {} acknowledged", report.sealed, report.acknowledged),
        };
        self.report = report;
        Some(words)
    }
}
