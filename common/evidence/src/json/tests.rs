use proptest::prelude::*;

use super::*;

fn text_of(document: &str) -> String {
    Value::parse(document.as_bytes()).unwrap().text().unwrap().decode().into_owned()
}

/// Our reader's view of a document as `serde_json`'s, so that the two can be compared.
fn mirrored(value: Value<'_>) -> serde_json::Value {
    match value.kind() {
        Kind::Null => serde_json::Value::Null,
        Kind::Bool(yes) => yes.into(),
        Kind::Number(number) => match (number.unsigned(), number.signed().filter(|number| *number != 0)) {
            (Some(number), _) => number.into(),
            (None, Some(number)) => number.into(),
            // A float, which serde_json rounds in its own way; ours keeps the text.
            (None, None) => serde_json::from_str(number.raw()).unwrap(),
        },
        Kind::Text(text) => text.decode().into(),
        Kind::Array(items) => items.map(mirrored).collect(),
        Kind::Object(members) => {
            members.map(|(key, value)| (key.decode().into_owned(), mirrored(value))).collect()
        }
    }
}

/// Both readers agree, but where ours is stricter by design.
fn compare(bytes: &[u8]) {
    let theirs = serde_json::from_slice::<serde_json::Value>(bytes);
    match (Value::parse(bytes), theirs) {
        (Ok(ours), Ok(theirs)) => assert_eq!(mirrored(ours), theirs),
        (Err(JsonError::DuplicateKey { .. } | JsonError::Depth { .. }), _) | (Err(_), Err(_)) => {}
        (Ok(_), Err(error)) => assert!(error.to_string().contains("number out of range"), "{error}"),
        (Err(error), Ok(theirs)) => panic!("only we refuse: {error}: {theirs}"),
    }
}

#[test]
fn a_document_is_read_on_demand() {
    let document =
        br#" {"pcr": 11, "digests":[{"hashAlg":"sha256"},{}], "a\u0062":"x\ty", "n":-1.50e+3, "t":true} "#;
    let value = Value::parse(document).unwrap();
    assert_eq!(value.member("pcr").unwrap().unsigned(), Some(11));
    assert_eq!(value.member("digests").unwrap().items().unwrap().count(), 2);
    let key = value.member("ab").expect("keys are compared decoded");
    assert_eq!(key.text().unwrap().decode(), "x\ty");
    assert_eq!(key.text().unwrap().raw(), "x\\ty");
    let Kind::Number(number) = value.member("n").unwrap().kind() else { panic!() };
    assert_eq!((number.raw(), number.unsigned(), number.signed()), ("-1.50e+3", None, None));
    assert!(matches!(value.member("t").unwrap().kind(), Kind::Bool(true)));
    assert_eq!(value.members().unwrap().count(), 5);
    let digests = value.member("digests").unwrap();
    assert_eq!(&document[digests.offset()..][..digests.raw().len()], digests.raw().as_bytes());
}

