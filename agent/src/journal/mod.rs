//! What the agent must not forget: who it is, what it has sealed, and what the verifier has confirmed.
//!
//! In: sealed evidence, receipts, refusals. Out: the position in the host's chain, evidence that waits, manifests that
//! are wanted. A piece of evidence is sealed once its spool file is durable; the database follows, and after a crash
//! catches up by reading what the file says was added and removed. So a process may be killed between any two
//! instructions. The journal believes its caller that a receipt was verified.

mod error;
mod position;
mod rows;
mod spool;
mod store;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use evidence::body::CheckpointView;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::Envelope;
use evidence::limits::ENVELOPE_BYTES;
use evidence::pcr::PcrSelection;
use evidence::time::UnixTime;
use ledger::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use ledger::note::VerifierKey;

pub use error::JournalError;
pub use position::{FirmwareSent, Position};

use rows::{IdentityRow, PositionRow, TallyRow};
use spool::Spool;
use store::{CHECKPOINT, IDENTITY, Loss, POSITION, Store, TALLY};

/// What enrolment gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The host: a digest of its endorsement key.
    pub host: HostId,
    /// The run of evidence that started with this enrolment.
    pub chain: ChainId,
    /// What people call the host.
    pub name: String,
    /// The verifier's address.
    pub url: String,
    /// The verifier's certificate authority, PEM.
    pub ca: String,
    /// PCRs to quote.
    pub selection: PcrSelection,
    /// Seconds without a change after which evidence is sealed all the same.
    pub heartbeat_secs: u64,
    /// The log's key, pinned.
    pub log_key: VerifierKey,
    /// How well the endorsement key is vouched for.
    pub tier: String,
    /// When.
    pub enrolled_at: UnixTime,
}

/// Numbers for `status`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Pieces of evidence sealed since the first enrolment.
    pub sealed: u64,
    /// Pieces that the verifier has recorded.
    pub acknowledged: u64,
    /// Pieces that it refused.
    pub refused: u64,
    /// What the verifier made of the host at last.
    pub last_status: String,
    /// When it last confirmed something.
    pub last_acknowledged_at: Option<UnixTime>,
}

/// Where the verifier says that the host's chain stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewind {
    /// The next place.
    pub next_seq: u64,
    /// Digest of the newest evidence that it has.
    pub prev: Sha256Digest,
}

/// The agent's memory.
pub struct Journal {
    dir: PathBuf,
    store: Store,
    spool: Spool,
    identity: Option<Identity>,
    checkpoint: Option<VerifiedCheckpoint>,
    position: Position,
    components: BTreeSet<Sha256Digest>,
    tally: Tally,
}

/// The journal's file in the state directory.
pub const FILE: &str = "journal.redb";

impl Journal {
    /// Opens the journal in a directory, made if need be, and catches up with the spool.
    pub fn open(dir: &Path) -> Result<Self, JournalError> {
        std::fs::create_dir_all(dir).map_err(|error| JournalError::io(dir, error))?;
        let store = Store::open(&dir.join(FILE))?;
        let identity: Option<Identity> =
            store.row::<IdentityRow>(IDENTITY)?.map(TryInto::try_into).transpose()?;
        let checkpoint = match (&identity, store.row::<String>(CHECKPOINT)?) {
            (Some(identity), Some(note)) => Some(read_checkpoint(&note, &identity.log_key)?),
            _ => None,
        };
        let position = store.row::<PositionRow>(POSITION)?.map(TryInto::try_into).transpose()?;
        let mut journal = Self {
            dir: dir.to_owned(),
            components: store.components()?,
            tally: store.row::<TallyRow>(TALLY)?.unwrap_or_default().into(),
            position: position.unwrap_or_default(),
            spool: Spool::open(dir)?,
            store,
            identity,
            checkpoint,
        };
        journal.catch_up()?;
        Ok(journal)
    }

    /// Opens everything again after an error that the database does not recover from by itself.
    pub fn reload(self) -> Result<Self, JournalError> {
        let dir = self.dir.clone();
        // The database's lock must be free before it is opened again.
        drop(self);
        Self::open(&dir)
    }

