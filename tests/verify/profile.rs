//! What is read of real boots for the history: the facts of our own recordings, as they are kept.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use appraisal::verify::verify;
use evidence::digest::HashAlg;
use evidence::eventlog::{EventLog, EventType};
use evidence::pe::Image;
use inquiry::carried::KeyList;
use inquiry::profile::{Fact, Profile, Reading, ShimList, read};
use inquiry::role::{Class, Role, Source};
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

/// What shim measured is what the kernel shows as `MokListRT`: Debian's certificate, as one list.
#[test]
fn the_hash_of_a_list_of_shims_is_of_what_the_system_shows() {
    //= UEFI 2.10 §32.4.1: EFI_SIGNATURE_LIST, EFI_CERT_X509_GUID
    const X509: [u8; 16] =
        [0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72];
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/shim-sb/binary_bios_measurements");
    let bytes = std::fs::read(path).unwrap();
    let log = EventLog::parse(&bytes).log;
    let facts = log.facts(HashAlg::Sha256);
    // An authority is an owner and a certificate, as an entry of the list has them.
    let vendor = facts.authorities.iter().find(|authority| authority.variable.name == "MokListRT").unwrap();
    let entry = vendor.variable.data;
    let length = u32::try_from(entry.len()).unwrap();
    let sizes = [length + 28, 0, length].map(u32::to_le_bytes);
    let contents = KeyList::new(&[X509.as_slice(), sizes.as_flattened(), entry].concat());
    let reading = reading("shim-sb");
    let [list, revoked] = &reading.lists[..] else { panic!("{:?}", reading.lists) };
    assert!(contents.digests.contains(&list.digest));
    assert!(!contents.digests.contains(&revoked.digest));
    let [Fact::Key { role, class, label, .. }] = &list.facts(&contents)[..] else { panic!("{contents:?}") };
    assert_eq!((*role, *class), (Role::Eligible, Class::A));
    assert!(label.contains("Debian Secure Boot CA"), "{label}");
}

fn lists_of(measured: &[(&str, &[u8])]) -> Vec<(ShimList, usize)> {
    let mut host = SoftHost::new(1).unwrap();
    host.tpm.reset();
    let mut log = EventLogBuilder::of(&host.tpm, &host.machine).unwrap();
    for (name, contents) in measured {
        let name = [name.as_bytes(), &[0]].concat();
        log.measured(14, EventType::IPL, contents, &name).unwrap();
    }
    host.firmware_log = log.finish();
    host.ima_list = ImaListBuilder::booted(&host.tpm).unwrap().finish();
    reading_of(&host).lists.into_iter().map(|list| (list.list, list.digest.len())).collect()
}

/// Names are not measured: what stands first is what shim trusts, whatever it is called.
#[test]
fn lists_are_told_apart_by_the_order_in_which_shim_measures_them() {
    use ShimList::{MokList, MokListX, Unclear};
    let unclear = [(Unclear, 0)];
    let (on, off): (&[u8], &[u8]) = (&[1], &[0]);
    assert_eq!(lists_of(&[]), []);
    assert_eq!(lists_of(&[("MokList", b"a")]), [(MokList, 32)]);
    assert_eq!(lists_of(&[("MokList", b"a"), ("MokSBState", on)]), [(MokList, 32)]);
    let both = [(MokList, 32), (MokListX, 32)];
    assert_eq!(lists_of(&[("MokList", b"a"), ("MokListX", b"b"), ("MokListTrusted", off)]), both);
    assert_eq!(lists_of(&[("MokListX", b"a"), ("MokList", b"b")]), unclear);
    assert_eq!(lists_of(&[("MokSBState", on), ("MokList", b"a")]), unclear);
    assert_eq!(lists_of(&[("MokList", b"a"), ("MokSBState", b"a list under a switch's name")]), unclear);
}

/// A recorded list of a kernel that was told to log signatures: one tool was signed.
#[test]
fn a_signature_in_the_kernels_list_names_its_key() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("vectors/direct-imasig-viol");
    let recorded = |name| std::fs::read(vectors.join(name)).unwrap();
    let mut host = SoftHost::new(1).unwrap();
    host.tpm.reset();
    host.firmware_log = recorded("binary_bios_measurements");
    logs::boot(&host.tpm, &host.firmware_log).unwrap();
    host.ima_list = recorded("binary_runtime_measurements");
    logs::extend_list(&host.tpm, &host.ima_list).unwrap();
    let reading = reading_of(&host);
    let [key] = &reading.keys[..] else { panic!("{:?}", reading.keys) };
    assert_eq!(key.names.iter().map(ToString::to_string).collect::<Vec<_>>(), ["ima-key-id:440cadcd"]);
    assert_eq!((key.role, key.class), (Role::Used, Class::B));
    assert_eq!(key.place, b"/usr/local/bin/signedtool");
}

/// What shim has built in as revoked is what it measured as `MokListX`: Debian's own shim, which the recorded machine booted.
#[test]
fn what_shims_vendor_revokes_is_what_was_measured() {
    let vectors = std::env::var_os("LYDIAN_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let path = vectors.join("debian/shim-signed/usr/lib/shim/shimx64.efi.signed");
    let Ok(shim) = std::fs::read(&path) else {
        eprintln!("SKIPPED: {} is missing", path.display());
        return;
    };
    let section = Image::parse(&shim).unwrap().section(".vendor_cert").unwrap().contents().unwrap();
    //= shim, cert.S: sizes of both lists, then where each begins
    let number = |at: usize| u32::from_le_bytes(section[at..at + 4].try_into().unwrap()) as usize;
    let (size, begin) = (number(4), number(12));
    let contents = KeyList::new(&section[begin..begin + size]);
    let list = &reading("shim-sb").lists[1];
    assert!(contents.digests.contains(&list.digest));
    assert!(contents.whole && contents.edges.len() > 50, "{}", contents.edges.len());
    assert!(list.facts(&contents).iter().all(|fact| matches!(fact, Fact::Key { role: Role::Revoked, .. })));
}
