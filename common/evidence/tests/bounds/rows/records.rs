//! JSON documents, canonical event logs and systemd's log.

use std::fmt::Write as _;
use std::hint::black_box;

use evidence::cel::{Cel, CelWriter, Layout, to_firmware_log, to_ima_list};
use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::json::{Kind, Value};
use evidence::pcr::{PcrIndex, PcrValues};
use evidence::systemd_log::{NvPcrs, SystemdLog, merge, repair_phases};

use super::{CONSTANT, Inputs, Row};
use crate::samples::of_boots;

pub(super) fn rows() -> Vec<Row> {
    let row = |name, module, fuzz, real: fn() -> Inputs, hostile, read| Row {
        name,
        module,
        fuzz,
        real,
        hostile,
        scale: 16 << 10,
        read,
        multiple: 4,
        constant: CONSTANT,
    };
    vec![
        row(
            "JSON document",
            "json",
            "json",
            documents,
            &[("an object of short keys", keys), ("deep", deep)],
            json,
        ),
        row(
            "canonical log",
            "cel",
            "cel",
            canonical_logs,
            &[("bare records", bare), ("bad records", bad)],
            cel,
        ),
        Row {
            // NVPCRS small values with their names, and what 24 PCRs are compared with.
            constant: 96 << 10,
            ..row(
                "systemd's log",
                "systemd_log",
                "systemd_log",
                || of_boots("tpm2-measure.log"),
                &[("NvPCRs", nvpcrs), ("phases", phases)],
                systemd_log,
            )
        },
    ]
}

fn json(bytes: &[u8]) {
    fn walk(value: Value<'_>) {
        match value.kind() {
            Kind::Array(items) => items.for_each(walk),
            Kind::Object(members) => members.for_each(|(key, value)| {
                black_box(key.decode());
                walk(value);
            }),
            Kind::Text(text) => drop(black_box(text.decode())),
            Kind::Number(number) => drop(black_box((number.unsigned(), number.signed()))),
            Kind::Bool(_) | Kind::Null => {}
        }
    }
    if let Ok(value) = Value::parse(bytes) {
        walk(value);
    }
}

fn cel(bytes: &[u8]) {
    let cel = Cel::new(bytes);
    black_box(cel.replay(HashAlg::Sha256));
    for record in cel.records() {
        black_box(record.map(|record| record.digests().count()).map_err(|error| error.to_string())).ok();
    }
    black_box(to_firmware_log(cel)).ok();
    black_box(to_ima_list(cel)).ok();
}

fn systemd_log(bytes: &[u8]) {
    let log = SystemdLog::new(bytes);
    let mut known = NvPcrs::new();
    for event in log.events().flatten() {
        black_box((event.measured(), event.check_all()));
        known.take_in(&event);
    }
    log.findings(Some(HashAlg::Sha256), |finding| {
        black_box(finding);
    });
    let mut quoted = PcrValues::new();
    for pcr in PcrIndex::ALL {
        quoted.insert(pcr, HashAlg::Sha256.hash(&[]));
    }
    let merged = merge(log, HashAlg::Sha256, &PcrValues::new(), &quoted);
    if let Some(pcr) = merged.unexplained().next() {
        black_box(repair_phases(log, pcr.firmware, pcr.quoted));
    }
}

fn documents() -> Inputs {
    let logs = of_boots("tpm2-measure.log").into_iter();
    logs.map(|(name, bytes)| (name, bytes.split(|byte| *byte == 0x1e).nth(1).unwrap().to_vec())).collect()
}

fn canonical_logs() -> Inputs {
    let convert = |(name, bytes): (String, Vec<u8>)| {
        let mut writer = CelWriter::new(Layout::Array);
        EventLog::parse(&bytes).log.events().iter().for_each(|event| writer.firmware(&event));
        (name, writer.finish().into_bytes())
    };
    of_boots("binary_bios_measurements").into_iter().map(convert).collect()
}

fn filled(size: usize, mut next: impl FnMut(&mut String, usize)) -> Vec<u8> {
    let mut text = String::new();
    let mut number = 0;
    while text.len() < size {
        next(&mut text, number);
        number += 1;
    }
    text.into_bytes()
}

fn keys(size: usize) -> Vec<u8> {
    let mut bytes = filled(size, |text, number| write!(text, "\"{number:x}\":0,").unwrap());
    bytes.insert(0, b'{');
    bytes.extend_from_slice(b"\"\":0}");
    bytes
}

fn deep(size: usize) -> Vec<u8> {
    let one = format!("{}{}", "[".repeat(30), "]".repeat(30));
    let mut bytes = filled(size, |text, _| write!(text, "{one},").unwrap());
    bytes.insert(0, b'[');
    bytes.extend_from_slice(b"0]");
    bytes
}

fn bare(size: usize) -> Vec<u8> {
    filled(size, |text, _| text.push_str("\u{1e}{\"pcr\":0,\"digests\":[]}"))
}

fn bad(size: usize) -> Vec<u8> {
    filled(size, |text, _| text.push_str("{\n"))
}

fn nvpcrs(size: usize) -> Vec<u8> {
    filled(size, |text, number| {
        let (name, digest) = ("n".repeat(64), "00".repeat(20));
        write!(
            text,
            "\u{1e}{{\"nv_index\":{number},\"digests\":[{{\"hashAlg\":\"sha1\",\"digest\":\"{digest}\"}}],\
             \"content_type\":\"systemd\",\"content\":{{\"nvIndexName\":\"{name}\"}}}}"
        )
        .unwrap();
    })
}

fn phases(size: usize) -> Vec<u8> {
    filled(size, |text, _| {
        let digest = HashAlg::Sha256.hash(&[b"ready"]);
        write!(
            text,
            "\u{1e}{{\"pcr\":11,\"digests\":[{{\"hashAlg\":\"sha256\",\"digest\":\"{digest}\"}}],\
             \"content_type\":\"systemd\",\"content\":{{\"string\":\"ready\",\"eventType\":\"phase\"}}}}"
        )
        .unwrap();
    })
}
