//! A verifier's certificate authority by its fingerprint, for hosts to which nobody has copied a file.
//!
//! In: an address, and the SHA-256 of the authority's certificate. Out: that certificate, in PEM. The handshake by which it is had is given up before anything is
//! sent or believed: whatever else the server shows is of no account, and the connection that enrols trusts this certificate alone.

use std::net::{TcpStream, ToSocketAddrs as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use evidence::digest::Sha256Digest;
use reqwest::Url;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme};
use wire::AUTHORITY_ALPN;

use crate::submit::ClientError;

/// Asks the server for its authority's certificate.
pub fn authority(url: &Url, fingerprint: &Sha256Digest) -> Result<String, ClientError> {
    let shown = chain(url)?;
    let found = shown.iter().find(|certificate| Sha256Digest::of(&[certificate]) == *fingerprint);
    found.map(|certificate| pem(certificate)).ok_or_else(|| ClientError::Fingerprint {
        fingerprint: fingerprint.to_string(),
        shown: shown.iter().map(|certificate| Sha256Digest::of(&[certificate]).to_string()).collect(),
    })
}

/// The certificates that a server shows.
fn chain(url: &Url) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let unreachable = |reason: String| ClientError::Unreachable { reason };
    let client = |reason: String| ClientError::Client { reason };
    let host = url.host_str().ok_or_else(|| client("the address has no host".to_owned()))?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let name = ServerName::try_from(bare.to_owned()).map_err(|error| client(error.to_string()))?;
    let port = url.port_or_known_default().unwrap_or(443);
    let addresses = (bare, port).to_socket_addrs().map_err(|error| unreachable(error.to_string()))?;
    let mut last = unreachable(format!("{host} has no address"));
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return shown(stream, name),
            Err(error) => last = unreachable(format!("{address}: {error}")),
        }
    }
    Err(last)
}

fn shown(
    mut stream: TcpStream,
    name: ServerName<'static>,
) -> Result<Vec<CertificateDer<'static>>, ClientError> {
    let unreachable = |error: &dyn std::fmt::Display| ClientError::Unreachable { reason: error.to_string() };
    let client = |error: &dyn std::fmt::Display| ClientError::Client { reason: error.to_string() };
    stream.set_read_timeout(Some(READ)).map_err(|error| client(&error))?;
    stream.set_write_timeout(Some(READ)).map_err(|error| client(&error))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let onlooker = Arc::new(Onlooker {
        schemes: provider.signature_verification_algorithms.supported_schemes(),
        seen: Mutex::default(),
    });
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| client(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::<Onlooker>::clone(&onlooker))
        .with_no_client_auth();
    config.alpn_protocols = vec![AUTHORITY_ALPN.to_vec(), b"http/1.1".to_vec()];
    let mut connection = ClientConnection::new(Arc::new(config), name).map_err(|error| client(&error))?;
    // It always fails: at the latest when the onlooker has seen what it came for.
    let given_up = connection.complete_io(&mut stream);
    let seen = std::mem::take(&mut *onlooker.seen.lock().unwrap_or_else(PoisonError::into_inner));
    match given_up {
        Err(error) if seen.is_empty() => Err(unreachable(&error)),
        _ => Ok(seen),
    }
}

/// Looks at a server's certificates and accepts none.
#[derive(Debug)]
struct Onlooker {
    schemes: Vec<SignatureScheme>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let all = std::iter::once(end_entity).chain(intermediates).take(CHAIN);
        let seen = all.map(|certificate| certificate.clone().into_owned()).collect();
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        Err(LOOKED)
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(LOOKED)
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(LOOKED)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes.clone()
    }
}

//= RFC 7468 §5: textual encoding of certificates
fn pem(certificate: &[u8]) -> String {
    let text = STANDARD.encode(certificate);
    let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(LINE));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END CERTIFICATE-----\n");
    pem
}

/// Why the handshake is given up.
const LOOKED: rustls::Error =
    rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure);
/// Characters of a line of PEM.
const LINE: usize = 64;
/// Certificates that are looked at.
const CHAIN: usize = 8;
const CONNECT: Duration = Duration::from_secs(10);
const READ: Duration = Duration::from_secs(10);
