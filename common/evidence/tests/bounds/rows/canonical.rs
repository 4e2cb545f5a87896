//! Lydian's own formats: manifests, bodies, envelopes, bundles, and the CBOR that they are made of.

use std::hint::black_box;

use evidence::body::{
    Body, BootCounters, CheckpointView, Claim, Counter, Coverage, Execution, FirmwareLog, Gap, GapCause,
    GapEnd, Means, Stray, Trigger,
};
use evidence::bundle::Bundle;
use evidence::cbor::{Reader, Writer};
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::export::{Attestation, Item};
use evidence::limits::{BODY_GAPS, EDGE_PRINCIPALS};
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use evidence::record::{ActionRecord, EnrolmentRecord};
use evidence::time::UnixTime;

use super::{CONSTANT, Inputs, Row};
use crate::samples::file;

pub(super) fn rows() -> [Row; 6] {
    let gaps_bytes = u64::try_from(BODY_GAPS * size_of::<Gap>()).unwrap();
    let row = |name, module, real, hostile, scale, read| Row {
        name,
        module,
        fuzz: "envelope",
        real,
        hostile,
        scale,
        read,
        multiple: 4,
        // A gap takes 5 bytes at least and many more when it is read, but there is a limit of their number.
        constant: CONSTANT + gaps_bytes,
    };
    [
        row(
            "CBOR",
            "cbor",
            || vec![("body".to_owned(), body(1_000).encode())],
            &[("one array in the other", |size| vec![0x81; size])],
            16 << 10,
            cbor,
        ),
        row(
            "manifest",
            "manifest",
            || vec![("package".to_owned(), manifest(100, 30))],
            &[("shortest entries", |size| manifest(size / 41, 0)), ("signers", signers)],
            16 << 10,
            |bytes| drop(black_box(Manifest::decode(bytes))),
        ),
        Row {
            // The shortest edge is 10 bytes, and read it is a relation, a list, a name and a label.
            multiple: 8,
            ..row(
                "principals of a trust store",
                "principal",
                || vec![("certificates".to_owned(), trust_store(1, 100))],
                &[("shortest names", |size| trust_store(size / 650, 64)), ("many names of one", many_names)],
                16 << 10,
                |bytes| drop(black_box(Manifest::decode(bytes))),
            )
        },
        row(
            "body",
            "body",
            || vec![("body".to_owned(), body(100).encode())],
            &[("components", |size| body(size / 34).encode()), ("gaps", gaps)],
            4 << 10,
            |bytes| drop(black_box(Body::decode(bytes))),
        ),
        row(
            "envelope",
            "envelope",
            || vec![("submission".to_owned(), envelope(100).encode())],
            &[("components", |size| envelope(size / 34).encode())],
            64 << 10,
            |bytes| drop(black_box(Envelope::decode(bytes))),
        ),
        row("bundle", "bundle", bundles, &[("components", |size| bundle(size / 34))], 64 << 10, |bytes| {
            drop(black_box(Bundle::decode(bytes)));
        }),
    ]
}

/// What a verifier exports.
pub(super) fn exports() -> [Row; 2] {
    let row = |name, module, real, hostile, scale, read| Row {
        name,
        module,
        fuzz: "export",
        real,
        hostile,
        scale,
        read,
        multiple: 4,
        constant: CONSTANT + u64::try_from(BODY_GAPS * size_of::<Gap>()).unwrap(),
    };
    [
        row("exported item", "export", items, &[("components", |size| item(size / 34))], 64 << 10, |bytes| {
            drop(black_box(Item::decode(bytes)));
        }),
        row("record of an enrolment", "record", records, &[("key", enrolment)], 100, |bytes| {
            drop(black_box((EnrolmentRecord::decode(bytes), ActionRecord::decode(bytes))));
        }),
    ]
}

/// Takes whatever comes, as long as something does.
fn cbor(bytes: &[u8]) {
    let mut reader = Reader::new(bytes);
    while reader.end().is_err() {
        let mut ahead = [(); 4].map(|()| reader.clone());
        let [uint, text, array, string] = &mut ahead;
        let read = [
            uint.uint().is_ok(),
            text.text(usize::MAX).is_ok(),
            array.array(usize::MAX).is_ok(),
            string.bytes(usize::MAX).is_ok(),
        ];
        let Some(one) = read.iter().position(|read| *read) else { return };
        reader = ahead[one].clone();
    }
}

fn manifest(entries: usize, name: usize) -> Vec<u8> {
    let entry = |number: usize| Entry {
        path: format!("{number:04x}{}", "x".repeat(name)).into_bytes(),
        digest: digest(number),
        size: 1,
        mode: 1,
        flags: EntryFlags::ELF,
        edges: Vec::new(),
        facts: Vec::new(),
    };
    written((0..entries).map(entry).collect())
}

fn edge(number: usize) -> Edge {
    Edge::new(Relation::SignedBy, vec![Principal::spki(&number.to_be_bytes())], "")
}

fn signers(size: usize) -> Vec<u8> {
    let entry = |number: usize| Entry {
        path: number.to_be_bytes().to_vec(),
        digest: digest(number),
        size: 1,
        mode: 1,
        flags: EntryFlags::ELF,
        edges: (0..16).map(edge).collect(),
        facts: Vec::new(),
    };
    written((0..size / 680).map(entry).collect())
}

