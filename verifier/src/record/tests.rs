//! The recorder on a database of its own: what it acknowledges is there, provable, and there after a restart.

use ::evidence::body::BootCounters;
use ::evidence::digest::{ChainId, HostId, Sha256Digest};
use ::evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use ::evidence::tpm::{Public, Template};
use appraisal::endorsement::TrustTier;
use appraisal::state::HostState;
use inquiry::profile::Reading;
use inquiry::replay::Begins;
use ledger::checkpoint::VerifiedCheckpoint;
use ledger::leaf::LeafKind;
use ledger::note::KeyName;
use tokio::task::JoinSet;

use super::*;
use crate::sql;
use crate::store::blob::Blob;
use crate::store::log::Standing;
use crate::store::packed::{Kept, Packed};
use crate::store::token::Presented;

mod index;
mod property;

pub(crate) struct Bench {
    dir: tempfile::TempDir,
    pub(crate) recorder: Recorder,
    pub(crate) store: Store,
    task: JoinHandle<Result<(), Failure>>,
}

fn key() -> Arc<SignerKey> {
    Arc::new(SignerKey::from_seed(KeyName::new("example.com/lydian").unwrap(), &[7; 32]))
}

fn place(dir: &Path, key: Arc<SignerKey>) -> Result<Place, Failure> {
    Place::local(crate::store::place::tests::database(dir), &dir.join("log"), key, Heads::Published)
}

fn clock() -> Clock {
    Clock::new(|| UnixTime::from_secs(1_000_000))
}

impl Bench {
    pub(crate) async fn new() -> Self {
        Self::at(tempfile::tempdir().unwrap()).await.unwrap()
    }

    async fn at(dir: tempfile::TempDir) -> Result<Self, Failure> {
        Self::timed(dir, clock()).await
    }

    /// In a file, whatever other tests use.
    pub(crate) async fn in_file(dir: tempfile::TempDir, clock: Clock) -> Result<Self, Failure> {
        let mut place = place(dir.path(), key())?;
        place.database = dir.path().join("verifier.db").as_path().into();
        let (recorder, store, task) = start(place, clock).await?;
        Ok(Self { dir, recorder, store, task })
    }

    pub(crate) async fn timed(dir: tempfile::TempDir, clock: Clock) -> Result<Self, Failure> {
        let (recorder, store, task) = start(place(dir.path(), key())?, clock).await?;
        Ok(Self { dir, recorder, store, task })
    }

    pub(crate) fn database(&self) -> Database {
        crate::store::place::tests::database(self.dir.path())
    }

    /// Ends the recorder in order.
    async fn end(self) -> tempfile::TempDir {
        drop(self.recorder);
        self.task.await.unwrap().unwrap();
        self.store.close().await;
        self.dir
    }

    pub(crate) async fn enrol(&self, host: u8, chain: u8) -> Result<i64, RecordError> {
        let expires = UnixTime::from_secs(2_000_000);
        let made = self
            .recorder
            .record(Work::JoinToken { who: Who::token("test"), note: String::new(), expires })
            .await?;
        let (Done::Token(token), _) = made else { panic!("no token") };
        let public = Public::new(&Template::AkEccP256.area()).unwrap();
        let new = NewEnrolment {
            token: Presented::parse(TokenKind::Join, &token.secret).unwrap(),
            host: HostId::new([host; 32]),
            name: format!("host-{host}"),
            ek: public.clone(),
            ak: public,
            chain: ChainId::new([chain; 16]),
            tier: TrustTier::FirstUse,
            selection: "sha256:0,7,10".parse().unwrap(),
            agent_version: "1".into(),
            reason: "a test".into(),
            salt: [host; 32],
        };
        self.recorder.record(Work::Enrolment(Box::new(new))).await?;
        Ok(self.store.enrolled(HostId::new([host; 32])).await.unwrap().unwrap().row)
    }

    /// All that an agent would verify of a receipt.
    async fn verify(&self, done: Done, head: &Head, from: &VerifiedCheckpoint) -> VerifiedCheckpoint {
        let Done::Logged { index, leaf } = done else { panic!("{done:?}") };
        let checkpoint = head.checkpoint.verify(key().verifier_key()).unwrap();
        let old = from.checkpoint().size();
        let (inclusion, consistency) = self.store.prove(index, old, head).await.unwrap();
        checkpoint.verify_inclusion(&leaf.hash(), index, &inclusion).unwrap();
        checkpoint.verify_follows(from, &consistency).unwrap();
        assert_eq!(self.store.leaf(index, head).await.unwrap(), Some(leaf));
        checkpoint
    }

