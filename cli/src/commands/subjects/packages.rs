//! Packages as distributions hand them round: what was in the one that was bad.
//!
//! In: a .deb or .rpm. Out: the package at its version, and the contents of its programs, libraries and modules. Nothing is installed and no
//! signature is verified: the file says what is looked for, and it may say anything.
//= deb(5), deb-control(5); rpm, docs/manual/format_v4.md: lead, signature and header, each of which says how long it is

use std::io::{Cursor, Read as _};

use evidence::digest::Sha256Digest;
use evidence::module::unpack;
use evidence::rpm::{DigestAlgorithm, Header};

use crate::limits::PACKAGE_UNPACKED_BYTES;

/// What a package file says of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Package {
    pub(super) name: String,
    pub(super) version: String,
    /// Of what can run: each once.
    pub(super) programs: Vec<Sha256Digest>,
}

/// Reads a package; `None` where the bytes are none.
pub(super) fn read(bytes: &[u8]) -> Option<Result<Package, String>> {
    let mut package = if bytes.starts_with(AR_MAGIC) {
        deb(bytes)
    } else if bytes.starts_with(RPM_LEAD) {
        rpm(bytes)
    } else {
        return None;
    };
    if let Ok(package) = &mut package {
        package.programs.sort_unstable();
        package.programs.dedup();
    }
    Some(package)
}

fn deb(bytes: &[u8]) -> Result<Package, String> {
    let (mut control, mut programs) = (None, None);
    let mut rest = bytes.get(AR_MAGIC.len()..).unwrap_or_default();
    while !rest.is_empty() {
        let offset = bytes.len() - rest.len();
        let damaged = || format!("at byte {offset}: not a member of an archive");
        let (header, behind) = rest.split_at_checked(AR_HEADER_BYTES).ok_or_else(damaged)?;
        let field = |from: usize, to: usize| {
            std::str::from_utf8(header.get(from..to).unwrap_or_default()).unwrap_or_default().trim_end()
        };
        let name = field(0, 16).trim_end_matches('/');
        let length: usize = field(48, 58).parse().map_err(|_| damaged())?;
        if !header.ends_with(b"`\n") {
            return Err(damaged());
        }
        let (content, behind) = behind.split_at_checked(length).ok_or_else(damaged)?;
        if name.starts_with("control.tar") {
            control = Some(of_control(&member(name, content)?)?);
        } else if name.starts_with("data.tar") {
            programs = Some(of_data(&member(name, content)?)?);
        }
        // Members begin at even places.
        rest = behind.get(length % 2..).unwrap_or_default();
    }
    let (name, version) = control.ok_or("it has no control.tar")?;
    Ok(Package { name, version, programs: programs.ok_or("it has no data.tar")? })
}

fn member(name: &str, content: &[u8]) -> Result<Vec<u8>, String> {
    let unpacked = unpack(content, PACKAGE_UNPACKED_BYTES).map_err(|error| format!("{name}: {error}"))?;
    Ok(unpacked.into_owned())
}

/// Name and version.
fn of_control(tar: &[u8]) -> Result<(String, String), String> {
    let failed = |error: std::io::Error| format!("control.tar: {error}");
    for entry in tar::Archive::new(Cursor::new(tar)).entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        if !matches!(&*entry.path_bytes(), b"control" | b"./control") {
            continue;
        }
        let mut text = String::new();
        entry.by_ref().take(CONTROL_BYTES).read_to_string(&mut text).map_err(failed)?;
        let field = |name: &str| {
            let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
            value.map(|value| value.trim().to_owned()).ok_or_else(|| format!("control: there is no {name}"))
        };
        return Ok((field("Package")?, field("Version")?));
    }
    Err("control.tar: there is no control".to_owned())
}

/// Contents of what can run.
fn of_data(tar: &[u8]) -> Result<Vec<Sha256Digest>, String> {
    let failed = |error: std::io::Error| format!("data.tar: {error}");
    let mut programs = Vec::new();
    for entry in tar::Archive::new(Cursor::new(tar)).entries().map_err(failed)? {
        let mut entry = entry.map_err(failed)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path_bytes().into_owned();
        let mut content = Vec::new();
        // The archive is in memory: none of its members is longer.
        entry.read_to_end(&mut content).map_err(failed)?;
        if can_run(&path, &content) {
            programs.push(Sha256Digest::of(&[&content]));
        }
    }
    Ok(programs)
}

/// Scripts are left out: most are the same in many versions.
fn can_run(path: &[u8], content: &[u8]) -> bool {
    content.starts_with(b"\x7fELF") || content.starts_with(b"MZ") || is_module(path)
}

