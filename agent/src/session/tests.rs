use evidence::digest::Sha256Digest;

use super::*;

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn session() -> Session {
    Session::new(secs(300), 42)
}

const NOTHING: View = View { oldest: None, spool: Room::Left, wanted: Demand::None };

const fn waits(seq: u64) -> View {
    View { oldest: Some(seq), ..NOTHING }
}

/// Seals a first piece, so that a session is past its start.
fn started() -> Session {
    let mut session = session();
    let sealing = session.handle(Event::Wanted(Trigger::Start), NOTHING, secs(0));
    assert_eq!(sealing, [Action::Seal(Trigger::Start)]);
    session
}

#[test]
fn a_change_is_sealed_then_sent_then_forgotten() {
    let mut session = started();
    assert_eq!(session.handle(Event::Sealed, waits(0), secs(1)), [Action::Send(0)]);
    assert_eq!(
        session.handle(Event::Wanted(Trigger::Change), waits(0), secs(2)),
        [Action::Seal(Trigger::Change)]
    );
    assert_eq!(session.handle(Event::Sealed, waits(0), secs(3)), [], "one exchange at a time");
    assert_eq!(session.handle(Event::Acknowledged, waits(1), secs(4)), [Action::Send(1)]);
    assert_eq!(session.handle(Event::Acknowledged, NOTHING, secs(5)), []);
}

#[test]
fn one_seal_at_a_time_and_the_weightier_reason_wins() {
    let mut session = started();
    assert_eq!(session.handle(Event::Wanted(Trigger::Gap), NOTHING, secs(1)), []);
    assert_eq!(session.handle(Event::Wanted(Trigger::Change), NOTHING, secs(1)), []);
    assert_eq!(session.handle(Event::Wanted(Trigger::Gap), NOTHING, secs(1)), []);
    let next = session.handle(Event::Sealed, waits(0), secs(2));
    assert_eq!(next, [Action::Seal(Trigger::Change), Action::Send(0)]);
}

#[test]
fn nothing_is_sealed_before_the_first_snapshot_and_the_heartbeat_counts_from_the_last_seal() {
    let mut session = session();
    assert_eq!(session.deadline(NOTHING), None);
    assert_eq!(session.handle(Event::Tick, NOTHING, secs(10_000)), []);
    let mut session = started();
    session.handle(Event::Sealed, NOTHING, secs(10));
    assert_eq!(session.deadline(NOTHING), Some(secs(310)));
    assert_eq!(session.handle(Event::Tick, NOTHING, secs(309)), []);
    assert_eq!(session.handle(Event::Tick, NOTHING, secs(310)), [Action::Seal(Trigger::Heartbeat)]);
    assert_eq!(session.deadline(NOTHING), None, "a seal is under way");
}

#[test]
fn a_failed_seal_is_tried_again_for_the_same_reason() {
    let mut session = started();
    assert_eq!(session.handle(Event::NotSealed, NOTHING, secs(1)), []);
    let at = session.deadline(NOTHING).unwrap();
    assert!(at > secs(1) && at <= secs(2), "{at:?}");
    assert_eq!(session.handle(Event::Wanted(Trigger::Gap), NOTHING, secs(1)), [], "backing off");
    assert_eq!(session.handle(Event::Tick, NOTHING, at), [Action::Seal(Trigger::Start)]);
}

#[test]
fn an_absent_verifier_is_tried_again_less_and_less_often() {
    let mut session = started();
    let mut now = secs(1);
    session.handle(Event::Sealed, waits(0), now);
    let mut last = Duration::ZERO;
    for _ in 0..12 {
        session.handle(Event::Unanswered, waits(0), now);
        let at = session.deadline(View { spool: Room::Full, ..waits(0) }).unwrap();
        last = at.checked_sub(now).unwrap();
        assert!(last <= secs(300), "{last:?}");
        now = at;
        let actions = session.handle(Event::Tick, View { spool: Room::Full, ..waits(0) }, now);
        assert!(actions.contains(&Action::Send(0)), "{actions:?}");
    }
    assert!(last >= secs(150), "{last:?}");
    session.handle(Event::Acknowledged, NOTHING, now);
    assert_eq!(session.handle(Event::Tick, waits(1), now), [Action::Send(1)], "a success ends the back-off");
}

#[test]
fn new_evidence_does_not_wait_when_nothing_failed() {
    let mut session = started();
    session.handle(Event::Sealed, NOTHING, secs(1));
    session.handle(Event::Wanted(Trigger::Change), NOTHING, secs(2));
    assert_eq!(session.handle(Event::Sealed, waits(1), secs(2)), [Action::Send(1)]);
}

