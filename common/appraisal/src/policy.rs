//! Is this host as it should be?
//!
//! In: verified evidence, a policy, and what the verifier knows beside it. Out: an attestation result with reasons.
//! The built-in policy needs no reference values: it asks for a vouched-for TPM, a firmware log that replays and
//! whose digests are recomputed, Secure Boot, an IMA list without violations, no open gaps, and a fresh agent.

use evidence::body::{Body, Gap, GapEnd, Means};
use evidence::eventlog::{SecureBoot, SeparatorState};
use evidence::ima::{BootAggregateCheck, Extends};
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{FindingCode, Joint};
use evidence::time::UnixTime;

use crate::endorsement::TrustTier;
use crate::result::{AttestationResult, Claim, Member, Reason};
use crate::verify::{PcrStanding, VerifiedFirmwareLog, VerifiedIma, VerifiedLog, VerifiedSystemdLog};

/// What is asked of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Names the policy in results.
    pub id: String,
    /// What Secure Boot being off comes to.
    pub secure_boot_off: Severity,
    /// What IMA violations come to.
    pub ima_violations: Severity,
    /// What a host without a firmware log comes to.
    pub firmware_log_absent: Severity,
    /// What open gaps come to.
    pub open_gaps: Severity,
    /// What sources come to whose changes no event tells of: they are looked at from time to time, or not at all.
    pub weak_coverage: Severity,
    /// Evidence that names a checkpoint older than this many heartbeats is not fresh.
    pub fresh_heartbeats: u32,
}

/// What a finding comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It is mentioned.
    Note,
    /// An operator should look.
    Warn,
    /// The host is not as it should be.
    Fail,
}

impl Policy {
    /// The policy that ships: useful without any configuration or reference value.
    pub fn built_in() -> Self {
        Self {
            id: "lydian:built-in:1".to_owned(),
            secure_boot_off: Severity::Warn,
            ima_violations: Severity::Warn,
            firmware_log_absent: Severity::Warn,
            open_gaps: Severity::Warn,
            weak_coverage: Severity::Warn,
            fresh_heartbeats: 3,
        }
    }
}

/// What the verifier knows beside the evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Context {
    /// When the evidence came, by the verifier's clock.
    pub received: UnixTime,
    /// When the log had the size that the body names as its last checkpoint: the evidence was sealed after that.
    pub not_before: NotBefore,
    /// The promised time between two pieces of evidence, in milliseconds.
    pub heartbeat_ms: u64,
    /// How well the host's endorsement key is vouched for.
    pub tier: TrustTier,
}

/// The earliest time at which evidence can have been sealed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotBefore {
    /// The host had verified no checkpoint yet.
    Unknown,
    /// The log published the checkpoint that the host names at this time.
    Checkpoint(UnixTime),
}

/// Appraises verified evidence.
pub fn appraise(evidence: &VerifiedLog<'_>, policy: &Policy, context: &Context) -> AttestationResult {
    let claims = vec![
        instance_identity(context),
        configuration(evidence, policy),
        executables(evidence, policy),
        file_system(evidence, policy),
        hardware(evidence, policy),
        sourced_data(policy, context),
    ];
    AttestationResult::new(policy.id.clone(), claims)
}

/// A claim in the making: its value is the worst of its reasons'.
struct Draft {
    claim: Claim,
}

impl Draft {
    const fn new(member: Member) -> Self {
        Self { claim: Claim { member, value: 0, reasons: Vec::new() } }
    }

    fn affirm(&mut self, value: i8, code: &'static str, detail: impl Into<String>) {
        self.push(value, code, detail.into());
    }

    fn find(&mut self, severity: Severity, code: &'static str, detail: impl Into<String>) {
        let value = match severity {
            Severity::Note => 0,
            Severity::Warn => 32,
            Severity::Fail => 96,
        };
        self.push(value, code, detail.into());
    }

    fn push(&mut self, value: i8, code: &'static str, detail: String) {
        self.claim.value = self.claim.value.max(value);
        self.claim.reasons.push(Reason { code, detail });
    }
}

