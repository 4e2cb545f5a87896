//! ELF files, kernel modules and `OpenPGP` key rings.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::elf::{Elf, NoteKind};
use evidence::module::{Module, ModuleSignature, unpack};
use evidence::openpgp::{ComponentKind, KeyRing};

use super::{CONSTANT, Inputs, Row};
use crate::samples::of_folder;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "ELF file",
            module: "elf",
            fuzz: "elf",
            real: || of_folder("tests/vectors/modules", ".ko"),
            hostile: &[
                ("smallest notes in one area", |size| elf(&[(64, size)], size)),
                ("areas that overlap", |size| elf(&vec![(64, size / 2); size / 128], size / 2)),
                ("areas without notes", |size| elf(&vec![(64, 0); size / 64], 0)),
            ],
            scale: 16 << 10,
            read: read_elf,
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "kernel module",
            module: "module",
            fuzz: "module",
            real: modules,
            hostile: &[
                ("fields of one byte", |size| module(&[b'a', 0].repeat(size / 2))),
                ("zeros", |size| module(&vec![0; size])),
                ("closing texts", |size| MAGIC.repeat(size / MAGIC.len())),
            ],
            scale: 16 << 10,
            read: read_module,
            multiple: 4,
            // The decoders' own: xz has 32 KiB of tables and, of the samples, a dictionary of 1 MiB; Zstandard and gzip
            // have windows; and the buffer between decoder and output has 64 KiB.
            constant: 2 << 20,
        },
        Row {
            name: "OpenPGP key ring",
            module: "openpgp",
            fuzz: "openpgp",
            real: rings,
            hostile: &[
                ("empty packets", |size| [&KEY[..], &[0xcd, 0].repeat(size / 2)].concat()),
                ("keys alone", |size| KEY.repeat(size / KEY.len())),
                ("empty signatures", |size| [&KEY[..], &SIGNATURE.repeat(size / SIGNATURE.len())].concat()),
                ("empty lines of armour", |size| [BEGIN, &vec![b'\n'; size]].concat()),
                ("one line of armour", |size| [BEGIN, b"\n", &vec![b'A'; size]].concat()),
                ("empty blobs", |size| [BLOB, &[0, 0, 0, 5, 0].repeat(size / 5)].concat()),
            ],
            scale: 4 << 10,
            read: read_ring,
            multiple: 4,
            constant: CONSTANT,
        },
    ]
}

fn modules() -> Inputs {
    [".ko", ".ko.gz", ".ko.xz", ".ko.zst"]
        .iter()
        .flat_map(|end| of_folder("tests/vectors/modules", end))
        .collect()
}

fn rings() -> Inputs {
    [".gpg", ".asc", ".kbx"].iter().flat_map(|end| of_folder("tests/vectors/keyrings", end)).collect()
}

fn read_elf(bytes: &[u8]) {
    let Ok(elf) = Elf::parse(bytes) else { return };
    let _head = black_box((elf.elf_type().to_string(), elf.machine().to_string(), elf.interpreter()));
    let _names = black_box((elf.needed().count(), elf.comments().count(), elf.build_id()));
    let _sections = black_box(elf.sections().filter(|section| elf.section_name(section).is_some()).count());
    let _segments = black_box(elf.segments().count());
    for note in elf.notes().filter_map(Result::ok) {
        if let NoteKind::Properties(properties) = note.note.kind() {
            let _flags =
                black_box(properties.map(|property| property.flags(elf.machine()).count()).sum::<usize>());
        }
    }
    let _findings = black_box(elf.findings());
}

fn read_module(bytes: &[u8]) {
    let Ok(bytes) = unpack(bytes, 1 << 20) else { return };
    let Ok(module) = Module::parse(&bytes) else { return };
    let _digest = black_box(module.digest(HashAlg::Sha256));
    let _info = black_box((module.info().count(), module.info().first(b"name")));
    let _places = black_box((module.misplaced_signature(), module.is_signed_twice()));
    let _signers = module.signature().and_then(ModuleSignature::signed_data);
}

fn read_ring(bytes: &[u8]) {
    let Ok(ring) = KeyRing::read(bytes) else { return };
    for certificate in ring.certificates().filter_map(Result::ok) {
        let _unknown = black_box(certificate.unknown_packets());
        for component in certificate.components() {
            if let Ok(ComponentKind::Subkey(key)) = component.kind {
                let _key = black_box((key.fingerprint(), key.key_id(), key.bits()));
            }
            for signature in component.signatures().filter_map(Result::ok) {
                let _times =
                    black_box((signature.created(), signature.expires(), signature.key_expires_after()));
                let _signer = black_box((signature.issuers().count(), signature.unknown_critical()));
                let _numbers = black_box((signature.mpis::<1>(), signature.embedded().is_some()));
            }
        }
    }
}

/// A file whose sections are all of notes, over `body`'s zeros.
fn elf(areas: &[(usize, usize)], body: usize) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(64, 0);
    let mut put = |at: usize, bytes: &[u8]| out[at..at + bytes.len()].copy_from_slice(bytes);
    put(16, &3_u16.to_le_bytes());
    put(40, &u64::try_from(64 + body).unwrap().to_le_bytes());
    put(58, &64_u16.to_le_bytes());
    out.resize(64 + body, 0);
    // The first section holds their number.
    let mut first = [0; 64];
    first[32..40].copy_from_slice(&u64::try_from(areas.len() + 1).unwrap().to_le_bytes());
    out.extend(first);
    for (offset, size) in areas {
        let mut section = [0; 64];
        section[4] = 7;
        section[24..32].copy_from_slice(&u64::try_from(*offset).unwrap().to_le_bytes());
        section[32..40].copy_from_slice(&u64::try_from(*size).unwrap().to_le_bytes());
        out.extend(section);
    }
    out
}

const MAGIC: &[u8] = b"~Module signature appended~\n";

/// A module with this `.modinfo`.
fn module(info: &[u8]) -> Vec<u8> {
    let names = b"\0.modinfo\0.names\0";
    let mut out = elf(&[(64, info.len()), (64 + info.len(), names.len())], info.len() + names.len());
    out[64..64 + info.len()].copy_from_slice(info);
    out[64 + info.len()..64 + info.len() + names.len()].copy_from_slice(names);
    let sections = 64 + info.len() + names.len();
    out[62] = 2;
    for (number, (name, kind)) in [(1, (1, 1)), (2, (10, 3))] {
        out[sections + 64 * number] = name;
        out[sections + 64 * number + 4] = kind;
    }
    out
}

/// A key of version 4 with one number of eight bits in each place.
const KEY: [u8; 14] = [0xc6, 12, 4, 0, 0, 0, 0, 1, 0, 8, 0xff, 0, 8, 3];
/// A signature of version 4 without subpackets and numbers.
const SIGNATURE: [u8; 12] = [0xc2, 10, 4, 0x13, 1, 8, 0, 0, 0, 0, 0, 0];
const BEGIN: &[u8] = b"-----BEGIN PGP PUBLIC KEY BLOCK-----\n";
/// The first blob of a keybox.
const BLOB: &[u8] = &[0, 0, 0, 12, 1, 1, 0, 0, b'K', b'B', b'X', b'f'];