/// A store that trusts keys by the shortest of all names.
fn trust_store(entries: usize, keys: usize) -> Vec<u8> {
    let edge = |number: usize| {
        let id = u32::try_from(number).unwrap().to_be_bytes();
        let name = Principal::new(PrincipalKind::ImaKeyId, &id).unwrap();
        Edge::new(Relation::Trusts, vec![name], "")
    };
    written((0..entries).map(|number| described(number, (0..keys).map(edge).collect())).collect())
}

fn many_names(size: usize) -> Vec<u8> {
    let names = (0..EDGE_PRINCIPALS).map(|n| Principal::spki(&n.to_be_bytes())).collect();
    let edge = Edge::new(Relation::Trusts, names, "");
    written((0..size / 400).map(|number| described(number, vec![edge.clone()])).collect())
}

fn described(number: usize, edges: Vec<Edge>) -> Entry {
    Entry {
        path: number.to_be_bytes().to_vec(),
        digest: digest(number),
        size: 1,
        mode: 1,
        flags: EntryFlags::default(),
        edges,
        facts: Vec::new(),
    }
}

fn written(entries: Vec<Entry>) -> Vec<u8> {
    let [name, version, architecture] = ["bash", "5.2.15-2+b7", "amd64"].map(str::to_owned);
    Manifest::new(ComponentKind::Package, name, version, architecture, entries).unwrap().encode()
}

fn body(components: usize) -> Body {
    let mut added: Vec<_> = (0..components).map(digest).collect();
    added.sort_unstable();
    Body {
        host: HostId::new([1; 32]),
        chain: ChainId::new([2; 16]),
        seq: 7,
        prev: digest(1),
        boot: BootCounters { reset_count: 3, restart_count: 1 },
        checkpoint: CheckpointView { size: 12, root: digest(2) },
        state_root: digest(3),
        added,
        removed: Vec::new(),
        gaps: Vec::new(),
        posture: vec![Claim { key: "kernel.release".into(), value: "6.1.0".into() }],
        agent_time: UnixTime::from_ms(1_700_000_000_000),
        salt: [9; 32],
        firmware_log: FirmwareLog::Present(digest(4)),
        ima_first: 40,
        trigger: Trigger::Change,
        agent_version: "0.1.0".into(),
        coverage: vec![Coverage {
            scope: "/srv".into(),
            means: Means::Walks,
            reason: "no file handles".into(),
        }],
        counters: vec![Counter { name: "files.hashed".into(), value: 5_000 }],
        executions: vec![Execution { component: 0, entry: 1, count: 9 }],
        strays: vec![Stray { path: b"/tmp/x".to_vec(), digest: None, count: 2 }],
    }
}

fn gaps(size: usize) -> Vec<u8> {
    let gap =
        Gap { from: UnixTime::from_ms(1), until: GapEnd::Open, cause: GapCause::Raced, scope: String::new() };
    let mut body = body(0);
    // At 16 times the row's scale, as many as there may be.
    body.gaps = vec![gap; (size / 64).min(BODY_GAPS)];
    body.encode()
}

fn envelope(components: usize) -> Envelope {
    let part = |name: &str| file(&format!("tests/vectors/shim-sb/{name}")).1;
    let (attest, signature) = (part("quote_ecc.msg"), part("quote_ecc.sig"));
    Envelope {
        evidence: Evidence::seal(&body(components).encode(), &attest, &signature).unwrap(),
        pcr_values: vec![vec![7; 32]; 24],
        attachments: vec![
            Attachment {
                kind: AttachmentKind::FirmwareLog,
                first: 0,
                bytes: part("binary_bios_measurements"),
            },
            Attachment { kind: AttachmentKind::ImaList, first: 4, bytes: Vec::new() },
        ],
    }
}

fn items() -> Inputs {
    vec![("item".to_owned(), item(100))]
}

fn item(components: usize) -> Vec<u8> {
    let attestation = Attestation {
        leaf: 1,
        received_ms: 2,
        not_before_ms: 3,
        heartbeat_ms: 4,
        result: "{}".into(),
        envelope: envelope(components),
    };
    Item::Attestation(Box::new(attestation)).encode()
}

fn records() -> Inputs {
    vec![("enrolment".to_owned(), enrolment(88))]
}

fn enrolment(ak_bytes: usize) -> Vec<u8> {
    let record = EnrolmentRecord {
        host: HostId::new([1; 32]),
        ak_public: vec![2; ak_bytes],
        ek_public: Vec::new(),
        chain: ChainId::new([3; 16]),
        tier: "pinned".into(),
        at_ms: 4,
        more: None,
    };
    record.encode()
}

fn bundles() -> Inputs {
    vec![("bundle".to_owned(), bundle(100))]
}

fn bundle(components: usize) -> Vec<u8> {
    let bundle = Bundle {
        envelope: envelope(components),
        firmware_log: file("tests/vectors/shim-sb/binary_bios_measurements").1,
        ak_public: file("tests/vectors/shim-sb/ak_ecc.tpm2b").1,
        selection: "sha256:0,1,2".into(),
        host_name: "web-1".into(),
        tier: "pinned".into(),
        state: vec![1; 32 * components],
        received_ms: 1,
        log_key: "log+1234".into(),
        proof: "proof".into(),
    };
    bundle.encode()
}

fn digest(number: usize) -> Sha256Digest {
    let mut w = Writer::new();
    Sha256Digest::of(&[&w.uint(u64::try_from(number).unwrap()).clone().finish()])
}
