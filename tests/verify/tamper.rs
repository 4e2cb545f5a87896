//! The tamper matrix: one row for each thing that can be wrong, with the code of its refusal.

use anyhow::Result;
use appraisal::attester::{AkUnsuitable, AttestationKey};
use appraisal::state::{HostState, LastBoot};
use evidence::body::{Body, CheckpointView, FirmwareLog, qualifying_data};
use evidence::digest::{ChainId, HashAlg, Sha256Digest};
use evidence::envelope::{AttachmentKind, Envelope, Evidence};
use evidence::eventlog::{EventLog, EventType};
use evidence::manifest::{ComponentKind, Manifest};
use evidence::pcr::{PcrIndex, PcrSelection};
use evidence::tpm::{Attest, AttestFields, Attested, ClockInfo, ClockSafety, ObjectAttributes};
use support::{KeyKind, Measured as _, SecureBootSwitch, SoftAttester, SoftTpm, SoftTpmSpec};

use super::Case;

/// Refusal code of a row, which makes one envelope out of a host that has attested once.
#[track_caller]
fn refused(row: impl FnOnce(&mut SoftAttester) -> Result<Envelope>) -> &'static str {
    refused_of(Case::attested(1).unwrap(), row)
}

/// As [`refused`], for the first evidence of a host, which carries its logs whole.
#[track_caller]
fn first_refused(row: impl FnOnce(&mut SoftAttester) -> Result<Envelope>) -> &'static str {
    refused_of(Case::enrolled(1).unwrap(), row)
}

#[track_caller]
fn refused_of(mut case: Case, row: impl FnOnce(&mut SoftAttester) -> Result<Envelope>) -> &'static str {
    let envelope = row(&mut case.host).unwrap();
    case.check(&envelope).expect_err("the envelope should be refused").code()
}

fn body_with(host: &SoftAttester, change: impl FnOnce(&mut Body)) -> Result<Envelope> {
    let mut body = host.body()?;
    change(&mut body);
    host.wrap(&host.seal(&body)?)
}

/// An envelope whose attestation was changed and signed again, as only a stolen key could.
fn attest_with(host: &SoftAttester, change: impl FnOnce(&mut AttestFields)) -> Result<Envelope> {
    let honest = host.envelope()?;
    let mut fields = Attest::parse(honest.evidence.attest())?.fields().clone();
    change(&mut fields);
    let attest = fields.encode()?;
    let signature = host.tpm().forge(&attest)?;
    let evidence = Evidence::seal(honest.evidence.body_raw(), &attest, &signature)?;
    Ok(Envelope { evidence, ..honest })
}

fn change_log(mut envelope: Envelope, kind: AttachmentKind, change: impl FnOnce(&mut Vec<u8>)) -> Envelope {
    let mut attachments = envelope.attachments.iter_mut();
    change(&mut attachments.find(|attachment| attachment.kind == kind).unwrap().bytes);
    envelope
}

/// A firmware log that was forged together with the body that names it.
fn forged_log(host: &SoftAttester, change: impl FnOnce(&mut Vec<u8>)) -> Result<Envelope> {
    let mut log = host.firmware_log().to_vec();
    change(&mut log);
    let envelope =
        body_with(host, |body| body.firmware_log = FirmwareLog::Present(Sha256Digest::of(&[&log])))?;
    Ok(change_log(envelope, AttachmentKind::FirmwareLog, |bytes| bytes.clone_from(&log)))
}

fn component(name: &str) -> Manifest {
    Manifest::new(ComponentKind::Package, name.to_owned(), String::new(), String::new(), vec![]).unwrap()
}

/// Byte ranges of a firmware log's records.
fn event_ranges(log: &[u8]) -> Vec<std::ops::Range<usize>> {
    let parsed = EventLog::parse(log);
    assert_eq!(parsed.damage, None);
    let starts: Vec<usize> = parsed.log.events().iter().map(|event| event.offset).collect();
    let ends = starts.iter().skip(1).copied().chain([log.len()]);
    starts.iter().copied().zip(ends).map(|(start, end)| start..end).collect()
}

