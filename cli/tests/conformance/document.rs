//! `docs/conformance.md`: its tables are those of the test.

use std::path::Path;

/// Holds the block of this name in the document against its text; writes it where `LYDIAN_WRITE_DOCS` is set.
pub(crate) fn holds(block: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/conformance.md");
    let document = std::fs::read_to_string(&path).unwrap();
    let (begin, end) = (format!("<!-- {block} -->\n"), format!("<!-- end of {block} -->\n"));
    let start = document.find(&begin).expect("the block begins") + begin.len();
    let stop = document[start..].find(&end).expect("the block ends") + start;
    if std::env::var_os("LYDIAN_WRITE_DOCS").is_some() {
        std::fs::write(&path, [&document[..start], text, &document[stop..]].concat()).unwrap();
        return;
    }
    assert!(
        &document[start..stop] == text,
        "the block {block} of docs/conformance.md is not what the test has (LYDIAN_WRITE_DOCS=1 writes it):\n{text}"
    );
}
