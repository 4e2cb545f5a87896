//! What attesting costs the network, counted as TCP carries it: the first state of a server, the second server of its kind, and a
//! day on which nothing happens.

use anyhow::{Context as _, Result, bail, ensure};
use evidence::envelope::Envelope;
use support::client::granted;
use support::relay::{Relay, Traffic};
use support::{
    Agent, AgentSettings, KeyKind, Package, Recording, SimulatedHost, SwtpmSpec, TestEkCa, Verifier,
    VerifierClient, VerifierSettings, elf, swtpm, wait,
};
use wire::operator::{HostDetail, Scope};
use wire::submit::{compress, compress_against};

use crate::scene::{attest, booted};

/// Packages with executables of a Debian server, and executables of each: 3,600 files.
const PACKAGES: usize = 720;
const FILES: usize = 5;
/// With a heartbeat of 15 minutes, which is the default.
const HEARTBEATS_A_DAY: u64 = 96;
const COUNTED: u64 = 8;

#[tokio::test]
async fn a_fleet_costs_the_network_little() -> Result<()> {
    let ek_roots = swtpm::ca_certificates()?.into_iter().map(String::from_utf8);
    let ek_roots = ek_roots.collect::<std::result::Result<_, _>>()?;
    let verifier = Verifier::start(&VerifierSettings { ek_roots, ..VerifierSettings::default() }).await?;
    let operator = verifier.operator(Scope::Read).await?;

    let first = Server::start(&verifier, "first", 1).await?;
    let traffic = first.settled(&operator).await?;
    told("first submission of a server", traffic);
    ensure!(traffic.up < 1_500_000, "the first server's state took {traffic:?}");

    let second = Server::start(&verifier, "second", 2).await?;
    let traffic = second.settled(&operator).await?;
    told("second server of its kind", traffic);
    ensure!(traffic.up < 20_000, "the second server's state took {traffic:?}");

    let day = second.day().await?;
    told("a day of heartbeats", day);
    ensure!(day.up < 100_000, "a day of heartbeats takes {day:?}");
    Ok(())
}

/// Compressed against what the verifier lacks, or may not use for this host, evidence is asked for whole: nothing of it is
/// recorded, and nothing is kept as refused.
#[tokio::test]
async fn a_reference_that_is_not_there_is_told() -> Result<()> {
    let ca = TestEkCa::new("maker")?;
    let settings = VerifierSettings { ek_roots: vec![ca.root_pem()?], ..VerifierSettings::default() };
    let verifier = Verifier::start(&settings).await?;
    let (client, operator) = (verifier.client()?, verifier.operator(Scope::Read).await?);
    let mut attesters = Vec::new();
    for seed in [1, 2] {
        let mut attester = booted(&ca, seed, KeyKind::EccP256)?;
        attester.enrol(&client, &verifier.join_token().await?).await?;
        attesters.push(attester);
    }
    let [one, other] = attesters.as_mut_slice() else { bail!("two hosts") };
    let (first, _) = attest(&client, one).await?;
    let (foreign, _) = attest(&client, other).await?;
    let begin =
        |envelope: &Envelope| envelope.evidence.digest().to_string().chars().take(16).collect::<String>();

    let next = one.host.next()?;
    let lean = compress_against(&next.encode(), &first.reference())?;
    ensure!(lean.len() * 2 < compress(&next.encode())?.len(), "{} bytes", lean.len());
    let stranger = compress_against(&next.encode(), &foreign.reference())?;
    let unknown = "against=0123456789abcdef";
    for (bytes, query) in [
        (&lean, unknown.to_owned()),
        (&stranger, format!("against={}", begin(&foreign))),
        (&lean, format!("state={}", "ab".repeat(32))),
    ] {
        let answer = client.submit_with(bytes.clone(), &format!("from=0&{query}")).await?;
        let code = answer.err().map(|problem| problem.code);
        ensure!(code.as_deref() == Some("reference-unknown"), "{query}: {code:?}");
    }
    for query in ["against=zz", "state=12"] {
        let code = client.submit_with(lean.clone(), query).await?.err().map(|problem| problem.code);
        ensure!(code.as_deref() == Some("malformed"), "{query}: {code:?}");
    }
    let host: HostDetail = operator.read("/v1/hosts/host-1").await?;
    ensure!(host.refusals.iter().all(|refusal| refusal.code == "malformed"), "{:?}", host.refusals);
    granted(client.submit_with(lean, &format!("from=0&against={}", begin(&first))).await?)?;
    Ok(())
}

