//! The log's files in object storage that speaks S3.
//!
//! An object is there whole or not at all, and durable when the storage has answered. An immutable one is put under the
//! condition that there is none of its name; the checkpoint under the condition that it is still the one that this process has
//! read or put, so that a second sequencer on another copy of the database is found out by whichever comes later. Answers get
//! lost: where a condition fails, what is there is read, and may be what was put.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt as _;
use ledger::limits::MAX_BUNDLE_BYTES;
use object_store::aws::{AmazonS3Builder, S3ConditionalPut};
use object_store::client::{ClientOptions, HttpClient, HttpConnector};
use object_store::path::Path;
use object_store::{
    Error, ObjectStore, ObjectStoreExt as _, PutMode, PutOptions, RetryConfig, UpdateVersion,
};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

use super::{ObjectError, Objects};
use crate::config::BucketPlace;
use crate::failure::{Exit, Failure};
use crate::https;

/// Objects below a prefix.
#[derive(Debug)]
pub(crate) struct Bucket {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// Of the checkpoint: the version that was read first, or put last.
    versions: Mutex<BTreeMap<String, UpdateVersion>>,
    /// Its own, since these calls block and may be made from threads that serve another one.
    runtime: Option<Runtime>,
}

impl Bucket {
    /// The bucket of the configuration; credentials are in the environment, as AWS' own tools have them.
    pub(crate) fn open(place: &BucketPlace) -> Result<Self, Failure> {
        let retry =
            RetryConfig { max_retries: RETRIES, retry_timeout: RETRY_TIMEOUT, ..RetryConfig::default() };
        Self::s3(AmazonS3Builder::from_env().with_retry(retry), place)
    }

    /// The same with other credentials.
    pub(super) fn s3(builder: AmazonS3Builder, place: &BucketPlace) -> Result<Self, Failure> {
        let invalid = |error: &dyn std::fmt::Display| {
            Failure::new(Exit::Config, format_args!("log.objects = {}: {error}", place.url()))
                .hint("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are in the environment of the service, not in the file")
        };
        let http = https::client(&place.ca, "log.objects-ca", place.allows_http(), REQUEST_TIMEOUT)?;
        let mut builder = builder
            .with_bucket_name(&place.bucket)
            .with_conditional_put(S3ConditionalPut::ETagMatch)
            .with_http_connector(Connector(http))
            .with_allow_http(place.allows_http());
        if let Some(endpoint) = &place.endpoint {
            builder = builder.with_endpoint(endpoint);
        }
        if let Some(region) = &place.region {
            builder = builder.with_region(region);
        }
        let store = builder.build().map_err(|error| invalid(&error))?;
        Self::over(Arc::new(store), &place.prefix).map_err(|error| invalid(&error))
    }

