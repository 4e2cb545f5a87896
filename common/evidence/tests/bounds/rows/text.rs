//! Files of settings, and lines of SSH keys.

use std::hint::black_box;

use evidence::asn1::pem_blocks;
use evidence::settings::{directives, kernel_keys, settings, source_lines, stanzas};
use evidence::ssh::{PublicKey, authorized_keys, known_hosts};

use super::{CONSTANT, Row};
use crate::samples::of_folder;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "lines of SSH keys",
            module: "ssh",
            fuzz: "ssh",
            real: || of_folder("fuzz/corpus/ssh", ""),
            hostile: &[
                ("short lines", |size| b"a b\n".repeat(size / 4)),
                ("one long key", |size| [&b"ssh-rsa "[..], &vec![b'A'; size]].concat()),
                ("many options", |size| [&b"a,".repeat(size / 2)[..], b" x"].concat()),
                ("quotes that never end", |size| b"\"\\".repeat(size / 2)),
                ("empty fields of a blob", |size| [&[0, 0, 0, 1, b'k'][..], &vec![0; size / 4 * 4]].concat()),
            ],
            scale: 4 << 10,
            read: read_keys,
            multiple: 4,
            // Two copies of a key's digits and the key, bounded by what one line may decode to.
            constant: 5 * CONSTANT,
        },
        Row {
            name: "files of settings",
            module: "settings",
            fuzz: "settings",
            real: || of_folder("fuzz/corpus/settings", ""),
            hostile: &[
                ("short stanzas", |size| b"a:\n\n".repeat(size / 4)),
                ("empty lines", |size| b"\n".repeat(size)),
                ("one value of many lines", |size| [&b"a=:\n"[..], &b" b\n".repeat(size / 3)].concat()),
                ("one line of many words", |size| [&b"deb "[..], &b"a ".repeat(size / 2)].concat()),
                ("blocks without an end", |size| b"-----BEGIN A\n".repeat(size / 13)),
                ("short blocks", |size| b"-----BEGIN A-----\nAA==\n-----END A-----\n".repeat(size / 40)),
            ],
            scale: 4 << 10,
            read: read_settings,
            multiple: 4,
            constant: CONSTANT,
        },
    ]
}

fn read_keys(bytes: &[u8]) {
    for line in authorized_keys(bytes) {
        let _read = black_box(
            line.map(|line| (line.options.pairs().count(), line.options.has("x"), line.key.comment.len())),
        );
    }
    for line in known_hosts(bytes) {
        let _read = black_box(line.map(|line| line.key.key().map(|key| key.sha256())));
    }
    let _key = black_box(PublicKey::of(bytes).map(|key| key.certificate()));
}

fn read_settings(bytes: &[u8]) {
    for stanza in stanzas(bytes) {
        let _read = black_box((stanza.fields().count(), stanza.field("none")));
    }
    let _settings = black_box(settings(bytes).count());
    let _directives = black_box(directives(bytes).flatten().count());
    for line in source_lines(bytes) {
        let _option = black_box(line.map(|line| line.option("none")));
    }
    for key in kernel_keys(bytes) {
        let _names = black_box(key.map(|key| (key.id_end(), key.id_text(), key.subject())));
    }
    let _blocks = black_box(pem_blocks(bytes).filter_map(|block| block.der).count());
}
