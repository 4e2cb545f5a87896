use std::fs;

use evidence::body::{Body, BootCounters, Coverage, FirmwareLog, Gap, Means, Trigger};
use evidence::envelope::{Attachment, AttachmentKind, Evidence};
use evidence::manifest::state_root;
use ledger::checkpoint::{Checkpoint, Origin};
use ledger::hash::Hash;
use ledger::note::{KeyName, SignerKey};
use ledger::tree::LogSize;

use super::*;

fn key() -> SignerKey {
    SignerKey::from_seed(KeyName::new("log.example/lydian").unwrap(), &[7; 32])
}

fn checkpoint(leaves: u8) -> VerifiedCheckpoint {
    let key = key();
    let origin = Origin::new(key.verifier_key().name().as_str()).unwrap();
    let size = LogSize::new(leaves.into()).unwrap();
    let head = Checkpoint::new(origin, size, Hash::leaf(&[leaves])).unwrap();
    SignedCheckpoint::sign(head, &key).unwrap().verify(key.verifier_key()).unwrap()
}

fn identity(chain: u8) -> Identity {
    Identity {
        host: HostId::new([1; 32]),
        chain: ChainId::new([chain; 16]),
        name: "a".into(),
        url: "https://verifier.example".into(),
        ca: "pem".into(),
        selection: "sha256:0,10".parse().unwrap(),
        heartbeat_secs: 300,
        log_key: key().verifier_key().clone(),
        tier: "manufacturer".into(),
        enrolled_at: UnixTime::from_ms(1),
    }
}

fn component(n: u8) -> Sha256Digest {
    Sha256Digest::new([n; 32])
}

fn set(components: &[u8]) -> BTreeSet<Sha256Digest> {
    components.iter().copied().map(component).collect()
}

/// Evidence at the journal's position that leaves the host with these components.
fn next(journal: &Journal, components: &[u8]) -> Envelope {
    let time = UnixTime::from_ms(1_000 + journal.position().next_seq);
    next_with(journal, components, Vec::new(), time)
}

/// The same at a time, with what the measuring thread had to say of how it watches.
fn next_with(
    journal: &Journal,
    components: &[u8],
    coverage: Vec<Coverage>,
    agent_time: UnixTime,
) -> Envelope {
    let (position, after) = (journal.position(), set(components));
    let boot = BootCounters { reset_count: 3, restart_count: 0 };
    let first_of_boot = position.firmware.is_none();
    let firmware = b"a firmware log".to_vec();
    let body = Body {
        host: HostId::new([1; 32]),
        chain: journal.identity().unwrap().chain,
        seq: position.next_seq,
        prev: position.prev,
        boot,
        checkpoint: journal.checkpoint_view(),
        state_root: state_root(&after).unwrap(),
        added: after.difference(journal.components()).copied().collect(),
        removed: journal.components().difference(&after).copied().collect(),
        gaps: Vec::<Gap>::new(),
        posture: Vec::new(),
        agent_time,
        salt: [9; 32],
        firmware_log: FirmwareLog::Present(Sha256Digest::of(&[&firmware])),
        ima_first: position.ima_count,
        trigger: Trigger::Change,
        agent_version: "1".into(),
        coverage,
        counters: Vec::new(),
        executions: Vec::new(),
        strays: Vec::new(),
    };
    let log = Attachment { kind: AttachmentKind::FirmwareLog, first: 0, bytes: firmware };
    Envelope {
        evidence: Evidence::seal(&body.encode(), b"attest", b"signature").unwrap(),
        pcr_values: Vec::new(),
        attachments: if first_of_boot { vec![log] } else { Vec::new() },
    }
}

fn submission(envelope: &Envelope) -> Vec<u8> {
    wire::submit::compress(&envelope.encode()).unwrap()
}

fn seal(journal: &mut Journal, components: &[u8]) -> Envelope {
    let envelope = next(journal, components);
    journal.seal(&envelope, &submission(&envelope)).unwrap();
    envelope
}