    /// Objects of any storage below a prefix.
    pub(crate) fn over(store: Arc<dyn ObjectStore>, prefix: &str) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let prefix = prefix.trim_matches('/').to_owned();
        Ok(Self { store, prefix, versions: Mutex::default(), runtime: Some(runtime) })
    }

    fn at(&self, path: &str) -> Path {
        Path::from(format!("{}/{path}", self.prefix))
    }

    /// Waits for something that goes on in the runtime.
    fn wait<T: Send + 'static>(
        &self,
        path: &str,
        work: impl Future<Output = Result<T, ObjectError>> + Send + 'static,
    ) -> Result<T, ObjectError> {
        let gone = || io(path, &"the storage's runtime has ended");
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref().ok_or_else(gone)?;
        runtime.spawn(async move {
            let timely = tokio::time::timeout(CALL_TIMEOUT, work).await;
            let _ = tell.send(timely);
        });
        match told.recv() {
            Ok(Ok(done)) => done,
            Ok(Err(_)) => Err(io(path, &"the storage does not answer in time")),
            Err(_) => Err(gone()),
        }
    }

    /// An object with its version.
    fn fetch(&self, path: &str) -> Result<Option<(Vec<u8>, UpdateVersion)>, ObjectError> {
        let (store, at, name) = (Arc::clone(&self.store), self.at(path), path.to_owned());
        self.wait(path, async move { get(&*store, &at, &name).await })
    }

    fn versions(&self) -> MutexGuard<'_, BTreeMap<String, UpdateVersion>> {
        self.versions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        // Waiting for its threads is not allowed where another runtime runs.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Objects for Bucket {
    /// Some at a time: one that is there says nothing of the others, and the database keeps its entries until all are.
    fn create(&self, files: &[(String, Vec<u8>)]) -> Result<(), ObjectError> {
        for some in files.chunks(SIDE_BY_SIDE) {
            let store = Arc::clone(&self.store);
            let some: Vec<_> =
                some.iter().map(|(path, bytes)| (path.clone(), self.at(path), bytes.clone())).collect();
            let first = some.first().map(|(path, ..)| path.clone()).unwrap_or_default();
            self.wait(&first, async move {
                let mut puts = JoinSet::new();
                for (name, at, bytes) in some {
                    let store = Arc::clone(&store);
                    puts.spawn(async move { create_one(&*store, &at, &name, bytes).await });
                }
                while let Some(put) = puts.join_next().await {
                    put.map_err(|error| io("tile", &error))??;
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    fn replace(&self, path: &str, bytes: &[u8]) -> Result<(), ObjectError> {
        let known = self.versions().get(path).cloned();
        let mode = known.map_or(PutMode::Create, PutMode::Update);
        let (store, at, name, payload) =
            (Arc::clone(&self.store), self.at(path), path.to_owned(), bytes.to_vec());
        let put = self.wait(path, async move {
            match store.put_opts(&at, payload.into(), PutOptions::from(mode)).await {
                Ok(_) => Ok(true),
                Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => Ok(false),
                Err(error) => Err(io(&name, &error)),
            }
        })?;
        // Read back in either case: for its version, and to see whose it is.
        match (put, self.fetch(path)?) {
            (_, Some((found, version))) if found == bytes => {
                self.versions().insert(path.to_owned(), version);
                Ok(())
            }
            (true, _) => Err(ObjectError::ReadBack { path: path.to_owned() }),
            (false, _) => Err(ObjectError::Overtaken { path: path.to_owned() }),
        }
    }

    fn read(&self, path: &str) -> Result<Option<Vec<u8>>, ObjectError> {
        let Some((bytes, version)) = self.fetch(path)? else { return Ok(None) };
        if path == super::CHECKPOINT {
            // What the sequencer starts from; what is read later, for whoever asks, is no ground to replace it.
            self.versions().entry(path.to_owned()).or_insert(version);
        }
        Ok(Some(bytes))
    }

    fn remove(&self, paths: &[String]) -> Result<(), ObjectError> {
        for path in paths {
            let (store, at, name) = (Arc::clone(&self.store), self.at(path), path.clone());
            self.wait(path, async move {
                match store.delete(&at).await {
                    Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
                    Err(error) => Err(io(&name, &error)),
                }
            })?;
        }
        Ok(())
    }

    fn partials(&self) -> Result<Vec<String>, ObjectError> {
        let (store, below) = (Arc::clone(&self.store), self.at("tile"));
        let prefix = self.at("").to_string();
        self.wait("tile", async move {
            let mut listed = store.list(Some(&below));
            let mut found = Vec::new();
            while let Some(object) = listed.try_next().await.map_err(|error| io("tile", &error))? {
                let location = object.location.to_string();
                let path = location.strip_prefix(&prefix).unwrap_or(&location).trim_start_matches('/');
                if path.contains(".p/") {
                    found.push(path.to_owned());
                }
            }
            Ok(found)
        })
    }
}

async fn create_one(
    store: &dyn ObjectStore,
    at: &Path,
    name: &str,
    bytes: Vec<u8>,
) -> Result<(), ObjectError> {
    let put = store.put_opts(at, bytes.clone().into(), PutOptions::from(PutMode::Create)).await;
    let put = match put {
        Ok(_) => true,
        // It was there after a crash, or the answer to an earlier try was lost.
        Err(Error::AlreadyExists { .. } | Error::Precondition { .. }) => false,
        Err(error) => return Err(io(name, &error)),
    };
    match (put, get(store, at, name).await?) {
        (_, Some((found, _))) if found == bytes => Ok(()),
        (false, Some(_)) => Err(ObjectError::Differs { path: name.to_owned() }),
        _ => Err(ObjectError::ReadBack { path: name.to_owned() }),
    }
}

async fn get(
    store: &dyn ObjectStore,
    at: &Path,
    name: &str,
) -> Result<Option<(Vec<u8>, UpdateVersion)>, ObjectError> {
    let found = match store.get(at).await {
        Ok(found) => found,
        Err(Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(io(name, &error)),
    };
    if found.meta.size > MAX_BUNDLE_BYTES as u64 {
        return Err(io(
            name,
            &format_args!("{} bytes; no file of a log has more than {MAX_BUNDLE_BYTES}", found.meta.size),
        ));
    }
    let version = UpdateVersion { e_tag: found.meta.e_tag.clone(), version: found.meta.version.clone() };
    let bytes = found.bytes().await.map_err(|error| io(name, &error))?;
    Ok(Some((bytes.to_vec(), version)))
}

fn io(path: &str, error: &dyn std::fmt::Display) -> ObjectError {
    ObjectError::Io { path: path.to_owned(), message: error.to_string(), full: false }
}

/// Gives the storage our client, which trusts what the configuration names.
#[derive(Debug)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(self.0.clone()))
    }
}

/// Puts at the same time: a second's leaves at full rate are some 40 bundles.
const SIDE_BY_SIDE: usize = 16;
const RETRIES: usize = 4;
const RETRY_TIMEOUT: Duration = Duration::from_secs(20);
/// One request.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);
/// All of one call, tries and all.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);
