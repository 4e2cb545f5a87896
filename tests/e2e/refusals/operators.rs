//! Requests that are refused before anybody looks at what they say.

use anyhow::{Result, ensure};
use reqwest::Method;
use serde_json::Value;
use support::client::answer;
use support::{Answer, Verifier, VerifierClient, VerifierSettings};
use wire::PROTOCOL_HEADER;
use wire::operator::{CreateJoinToken, HostList, NewToken, Scope, Version};

fn refused<T: std::fmt::Debug>(answer: &Answer<T>, code: &str, status: u16) -> Result<()> {
    match answer {
        Ok(granted) => anyhow::bail!("granted where {code} was due: {granted:?}"),
        Err(problem) => ensure!((problem.code.as_str(), problem.status) == (code, status), "{problem:?}"),
    }
    Ok(())
}

#[tokio::test]
async fn tokens_open_what_they_are_for() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let nobody = verifier.client()?;
    nobody.read::<Version>("/v1/version").await?;
    nobody.read_text("/v1/health").await?;
    refused(&nobody.get::<HostList>("/v1/hosts").await?, "unauthorised", 401)?;
    let stranger = nobody.with_token("no such token");
    refused(&stranger.get::<HostList>("/v1/hosts").await?, "unauthorised", 401)?;

    let reader = verifier.operator(Scope::Read).await?;
    reader.read::<HostList>("/v1/hosts").await?;
    let ask = CreateJoinToken { note: String::new(), ttl_secs: 60 };
    let join = async |client: &VerifierClient| client.post::<_, NewToken>("/v1/join-tokens", &ask).await;
    refused(&join(&reader).await?, "forbidden", 403)?;
    let enroller = verifier.operator(Scope::Enrol).await?;
    ensure!(join(&enroller).await?.is_ok(), "an enrolling operator makes join tokens");
    refused(&enroller.get::<Value>("/v1/tokens").await?, "forbidden", 403)?;
    verifier.operator(Scope::Admin).await?.read::<Value>("/v1/tokens").await.map(drop)
}

#[tokio::test]
async fn what_is_not_there_is_not_found() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let reader = verifier.operator(Scope::Read).await?;
    for path in ["/v1/hosts/nobody", "/v1/no/such/thing", "/nothing"] {
        refused(&reader.get::<Value>(path).await?, "not-found", 404)?;
    }
    let digest = "00".repeat(32);
    let path = format!("/v1/evidence/{digest}/receipt?from=0");
    refused(&verifier.client()?.get::<Value>(&path).await?, "unknown-evidence", 404)
}

#[tokio::test]
async fn another_protocol_is_named() -> Result<()> {
    let verifier = Verifier::start(&VerifierSettings::default()).await?;
    let client = verifier.client()?;
    let plain = without_version(&client)?;
    refused(&answer::<Value>(plain.send().await?).await?, "protocol-version", 400)?;
    let newer = without_version(&client)?.header(PROTOCOL_HEADER, "2");
    refused(&answer::<Value>(newer.send().await?).await?, "protocol-version", 400)
}

/// A submission whose version is still to be said.
fn without_version(client: &VerifierClient) -> Result<reqwest::RequestBuilder> {
    let (http, built) = client.request(Method::POST, "/v1/evidence?from=0").build_split();
    let mut built = built?;
    built.headers_mut().remove(PROTOCOL_HEADER);
    Ok(reqwest::RequestBuilder::from_parts(http, built))
}

#[tokio::test]
async fn too_many_requests_are_refused() -> Result<()> {
    let settings = VerifierSettings { requests_per_minute: 20, ..VerifierSettings::default() };
    let verifier = Verifier::start(&settings).await?;
    let client = verifier.client()?;
    for number in 0..200 {
        let answer = client.get::<Version>("/v1/version").await?;
        if answer.is_err() {
            ensure!(number >= 20, "refused as number {number}");
            return refused(&answer, "rate-limited", 429);
        }
    }
    anyhow::bail!("200 requests were granted where 20 a minute are")
}
