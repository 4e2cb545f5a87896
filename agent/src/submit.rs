//! The verifier over HTTPS: enrolment, evidence, receipts, manifests.
//!
//! In: messages. Out: answers within their size limits, or an error by whose fault it is. TLS 1.3 with the pinned
//! certificate authority and no other; no redirects, no proxies. An answer is a claim of whoever holds the verifier's
//! certificate: receipts are verified in `receipt`, under the log's pinned key.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::de::DeserializeOwned;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use wire::enrol::{EnrolBegin, EnrolChallenge, EnrolFinish, Enrolled};
use wire::limits::JSON_REPLY_BYTES;
use wire::submit::{ManifestsStored, Receipt};
use wire::{EVIDENCE_MEDIA_TYPE, MANIFESTS_MEDIA_TYPE, PROTOCOL_HEADER, PROTOCOL_VERSION, Problem};

/// A verifier.
#[derive(Clone, Debug)]
pub struct VerifierClient {
    http: reqwest::Client,
    base: Url,
}

/// Evidence as it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// The envelope, compressed.
    pub bytes: Vec<u8>,
    /// What it is compressed against.
    pub against: Against,
}

/// What a submission is compressed against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Against {
    /// Nothing: it stands for itself.
    Nothing,
    /// The reference of this evidence, which the verifier has confirmed.
    Evidence(Sha256Digest),
    /// The components of a state with this root, which the verifier may know of another host.
    State(Sha256Digest),
}

impl VerifierClient {
    /// The verifier at an address, with the authority of its certificate in PEM.
    pub fn new(base: &Url, ca_pem: &str) -> Result<Self, ClientError> {
        let mut headers = HeaderMap::new();
        headers.insert(PROTOCOL_HEADER, HeaderValue::from(PROTOCOL_VERSION));
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(ca_pem)?)
            .https_only(true)
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .default_headers(headers)
            // No user agent: the evidence names the version, and a heartbeat is to be small.
            .connect_timeout(CONNECT)
            .read_timeout(READ)
            .timeout(TOTAL)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(IDLE)
            .build()
            .map_err(|error| ClientError::Client { reason: error.to_string() })?;
        // A base without a slash behind would lose its last part when a path is joined to it.
        let mut base = base.clone();
        if !base.path().ends_with('/') {
            base.set_path(&format!("{}/", base.path()));
        }
        Ok(Self { http, base })
    }

    /// Asks to join.
    pub async fn enrol_begin(&self, message: &EnrolBegin) -> Result<EnrolChallenge, ClientError> {
        self.answer(self.http.post(self.url("v1/enrol/begin")?).json(message)).await
    }

    /// Answers the challenge.
    pub async fn enrol_finish(&self, message: &EnrolFinish) -> Result<Enrolled, ClientError> {
        self.answer(self.http.post(self.url("v1/enrol/finish")?).json(message)).await
    }

    /// Sends evidence; `from` is the size of the checkpoint that we hold.
    pub async fn submit(&self, submission: Submission, from: u64) -> Result<Receipt, ClientError> {
        let mut url = self.url("v1/evidence")?;
        url.query_pairs_mut().append_pair("from", &from.to_string());
        match submission.against {
            Against::Nothing => {}
            Against::Evidence(digest) => {
                // Half of it names it well enough: a wrong one does not unpack.
                let name = hex::encode(digest.as_bytes().first_chunk::<8>().unwrap_or(&[0; 8]));
                url.query_pairs_mut().append_pair("against", &name);
            }
            Against::State(root) => {
                url.query_pairs_mut().append_pair("state", &root.to_string());
            }
        }
        self.answer(self.http.post(url).header(CONTENT_TYPE, EVIDENCE_MEDIA_TYPE).body(submission.bytes))
            .await
    }

    /// The receipt of evidence that is recorded already.
    pub async fn receipt(&self, evidence: &Sha256Digest, from: u64) -> Result<Receipt, ClientError> {
        let mut url = self.url(&format!("v1/evidence/{evidence}/receipt"))?;
        url.query_pairs_mut().append_pair("from", &from.to_string());
        self.answer(self.http.get(url)).await
    }

    /// What time it is there, by the head of an answer, whatever that is; nothing where it does not say so.
    pub async fn time(&self) -> Result<Option<UnixTime>, ClientError> {
        let response =
            self.http.get(self.url("checkpoint")?).send().await.map_err(|error| unreachable(&error))?;
        check_protocol(response.status(), response.headers())?;
        let date = response.headers().get(DATE).and_then(|date| date.to_str().ok());
        let date = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
        Ok(date.and_then(|date| u64::try_from(date.unix_timestamp()).ok()).map(UnixTime::from_secs))
    }

    /// Uploads manifests, framed and compressed.
    pub async fn upload(&self, manifests: Vec<u8>) -> Result<ManifestsStored, ClientError> {
        let url = self.url("v1/manifests")?;
        self.answer(self.http.post(url).header(CONTENT_TYPE, MANIFESTS_MEDIA_TYPE).body(manifests)).await
    }

    fn url(&self, path: &str) -> Result<Url, ClientError> {
        self.base.join(path).map_err(|error| ClientError::Client { reason: error.to_string() })
    }

    async fn answer<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, ClientError> {
        let response = request.send().await.map_err(|error| unreachable(&error))?;
        let status = response.status();
        check_protocol(status, response.headers())?;
        let body = read(response).await?;
        let not_understood = |what| ClientError::NotUnderstood { what, status: status.as_u16() };
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|_| not_understood("its answer"));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => Err(ClientError::Refused(Box::new(problem))),
            Err(_) if status.is_server_error() => Err(ClientError::Unavailable { status: status.as_u16() }),
            Err(_) => Err(not_understood("its refusal")),
        }
    }
}

