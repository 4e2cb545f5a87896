//! A fleet's course: what is true of each host in each round, and the same sent through a real verifier.
//!
//! In: how many hosts, packages and days, and a seed. Out: package updates in waves, reboots, an update of firmware, agents that do not run, networks that are
//! down, a few intruders, all by the seed alone; evidence of it, as agents would seal and send it ([`Course::play`]); what was true of each subject
//! ([`Course::facts`]), and what an answer may say of it ([`Fact::judge`]). Agents do not lie here, and clocks are not set.

mod life;
mod play;
mod truth;

pub use life::{Life, Stay};
pub use play::Played;
pub use truth::{Fact, Window};

use anyhow::Result;
use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};

use crate::logs::SecureBootSwitch;

/// Each host that is up and has its network sends something so often.
pub const ROUNDS_A_DAY: u64 = 4;

/// A fleet's life in rounds, which begins and ends with agents that run and reach the verifier.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// Which hosts there are, and when packages are updated.
    pub life: Life,
}

/// What is true of a host in one round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// The version of each package that is there.
    versions: Vec<Option<u64>>,
    /// How often it has booted.
    boots: u64,
    /// With what it booted.
    secure_boot: SecureBootSwitch,
    /// Whether it booted with the list of revocations that came with the update of firmware.
    is_patched: bool,
    /// Whether somebody's tool is there.
    has_tool: bool,
    agent: AgentState,
}

/// What becomes of what the agent sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AgentState {
    /// It is sealed and sent.
    Sends,
    /// It is sealed, and the verifier is out of reach.
    Waits,
    /// The agent does not run.
    Ended,
}

/// What somebody does who should not be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Intrusion {
    /// Brings a tool and runs it.
    Tool,
    /// Turns Secure Boot off, and on again.
    Boot,
}

/// What the dice are thrown for.
#[derive(Clone, Copy)]
enum Throw {
    Reboot = 1_000_001,
    Silence = 1_000_002,
    Outage = 1_000_003,
    Intruder = 1_000_004,
    Arrival = 1_000_005,
    Firmware = 1_000_006,
}

impl Moment {
    /// Before anything has happened.
    const fn first() -> Self {
        Self {
            versions: Vec::new(),
            boots: 0,
            secure_boot: SecureBootSwitch::On,
            is_patched: false,
            has_tool: false,
            agent: AgentState::Sends,
        }
    }

    fn is_open(&self) -> bool {
        self.secure_boot == SecureBootSwitch::Off
    }
}

impl Course {
    /// How many rounds there are.
    pub fn rounds(&self) -> usize {
        // More would not fit into any memory.
        usize::try_from(self.life.days.saturating_mul(ROUNDS_A_DAY)).unwrap_or(usize::MAX)
    }

    /// The name of a host.
    pub fn name(host: u64) -> String {
        format!("host-{host:06}")
    }

    fn dice(&self, throw: Throw, host: u64, more: usize) -> usize {
        usize::try_from(self.life.dice([throw as u64, host, more as u64]) >> 33).unwrap_or_default()
    }

    /// What is true of a host, round by round.
    pub fn moments(&self, host: u64) -> Vec<Moment> {
        let intrusion = self.intrusion(host);
        let patched = self.rounds() / 2 + self.dice(Throw::Firmware, host, 0) % 8;
        let mut moments: Vec<Moment> = Vec::new();
        for round in 0..self.rounds() {
            let mut now = moments.last().cloned().unwrap_or_else(Moment::first);
            let hour = round as u64 * 24 / ROUNDS_A_DAY;
            now.versions =
                (0..self.life.packages).map(|package| self.life.version(package, host, hour)).collect();
            let during =
                |kind| intrusion.as_ref().is_some_and(|(what, when)| *what == kind && when.contains(&round));
            now.has_tool = during(Intrusion::Tool);
            let is_off = during(Intrusion::Boot);
            let is_due = has_new_kernel(&moments) || is_off != now.is_open() || round == patched;
            if round > 0 && (is_due || self.dice(Throw::Reboot, host, round).is_multiple_of(40)) {
                now.boots += 1;
                now.secure_boot = if is_off { SecureBootSwitch::Off } else { SecureBootSwitch::On };
                now.is_patched = round >= patched;
            }
            now.agent = if self.is_without(Throw::Silence, host, round) {
                AgentState::Ended
            } else if self.is_without(Throw::Outage, host, round) {
                AgentState::Waits
            } else {
                AgentState::Sends
            };
            moments.push(now);
        }
        moments
    }

    /// Begins now and then, and lasts up to three rounds; not at the begin, and not so late that nobody would be told.
    fn is_without(&self, what: Throw, host: u64, round: usize) -> bool {
        let began = |start: usize| {
            let dice = self.dice(what, host, start);
            dice.is_multiple_of(50) && start + 1 + dice / 50 % 3 > round
        };
        let may = round > 0 && round + 3 < self.rounds();
        may && (round.saturating_sub(2).max(1)..=round).any(began)
    }

    /// On one host in six there is somebody at some time.
    fn intrusion(&self, host: u64) -> Option<(Intrusion, std::ops::Range<usize>)> {
        let dice = self.dice(Throw::Intruder, host, 0);
        let kind = if (dice / 6).is_multiple_of(2) { Intrusion::Tool } else { Intrusion::Boot };
        let arrival = self.dice(Throw::Arrival, host, 0);
        let from = 2 + arrival % self.rounds();
        dice.is_multiple_of(6).then(|| (kind, from..from + 1 + arrival / self.rounds() % 8))
    }

    /// A version of a package, of one file.
    fn package(&self, package: u64, version: u64) -> Result<Manifest> {
        let name = format!("package-{package:04}");
        let entry = executable(format!("/usr/lib/{name}/file-0"), self.life.file(package, version, 0));
        let text = str::to_owned;
        Ok(Manifest::new(ComponentKind::Package, name, version_text(version), text("amd64"), vec![entry])?)
    }

    /// What intruders bring.
    fn tool(&self) -> Sha256Digest {
        Sha256Digest::of(&[b"fleetgen tool", &self.life.seed.to_be_bytes()])
    }

    fn tools(&self) -> Result<Manifest> {
        let entry = executable(format!("{TOOLS}/tool"), self.tool());
        let none = String::new;
        Ok(Manifest::new(ComponentKind::Directory, TOOLS.to_owned(), none(), none(), vec![entry])?)
    }

    /// The image that the update of firmware revokes.
    fn revoked(&self) -> Sha256Digest {
        Sha256Digest::of(&[b"fleetgen loader", &self.life.seed.to_be_bytes()])
    }
}

/// The first package is the kernel: two rounds after its update the host boots by it.
fn has_new_kernel(moments: &[Moment]) -> bool {
    let kernel = |back: usize| moments.iter().nth_back(back).and_then(|moment| moment.versions.first());
    matches!((kernel(1), kernel(2)), (Some(new), Some(old)) if new != old)
}

/// Where intruders put what they bring.
const TOOLS: &str = "/var/tmp/.cache";

fn version_text(version: u64) -> String {
    format!("1.{version}-1")
}

fn executable(path: String, digest: Sha256Digest) -> Entry {
    Entry {
        path: path.into_bytes(),
        digest,
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    }
}
