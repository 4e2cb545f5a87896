//! Watches, with the real programs: what was is found when a watch is added, what comes is found as it arrives, and each is told once.

use anyhow::{Context as _, Result, ensure};
use evidence::principal::Principal;
use support::wait::until;
use support::{certificate_lists, entry};
use wire::operator::ActionList;
use wire::watch::{WatchDetail, WatchList};

use crate::fleet::{Fleet, package, store};
use crate::incidents::certificate;
use crate::scene::history;

struct Watched(Fleet);

impl Watched {
    async fn new() -> Result<Self> {
        Ok(Self(Fleet::new().await?))
    }

    async fn add(&self, arguments: &[&str]) -> Result<()> {
        let added = self.0.lydian_as_admin(&[&["watch", "add"], arguments].concat()).await?;
        added.succeeded().map(|_| ())
    }

    async fn show(&self, name: &str) -> Result<WatchDetail> {
        self.0.operator.read(&format!("/v1/watches/{name}")).await
    }

    /// Waits until a watch has looked at all that the log has now, and gives the hosts on which it ever found something.
    async fn hits(&self, name: &str) -> Result<Vec<String>> {
        let checkpoint = self.0.client.read_text("/checkpoint").await?;
        let size: u64 = checkpoint.lines().nth(1).context("a size")?.parse()?;
        let looked = async || {
            let detail = self.show(name).await?;
            let last = detail.watch.last.as_ref();
            Ok(last.is_some_and(|last| last.log_size >= size).then_some(detail))
        };
        let detail = until(format_args!("{name} is looked at"), looked).await?;
        Ok(detail.hits.into_iter().rev().map(|hit| hit.name).collect())
    }
}

#[tokio::test]
async fn what_was_and_what_comes_is_found_once() -> Result<()> {
    let mut world = Watched::new().await?;
    let (bad, good) =
        (package("xz-utils", "5.6.1", b"bad", None)?, package("xz-utils", "5.4.5", b"good", None)?);
    for name in ["had", "has", "never"] {
        world.0.host(name).await?;
    }
    world.0.toggle("had", &bad).await?;
    world.0.toggle("had", &bad).await?;
    for name in ["had", "never"] {
        world.0.toggle(name, &good).await?;
    }
    world.0.toggle("has", &bad).await?;

    world.add(&["xz", "package:xz-utils>=5.6.0", "--note", "CVE-2024-3094"]).await?;
    world.add(&["xz-now", "package:xz-utils>=5.6.0", "--lasting"]).await?;
    ensure!(world.hits("xz").await? == ["had", "has"], "what was is found");
    ensure!(world.hits("xz-now").await? == ["has"], "of what lasts only what is there");
    let told = history(&world.0.operator, "had").await?;
    let told: Vec<_> = told.iter().filter(|entry| entry.kind == "watched").collect();
    ensure!(
        matches!(told.as_slice(), [one] if one.summary.contains("watch xz: package:xz-utils>=5.6.0 present in")),
        "{told:#?}"
    );

    // A host that comes later, and its manifest after it.
    world.0.host("late").await?;
    world.0.toggle("late", &bad).await?;
    world.0.heartbeat().await?;
    ensure!(world.hits("xz").await? == ["had", "has", "late"]);
    // It goes, and comes again: that is something new.
    world.0.toggle("has", &bad).await?;
    ensure!(world.hits("xz-now").await? == ["has", "late"]);
    world.0.toggle("has", &bad).await?;
    ensure!(world.hits("xz-now").await? == ["has", "late", "has"]);

    // A verifier that starts again tells nothing twice.
    world.0.verifier.terminate().await?;
    world.0.verifier.restart().await?;
    world.0.heartbeat().await?;
    ensure!(world.hits("xz").await? == ["had", "has", "late", "has"]);

    let list = world.0.lydian(&["watch", "list", "-o", "json"]).await?;
    ensure!(list.code() == 1, "something is found: {}", list.stderr);
    let list: WatchList = serde_json::from_str(&list.stdout)?;
    let found: Vec<_> = list
        .watches
        .iter()
        .map(|watch| (watch.rule.name.as_str(), watch.last.as_ref().map(|last| last.found)))
        .collect();
    ensure!(found == [("xz", Some(3)), ("xz-now", Some(2))], "{found:?}");
    let table = world.0.lydian(&["watch", "show", "xz"]).await?;
    ensure!(
        table.code() == 1 && table.stdout.contains("late") && table.stderr.contains("found on 3"),
        "{table:?}"
    );
    Ok(())
}

