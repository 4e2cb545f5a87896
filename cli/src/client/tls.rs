//! TLS 1.3 under one CA.
//!
//! In: a PEM file. Out: a client's configuration that trusts the certificates in it and no others.

use std::path::Path;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{CliError, Kind};
use crate::files;
use crate::limits::CA_BYTES;

pub(crate) fn config(ca: &Path) -> Result<ClientConfig, CliError> {
    let pem = files::read(ca, CA_BYTES)?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| not_a_ca(ca, &error))?;
        roots.add(certificate).map_err(|error| not_a_ca(ca, &error))?;
    }
    if roots.is_empty() {
        return Err(not_a_ca(ca, &"there is no certificate in it"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| CliError::new(Kind::Connection, format!("cannot set up TLS: {error}")))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

fn not_a_ca(path: &Path, why: &dyn std::fmt::Display) -> CliError {
    CliError::configuration(format!("{} is not a CA file: {why}", path.display()))
        .hint("it holds PEM: -----BEGIN CERTIFICATE-----")
}
