//! Both sides of the protocol, apart and against each other.

use super::*;
use crate::checkpoint::{Checkpoint, SignedCheckpoint, VerifiedCheckpoint};
use crate::cosignature::CosignerSecret;
use crate::hash::Hash;
use crate::note::{KeyName, SignerKey, VerifierKey};
use crate::proof::{ConsistencyProof, ProofError, verify_consistency};
use crate::testing::{MemoryLog, Seeded, signer, size};
use crate::tree::{LogSize, load_frontier, prove_consistency};

fn log_signer() -> SignerKey {
    signer("log.example", 1)
}

fn keys() -> Vec<VerifierKey> {
    vec![log_signer().verifier_key().clone()]
}

fn cosigner() -> CosignerSecret {
    CosignerSecret::from_seed(KeyName::new("witness.example").unwrap(), &[9; 32])
}

/// The checkpoint that this log had at a size.
fn checkpoint(log: &MemoryLog, leaves: usize, by: &SignerKey) -> SignedCheckpoint {
    let root = load_frontier(log, size(leaves)).unwrap().root();
    let claim = Checkpoint::new(by.verifier_key().name().into(), size(leaves), root).unwrap();
    SignedCheckpoint::sign(claim, by).unwrap()
}

fn proof(log: &MemoryLog, old: LogSize, new: LogSize) -> ConsistencyProof {
    prove_consistency(log, old, new).unwrap()
}

fn request(log: &MemoryLog, old: usize, new: usize) -> AddCheckpoint {
    AddCheckpoint::new(size(old), proof(log, size(old), size(new)), checkpoint(log, new, &log_signer()))
        .unwrap()
}

fn forked() -> MemoryLog {
    let mut log = MemoryLog::of(5);
    for leaf in 0..20_u8 {
        log.push(Hash::leaf(&[leaf]));
    }
    log
}

fn refused(request: &AddCheckpoint, latest: Option<&VerifiedCheckpoint>) -> (u16, String) {
    let refusal = judge(request, &keys(), latest).unwrap_err();
    (refusal.status(), refusal.body().1)
}

#[test]
fn the_layout_of_a_request() {
    let log = MemoryLog::of(20);
    let request = request(&log, 7, 20);
    let text = request.to_string();
    assert!(text.starts_with("old 7\n") && text.contains("\n\nlog.example\n20\n"));
    assert_eq!(AddCheckpoint::parse(text.as_bytes()), Ok(request));
    let first = self::request(&log, 0, 20).to_string();
    assert!(first.starts_with("old 0\n\nlog.example\n20\n"), "{first}");
}

#[test]
fn what_is_no_request() {
    let note = request(&MemoryLog::of(20), 0, 20).checkpoint().note().as_str().to_owned();
    for (body, expected) in [
        (String::new(), RequestError::Truncated { offset: 0 }),
        (format!("old  0\n\n{note}"), RequestError::OldSize),
        (format!("old 00\n\n{note}"), RequestError::OldSize),
        (format!("old -1\n\n{note}"), RequestError::OldSize),
        (format!("\n{note}"), RequestError::OldSize),
        ("old 0\n".to_owned(), RequestError::Truncated { offset: 6 }),
        (
            format!("old 1\nAA==\n\n{note}"),
            RequestError::Hash { offset: 6, reason: crate::hash::HashError::Base64 },
        ),
        (
            format!("old 1\n{}\n{note}", format!("{}\n", Hash::leaf(b"")).repeat(64)),
            RequestError::TooManyHashes,
        ),
    ] {
        assert_eq!(AddCheckpoint::parse(body.as_bytes()), Err(expected), "{body}");
    }
    assert!(matches!(AddCheckpoint::parse(b"old 0\n\nx"), Err(RequestError::Checkpoint { offset: 7, .. })));
    assert!(matches!(AddCheckpoint::parse(b"old 0\n\xff"), Err(RequestError::NotUtf8 { offset: 6 })));
    let long = vec![b'a'; crate::limits::MAX_ADD_CHECKPOINT_BYTES + 1];
    assert_eq!(AddCheckpoint::parse(&long), Err(RequestError::TooLarge { found: long.len() }));
    let huge = format!("old 9223372036854775808\n\n{note}");
    assert!(matches!(AddCheckpoint::parse(huge.as_bytes()), Err(RequestError::Size(_))));
}

