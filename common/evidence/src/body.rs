//! The evidence body: what a host states, in the one encoding that its TPM's quote is bound to.
//!
//! In: canonical bytes (from a spool, a submission or a bundle), or fields (at the agent). Out: the fields, and
//! the `qualifyingData` that the quote must carry. A parsed body is what somebody wrote: nothing here says that
//! a TPM quoted it, that its sequence fits, or that its state root is the root of the components it names.

use crate::cbor::{CborError, Reader, Writer};
use crate::digest::{ChainId, HostId, Sha256Digest};
use crate::limits::{
    BODY_BYTES, BODY_CLAIMS, BODY_COMPONENTS, BODY_COUNTERS, BODY_COVERAGE, BODY_EXECUTIONS, BODY_GAPS,
    BODY_STRAYS, LONG_TEXT_BYTES, PATH_BYTES, SHORT_TEXT_BYTES,
};
use crate::manifest::rising_digests;
use crate::time::UnixTime;

/// What a host states in one piece of evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The host that speaks.
    pub host: HostId,
    /// The run of evidence that this piece belongs to.
    pub chain: ChainId,
    /// Position in the chain, from 0, without gaps.
    pub seq: u64,
    /// Digest of the evidence before this one; zero at position 0.
    pub prev: Sha256Digest,
    /// The TPM's reset counters, as the quote must show them.
    pub boot: BootCounters,
    /// The newest log checkpoint that this host has verified.
    pub checkpoint: CheckpointView,
    /// Merkle root over the digests of all components that the host has after this piece.
    pub state_root: Sha256Digest,
    /// Components that were not there before, sorted.
    pub added: Vec<Sha256Digest>,
    /// Components that are there no more, sorted.
    pub removed: Vec<Sha256Digest>,
    /// Times and scopes of which the agent could not see everything.
    pub gaps: Vec<Gap>,
    /// The agent's word on settings that no log carries, sorted by key.
    pub posture: Vec<Claim>,
    /// The agent's clock: a hint.
    pub agent_time: UnixTime,
    /// Hides the evidence's digest in the public leaf.
    pub salt: [u8; 32],
    /// The firmware log of this boot.
    pub firmware_log: FirmwareLog,
    /// Number of the first IMA record that is attached: all before it are covered by evidence before this.
    pub ima_first: u64,
    /// Why it was sealed now.
    pub trigger: Trigger,
    /// The agent's version.
    pub agent_version: String,
    /// What is watched, and by what means; sorted.
    pub coverage: Vec<Coverage>,
    /// What the agent counted since it started, sorted by name.
    pub counters: Vec<Counter>,
    /// Programs of the state that were opened to be executed since the evidence before, sorted.
    pub executions: Vec<Execution>,
    /// Programs that were opened to be executed and are not of the state, sorted.
    pub strays: Vec<Stray>,
}

/// How changes of one source are noticed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Coverage {
    /// The source: a mounted file system by the path that it is mounted at, or words for another.
    pub scope: String,
    /// By what means.
    pub means: Means,
    /// Why not by better ones; empty where there are none.
    pub reason: String,
}

/// Means of noticing changes, best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Means {
    /// The kernel reports every change of the file system, and what is opened to be executed.
    FileSystemEvents,
    /// The kernel reports changes of directories that are watched one by one.
    DirectoryEvents,
    /// It is looked at from time to time.
    Walks,
    /// It is seen through the file systems that it is made of, which have an entry of their own.
    Elsewhere,
    /// It is not seen.
    Nothing,
    /// Its administrator has said that it is not to be looked at.
    LeftOut,
}

impl Means {
    const ALL: [Self; 6] = [
        Self::FileSystemEvents,
        Self::DirectoryEvents,
        Self::Walks,
        Self::Elsewhere,
        Self::Nothing,
        Self::LeftOut,
    ];

    const fn code(self) -> u64 {
        match self {
            Self::FileSystemEvents => 1,
            Self::DirectoryEvents => 2,
            Self::Walks => 3,
            Self::Elsewhere => 4,
            Self::Nothing => 5,
            Self::LeftOut => 6,
        }
    }

