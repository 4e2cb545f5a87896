//! Signature lists and updates: entries that lie where they say, or an error at the list that cannot be.

use evidence::efi::{Container, find_entry};

/// The target's body.
pub fn siglist(bytes: &[u8]) {
    let list = inquiry::carried::KeyList::new(bytes);
    assert!(list.edges.is_sorted() && list.digests.len() == 3);
    let Ok(container) = Container::detect(bytes) else { return };
    for list in container.lists() {
        let list = match list {
            Ok(list) => list,
            Err(error) => {
                assert!(error.offset() <= bytes.len());
                return;
            }
        };
        assert_eq!(list.entries().len(), list.len());
        for entry in list.entries() {
            let end = entry.offset() + entry.raw().len();
            assert_eq!(bytes.get(entry.offset()..end), Some(entry.raw()));
            let _value = entry.value();
        }
    }
    if let Container::Plain(contents) = container
        && let Some(entry) = container.lists().entries().last()
    {
        assert!(find_entry(contents, entry.raw()).is_some());
    }
    if let Container::Authenticated(update) = container {
        let _signed = update.signed_data().map(|signed| signed.map(|signed| signed.signers().count()));
    }
}
