//! Firmware logs: any bytes parse to a log with or without damage, and everything drawn from it is total.

use evidence::digest::Digest;
use evidence::eventlog::{DigestCheck, EventLog, LogEnd};
use evidence::pcr::PcrIndex;

/// The target's body.
pub fn event_log(bytes: &[u8]) {
    let log = EventLog::parse(bytes).log;
    for bank in log.banks() {
        let _values = log.replay(*bank);
        let _facts = log.facts(*bank);
        let _windows = log.windows(*bank);
        for pcr in PcrIndex::ALL {
            let _cause = log.compare(*bank, pcr, &Digest::ones(*bank), LogEnd::Whole);
        }
        for event in log.events() {
            if let Some(measured) = event.measured_bytes(*bank) {
                assert!(event.data.get(measured.clone()).is_some(), "{measured:?} of {event:?}");
                assert_eq!(event.digest_check(*bank), DigestCheck::Verified, "{event:?}");
            }
        }
    }
    for event in log.events() {
        assert!(!event.describe().chars().any(char::is_control), "{:?}", event.describe());
    }
}
