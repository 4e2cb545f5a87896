//! Rows of components, and which of them hosts got and lost.
//!
//! In: digests that evidence names. Out: their rows, made for those that nobody had before, and the intervals that begin and end with them.

use std::collections::{BTreeSet, HashMap, HashSet};

use evidence::digest::Sha256Digest;
use ledger::tree::LeafIndex;

use super::intervals::{History, Intervals};
use crate::limits::ROWS_PER_STATEMENT;
use crate::sql::{Batch, Connection, QueryBuilder, Rows};
use crate::store::{StoreError, to_i64};

/// Components that a host got and lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Changes<'a> {
    pub(super) added: &'a [Sha256Digest],
    pub(super) removed: &'a [Sha256Digest],
}

/// Rows of components that evidence names.
#[derive(Debug, Default)]
pub(super) struct Components(HashMap<Sha256Digest, (i64, Manifest)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manifest {
    Stored,
    Missing,
}

impl Components {
    /// Those that are named; rows are made for those that hosts got and nobody had before.
    pub(super) async fn named(
        tx: &mut Connection<'_>,
        changes: &[(Changes<'_>, LeafIndex)],
    ) -> Result<Self, StoreError> {
        let named = changes.iter().flat_map(|(changes, _)| changes.added.iter().chain(changes.removed));
        let named: BTreeSet<&Sha256Digest> = named.collect();
        let mut components = Self::default();
        components.read(tx, &Vec::from_iter(named)).await?;
        let (mut new, mut seen) = (Vec::new(), HashSet::new());
        for (changes, index) in changes {
            let unknown = changes.added.iter().filter(|digest| !components.0.contains_key(*digest));
            new.extend(unknown.filter(|digest| seen.insert(**digest)).map(|digest| (digest, *index)));
        }
        if new.is_empty() {
            return Ok(components);
        }
        for rows in new.chunks(ROWS_PER_STATEMENT) {
            let mut query = QueryBuilder::new("INSERT INTO component (digest, first_leaf) ");
            query.push_values(rows, |mut row, (digest, first)| {
                row.push_bind(digest.as_bytes().as_slice()).push_bind(to_i64(first.get()));
            });
            query.build().execute(&mut *tx).await?;
        }
        components.read(tx, &new.iter().map(|(digest, _)| *digest).collect::<Vec<_>>()).await?;
        Ok(components)
    }

    async fn read(&mut self, tx: &mut Connection<'_>, digests: &[&Sha256Digest]) -> Result<(), StoreError> {
        const DAMAGED: StoreError = StoreError::Damaged { what: "a component's digest" };
        for some in digests.chunks(ROWS_PER_STATEMENT) {
            let mut query =
                QueryBuilder::new("SELECT digest, id, manifest IS NOT NULL FROM component WHERE digest IN (");
            let mut list = query.separated(", ");
            for digest in some {
                list.push_bind(digest.as_bytes().as_slice());
            }
            query.push(")");
            let rows: Vec<(Vec<u8>, i64, bool)> = query.build_query_as().fetch_all(&mut *tx).await?;
            for (digest, id, stored) in rows {
                let digest = Sha256Digest::from_slice(&digest).map_err(|_| DAMAGED)?;
                self.0.insert(digest, (id, if stored { Manifest::Stored } else { Manifest::Missing }));
            }
        }
        Ok(())
    }

    /// Closes the intervals of components that went and opens those of components that came.
    pub(super) fn change(
        &self,
        history: &mut History,
        host: i64,
        changes: Changes<'_>,
        intervals: &mut Intervals,
        index: LeafIndex,
    ) -> Result<(), StoreError> {
        const MISSING: StoreError = StoreError::Damaged { what: "a component that a host has is missing" };
        let row = |digest: &Sha256Digest| self.0.get(digest).map(|(id, _)| *id).ok_or(MISSING);
        let gone = changes.removed.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        let came = changes.added.iter().map(row).collect::<Result<Vec<_>, _>>()?;
        intervals.close(history, host, &gone, index)?;
        intervals.open(history, host, &came, index);
        Ok(())
    }

    /// Has agents asked for the manifests that are missing of what hosts got.
    pub(super) fn want(&self, batch: &mut Batch, changes: &[(Changes<'_>, LeafIndex)]) {
        static WANTED: Rows = Rows {
            before: "INSERT INTO component_wanted (component_id) ",
            after: " ON CONFLICT (component_id) DO NOTHING",
            changes_each: false,
        };
        let came = changes.iter().flat_map(|(changes, _)| changes.added);
        let missing = came.filter_map(|digest| match self.0.get(digest) {
            Some((id, Manifest::Missing)) => Some(*id),
            _ => None,
        });
        for component in missing.collect::<BTreeSet<_>>() {
            batch.row(&WANTED, [component.into()]);
        }
    }
}
