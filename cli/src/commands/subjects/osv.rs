//! Advisories in the form of the Open Source Vulnerability database, in which distributions publish theirs.
//!
//! In: one advisory, or several. Out: packages in the ranges of versions that they call affected. An advisory names a version of each
//! release of a distribution, and what is fixed in one may be older than what is not in another: of several releases one is chosen.
//= OSV schema 1.7: affected[].package, ranges[].events, versions, withdrawn

use std::collections::BTreeSet;

use inquiry::subject::{Scheme, Subject};
use serde_json::Value;

use super::Listed;

/// Why advisories are not taken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum OsvError {
    /// Versions of several releases.
    #[error("the advisory is of several releases: {}", .0.join(", "))]
    Releases(Vec<String>),
    /// A release that it does not name.
    #[error("the advisory is not of {wanted}, but of {}", of.join(", "))]
    NotOf { wanted: String, of: Vec<String> },
}

/// The advisories that a document is; `None` where it is none.
pub(super) fn advisories(document: &Value) -> Option<Vec<&Value>> {
    let list = document.as_array().or_else(|| document.get("vulns")?.as_array());
    let all: Vec<&Value> = list.map_or_else(|| vec![document], |list| list.iter().collect());
    let is_one =
        |value: &&Value| value.get("id").is_some() && value.get("affected").is_some_and(Value::is_array);
    (!all.is_empty() && all.iter().all(is_one)).then_some(all)
}

/// What they call affected, of the release that is wanted.
pub(super) fn affected(all: &[&Value], wanted: Option<&str>) -> Result<Listed, OsvError> {
    let mut listed = Listed::default();
    let packages: Vec<Affected<'_>> = all
        .iter()
        .flat_map(|advisory| {
            let is_withdrawn = advisory.get("withdrawn").is_some_and(Value::is_string);
            let affected = advisory.get("affected").and_then(Value::as_array).into_iter().flatten();
            affected.map(move |affected| Affected::of(affected, is_withdrawn))
        })
        .collect();
    let known = |package: &&Affected<'_>| !package.is_withdrawn && package.kinds().is_some();
    let releases: BTreeSet<&str> = packages.iter().filter(known).map(|package| package.ecosystem).collect();
    let named = || releases.iter().map(|release| (*release).to_owned()).collect();
    let is_wanted = |ecosystem: &str| {
        wanted.is_none_or(|wanted| {
            ecosystem == wanted || ecosystem.strip_prefix(wanted).is_some_and(|rest| rest.starts_with(':'))
        })
    };
    let chosen: BTreeSet<&str> = releases.iter().copied().filter(|release| is_wanted(release)).collect();
    match (chosen.len(), wanted) {
        (0, Some(wanted)) => return Err(OsvError::NotOf { wanted: wanted.to_owned(), of: named() }),
        (2.., _) => return Err(OsvError::Releases(chosen.iter().map(|one| (*one).to_owned()).collect())),
        _ => {}
    }
    for package in &packages {
        match package.kinds().filter(|_| !package.is_withdrawn) {
            Some(kinds) if chosen.contains(package.ecosystem) => package.take(kinds, &mut listed),
            Some(_) => {}
            None => listed.other(format!("{} of {}", package.name, package.ecosystem)),
        }
    }
    listed.subjects.sort_unstable();
    listed.subjects.dedup();
    Ok(listed)
}

/// A package with the versions that are affected.
struct Affected<'a> {
    ecosystem: &'a str,
    name: &'a str,
    ranges: Vec<&'a Value>,
    versions: Vec<&'a str>,
    is_withdrawn: bool,
}

impl<'a> Affected<'a> {
    fn of(affected: &'a Value, is_withdrawn: bool) -> Self {
        let list = |key: &str| affected.get(key).and_then(Value::as_array).into_iter().flatten();
        let package = affected.get("package");
        let text = |key: &str| package.and_then(|package| package.get(key)?.as_str()).unwrap_or_default();
        let of_versions = |range: &&Value| {
            range.get("type").and_then(Value::as_str).is_some_and(|kind| kind == "ECOSYSTEM")
        };
        Self {
            ecosystem: text("ecosystem"),
            name: text("name"),
            ranges: list("ranges").filter(of_versions).collect(),
            versions: list("versions").filter_map(Value::as_str).collect(),
            is_withdrawn,
        }
    }

    /// The kinds of subjects that its name may be of; `None` where hosts are not asked about it.
    fn kinds(&self) -> Option<&'static [&'static str]> {
        let family = self.ecosystem.split(':').next().unwrap_or_default();
        match family {
            "Debian" | "Ubuntu" => Some(&["source:"]),
            // Some name what is installed, some what it was built from.
            "Red Hat" | "Rocky Linux" | "AlmaLinux" | "SUSE" | "openSUSE" | "Mageia" | "openEuler"
            | "Photon OS" | "Azure Linux" => Some(&["package:", "source:"]),
            "PyPI" => Some(&["package:python:"]),
            _ => None,
        }
    }

    fn take(&self, kinds: &[&str], listed: &mut Listed) {
        let mut ranges: Vec<String> = self.ranges.iter().flat_map(|range| spans(range)).collect();
        if self.ranges.is_empty() && self.versions.is_empty() {
            return listed.other(format!("{} of {}: no version is named", self.name, self.ecosystem));
        }
        let name = if kinds == ["package:python:"] { normal(self.name) } else { self.name.to_owned() };
        for version in &self.versions {
            // They are mostly the ones within the ranges, one by one.
            let known = |range: &String| match format!("source:{name}{range}").parse() {
                Ok(Subject::Source(source)) => source.takes(version, &[Scheme::Dpkg, Scheme::Rpm]),
                _ => false,
            };
            if !ranges.iter().any(known) {
                ranges.push(format!("={version}"));
            }
        }
        for kind in kinds {
            for range in &ranges {
                let subject = format!("{kind}{name}{range}");
                if !listed.take(&subject) {
                    listed.other(subject);
                }
            }
        }
    }
}

