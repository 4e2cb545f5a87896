//! The kernel's file events: refused with a place, or as the bytes have them.

use fanotify::{HANDLE_BYTES, decode};

/// The target's body.
pub fn fanotify(bytes: &[u8]) {
    let mut failed = false;
    for event in decode(bytes) {
        assert!(!failed, "nothing follows an error");
        match event {
            Ok(event) => {
                assert_eq!(event.fsid.is_some(), event.directory.is_some() || event.child.is_some());
                assert!(event.name.is_none() || event.directory.is_some());
                assert!(event.name.is_none_or(|name| !name.contains(&0)));
                let handles = [event.directory, event.child];
                assert!(handles.iter().flatten().all(|handle| handle.bytes().len() <= HANDLE_BYTES));
            }
            Err(error) => {
                assert!(error.offset <= bytes.len());
                failed = true;
            }
        }
    }
}
