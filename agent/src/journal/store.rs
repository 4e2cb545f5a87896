//! The agent's embedded database: small tables that are read at start and written as evidence moves.
//!
//! In: rows. Out: rows. Each writing call is one transaction. A *recoverable* one needs no disk flush of its own,
//! because the spool can replay it; the others are on disk when the call returns. After an input or output error the
//! database must be opened again, which [`Journal::reload`](super::Journal::reload) does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use redb::{
    Database, Durability, ReadableDatabase as _, ReadableTable as _, TableDefinition, TableHandle as _,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::JournalError;

pub(super) const IDENTITY: &str = "identity";
pub(super) const POSITION: &str = "position";
pub(super) const CHECKPOINT: &str = "checkpoint";
pub(super) const TALLY: &str = "tally";

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const COMPONENTS: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("components");
const MANIFESTS: TableDefinition<'_, &[u8; 32], &[u8]> = TableDefinition::new("manifests");
const WANTED: TableDefinition<'_, &[u8; 32], ()> = TableDefinition::new("wanted");

/// Whether a transaction can be made again from the spool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Loss {
    /// It can: no flush.
    Recoverable,
    /// It cannot: flushed before the call returns.
    NotAllowed,
}

pub(super) struct Store {
    path: PathBuf,
    db: Database,
}

/// An open writing transaction.
pub(super) struct Change {
    path: PathBuf,
    txn: redb::WriteTransaction,
}

impl Store {
    pub(super) fn open(path: &Path) -> Result<Self, JournalError> {
        let failed = |error: redb::Error| JournalError::store(path, error);
        let db = Database::builder()
            .set_cache_size(CACHE_BYTES)
            .create(path)
            .map_err(|error| failed(error.into()))?;
        let store = Self { path: path.to_owned(), db };
        // Tables exist from here on, so that reading never has to make one.
        store.change(Loss::NotAllowed, Change::touch_all)?;
        Ok(store)
    }

    /// Runs a transaction; nothing of it is kept where `body` fails.
    pub(super) fn change<T>(
        &self,
        loss: Loss,
        body: impl FnOnce(&Change) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let failed = |error: redb::Error| JournalError::store(&self.path, error);
        let mut txn = self.db.begin_write().map_err(|error| failed(error.into()))?;
        let durability = match loss {
            Loss::Recoverable => Durability::None,
            Loss::NotAllowed => Durability::Immediate,
        };
        txn.set_durability(durability).map_err(|error| failed(error.into()))?;
        let change = Change { path: self.path.clone(), txn };
        let value = body(&change)?;
        change.txn.commit().map_err(|error| failed(error.into()))?;
        Ok(value)
    }

    /// A row of the `meta` table.
    pub(super) fn row<T: DeserializeOwned>(&self, key: &'static str) -> Result<Option<T>, JournalError> {
        let Some(bytes) =
            self.read(|txn| Ok(txn.open_table(META)?.get(key)?.map(|row| row.value().to_vec())))?
        else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|_| JournalError::Damaged { what: key })
    }

    pub(super) fn components(&self) -> Result<BTreeSet<Sha256Digest>, JournalError> {
        self.keys(COMPONENTS, usize::MAX)
    }

    /// Components whose manifests the verifier wants, at most `limit`.
    pub(super) fn wanted(&self, limit: usize) -> Result<BTreeSet<Sha256Digest>, JournalError> {
        self.keys(WANTED, limit)
    }

    pub(super) fn manifest(&self, component: &Sha256Digest) -> Result<Option<Vec<u8>>, JournalError> {
        self.read(|txn| {
            Ok(txn.open_table(MANIFESTS)?.get(component.as_bytes())?.map(|row| row.value().to_vec()))
        })
    }

    fn keys(
        &self,
        table: TableDefinition<'_, &'static [u8; 32], ()>,
        limit: usize,
    ) -> Result<BTreeSet<Sha256Digest>, JournalError> {
        self.read(|txn| {
            let table = txn.open_table(table)?;
            let keys = table.iter()?.take(limit);
            keys.map(|row| Ok(Sha256Digest::new(*row?.0.value()))).collect()
        })
    }

    fn read<T>(
        &self,
        body: impl FnOnce(&redb::ReadTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        let read = || body(&self.db.begin_read()?);
        read().map_err(|error| JournalError::store(&self.path, error))
    }
}

impl Change {
    pub(super) fn put_row(&self, key: &'static str, row: &impl Serialize) -> Result<(), JournalError> {
        let bytes = serde_json::to_vec(row).map_err(|_| JournalError::Damaged { what: key })?;
        self.run(|txn| txn.open_table(META)?.insert(key, bytes.as_slice()).map(drop).map_err(Into::into))
    }

    /// Adds and removes components.
    pub(super) fn components(
        &self,
        added: &[Sha256Digest],
        removed: &[Sha256Digest],
    ) -> Result<(), JournalError> {
        self.run(|txn| {
            let mut table = txn.open_table(COMPONENTS)?;
            for component in removed {
                table.remove(component.as_bytes())?;
            }
            for component in added {
                table.insert(component.as_bytes(), ())?;
            }
            Ok(())
        })
    }

    pub(super) fn want(&self, components: &[Sha256Digest]) -> Result<(), JournalError> {
        self.run(|txn| {
            let mut table = txn.open_table(WANTED)?;
            components.iter().try_for_each(|component| table.insert(component.as_bytes(), ()).map(drop))?;
            Ok(())
        })
    }

    pub(super) fn unwant(&self, components: &[Sha256Digest]) -> Result<(), JournalError> {
        self.run(|txn| {
            let mut table = txn.open_table(WANTED)?;
            components.iter().try_for_each(|component| table.remove(component.as_bytes()).map(drop))?;
            Ok(())
        })
    }

    pub(super) fn put_manifests(&self, manifests: &[(Sha256Digest, Vec<u8>)]) -> Result<(), JournalError> {
        self.run(|txn| {
            let mut table = txn.open_table(MANIFESTS)?;
            for (component, bytes) in manifests {
                table.insert(component.as_bytes(), bytes.as_slice())?;
            }
            Ok(())
        })
    }

    /// Forgets every manifest for which `keep` is false.
    pub(super) fn retain_manifests(&self, keep: impl Fn(&Sha256Digest) -> bool) -> Result<(), JournalError> {
        self.run(|txn| {
            txn.open_table(MANIFESTS)?.retain(|component, _| keep(&Sha256Digest::new(*component)))?;
            Ok(())
        })
    }

    /// Forgets what belongs to an earlier chain. Manifests stay: they are the same in any chain.
    pub(super) fn clear_chain(&self) -> Result<(), JournalError> {
        self.run(|txn| {
            txn.open_table(COMPONENTS)?.retain(|_, ()| false)?;
            txn.open_table(WANTED)?.retain(|_, ()| false)?;
            Ok(())
        })
    }

    fn touch_all(&self) -> Result<(), JournalError> {
        self.run(|txn| {
            let _ = (txn.open_table(META)?.name(), txn.open_table(MANIFESTS)?.name());
            let _ = (txn.open_table(COMPONENTS)?.name(), txn.open_table(WANTED)?.name());
            Ok(())
        })
    }

    fn run<T>(
        &self,
        body: impl FnOnce(&redb::WriteTransaction) -> Result<T, redb::Error>,
    ) -> Result<T, JournalError> {
        body(&self.txn).map_err(|error| JournalError::store(&self.path, error))
    }
}

/// The tables of a host with 5,000 components have under 2 MiB, and are read whole only at start.
const CACHE_BYTES: usize = 512 << 10;
