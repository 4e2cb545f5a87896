//! Keys and hashes of Secure Boot's variables, as JSON and in a few words.
//!
//! In: the data of `PK`, `KEK`, `db` and the like, or one entry of them. Out: what they hold. Whose keys they are is for
//! the certificates to say; nothing is checked here.

use evidence::eventlog::Guid;
use serde_json::{Value, json};

/// A chain of signature lists.
pub(super) fn lists(data: &[u8]) -> Value {
    json!({"bytes": data.len()})
}

/// One entry, without the type that its list gives it.
pub(super) fn entry(owner: Guid, data: &[u8]) -> Value {
    json!({"owner": owner.to_string(), "bytes": data.len()})
}