fn measured_event(log: &[u8]) -> std::ops::Range<usize> {
    let parsed = EventLog::parse(log).log;
    let at = parsed.events().iter().position(|event| event.event_type != EventType::NO_ACTION).unwrap();
    event_ranges(log)[at].clone()
}

#[test]
fn true_evidence_passes_and_the_chain_goes_on() {
    let mut case = Case::attested(1).unwrap();
    for round in 0..5 {
        case.host.measure_file(&format!("/usr/bin/tool-{round}"), &Sha256Digest::of(&[&[round]])).unwrap();
        case.host.add(&component(&round.to_string()));
        let envelope = case.host.envelope().unwrap();
        case.take(&envelope).unwrap().unwrap();
    }
    let records = case.state.ima_first();
    assert_eq!((case.state.next_seq(), case.state.components().len()), (6, 5));
    assert!(records >= 5);
    case.host.reboot(SecureBootSwitch::On).unwrap();
    let envelope = case.host.envelope().unwrap();
    assert_eq!(envelope.attachments.len(), 2, "a new boot brings its logs");
    case.take(&envelope).unwrap().unwrap();
    assert_eq!(case.state.ima_first(), records - 5);
}

#[test]
fn the_state_survives_its_encoding() {
    let state = Case::attested(1).unwrap().state;
    assert_eq!(HostState::decode(&state.encode()), Ok(state));
}

#[test]
fn the_chain_holds() {
    let mut case = Case::enrolled(1).unwrap();
    let first = case.host.envelope().unwrap();
    case.take(&first).unwrap().unwrap();
    assert_eq!(case.check(&first).unwrap_err().code(), "replayed");
    assert_eq!(refused(|host| body_with(host, |body| body.seq += 1)), "seq-out-of-order");
    assert_eq!(refused(|host| body_with(host, |body| body.seq = 0)), "seq-out-of-order");
    assert_eq!(
        refused(|host| body_with(host, |body| body.prev = Sha256Digest::new([5; 32]))),
        "prev-mismatch"
    );
    assert_eq!(refused(|host| body_with(host, |body| body.chain = ChainId::new([5; 16]))), "wrong-chain");
}

#[test]
fn nobody_speaks_for_another() {
    let (case, other) = (Case::attested(1).unwrap(), Case::enrolled(2).unwrap());
    let as_other = body_with(&case.host, |body| body.host = other.attester.host).unwrap();
    assert_eq!(case.check(&as_other).unwrap_err().code(), "unknown-host");
    // Checked as the other host's, whose key did not sign it.
    assert_eq!(other.check(&as_other).unwrap_err().code(), "signature-invalid");
}

#[test]
fn a_key_that_was_never_enrolled_signs_nothing() {
    let case = Case::attested(1).unwrap();
    for kind in [KeyKind::EccP256, KeyKind::Rsa2048] {
        case.host.tpm().replace_ak(kind, 99).unwrap();
        let envelope = case.host.envelope().unwrap();
        assert_eq!(case.check(&envelope).unwrap_err().code(), "signature-invalid");
    }
}

#[test]
fn the_signature_covers_every_byte_of_the_quote() {
    let case = Case::attested(1).unwrap();
    let honest = case.host.envelope().unwrap();
    let attest = honest.evidence.attest();
    for at in 0..attest.len() {
        let mut changed = attest.to_vec();
        changed[at] ^= 1;
        let evidence =
            Evidence::seal(honest.evidence.body_raw(), &changed, honest.evidence.signature()).unwrap();
        let envelope = Envelope { evidence, ..honest.clone() };
        assert_eq!(case.check(&envelope).unwrap_err().code(), "signature-invalid", "{at}");
    }
}

