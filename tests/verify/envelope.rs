//! The tamper matrix of a whole submission: each field of it, each byte of it, and each of its parts dropped, swapped,
//! repeated, cut or continued. What stays accepted must leave the very same state behind.

use appraisal::state::HostState;
use evidence::body::{
    Body, BootCounters, CheckpointView, Claim, Counter, Coverage, Execution, FirmwareLog, Gap, GapCause,
    GapEnd, Means, Stray, Trigger,
};
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::time::UnixTime;
use support::SoftHost;

use super::{attested, check};

/// A host's first submission, which carries everything: its body, quote, values and both logs.
struct First {
    host: SoftHost,
    envelope: Envelope,
    next: HostState,
}

fn first() -> First {
    let host = SoftHost::new(1).unwrap();
    let envelope = host.next().unwrap();
    let next = check(&host, &host.enrolled_state(), &envelope).unwrap().unwrap();
    First { host, envelope, next }
}

impl First {
    /// The refusal's code, or the state after what was accepted.
    fn verdict(&self, envelope: &Envelope) -> Result<HostState, &'static str> {
        check(&self.host, &self.host.enrolled_state(), envelope).unwrap().map_err(|refusal| refusal.code())
    }

    /// As `verdict`, for bytes as they arrive.
    fn arriving(&self, bytes: &[u8]) -> Result<HostState, &'static str> {
        self.verdict(&Envelope::decode(bytes).map_err(|_| "malformed")?)
    }

    fn sealed(&self, body: &[u8], attest: &[u8], signature: &[u8]) -> Envelope {
        Envelope { evidence: Evidence::seal(body, attest, signature).unwrap(), ..self.envelope.clone() }
    }
}

type Change = fn(&mut Body);

/// A row for each field of a body.
const BODY: [(&str, Change); 21] = [
    ("host", |body| body.host = HostId::new([9; 32])),
    ("chain", |body| body.chain = ChainId::new([9; 16])),
    ("seq", |body| body.seq += 1),
    ("prev", |body| body.prev = Sha256Digest::new([9; 32])),
    ("boot", |body| body.boot = BootCounters { reset_count: 77, restart_count: 7 }),
    ("checkpoint", |body| body.checkpoint = CheckpointView { size: 1, root: Sha256Digest::new([9; 32]) }),
    ("state_root", |body| body.state_root = Sha256Digest::new([9; 32])),
    ("added", |body| body.added.push(Sha256Digest::new([0xff; 32]))),
    ("removed", |body| body.removed.push(Sha256Digest::new([0xff; 32]))),
    ("gaps", |body| {
        let (from, until, cause) = (UnixTime::from_secs(1), GapEnd::Open, GapCause::Overflow);
        body.gaps.push(Gap { from, until, cause, scope: "/".to_owned() });
    }),
    ("posture", |body| {
        body.posture.push(Claim { key: "zzz".to_owned(), value: "zzz".to_owned() });
    }),
    ("agent_time", |body| body.agent_time = UnixTime::from_secs(1)),
    ("salt", |body| body.salt[31] ^= 1),
    ("firmware_log", |body| body.firmware_log = FirmwareLog::Absent),
    ("ima_first", |body| body.ima_first += 1),
    ("trigger", |body| body.trigger = Trigger::Gap),
    ("agent_version", |body| body.agent_version.push('1')),
    ("coverage", |body| {
        body.coverage.push(Coverage {
            scope: "/zzz".to_owned(),
            means: Means::FileSystemEvents,
            reason: String::new(),
        });
    }),
    ("counters", |body| body.counters.push(Counter { name: "zzz".to_owned(), value: 1 })),
    ("executions", |body| {
        body.executions.push(Execution { component: u32::MAX, entry: 0, count: 1 });
    }),
    ("strays", |body| body.strays.push(Stray { path: b"/zzz".to_vec(), digest: None, count: 1 })),
];

/// The names of a body's fields. A new field does not compile until it is named here, and then wants a row.
#[rustfmt::skip]
fn fields(body: &Body) -> [&'static str; 21] {
    let Body {
        host: _, chain: _, seq: _, prev: _, boot: _, checkpoint: _, state_root: _, added: _, removed: _, gaps: _,
        posture: _, agent_time: _, salt: _, firmware_log: _, ima_first: _, trigger: _, agent_version: _,
        coverage: _, counters: _, executions: _, strays: _,
    } = body;
    [
        "host", "chain", "seq", "prev", "boot", "checkpoint", "state_root", "added", "removed", "gaps", "posture",
        "agent_time", "salt", "firmware_log", "ima_first", "trigger", "agent_version", "coverage", "counters", "executions",
        "strays",
    ]
}

