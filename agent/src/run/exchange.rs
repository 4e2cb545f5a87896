//! The running agent's exchanges with the verifier, and what it makes of the answers.
//!
//! In: what waits in the journal, and the verifier's answers. Out: tasks, and events for the session. A receipt is
//! verified here before the journal hears of it; a refusal is undone here where the session says so.

use evidence::body::{Body, Gap, GapCause, GapEnd};
use evidence::envelope::{AttachmentKind, Envelope, Evidence, state_reference};
use wire::submit::Receipt;

use super::agent::Agent;
use super::jobs::{self, Asked};
use super::troubles::Kind;
use crate::failure::Failure;
use crate::journal::{Journal, JournalError, Rewind};
use crate::receipt::{self, Recorded, VerifiedReceipt};
use crate::session::{Event, Refusal, read_refusal};
use crate::submit::{Against, ClientError, Submission};

impl Agent {
    pub(super) fn begin_send(&mut self, seq: u64, logs: FirmwareLogs) -> Result<(), JournalError> {
        let form = self.form;
        let (submission, evidence, from) = self.memory.with(|journal| {
            let envelope = journal.envelope(seq)?;
            let evidence = Box::new(envelope.evidence.clone());
            Ok((compose(journal, seq, envelope, form, logs)?, evidence, journal.checkpoint_view().size))
        })?;
        let (bytes, against) = (submission.bytes.len(), submission.against);
        tracing::debug!(seq, bytes, ?against, "sending");
        self.sent_through = Some(seq);
        self.jobs.spawn(jobs::send(self.client.clone(), submission, evidence, from));
        Ok(())
    }

    pub(super) fn begin_fetch(&mut self, seq: u64) -> Result<(), JournalError> {
        let (evidence, from) =
            self.memory.with(|journal| Ok((evidence_at(journal, seq)?, journal.checkpoint_view().size)))?;
        self.jobs.spawn(jobs::fetch(self.client.clone(), evidence, from));
        Ok(())
    }

    /// Puts the firmware log into a submission; where it is not the log of that evidence, the evidence is refused.
    pub(super) fn attach_firmware_log(&mut self, seq: u64) -> Result<(), Event> {
        let Some(sealer) = &self.sealer else { return Err(Event::Unanswered) };
        let attached = self.memory.with(|journal| {
            let envelope = journal.envelope(seq)?;
            let to = Rewind { next_seq: seq, prev: envelope.evidence.body().prev };
            let Ok(Some(envelope)) = sealer.with_firmware_log(envelope) else { return Ok(Err(to)) };
            let Ok(submission) = wire::submit::compress(&envelope.encode()) else { return Ok(Err(to)) };
            journal.replace(seq, &submission)?;
            Ok(Ok(()))
        });
        match attached {
            Ok(Ok(())) => Ok(()),
            Ok(Err(to)) => Err(Event::Refused(Refusal::Rewind(to))),
            Err(error) => {
                self.disk_failed(&error);
                Err(Event::Unanswered)
            }
        }
    }

    pub(super) fn begin_upload(&mut self) -> Result<(), JournalError> {
        let wanted = self.memory.with(|journal| {
            let wanted = journal.wanted(UPLOAD_BYTES, UPLOAD_COUNT)?;
            if !wanted.missing.is_empty() {
                tracing::warn!(
                    count = wanted.missing.len(),
                    "the verifier wants manifests that are not here"
                );
                journal.uploaded(&wanted.missing)?;
            }
            Ok(wanted)
        })?;
        let framed =
            wire::submit::encode_manifests(wanted.manifests.iter().map(|(_, bytes)| bytes.as_slice()));
        let components = wanted.manifests.into_iter().map(|(component, _)| component).collect();
        let compressed = wire::submit::compress(&framed)
            .map_err(|source| JournalError::Io { path: "manifests".into(), source })?;
        self.jobs.spawn(jobs::upload(self.client.clone(), components, compressed));
        Ok(())
    }

    pub(super) fn exchanged(
        &mut self,
        asked: Asked,
        evidence: &Evidence,
        result: Result<Receipt, ClientError>,
    ) -> Event {
        let (seq, prev) = (evidence.body().seq, evidence.body().prev);
        match (result, asked) {
            (Ok(receipt), _) => self.received(seq, evidence, &receipt),
            (Err(ClientError::Refused(problem)), Asked::ToRecord) => {
                let refusal = self.without_reference(read_refusal(&problem, seq, prev));
                let error = ClientError::Refused(problem);
                match refusal {
                    Refusal::Recorded | Refusal::NeedsFirmwareLog | Refusal::NeedsWhole => {
                        tracing::info!(seq, "{error}");
                    }
                    Refusal::Later => {
                        let _ = self.unanswered(&error);
                    }
                    Refusal::Stuck | Refusal::Rewind(_) => {
                        self.troubles.met(Kind::Refused, self.clock.now(), error.to_string(), error.hint());
                    }
                }
                Event::Refused(refusal)
            }
            (Err(error), _) => self.unanswered(&error),
        }
    }

    /// What the verifier cannot unpack is sent whole; if that was it, its refusal makes no sense, which may pass.
    fn without_reference(&mut self, refusal: Refusal) -> Refusal {
        match (refusal, self.form) {
            (Refusal::NeedsWhole, Form::Lean) => {
                self.form = Form::Whole;
                refusal
            }
            (Refusal::NeedsWhole, Form::Whole) => Refusal::Later,
            _ => refusal,
        }
    }

