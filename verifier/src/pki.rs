//! The verifier's own certificate authority, and the certificate that it serves.
//!
//! In: the state directory, or files that somebody else keeps. Out: what TLS presents, and the authority that
//! agents pin. The authority's key is made once and kept; the server's key lives in memory only, and a new
//! certificate is issued at each start and long before the last one expires. That agents reached the right
//! authority is established by whoever hands them its certificate.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use evidence::time::UnixTime;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use time::OffsetDateTime;
use wire::AUTHORITY_ALPN;

use crate::config::TlsSource;
use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::limits::PEM_BYTES;

/// The certificate that is served now, and where the next one comes from.
#[derive(Debug)]
pub struct ServerIdentity {
    ca_pem: String,
    authority: Vec<CertificateDer<'static>>,
    source: Source,
    current: RwLock<Arc<CertifiedKey>>,
}

#[derive(Debug)]
enum Source {
    Own { authority: Box<Authority>, names: Vec<String> },
    Files,
}

impl ServerIdentity {
    /// Reads or makes what the configuration asks for.
    pub fn open(tls: &TlsSource, state_dir: &Path, names: &[String], now: UnixTime) -> Result<Self, Failure> {
        match tls {
            TlsSource::OwnCa => {
                let authority = Box::new(Authority::open_or_make(state_dir, now)?);
                let names = all_names(names);
                let current = RwLock::new(authority.issue(&names, now)?);
                let ca_pem = authority.certificate_pem.clone();
                let source = Source::Own { authority, names };
                Ok(Self { authority: certificates(&ca_pem)?, ca_pem, source, current })
            }
            TlsSource::Files { ca, certificate, key } => {
                let ca_pem = text(ca, files::read_trusted(ca, PEM_BYTES)?)?;
                let current = RwLock::new(from_files(certificate, key)?);
                Ok(Self { authority: certificates(&ca_pem)?, ca_pem, source: Source::Files, current })
            }
        }
    }

    /// What agents and operators pin, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Issues a new certificate where the authority is our own.
    pub fn renew(&self, now: UnixTime) -> Result<(), Failure> {
        if let Source::Own { authority, names } = &self.source {
            let fresh = authority.issue(names, now)?;
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
        Ok(())
    }
}

impl ResolvesServerCert for ServerIdentity {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        let asks = hello.alpn().is_some_and(|mut offered| offered.any(|name| name == AUTHORITY_ALPN));
        if !asks {
            return Some(current);
        }
        let mut shown = CertifiedKey::clone(&current);
        shown.cert.retain(|certificate| !self.authority.contains(certificate));
        shown.cert.extend(self.authority.iter().cloned());
        Some(Arc::new(shown))
    }
}

/// A certificate authority of our own.
struct Authority {
    key: KeyPair,
    certificate_pem: String,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority(..)")
    }
}

impl Authority {
    fn open_or_make(dir: &Path, now: UnixTime) -> Result<Self, Failure> {
        let (key_path, certificate_path) = (dir.join("ca.key"), dir.join("ca.pem"));
        let key = if key_path.exists() {
            let pem = text(&key_path, files::read_secret(&key_path, PEM_BYTES)?)?;
            KeyPair::from_pem(&pem).map_err(|error| unusable(&key_path, &error))?
        } else {
            let key = KeyPair::generate().map_err(|error| Failure::new(Exit::Software, error))?;
            files::write_whole(&key_path, key.serialize_pem().as_bytes(), Audience::Owner)?;
            key
        };
        // A crash between the two files leaves a key without its certificate, which is made from it alone.
        let certificate_pem = if certificate_path.exists() {
            text(&certificate_path, files::read_trusted(&certificate_path, PEM_BYTES)?)?
        } else {
            let certificate = authority_params(&key, now)
                .self_signed(&key)
                .map_err(|error| Failure::new(Exit::Software, error))?;
            files::write_whole(&certificate_path, certificate.pem().as_bytes(), Audience::Everybody)?;
            certificate.pem()
        };
        Ok(Self { key, certificate_pem })
    }

    fn issue(&self, names: &[String], now: UnixTime) -> Result<Arc<CertifiedKey>, Failure> {
        let software = |error: &dyn std::fmt::Display| Failure::new(Exit::Software, error);
        let mut params = CertificateParams::new(names).map_err(|error| {
            Failure::new(Exit::Config, format_args!("names cannot be put into a certificate: {error}"))
        })?;
        params.not_before = date(now) - CLOCK_TOLERANCE;
        params.not_after = date(now) + SERVER_LIFE;
        params.distinguished_name.push(DnType::CommonName, "lydian-verifier");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().map_err(|error| software(&error))?;
        let authority = authority_params(&self.key, now);
        let certificate = params
            .signed_by(&key, &Issuer::from_params(&authority, &self.key))
            .map_err(|error| software(&error))?;
        let private = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let signer = any_supported_type(&private).map_err(|error| software(&error))?;
        Ok(Arc::new(CertifiedKey::new(vec![certificate.der().clone()], signer)))
    }
}

