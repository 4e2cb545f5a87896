//! One piece of evidence with all that is needed to verify it again, elsewhere.
//!
//! In: a host, a chain and a position. Out: a bundle: what the host sent, what it was checked against, and the proof
//! that it is in the log. What it is checked against is rebuilt from what is recorded, not taken from the present.

use evidence::body::FirmwareLog;
use evidence::bundle::Bundle;
use evidence::cbor::{CborError, Reader};
use evidence::digest::Sha256Digest;
use evidence::envelope::{Attachment, AttachmentKind, Envelope};
use evidence::limits::PCR_VALUES;
use ledger::proof_file::ProofFile;
use ledger::tree::LeafIndex;

use crate::record::Recorder;
use crate::sql::{Pool, QueryBuilder, Row};
use crate::store::packed::Kept;
use crate::store::unpack::{self, Unpacker};
use crate::store::{Store, StoreError, blob, to_i64, to_u64};

/// Which evidence is asked for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) host: i64,
    /// The chain; the host's newest where none is named.
    pub(crate) chain: Option<[u8; 16]>,
    pub(crate) seq: u64,
}

/// The bundle; `None` where there is no such evidence.
pub(crate) async fn of_evidence(
    store: &Store,
    wanted: &Wanted,
    recorder: &Recorder,
    log_key: &str,
) -> Result<Option<Bundle>, StoreError> {
    let mut query = QueryBuilder::new("SELECT e.received_ms, n.ak_public, n.selection, n.tier, h.name, ");
    query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE);
    query.push(" JOIN enrolment n ON n.id = e.enrolment_id JOIN host h ON h.id = n.host_id WHERE h.id = ");
    query.push_bind(wanted.host).push(" AND n.chain = coalesce(");
    query.push_bind(wanted.chain.map(|chain| chain.to_vec())).push(", h.chain) AND e.seq = ");
    query.push_bind(to_i64(wanted.seq));
    let Some(row) = query.build().fetch_optional(store.readers()).await? else { return Ok(None) };
    let mut unpacker = Unpacker::default();
    let kept = unpacker.kept(&mut store.readers().acquire().await?, &row).await?;
    let envelope = envelope(store.readers(), &kept).await?;
    let firmware_log = match envelope.evidence.body().firmware_log {
        FirmwareLog::Present(digest) => content(store.readers(), &digest).await?,
        FirmwareLog::Absent => Vec::new(),
    };
    Ok(Some(Bundle {
        envelope,
        firmware_log,
        ak_public: row.try_get("ak_public")?,
        selection: row.try_get("selection")?,
        host_name: row.try_get("name")?,
        tier: row.try_get("tier")?,
        state: state_before(store, unpacker, &row, &kept).await?,
        received_ms: to_u64(row.try_get("received_ms")?),
        log_key: log_key.to_owned(),
        proof: proof(store, &row, recorder).await?,
    }))
}

/// The envelope of evidence, with the logs of which it brought something new; the firmware's is kept apart.
pub(crate) async fn envelope(readers: &Pool, kept: &Kept) -> Result<Envelope, StoreError> {
    let mut envelope = envelope_without_records(readers, kept).await?;
    let bytes = match &kept.ima_content {
        Some(digest) => content(readers, digest).await?,
        None => kept.ima_list.clone(),
    };
    if !bytes.is_empty() {
        let first = envelope.evidence.body().ima_first;
        envelope.attachments.insert(0, Attachment { kind: AttachmentKind::ImaList, first, bytes });
    }
    Ok(envelope)
}

/// The envelope as it came, but for the logs of which only what was new was attached.
pub(super) async fn envelope_without_records(readers: &Pool, kept: &Kept) -> Result<Envelope, StoreError> {
    let evidence = kept.evidence()?;
    let mut attachments = Vec::new();
    if let Some(digest) = &kept.systemd_log {
        let bytes = content(readers, digest).await?;
        attachments.push(Attachment { kind: AttachmentKind::SystemdLog, first: 0, bytes });
    }
    let pcr_values = decode_values(&kept.pcr_values)?;
    Ok(Envelope { evidence, pcr_values, attachments })
}

fn decode_values(bytes: &[u8]) -> Result<Vec<Vec<u8>>, StoreError> {
    let read = || -> Result<_, CborError> {
        let mut r = Reader::new(bytes);
        let count = r.array(PCR_VALUES)?;
        (0..count).map(|_| Ok(r.bytes(64)?.to_vec())).collect()
    };
    read().map_err(|_| StoreError::Damaged { what: "recorded PCR values" })
}

/// The components before this evidence are what the changes before it add up to.
async fn state_before(
    store: &Store,
    mut unpacker: Unpacker,
    row: &Row,
    kept: &Kept,
) -> Result<Vec<u8>, StoreError> {
    let state = kept.state_before()?;
    let mut query = QueryBuilder::new("SELECT ");
    query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE);
    query.push(" WHERE e.enrolment_id = ").push_bind(row.try_get::<i64>("enrolment_id")?);
    query.push(" AND e.seq < ").push_bind(row.try_get::<i64>("seq")?);
    query.push(" AND e.changes <> 0 ORDER BY e.seq");
    let mut reading = store.readers().acquire().await?;
    let changed = query.build().fetch_all(&mut reading).await?;
    let mut components = std::collections::BTreeSet::new();
    for row in changed {
        let evidence = unpacker.kept(&mut reading, &row).await?.evidence()?;
        for gone in &evidence.body().removed {
            components.remove(gone);
        }
        components.extend(evidence.body().added.iter().copied());
    }
    Ok(state.with_components(components.into_iter().collect()).encode())
}

async fn proof(store: &Store, row: &Row, recorder: &Recorder) -> Result<String, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { what: "a leaf's index" };
    let index = LeafIndex::new(to_u64(row.try_get("leaf")?)).map_err(|_| DAMAGED)?;
    // Its files may be a moment behind the row.
    let head = recorder.head_with(index).await.map_err(|_| DAMAGED)?;
    let leaf = store.leaf(index, &head).await?.ok_or(DAMAGED)?;
    let inclusion = store.prove_inclusion(index, &head).await?;
    let file = ProofFile::new(index, inclusion, head.checkpoint.clone());
    Ok(file.with_extra(leaf.to_bytes().to_vec()).map_err(|_| DAMAGED)?.to_string())
}

/// A content that a row names.
pub(crate) async fn content(readers: &Pool, digest: &Sha256Digest) -> Result<Vec<u8>, StoreError> {
    blob::read(readers, digest).await?.ok_or(StoreError::Damaged { what: "a content is missing" })
}
