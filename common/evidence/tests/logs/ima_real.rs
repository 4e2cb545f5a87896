//! Every IMA list of other people's machines, through the streaming reader: what an independent reader says of each,
//! known PCR values, and text lists against the binary lists of the same boots.

use std::collections::BTreeMap;

use evidence::digest::{Digest, HashAlg};
use evidence::ima::{
    DataSource, ImaError, ImaRecord, ImaState, ImaStream, LineError, ListForm, ListedCheck, MeasuredBuffer,
    StreamItem,
};
use evidence::pcr::PcrIndex;
use evidence::x509::Certificate;

use crate::vectors::{own, real, real_root};

const BANKS: [HashAlg; 4] = [HashAlg::Sha1, HashAlg::Sha256, HashAlg::Sha384, HashAlg::Sha512];

/// What was read of a list.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Read {
    pub(crate) form: Option<ListForm>,
    pub(crate) records: Vec<Owned>,
    pub(crate) bad_lines: Vec<(usize, LineError)>,
    pub(crate) checks: BTreeMap<&'static str, usize>,
    pub(crate) damage: Option<ImaError>,
    pub(crate) state: Option<ImaState>,
}

/// A record that outlives its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Owned {
    pub(crate) pcr: PcrIndex,
    pub(crate) listed_hash: Digest,
    pub(crate) template: String,
    pub(crate) data: Vec<u8>,
    pub(crate) rebuilt: bool,
}

impl Owned {
    fn new(record: &ImaRecord<'_>) -> Self {
        Self {
            pcr: record.pcr,
            listed_hash: record.listed_hash,
            template: record.template.to_owned(),
            data: record.data.to_vec(),
            rebuilt: !matches!(record.source, DataSource::Text(_)),
        }
    }
}

pub(crate) fn read(bytes: &[u8], chunk: usize) -> Read {
    let (mut stream, mut state, mut read) = (ImaStream::new(), ImaState::start(&BANKS), Read::default());
    let mut take = |item: StreamItem<'_>| match item {
        StreamItem::Record(record) => {
            let check = match state.extend_checked(&record) {
                ListedCheck::Verified => "verified",
                ListedCheck::Mismatch => "mismatch",
                ListedCheck::Violation => "violation",
                ListedCheck::NotComputable => "opaque",
            };
            *read.checks.entry(check).or_default() += 1;
            read.records.push(Owned::new(&record));
        }
        StreamItem::BadLine { offset, error } => read.bad_lines.push((offset, error)),
    };
    let mut result = Ok(());
    for part in bytes.chunks(chunk) {
        result = stream.push(part, &mut take);
        if result.is_err() {
            break;
        }
    }
    let finished = result.and_then(|()| stream.finish(&mut take));
    (read.damage, read.form, read.state) = (finished.err(), stream.form(), Some(state));
    read
}

/// Lists with records whose data does not give the listed hash, how many, and why.
const ODD: [(&str, usize, &str); 3] = [
    (
        "test_ima_ast.py.extracted/lines.log",
        2,
        "an unknown template, and a digest that is not hexadecimal, on purpose",
    ),
    (
        "test_ima_verification.py.extracted/bad_signatures.log",
        1,
        "a signature whose length was changed on purpose",
    ),
    ("create-runtime-policy/ima-log-unknown", 1, "made by hand, with a hash algorithm that there is not"),
];

#[test]
fn every_recorded_list_is_read() {
    let Some(_) = real("INDEX.tsv") else { return };
    let index = std::fs::read_to_string(real_root().join("INDEX.tsv")).unwrap();
    let (mut lists, mut totals) = (0, BTreeMap::<&str, usize>::new());
    for row in index.lines().map(|line| line.split('\t').collect::<Vec<_>>()) {
        let [path, ..] = row.as_slice() else { continue };
        if row.get(7) != Some(&"ima-log") {
            continue;
        }
        let said = row.get(8).unwrap_or(&"");
        let read = read(&std::fs::read(real_root().join(path)).unwrap(), 1000);
        lists += 1;
        for (check, count) in &read.checks {
            *totals.entry(check).or_default() += count;
        }
        if let Some((_, number)) = said.split_once("entries=") {
            let entries: usize = number.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap();
            assert_eq!(read.records.len(), entries, "{path}");
        }
        assert_eq!(read.damage.is_some(), said.contains("PARSE STOPS"), "{path}: {:?}", read.damage);
        let odd = ["mismatch", "opaque"].iter().filter_map(|check| read.checks.get(check)).sum::<usize>();
        let excepted = ODD.iter().find(|(name, ..)| path.ends_with(name)).map_or(0, |(_, count, _)| *count);
        assert_eq!(odd, excepted, "{path}: {:?}", read.checks);
        assert!(read.bad_lines.iter().all(|(_, error)| *error == LineError::Empty), "{path}");
    }
    eprintln!("{lists} lists: {totals:?}");
    for (name, count, reason) in ODD {
        eprintln!("  {name}: {count}, {reason}");
    }
    assert_eq!(lists, 35);
}

