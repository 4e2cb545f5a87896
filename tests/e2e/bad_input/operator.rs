//! `lydian`.

use wire::operator::Scope;

use super::{Program, Result, Verifier, VerifierSettings, told};

/// A command of somebody who has no configuration at home.
fn hosts(home: &tempfile::TempDir) -> Result<Program> {
    let program = Program::new("lydian")?.args(["host", "list"]).env("HOME", home.path());
    Ok(program.env("XDG_CONFIG_HOME", home.path()))
}

#[tokio::test]
async fn a_verifier_that_nobody_named_is_asked_for() -> Result<()> {
    told(&hosts(&tempfile::tempdir()?)?.run().await?, 2, &["LYDIAN_URL"])
}

#[tokio::test]
async fn tokens_and_authorities_that_do_not_fit_are_named() -> Result<()> {
    let home = tempfile::tempdir()?;
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let another = Verifier::start(&VerifierSettings::default()).await?;
    let at = |ca: std::path::PathBuf, token: &str| -> Result<Program> {
        let hosts = hosts(&home)?.env("LYDIAN_URL", verifier.url()).env("LYDIAN_CA", ca);
        Ok(hosts.env("LYDIAN_TOKEN", token))
    };
    told(&at(verifier.ca(), "no such token")?.run().await?, 2, &["token"])?;
    told(&at(another.ca(), "no such token")?.run().await?, 2, &["certificate"])?;
    let operator = verifier.operator(Scope::Read).await?;
    let finished = at(verifier.ca(), operator.token().unwrap_or_default())?.run().await?;
    finished.succeeded().map(drop)
}

#[tokio::test]
async fn a_verifier_that_is_away_is_called_away() -> Result<()> {
    let home = tempfile::tempdir()?;
    let mut verifier = Verifier::start(&VerifierSettings::default()).await?;
    let hosts = hosts(&home)?.env("LYDIAN_URL", verifier.url()).env("LYDIAN_CA", verifier.ca());
    verifier.kill_9().await?;
    told(&hosts.env("LYDIAN_TOKEN", "any").run().await?, 2, &[&verifier.url()])
}