fn acknowledge(journal: &mut Journal, seq: u64, wanted: &[u8]) {
    let wanted: Vec<_> = wanted.iter().copied().map(component).collect();
    let leaves = u8::try_from(seq).unwrap() + 2;
    journal.acknowledge(seq, checkpoint(leaves), &wanted, "affirming", UnixTime::from_ms(5)).unwrap();
}

fn enrolled(dir: &Path) -> Journal {
    let mut journal = Journal::open(dir).unwrap();
    assert_eq!(journal.identity(), None);
    journal.enrol(identity(1), checkpoint(1)).unwrap();
    journal
}

fn spooled(dir: &Path) -> Vec<String> {
    names(&dir.join("spool"))
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The journal as a new process finds it.
fn reopened(journal: Journal) -> Journal {
    journal.reload().unwrap()
}

#[test]
fn what_was_sealed_while_the_measuring_thread_stalled_was_not_seen() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let at = |secs: u64| Some(UnixTime::from_secs(secs));
    let coverage =
        || vec![Coverage { scope: "/".into(), means: Means::FileSystemEvents, reason: String::new() }];
    assert_eq!((journal.position().sealed_at, journal.position().watched_at), (None, None));
    let mut check = |coverage: Vec<Coverage>, sealed: u64, watched: u64| {
        let envelope = next_with(&journal, &[1], coverage, UnixTime::from_secs(sealed));
        journal.seal(&envelope, &submission(&envelope)).unwrap();
        assert_eq!((journal.position().sealed_at, journal.position().watched_at), (at(sealed), at(watched)));
    };
    check(Vec::new(), 1_000, 1_000);
    check(Vec::new(), 1_001, 1_000);
    check(coverage(), 1_002, 1_002);
    check(Vec::new(), 1_003, 1_002);
    // The clock is set back: what is sealed then was not sealed before the thread was heard last.
    check(Vec::new(), 900, 900);
    check(Vec::new(), 950, 900);
    // Also where the spool is all that is known.
    let journal = reopened(journal);
    assert_eq!((journal.position().sealed_at, journal.position().watched_at), (at(950), at(900)));
}

#[test]
fn everything_survives_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    seal(&mut journal, &[1, 2]);
    acknowledge(&mut journal, 0, &[]);
    let last = seal(&mut journal, &[2, 3]);
    let journal = reopened(journal);
    assert_eq!(journal.identity(), Some(&identity(1)));
    assert_eq!(journal.position().next_seq, 2);
    assert_eq!(journal.position().prev, last.evidence.digest());
    assert_eq!(journal.position().firmware.map(|sent| sent.boot.reset_count), Some(3));
    assert_eq!(journal.components(), &set(&[2, 3]));
    assert_eq!(journal.checkpoint(), Some(&checkpoint(2)));
    assert_eq!(journal.envelope(1).unwrap(), last);
    assert_eq!((journal.oldest(), journal.waiting().0), (Some(1), 1));
    assert_eq!((journal.tally().sealed, journal.tally().acknowledged), (2, 1));
}

/// kill -9 after the spool file and before the database: the database has not heard of the newest pieces.
#[test]
fn a_crash_between_spool_and_database_is_caught_up() {
    for lost in 1..=3 {
        let dir = tempfile::tempdir().unwrap();
        let mut journal = enrolled(dir.path());
        let envelopes: Vec<_> =
            [&[1, 2][..], &[2], &[2, 4]].iter().map(|components| seal(&mut journal, components)).collect();
        drop(journal);
        // The same files beside a database that stopped `lost` pieces earlier.
        let behind = tempfile::tempdir().unwrap();
        let mut journal = enrolled(behind.path());
        for envelope in &envelopes[..3 - lost] {
            journal.seal(envelope, &submission(envelope)).unwrap();
        }
        drop(journal);
        for name in spooled(dir.path()) {
            fs::copy(dir.path().join("spool").join(&name), behind.path().join("spool").join(&name)).unwrap();
        }
        let journal = Journal::open(behind.path()).unwrap();
        assert_eq!(journal.position().next_seq, 3, "{lost} lost");
        assert_eq!(journal.position().prev, envelopes[2].evidence.digest());
        assert_eq!(journal.components(), &set(&[2, 4]));
        assert_eq!(journal.tally().sealed, 3);
    }
}