    /// The words for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::FileSystemEvents => "file-system-events",
            Self::DirectoryEvents => "directory-events",
            Self::Walks => "walks",
            Self::Elsewhere => "elsewhere",
            Self::Nothing => "nothing",
            Self::LeftOut => "left-out",
        }
    }
}

/// One number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Counter {
    /// What was counted, such as `files.hashed`.
    pub name: String,
    /// How many since the agent started.
    pub value: u64,
}

/// How often one artefact of the state was opened to be executed. It is the agent's word, and says nothing of what
/// was loaded beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Execution {
    /// Position of its component among the sorted components that the host has after this piece.
    pub component: u32,
    /// Position of its entry in the component's manifest.
    pub entry: u32,
    /// How often.
    pub count: u64,
}

/// How often a file that is not of the state was opened to be executed: it was gone before it could be measured, or
/// is of a tree that is left out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stray {
    /// Its path, as far as it is known.
    pub path: Vec<u8>,
    /// Its content; unknown where it was gone.
    pub digest: Option<Sha256Digest>,
    /// How often.
    pub count: u64,
}

/// `resetCount` and `restartCount` of the TPM.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BootCounters {
    /// TPM resets: one for each boot.
    pub reset_count: u32,
    /// TPM restarts and resumes since the last reset.
    pub restart_count: u32,
}

/// A log head as the host saw it; size 0 before the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CheckpointView {
    /// Leaves in the tree.
    pub size: u64,
    /// Merkle root; of the empty tree where size is 0.
    pub root: Sha256Digest,
}

impl CheckpointView {
    /// The view of a host that has verified no checkpoint yet.
    pub fn none() -> Self {
        Self { size: 0, root: Sha256Digest::of(&[]) }
    }
}

/// Whether this boot's firmware left a log, and which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FirmwareLog {
    /// The kernel exposes none.
    Absent,
    /// SHA-256 of its raw bytes.
    Present(Sha256Digest),
}

/// Why a piece of evidence was sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// The agent started.
    Start,
    /// Something measured changed.
    Change,
    /// Nothing changed for the heartbeat interval.
    Heartbeat,
    /// A gap opened or closed.
    Gap,
}

impl Trigger {
    const ALL: [Self; 4] = [Self::Start, Self::Change, Self::Heartbeat, Self::Gap];

    const fn code(self) -> u64 {
        match self {
            Self::Start => 1,
            Self::Change => 2,
            Self::Heartbeat => 3,
            Self::Gap => 4,
        }
    }

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Change => "change",
            Self::Heartbeat => "heartbeat",
            Self::Gap => "gap",
        }
    }
}

/// A time and scope of which the agent could not see everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// When it opened, by the agent's clock.
    pub from: UnixTime,
    /// When the scope had been walked again; open until then.
    pub until: GapEnd,
    /// Why.
    pub cause: GapCause,
    /// What could not be seen: a path, or words for a source.
    pub scope: String,
}

/// Whether a gap has been worked off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GapEnd {
    /// Not yet.
    Open,
    /// The scope was walked again and what had changed is in this or earlier evidence.
    Closed(UnixTime),
}

/// Why a host could not be seen whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum GapCause {
    /// The agent was not running.
    NotRunning,
    /// The kernel's event queue overflowed.
    Overflow,
    /// A file or directory could not be read.
    Unreadable,
    /// The spool was full: what changed meanwhile was not sealed step by step.
    SpoolFull,
    /// A file changed at each attempt to hash it.
    Raced,
    /// A source (a log, a file system) is not to be had on this host.
    Missing,
    /// The agent did not come to read events for longer than it promises.
    Stalled,
    /// A file system was mounted or unmounted: what happened on it just before is not known.
    Mounts,
    /// The host's clock was set.
    ClockSet,
    /// A package manager was at work for longer than is waited for.
    PackageManager,
    /// There was no room to keep what was measured.
    DiskFull,
}

impl GapCause {
    const ALL: [Self; 11] = [
        Self::NotRunning,
        Self::Overflow,
        Self::Unreadable,
        Self::SpoolFull,
        Self::Raced,
        Self::Missing,
        Self::Stalled,
        Self::Mounts,
        Self::ClockSet,
        Self::PackageManager,
        Self::DiskFull,
    ];

