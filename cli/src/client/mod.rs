//! Questions to a verifier over HTTPS.
//!
//! In: a connection, paths and parameters. Out: typed answers, or errors with hints. TLS is 1.3 under the given CA alone;
//! redirects are not followed, replies have limits and times. The answers are the verifier's word.

pub(crate) mod tls;

use std::time::{Duration, Instant};

use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, Response, StatusCode, Url};
use serde::Serialize;
use serde::de::DeserializeOwned;
use wire::{PROTOCOL_HEADER, PROTOCOL_VERSION, Problem};

use crate::config::Connection;
use crate::error::{CliError, Kind};
use crate::limits::JSON_REPLY_BYTES;

/// A verifier that can be asked.
pub(crate) struct Client {
    runtime: tokio::runtime::Runtime,
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    /// How long it is waited where the verifier says that there were too many requests.
    patience: Duration,
}

/// What is asked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    /// Segments of the path.
    pub(crate) path: &'a [&'a str],
    /// Parameters.
    pub(crate) query: &'a [(&'a str, &'a str)],
}

impl<'a> Request<'a> {
    /// A path without parameters.
    pub(crate) const fn path(path: &'a [&'a str]) -> Self {
        Self { path, query: &[] }
    }
}

/// An answer other than success.
pub(crate) enum Denied {
    /// There is no such thing.
    NotFound(CliError),
    /// There were too many requests.
    TooMany(CliError),
    /// Anything else.
    Other(CliError),
}

impl From<Denied> for CliError {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::NotFound(error) | Denied::TooMany(error) | Denied::Other(error) => error,
        }
    }
}

impl From<CliError> for Denied {
    fn from(error: CliError) -> Self {
        Self::Other(error)
    }
}

impl Client {
    /// A client of this verifier; nothing is sent yet.
    pub(crate) fn new(connection: &Connection) -> Result<Self, CliError> {
        let local = |error: &dyn std::error::Error| {
            CliError::new(Kind::Connection, format!("cannot set up TLS: {error}"))
        };
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(|e| local(&e))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(&connection.ca)?)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .timeout(TOTAL_TIMEOUT)
            .user_agent(concat!("lydian/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| local(&error))?;
        let authorization = connection.token.as_deref().map(bearer).transpose()?;
        let (base, patience) = (connection.url.clone(), Duration::ZERO);
        Ok(Self { runtime, http, base, authorization, patience })
    }

    /// A client for very many requests, which waits where the verifier wants that.
    pub(crate) fn patient(connection: &Connection) -> Result<Self, CliError> {
        Ok(Self { patience: PATIENCE, ..Self::new(connection)? })
    }

    /// Asks for JSON.
    pub(crate) fn get<T: DeserializeOwned>(&self, request: Request<'_>) -> Result<T, Denied> {
        let bytes = self.get_bytes(request, JSON_REPLY_BYTES)?;
        Ok(parse(&bytes)?)
    }

    /// Asks for bytes.
    pub(crate) fn get_bytes(&self, request: Request<'_>, limit: usize) -> Result<Vec<u8>, Denied> {
        self.send(&Method::GET, request, None, limit)
    }

    /// Sends JSON and reads JSON.
    pub(crate) fn post<T: DeserializeOwned>(
        &self,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, CliError> {
        let body = serde_json::to_vec(body).map_err(|error| CliError::output(&error))?;
        let bytes = self.send(&Method::POST, Request::path(path), Some(&body), JSON_REPLY_BYTES)?;
        parse(&bytes)
    }

    /// Sends JSON to where nothing is answered.
    pub(crate) fn tell(&self, path: &[&str], body: &impl Serialize) -> Result<(), Denied> {
        let body = serde_json::to_vec(body).map_err(|error| CliError::output(&error))?;
        self.send(&Method::POST, Request::path(path), Some(&body), JSON_REPLY_BYTES).map(|_| ())
    }

    /// Deletes something.
    pub(crate) fn delete(&self, path: &[&str]) -> Result<(), Denied> {
        self.send(&Method::DELETE, Request::path(path), None, JSON_REPLY_BYTES).map(|_| ())
    }

    fn send(
        &self,
        method: &Method,
        ask: Request<'_>,
        body: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<u8>, Denied> {
        let began = Instant::now();
        loop {
            match self.send_once(method, ask, body, limit) {
                Err(Denied::TooMany(_)) if began.elapsed() < self.patience => std::thread::sleep(PAUSE),
                sent => return sent,
            }
        }
    }

    fn send_once(
        &self,
        method: &Method,
        ask: Request<'_>,
        body: Option<&[u8]>,
        limit: usize,
    ) -> Result<Vec<u8>, Denied> {
        let url = self.url(ask)?;
        let mut request = self.http.request(method.clone(), url).header(PROTOCOL_HEADER, PROTOCOL_VERSION);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization.clone());
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_vec());
        }
        self.runtime.block_on(async {
            let failed = |error: reqwest::Error| CliError::connection(&self.base, &error);
            let response = request.send().await.map_err(failed)?;
            check_protocol(&response)?;
            let status = response.status();
            let limit = if status.is_success() { limit } else { JSON_REPLY_BYTES };
            let bytes = read(response, limit, failed).await?;
            if status.is_success() { Ok(bytes) } else { Err(denied(status, &bytes)) }
        })
    }

    fn url(&self, ask: Request<'_>) -> Result<Url, CliError> {
        let mut url = self.base.clone();
        if let Some(bad) = ask.path.iter().find(|segment| matches!(**segment, "" | "." | "..")) {
            return Err(CliError::value("name", format!("{bad:?} cannot be one")));
        }
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ask.path);
        }
        if !ask.query.is_empty() {
            url.query_pairs_mut().extend_pairs(ask.query);
        }
        Ok(url)
    }
}

fn bearer(token: &str) -> Result<HeaderValue, CliError> {
    let mut value = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| CliError::value("token", "it has characters that no token has"))?;
    value.set_sensitive(true);
    Ok(value)
}

/// An answer without the header is not refused here: what is not a verifier shows by its answer's form.
fn check_protocol(response: &Response) -> Result<(), CliError> {
    match response.headers().get(PROTOCOL_HEADER).map(|value| String::from_utf8_lossy(value.as_bytes())) {
        Some(found) if found != PROTOCOL_VERSION.to_string() => Err(CliError::protocol(&found)),
        _ => Ok(()),
    }
}

async fn read(
    mut response: Response,
    limit: usize,
    failed: impl Fn(reqwest::Error) -> CliError,
) -> Result<Vec<u8>, CliError> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(&failed)? {
        if bytes.len().saturating_add(chunk.len()) > limit {
            return Err(CliError::reply(format!("the verifier's answer has more than {limit} bytes")));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

fn denied(status: StatusCode, bytes: &[u8]) -> Denied {
    let Ok(problem) = serde_json::from_slice::<Problem>(bytes) else {
        return Denied::Other(CliError::reply(format!(
            "the answer is {status}, and not in a verifier's form"
        )));
    };
    let error = CliError::problem(&problem);
    match status {
        StatusCode::NOT_FOUND => Denied::NotFound(error),
        StatusCode::TOO_MANY_REQUESTS => Denied::TooMany(error),
        _ => Denied::Other(error),
    }
}

fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CliError> {
    serde_json::from_slice(bytes)
        .map_err(|error| CliError::reply(format!("the answer cannot be read: {error}")))
}

/// A verifier counts requests by the minute.
const PATIENCE: Duration = Duration::from_mins(2);
const PAUSE: Duration = Duration::from_millis(500);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const TOTAL_TIMEOUT: Duration = Duration::from_mins(5);
