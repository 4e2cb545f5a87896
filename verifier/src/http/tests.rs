//! The interface through a real socket and TLS; hosts with TPMs are the end-to-end tests' matter.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ::evidence::time::UnixTime;
use reqwest::{Client, Method, Response, StatusCode};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Value, json};
use wire::Problem;
use wire::operator::{ActionList, NewToken, RefusalList, Scope, TokenList, Version};

use crate::clock::Clock;
use crate::config::{Config, Overrides, RawConfig};
use crate::failure::Exit;
use crate::serve::{self, Running};
use crate::store::migrated;
use crate::store::token;

struct Bench {
    dir: tempfile::TempDir,
    running: Running,
    client: Client,
    start_ms: u64,
    now_ms: Arc<AtomicU64>,
}

fn config(dir: &Path, toml: &str) -> Config {
    let overrides =
        Overrides { listen: Some("127.0.0.1:0".into()), state_dir: Some(dir.into()), ..Overrides::default() };
    let toml = format!("{toml}\n[endorsement]\npolicy = 'danger-first-use'");
    let mut config = Config::new(toml::from_str::<RawConfig>(&toml).unwrap(), &overrides).unwrap();
    config.database = crate::store::place::tests::database(dir);
    config
}

pub(crate) fn client(ca_pem: &str) -> Client {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca_pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    Client::builder().tls_backend_preconfigured(tls).build().unwrap()
}

impl Bench {
    async fn new(toml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        // The certificate must hold by the client's clock, which is the machine's.
        let start_ms = Clock::system().now().as_ms();
        let now_ms = Arc::new(AtomicU64::new(start_ms));
        let shown = Arc::clone(&now_ms);
        let clock = Clock::new(move || UnixTime::from_ms(shown.load(Ordering::Relaxed)));
        let running = serve::start(config(dir.path(), toml), clock).await.unwrap();
        let client = client(running.ca_pem());
        Self { dir, running, client, start_ms, now_ms }
    }