fn instance_identity(context: &Context) -> Claim {
    let mut draft = Draft::new(Member::InstanceIdentity);
    match context.tier {
        TrustTier::Manufacturer => {
            draft.affirm(
                2,
                "ek-manufacturer",
                "the endorsement key's certificate leads to a trusted manufacturer",
            );
        }
        TrustTier::Cloud => draft.affirm(2, "ek-cloud", "the endorsement key is vouched for by a cloud"),
        TrustTier::OperatorPinned => draft.affirm(2, "ek-pinned", "an operator pinned the endorsement key"),
        TrustTier::FirstUse => {
            draft.find(Severity::Warn, "ek-first-use", "the endorsement key was trusted on first use");
        }
        TrustTier::None => {
            draft.find(Severity::Warn, "ek-unvouched", "nobody vouches for the endorsement key");
        }
    }
    draft.claim
}

fn configuration(evidence: &VerifiedLog<'_>, policy: &Policy) -> Claim {
    let mut draft = Draft::new(Member::Configuration);
    let Some(firmware) = evidence.firmware() else {
        draft.find(
            Severity::Note,
            "secure-boot-unknown",
            "there is no firmware log that tells of Secure Boot",
        );
        return draft.claim;
    };
    if !firmware.standing(PcrIndex::SECURE_BOOT).is_some_and(PcrStanding::proves_firmware) {
        draft.find(policy.secure_boot_off, "secure-boot-unknown", "PCR 7 is not quoted or not in the log");
        return draft.claim;
    }
    match firmware.facts().secure_boot {
        SecureBoot::On { event } => {
            draft.affirm(2, "secure-boot-on", format!("event {event}: Secure Boot was on"));
        }
        SecureBoot::Off { event } => {
            draft.find(
                policy.secure_boot_off,
                "secure-boot-off",
                format!("event {event}: Secure Boot was off"),
            );
        }
        SecureBoot::Unknown(why) => {
            draft.find(policy.secure_boot_off, "secure-boot-unknown", why.to_string());
        }
    }
    draft.claim
}

fn executables(evidence: &VerifiedLog<'_>, policy: &Policy) -> Claim {
    let mut draft = Draft::new(Member::Executables);
    match evidence.ima() {
        VerifiedIma::NotQuoted => {
            draft.find(Severity::Note, "ima-not-quoted", "PCR 10 is not quoted");
        }
        VerifiedIma::Empty(_) => {
            draft.find(Severity::Note, "ima-empty", "the kernel measures nothing with IMA");
        }
        VerifiedIma::Replayed { prefix, violations, boot_aggregate, first, .. } => {
            if *violations > 0 {
                let which = prefix
                    .violations
                    .first()
                    .map_or_else(String::new, |n| format!(", first new one: record {n}"));
                let detail = format!("{violations} IMA violations in this boot hide what was read{which}");
                draft.find(policy.ima_violations, "ima-violation", detail);
            }
            if prefix.verified.extends() == Extends::PaddedSha1 {
                draft.find(
                    Severity::Warn,
                    "ima-padded-sha1",
                    "the kernel extends SHA-1 hashes, padded, into PCR 10",
                );
            }
            if *first == 0 {
                boot_aggregate_found(*boot_aggregate, &mut draft);
            }
            let records = prefix.verified.count();
            if records <= 1 {
                let detail = "the kernel lists its boot_aggregate alone: no IMA policy measures what is run";
                draft.find(Severity::Note, "ima-no-policy", detail);
            } else if draft.claim.value == 0 {
                let detail =
                    format!("{records} IMA records replay to the quoted PCR 10, none is a violation");
                draft.affirm(2, "ima-replayed", detail);
            }
        }
    }
    draft.claim
}

/// A list's first record binds it to the firmware's PCRs. Its template's name is not measured, so one that cannot be read may
/// have been relabelled, and must not read as good.
fn boot_aggregate_found(found: Option<BootAggregateCheck>, draft: &mut Draft) {
    let (severity, code, detail) = match found {
        Some(BootAggregateCheck::Matches { .. }) => return,
        Some(BootAggregateCheck::Differs) => (
            Severity::Warn,
            "ima-boot-aggregate",
            "IMA's boot_aggregate is not that of the quoted PCRs: a PCR was extended after IMA started, or the list is of another boot",
        ),
        Some(BootAggregateCheck::NoTpm) => (
            Severity::Warn,
            "ima-boot-aggregate-no-tpm",
            "IMA's boot_aggregate says that the kernel found no TPM, and yet the list replays to one",
        ),
        Some(BootAggregateCheck::NotCheckable) => (
            Severity::Note,
            "ima-boot-aggregate-not-checkable",
            "IMA's boot_aggregate is of a bank whose PCRs are not known",
        ),
        None => (
            Severity::Warn,
            "ima-no-boot-aggregate",
            "the list's first record is no boot_aggregate that can be read: nothing in it names this boot's firmware",
        ),
    };
    draft.find(severity, code, detail);
}

