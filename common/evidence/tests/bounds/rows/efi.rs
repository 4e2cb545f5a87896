//! Signature lists and updates of variables.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::efi::{Container, EntryValue};

use super::{CONSTANT, Row};
use crate::samples::file;

pub(super) fn row() -> Row {
    Row {
        name: "signature lists",
        module: "efi",
        fuzz: "siglist",
        real: || {
            ["db.esl", "dbx.esl", "dbx.auth"]
                .map(|name| file(&format!("tests/vectors/signing/{name}")))
                .into()
        },
        hostile: &[
            ("lists without entries", |size| list(0, 16).repeat(size / 28)),
            ("entries without data", |size| [list(size, 16), vec![0; size]].concat()),
            ("hashes", |size| {
                let size = size / 48 * 48;
                [list(size, 48), vec![0; size]].concat()
            }),
        ],
        scale: 4_032,
        read,
        multiple: 4,
        constant: CONSTANT,
    }
}

fn read(bytes: &[u8]) {
    let Ok(container) = Container::detect(bytes) else { return };
    for list in container.lists().map_while(Result::ok) {
        for entry in list.entries() {
            let _owner = black_box((entry.owner().name(), entry.offset()));
            if let EntryValue::Certificate { certificate, .. } = entry.value() {
                let _names =
                    black_box((certificate.subject().to_string(), certificate.tbs_hash(HashAlg::Sha256)));
            }
        }
    }
    if let Container::Authenticated(update) = container {
        let _signed =
            black_box(update.signed_data().map(|signed| signed.map(|signed| signed.signers().count())));
    }
}

/// The header of a list of hashes with so many bytes of entries.
fn list(entries: usize, each: u32) -> Vec<u8> {
    let guid =
        [0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28];
    let sizes = [u32::try_from(28 + entries).unwrap(), 0, each].map(u32::to_le_bytes);
    [&guid, sizes.as_flattened()].concat()
}
