//! Clients of other people's servers: witnesses, object storage.
//!
//! In: a file of certificates. Out: a client that trusts those alone, follows nobody elsewhere, and waits no longer than it is told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Client;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::failure::{Exit, Failure};
use crate::files;
use crate::limits::ROOTS_BYTES;

/// A client; `setting` names the file in the configuration. Where it may also ask in the clear, the file may be absent.
pub(crate) fn client(ca: &Path, setting: &str, clear: bool, timeout: Duration) -> Result<Client, Failure> {
    let unusable = |why: &dyn std::fmt::Display| {
        Failure::new(Exit::Config, format_args!("cannot trust {}: {why}", ca.display())).hint(format_args!(
            "{setting} is a PEM file; Debian's ca-certificates has /etc/ssl/certs/ca-certificates.crt"
        ))
    };
    let mut roots = RootCertStore::empty();
    if !clear || ca.exists() {
        let pem = files::read_trusted(ca, ROOTS_BYTES)?;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            roots.add(certificate.map_err(|error| unusable(&error))?).map_err(|error| unusable(&error))?;
        }
        if roots.is_empty() {
            return Err(unusable(&"there is no certificate in it"));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unusable(&error))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .timeout(timeout)
        .user_agent(concat!("lydian-verifier/", env!("CARGO_PKG_VERSION")))
        .build()
        .map_err(|error| Failure::new(Exit::Software, error))
}

/// What went wrong on the way.
pub(crate) fn why(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "it does not answer in time"
    } else if error.is_connect() {
        "it cannot be reached"
    } else {
        "the connection failed"
    };
    // The last cause is the one that says something.
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    format!("{what}: {cause}")
}
