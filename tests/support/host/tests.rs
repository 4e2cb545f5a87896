//! Whether a simulated host's TPM and logs belong together, and its TPM's certificates to its TPM.

use evidence::digest::HashAlg;
use evidence::eventlog::EventLog;
use evidence::ima::{
    AggregatedPcrs, BootAggregateCheck, ImaList, ImaReplay, check_boot_aggregate, replay_prefix,
};
use evidence::pcr::{PcrIndex, PcrValues};

use super::*;

const BANK: HashAlg = HashAlg::Sha256;

fn assert_replays(host: &SimulatedHost) {
    let held = host.tpm().socket().read_bank(BANK).unwrap();
    let log = std::fs::read(host.firmware_log()).unwrap();
    let replayed = EventLog::parse(&log).log.replay(BANK).unwrap();
    for (pcr, value) in replayed.iter().filter(|(pcr, _)| *pcr != PcrIndex::IMA) {
        assert_eq!(held.value(BANK, pcr), Some(value), "PCR {pcr}");
    }
    let list = std::fs::read(host.ima_list()).unwrap();
    let quoted = held.value(BANK, PcrIndex::IMA).unwrap();
    let prefix = replay_prefix(ImaReplay::start(BANK), ImaList::new(&list), &quoted).unwrap();
    assert_eq!((prefix.unverified_tail_records, prefix.tail_damage), (0, None));
    assert!(prefix.records_verified > 300, "a recorded list is long: {}", prefix.records_verified);
}

#[test]
fn recorded_boots_replay_on_a_real_tpm() {
    for name in ["direct", "direct-imasig-viol", "shim-sb", "uki"] {
        let host = SimulatedHost::boot(&Recording::load(name).unwrap(), &SwtpmSpec::default()).unwrap();
        assert_replays(&host);
    }
}

#[test]
fn new_records_and_reboots_keep_them_together() {
    let mut host = SimulatedHost::boot(&Recording::load("direct").unwrap(), &SwtpmSpec::default()).unwrap();
    let before = std::fs::read(host.ima_list()).unwrap().len();
    host.append_ima("/usr/bin/new", &Sha256Digest::of(&[b"new"])).unwrap();
    assert!(std::fs::read(host.ima_list()).unwrap().len() > before);
    assert_replays(&host);
    host.reboot().unwrap();
    assert_eq!(std::fs::read(host.ima_list()).unwrap().len(), before);
    assert_replays(&host);
    host.append_ima("/usr/bin/new", &Sha256Digest::of(&[b"new"])).unwrap();
    host.crash_tpm().unwrap();
    assert!(std::fs::read(host.ima_list()).unwrap().len() > before, "what was measured stays in the list");
    assert_replays(&host);
}

#[test]
fn the_aggregate_is_that_of_this_tpm() {
    let host = SimulatedHost::boot(&Recording::load("shim-sb").unwrap(), &SwtpmSpec::default()).unwrap();
    let held: PcrValues = host.tpm().socket().read_bank(BANK).unwrap();
    let list = std::fs::read(host.ima_list()).unwrap();
    let first = ImaList::new(&list).records().next().unwrap().unwrap();
    let check = check_boot_aggregate(&first, &held);
    assert_eq!(check, Some(BootAggregateCheck::Matches { pcrs: AggregatedPcrs::ZeroToNine }));
}

#[test]
fn packages_are_entered_and_replaced() {
    let host = SimulatedHost::boot(&Recording::load("direct").unwrap(), &SwtpmSpec::default()).unwrap();
    for version in ["1.0", "1.1"] {
        let content = elf(version);
        let files: [(&str, &[u8]); 1] = [("/usr/bin/hello", &content)];
        host.install(&Package { name: "hello", version, architecture: "amd64", files: &files }).unwrap();
    }
    let status = std::fs::read_to_string(host.dpkg_admin_dir().join("status")).unwrap();
    assert_eq!(status, "Package: hello\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.1\n\n");
    let list = std::fs::read_to_string(host.dpkg_admin_dir().join("info/hello.list")).unwrap();
    assert_eq!(list, "/.\n/usr\n/usr/bin\n/usr/bin/hello\n");
}

#[test]
fn the_agent_takes_its_configuration() {
    let host = SimulatedHost::boot(&Recording::load("direct").unwrap(), &SwtpmSpec::default()).unwrap();
    let settings = AgentSettings { heartbeat_secs: Some(7), ..AgentSettings::default() };
    let path = host.write_agent_config(&settings).unwrap();
    let overrides = ::agent::config::Overrides { config: Some(path), ..Default::default() };
    let config = ::agent::config::Config::load(&overrides).unwrap();
    assert_eq!(config.state_dir, host.state_dir());
    assert_eq!(config.firmware_log, host.firmware_log());
    assert_eq!(config.ima_list, host.ima_list());
    assert_eq!(config.measure.roots, [host.path_of("/usr")]);
    assert_eq!(config.measure.path_prefix, host.root());
    assert_eq!(config.heartbeat, Some(std::time::Duration::from_secs(7)));
}