#[test]
fn text_and_binary_of_one_boot_are_the_same() {
    let pairs: Vec<(String, Vec<u8>, Vec<u8>)> = ["direct", "direct-imasig-viol"]
        .into_iter()
        .map(|boot| {
            (
                boot.to_owned(),
                own(boot, "binary_runtime_measurements"),
                own(boot, "ascii_runtime_measurements"),
            )
        })
        .chain(real_pairs())
        .collect();
    for (name, binary, text) in pairs {
        let (binary, text) = (read(&binary, 4096), read(&text, 777));
        assert_eq!(text.form, Some(ListForm::Ascii), "{name}");
        let common = binary.records.len().min(text.records.len());
        assert!(common > 100, "{name}");
        for (number, (binary, text)) in binary.records.iter().zip(&text.records).enumerate() {
            assert_eq!(binary, text, "{name} record {number}");
        }
        eprintln!(
            "{name}: {common} records are the same; {} binary, {} text",
            binary.records.len(),
            text.records.len()
        );
        if binary.records.len() == text.records.len() {
            let (binary, text) = (binary.state.unwrap(), text.state.unwrap());
            assert_eq!(binary.banks(), text.banks(), "{name}");
        }
    }
}

fn real_pairs() -> Vec<(String, Vec<u8>, Vec<u8>)> {
    let Some(_) = real("INDEX.tsv") else { return Vec::new() };
    let pairs = [
        (
            "Fraunhofer-SIT+charra/logs/ima/binary_runtime_measurements",
            "Fraunhofer-SIT+charra/logs/ima/ascii_runtime_measurements",
        ),
        (
            "immune-gmbh+guard-oss/apisrv/test/h12ssl.binary_measurements",
            "immune-gmbh+guard-oss/apisrv/test/h12ssl.ascii_measurements",
        ),
    ];
    let bytes = |path: &str| std::fs::read(real_root().join(path)).unwrap();
    pairs.iter().map(|(binary, text)| ((*binary).to_owned(), bytes(binary), bytes(text))).collect()
}

#[test]
fn keys_and_devices_of_other_people_are_named() {
    let Some(files) = real(".log") else { return };
    let (mut keys, mut devices, mut roots) = (Vec::new(), Vec::new(), Vec::new());
    for path in files.iter().filter(|path| path.to_string_lossy().contains("test_ima_")) {
        let (mut stream, bytes) = (ImaStream::new(), std::fs::read(path).unwrap());
        let mut take = |item: StreamItem<'_>| {
            let StreamItem::Record(record) = item else { return };
            let Ok(fields) = record.fields() else { return };
            match MeasuredBuffer::of(&fields) {
                Some(MeasuredBuffer::Key { keyring, certificate }) => {
                    let key = Certificate::parse(certificate).unwrap();
                    keys.push(format!("{} {}", String::from_utf8_lossy(keyring), key.subject()));
                }
                Some(MeasuredBuffer::DeviceMapper(event)) => {
                    let name = String::from_utf8_lossy(event.name().unwrap()).into_owned();
                    let targets: Vec<_> = event
                        .targets()
                        .map(|target| String::from_utf8_lossy(target.kind().unwrap()).into_owned())
                        .collect();
                    devices.push(format!("{} {name} {}", event.kind.name(), targets.join("+")));
                    roots.extend(event.targets().filter_map(|target| {
                        Some(String::from_utf8_lossy(target.verity()?.root_digest).into_owned())
                    }));
                }
                _ => {}
            }
        };
        stream.push(&bytes, &mut take).unwrap();
        stream.finish(&mut take).unwrap();
    }
    assert_eq!(keys, [".ima CN=ecdsa-ca-signed-ec-key"]);
    assert_eq!(devices.len(), 16, "{devices:#?}");
    assert!(devices.contains(&"table_load test verity".to_owned()), "{devices:#?}");
    assert!(devices.contains(&"device_remove test ".to_owned()), "{devices:#?}");
    assert_eq!(roots.len(), 2, "{roots:?}");
}