    /// Brings the database to where the spool is.
    fn catch_up(&mut self) -> Result<(), JournalError> {
        for seq in self.spool.seqs() {
            if seq < self.position.acknowledged {
                // Confirmed and recorded as such; only the file was left.
                self.spool.retire(seq)?;
            } else if let Err(why) = self.catch_up_with(seq)? {
                tracing::error!(seq, why, "spooled evidence does not belong to the chain; moved aside");
                self.spool.set_aside(seq, why)?;
            }
        }
        Ok(())
    }

    /// Takes in one spooled piece, or says why it is none of ours.
    fn catch_up_with(&mut self, seq: u64) -> Result<Result<(), &'static str>, JournalError> {
        let Ok(envelope) = decode(&self.spool.read(seq)?) else { return Ok(Err("damaged")) };
        let body = envelope.evidence.body();
        if self.identity.as_ref().is_none_or(|identity| identity.chain != body.chain) {
            return Ok(Err("other-chain"));
        }
        if body.seq != seq {
            return Ok(Err("misnamed"));
        }
        if seq < self.position.next_seq {
            return Ok(Ok(()));
        }
        if seq != self.position.next_seq || body.prev != self.position.prev {
            return Ok(Err("out-of-order"));
        }
        self.take_in(&envelope)?;
        Ok(Ok(()))
    }

    /// Records evidence whose spool file is durable.
    fn take_in(&mut self, envelope: &Envelope) -> Result<(), JournalError> {
        let body = envelope.evidence.body();
        let position = self.position.after(envelope);
        let tally = Tally { sealed: self.tally.sealed.saturating_add(1), ..self.tally.clone() };
        self.store.change(Loss::Recoverable, |change| {
            change.components(&body.added, &body.removed)?;
            change.put_row(TALLY, &TallyRow::from(&tally))?;
            change.put_row(POSITION, &PositionRow::from(&position))
        })?;
        apply(&mut self.components, &body.added, &body.removed);
        self.position = position;
        self.tally = tally;
        Ok(())
    }

    /// Starts a chain: what an enrolment gave, with the checkpoint that recorded it.
    ///
    /// Evidence of an earlier chain that was never confirmed is moved aside.
    pub fn enrol(&mut self, identity: Identity, checkpoint: VerifiedCheckpoint) -> Result<(), JournalError> {
        let position = Position::default();
        self.store.change(Loss::NotAllowed, |change| {
            change.clear_chain()?;
            change.put_row(IDENTITY, &IdentityRow::from(&identity))?;
            change.put_row(CHECKPOINT, &checkpoint.signed().note().as_str())?;
            change.put_row(POSITION, &PositionRow::from(&position))
        })?;
        self.identity = Some(identity);
        self.checkpoint = Some(checkpoint);
        self.position = position;
        self.components.clear();
        self.catch_up()
    }

    /// Keeps manifests before evidence that names them is sealed.
    pub fn keep_manifests(&mut self, manifests: &[(Sha256Digest, Vec<u8>)]) -> Result<(), JournalError> {
        if manifests.is_empty() {
            return Ok(());
        }
        self.store.change(Loss::NotAllowed, |change| change.put_manifests(manifests))
    }

    /// Makes evidence durable: when this returns, it is sealed. `submission` is the envelope, compressed.
    pub fn seal(&mut self, envelope: &Envelope, submission: &[u8]) -> Result<(), JournalError> {
        self.spool.put(envelope.evidence.body().seq, submission)?;
        self.take_in(envelope)
    }

    /// Notes that nothing can be sealed from now on, because too much waits.
    pub fn block(&mut self, now: UnixTime) -> Result<(), JournalError> {
        if self.position.blocked_since.is_some() {
            return Ok(());
        }
        let position = Position { blocked_since: Some(now), ..self.position };
        self.store
            .change(Loss::NotAllowed, |change| change.put_row(POSITION, &PositionRow::from(&position)))?;
        self.position = position;
        Ok(())
    }

    /// The submission at a place of the chain that waits.
    pub fn submission(&self, seq: u64) -> Result<Vec<u8>, JournalError> {
        self.spool.read(seq)
    }

    /// The envelope at a place of the chain that waits.
    pub fn envelope(&self, seq: u64) -> Result<Envelope, JournalError> {
        decode(&self.spool.read(seq)?)
    }

    /// Replaces the submission of evidence that waits: other attachments, the same evidence.
    pub fn replace(&mut self, seq: u64, submission: &[u8]) -> Result<(), JournalError> {
        self.spool.put(seq, submission)
    }

    /// Records a verified receipt, and forgets the evidence that it is for.
    pub fn acknowledge(
        &mut self,
        seq: u64,
        checkpoint: VerifiedCheckpoint,
        wanted: &[Sha256Digest],
        status: &str,
        now: UnixTime,
    ) -> Result<(), JournalError> {
        let position = Position { acknowledged: seq.saturating_add(1), ..self.position };
        let tally = Tally {
            acknowledged: self.tally.acknowledged.saturating_add(1),
            last_status: status.chars().take(64).collect(),
            last_acknowledged_at: Some(now),
            ..self.tally.clone()
        };
        self.store.change(Loss::NotAllowed, |change| {
            change.put_row(CHECKPOINT, &checkpoint.signed().note().as_str())?;
            change.want(wanted)?;
            change.put_row(TALLY, &TallyRow::from(&tally))?;
            change.put_row(POSITION, &PositionRow::from(&position))
        })?;
        self.checkpoint = Some(checkpoint);
        self.position = position;
        self.tally = tally;
        self.spool.retire(seq)
    }

    /// What a submission that follows this evidence can be compressed against: the verifier has it, and so have we.
    pub fn reference(&self, evidence: &Sha256Digest) -> Option<Vec<u8>> {
        let envelope = decode(&self.spool.acknowledged()?).ok()?;
        (envelope.evidence.digest() == *evidence).then(|| envelope.reference())
    }

    /// Goes back to where the verifier is, undoing evidence that waits and moving it aside.
    ///
    /// `Ok(None)`: the position is not one that this journal knows. Otherwise how many pieces were undone.
    pub fn rewind(&mut self, to: Rewind, why: &str) -> Result<Option<usize>, JournalError> {
        let Some((position, components)) = self.state_at(to)? else { return Ok(None) };
        let undone: Vec<u64> = self.spool.seqs().into_iter().filter(|seq| *seq >= to.next_seq).collect();
        let refused = u64::try_from(undone.len()).unwrap_or(u64::MAX);
        let tally = Tally { refused: self.tally.refused.saturating_add(refused), ..self.tally.clone() };
        let removed: Vec<_> = self.components.difference(&components).copied().collect();
        let added: Vec<_> = components.difference(&self.components).copied().collect();
        self.store.change(Loss::NotAllowed, |change| {
            change.components(&added, &removed)?;
            change.put_row(TALLY, &TallyRow::from(&tally))?;
            change.put_row(POSITION, &PositionRow::from(&position))
        })?;
        (self.position, self.components, self.tally) = (position, components, tally);
        // Newest first: what a crash leaves in the spool still follows from the position, is taken in again, and is
        // refused again.
        undone.iter().rev().try_for_each(|seq| self.spool.set_aside(*seq, why))?;
        Ok(Some(undone.len()))
    }

    /// Position and components at a place of the chain, if the spool leads back to it.
    fn state_at(&self, to: Rewind) -> Result<Option<(Position, BTreeSet<Sha256Digest>)>, JournalError> {
        let mut position = self.position;
        let mut components = self.components.clone();
        while position.next_seq > to.next_seq {
            let seq = position.next_seq - 1;
            if !self.spool.seqs().contains(&seq) {
                return Ok(None);
            }
            let envelope = self.envelope(seq)?;
            let body = envelope.evidence.body();
            apply(&mut components, &body.removed, &body.added);
            position = position.before(body);
        }
        let known = position.next_seq == to.next_seq && position.prev == to.prev;
        Ok(known.then(|| (position.without_firmware_log(), components)))
    }

    /// Manifests that the verifier wants, at most `bytes` together (one at least), with how many of the wanted
    /// ones are not here.
    pub fn wanted(&self, bytes: usize, count: usize) -> Result<Wanted, JournalError> {
        let mut wanted = Wanted::default();
        let mut size = 0_usize;
        for component in self.store.wanted(count)? {
            match self.store.manifest(&component)? {
                None => wanted.missing.push(component),
                Some(manifest) => {
                    size = size.saturating_add(manifest.len()).saturating_add(FRAME_BYTES);
                    if size > bytes && !wanted.manifests.is_empty() {
                        break;
                    }
                    wanted.manifests.push((component, manifest));
                }
            }
        }
        Ok(wanted)
    }

    /// Notes that the verifier has these manifests, or can never have them.
    pub fn uploaded(&mut self, components: &[Sha256Digest]) -> Result<(), JournalError> {
        self.store.change(Loss::NotAllowed, |change| change.unwant(components))
    }

    /// Forgets manifests that are neither part of the host's state nor wanted.
    ///
    /// `current`: the newest snapshot, which may be ahead of what is sealed.
    pub fn forget_manifests(&mut self, current: &[Sha256Digest]) -> Result<(), JournalError> {
        if self.spool.len() > 0 {
            return Ok(());
        }
        let wanted = self.store.wanted(usize::MAX)?;
        let kept = |component: &Sha256Digest| {
            self.components.contains(component)
                || wanted.contains(component)
                || current.binary_search(component).is_ok()
        };
        self.store.change(Loss::Recoverable, |change| change.retain_manifests(kept))
    }

    /// Whether the verifier wants manifests.
    pub fn is_asked_for_manifests(&self) -> Result<bool, JournalError> {
        Ok(!self.store.wanted(1)?.is_empty())
    }

    /// Who this host is, once it is enrolled.
    pub const fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Where the chain stands.
    pub const fn position(&self) -> &Position {
        &self.position
    }

    /// Components as of the newest sealed evidence.
    pub const fn components(&self) -> &BTreeSet<Sha256Digest> {
        &self.components
    }

    /// Numbers for `status`.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// The newest checkpoint that was verified.
    pub const fn checkpoint(&self) -> Option<&VerifiedCheckpoint> {
        self.checkpoint.as_ref()
    }

    /// The newest checkpoint, as evidence names it.
    pub fn checkpoint_view(&self) -> CheckpointView {
        self.checkpoint.as_ref().map_or_else(CheckpointView::none, |verified| CheckpointView {
            size: verified.checkpoint().size().get(),
            root: Sha256Digest::new(*verified.checkpoint().root().as_bytes()),
        })
    }

    /// The place of the oldest evidence that waits.
    pub fn oldest(&self) -> Option<u64> {
        self.spool.oldest()
    }

    /// How many pieces wait, and how many bytes.
    pub fn waiting(&self) -> (usize, u64) {
        (self.spool.len(), self.spool.bytes())
    }
}

