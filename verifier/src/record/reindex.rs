//! The index made anew from the evidence.
//!
//! In: a database. Out: the same database with every row that follows from evidence and manifests written again, in one transaction:
//! who asks meanwhile sees the old index, and a crash leaves it. All evidence is verified again on the way, from the state of an
//! enrolment on, so that a row that was changed by hand is found and not believed. What the index was at earlier sizes is compared with
//! what the log says that it was.

use appraisal::attester::{AttestationKey, Attester};
use appraisal::state::HostState;
use appraisal::verify::verify;
use evidence::body::FirmwareLog;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::manifest::Manifest;
use evidence::tpm::Public;
use inquiry::profile::EXTRACTOR;
use inquiry::replay::Ended;
use inquiry::root::ChainFacts;
use ledger::tree::LeafIndex;

use super::components::{Changes, Components};
use super::index::{self, Came, IndexEntry, Place};
use super::intervals::{History, Intervals};
use super::manifest;
use super::proved::Proved;
use super::root::{Compared, LoggedRoots};
use crate::failure::{Exit, Failure};
use crate::query::bundle;
use crate::sql::{self, Batch, Connection, Pool, QueryBuilder, Row};
use crate::store::unpack::{self, Unpacker};
use crate::store::{self, Database, StoreError, to_i64, to_u64};

/// What was indexed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reindexed {
    /// Hosts.
    pub(crate) hosts: u64,
    /// Pieces of evidence.
    pub(crate) evidence: u64,
    /// Manifests.
    pub(crate) manifests: u64,
    /// What the log says that the index was.
    pub(crate) roots: Compared,
}

/// Makes the index of a database anew, and says how many pieces of evidence of how many are done.
pub(crate) async fn reindex(database: &Database, told: impl FnMut(u64, u64)) -> Result<Reindexed, Failure> {
    let (readers, mut connection) = store::open(database).await?;
    let done = all(&readers, &mut connection, told).await;
    readers.close().await;
    // A tidy end; what was committed is committed.
    let _ = connection.close().await;
    done.map_err(|error| match error {
        ReindexError::Store(StoreError::Database(_)) => {
            Failure::new(Exit::Io, format_args!("indexing: {error}"))
        }
        _ => Failure::new(Exit::Software, format_args!("indexing: {error}")).hint(
            "the database was changed by something else than lydian-verifier; restore the newest backup",
        ),
    })
}

/// Whether the index is of this program's version.
pub(crate) async fn is_current(connection: &mut Connection<'_>) -> Result<bool, StoreError> {
    let known: Option<i64> = sql::query_scalar("SELECT extractor FROM index_state WHERE id = 1")
        .fetch_optional(connection)
        .await?;
    Ok(known == Some(to_i64(EXTRACTOR)))
}

