//! Whose packages apt takes: keys, sources, and who signed what was last fetched.
//!
//! In: apt's configuration and its lists. Out: rings of keys as stores, and the sources with the lists' signers. A ring that
//! no source names in `Signed-By` lets nothing in but for those in `/etc/apt`. That a list's signature holds is apt's
//! finding, not this one's.
//= sources.list(5), apt-secure(8)

use std::borrow::Cow;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use evidence::asn1::decode_base64;
use evidence::openpgp::{Packets, Signature, Tag};
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use evidence::settings::{lines, source_lines, stanzas, words};

use super::draft::{Draft, Yield, address, text};
use super::forms;
use super::look::Look;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let mut trusted = vec![PathBuf::from("/etc/apt/trusted.gpg")];
    trusted.extend(look.with_endings("/etc/apt/trusted.gpg.d", RINGS));
    let rings = [
        ("apt:trusted", trusted),
        ("apt:/etc/apt/keyrings", look.with_endings("/etc/apt/keyrings", RINGS)),
        ("apt:/usr/share/keyrings", look.with_endings("/usr/share/keyrings", RINGS)),
    ];
    let mut drafts: Vec<Draft> = rings.into_iter().map(|(name, paths)| ring(look, name, paths)).collect();
    if let Some(trusted) = drafts.first_mut() {
        trusted.whole.fact("trusted-for", "every source without Signed-By");
    }
    for available in drafts.iter_mut().skip(1) {
        available.whole.fact("trusted-for", "sources that name a ring by Signed-By");
    }
    drafts.retain(|draft| !draft.is_empty());
    drafts.push(sources(look));
    drafts
}

const RINGS: &[&str] = &[".gpg", ".asc", ".pgp", ".kbx"];

/// Key rings as one store.
pub(crate) fn ring(look: &mut Look<'_>, name: &str, paths: impl IntoIterator<Item = PathBuf>) -> Draft {
    let mut draft = Draft::store(name);
    for path in paths {
        if let Some(found) = look.read(path) {
            draft.add(found, |bytes| forms::openpgp(bytes, Relation::Trusts));
        }
    }
    draft
}

/// A configured archive.
#[derive(Debug)]
struct Source {
    file: PathBuf,
    uri: Vec<u8>,
    suite: Vec<u8>,
    signed_by: Option<String>,
}

fn sources(look: &mut Look<'_>) -> Draft {
    let mut draft = Draft::sources("apt");
    let mut all = Vec::new();
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    files.extend(look.with_endings("/etc/apt/sources.list.d", &[".list", ".sources"]));
    for path in files {
        let Some(found) = look.read(&path) else { continue };
        let is_stanzas = path.as_os_str().as_bytes().ends_with(b".sources");
        draft.add(found, |bytes| {
            if is_stanzas { deb822(&path, bytes, &mut all) } else { one_line(&path, bytes, &mut all) }
        });
    }
    for path in look.with_endings("/var/lib/apt/lists", &["_InRelease", "_Release.gpg", "_Release"]) {
        let Some(found) = look.read(&path) else { continue };
        draft.add(found, |bytes| release(&path, bytes, &all));
    }
    draft
}

fn one_line(file: &Path, bytes: &[u8], all: &mut Vec<Source>) -> Yield {
    let mut yielded = Yield::default();
    for (number, line) in (1_usize..).zip(source_lines(bytes)) {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                yielded.fact("unparsed", error);
                continue;
            }
        };
        yielded.fact(
            &format!("source.{number}"),
            format!("{} {} {}", text(line.kind), address(line.uri), text(line.suite)),
        );
        for option in ["signed-by", "trusted", "allow-insecure", "allow-weak", "allow-downgrade-to-insecure"]
        {
            if let Some(value) = line.option(option) {
                yielded.fact(&format!("source.{number}.{option}"), text(value));
            }
        }
        let signed_by = line.option("signed-by");
        yielded.edges.extend(signed_by.into_iter().flat_map(fingerprints));
        let (uri, suite) = (line.uri.to_vec(), line.suite.to_vec());
        all.push(Source { file: file.to_owned(), uri, suite, signed_by: signed_by.map(text) });
    }
    yielded
}

