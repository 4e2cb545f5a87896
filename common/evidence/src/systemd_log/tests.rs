use std::fmt::Write as _;

use super::*;
use crate::digest::{Digest, HashAlg};
use crate::pcr::{PcrIndex, PcrValues};

const BANKS: [HashAlg; 2] = [HashAlg::Sha1, HashAlg::Sha256];
const BANK: HashAlg = HashAlg::Sha256;

/// A log as systemd writes it.
#[derive(Default)]
pub(crate) struct Log {
    pub(crate) text: String,
    timestamp_us: u64,
}

impl Log {
    fn record(
        &mut self,
        register: &str,
        digests: &[Digest],
        name: &str,
        text: &str,
        kind: &str,
    ) -> &mut Self {
        self.timestamp_us += 1_000;
        let digest =
            |digest: &Digest| format!("{{\"hashAlg\":\"{}\",\"digest\":\"{digest}\"}}", digest.alg());
        let digests = digests.iter().map(digest).collect::<Vec<_>>().join(",");
        let (text, timestamp_us) = (serde_json::to_string(text).unwrap(), self.timestamp_us);
        writeln!(
            self.text,
            "\u{1e}{{{register},\"digests\":[{digests}],\"content_type\":\"systemd\",\"content\":{{{name}\
             \"string\":{text},\"bootId\":\"6c2b0d1f2ae54f0c8c7b3f4f6f0b6a11\",\"timestamp\":{timestamp_us},\
             \"eventType\":\"{kind}\"}}}}"
        )
        .unwrap();
        self
    }

    fn pcr(&mut self, pcr: u32, text: &str, kind: &str) -> &mut Self {
        self.measured(pcr, text.as_bytes(), text, kind)
    }

    fn measured(&mut self, pcr: u32, data: &[u8], text: &str, kind: &str) -> &mut Self {
        let digests = BANKS.map(|bank| bank.hash(&[data]));
        self.record(&format!("\"pcr\":{pcr}"), &digests, "", text, kind)
    }

    fn nv(&mut self, index: u32, name: &str, text: &str, kind: &str) -> &mut Self {
        let name = format!("\"nvIndexName\":\"{name}\",");
        self.record(&format!("\"nv_index\":{index}"), &[BANK.hash(&[text.as_bytes()])], &name, text, kind)
    }
}

fn boot() -> Log {
    let mut log = Log::default();
    log.pcr(11, "enter-initrd", "phase")
        .pcr(9, "nvpcr-init:hardware:0x1d10200:sha256:de3857f637c61e82f02e3722e1b207585fe9711045d863238904be8db10683f2", "nvpcr-init")
        .pcr(9, "nvpcr-init:verity:0x1d10202:000bff27bc66b6eda11bccd3a0ca07664ae4c360bcc3d7ef019d0b19cb5fa4067541", "nvpcr-init")
        .pcr(9, "nvpcr-separator", "nvpcr-separator")
        .nv(0x01d1_0200, "hardware", "product-id:4691595be6a345f1833cc75fab63e475", "product-id")
        .measured(15, b"secret", "cryptsetup:root:1e023a55-60f9-4b6b-9b80-67438dc5f065", "volume-key")
        .pcr(11, "leave-initrd", "phase")
        .pcr(15, "machine-id:4691595be6a345f1833cc75fab63e475", "machine-id")
        .pcr(15, "file-system:/:btrfs:u-1:root::t-1:p\\x3al", "filesystem")
        .pcr(11, "sysinit", "phase")
        .pcr(11, "ready", "phase");
    log
}

fn pcr(index: u32) -> PcrIndex {
    PcrIndex::new(index).unwrap()
}

fn events(log: &Log) -> Vec<SystemdEvent<'_>> {
    SystemdLog::new(log.text.as_bytes()).events().map(Result::unwrap).collect()
}

fn findings(bytes: &[u8]) -> Vec<(&'static str, u64)> {
    let mut found = Vec::new();
    SystemdLog::new(bytes).findings(Some(BANK), |finding| found.push((finding.code.as_str(), finding.event)));
    found
}

/// The values that a TPM holds after the first `count` records.
fn held(log: &Log, count: usize) -> PcrValues {
    let mut replay = crate::cel::Replay::reset(BANK);
    for event in events(log).iter().take(count) {
        replay.extend(&event.record);
    }
    replay.values()
}

fn zeros() -> PcrValues {
    crate::cel::Replay::reset(BANK).values()
}

