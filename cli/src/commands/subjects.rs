//! Subjects from files as they are handed round on a bad day.
//!
//! In: a list of subjects or digests, a table of comma-separated values, STIX 2.1 indicators, a `CycloneDX` or SPDX document, an update of dbx,
//! levels of SBAT, advisories as OSV has them, packages.
//! Out: subjects, and how many entries say nothing that can be asked. Those are told, since an answer about the others does not speak
//! for them. What a file claims is not checked.

mod osv;
mod packages;
mod stix;

use std::path::Path;

use evidence::efi::{Container, EfiError, Entry, EntryValue, SignatureType};
use inquiry::subject::Subject;
use serde_json::Value;

use crate::error::CliError;
use crate::files;
use crate::limits::{PACKAGE_FILE_BYTES, SUBJECT_LIST_BYTES};
use osv::OsvError;
use packages::Package;

/// What a file gives.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) subjects: Vec<String>,
    /// Entries that cannot be asked about, and the first of them.
    pub(super) others: usize,
    pub(super) first_other: Option<String>,
}

impl Listed {
    fn other(&mut self, what: impl Into<String>) {
        self.others += 1;
        self.first_other.get_or_insert(what.into());
    }

    fn take(&mut self, written: &str) -> bool {
        match written.parse::<Subject>() {
            Ok(subject) => {
                self.subjects.push(subject.to_string());
                true
            }
            Err(_) => false,
        }
    }

    fn sha256(&mut self, kind: &str, digest: &str) -> bool {
        self.take(&format!("{kind}:{}", digest.to_ascii_lowercase()))
    }
}

/// Reads a file; of an advisory about several releases the part behind the last `#` says which.
pub(super) fn read(path: &str) -> Result<Listed, CliError> {
    match path.rsplit_once('#') {
        Some((file, release)) if !Path::new(path).exists() => read_of(Path::new(file), Some(release)),
        _ => read_of(Path::new(path), None),
    }
}

fn read_of(path: &Path, release: Option<&str>) -> Result<Listed, CliError> {
    let bytes = files::read(path, PACKAGE_FILE_BYTES)?;
    if let Some(package) = packages::read(&bytes) {
        let package = package.map_err(|why| CliError::input(path, why))?;
        return Ok(of_package(&package));
    }
    if bytes.len() > SUBJECT_LIST_BYTES {
        return Err(CliError::too_long(path, SUBJECT_LIST_BYTES));
    }
    let has_releases =
        || std::str::from_utf8(&bytes).is_ok_and(|text| text.trim_start().starts_with(['{', '[']));
    if release.is_some() && !has_releases() {
        return Err(CliError::input(path, "only advisories are of releases"));
    }
    if let Some(listed) = signature_lists(&bytes) {
        return listed.map_err(|error| CliError::input(path, format_args!("lists of revocations: {error}")));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| CliError::not_text(path))?;
    if text.trim_start().starts_with(['{', '[']) {
        let document: Value = serde_json::from_str(text).map_err(|error| CliError::input(path, error))?;
        if let Some(advisories) = osv::advisories(&document) {
            let of_release = |error: OsvError| {
                let error = CliError::input(path, error);
                error.hint(format!(
                    "the release stands behind the file's name: '@{}#Debian:12'",
                    path.display()
                ))
            };
            return osv::affected(&advisories, release).map_err(of_release);
        }
        if release.is_some() {
            return Err(CliError::input(path, "only advisories are of releases"));
        }
        return document_of(&document).ok_or_else(|| {
            CliError::input(path, "JSON that is neither STIX nor CycloneDX nor SPDX nor OSV")
                .hint("a list has one subject a line; `lydian trusted --help` shows their kinds")
        });
    }
    if text.starts_with("sbat,") {
        return levels(path, text);
    }
    let is_table = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
    if is_table { table(path, text) } else { lines(path, text) }
}

/// The package at its version, and what of it can run, wherever that is.
fn of_package(package: &Package) -> Listed {
    let mut listed = Listed::default();
    let named = format!("package:{}={}", package.name, package.version);
    if !listed.take(&named) {
        listed.other(named);
    }
    listed.subjects.extend(package.programs.iter().map(|digest| format!("file:{digest}")));
    listed
}

