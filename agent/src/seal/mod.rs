//! Sealing: one piece of evidence from what was measured, what the kernel logged, and a quote over both.
//!
//! In: a snapshot, the position in the chain, the TPM. Out: an envelope that the verifier can check, and where the next
//! one goes on. The body must name the TPM's counters as the quote shows them; where it guessed wrong (a boot, a resume)
//! it is composed and quoted again. Logs are read after the quote, because kernels log first and extend after.

mod executions;
mod firmware;
mod ima;
mod systemd;

use std::collections::BTreeSet;
use std::path::PathBuf;

use evidence::body::{
    Body, BootCounters, CheckpointView, Claim, FirmwareLog, Gap, GapCause, GapEnd, Trigger, qualifying_data,
};
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, EnvelopeError, Evidence};
use evidence::limits::{BODY_CLAIMS, BODY_COUNTERS, BODY_COVERAGE, BODY_GAPS};
use evidence::manifest::state_root;
use evidence::pcr::PcrSelection;
use evidence::time::UnixTime;
use evidence::tpm::{Attest, Signature};

use crate::config::Config;
use crate::journal::{FirmwareSent, Position};
use crate::measure::Watching;
use crate::quote::{Quote, TpmError, TpmHandle};
use ima::{ImaPlace, ImaSlice, QuotedPcrs};
use systemd::SystemdLogState;

/// What one piece of evidence is to say.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The host.
    pub host: HostId,
    /// Its chain.
    pub chain: ChainId,
    /// What to quote.
    pub selection: PcrSelection,
    /// Where the chain stands.
    pub position: Position,
    /// The newest checkpoint that was verified.
    pub checkpoint: CheckpointView,
    /// Components as of the newest sealed evidence.
    pub sealed: BTreeSet<Sha256Digest>,
    /// Components now, rising.
    pub components: Vec<Sha256Digest>,
    /// What could not be seen.
    pub gaps: Vec<Gap>,
    /// Settings that no log carries, by key.
    pub posture: Vec<Claim>,
    /// How it was watched, what was counted, and what was executed.
    pub watching: Watching,
    /// Why now.
    pub trigger: Trigger,
    /// The agent's clock.
    pub now: UnixTime,
}

impl Statement {
    /// Leaves out what one piece of evidence has no room for: executions that are left out are told in the next.
    pub fn fit(&mut self) {
        self.watching.coverage.truncate(BODY_COVERAGE);
        self.watching.counters.truncate(BODY_COUNTERS);
        executions::fit(&mut self.watching.executed, &self.components);
    }
}

/// Puts evidence together; remembers nothing that could not be found again.
#[derive(Debug)]
pub struct Sealer {
    paths: LogPaths,
    place: Option<ImaPlace>,
}

/// Where the logs are.
#[derive(Clone, Debug)]
pub struct LogPaths {
    /// The kernel's copy of the firmware log.
    pub firmware: PathBuf,
    /// The kernel's IMA list.
    pub ima: PathBuf,
    /// systemd's measurement log.
    pub systemd: PathBuf,
}

impl LogPaths {
    /// As configured.
    pub fn of(config: &Config) -> Self {
        Self {
            firmware: config.firmware_log.clone(),
            ima: config.ima_list.clone(),
            systemd: config.systemd_log.clone(),
        }
    }
}

/// What belongs to a body beside itself.
struct Draft {
    body: Body,
    firmware: Option<Vec<u8>>,
}

impl Sealer {
    /// A sealer that reads these logs.
    pub const fn new(paths: LogPaths) -> Self {
        Self { paths, place: None }
    }

