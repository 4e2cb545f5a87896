//! A course through a real verifier: enrolments, evidence, manifests, as agents send them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, Result};
use evidence::body::{Gap, GapCause, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::envelope::Envelope;
use evidence::manifest::Manifest;
use evidence::time::UnixTime;
use tokio::task::JoinSet;
use wire::submit::Receipt;

use super::{AgentState, Course, Moment, ROUNDS_A_DAY, TOOLS};
use crate::attester::SoftAttester;
use crate::client::{VerifierClient, granted};
use crate::ek_ca::{Lifetime, TestEkCa};
use crate::logs::{SecureBootSwitch, hash_list};
use crate::soft_host::SoftHost;
use crate::soft_tpm::SoftTpmSpec;
use crate::verifier::Verifier;

/// How many hosts send at the same time.
const LANES: usize = 16;
/// When the first round begins, by the hosts' clocks.
const EPOCH_SECS: u64 = 1_700_000_000;
/// Manifests of one message.
const MANIFESTS: usize = 64;

/// What came of it.
#[derive(Clone, Debug)]
pub struct Played {
    /// How many leaves the log had when every host had enrolled, and at the end of each round.
    pub sizes: Vec<u64>,
    /// How many pieces of evidence were sent.
    pub pieces: u64,
}

/// A host in the middle of its course.
struct Player {
    number: u64,
    moments: Vec<Moment>,
    attester: SoftAttester,
    /// What it has told of, by digest.
    manifests: BTreeMap<String, Vec<u8>>,
    /// Sealed, and not sent yet.
    spool: Vec<Envelope>,
    /// The round in which it sealed something last.
    sealed: Option<usize>,
    sent: u64,
}

impl Course {
    /// Plays it; `say` is told how far it is.
    pub async fn play(
        &self,
        verifier: &Verifier,
        ca: &TestEkCa,
        mut say: impl FnMut(&str),
    ) -> Result<Played> {
        let mut lanes: Vec<Vec<Player>> = (0..LANES).map(|_| Vec::new()).collect();
        for (number, lane) in (0..self.life.hosts).zip((0..LANES).cycle()) {
            let player = self.enrolled(number, verifier, ca).await?;
            lanes.get_mut(lane).context("a lane")?.push(player);
        }
        let client = verifier.client()?;
        let size = async || -> Result<u64> {
            let checkpoint = client.read_text("/checkpoint").await?;
            Ok(checkpoint.lines().nth(1).context("a size")?.parse()?)
        };
        let mut sizes = vec![size().await?];
        for round in 0..self.rounds() {
            let mut sending = JoinSet::new();
            for mut lane in std::mem::take(&mut lanes) {
                let (course, client) = (*self, client.clone());
                sending.spawn(async move {
                    for player in &mut lane {
                        player
                            .live(&course, round, &client)
                            .await
                            .with_context(|| Self::name(player.number))?;
                    }
                    anyhow::Ok(lane)
                });
            }
            while let Some(lane) = sending.join_next().await {
                lanes.push(lane??);
            }
            sizes.push(size().await?);
            say(&format!("round {} of {}", round + 1, self.rounds()));
        }
        Ok(Played { sizes, pieces: lanes.iter().flatten().map(|player| player.sent).sum() })
    }

    async fn enrolled(&self, number: u64, verifier: &Verifier, ca: &TestEkCa) -> Result<Player> {
        let spec = SoftTpmSpec { seed: number + 1, ..SoftTpmSpec::default() };
        let mut host = SoftHost::with(&spec, SecureBootSwitch::On)?;
        ca.certify(&host.tpm, Lifetime::Endless)?;
        // A component that nobody describes could be anything.
        host.toggle(Sha256Digest::of(&[b"first component"]));
        let mut attester = SoftAttester::new(host, &Self::name(number))?;
        attester.enrol(&verifier.client()?, &verifier.join_token().await?).await?;
        let moments = self.moments(number);
        Ok(Player {
            number,
            moments,
            attester,
            manifests: BTreeMap::new(),
            spool: Vec::new(),
            sealed: None,
            sent: 0,
        })
    }

    fn components(&self, moment: &Moment) -> Result<Vec<Manifest>> {
        let there = (0..).zip(&moment.versions).filter_map(|(package, version)| Some((package, (*version)?)));
        let mut manifests =
            there.map(|(package, version)| self.package(package, version)).collect::<Result<Vec<_>, _>>()?;
        if moment.has_tool {
            manifests.push(self.tools()?);
        }
        Ok(manifests)
    }
}

impl Player {
    async fn live(&mut self, course: &Course, round: usize, client: &VerifierClient) -> Result<()> {
        let now = self.moments.get(round).context("a round")?.clone();
        let before = round.checked_sub(1).and_then(|before| self.moments.get(before)).cloned();
        let boots = now.boots - before.as_ref().map_or(0, |before| before.boots);
        for _ in 0..boots {
            let machine = &mut self.attester.host.machine;
            machine.secure_boot = now.secure_boot;
            machine.dbx = if now.is_patched { hash_list(&[course.revoked()])? } else { Vec::new() };
            self.attester.host.reboot()?;
        }
        if now.starts_tool(before.as_ref()) {
            self.attester.host.run_content(&format!("{TOOLS}/tool"), &course.tool())?;
        }
        if now.agent == AgentState::Ended {
            return Ok(());
        }
        self.seal(course, round, &now)?;
        if now.agent == AgentState::Sends {
            for envelope in std::mem::take(&mut self.spool) {
                let receipt = granted(client.submit(&envelope, self.attester.from_size()).await?)?;
                self.attester.delivered(&envelope, &receipt)?;
                self.describe(&receipt, client).await?;
                self.sent += 1;
            }
        }
        Ok(())
    }

    /// Sends what the verifier asks for.
    async fn describe(&self, receipt: &Receipt, client: &VerifierClient) -> Result<()> {
        let wanted = receipt.wanted.iter().map(|wanted| self.manifests.get(wanted).cloned());
        let wanted: Vec<_> = wanted.collect::<Option<_>>().context("a manifest that the host never had")?;
        for some in wanted.chunks(MANIFESTS) {
            granted(client.manifests(some).await?)?;
        }
        Ok(())
    }

    /// An agent that runs again says since when it did not.
    fn seal(&mut self, course: &Course, round: usize, now: &Moment) -> Result<()> {
        let mut components = BTreeSet::new();
        for manifest in course.components(now)? {
            let digest = manifest.digest();
            components.insert(digest);
            self.manifests.entry(digest.to_string()).or_insert_with(|| manifest.encode());
        }
        let changed: Vec<_> =
            components.symmetric_difference(self.attester.host.components()).copied().collect();
        for component in changed {
            self.attester.host.toggle(component);
        }
        let mut body = self.attester.host.body();
        body.agent_time = clock(round);
        if let Some(sealed) = self.sealed.filter(|sealed| sealed + 1 < round) {
            body.gaps.push(Gap {
                scope: "agent".to_owned(),
                cause: GapCause::NotRunning,
                from: clock(sealed),
                until: GapEnd::Closed(clock(round)),
            });
        }
        let envelope = self.attester.host.seal(&body)?;
        self.attester.host.accepted(&envelope);
        self.spool.push(envelope);
        self.sealed = Some(round);
        Ok(())
    }
}

fn clock(round: usize) -> UnixTime {
    UnixTime::from_secs(EPOCH_SECS + round as u64 * 86_400 / ROUNDS_A_DAY)
}
