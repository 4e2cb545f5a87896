//! JSON documents: refused with a place, or every part of them can be read.

use evidence::json::{Kind, Value};

/// The target's body.
pub fn json(bytes: &[u8]) {
    match Value::parse(bytes) {
        Ok(value) => walk(value, bytes),
        Err(error) => assert!(error.offset() <= bytes.len()),
    }
}

fn walk(value: Value<'_>, document: &[u8]) {
    let at = value.offset();
    assert_eq!(document.get(at..at + value.raw().len()), Some(value.raw().as_bytes()));
    match value.kind() {
        Kind::Array(items) => items.for_each(|item| walk(item, document)),
        Kind::Object(members) => members.for_each(|(key, member)| {
            assert!(value.member(&key.decode()).is_some());
            walk(member, document);
        }),
        Kind::Text(text) => assert!(text.is(&text.decode())),
        Kind::Number(_) | Kind::Bool(_) | Kind::Null => {}
    }
}