#[test]
fn a_boot_is_read_decoded_and_consistent() {
    let log = boot();
    assert_eq!(findings(log.text.as_bytes()), []);
    let events = events(&log);
    let checks: Vec<_> = events.iter().map(|event| event.check(BANK).name()).collect();
    assert_eq!(checks.iter().filter(|check| **check == "verified").count(), 10);
    assert_eq!(checks[5], "opaque", "a volume key is an HMAC");
    assert_eq!(events[0].measured(), Some(Measured::Phase("enter-initrd".into())));
    assert_eq!(events[3].measured(), Some(Measured::NvPcrSeparator));
    let Some(Measured::FileSystem { path, partition_label, .. }) = events[8].measured() else { panic!() };
    assert_eq!((path.as_deref(), partition_label.as_str()), (Some("/"), "p\\x3al"));
    assert_eq!(events[4].nv_name.unwrap().decode(), "hardware");
    assert_eq!(events[0].timestamp_us, Some(1_000));
    assert_eq!(events[0].record.register.pcr(), Some(pcr(11)));
}

#[test]
fn texts_decode_into_their_parts() {
    let check = |text: &str, expected: &str| {
        assert_eq!(format!("{:?}", decode::measured(text)), expected, "{text}");
    };
    check("machine-id:ab", "MachineId(\"ab\")");
    check("product-id:missing", "ProductId(\"missing\")");
    check("os-separator", "OsSeparator");
    check("ready", "Phase(\"ready\")");
    check("ready:", "Text(\"ready:\")");
    check(
        "cryptsetup-keyslot:root:1e02:tpm2:1",
        "KeySlot { name: \"root\", uuid: \"1e02\", mechanism: \"tpm2\", slot: \"1\" }",
    );
    check("cryptsetup-keyslot:root:1e02:tpm2", "Text(\"cryptsetup-keyslot:root:1e02:tpm2\")");
    check("verity:root:abcd:01/AA==", "Verity { name: \"root\", root_hash: \"abcd\", signers: \"01/AA==\" }");
    check("login:root:{\"uid\":0}", "Login { user: \"root\" }");
    check("credential:root.password", "Credential { name: \"root.password\" }");
    check(
        "nvpcr-init:x:0x1d10200:md5:00",
        "NvPcrInit { name: \"x\", index: 30474752, anchor: Unknown(\"md5:00\") }",
    );
    check("nvpcr-init:x:1d10200:sha256:00", "Text(\"nvpcr-init:x:1d10200:sha256:00\")");
    let fs = decode::measured("file-system:ext4:u:l:pu:pt:pl");
    assert!(matches!(fs, Measured::FileSystem { path: None, .. }), "{fs:?}");
}

#[test]
fn nvpcrs_replay_from_what_pcr_9_tells() {
    let mut log = boot();
    log.nv(0x01d1_0202, "verity", "verity:app:ab:01/AA==", "dm-verity").nv(7, "own", "own:1", "own");
    let mut nvpcrs = NvPcrs::new();
    for event in events(&log) {
        nvpcrs.take_in(&event);
    }
    let hashed = |text: &str| BANK.hash(&[text.as_bytes()]);
    let anchor = "de3857f637c61e82f02e3722e1b207585fe9711045d863238904be8db10683f2";
    let anchor = Digest::new(BANK, &hex::decode(anchor).unwrap()).unwrap();
    let hardware = anchor.extend(&hashed("product-id:4691595be6a345f1833cc75fab63e475"));
    let zero = Digest::zero(BANK);
    let verity = zero.extend(&zero).unwrap().extend(&hashed("verity:app:ab:01/AA=="));
    let unknown = zero.extend(&hashed("own:1"));
    let found: Vec<_> =
        nvpcrs.iter().map(|nvpcr| (nvpcr.name.as_deref().unwrap(), nvpcr.start, nvpcr.value)).collect();
    assert_eq!(
        found,
        [
            ("hardware", NvPcrStart::Anchored, hardware),
            ("verity", NvPcrStart::Named, verity),
            ("own", NvPcrStart::Unknown, unknown),
        ]
    );
    assert_eq!(findings(log.text.as_bytes()), [("unknown-event", 12), ("nvpcr-start-unknown", 12)]);
}

#[test]
fn an_nvpcr_that_is_set_up_again_is_noticed() {
    let mut log = boot();
    let init = "nvpcr-init:hardware:0x1d10200:sha256:0000000000000000000000000000000000000000000000000000000000000000";
    log.pcr(9, init, "nvpcr-init");
    assert_eq!(findings(log.text.as_bytes()), [("nvpcr-set-up-late", 11), ("nvpcr-set-up-again", 11)]);
}

