//! Files of an export, their items, and the records in them: what parses is written back to the same bytes.

use evidence::export::Item;
use evidence::record::{ActionRecord, EnrolmentRecord, RetirementRecord};
use wire::export::ItemReader;

/// The target's body.
pub fn export(bytes: &[u8]) {
    if let Ok(mut reader) = ItemReader::new(bytes) {
        let mut before = reader.offset();
        while let Ok(Some(item)) = reader.next_item() {
            assert!(reader.offset() > before);
            before = reader.offset();
            same(&item);
        }
    }
    if let Ok(item) = Item::decode(bytes) {
        assert_eq!(item.encode(), bytes);
        same(&item);
    }
    if let Ok(record) = EnrolmentRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(record) = RetirementRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
    if let Ok(record) = ActionRecord::decode(bytes) {
        assert_eq!(record.encode(), bytes);
    }
}

fn same(item: &Item) {
    assert_eq!(Item::decode(&item.encode()).as_ref(), Ok(item));
}
