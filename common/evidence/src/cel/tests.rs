use super::*;
use crate::digest::HashAlg;
use crate::eventlog::EventType;
use crate::json::JsonError;

fn record(members: &str) -> String {
    format!(
        "{{\"pcr\":11,\"digests\":[{{\"hashAlg\":\"sha1\",\"digest\":\"{}\"}}]{members}}}",
        "ab".repeat(20)
    )
}

fn only(text: &str) -> Result<(), CelProblem> {
    let mut records = Cel::new(text.as_bytes()).records();
    let first = records.next().unwrap().map(|_| ()).map_err(|error| error.cause);
    assert!(records.next().is_none(), "{text}");
    first
}

fn numbers(bytes: &[u8]) -> Vec<Result<u64, usize>> {
    let records = Cel::new(bytes).records();
    records.map(|record| record.map(|record| record.number).map_err(|error| error.offset())).collect()
}

#[test]
fn the_specifications_example_is_read() {
    //= TCG CEL 1.0 §5.3: example of CEL-JSON
    let example = br#"[{"content":{"event_type":"EV_COMPACT_HASH","event_data":"44656c6c20436f6e66696775726174696f6e20496e666f726d6174696f6e2032"},"content_type":"pcclient_std","pcr":6,"recnum":2,"digests":[{"hashAlg":"sha1","digest":"bac9a8935b720760bcdea2faae75152f5d1e4bea"},{"hashAlg":"0x000B","digest":"d18bf8d221a3a3b08774c8d077328c4b2ca205e4f1618ad4bac2b5786f453bc7"}]}]"#;
    let record = Cel::new(example).records().next().unwrap().unwrap();
    assert_eq!((record.recnum, record.register), (Some(2), Register::Pcr(6)));
    let Content::Firmware { event_type, data } = record.content else { panic!("{record:?}") };
    assert_eq!(event_type, EventType::COMPACT_HASH);
    assert_eq!(data.to_vec(), b"Dell Configuration Information 2");
    let algs: Vec<_> = record.digests().map(|digest| digest.alg()).collect();
    assert_eq!(algs, [HashAlg::Sha1, HashAlg::Sha256]);
}

#[test]
fn every_layout_gives_the_same_records() {
    let (one, two) = (record(""), record(",\"recnum\":1"));
    let layouts = [
        (Framing::Sequence, format!("\u{1e}{one}\n\u{1e}{two}\n")),
        (Framing::Sequence, format!("\n\u{1e}\u{1e}{one}\u{1e} {two}")),
        (Framing::Lines, format!("{one}\n{two}\n")),
        (Framing::Array, format!("[{one},{two}]")),
        (Framing::Array, format!(" [\n{one}\n,\n{two}\n]\n")),
        (Framing::Wrapped, format!("{{ \"records\" : [ {one} , {two} ] }}\n")),
    ];
    for (framing, text) in layouts {
        let cel = Cel::new(text.as_bytes());
        assert_eq!(cel.framing(), framing, "{text}");
        let raw: Vec<_> = cel.records().map(|record| record.unwrap().raw().to_owned()).collect();
        assert_eq!(raw, [one.clone(), two.clone()], "{text}");
        for record in cel.records().flatten() {
            assert_eq!(&text[record.offset..][..record.raw().len()], record.raw());
        }
    }
    for empty in ["", "\n", "[]", " [ ] ", "{\"records\":[]}", "\u{1e}\n"] {
        assert_eq!(Cel::new(empty.as_bytes()).records().count(), 0, "{empty:?}");
    }
}

