//! Since which leaf a host has each component: the open intervals of the history, packed.
//!
//! A row of the history is closed by its primary key, which holds the leaf that it began with; this is where that leaf
//! is known from. In and out: canonical bytes beside the host's state.

use evidence::cbor::{CborError, Reader, Writer};
use evidence::limits::BODY_COMPONENTS;
use ledger::tree::LeafIndex;

use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{Batch, Connection, QueryBuilder};
use crate::store::{StoreError, to_i64};

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
    pub(super) fn open(&mut self, batch: &mut Batch, host: i64, components: &[i64], leaf: LeafIndex) {
        let from = to_i64(leaf.get());
        for rows in components.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::new("INSERT INTO host_component (component_id, from_leaf, host_id) ");
            query.push_values(rows, |mut row, component| {
                row.push_bind(*component).push_bind(from).push_bind(host);
            });
            batch.push(query.build());
        }
        self.0.extend(components.iter().map(|component| (*component, from)));
        self.0.sort_unstable();
    }

    /// Closes the intervals of components; one that is not open is damage.
    pub(super) fn close(
        &mut self,
        batch: &mut Batch,
        host: i64,
        components: &[i64],
        leaf: LeafIndex,
    ) -> Result<(), StoreError> {
        const NOT_OPEN: StoreError = StoreError::Damaged { what: "an interval that should be open is not" };
        for some in components.chunks(ROWS_PER_STATEMENT) {
            let mut keys = Vec::with_capacity(some.len());
            for component in some {
                let at = self.0.binary_search_by_key(component, |(id, _)| *id).map_err(|_| NOT_OPEN)?;
                keys.push(self.0.remove(at));
            }
            // One statement for all: a row each costs more on its way through the driver than it takes to be found.
            let mut query = QueryBuilder::new("WITH open (component, since) AS (");
            query.push_values(keys, |mut row, (component, since)| {
                row.push_bind(component).push_bind(since);
            });
            query.push(") UPDATE host_component SET to_leaf = ").push_bind(to_i64(leaf.get()));
            query.push(
                " FROM open WHERE component_id = open.component AND from_leaf = open.since AND host_id = ",
            );
            batch.push_changing(query.push_bind(host).build(), some.len() as u64);
        }
        Ok(())
    }

    /// Closes all of them.
    pub(super) async fn close_all(
        &mut self,
        tx: &mut Connection<'_>,
        host: i64,
        leaf: LeafIndex,
    ) -> Result<(), StoreError> {
        let components: Vec<i64> = self.0.iter().map(|(component, _)| *component).collect();
        let mut batch = Batch::default();
        self.close(&mut batch, host, &components, leaf)?;
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
