//! `lydian-agent`.

use support::stranger::Stranger;

use super::{Program, Result, Verifier, VerifierSettings, ensure, file, host, on_a_full_disk, told};

const NEWER: &str = "HTTP/1.1 400 Bad Request\r\nlydian-protocol: 2\r\ncontent-length: 0\r\n\r\n";
const NO_VERIFIER: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nhello";

#[tokio::test]
async fn a_configuration_that_is_not_there_is_named() -> Result<()> {
    let run = Program::new("lydian-agent")?.args(["run", "--config", "/nonexistent/agent.toml"]);
    told(&run.run().await?, 78, &["/nonexistent/agent.toml"])
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let config = file(dir.path(), "agent.toml", "[tpm]\ntctl = \"device:/dev/tpm0\"\n")?;
    let run = Program::new("lydian-agent")?.args(["run", "--config", &config]);
    told(&run.run().await?, 78, &[&config, "tctl", "line 2"])
}

#[tokio::test]
async fn an_agent_that_is_not_enrolled_says_so() -> Result<()> {
    let (_host, agent) = host().await?;
    told(&agent.command("run")?.run().await?, 78, &["not enrolled", "lydian-agent enroll"])
}

#[tokio::test]
async fn a_missing_tpm_is_named() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let (mut host, agent) = host().await?;
    let token = verifier.join_token().await?;
    host.tpm_mut().kill_9()?;
    let finished = agent.try_enrol(&verifier, "host", &token).await?;
    told(&finished, 69, &["the TPM cannot be reached", "tcti"])?;
    host.crash_tpm()?;
    agent.try_enrol(&verifier, "host", &token).await?.succeeded().map(drop)
}

#[tokio::test]
async fn a_token_that_does_not_count_is_refused_with_its_reason() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let (_host, agent) = host().await?;
    let finished = agent.try_enrol(&verifier, "host", "no such token").await?;
    told(&finished, 77, &["token"])
}

#[tokio::test]
async fn another_authority_is_not_trusted() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let another = Verifier::start(&VerifierSettings::default()).await?;
    let (_host, agent) = host().await?;
    let enroll = agent.command("enroll")?.env("LYDIAN_JOIN_TOKEN", verifier.join_token().await?);
    let enroll = enroll.args(["--url", &verifier.url(), "--ca"]).args([another.ca()]);
    told(&enroll.run().await?, 69, &["certificate"])
}

#[tokio::test]
async fn a_verifier_of_another_version_is_named_as_such() -> Result<()> {
    for (answer, words) in [(NEWER, ["protocol", "2"]), (NO_VERIFIER, ["protocol", "version"])] {
        let stranger = Stranger::start(answer).await?;
        let (host, agent) = host().await?;
        let ca = file(host.dir(), "stranger.pem", stranger.ca_pem())?;
        let enroll = agent.command("enroll")?.env("LYDIAN_JOIN_TOKEN", "any");
        let finished = enroll.args(["--url", &stranger.url(), "--ca", &ca]).run().await?;
        told(&finished, 69, &words)?;
    }
    Ok(())
}

#[tokio::test]
async fn missing_logs_are_warned_of_and_do_not_stop_a_host() -> Result<()> {
    let (host, agent) = host().await?;
    std::fs::remove_file(host.firmware_log())?;
    let finished = agent.command("check-config")?.run().await?;
    let log = host.firmware_log().display().to_string();
    ensure!(finished.status.success(), "{}", finished.stderr);
    ensure!(finished.stderr.contains(&log) && finished.stderr.contains("hint"), "{}", finished.stderr);
    Ok(())
}

#[tokio::test]
async fn a_full_disk_is_called_one() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let (host, agent) = host().await?;
    let enroll = agent.command("enroll")?.env("LYDIAN_JOIN_TOKEN", verifier.join_token().await?);
    let enroll = enroll.args(["--url", &verifier.url(), "--ca"]).args([verifier.ca()]);
    let finished = on_a_full_disk(&enroll, &host.state_dir()).run().await?;
    told(&finished, 74, &["space"])
}
