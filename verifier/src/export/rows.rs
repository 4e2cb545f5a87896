//! What an export is made of, from rows that never change once they are recorded.

use evidence::body::FirmwareLog;
use evidence::digest::{ChainId, HostId, Sha256Digest};
use evidence::envelope::{Attachment, AttachmentKind};
use evidence::export::{Attestation, Committed, Enrolment};

use crate::query::bundle;
use crate::sql::{self, Pool, QueryBuilder, Row};
use crate::store::unpack::{self, Unpacker};
use crate::store::{StoreError, to_i64, to_u64};

/// The log's size, and its signed head.
pub(super) async fn head(readers: &Pool) -> Result<(u64, String), StoreError> {
    let (size, note): (i64, String) =
        sql::query_as("SELECT size, note FROM log_head WHERE id = 1").fetch_one(readers).await?;
    Ok((to_u64(size), note))
}

/// A chain, by its row.
#[derive(Debug)]
pub(super) struct ChainRow {
    id: i64,
    pub(super) host: HostId,
    pub(super) chain: ChainId,
}

/// The chains that the log has at a size, in its order.
pub(super) async fn chains(
    readers: &Pool,
    size: u64,
    hosts: Option<&[i64]>,
) -> Result<Vec<ChainRow>, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a chain's names" };
    let mut query = QueryBuilder::new(
        "SELECT n.id, h.identity, n.chain FROM enrolment n JOIN host h ON h.id = n.host_id WHERE n.leaf < ",
    );
    query.push_bind(to_i64(size));
    among(&mut query, "n.host_id", hosts);
    query.push(" ORDER BY n.leaf");
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = query.build_query_as().fetch_all(readers).await?;
    rows.into_iter()
        .map(|(id, host, chain)| {
            let host = HostId::new(host.try_into().map_err(|_| DAMAGED)?);
            Ok(ChainRow { id, host, chain: ChainId::new(chain.try_into().map_err(|_| DAMAGED)?) })
        })
        .collect()
}

fn among(query: &mut QueryBuilder, column: &str, hosts: Option<&[i64]>) {
    let Some(hosts) = hosts else { return };
    query.push(" AND ").push(column).push(" IN (");
    let mut list = query.separated(", ");
    for host in hosts {
        list.push_bind(*host);
    }
    query.push(")");
}

/// The beginning of a chain.
pub(super) async fn enrolment(readers: &Pool, chain: &ChainRow) -> Result<Enrolment, StoreError> {
    let row = sql::query(
        "SELECT n.leaf, n.salt, n.record, n.selection, h.name
         FROM enrolment n JOIN host h ON h.id = n.host_id WHERE n.id = ?",
    )
    .bind(chain.id)
    .fetch_one(readers)
    .await?;
    Ok(Enrolment {
        committed: committed(&row)?,
        name: row.try_get("name")?,
        selection: row.try_get("selection")?,
    })
}

/// The end of a chain whose host was retired.
pub(super) async fn retirement(
    readers: &Pool,
    chain: &ChainRow,
    size: u64,
) -> Result<Option<Committed>, StoreError> {
    let row = sql::query("SELECT leaf, salt, record FROM retirement WHERE chain = ? AND leaf < ?")
        .bind(chain.chain.as_bytes().as_slice())
        .bind(to_i64(size))
        .fetch_optional(readers)
        .await?;
    row.as_ref().map(committed).transpose()
}

fn committed(row: &Row) -> Result<Committed, StoreError> {
    let salt: Vec<u8> = row.try_get("salt")?;
    Ok(Committed {
        leaf: to_u64(row.try_get("leaf")?),
        salt: salt.try_into().map_err(|_| StoreError::Damaged { what: "a leaf's salt" })?,
        record: row.try_get("record")?,
    })
}

/// Some evidence of a chain from `next` on, in order.
pub(super) async fn evidence(
    readers: &Pool,
    chain: &ChainRow,
    next: u64,
    size: u64,
) -> Result<Vec<Row>, StoreError> {
    let mut query = QueryBuilder::new("SELECT e.received_ms, ");
    query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE);
    query.push(" WHERE e.enrolment_id = ").push_bind(chain.id);
    query.push(" AND e.seq >= ").push_bind(to_i64(next)).push(" AND e.leaf < ").push_bind(to_i64(size));
    query.push(" ORDER BY e.seq LIMIT ").push_bind(EVIDENCE_PER_PAGE);
    Ok(query.build().fetch_all(readers).await?)
}

/// The place of evidence in its chain.
pub(super) fn seq(row: &Row) -> Result<u64, StoreError> {
    Ok(to_u64(row.try_get("seq")?))
}

