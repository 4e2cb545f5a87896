//! The log in object storage: over HTTP to a storage that fails and loses answers, and with somebody else at the same objects.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use evidence::time::UnixTime;
use object_store::aws::AmazonS3Builder;
use object_store::memory::InMemory;
use object_store::{BackoffConfig, RetryConfig};
use rand_chacha::ChaCha8Rng;
use rand_core::{RngCore as _, SeedableRng as _};

use super::crash::{Told, check, key, work};
use crate::clock::Clock;
use crate::config::BucketPlace;
use crate::failure::Failure;
use crate::log::bucket::Bucket;
use crate::log::sequence::Patience;
use crate::log::{CHECKPOINT, ObjectError, Objects};
use crate::record::{Heads, Place, Recorder, Work, start};
use crate::store::action::Who;

/// As much of S3 as a log needs.
struct Storage {
    objects: BTreeMap<String, (Vec<u8>, u64)>,
    versions: u64,
    random: ChaCha8Rng,
    weather: Weather,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Weather {
    Fine,
    /// One request of twenty fails, and of one of twenty the answer is lost.
    Rough,
    Down,
}

type Shared = Arc<Mutex<Storage>>;

impl Storage {
    fn shared(seed: u64) -> Shared {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Arc::new(Mutex::new(Self { objects: BTreeMap::new(), versions: 0, random, weather: Weather::Fine }))
    }