/// Why the index cannot be made.
#[derive(Debug, thiserror::Error)]
enum ReindexError {
    /// Recorded evidence that does not hold.
    #[error("evidence {seq} of host {host}, leaf {leaf}: {why}")]
    Evidence { host: HostId, seq: u64, leaf: i64, why: String },
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<sqlx::Error> for ReindexError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

async fn all(
    readers: &Pool,
    connection: &mut Connection<'_>,
    mut told: impl FnMut(u64, u64),
) -> Result<Reindexed, ReindexError> {
    let mut tx = connection.begin_write().await?;
    let of: i64 = sql::query_scalar("SELECT count(*) FROM attestation").fetch_one(&mut *tx).await?;
    let made: i64 =
        sql::query_scalar("SELECT coalesce(max(made), 0) + 1 FROM index_state").fetch_one(&mut *tx).await?;
    for statement in FORGET {
        sql::query(statement).execute(&mut *tx).await?;
    }
    let mut done = Reindexed { manifests: manifests(readers, &mut tx).await?, ..Reindexed::default() };
    let mut roots = LoggedRoots::read(&mut tx).await?;
    let hosts: Vec<(i64, Vec<u8>)> =
        sql::query_as("SELECT id, identity FROM host ORDER BY id").fetch_all(&mut *tx).await?;
    for (row, identity) in hosts {
        let identity = identity.try_into().map_err(|_| StoreError::Damaged { what: "a host's identity" })?;
        let host = Host { row, id: HostId::new(identity) };
        let each = |_| {
            done.evidence += 1;
            told(done.evidence, to_u64(of));
        };
        host.index(readers, &mut tx, &mut roots, each).await?;
        done.hosts += 1;
    }
    done.roots = roots.compared()?;
    sql::query("INSERT INTO index_state (id, extractor, made) VALUES (1, ?, ?)")
        .bind(to_i64(EXTRACTOR))
        .bind(made)
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    Ok(done)
}

/// Every row that follows from others.
const FORGET: [&str; 27] = [
    "UPDATE enrolment SET facts = NULL",
    "DELETE FROM moment",
    "DELETE FROM index_state",
    "DELETE FROM component_principal",
    "DELETE FROM component_image",
    "DELETE FROM component_partial",
    "DELETE FROM component_source",
    "DELETE FROM component_sourceless",
    "DELETE FROM certificate",
    "DELETE FROM component_unissued",
    "DELETE FROM boot_unissued",
    "DELETE FROM component_artefact",
    "DELETE FROM component_run",
    "DELETE FROM component_sbat",
    "DELETE FROM image_signer",
    "DELETE FROM key_list",
    "DELETE FROM host_key",
    "DELETE FROM boot_principal",
    "DELETE FROM boot_setting",
    "DELETE FROM host_boot_profile",
    "DELETE FROM host_index",
    "DELETE FROM boot_profile",
    "DELETE FROM principal",
    "DELETE FROM boot",
    "DELETE FROM execution",
    "DELETE FROM coverage_gap",
    "DELETE FROM host_component",
];

async fn manifests(readers: &Pool, tx: &mut Connection<'_>) -> Result<u64, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a stored manifest" };
    let rows: Vec<(i64, Vec<u8>)> =
        sql::query_as("SELECT id, manifest FROM component WHERE manifest IS NOT NULL ORDER BY id")
            .fetch_all(&mut *tx)
            .await?;
    let mut count = 0;
    for (component, digest) in rows {
        let digest = Sha256Digest::from_slice(&digest).map_err(|_| DAMAGED)?;
        let bytes = bundle::content(readers, &digest).await?;
        let manifest = Manifest::decode(&bytes).map_err(|_| DAMAGED)?;
        manifest::write_members(tx, component, &manifest, &Proved::of(&manifest)).await?;
        count += 1;
    }
    Ok(count)
}

struct Host {
    row: i64,
    id: HostId,
}

impl Host {
    /// Its chains in the order of their enrolments.
    async fn index(
        &self,
        readers: &Pool,
        tx: &mut Connection<'_>,
        roots: &mut LoggedRoots,
        mut told: impl FnMut(i64),
    ) -> Result<(), ReindexError> {
        let chains = sql::query(
            "SELECT n.id, n.chain, n.leaf, n.ak_public, n.selection, r.leaf AS retired FROM enrolment n
             LEFT JOIN retirement r ON r.chain = n.chain WHERE n.host_id = ? ORDER BY n.leaf",
        )
        .bind(self.row)
        .fetch_all(&mut *tx)
        .await?;
        let mut intervals = Intervals::default();
        for (number, row) in chains.iter().enumerate() {
            let chain = chain(row)?;
            if number > 0 {
                self.end(tx, &mut intervals, row.try_get("leaf")?, Ended::EnrolledAgain).await?;
            }
            let (enrolled, retired) =
                (row.try_get("leaf")?, row.try_get::<Option<i64>>("retired")?.map(to_u64));
            roots.begin((self.id, chain.id), to_u64(enrolled));
            self.chain(readers, tx, &chain, &mut intervals, |leaf, facts| {
                roots.facts(leaf, facts);
                told(leaf);
            })
            .await?;
            roots.end(retired);
            if let Some(retired) = retired {
                self.end(tx, &mut intervals, to_i64(retired), Ended::Retired).await?;
            }
        }
        sql::query("UPDATE host_state SET intervals = ? WHERE host_id = ?")
            .bind(intervals.encode())
            .bind(self.row)
            .execute(tx)
            .await?;
        Ok(())
    }

