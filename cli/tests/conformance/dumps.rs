//! What other projects' own tests expect of a log: lists of its events, and PCR values in files of their own form.

use serde_json::Value;

use crate::tally::Tally;

pub(crate) fn check(tally: &mut Tally<'_>) {
    for (dump, log) in GO_ATTESTATION {
        let Some(report) = tally.inspect("eventlog", &[], log) else { continue };
        tally.compared_with(log, dump);
        go_attestation(tally, log, &tally.corpus.json(dump), &report);
    }
    for log in TRUSTEE {
        let dump = format!("{log}_out.json");
        let Some(report) = tally.inspect("eventlog", &[], log) else { continue };
        tally.compared_with(log, &dump);
        trustee(tally, log, &tally.corpus.json(&dump), &report);
    }
    pcr_lists(tally);
}

/// Dumps of go-attestation's parser beside the logs that they are of.
const GO_ATTESTATION: [(&str, &str); 4] = [
    (
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/binary_bios_measurements_15.json",
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/binary_bios_measurements_15",
    ),
    (
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/tpm2_windows_lenovo_yogax1v2.json",
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/tpm2_windows_lenovo_yogax1v2",
    ),
    (
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/windows_event_log.json",
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/windows_event_log",
    ),
    (
        "immune-gmbh+guard-oss/apisrv/pkg/eventlog/testdata/crypto_agile_eventlog.json",
        "google+go-attestation/attest/testdata/crypto_agile_eventlog",
    ),
];

/// Logs of confidential machines that the trustee project has a reading of.
const TRUSTEE: [&str; 3] = [
    "confidential-containers+trustee/deps/eventlog/test_data/CCEL_data",
    "confidential-containers+trustee/deps/eventlog/test_data/CCEL_data_grub",
    "confidential-containers+trustee/deps/eventlog/test_data/CCEL_data_ovmf",
];

/// go-attestation leaves out what is not extended, so its events are found in ours one after the other.
fn go_attestation(tally: &mut Tally<'_>, log: &str, dump: &Value, report: &Value) {
    let empty = Vec::new();
    let mut ours = report["events"].as_array().unwrap_or(&empty).iter();
    for event in dump.as_array().unwrap_or(&empty) {
        let found = ours.find(|our| our["pcr"] == event["Index"] && our["type_id"] == event["Type"]);
        let place =
            format!("event {} of PCR {} and type {}", event["Sequence"], event["Index"], event["Type"]);
        tally.same(log, &format!("dump {place}"), &found.is_some(), &true);
    }
}

fn trustee(tally: &mut Tally<'_>, log: &str, dump: &Value, report: &Value) {
    let (empty, ours) = (Vec::new(), report["events"].as_array().cloned().unwrap_or_default());
    let theirs = dump["uefi_event_logs"].as_array().unwrap_or(&empty);
    tally.same(log, "dump events", &ours.len(), &(theirs.len() + 1));
    // Theirs has no record for the one that announces the banks.
    for (our, their) in ours.iter().skip(1).zip(theirs) {
        tally.same(log, "dump register", &our["pcr"], &their["index"]);
        tally.same(log, "dump digest", &our["digests"]["sha384"], &their["digests"][0]["digest"]);
        if their["digest_matches_event"] == true {
            tally.same(log, "dump verified", &our["digest"].as_str(), &Some("verified"));
        }
    }
}

fn pcr_lists(tally: &mut Tally<'_>) {
    let log = "nsacyber+HIRS/HIRS_Utils/src/test/resources/tcgeventlog/TpmLog.bin";
    let list = "nsacyber+HIRS/HIRS_Utils/src/test/resources/tcgeventlog/TpmLogExpectedPcrs.txt";
    if let Some(report) = tally.inspect("eventlog", &[], log) {
        for (pcr, value) in tally.corpus.text(list).lines().enumerate() {
            if let Some(found) = report["pcrs"]["sha256"][pcr.to_string()].as_str() {
                tally.same(log, &format!("list sha256:{pcr}"), &found, &value.trim());
            }
        }
        tally.compared_with(log, list);
    }
    let log = "linux-integrity+ima-evm-utils/tests/sample-binary_bios_measurements-pcrs-8-9";
    let list = "linux-integrity+ima-evm-utils/tests/sample-tpm-2.0-pcrs-8-9";
    if let Some(report) = tally.inspect("eventlog", &[], log) {
        let mut bank = String::new();
        for line in tally.corpus.text(list).lines() {
            let Some((name, value)) = line.split_once(':') else { continue };
            if name == "pcrread" {
                value.rsplit(' ').next().unwrap_or_default().clone_into(&mut bank);
            } else if let Some(found) = report["pcrs"][&bank][name.trim()].as_str() {
                tally.same(log, &format!("list {bank}:{}", name.trim()), &found, &value.trim());
            }
        }
        tally.compared_with(log, list);
    }
    let list = "kgoldman+ibmtss/utils/imakvtpcr10.txt";
    let values = tally.corpus.text(list).replace(' ', "");
    for log in ["sha1", "sha256", "sha384", "sha512"].map(|bank| format!("kgoldman+ibmtss/utils/{bank}.log"))
    {
        let banks =
            ["--bank", "sha1", "--bank", "sha256", "--bank", "sha384", "--bank", "sha512"].map(str::to_owned);
        let Some(report) = tally.inspect("ima", &banks, &log) else { continue };
        for bank in ["sha1", "sha256", "sha384", "sha512"] {
            let value = report["pcrs"][bank]["10"].as_str().unwrap_or("absent");
            tally.same(&log, &format!("list {bank}:10"), &values.contains(value), &true);
        }
        tally.compared_with(&log, list);
    }
}