#[test]
fn every_field_of_a_body_is_under_the_quote() {
    let first = first();
    let evidence = &first.envelope.evidence;
    assert_eq!(BODY.map(|(name, _)| name), fields(evidence.body()));
    for (name, change) in BODY {
        let mut body = evidence.body().clone();
        change(&mut body);
        assert_ne!(&body, evidence.body(), "{name}");
        let envelope = first.sealed(&body.encode(), evidence.attest(), evidence.signature());
        let expected = if name == "host" { "unknown-host" } else { "qualifying-data-mismatch" };
        assert_eq!(first.verdict(&envelope), Err(expected), "{name}");
    }
}

/// The fields of the envelope itself; the compiler asks for a row here when there is another.
#[test]
fn every_part_of_an_envelope_has_rows() {
    let first = first();
    let Envelope { evidence, pcr_values, attachments } = &first.envelope;
    assert_eq!((pcr_values.len(), attachments.len()), (SoftHost::selection().len(), 2));
    for Attachment { kind, first, bytes } in attachments {
        assert_eq!(*first, 0, "{kind:?}");
        assert!(!bytes.is_empty(), "{kind:?}");
    }
    assert_eq!(first.arriving(&first.envelope.encode()).as_ref(), Ok(&first.next));
    assert_eq!(Evidence::decode(evidence.raw()).as_ref(), Ok(evidence));
}

#[test]
fn every_bit_of_a_signature_counts() {
    let first = first();
    let evidence = &first.envelope.evidence;
    let (body, attest, signature) = (evidence.body_raw(), evidence.attest(), evidence.signature());
    for bit in 0..signature.len() * 8 {
        let mut changed = signature.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let envelope = first.sealed(body, attest, &changed);
        assert_eq!(first.verdict(&envelope), Err("signature-invalid"), "bit {bit}");
    }
    let longer = [signature, &[0]].concat();
    for changed in (0..signature.len()).map(|cut| &signature[..cut]).chain([longer.as_slice()]) {
        let envelope = first.sealed(body, attest, changed);
        assert_eq!(first.verdict(&envelope), Err("signature-invalid"), "{} bytes", changed.len());
    }
}

#[test]
fn every_bit_and_place_of_a_pcr_value_counts() {
    let first = first();
    let refused = |change: &dyn Fn(&mut Vec<Vec<u8>>)| {
        let mut envelope = first.envelope.clone();
        change(&mut envelope.pcr_values);
        assert_eq!(first.verdict(&envelope), Err("pcr-values-mismatch"));
    };
    let count = first.envelope.pcr_values.len();
    for value in 0..count {
        for bit in 0..first.envelope.pcr_values[value].len() * 8 {
            refused(&|values| values[value][bit / 8] ^= 1 << (bit % 8));
        }
        refused(&|values| drop(values.remove(value)));
        refused(&|values| values.insert(value, values[value].clone()));
        refused(&|values| {
            values[value].pop();
        });
        refused(&|values| values[value].push(0));
    }
    for other in 1..count {
        if first.envelope.pcr_values[0] != first.envelope.pcr_values[other] {
            refused(&|values| values.swap(0, other));
        }
    }
    refused(&|values| values.push(vec![0; 32]));
    refused(&Vec::clear);
}