#[test]
fn the_quote_is_over_this_body() {
    for at in ["salt", "posture", "state"] {
        let code = refused(|host| {
            let honest = host.envelope()?;
            let mut body = host.body()?;
            match at {
                "salt" => body.salt = [1; 32],
                "posture" => body.agent_version = "another".to_owned(),
                _ => body.state_root = Sha256Digest::new([9; 32]),
            }
            let evidence =
                Evidence::seal(&body.encode(), honest.evidence.attest(), honest.evidence.signature())?;
            Ok(Envelope { evidence, ..honest })
        });
        assert_eq!(code, "qualifying-data-mismatch", "{at}");
    }
    let nonce = |fields: &mut AttestFields| fields.extra_data = vec![0; 32];
    assert_eq!(refused(|host| attest_with(host, nonce)), "qualifying-data-mismatch");
    let short = |fields: &mut AttestFields| fields.extra_data.truncate(31);
    assert_eq!(refused(|host| attest_with(host, short)), "qualifying-data-mismatch");
}

#[test]
fn only_a_tpm_makes_quotes() {
    let not_generated = |host: &mut SoftAttester| {
        let honest = host.envelope()?;
        let mut attest = honest.evidence.attest().to_vec();
        attest[0] ^= 0xff;
        let signature = host.tpm().forge(&attest)?;
        Ok(Envelope { evidence: Evidence::seal(honest.evidence.body_raw(), &attest, &signature)?, ..honest })
    };
    assert_eq!(refused(not_generated), "not-a-quote");
    let certify =
        |fields: &mut AttestFields| fields.attested = Attested::Other { tag: 0x8017, info: vec![0, 0] };
    assert_eq!(refused(|host| attest_with(host, certify)), "not-a-quote");
}

#[test]
fn the_quote_covers_what_was_asked() {
    let select = |selection: PcrSelection| {
        refused(move |host| {
            let body = host.body()?;
            let data = qualifying_data(&body.encode());
            let (fields, values) = host.tpm().attest(&selection, &data)?;
            let attest = fields.encode()?;
            let evidence = Evidence::seal(&body.encode(), &attest, &host.tpm().forge(&attest)?)?;
            let pcr_values = values.iter().map(|value| value.as_bytes().to_vec()).collect();
            Ok(Envelope { evidence, pcr_values, attachments: vec![] })
        })
    };
    let fewer = PcrSelection::of_bank(HashAlg::Sha256, PcrIndex::ALL.into_iter().take(8).collect());
    assert_eq!(select(fewer), "selection-mismatch");
    let more = PcrSelection::of_bank(HashAlg::Sha256, PcrIndex::ALL.into_iter().collect());
    assert_eq!(select(more), "selection-mismatch");
    assert_eq!(select(PcrSelection::new(vec![]).unwrap()), "selection-mismatch");
}

#[test]
fn values_belong_to_the_quote() {
    for change in 0..3 {
        let code = refused(|host| {
            let mut envelope = host.envelope()?;
            match change {
                0 => envelope.pcr_values[3][0] ^= 1,
                1 => drop(envelope.pcr_values.pop()),
                _ => envelope.pcr_values.swap(0, 7),
            }
            Ok(envelope)
        });
        assert_eq!(code, "pcr-values-mismatch", "{change}");
    }
}

#[test]
fn the_tpms_time_goes_on() {
    let boot = |body: &mut Body| body.boot.reset_count += 1;
    assert_eq!(refused(|host| body_with(host, boot)), "boot-mismatch");
    let rewound = |change: fn(&mut ClockInfo)| {
        refused(move |host| {
            let mut clock = host.tpm().clock();
            change(&mut clock);
            host.tpm().set_clock(clock);
            host.envelope()
        })
    };
    assert_eq!(rewound(|clock| clock.clock_ms = 0), "clock-went-back");
    assert_eq!(rewound(|clock| clock.reset_count -= 1), "clock-went-back");
    assert_eq!(
        rewound(|clock| {
            clock.reset_count += 1;
            clock.clock_ms = 0;
        }),
        "clock-went-back",
        "a safe clock does not go back across a reset either"
    );
}

#[test]
fn after_an_unorderly_shutdown_the_clock_may_go_back_a_little() {
    let mut case = Case::attested(1).unwrap();
    case.host.reboot(SecureBootSwitch::On).unwrap();
    let clock = ClockInfo { clock_ms: 0, safety: ClockSafety::MayHaveGoneBack, ..case.host.tpm().clock() };
    case.host.tpm().set_clock(clock);
    let envelope = case.host.envelope().unwrap();
    assert!(case.check(&envelope).is_ok());
}