#[test]
fn text_that_was_not_measured_is_a_mismatch() {
    let mut log = Log::default();
    log.measured(11, b"ready", "ready\0", "phase")
        .measured(11, "a\tb\u{1}".as_bytes(), "a\\tb\\001", "phase")
        .measured(11, b"x", &format!("{}...", "y".repeat(1_024)), "phase")
        .measured(11, b"x", "y", "new-type")
        .measured(15, b"x", "credential:root", "credential")
        .measured(15, b"machine-id:1", "machine-id:1", "volume-key");
    let checks: Vec<_> = events(&log).iter().map(|event| event.check(BANK)).collect();
    assert_eq!(
        checks,
        [
            TextCheck::Mismatch,
            TextCheck::Verified,
            TextCheck::Opaque(OpaqueReason::Cut),
            TextCheck::Opaque(OpaqueReason::UnknownType),
            TextCheck::Opaque(OpaqueReason::Secret),
            TextCheck::Verified,
        ]
    );
    assert_eq!(
        findings(log.text.as_bytes()),
        [("digest-mismatch", 0), ("unknown-event", 3), ("event-type-disguised", 5)]
    );
}

#[test]
fn order_and_registers_are_looked_at() {
    let mut log = Log::default();
    log.pcr(11, "ready", "phase").pcr(11, "sysinit", "phase").pcr(24, "x", "phase");
    let mut text = log.text.replacen("\"timestamp\":2000", "\"timestamp\":1", 1);
    text.push_str(
        "\u{1e}{\"pcr\":11,\"digests\":[],\"content_type\":\"systemd\",\"content\":{\"bootId\":\"00\"}}\n",
    );
    assert_eq!(
        findings(text.as_bytes()),
        [
            ("phase-out-of-order", 1),
            ("timestamp-went-back", 1),
            ("unknown-register", 2),
            ("digest-missing", 3),
            ("boot-id-changed", 3),
        ]
    );
}

#[test]
fn the_quoted_prefix_is_found_and_the_tail_left() {
    let log = boot();
    let whole = SystemdLog::new(log.text.as_bytes());
    for count in 0..=11 {
        let merged = merge(whole, BANK, &zeros(), &held(&log, count));
        assert_eq!(merged.unexplained().count(), 0, "{count}");
        let Joint::Prefix(found) = merged.joint() else { panic!("{count}") };
        // Record 4 extends an NV index alone: nothing quoted tells whether it was there.
        assert_eq!(found, if count == 5 { 4 } else { count as u64 });
    }
    let merged = merge(whole, BANK, &zeros(), &held(&log, 11));
    assert!(merged.pcr(pcr(11)).unwrap().needs_systemd());
    assert!(!merged.pcr(pcr(0)).unwrap().needs_systemd());
    assert_eq!(merged.records, 11);
}

#[test]
fn values_of_two_moments_have_no_prefix_in_common() {
    let log = boot();
    let (early, late) = (held(&log, 1), held(&log, 11));
    let mut quoted = late.clone();
    quoted.insert(pcr(9), early.value(BANK, pcr(9)).unwrap());
    let merged = merge(SystemdLog::new(log.text.as_bytes()), BANK, &zeros(), &quoted);
    assert_eq!(merged.unexplained().count(), 0);
    assert_eq!(merged.joint(), Joint::Apart { late: pcr(11), early: pcr(9) });
}

/// Each way of tampering with a record of each register, and what notices it.
#[test]
fn tampering_is_noticed_or_unmeasured() {
    let log = boot();
    let quoted = held(&log, 11);
    let lines: Vec<_> = log.text.split_inclusive('\n').collect();
    let unexplained = |text: &str| {
        let merged = merge(SystemdLog::new(text.as_bytes()), BANK, &zeros(), &quoted);
        let apart = matches!(merged.joint(), Joint::Apart { .. });
        merged.unexplained().count() > 0 || apart
    };
    for at in (0..lines.len()).filter(|at| *at != 4) {
        let mut dropped = lines.clone();
        dropped.remove(at);
        assert!(unexplained(&dropped.concat()), "drop {at}");
        let mut repeated = lines.clone();
        repeated.insert(at, lines[at]);
        // What is repeated at the very end is a tail that nothing vouches for.
        assert_eq!(unexplained(&repeated.concat()), at + 1 < lines.len(), "repeat {at}");
        let register = events(&log)[at].record.register;
        if let Some(other) =
            (at + 1..lines.len()).find(|other| events(&log)[*other].record.register == register)
        {
            let mut swapped = lines.clone();
            swapped.swap(at, other);
            assert!(unexplained(&swapped.concat()), "swap {at} {other}");
        }
        let digest = lines[at].rfind("\"digest\":\"").unwrap() + 10;
        for digit in 0..64 {
            let mut line = lines[at].to_owned();
            let found = u32::from_str_radix(&line[digest + digit..=digest + digit], 16).unwrap();
            line.replace_range(digest + digit..=digest + digit, &format!("{:x}", found ^ 1));
            let mut flipped = lines.clone();
            flipped[at] = &line;
            assert!(unexplained(&flipped.concat()), "flip {at} {digit}");
        }
    }
    for len in log.text.len() - 900..log.text.len() - 1 {
        assert!(unexplained(&log.text[..len]), "truncated at {len}");
    }
    let mut longer = boot();
    longer.pcr(11, "shutdown", "phase");
    assert!(!unexplained(&longer.text), "what is appended is a tail");
}

