//! Canonical logs: every record or an error, and what is written of them reads the same.

use evidence::cel::{Cel, CelWriter, Layout, to_firmware_log, to_ima_list};
use evidence::digest::HashAlg;

/// The target's body.
pub fn cel(bytes: &[u8]) {
    let cel = Cel::new(bytes);
    let mut writer = CelWriter::new(Layout::Array);
    for record in cel.records().flatten() {
        writer.canonical(&record);
    }
    let text = writer.finish();
    let again = Cel::new(text.as_bytes());
    assert!(again.records().all(|record| record.is_ok()));
    assert_eq!(again.replay(HashAlg::Sha256), cel.replay(HashAlg::Sha256));
    let _firmware = to_firmware_log(cel);
    let _ima = to_ima_list(cel);
}