/// C2SP tlog-witness v1.0.0, add-checkpoint: each status for its own reason.
#[test]
fn every_refusal_has_its_status() {
    let log = MemoryLog::of(20);
    let latest = judge(&request(&log, 0, 7), &keys(), None).unwrap();
    assert_eq!(judge(&request(&log, 0, 7), &[], None).unwrap_err().status(), 404);
    let stranger = signer("log.example", 2).verifier_key().clone();
    assert_eq!(judge(&request(&log, 0, 7), &[stranger], None).unwrap_err().status(), 403);
    let backwards =
        AddCheckpoint::new(size(8), ConsistencyProof::default(), checkpoint(&log, 7, &log_signer())).unwrap();
    assert_eq!(refused(&backwards, Some(&latest)).0, 400);
    assert_eq!(refused(&request(&log, 3, 9), Some(&latest)), (409, "7\n".to_owned()));
    assert_eq!(refused(&request(&log, 3, 9), None), (409, "0\n".to_owned()));
    assert_eq!(refused(&request(&forked(), 7, 20), Some(&latest)).0, 422);
    let empty =
        AddCheckpoint::new(size(7), ConsistencyProof::default(), checkpoint(&log, 9, &log_signer())).unwrap();
    assert_eq!(refused(&empty, Some(&latest)).0, 422);
    let needless =
        AddCheckpoint::new(size(0), proof(&log, size(3), size(9)), checkpoint(&log, 9, &log_signer()))
            .unwrap();
    assert_eq!(refused(&needless, None).0, 422);
    assert!(judge(&request(&log, 7, 20), &keys(), Some(&latest)).is_ok());
}

#[test]
fn two_roots_at_one_size_are_a_fork() {
    let latest = judge(&request(&MemoryLog::of(20), 0, 20), &keys(), None).unwrap();
    let fork =
        AddCheckpoint::new(size(20), ConsistencyProof::default(), checkpoint(&forked(), 20, &log_signer()))
            .unwrap();
    let refusal = judge(&fork, &keys(), Some(&latest)).unwrap_err();
    assert_eq!(refusal, Refusal::Forked { known: size(20) });
    assert_eq!((refusal.status(), refusal.suspicion()), (409, Suspicion::Fork));
    // A genuine checkpoint with junk below it says nothing of the log.
    let log = MemoryLog::of(20);
    let again = checkpoint(&log, 20, &log_signer());
    let junk = AddCheckpoint::new(size(20), proof(&log, size(3), size(9)), again).unwrap();
    let refusal = judge(&junk, &keys(), Some(&latest)).unwrap_err();
    assert_eq!((refusal.status(), refusal.suspicion()), (422, Suspicion::None));
    // The same checkpoint again is no fork: its answer may have been lost.
    assert!(judge(&request(&MemoryLog::of(20), 20, 20), &keys(), Some(&latest)).is_ok());
}

#[test]
fn a_rollback_is_refused() {
    let log = MemoryLog::of(20);
    let latest = judge(&request(&log, 0, 20), &keys(), None).unwrap();
    assert_eq!(refused(&request(&log, 0, 7), Some(&latest)), (409, "20\n".to_owned()));
    assert_eq!(refused(&request(&log, 7, 7), Some(&latest)), (409, "20\n".to_owned()));
}

/// A proof of another log with the same sizes.
#[test]
fn a_proof_of_another_log_does_not_help() {
    let log = MemoryLog::of(20);
    let latest = judge(&request(&log, 0, 7), &keys(), None).unwrap();
    let foreign =
        AddCheckpoint::new(size(7), proof(&forked(), size(7), size(20)), checkpoint(&log, 20, &log_signer()))
            .unwrap();
    let refusal = judge(&foreign, &keys(), Some(&latest)).unwrap_err();
    assert_eq!(refusal, Refusal::Inconsistent { cause: ProofError::OldRootMismatch });
}

/// One trusted key signed well, another badly: the note is refused as a whole.
#[test]
fn a_bad_signature_in_a_trusted_keys_name_is_refused() {
    let log = MemoryLog::of(7);
    let second = signer("log.example", 5);
    let both = [log_signer().verifier_key().clone(), second.verifier_key().clone()];
    let mut twice = checkpoint(&log, 7, &log_signer());
    let elsewhere = checkpoint(&forked(), 7, &second);
    twice.add_signature(elsewhere.note().signatures()[0].clone()).unwrap();
    let request = AddCheckpoint::new(size(0), ConsistencyProof::default(), twice).unwrap();
    assert_eq!(judge(&request, &both, None), Err(Refusal::NotSigned));
    assert!(
        judge(&request, &keys(), None).is_ok(),
        "to whom trusts the first key alone, the second is a stranger"
    );
}