#[test]
fn a_lost_answer_is_fetched() {
    let mut session = started();
    session.handle(Event::Sealed, waits(0), secs(1));
    session.handle(Event::Unanswered, waits(0), secs(1));
    assert_eq!(session.handle(Event::Tick, waits(0), secs(10)), [Action::Send(0)]);
    let fetch = session.handle(Event::Refused(Refusal::Recorded), waits(0), secs(10));
    assert_eq!(fetch, [Action::FetchReceipt(0)]);
    session.handle(Event::Acknowledged, NOTHING, secs(11));
    assert_eq!(
        session.handle(Event::Tick, waits(1), secs(12)),
        [Action::Send(1)],
        "the next goes the plain way"
    );
}

#[test]
fn a_verifier_that_contradicts_itself_is_not_asked_in_a_circle() {
    let mut session = started();
    session.handle(Event::Sealed, waits(0), secs(1));
    assert_eq!(
        session.handle(Event::Refused(Refusal::NeedsWhole), waits(0), secs(1)),
        [Action::Send(0)],
        "at once"
    );
    assert_eq!(
        session.handle(Event::Refused(Refusal::NeedsFirmwareLog), waits(0), secs(1)),
        [Action::SendWithFirmwareLog(0)]
    );
    assert_eq!(session.handle(Event::Refused(Refusal::NeedsFirmwareLog), waits(0), secs(1)), [], "backs off");
    assert_eq!(session.handle(Event::Tick, waits(0), secs(10)), [Action::Send(0)]);
}

#[test]
fn refused_evidence_is_put_aside_and_sealed_anew_after_a_while() {
    let mut session = started();
    session.handle(Event::Sealed, waits(3), secs(1));
    let to = Rewind { next_seq: 3, prev: Sha256Digest::new([1; 32]) };
    let actions = session.handle(Event::Refused(Refusal::Rewind(to)), waits(3), secs(1));
    assert_eq!(actions, [Action::Rewind(to)], "nothing else in that moment");
    let at = session.deadline(NOTHING).unwrap();
    assert!(at > secs(1));
    assert_eq!(session.handle(Event::Tick, NOTHING, at), [Action::Seal(Trigger::Change)]);
}

#[test]
fn a_lost_position_and_a_stuck_host_are_asked_for_rarely() {
    for event in [Event::Lost, Event::Refused(Refusal::Stuck)] {
        let mut session = started();
        session.handle(Event::Sealed, waits(0), secs(1));
        session.handle(event, waits(0), secs(1));
        let at = session.deadline(View { spool: Room::Full, ..waits(0) }).unwrap();
        assert!(at >= secs(150), "{event:?}: {at:?}");
    }
}

#[test]
fn a_full_spool_stops_sealing_until_there_is_room() {
    let mut session = started();
    session.handle(Event::Sealed, waits(0), secs(1));
    let full = View { spool: Room::Full, ..waits(0) };
    assert_eq!(session.handle(Event::Wanted(Trigger::Change), full, secs(2)), [Action::Block]);
    session.handle(Event::Unanswered, full, secs(2));
    assert!(session.deadline(full).unwrap() > secs(2), "it does not spin");
    let freed = session.handle(Event::Acknowledged, NOTHING, secs(3));
    assert_eq!(freed, [Action::Seal(Trigger::Change)]);
}

#[test]
fn manifests_go_up_when_no_evidence_waits() {
    let asked = View { wanted: Demand::Some, ..NOTHING };
    let mut session = started();
    session.handle(Event::Sealed, waits(0), secs(1));
    assert_eq!(session.handle(Event::Acknowledged, asked, secs(2)), [Action::Upload]);
    assert_eq!(session.handle(Event::Uploaded, asked, secs(3)), [Action::Upload], "the next batch");
    assert_eq!(session.handle(Event::Uploaded, NOTHING, secs(4)), []);
}

#[test]
fn a_receipt_that_never_comes_is_told_after_ten_minutes() {
    let mut session = started();
    session.handle(Event::Sealed, waits(0), secs(1));
    assert_eq!(session.overdue(secs(600)), None);
    assert_eq!(session.overdue(secs(602)), Some(secs(601)));
    session.handle(Event::Acknowledged, NOTHING, secs(603));
    assert_eq!(session.overdue(secs(9_999)), None);
}