/// One subject a line, with comments behind a number sign; a bare SHA-256 is a file's, with what `sha256sum` writes behind.
fn lines(path: &Path, text: &str) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let word = line.split_whitespace().next().unwrap_or(line);
        let written =
            if is_sha256(word) { format!("file:{}", word.to_ascii_lowercase()) } else { line.to_owned() };
        let found = written.parse::<Subject>();
        let found = found.map_err(|error| CliError::input(path, format_args!("line {number}: {error}")))?;
        listed.subjects.push(found.to_string());
    }
    Ok(listed)
}

/// Levels of SBAT, as shim has them: what boots by a lower one is what is asked about.
fn levels(path: &Path, text: &str) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    for (number, line) in (1_usize..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let mut fields = line.trim().split(',');
        let (component, generation) = (fields.next().unwrap_or_default(), fields.next().unwrap_or_default());
        // The first line is of the format itself, with the date of the levels.
        if component == "sbat" {
            continue;
        }
        if !listed.take(&format!("boot:sbat<{component},{generation}")) {
            let what = "a level of SBAT is a component's name and a generation";
            return Err(CliError::input(path, format_args!("line {number}: {what}")));
        }
    }
    Ok(listed)
}

/// Of each row every field that is a subject or a SHA-256. A row without one is a heading, if it is the first.
fn table(path: &Path, text: &str) -> Result<Listed, CliError> {
    let mut listed = Listed::default();
    for (number, line) in (1_usize..).zip(text.lines()) {
        let mut found = false;
        for field in line.split([',', ';', '\t']).map(|field| field.trim().trim_matches('"')) {
            found |= if is_sha256(field) { listed.sha256("file", field) } else { listed.take(field) };
        }
        if !found && number > 1 && !line.trim().is_empty() {
            return Err(CliError::input(
                path,
                format_args!("row {number} has neither a subject nor a SHA-256"),
            ));
        }
    }
    Ok(listed)
}

