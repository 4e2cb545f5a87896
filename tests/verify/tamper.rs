//! The tamper matrix: one row for each thing that can be wrong, with the code of its refusal.

use anyhow::Result;
use appraisal::attester::{AkUnsuitable, AttestationKey};
use appraisal::verify::verify;
use evidence::body::{Body, BootCounters, CheckpointView, Execution, FirmwareLog, qualifying_data};
use evidence::digest::{ChainId, HashAlg, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::eventlog::{EventLog, EventType};
use evidence::pcr::{PcrIndex, PcrSelection};
use evidence::tpm::{Attest, AttestFields, Attested, CertifyInfo, ClockInfo, ClockSafety, ObjectAttributes};
use support::{KeyKind, Measured as _, SoftHost, SoftTpm, SoftTpmSpec};

use super::{attested, check};

/// Refusal codes of rows: each row makes one envelope out of a host that has attested once.
#[track_caller]
fn refused(row: impl FnOnce(&mut SoftHost) -> Result<Envelope>) -> &'static str {
    let (mut host, state) = attested(1).unwrap();
    let envelope = row(&mut host).unwrap();
    check(&host, &state, &envelope).unwrap().expect_err("the envelope should be refused").code()
}

/// As [`refused`], for the first evidence of a host, which carries its logs whole.
#[track_caller]
fn first_refused(row: impl FnOnce(&mut SoftHost) -> Result<Envelope>) -> &'static str {
    let mut host = SoftHost::new(1).unwrap();
    let envelope = row(&mut host).unwrap();
    let state = host.enrolled_state();
    check(&host, &state, &envelope).unwrap().expect_err("the envelope should be refused").code()
}

fn body_with(host: &SoftHost, change: impl FnOnce(&mut Body)) -> Result<Envelope> {
    let mut body = host.body();
    change(&mut body);
    host.seal(&body)
}

/// An envelope whose attestation was changed and signed again, as only a stolen key could.
fn attest_with(host: &SoftHost, change: impl FnOnce(&mut AttestFields)) -> Result<Envelope> {
    let honest = host.next()?;
    let mut fields = Attest::parse(honest.evidence.attest())?.fields().clone();
    change(&mut fields);
    let attest = fields.encode()?;
    let signature = host.tpm.forge(&attest)?;
    let evidence = Evidence::seal(honest.evidence.body_raw(), &attest, &signature)?;
    Ok(Envelope { evidence, ..honest })
}

fn log_with(host: &SoftHost, kind: AttachmentKind, change: impl FnOnce(&mut Vec<u8>)) -> Result<Envelope> {
    let mut envelope = host.next()?;
    for attachment in &mut envelope.attachments {
        if attachment.kind == kind {
            let mut bytes = attachment.bytes.clone();
            change(&mut bytes);
            attachment.bytes = bytes;
            return Ok(envelope);
        }
    }
    anyhow::bail!("no such attachment")
}

/// A firmware log that was forged together with the body that names it.
fn forged_log(host: &mut SoftHost, change: impl FnOnce(&mut Vec<u8>)) -> Result<Envelope> {
    change(&mut host.firmware_log);
    host.next()
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
    let (mut host, mut state) = attested(1).unwrap();
    for round in 0..5_u8 {
        host.run(&format!("/usr/bin/tool-{round}")).unwrap();
        host.toggle(Sha256Digest::new([round; 32]));
        let envelope = host.next().unwrap();
        state = check(&host, &state, &envelope).unwrap().unwrap();
        host.accepted(&envelope);
    }
    assert_eq!((state.next_seq(), state.ima_first(), state.components().len()), (6, 8, 6));
    host.reboot().unwrap();
    let envelope = host.next().unwrap();
    assert_eq!(envelope.attachments.len(), 2, "a new boot brings its logs");
    let state = check(&host, &state, &envelope).unwrap().unwrap();
    assert_eq!(state.ima_first(), 3);
}

#[test]
fn the_state_survives_its_encoding() {
    let (_, state) = attested(1).unwrap();
    assert_eq!(appraisal::state::HostState::decode(&state.encode()), Ok(state));
}

#[test]
fn the_chain_holds() {
    let replayed = {
        let mut host = SoftHost::new(1).unwrap();
        let first = host.next().unwrap();
        let state = check(&host, &host.enrolled_state(), &first).unwrap().unwrap();
        host.accepted(&first);
        check(&host, &state, &first).unwrap().unwrap_err().code()
    };
    assert_eq!(replayed, "replayed");
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
    let (host, state) = attested(1).unwrap();
    let other = SoftHost::new(2).unwrap();
    let as_other = body_with(&host, |body| body.host = other.id()).unwrap();
    assert_eq!(check(&host, &state, &as_other).unwrap().unwrap_err().code(), "unknown-host");
    // Checked as the other host's, whose key did not sign it.
    let state_of_other = other.enrolled_state();
    let refusal = verify(&as_other, &other.attester().unwrap(), &state_of_other, None).unwrap_err();
    assert_eq!(refusal.code(), "signature-invalid");
}

