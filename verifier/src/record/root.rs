//! Recording what the index is: a root over what was read out of all evidence, as a leaf of the log.
//!
//! In: the rows of all chains, as they are in the transaction. Out: a record that says the root at this size, and its leaf. Where there is
//! no evidence since the last one, there is nothing to say.

use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::record::IndexRootRecord;
use evidence::time::UnixTime;
use inquiry::profile::EXTRACTOR;
use inquiry::root::{Chain, ChainFacts, RootBuilder};
use ledger::leaf::{Leaf, Salt};
use ledger::tree::LeafIndex;

use super::RecordError;
use crate::failure::{Exit, Failure};
use crate::limits::INDEX_ROOTS_COMPARED;
use crate::sql::{self, Connection, Row};
use crate::store::{StoreError, to_i64, to_u64};

/// A root that is to be recorded.
#[derive(Clone, Debug)]
pub(crate) struct NewRoot {
    pub(crate) salt: [u8; 32],
}

impl NewRoot {
    /// The leaf, if there is something new to say.
    pub(super) async fn apply(
        &self,
        tx: &mut Connection<'_>,
        index: LeafIndex,
        now: UnixTime,
    ) -> Result<Option<Leaf>, RecordError> {
        if !is_due(tx).await? {
            return Ok(None);
        }
        let rows = sql::query(CHAINS).fetch_all(&mut *tx).await?;
        let mut builder = RootBuilder::default();
        for row in &rows {
            builder.push(&chain(row)?).map_err(|_| StoreError::Damaged { what: "the number of chains" })?;
        }
        let record = IndexRootRecord {
            size: index.get(),
            extractor: EXTRACTOR,
            chains: builder.chains(),
            root: builder.root(),
            at_ms: now.as_ms(),
        };
        let record = record.encode();
        sql::query("INSERT INTO index_root (leaf, at_ms, salt, record) VALUES (?, ?, ?, ?)")
            .bind(to_i64(index.get()))
            .bind(to_i64(now.as_ms()))
            .bind(self.salt.as_slice())
            .bind(&record)
            .execute(tx)
            .await?;
        Ok(Some(Leaf::index_root(&Salt::from_bytes(self.salt), Sha256Digest::of(&[&record]).as_bytes())))
    }
}

/// Whether something that the index knows has come since the last root.
async fn is_due(reading: &mut Connection<'_>) -> Result<bool, StoreError> {
    let due = sql::query_scalar(
        "SELECT coalesce(max(leaf), -1) > coalesce((SELECT max(leaf) FROM index_root), -1) FROM
           (SELECT max(leaf) AS leaf FROM enrolment UNION ALL SELECT max(leaf) FROM attestation UNION ALL SELECT max(leaf) FROM retirement) AS newest",
    );
    Ok(due.fetch_one(reading).await?)
}

/// When the last root was recorded; before the first one, when the first host enrolled.
pub(crate) async fn last_root(reading: &mut Connection<'_>) -> Result<Option<UnixTime>, StoreError> {
    let at: Option<i64> = sql::query_scalar(
        "SELECT coalesce((SELECT at_ms FROM index_root ORDER BY leaf DESC LIMIT 1), (SELECT at_ms FROM enrolment ORDER BY leaf LIMIT 1))",
    )
    .fetch_one(reading)
    .await?;
    Ok(at.map(|at| UnixTime::from_ms(to_u64(at))))
}

fn chain(row: &Row) -> Result<Chain, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a chain's names" };
    let (host, chain): (Vec<u8>, Vec<u8>) = (row.try_get("identity")?, row.try_get("chain")?);
    let retired: Option<i64> = row.try_get("retired")?;
    Ok(Chain {
        host: HostId::new(host.try_into().map_err(|_| DAMAGED)?),
        chain: ChainId::new(chain.try_into().map_err(|_| DAMAGED)?),
        enrolled: to_u64(row.try_get("leaf")?),
        retired: retired.map(to_u64),
        facts: facts(row)?,
    })
}

/// What a row has of a chain's facts.
pub(super) fn facts(row: &Row) -> Result<ChainFacts, StoreError> {
    let kept: Option<Vec<u8>> = row.try_get("facts")?;
    let digest = kept.map(|kept| Sha256Digest::from_slice(&kept)).transpose();
    digest.map(ChainFacts::kept).map_err(|_| StoreError::Damaged { what: "the digest of a chain's facts" })
}

/// What roots of the log say of an index that was made anew.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Compared {
    /// The index is as they say.
    pub(crate) equal: u64,
    /// The leaves of those that say something else.
    pub(crate) other: Vec<u64>,
    /// They are of another version of the extractor, or too old to be compared here; `lydian log audit` compares them all.
    pub(crate) passed_over: u64,
}

