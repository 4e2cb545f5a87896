//! systemd's log as an attachment: what it explains, and that tampering with it is noticed or proves nothing false.

use appraisal::endorsement::TrustTier;
use appraisal::policy::{Context, NotBefore, Policy, appraise};
use appraisal::result::{Member, Status};
use appraisal::verify::{PcrStanding, VerifiedSystemdLog, verify};
use evidence::digest::HashAlg;
use evidence::envelope::{AttachmentKind, Envelope};
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{Measured as Said, TextCheck};
use evidence::time::UnixTime;
use support::{Measured as _, SoftHost};

/// Into which PCRs systemd 261 extends its separator.
const SEPARATED: [u32; 12] = [0, 1, 2, 3, 4, 5, 6, 7, 9, 12, 13, 14];

/// A host whose systemd has measured its boot.
fn booted() -> SoftHost {
    let mut host = SoftHost::new(1).unwrap();
    for pcr in SEPARATED {
        host.systemd_measures(pcr, "os-separator", "os-separator").unwrap();
    }
    host.systemd_measures(11, "enter-initrd", "phase").unwrap();
    host.systemd_measures(9, "nvpcr-separator", "nvpcr-separator").unwrap();
    host.systemd_measures(11, "sysinit", "phase").unwrap();
    host.systemd_measures(15, "machine-id:4691595be6a345f1833cc75fab63e475", "machine-id").unwrap();
    host.systemd_measures(11, "ready", "phase").unwrap();
    host
}

/// What a verdict says of hardware, and which texts it has proved.
#[derive(Debug, PartialEq, Eq)]
struct Verdict {
    status: Option<Status>,
    codes: Vec<&'static str>,
    proved: Vec<Said>,
}

impl Verdict {
    /// Whether anything reads otherwise than of the true log.
    fn notices(&self, honest: &Self) -> bool {
        self.codes != honest.codes
    }
}

fn verdict(host: &SoftHost, envelope: &Envelope) -> Verdict {
    let attester = host.attester().unwrap();
    let state = host.enrolled_state();
    let verified = match verify(envelope, &attester, &state, None) {
        Ok(verified) => verified,
        Err(refusal) => return Verdict { status: None, codes: vec![refusal.code()], proved: Vec::new() },
    };
    let now = UnixTime::from_secs(1_800_000_000);
    let context = Context {
        received: now,
        not_before: NotBefore::Checkpoint(now),
        heartbeat_ms: 60_000,
        tier: TrustTier::Manufacturer,
    };
    let result = appraise(&verified, &Policy::built_in(), &context);
    let claims = result.claims().iter().filter(|claim| claim.member == Member::Hardware);
    let codes = claims.flat_map(|claim| claim.reasons.iter().map(|reason| reason.code)).collect();
    let events = verified.firmware().unwrap().systemd().into_iter().flat_map(VerifiedSystemdLog::events);
    let proved = events.filter(|event| event.check(HashAlg::Sha256) == TextCheck::Verified);
    let proved = proved.filter_map(|event| event.measured()).collect();
    Verdict { status: Some(result.status()), codes, proved }
}

fn with_log(envelope: &Envelope, log: &[u8]) -> Envelope {
    let mut changed = envelope.clone();
    for attachment in &mut changed.attachments {
        if attachment.kind == AttachmentKind::SystemdLog {
            attachment.bytes = log.to_vec();
        }
    }
    changed
}

fn standing(host: &SoftHost, envelope: &Envelope, pcr: u32) -> PcrStanding {
    let verified = verify(envelope, &host.attester().unwrap(), &host.enrolled_state(), None).unwrap();
    verified.firmware().unwrap().standing(PcrIndex::new(pcr).unwrap()).unwrap().clone()
}

#[test]
fn what_systemd_extends_is_explained() {
    let host = booted();
    let envelope = host.next().unwrap();
    let verdict = verdict(&host, &envelope);
    assert_eq!(verdict.status, Some(Status::Affirming), "{verdict:?}");
    assert_eq!(verdict.codes, ["systemd-log-replayed", "firmware-log-replayed"]);
    assert_eq!(verdict.proved.len(), SEPARATED.len() + 5);
    for pcr in [0, 7, 9, 11, 15] {
        assert_eq!(standing(&host, &envelope, pcr), PcrStanding::ReplayedWithSystemd, "PCR {pcr}");
    }
    assert_eq!(standing(&host, &envelope, 8), PcrStanding::Replayed);
}

#[test]
fn the_chain_goes_on_with_a_log_that_grows() {
    let mut host = booted();
    let first = host.next().unwrap();
    let state = super::check(&host, &host.enrolled_state(), &first).unwrap().unwrap();
    host.accepted(&first);
    host.systemd_measures(11, "shutdown", "phase").unwrap();
    let second = host.next().unwrap();
    assert!(super::check(&host, &state, &second).unwrap().is_ok());
    let sent = second.attachment(AttachmentKind::SystemdLog).unwrap();
    assert_eq!(sent.bytes, host.systemd_log, "it is sent whole each time");
}

#[test]
fn an_agent_that_sends_no_log_is_not_refused() {
    let mut host = booted();
    host.systemd_log.clear();
    let envelope = host.next().unwrap();
    let verdict = verdict(&host, &envelope);
    assert_eq!(verdict.status, Some(Status::Affirming), "{verdict:?}");
    assert_eq!(standing(&host, &envelope, 0), PcrStanding::ReplayedWithSeparator);
    assert_eq!(standing(&host, &envelope, 15), PcrStanding::BeyondLog);
    assert!(verdict.codes.contains(&"os-separator-not-logged"), "{verdict:?}");
    assert!(verdict.codes.contains(&"pcr-beyond-log"), "{verdict:?}");
}