    fn checkpoint(&self) -> VerifiedCheckpoint {
        self.recorder.head().checkpoint.verify(key().verifier_key()).unwrap()
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sql::query_scalar(statement).fetch_one(self.store.readers()).await.unwrap()
    }
}

/// A host's side of its chain.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    row: i64,
    id: u8,
    seq: u64,
    prev: Sha256Digest,
    components: Vec<Sha256Digest>,
}

impl Chain {
    pub(crate) const fn new(row: i64, id: u8) -> Self {
        Self { row, id, seq: 0, prev: Sha256Digest::new([0; 32]), components: Vec::new() }
    }

    /// The next evidence with these components afterwards.
    pub(crate) fn next(&self, after: &[Sha256Digest]) -> NewEvidence {
        let added = after.iter().filter(|digest| !self.components.contains(digest)).copied().collect();
        let removed = self.components.iter().filter(|digest| !after.contains(digest)).copied().collect();
        let name = format!("{}/{}/{:?}", self.id, self.seq, self.prev);
        let (sealed, summary) = (name.clone().into_bytes(), "a change".to_owned());
        let kept = Kept { sealed, summary, result: "{}".into(), ..Kept::default() };
        NewEvidence {
            host_row: self.row,
            chain: ChainId::new([self.id; 16]),
            seq: self.seq,
            prev: self.prev,
            digest: Sha256Digest::of(&[name.as_bytes()]),
            salt: [3; 32],
            received_ms: 1_000_000_000,
            packed: Packed::new(&kept, None).unwrap(),
            blobs: Vec::new(),
            added,
            removed,
            state: HostState::enrolled(ChainId::new([self.id; 16])).encode(),
            state_root: Sha256Digest::new([self.id; 32]),
            components: after.len() as u64,
            agent_version: "1".into(),
            status: 1,
            index: IndexEntry {
                named: 0,
                boot: BootCounters { reset_count: 1, restart_count: 0 },
                agent_time: UnixTime::from_ms(1_000_000_000),
                begins: if self.seq == 0 { Begins::Chain } else { Begins::Nothing },
                reading: Reading::default(),
                read: Sha256Digest::new([0; 32]),
            },
        }
    }

    pub(crate) fn accepted(&mut self, new: &NewEvidence, after: &[Sha256Digest]) {
        self.seq += 1;
        self.prev = new.digest;
        self.components = after.to_vec();
    }
}

fn component(n: u8) -> Sha256Digest {
    Sha256Digest::of(&[&[n]])
}

/// Hosts that lived through these states one after the other, with the leaves of their evidence.
pub(crate) async fn lived(bench: &Bench, hosts: &[(u8, &[Vec<Sha256Digest>])]) -> Vec<u64> {
    let mut leaves = Vec::new();
    for (id, states) in hosts {
        let mut chain = Chain::new(bench.enrol(*id, *id).await.unwrap(), *id);
        for state in *states {
            let new = chain.next(state);
            let done = submit(bench.recorder.clone(), new.clone()).await.unwrap().0;
            let Done::Logged { index, .. } = done else { panic!("{done:?}") };
            chain.accepted(&new, state);
            leaves.push(index.get());
        }
    }
    leaves
}

pub(crate) async fn submit(recorder: Recorder, new: NewEvidence) -> Answer {
    recorder.record(Work::Evidence(Box::new(new))).await
}

#[tokio::test]
async fn a_second_submission_for_the_same_place_is_refused() {
    let bench = Bench::new().await;
    let chain = Chain::new(bench.enrol(1, 1).await.unwrap(), 1);
    let first = chain.next(&[component(1)]);
    let other = NewEvidence { digest: component(99), ..first.clone() };
    submit(bench.recorder.clone(), first.clone()).await.unwrap();
    let again = submit(bench.recorder.clone(), first).await.unwrap_err();
    assert!(matches!(again, RecordError::Replayed), "{again}");
    let overtaken = submit(bench.recorder.clone(), other).await.unwrap_err();
    assert!(matches!(overtaken, RecordError::Overtaken), "{overtaken}");
    assert_eq!(bench.count("SELECT count(*) FROM attestation").await, 1);
    assert_eq!(bench.recorder.head().size().get(), 3, "the token, the enrolment and one evidence");
}