fn file_system(evidence: &VerifiedLog<'_>, policy: &Policy) -> Claim {
    let mut draft = Draft::new(Member::FileSystem);
    let open = |gap: &&Gap| gap.until == GapEnd::Open;
    let mut gaps = evidence.body().gaps.iter().filter(open);
    if let Some(gap) = gaps.next() {
        let more = match gaps.count() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let detail = format!(
            "open gap since {}: {} of {}{more}",
            gap.from,
            gap.cause.name(),
            gap.scope.escape_debug()
        );
        draft.find(policy.open_gaps, "gap-open", detail);
    }
    coverage(&mut draft, evidence.body(), policy);
    if draft.claim.reasons.is_empty() {
        let components = evidence.next_state().components().len();
        draft.affirm(
            3,
            "files-covered",
            format!("{components} components, without an open gap, on the agent's word"),
        );
    }
    draft.claim
}

/// Sources that are watched by worse than events; the worst of them is named.
fn coverage(draft: &mut Draft, body: &Body, policy: &Policy) {
    let weak = |means: Means| matches!(means, Means::Walks | Means::Nothing);
    let found = body.coverage.iter().filter(|source| weak(source.means));
    let Some(worst) = found.clone().max_by_key(|source| source.means) else { return };
    let more = match found.count().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    let how = match worst.means {
        Means::Nothing => "is not seen",
        _ => "is looked at from time to time only",
    };
    let why =
        if worst.reason.is_empty() { String::new() } else { format!(": {}", worst.reason.escape_debug()) };
    let detail = format!("{} {how}{why}{more}", worst.scope.escape_debug());
    draft.find(policy.weak_coverage, "coverage-weak", detail);
}

fn hardware(evidence: &VerifiedLog<'_>, policy: &Policy) -> Claim {
    let mut draft = Draft::new(Member::Hardware);
    let Some(firmware) = evidence.firmware() else {
        draft.find(
            policy.firmware_log_absent,
            "firmware-log-absent",
            "the host has no firmware log: PCR 0 to 7 are not explained",
        );
        return draft.claim;
    };
    standings(&mut draft, firmware);
    if let Some(systemd) = firmware.systemd() {
        systemd_log(&mut draft, systemd);
    }
    let facts = firmware.facts();
    for (pcr, separator) in facts.separators.iter().enumerate() {
        if !matches!(separator, SeparatorState::Normal { .. }) {
            let detail = format!(
                "PCR {pcr} in bank {}: its separator is not as it should be ({separator:?})",
                facts.bank
            );
            draft.find(Severity::Warn, "separator", detail);
        }
    }
    for finding in &facts.findings {
        let place = finding.event.map_or_else(String::new, |event| format!("event {event}: "));
        draft.find(
            severity_of(finding.code.as_str()),
            finding.code.as_str(),
            format!("{place}PCR {}", finding.register),
        );
    }
    if draft.claim.value == 0 {
        let events = firmware.log().events().len();
        draft.affirm(
            2,
            "firmware-log-replayed",
            format!("{events} events replay to the quoted PCRs in bank {}", firmware.bank()),
        );
    }
    draft.claim
}

