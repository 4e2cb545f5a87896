//! What the parsers outside `evidence` may cost: notes and proofs of `ledger`, certificates of `appraisal`, uploads of
//! `wire`. As `common/evidence/tests/bounds`, which has the parsers of `evidence`: at the peak at most 4 times the
//! input and a constant, and never more work than grows with the input.
#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use appraisal::crypto::{KeyFile, SchemeHint, parse_signature_file};
use appraisal::endorsement::{Bundle, EndorsementRoots, RevocationList, RevocationLists, certificates_in};
use evidence::digest::HashAlg;
use inquiry::subject::Subject;
use ledger::checkpoint::SignedCheckpoint;
use ledger::note::SignedNote;
use ledger::policy::Policy;
use ledger::proof_file::ProofFile;
use ledger::tile::{Bundle as Entries, Resource, Width};
use ledger::witness::AddCheckpoint;
use lydian_fuzz_targets::TARGETS;
use rustix::time::{ClockId, clock_gettime};
use wire::submit::{decode_manifests, decompress, encode_manifests};

struct Row {
    name: &'static str,
    /// Its fuzz target.
    fuzz: &'static str,
    hostile: fn(usize) -> Vec<u8>,
    /// Bytes; 16 times as many are still below the parser's own limit.
    scale: usize,
    read: fn(&[u8]),
    constant: u64,
}

