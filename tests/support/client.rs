//! HTTPS to a running verifier, as agents and operators speak it, and as nobody should.
//!
//! In: an address, the CA that is pinned, a token. Out: the typed answer, or the problem that the verifier states. Each answer
//! is held to the protocol: its version's header, and problem details with every error. What an answer says is for the
//! test to judge.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use evidence::envelope::Envelope;
use reqwest::{Method, RequestBuilder, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use wire::submit::{ManifestsStored, Receipt, compress, encode_manifests};
use wire::{
    EVIDENCE_MEDIA_TYPE, MANIFESTS_MEDIA_TYPE, PROBLEM_MEDIA_TYPE, PROTOCOL_HEADER, PROTOCOL_VERSION, Problem,
};

use crate::wait::DEADLINE;

/// What was asked for, or why not.
pub type Answer<T> = std::result::Result<T, Problem>;

/// A client of one verifier.
#[derive(Clone, Debug)]
pub struct VerifierClient {
    http: reqwest::Client,
    address: SocketAddr,
    ca_pem: String,
    base: String,
    token: Option<String>,
}

impl VerifierClient {
    /// A client without a token that trusts this CA alone.
    pub fn new(address: SocketAddr, ca_pem: &str) -> Result<Self> {
        // Somebody in this process may have chosen the same provider already.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let ca = reqwest::Certificate::from_pem(ca_pem.as_bytes()).context("the verifier's CA")?;
        let http = reqwest::Client::builder()
            .tls_certs_only([ca])
            .https_only(true)
            .no_proxy()
            .resolve(NAME, address)
            .timeout(DEADLINE)
            .build()?;
        let base = format!("https://{NAME}:{}", address.port());
        Ok(Self { http, address, ca_pem: ca_pem.to_owned(), base, token: None })
    }

    /// The same with a bearer token.
    #[must_use]
    pub fn with_token(&self, secret: &str) -> Self {
        Self { token: Some(secret.to_owned()), ..self.clone() }
    }

    /// Its token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The verifier's URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Reads something.
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<Answer<T>> {
        answer(self.request(Method::GET, path).send().await?).await
    }

    /// Reads something that must be there.
    pub async fn read<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        granted(self.get(path).await?).with_context(|| format!("GET {path}"))
    }

    /// Reads text that must be there.
    pub async fn read_text(&self, path: &str) -> Result<String> {
        let response = self.request(Method::GET, path).send().await?;
        ensure!(response.status().is_success(), "GET {path}: {}", response.status());
        Ok(response.text().await?)
    }

    /// Sends JSON.
    pub async fn post<Q: Serialize + Sync, T: DeserializeOwned>(
        &self,
        path: &str,
        message: &Q,
    ) -> Result<Answer<T>> {
        answer(self.request(Method::POST, path).json(message).send().await?).await
    }

    /// Submits an envelope.
    pub async fn submit(&self, envelope: &Envelope, from_size: u64) -> Result<Answer<Receipt>> {
        self.submit_bytes(compress(&envelope.encode())?, from_size).await
    }

    /// Submits bytes, whatever they are.
    pub async fn submit_bytes(&self, bytes: Vec<u8>, from_size: u64) -> Result<Answer<Receipt>> {
        self.submit_with(bytes, &format!("from={from_size}")).await
    }

    /// Submits bytes with this query.
    pub async fn submit_with(&self, bytes: Vec<u8>, query: &str) -> Result<Answer<Receipt>> {
        let request = self.request(Method::POST, &format!("/v1/evidence?{query}"));
        answer(request.header("content-type", EVIDENCE_MEDIA_TYPE).body(bytes).send().await?).await
    }

    /// Uploads manifests.
    pub async fn manifests(&self, manifests: &[Vec<u8>]) -> Result<Answer<ManifestsStored>> {
        let bytes = compress(&encode_manifests(manifests.iter().map(Vec::as_slice)))?;
        let request = self.request(Method::POST, "/v1/manifests");
        answer(request.header("content-type", MANIFESTS_MEDIA_TYPE).body(bytes).send().await?).await
    }

    /// Sends bytes that no HTTP client would, and reads until the answer has `last` in it.
    pub async fn raw(&self, request: &[u8], last: &str) -> Result<String> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.ca_pem.as_bytes())?)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.address).await?;
        let mut stream =
            TlsConnector::from(Arc::new(config)).connect(ServerName::try_from(NAME)?, stream).await?;
        stream.write_all(request).await?;
        let mut answer = String::new();
        let mut buffer = vec![0; 1 << 14];
        while !answer.contains(last) {
            let read = tokio::time::timeout(DEADLINE, stream.read(&mut buffer)).await;
            let size = read.with_context(|| format!("no more than: {answer}"))??;
            ensure!(size > 0, "ends after: {answer}");
            answer.push_str(&String::from_utf8_lossy(buffer.get(..size).unwrap_or_default()));
        }
        Ok(answer)
    }

    /// A request that is not sent yet, with this program's protocol version and token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self
            .http
            .request(method, format!("{}{path}", self.base))
            .header(PROTOCOL_HEADER, PROTOCOL_VERSION.to_string());
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }
}

/// What an answer gives, where a problem is a failure of the test.
pub fn granted<T>(answer: Answer<T>) -> Result<T> {
    answer.map_err(|problem| anyhow::anyhow!("{} {}: {}", problem.status, problem.code, problem.detail))
}

/// Reads an answer and holds it to the protocol.
pub async fn answer<T: DeserializeOwned>(response: Response) -> Result<Answer<T>> {
    let status = response.status();
    let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok());
    let version = header(PROTOCOL_HEADER).map(str::to_owned);
    let media_type = header("content-type").unwrap_or_default().to_owned();
    let bytes = response.bytes().await?;
    let text = || String::from_utf8_lossy(&bytes).into_owned();
    ensure!(version == Some(PROTOCOL_VERSION.to_string()), "{status} with protocol {version:?}: {}", text());
    if status.is_success() {
        return Ok(Ok(serde_json::from_slice(&bytes).with_context(text)?));
    }
    ensure!(media_type == PROBLEM_MEDIA_TYPE, "{status} as {media_type}: {}", text());
    let problem: Problem = serde_json::from_slice(&bytes).with_context(text)?;
    ensure!(problem.status == status.as_u16(), "{status} says {}: {}", problem.status, problem.code);
    ensure!(!problem.code.is_empty() && !problem.detail.is_empty(), "a problem without words: {problem:?}");
    Ok(Err(problem))
}

/// What every server certificate of a verifier holds.
const NAME: &str = "localhost";
