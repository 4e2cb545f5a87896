//! What is read of real boots for the history: the facts of our own recordings, as they are kept.

use std::fmt::Write as _;
use std::path::Path;

use appraisal::verify::verify;
use evidence::eventlog::EventType;
use inquiry::profile::{Fact, Profile, Reading, read};
use inquiry::role::Source;
use support::{EventLogBuilder, ImaListBuilder, SoftHost, logs};

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
    reading_of(&host)
}

fn reading_of(host: &SoftHost) -> Reading {
    let (state, envelope) = (host.enrolled_state(), host.next().unwrap());
    let verified = verify(&envelope, &host.attester().unwrap(), &state, None).unwrap();
    read(&verified, &state)
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
    for list in &reading.lists {
        writeln!(text, "{} = {:.12} ({})", list.list.name(), hex::encode(&list.digest), list.place).unwrap();
    }
    for key in &reading.keys {
        let names: Vec<String> = key.names.iter().map(|name| name.kind().name().to_owned()).collect();
        let place = key.place.escape_ascii();
        writeln!(text, "{} {} {place}: {} {:?}", key.role, key.class, names.join(" "), key.label).unwrap();
    }
    for run in &reading.executions {
        writeln!(text, "executed {} {:.12} {}", run.class, run.digest.to_string(), run.path.escape_ascii())
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

/// What is not seen of executions of a host that has measured these into PCR 8: type of the event, what was hashed, what the log says.
fn doubt_of(measured: &[(EventType, &str, &str)]) -> Option<String> {
    let mut host = SoftHost::new(1).unwrap();
    host.tpm.reset();
    let mut log = EventLogBuilder::of(&host.tpm, &host.machine).unwrap();
    for (event_type, hashed, said) in measured {
        log.measured(8, *event_type, hashed.as_bytes(), said.as_bytes()).unwrap();
    }
    host.firmware_log = log.finish();
    host.ima_list = ImaListBuilder::booted(&host.tpm).unwrap().finish();
    host.run("/usr/bin/true").unwrap();
    let troubles = reading_of(&host).troubles;
    troubles.into_iter().find(|trouble| trouble.source == Source::Ima).map(|trouble| trouble.cause)
}

#[test]
fn an_execution_is_only_denied_where_every_command_line_asks_for_it() {
    let bad = "/vmlinuz root=/dev/sda1";
    let line = |text: &'static str, said: &'static str| (EventType::IPL, text, said);
    let asked = line(
        "/vmlinuz root=/dev/sda1 ima_policy=tcb",
        "kernel_cmdline: /vmlinuz root=/dev/sda1 ima_policy=tcb\0",
    );
    assert_eq!(doubt_of(&[asked]), None);
    assert_eq!(doubt_of(&[asked, line("linux /vmlinuz", "grub_cmd: linux /vmlinuz\0")]), None);
    assert_eq!(doubt_of(&[asked, (EventType::SEPARATOR, "\0\0\0\0", "\0\0\0\0")]), None);
    // What is measured says nothing of what kind it is: the true line may hide behind a false one.
    for measured in [
        &[][..],
        &[line(bad, "kernel_cmdline: /vmlinuz root=/dev/sda1\0")],
        &[asked, line(bad, "grub_cmd: /vmlinuz root=/dev/sda1\0")],
        &[asked, line(bad, "grub_cmd: something else\0")],
        &[asked, (EventType::EFI_ACTION, bad, bad)],
        &[asked, (EventType::SEPARATOR, bad, bad)],
    ] {
        assert_eq!(doubt_of(measured).as_deref(), Some("policy-unknown"), "{measured:?}");
    }
}