    fn received(&mut self, seq: u64, evidence: &Evidence, receipt: &Receipt) -> Event {
        let log_key = &self.identity.log_key;
        let verified = self.memory.with(|journal| {
            Ok(receipt::verify(receipt, Recorded::Evidence(evidence), log_key, journal.checkpoint()))
        });
        let verified = match verified {
            Ok(Ok(verified)) => verified,
            Ok(Err(error)) => {
                let failure = Failure::from(error);
                self.troubles.met(
                    Kind::Alarm,
                    self.clock.now(),
                    failure.message().to_owned(),
                    failure.hint(),
                );
                return Event::Distrusted;
            }
            Err(error) => {
                self.disk_failed(&error);
                return Event::Unanswered;
            }
        };
        self.acknowledge(seq, evidence, verified)
    }

    fn acknowledge(&mut self, seq: u64, evidence: &Evidence, verified: VerifiedReceipt) -> Event {
        let (index, now) = (verified.index, self.clock.now());
        tracing::info!(seq, leaf = index, status = verified.status, "recorded, with proof");
        let current = self.seen.needed();
        let kept = self.memory.with(|journal| {
            journal.acknowledge(seq, verified.checkpoint, &verified.wanted, &verified.status, now)?;
            if evidence.body().removed.is_empty() { Ok(()) } else { journal.forget_manifests(&current) }
        });
        match kept {
            Ok(()) => {
                self.form = Form::Lean;
                self.post_journal();
                let gone = [Kind::Alarm, Kind::Disk, Kind::Refused, Kind::Verifier, Kind::Promise];
                self.troubles.over(&gone);
                Event::Acknowledged
            }
            Err(error) => {
                self.disk_failed(&error);
                Event::Unanswered
            }
        }
    }

    pub(super) fn unanswered(&mut self, error: &ClientError) -> Event {
        let (kind, event) = match error {
            ClientError::NotTrusted { .. }
            | ClientError::Protocol { .. }
            | ClientError::NotUnderstood { .. }
            | ClientError::TooLong => (Kind::Alarm, Event::Distrusted),
            _ => (Kind::Verifier, Event::Unanswered),
        };
        self.troubles.met(kind, self.clock.now(), error.to_string(), error.hint());
        event
    }

    pub(super) fn rewind(&mut self, to: Rewind) -> Option<Event> {
        let now = self.clock.now();
        let rewound = self.memory.with(|journal| {
            let first = journal.oldest().map(|seq| journal.envelope(seq.max(to.next_seq)));
            let from = first.and_then(Result::ok).map_or(now, |envelope| envelope.evidence.body().agent_time);
            Ok((from, journal.rewind(to, "refused")?))
        });
        let (from, undone) = match rewound {
            Ok(rewound) => rewound,
            Err(error) => {
                self.disk_failed(&error);
                return None;
            }
        };
        let Some(undone) = undone else {
            let message = format!(
                "the verifier goes on from place {} of this host's chain, which this agent does not know",
                to.next_seq
            );
            self.troubles.met(Kind::Refused, now, message, "enrol this host again: `lydian-agent enroll`");
            return Some(Event::Lost);
        };
        self.epoch = self.epoch.wrapping_add(1);
        tracing::warn!(undone, place = to.next_seq, "evidence was refused and put aside; sealing anew");
        let (until, scope) = (GapEnd::Closed(now), "evidence that the verifier refused".to_owned());
        self.seen.add_gap(Gap { from, until, cause: GapCause::SpoolFull, scope });
        self.post_journal();
        None
    }
}

fn evidence_at(journal: &Journal, seq: u64) -> Result<Box<Evidence>, JournalError> {
    Ok(Box::new(journal.envelope(seq)?.evidence))
}

/// A submission that leaves out what the verifier is known or likely to have.
fn compose(
    journal: &Journal,
    seq: u64,
    envelope: Envelope,
    form: Form,
    logs: FirmwareLogs,
) -> Result<Submission, JournalError> {
    let (against, reference) = match form {
        Form::Whole => return Ok(Submission { bytes: journal.submission(seq)?, against: Against::Nothing }),
        Form::Lean => reference(journal, envelope.evidence.body()),
    };
    let mut envelope = envelope;
    if logs == FirmwareLogs::WhenAsked {
        // Most boots of most hosts are like others; where this one is not, the verifier asks.
        envelope.attachments.retain(|attached| attached.kind != AttachmentKind::FirmwareLog);
    }
    let compressed = wire::submit::compress_against(&envelope.encode(), &reference);
    let bytes = compressed.map_err(|source| JournalError::Io { path: "submission".into(), source })?;
    Ok(Submission { bytes, against })
}

/// What both sides have: the evidence before; of a host's first, the state that another host of its kind may have.
fn reference(journal: &Journal, body: &Body) -> (Against, Vec<u8>) {
    if body.seq == 0 {
        (Against::State(body.state_root), state_reference(&body.added))
    } else if let Some(reference) = journal.reference(&body.prev) {
        (Against::Evidence(body.prev), reference)
    } else {
        (Against::Nothing, Vec::new())
    }
}

/// Whether submissions may leave out what the verifier should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// They do.
    Lean,
    /// The verifier did not have it: they do not, until one is confirmed.
    Whole,
}

/// When a firmware log is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FirmwareLogs {
    /// The verifier may know it, by its digest.
    WhenAsked,
    /// It has asked.
    Attached,
}

/// One upload: more at once would only make the agent larger.
const UPLOAD_BYTES: usize = 1 << 20;
const UPLOAD_COUNT: usize = 1_024;