const ROWS: &[Row] = &[
    Row {
        name: "file events",
        fuzz: "fanotify",
        hostile: |size| {
            let recorded = include_bytes!("../../../agent/fanotify/tests/data/ext4.events");
            recorded.repeat(size / recorded.len())
        },
        scale: 4 << 10,
        read: |bytes| fanotify::decode(bytes).for_each(|event| drop(black_box(event))),
        constant: 1 << 10,
    },
    Row {
        name: "subject",
        fuzz: "subject",
        hostile: |size| format!("path:/{}", "[a-b]*".repeat(size / 6)).into_bytes(),
        scale: 192,
        read: |bytes| {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            if let Ok(Subject::Path(glob)) = text.parse() {
                black_box(glob.matches(&[b'a'; 256]));
            }
        },
        // A part of a pattern takes 32 bytes, and a subject has at most 4 KiB.
        constant: 128 << 10,
    },
    Row {
        name: "note of signatures",
        fuzz: "notes",
        hostile: |size| {
            let line = "\u{2014} k AAAAAAA=\n";
            // There is a limit of their number, so 16 times as many bytes have longer ones.
            let line = line.replace("AAAAAAA=", &format!("{}AAAAAAA=", "AAAA".repeat(size / 512)));
            format!("text\n\n{}", line.repeat(32)).into_bytes()
        },
        scale: 2 << 10,
        read: |bytes| drop(black_box((SignedNote::parse(bytes), SignedCheckpoint::parse(bytes).is_ok()))),
        constant: 16 << 10,
    },
    Row {
        name: "note of text",
        fuzz: "notes",
        hostile: |size| format!("{}\n\u{2014} k AAAAAAA=\n", "a\n".repeat(size / 2)).into_bytes(),
        scale: 2 << 10,
        read: |bytes| drop(black_box(SignedNote::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "proof file",
        fuzz: "notes",
        hostile: |size| {
            format!("c2sp.org/tlog-proof@v1\nextra {}\nindex 0\n", "AAAA".repeat(size / 4)).into_bytes()
        },
        scale: 1 << 10,
        read: |bytes| drop(black_box(ProofFile::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "trust policy",
        fuzz: "witness",
        hostile: |size| "group g any a\n".repeat(size / 14).into_bytes(),
        scale: 4 << 10,
        read: |bytes| drop(black_box(Policy::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "witness request",
        fuzz: "witness",
        hostile: |size| format!("old 1\n{}\n", "A".repeat(size)).into_bytes(),
        scale: 2 << 10,
        read: |bytes| drop(black_box(AddCheckpoint::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "bundle of entries",
        fuzz: "tiles",
        hostile: |size| vec![0; size],
        scale: 4 << 10,
        read: |bytes| assert!(black_box(Entries::parse(bytes, Width::FULL)).is_err()),
        constant: 16 << 10,
    },
    Row {
        name: "path of a tile",
        fuzz: "tiles",
        hostile: |size| format!("tile/0/{}000", "x000/".repeat(size / 5)).into_bytes(),
        scale: 1 << 10,
        read: |bytes| assert!(black_box(std::str::from_utf8(bytes).unwrap().parse::<Resource>()).is_err()),
        constant: 16 << 10,
    },
    Row {
        name: "upload of empty manifests",
        fuzz: "submission",
        hostile: |size| encode_manifests((0..size).map(|_| &b""[..]).collect::<Vec<_>>().into_iter()),
        scale: 256,
        read: |bytes| drop(black_box(decode_manifests(bytes))),
        // 4,096 manifests at most, whatever their length.
        constant: (16 << 10) + 4_096 * 16 * 2,
    },
    Row {
        name: "certificates",
        fuzz: "ek_certificate",
        hostile: |size| [&[0x30, 0x82][..], &vec![0x30; size]].concat(),
        scale: 512,
        read: |bytes| assert!(black_box(EndorsementRoots::from_der([bytes])).is_err()),
        constant: 16 << 10,
    },
    Row {
        name: "certificates' forms",
        fuzz: "ek_certificate",
        hostile: |size| [&[0x30, 0x01, 0x00][..]].concat().repeat(size / 3),
        scale: 1 << 10,
        read: |bytes| drop(black_box(certificates_in(bytes))),
        // A certificate of a file has at most 1,024 companions, whatever their length.
        constant: (16 << 10) + 1_024 * 24 * 3,
    },
    Row {
        name: "certificates in PEM",
        fuzz: "ek_certificate",
        hostile: |size| {
            let body = "MAA=\n".repeat(size / 5);
            format!("-----BEGIN CERTIFICATE-----\n{body}-----END CERTIFICATE-----\n").into_bytes()
        },
        scale: 4 << 10,
        read: |bytes| drop(black_box(certificates_in(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "lists of revoked certificates",
        fuzz: "crl",
        hostile: |size| revocation_list(&[0x30, 0x03, 0x02, 0x01, 0x00].repeat(size / 5)),
        scale: 4 << 10,
        read: |bytes| {
            drop(black_box((RevocationList::parse(bytes).is_ok(), RevocationLists::none().add(bytes))));
        },
        constant: 16 << 10,
    },
    Row {
        name: "lists of revoked certificates, good ones",
        fuzz: "crl",
        hostile: |size| {
            let entry = [&[0x30, 0x12, 0x02, 0x01, 0x05, 0x17, 0x0d][..], b"260101000000Z"].concat();
            revocation_list(&entry.repeat(size / entry.len()))
        },
        scale: 4 << 10,
        read: |bytes| assert!(black_box(RevocationLists::none().add(bytes)).is_ok()),
        constant: 16 << 10,
    },
    Row {
        name: "bundles of roots",
        fuzz: "ek_roots_bundle",
        hostile: |size| {
            let body = "\ncertificate 00\n".repeat(size / 16);
            let digest = evidence::digest::Sha256Digest::of(&[body.as_bytes()]);
            format!("lydian-ek-roots 1\nversion 1\ncertificates 9\nsha256 {digest}\n{body}").into_bytes()
        },
        scale: 4 << 10,
        read: |bytes| drop(black_box(Bundle::parse(std::str::from_utf8(bytes).unwrap()))),
        constant: 16 << 10,
    },
    Row {
        name: "key file",
        fuzz: "quote_files",
        hostile: |size| {
            // An RSA modulus that fills the file.
            let number =
                [&[2, 0x82][..], &u16::try_from(size).unwrap().to_be_bytes(), &vec![0x7f; size]].concat();
            [&[0x30, 0x82][..], &u16::try_from(number.len()).unwrap().to_be_bytes(), &number].concat()
        },
        scale: 256,
        read: |bytes| drop(black_box(KeyFile::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "key file as PEM",
        fuzz: "quote_files",
        hostile: |size| {
            let body = format!("{}\n", "A".repeat(64)).repeat(size / 64);
            format!("-----BEGIN PUBLIC KEY-----\n{body}-----END PUBLIC KEY-----\n").into_bytes()
        },
        scale: 256,
        read: |bytes| drop(black_box(KeyFile::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "signature file",
        fuzz: "quote_files",
        hostile: |size| vec![0x30; size],
        scale: 128,
        read: |bytes| {
            let hint = SchemeHint { stated: None, key: None, hash: HashAlg::Sha256 };
            drop(black_box(parse_signature_file(bytes, &hint)));
        },
        constant: 16 << 10,
    },
];

/// A list with these entries, and a signature that is none.
fn revocation_list(entries: &[u8]) -> Vec<u8> {
    let value = |tag: u8, content: &[u8]| {
        let length = u32::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x84], &length[..], content].concat()
    };
    let algorithm = [0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
    let time = [&[0x17, 0x0d][..], b"260101000000Z"].concat();
    let head = [&algorithm[..], &[0x30, 0x00], &time, &time].concat();
    let content = value(0x30, &[head, value(0x30, entries)].concat());
    value(0x30, &[content, algorithm.to_vec(), vec![0x03, 0x02, 0x00, 0x00]].concat())
}

#[test]
fn peak_memory_is_a_small_multiple_and_work_grows_with_the_input() {
    let mut over = Vec::new();
    for row in ROWS {
        let [small, large] = [row.scale, 16 * row.scale].map(row.hostile);
        assert!(
            large.len() / 8 >= small.len(),
            "{} does not scale: {} {}",
            row.name,
            small.len(),
            large.len()
        );
        let costs = [&small, &large].map(|input| allocation_counter::measure(|| (row.read)(input)));
        for (input, cost) in [&small, &large].into_iter().zip(costs) {
            let (length, peak) = (u64::try_from(input.len()).unwrap(), cost.bytes_max);
            println!("{}: {length} bytes, peak {peak}", row.name);
            if peak > 4 * length + row.constant {
                over.push(format!("{}: {length} bytes of input, peak {peak}", row.name));
            }
        }
        let [few, many] = costs.map(|cost| cost.bytes_total);
        if many > 32 * few + (64 << 10) {
            over.push(format!("{}: {few} bytes in all become {many} at 16 times the input", row.name));
        }
        let [brief, long] = [&small, &large].map(|input| processor_time(row, input));
        if long > 64 * brief.max(Duration::from_micros(20)) {
            over.push(format!("{}: {brief:?} become {long:?} at 16 times the input", row.name));
        }
    }
    assert!(over.is_empty(), "{over:#?}");
}

/// Every target has a row, here or among the parsers of `evidence`; that each parser has a target is said there.
#[test]
fn every_target_has_a_row() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../common/evidence/tests/bounds/rows");
    let files = std::fs::read_dir(folder).unwrap();
    let texts = files.map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap());
    let elsewhere = texts.collect::<String>();
    for (target, _) in TARGETS {
        let here = ROWS.iter().any(|row| row.fuzz == *target);
        assert!(here || elsewhere.contains(&format!("\"{target}\"")), "{target} has no row");
    }
}

/// The least of several runs: what else runs on the machine only ever adds.
fn processor_time(row: &Row, input: &[u8]) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ThreadCPUTime)).unwrap();
    let run = |_| {
        let begun = now();
        (row.read)(input);
        now().saturating_sub(begun)
    };
    (0..5).map(run).min().unwrap()
}

/// A frame of a few bytes that unpacks to a lot is refused at the limit, not behind it.
#[test]
fn what_unpacks_to_more_than_the_limit_is_refused_at_the_limit() {
    let bomb = wire::submit::compress(&vec![0; 32 << 20]).unwrap();
    assert!(bomb.len() < 8 << 10);
    let limit = 64 << 10;
    let cost = allocation_counter::measure(|| assert!(decompress(&bomb, limit).is_err()));
    // Beside what it unpacks to, twice while the buffer grows, the decoder's own buffers: zstd has them from C.
    assert!(cost.bytes_max <= 4 * (64 << 10) + (256 << 10), "peak {}", cost.bytes_max);
}
