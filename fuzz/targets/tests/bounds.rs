//! What the parsers outside `evidence` may cost: notes and proofs of `ledger`, certificates of `appraisal`, uploads of
//! `wire`. As `common/evidence/tests/bounds`, which has the parsers of `evidence`: at the peak at most 4 times the
//! input and a constant, and never more work than grows with the input.

use std::hint::black_box;

use appraisal::crypto::{KeyFile, SchemeHint, parse_signature_file};
use appraisal::endorsement::EndorsementRoots;
use evidence::digest::HashAlg;
use ledger::checkpoint::SignedCheckpoint;
use ledger::note::SignedNote;
use ledger::proof_file::ProofFile;
use wire::submit::{decode_manifests, decompress, encode_manifests};

struct Row {
    name: &'static str,
    hostile: fn(usize) -> Vec<u8>,
    /// Bytes; 16 times as many are still below the parser's own limit.
    scale: usize,
    read: fn(&[u8]),
    constant: u64,
}

const ROWS: &[Row] = &[
    Row {
        name: "note of signatures",
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
        hostile: |size| format!("{}\n\u{2014} k AAAAAAA=\n", "a\n".repeat(size / 2)).into_bytes(),
        scale: 2 << 10,
        read: |bytes| drop(black_box(SignedNote::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "proof file",
        hostile: |size| {
            format!("c2sp.org/tlog-proof@v1\nextra {}\nindex 0\n", "AAAA".repeat(size / 4)).into_bytes()
        },
        scale: 1 << 10,
        read: |bytes| drop(black_box(ProofFile::parse(bytes))),
        constant: 16 << 10,
    },
    Row {
        name: "upload of empty manifests",
        hostile: |size| encode_manifests((0..size).map(|_| &b""[..]).collect::<Vec<_>>().into_iter()),
        scale: 256,
        read: |bytes| drop(black_box(decode_manifests(bytes))),
        // 4,096 manifests at most, whatever their length.
        constant: (16 << 10) + 4_096 * 16 * 2,
    },
    Row {
        name: "certificates",
        hostile: |size| [&[0x30, 0x82][..], &vec![0x30; size]].concat(),
        scale: 512,
        read: |bytes| assert!(black_box(EndorsementRoots::from_der([bytes])).is_err()),
        constant: 16 << 10,
    },
    Row {
        name: "key file",
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
        hostile: |size| vec![0x30; size],
        scale: 128,
        read: |bytes| {
            let hint = SchemeHint { stated: None, key: None, hash: HashAlg::Sha256 };
            drop(black_box(parse_signature_file(bytes, &hint)));
        },
        constant: 16 << 10,
    },
];

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
    }
    assert!(over.is_empty(), "{over:#?}");
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
