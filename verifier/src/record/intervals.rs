//! Since which leaf a host has each component: the open intervals of the history, packed.
//!
//! A row of the history is closed by its primary key, which holds the leaf that it began with; this is where that leaf
//! is known from. In and out: canonical bytes beside the host's state.

use std::collections::BTreeSet;

use evidence::cbor::{CborError, Reader, Writer};
use evidence::limits::BODY_COMPONENTS;
use ledger::tree::LeafIndex;

use crate::sql::{Batch, Connection, Rows};
use crate::store::{StoreError, to_i64};

/// Intervals of the history that begin and end together.
#[derive(Debug, Default)]
pub(super) struct History {
    opened: Vec<Key>,
    closed: Vec<(Key, i64)>,
}

/// Which interval; the order is that of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    component: i64,
    from: i64,
    host: i64,
}

impl History {
    /// Rows that lie together are written together, also where they are of many hosts.
    pub(super) fn write(mut self, batch: &mut Batch) {
        static OPENED: Rows =
            Rows::inserted("INSERT INTO host_component (component_id, from_leaf, host_id) ");
        static CLOSED: Rows = Rows {
            before: "WITH open (component, since, host, until) AS (",
            after: ") UPDATE host_component SET to_leaf = open.until FROM open
               WHERE component_id = open.component AND from_leaf = open.since AND host_id = open.host",
            changes_each: true,
        };
        self.closed.sort_unstable();
        for (Key { component, from, host }, until) in self.closed {
            batch.row(&CLOSED, [component.into(), from.into(), host.into(), until.into()]);
        }
        self.opened.sort_unstable();
        for Key { component, from, host } in self.opened {
            batch.row(&OPENED, [component.into(), from.into(), host.into()]);
        }
    }
}

/// Open intervals: component's row and first leaf, rising by component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Intervals(Vec<(i64, i64)>);

impl Intervals {
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, StoreError> {
        read(bytes).map(Self).map_err(|_| StoreError::Damaged { what: "a host's intervals" })
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(self.0.len() * 2);
        for (component, from) in &self.0 {
            w.uint(component.unsigned_abs()).uint(from.unsigned_abs());
        }
        w.finish()
    }

    /// Opens intervals.
    pub(super) fn open(&mut self, history: &mut History, host: i64, components: &[i64], leaf: LeafIndex) {
        let from = to_i64(leaf.get());
        history.opened.extend(components.iter().map(|component| Key { component: *component, from, host }));
        self.0.extend(components.iter().map(|component| (*component, from)));
        self.0.sort_unstable();
    }

    /// Closes the intervals of components; one that is not open is damage.
    pub(super) fn close(
        &mut self,
        history: &mut History,
        host: i64,
        components: &[i64],
        leaf: LeafIndex,
    ) -> Result<(), StoreError> {
        const NOT_OPEN: StoreError = StoreError::Damaged { what: "an interval that should be open is not" };
        let gone: BTreeSet<i64> = components.iter().copied().collect();
        let closed = self.0.extract_if(.., |(component, _)| gone.contains(component));
        let (before, until) = (history.closed.len(), to_i64(leaf.get()));
        history.closed.extend(closed.map(|(component, from)| (Key { component, from, host }, until)));
        if history.closed.len() - before == components.len() { Ok(()) } else { Err(NOT_OPEN) }
    }

    /// Closes all of them.
    pub(super) async fn close_all(
        &mut self,
        tx: &mut Connection<'_>,
        host: i64,
        leaf: LeafIndex,
    ) -> Result<(), StoreError> {
        let components: Vec<i64> = self.0.iter().map(|(component, _)| *component).collect();
        let (mut history, mut batch) = (History::default(), Batch::default());
        self.close(&mut history, host, &components, leaf)?;
        history.write(&mut batch);
        Ok(batch.run(tx).await?)
    }
}

fn read(bytes: &[u8]) -> Result<Vec<(i64, i64)>, CborError> {
    let mut r = Reader::new(bytes);
    let count = r.array(2 * BODY_COMPONENTS)? / 2;
    let mut pairs = Vec::with_capacity(count);
    for _ in 0..count {
        pairs.push((to_i64(r.uint()?), to_i64(r.uint()?)));
    }
    r.end()?;
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decode_of_encode_is_identity() {
        let intervals = Intervals(vec![(1, 0), (7, 1 << 40)]);
        assert_eq!(Intervals::decode(&intervals.encode()).unwrap(), intervals);
        assert_eq!(Intervals::decode(&Intervals::default().encode()).unwrap(), Intervals::default());
        assert!(Intervals::decode(b"").is_err());
    }
}