/// Whatever single byte of the text is changed, it is no longer what was measured, or it is no longer read.
#[test]
fn a_changed_text_does_not_pass_for_a_measured_one() {
    let log = boot();
    for line in log.text.split_inclusive('\n') {
        let honest = SystemdLog::new(line.as_bytes()).events().next().unwrap().unwrap();
        for at in 1..line.len() {
            let mut bytes = line.to_owned().into_bytes();
            bytes[at] ^= 1;
            for event in SystemdLog::new(&bytes).events().flatten() {
                let verified = event.check(BANK) == TextCheck::Verified;
                let as_logged = event.record.digest(BANK) == honest.record.digest(BANK);
                let same = event.measured() == honest.measured();
                assert!(!verified || same || !as_logged, "{at}: {event:?}");
            }
        }
    }
}

#[test]
fn phases_that_were_not_logged_are_found() {
    let empty = SystemdLog::new(b"");
    let after = |start: Digest, phases: &[&str]| {
        phases.iter().fold(start, |value, phase| value.extend(&BANK.hash(&[phase.as_bytes()])).unwrap())
    };
    let stub = BANK.hash(&[b"stub"]);
    let repair = repair_phases(empty, stub, after(stub, &["sysinit", "ready"])).unwrap();
    assert_eq!(repair.phases, ["sysinit", "ready"]);
    assert_eq!(repair.range, PrefixRange { from: 0, before: None });
    assert_eq!(repair_phases(empty, stub, after(stub, &["ready", "sysinit"])), None, "not in this order");
    assert_eq!(repair_phases(empty, stub, stub), None, "nothing is missing");
    let mut log = Log::default();
    log.pcr(15, "machine-id:1", "machine-id").pcr(11, "sysinit", "phase").pcr(11, "ready", "phase");
    let log = SystemdLog::new(log.text.as_bytes());
    let all = after(stub, &["enter-initrd", "leave-initrd", "sysinit", "ready"]);
    let repair = repair_phases(log, stub, all).unwrap();
    assert_eq!(
        (repair.place, repair.phases.as_slice()),
        (PhasePlace::Before, &["enter-initrd", "leave-initrd"][..])
    );
    assert_eq!(repair.range, PrefixRange { from: 3, before: None });
    let behind = repair_phases(log, stub, after(stub, &["sysinit", "shutdown"])).unwrap();
    assert_eq!((behind.place, behind.phases.as_slice()), (PhasePlace::Behind, &["shutdown"][..]));
    assert_eq!(behind.range, PrefixRange { from: 2, before: Some(3) });
}

#[test]
fn damaged_logs_are_read_as_far_as_they_go() {
    let log = boot();
    // From within the last record but two.
    for len in log.text.len() - 900..log.text.len() {
        let bytes = &log.text.as_bytes()[..len];
        let found = findings(bytes);
        let complete = matches!(bytes, [.., 0x1e | b'}' | b'\n']) && found.is_empty();
        let truncated = found.last().is_some_and(|(code, _)| *code == "record-truncated");
        assert!(complete || truncated, "{len}: {found:?}");
    }
    let middle = log.text.replacen("\"pcr\":9", "\"pcr\":x", 1);
    assert_eq!(findings(middle.as_bytes())[0], ("record-malformed", 1));
    assert_eq!(SystemdLog::new(middle.as_bytes()).events().count(), 11, "the others are read");
}

#[test]
fn a_long_log_takes_no_memory() {
    let text = boot().text.repeat(50);
    let quoted = zeros();
    let info = allocation_counter::measure(|| {
        let log = SystemdLog::new(text.as_bytes());
        assert_eq!(merge(log, BANK, &zeros(), &quoted).records, 550);
        log.findings(Some(BANK), |_| {});
    });
    assert!(info.bytes_max < 32 << 10, "{}", info.bytes_max);
}