#[tokio::test]
async fn watches_are_added_and_removed_by_admins_and_the_log_has_it() -> Result<()> {
    let mut world = Watched::new().await?;
    world.0.host("host").await?;
    world.0.attest("host").await?;
    let refused = world.0.lydian(&["watch", "add", "xz", "package:xz-utils"]).await?;
    ensure!(refused.code() > 1 && refused.stderr.contains("scope"), "{refused:?}");
    world.add(&["xz", "package:xz-utils"]).await?;
    for (arguments, why) in [
        (["watch", "add", "xz", "package:other"], "already"),
        (["watch", "add", "../x", "package:other"], "name"),
        (["watch", "add", "bad", "package:"], "nothing behind"),
        (["watch", "add", "bad", "--shipped=nothing"], "cannot be used with"),
    ] {
        let refused = world.0.lydian_as_admin(&arguments).await?;
        ensure!(refused.code() > 1 && refused.stderr.contains(why), "{arguments:?}: {refused:?}");
    }
    let unknown = world.0.lydian_as_admin(&["watch", "rm", "nothing"]).await?;
    ensure!(unknown.code() > 1 && unknown.stderr.contains("watch list"), "{unknown:?}");
    world.0.lydian_as_admin(&["watch", "rm", "xz"]).await?.succeeded()?;
    let list = world.0.lydian(&["watch", "list", "-o", "json"]).await?.succeeded()?;
    ensure!(serde_json::from_str::<WatchList>(&list)?.watches.is_empty(), "{list}");
    let actions: ActionList = world.0.operator.read("/v1/actions").await?;
    let kinds: Vec<_> = actions.actions.iter().map(|action| action.kind.as_str()).collect();
    ensure!(kinds.contains(&"watch-added") && kinds.contains(&"watch-removed"), "{kinds:?}");
    Ok(())
}

/// What comes with the program: keys that say of themselves that they are for tests, and authorities that nothing took the place of.
#[tokio::test]
async fn shipped_watches_find_what_they_are_for() -> Result<()> {
    let mut world = Watched::new().await?;
    let (test, own) = (certificate("DO NOT TRUST - AMI Test PK")?, certificate("A maker's own PK")?);
    let (old, new) =
        (certificate("Microsoft Corporation UEFI CA 2011")?, certificate("Microsoft UEFI CA 2023")?);
    for (name, platform, db) in
        [("both", &own, vec![&old, &new]), ("new", &own, vec![&new]), ("old", &test, vec![&old])]
    {
        world.0.host(name).await?;
        let machine = &mut world.0.of(name)?.host.machine;
        machine.platform_key = certificate_lists(&[platform])?;
        machine.db = certificate_lists(&db.iter().map(|one| one.as_slice()).collect::<Vec<_>>())?;
        machine.authorities = vec![("db", entry(db[0]))];
        world.0.of(name)?.host.reboot()?;
        world.0.attest(name).await?;
    }
    world.add(&["--shipped", "all"]).await?;
    let mut found = world.hits("test-platform-keys").await?;
    found.dedup();
    ensure!(found == ["old"], "{found:?}");
    let mut found = world.hits("microsoft-2011").await?;
    found.dedup();
    ensure!(found == ["old"], "{found:?}");
    // A list on disk counts as well.
    let listed = Principal::spki(b"a key");
    world.0.toggle("new", &store("vendor-keys", &listed)?).await?;
    let key = format!("key:{}", hex::encode(listed.id()));
    world.add(&["vendor", &key]).await?;
    ensure!(world.hits("vendor").await? == ["new"]);
    Ok(())
}