#[test]
fn attachments_are_those_of_this_evidence_once_and_in_order() {
    let first = first();
    let with = |change: &dyn Fn(&mut Vec<Attachment>)| {
        let mut envelope = first.envelope.clone();
        change(&mut envelope.attachments);
        first.arriving(&envelope.encode())
    };
    assert_eq!(with(&|all| all.swap(0, 1)), Err("malformed"), "swapped");
    for at in [0, 1] {
        assert_eq!(with(&|all| all.insert(at, all[at].clone())), Err("malformed"), "{at} repeated");
        assert_eq!(with(&|all| all.push(all[at].clone())), Err("malformed"), "{at} repeated at the end");
        // A firmware log has one beginning alone, which its form says already.
        let expected = if at == 0 { "malformed" } else { "ima-out-of-order" };
        assert_eq!(with(&|all| all[at].first = 1), Err(expected));
        assert!(with(&|all| all[at].bytes.clear()).is_err(), "{at} emptied");
    }
    assert_eq!(with(&|all| drop(all.remove(0))), Err("firmware-log-needed"));
    assert_eq!(with(&|all| drop(all.remove(1))), Err("ima-replay"));
    assert_eq!(with(&Vec::clear), Err("firmware-log-needed"));
    let exchanged = with(&|all| {
        let (log, list) = all.split_at_mut(1);
        std::mem::swap(&mut log[0].bytes, &mut list[0].bytes);
    });
    assert_eq!(exchanged, Err("firmware-log-mismatch"));
    assert_eq!(with(&|all| all[0].kind = AttachmentKind::ImaList), Err("malformed"));
}

/// Evidence, values and logs of two hosts, crossed.
#[test]
fn parts_of_another_submission_do_not_fit() {
    let first = first();
    let (mut other, _) = attested(2).unwrap();
    other.reboot().unwrap();
    let other = other.next().unwrap();
    let mine = || first.envelope.clone();
    let crossed = [
        (Envelope { evidence: other.evidence.clone(), ..mine() }, "unknown-host"),
        (
            first.sealed(mine().evidence.body_raw(), other.evidence.attest(), other.evidence.signature()),
            "signature-invalid",
        ),
        (
            first.sealed(other.evidence.body_raw(), mine().evidence.attest(), mine().evidence.signature()),
            "unknown-host",
        ),
        (Envelope { pcr_values: other.pcr_values.clone(), ..mine() }, "pcr-values-mismatch"),
    ];
    for (number, (envelope, code)) in crossed.into_iter().enumerate() {
        assert_eq!(first.verdict(&envelope), Err(code), "{number}");
    }
}

/// Bytes of an IMA list that no bank of the quote measures: the SHA-1 template hash, which is for the SHA-1 bank, and the
/// template's name, which the kernel does not hash. Positions are those in the envelope.
//= Linux security/integrity/ima/ima_fs.c: ima_measurements_show; ima_crypto.c: ima_calc_field_array_hash
fn unmeasured(envelope: &[u8], list: &[u8]) -> Vec<usize> {
    let start = envelope.windows(list.len()).position(|window| window == list).unwrap();
    let number = |at: usize| u32::from_le_bytes(list[at..at + 4].try_into().unwrap()) as usize;
    let (mut at, mut found) = (0, Vec::new());
    while at < list.len() {
        let (hash, name) = (at + 4..at + 24, at + 28..at + 28 + number(at + 24));
        at = name.end + 4 + number(name.end);
        found.extend(hash.chain(name).map(|at| start + at));
    }
    found
}

/// The verdict on an envelope with one bit changed: refused, or nothing follows from that bit.
fn bits(step: usize) {
    let first = first();
    let bytes = first.envelope.encode();
    let list = &first.envelope.attachment(AttachmentKind::ImaList).unwrap().bytes;
    let unmeasured = unmeasured(&bytes, list);
    let mut idle = 0;
    for bit in (0..bytes.len() * 8).step_by(step) {
        let mut changed = bytes.clone();
        changed[bit / 8] ^= 1 << (bit % 8);
        if let Ok(state) = first.arriving(&changed) {
            assert!(unmeasured.contains(&(bit / 8)), "bit {bit} is accepted");
            assert_eq!(state, first.next, "bit {bit} is accepted and changes what follows");
            idle += 1;
        }
    }
    eprintln!("{} bits, {idle} of them idle", bytes.len() * 8 / step);
}

#[test]
fn every_byte_of_an_envelope_counts_or_carries_nothing() {
    bits(9);
}

#[test]
#[ignore = "a minute; `make soak` runs it"]
fn every_bit_of_an_envelope_counts_or_carries_nothing() {
    bits(1);
}

#[test]
fn cut_or_continued_envelopes_are_malformed() {
    let first = first();
    let mut bytes = first.envelope.encode();
    for cut in 0..bytes.len() {
        assert_eq!(first.arriving(&bytes[..cut]), Err("malformed"), "{cut}");
    }
    bytes.push(0);
    assert_eq!(first.arriving(&bytes), Err("malformed"));
}
