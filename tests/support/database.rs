//! The database of a verifier that is tested: a file in its state directory, or one of its own at the PostgreSQL server that
//! `LYDIAN_TEST_POSTGRES` names.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::process::Program;

/// The server's address, where tests are to use one.
pub fn server() -> Option<String> {
    std::env::var("LYDIAN_TEST_POSTGRES").ok()
}

/// The address of the database of the verifier whose directory this is.
pub(crate) fn address(dir: &Path) -> Result<Option<String>> {
    let Some(server) = server() else { return Ok(None) };
    Ok(Some(server.replacen("/postgres?", &format!("/{}?", name(dir)?), 1)))
}

fn name(dir: &Path) -> Result<String> {
    let name = dir.file_name().context("a directory's name")?.as_encoded_bytes();
    Ok(format!("lydian_{}", hex::encode(name)))
}

/// Makes it, where a server has it.
pub(crate) async fn make(dir: &Path) -> Result<()> {
    let Some(server) = server() else { return Ok(()) };
    let create = format!("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'", name(dir)?);
    psql(&server, &create).await.map(drop)
}

/// Runs a statement, and gives what it gives: a line for each row, with bars between the columns.
pub(crate) async fn run(dir: &Path, statement: &str) -> Result<String> {
    if let Some(address) = address(dir)? {
        return psql(&address, statement).await;
    }
    let file = dir.join("state/verifier.db");
    let sqlite = Program::other("sqlite3").args(["-bail", "-cmd", ".timeout 10000"]).args([file]);
    sqlite.args([statement]).run().await?.succeeded()
}

async fn psql(address: &str, statement: &str) -> Result<String> {
    let psql = Program::other("psql").args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", address]);
    psql.args(["-c", statement]).run().await?.succeeded()
}