    async fn end(
        &self,
        tx: &mut Connection<'_>,
        intervals: &mut Intervals,
        leaf: i64,
        why: Ended,
    ) -> Result<(), StoreError> {
        let leaf = index_of(leaf)?;
        intervals.close_all(tx, self.row, leaf).await?;
        index::end_chain(tx, self.row, leaf, why).await
    }

    async fn chain(
        &self,
        readers: &Pool,
        tx: &mut Connection<'_>,
        chain: &Chain,
        intervals: &mut Intervals,
        mut told: impl FnMut(i64, ChainFacts),
    ) -> Result<(), ReindexError> {
        let attester = Attester { host: self.id, ak: chain.ak.clone(), selection: chain.selection.clone() };
        let mut state = HostState::enrolled(chain.id);
        let mut known_log: Option<(Sha256Digest, Vec<u8>)> = None;
        let (mut unpacker, mut next) = (Unpacker::default(), 0_i64);
        loop {
            let mut query = QueryBuilder::new("SELECT e.received_ms, ");
            query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE);
            query.push(" WHERE e.enrolment_id = ").push_bind(chain.row);
            query.push(" AND e.seq >= ").push_bind(next).push(" ORDER BY e.seq LIMIT ").push_bind(PAGE);
            let rows = query.build().fetch_all(&mut *tx).await?;
            for row in &rows {
                let (seq, leaf): (i64, i64) = (row.try_get("seq")?, row.try_get("leaf")?);
                let received_ms = to_u64(row.try_get("received_ms")?);
                next = seq + 1;
                let kept = unpacker.kept(tx, row).await?;
                let envelope = bundle::envelope(readers, &kept).await?;
                if let FirmwareLog::Present(digest) = envelope.evidence.body().firmware_log
                    && known_log.as_ref().is_none_or(|(known, _)| *known != digest)
                {
                    let bytes = bundle::content(readers, &digest).await?;
                    known_log = Some((digest, bytes));
                }
                let known = known_log.as_ref().map(|(_, bytes)| bytes.as_slice());
                let verified = verify(&envelope, &attester, &state, known).map_err(|refusal| {
                    ReindexError::Evidence { host: self.id, seq: to_u64(seq), leaf, why: refusal.to_string() }
                })?;
                let entry = IndexEntry::new(&verified, &state);
                let index = index_of(leaf)?;
                let digest = envelope.evidence.digest();
                let came = Came { seq: to_u64(seq), received_ms, digest };
                let (place, mut batch) = (Place::read(tx, self.row).await?, Batch::default());
                let of = (self.row, place.as_ref());
                let facts = entry.write((&mut *tx, &mut batch), of, index, came).await?;
                let body = verified.body();
                let changes = Changes { added: &body.added, removed: &body.removed };
                let components = Components::named(tx, &[(changes, index)]).await?;
                let mut history = History::default();
                components.change(&mut history, self.row, changes, intervals, index)?;
                history.write(&mut batch);
                batch.run(tx).await.map_err(StoreError::from)?;
                state = verified.next_state().clone();
                told(leaf, facts);
            }
            if rows.len() < usize::try_from(PAGE).unwrap_or_default() {
                return Ok(());
            }
        }
    }
}

struct Chain {
    row: i64,
    id: ChainId,
    ak: AttestationKey,
    selection: evidence::pcr::PcrSelection,
}

fn chain(row: &Row) -> Result<Chain, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "an enrolment" };
    let id: [u8; 16] = row.try_get::<Vec<u8>>("chain")?.try_into().map_err(|_| DAMAGED)?;
    let (ak, selection): (Vec<u8>, String) = (row.try_get("ak_public")?, row.try_get("selection")?);
    let public = Public::parse(&ak).map_err(|_| DAMAGED)?;
    Ok(Chain {
        row: row.try_get("id")?,
        id: ChainId::new(id),
        ak: AttestationKey::new(public).map_err(|_| DAMAGED)?,
        selection: selection.parse().map_err(|_| DAMAGED)?,
    })
}

fn index_of(leaf: i64) -> Result<LeafIndex, StoreError> {
    LeafIndex::new(to_u64(leaf)).map_err(|_| StoreError::Damaged { what: "a leaf's index" })
}

/// Rows that are in memory at one time.
const PAGE: i64 = 500;