    const fn code(self) -> u64 {
        match self {
            Self::NotRunning => 1,
            Self::Overflow => 2,
            Self::Unreadable => 3,
            Self::SpoolFull => 4,
            Self::Raced => 5,
            Self::Missing => 6,
            Self::Stalled => 7,
            Self::Mounts => 8,
            Self::ClockSet => 9,
            Self::PackageManager => 10,
            Self::DiskFull => 11,
        }
    }

    /// The word for it in answers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotRunning => "not-running",
            Self::Overflow => "overflow",
            Self::Unreadable => "unreadable",
            Self::SpoolFull => "spool-full",
            Self::Raced => "raced",
            Self::Missing => "missing",
            Self::Stalled => "stalled",
            Self::Mounts => "mounts",
            Self::ClockSet => "clock-set",
            Self::PackageManager => "package-manager",
            Self::DiskFull => "disk-full",
        }
    }
}

/// One key and value, as the agent read them: a setting of the host, or what a file says of itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    /// What was read, such as `kernel.release`.
    pub key: String,
    /// Its value.
    pub value: String,
}

impl Body {
    /// The canonical bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.map(22).uint(1).uint(VERSION);
        w.uint(2).bytes(self.host.as_bytes()).uint(3).bytes(self.chain.as_bytes());
        w.uint(4).uint(self.seq).uint(5).bytes(self.prev.as_bytes());
        w.uint(6).array(2).uint(self.boot.reset_count.into()).uint(self.boot.restart_count.into());
        w.uint(7).array(2).uint(self.checkpoint.size).bytes(self.checkpoint.root.as_bytes());
        w.uint(8).bytes(self.state_root.as_bytes());
        w.uint(9);
        write_digests(&mut w, &self.added);
        w.uint(10);
        write_digests(&mut w, &self.removed);
        w.uint(11).array(self.gaps.len());
        for gap in &self.gaps {
            write_gap(&mut w, gap);
        }
        w.uint(12);
        write_claims(&mut w, &self.posture);
        w.uint(13).uint(self.agent_time.as_ms()).uint(14).bytes(&self.salt).uint(15);
        match &self.firmware_log {
            FirmwareLog::Absent => w.bytes(&[]),
            FirmwareLog::Present(digest) => w.bytes(digest.as_bytes()),
        };
        w.uint(16).uint(self.ima_first).uint(17).uint(self.trigger.code());
        w.uint(18).text(&self.agent_version);
        self.encode_watching(&mut w);
        w.finish()
    }

    fn encode_watching(&self, w: &mut Writer) {
        w.uint(19).array(self.coverage.len());
        for Coverage { scope, means, reason } in &self.coverage {
            w.array(3).text(scope).uint(means.code()).text(reason);
        }
        w.uint(20).array(self.counters.len());
        for Counter { name, value } in &self.counters {
            w.array(2).text(name).uint(*value);
        }
        w.uint(21).array(self.executions.len());
        for Execution { component, entry, count } in &self.executions {
            w.array(3).uint(u64::from(*component)).uint(u64::from(*entry)).uint(*count);
        }
        w.uint(22).array(self.strays.len());
        for Stray { path, digest, count } in &self.strays {
            w.array(3)
                .bytes(path)
                .bytes(digest.as_ref().map_or(&[], |digest| digest.as_bytes()))
                .uint(*count);
        }
    }

    /// Reads canonical bytes; every other encoding is refused.
    pub fn decode(bytes: &[u8]) -> Result<Self, BodyError> {
        if bytes.len() > BODY_BYTES {
            return Err(BodyError::TooLong { found: bytes.len() });
        }
        let mut r = Reader::new(bytes);
        r.map_of(22)?;
        read_version(&mut r)?;
        let body = Self {
            host: HostId::new(keyed(&mut r, 2, Reader::array_bytes)?),
            chain: ChainId::new(keyed(&mut r, 3, Reader::array_bytes)?),
            seq: keyed(&mut r, 4, Reader::uint)?,
            prev: Sha256Digest::new(keyed(&mut r, 5, Reader::array_bytes)?),
            boot: keyed(&mut r, 6, read_boot)?,
            checkpoint: keyed(&mut r, 7, read_checkpoint)?,
            state_root: Sha256Digest::new(keyed(&mut r, 8, Reader::array_bytes)?),
            added: keyed(&mut r, 9, |r| rising_digests(r, BODY_COMPONENTS))?,
            removed: keyed(&mut r, 10, |r| rising_digests(r, BODY_COMPONENTS))?,
            gaps: keyed(&mut r, 11, read_gaps)?,
            posture: keyed(&mut r, 12, |r| read_claims(r, BODY_CLAIMS))?,
            agent_time: UnixTime::from_ms(keyed(&mut r, 13, Reader::uint)?),
            salt: keyed(&mut r, 14, Reader::array_bytes)?,
            firmware_log: keyed(&mut r, 15, read_firmware_log)?,
            ima_first: keyed(&mut r, 16, Reader::uint)?,
            trigger: keyed(&mut r, 17, |r| r.coded(&Trigger::ALL, Trigger::code))?,
            agent_version: keyed(&mut r, 18, |r| Ok(r.text(SHORT_TEXT_BYTES)?.to_owned()))?,
            coverage: keyed(&mut r, 19, |r| rising(r, BODY_COVERAGE, read_coverage))?,
            counters: keyed(&mut r, 20, |r| rising(r, BODY_COUNTERS, read_counter))?,
            executions: keyed(&mut r, 21, |r| rising(r, BODY_EXECUTIONS, read_execution))?,
            strays: keyed(&mut r, 22, |r| rising(r, BODY_STRAYS, read_stray))?,
        };
        r.end()?;
        Ok(body)
    }
}