fn deb822(file: &Path, bytes: &[u8], all: &mut Vec<Source>) -> Yield {
    let mut yielded = Yield::default();
    for (number, stanza) in (1_usize..).zip(stanzas(bytes)) {
        let get = |name: &str| stanza.field(name).unwrap_or_default();
        let (uris, suites) = (get("URIs"), get("Suites"));
        if uris.is_empty() && stanza.fields().next().is_none() {
            continue;
        }
        if uris.is_empty() || suites.is_empty() {
            yielded
                .fact("unparsed", format!("at byte {}: a stanza without addresses or suites", stanza.offset));
            continue;
        }
        let shown: Vec<String> = words(&uris).map(address).collect();
        let types = text(&get("Types"));
        yielded.fact(&format!("source.{number}"), format!("{types} {} {}", shown.join(" "), text(&suites)));
        for option in ["Enabled", "Trusted", "Allow-Insecure", "Allow-Weak", "Allow-Downgrade-To-Insecure"] {
            if let Some(value) = stanza.field(option) {
                yielded.fact(&format!("source.{number}.{}", option.to_ascii_lowercase()), text(&value));
            }
        }
        let signed_by = stanza.field("Signed-By").map(|value| signed_by(&value, &mut yielded));
        if let Some(signed_by) = &signed_by {
            yielded.fact(&format!("source.{number}.signed-by"), signed_by);
        }
        for uri in words(&uris) {
            for suite in words(&suites) {
                let (uri, suite) = (uri.to_vec(), suite.to_vec());
                all.push(Source { file: file.to_owned(), uri, suite, signed_by: signed_by.clone() });
            }
        }
    }
    yielded
}

/// Rings, fingerprints, or a whole key in the stanza itself.
fn signed_by(value: &[u8], yielded: &mut Yield) -> String {
    if value.trim_ascii_start().starts_with(b"-----BEGIN") {
        let embedded = forms::openpgp(value.trim_ascii_start(), Relation::Trusts);
        *yielded = std::mem::take(yielded).with(embedded);
        return "a key in the file itself".into();
    }
    yielded.edges.extend(fingerprints(value));
    let values: Vec<String> = words(value).map(text).collect();
    values.join(" ")
}

/// Fingerprints among the values of `Signed-By`; a `!` behind one excludes its subkeys.
fn fingerprints(value: &[u8]) -> Vec<Edge> {
    let each = value.split(|byte| byte.is_ascii_whitespace() || *byte == b',');
    let name = |value: &[u8]| {
        let id = hex::decode(value.strip_suffix(b"!").unwrap_or(value)).ok()?;
        Principal::new(PrincipalKind::OpenPgp, &id).ok()
    };
    each.filter_map(name).map(|principal| Edge::new(Relation::Trusts, vec![principal], "")).collect()
}

/// A list's description and its signers.
fn release(path: &Path, bytes: &[u8], all: &[Source]) -> Yield {
    let mut yielded = Yield::default();
    let signature = find(bytes, SIGNATURE);
    if let Some(armour) = signature.and_then(|at| bytes.get(at..)) {
        match signature_packets(armour) {
            Some(packets) => yielded.edges = signers(&packets),
            None => yielded.fact("unparsed", "the signature's armour"),
        }
    } else if path.as_os_str().as_bytes().ends_with(b".gpg") {
        yielded.edges = signers(bytes);
    }
    let described = bytes.get(..signature.unwrap_or(bytes.len())).unwrap_or_default();
    for stanza in stanzas(described).take(2) {
        for name in ["Origin", "Label", "Suite", "Codename", "Version", "Date", "Valid-Until"] {
            if let Some(value) = stanza.field(name) {
                yielded.fact(&name.to_ascii_lowercase(), text(&value));
            }
        }
    }
    let name = path.file_name().unwrap_or_default().as_bytes();
    if let Some(source) = all.iter().find(|source| source.is_of(name)) {
        yielded.fact("source", source.file.display());
        yielded.fact("keyring", source.signed_by.as_deref().unwrap_or("apt:trusted"));
    } else {
        yielded.fact("source", "none that is configured");
    }
    yielded
}

