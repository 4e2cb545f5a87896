//! Canonical logs and systemd's: conversion there and back, and what a boot with both logs comes to.

use std::fmt::Write as _;
use std::path::PathBuf;

use evidence::cel::{Cel, CelWriter, Framing, Layout, Register, to_firmware_log, to_ima_list};
use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::ima::ImaList;
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{Joint, NvPcrs, PhasePlace, SystemdLog, merge, repair_phases};

use crate::vectors::{BOOTS, own, pcr, real, real_root, tpm_values};

const BANK: HashAlg = HashAlg::Sha256;

fn from_firmware(log: &EventLog<'_>, layout: Layout) -> String {
    let mut writer = CelWriter::new(layout);
    for event in log.events() {
        writer.firmware(&event);
    }
    writer.finish()
}

fn from_ima(list: ImaList<'_>, banks: &[HashAlg]) -> String {
    let mut writer = CelWriter::new(Layout::Array);
    for record in list.records().map_while(Result::ok) {
        writer.ima(&record, banks);
    }
    writer.finish()
}

/// Of a firmware log: the same replay in every bank, and the same bytes back but for padding and unknown algorithms.
fn round_trip(name: &str, bytes: &[u8]) -> Option<usize> {
    let parsed = EventLog::parse(bytes);
    if parsed.damage.is_some() {
        return None;
    }
    let log = &parsed.log;
    let text = from_firmware(log, Layout::Array);
    let cel = Cel::new(text.as_bytes());
    assert_eq!(cel.records().count(), log.events().len(), "{name}");
    for bank in log.banks() {
        let (replayed, expected) = (cel.replay(*bank), log.replay(*bank).unwrap());
        assert_eq!(replayed.extended(), log.extended(*bank), "{name} {bank}");
        // A canonical log does not tell measurement registers, which all start at zero, from PCRs.
        for pcr in replayed.extended().iter() {
            assert_eq!(Some(replayed.value(pcr)), expected.value(*bank, pcr), "{name} {bank}");
        }
    }
    let back = to_firmware_log(cel).unwrap();
    let again = EventLog::parse(&back);
    assert_eq!(again.damage, None, "{name}");
    assert_eq!(again.log.events().len(), log.events().len(), "{name}");
    let whole = &bytes[..bytes.len() - log.padding_bytes()];
    let same = back == whole;
    let unknown = log.events().iter().any(|event| event.digests().count() != log.banks().len());
    assert!(same || unknown, "{name}: other bytes");
    for bank in log.banks() {
        assert_eq!(again.log.replay(*bank), log.replay(*bank), "{name} {bank}");
    }
    Some(usize::from(same))
}

#[test]
fn our_firmware_logs_come_back_byte_for_byte() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_bios_measurements");
        assert_eq!(round_trip(boot, &bytes), Some(1), "{boot}");
        let log = EventLog::parse(&bytes).log;
        let sequence = from_firmware(&log, Layout::Sequence);
        assert_eq!(Cel::new(sequence.as_bytes()).framing(), Framing::Sequence);
        let array = from_firmware(&log, Layout::Array);
        assert_eq!(Cel::new(sequence.as_bytes()).replay(BANK), Cel::new(array.as_bytes()).replay(BANK));
        // A second implementation reads what was written.
        let records: serde_json::Value = serde_json::from_str(&array).unwrap();
        assert_eq!(records.as_array().unwrap().len(), log.events().len());
    }
}

#[test]
fn our_ima_lists_come_back_byte_for_byte() {
    for boot in BOOTS {
        let bytes = own(boot, "binary_runtime_measurements");
        let list = ImaList::detect(&bytes);
        let text = from_ima(list, &[HashAlg::Sha1, BANK]);
        let cel = Cel::new(text.as_bytes());
        assert!(to_ima_list(cel).unwrap() == bytes, "{boot}");
        let expected = list.records().map(Result::unwrap).fold(PcrIndex::IMA.start(BANK), |value, record| {
            value.extend(&record.template_hash(BANK).unwrap()).unwrap()
        });
        assert_eq!(cel.replay(BANK).value(PcrIndex::IMA), expected, "{boot}");
    }
}

#[test]
fn one_log_holds_them_all() {
    let (firmware, ima) = (own("uki", "binary_bios_measurements"), own("uki", "binary_runtime_measurements"));
    let systemd = own("uki", "tpm2-measure.log");
    let mut writer = CelWriter::new(Layout::Array);
    for event in EventLog::parse(&firmware).log.events() {
        writer.firmware(&event);
    }
    for record in ImaList::detect(&ima).records() {
        writer.ima(&record.unwrap(), &[HashAlg::Sha1, BANK]);
    }
    let logged: Vec<_> = Cel::new(&systemd).records().map(Result::unwrap).collect();
    for record in &logged[..2] {
        writer.canonical(record);
    }
    let text = writer.finish();
    let cel = Cel::new(text.as_bytes());
    let numbers: Vec<_> = cel.records().map(|record| record.unwrap().recnum.unwrap()).collect();
    assert!(numbers.iter().copied().eq(0..numbers.len() as u64));
    let (replayed, held) = (cel.replay(BANK), tpm_values("uki"));
    for index in PcrIndex::ALL.into_iter().filter(|index| *index != PcrIndex::IMA) {
        assert_eq!(Some(replayed.value(index)), held.value(BANK, index), "PCR {index}");
    }
    assert!(to_firmware_log(cel).unwrap() == firmware);
    assert!(to_ima_list(cel).unwrap() == ima);
    let mut found = 0;
    SystemdLog::new(text.as_bytes()).findings(Some(BANK), |finding| {
        assert_eq!(finding.code.as_str(), "digest-missing", "{finding}");
        found += 1;
    });
    assert_eq!(found, 0);
}