#[test]
fn a_sequence_goes_on_behind_a_bad_record() {
    let good = record("");
    let text = format!("\u{1e}{good}\n\u{1e}{{\"pcr\":1\n\u{1e}{good}\n\u{1e}{{\"pc");
    let read: Vec<_> = Cel::new(text.as_bytes()).records().collect();
    assert!(matches!(read[..], [Ok(_), Err(_), Ok(_), Err(_)]), "{read:?}");
    let (within, last) = (read[1].unwrap_err(), read[3].unwrap_err());
    assert_eq!((within.is_truncation(), last.is_truncation()), (false, true));
    assert_eq!([within.offset(), last.offset()], [good.len() + 12, text.len()]);
    assert!(matches!(numbers(format!("{good}\nx\n{good}").as_bytes())[..], [Ok(0), Err(_), Ok(2)]));
}

#[test]
fn an_array_ends_at_its_first_damage() {
    let good = record("");
    assert!(matches!(numbers(format!("[{good} {good}]").as_bytes())[..], [Ok(0), Err(_)]));
    assert!(matches!(numbers(format!("[{good},x,{good}]").as_bytes())[..], [Ok(0), Err(_)]));
    assert!(matches!(numbers(format!("[{good}]x").as_bytes())[..], [Ok(0), Err(_)]));
    assert!(matches!(numbers(format!("{{\"records\":[{good}]").as_bytes())[..], [Ok(0), Err(_)]));
    // A record that is JSON, but not a record, does not end it.
    assert!(matches!(numbers(format!("[{good},1,{good}]").as_bytes())[..], [Ok(0), Err(_), Ok(2)]));
}

#[test]
fn every_truncation_is_said_and_never_a_panic() {
    for text in [
        format!("\u{1e}{}\n\u{1e}{}\n", record(""), record(",\"content_type\":\"systemd\",\"content\":{}")),
        format!("[{},{}]", record(""), record("")),
        format!("{{\"records\":[{},{}]}}", record(""), record("")),
    ] {
        let whole = text.trim_end().len();
        let ends: Vec<_> = Cel::new(text.as_bytes())
            .records()
            .map(|record| record.map(|record| record.offset + record.raw().len()).unwrap())
            .collect();
        for len in 0..whole {
            let records: Vec<_> = Cel::new(&text.as_bytes()[..len]).records().collect();
            let read = records.iter().filter(|record| record.is_ok()).count();
            assert_eq!(read, ends.iter().filter(|end| **end <= len).count(), "{len}");
            for error in records.iter().filter_map(|record| record.as_ref().err()) {
                assert!(error.offset() <= len, "{len}: {error}");
            }
        }
    }
}

#[test]
fn members_have_to_be_what_they_are() {
    let digests = "\"digests\":[]";
    let check = |text: &str, field: &str| match only(text) {
        Err(CelProblem::Field { field: found, offset, .. }) => {
            assert_eq!(found, field, "{text}");
            assert!(offset < text.len());
        }
        other => panic!("{text}: {other:?}"),
    };
    check("[1]", "a record");
    check(&format!("[{{{digests}}}]"), "pcr");
    check("[{\"pcr\":1}]", "digests");
    check(&format!("[{{\"pcr\":1,\"nv_index\":2,{digests}}}]"), "nv_index");
    check(&format!("[{{\"pcr\":-1,{digests}}}]"), "pcr");
    check(&format!("[{{\"pcr\":1.0,{digests}}}]"), "pcr");
    check(&format!("[{{\"pcr\":4294967296,{digests}}}]"), "pcr");
    check(&format!("[{{\"pcr\":1,\"recnum\":\"1\",{digests}}}]"), "recnum");
    check("[{\"pcr\":1,\"digests\":{}}]", "digests");
    check("[{\"pcr\":1,\"digests\":[1]}]", "hashAlg");
    check("[{\"pcr\":1,\"digests\":[{\"hashAlg\":null,\"digest\":\"\"}]}]", "hashAlg");
    check("[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"md5\"}]}]", "digest");
    check("[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"md5\",\"digest\":\"abc\"}]}]", "digest");
    check("[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"md5\",\"digest\":\"xy\"}]}]", "digest");
    check(&format!("[{{\"pcr\":1,{digests},\"content_type\":\"systemd\"}}]"), "content");
    check(
        &format!(
            "[{{\"pcr\":1,{digests},\"content_type\":\"pcclient_std\",\"content\":{{\"event_type\":\"EV_NO\"}}}}]"
        ),
        "event_data",
    );
    let many = vec!["{\"hashAlg\":\"md5\",\"digest\":\"\"}"; 17].join(",");
    check(&format!("[{{\"pcr\":1,\"digests\":[{many}]}}]"), "digests");
}

