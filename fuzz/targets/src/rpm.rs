//! RPM headers and SUSE's database of them: a header or an error; files come from within the header.

use evidence::rpm::{Header, blobs};

/// The target's body.
pub fn rpm(bytes: &[u8]) {
    header(bytes);
    let mut read = 0;
    for blob in blobs(&bytes).into_iter().flatten().filter_map(Result::ok) {
        read += blob.len();
        header(&blob);
    }
    assert!(read <= bytes.len(), "{read} bytes of headers in {}", bytes.len());
}

fn header(bytes: &[u8]) {
    let Ok(header) = Header::parse(bytes) else { return };
    let _head = (header.name(), header.version(), header.architecture(), header.digest_algorithm());
    let files = header.files().filter(|file| file.is_installed() && !file.is_ghost()).count();
    assert!(files <= bytes.len());
    for edge in header.signers() {
        assert!(!edge.principals.is_empty());
    }
}
