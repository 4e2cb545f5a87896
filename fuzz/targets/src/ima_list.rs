//! IMA lists: every record or an error, the same replay whether taken at once, resumed or in chunks; text lists too.

use std::fmt::Write as _;

use evidence::digest::HashAlg;
use evidence::ima::{
    ImaList, ImaReplay, ImaSignature, ImaState, ImaStream, MeasuredBuffer, StreamItem, replay_prefix,
};

/// The target's body.
pub fn ima_list(bytes: &[u8]) {
    let whole = stream(bytes, bytes.len().max(1));
    assert_eq!(stream(bytes, 1), whole);
    assert_eq!(stream(bytes, 61), whole);
    let list = ImaList::detect(bytes);
    let mut state = ImaReplay::start(HashAlg::Sha256);
    for record in list.records().map_while(Result::ok) {
        let _fields = record.fields();
        assert!(!record.describe().chars().any(char::is_control));
        let Some(next) = state.extend(&record) else { return };
        state = next;
    }
    let found = replay_prefix(ImaReplay::start(HashAlg::Sha256), list, &state.value());
    assert!(found.is_ok_and(|prefix| prefix.verified.value() == state.value()));
}

/// Everything that a stream says of a list that comes in such chunks.
fn stream(bytes: &[u8], chunk: usize) -> (ImaState, String) {
    let (mut stream, mut state) = (ImaStream::new(), ImaState::start(&[HashAlg::Sha1, HashAlg::Sha256]));
    let mut said = String::new();
    let mut take = |item: StreamItem<'_>| match item {
        StreamItem::Record(record) => {
            let check = state.extend_checked(&record);
            let (number, offset, text) = (record.number, record.offset, record.describe());
            let _ = writeln!(said, "{number} {offset} {check:?} {text}");
            let Ok(fields) = record.fields() else { return };
            let _signature = fields.signature.map(ImaSignature::parse);
            if let Some(MeasuredBuffer::DeviceMapper(event)) = MeasuredBuffer::of(&fields) {
                let roots = event.targets().filter_map(|target| target.verity()).count();
                assert!(event.name().is_none_or(|name| name.len() < bytes.len()) && roots <= bytes.len());
            }
        }
        StreamItem::BadLine { offset, error } => {
            let _ = writeln!(said, "{offset} {error}");
        }
    };
    let mut end = bytes.chunks(chunk).try_for_each(|chunk| stream.push(chunk, &mut take));
    if end.is_ok() {
        end = stream.finish(&mut take);
    }
    let _ = write!(said, "{end:?} {:?} {} {}", stream.form(), stream.count(), stream.offset());
    (state, said)
}
