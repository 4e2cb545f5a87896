//! One witness, over HTTP.
//!
//! In: a head, and the proof that the witness needs. Out: its answer, read by `ledger::witness`; what the network does is
//! a sentence for the operator.

use evidence::digest::Sha256Digest;
use ledger::checkpoint::{SignedCheckpoint, VerifiedCheckpoint};
use ledger::limits::MAX_NOTE_BYTES;
use ledger::note::VerifierKey;
use ledger::tree::LogSize;
use ledger::witness::{Answer, WitnessClient};
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;

use super::WITNESS_TIMEOUT;
use crate::config::WitnessTransport;
use crate::failure::{Exit, Failure};
use crate::https;
use crate::log::LogReader;

/// The way to a witness.
#[derive(Clone, Debug)]
pub(super) struct Asker {
    http: Client,
    prefix: String,
}

impl Asker {
    pub(super) fn new(http: Client, prefix: &str, transport: WitnessTransport) -> Result<Self, Failure> {
        let allowed = match transport {
            WitnessTransport::Https => prefix.starts_with("https://"),
            WitnessTransport::DangerHttp => prefix.starts_with("https://") || prefix.starts_with("http://"),
        };
        if !allowed {
            return Err(Failure::new(
                Exit::Config,
                format_args!("the witness at {prefix} is not asked by https"),
            )
            .hint("cosignatures are verified, but whoever is in between can keep them back"));
        }
        Ok(Self { http, prefix: prefix.trim_end_matches('/').to_owned() })
    }

    /// Asks for a cosignature, once more where the witness names another size.
    pub(super) async fn cosign(
        &self,
        client: &mut WitnessClient,
        head: &SignedCheckpoint,
        reader: &LogReader,
    ) -> Result<Answer, String> {
        let both = async {
            let first = self.once(client, head, reader).await?;
            if first == Answer::TryAgain { self.once(client, head, reader).await } else { Ok(first) }
        };
        tokio::time::timeout(WITNESS_TIMEOUT, both)
            .await
            .unwrap_or_else(|_| Err("it does not answer in time".into()))
    }

    async fn once(
        &self,
        client: &mut WitnessClient,
        head: &SignedCheckpoint,
        reader: &LogReader,
    ) -> Result<Answer, String> {
        let size = head.claim().size();
        if client.known() > size {
            *client = WitnessClient::new(client.key().clone(), LogSize::ZERO);
        }
        let proof =
            reader.prove_consistency(client.known(), size).await.map_err(|error| error.to_string())?;
        let request = client.request(head, proof).map_err(|error| error.to_string())?;
        let url = format!("{}/add-checkpoint", self.prefix);
        let (status, kind, body) = answer(self.http.post(url).body(request.to_string())).await?;
        Ok(client.answer(head, status, &kind, &body))
    }
}

impl Asker {
    /// The newest checkpoint of this log that the witness has cosigned, with the log's own signature: what makes its word
    /// on another history more than its word. Not every witness shows it.
    //= C2SP tlog-witness, monitoring: <prefix>/<hex of SHA-256 of the origin>/checkpoint
    pub(super) async fn newest(&self, log: &VerifierKey) -> Result<VerifiedCheckpoint, String> {
        let name = Sha256Digest::of(&[log.name().as_str().as_bytes()]);
        let url = format!("{}/{name}/checkpoint", self.prefix);
        match answer(self.http.get(url)).await? {
            (200, _, body) => {
                let signed = SignedCheckpoint::parse(&body).map_err(|error| error.to_string())?;
                signed.verify(log).map_err(|error| error.to_string())
            }
            (status, ..) => Err(format!("it does not show what it has cosigned (status {status})")),
        }
    }
}

/// Status, media type and body of an answer; of a body that is too large, enough to see that it is.
async fn answer(request: reqwest::RequestBuilder) -> Result<(u16, String, Vec<u8>), String> {
    let mut response = request.send().await.map_err(|error| https::why(&error))?;
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.unwrap_or_default().to_owned();
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| https::why(&error))? {
        body.extend_from_slice(&part);
        if body.len() > MAX_NOTE_BYTES {
            break;
        }
    }
    Ok((status, kind, body))
}