#[test]
fn errors_name_the_byte() {
    let check =
        |document: &str, error| assert_eq!(Value::parse(document.as_bytes()), Err(error), "{document}");
    check("", JsonError::Ended { offset: 0 });
    check("[1,]", JsonError::Unexpected { offset: 3, expected: "a value" });
    check("{\"a\" 1}", JsonError::Unexpected { offset: 5, expected: "a colon" });
    check("{a:1}", JsonError::Unexpected { offset: 1, expected: "a key" });
    check("[1 2]", JsonError::Unexpected { offset: 3, expected: "a comma or the array's end" });
    check("01", JsonError::Trailing { offset: 1 });
    check("1 x", JsonError::Trailing { offset: 2 });
    check("-", JsonError::Ended { offset: 1 });
    check("1.e3", JsonError::Unexpected { offset: 2, expected: "a digit" });
    check("tru", JsonError::Ended { offset: 3 });
    check("\"a\nb\"", JsonError::Control { offset: 2 });
    check(r#""\x41""#, JsonError::Escape { offset: 1 });
    check(r#""a\u12g4""#, JsonError::Escape { offset: 2 });
    check(r#""\ud800""#, JsonError::Surrogate { offset: 1 });
    check(r#""\ud800\u0041""#, JsonError::Surrogate { offset: 1 });
    check(r#""\udc00""#, JsonError::Surrogate { offset: 1 });
    check(r#"{"a":1,"b":2,"\u0061":3}"#, JsonError::DuplicateKey { offset: 13 });
    check("\u{feff}1", JsonError::Unexpected { offset: 0, expected: "a value" });
    assert_eq!(Value::parse(b"[\"a\xff\"]"), Err(JsonError::Utf8 { offset: 3 }));
    assert_eq!(Value::parse(b"[\"a\", \xff]"), Err(JsonError::Unexpected { offset: 6, expected: "a value" }));
    assert_eq!(
        Value::parse_at(b"[1,]", 100),
        Err(JsonError::Unexpected { offset: 103, expected: "a value" })
    );
}

#[test]
fn the_same_key_in_two_objects_is_no_repetition() {
    assert!(Value::parse(br#"{"a":{"a":{"a":1},"b":1},"b":[{"a":1},{"a":2}]}"#).is_ok());
    let inner = br#"{"x":{"a":1,"a":2}}"#;
    assert_eq!(Value::parse(inner), Err(JsonError::DuplicateKey { offset: 12 }));
}

#[test]
fn nesting_ends_at_its_limit() {
    let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
    assert!(Value::parse(nested(JSON_DEPTH).as_bytes()).is_ok());
    let deep = nested(JSON_DEPTH + 1);
    assert_eq!(Value::parse(deep.as_bytes()), Err(JsonError::Depth { offset: JSON_DEPTH }));
    assert!(Value::parse("[".repeat(1 << 20).as_bytes()).is_err());
}

#[test]
fn a_document_beyond_the_limit_is_refused() {
    let long = format!("\"{}\"", "x".repeat(JSON_BYTES + 1));
    assert_eq!(Value::parse(long.as_bytes()), Err(JsonError::TooLong { offset: 0 }));
}

#[test]
fn text_decodes() {
    assert_eq!(text_of(r#""\"\\\/\b\f\n\r\t""#), "\"\\/\u{8}\u{c}\n\r\t");
    assert_eq!(text_of(r#""\u00e4\u20ac\ud83d\ude00\u0000""#), "ä€😀\0");
    assert_eq!(text_of("\"ä€😀\""), "ä€😀");
}

#[test]
fn every_truncation_is_one() {
    let document = r#"{"a":[1,-2.5e3,"x\u00e4\ud83d\ude00y",null,true,{}],"b":{"c":"€"}}"#.as_bytes();
    for len in 0..document.len() {
        let error = Value::parse(&document[..len]).unwrap_err();
        assert!(error.is_truncation(), "{len}: {error}");
        assert!(error.offset() <= len);
    }
}

#[test]
fn peak_memory_and_time_stay_with_the_input() {
    let mut writer = Writer::new();
    writer.object(|w| {
        for key in 0..200_000_u64 {
            w.key(&format!("{key:x}")).unsigned(1);
        }
    });
    let document = writer.finish();
    let info = allocation_counter::measure(|| assert!(Value::parse(document.as_bytes()).is_ok()));
    let limit = u64::try_from(document.len()).unwrap() * 4;
    assert!(info.bytes_max <= limit, "{} of {limit}", info.bytes_max);
}

#[test]
fn what_is_written_can_be_read() {
    let mut writer = Writer::new();
    writer.object(|w| {
        w.key("text \"\\\n\u{1}ä").text("\u{7f}\t😀");
        w.key("hex").hex(&[0, 0xab]);
        w.key("list").array(|w| {
            w.unsigned(u64::MAX).array(|_| {}).object(|_| {});
        });
    });
    let document = writer.finish();
    let expected = serde_json::json!({
        "text \"\\\n\u{1}ä": "\u{7f}\t😀", "hex": "00ab", "list": [u64::MAX, [], {}],
    });
    assert_eq!(serde_json::from_str::<serde_json::Value>(&document).unwrap(), expected);
    compare(document.as_bytes());
}

/// Documents of every shape, with numbers as text so that nothing is rounded.
fn documents() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
        "(\\\\u[0-9a-fA-F]{4}|\\\\[\"\\\\/bfnrt]|[a-z ä€])*".prop_map(|raw| format!("\"{raw}\"")),
    ];
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?";
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("false".to_owned()),
        number.prop_map(|number: String| number),
        text.clone(),
    ];
    let space = "[ \t\r\n]{0,2}";
    leaf.prop_recursive(4, 64, 6, move |inner| {
        let items = proptest::collection::vec((space, inner.clone(), space), 0..6);
        let members = proptest::collection::vec((space, text.clone(), space, inner), 0..6);
        prop_oneof![
            items.prop_map(|items| {
                let items: Vec<_> = items.into_iter().map(|(a, item, b)| format!("{a}{item}{b}")).collect();
                format!("[{}]", items.join(","))
            }),
            members.prop_map(|members| {
                let members: Vec<_> =
                    members.into_iter().map(|(a, key, b, value)| format!("{a}{key}{b}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn documents_read_as_serde_json_reads_them(document in documents()) {
        compare(document.as_bytes());
    }

    #[test]
    fn damaged_documents_are_refused_as_serde_json_refuses_them(
        document in documents(),
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
    ) {
        let mut bytes = document.into_bytes();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        compare(&bytes);
        bytes.truncate(at);
        compare(&bytes);
    }

    #[test]
    fn bytes_of_any_kind_are_judged_alike(bytes in "[\\[\\]{}:,\"\\\\u0-9a-f.eE+\\- \ttruefalsn]{0,24}") {
        compare(bytes.as_bytes());
    }
}
