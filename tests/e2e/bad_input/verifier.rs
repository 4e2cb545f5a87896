//! `lydian-verifier`.

use super::{Program, Result, TcpListener, Verifier, VerifierSettings, file, on_a_full_disk, told};

fn serve(config: &str) -> Result<Program> {
    Ok(Program::new("lydian-verifier")?.args(["serve", "--config", config]))
}

#[tokio::test]
async fn a_configuration_that_is_not_there_is_named() -> Result<()> {
    let finished = serve("/nonexistent/verifier.toml")?.run().await?;
    told(&finished, 78, &["/nonexistent/verifier.toml"])
}

#[tokio::test]
async fn an_unknown_key_is_named_with_its_line() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let config = file(dir.path(), "verifier.toml", "listne = \"127.0.0.1:0\"\n")?;
    told(&serve(&config)?.run().await?, 78, &[&config, "listne", "line 1"])
}

#[tokio::test]
async fn values_that_cannot_be_honoured_are_named() -> Result<()> {
    let dir = tempfile::tempdir()?;
    for (content, word) in [
        ("listen = \"nowhere\"", "listen"),
        ("[hosts]\nselection = \"sha256:99\"", "hosts.selection"),
        ("[hosts]\nheartbeat-secs = 10\nstale-after-secs = 10", "hosts.stale-after-secs"),
        ("[tls]\ncertificate = \"/nonexistent\"", "tls.key"),
    ] {
        let content = format!("state-dir = \"{}\"\n{content}\n", dir.path().join("state").display());
        let config = file(dir.path(), "verifier.toml", &content)?;
        told(&serve(&config)?.run().await?, 78, &[word])?;
    }
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() -> Result<()> {
    let taken = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = taken.local_addr()?.to_string();
    let dir = tempfile::tempdir()?;
    let content = format!(
        "listen = \"{address}\"\nstate-dir = \"{}\"\n[endorsement]\npolicy = \"danger-first-use\"\n",
        dir.path().join("state").display()
    );
    let config = file(dir.path(), "verifier.toml", &content)?;
    told(&serve(&config)?.run().await?, 69, &[&address])
}

#[tokio::test]
async fn two_verifiers_do_not_share_a_state_directory() -> Result<()> {
    let first = Verifier::start(&VerifierSettings::default()).await?;
    let config = first.config().display().to_string();
    told(&serve(&config)?.run().await?, 69, &[&first.state_dir().display().to_string()])
}

#[tokio::test]
async fn a_full_disk_is_called_one() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let state = dir.path().join("state");
    std::fs::create_dir(&state)?;
    let content = format!(
        "listen = \"127.0.0.1:0\"\nstate-dir = \"{}\"\n[endorsement]\npolicy = \"danger-first-use\"\n",
        state.display()
    );
    let config = file(dir.path(), "verifier.toml", &content)?;
    let finished = on_a_full_disk(&serve(&config)?, &state).run().await?;
    told(&finished, 74, &["No space left"])
}