fn tls(ca_pem: &str) -> Result<rustls::ClientConfig, ClientError> {
    let bad = |reason: String| ClientError::Authority { reason };
    let mut roots = rustls::RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(ca_pem.as_bytes()) {
        let certificate = certificate.map_err(|error| bad(error.to_string()))?;
        roots.add(certificate).map_err(|error| bad(error.to_string()))?;
    }
    if roots.is_empty() {
        return Err(bad("there is no certificate in it".into()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| bad(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// A proxy's error page need not know our protocol; everything else must.
fn check_protocol(status: StatusCode, headers: &HeaderMap) -> Result<(), ClientError> {
    match headers.get(PROTOCOL_HEADER).map(HeaderValue::to_str) {
        Some(Ok(version)) if version.parse() == Ok(PROTOCOL_VERSION) => Ok(()),
        None if status.is_server_error() => Err(ClientError::Unavailable { status: status.as_u16() }),
        None => Err(ClientError::Protocol { found: "none".into() }),
        Some(version) => {
            let found = version.unwrap_or("unreadable").chars().take(20).collect();
            Err(ClientError::Protocol { found })
        }
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let mut body = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|error| unreachable(&error))? {
        if body.len().saturating_add(part.len()) > JSON_REPLY_BYTES {
            return Err(ClientError::TooLong);
        }
        body.extend_from_slice(&part);
    }
    Ok(body)
}

/// The error with what is behind it: its own text says little more than "error sending request".
fn unreachable(error: &reqwest::Error) -> ClientError {
    let mut reason = String::new();
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if !reason.contains(&text) {
            reason.push_str(if reason.is_empty() { "" } else { ": " });
            reason.push_str(&text);
        }
        source = cause.source();
    }
    if reason.is_empty() {
        reason = if error.is_timeout() { "it did not answer in time".into() } else { error.to_string() };
    }
    if reason.contains("certificate") {
        ClientError::NotTrusted { reason }
    } else {
        ClientError::Unreachable { reason }
    }
}

/// Why the verifier gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// The certificate authority's file.
    #[error("the verifier's certificate authority: {reason}")]
    Authority {
        /// What is wrong with it.
        reason: String,
    },
    /// The client could not be made.
    #[error("cannot talk HTTPS: {reason}")]
    Client {
        /// Why.
        reason: String,
    },
    /// Nobody answered.
    #[error("cannot reach the verifier: {reason}")]
    Unreachable {
        /// Why.
        reason: String,
    },
    /// Somebody answered whose certificate is not the pinned authority's.
    #[error("whoever answers is not the verifier: {reason}")]
    NotTrusted {
        /// Why.
        reason: String,
    },
    /// None of the certificates that the server shows has the fingerprint.
    #[error("no certificate of whoever answers has the fingerprint {fingerprint}; they have {}", .shown.join(", "))]
    Fingerprint {
        /// The one that was given.
        fingerprint: String,
        /// Those that were shown.
        shown: Vec<String>,
    },
    /// A server error without our protocol's words.
    #[error("the verifier is not available (HTTP {status})")]
    Unavailable {
        /// The HTTP status.
        status: u16,
    },
    /// Another version of the protocol, or no verifier at all.
    #[error("the verifier speaks protocol version {found}, this agent speaks {PROTOCOL_VERSION}")]
    Protocol {
        /// What the header said.
        found: String,
    },
    /// An answer that this agent cannot read.
    #[error("the verifier answered HTTP {status}, but {what} cannot be read")]
    NotUnderstood {
        /// Which part.
        what: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// A longer answer than any verifier gives.
    #[error("the verifier's answer is longer than {JSON_REPLY_BYTES} bytes")]
    TooLong,
    /// The verifier refused.
    #[error("the verifier refused ({}): {}", .0.code, .0.detail)]
    Refused(Box<Problem>),
}

impl ClientError {
    /// What the administrator can do.
    pub fn hint(&self) -> &str {
        match self {
            Self::Authority { .. } => {
                "give the PEM file that `lydian-verifier` wrote at its first start with --ca"
            }
            Self::Client { .. } => "check the verifier's address",
            Self::Unreachable { .. } | Self::Unavailable { .. } => {
                "check the address and that the verifier is running; `run` tries again by itself"
            }
            Self::NotTrusted { .. } => "the file given with --ca must be the authority of this verifier",
            Self::Fingerprint { .. } => {
                "the verifier's is what `lydian-verifier ca --fingerprint` prints there; if that is the one given, somebody else answers at this address"
            }
            Self::Protocol { .. } => {
                "is this a lydian-verifier? if so, bring agent and verifier to the same version"
            }
            Self::NotUnderstood { .. } | Self::TooLong => "is this a lydian-verifier of this version?",
            Self::Refused(problem) => &problem.hint,
        }
    }
}

const CONNECT: Duration = Duration::from_secs(10);
/// Between two pieces of an answer.
const READ: Duration = Duration::from_mins(1);
/// A first submission of 24 MiB over a slow line.
const TOTAL: Duration = Duration::from_mins(10);
/// Long enough for the manifests that follow a receipt; an idle connection costs memory.
const IDLE: Duration = Duration::from_secs(20);
