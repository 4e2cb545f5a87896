//! IMA lists.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::ima::{ImaList, ImaReplay, replay_prefix};

use super::{CONSTANT, Row};
use crate::samples::of_boots;

pub(super) fn row() -> Row {
    Row {
        name: "IMA list",
        module: "ima",
        fuzz: "ima_list",
        real: || of_boots("binary_runtime_measurements"),
        hostile: &[("records without data", records)],
        scale: 16 << 10,
        read,
        multiple: 4,
        constant: CONSTANT,
    }
}

fn read(bytes: &[u8]) {
    let list = ImaList::detect(bytes);
    let mut state = ImaReplay::start(HashAlg::Sha256);
    for record in list.records().map_while(Result::ok) {
        let _fields = black_box(record.fields());
        let _check = black_box(record.listed_check());
        let _text = black_box(record.describe());
        let Some(next) = state.extend(&record) else { return };
        state = next;
    }
    let _prefix = black_box(replay_prefix(ImaReplay::start(HashAlg::Sha256), list, &state.value()));
}

fn records(size: usize) -> Vec<u8> {
    let mut record = vec![10, 0, 0, 0];
    record.extend_from_slice(&[1; 20]);
    record.extend_from_slice(&[1, 0, 0, 0, b'd', 0, 0, 0, 0]);
    record.repeat(size / record.len())
}
