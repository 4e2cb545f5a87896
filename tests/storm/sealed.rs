//! The real agent is killed, stopped, starved: the evidence that its verifier has tells of it, and ends in the truth.
//!
//! In: a host with an agent, and what befalls it. Out: gaps in the bodies of recorded evidence, and a last state root that
//! is the one of a measurement that knows nothing of the agent's.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, ensure};
use evidence::body::{Body, Gap, GapCause, GapEnd};
use evidence::bundle::Bundle;
use reqwest::Method;
use rustix::process::Signal;
use support::measured::Spec;
use support::truth::truth;
use support::{
    Agent, AgentSettings, Backend, Measuring, Mounted, Program, Recording, SimulatedHost, SwtpmSpec,
    Verifier, VerifierClient, VerifierSettings, elf, mounts, wait,
};
use wire::operator::{HostDetail, Scope};

use crate::stage::{Dice, skipped, write};

const NAME: &str = "stormy";

/// A host whose agent has told its first state.
struct World {
    agent: Agent,
    _verifier: Verifier,
    operator: VerifierClient,
    bodies: Vec<Body>,
    host: SimulatedHost,
    /// After everything that lies there.
    _mounts: Vec<Mounted>,
}

impl World {
    async fn new(
        settings: &AgentSettings,
        prepare: impl FnOnce(&SimulatedHost) -> Result<Vec<Mounted>>,
    ) -> Result<Self> {
        let verifier = Verifier::start(&VerifierSettings::default()).await?;
        let operator = verifier.operator(Scope::Read).await?;
        let host = SimulatedHost::boot(&Recording::load("direct")?, &SwtpmSpec::default())?;
        let mounts = prepare(&host)?;
        let agent = Agent::configure(&host, settings)?;
        agent.enrol(&verifier, NAME).await?;
        Ok(Self { agent, _verifier: verifier, operator, bodies: Vec::new(), host, _mounts: mounts })
    }

