use proptest::prelude::*;

use super::*;

fn digest(text: &str) -> Sha256Digest {
    Sha256Digest::of(&[text.as_bytes()])
}

fn sorted(mut digests: Vec<Sha256Digest>) -> Vec<Sha256Digest> {
    digests.sort_unstable();
    digests
}

pub(crate) fn body() -> Body {
    Body {
        host: HostId::new([1; 32]),
        chain: ChainId::new([2; 16]),
        seq: 7,
        prev: digest("prev"),
        boot: BootCounters { reset_count: 3, restart_count: 1 },
        checkpoint: CheckpointView { size: 12, root: digest("root") },
        state_root: digest("state"),
        added: sorted(vec![digest("a"), digest("b")]),
        removed: vec![digest("c")],
        gaps: vec![
            Gap {
                from: UnixTime::from_ms(5),
                until: GapEnd::Closed(UnixTime::from_ms(9)),
                cause: GapCause::NotRunning,
                scope: "/usr".into(),
            },
            Gap {
                from: UnixTime::from_ms(6),
                until: GapEnd::Open,
                cause: GapCause::Unreadable,
                scope: "/root/x".into(),
            },
        ],
        posture: vec![Claim { key: "kernel.release".into(), value: "6.1.0".into() }],
        agent_time: UnixTime::from_ms(1_700_000_000_000),
        salt: [9; 32],
        firmware_log: FirmwareLog::Present(digest("log")),
        ima_first: 40,
        trigger: Trigger::Change,
        agent_version: "0.1.0".into(),
        coverage: vec![Coverage {
            scope: "/".into(),
            means: Means::DirectoryEvents,
            reason: "CAP_SYS_ADMIN is missing".into(),
        }],
        counters: vec![Counter { name: "files.hashed".into(), value: 3_600 }],
        executions: vec![Execution { component: 0, entry: 5, count: 12 }],
        strays: vec![
            Stray { path: b"/tmp/a".to_vec(), digest: None, count: 1 },
            Stray { path: b"/tmp/b".to_vec(), digest: Some(digest("b")), count: 2 },
        ],
    }
}

#[test]
fn decode_of_encode_is_identity() {
    assert_eq!(Body::decode(&body().encode()), Ok(body()));
    let bare = Body { gaps: vec![], posture: vec![], firmware_log: FirmwareLog::Absent, ..body() };
    assert_eq!(Body::decode(&bare.encode()), Ok(bare));
}

#[test]
fn every_field_moves_the_qualifying_data() {
    let base = qualifying_data(&body().encode());
    let changed = [
        Body { host: HostId::new([3; 32]), ..body() },
        Body { chain: ChainId::new([3; 16]), ..body() },
        Body { seq: 8, ..body() },
        Body { prev: digest("other"), ..body() },
        Body { boot: BootCounters { reset_count: 4, restart_count: 1 }, ..body() },
        Body { boot: BootCounters { reset_count: 3, restart_count: 2 }, ..body() },
        Body { checkpoint: CheckpointView { size: 13, root: digest("root") }, ..body() },
        Body { checkpoint: CheckpointView { size: 12, root: digest("fork") }, ..body() },
        Body { state_root: digest("other"), ..body() },
        Body { added: vec![], ..body() },
        Body { removed: vec![], ..body() },
        Body { gaps: vec![], ..body() },
        Body { posture: vec![], ..body() },
        Body { agent_time: UnixTime::from_ms(1), ..body() },
        Body { salt: [8; 32], ..body() },
        Body { firmware_log: FirmwareLog::Absent, ..body() },
        Body { ima_first: 41, ..body() },
        Body { trigger: Trigger::Heartbeat, ..body() },
        Body { agent_version: "0.2.0".into(), ..body() },
        Body { coverage: vec![], ..body() },
        Body { counters: vec![], ..body() },
        Body { executions: vec![], ..body() },
        Body { strays: vec![], ..body() },
    ];
    for body in changed {
        assert_ne!(qualifying_data(&body.encode()), base, "{body:?}");
    }
}

#[test]
fn every_truncation_is_refused_with_its_place() {
    let bytes = body().encode();
    for len in 0..bytes.len() {
        assert!(matches!(Body::decode(&bytes[..len]), Err(BodyError::Encoding(_))), "{len}");
    }
}

#[test]
fn unsorted_components_are_refused() {
    let mut added = sorted(vec![digest("a"), digest("b")]);
    added.reverse();
    let bytes = Body { added, ..body() }.encode();
    assert!(matches!(Body::decode(&bytes), Err(BodyError::Encoding(CborError::Order { .. }))));
}

#[test]
fn unsorted_lists_are_refused() {
    let twice = [body().counters, body().counters].concat();
    let backwards = body().strays.into_iter().rev().collect();
    for body in [Body { counters: twice, ..body() }, Body { strays: backwards, ..body() }] {
        assert!(matches!(Body::decode(&body.encode()), Err(BodyError::Encoding(CborError::Order { .. }))));
    }
}

#[test]
fn another_version_is_named() {
    let mut bytes = body().encode();
    bytes[2] = 1;
    assert_eq!(Body::decode(&bytes), Err(BodyError::Version { found: 1 }));
}

#[test]
fn an_oversized_body_is_refused_unread() {
    assert_eq!(Body::decode(&vec![0; BODY_BYTES + 1]), Err(BodyError::TooLong { found: BODY_BYTES + 1 }));
}

proptest! {
    #[test]
    fn bytes_that_decode_are_canonical(at in any::<prop::sample::Index>(), to in any::<u8>()) {
        let mut bytes = body().encode();
        let at = at.index(bytes.len());
        bytes[at] = to;
        if let Ok(body) = Body::decode(&bytes) {
            prop_assert_eq!(body.encode(), bytes);
        }
    }

    #[test]
    fn noise_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _refused = Body::decode(&bytes).is_err();
    }
}
