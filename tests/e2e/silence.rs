//! A host that stops reporting becomes stale by itself, and is fresh again when it comes back.

use anyhow::{Result, ensure};
use support::{KeyKind, TestEkCa, Verifier, VerifierSettings, wait};
use wire::operator::{HostDetail, HostStatus, Scope};

use crate::scene::{attest, booted, history};

#[tokio::test]
async fn a_host_that_falls_silent_becomes_stale_and_comes_back() -> Result<()> {
    let ca = TestEkCa::new("maker")?;
    let ek_roots = vec![ca.root_pem()?];
    let settings =
        VerifierSettings { ek_roots, heartbeat_secs: 1, stale_after_secs: 2, ..VerifierSettings::default() };
    let verifier = Verifier::start(&settings).await?;
    let (client, operator) = (verifier.client()?, verifier.operator(Scope::Read).await?);
    let mut attester = booted(&ca, 1, KeyKind::EccP256)?;
    attester.enrol(&client, &verifier.join_token().await?).await?;
    attest(&client, &mut attester).await?;

    let status = async || -> Result<HostStatus> {
        let host: HostDetail = operator.read("/v1/hosts/host-1").await?;
        Ok(host.summary.status)
    };
    wait::until("the host is stale", async || Ok((status().await? == HostStatus::Stale).then_some(())))
        .await?;
    let told = async |kind: &str| -> Result<Option<()>> {
        Ok(history(&operator, "host-1").await?.iter().any(|entry| entry.kind == kind).then_some(()))
    };
    wait::until("the silence is in the history", async || told("stale").await).await?;

    attest(&client, &mut attester).await?;
    ensure!(told("fresh").await?.is_some(), "the return is in the history");
    let kinds = history(&operator, "host-1").await?;
    let stale = kinds.iter().filter(|entry| entry.kind == "stale").count();
    ensure!(stale == 1, "silence is told once, not {stale} times");
    Ok(())
}