#[tokio::test]
async fn a_row_that_is_refused_leaves_no_trace_and_harms_no_other() {
    let bench = Bench::new().await;
    let mut chain = Chain::new(bench.enrol(1, 1).await.unwrap(), 1);
    let other = Chain::new(bench.enrol(2, 2).await.unwrap(), 2);
    let first = chain.next(&[component(1)]);
    submit(bench.recorder.clone(), first.clone()).await.unwrap();
    chain.accepted(&first, &[component(1)]);
    // A keyframe that is named but not there breaks a foreign key in the midst of the job.
    let mut broken = chain.next(&[]);
    broken.packed.keyframe = Some(50);
    let (bad, good) =
        tokio::join!(submit(bench.recorder.clone(), broken), submit(bench.recorder.clone(), other.next(&[])));
    assert!(matches!(bad.unwrap_err(), RecordError::Store { trouble: Trouble::Row, .. }));
    good.unwrap();
    assert_eq!(bench.recorder.head().size().get(), 6, "two tokens, two enrolments, two pieces of evidence");
    // The chain stands where it stood.
    submit(bench.recorder.clone(), chain.next(&[])).await.unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM host_component WHERE to_leaf IS NULL").await, 0);
}

#[tokio::test]
async fn of_evidence_that_is_written_together_one_may_be_refused() {
    let bench = Bench::new().await;
    let mut pieces = Vec::new();
    for host in 1..=4 {
        pieces.push(Chain::new(bench.enrol(host, host).await.unwrap(), host).next(&[component(1)]));
    }
    // One row breaks a foreign key, and of one host other evidence came before.
    pieces[1].packed.keyframe = Some(50);
    pieces[2].prev = component(9);
    let mut together = Together::of(&pieces[0]);
    assert!(pieces[1..].iter().all(|new| together.take(new)));
    assert!(!together.take(&pieces[3]), "it must wait for what is there of its host");

    let mut connection = crate::store::reopen(&bench.database()).await.unwrap();
    let mut tx = connection.begin_write().await.unwrap();
    let first = leaf_at(bench.recorder.head().size().get()).unwrap();
    let applied = step::together(&together, &mut tx, first).await.unwrap();
    let index = |applied: &step::Applied| match applied {
        Ok((Done::Logged { index, .. }, Some(_))) => Ok(index.get() - first.get()),
        Ok(_) => panic!("no leaf"),
        Err(error) => Err(error.clone()),
    };
    let found: Vec<_> = applied.iter().map(index).collect();
    let [Ok(0), Err(RecordError::Store { trouble: Trouble::Row, .. }), Err(RecordError::Overtaken), Ok(1)] =
        &found[..]
    else {
        panic!("{found:?}");
    };
    tx.commit().await.unwrap();
    connection.close().await.unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM attestation").await, 2);
    assert_eq!(bench.count("SELECT count(*) FROM host_component").await, 2);
    assert_eq!(bench.count("SELECT count(*) FROM host WHERE next_seq = 1").await, 2);
}

#[tokio::test]
async fn the_log_goes_on_after_a_restart() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let before = bench.checkpoint();
    let dir = bench.end().await;
    let bench = Bench::at(dir).await.unwrap();
    assert_eq!(bench.checkpoint(), before, "the head is what was signed");
    let (done, head) = submit(bench.recorder.clone(), Chain::new(row, 1).next(&[])).await.unwrap();
    bench.verify(done, &head, &before).await;
}

#[tokio::test]
async fn a_damaged_log_is_not_appended_to() {
    for damage in [
        "UPDATE log_pending SET entry = unhex('00000000000000000000000000000000000000000000000000000000000000000000') WHERE idx = 1",
        "DELETE FROM log_pending WHERE idx = 2",
        "DELETE FROM log_pending WHERE idx = 0",
        "UPDATE log_head SET size = 2",
        "UPDATE log_head SET note = replace(note, 'example.com', 'example.org')",
        "DELETE FROM log_head",
    ] {
        let bench = Bench::new().await;
        for host in 1..=3 {
            bench.enrol(host, host).await.unwrap();
        }
        let dir = bench.end().await;
        let mut db = crate::store::migrated(&crate::store::place::tests::database(dir.path())).await.unwrap();
        assert_eq!(sql::query(damage).execute(&mut db).await.unwrap().rows_affected(), 1, "{damage}");
        db.close().await.unwrap();
        let failure = Bench::at(dir).await.err().unwrap_or_else(|| panic!("{damage} went unseen"));
        assert_eq!(failure.exit(), Exit::Software, "{damage}: {failure}");
    }
}

