//! PCR values from files of tpm2-tools: the first bytes choose the selection, the rest is the file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use lydian_evidence::pcr::PcrSelection;
use lydian_evidence::tpm::parse_pcr_file;

const SELECTIONS: [&str; 4] =
    ["sha256:0,7,10", "sha1:0+sha256:0,7+sha384:0,7,10", "sha256:0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15", "none"];

fuzz_target!(|input: (u8, &[u8])| {
    let (which, bytes) = input;
    let Ok(selection) = SELECTIONS[usize::from(which) % SELECTIONS.len()].parse::<PcrSelection>() else { return };
    if let Ok(values) = parse_pcr_file(bytes, &selection) {
        assert!(values.selected(&selection).is_ok(), "a value is missing of what was asked for");
    }
});
