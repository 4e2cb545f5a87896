//! A server with a certificate of its own that answers every request with one and the same bytes.
//!
//! In: the answer. Out: an address and the CA to pin. It stands for what is no verifier of this version: an older or
//! newer one, or something else on its port.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use rcgen::{CertificateParams, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// A running server; it ends when this is dropped.
#[derive(Debug)]
pub struct Stranger {
    address: SocketAddr,
    ca_pem: String,
    serving: AbortHandle,
}

impl Stranger {
    /// Starts a server that answers with these bytes, status line and headers included, and hangs up.
    pub async fn start(answer: &str) -> Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["localhost".to_owned()])?.self_signed(&key)?;
        let private = PrivatePkcs8KeyDer::from(key.serialize_der());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private.into())?;
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let serving = tokio::spawn(serve(listener, acceptor, answer.to_owned())).abort_handle();
        Ok(Self { address, ca_pem: certificate.pem(), serving })
    }

    /// What a client is pointed at.
    pub fn url(&self) -> String {
        format!("https://localhost:{}", self.address.port())
    }

    /// What a client pins.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, answer: String) {
    while let Ok((stream, _)) = listener.accept().await {
        // A client that hangs up is served no more.
        let _served = talk(stream, &acceptor, &answer).await;
    }
}

async fn talk(stream: TcpStream, acceptor: &TlsAcceptor, answer: &str) -> std::io::Result<()> {
    let mut stream = acceptor.accept(stream).await?;
    let mut request = vec![0; 1 << 16];
    let _size = stream.read(&mut request).await?;
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}