/// A witness that keeps what it stored, and answers as a server would.
#[derive(Default)]
struct Server {
    latest: Option<VerifiedCheckpoint>,
    clock: u64,
}

impl Server {
    fn handle(&mut self, body: &[u8]) -> (u16, &'static str, Vec<u8>) {
        let request = AddCheckpoint::parse(body).unwrap();
        match judge(&request, &keys(), self.latest.as_ref()) {
            Ok(verified) => {
                self.latest = Some(verified.clone());
                self.clock += 1;
                let line = cosigner().cosign(&verified, self.clock).unwrap().to_line();
                (200, "text/plain", format!("{line}\n").into_bytes())
            }
            Err(refusal) => {
                let (kind, body) = refusal.body();
                (refusal.status(), kind, body.into_bytes())
            }
        }
    }
}

fn exchange(client: &mut WitnessClient, server: &mut Server, log: &MemoryLog, leaves: usize) -> Answer {
    let head = checkpoint(log, leaves, &log_signer());
    let from = client.known().min(size(leaves));
    let body =
        AddCheckpoint::new(client.known(), proof(log, from, size(leaves)), head.clone()).unwrap().to_string();
    let (status, kind, answer) = server.handle(body.as_bytes());
    client.answer(&head, status, kind, &answer)
}

#[test]
fn a_growing_log_is_cosigned() {
    let log = MemoryLog::of(30);
    let (mut server, mut client) =
        (Server::default(), WitnessClient::new(cosigner().cosigner_key().clone(), LogSize::ZERO));
    for leaves in [1, 5, 5, 30] {
        let answer = exchange(&mut client, &mut server, &log, leaves);
        assert!(matches!(answer, Answer::Cosigned { .. }), "{answer:?}");
        assert_eq!(client.known(), size(leaves));
    }
}

#[test]
fn a_client_that_forgot_asks_again() {
    let log = MemoryLog::of(30);
    let mut server = Server::default();
    let mut client = WitnessClient::new(cosigner().cosigner_key().clone(), LogSize::ZERO);
    exchange(&mut client, &mut server, &log, 20);
    let mut forgetful = WitnessClient::new(cosigner().cosigner_key().clone(), LogSize::ZERO);
    assert_eq!(exchange(&mut forgetful, &mut server, &log, 30), Answer::TryAgain);
    assert_eq!(forgetful.known(), size(20));
    assert!(matches!(exchange(&mut forgetful, &mut server, &log, 30), Answer::Cosigned { .. }));
}

#[test]
fn a_log_restored_from_a_backup_is_told_to_stop() {
    let log = MemoryLog::of(30);
    let mut server = Server::default();
    exchange(
        &mut WitnessClient::new(cosigner().cosigner_key().clone(), LogSize::ZERO),
        &mut server,
        &log,
        30,
    );
    for known in [0, 7] {
        let mut restored = WitnessClient::new(cosigner().cosigner_key().clone(), size(known));
        assert_eq!(exchange(&mut restored, &mut server, &log, 20), Answer::Ahead { size: size(30) });
    }
    // Grown again to the same size with other leaves.
    let mut other = MemoryLog::of(20);
    for leaf in 0..10_u8 {
        other.push(Hash::leaf(&[leaf]));
    }
    let mut restored = WitnessClient::new(cosigner().cosigner_key().clone(), size(7));
    assert_eq!(exchange(&mut restored, &mut server, &other, 30), Answer::TryAgain);
    assert_eq!(exchange(&mut restored, &mut server, &other, 30), Answer::Forked { size: size(30) });
    // Grown beyond what the witness knows, while nobody asked it.
    for leaf in 0..20_u8 {
        other.push(Hash::leaf(&[leaf]));
    }
    let mut restored = WitnessClient::new(cosigner().cosigner_key().clone(), LogSize::ZERO);
    assert_eq!(exchange(&mut restored, &mut server, &other, 45), Answer::TryAgain);
    assert_eq!(exchange(&mut restored, &mut server, &other, 45), Answer::Forked { size: size(30) });
}

