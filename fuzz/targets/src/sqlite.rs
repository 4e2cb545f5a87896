//! `SQLite` files: rows or an error, and an end however pages point to each other. Half of the input is the log.

use evidence::sqlite::{Columns, Database};

/// The target's body.
pub fn sqlite(bytes: &[u8]) {
    read(bytes, None);
    // The first two bytes say where the log starts.
    if let Some(([a, b], rest)) = bytes.split_first_chunk() {
        let (file, log) = rest.split_at(usize::from(u16::from_be_bytes([*a, *b])).min(rest.len()));
        read(file, Some(log));
    }
}

fn read(file: &[u8], log: Option<&[u8]>) {
    let log = log.as_ref().map(|log| log as &dyn evidence::source::Source);
    let Ok(database) = Database::open(&file, log) else { return };
    let _end = database.log_end();
    let root = database.table("Packages").ok().flatten().unwrap_or(1);
    let _rows = database.rows(root, &mut |_, record| {
        let columns = Columns::of(record).count();
        assert!(columns <= record.len());
    });
}