    async fn ask(&self, method: Method, path: &str, token: Option<&str>, body: Option<Value>) -> Response {
        let url = format!("https://localhost:{}{path}", self.running.address().port());
        let mut request = self.client.request(method, url).header(wire::PROTOCOL_HEADER, "1");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Response {
        self.ask(Method::GET, path, token, None).await
    }

    async fn post(&self, path: &str, media_type: &str, body: Vec<u8>) -> Response {
        let url = format!("https://localhost:{}{path}", self.running.address().port());
        let request = self.client.post(url).header(wire::PROTOCOL_HEADER, "1");
        request.header("content-type", media_type).body(body).send().await.unwrap()
    }

    /// A token made as the command line does, beside the running server.
    async fn token(&self, scope: Scope) -> NewToken {
        let mut db = migrated(&crate::store::place::tests::database(self.dir.path())).await.unwrap();
        let (now, expires) = (UnixTime::from_ms(self.start_ms), UnixTime::from_ms(self.start_ms + 60_000));
        token::create_operator(
            &mut db,
            &crate::store::action::Who::token("test"),
            "test",
            scope,
            now,
            expires,
        )
        .await
        .unwrap()
    }
}

async fn problem(response: Response, status: u16, code: &str) -> Problem {
    assert_eq!(response.headers()["content-type"], wire::PROBLEM_MEDIA_TYPE);
    assert_eq!(response.headers()[wire::PROTOCOL_HEADER], "1");
    let found = response.status().as_u16();
    let problem: Problem = response.json().await.unwrap();
    assert_eq!((found, problem.status, problem.code.as_str()), (status, status, code), "{}", problem.detail);
    problem
}

#[tokio::test]
async fn what_is_open_answers_without_a_token() {
    let bench = Bench::new("").await;
    let version: Version = bench.get("/v1/version", None).await.json().await.unwrap();
    assert_eq!((version.name.as_str(), version.protocol), ("lydian-verifier", 1));
    assert_eq!(version.log_key, bench.running.log_key());
    let note = bench.get("/checkpoint", None).await.bytes().await.unwrap();
    let checkpoint = ledger::checkpoint::SignedCheckpoint::parse(&note).unwrap();
    checkpoint.verify(&version.log_key.parse().unwrap()).unwrap();
    let health: Value = bench.get("/v1/health", None).await.json().await.unwrap();
    assert_eq!(health, json!({"status": "ok"}));
    problem(bench.get("/v1/log/proof/0", None).await, 404, "not-found").await;
    problem(bench.get("/v1/log/proof/-1", None).await, 404, "not-found").await;
}

#[tokio::test]
async fn every_error_is_a_problem() {
    let bench = Bench::new("").await;
    problem(bench.get("/nowhere", None).await, 404, "not-found").await;
    problem(bench.ask(Method::DELETE, "/checkpoint", None, None).await, 405, "not-found").await;
    let digest = "0".repeat(64);
    let path = format!("/v1/evidence/{digest}/receipt");
    problem(bench.get(&path, None).await, 404, "unknown-evidence").await;
    problem(bench.get("/v1/evidence/zz/receipt", None).await, 404, "unknown-evidence").await;
    let url = format!("https://localhost:{}/v1/enrol/begin", bench.running.address().port());
    let silent = bench.client.post(&url).send().await.unwrap();
    let said = problem(silent, 400, "protocol-version").await;
    assert!(!said.hint.is_empty());
    let other = bench.client.post(&url).header(wire::PROTOCOL_HEADER, "2").send().await.unwrap();
    problem(other, 400, "protocol-version").await;
    problem(bench.ask(Method::POST, "/v1/enrol/begin", None, Some(json!({}))).await, 400, "malformed").await;
    let finish = json!({"session": "none", "secret": ""});
    problem(bench.ask(Method::POST, "/v1/enrol/finish", None, Some(finish)).await, 403, "credential-wrong")
        .await;
}

#[tokio::test]
async fn scopes_include_each_other_and_end() {
    let bench = Bench::new("").await;
    let (read, enrol, admin) =
        (bench.token(Scope::Read).await, bench.token(Scope::Enrol).await, bench.token(Scope::Admin).await);
    problem(bench.get("/v1/hosts", None).await, 401, "unauthorised").await;
    problem(bench.get("/v1/hosts", Some("nonsense")).await, 401, "unauthorised").await;
    for token in [&read, &enrol, &admin] {
        assert_eq!(bench.get("/v1/hosts", Some(&token.secret)).await.status(), StatusCode::OK);
    }
    problem(bench.get("/v1/join-tokens", Some(&read.secret)).await, 403, "forbidden").await;
    problem(bench.get("/v1/tokens", Some(&enrol.secret)).await, 403, "forbidden").await;
    let list: TokenList = bench.get("/v1/tokens", Some(&admin.secret)).await.json().await.unwrap();
    assert_eq!(list.tokens.len(), 3);
    let path = format!("/v1/tokens/{}", read.id);
    let revoked = bench.ask(Method::DELETE, &path, Some(&admin.secret), None).await;
    assert_eq!(revoked.status(), StatusCode::NO_CONTENT);
    problem(bench.get("/v1/hosts", Some(&read.secret)).await, 401, "unauthorised").await;
    bench.now_ms.store(bench.start_ms + 60_000, Ordering::Relaxed);
    problem(bench.get("/v1/hosts", Some(&admin.secret)).await, 401, "unauthorised").await;
}

#[tokio::test]
async fn join_tokens_are_made_within_the_maximum() {
    let bench = Bench::new("[tokens]\njoin-max-ttl-secs = 100").await;
    let token = bench.token(Scope::Enrol).await.secret;
    let make = async |ttl: u64| {
        let body = json!({"note": "rack 4", "ttl_secs": ttl});
        bench.ask(Method::POST, "/v1/join-tokens", Some(&token), Some(body)).await
    };
    problem(make(101).await, 400, "malformed").await;
    problem(make(0).await, 400, "malformed").await;
    let made = make(100).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: NewToken = made.json().await.unwrap();
    let list: TokenList = bench.get("/v1/join-tokens", Some(&token)).await.json().await.unwrap();
    assert_eq!((list.tokens[0].id.as_str(), list.tokens[0].state.as_str()), (made.id.as_str(), "valid"));
}

#[tokio::test]
async fn refused_submissions_are_kept_and_shown() {
    let bench = Bench::new("").await;
    let kind = wire::EVIDENCE_MEDIA_TYPE;
    problem(bench.post("/v1/evidence", "text/plain", vec![]).await, 415, "malformed").await;
    problem(bench.post("/v1/evidence", kind, b"noise".to_vec()).await, 400, "malformed").await;
    let cbor = wire::submit::compress(&[0x84, 0x01]).unwrap();
    problem(bench.post("/v1/evidence", kind, cbor).await, 400, "malformed").await;
    let bomb = wire::submit::compress(&vec![0; ::evidence::limits::ENVELOPE_BYTES + 1]).unwrap();
    problem(bench.post("/v1/evidence", kind, bomb).await, 413, "too-large").await;
    let long = vec![0; wire::limits::EVIDENCE_REQUEST_BYTES + 1];
    problem(bench.post("/v1/evidence", kind, long).await, 413, "too-large").await;
    problem(bench.post("/v1/evidence?from=9", kind, vec![]).await, 422, "checkpoint-unknown").await;
    let token = bench.token(Scope::Read).await.secret;
    let shown: RefusalList = bench.get("/v1/refusals", Some(&token)).await.json().await.unwrap();
    let codes: Vec<_> = shown.refusals.iter().map(|refusal| refusal.code.as_str()).collect();
    assert_eq!(
        codes,
        ["checkpoint-unknown", "too-large", "too-large", "malformed", "malformed", "malformed"]
    );
    assert_eq!(shown.refusals[0].peer, "127.0.0.1");
}

#[tokio::test]
async fn manifests_that_nobody_named_are_ignored_and_bad_ones_refused() {
    use ::evidence::manifest::{ComponentKind, Manifest};
    let bench = Bench::new("").await;
    let kind = wire::MANIFESTS_MEDIA_TYPE;
    let manifest =
        Manifest::new(ComponentKind::Directory, "/opt".into(), String::new(), String::new(), vec![]);
    let bytes = manifest.unwrap().encode();
    let frame = |manifests: &[&[u8]]| {
        wire::submit::compress(&wire::submit::encode_manifests(manifests.iter().copied())).unwrap()
    };
    let stored: Value = bench.post("/v1/manifests", kind, frame(&[&bytes])).await.json().await.unwrap();
    assert_eq!(stored, json!({"stored": 0, "ignored": 1}));
    problem(bench.post("/v1/manifests", kind, frame(&[&bytes, b"bad"])).await, 400, "malformed").await;
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told() {
    let bench = Bench::new("[limits]\nrequests-per-minute = 3").await;
    for _ in 0..3 {
        assert_eq!(bench.get("/v1/version", None).await.status(), StatusCode::OK);
    }
    problem(bench.get("/v1/version", None).await, 429, "rate-limited").await;
}

#[tokio::test]
async fn two_verifiers_do_not_share_a_state_directory_or_a_port() {
    let bench = Bench::new("").await;
    let same = serve::start(config(bench.dir.path(), ""), Clock::system()).await.unwrap_err();
    assert_eq!(same.exit(), Exit::Unavailable);
    let dir = tempfile::tempdir().unwrap();
    let taken = Config { listen: bench.running.address(), ..config(dir.path(), "") };
    let failure = serve::start(taken, Clock::system()).await.unwrap_err();
    assert_eq!(failure.exit(), Exit::Unavailable);
    assert!(failure.to_string().contains("hint:"), "{failure}");
}

#[tokio::test]
async fn the_log_key_belongs_to_the_log() {
    let dir = tempfile::tempdir().unwrap();
    serve::start(config(dir.path(), ""), Clock::system()).await.unwrap().end().await;
    let renamed = config(dir.path(), "[log]\norigin = 'example.org/other'");
    assert_eq!(serve::start(renamed, Clock::system()).await.unwrap_err().exit(), Exit::Config);
    std::fs::remove_file(dir.path().join("log.key")).unwrap();
    let failure = serve::start(config(dir.path(), ""), Clock::system()).await.unwrap_err();
    assert!(failure.to_string().contains("another log"), "{failure}");
    assert!(!dir.path().join("log.key").exists(), "no new key was made");
}

#[tokio::test]
async fn it_ends_in_order_and_starts_again() {
    let bench = Bench::new("").await;
    let ca = bench.running.ca_pem().to_owned();
    let liveness = bench.running.liveness();
    assert!(liveness.check().await);
    bench.running.end().await;
    assert!(!liveness.check().await);
    let again = serve::start(config(bench.dir.path(), ""), Clock::system()).await.unwrap();
    assert_eq!(again.ca_pem(), ca);
    again.end().await;
}

/// What the command line does beside the running server gets its leaf from the server, and the log proves it.
#[tokio::test]
async fn an_operator_s_actions_are_in_the_log() {
    let bench = Bench::new("").await;
    let token = bench.token(Scope::Enrol).await;
    let asked = json!({"note": "rack 4", "ttl_secs": 60});
    let made = bench.ask(Method::POST, "/v1/join-tokens", Some(&token.secret), Some(asked)).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let made: NewToken = made.json().await.unwrap();
    // The command line's token waits for its turn, the other one has its leaf when it is answered.
    bench.running.watched().leaves(2).await;
    let found: ActionList = bench.get("/v1/actions", Some(&token.secret)).await.json().await.unwrap();
    let actions = found.actions;
    assert!(actions.iter().all(|action| action.leaf.is_some()), "{actions:?}");
    let told: Vec<_> = actions.iter().map(|action| (action.kind.as_str(), action.who.as_str())).collect();
    assert_eq!(
        told,
        [("join-token-created", format!("token {}", token.id).as_str()), ("token-created", "token test")]
    );
    assert!(actions[0].detail.contains(&made.id) && actions[0].detail.ends_with(": rack 4"), "{actions:?}");
    assert!(!format!("{actions:?}").contains(made.secret.rsplit('_').next().unwrap()), "no secret is told");
    let path = format!("/v1/log/proof/{}", actions[1].leaf.unwrap());
    let file = bench.get(&path, None).await.bytes().await.unwrap();
    let file = ledger::proof_file::ProofFile::parse(&file).unwrap();
    let leaf = ledger::leaf::Leaf::from_bytes(file.unauthenticated_extra().unwrap()).unwrap();
    assert_eq!(leaf.kind(), ledger::leaf::LeafKind::OperatorAction);
    file.verify(&leaf.hash(), &bench.running.log_key().parse().unwrap()).unwrap();
}

#[tokio::test]
async fn the_log_is_served_as_files() {
    let bench = Bench::new("").await;
    let token = bench.token(Scope::Admin).await;
    bench.running.watched().leaves(1).await;
    let checkpoint = bench.get("/checkpoint", None).await;
    assert_eq!(checkpoint.headers()["cache-control"], "no-cache");
    for (path, media_type, bytes) in [
        ("/tile/0/000.p/1", "application/octet-stream", 32),
        ("/tile/entries/000.p/1", "application/octet-stream", 36),
    ] {
        let answer = bench.get(path, None).await;
        assert_eq!(answer.headers()["content-type"], media_type);
        assert!(answer.headers()["cache-control"].to_str().unwrap().contains("immutable"));
        assert_eq!(answer.bytes().await.unwrap().len(), bytes, "{path}");
    }
    for path in [
        "/tile/0/000",
        "/tile/0/000.p/2",
        "/tile/1/000.p/1",
        "/tile/0/..%2f..%2flog.key",
        "/archive/000",
        "/archive/0",
    ] {
        problem(bench.get(path, None).await, 404, "not-found").await;
    }
    let found: wire::operator::LogWitnesses =
        bench.get("/v1/log/witnesses", Some(&token.secret)).await.json().await.unwrap();
    assert_eq!((found.policy, found.published, found.waiting), (false, Some(found.head), None));
}