fn standings(draft: &mut Draft, firmware: &VerifiedFirmwareLog<'_>) {
    for (pcr, standing) in firmware.standings() {
        match standing {
            // What systemd's log explains is said once, of the log.
            PcrStanding::Replayed | PcrStanding::Untouched | PcrStanding::ReplayedWithSystemd => {}
            PcrStanding::ReplayedWithRepair(_) => {
                let detail = format!(
                    "PCR {pcr} replays with the ExitBootServices events that this firmware does not log"
                );
                draft.find(Severity::Note, "exit-boot-services-repaired", detail);
            }
            PcrStanding::ReplayedWithOpaque => {
                let detail = format!(
                    "PCR {pcr} replays with records of systemd's log that do not tell what they measured"
                );
                draft.find(Severity::Warn, "systemd-log-opaque", detail);
            }
            PcrStanding::ReplayedWithPhases(repair) => {
                let phases = repair.phases.join(", ");
                let detail = format!(
                    "PCR {pcr} replays with the phases {phases}, which this version of systemd measures without logging"
                );
                draft.find(Severity::Note, "phases-not-logged", detail);
            }
            PcrStanding::ReplayedWithSeparator => {
                let detail =
                    format!("PCR {pcr} replays with systemd's os-separator; no log of it is attached");
                draft.find(Severity::Note, "os-separator-not-logged", detail);
            }
            PcrStanding::BeyondLog if firmware.systemd().is_some() => {
                let detail = format!(
                    "PCR {pcr} was extended by the running system, and systemd's log does not lead to its value"
                );
                draft.find(Severity::Warn, "systemd-log-unexplained", detail);
            }
            PcrStanding::BeyondLog => {
                let detail =
                    format!("PCR {pcr} was extended by the running system; no log of it is attached");
                draft.find(Severity::Note, "pcr-beyond-log", detail);
            }
        }
    }
}

/// What systemd's log proves, and what is wrong in the part of it that is vouched for.
fn systemd_log(draft: &mut Draft, systemd: &VerifiedSystemdLog<'_>) {
    let pcrs: Vec<String> = systemd.explained().map(|pcr| pcr.to_string()).collect();
    if !pcrs.is_empty() {
        let detail = format!(
            "PCR {} replay with {} of the {} records of systemd's log",
            pcrs.join(", "),
            systemd.events().count(),
            systemd.records()
        );
        draft.find(Severity::Note, "systemd-log-replayed", detail);
    }
    if let Joint::Apart { late, early } = systemd.joint() {
        let detail =
            format!("no moment of systemd's log has both PCR {late} and PCR {early} as they were quoted");
        draft.find(Severity::Warn, "systemd-log-order", detail);
    }
    let mut left_out = 0_u64;
    systemd.findings(|finding| {
        if draft.claim.reasons.len() >= REASONS {
            left_out = left_out.saturating_add(1);
            return;
        }
        let severity = match finding.code {
            FindingCode::DigestMismatch => Severity::Fail,
            code if code.severity() == evidence::finding::Severity::Info => Severity::Note,
            _ => Severity::Warn,
        };
        draft.find(severity, finding.code.as_str(), format!("systemd's record {}: {finding}", finding.event));
    });
    if left_out > 0 {
        draft.find(Severity::Warn, "findings-left-out", format!("{left_out} more findings of systemd's log"));
    }
}

/// Reasons of one claim; what is wrong with the first dozens of records is enough to know.
const REASONS: usize = 64;

/// Findings that mean that a log's text is not what was measured; the rest are peculiarities of firmware.
fn severity_of(code: &str) -> Severity {
    match code {
        "digest-mismatch" | "separator-disguised" | "separator-error" => Severity::Fail,
        "unknown-event" | "pcr7-authority-before-separator" => Severity::Note,
        _ => Severity::Warn,
    }
}

fn sourced_data(policy: &Policy, context: &Context) -> Claim {
    let mut draft = Draft::new(Member::SourcedData);
    let limit_ms = context.heartbeat_ms.saturating_mul(policy.fresh_heartbeats.into());
    match context.not_before {
        NotBefore::Unknown => {
            draft.find(
                Severity::Note,
                "freshness-unknown",
                "the host had verified no checkpoint when it sealed this",
            );
        }
        NotBefore::Checkpoint(at) if context.received.ms_since(at) <= limit_ms => {
            draft.affirm(2, "fresh", format!("sealed between {at} and {}", context.received));
        }
        NotBefore::Checkpoint(at) => {
            let detail =
                format!("sealed between {at} and {}: a backlog, or a host that was away", context.received);
            draft.find(Severity::Note, "backlog", detail);
        }
    }
    draft.claim
}
