//! Where a log's files are: in a directory, or below an address.
//!
//! In: paths of the log's own making. Out: bytes, or that there is no such file. Nothing of them is believed here.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ledger::checkpoint::SignedCheckpoint;
use ledger::limits::{MAX_BUNDLE_BYTES, MAX_NOTE_BYTES};
use ledger::tile::{Resource, TileSource, indexed_path};
use reqwest::{StatusCode, Url};

use crate::client::tls;
use crate::error::{CliError, Kind};
use crate::files;

/// The files of a log.
#[derive(Debug)]
pub(super) enum Source {
    /// Below a directory.
    Directory(PathBuf),
    /// Below an address.
    Web { runtime: tokio::runtime::Runtime, http: reqwest::Client, base: Url },
    /// Somewhere else; whatever is read of it is kept in a directory, which is then enough to read the same again.
    Kept { from: Box<Self>, into: PathBuf },
}

impl Source {
    /// What somebody wrote: an address begins with `https://`, everything else is a directory.
    pub(super) fn open(place: &str, ca: Option<&Path>) -> Result<Self, CliError> {
        if !place.starts_with("https://") {
            let path = Path::new(place);
            return if path.is_dir() {
                Ok(Self::Directory(path.to_owned()))
            } else {
                Err(CliError::new(Kind::File, format!("{place}: there is no such directory"))
                    .hint("a directory with `checkpoint` and `tile/` in it, or an address that begins with https://"))
            };
        }
        let base: Url = format!("{}/", place.trim_end_matches('/'))
            .parse()
            .map_err(|error| CliError::value("address", error))?;
        let setup = |error: &dyn std::fmt::Display| {
            CliError::new(Kind::Connection, format!("cannot set up TLS: {error}"))
        };
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| setup(&error))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(ca.unwrap_or(Path::new(SYSTEM_CA)))?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(TIMEOUT)
            .build()
            .map_err(|error| setup(&error))?;
        Ok(Self::Web { runtime, http, base })
    }

    /// A file of at most `limit` bytes; `None` where there is none.
    fn file(&self, path: &str, limit: usize) -> Result<Option<Vec<u8>>, CliError> {
        match self {
            Self::Directory(root) => {
                let path = root.join(path);
                match File::open(&path) {
                    Ok(file) => files::read_all(file, &path, limit).map(Some),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(CliError::file(&path, &error)),
                }
            }
            Self::Web { runtime, http, base } => runtime.block_on(fetch(http, base, path, limit)),
            Self::Kept { from, into } => {
                let kept = into.join(path);
                if kept.exists() {
                    return files::read(&kept, limit).map(Some);
                }
                let Some(bytes) = from.file(path, limit)? else { return Ok(None) };
                if let Some(dir) = kept.parent() {
                    fs::create_dir_all(dir).map_err(|error| CliError::file(dir, &error))?;
                }
                files::write(&kept, &bytes)?;
                Ok(Some(bytes))
            }
        }
    }

    /// The same, with everything that is read of it kept in a directory.
    pub(super) fn kept(self, into: PathBuf) -> Self {
        Self::Kept { from: Box::new(self), into }
    }

    /// The published checkpoint.
    pub(super) fn checkpoint(&self) -> Result<SignedCheckpoint, CliError> {
        let bytes = self.file("checkpoint", MAX_NOTE_BYTES)?.ok_or_else(|| {
            CliError::new(Kind::File, "there is no checkpoint there")
                .hint("a log's files are `checkpoint`, `tile/…` and, with us, `archive/…`")
        })?;
        SignedCheckpoint::parse(&bytes)
            .map_err(|error| CliError::new(Kind::Input, format!("checkpoint: {error}")))
    }

    /// The archived checkpoint of this number, as it is.
    pub(super) fn archived(&self, number: u64) -> Result<Option<Vec<u8>>, CliError> {
        self.file(&format!("archive/{}", indexed_path(number)), MAX_NOTE_BYTES)
    }
}

async fn fetch(
    http: &reqwest::Client,
    base: &Url,
    path: &str,
    limit: usize,
) -> Result<Option<Vec<u8>>, CliError> {
    let failed = |error: reqwest::Error| CliError::connection(base, &error);
    let url = base.join(path).map_err(|error| CliError::value("address", error))?;
    let began = Instant::now();
    let mut response = loop {
        let response = http.get(url.clone()).send().await.map_err(failed)?;
        if response.status() != StatusCode::TOO_MANY_REQUESTS || began.elapsed() > PATIENCE {
            break response;
        }
        tokio::time::sleep(PAUSE).await;
    };
    match response.status() {
        StatusCode::OK => {}
        StatusCode::NOT_FOUND => return Ok(None),
        status => return Err(CliError::new(Kind::Reply, format!("{url}: {status}"))),
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() > limit {
            return Err(CliError::new(Kind::Reply, format!("{url}: more than {limit} bytes")));
        }
    }
    Ok(Some(bytes))
}

impl TileSource for Source {
    type Error = CliError;

    fn read(&self, resource: Resource) -> Result<Option<Vec<u8>>, CliError> {
        self.file(&resource.to_string(), MAX_BUNDLE_BYTES)
    }
}

/// Debian's bundle of public authorities.
const SYSTEM_CA: &str = "/etc/ssl/certs/ca-certificates.crt";
/// A verifier that serves its own log counts requests by the minute.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(500);
const TIMEOUT: Duration = Duration::from_secs(60);