#[test]
fn a_key_that_was_never_enrolled_signs_nothing() {
    let (host, state) = attested(1).unwrap();
    let attester = host.attester().unwrap();
    for kind in [KeyKind::EccP256, KeyKind::Rsa2048] {
        host.tpm.replace_ak(kind, 99).unwrap();
        let envelope = host.next().unwrap();
        let refusal = verify(&envelope, &attester, &state, Some(&host.firmware_log)).unwrap_err();
        assert_eq!(refusal.code(), "signature-invalid");
    }
}

#[test]
fn the_signature_covers_every_byte_of_the_quote() {
    let (host, state) = attested(1).unwrap();
    let honest = host.next().unwrap();
    let attest = honest.evidence.attest();
    for at in 0..attest.len() {
        let mut changed = attest.to_vec();
        changed[at] ^= 1;
        let evidence =
            Evidence::seal(honest.evidence.body_raw(), &changed, honest.evidence.signature()).unwrap();
        let envelope = Envelope { evidence, ..honest.clone() };
        assert_eq!(check(&host, &state, &envelope).unwrap().unwrap_err().code(), "signature-invalid", "{at}");
    }
}

#[test]
fn the_quote_is_over_this_body() {
    for at in ["salt", "posture", "state"] {
        let code = refused(|host| {
            let honest = host.next()?;
            let mut body = host.body();
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
    let not_generated = |host: &mut SoftHost| {
        let honest = host.next()?;
        let mut attest = honest.evidence.attest().to_vec();
        attest[0] ^= 0xff;
        let signature = host.tpm.forge(&attest)?;
        Ok(Envelope { evidence: Evidence::seal(honest.evidence.body_raw(), &attest, &signature)?, ..honest })
    };
    assert_eq!(refused(not_generated), "not-a-quote");
    let certify = |fields: &mut AttestFields| {
        let name = fields.qualified_signer.clone();
        fields.attested = Attested::Certify(CertifyInfo { name: name.clone(), qualified_name: name });
    };
    assert_eq!(refused(|host| attest_with(host, certify)), "not-a-quote");
    let unknown = |fields: &mut AttestFields| {
        fields.attested = Attested::Other { tag: 0x801b, info: vec![0, 0] };
    };
    assert_eq!(refused(|host| attest_with(host, unknown)), "not-a-quote");
}

#[test]
fn the_quote_covers_what_was_asked() {
    let select = |selection: PcrSelection| {
        refused(move |host| {
            let body = host.body();
            let data = qualifying_data(&body.encode());
            let (fields, values) = host.tpm.attest(&selection, &data)?;
            let attest = fields.encode()?;
            let evidence = Evidence::seal(&body.encode(), &attest, &host.tpm.forge(&attest)?)?;
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
            let mut envelope = host.next()?;
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
            let mut clock = host.tpm.clock();
            change(&mut clock);
            host.tpm.set_clock(clock);
            host.next()
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
    let (mut host, state) = attested(1).unwrap();
    host.reboot().unwrap();
    let clock = ClockInfo { clock_ms: 0, safety: ClockSafety::MayHaveGoneBack, ..host.tpm.clock() };
    host.tpm.set_clock(clock);
    let envelope = host.next().unwrap();
    assert!(check(&host, &state, &envelope).unwrap().is_ok());
}

#[test]
fn a_boot_that_nobody_saw_is_counted() {
    let (mut host, state) = attested(1).unwrap();
    host.tpm.reset();
    host.reboot().unwrap();
    let envelope = host.next().unwrap();
    let next = check(&host, &state, &envelope).unwrap().unwrap();
    let counters = |state: &appraisal::state::HostState| match state.boot() {
        appraisal::state::LastBoot::Seen(boot) => boot.counters,
        appraisal::state::LastBoot::None => BootCounters { reset_count: 0, restart_count: 0 },
    };
    assert_eq!(counters(&next).reset_count - counters(&state).reset_count, 2);
}

#[test]
fn components_add_up() {
    let root = |body: &mut Body| body.state_root = Sha256Digest::new([1; 32]);
    assert_eq!(refused(|host| body_with(host, root)), "state-root-mismatch");
    let unseen = |body: &mut Body| body.removed = vec![Sha256Digest::new([1; 32])];
    assert_eq!(refused(|host| body_with(host, unseen)), "state-root-mismatch");
    let again = |body: &mut Body| body.added = vec![Sha256Digest::of(&[b"first component"])];
    assert_eq!(refused(|host| body_with(host, again)), "state-root-mismatch");
}

#[test]
fn an_execution_names_a_component_that_there_is() {
    let outside = |body: &mut Body| {
        body.executions = vec![Execution { component: u32::MAX, entry: 0, count: 1 }];
    };
    assert_eq!(refused(|host| body_with(host, outside)), "execution-out-of-state");
}

#[test]
fn a_view_of_the_log_does_not_shrink() {
    let (mut host, state) = attested(1).unwrap();
    host.saw(CheckpointView { size: 10, root: Sha256Digest::new([3; 32]) });
    let envelope = host.next().unwrap();
    let state = check(&host, &state, &envelope).unwrap().unwrap();
    host.accepted(&envelope);
    host.saw(CheckpointView { size: 9, root: Sha256Digest::new([4; 32]) });
    let envelope = host.next().unwrap();
    assert_eq!(check(&host, &state, &envelope).unwrap().unwrap_err().code(), "checkpoint-unknown");
}

#[test]
fn the_firmware_log_is_the_boots_own() {
    let detach = |host: &mut SoftHost| {
        let mut envelope = host.next()?;
        envelope.attachments.retain(|attachment| attachment.kind != AttachmentKind::FirmwareLog);
        Ok(envelope)
    };
    assert_eq!(first_refused(detach), "firmware-log-needed");
    let flip = |bytes: &mut Vec<u8>| *bytes.last_mut().unwrap() ^= 1;
    let other = |host: &mut SoftHost| log_with(host, AttachmentKind::FirmwareLog, flip);
    assert_eq!(first_refused(other), "firmware-log-mismatch");
    let changed = |host: &mut SoftHost| body_with(host, |body| body.firmware_log = FirmwareLog::Absent);
    assert_eq!(refused(changed), "firmware-log-mismatch", "it cannot vanish within a boot");
    let denied = |host: &mut SoftHost| body_with(host, |body| body.firmware_log = FirmwareLog::Absent);
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
            (0..parsed.events().len()).filter(|at| parsed.events().get(*at).unwrap().register == 7).collect();
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
    let skipped = |host: &mut SoftHost| body_with(host, |body| body.ima_first += 1);
    assert_eq!(refused(skipped), "ima-out-of-order");
    let other_first = |host: &mut SoftHost| {
        let mut envelope = host.next()?;
        envelope.attachments.last_mut().unwrap().first += 1;
        Ok(envelope)
    };
    assert_eq!(refused(other_first), "ima-out-of-order");
}

#[test]
fn a_forged_ima_list_has_no_prefix() {
    let code =
        |change: fn(&mut Vec<u8>)| first_refused(|host| log_with(host, AttachmentKind::ImaList, change));
    assert_eq!(code(|list| *list.last_mut().unwrap() ^= 1), "ima-replay", "the name's final NUL");
    assert_eq!(code(|list| list.truncate(list.len() - 1)), "ima-damaged");
    let flip = |list: &mut Vec<u8>| {
        let at = list.len() - 3;
        list[at] ^= 1;
    };
    assert_eq!(code(flip), "ima-replay");
    assert_eq!(code(Vec::clear), "ima-replay");
    assert_eq!(code(|list| drop(list.drain(..list.len() / 2))), "ima-damaged");
    // What was appended after the quote is no fault: it is not verified, and not counted.
    let mut host = SoftHost::new(1).unwrap();
    let early = host.next().unwrap();
    host.run("/usr/bin/later").unwrap();
    let bytes = host.ima_list.clone();
    let longer =
        vec![early.attachments[0].clone(), Attachment { kind: AttachmentKind::ImaList, first: 0, bytes }];
    let state =
        check(&host, &host.enrolled_state(), &Envelope { attachments: longer, ..early }).unwrap().unwrap();
    assert_eq!(state.ima_first(), 3);
}

#[test]
fn a_pcr_that_was_extended_behind_the_log_is_named() {
    let mut host = SoftHost::new(1).unwrap();
    let digest = HashAlg::Sha256.hash(&[b"hidden"]);
    host.tpm.extend(PcrIndex::new(4).unwrap(), &[digest]).unwrap();
    let envelope = host.next().unwrap();
    let refusal = check(&host, &host.enrolled_state(), &envelope).unwrap().unwrap_err();
    assert_eq!(refusal.code(), "firmware-log-replay");
    assert!(refusal.to_string().contains("PCR 4"), "{refusal}");
    host.reboot().unwrap();
    host.tpm.extend(PcrIndex::IMA, &[digest]).unwrap();
    let envelope = host.next().unwrap();
    assert_eq!(check(&host, &host.enrolled_state(), &envelope).unwrap().unwrap_err().code(), "ima-replay");
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

#[test]
fn a_host_is_its_endorsement_key() {
    assert_ne!(SoftHost::new(1).unwrap().id(), SoftHost::new(2).unwrap().id());
}