#[tokio::test]
async fn another_key_cannot_take_the_log_over() {
    let dir = Bench::new().await.end().await;
    let other = Arc::new(SignerKey::from_seed(KeyName::new("example.com/lydian").unwrap(), &[8; 32]));
    let failure = start(place(dir.path(), other).unwrap(), clock()).await.err().unwrap();
    assert!(failure.to_string().contains("log.key"), "{failure}");
}

#[tokio::test]
async fn a_checkpoint_is_known_by_its_size_and_root() {
    use ::evidence::body::CheckpointView;
    let bench = Bench::new().await;
    bench.enrol(1, 1).await.unwrap();
    let old = bench.checkpoint();
    bench.enrol(2, 2).await.unwrap();
    let head = bench.recorder.head();
    let root = Sha256Digest::new(*old.checkpoint().root().as_bytes());
    let check = async |size, root| bench.store.standing(&CheckpointView { size, root }, &head).await.unwrap();
    assert_eq!(check(2, root).await, Standing::Known(UnixTime::from_secs(1_000_000)));
    assert_eq!(check(3, root).await, Standing::Unknown, "another size's root");
    assert_eq!(check(5, root).await, Standing::Unknown, "larger than the log");
    assert_eq!(check(2, component(0)).await, Standing::Unknown, "a fork");
    assert_eq!(check(u64::MAX, root).await, Standing::Unknown);
    assert_eq!(check(0, CheckpointView::none().root).await, Standing::Empty);
    assert_eq!(check(0, root).await, Standing::Unknown);
}

#[tokio::test]
async fn enrolling_again_starts_a_new_chain_and_ends_what_was_open() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    submit(bench.recorder.clone(), Chain::new(row, 1).next(&[component(1)])).await.unwrap();
    assert!(matches!(bench.enrol(1, 1).await, Err(RecordError::ChainTaken)));
    assert_eq!(bench.enrol(1, 2).await.unwrap(), row, "the same host");
    let open = "SELECT count(*) FROM host_component WHERE to_leaf IS NULL";
    assert_eq!(bench.count(open).await, 0);
    let old = submit(bench.recorder.clone(), Chain::new(row, 1).next(&[])).await.unwrap_err();
    assert!(matches!(old, RecordError::Overtaken | RecordError::Replayed));
    submit(bench.recorder.clone(), Chain::new(row, 2).next(&[component(1)])).await.unwrap();
    assert_eq!(bench.count(open).await, 1);
}

#[tokio::test]
async fn a_retired_host_is_gone_until_it_enrols_again() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    submit(bench.recorder.clone(), Chain::new(row, 1).next(&[component(1)])).await.unwrap();
    let retire = || {
        let (who, reason) = (Who::token("test"), "sold".to_owned());
        let new = NewRetirement { host_row: row, who, reason, salt: [5; 32] };
        bench.recorder.record(Work::Retirement(Box::new(new)))
    };
    let (done, _) = retire().await.unwrap();
    assert!(matches!(done, Done::Logged { leaf, .. } if leaf.kind() == LeafKind::Enrol), "{done:?}");
    assert_eq!(bench.count("SELECT count(*) FROM host_component WHERE to_leaf IS NULL").await, 0);
    assert!(matches!(retire().await, Err(RecordError::Retired)));
    assert!(bench.store.enrolled(HostId::new([1; 32])).await.unwrap().is_none());
    // Evidence that was verified before is not recorded after.
    let mut chain = Chain::new(row, 1);
    let first = chain.next(&[component(1)]);
    chain.accepted(&first, &[component(1)]);
    let late = submit(bench.recorder.clone(), chain.next(&[])).await.unwrap_err();
    assert!(matches!(late, RecordError::Overtaken), "{late:?}");
    assert_eq!(bench.enrol(1, 2).await.unwrap(), row, "the same host");
    submit(bench.recorder.clone(), Chain::new(row, 2).next(&[component(1)])).await.unwrap();
    retire().await.unwrap();
}