    /// Starts the agent with what this backend needs, or without.
    async fn start(&mut self, backend: Backend) -> Result<()> {
        match backend {
            Backend::Whole => self.agent.start().await,
            Backend::Directories => {
                let without =
                    Program::other("setpriv").args(["--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]);
                self.agent.start_under(without).await
            }
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.host.path_of(path)
    }

    /// Reads what was recorded since it was asked last.
    async fn read(&mut self) -> Result<()> {
        let detail: HostDetail = self.operator.read(&format!("/v1/hosts/{NAME}")).await?;
        let last = detail.summary.seq.map_or(0, |seq| seq + 1);
        for seq in u64::try_from(self.bodies.len())?..last {
            let path = format!("/v1/hosts/{NAME}/evidence/{seq}");
            let answer = self.operator.request(Method::GET, &path).send().await?;
            let bundle = Bundle::decode(&answer.error_for_status()?.bytes().await?)?;
            self.bodies.push(bundle.envelope.evidence.body().clone());
        }
        Ok(())
    }

    async fn until(&mut self, what: &str, fits: impl Fn(&[Body]) -> bool) -> Result<()> {
        let start = std::time::Instant::now();
        loop {
            self.read().await?;
            if fits(&self.bodies) {
                return Ok(());
            }
            let seen: Vec<_> =
                self.gaps().map(|gap| (gap.cause.name(), gap.scope.as_str(), gap.until)).collect();
            ensure!(
                start.elapsed() < 2 * wait::DEADLINE,
                "{what}: {} pieces of evidence, gaps {seen:?}",
                self.bodies.len()
            );
            let more = self.bodies.len();
            // Recording gives no event: look again, but not for ever.
            let _ = wait::until("more evidence", async || {
                let detail: HostDetail = self.operator.read(&format!("/v1/hosts/{NAME}")).await?;
                let last = detail.summary.seq.map_or(0, |seq| seq + 1);
                Ok((last > u64::try_from(more)?).then_some(()))
            })
            .await;
        }
    }

    async fn first(&mut self) -> Result<()> {
        self.until("the first evidence", |bodies| !bodies.is_empty()).await
    }

    fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.bodies.iter().flat_map(|body| &body.gaps)
    }

    /// The newest evidence is of the state that somebody else finds, which is the truth.
    async fn ends_in_the_truth(&mut self, scene: &str) -> Result<()> {
        let scratch = tempfile::tempdir()?;
        let spec = Spec {
            backend: Backend::Directories,
            roots: vec![self.at("/usr")],
            excludes: Vec::new(),
            prefix: self.host.root(),
            dpkg_admin_dir: self.host.dpkg_admin_dir(),
            cache: scratch.path().join("cache"),
            namespaces: agent::measure::Namespaces::Own,
            bytes_per_second: None,
        };
        let truth = truth(&self.host.root(), &[])?;
        let anew = Measuring::start(spec)?;
        ensure!(*anew.files() == truth, "{scene}: what is measured anew is not the truth");
        let root = anew.state_root();
        self.until(&format!("{scene}: the state in the evidence"), |bodies| {
            bodies.last().map(|body| body.state_root) == root
        })
        .await?;
        eprintln!("{scene}: {} files, {} pieces of evidence", truth.len(), self.bodies.len());
        Ok(())
    }

    /// A gap of this cause was sealed, and is over.
    async fn gap_is_closed(&mut self, cause: GapCause) -> Result<()> {
        self.until(&format!("a gap {} that is over", cause.name()), |bodies| {
            let closed = |gap: &Gap| gap.cause == cause && gap.until != GapEnd::Open;
            let open = |gap: &Gap| gap.cause == cause && gap.until == GapEnd::Open;
            let was = bodies.iter().flat_map(|body| &body.gaps).any(closed);
            was && bodies.last().is_some_and(|body| !body.gaps.iter().any(open))
        })
        .await
    }
}

async fn killed_in_a_storm(backend: Backend, rounds: usize, files: usize) -> Result<()> {
    let mut world = World::new(&AgentSettings::default(), |_| Ok(Vec::new())).await?;
    world.start(backend).await?;
    world.first().await?;
    let mut dice = Dice::new(5);
    for round in 0..rounds {
        let dies_at = dice.below(files);
        for number in 0..files {
            let path =
                world.at(&format!("/usr/lib/{}/{}/tool-{}", dice.below(9), dice.below(9), dice.below(99)));
            dice.write_some_file(&path, &format!("{round} {number}"))?;
            if number == dies_at {
                world.agent.kill_9().await?;
            }
        }
        world.start(backend).await?;
    }
    world.ends_in_the_truth(&format!("killed {rounds} times in a storm, {backend:?}")).await?;
    world.gap_is_closed(GapCause::NotRunning).await
}

/// More events than the kernel keeps, for a process that does not run.
async fn stopped_in_a_flood(backend: Backend) -> Result<()> {
    if let Some(missing) = mounts::absent(&["setpriv"]) {
        skipped(&missing);
        return Ok(());
    }
    let mut world = World::new(&AgentSettings::default(), |_| Ok(Vec::new())).await?;
    world.start(backend).await?;
    world.first().await?;
    let kept: usize = fs::read_to_string("/proc/sys/fs/inotify/max_queued_events")?.trim().parse()?;
    world.agent.service()?.signal(Signal::STOP)?;
    let (one, other) = (world.at("/usr/bin/one"), world.at("/usr/bin/other"));
    for number in 0..=kept {
        let path = if number % 2 == 0 { &one } else { &other };
        write(path, &elf(&format!("flood {number}")))?;
    }
    for number in 0..100 {
        write(&world.at(&format!("/usr/late/{number}/tool")), &elf(&format!("behind the flood {number}")))?;
    }
    world.agent.service()?.signal(Signal::CONT)?;
    world.ends_in_the_truth(&format!("stopped in a flood of events, {backend:?}")).await?;
    // The queue of whole file systems has no end.
    if backend == Backend::Directories {
        world.gap_is_closed(GapCause::Overflow).await?;
    }
    Ok(())
}

/// The limit is of a namespace of users of the agent's own, so that nobody else meets it.
#[tokio::test]
async fn watches_used_up() -> Result<()> {
    let script = "echo 20 > /proc/sys/user/max_inotify_watches && exec \"$@\"";
    let unshare = Program::other("unshare").args(["--user", "--map-root-user", "sh", "-c", script, "sh"]);
    if let Some(missing) = mounts::absent(&["unshare", "nsenter"]) {
        skipped(&missing);
        return Ok(());
    }
    if !unshare.clone().args(["true"]).run().await?.status.success() {
        skipped("a namespace of users, in which the limit of inotify watches can be set");
        return Ok(());
    }
    let settings = AgentSettings { reconcile_secs: Some(2), ..AgentSettings::default() };
    let mut world = World::new(&settings, |host| {
        (0..60).try_for_each(|number| {
            host.write_executable(&format!("/usr/lib/{number}/tool"), &elf("there at the start"))
        })?;
        Ok(Vec::new())
    })
    .await?;
    world.agent.start_under(unshare).await?;
    world.first().await?;
    let told = |gap: &Gap| gap.scope.contains("max_user_watches") && gap.until == GapEnd::Open;
    world
        .until("the gap of directories without a watch", |bodies| {
            bodies.last().is_some_and(|body| body.gaps.iter().any(told))
        })
        .await?;
    (0..60).try_for_each(|number| {
        world.host.write_executable(&format!("/usr/lib/{number}/tool"), &elf("changed unseen"))
    })?;
    let pid = world.agent.service()?.pid()?.as_raw_nonzero().to_string();
    let mut raise = Command::new("nsenter");
    raise.args(["--user", "--target", &pid, "sh", "-c", "echo 10000 > /proc/sys/user/max_inotify_watches"]);
    mounts::called(&mut raise)?;
    world.ends_in_the_truth("watches used up").await?;
    world.gap_is_closed(GapCause::Missing).await
}

/// The agent's own directory has no room left.
#[tokio::test]
async fn disk_full() -> Result<()> {
    if let Some(missing) = mounts::missing(&[]) {
        skipped(&missing);
        return Ok(());
    }
    let mut world = World::new(&AgentSettings::default(), |host| {
        Ok(vec![Mounted::new(["-t", "tmpfs", "-o", "size=24m", "storm"], &host.state_dir())?])
    })
    .await?;
    world.start(Backend::Whole).await?;
    world.first().await?;
    let filler = world.host.state_dir().join("filler");
    let mut file = File::create(&filler)?;
    let block = vec![1; 1 << 16];
    while file.write_all(&block).is_ok() {}
    while file.write_all(b"1").is_ok() {}
    drop(file);
    for number in 0..400 {
        world.host.write_executable(
            &format!("/usr/lib/full/{number}/tool"),
            &elf(&format!("on a full disk {number}")),
        )?;
    }
    let service = &*world.agent.service()?;
    wait::until("the agent meets the full disk", async || {
        // Sightings that are not kept cost nothing that is sealed: it is the journal that must have met it.
        Ok(service.stderr()?.contains("make room on the state directory").then_some(()))
    })
    .await?;
    fs::remove_file(&filler)?;
    world.host.write_executable("/usr/bin/after", &elf("there is room again"))?;
    world.ends_in_the_truth("the agent's disk was full").await?;
    world.gap_is_closed(GapCause::DiskFull).await
}

mod whole {
    use support::Backend;

    #[tokio::test]
    async fn killed_in_a_storm() -> anyhow::Result<()> {
        super::killed_in_a_storm(Backend::Whole, 3, 600).await
    }

    #[tokio::test]
    async fn stopped_in_a_flood() -> anyhow::Result<()> {
        super::stopped_in_a_flood(Backend::Whole).await
    }

    #[tokio::test]
    #[ignore = "the long form, run by `make soak`"]
    async fn killed_often_in_long_storms() -> anyhow::Result<()> {
        super::killed_in_a_storm(Backend::Whole, 30, 10_000).await
    }
}

mod directories {
    use support::Backend;

    #[tokio::test]
    async fn killed_in_a_storm() -> anyhow::Result<()> {
        super::killed_in_a_storm(Backend::Directories, 3, 600).await
    }

    #[tokio::test]
    async fn stopped_in_a_flood() -> anyhow::Result<()> {
        super::stopped_in_a_flood(Backend::Directories).await
    }
}
