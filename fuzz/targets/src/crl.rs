//! Lists of revoked certificates: read to their end or refused; what was read once is read the same again.

use appraisal::endorsement::{RevocationList, RevocationLists, revocation_lists_in};

/// The target's body.
pub fn crl(bytes: &[u8]) {
    let _pem = revocation_lists_in(bytes);
    let Ok(list) = RevocationList::parse(bytes) else { return };
    assert!(RevocationList::is_one(bytes));
    let _head = (list.issuer().to_string(), list.this_update(), list.next_update(), list.revoked());
    let mut lists = RevocationLists::none();
    assert!(lists.add(bytes).is_ok() && lists.len() == 1);
}