    /// Seals a statement.
    pub async fn seal(&mut self, tpm: &TpmHandle, statement: &Statement) -> Result<Envelope, SealError> {
        let mut boot = statement.position.boot.unwrap_or(BootCounters { reset_count: 0, restart_count: 0 });
        for _ in 0..ATTEMPTS {
            let draft = self.draft(statement, boot)?;
            let raw = draft.body.encode();
            let quote = tpm.quote(statement.selection.clone(), qualifying_data(&raw)).await?;
            let attest = Attest::parse(&quote.attest).map_err(TpmError::from)?;
            let clock = attest.fields().clock;
            let quoted = BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count };
            if quoted == boot {
                return self.complete(statement, draft, &raw, &attest, quote);
            }
            boot = quoted;
        }
        Err(SealError::Counters)
    }

    fn draft(&self, statement: &Statement, boot: BootCounters) -> Result<Draft, SealError> {
        let position = &statement.position;
        let failed = |source| SealError::Log { path: self.paths.firmware.clone(), source };
        let (firmware_log, firmware) = match position.firmware {
            Some(FirmwareSent { boot: sent, digest }) if sent == boot => (FirmwareLog::Present(digest), None),
            _ => {
                let bytes = firmware::read(&self.paths.firmware).map_err(failed)?;
                (firmware::name(bytes.as_deref()), bytes)
            }
        };
        let same_boot = position.boot == Some(boot);
        let mut salt = [0; 32];
        getrandom::fill(&mut salt).map_err(|_| SealError::Randomness)?;
        let components: BTreeSet<Sha256Digest> = statement.components.iter().copied().collect();
        let (executions, strays) = executions::of(&statement.watching.executed, &statement.components);
        let body = Body {
            host: statement.host,
            chain: statement.chain,
            seq: position.next_seq,
            prev: position.prev,
            boot,
            checkpoint: statement.checkpoint,
            state_root: state_root(&components).ok_or(SealError::StateRoot)?,
            added: components.difference(&statement.sealed).copied().collect(),
            removed: statement.sealed.difference(&components).copied().collect(),
            gaps: self.gaps(statement, firmware_log),
            posture: self.posture(statement),
            agent_time: statement.now,
            salt,
            firmware_log,
            ima_first: if same_boot { position.ima_count } else { 0 },
            trigger: statement.trigger,
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            coverage: statement.watching.coverage.clone(),
            counters: statement.watching.counters.clone(),
            executions,
            strays,
        };
        Ok(Draft { body, firmware })
    }

    /// The settings that were found, and whether systemd keeps a log of what it measures.
    fn posture(&self, statement: &Statement) -> Vec<Claim> {
        let value = SystemdLogState::of(&self.paths.systemd).name().to_owned();
        let mut claims = statement.posture.clone();
        claims.truncate(BODY_CLAIMS.saturating_sub(1));
        claims.push(Claim { key: "systemd.measurement-log".to_owned(), value });
        claims.sort();
        claims
    }

    /// systemd's log, read last: what was extended before the quote is logged by now. One that cannot be read is left out;
    /// the verifier then says which PCRs are not explained.
    fn systemd_log(&self) -> Option<Attachment> {
        let bytes = systemd::read(&self.paths.systemd).unwrap_or_else(|error| {
            tracing::warn!("systemd's log at {}: {error}", self.paths.systemd.display());
            None
        });
        bytes.map(|bytes| attachment(AttachmentKind::SystemdLog, 0, bytes))
    }

    /// The gaps that were found, those of this host's logs, and the time for which nothing could be sealed.
    fn gaps(&self, statement: &Statement, firmware_log: FirmwareLog) -> Vec<Gap> {
        let open = |cause, scope: &str| Gap {
            from: statement.now,
            until: GapEnd::Open,
            cause,
            scope: scope.to_owned(),
        };
        let mut gaps = Vec::new();
        if let Some(from) = statement.position.blocked_since {
            let until = GapEnd::Closed(statement.now);
            gaps.push(Gap { from, until, cause: GapCause::SpoolFull, scope: "spool".into() });
        }
        if firmware_log == FirmwareLog::Absent {
            gaps.push(open(GapCause::Missing, "firmware log"));
        }
        if !self.paths.ima.exists() {
            gaps.push(open(GapCause::Missing, "IMA list"));
        }
        // Closed ones first: an open one comes again with the next evidence.
        let (closed, still_open): (Vec<_>, Vec<_>) =
            statement.gaps.iter().cloned().partition(|gap| gap.until != GapEnd::Open);
        gaps.extend(closed);
        gaps.extend(still_open);
        gaps.truncate(BODY_GAPS);
        gaps
    }

    fn complete(
        &mut self,
        statement: &Statement,
        draft: Draft,
        raw: &[u8],
        attest: &Attest,
        quote: Quote,
    ) -> Result<Envelope, SealError> {
        let mut values = quote.pcr_values;
        let info = attest.quote().ok_or(SealError::NotAQuote)?;
        let hash = Signature::parse(&quote.signature).map_err(TpmError::from)?.hash();
        let mut quoted = QuotedPcrs::new(&statement.selection, hash, &info.pcr_digest, &mut values);
        let (boot, first) = (draft.body.boot, draft.body.ima_first);
        let slice = ima::slice(&self.paths.ima, boot, first, self.place.as_ref(), &mut quoted)
            .map_err(|source| SealError::Log { path: self.paths.ima.clone(), source })?;
        let ima = match slice {
            ImaSlice::NotQuoted | ImaSlice::Missing => None,
            ImaSlice::Records { bytes, place } => {
                self.place = Some(place);
                Some(bytes)
            }
            ImaSlice::NoPrefix { bytes } => {
                tracing::warn!(
                    "no part of the IMA list leads to the quoted PCR 10; the verifier will refuse this"
                );
                self.place = None;
                Some(bytes)
            }
        };
        let firmware = draft.firmware.map(|bytes| attachment(AttachmentKind::FirmwareLog, 0, bytes));
        let ima = ima.map(|bytes| attachment(AttachmentKind::ImaList, first, bytes));
        Ok(Envelope {
            evidence: Evidence::seal(raw, &quote.attest, &quote.signature)?,
            pcr_values: values.iter().map(|value| value.as_bytes().to_vec()).collect(),
            attachments: firmware.into_iter().chain(ima).chain(self.systemd_log()).collect(),
        })
    }

    /// The same submission with the firmware log attached; `None` where the log is not the one that the body names.
    pub fn with_firmware_log(&self, mut envelope: Envelope) -> Result<Option<Envelope>, SealError> {
        let failed = |source| SealError::Log { path: self.paths.firmware.clone(), source };
        let Some(bytes) = firmware::read(&self.paths.firmware).map_err(failed)? else { return Ok(None) };
        if envelope.evidence.body().firmware_log != firmware::name(Some(&bytes)) {
            return Ok(None);
        }
        envelope.attachments.retain(|attached| attached.kind != AttachmentKind::FirmwareLog);
        envelope.attachments.insert(0, attachment(AttachmentKind::FirmwareLog, 0, bytes));
        Ok(Some(envelope))
    }
}

const fn attachment(kind: AttachmentKind, first: u64, bytes: Vec<u8>) -> Attachment {
    Attachment { kind, first, bytes }
}

/// Why nothing could be sealed.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The TPM.
    #[error(transparent)]
    Tpm(#[from] TpmError),
    /// A log that is there cannot be read.
    #[error("{path}: {source}")]
    Log {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The TPM's counters change from quote to quote.
    #[error("the TPM was reset or restarted again and again while evidence was sealed")]
    Counters,
    /// The TPM's answer is no quote.
    #[error("the TPM attested to something that is no quote")]
    NotAQuote,
    /// The components of a snapshot do not rise.
    #[error("the measured components are not sorted")]
    StateRoot,
    /// The kernel gave no random bytes.
    #[error("the kernel gave no random bytes")]
    Randomness,
    /// More components or larger parts than evidence can hold.
    #[error("the evidence cannot be written: {0}")]
    TooLarge(#[from] EnvelopeError),
}

/// One for a wrong guess, and one for a boot in the very moment.
const ATTEMPTS: u32 = 3;
