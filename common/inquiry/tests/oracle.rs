//! The order of versions against dpkg and rpm themselves.

#![expect(clippy::disallowed_types, reason = "the oracles are other people's programs")]
#![expect(clippy::unwrap_used, reason = "a test outside a module of tests")]

use std::cmp::Ordering;
use std::process::Command;

use lydian_inquiry::subject::{Scheme, compare};
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

/// Pairs of versions that are near each other: where they begin alike, the rules are what decides.
fn pairs(count: usize, pattern: &str) -> Vec<(String, String)> {
    let mut runner = TestRunner::deterministic();
    let version = || prop::string::string_regex(pattern).unwrap();
    let pair = ("[0-9]{0,2}", version(), version());
    let made = (0..count).map(|_| pair.new_tree(&mut runner).unwrap().current());
    made.map(|(begin, one, other)| (format!("{begin}{one}"), format!("{begin}{other}"))).collect()
}

#[test]
fn dpkg_agrees() {
    let says = |one: &str, relation: &str, other: &str| {
        Command::new("dpkg")
            .args(["--compare-versions", one, relation, other])
            .status()
            .map(|status| status.success())
    };
    if says("1", "lt", "2").is_err() {
        println!("skipped: it takes dpkg");
        return;
    }
    let mut strict = 0;
    for (one, other) in pairs(600, "[0-9](:[0-9])?[0-9a-c.+~]{0,5}(-[0-9a-b.+~]{1,3})?") {
        let expected = if says(&one, "lt", &other).unwrap() {
            Ordering::Less
        } else if says(&one, "gt", &other).unwrap() {
            Ordering::Greater
        } else {
            Ordering::Equal
        };
        strict += usize::from(expected.is_ne());
        assert_eq!(compare(Scheme::Dpkg, &one, &other), expected, "{one} and {other}");
    }
    assert!(strict > 300, "{strict} of the pairs differ");
}

#[test]
fn rpm_agrees() {
    let pairs = pairs(3_000, "[0-9a-b.~^_]{1,7}");
    // One at a time would be slow; the macro's text has a limit.
    let mut answers = Vec::new();
    for some in pairs.chunks(200) {
        let call = |(one, other): &(String, String)| format!("print(rpm.vercmp('{one}', '{other}')..';') ");
        let calls: String = some.iter().map(call).collect();
        let Ok(output) = Command::new("rpm").arg("--eval").arg(format!("%{{lua: {calls}}}")).output() else {
            println!("skipped: it takes rpm");
            return;
        };
        let text = String::from_utf8(output.stdout).unwrap();
        answers.extend(
            text.split(';')
                .map(str::trim)
                .filter(|word| !word.is_empty())
                .map(|word| word.parse::<i32>().unwrap().cmp(&0))
                .collect::<Vec<_>>(),
        );
    }
    assert_eq!(answers.len(), pairs.len());
    for ((one, other), expected) in pairs.iter().zip(answers) {
        assert_eq!(compare(Scheme::Rpm, one, other), expected, "{one} and {other}");
    }
}