impl Source {
    /// Whether a list of this name is of this archive.
    fn is_of(&self, name: &[u8]) -> bool {
        let suite = self.suite.strip_suffix(b"/").map_or_else(
            || [&b"/dists/"[..], &self.suite].concat(),
            |flat| if flat.is_empty() { Vec::new() } else { [&b"/"[..], flat].concat() },
        );
        let uri = self.uri.strip_suffix(b"/").unwrap_or(&self.uri);
        let stem = file_name(&[uri, &suite].concat());
        name.strip_prefix(&*stem)
            .is_some_and(|rest| matches!(rest, b"_InRelease" | b"_Release.gpg" | b"_Release"))
    }
}

/// An address as apt makes a file's name of it.
//= apt, apt-pkg/contrib/strutl.cc: URItoFileName
fn file_name(uri: &[u8]) -> Cow<'static, [u8]> {
    let rest = find(uri, b"://").and_then(|at| uri.get(at.saturating_add(3)..)).unwrap_or(uri);
    let host = rest.iter().position(|byte| *byte == b'/').unwrap_or(rest.len());
    let secret = rest.get(..host).and_then(|host| host.iter().rposition(|byte| *byte == b'@'));
    let rest = secret.and_then(|at| rest.get(at.saturating_add(1)..)).unwrap_or(rest);
    let mut name = Vec::with_capacity(rest.len());
    for byte in rest {
        match byte {
            b'/' => name.push(b'_'),
            b'\\' | b'|' | b'{' | b'}' | b'[' | b']' | b'<' | b'>' | b'"' | b'^' | b'~' | b'_' | b'='
            | b'!' | b'@' | b'#' | b'$' | b'%' | b'&' | b'*' => {
                name.extend_from_slice(format!("%{byte:02x}").as_bytes());
            }
            _ => name.push(*byte),
        }
    }
    name.into()
}

/// The packets within the armour of a signature.
//= RFC 9580 §6.2: headers, an empty line, base64, a checksum behind `=`
fn signature_packets(armour: &[u8]) -> Option<Vec<u8>> {
    let mut body = lines(armour).map(|(_, line)| line.trim_ascii_end()).skip_while(|line| !line.is_empty());
    body.next()?;
    let digits: Vec<&[u8]> =
        body.take_while(|line| !line.starts_with(b"=") && !line.starts_with(b"-----")).collect();
    decode_base64(&digits.concat())
}

fn signers(packets: &[u8]) -> Vec<Edge> {
    let packets =
        Packets::new(packets, 0).map_while(Result::ok).filter(|packet| packet.tag == Tag::SIGNATURE);
    let signatures = packets.filter_map(|packet| Signature::parse(&packet).ok());
    signatures.filter_map(|signature| super::names::openpgp_signature(&signature)).collect()
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

const SIGNATURE: &[u8] = b"-----BEGIN PGP SIGNATURE-----";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_of_their_sources() {
        let check = |uri: &str, suite: &str, name: &str| {
            let source = Source { file: "x".into(), uri: uri.into(), suite: suite.into(), signed_by: None };
            assert!(source.is_of(name.as_bytes()), "{uri} {suite} {name}");
            assert!(!source.is_of(format!("x{name}").as_bytes()));
        };
        check("http://deb.debian.org/debian", "bookworm", "deb.debian.org_debian_dists_bookworm_InRelease");
        check("http://a/b/", "s/updates", "a_b_dists_s_updates_Release.gpg");
        check("https://u:p@h/x_y", "flat/", "h_x%5fy_flat_InRelease");
        check("https://h/x", "/", "h_x_InRelease");
    }

    #[test]
    fn fingerprints_are_names_and_paths_are_not() {
        let value = format!("/usr/share/k.gpg {}! {}", "AB".repeat(20), "12".repeat(3));
        assert_eq!(fingerprints(value.as_bytes()).len(), 1);
    }
}