/// What the quote over a body with these bytes carries as `qualifyingData`.
pub fn qualifying_data(body: &[u8]) -> Sha256Digest {
    Sha256Digest::of(&[b"lydian/evidence/v1", Sha256Digest::of(&[body]).as_bytes()])
}

/// Why bytes are not an evidence body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Not the canonical encoding.
    #[error("evidence body: {0}")]
    Encoding(#[from] CborError),
    /// More bytes than a body has.
    #[error("evidence body of {found} bytes; the limit is {BODY_BYTES}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// A version of the format that this one does not know.
    #[error("evidence body of version {found}; this program reads version {VERSION}")]
    Version {
        /// The version found.
        found: u64,
    },
}

/// 2: coverage, counters and executions.
const VERSION: u64 = 2;

fn read_version(r: &mut Reader<'_>) -> Result<(), BodyError> {
    r.key(1)?;
    match r.uint()? {
        VERSION => Ok(()),
        found => Err(BodyError::Version { found }),
    }
}

fn keyed<'a, T>(
    r: &mut Reader<'a>,
    key: u64,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, CborError>,
) -> Result<T, CborError> {
    r.key(key)?;
    read(r)
}

/// A list that rises strictly. Memory grows with what is read, not with what the count promises.
fn rising<T: Ord>(
    r: &mut Reader<'_>,
    limit: usize,
    read: impl Fn(&mut Reader<'_>) -> Result<T, CborError>,
) -> Result<Vec<T>, CborError> {
    let count = r.array(limit)?;
    let mut all: Vec<T> = Vec::new();
    for _ in 0..count {
        let offset = r.offset();
        let item = read(r)?;
        if all.last().is_some_and(|last| *last >= item) {
            return Err(CborError::Order { offset });
        }
        all.push(item);
    }
    Ok(all)
}

fn read_coverage(r: &mut Reader<'_>) -> Result<Coverage, CborError> {
    r.array_of(3)?;
    let scope = r.text(LONG_TEXT_BYTES)?.to_owned();
    let means = r.coded(&Means::ALL, Means::code)?;
    Ok(Coverage { scope, means, reason: r.text(SHORT_TEXT_BYTES)?.to_owned() })
}

fn read_counter(r: &mut Reader<'_>) -> Result<Counter, CborError> {
    r.array_of(2)?;
    Ok(Counter { name: r.text(SHORT_TEXT_BYTES)?.to_owned(), value: r.uint()? })
}

fn read_execution(r: &mut Reader<'_>) -> Result<Execution, CborError> {
    r.array_of(3)?;
    Ok(Execution { component: r.u32()?, entry: r.u32()?, count: r.uint()? })
}

fn read_stray(r: &mut Reader<'_>) -> Result<Stray, CborError> {
    r.array_of(3)?;
    let path = r.bytes(PATH_BYTES)?.to_vec();
    Ok(Stray { path, digest: read_digest_or_none(r)?, count: r.uint()? })
}

fn write_digests(w: &mut Writer, digests: &[Sha256Digest]) {
    w.array(digests.len());
    for digest in digests {
        w.bytes(digest.as_bytes());
    }
}

fn write_gap(w: &mut Writer, gap: &Gap) {
    w.array(4).uint(gap.from.as_ms());
    match gap.until {
        GapEnd::Open => w.array(0),
        GapEnd::Closed(at) => w.array(1).uint(at.as_ms()),
    };
    w.uint(gap.cause.code()).text(&gap.scope);
}

fn read_boot(r: &mut Reader<'_>) -> Result<BootCounters, CborError> {
    r.array_of(2)?;
    Ok(BootCounters { reset_count: r.u32()?, restart_count: r.u32()? })
}

fn read_checkpoint(r: &mut Reader<'_>) -> Result<CheckpointView, CborError> {
    r.array_of(2)?;
    Ok(CheckpointView { size: r.uint()?, root: Sha256Digest::new(r.array_bytes()?) })
}

fn read_gaps(r: &mut Reader<'_>) -> Result<Vec<Gap>, CborError> {
    let count = r.array(BODY_GAPS)?;
    let mut gaps = Vec::with_capacity(count);
    for _ in 0..count {
        gaps.push(read_gap(r)?);
    }
    Ok(gaps)
}

fn read_gap(r: &mut Reader<'_>) -> Result<Gap, CborError> {
    r.array_of(4)?;
    let from = UnixTime::from_ms(r.uint()?);
    let until = match r.array(1)? {
        0 => GapEnd::Open,
        _ => GapEnd::Closed(UnixTime::from_ms(r.uint()?)),
    };
    let cause = r.coded(&GapCause::ALL, GapCause::code)?;
    Ok(Gap { from, until, cause, scope: r.text(LONG_TEXT_BYTES)?.to_owned() })
}

/// Writes claims, which must be sorted by key, as manifests have them.
pub fn write_claims(w: &mut Writer, claims: &[Claim]) {
    w.array(claims.len());
    for claim in claims {
        w.array(2).text(&claim.key).text(&claim.value);
    }
}

/// Claims with keys that rise strictly.
pub fn read_claims(r: &mut Reader<'_>, limit: usize) -> Result<Vec<Claim>, CborError> {
    let count = r.array(limit)?;
    let mut claims: Vec<Claim> = Vec::new();
    for _ in 0..count {
        let offset = r.offset();
        r.array_of(2)?;
        let key = r.text(SHORT_TEXT_BYTES)?.to_owned();
        let value = r.text(LONG_TEXT_BYTES)?.to_owned();
        if claims.last().is_some_and(|last| last.key >= key) {
            return Err(CborError::Order { offset });
        }
        claims.push(Claim { key, value });
    }
    Ok(claims)
}

fn read_firmware_log(r: &mut Reader<'_>) -> Result<FirmwareLog, CborError> {
    Ok(read_digest_or_none(r)?.map_or(FirmwareLog::Absent, FirmwareLog::Present))
}

/// A digest, or no bytes where there is none.
fn read_digest_or_none(r: &mut Reader<'_>) -> Result<Option<Sha256Digest>, CborError> {
    let offset = r.offset();
    let bytes = r.bytes(32)?;
    if bytes.is_empty() {
        return Ok(None);
    }
    let found = bytes.len() as u64;
    Sha256Digest::from_slice(bytes).map(Some).map_err(|_| CborError::Schema { offset, expected: 32, found })
}

#[cfg(test)]
pub(crate) mod tests;