#[test]
fn a_boot_that_nobody_saw_is_counted() {
    fn resets(state: &HostState) -> u32 {
        match state.boot() {
            LastBoot::Seen(boot) => boot.counters.reset_count,
            LastBoot::None => 0,
        }
    }
    let mut case = Case::attested(1).unwrap();
    case.host.tpm().reset();
    case.host.reboot(SecureBootSwitch::On).unwrap();
    let next = case.check(&case.host.envelope().unwrap()).unwrap();
    assert_eq!(resets(&next) - resets(&case.state), 2);
}

#[test]
fn components_add_up() {
    let root = |body: &mut Body| body.state_root = Sha256Digest::new([1; 32]);
    assert_eq!(refused(|host| body_with(host, root)), "state-root-mismatch");
    let unseen = |body: &mut Body| body.removed = vec![Sha256Digest::new([1; 32])];
    assert_eq!(refused(|host| body_with(host, unseen)), "state-root-mismatch");
    let mut case = Case::enrolled(1).unwrap();
    let there = case.host.add(&component("there"));
    let first = case.host.envelope().unwrap();
    case.take(&first).unwrap().unwrap();
    let again = body_with(&case.host, |body| body.added = vec![there]).unwrap();
    assert_eq!(case.check(&again).unwrap_err().code(), "state-root-mismatch");
}

#[test]
fn a_view_of_the_log_does_not_shrink() {
    let saw = |size| {
        move |body: &mut Body| body.checkpoint = CheckpointView { size, root: Sha256Digest::new([3; 32]) }
    };
    let mut case = Case::attested(1).unwrap();
    let ten = body_with(&case.host, saw(10)).unwrap();
    case.take(&ten).unwrap().unwrap();
    let nine = body_with(&case.host, saw(9)).unwrap();
    assert_eq!(case.check(&nine).unwrap_err().code(), "checkpoint-unknown");
}

#[test]
fn the_firmware_log_is_the_boots_own() {
    let detach = |host: &mut SoftAttester| {
        let mut envelope = host.envelope()?;
        envelope.attachments.retain(|attachment| attachment.kind != AttachmentKind::FirmwareLog);
        Ok(envelope)
    };
    assert_eq!(first_refused(detach), "firmware-log-needed");
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let other = |host: &mut SoftAttester| Ok(change_log(host.envelope()?, AttachmentKind::FirmwareLog, flip));
    assert_eq!(first_refused(other), "firmware-log-mismatch");
    let changed = |host: &mut SoftAttester| body_with(host, |body| body.firmware_log = FirmwareLog::Absent);
    assert_eq!(refused(changed), "firmware-log-mismatch", "it cannot vanish within a boot");
    let denied = |host: &mut SoftAttester| body_with(host, |body| body.firmware_log = FirmwareLog::Absent);
    assert_eq!(first_refused(denied), "firmware-log-mismatch", "attached though denied");
}

#[test]
fn a_forged_firmware_log_does_not_replay() {
    let code = |change: fn(&mut Vec<u8>)| first_refused(|host| forged_log(host, change));
    // A digest, whose first byte is behind PCR, type, count and algorithm.
    let flip = |log: &mut Vec<u8>| {
        let at = measured_event(log).start + 14;
        log[at] ^= 1;
    };
    assert_eq!(code(flip), "firmware-log-replay");
    let drop_event = |log: &mut Vec<u8>| drop(log.drain(measured_event(log)));
    assert_eq!(code(drop_event), "firmware-log-replay");
    let repeat = |log: &mut Vec<u8>| {
        let range = measured_event(log);
        let copy = log[range.clone()].to_vec();
        log.splice(range.end..range.end, copy);
    };
    assert_eq!(code(repeat), "firmware-log-replay");
    let append = |log: &mut Vec<u8>| {
        let copy = log[measured_event(log)].to_vec();
        log.extend(copy);
    };
    assert_eq!(code(append), "firmware-log-replay");
    let swap = |log: &mut Vec<u8>| {
        let parsed = EventLog::parse(log).log;
        let of_pcr7: Vec<usize> =
            (0..parsed.events().len()).filter(|at| parsed.events()[*at].register == 7).collect();
        let ranges = event_ranges(log);
        let (first, second) = (ranges[of_pcr7[0]].clone(), ranges[of_pcr7[1]].clone());
        let (a, between, b) = (
            log[first.clone()].to_vec(),
            log[first.end..second.start].to_vec(),
            log[second.clone()].to_vec(),
        );
        log.splice(first.start..second.end, [b, between, a].concat());
    };
    assert_eq!(code(swap), "firmware-log-replay");
    let truncate = |log: &mut Vec<u8>| log.truncate(log.len() - 3);
    assert_eq!(code(truncate), "firmware-log-damaged");
}