#[test]
fn phases_of_old_versions_are_explained_and_said() {
    let host = SoftHost::new(1).unwrap();
    for phase in ["sysinit", "ready"] {
        let banks = host.tpm.banks().unwrap();
        let digests: Vec<_> = banks.iter().map(|bank| bank.hash(&[phase.as_bytes()])).collect();
        host.tpm.extend(PcrIndex::new(11).unwrap(), &digests).unwrap();
    }
    let verdict = verdict(&host, &host.next().unwrap());
    assert_eq!(verdict.codes, ["phases-not-logged", "firmware-log-replayed"]);
}

/// Who forges both logs cannot hide what firmware measured by moving it into systemd's.
#[test]
fn the_end_of_firmwares_log_cannot_be_moved_into_systemds() {
    for register in [4, 7, 9] {
        let mut host = SoftHost::new(1).unwrap();
        host.systemd_measures(register, "moved", "phase").unwrap();
        let code = verdict(&host, &host.next().unwrap()).codes[0];
        assert_eq!(code, if register == 9 { "systemd-log-replayed" } else { "firmware-log-replay" });
        let text = String::from_utf8(host.systemd_log.clone()).unwrap();
        host.systemd_log =
            text.replace("\"moved\"", "\"untold\"").replace("\"phase\"", "\"new-type\"").into_bytes();
        let codes = verdict(&host, &host.next().unwrap()).codes;
        assert_eq!(
            codes[0],
            if register == 9 { "systemd-log-opaque" } else { "firmware-log-replay" },
            "{codes:?}"
        );
    }
    let mut host = SoftHost::new(1).unwrap();
    for _ in 0..2 {
        host.systemd_measures(4, "os-separator", "os-separator").unwrap();
    }
    assert_eq!(
        verdict(&host, &host.next().unwrap()).codes,
        ["firmware-log-replay"],
        "the separator comes once"
    );
}

#[test]
fn what_was_logged_after_the_quote_is_not_believed() {
    let mut host = booted();
    let envelope = host.next().unwrap();
    let honest = verdict(&host, &envelope);
    host.systemd_measures(15, "machine-id:ffffffffffffffffffffffffffffffff", "machine-id").unwrap();
    assert_eq!(verdict(&host, &with_log(&envelope, &host.systemd_log)), honest);
    let cut = &host.systemd_log[..host.systemd_log.len() - 9];
    assert_eq!(verdict(&host, &with_log(&envelope, cut)), honest, "systemd was just writing");
}

#[test]
fn records_that_are_dropped_repeated_or_moved_are_noticed() {
    let host = booted();
    let envelope = host.next().unwrap();
    let honest = verdict(&host, &envelope);
    let text = String::from_utf8(host.systemd_log.clone()).unwrap();
    let records: Vec<&str> = text.split_inclusive('\n').collect();
    let register =
        |record: &str| record.split("\"pcr\":").nth(1).unwrap().split(['}', ',']).next().unwrap().to_owned();
    let noticed = |what: &str, records: &[&str]| {
        let verdict = verdict(&host, &with_log(&envelope, records.concat().as_bytes()));
        assert!(verdict.notices(&honest), "{what}: {verdict:?}");
        assert!(verdict.proved.iter().all(|said| honest.proved.contains(said)), "{what}: {verdict:?}");
    };
    for at in 0..records.len() {
        let mut dropped = records.clone();
        dropped.remove(at);
        noticed(&format!("drop {at}"), &dropped);
        let later = (at + 1..records.len()).find(|later| register(records[*later]) == register(records[at]));
        if let Some(later) = later {
            let mut swapped = records.clone();
            swapped.swap(at, later);
            noticed(&format!("swap {at} and {later}"), &swapped);
            let mut repeated = records.clone();
            repeated.insert(at, records[at]);
            noticed(&format!("repeat {at}"), &repeated);
        }
        noticed(&format!("cut before {at}"), &records[..at]);
        let digest = records[at].rfind("\"digest\":\"").unwrap() + 10;
        let other = if records[at].as_bytes()[digest] == b'0' { "1" } else { "0" };
        let mut flipped = records[at].to_owned();
        flipped.replace_range(digest..=digest, other);
        let mut changed = records.clone();
        changed[at] = &flipped;
        noticed(&format!("digest {at}"), &changed);
    }
    // The order across registers was not measured, so moving a record among those of others says nothing new.
    let mut moved = records.clone();
    moved.swap(0, 1);
    assert_eq!(verdict(&host, &with_log(&envelope, moved.concat().as_bytes())).codes, honest.codes);
}

/// A record's text, type, time and boot are not measured but by its digest: whatever bit is changed, nothing that was not
/// measured is believed.
#[test]
fn no_changed_bit_proves_anything_new() {
    let mut host = SoftHost::new(1).unwrap();
    host.systemd_measures(11, "ready", "phase").unwrap();
    host.systemd_measures(15, "machine-id:4691595be6a345f1833cc75fab63e475", "machine-id").unwrap();
    let envelope = host.next().unwrap();
    let honest = verdict(&host, &envelope);
    let (mut noticed, mut unmeasured) = (0, 0);
    for at in 0..host.systemd_log.len() {
        let mut log = host.systemd_log.clone();
        log[at] ^= 1 << (at % 8);
        let changed = verdict(&host, &with_log(&envelope, &log));
        assert!(changed.proved.iter().all(|said| honest.proved.contains(said)), "{at}: {changed:?}");
        if changed.notices(&honest) { noticed += 1 } else { unmeasured += 1 }
    }
    eprintln!(
        "{noticed} of {} changed bits noticed, {unmeasured} of unmeasured members",
        host.systemd_log.len()
    );
    assert!(noticed > unmeasured);
}
