//! An incident from its first hour to its end, with the real programs: who is exposed, contained, re-attested, and what is left to do.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use evidence::body::{Gap, GapCause, GapEnd};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use support::{certificate_lists, entry};
use wire::incident::{IncidentHost, IncidentState, IncidentStatus};
use wire::operator::ActionList;

use crate::fleet::{Fleet, package};
use crate::incidents::certificate;

struct Incident(Fleet);

impl Incident {
    async fn new() -> Result<Self> {
        Ok(Self(Fleet::new().await?))
    }

    async fn open(&self, arguments: &[&str]) -> Result<()> {
        let opened = self.0.lydian_as_admin(&[&["incident", "open"], arguments].concat()).await?;
        opened.succeeded().map(|_| ())
    }

    async fn status(&self, name: &str) -> Result<IncidentStatus> {
        let told = self.0.lydian(&["incident", "status", name, "-o", "json"]).await?;
        let status: IncidentStatus =
            serde_json::from_str(&told.stdout).with_context(|| format!("{told:?}"))?;
        let done = status.counts.no + status.counts.re_attested == status.counts.all;
        ensure!(told.code() == i32::from(!done), "exit code {} of {:?}", told.code(), status.counts);
        Ok(status)
    }

    /// How each host that is not a NO stands.
    async fn states(&self, name: &str) -> Result<BTreeMap<String, IncidentState>> {
        let status = self.status(name).await?;
        Ok(status.hosts.into_iter().map(|host| (host.name, host.state)).collect())
    }
}

fn todo<'a>(status: &'a IncidentStatus, name: &str) -> Result<Vec<&'a str>> {
    let host: &IncidentHost = status.hosts.iter().find(|host| host.name == name).context("the host")?;
    Ok(host.todo.iter().filter(|todo| todo.shown).map(|todo| todo.what.as_str()).collect())
}

#[tokio::test]
async fn a_backdoored_package_from_its_first_hour_to_the_last_reboot() -> Result<()> {
    use IncidentState::{Contained, Exposed, ReAttested, Unknown};
    let mut day = Incident::new().await?;
    let (bad, good) =
        (package("xz-utils", "5.6.1", b"bad", None)?, package("xz-utils", "5.4.5", b"good", None)?);
    for name in ["blind", "clean", "one", "two"] {
        day.0.host(name).await?;
        day.0.of(name)?.host.reboot()?;
        day.0.toggle(name, if ["one", "two"].contains(&name) { &bad } else { &good }).await?;
    }
    // An agent that did not run may have missed it.
    let gap = Gap {
        scope: "agent".to_owned(),
        cause: GapCause::NotRunning,
        from: UnixTime::from_secs(1_700_000_000),
        until: GapEnd::Closed(UnixTime::from_secs(1_700_000_060)),
    };
    day.0.attest_with("blind", vec![gap]).await?;
    day.0.heartbeat().await?;
    day.open(&["xz", "package:xz-utils>=5.6.0", "--note", "CVE-2024-3094"]).await?;
    let expected = |one, two| {
        BTreeMap::from([("blind".to_owned(), Unknown), ("one".to_owned(), one), ("two".to_owned(), two)])
    };
    ensure!(day.states("xz").await? == expected(Exposed, Exposed));
    let status = day.status("xz").await?;
    ensure!((status.counts.all, status.counts.no) == (4, 1), "{:?}", status.counts);
    ensure!(todo(&status, "one")? == ["upgrade or remove package xz-utils 5.6.1 amd64"], "{status:#?}");
    ensure!(
        status
            .hosts
            .iter()
            .filter(|host| host.name == "one")
            .all(|host| { host.todo.iter().any(|todo| !todo.shown && todo.what.contains("rotate")) })
    );

    // One host is mended, and not rebooted.
    day.0.toggle("one", &bad).await?;
    day.0.toggle("one", &good).await?;
    ensure!(day.states("xz").await? == expected(Contained, Exposed));
    let status = day.status("xz").await?;
    ensure!(todo(&status, "one")?.iter().any(|what| what.starts_with("reboot")), "{status:#?}");
    // Then it is; and comes back to the bad version afterwards, which ends the peace.
    day.0.of("one")?.host.reboot()?;
    day.0.attest("one").await?;
    ensure!(day.states("xz").await? == expected(ReAttested, Exposed));
    // Something that nobody has described could be anything: this boot is not known to be without it any more.
    day.0.of("one")?.host.toggle(Sha256Digest::of(&[b"a component that nobody describes"]));
    day.0.attest("one").await?;
    ensure!(day.states("xz").await? == expected(Contained, Exposed));
    let status = day.status("xz").await?;
    ensure!(todo(&status, "one")?.iter().any(|what| what.contains("manifest-missing")), "{status:#?}");
    day.0.of("one")?.host.toggle(Sha256Digest::of(&[b"a component that nobody describes"]));
    day.0.toggle("one", &bad).await?;
    ensure!(day.states("xz").await? == expected(Exposed, Exposed));
    for name in ["one", "two"] {
        day.0.toggle(name, &bad).await?;
        day.0.of(name)?.host.reboot()?;
        day.0.attest(name).await?;
    }
    ensure!(day.states("xz").await? == expected(ReAttested, ReAttested));

    for (format, words) in
        [("md", ["# Incident xz", "re-attested"]), ("html", ["<h1>Incident xz</h1>", "<td>re-attested</td>"])]
    {
        let report = day.0.lydian(&["incident", "report", "xz", "--format", format]).await?;
        ensure!(report.code() == 1 && words.iter().all(|word| report.stdout.contains(word)), "{report:?}");
    }
    let close = day.0.lydian_as_admin(&["incident", "close", "xz", "--note", "done"]).await?;
    close.succeeded()?;
    let again = day.0.lydian_as_admin(&["incident", "close", "xz"]).await?;
    ensure!(again.code() > 1, "{again:?}");
    let list = day.0.lydian(&["incident", "list"]).await?.succeeded()?;
    ensure!(list.contains("closed"), "{list}");
    let actions: ActionList = day.0.operator.read("/v1/actions").await?;
    let kinds: Vec<_> = actions.actions.iter().map(|action| action.kind.as_str()).collect();
    ensure!(kinds.contains(&"incident-opened") && kinds.contains(&"incident-closed"), "{kinds:?}");
    Ok(())
}

