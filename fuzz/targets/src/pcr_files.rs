//! PCR values from files of tpm2-tools: what reads has every value that was asked for.

use evidence::pcr::PcrSelection;
use evidence::tpm::parse_pcr_file;

const SELECTIONS: [&str; 4] =
    ["sha256:0,1,2,3,4,5,6,7,8,9,10", "sha1:0+sha256:0,7+sha384:0,7,10", "sha256:16", "none"];

/// The target's body.
pub fn pcr_files(bytes: &[u8]) {
    for text in SELECTIONS {
        let Ok(selection) = text.parse::<PcrSelection>() else { continue };
        if let Ok(values) = parse_pcr_file(bytes, &selection) {
            assert!(values.selected(&selection).is_ok(), "a value is missing of {text}");
        }
    }
}