#[test]
fn a_boot_with_both_logs_replays_to_what_the_tpm_held() {
    let firmware = own("uki", "binary_bios_measurements");
    let firmware = EventLog::parse(&firmware).log.replay(BANK).unwrap();
    let bytes = own("uki", "tpm2-measure.log");
    let merged = merge(SystemdLog::new(&bytes), BANK, &firmware, &tpm_values("uki"));
    assert_eq!(merged.unexplained().count(), 0);
    assert_eq!(
        (merged.joint(), merged.records),
        (Joint::Prefix(2), 3),
        "shutdown came after the values were read"
    );
    assert!(merged.pcr(pcr(11)).unwrap().needs_systemd());
}

#[test]
fn phases_that_systemd_252_does_not_log_explain_pcr_11() {
    let firmware = own("uki", "binary_bios_measurements");
    let firmware = EventLog::parse(&firmware).log.replay(BANK).unwrap();
    let held = tpm_values("uki");
    let log = SystemdLog::new(b"");
    let merged = merge(log, BANK, &firmware, &held);
    let unexplained: Vec<_> = merged.unexplained().map(|merge| merge.pcr.get()).collect();
    assert_eq!(unexplained, [11]);
    let of = merged.pcr(pcr(11)).unwrap();
    let repair = repair_phases(log, of.firmware, of.quoted).unwrap();
    assert_eq!((repair.phases.as_slice(), repair.place), (&["sysinit", "ready"][..], PhasePlace::Behind));
}

#[test]
fn a_log_of_systemd_261_reads_as_written() {
    let bytes = own("systemd", "tpm2-measure.log");
    let log = SystemdLog::new(&bytes);
    let mut text = String::new();
    let mut nvpcrs = NvPcrs::new();
    for event in log.events() {
        let event = event.unwrap();
        nvpcrs.take_in(&event);
        let register = match event.record.register {
            Register::Pcr(pcr) => format!("PCR {pcr}"),
            Register::Nv(index) => format!("{index:#x}"),
        };
        let (number, check) = (event.record.number, event.check(BANK).name());
        writeln!(text, "{number:2} {register:10} {check:8} {:?}", event.measured().unwrap()).unwrap();
    }
    for nvpcr in nvpcrs.iter() {
        let (start, value) = (nvpcr.start.name(), nvpcr.value.unwrap());
        writeln!(
            text,
            "{:#x} {} {start} {} {value}",
            nvpcr.index,
            nvpcr.name.as_ref().unwrap(),
            nvpcr.events
        )
        .unwrap();
    }
    log.findings(Some(BANK), |finding| writeln!(text, "{}: {finding}", finding.code.as_str()).unwrap());
    insta::assert_snapshot!("systemd-261", text);
}

#[test]
fn pcrlock_components_of_systemd_are_read() {
    let Some(files) = real(".pcrlock") else { return };
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        let cel = Cel::new(&bytes);
        assert_eq!(cel.framing(), Framing::Wrapped, "{}", path.display());
        for record in cel.records() {
            let record = record.unwrap();
            let separator = path.ends_with("300-0x00000000.pcrlock");
            let data: &[u8] = if separator { &[0; 4] } else { b"enter-initrd" };
            assert_eq!(record.digests().count(), 4);
            assert!(record.digests().all(|digest| digest.alg().hash(&[data]) == digest));
        }
    }
    eprintln!("{} pcrlock components", files.len());
    assert_eq!(files.len(), 2);
}

/// Files of a kind, by the corpus' own index.
fn indexed(kinds: &[&str]) -> Option<Vec<PathBuf>> {
    let root = real_root();
    let Ok(index) = std::fs::read_to_string(root.join("INDEX.tsv")) else {
        eprintln!("SKIPPED: {} is missing; set LYDIAN_VECTORS to check {kinds:?}", root.display());
        return None;
    };
    let row = |line: &str| {
        let columns: Vec<_> = line.split('\t').collect();
        kinds.contains(columns.get(7)?).then(|| root.join(columns[0]))
    };
    Some(index.lines().filter_map(row).collect())
}

#[test]
fn real_firmware_logs_survive_conversion() {
    let Some(files) = indexed(&["tcg-eventlog"]) else { return };
    let (mut converted, mut same) = (0, 0);
    for path in &files {
        let bytes = std::fs::read(path).unwrap();
        if let Some(identical) = round_trip(&path.display().to_string(), &bytes) {
            converted += 1;
            same += identical;
        }
    }
    eprintln!("{} firmware logs: {converted} there and back, {same} byte for byte", files.len());
    assert!(same > 0);
}

#[test]
fn real_ima_lists_survive_conversion() {
    let Some(files) = real(".ima_replay.json") else { return };
    let mut lists = 0;
    for path in &files {
        let file = PathBuf::from(path.to_str().unwrap().strip_suffix(".ima_replay.json").unwrap());
        let bytes = std::fs::read(&file).unwrap();
        let list = ImaList::detect(&bytes);
        if list.listed() != HashAlg::Sha1
            || bytes.len() > 1 << 20
            || list.records().any(|record| record.is_err())
        {
            continue;
        }
        let text = from_ima(list, &[HashAlg::Sha1]);
        let back = to_ima_list(Cel::new(text.as_bytes())).unwrap();
        assert_eq!(back.len(), bytes.len(), "{}", file.display());
        // A listed hash that is not its data's was not what the kernel extended: the data's is written.
        assert_eq!(ImaList::new(&back).records().count(), list.records().count());
        lists += 1;
    }
    eprintln!("{lists} of {} IMA lists there and back", files.len());
    assert!(lists > 0);
}