/// kill -9 while the spool file is written: nothing was sealed.
#[test]
fn a_half_written_piece_was_never_sealed() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    seal(&mut journal, &[1]);
    let envelope = next(&journal, &[1, 2]);
    drop(journal);
    let bytes = submission(&envelope);
    let half = dir.path().join(format!("spool/{:020}.evidence.tmp", 1));
    fs::write(&half, &bytes[..bytes.len() / 2]).unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.position().next_seq, 1);
    assert_eq!(journal.components(), &set(&[1]));
    assert!(!half.exists());
}

/// kill -9 after the receipt was recorded and before its evidence was removed.
#[test]
fn evidence_that_was_confirmed_is_not_sent_again() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let first = seal(&mut journal, &[1]);
    acknowledge(&mut journal, 0, &[]);
    drop(journal);
    fs::write(dir.path().join(format!("spool/{:020}.evidence", 0)), submission(&first)).unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!((journal.oldest(), spooled(dir.path())), (None, Vec::new()));
    assert_eq!(journal.position().next_seq, 1);
}

#[test]
fn a_damaged_piece_is_put_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    seal(&mut journal, &[1]);
    drop(journal);
    let path = dir.path().join(format!("spool/{:020}.evidence", 0));
    let mut bytes = fs::read(&path).unwrap();
    bytes.truncate(bytes.len() / 2);
    fs::write(&path, bytes).unwrap();
    let journal = Journal::open(dir.path()).unwrap();
    assert_eq!(journal.oldest(), None);
    assert_eq!(names(&dir.path().join("refused")).len(), 1);
}

#[test]
fn a_refusal_is_undone_to_where_the_verifier_is() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let first = seal(&mut journal, &[1, 2]);
    acknowledge(&mut journal, 0, &[]);
    seal(&mut journal, &[2, 3]);
    seal(&mut journal, &[3, 4]);
    let to = Rewind { next_seq: 1, prev: first.evidence.digest() };
    assert_eq!(journal.rewind(to, "ima-replay").unwrap(), Some(2));
    assert_eq!(journal.components(), &set(&[1, 2]));
    assert_eq!(journal.position().next_seq, 1);
    assert_eq!(journal.position().prev, first.evidence.digest());
    assert_eq!(journal.position().firmware, None, "the firmware log goes along again");
    let journal = reopened(journal);
    assert_eq!(journal.components(), &set(&[1, 2]));
    assert_eq!(journal.position().next_seq, 1);
    assert_eq!((journal.oldest(), journal.tally().refused), (None, 2));
    assert_eq!(names(&dir.path().join("refused")).len(), 2);
}

/// kill -9 between the database and the move of what was undone: the rest is taken in and refused again.
#[test]
fn a_crash_while_rewinding_ends_in_the_same_place() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let envelopes = [seal(&mut journal, &[1]), seal(&mut journal, &[1, 2])];
    let to = Rewind { next_seq: 0, prev: component(0) };
    journal.rewind(to, "prev-mismatch").unwrap();
    drop(journal);
    // The newest was moved, the first was not.
    let path = dir.path().join(format!("spool/{:020}.evidence", 0));
    fs::write(&path, submission(&envelopes[0])).unwrap();
    let mut journal = Journal::open(dir.path()).unwrap();
    assert_eq!((journal.position().next_seq, journal.oldest()), (1, Some(0)));
    assert_eq!(journal.rewind(to, "prev-mismatch").unwrap(), Some(1));
    assert_eq!((journal.position().next_seq, journal.components().len()), (0, 0));
}

#[test]
fn a_position_that_is_not_known_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let first = seal(&mut journal, &[1]);
    acknowledge(&mut journal, 0, &[]);
    seal(&mut journal, &[1, 2]);
    let before = *journal.position();
    for to in [
        Rewind { next_seq: 0, prev: component(0) },
        Rewind { next_seq: 5, prev: first.evidence.digest() },
        Rewind { next_seq: 1, prev: component(9) },
    ] {
        assert_eq!(journal.rewind(to, "x").unwrap(), None, "{to:?}");
        assert_eq!((journal.position(), journal.oldest()), (&before, Some(1)));
    }
}