#[test]
fn only_a_cosignature_of_this_checkpoint_by_this_witness_counts() {
    let log = MemoryLog::of(30);
    let head = checkpoint(&log, 30, &log_signer());
    let verified = head.verify(log_signer().verifier_key()).unwrap();
    let older = checkpoint(&log, 29, &log_signer()).verify(log_signer().verifier_key()).unwrap();
    let stranger = CosignerSecret::from_seed(KeyName::new("witness.example").unwrap(), &[8; 32]);
    let line = |secret: &CosignerSecret, of: &VerifiedCheckpoint| {
        format!("{}\n", secret.cosign(of, 5).unwrap().to_line())
    };
    let (good, replayed) = (line(&cosigner(), &verified), line(&cosigner(), &older));
    let foreign = line(&stranger, &verified);
    let answer = |status, kind: &str, body: &str| {
        let mut client = WitnessClient::new(cosigner().cosigner_key().clone(), size(3));
        let answer = client.answer(&head, status, kind, body.as_bytes());
        let remembered = if matches!(answer, Answer::Cosigned { .. }) { 30 } else { 3 };
        assert_eq!(client.known(), size(remembered));
        answer
    };
    assert!(matches!(answer(200, "", &good), Answer::Cosigned { time_secs: 5, .. }));
    assert!(matches!(answer(200, "", &format!("{foreign}{good}")), Answer::Cosigned { .. }));
    for body in
        [replayed.as_str(), &foreign, "", "garbage\n", good.trim_end(), &format!("{good}x").repeat(400)]
    {
        assert!(matches!(answer(200, "", body), Answer::Unusable { .. }), "{body}");
    }
    assert_eq!(answer(422, "", &good), Answer::Forked { size: size(3) });
    for status in [201, 302, 400, 403, 404, 500, 503] {
        assert_eq!(answer(status, "", &good), Answer::Refused { status });
    }
    for (kind, body) in [
        ("text/plain", "7\n"),
        (SIZE_MEDIA_TYPE, "7"),
        (SIZE_MEDIA_TYPE, "07\n"),
        (SIZE_MEDIA_TYPE, ""),
        (SIZE_MEDIA_TYPE, "99999999999999999999\n"),
    ] {
        assert!(matches!(answer(409, kind, body), Answer::Unusable { .. }), "{kind} {body}");
    }
}

/// Logs that fork, answers that are lost, clients that forget: what was cosigned is one history all the same.
#[test]
fn nothing_makes_a_witness_cosign_two_histories() {
    let (log, fork) = (MemoryLog::of(25), forked());
    for seed in 0..200 {
        let mut random = Seeded(seed);
        let (mut server, mut cosigned) = (Server::default(), Vec::<VerifiedCheckpoint>::new());
        let mut known = [LogSize::ZERO; 2];
        for _ in 0..40 {
            let side = random.below(2);
            let history = if side == 0 { &log } else { &fork };
            let leaves = 1 + random.below(24);
            let mut client = WitnessClient::new(cosigner().cosigner_key().clone(), known[side]);
            if client.known() <= size(leaves) {
                exchange(&mut client, &mut server, history, leaves);
            }
            // Some clients forget what they were told, and some answers never arrive.
            known[side] = if random.below(4) == 0 { LogSize::ZERO } else { client.known() };
            cosigned.extend(server.latest.clone());
        }
        for pair in cosigned.windows(2) {
            let (old, new) = (pair[0].checkpoint(), pair[1].checkpoint());
            let holds = [&log, &fork].iter().any(|history| {
                let proof = proof(history, old.size(), new.size());
                verify_consistency(old.size(), old.root(), new.size(), new.root(), &proof).is_ok()
            });
            assert!(holds, "seed {seed}: {} then {}", old.size(), new.size());
        }
    }
}

#[test]
fn damaged_requests_do_not_panic() {
    let text = request(&MemoryLog::of(20), 7, 20).to_string();
    let mut random = Seeded(7);
    for _ in 0..2_000 {
        let damaged = random.damage(text.as_bytes());
        if let Ok(request) = AddCheckpoint::parse(&damaged) {
            assert_eq!(request.to_string().as_bytes(), damaged);
        }
    }
}
