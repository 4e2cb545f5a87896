//! The built-in policy on true evidence, healthy and not.

use anyhow::Result;
use appraisal::endorsement::TrustTier;
use appraisal::policy::{Context, NotBefore, Policy, appraise};
use appraisal::result::{AttestationResult, Member, Status};
use appraisal::verify::verify;
use evidence::body::{Body, Coverage, Gap, GapCause, GapEnd, Means};
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use support::{EventLogBuilder, ImaListBuilder, SecureBootSwitch, SoftHost, SoftTpmSpec};

const NOW: UnixTime = UnixTime::from_secs(1_800_000_000);

fn context() -> Context {
    Context {
        received: NOW,
        not_before: NotBefore::Checkpoint(UnixTime::from_secs(1_799_999_990)),
        heartbeat_ms: 60_000,
        tier: TrustTier::Manufacturer,
    }
}

fn appraised(host: &SoftHost, context: Context, change: impl FnOnce(&mut Body)) -> Result<AttestationResult> {
    let mut body = host.body();
    change(&mut body);
    let envelope = host.seal(&body)?;
    let verified = verify(&envelope, &host.attester()?, &host.enrolled_state(), None)?;
    Ok(appraise(&verified, &Policy::built_in(), &context))
}

fn codes(result: &AttestationResult, member: Member) -> Vec<&'static str> {
    let claims = result.claims().iter().filter(|claim| claim.member == member);
    claims.flat_map(|claim| claim.reasons.iter().map(|reason| reason.code)).collect()
}

#[test]
fn a_healthy_host_is_affirmed_without_reference_values() {
    let result = appraised(&SoftHost::new(1).unwrap(), context(), |_| {}).unwrap();
    assert_eq!(result.status(), Status::Affirming, "{result:#?}");
    assert_eq!(codes(&result, Member::Configuration), ["secure-boot-on"]);
    assert_eq!(codes(&result, Member::Executables), ["ima-replayed"]);
    assert_eq!(codes(&result, Member::Hardware), ["firmware-log-replayed"]);
    assert_eq!(codes(&result, Member::SourcedData), ["fresh"]);
}

#[test]
fn secure_boot_off_is_a_warning() {
    let host = SoftHost::with(&SoftTpmSpec::default(), SecureBootSwitch::Off).unwrap();
    let result = appraised(&host, context(), |_| {}).unwrap();
    assert_eq!(result.status(), Status::Warning);
    assert_eq!(codes(&result, Member::Configuration), ["secure-boot-off"]);
}

#[test]
fn a_policy_decides_what_a_finding_comes_to() {
    use appraisal::policy::Severity;

    let host = SoftHost::with(&SoftTpmSpec::default(), SecureBootSwitch::Off).unwrap();
    let envelope = host.next().unwrap();
    let verified = verify(&envelope, &host.attester().unwrap(), &host.enrolled_state(), None).unwrap();
    let policy = Policy { secure_boot_off: Severity::Fail, ..Policy::built_in() };
    assert_eq!(appraise(&verified, &policy, &context()).status(), Status::Contraindicated);
}

#[test]
fn an_ima_violation_is_counted_and_named() {
    let mut host = SoftHost::new(1).unwrap();
    host.violate("/usr/bin/open-for-write").unwrap();
    let result = appraised(&host, context(), |_| {}).unwrap();
    assert_eq!(codes(&result, Member::Executables), ["ima-violation"]);
    assert_eq!(result.status(), Status::Warning);
}

#[test]
fn a_kernel_without_an_ima_policy_affirms_nothing_about_what_runs() {
    let mut host = SoftHost::new(1).unwrap();
    host.tpm.reset();
    host.firmware_log = EventLogBuilder::typical(&host.tpm, SecureBootSwitch::On).unwrap().finish();
    host.ima_list = ImaListBuilder::booted(&host.tpm).unwrap().finish();
    let result = appraised(&host, context(), |_| {}).unwrap();
    assert_eq!(codes(&result, Member::Executables), ["ima-no-policy"]);
    assert_eq!(result.value(Member::Executables), 0);
}