/// Manifests to upload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Components with their manifests' canonical bytes.
    pub manifests: Vec<(Sha256Digest, Vec<u8>)>,
    /// Components that are wanted and not here.
    pub missing: Vec<Sha256Digest>,
}

fn apply(components: &mut BTreeSet<Sha256Digest>, added: &[Sha256Digest], removed: &[Sha256Digest]) {
    for component in removed {
        components.remove(component);
    }
    components.extend(added);
}

fn decode(submission: &[u8]) -> Result<Envelope, JournalError> {
    let damaged = JournalError::Damaged { what: "spooled evidence" };
    let Ok(bytes) = wire::submit::decompress(submission, ENVELOPE_BYTES) else { return Err(damaged) };
    Envelope::decode(&bytes).map_err(|_| damaged)
}

/// A stored checkpoint is verified again: whoever can write the store must not make us believe another log.
fn read_checkpoint(note: &str, key: &VerifierKey) -> Result<VerifiedCheckpoint, JournalError> {
    SignedCheckpoint::parse(note.as_bytes())
        .and_then(|signed| signed.verify(key))
        .map_err(|_| JournalError::Damaged { what: "the stored checkpoint" })
}

/// What a manifest takes in an upload beside its own bytes.
const FRAME_BYTES: usize = 9;

#[cfg(test)]
mod tests;
