//! Hosts that may not join.

use anyhow::{Result, ensure};
use evidence::tpm::ObjectAttributes as Attr;
use support::client::granted;
use support::{
    Answer, KeyKind, Lifetime, SecureBootSwitch, SoftAttester, SoftHost, SoftTpmSpec, TestEkCa, Verifier,
    VerifierClient, VerifierSettings, wait,
};
use wire::enrol::{EnrolBegin, EnrolChallenge, EnrolFinish, Enrolled};
use wire::operator::{CreateJoinToken, NewToken, Scope};

use crate::scene::booted;

async fn verifier(ca: &TestEkCa) -> Result<Verifier> {
    let ek_roots = vec![ca.root_pem()?];
    Verifier::start(&VerifierSettings { ek_roots, ..VerifierSettings::default() }).await
}

async fn begin(client: &VerifierClient, begin: &EnrolBegin) -> Result<Answer<EnrolChallenge>> {
    client.post("/v1/enrol/begin", begin).await
}

fn refused<T: std::fmt::Debug>(what: &str, code: &str, status: u16, answer: Answer<T>) -> Result<()> {
    match answer {
        Ok(granted) => anyhow::bail!("{what}: granted {granted:?}"),
        Err(problem) => ensure!(
            (problem.code.as_str(), problem.status) == (code, status),
            "{what}: {} {} ({}), not {status} {code}",
            problem.status,
            problem.code,
            problem.detail
        ),
    }
    Ok(())
}

#[tokio::test]
async fn join_tokens_that_do_not_count_are_refused() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let verifier = verifier(&ca).await?;
    let (client, operator) = (verifier.client()?, verifier.operator(Scope::Enrol).await?);
    let mut host = booted(&ca, 1, KeyKind::EccP256)?;
    refused("unknown", "token-unknown", 403, begin(&client, &host.enrol_begin("no such token")?).await?)?;

    let token = verifier.join_token().await?;
    host.enrol(&client, &token).await?;
    let mut other = booted(&ca, 2, KeyKind::EccP256)?;
    refused("used", "token-used", 403, begin(&client, &other.enrol_begin(&token)?).await?)?;

    let ask = CreateJoinToken { note: String::new(), ttl_secs: 600 };
    let revoked: NewToken = granted(operator.post("/v1/join-tokens", &ask).await?)?;
    let path = format!("/v1/join-tokens/{}", revoked.id);
    let response = operator.request(reqwest::Method::DELETE, &path).send().await?;
    ensure!(response.status().is_success(), "revoke: {}", response.status());
    refused("revoked", "token-revoked", 403, begin(&client, &other.enrol_begin(&revoked.secret)?).await?)?;

    let ask = CreateJoinToken { note: String::new(), ttl_secs: 1 };
    let short: NewToken = granted(operator.post("/v1/join-tokens", &ask).await?)?;
    let message = other.enrol_begin(&short.secret)?;
    // A second has to go by, at the verifier.
    let expired =
        wait::until("the token expires", || async { Ok(begin(&client, &message).await?.err().map(Err)) });
    refused::<EnrolChallenge>("expired", "token-expired", 403, expired.await?)
}

#[tokio::test]
async fn a_lost_answer_is_mended_by_the_same_host_alone() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let verifier = verifier(&ca).await?;
    let client = verifier.client()?;
    let token = verifier.join_token().await?;
    let mut host = booted(&ca, 1, KeyKind::EccP256)?;
    host.enrol(&client, &token).await?;
    let mut again = booted(&ca, 1, KeyKind::EccP256)?;
    again.enrol(&client, &token).await?;
    let old = client.submit(&host.host.next()?, host.from_size()).await?;
    refused("the chain before", "wrong-chain", 409, old)?;
    crate::scene::attest(&client, &mut again).await.map(drop)
}

#[tokio::test]
async fn tpms_that_nobody_vouches_for_are_refused() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let verifier = verifier(&ca).await?;
    let client = verifier.client()?;
    let token = verifier.join_token().await?;
    for ek in [KeyKind::EccP256, KeyKind::Rsa2048] {
        let new = |seed| {
            let spec = SoftTpmSpec { seed, ek, ..SoftTpmSpec::default() };
            SoftHost::with(&spec, SecureBootSwitch::On)
        };
        let check = async |what: &str, host: SoftHost| {
            let mut host = SoftAttester::new(host, "host")?;
            refused(what, "endorsement", 422, begin(&client, &host.enrol_begin(&token)?).await?)
        };
        check("no certificate", new(1)?).await?;

        let host = new(2)?;
        TestEkCa::new("Another maker")?.certify(&host.tpm, Lifetime::Endless)?;
        check("another maker's certificate", host).await?;

        // The right name and the wrong key.
        let host = new(3)?;
        ca.impostor()?.certify(&host.tpm, Lifetime::Endless)?;
        check("a certificate in the maker's name", host).await?;

        let host = new(4)?;
        ca.certify(&host.tpm, Lifetime::Over)?;
        check("an expired certificate", host).await?;

        let host = new(5)?;
        host.tpm.store_certificates(vec![ca.issue(&new(6)?.tpm.endorsement_spki()?, Lifetime::Endless)?]);
        check("another TPM's certificate", host).await?;

        let host = new(7)?;
        host.tpm.store_certificates(vec![b"no certificate".to_vec()]);
        check("bytes that are no certificate", host).await?;
    }
    Ok(())
}

#[tokio::test]
async fn attestation_keys_that_prove_nothing_are_refused() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let verifier = verifier(&ca).await?;
    let client = verifier.client()?;
    let token = verifier.join_token().await?;
    let each =
        [Attr::FIXED_TPM, Attr::FIXED_PARENT, Attr::SENSITIVE_DATA_ORIGIN, Attr::RESTRICTED, Attr::SIGN];
    for (seed, lacking) in (1..).zip(each) {
        let attributes = Attr::from_bits(Attr::ATTESTATION_KEY.bits() & !lacking.bits());
        let spec = SoftTpmSpec { seed, ak_attributes: Some(attributes), ..SoftTpmSpec::default() };
        let host = SoftHost::with(&spec, SecureBootSwitch::On)?;
        ca.certify(&host.tpm, Lifetime::Endless)?;
        let mut host = SoftAttester::new(host, "host")?;
        let answer = begin(&client, &host.enrol_begin(&token)?).await?;
        refused(&lacking.to_string(), "ak-unsuitable", 422, answer)?;
    }
    Ok(())
}

#[tokio::test]
async fn secrets_that_no_tpm_opened_are_refused() -> Result<()> {
    let ca = TestEkCa::new("Test TPM maker")?;
    let verifier = verifier(&ca).await?;
    let client = verifier.client()?;
    let token = verifier.join_token().await?;
    let mut host = booted(&ca, 1, KeyKind::EccP256)?;
    let challenge = granted(begin(&client, &host.enrol_begin(&token)?).await?)?;
    let finish = host.enrol_finish(&challenge)?;
    let ask = async |finish: &EnrolFinish| -> Result<Answer<Enrolled>> {
        client.post("/v1/enrol/finish", finish).await
    };

    let mut wrong = finish.clone();
    if let Some(byte) = wrong.secret.0.first_mut() {
        *byte ^= 1;
    }
    refused("another secret", "credential-wrong", 403, ask(&wrong).await?)?;
    // One guess is all there is: the true secret comes too late.
    refused("after a wrong guess", "credential-wrong", 403, ask(&finish).await?)?;

    let mut unknown = finish;
    unknown.session = "no such session".to_owned();
    refused("no session", "credential-wrong", 403, ask(&unknown).await?)?;
    host.enrol(&client, &token).await
}
