//! What the workspace's tests stand on: TPMs, hosts, logs and the real programs.
//!
//! In: recorded logs, and what a test wants to happen. Out: a software TPM in a process of its own ([`Swtpm`]), one
//! in memory, hosts that boot from recordings, and guards around `lydian-verifier`, `lydian-agent` and `lydian`.
//! Nothing here answers from a script: every quote is signed, every credential opened, every PCR extended. Nothing
//! here is a model of how Lydian must be deployed.

pub mod agent;
pub mod artefacts;
pub mod attester;
pub mod client;
pub mod course;
pub mod database;
pub mod debian;
pub mod ek_ca;
pub mod figure;
pub mod host;
pub mod logs;
pub mod measured;
pub mod mounts;
pub mod process;
pub mod relay;
pub mod soft_host;
pub mod soft_tpm;
pub mod stranger;
pub mod swtpm;
pub mod tpm_command;
pub mod truth;
pub mod usage;
pub mod verifier;
pub mod wait;

pub use crate::agent::Agent;
pub use attester::SoftAttester;
pub use client::{Answer, VerifierClient};
pub use ek_ca::{Lifetime, TestEkCa};
pub use figure::{Figure, Goal, medians};
pub use host::{AgentSettings, Package, Recording, SimulatedHost, elf};
pub use logs::{
    EventLogBuilder, ImaListBuilder, Machine, Measured, SecureBootSwitch, certificate_lists, entry,
    hash_list, image_hash, systemd_measures,
};
pub use measured::{Backend, Measuring};
pub use mounts::Mounted;
pub use process::{Finished, Program, Service};
pub use soft_host::SoftHost;
pub use soft_tpm::{KeyKind, SoftTpm, SoftTpmSpec};
pub use swtpm::{Swtpm, SwtpmSpec};
pub use tpm_command::TpmSocket;
pub use verifier::{Verifier, VerifierSettings};