/// Evidence as it is exported; the firmware's log goes with the first that has it.
pub(super) async fn attestation(
    readers: &Pool,
    row: &Row,
    unpacker: &mut Unpacker,
    carried: &mut Option<FirmwareLog>,
) -> Result<Attestation, StoreError> {
    let kept = unpacker.kept(&mut readers.acquire().await?, row).await?;
    let mut envelope = bundle::envelope(readers, &kept).await?;
    let body = envelope.evidence.body();
    let (firmware_log, named) = (body.firmware_log, body.checkpoint.size);
    if let FirmwareLog::Present(digest) = firmware_log
        && *carried != Some(firmware_log)
    {
        let bytes = bundle::content(readers, &digest).await?;
        let attachment = Attachment { kind: AttachmentKind::FirmwareLog, first: 0, bytes };
        envelope.attachments.insert(0, attachment);
    }
    *carried = Some(firmware_log);
    let not_before: Option<i64> = match named {
        0 => None,
        size => {
            sql::query_scalar("SELECT at_ms FROM log_time WHERE size >= ? ORDER BY size LIMIT 1")
                .bind(to_i64(size))
                .fetch_optional(readers)
                .await?
        }
    };
    Ok(Attestation {
        leaf: to_u64(row.try_get("leaf")?),
        received_ms: to_u64(row.try_get("received_ms")?),
        not_before_ms: not_before.map_or(0, to_u64),
        heartbeat_ms: kept.heartbeat_ms,
        result: kept.result,
        envelope,
    })
}

/// What is exported beside hosts' chains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Records {
    /// What operators did.
    Actions,
    /// What the index was.
    IndexRoots,
}

/// Some of them from a leaf on.
pub(super) async fn records(
    readers: &Pool,
    which: Records,
    next: u64,
    size: u64,
) -> Result<Vec<Committed>, StoreError> {
    let query = match which {
        Records::Actions => {
            "SELECT leaf, salt, record FROM operator_action WHERE leaf >= ? AND leaf < ? ORDER BY leaf LIMIT ?"
        }
        Records::IndexRoots => {
            "SELECT leaf, salt, record FROM index_root WHERE leaf >= ? AND leaf < ? ORDER BY leaf LIMIT ?"
        }
    };
    let query = sql::query(query).bind(to_i64(next)).bind(to_i64(size)).bind(ROWS_PER_PAGE);
    query.fetch_all(readers).await?.iter().map(committed).collect()
}

/// The newest root of the index in front of a size of the log.
pub(super) async fn newest_root(readers: &Pool, size: u64) -> Result<Option<Committed>, StoreError> {
    let row =
        sql::query("SELECT leaf, salt, record FROM index_root WHERE leaf < ? ORDER BY leaf DESC LIMIT 1")
            .bind(to_i64(size))
            .fetch_optional(readers)
            .await?;
    row.as_ref().map(committed).transpose()
}

/// What a component consists of, compressed as it is stored.
#[derive(Debug)]
pub(super) struct ManifestRow {
    pub(super) id: i64,
    pub(super) component: Sha256Digest,
    pub(super) zstd: Vec<u8>,
}

/// Some of the manifests behind a row.
pub(super) async fn manifests(
    readers: &Pool,
    after: i64,
    hosts: Option<&[i64]>,
) -> Result<Vec<ManifestRow>, StoreError> {
    let mut query = QueryBuilder::new(
        "SELECT c.id, c.digest, b.zstd FROM component c JOIN blob b ON b.digest = c.manifest WHERE c.id > ",
    );
    query.push_bind(after);
    if hosts.is_some() {
        query.push(" AND EXISTS (SELECT 1 FROM host_component o WHERE o.component_id = c.id");
        among(&mut query, "o.host_id", hosts);
        query.push(")");
    }
    query.push(" ORDER BY c.id LIMIT ").push_bind(ROWS_PER_PAGE);
    let rows: Vec<(i64, Vec<u8>, Vec<u8>)> = query.build_query_as().fetch_all(readers).await?;
    rows.into_iter()
        .map(|(id, digest, zstd)| {
            let component = Sha256Digest::from_slice(&digest);
            let component = component.map_err(|_| StoreError::Damaged { what: "a component's digest" })?;
            Ok(ManifestRow { id, component, zstd })
        })
        .collect()
}

/// A piece of evidence may bring 32 MiB of records, but they are read one by one; rows have under 8 KiB but for first ones.
const EVIDENCE_PER_PAGE: i64 = 64;
const ROWS_PER_PAGE: i64 = 256;
