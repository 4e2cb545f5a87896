//! What is read of real boots for the history: the facts of our own recordings, as they are kept.

use std::fmt::Write as _;
use std::path::Path;

use appraisal::verify::verify;
use inquiry::profile::{Fact, Profile, Reading, read};
use support::{ImaListBuilder, SoftHost, logs};

/// The reading of the first evidence of a host that boots as it was recorded.
fn reading(recording: &str) -> Reading {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors").join(recording);
    let recorded = std::fs::read(path.join("binary_bios_measurements")).unwrap();
    let mut host = SoftHost::new(1).unwrap();
    host.tpm.reset();
    logs::boot(&host.tpm, &recorded).unwrap();
    host.firmware_log = recorded;
    host.ima_list = ImaListBuilder::booted(&host.tpm).unwrap().finish();
    host.run("/usr/bin/true").unwrap();
    let state = host.enrolled_state();
    let verified =
        verify(&host.next().unwrap(), &host.attester().unwrap(), &state, None).map(|log| read(&log, &state));
    verified.unwrap()
}

fn lines(reading: &Reading) -> String {
    let mut text = String::new();
    for fact in reading.profile.as_ref().map(Profile::facts).unwrap_or_default() {
        match fact {
            Fact::Key { names, role, class, store, label, place } => {
                let names: Vec<String> = names
                    .iter()
                    .map(|name| format!("{}:{:.12}", name.kind().name(), hex::encode(name.id())))
                    .collect();
                writeln!(text, "{role} {class} {store} ({place}): {} {label:?}", names.join(" "))
            }
            Fact::Setting { setting, place } => {
                writeln!(text, "{} = {} ({place})", setting.name(), setting.value())
            }
        }
        .unwrap();
    }
    for trouble in &reading.troubles {
        let source = trouble.source.name();
        writeln!(text, "not seen: {source}, {}: {} {:?}", trouble.cause, trouble.scope, trouble.lasting)
            .unwrap();
    }
    text
}

#[test]
fn a_signed_shim_its_boot_loader_and_the_lists_of_keys() {
    insta::assert_snapshot!("shim", lines(&reading("shim-sb")));
}

#[test]
fn a_kernel_that_firmware_starts_itself() {
    insta::assert_snapshot!("direct", lines(&reading("direct")));
}

#[test]
fn a_unified_kernel_image() {
    insta::assert_snapshot!("uki", lines(&reading("uki")));
}

#[test]
fn a_log_of_several_banks_is_read_by_the_one_that_is_quoted() {
    insta::assert_snapshot!("several-banks", lines(&reading("shim-sb-multibank-crb")));
}