#[tokio::test]
async fn a_key_in_firmware_is_out_when_a_boot_proves_it() -> Result<()> {
    let mut day = Incident::new().await?;
    let (stolen, other) = (certificate("A stolen key")?, certificate("Another key")?);
    day.0.host("host").await?;
    let machine = &mut day.0.of("host")?.host.machine;
    machine.db = certificate_lists(&[&stolen, &other])?;
    machine.authorities = vec![("db", entry(&other))];
    day.0.of("host")?.host.reboot()?;
    day.0.attest("host").await?;
    day.open(&["stolen", "cert-name:A stolen key"]).await?;
    let status = day.status("stolen").await?;
    let left = todo(&status, "host")?;
    ensure!(
        matches!(left.as_slice(), [one] if one.starts_with("take it out of firmware's list (db, event")),
        "{status:#?}"
    );
    let machine = &mut day.0.of("host")?.host.machine;
    machine.db = certificate_lists(&[&other])?;
    day.0.attest("host").await?;
    ensure!(day.states("stolen").await?["host"] == IncidentState::Exposed, "the running boot still has it");
    day.0.of("host")?.host.reboot()?;
    day.0.attest("host").await?;
    // It is in no list; whether it signed what was started nobody can tell, as that is no host's file.
    let status = day.status("stolen").await?;
    ensure!(status.hosts.iter().all(|host| host.state == IncidentState::Contained), "{status:#?}");
    ensure!(todo(&status, "host")?.iter().any(|what| what.contains("image-unresolved")), "{status:#?}");
    day.open(&["listed", "cert-name:A stolen key", "--accept", "image-unresolved"]).await?;
    let status = day.status("listed").await?;
    ensure!(status.hosts.iter().all(|host| host.state == IncidentState::ReAttested), "{status:#?}");
    // Who may read may not open or close; names are checked.
    let refused = day.0.lydian(&["incident", "open", "other", "cert-name:A stolen key"]).await?;
    ensure!(refused.code() > 1 && refused.stderr.contains("scope"), "{refused:?}");
    for (arguments, why) in [
        (&["incident", "open", "stolen", "cert-name:other"][..], "already"),
        (&["incident", "open", "a/b", "cert-name:other"], "name"),
        (&["incident", "open", "c", "cert-name:other", "--role=revoked"], "no exposure"),
        (&["incident", "status", "nothing", "-ojson"], "incident list"),
    ] {
        let refused = day.0.lydian_as_admin(arguments).await?;
        ensure!(refused.code() > 1 && refused.stderr.contains(why), "{arguments:?}: {refused:?}");
    }
    Ok(())
}
