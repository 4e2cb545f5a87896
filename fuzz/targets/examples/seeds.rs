//! Writes seeds of Lydian's own formats below a folder: those that no file of the repository holds.
//!
//! usage: seeds FOLDER
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a tool of the tests: a panic is how it fails")]

use std::path::{Path, PathBuf};

use appraisal::endorsement::{Bundle as RootsBundle, BundleEntry, TrustTier, certificates_in};
use evidence::body::{
    Body, BootCounters, CheckpointView, Claim, Counter, Coverage, Execution, FirmwareLog, Gap, GapCause,
    GapEnd, Means, Stray, Trigger,
};
use evidence::bundle::Bundle;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind, Envelope, Evidence};
use evidence::export::{Committed, Item};
use evidence::manifest::{ComponentKind, Entry, EntryFlags, Manifest};
use evidence::principal::{Edge, Principal, Relation};
use evidence::record::{ActionRecord, ChainEnd, EnrolmentMore, EnrolmentRecord};
use evidence::time::UnixTime;
use ledger::audit::{Auditor, Mark};
use ledger::checkpoint::{Checkpoint, Origin, SignedCheckpoint};
use ledger::cosignature::CosignerSecret;
use ledger::hash::Hash;
use ledger::note::{KeyName, SignerKey};
use ledger::proof::{ConsistencyProof, InclusionProof};
use ledger::proof_file::ProofFile;
use ledger::tile::TileWriter;
use ledger::tree::{LeafIndex, LogSize};
use ledger::witness::AddCheckpoint;
use wire::export::ItemWriter;

fn main() {
    let folder = PathBuf::from(std::env::args().nth(1).expect("a folder"));
    let write = |target: &str, name: &str, bytes: &[u8]| {
        let folder = folder.join(target);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
    };
    let (body, manifest, envelope) = (body().encode(), manifest().encode(), envelope());
    write("envelope", "body", &body);
    write("envelope", "manifest", &manifest);
    write("envelope", "submission", &envelope.encode());
    write("envelope", "bundle", &bundle(envelope.clone()).encode());
    let manifests = wire::submit::encode_manifests([&manifest[..], &manifest[..]].into_iter());
    write("submission", "manifests", &manifests);
    write("submission", "compressed", &wire::submit::compress(&manifests).unwrap());
    write("submission", "envelope", &wire::submit::compress(&envelope.encode()).unwrap());
    write("ek_roots_bundle", "bundle", ek_roots().as_bytes());
    let (key, checkpoint) = checkpoint();
    write("notes", "key", key.verifier_key().to_string().as_bytes());
    write("notes", "checkpoint", checkpoint.as_bytes());
    exports(&write);
    let witness = CosignerSecret::from_seed(KeyName::new("w.example").unwrap(), &[3; 32]);
    let verified = checkpoint.verify(key.verifier_key()).unwrap();
    let cosignature = witness.cosign(&verified, 5).unwrap();
    let mut cosigned = checkpoint.clone();
    cosigned.add_signature(cosignature.clone()).unwrap();
    let request = AddCheckpoint::new(LogSize::ZERO, ConsistencyProof::default(), checkpoint.clone()).unwrap();
    write("witness", "key", witness.cosigner_key().to_string().as_bytes());
    write("witness", "answer", format!("{}\n", cosignature.to_line()).as_bytes());
    write("witness", "cosigned", cosigned.as_bytes());
    write("witness", "request", request.to_string().as_bytes());
    let (log, known) = (key.verifier_key(), witness.cosigner_key());
    let policy = format!("log {log} https://log.example\nwitness w {known}\ngroup g any w\nquorum g\n");
    write("witness", "policy", policy.as_bytes());
    let mut writer = TileWriter::new();
    let growth = writer.append(&(0..300_u16).map(u16::to_be_bytes).collect::<Vec<_>>()).unwrap();
    for (resource, bytes) in &growth.files {
        let path = resource.to_string();
        write("tiles", &path.replace('/', "_"), path.as_bytes());
        let width = [u8::try_from(resource.width().get() - 1).unwrap()];
        write("tiles", &format!("{}.bytes", path.replace('/', "_")), &[&width, bytes.as_slice()].concat());
    }
    let end = Mark { size: writer.size(), root: writer.root() };
    write("tiles", "state", &Auditor::new(end, Vec::new()).unwrap().to_bytes());
    let proof = InclusionProof::new(vec![Hash::leaf(b"sibling")]).unwrap();
    let proof = ProofFile::new(LeafIndex::new(0).unwrap(), proof, checkpoint);
    write("notes", "proof", proof.to_string().as_bytes());
    write("notes", "proof-extra", proof.with_extra(b"extra".to_vec()).unwrap().to_string().as_bytes());
}

