//! IMA lists.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::ima::{ImaList, ImaReplay, ImaState, ImaStream, MeasuredBuffer, StreamItem, replay_prefix};

use super::{CONSTANT, Row};
use crate::samples::of_boots;

pub(super) fn row() -> Row {
    Row {
        name: "IMA list",
        module: "ima",
        fuzz: "ima_list",
        real: || [of_boots("binary_runtime_measurements"), of_boots("ascii_runtime_measurements")].concat(),
        hostile: &[
            ("records without data", records),
            ("a line without an end", line),
            ("lines without fields", lines),
            ("a format of many fields", fields),
        ],
        scale: 16 << 10,
        read,
        multiple: 4,
        constant: CONSTANT,
    }
}

fn read(bytes: &[u8]) {
    // Chunks of a few sizes: one byte at a time is the worst for whatever is looked at again and again.
    for size in [1, 4_096, bytes.len().max(1)] {
        let (mut stream, mut state) = (ImaStream::new(), ImaState::start(&[HashAlg::Sha256]));
        let mut take = |item: StreamItem<'_>| {
            let StreamItem::Record(record) = item else { return };
            let _check = black_box(state.extend_checked(&record));
            let _buffer =
                black_box(record.fields().ok().and_then(|fields| MeasuredBuffer::of(&fields).map(|_| ())));
        };
        for chunk in bytes.chunks(size) {
            let _damage = stream.push(chunk, &mut take);
        }
        let _damage = stream.finish(&mut take);
    }
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

fn line(size: usize) -> Vec<u8> {
    let mut line = b"10 0101010101010101010101010101010101010101 ima-buf sha256: x ".to_vec();
    line.resize(size, b'0');
    line
}

fn lines(size: usize) -> Vec<u8> {
    let line = b"1 0101010101010101010101010101010101010101 d\n";
    line.repeat(size / line.len())
}

fn fields(size: usize) -> Vec<u8> {
    let mut line = b"1 0101010101010101010101010101010101010101 ".to_vec();
    line.extend(b"n|".repeat(127));
    line.extend(b"n");
    line.extend(b" ".repeat(128));
    line.push(b'\n');
    line.repeat(size / line.len())
}