    fn answer(&mut self, method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Response {
        let path = uri.path().trim_start_matches("/bucket").trim_start_matches('/');
        let query = uri.query().unwrap_or_default();
        let tag = |version: u64| format!("\"{version}\"");
        match *method {
            Method::PUT => {
                let there = self.objects.get(path).map(|(_, version)| tag(*version));
                let has = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
                let refused = has("if-none-match").is_some() && there.is_some()
                    || has("if-match").is_some_and(|wanted| there.as_deref() != Some(wanted));
                if refused {
                    return StatusCode::PRECONDITION_FAILED.into_response();
                }
                self.versions += 1;
                self.objects.insert(path.to_owned(), (body.to_vec(), self.versions));
                [("etag", tag(self.versions))].into_response()
            }
            Method::GET if query.contains("list-type=2") => {
                let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix="));
                let prefix = prefix.unwrap_or_default().replace("%2F", "/");
                let item = |(path, (bytes, version)): (&String, &(Vec<u8>, u64))| {
                    format!(
                        "<Contents><Key>{path}</Key><Size>{}</Size><LastModified>2026-01-01T00:00:00.000Z</LastModified>\
                         <ETag>\"{version}\"</ETag></Contents>",
                        bytes.len()
                    )
                };
                let items = self.objects.iter().filter(|(path, _)| path.starts_with(&prefix)).map(item);
                format!("<ListBucketResult>{}</ListBucketResult>", items.collect::<String>()).into_response()
            }
            Method::GET => match self.objects.get(path) {
                None => StatusCode::NOT_FOUND.into_response(),
                Some((bytes, version)) => {
                    let headers =
                        [("etag", tag(*version)), ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT".into())];
                    (headers, bytes.clone()).into_response()
                }
            },
            Method::DELETE => {
                self.objects.remove(path);
                StatusCode::NO_CONTENT.into_response()
            }
            Method::POST => {
                let text = String::from_utf8_lossy(body).into_owned();
                let keys = text.split("<Key>").skip(1).filter_map(|rest| rest.split("</Key>").next());
                let keys: Vec<_> = keys.map(str::to_owned).collect();
                for key in &keys {
                    self.objects.remove(key);
                }
                let deleted = keys.iter().map(|key| format!("<Deleted><Key>{key}</Key></Deleted>"));
                format!("<DeleteResult>{}</DeleteResult>", deleted.collect::<String>()).into_response()
            }
            _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
        }
    }
}

async fn serve(
    State(storage): State<Shared>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut storage = storage.lock().unwrap();
    let lot = match storage.weather {
        Weather::Fine => 2,
        Weather::Rough => storage.random.next_u32() % 20,
        Weather::Down => 0,
    };
    let refused = StatusCode::SERVICE_UNAVAILABLE.into_response();
    match lot {
        0 => refused,
        1 => {
            drop(storage.answer(&method, &uri, &headers, &body));
            refused
        }
        _ => storage.answer(&method, &uri, &headers, &body),
    }
}

/// A storage that listens, and a way to open its bucket.
async fn listening(seed: u64) -> (Shared, BucketPlace) {
    let storage = Storage::shared(seed);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let place = BucketPlace {
        bucket: "bucket".into(),
        prefix: "logs/one".into(),
        endpoint: Some(format!("http://{}", listener.local_addr().unwrap())),
        region: Some("here".into()),
        ca: "/nowhere".into(),
    };
    let router = Router::new().fallback(serve).with_state(Arc::clone(&storage));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (storage, place)
}

fn bucket(place: &BucketPlace) -> Result<Bucket, Failure> {
    let moment = Duration::from_millis(1);
    let backoff = BackoffConfig { init_backoff: moment, max_backoff: moment * 5, base: 2.0 };
    let retry = RetryConfig { backoff, max_retries: 6, retry_timeout: Duration::from_secs(20) };
    let builder = AmazonS3Builder::new().with_access_key_id("id").with_secret_access_key("secret");
    Bucket::s3(builder.with_retry(retry), place)
}

type Started = (Recorder, tokio::task::JoinHandle<Result<(), Failure>>);

async fn open(database: &Path, objects: Arc<dyn Objects>) -> Result<Started, Failure> {
    let patience = Patience { tries: 3, wait: Duration::ZERO };
    let database = database.into();
    let place = Place { database, objects, key: key(), patience, heads: Heads::Published };
    let (recorder, store, task) = start(place, Clock::new(|| UnixTime::from_secs(1_000_000))).await?;
    // A reader that is still there keeps SQLite from folding its write-ahead log when the recorder ends, and a copy would be an older database.
    store.close().await;
    Ok((recorder, task))
}

fn files(storage: &Shared) -> BTreeMap<String, Vec<u8>> {
    let storage = storage.lock().unwrap();
    let objects = storage.objects.iter();
    objects
        .map(|(path, (bytes, _))| (path.trim_start_matches("logs/one/").to_owned(), bytes.clone()))
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_in_a_storage_that_fails() {
    let (storage, place) = listening(1).await;
    let dir = tempfile::tempdir().unwrap();
    let database = dir.path().join("verifier.db");
    let mut random = ChaCha8Rng::seed_from_u64(2);
    let mut told = Told::default();
    for weather in [Weather::Fine, Weather::Rough, Weather::Rough] {
        let (recorder, task) = open(&database, Arc::new(bucket(&place).unwrap())).await.unwrap();
        storage.lock().unwrap().weather = weather;
        work(&recorder, 6, &mut random, &mut told).await;
        drop(recorder);
        task.await.unwrap().unwrap();
        storage.lock().unwrap().weather = Weather::Fine;
        check(&files(&storage), &mut told);
    }
    // One that is down ends the verifier without an answer, and the next start makes what is missing.
    let (recorder, task) = open(&database, Arc::new(bucket(&place).unwrap())).await.unwrap();
    storage.lock().unwrap().weather = Weather::Down;
    work(&recorder, 1, &mut random, &mut told).await;
    drop(recorder);
    assert!(task.await.unwrap().is_err());
    assert!(open(&database, Arc::new(bucket(&place).unwrap())).await.is_err());
    storage.lock().unwrap().weather = Weather::Fine;
    let (recorder, task) = open(&database, Arc::new(bucket(&place).unwrap())).await.unwrap();
    work(&recorder, 1, &mut random, &mut told).await;
    drop(recorder);
    task.await.unwrap().unwrap();
    check(&files(&storage), &mut told);
}

/// Two copies of a database at the same objects: neither signs over what the other has, and the one that was first can go on alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_verifier_at_the_same_objects_is_found_out() {
    let (storage, place) = listening(3).await;
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("one.db"), dir.path().join("other.db"));
    let mut random = ChaCha8Rng::seed_from_u64(4);
    let mut told = Told::default();
    let (recorder, task) = open(&one, Arc::new(bucket(&place).unwrap())).await.unwrap();
    work(&recorder, 2, &mut random, &mut told).await;
    drop(recorder);
    task.await.unwrap().unwrap();
    std::fs::copy(&one, &other).unwrap();
    let (first, first_task) = open(&one, Arc::new(bucket(&place).unwrap())).await.unwrap();
    let (second, second_task) = open(&other, Arc::new(bucket(&place).unwrap())).await.unwrap();
    work(&first, 1, &mut random, &mut told).await;
    // What the second one appends is nothing that the first one has.
    let expires = UnixTime::from_secs(2_000_000);
    let token = Work::JoinToken { who: Who::token("test"), note: String::new(), expires };
    assert!(second.record(token).await.is_err());
    drop((first, second));
    // Whoever opened last has the checkpoint; whoever wrote first has the files.
    let failure = first_task.await.unwrap().unwrap_err().to_string();
    assert!(failure.contains("replaced by another verifier"), "{failure}");
    let failure = second_task.await.unwrap().unwrap_err().to_string();
    assert!(failure.contains("other bytes"), "{failure}");
    assert!(open(&other, Arc::new(bucket(&place).unwrap())).await.is_err());
    let (recorder, task) = open(&one, Arc::new(bucket(&place).unwrap())).await.unwrap();
    work(&recorder, 1, &mut random, &mut told).await;
    drop(recorder);
    task.await.unwrap().unwrap();
    check(&files(&storage), &mut told);
}

fn two() -> [Bucket; 2] {
    let store = Arc::new(InMemory::new());
    [0, 1].map(|_| Bucket::over(store.clone(), "/logs/").unwrap())
}

#[test]
fn what_is_immutable_stays_and_the_checkpoint_has_one_writer() {
    let [one, other] = two();
    let file = |bytes: &[u8]| [("tile/0/000.p/1".to_owned(), bytes.to_vec())];
    one.create(&file(b"a")).unwrap();
    other.create(&file(b"a")).unwrap();
    assert!(matches!(other.create(&file(b"b")), Err(ObjectError::Differs { .. })));
    assert_eq!(other.read("tile/0/000.p/1").unwrap().unwrap(), b"a");
    assert_eq!(other.partials().unwrap(), ["tile/0/000.p/1"]);
    one.remove(&["tile/0/000.p/1".into(), "tile/0/001".into()]).unwrap();
    assert_eq!((one.read("tile/0/000.p/1").unwrap(), one.partials().unwrap().len()), (None, 0));

    one.replace(CHECKPOINT, b"1").unwrap();
    assert!(matches!(other.replace(CHECKPOINT, b"x"), Err(ObjectError::Overtaken { .. })));
    one.replace(CHECKPOINT, b"2").unwrap();
    // Whoever has read the newest may go on; whoever has not is found out.
    assert_eq!(other.read(CHECKPOINT).unwrap().unwrap(), b"2");
    other.replace(CHECKPOINT, b"3").unwrap();
    assert!(matches!(one.replace(CHECKPOINT, b"4"), Err(ObjectError::Overtaken { .. })));
    assert_eq!(other.read(CHECKPOINT).unwrap().unwrap(), b"3");
}
