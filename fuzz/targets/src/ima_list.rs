//! IMA lists: every record or an error, the same replay whether taken at once or resumed.

use evidence::digest::HashAlg;
use evidence::ima::{ImaList, ImaReplay, replay_prefix};

/// The target's body.
pub fn ima_list(bytes: &[u8]) {
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
}