/// The authority's name is made from its key, so that the key alone suffices to issue.
fn authority_params(key: &KeyPair, now: UnixTime) -> CertificateParams {
    let mut params = CertificateParams::default();
    let fingerprint = evidence::digest::Sha256Digest::of(&[key.public_key_raw()]).to_string();
    let short: String = fingerprint.chars().take(16).collect();
    params.distinguished_name.push(DnType::CommonName, format!("Lydian verifier CA {short}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.not_before = date(now) - CLOCK_TOLERANCE;
    params.not_after = date(now) + AUTHORITY_LIFE;
    params
}

fn from_files(certificate: &Path, key: &Path) -> Result<Arc<CertifiedKey>, Failure> {
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&files::read_trusted(certificate, PEM_BYTES)?)
        .collect::<Result<_, _>>()
        .map_err(|error| unusable(certificate, &error))?;
    if chain.is_empty() {
        return Err(unusable(certificate, &"it holds no certificate"));
    }
    let private = PrivateKeyDer::from_pem_slice(&files::read_secret(key, PEM_BYTES)?)
        .map_err(|error| unusable(key, &error))?;
    let signer = any_supported_type(&private).map_err(|error| unusable(key, &error))?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) => Ok(Arc::new(certified)),
        Err(error) => Err(unusable(key, &error).hint("is it the certificate's key?")),
    }
}

fn all_names(configured: &[String]) -> Vec<String> {
    let uname = rustix::system::uname();
    let own = uname.nodename().to_string_lossy().into_owned();
    let fixed = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut names = configured.to_vec();
    for name in fixed.into_iter().chain([own]) {
        if !name.is_empty() && name.is_ascii() && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The certificates of a file that was read before.
pub(crate) fn certificates(pem: &str) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let all = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<Result<Vec<_>, _>>();
    all.map_err(|error| {
        Failure::new(Exit::Config, format_args!("the authority's certificate cannot be read: {error}"))
    })
}

fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Failure> {
    String::from_utf8(bytes).map_err(|error| unusable(path, &error))
}

fn unusable(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Config, format_args!("cannot use {}: {why}", path.display()))
}

fn date(at: UnixTime) -> OffsetDateTime {
    let secs = i64::try_from(at.as_secs()).unwrap_or(i64::MAX);
    OffsetDateTime::from_unix_timestamp(secs).unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// Agents' clocks may be behind ours.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(24 * 3_600);
const AUTHORITY_LIFE: Duration = Duration::from_secs(20 * 365 * 24 * 3_600);
const SERVER_LIFE: Duration = Duration::from_secs(90 * 24 * 3_600);
/// How often a new certificate is issued: two may fail before one expires.
pub const RENEWAL: Duration = Duration::from_secs(30 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Config, Overrides, RawConfig};

    fn open_of(config: &Config, now: UnixTime) -> Result<ServerIdentity, Failure> {
        ServerIdentity::open(&config.tls, &config.state_dir, &config.names, now)
    }

    fn config(dir: &Path, toml: &str) -> Config {
        let overrides = Overrides { state_dir: Some(dir.into()), ..Overrides::default() };
        Config::new(toml::from_str::<RawConfig>(toml).unwrap(), &overrides).unwrap()
    }

    #[test]
    fn the_authority_stays_and_certificates_change() {
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), "names = ['verifier.example.com', '192.0.2.1']");
        let now = crate::clock::Clock::system().now();
        let first = open_of(&config, now).unwrap();
        let second = open_of(&config, now).unwrap();
        assert_eq!(first.ca_pem(), second.ca_pem());
        let served = |identity: &ServerIdentity| identity.current.read().unwrap().cert[0].to_vec();
        assert_ne!(served(&first), served(&second));
        let before = served(&first);
        first.renew(now).unwrap();
        assert_ne!(served(&first), before);
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let config = config(dir.path(), "");
        let now = crate::clock::Clock::system().now();
        open_of(&config, now).unwrap();
        let key = dir.path().join("ca.key");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(open_of(&config, now).unwrap_err().exit(), Exit::Permission);
    }

    #[test]
    fn given_files_must_belong_together() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        let (key, other) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let certificate =
            CertificateParams::new(vec!["x.example".into()]).unwrap().self_signed(&key).unwrap();
        files::write_whole(&path("cert.pem"), certificate.pem().as_bytes(), Audience::Everybody).unwrap();
        files::write_whole(&path("right.key"), key.serialize_pem().as_bytes(), Audience::Owner).unwrap();
        files::write_whole(&path("wrong.key"), other.serialize_pem().as_bytes(), Audience::Owner).unwrap();
        let open = |key: &str| {
            let file = |name: &str| path(name).display().to_string();
            let toml =
                format!("[tls]\nca = '{0}'\ncertificate = '{0}'\nkey = '{1}'", file("cert.pem"), file(key));
            open_of(&config(dir.path(), &toml), UnixTime::from_secs(0))
        };
        open("right.key").unwrap();
        assert_eq!(open("wrong.key").unwrap_err().exit(), Exit::Config);
        assert_eq!(open("cert.pem").unwrap_err().exit(), Exit::Permission);
    }
}
