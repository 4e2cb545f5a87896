//! IMA lists: every record or an error, the same replay whether taken at once or resumed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_evidence::digest::HashAlg;
use lydian_evidence::ima::{ImaList, ImaReplay, replay_prefix};

fuzz_target!(|bytes: &[u8]| {
    let list = ImaList::detect(bytes);
    let mut state = ImaReplay::start(HashAlg::Sha256);
    for record in list.records().map_while(Result::ok) {
        let _fields = record.fields();
        assert!(!record.describe().chars().any(char::is_control));
        let Some(next) = state.extend(&record) else { return };
        state = next;
    }
    let found = replay_prefix(ImaReplay::start(HashAlg::Sha256), list, &state.value());
    assert!(found.is_ok_and(|prefix| prefix.verified.value() == state.value()));
});