#[tokio::test]
async fn a_manifest_is_stored_once_and_only_where_it_is_wanted() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let entry = Entry {
        path: b"/bin/a".to_vec(),
        digest: component(9),
        size: 1,
        mode: 0o755,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    let manifest =
        Manifest::new(ComponentKind::Package, "a".into(), "1".into(), "amd64".into(), vec![entry]).unwrap();
    let new = || Work::Manifest(Box::new(NewManifest::new(&manifest.encode(), manifest.clone()).unwrap()));
    assert!(matches!(bench.recorder.record(new()).await.unwrap().0, Done::Nothing), "nobody named it");
    submit(bench.recorder.clone(), Chain::new(row, 1).next(&[manifest.digest()])).await.unwrap();
    assert_eq!(bench.count("SELECT count(*) FROM component_wanted").await, 1);
    assert!(matches!(bench.recorder.record(new()).await.unwrap().0, Done::Stored));
    assert!(matches!(bench.recorder.record(new()).await.unwrap().0, Done::Nothing), "a second time");
    assert_eq!(bench.count("SELECT count(*) FROM component_wanted").await, 0);
    assert_eq!(bench.count("SELECT count(*) FROM component_artefact").await, 1);
}

#[tokio::test]
async fn contents_are_checked_when_they_are_read() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let blob = Blob::new(b"a firmware log").unwrap();
    let digest = blob.digest;
    let new = NewEvidence { blobs: vec![blob], ..Chain::new(row, 1).next(&[]) };
    submit(bench.recorder.clone(), new).await.unwrap();
    assert_eq!(bench.store.blob(&digest).await.unwrap().unwrap(), b"a firmware log");
    let dir = bench.end().await;
    let mut db = crate::store::migrated(&crate::store::place::tests::database(dir.path())).await.unwrap();
    let other = wire::submit::compress(b"another firmw.").unwrap();
    sql::query("UPDATE blob SET zstd = ?").bind(other).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
    let bench = Bench::at(dir).await.unwrap();
    assert!(bench.store.blob(&digest).await.is_err());
}

#[tokio::test]
async fn refusals_are_bounded_and_strangers_do_not_push_out_hosts() {
    use crate::limits::{REFUSALS_OF_STRANGERS, REFUSALS_PER_HOST};
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let refuse = |host_row, n: i64| {
        let new = NewRefusal {
            host_row,
            named: None,
            code: "malformed",
            detail: n.to_string(),
            peer: "192.0.2.1".into(),
            at: UnixTime::from_secs(1),
        };
        let recorder = bench.recorder.clone();
        async move { recorder.record(Work::Refusal(Box::new(new))).await.unwrap() }
    };
    for n in 0..REFUSALS_PER_HOST + 5 {
        refuse(Some(row), n).await;
    }
    let mut strangers = JoinSet::new();
    for n in 0..REFUSALS_OF_STRANGERS + 100 {
        strangers.spawn(refuse(None, n));
    }
    strangers.join_all().await;
    let of_host = crate::query::hosts::refusals(bench.store.readers(), Some(row), 1_000).await.unwrap();
    assert_eq!(of_host.len(), usize::try_from(REFUSALS_PER_HOST).unwrap());
    assert_eq!(of_host[0].detail, (REFUSALS_PER_HOST + 4).to_string(), "the newest are kept");
    let strangers = bench.count("SELECT count(*) FROM refusal WHERE host_id IS NULL").await;
    assert_eq!(strangers, REFUSALS_OF_STRANGERS);
    let events = bench.count("SELECT count(*) FROM event WHERE kind = 3").await;
    assert_eq!(events, REFUSALS_OF_STRANGERS + REFUSALS_PER_HOST);
}

