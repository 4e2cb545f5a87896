//! What is carried from one piece of a host's evidence to the next, so that verifying costs what is new.
//!
//! In and out: the state after verified evidence, as fields and as canonical bytes for the verifier's store. It is
//! only ever made at enrolment or by [`crate::verify`]; whoever stores it must keep it from others' hands.

use evidence::body::{BootCounters, FirmwareLog};
use evidence::cbor::{CborError, Reader, Writer};
use evidence::digest::{ChainId, Digest, DigestError, HashAlg, Sha256Digest};
use evidence::ima::{Extends, ImaReplay};
use evidence::limits::BODY_COMPONENTS;

/// A host's position in its chain and what the next evidence is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostState {
    pub(crate) chain: ChainId,
    pub(crate) next_seq: u64,
    pub(crate) prev: Sha256Digest,
    pub(crate) checkpoint_size: u64,
    pub(crate) boot: LastBoot,
    pub(crate) components: Vec<Sha256Digest>,
}

/// The boot that the newest evidence is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastBoot {
    /// No evidence yet.
    None,
    /// Seen in a quote.
    Seen(BootState),
}

/// What is carried within one boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BootState {
    /// The TPM's reset counters.
    pub counters: BootCounters,
    /// The TPM's clock at the newest quote, in milliseconds.
    pub clock_ms: u64,
    /// The boot's firmware log.
    pub firmware_log: FirmwareLog,
    /// How far the kernel's IMA list is verified.
    pub ima: ImaState,
}

/// How far the IMA list of a boot is verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImaState {
    /// PCR 10 is not among the quoted PCRs.
    NotQuoted,
    /// The records so far replayed to the quoted PCR 10.
    Replayed {
        /// PCR 10 after them.
        replay: ImaReplay,
        /// Violations among them.
        violations: u64,
    },
}

impl ImaState {
    /// Verified records.
    pub const fn records(&self) -> u64 {
        match self {
            Self::NotQuoted => 0,
            Self::Replayed { replay, .. } => replay.count(),
        }
    }
}

impl HostState {
    /// A host that has just enrolled and starts this chain.
    pub const fn enrolled(chain: ChainId) -> Self {
        Self {
            chain,
            next_seq: 0,
            prev: Sha256Digest::new([0; 32]),
            checkpoint_size: 0,
            boot: LastBoot::None,
            components: Vec::new(),
        }
    }

    /// The chain.
    pub const fn chain(&self) -> ChainId {
        self.chain
    }

    /// The position that is expected next.
    pub const fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// Digest of the newest evidence; zero before the first.
    pub const fn prev(&self) -> Sha256Digest {
        self.prev
    }

    /// The boot of the newest evidence.
    pub const fn boot(&self) -> &LastBoot {
        &self.boot
    }

    /// The firmware log that evidence of the same boot need not carry again.
    pub const fn carried_firmware_log(&self) -> Option<Sha256Digest> {
        match self.boot {
            LastBoot::Seen(BootState { firmware_log: FirmwareLog::Present(digest), .. }) => Some(digest),
            _ => None,
        }
    }

    /// Number of the IMA record that evidence of the same boot must start with.
    pub const fn ima_first(&self) -> u64 {
        match self.boot {
            LastBoot::Seen(boot) => boot.ima.records(),
            LastBoot::None => 0,
        }
    }

    /// Digests of the host's components, sorted.
    pub fn components(&self) -> &[Sha256Digest] {
        &self.components
    }

    /// The same state with other components, for stores that keep the two apart.
    #[must_use]
    pub fn with_components(self, mut components: Vec<Sha256Digest>) -> Self {
        components.sort_unstable();
        components.dedup();
        Self { components, ..self }
    }

    /// Canonical bytes for a store.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(7).uint(VERSION).bytes(self.chain.as_bytes()).uint(self.next_seq);
        w.bytes(self.prev.as_bytes()).uint(self.checkpoint_size);
        match &self.boot {
            LastBoot::None => {
                w.array(0);
            }
            LastBoot::Seen(boot) => write_boot(&mut w, boot),
        }
        let components: Vec<u8> = self.components.iter().flat_map(|digest| *digest.as_bytes()).collect();
        w.bytes(&components);
        w.finish()
    }

    /// Reads what [`HostState::encode`] wrote.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let mut r = Reader::new(bytes);
        r.array_of(7)?;
        r.key(VERSION)?;
        let state = Self {
            chain: ChainId::new(r.array_bytes()?),
            next_seq: r.uint()?,
            prev: Sha256Digest::new(r.array_bytes()?),
            checkpoint_size: r.uint()?,
            boot: read_boot(&mut r)?,
            components: read_components(r.bytes(BODY_COMPONENTS * 32)?)?,
        };
        r.end()?;
        Ok(state)
    }

    /// The components after some came and some went; `None` where one that came was there, or one that went was not.
    pub(crate) fn after(
        &self,
        added: &[Sha256Digest],
        removed: &[Sha256Digest],
    ) -> Option<Vec<Sha256Digest>> {
        let mut components = self.components.clone();
        for gone in removed {
            let at = components.binary_search(gone).ok()?;
            components.remove(at);
        }
        let kept = components.len();
        components.extend_from_slice(added);
        components.sort_unstable();
        components.dedup();
        (components.len() == kept.checked_add(added.len())?).then_some(components)
    }
}