fn is_module(path: &[u8]) -> bool {
    [".ko", ".ko.xz", ".ko.zst", ".ko.gz"].iter().any(|ending| path.ends_with(ending.as_bytes()))
}

fn rpm(bytes: &[u8]) -> Result<Package, String> {
    let signature = bytes.get(RPM_LEAD_BYTES..).ok_or("it ends within its lead")?;
    let (_, length) = header(signature).map_err(|why| format!("the signature: {why}"))?;
    // The header begins at a multiple of eight bytes.
    let begin = RPM_LEAD_BYTES + length.next_multiple_of(8);
    let main = bytes.get(begin..).ok_or("it ends within its signature")?;
    let (main, _) = header(main).map_err(|why| format!("the header: {why}"))?;
    let name = main.name().ok_or("the header has no name")?;
    let algorithm = main.digest_algorithm();
    if algorithm != DigestAlgorithm::Sha256 {
        return Err("its files are named by other digests than SHA-256".to_owned());
    }
    let programs = main.files().filter(|file| file.is_elf() || is_module(file.name));
    let digest = |hex: &[u8]| std::str::from_utf8(hex).ok()?.parse::<Sha256Digest>().ok();
    Ok(Package {
        name: String::from_utf8_lossy(name).into_owned(),
        version: main.version(),
        programs: programs.filter_map(|file| digest(file.digest)).collect(),
    })
}

/// A header, and how many bytes it has.
fn header(bytes: &[u8]) -> Result<(Header<'_>, usize), String> {
    let rest = bytes.strip_prefix(RPM_HEADER).ok_or("it is none")?;
    let rest = rest.get(4..).ok_or("it is cut short")?;
    let number = |at: usize| {
        let bytes = rest.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes.map(|bytes| u64::from(u32::from_be_bytes(bytes))).ok_or("it is cut short")
    };
    let length = number(0)?.saturating_mul(16).saturating_add(number(4)?).saturating_add(8);
    let length = usize::try_from(length).map_err(|error| error.to_string())?;
    let own = rest.get(..length).ok_or("it is cut short")?;
    Ok((Header::parse(own).map_err(|error| error.to_string())?, length + RPM_HEADER.len() + 4))
}

