//! A verifier from nothing, and a host that joins it by a fingerprint: what an administrator types on the first day.

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use support::{Agent, AgentSettings, Program, Recording, Service, SimulatedHost, SwtpmSpec, VerifierClient};
use wire::operator::HostList;

/// Runs `init` on a directory; gives what it printed.
async fn init(dir: &std::path::Path, more: &[&str]) -> Result<support::Finished> {
    let init = Program::new("lydian-verifier")?.args(["init", "-o", "json", "--listen", "127.0.0.1:0"]);
    let (config, state) = (dir.join("etc/verifier.toml"), dir.join("state"));
    init.args(["--config"]).args([config]).args(["--state-dir"]).args([state]).args(more).run().await
}

async fn serve(dir: &std::path::Path) -> Result<(Service, std::net::SocketAddr)> {
    let serve = Program::new("lydian-verifier")?.args(["serve", "--config"]);
    let mut service = serve.args([dir.join("etc/verifier.toml")]).start(dir)?;
    let address = service.listening().await?;
    Ok((service, address))
}

#[tokio::test]
async fn a_verifier_from_nothing_and_a_host_by_its_fingerprint() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let made = init(dir.path(), &["--server-name", "localhost", "--danger-first-use"]).await?.succeeded()?;
    let made: Value = serde_json::from_str(&made)?;
    let text = |key: &str| made.get(key).and_then(Value::as_str).with_context(|| format!("{key} in {made}"));
    let (service, address) = serve(dir.path()).await?;
    let url = format!("https://localhost:{}", address.port());
    ensure!(
        text("enroll")?.contains(text("ca_fingerprint")?) && text("enroll")?.contains(text("join_token")?)
    );

    let host = SimulatedHost::boot(&Recording::load("direct")?, &SwtpmSpec::default())?;
    let mut agent = Agent::configure(&host, &AgentSettings::default())?;
    let enroll = |fingerprint: &str| -> Result<Program> {
        let enroll = agent.command("enroll")?.args(["--url", &url, "--name", "first"]);
        Ok(enroll.args(["--ca-fingerprint", fingerprint, "--token", text("join_token")?]))
    };
    let doctor = agent.command("doctor")?.run().await?;
    ensure!(
        doctor.code() == 1 && doctor.stdout.contains("BAD   verifier      this host is not enrolled"),
        "{doctor:?}"
    );
    // Nobody's certificate, and no fingerprint: nothing is sent.
    let wrong = enroll(&"0".repeat(64))?.run().await?;
    ensure!(wrong.code() == 69 && wrong.stderr.contains(text("ca_fingerprint")?), "{wrong:?}");
    let none = enroll("12:34")?.run().await?;
    ensure!(none.code() == 2 && none.stderr.contains("64 hexadecimal digits"), "{none:?}");
    let twice = enroll(text("ca_fingerprint")?)?.args(["--ca", "/dev/null"]).run().await?;
    ensure!(twice.code() == 2 && twice.stderr.contains("twice"), "{twice:?}");
    enroll(text("ca_fingerprint")?)?.run().await?.succeeded()?;
    let doctor = agent.command("doctor")?.args(["-o", "json"]).run().await?.succeeded()?;
    let findings: Vec<Value> = serde_json::from_str(&doctor)?;
    let of =
        |what: &str| findings.iter().find(|finding| finding.get("what").is_some_and(|name| name == what));
    for what in ["verifier", "clock", "firmware log", "ima list", "trees"] {
        ensure!(
            of(what).is_some_and(|finding| finding.get("standing").is_some_and(|is| is == "good")),
            "{what}: {doctor}"
        );
    }
    agent.start().await?;
    let doctor = agent.command("doctor")?.run().await?;
    ensure!(doctor.stdout.contains("the agent runs"), "{doctor:?}");

    let ca = std::fs::read_to_string(dir.path().join("state/ca.pem"))?;
    let operator = VerifierClient::new(address, &ca)?.with_token(text("operator_token")?);
    let hosts: HostList = operator.read("/v1/hosts").await?;
    ensure!(hosts.hosts.iter().map(|host| host.name.as_str()).eq(["first"]), "{hosts:?}");

    // Once more: keys and log stay, tokens are new.
    drop(service);
    let again = init(dir.path(), &[]).await?.succeeded()?;
    let again: Value = serde_json::from_str(&again)?;
    for key in ["ca_fingerprint", "log_key"] {
        ensure!(again.get(key) == made.get(key), "{key}: {again} after {made}");
    }
    ensure!(again.get("join_token") != made.get("join_token"));
    let (_service, address) = serve(dir.path()).await?;
    let operator = VerifierClient::new(address, &ca)?.with_token(text("operator_token")?);
    let hosts: HostList = operator.read("/v1/hosts").await?;
    ensure!(hosts.hosts.len() == 1, "{hosts:?}");
    Ok(())
}

#[tokio::test]
async fn what_is_not_given_is_named_where_nobody_can_be_asked() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (more, hint) in [
        (&["--danger-first-use"][..], "--server-name"),
        (&["--server-name", "localhost"], "--ek-roots"),
        (&["--server-name", "localhost", "--ek-roots", "/nonexistent"], "/nonexistent"),
        (&["--server-name", "not a name", "--danger-first-use"], "neither a DNS name"),
    ] {
        let refused = init(dir.path(), more).await?;
        ensure!(refused.code() == 78 && refused.stderr.contains(hint), "{more:?}: {refused:?}");
        ensure!(
            !dir.path().join("etc").exists() && !dir.path().join("state").exists(),
            "{more:?} left something"
        );
    }
    Ok(())
}