/// Ranges of versions, as subjects have them.
fn spans(range: &Value) -> Vec<String> {
    let mut spans = Vec::new();
    let mut begun: Option<String> = None;
    for event in range.get("events").and_then(Value::as_array).into_iter().flatten() {
        let text = |key: &str| event.get(key).and_then(Value::as_str);
        if let Some(version) = text("introduced") {
            begun = Some(if version == "0" { String::new() } else { format!(">={version}") });
        }
        let end = text("fixed").map(|version| format!("<{version}"));
        let end = end.or_else(|| text("last_affected").map(|version| format!("<={version}")));
        // A second fix of the same range ends nothing.
        if let (Some(end), Some(begin)) = (end, begun.take_if(|_| text("introduced").is_none())) {
            spans.push(format!("{begin}{end}"));
        }
    }
    spans.extend(begun);
    spans
}

/// One form for names of Python's distributions.
//= PEP 503: runs of -, _ and . become one -, letters lowercase
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn advisory(affected: &Value) -> Value {
        json!({"id": "DSA-5649-1", "affected": affected})
    }

    fn read(document: &Value, wanted: Option<&str>) -> Result<Listed, OsvError> {
        affected(&advisories(document).expect("advisories"), wanted)
    }

    fn package(ecosystem: &str, name: &str, events: &Value) -> Value {
        let range = json!({"type": "ECOSYSTEM", "events": events});
        json!({"package": {"ecosystem": ecosystem, "name": name}, "ranges": [range]})
    }

    #[test]
    fn what_is_affected_is_asked_about_by_its_source() {
        let events = json!([{"introduced": "0"}, {"fixed": "5.2.5-2.1~deb11u1"}]);
        let one = advisory(&json!([package("Debian:11", "xz-utils", &events)]));
        assert_eq!(read(&one, None).unwrap().subjects, ["source:xz-utils<5.2.5-2.1~deb11u1"]);
        let events = json!([{"introduced": "5.6.0"}, {"last_affected": "5.6.1-1"}, {"introduced": "6"}]);
        let several = json!([advisory(&json!([package("Ubuntu:24.04:LTS", "xz-utils", &events)]))]);
        let expected = ["source:xz-utils>=5.6.0<=5.6.1-1", "source:xz-utils>=6"];
        assert_eq!(read(&several, None).unwrap().subjects, expected);
        assert_eq!(read(&several, Some("Ubuntu:24.04")).unwrap().subjects, expected);
    }

    #[test]
    fn of_several_releases_one_is_chosen() {
        let events = |fixed: &str| json!([{"introduced": "0"}, {"fixed": fixed}]);
        let both = advisory(&json!([
            package("Debian:11", "x", &events("1-1~deb11u1")),
            package("Debian:12", "x", &events("2-1~deb12u1")),
        ]));
        assert_eq!(read(&both, None), Err(OsvError::Releases(vec!["Debian:11".into(), "Debian:12".into()])));
        assert_eq!(read(&both, Some("Debian:12")).unwrap().subjects, ["source:x<2-1~deb12u1"]);
        assert!(matches!(read(&both, Some("Debian")), Err(OsvError::Releases(_))));
        let error = read(&both, Some("Debian:1")).unwrap_err();
        assert_eq!(error.to_string(), "the advisory is not of Debian:1, but of Debian:11, Debian:12");
    }

    #[test]
    fn what_cannot_be_asked_about_is_counted() {
        let events = json!([{"introduced": "0"}]);
        let listed = read(
            &advisory(&json!([
                package("npm", "left-pad", &events),
                {"package": {"ecosystem": "PyPI", "name": "A_B.c"}, "versions": ["1.0", "2"]},
            ])),
            None,
        )
        .unwrap();
        assert_eq!(listed.subjects, ["package:python:a-b-c=1.0", "package:python:a-b-c=2"]);
        assert_eq!((listed.others, listed.first_other.as_deref()), (1, Some("left-pad of npm")));
        let mut withdrawn = advisory(&json!([package("Debian:12", "x", &events)]));
        withdrawn["withdrawn"] = json!("2024-01-01T00:00:00Z");
        let listed = read(&withdrawn, None).unwrap();
        assert_eq!((listed.subjects.len(), listed.others), (0, 1));
        // Both of what is installed and of what that was built from; versions that no range has are taken one by one.
        let mut rpm = package("AlmaLinux:9", "xz", &json!([{"introduced": "0"}, {"fixed": "5.2-1.el9"}]));
        rpm["versions"] = json!(["5.1-1.el9", "5.4-1.el9"]);
        let expected =
            ["package:xz<5.2-1.el9", "package:xz=5.4-1.el9", "source:xz<5.2-1.el9", "source:xz=5.4-1.el9"];
        assert_eq!(read(&advisory(&json!([rpm])), None).unwrap().subjects, expected);
        for other in [json!({}), json!([]), json!({"id": "x"}), json!([{"id": "x", "affected": []}, {}])] {
            assert_eq!(advisories(&other), None, "{other}");
        }
    }
}