fn is_sha256(word: &str) -> bool {
    word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn document_of(document: &Value) -> Option<Listed> {
    let text = |key: &str| document.get(key).and_then(Value::as_str);
    if text("type") == Some("bundle") || text("type") == Some("indicator") {
        return Some(stix(document));
    }
    if text("bomFormat") == Some("CycloneDX") {
        return Some(cyclone(document));
    }
    text("spdxVersion").map(|_| spdx(document))
}

//= STIX 2.1 §4.7: an indicator's pattern; §9: comparisons such as [file:hashes.'SHA-256' = '…']
fn stix(bundle: &Value) -> Listed {
    let mut listed = Listed::default();
    let alone = std::slice::from_ref(bundle);
    let objects = bundle.get("objects").and_then(Value::as_array).map_or(alone, Vec::as_slice);
    for object in
        objects.iter().filter(|object| object.get("type").and_then(Value::as_str) == Some("indicator"))
    {
        let pattern = object.get("pattern").and_then(Value::as_str).unwrap_or_default();
        let comparisons = stix::comparisons(pattern);
        if comparisons.is_empty() {
            listed.other(pattern);
        }
        for comparison in comparisons {
            let kind = match comparison.path.replace(['\'', '"'], "").as_str() {
                "file:hashes.SHA-256" | "file:hashes.SHA256" => Some("file"),
                "x509-certificate:hashes.SHA-256" | "x509-certificate:hashes.SHA256" => Some("cert"),
                _ => None,
            };
            match kind.filter(|_| comparison.is_equality) {
                Some(kind) => {
                    for value in comparison.values {
                        if !listed.sha256(kind, &value) {
                            listed.other(value);
                        }
                    }
                }
                None => listed.other(comparison.path),
            }
        }
    }
    listed
}

/// Components with their SHA-256, or as packages of a distribution.
fn cyclone(document: &Value) -> Listed {
    let mut listed = Listed::default();
    let mut open: Vec<&Value> =
        document.get("components").and_then(Value::as_array).into_iter().flatten().collect();
    while let Some(component) = open.pop() {
        open.extend(component.get("components").and_then(Value::as_array).into_iter().flatten());
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
        let mut found = false;
        for hash in component.get("hashes").and_then(Value::as_array).into_iter().flatten() {
            let content = text(hash, "content").unwrap_or_default();
            found |= text(hash, "alg").as_deref() == Some("SHA-256") && listed.sha256("file", &content);
        }
        let package = text(component, "purl").and_then(|purl| package_of(&purl));
        found |= package.is_some_and(|package| listed.take(&package));
        if !found {
            listed.other(text(component, "name").unwrap_or_default());
        }
    }
    listed.subjects.sort_unstable();
    listed
}

/// Files with their SHA-256, and packages of a distribution.
fn spdx(document: &Value) -> Listed {
    let mut listed = Listed::default();
    let text = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(str::to_owned);
    let list = |key: &str| document.get(key).and_then(Value::as_array).into_iter().flatten();
    for file in list("files") {
        let sums = file.get("checksums").and_then(Value::as_array).into_iter().flatten();
        let mut sums = sums.filter(|sum| text(sum, "algorithm").as_deref() == Some("SHA256"));
        let digest = sums.find_map(|sum| text(sum, "checksumValue"));
        if !digest.is_some_and(|digest| listed.sha256("file", &digest)) {
            listed.other(text(file, "fileName").unwrap_or_default());
        }
    }
    for package in list("packages") {
        let references = package.get("externalRefs").and_then(Value::as_array).into_iter().flatten();
        let mut purls = references.filter_map(|reference| text(reference, "referenceLocator"));
        let found = purls.find_map(|purl| package_of(&purl));
        if !found.is_some_and(|package| listed.take(&package)) {
            listed.other(text(package, "name").unwrap_or_default());
        }
    }
    listed
}

//= Package URL: pkg:type/namespace/name@version?qualifiers#subpath, each part percent-encoded
fn package_of(purl: &str) -> Option<String> {
    let rest = purl.strip_prefix("pkg:deb/").or_else(|| purl.strip_prefix("pkg:rpm/"))?;
    let rest = rest.split(['?', '#']).next()?;
    let (path, version) = rest.rsplit_once('@')?;
    let name = path.rsplit('/').next()?;
    let epoch = purl.split_once('?').and_then(|(_, qualifiers)| {
        qualifiers.split('&').find_map(|qualifier| qualifier.strip_prefix("epoch="))
    });
    let version = decoded(version)?;
    let version = epoch.map_or_else(|| version.clone(), |epoch| format!("{epoch}:{version}"));
    Some(format!("package:{}={version}", decoded(name)?))
}

fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// What an update of dbx revokes, or what such a list holds; `None` where it is neither.
fn signature_lists(bytes: &[u8]) -> Option<Result<Listed, EfiError>> {
    // Text has no header of an update and begins with no GUID of a kind of list.
    if std::str::from_utf8(bytes).is_ok() {
        return None;
    }
    let lists = match Container::detect(bytes) {
        Ok(container) => container.lists(),
        Err(error) => return Some(Err(error)),
    };
    let mut listed = Listed::default();
    for (number, list) in lists.enumerate() {
        match list {
            Ok(list) if number == 0 && matches!(list.kind(), SignatureType::Other(_)) => return None,
            Ok(list) => list.entries().for_each(|entry| listed.entry(&entry)),
            Err(_) if number == 0 => return None,
            Err(error) => return Some(Err(error)),
        }
    }
    (!listed.subjects.is_empty() || listed.others > 0).then_some(Ok(listed))
}

impl Listed {
    fn entry(&mut self, entry: &Entry<'_>) {
        let taken = match entry.value() {
            EntryValue::Hash { kind: SignatureType::Sha256, bytes } => {
                self.sha256("image", &hex::encode(bytes))
            }
            EntryValue::Certificate { certificate, .. } => {
                self.take(&format!("cert:{}", certificate.sha256()))
            }
            EntryValue::CertificateHash { hash, .. } => self.take(&format!("cert:{hash}")),
            _ => false,
        };
        if !taken {
            self.other(format!("an entry of kind {}", entry.kind()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, content: &[u8]) -> Result<Listed, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        read(path.to_str().unwrap()).map_err(|error| error.to_string())
    }

    fn digest(byte: u8) -> String {
        hex::encode([byte; 32])
    }

    #[test]
    fn lists_hold_subjects_and_what_sha256sum_writes() {
        let content = format!("# bad\n\n{}  ./a b\npackage:xz-utils>=5.6.0\n", "AB".repeat(32));
        let listed = file("list", content.as_bytes()).unwrap();
        assert_eq!(
            listed.subjects,
            [format!("file:{}", "ab".repeat(32)), "package:xz-utils>=5.6.0".to_owned()]
        );
        let error = file("list", b"\nfile:1\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn levels_of_sbat_are_what_boots_below_them() {
        let listed = file("SbatLevel.csv", b"sbat,1,2024010900\nshim,4\ngrub,3\ngrub.debian,4\n\n").unwrap();
        assert_eq!(listed.subjects, ["boot:sbat<shim,4", "boot:sbat<grub,3", "boot:sbat<grub.debian,4"]);
        let error = file("levels", b"sbat,1,2024010900\nshim,x\n").unwrap_err();
        assert!(error.contains("line 2"), "{error}");
    }

    #[test]
    fn every_field_of_a_table_that_says_something_is_taken() {
        let content = format!("name,sha256\nliblzma,\"{}\"\nx,path:/usr/bin/x,{}\n", digest(1), digest(2));
        let listed = file("iocs.csv", content.as_bytes()).unwrap();
        let [first, second] = [1, 2].map(|byte| format!("file:{}", digest(byte)));
        assert_eq!(listed.subjects, [first, "path:/usr/bin/x".to_owned(), second]);
        let error = file("iocs.csv", b"name\nnothing\n").unwrap_err();
        assert!(error.contains("row 2"), "{error}");
    }

    #[test]
    fn indicators_that_say_something_else_are_counted() {
        let content = serde_json::json!({"type": "bundle", "objects": [
            {"type": "indicator", "pattern": format!("[file:hashes.'SHA-256' = '{}' OR file:hashes.MD5 = 'x']", digest(1))},
            {"type": "indicator", "pattern": format!("[x509-certificate:hashes.\"SHA-256\" = '{}']", digest(2))},
            {"type": "indicator", "pattern": "[domain-name:value = 'evil.example']"},
            {"type": "malware", "name": "x"},
        ]});
        let listed = file("stix.json", content.to_string().as_bytes()).unwrap();
        assert_eq!(listed.subjects, [format!("file:{}", digest(1)), format!("cert:{}", digest(2))]);
        assert_eq!((listed.others, listed.first_other.as_deref()), (2, Some("file:hashes.MD5")));
    }

    #[test]
    fn bills_of_materials_name_files_and_packages() {
        let cyclone = serde_json::json!({"bomFormat": "CycloneDX", "components": [
            {"name": "liblzma", "hashes": [{"alg": "SHA-256", "content": digest(1)}, {"alg": "MD5", "content": "x"}]},
            {"name": "xz", "purl": "pkg:deb/debian/xz-utils@5.6.1%2Breally5.4.5-1?arch=amd64"},
            {"name": "b", "purl": "pkg:rpm/fedora/b@2-1.fc40?epoch=1", "components": [{"name": "npm", "purl": "pkg:npm/x@1"}]},
        ]});
        let listed = file("bom.json", cyclone.to_string().as_bytes()).unwrap();
        let expected = [
            format!("file:{}", digest(1)),
            "package:b=1:2-1.fc40".to_owned(),
            "package:xz-utils=5.6.1+really5.4.5-1".to_owned(),
        ];
        assert_eq!((listed.subjects.as_slice(), listed.others), (expected.as_slice(), 1));
        let spdx = serde_json::json!({"spdxVersion": "SPDX-2.3",
            "files": [{"fileName": "./a", "checksums": [{"algorithm": "SHA256", "checksumValue": digest(3)}]}],
            "packages": [{"name": "curl", "externalRefs": [{"referenceLocator": "pkg:deb/debian/curl@7.88.1-10"}]}, {"name": "none"}],
        });
        let listed = file("spdx.json", spdx.to_string().as_bytes()).unwrap();
        assert_eq!(listed.subjects, [format!("file:{}", digest(3)), "package:curl=7.88.1-10".to_owned()]);
        assert_eq!(listed.first_other.as_deref(), Some("none"));
        assert!(file("other.json", b"{\"a\": 1}").unwrap_err().contains("neither STIX"));
    }

    #[test]
    fn lists_of_revocations_are_images_and_certificates() {
        let kind =
            [0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28];
        let numbers: Vec<u8> = [28 + 48_u32, 0, 48].into_iter().flat_map(u32::to_le_bytes).collect();
        let list = [&kind[..], &numbers, &[0; 16], &[7; 32]].concat();
        let listed = file("dbx.esl", &list).unwrap();
        assert_eq!(listed.subjects, [format!("image:{}", digest(7))]);
        let error = file("dbx.esl", &[&list[..], &list[..40]].concat()).unwrap_err();
        assert!(error.contains("lists of revocations"), "{error}");
        let error = file("noise", &[0xff; 40]).unwrap_err();
        assert!(error.contains("not UTF-8 text"), "{error}");
    }
}