/// Why bytes are not a stored state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Not the canonical encoding.
    #[error("stored host state: {0}")]
    Encoding(#[from] CborError),
    /// A digest that does not fit its algorithm, or components out of order.
    #[error("stored host state: {0}")]
    Digest(#[from] DigestError),
    /// Components that are not sorted.
    #[error("stored host state: components are not sorted")]
    Order,
}

const VERSION: u64 = 1;

fn write_boot(w: &mut Writer, boot: &BootState) {
    w.array(5).uint(boot.counters.reset_count.into()).uint(boot.counters.restart_count.into());
    w.uint(boot.clock_ms);
    match &boot.firmware_log {
        FirmwareLog::Absent => w.bytes(&[]),
        FirmwareLog::Present(digest) => w.bytes(digest.as_bytes()),
    };
    match &boot.ima {
        ImaState::NotQuoted => {
            w.array(0);
        }
        ImaState::Replayed { replay, violations } => {
            let padded = matches!(replay.extends(), Extends::PaddedSha1);
            w.array(5).uint(replay.count()).uint(*violations).uint(padded.into());
            w.uint(replay.value().alg().tpm_id().into()).bytes(replay.value().as_bytes());
        }
    }
}

fn read_boot(r: &mut Reader<'_>) -> Result<LastBoot, StateError> {
    if !present(r, 5)? {
        return Ok(LastBoot::None);
    }
    let counters = BootCounters { reset_count: r.u32()?, restart_count: r.u32()? };
    let clock_ms = r.uint()?;
    let firmware_log = match r.bytes(32)? {
        [] => FirmwareLog::Absent,
        digest => FirmwareLog::Present(Sha256Digest::from_slice(digest)?),
    };
    Ok(LastBoot::Seen(BootState { counters, clock_ms, firmware_log, ima: read_ima(r)? }))
}

fn read_ima(r: &mut Reader<'_>) -> Result<ImaState, StateError> {
    if !present(r, 5)? {
        return Ok(ImaState::NotQuoted);
    }
    let (count, violations) = (r.uint()?, r.uint()?);
    let extends = if r.uint_up_to(1)? == 0 { Extends::BankHash } else { Extends::PaddedSha1 };
    let id = u16::try_from(r.uint_up_to(u16::MAX.into())?).unwrap_or(u16::MAX);
    let alg = HashAlg::from_tpm_id(id).ok_or(DigestError::UnknownName)?;
    let value = Digest::new(alg, r.bytes(64)?)?;
    Ok(ImaState::Replayed { replay: ImaReplay::resume(extends, count, value), violations })
}

/// The head of an array that is empty or has all of `count` items.
fn present(r: &mut Reader<'_>, count: usize) -> Result<bool, CborError> {
    let offset = r.offset();
    match r.array(count)? {
        0 => Ok(false),
        found if found == count => Ok(true),
        found => Err(CborError::Schema { offset, expected: count as u64, found: found as u64 }),
    }
}

fn read_components(bytes: &[u8]) -> Result<Vec<Sha256Digest>, StateError> {
    let components: Vec<_> =
        bytes.chunks(32).map(Sha256Digest::from_slice).collect::<Result<_, DigestError>>()?;
    if components.is_sorted_by(|a, b| a < b) { Ok(components) } else { Err(StateError::Order) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(n: u8) -> Sha256Digest {
        Sha256Digest::new([n; 32])
    }

    fn state() -> HostState {
        HostState {
            chain: ChainId::new([1; 16]),
            next_seq: 9,
            prev: digest(7),
            checkpoint_size: 30,
            boot: LastBoot::Seen(BootState {
                counters: BootCounters { reset_count: 4, restart_count: 1 },
                clock_ms: 1_000,
                firmware_log: FirmwareLog::Present(digest(8)),
                ima: ImaState::Replayed {
                    replay: ImaReplay::resume(Extends::PaddedSha1, 12, Digest::ones(HashAlg::Sha384)),
                    violations: 2,
                },
            }),
            components: vec![digest(1), digest(3)],
        }
    }

    #[test]
    fn decode_of_encode_is_identity() {
        let fresh = HostState::enrolled(ChainId::new([2; 16]));
        assert_eq!(HostState::decode(&fresh.encode()), Ok(fresh));
        assert_eq!(HostState::decode(&state().encode()), Ok(state()));
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let bytes = state().encode();
        for len in 0..bytes.len() {
            assert!(HostState::decode(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn components_come_and_go_exactly_once() {
        let state = state();
        assert_eq!(state.after(&[digest(2)], &[digest(3)]), Some(vec![digest(1), digest(2)]));
        assert_eq!(state.after(&[digest(1)], &[]), None, "added twice");
        assert_eq!(state.after(&[], &[digest(2)]), None, "removed though absent");
        assert_eq!(state.after(&[digest(3)], &[digest(3)]), Some(vec![digest(1), digest(3)]));
    }
}