#[expect(clippy::print_stderr, reason = "the figures that the test is about")]
fn told(what: &str, traffic: Traffic) {
    eprintln!("{what}: {} bytes up, {} down, {} connections", traffic.up, traffic.down, traffic.connections);
}

/// A server of many packages whose agent talks through a relay.
struct Server {
    name: &'static str,
    relay: Relay,
    host: SimulatedHost,
    _agent: Agent,
}

impl Server {
    async fn start(verifier: &Verifier, name: &'static str, identity: u8) -> Result<Self> {
        let relay = Relay::start(verifier.address()).await?;
        let host = SimulatedHost::boot(
            &Recording::load("shim-sb")?.without_ima_policy()?,
            &SwtpmSpec { identity, ..SwtpmSpec::default() },
        )?;
        (0..PACKAGES).try_for_each(|number| install(&host, number))?;
        let settings = AgentSettings {
            verifier_url: Some(relay.url()),
            heartbeat_secs: Some(1),
            ..AgentSettings::default()
        };
        let mut agent = Agent::configure(&host, &settings)?;
        agent.enrol(verifier, name).await.context("enrol")?;
        agent.start().await?;
        Ok(Self { name, relay, host, _agent: agent })
    }

    /// What it took until the verifier knows all of it.
    async fn settled(&self, operator: &VerifierClient) -> Result<Traffic> {
        wait::until("every manifest is there", async || {
            let detail = detail(operator, self.name).await?;
            let known = detail.component_list.iter().filter(|part| part.kind == "package").count();
            Ok((known == PACKAGES).then_some(()))
        })
        .await?;
        Ok(self.relay.traffic())
    }

    /// What a day takes, by some heartbeats, each on a connection of its own.
    async fn day(&self) -> Result<Traffic> {
        // The first still carry what came with the start.
        self.heartbeats(3).await?;
        let before = self.relay.traffic();
        self.heartbeats(COUNTED).await?;
        let traffic = self.relay.traffic().since(before);
        let a_day = |bytes: u64| bytes * HEARTBEATS_A_DAY / COUNTED;
        Ok(Traffic {
            up: a_day(traffic.up),
            down: a_day(traffic.down),
            connections: a_day(traffic.connections),
        })
    }

    async fn heartbeats(&self, count: u64) -> Result<()> {
        for _ in 0..count {
            let before = self.host.acknowledged()?;
            wait::until("a heartbeat", async || Ok((self.host.acknowledged()? > before).then_some(())))
                .await?;
            self.relay.cut();
        }
        Ok(())
    }
}

async fn detail(operator: &VerifierClient, name: &str) -> Result<HostDetail> {
    operator.read(&format!("/v1/hosts/{name}")).await
}

fn install(host: &SimulatedHost, number: usize) -> Result<()> {
    let name = format!("package-{number}");
    let path = |file| format!("/usr/lib/x86_64-linux-gnu/{name}/lib{name}-{file}.so.{file}");
    let paths: Vec<_> = (0..FILES).map(path).collect();
    let contents: Vec<_> = paths.iter().map(|path| elf(path)).collect();
    let files: Vec<(&str, &[u8])> =
        paths.iter().zip(&contents).map(|(path, content)| (path.as_str(), content.as_slice())).collect();
    let version = format!("{}.{}-1+deb12u{}", number % 7, number % 11, number % 3);
    host.install(&Package { name: &name, version: &version, architecture: "amd64", files: &files })
}