const AR_MAGIC: &[u8] = b"!<arch>\n";
const AR_HEADER_BYTES: usize = 60;
const RPM_LEAD: &[u8] = &[0xed, 0xab, 0xee, 0xdb];
const RPM_LEAD_BYTES: usize = 96;
const RPM_HEADER: &[u8] = &[0x8e, 0xad, 0xe8, 0x01];
/// Control files have some kilobytes; descriptions are long.
const CONTROL_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut bytes = AR_MAGIC.to_vec();
        for (name, content) in members {
            bytes.extend(
                format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 100_644, content.len()).bytes(),
            );
            bytes.extend_from_slice(content);
            bytes.resize(bytes.len().next_multiple_of(2), b'\n');
        }
        bytes
    }

    fn tar_of(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            header.set_mode(0o755);
            builder.append_data(&mut header, name, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn package(data: &[(&str, &[u8])]) -> Vec<u8> {
        let control = tar_of(&[
            ("./md5sums", b""),
            ("./control", b"Package: xz-utils\nVersion: 5.6.0-1\nDescription: x\n y\n"),
        ]);
        ar(&[("debian-binary", b"2.0\n"), ("control.tar", &control), ("data.tar/", &tar_of(data))])
    }

    #[test]
    fn a_deb_is_its_name_and_what_of_it_can_run() {
        let long = format!("./usr/lib/{}/liblzma.so.5", "x".repeat(150));
        let found = read(&package(&[
            ("./usr/bin/xz", b"\x7fELF xz"),
            (&long, b"\x7fELF lzma"),
            ("./usr/bin/again", b"\x7fELF xz"),
            ("./usr/bin/xzgrep", b"#!/bin/sh\n"),
            ("./lib/modules/6.1/x.ko.xz", b"\xfd7zXZ"),
            ("./boot/x.efi", b"MZ"),
        ]));
        let package = found.unwrap().unwrap();
        let mut programs: Vec<Sha256Digest> = [&b"\x7fELF xz"[..], b"\x7fELF lzma", b"\xfd7zXZ", b"MZ"]
            .iter()
            .map(|content| Sha256Digest::of(&[content]))
            .collect();
        programs.sort_unstable();
        assert_eq!((package.name.as_str(), package.version.as_str()), ("xz-utils", "5.6.0-1"));
        assert_eq!(package.programs, programs);
    }

    #[test]
    fn what_is_damaged_is_told_with_its_place() {
        let whole = package(&[("./usr/bin/xz", b"\x7fELF xz")]);
        for end in (8..whole.len()).step_by(37) {
            assert!(read(&whole[..end]).unwrap().is_err(), "cut at {end}");
        }
        assert_eq!(
            read(&ar(&[("debian-binary", b"2.0\n")])).unwrap(),
            Err("it has no control.tar".to_owned())
        );
        assert_eq!(
            read(&[AR_MAGIC, &[b'x'; 70]].concat()).unwrap(),
            Err("at byte 8: not a member of an archive".to_owned())
        );
        for bytes in [RPM_LEAD.to_vec(), [RPM_LEAD, &[0; 200]].concat()] {
            assert!(read(&bytes).unwrap().is_err());
        }
        assert_eq!(read(b"package:xz\n"), None);
    }

    /// Packages of this machine's distribution, where the tools for them are there.
    #[test]
    fn dpkg_s_own_packages_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("p");
        std::fs::create_dir_all(root.join("DEBIAN")).unwrap();
        std::fs::create_dir_all(root.join("usr/bin")).unwrap();
        std::fs::write(root.join("usr/bin/true"), b"\x7fELF true").unwrap();
        let control = "Package: made\nVersion: 1:2-3\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n";
        std::fs::write(root.join("DEBIAN/control"), control).unwrap();
        for compression in ["gzip", "xz", "zstd", "none"] {
            let file = dir.path().join(format!("{compression}.deb"));
            let built = Command::new("dpkg-deb")
                .args(["--root-owner-group", &format!("-Z{compression}"), "--build"])
                .args([&root, &file])
                .output();
            match built {
                Ok(built) if built.status.success() => {}
                other => {
                    println!("skipped {compression}: {other:?}");
                    continue;
                }
            }
            let package = read(&std::fs::read(&file).unwrap()).unwrap().unwrap();
            assert_eq!((package.name.as_str(), package.version.as_str()), ("made", "1:2-3"));
            assert_eq!(package.programs, [Sha256Digest::of(&[b"\x7fELF true"])], "{compression}");
        }
    }

    #[test]
    fn an_rpm_says_what_it_has_in_its_header() {
        let header = |tags: &[(u32, u32, u32, Vec<u8>)]| {
            let (mut index, mut store) = (Vec::new(), Vec::new());
            for (tag, kind, count, bytes) in tags {
                store.resize(store.len().next_multiple_of(4), 0);
                let offset = u32::try_from(store.len()).unwrap();
                index.extend([*tag, *kind, offset, *count].map(u32::to_be_bytes).as_flattened());
                store.extend_from_slice(bytes);
            }
            let lengths =
                [tags.len(), store.len()].map(|length| u32::try_from(length).unwrap().to_be_bytes());
            [RPM_HEADER, &[0; 4], lengths.as_flattened(), &index, &store].concat()
        };
        let digest = |n: u8| Sha256Digest::new([n; 32]);
        let digests = format!("{}\0{}\0{}\0", digest(1), digest(2), digest(3)).into_bytes();
        let number =
            |numbers: &[u32]| numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<u8>>();
        let main = header(&[
            (1000, 6, 1, b"xz\0".to_vec()),
            (1001, 6, 1, b"5.6.0\0".to_vec()),
            (1002, 6, 1, b"1.fc40\0".to_vec()),
            (1035, 8, 3, digests),
            (1116, 4, 3, number(&[0, 0, 0])),
            (1117, 8, 3, b"xz\0README\0x.ko.xz\0".to_vec()),
            (1118, 8, 1, b"/usr/bin/\0".to_vec()),
            (1140, 4, 3, number(&[2, 0, 0])),
            (5011, 4, 1, number(&[8])),
        ]);
        let mut bytes = [RPM_LEAD, &[0; RPM_LEAD_BYTES - 4]].concat();
        bytes.extend(header(&[(1000, 6, 1, b"odd\0".to_vec())]));
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes.extend(&main);
        bytes.extend(b"payload");
        let expected = Package {
            name: "xz".into(),
            version: "5.6.0-1.fc40".into(),
            programs: vec![digest(1), digest(3)],
        };
        assert_eq!(read(&bytes).unwrap(), Ok(expected));
        for end in (4..bytes.len() - 8).step_by(11) {
            assert!(read(&bytes[..end]).unwrap().is_err(), "cut at {end}");
        }
    }
}
