//! Lies and their refusals. The liar has a TPM that the verifier was told to trust, and enrols honestly first, so that
//! what is refused is the lie and nothing else.

use anyhow::{Result, bail, ensure};
use evidence::body::FirmwareLog;
use evidence::digest::Sha256Digest;
use evidence::envelope::AttachmentKind;
use support::client::granted;
use support::{KeyKind, Lifetime, SoftAttester, SoftHost, VerifierClient};
use wire::Problem;
use wire::enrol::{EnrolChallenge, Enrolled};
use wire::submit::Receipt;

use crate::stage::Stage;
use crate::talk::say;

/// Plays every lie; a lie that is believed ends the demo.
pub(crate) async fn play(stage: &mut Stage) -> Result<()> {
    let client = stage.client()?;
    let host = SoftHost::new(4711)?;
    let tpm = host.tpm.clone();
    stage.ek_ca.certify(&tpm, Lifetime::Endless)?;
    let mut liar = SoftAttester::new(host, "liar")?;
    let begin = liar.enrol_begin(&stage.join_token().await?)?;
    let challenge: EnrolChallenge = granted(client.post("/v1/enrol/begin", &begin).await?)?;
    let finish = liar.enrol_finish(&challenge)?;
    let enrolled: Enrolled = granted(client.post("/v1/enrol/finish", &finish).await?)?;
    liar.enrolled(&enrolled)?;

    let forged = {
        let mut body = liar.host.body();
        let log = hide_an_event(&liar.host.firmware_log);
        body.firmware_log = FirmwareLog::Present(Sha256Digest::of(&[&log]));
        let mut envelope = liar.host.seal(&body)?;
        for attachment in &mut envelope.attachments {
            if attachment.kind == AttachmentKind::FirmwareLog {
                attachment.bytes.clone_from(&log);
            }
        }
        envelope
    };
    refused(
        "a firmware log from which one event was cut",
        "firmware-log-replay",
        client.submit(&forged, liar.from_size()).await?,
    )?;

    let honest = liar.host.next()?;
    let receipt: Receipt = granted(client.submit(&honest, liar.from_size()).await?)?;
    liar.recorded(&honest, &receipt)?;
    refused("the same evidence a second time", "replayed", client.submit(&honest, liar.from_size()).await?)?;

    tpm.replace_ak(KeyKind::EccP256, 12)?;
    let stranger = liar.host.next()?;
    refused(
        "a quote by an attestation key that was never enrolled",
        "signature-invalid",
        client.submit(&stranger, liar.from_size()).await?,
    )?;
    stage.lydian(&["refusal", "list"]).await?;
    join_token_is_used_up(&client, &begin).await
}

/// Cuts the log's last record out.
fn hide_an_event(log: &[u8]) -> Vec<u8> {
    let parsed = evidence::eventlog::EventLog::parse(log).log;
    let last = parsed.events().last().map_or(log.len(), |event| event.offset);
    log.iter().take(last).copied().collect()
}

/// A used token lets nobody else in.
async fn join_token_is_used_up(client: &VerifierClient, begin: &wire::enrol::EnrolBegin) -> Result<()> {
    let mut thief = SoftAttester::new(SoftHost::new(4712)?, "thief")?;
    let answer =
        client.post::<_, EnrolChallenge>("/v1/enrol/begin", &thief.enrol_begin(&begin.token)?).await?;
    match answer {
        Ok(_) => bail!("a used join token was accepted from another host"),
        Err(problem) => shown("a join token that another host has used", &problem),
    }
    Ok(())
}

fn refused(lie: &str, code: &str, answer: Result<Receipt, Problem>) -> Result<()> {
    match answer {
        Ok(_) => bail!("{lie} was believed"),
        Err(problem) => {
            shown(lie, &problem);
            ensure!(problem.code == code, "{lie}: refused as {}, not as {code}", problem.code);
            Ok(())
        }
    }
}

fn shown(lie: &str, problem: &Problem) {
    say(&format!("  {lie}:"));
    say(&format!("    refused ({} {}): {}", problem.status, problem.code, problem.detail));
}