/// Answers were given from an index that does not follow from the evidence that is here.
pub(crate) fn root_differs(first: u64, count: usize) -> Failure {
    Failure::new(
        Exit::Software,
        format_args!(
            "{count} roots of the index in the log, the first of them leaf {first}, do not follow from the recorded evidence"
        ),
    )
    .hint("evidence was taken out or changed since, or the index was; the new index is of what is here. `lydian log audit` says more")
}

/// The newest roots that the log has, and what chains were at each.
#[derive(Debug)]
pub(super) struct LoggedRoots {
    /// Their leaves, and what they say.
    said: Vec<(u64, IndexRootRecord)>,
    /// For each of them, the chains that were there; they come host by host.
    found: Vec<Vec<Chain>>,
    /// The chain that is read, and the next root that is behind what was read of it.
    open: Option<(Chain, usize)>,
    passed_over: u64,
}

impl LoggedRoots {
    pub(super) async fn read(reading: &mut Connection<'_>) -> Result<Self, StoreError> {
        let count: i64 =
            sql::query_scalar("SELECT count(*) FROM index_root").fetch_one(&mut *reading).await?;
        let rows: Vec<(i64, Vec<u8>)> =
            sql::query_as("SELECT leaf, record FROM index_root ORDER BY leaf DESC LIMIT ?")
                .bind(INDEX_ROOTS_COMPARED)
                .fetch_all(reading)
                .await?;
        let mut said = Vec::with_capacity(rows.len());
        for (leaf, record) in rows.iter().rev() {
            let record = IndexRootRecord::decode(record);
            said.push((
                to_u64(*leaf),
                record.map_err(|_| StoreError::Damaged { what: "a root of the index" })?,
            ));
        }
        said.retain(|(_, record)| record.extractor == EXTRACTOR);
        let (passed_over, found) =
            (to_u64(count).saturating_sub(said.len() as u64), vec![Vec::new(); said.len()]);
        Ok(Self { said, found, open: None, passed_over })
    }

    /// A chain begins.
    pub(super) fn begin(&mut self, (host, chain): (HostId, ChainId), enrolled: u64) {
        let next = self.said.partition_point(|(_, record)| record.size <= enrolled);
        let chain = Chain { host, chain, enrolled, retired: None, facts: ChainFacts::default() };
        self.open = Some((chain, next));
    }

    /// Evidence of it was read, and these are its facts with it.
    pub(super) fn facts(&mut self, leaf: i64, facts: ChainFacts) {
        self.reach(to_u64(leaf));
        if let Some((chain, _)) = &mut self.open {
            chain.facts = facts;
        }
    }

    /// It was read to its end.
    pub(super) fn end(&mut self, retired: Option<u64>) {
        if let Some(retired) = retired {
            self.reach(retired);
            if let Some((chain, _)) = &mut self.open {
                chain.retired = Some(retired);
            }
        }
        self.reach(u64::MAX);
    }

    /// Roots of sizes up to this leaf do not have what comes with it.
    fn reach(&mut self, leaf: u64) {
        let Some((chain, next)) = &mut self.open else { return };
        while let Some((_, record)) = self.said.get(*next)
            && record.size <= leaf
        {
            if let Some(found) = self.found.get_mut(*next) {
                found.push(*chain);
            }
            *next += 1;
        }
    }

    pub(super) fn compared(self) -> Result<Compared, StoreError> {
        let mut compared = Compared { passed_over: self.passed_over, ..Compared::default() };
        for ((leaf, record), mut chains) in self.said.into_iter().zip(self.found) {
            chains.sort_unstable_by_key(|chain| chain.enrolled);
            let mut builder = RootBuilder::default();
            for chain in &chains {
                builder.push(chain).map_err(|_| StoreError::Damaged { what: "the number of chains" })?;
            }
            let same = (builder.chains(), builder.root()) == (record.chains, record.root);
            if same && record.size == leaf {
                compared.equal += 1;
            } else {
                compared.other.push(leaf);
            }
        }
        Ok(compared)
    }
}

/// What is open is of the chain that its host's newest evidence is of.
const CHAINS: &str = "SELECT h.identity, n.chain, n.leaf, r.leaf AS retired,
    CASE WHEN e.enrolment_id = n.id THEN i.facts ELSE n.facts END AS facts
  FROM enrolment n JOIN host h ON h.id = n.host_id LEFT JOIN retirement r ON r.chain = n.chain
  LEFT JOIN host_index i ON i.host_id = h.id LEFT JOIN attestation e ON e.leaf = i.last_leaf
  ORDER BY n.leaf";
