//! Python distributions: which of them has which file, with which SHA-256.
//!
//! In: `*.dist-info` and `*.egg-info` in the directories for packages that the tree has. Out: claims of packages that are
//! called `python:NAME`, the name in the form that indices use. Whatever pip installs is there; what was copied by hand is
//! not, and a `.pth` file that names other places is not followed.

use std::os::unix::ffi::OsStringExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evidence::digest::Sha256Digest;

use super::dpkg::{lines, split_at};
use super::packages::{Claims, Package, Source, path_of, text};
use super::place::join;
use super::tree::Tree;

/// Directories of the tree, on the disk, that distributions are installed in.
pub(crate) fn sites(tree: &Tree) -> Vec<Vec<u8>> {
    let is_site = |path: &[u8]| path.ends_with(b"/site-packages") || path.ends_with(b"/dist-packages");
    tree.iter().filter(|(path, _)| is_site(path)).map(|(path, _)| path.to_vec()).collect()
}

/// Puts all distributions to the tree.
pub(crate) fn read(sites: &[Vec<u8>], claims: &mut Claims<'_>) {
    for site in sites {
        let entries = std::fs::read_dir(path_of(site)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().into_vec()).collect();
        names.sort_unstable();
        for name in names {
            if name.ends_with(b".dist-info") {
                wheel(site, &name, claims);
            } else if name.ends_with(b".egg-info") {
                egg(site, &name, claims);
            }
        }
    }
}

//= Python packaging, "Recording installed projects": RECORD lists paths from the directory that .dist-info is in
fn wheel(site: &[u8], info: &[u8], claims: &mut Claims<'_>) {
    let info = path_of(&join(site, info));
    let Some(package) = package(&info.join("METADATA")) else { return };
    let site = claims.places().shown(site).to_vec();
    let mut claimant = claims.begin(package);
    lines(&info.join("RECORD"), |line| {
        let Some((path, rest)) = field(line) else { return };
        let Some(key) = claims.claim(&mut claimant, &absolute(&site, &path)) else { return };
        if let Some(digest) = digest(rest) {
            claims.listed().put_sha256(key, digest);
        }
    });
    claims.end(claimant);
}

/// Older: a list without digests, from the `.egg-info` directory; often there is none.
fn egg(site: &[u8], info: &[u8], claims: &mut Claims<'_>) {
    let directory = path_of(&join(site, info));
    let Some(package) = package(&directory.join("PKG-INFO")) else { return };
    let base = join(claims.places().shown(site), info);
    let mut claimant = claims.begin(package);
    lines(&directory.join("installed-files.txt"), |line| {
        claims.claim(&mut claimant, &absolute(&base, line));
    });
    claims.end(claimant);
}

/// Name and version from a file of headers.
fn package(metadata: &Path) -> Option<Package> {
    let mut package = Package { source: Source::Python, ..Package::default() };
    let mut in_headers = true;
    lines(metadata, |line| {
        let line = line.trim_ascii_end();
        in_headers &= !line.is_empty();
        match split_at(line, b':').filter(|_| in_headers) {
            Some((b"Name", name)) if package.name.is_empty() => {
                package.name = text(format!("python:{}", normal(&text(name.trim_ascii()))).as_bytes());
            }
            Some((b"Version", version)) if package.version.is_empty() => {
                package.version = text(version.trim_ascii());
            }
            _ => {}
        }
    });
    (!package.name.is_empty()).then_some(package)
}

/// One form for names that are written in several.
//= PEP 503: runs of -, _ and . become one -, letters lowercase
fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

/// The first field of a line of comma-separated values, and what is behind it.
fn field(line: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let Some(mut rest) = line.strip_prefix(b"\"") else {
        return split_at(line, b',').map(|(field, rest)| (field.to_vec(), rest));
    };
    let mut field = Vec::new();
    loop {
        let (part, behind) = split_at(rest, b'"')?;
        field.extend_from_slice(part);
        match behind {
            [b'"', behind @ ..] => {
                field.push(b'"');
                rest = behind;
            }
            [b',', behind @ ..] => return Some((field, behind)),
            _ => return None,
        }
    }
}

/// `sha256=` and base64 without padding, before the size.
fn digest(rest: &[u8]) -> Option<Sha256Digest> {
    let (digest, _) = split_at(rest, b',')?;
    let bytes = URL_SAFE_NO_PAD.decode(digest.strip_prefix(b"sha256=")?).ok()?;
    Sha256Digest::from_slice(&bytes).ok()
}

/// A path from a directory, without `.` and `..`.
fn absolute(directory: &[u8], path: &[u8]) -> Vec<u8> {
    let from: &[u8] = if path.starts_with(b"/") { b"" } else { directory };
    let mut out: Vec<&[u8]> = Vec::new();
    for part in from.split(|byte| *byte == b'/').chain(path.split(|byte| *byte == b'/')) {
        match part {
            b"" | b"." => {}
            b".." => {
                out.pop();
            }
            part => out.push(part),
        }
    }
    [b"/", out.join(&b'/').as_slice()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_record() {
        let check = |line: &str, path: &str, rest: &str| {
            let expected = (path.as_bytes().to_vec(), rest.as_bytes());
            assert_eq!(field(line.as_bytes()), Some(expected));
        };
        check("a/b.py,sha256=x,3", "a/b.py", "sha256=x,3");
        check("\"a,\"\"b\"\".py\",,", "a,\"b\".py", ",");
        assert_eq!(field(b"alone"), None);
        assert_eq!(field(b"\"open"), None);
        assert_eq!(
            digest(b"sha256=47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU,0"),
            Some(Sha256Digest::of(&[]))
        );
        assert_eq!(digest(b",0"), None);
        assert_eq!(digest(b"md5=47DEQpj8HBSa,0"), None);
    }

    #[test]
    fn paths_and_names_have_one_form() {
        assert_eq!(absolute(b"/usr/lib/x", b"../../bin/./tool"), b"/usr/bin/tool");
        assert_eq!(absolute(b"/x", b"../../../y"), b"/y");
        assert_eq!(absolute(b"/x", b"/opt/tool"), b"/opt/tool");
        assert_eq!(normal("Zope._Interface"), "zope-interface");
    }
}