#[test]
fn digests_fit_their_algorithms() {
    let short = "[{\"pcr\":1,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"00\"}]}]";
    assert_eq!(
        only(short),
        Err(CelProblem::DigestSize { offset: 51, alg: HashAlg::Sha256, expected: 32, found: 1 })
    );
    let sha1 = format!("{{\"hashAlg\":\"sha1\",\"digest\":\"{}\"}}", "00".repeat(20));
    let twice = format!("[{{\"pcr\":1,\"digests\":[{sha1},{sha1}]}}]");
    assert!(matches!(only(&twice), Err(CelProblem::DigestTwice { alg: HashAlg::Sha1, .. })));
    let unknown = format!("[{{\"pcr\":1,\"digests\":[{{\"hashAlg\":\"md5\",\"digest\":\"00\"}},{sha1}]}}]");
    let record = Cel::new(unknown.as_bytes()).records().next().unwrap().unwrap();
    assert_eq!(record.digests().map(|digest| digest.alg()).collect::<Vec<_>>(), [HashAlg::Sha1]);
    for (name, alg) in [
        ("sha256", Some(HashAlg::Sha256)),
        ("SHA256", Some(HashAlg::Sha256)),
        ("TPM2_ALG_SHA384", Some(HashAlg::Sha384)),
        ("sha3-512", Some(HashAlg::Sha3_512)),
        ("sm3", Some(HashAlg::Sm3)),
        ("0x0004", Some(HashAlg::Sha1)),
        ("0x0001", None),
        ("md5", None),
    ] {
        assert_eq!(hash_alg(name), alg, "{name}");
    }
}

#[test]
fn duplicate_members_are_refused() {
    let twice = record(",\"pcr\":12");
    assert!(matches!(only(&twice), Err(CelProblem::Json(JsonError::DuplicateKey { .. }))));
}

#[test]
fn event_types_have_names_and_numbers() {
    for (written, expected) in [
        ("\"EV_SEPARATOR\"", EventType::SEPARATOR),
        ("\"ev_efi_variable_authority\"", EventType::EFI_VARIABLE_AUTHORITY),
        ("\"separator\"", EventType::SEPARATOR),
        ("\"efi-action\"", EventType::EFI_ACTION),
        ("2147483649", EventType::EFI_VARIABLE_DRIVER_CONFIG),
        ("\"33024\"", EventType(33024)),
        ("\"0x8000000a\"", EventType(0x8000_000a)),
    ] {
        let content = format!("{{\"event_type\":{written},\"event_data\":\"\"}}");
        let text = record(&format!(",\"content_type\":\"pcclient_std\",\"content\":{content}"));
        let read = Cel::new(text.as_bytes()).records().next().unwrap().unwrap();
        let Content::Firmware { event_type, .. } = read.content else { panic!("{text}") };
        assert_eq!(event_type, expected, "{written}");
    }
}

#[test]
fn reading_allocates_next_to_nothing() {
    let text = format!(
        "[{}]",
        vec![record(",\"content_type\":\"systemd\",\"content\":{\"a\":{\"b\":1}}"); 10_000].join(",")
    );
    let info = allocation_counter::measure(|| {
        let replay = Cel::new(text.as_bytes()).replay(HashAlg::Sha1);
        assert_eq!(replay.extended().len(), 1);
    });
    assert!(info.bytes_max < 1_024, "{}", info.bytes_max);
}
