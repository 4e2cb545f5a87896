//! Firmware logs.

use std::hint::black_box;

use evidence::eventlog::EventLog;

use super::{CONSTANT, Row};
use crate::samples::of_boots;

pub(super) fn row() -> Row {
    Row {
        name: "event log",
        module: "eventlog",
        fuzz: "event_log",
        real: || of_boots("binary_bios_measurements"),
        hostile: &[("legacy, empty events", legacy), ("crypto-agile, events without digests", no_digests)],
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
