//! A fleet's course through the real programs: each answer, watch and incident against what was true.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use support::client::granted;
use support::course::{Course, Fact, Life, Window};
use support::wait::until;
use wire::incident::{IncidentState, IncidentStatus};
use wire::trusted::{AskTrusted, List, Trusted, Verdict};
use wire::watch::WatchDetail;

use crate::fleet::Fleet;

/// `LYDIAN_TRUTH_SEED` is the seed of another course, of which nobody knows beforehand what there is to see.
#[tokio::test]
async fn answers_watches_and_incidents_are_true_of_a_course() -> Result<()> {
    let life = Life { hosts: 14, packages: 10, days: 8, seed: 3 };
    if let Ok(seed) = std::env::var("LYDIAN_TRUTH_SEED") {
        let seed = seed.parse().context("LYDIAN_TRUTH_SEED")?;
        return run(Course { life: Life { seed, ..life } }).await.map(drop);
    }
    let counts = run(Course { life }).await?;
    for (role, answer) in
        [("", "Yes"), ("", "No"), ("", "Unknown"), ("executed", "Yes"), ("present", "Unknown")]
    {
        ensure!(counts.contains_key(&(role, answer.to_owned())), "no {answer} as {role:?}: {counts:?}");
    }
    Ok(())
}

#[tokio::test]
#[ignore = "the long form: 20 courses of 40 hosts, run by `make soak`"]
async fn answers_are_true_of_many_courses() -> Result<()> {
    for seed in 100..120 {
        let course = Course { life: Life { hosts: 40, packages: 12, days: 16, seed } };
        let counts = run(course).await.with_context(|| format!("seed {seed}"))?;
        println!("seed {seed}: {counts:?}");
    }
    Ok(())
}

/// Answers of each kind that were given, by role.
type Counts = BTreeMap<(&'static str, String), usize>;

async fn run(course: Course) -> Result<Counts> {
    let fleet = Fleet::new().await?;
    let facts = course.facts();
    let tool = facts.iter().find(|fact| fact.role == "executed").context("an intruder's tool")?;
    let watch = ["watch", "add", "tool", &tool.subject, "--role", "present"];
    fleet.lydian_as_admin(&watch).await?.succeeded()?;
    let played = course.play(&fleet.verifier, &fleet.ca, |_| ()).await?;
    let hosts: BTreeMap<String, _> =
        (0..course.life.hosts).map(|host| (Course::name(host), (host, course.moments(host)))).collect();
    let rounds = course.rounds();
    let windows = [(rounds / 4, rounds / 2), (rounds / 3, rounds / 3 + 1), (1, rounds - 4)];
    let windows = windows.map(|(from, to)| Some(Window { from, to }));
    let mut counts = Counts::new();
    for fact in &facts {
        for window in [None].into_iter().chain(windows) {
            let answer = ask(&fleet, fact, window, &played.sizes).await?;
            ensure!(answer.hosts.len() == hosts.len(), "{answer:#?}");
            for host in &answer.hosts {
                let (number, moments) = hosts.get(&*host.name).context("a host of the course")?;
                let judged = fact.judge(*number, moments, window, host.answer);
                judged.with_context(|| format!("{host:#?}"))?;
                *counts.entry((fact.role, format!("{:?}", host.answer))).or_default() += 1;
            }
        }
    }
    watched(&fleet, &facts).await?;
    for fact in facts.iter().filter(|fact| fact.subject.starts_with("package:")).take(4) {
        contained(&fleet, &course, fact).await?;
    }
    // What is asked for with its proof follows from the evidence alone.
    fleet.ask(&[&tool.subject, "--role", "executed"]).await?;
    fleet.ask(&["boot:secure-boot=off"]).await?;
    Ok(counts)
}

/// A watch that was there from the begin has found each host that has the tool by its answer, and no other.
async fn watched(fleet: &Fleet, facts: &[Fact]) -> Result<()> {
    let tool = facts.iter().find(|fact| fact.role == "executed").context("an intruder's tool")?;
    let answer = fleet.answers(&[&tool.subject, "--role", "present"]).await?;
    let mut expected: Vec<_> = answer.0.hosts.iter().filter(|host| host.answer == Verdict::Yes).collect();
    expected.sort_by(|a, b| a.name.cmp(&b.name));
    let found = async || {
        let detail: WatchDetail = fleet.operator.read("/v1/watches/tool").await?;
        let mut found: Vec<_> = detail.hits.into_iter().map(|hit| hit.name).collect();
        found.sort();
        found.dedup();
        Ok(found.iter().eq(expected.iter().map(|host| &*host.name)).then_some(()))
    };
    until(format_args!("the watch has found {expected:?}"), found).await
}

/// An incident calls those hosts exposed that have it now, and no other.
async fn contained(fleet: &Fleet, course: &Course, fact: &Fact) -> Result<()> {
    let name = fact.subject.replace(|letter: char| !letter.is_ascii_alphanumeric(), "-");
    fleet.lydian_as_admin(&["incident", "open", &name, &fact.subject]).await?.succeeded()?;
    let told = fleet.lydian(&["incident", "status", &name, "-o", "json"]).await?;
    let status: IncidentStatus = serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
    let last = course.rounds() - 1;
    let has = fact.had.iter().filter(|(_, rounds)| rounds.contains(&last));
    let has: Vec<String> = has.map(|(host, _)| Course::name(*host)).collect();
    let mut exposed: Vec<_> = status
        .hosts
        .iter()
        .filter(|host| host.state == IncidentState::Exposed)
        .map(|host| &*host.name)
        .collect();
    exposed.sort_unstable();
    ensure!(exposed == has, "{name}: {exposed:?} instead of {has:?}");
    Ok(())
}

async fn ask(fleet: &Fleet, fact: &Fact, window: Option<Window>, sizes: &[u64]) -> Result<Trusted> {
    let leaf = |place: usize| sizes.get(place).map(|size| format!("leaf:{size}"));
    let question = AskTrusted {
        subjects: vec![fact.subject.clone()],
        from: window.and_then(|window| leaf(window.from)),
        to: window.and_then(|window| leaf(window.to)),
        roles: if fact.role.is_empty() { Vec::new() } else { vec![fact.role.to_owned()] },
        list: List::All,
        ..AskTrusted::default()
    };
    granted(fleet.operator.post("/v1/trusted", &question).await?)
}
