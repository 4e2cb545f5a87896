//! Firmware logs.

use std::hint::black_box;

use evidence::digest::Digest;
use evidence::eventlog::{EventLog, LogEnd};
use evidence::pcr::PcrIndex;

use super::{CONSTANT, Row};
use crate::samples::of_boots;

pub(super) fn row() -> Row {
    Row {
        name: "event log",
        module: "eventlog",
        fuzz: "event_log",
        real: || of_boots("binary_bios_measurements"),
        hostile: &[
            ("legacy, empty events", legacy),
            ("crypto-agile, events without digests", no_digests),
            ("events that each have findings", findings),
            ("variables of PCR 7, all different", variables),
            ("one event of text that is no text", no_text),
            ("one path of the smallest nodes", device_path),
            ("records of Windows, nested", nested),
            ("one signature list of empty entries", signatures),
        ],
        scale: 16 << 10,
        read,
        multiple: 4,
        constant: CONSTANT,
    }
}

fn read(bytes: &[u8]) {
    let log = EventLog::parse(bytes).log;
    for bank in log.banks() {
        let _values = black_box(log.replay(*bank));
        let _facts = black_box(log.facts(*bank));
        let _windows = black_box(log.windows(*bank));
        // PCRs with causes of their own.
        for pcr in PcrIndex::ALL.into_iter().filter(|pcr| matches!(pcr.get(), 0 | 5 | 11)) {
            let _cause = black_box(log.compare(*bank, pcr, &Digest::ones(*bank), LogEnd::Whole));
        }
        for event in log.events() {
            let _check = black_box((event.digest_check(*bank), event.measured_bytes(*bank)));
        }
    }
    for event in log.events() {
        let _text = black_box(event.describe());
    }
}

fn legacy(size: usize) -> Vec<u8> {
    let mut event = [0; 32];
    event[4] = 8; // EV_S_CRTM_VERSION
    event.repeat(size / event.len())
}

fn no_digests(size: usize) -> Vec<u8> {
    let mut log = vec![0; 28];
    log[4] = 3; // EV_NO_ACTION
    let table = [&b"Spec ID Event03\0"[..], &[0, 0, 0, 0, 0, 2, 0, 2], &[1, 0, 0, 0, 0x0b, 0, 32, 0], &[0]];
    let table = table.concat();
    log.extend_from_slice(&u32::try_from(table.len()).unwrap().to_le_bytes());
    log.extend_from_slice(&table);
    let event = [1, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    log.extend_from_slice(&event.repeat(size / event.len()));
    log.push(7); // The last event's zeros are no padding.
    log
}

fn event(register: u32, kind: u32, data: &[u8]) -> Vec<u8> {
    let head = [register, kind].map(u32::to_le_bytes).concat();
    [&head, &[7; 20][..], &u32::try_from(data.len()).unwrap().to_le_bytes(), data].concat()
}

fn findings(size: usize) -> Vec<u8> {
    // A separator of no PCR, of another digest, with nothing in it.
    event(7, 4, &[]).repeat(size / 32)
}

fn variables(size: usize) -> Vec<u8> {
    let mut log = Vec::new();
    let mut number = 0_u64;
    while log.len() < size {
        let mut data = number.to_le_bytes().repeat(2);
        data.extend([0; 16]);
        let digest = evidence::digest::HashAlg::Sha1.hash(&[&data]);
        let mut one = event(7, 0x8000_0001, &data);
        one[8..28].copy_from_slice(digest.as_bytes());
        log.extend(one);
        number += 1;
    }
    log
}

fn no_text(size: usize) -> Vec<u8> {
    event(4, 0x8000_0007, &vec![0xff; size])
}

fn device_path(size: usize) -> Vec<u8> {
    let nodes = [99, 5, 5, 0, 7].repeat(size / 5);
    let head = [0, 0, 0, nodes.len() as u64].map(u64::to_le_bytes).concat();
    event(4, 0x8000_0003, &[head, nodes].concat())
}

fn nested(size: usize) -> Vec<u8> {
    let inner = [2, 0, 2, 0, 0, 0, 0, 0].repeat(size / 32);
    let wrap = |data: &[u8]| {
        let length = u32::try_from(data.len()).unwrap().to_le_bytes();
        [&0x4001_0001_u32.to_le_bytes(), &length[..], data].concat()
    };
    let twice = wrap(&wrap(&inner));
    event(12, 6, &twice).repeat(3)
}

fn signatures(size: usize) -> Vec<u8> {
    let entries = vec![0; size / 16 * 16];
    let list = [28 + entries.len(), 0, 16].map(|n| u32::try_from(n).unwrap().to_le_bytes()).concat();
    let name = [b'd', 0, b'b', 0];
    let guid =
        [0xcb, 0xb2, 0x19, 0xd7, 0x3a, 0x3d, 0x96, 0x45, 0xa3, 0xbc, 0xda, 0xd0, 0x0e, 0x67, 0x65, 0x6f];
    let lists = [&[1; 16][..], &list, &entries].concat();
    let lengths = [2, lists.len() as u64].map(u64::to_le_bytes).concat();
    event(7, 0x8000_0001, &[&guid[..], &lengths, &name, &lists].concat())
}