#[test]
fn the_kernels_list_goes_on_where_it_ended() {
    let skipped = |host: &mut SoftAttester| body_with(host, |body| body.ima_first += 1);
    assert_eq!(refused(skipped), "ima-out-of-order");
    let other_first = |host: &mut SoftAttester| {
        let mut envelope = host.envelope()?;
        envelope.attachments.last_mut().unwrap().first += 1;
        Ok(envelope)
    };
    assert_eq!(refused(other_first), "ima-out-of-order");
}

#[test]
fn a_forged_ima_list_has_no_prefix() {
    let code = |change: fn(&mut Vec<u8>)| {
        first_refused(|host| Ok(change_log(host.envelope()?, AttachmentKind::ImaList, change)))
    };
    assert_eq!(code(|list| *list.last_mut().unwrap() ^= 1), "ima-replay", "the name's final NUL");
    assert_eq!(code(|list| list.truncate(list.len() - 1)), "ima-damaged");
    assert_eq!(code(Vec::clear), "ima-replay");
    assert_eq!(code(|list| drop(list.drain(..list.len() / 2))), "ima-damaged");
}

#[test]
fn what_the_kernel_measured_after_the_quote_waits_for_the_next() {
    let mut case = Case::enrolled(1).unwrap();
    let sealed = case.host.seal(&case.host.body().unwrap()).unwrap();
    let early = case.host.wrap(&sealed).unwrap();
    let records = case.check(&early).unwrap().ima_first();
    case.host.measure_file("/usr/bin/later", &Sha256Digest::of(&[b"later"])).unwrap();
    let longer = case.host.wrap(&sealed).unwrap();
    assert_ne!(early, longer);
    assert_eq!(case.check(&longer).unwrap().ima_first(), records);
}

#[test]
fn a_pcr_that_was_extended_behind_the_log_is_named() {
    let hidden = HashAlg::Sha256.hash(&[b"hidden"]).unwrap();
    let extended = |pcr: u32| {
        let case = Case::enrolled(1).unwrap();
        case.host.tpm().extend(PcrIndex::new(pcr).unwrap(), &[hidden]).unwrap();
        case.check(&case.host.envelope().unwrap()).unwrap_err()
    };
    for pcr in [0, 1, 2, 3, 4, 5, 6, 7, 8, 14] {
        let refusal = extended(pcr);
        assert_eq!(refusal.code(), "firmware-log-replay", "{pcr}");
        assert!(refusal.to_string().contains(&format!("PCR {pcr} ")), "{refusal}");
    }
    assert_eq!(extended(10).code(), "ima-replay");
}

#[test]
fn an_attestation_key_has_every_attribute() {
    let proper = ObjectAttributes::ATTESTATION_KEY.bits();
    for bit in (0..32).map(|bit| 1 << bit).filter(|bit| proper & bit != 0) {
        let attributes = ObjectAttributes::from_bits(proper & !bit);
        let spec = SoftTpmSpec { ak_attributes: Some(attributes), ..SoftTpmSpec::default() };
        let refused = AttestationKey::new(SoftTpm::new(&spec).unwrap().ak());
        assert!(matches!(refused, Err(AkUnsuitable::Lacks(_))), "{attributes:?}");
    }
}
