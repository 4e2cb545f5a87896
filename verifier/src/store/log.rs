//! Reading the log: its head, its nodes, and proofs from them.
//!
//! Nodes never change once they are written, so a proof towards a head may be built from any later state of the
//! database. Proofs are not verified here: whoever gets them does.

use evidence::body::CheckpointView;
use evidence::digest::Sha256Digest;
use evidence::time::UnixTime;
use ledger::checkpoint::SignedCheckpoint;
use ledger::hash::Hash;
use ledger::leaf::Leaf;
use ledger::note::VerifierKey;
use ledger::proof::{ConsistencyProof, InclusionProof};
use ledger::tree::{ConsistencyPlan, Frontier, InclusionPlan, LeafIndex, LogSize, NodeId};
use sqlx::{QueryBuilder, Row as _, Sqlite, SqliteConnection};

use super::{Store, StoreError, to_i64, to_u64};

/// The newest signed state of the log.
#[derive(Clone, Debug)]
pub(crate) struct Head {
    pub(crate) frontier: Frontier,
    pub(crate) checkpoint: SignedCheckpoint,
}

impl Head {
    pub(crate) const fn size(&self) -> LogSize {
        self.frontier.size()
    }
}

/// Reads the head and makes sure that it is the log's: its signature holds, the stored right edge gives its root,
/// and there is no leaf beyond it. `None` where the log was never begun.
pub(crate) async fn load_head(
    connection: &mut SqliteConnection,
    key: &VerifierKey,
) -> Result<Option<Head>, HeadError> {
    let row = sqlx::query("SELECT size, frontier, note FROM log_head WHERE id = 1")
        .fetch_optional(&mut *connection)
        .await?;
    let last: Option<i64> =
        sqlx::query_scalar("SELECT max(idx) FROM log_leaf").fetch_one(&mut *connection).await?;
    let leaves = last.map_or(0, |last| to_u64(last) + 1);
    let Some(row) = row else {
        return if leaves == 0 { Ok(None) } else { Err(HeadError::Leaves { size: 0, leaves }) };
    };
    let (size, frontier, note): (i64, Vec<u8>, String) =
        (row.try_get("size")?, row.try_get("frontier")?, row.try_get("note")?);
    let size = LogSize::new(to_u64(size)).map_err(|_| HeadError::Size)?;
    if leaves != size.get() {
        return Err(HeadError::Leaves { size: size.get(), leaves });
    }
    let checkpoint = SignedCheckpoint::parse(note.as_bytes())
        .and_then(|signed| signed.verify(key).map(|verified| verified.signed().clone()))?;
    let hashes = fetch_nodes(connection, &Frontier::nodes(size)).await?;
    let edge = Frontier::from_hashes(size, hashes).map_err(|_| HeadError::Root { size })?;
    let claim = checkpoint.claim();
    if claim.size() != size || *claim.root() != edge.root() || edge.to_bytes() != frontier {
        return Err(HeadError::Root { size });
    }
    Ok(Some(Head { frontier: edge, checkpoint }))
}

/// Why the stored log is not to be appended to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum HeadError {
    /// Reading failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A size that no log has.
    #[error("the log's head has an impossible size")]
    Size,
    /// Leaves are missing, or there are some that were never signed.
    #[error("the log's head says {size} leaves, the database has {leaves}")]
    Leaves {
        /// What the head says.
        size: u64,
        /// What there is.
        leaves: u64,
    },
    /// The head is not signed by this log's key.
    #[error("the log's head: {0}")]
    Checkpoint(#[from] ledger::checkpoint::CheckpointError),
    /// The stored hashes do not give the signed root.
    #[error("the stored hashes do not give the root that was signed at size {size}")]
    Root {
        /// The size.
        size: LogSize,
    },
}

impl From<sqlx::Error> for HeadError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