#[tokio::test]
async fn silence_is_written_down_once_and_ends_with_evidence() {
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let (past, future) = (UnixTime::from_secs(1), UnixTime::from_secs(3_000_000));
    for (before, changed) in [(past, false), (future, true), (future, false)] {
        let (done, _) = bench.recorder.record(Work::Silence(before)).await.unwrap();
        assert_eq!(matches!(done, Done::Stored), changed, "{before}");
    }
    submit(bench.recorder.clone(), Chain::new(row, 1).next(&[])).await.unwrap();
    let kinds: Vec<i64> = sql::query_scalar("SELECT kind FROM event ORDER BY id")
        .fetch_all(bench.store.readers())
        .await
        .unwrap();
    let kinds: Vec<_> = kinds.into_iter().map(|kind| EventKind::name_of(kind).unwrap()).collect();
    assert_eq!(kinds, ["enrolled", "stale", "fresh", "evidence"]);
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_is_half_there() {
    if std::env::var_os("LYDIAN_TEST_POSTGRES").is_some() {
        eprintln!("skipped: pages are SQLite's");
        return;
    }
    let bench = Bench::new().await;
    let row = bench.enrol(1, 1).await.unwrap();
    let before = bench.checkpoint();
    let dir = bench.end().await;
    let (recorder, store, task) = start_with_pages(dir.path(), 8).await;
    let noise: Vec<u8> =
        (0..1_000_000_u32).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
    let blob = Blob::new(&noise).unwrap();
    let large = NewEvidence { blobs: vec![blob], ..Chain::new(row, 1).next(&[]) };
    let error = recorder.record(Work::Evidence(Box::new(large))).await.unwrap_err();
    assert!(matches!(error, RecordError::Store { trouble: Trouble::Full, .. }), "{error}");
    assert_eq!(recorder.head().checkpoint.as_bytes(), before.signed().as_bytes());
    // It goes on: after the failure the connection is a new one, without the test's limit.
    let (done, head) = submit(recorder.clone(), Chain::new(row, 1).next(&[])).await.unwrap();
    let bench = Bench { dir, recorder, store, task };
    bench.verify(done, &head, &before).await;
}

/// A recorder whose database may grow by so many pages only, as on a disk that is almost full.
async fn start_with_pages(dir: &Path, pages: i64) -> (Recorder, Store, JoinHandle<Result<(), Failure>>) {
    let mut place = place(dir, key()).unwrap();
    place.database = dir.join("verifier.db").as_path().into();
    let (readers, mut connection) = store::open(&place.database).await.unwrap();
    let used: i64 = sql::query_scalar("PRAGMA page_count").fetch_one(&mut connection).await.unwrap();
    sql::assembled(format!("PRAGMA max_page_count = {}", used + pages))
        .execute(&mut connection)
        .await
        .unwrap();
    start_with(place, clock(), readers, connection).await.unwrap()
}

/// A database that was restored from a backup, beside files that went on: whatever was published, it is not signed on.
#[tokio::test]
async fn a_database_older_than_the_log_s_files_is_not_appended_to() {
    for heads in [Heads::Published, Heads::Cosigned] {
        let dir = tempfile::tempdir().unwrap();
        let at = |dir: &Path| {
            Place::local(dir.join("verifier.db").as_path().into(), &dir.join("log"), key(), heads)
        };
        let join = || Work::JoinToken {
            who: Who::token("test"),
            note: String::new(),
            expires: UnixTime::from_secs(2_000_000),
        };
        let run = async |leaves: usize| {
            let (recorder, store, task) = start(at(dir.path()).unwrap(), clock()).await?;
            for _ in 0..leaves {
                recorder.record(join()).await.unwrap();
            }
            drop(recorder);
            store.close().await;
            task.await.unwrap()
        };
        run(3).await.unwrap();
        let (database, backup) = (dir.path().join("verifier.db"), dir.path().join("backup.db"));
        std::fs::copy(&database, &backup).unwrap();
        run(2).await.unwrap();
        std::fs::copy(&backup, &database).unwrap();
        let failure = run(0).await.unwrap_err();
        assert_eq!(failure.exit(), Exit::Software);
        assert!(
            failure.to_string().contains("files reach to 5 leaves, the database to 3")
                || failure.to_string().contains("backup"),
            "{failure}"
        );
        // The other way round: files of the backup beside a database that went on.
        std::fs::remove_dir_all(dir.path().join("log")).unwrap();
        std::fs::remove_file(&database).unwrap();
        run(300).await.unwrap();
        std::fs::remove_dir_all(dir.path().join("log/tile")).unwrap();
        let failure = run(0).await.unwrap_err();
        assert!(failure.to_string().contains("is missing"), "{failure}");
    }
}

/// A sequencer that was thought dead finds that another one has the log.
#[tokio::test]
async fn a_second_sequencer_fences_the_first() {
    let bench = Bench::new().await;
    bench.enrol(1, 1).await.unwrap();
    let (second, store, task) = start(place(bench.dir.path(), key()).unwrap(), clock()).await.unwrap();
    let error = bench.enrol(2, 2).await.unwrap_err();
    assert!(matches!(error, RecordError::Store { trouble: Trouble::Fenced, .. }), "{error}");
    let failure = bench.task.await.unwrap().unwrap_err();
    assert_eq!(failure.exit(), Exit::Unavailable);
    let expires = UnixTime::from_secs(2_000_000);
    second.record(Work::JoinToken { who: Who::token("test"), note: String::new(), expires }).await.unwrap();
    drop(second);
    store.close().await;
    task.await.unwrap().unwrap();
}
