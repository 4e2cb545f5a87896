//! Firmware logs: any bytes parse to a log with or without damage, and everything drawn from it is total.

use evidence::eventlog::EventLog;

/// The target's body.
pub fn event_log(bytes: &[u8]) {
    let log = EventLog::parse(bytes).log;
    for bank in log.banks() {
        let _values = log.replay(*bank);
        let _facts = log.facts(*bank);
        for event in log.events() {
            let _check = event.digest_check(*bank);
        }
    }
    for event in log.events() {
        assert!(!event.describe().chars().any(char::is_control), "{:?}", event.describe());
    }
}