/// The hashes of nodes, in their order.
pub(crate) async fn fetch_nodes(
    connection: &mut SqliteConnection,
    ids: &[NodeId],
) -> Result<Vec<Hash>, StoreError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut query =
        QueryBuilder::<Sqlite>::new("SELECT level, idx, hash FROM log_node WHERE (level, idx) IN (");
    query.push_values(ids, |mut row, id| {
        row.push_bind(i64::from(id.level())).push_bind(to_i64(id.index()));
    });
    query.push(")");
    let rows: Vec<(i64, i64, Vec<u8>)> = query.build_query_as().fetch_all(connection).await?;
    ids.iter()
        .map(|id| {
            let key = (i64::from(id.level()), to_i64(id.index()));
            let found = rows.iter().find(|(level, idx, _)| (*level, *idx) == key);
            let hash = found.ok_or(StoreError::Damaged { what: "a node of the log is missing" })?;
            Hash::from_slice(&hash.2).map_err(|_| StoreError::Damaged { what: "a node of the log" })
        })
        .collect()
}

/// Whether a checkpoint that somebody names is on this log's history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Nobody can have seen another: the log without leaves.
    Empty,
    /// The log had this size and root, at the latest at this time.
    Known(UnixTime),
    /// Larger than the log, or another root: the log was shown forked, or its database is older than its readers.
    Unknown,
}

impl Store {
    /// Whether the checkpoint is on this log's history.
    pub(crate) async fn standing(&self, view: &CheckpointView, head: &Head) -> Result<Standing, StoreError> {
        let size = match LogSize::new(view.size) {
            Ok(size) if size <= head.size() => size,
            _ => return Ok(Standing::Unknown),
        };
        let root = self.root_at(size).await?;
        if Sha256Digest::new(*root.as_bytes()) != view.root {
            return Ok(Standing::Unknown);
        }
        if size.is_empty() {
            return Ok(Standing::Empty);
        }
        let at: Option<i64> =
            sqlx::query_scalar("SELECT at_ms FROM log_time WHERE size >= ? ORDER BY size LIMIT 1")
                .bind(to_i64(size.get()))
                .fetch_optional(&self.readers)
                .await?;
        let at = at.ok_or(StoreError::Damaged { what: "the time of a checkpoint is missing" })?;
        Ok(Standing::Known(UnixTime::from_ms(to_u64(at))))
    }

    async fn root_at(&self, size: LogSize) -> Result<Hash, StoreError> {
        let hashes = self.nodes(&Frontier::nodes(size)).await?;
        let frontier = Frontier::from_hashes(size, hashes)
            .map_err(|_| StoreError::Damaged { what: "the right edge of the log" })?;
        Ok(frontier.root())
    }

    async fn nodes(&self, ids: &[NodeId]) -> Result<Vec<Hash>, StoreError> {
        let mut reader = self.readers.acquire().await?;
        fetch_nodes(&mut reader, ids).await
    }

    /// A leaf's entry.
    pub(crate) async fn leaf(&self, index: LeafIndex) -> Result<Option<Leaf>, StoreError> {
        let entry: Option<Vec<u8>> = sqlx::query_scalar("SELECT entry FROM log_leaf WHERE idx = ?")
            .bind(to_i64(index.get()))
            .fetch_optional(&self.readers)
            .await?;
        let leaf = entry.map(|entry| Leaf::from_bytes(&entry)).transpose();
        leaf.map_err(|_| StoreError::Damaged { what: "a leaf of the log" })
    }

    /// Proves that the log of `size` leaves has the leaf.
    pub(crate) async fn prove_inclusion(
        &self,
        index: LeafIndex,
        size: LogSize,
    ) -> Result<InclusionProof, StoreError> {
        const BEYOND: StoreError = StoreError::Damaged { what: "a leaf beyond the log's head" };
        let plan = InclusionPlan::new(index, size).map_err(|_| BEYOND)?;
        plan.build(&self.nodes(plan.nodes()).await?).map_err(|_| BEYOND)
    }

    /// Proves that the log of `new` leaves begins with that of `old`, which must not be larger.
    pub(crate) async fn prove_consistency(
        &self,
        old: LogSize,
        new: LogSize,
    ) -> Result<ConsistencyProof, StoreError> {
        const SHRINKS: StoreError = StoreError::Damaged { what: "a log that shrank" };
        let plan = ConsistencyPlan::new(old, new).map_err(|_| SHRINKS)?;
        plan.build(&self.nodes(plan.nodes()).await?).map_err(|_| SHRINKS)
    }
}
