//! Alerts: what watches find, told to somebody.
//!
//! In: what was found and recorded, and an address. Out: it was posted there, in the order in which it was found, and whoever is there said with
//! 2xx that it has it. Up to where that came is recorded, so that neither an address that is away nor a start of this program loses anything; what was
//! told and not yet recorded is told again.

use std::time::Duration;

use reqwest::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use tokio_util::sync::CancellationToken;
use wire::watch::Alerts;

use crate::config;
use crate::failure::{Exit, Failure};
use crate::files::read_secret;
use crate::https;
use crate::limits::{ALERT_RETRY, ALERT_TIMEOUT, AUTHORIZATION_BYTES};
use crate::record::{RecordError, Recorder, Work};
use crate::store::{Store, StoreError, watch};
use crate::watch::{Alerting, Watcher};

/// Tells somebody.
#[derive(Debug)]
pub(crate) struct Alerter {
    place: Place,
    origin: String,
    store: Store,
    recorder: Recorder,
    watcher: Watcher,
}

/// Whom, and how.
#[derive(Debug)]
pub(crate) struct Place {
    http: Client,
    url: reqwest::Url,
    headers: HeaderMap,
}

impl Place {
    /// Reads what the configuration names.
    pub(crate) fn open(alerts: &config::Alerts) -> Result<Self, Failure> {
        let mut headers = HeaderMap::new();
        if let Some(path) = &alerts.authorization {
            let bytes = read_secret(path, AUTHORIZATION_BYTES)?;
            let mut value = HeaderValue::from_bytes(bytes.trim_ascii()).map_err(|_| {
                Failure::new(Exit::Config, format_args!("{} is no header's value", path.display()))
                    .hint("alerts.authorization-file has one line, such as: Bearer 0123abcd")
            })?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let clear = alerts.url.scheme() == "http";
        let http = https::client(&alerts.ca, "alerts.ca", clear, ALERT_TIMEOUT)?;
        Ok(Self { http, url: alerts.url.clone(), headers })
    }

    async fn post(&self, alerts: &Alerts) -> Result<(), String> {
        let body = serde_json::to_vec(alerts).map_err(|error| error.to_string())?;
        let request = self.http.post(self.url.clone()).headers(self.headers.clone());
        let request = request.header("content-type", "application/json").body(body);
        // Without the address, of which a part may be secret.
        let answer = request.send().await.map_err(|error| https::why(&error.without_url()))?;
        if answer.status().is_success() { Ok(()) } else { Err(format!("it answers {}", answer.status())) }
    }
}

#[derive(Debug, thiserror::Error)]
enum AlertError {
    #[error("{0}")]
    Place(String),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Alerter {
    /// What is found from now on is told, unless somebody was to be told before.
    pub(crate) async fn begin(
        place: Place,
        origin: String,
        store: Store,
        recorder: Recorder,
        watcher: Watcher,
    ) -> Result<Self, Failure> {
        let begun = recorder.record(Work::Alerted(None)).await;
        begun.map_err(|error| Failure::new(Exit::Io, format_args!("alerts: {error}")))?;
        watcher.set_alerting(Alerting::On(None));
        Ok(Self { place, origin, store, recorder, watcher })
    }

    /// Tells until it is asked to end.
    pub(crate) async fn run(self, stop: CancellationToken) {
        tokio::select! {
            () = stop.cancelled() => {}
            () = self.tell() => {}
        }
    }

    async fn tell(&self) {
        let (first, longest) = ALERT_RETRY;
        let mut pause: Option<Duration> = None;
        loop {
            match self.some().await {
                Ok(told) => {
                    if pause.take().is_some() {
                        tracing::info!("alerts are told again");
                    }
                    self.watcher.set_alerting(Alerting::On(None));
                    if told == 0 {
                        self.watcher.found().await;
                    }
                }
                Err(AlertError::Record(RecordError::Stopped)) => return,
                Err(error) => {
                    if pause.is_none() {
                        tracing::error!(%error, "alerts cannot be told; they are kept, and it is tried again");
                    }
                    self.watcher.set_alerting(Alerting::On(Some(error.to_string())));
                    let wait = pause.map_or(first, |last| longest.min(last.saturating_mul(2)));
                    pause = Some(wait);
                    tokio::time::sleep(wait).await;
                }
            }
        }
    }

    /// How many were told.
    async fn some(&self) -> Result<usize, AlertError> {
        let alerts = watch::untold(self.store.readers()).await?;
        let Some(last) = alerts.last().map(|alert| alert.hit.id) else { return Ok(0) };
        let count = alerts.len();
        let alerts = Alerts { verifier: self.origin.clone(), alerts };
        self.place.post(&alerts).await.map_err(AlertError::Place)?;
        self.recorder.record(Work::Alerted(Some(last))).await?;
        Ok(count)
    }
}
