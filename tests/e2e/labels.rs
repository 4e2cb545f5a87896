//! Labels: given by admins, written down, and what hosts are chosen by.

use anyhow::{Result, ensure};
use wire::trusted::Verdict;

use crate::fleet::{Fleet, package};

const YES: Verdict = Verdict::Yes;
const NO: Verdict = Verdict::No;

#[tokio::test]
async fn hosts_are_chosen_by_what_operators_call_them() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    let bad = package("xz-utils", "5.6.0-1", b"backdoored", None)?;
    for name in ["db-1", "web-1", "web-2"] {
        fleet.host(name).await?;
        fleet.toggle(name, &package("coreutils", "9.1-1", b"coreutils", None)?).await?;
    }
    fleet.toggle("web-1", &bad).await?;
    fleet.heartbeat().await?;
    let label =
        async |arguments: &[&str]| fleet.lydian_as_admin(&[&["host", "label"], arguments].concat()).await;
    for (host, labels) in
        [("db-1", &["env=prod", "role=db"][..]), ("web-1", &["env=prod"]), ("web-2", &["env=test"])]
    {
        let done = label(&[&[host], labels].concat()).await?;
        ensure!(done.code() == 0 && labels.iter().all(|label| done.stdout.contains(label)), "{done:?}");
    }
    let ask = async |hosts: &str| fleet.ask(&["package:xz-utils", "--hosts", hosts]).await;
    ask("env=prod").await?.are(&[("db-1", NO), ("web-1", YES)])?;
    ask("env=prod,role=*").await?.are(&[("db-1", NO)])?;
    ask("web-*,env=t?st").await?.are(&[("web-2", NO)])?;
    ask("web-*").await?.are(&[("web-1", YES), ("web-2", NO)])?;
    ask("rack=7").await?.are(&[])?;
    // What is taken away and given anew counts from then on.
    let done = label(&["web-1", "env-", "role=web"]).await?;
    ensure!(done.stdout == "role=web\n", "{done:?}");
    ask("env=prod").await?.are(&[("db-1", NO)])?;
    ask("role=web").await?.are(&[("web-1", YES)])?;
    // The same after a restart, and in lists.
    fleet.verifier.terminate().await?;
    fleet.verifier.restart().await?;
    fleet.ask(&["package:xz-utils", "--hosts", "role=web"]).await?.are(&[("web-1", YES)])?;
    let listed = fleet.lydian(&["host", "list", "--hosts", "env=prod", "-o", "jsonl"]).await?;
    ensure!(listed.stdout.lines().count() == 1 && listed.stdout.contains("\"role\":\"db\""), "{listed:?}");
    let shown = fleet.lydian(&["host", "show", "db-1"]).await?;
    ensure!(shown.stdout.contains("env=prod role=db"), "{shown:?}");
    let actions = fleet.lydian_as_admin(&["action", "list", "-o", "json"]).await?;
    ensure!(
        actions.stdout.contains("host-labelled") && actions.stdout.contains("env- role=web")
            || actions.stdout.contains("role=web env-"),
        "{actions:?}"
    );
    Ok(())
}

#[tokio::test]
async fn labels_that_are_none_and_strangers_are_refused() -> Result<()> {
    let mut fleet = Fleet::new().await?;
    fleet.host("web-1").await?;
    let refused = async |arguments: &[&str], words: &str| {
        let done = fleet.lydian_as_admin(&[&["host", "label"], arguments].concat()).await?;
        ensure!(done.code() == 2 && done.stderr.contains(words), "{arguments:?}: {done:?}");
        Ok::<_, anyhow::Error>(())
    };
    refused(&["web-1", "Env=prod"], "lower-case").await?;
    refused(&["web-1", "env=a b"], "without spaces").await?;
    refused(&["web-1", "env"], "KEY-").await?;
    refused(&["web-1", "env=a", "env=b"], "given twice").await?;
    refused(&["web-1", "env=a", "env-"], "given and taken away at once").await?;
    refused(&["nobody", "env=a"], "no host").await?;
    let reader = fleet.lydian(&["host", "label", "web-1", "env=prod"]).await?;
    ensure!(reader.code() == 2 && reader.stderr.contains("scope"), "{reader:?}");
    let many: Vec<String> = (0..33).map(|number| format!("k{number}=v")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    refused(&[&["web-1"], &many[..]].concat(), "as many as there may be").await?;
    let none = fleet.lydian(&["host", "label", "web-1"]).await?;
    ensure!(none.code() == 0 && none.stdout.is_empty() && none.stderr.contains("no labels"), "{none:?}");
    let wrong = fleet.trusted(&["package:x", "--hosts", "Env=prod"]).await?;
    ensure!(wrong.code() == 2 && wrong.stderr.contains("lower-case"), "{wrong:?}");
    Ok(())
}
