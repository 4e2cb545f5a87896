//! systemd's log: whatever it says, the values that it replays to are found again as a prefix.

use evidence::cel::Replay;
use evidence::digest::HashAlg;
use evidence::pcr::PcrIndex;
use evidence::systemd_log::{Joint, NvPcrs, SystemdLog, merge, repair_phases};

/// The target's body.
pub fn systemd_log(bytes: &[u8]) {
    let log = SystemdLog::new(bytes);
    let (mut replay, mut nvpcrs) = (Replay::reset(HashAlg::Sha256), NvPcrs::new());
    for event in log.events().flatten() {
        let _measured = (event.measured(), event.check_all());
        replay.extend(&event.record);
        nvpcrs.take_in(&event);
    }
    log.findings(Some(HashAlg::Sha256), |finding| assert!(finding.offset <= bytes.len()));
    let start = Replay::reset(HashAlg::Sha256);
    let merged = merge(log, HashAlg::Sha256, &start.values(), &replay.values());
    let found = matches!(merged.joint(), Joint::Prefix(_)) && merged.unexplained().next().is_none();
    // A firmware event of the locality, which no log of systemd has, starts PCR 0 elsewhere.
    let replayed = merged.pcrs.first().map(|pcr| pcr.replayed);
    assert!(found || replayed != Some(replay.value(PcrIndex::ALL[0])));
    let (value, other) = (start.value(PcrIndex::ALL[11]), replay.value(PcrIndex::ALL[11]));
    let _phases = repair_phases(log, value, other);
}