#[test]
fn a_new_enrolment_starts_a_chain_and_keeps_what_was_not_confirmed_aside() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    seal(&mut journal, &[1, 2]);
    journal.enrol(identity(2), checkpoint(3)).unwrap();
    assert_eq!(journal.position(), &Position::default());
    assert_eq!((journal.components().len(), journal.oldest()), (0, None));
    assert_eq!(names(&dir.path().join("refused")).len(), 1);
    let journal = reopened(journal);
    assert_eq!(journal.identity().map(|identity| identity.chain), Some(ChainId::new([2; 16])));
}

#[test]
fn manifests_are_kept_until_nobody_needs_them() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    let manifests: Vec<_> = (1..=4).map(|n| (component(n), vec![n; 10])).collect();
    journal.keep_manifests(&manifests).unwrap();
    seal(&mut journal, &[1, 2]);
    acknowledge(&mut journal, 0, &[1, 3, 9]);
    let wanted = journal.wanted(1 << 20, 100).unwrap();
    assert_eq!(wanted.manifests, [manifests[0].clone(), manifests[2].clone()]);
    assert_eq!(wanted.missing, [component(9)]);
    assert_eq!(journal.wanted(15, 100).unwrap().manifests.len(), 1, "one at least, and no more than fits");
    assert!(journal.is_asked_for_manifests().unwrap());
    let has = |journal: &Journal, n| journal.store.manifest(&component(n)).unwrap().is_some();
    journal.forget_manifests(&[component(2), component(4)]).unwrap();
    assert_eq!(
        [1, 2, 3, 4].map(|n| has(&journal, n)),
        [true, true, true, true],
        "sealed, sealed, wanted, current"
    );
    journal.uploaded(&[component(1), component(3), component(9)]).unwrap();
    journal.forget_manifests(&[component(2)]).unwrap();
    assert_eq!([1, 2, 3, 4].map(|n| has(&journal, n)), [true, true, false, false]);
    assert!(!journal.is_asked_for_manifests().unwrap());
}

#[test]
fn manifests_of_evidence_that_waits_are_not_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    journal.keep_manifests(&[(component(1), vec![1])]).unwrap();
    seal(&mut journal, &[1]);
    seal(&mut journal, &[]);
    journal.forget_manifests(&[]).unwrap();
    assert!(journal.store.manifest(&component(1)).unwrap().is_some(), "the verifier may yet want it");
}

#[test]
fn the_time_without_room_is_remembered_until_the_next_seal() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    journal.block(UnixTime::from_ms(50)).unwrap();
    journal.block(UnixTime::from_ms(60)).unwrap();
    let mut journal = reopened(journal);
    assert_eq!(journal.position().blocked_since, Some(UnixTime::from_ms(50)));
    seal(&mut journal, &[1]);
    assert_eq!(journal.position().blocked_since, None);
}

#[test]
fn a_checkpoint_that_somebody_put_into_the_store_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let journal = enrolled(dir.path());
    let forger = SignerKey::from_seed(KeyName::new("log.example/lydian").unwrap(), &[8; 32]);
    let head = checkpoint(9).checkpoint().clone();
    let forged = SignedCheckpoint::sign(head, &forger).unwrap();
    journal
        .store
        .change(Loss::NotAllowed, |change| change.put_row(CHECKPOINT, &forged.note().as_str()))
        .unwrap();
    assert!(matches!(journal.reload(), Err(JournalError::Damaged { .. })));
}

#[test]
fn only_so_much_refused_evidence_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    let mut journal = enrolled(dir.path());
    for _ in 0..spool::REFUSED_KEPT + 3 {
        seal(&mut journal, &[1]);
        journal.rewind(Rewind { next_seq: 0, prev: component(0) }, "x").unwrap();
    }
    assert_eq!(names(&dir.path().join("refused")).len(), spool::REFUSED_KEPT);
}