fn body() -> Body {
    let gap = |until, scope: &str| Gap {
        from: UnixTime::from_ms(5),
        until,
        cause: GapCause::Unreadable,
        scope: scope.into(),
    };
    Body {
        host: HostId::new([1; 32]),
        chain: ChainId::new([2; 16]),
        seq: 7,
        prev: digest(1),
        boot: BootCounters { reset_count: 3, restart_count: 1 },
        checkpoint: CheckpointView { size: 12, root: digest(2) },
        state_root: digest(3),
        added: vec![Sha256Digest::new([1; 32]), Sha256Digest::new([2; 32])],
        removed: vec![Sha256Digest::new([3; 32])],
        gaps: vec![gap(GapEnd::Open, "/root"), gap(GapEnd::Closed(UnixTime::from_ms(9)), "/usr")],
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

fn manifest() -> Manifest {
    let entry = |path: &str, flags, edges| Entry {
        path: path.into(),
        digest: digest(5),
        size: 1_234,
        mode: 0o755,
        flags,
        edges,
        facts: vec![Claim { key: "go.version".into(), value: "go1.22".into() }],
    };
    let entries = vec![
        entry("/usr/bin/bash", EntryFlags::ELF, Vec::new()),
        entry(
            "/boot/efi/EFI/debian/shimx64.efi",
            EntryFlags::PE.with(EntryFlags::BOOT_FILE),
            vec![Edge::new(Relation::SignedBy, vec![Principal::certificate(b"x")], "CN=Debian")],
        ),
    ];
    let [name, version, architecture] = ["bash", "5.2.15-2+b7", "amd64"].map(str::to_owned);
    Manifest::new(ComponentKind::Package, name, version, architecture, entries).unwrap()
}

fn envelope() -> Envelope {
    let (attest, signature) = (recorded("quote_ecc.msg"), recorded("quote_ecc.sig"));
    Envelope {
        evidence: Evidence::seal(&body().encode(), &attest, &signature).unwrap(),
        pcr_values: vec![vec![7; 32]; 3],
        attachments: vec![
            Attachment {
                kind: AttachmentKind::FirmwareLog,
                first: 0,
                bytes: recorded("binary_bios_measurements"),
            },
            Attachment { kind: AttachmentKind::ImaList, first: 4, bytes: vec![0; 8] },
        ],
    }
}

fn bundle(envelope: Envelope) -> Bundle {
    let (key, checkpoint) = checkpoint();
    Bundle {
        envelope,
        firmware_log: recorded("binary_bios_measurements"),
        ak_public: recorded("ak_ecc.tpm2b"),
        selection: "sha256:0,1,2".into(),
        host_name: "web-1".into(),
        tier: "pinned".into(),
        state: vec![1; 32],
        received_ms: 1,
        log_key: key.verifier_key().to_string(),
        proof: String::from_utf8_lossy(checkpoint.as_bytes()).into_owned(),
    }
}

fn checkpoint() -> (SignerKey, SignedCheckpoint) {
    let key = SignerKey::from_seed(KeyName::new("log.example/1").unwrap(), &[7; 32]);
    let origin = Origin::new("log.example/1").unwrap();
    let root = Hash::node(&Hash::leaf(b"leaf"), &Hash::leaf(b"sibling"));
    let checkpoint = Checkpoint::new(origin, LogSize::new(2).unwrap(), root).unwrap();
    let signed = SignedCheckpoint::sign(checkpoint, &key).unwrap();
    (key, signed)
}

/// A bundle of two roots.
fn ek_roots() -> String {
    let entry = |tier, vendor: &str, name: &str| {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../common/appraisal/tests/data/ek").join(name);
        let der = certificates_in(&std::fs::read(path).unwrap()).unwrap().1.remove(0);
        BundleEntry { tier, vendor: vendor.to_owned(), der }
    };
    let entries = [
        entry(TrustTier::Manufacturer, "IFX", "maker-root.pem"),
        entry(TrustTier::Cloud, "LYD", "pss-root.pem"),
    ];
    RootsBundle::write("2026.11", &entries).unwrap()
}

/// A file of a recorded boot.
fn recorded(name: &str) -> Vec<u8> {
    let boot = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/direct");
    std::fs::read(boot.join(name)).unwrap()
}

fn digest(of: u8) -> Sha256Digest {
    Sha256Digest::of(&[&[of]])
}

/// Records, items and files of an export.
fn exports(write: &impl Fn(&str, &str, &[u8])) {
    let action = ActionRecord {
        kind: "exported".into(),
        who: "token 1".into(),
        detail: "everything".into(),
        at_ms: 4,
    };
    write("export", "action", &action.encode());
    let action = Item::Action(Committed { leaf: 1, salt: [2; 32], record: action.encode() });
    write("export", "item", &action.encode());
    let mut file = ItemWriter::begin(Vec::new()).unwrap();
    file.write(&action).unwrap();
    file.write(&action).unwrap();
    write("export", "file", &file.into_inner());
    let more = EnrolmentMore {
        name: "web-1".into(),
        selection: "sha256:0,1".into(),
        reason: "new disk".into(),
        previous: Some(ChainEnd {
            chain: ChainId::new([5; 16]),
            next_seq: 6,
            last: Sha256Digest::new([7; 32]),
        }),
    };
    for (name, more) in [("first-version", None), ("enrolment", Some(more))] {
        let record = EnrolmentRecord {
            host: HostId::new([1; 32]),
            ak_public: vec![2; 88],
            ek_public: vec![3; 314],
            chain: ChainId::new([4; 16]),
            tier: "first-use".into(),
            at_ms: 8,
            more,
        };
        write("export", name, &record.encode());
    }
}