#[test]
fn a_boot_aggregate_that_cannot_be_read_does_not_read_as_a_good_one() {
    let codes_of = |change: &dyn Fn(&mut SoftHost)| {
        let mut host = SoftHost::new(1).unwrap();
        change(&mut host);
        codes(&appraised(&host, context(), |_| {}).unwrap(), Member::Executables)
    };
    // The template's name is not measured: the list still replays, and its first record has no fields that fit.
    let relabelled = codes_of(&|host| {
        let at = host.ima_list.windows(6).position(|window| window == b"ima-ng").unwrap();
        host.ima_list[at..at + 6].copy_from_slice(b"no-one");
    });
    assert_eq!(relabelled, ["ima-no-boot-aggregate"]);
    let of_another_boot = codes_of(&|host| {
        host.tpm.reset();
        host.firmware_log = EventLogBuilder::typical(&host.tpm, SecureBootSwitch::On).unwrap().finish();
        let mut list = ImaListBuilder::new(&host.tpm);
        list.file("boot_aggregate", &Sha256Digest::of(&[b"another boot"])).unwrap();
        list.file("/usr/bin/true", &Sha256Digest::of(&[b"true"])).unwrap();
        host.ima_list = list.finish();
    });
    assert_eq!(of_another_boot, ["ima-boot-aggregate"]);
    let no_tpm = codes_of(&|host| {
        host.tpm.reset();
        host.firmware_log = EventLogBuilder::typical(&host.tpm, SecureBootSwitch::On).unwrap().finish();
        let mut list = ImaListBuilder::new(&host.tpm);
        list.file("boot_aggregate", &Sha256Digest::new([0; 32])).unwrap();
        list.file("/usr/bin/true", &Sha256Digest::of(&[b"true"])).unwrap();
        host.ima_list = list.finish();
    });
    assert_eq!(no_tpm, ["ima-boot-aggregate-no-tpm"]);
}

#[test]
fn what_no_event_tells_of_is_a_warning() {
    let host = SoftHost::new(1).unwrap();
    let covered = |means: &[Means]| {
        let coverage = means.iter().enumerate().map(|(number, means)| Coverage {
            scope: format!("/{number}"),
            means: *means,
            reason: "no file handles".into(),
        });
        appraised(&host, context(), |body| body.coverage = coverage.collect()).unwrap()
    };
    let good = covered(&[Means::FileSystemEvents, Means::DirectoryEvents, Means::Elsewhere]);
    assert_eq!(codes(&good, Member::FileSystem), ["files-covered"]);
    let weak = covered(&[Means::Walks, Means::Nothing, Means::FileSystemEvents]);
    assert_eq!(codes(&weak, Member::FileSystem), ["coverage-weak"]);
    let claim = weak.claims().iter().find(|claim| claim.member == Member::FileSystem).unwrap();
    assert_eq!(claim.reasons[0].detail, "/1 is not seen: no file handles, and 1 more");
    assert_eq!(claim.value, 32, "it fails nothing");
}

#[test]
fn an_open_gap_is_a_warning_and_a_closed_one_is_not() {
    let gap = |until| Gap { from: NOW, until, cause: GapCause::Unreadable, scope: "/x\u{1b}[2J".into() };
    let host = SoftHost::new(1).unwrap();
    let open = appraised(&host, context(), |body| body.gaps = vec![gap(GapEnd::Open)]).unwrap();
    assert_eq!(codes(&open, Member::FileSystem), ["gap-open"]);
    let details: String =
        open.claims().iter().flat_map(|claim| &claim.reasons).map(|r| r.detail.clone()).collect();
    assert!(!details.contains('\u{1b}'), "what a host says is escaped");
    let closed = appraised(&host, context(), |body| body.gaps = vec![gap(GapEnd::Closed(NOW))]).unwrap();
    assert_eq!(closed.status(), Status::Affirming);
}

#[test]
fn an_unvouched_tpm_is_a_warning() {
    for (tier, code) in [(TrustTier::FirstUse, "ek-first-use"), (TrustTier::None, "ek-unvouched")] {
        let result = appraised(&SoftHost::new(1).unwrap(), Context { tier, ..context() }, |_| {}).unwrap();
        assert_eq!(codes(&result, Member::InstanceIdentity), [code]);
        assert_eq!(result.status(), Status::Warning);
    }
}

#[test]
fn old_evidence_is_called_a_backlog() {
    let old = Context { not_before: NotBefore::Checkpoint(UnixTime::from_secs(1_799_000_000)), ..context() };
    let result = appraised(&SoftHost::new(1).unwrap(), old, |_| {}).unwrap();
    assert_eq!(codes(&result, Member::SourcedData), ["backlog"]);
}
