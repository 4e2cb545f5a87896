//! Reads what is kept of evidence, wherever it lies.
//!
//! In: a row of [`SOURCE`] with [`COLUMNS`]. Out: the parts of that evidence. The newest of a chain lies by itself, older evidence in packs, and
//! evidence of early versions in columns. Evidence may be folded into a pack between two statements: then it is looked for there.

use evidence::digest::Sha256Digest;
use wire::submit::decompress;

use super::pack::unpack;
use super::packed::{Completeness, DAMAGED, KEPT_BYTES, Kept, Keyframe};
use super::{StoreError, to_i64, to_u64};
use crate::sql::{self, Connection, QueryBuilder, Row};

/// Where evidence is read from: `e` is its row.
pub(crate) const SOURCE: &str = "attestation e LEFT JOIN attestation_recent r ON r.leaf = e.leaf";
/// The columns of [`SOURCE`] that [`Unpacker::kept`] reads.
pub(crate) const COLUMNS: &str = "e.leaf, e.enrolment_id, e.seq, r.packed, r.keyframe";

/// What was read last, so that evidence that is read in order is unpacked once.
#[derive(Debug, Default)]
pub(crate) struct Unpacker {
    pack: Option<Pack>,
    keyframe: Option<Keyframe>,
}

#[derive(Debug)]
struct Pack {
    enrolment: i64,
    first_seq: u64,
    pieces: Vec<Kept>,
}

impl Unpacker {
    /// The parts of a row's evidence.
    pub(crate) async fn kept(&mut self, reading: &mut Connection<'_>, row: &Row) -> Result<Kept, StoreError> {
        let (leaf, seq): (i64, i64) = (row.try_get("leaf")?, row.try_get("seq")?);
        let place = (row.try_get("enrolment_id")?, to_u64(seq));
        let Some(packed) = row.try_get::<Option<Vec<u8>>>("packed")? else {
            return self.moved(reading, leaf, place, None).await;
        };
        let bytes = match row.try_get::<Option<i64>>("keyframe")? {
            None => decompress(&packed, KEPT_BYTES).map_err(|_| DAMAGED)?,
            Some(keyframe) => match self.keyframe(reading, keyframe).await? {
                Some(keyframe) => keyframe.unpack(&packed)?,
                None => return self.packed(reading, place).await?.ok_or(DAMAGED),
            },
        };
        match Kept::decode(&bytes).map_err(|_| DAMAGED)? {
            (kept, Completeness::Whole) => Ok(kept),
            (kept, Completeness::Early) => self.moved(reading, leaf, place, Some(kept)).await,
        }
    }

    /// From the columns of early versions, or from a pack. Columns first: what is not there any more is in a pack by then.
    async fn moved(
        &mut self,
        reading: &mut Connection<'_>,
        leaf: i64,
        (enrolment, seq): (i64, u64),
        parts: Option<Kept>,
    ) -> Result<Kept, StoreError> {
        if let Some(kept) = self.pack.as_ref().and_then(|pack| pack.get(enrolment, seq)) {
            return Ok(kept.clone());
        }
        match early(reading, leaf, parts).await? {
            Some(kept) => Ok(kept),
            None => self.packed(reading, (enrolment, seq)).await?.ok_or(DAMAGED),
        }
    }

    async fn keyframe(
        &mut self,
        reading: &mut Connection<'_>,
        leaf: i64,
    ) -> Result<Option<&Keyframe>, StoreError> {
        if self.keyframe.as_ref().is_none_or(|known| known.leaf() != leaf) {
            let packed: Option<Vec<u8>> =
                sql::query_scalar("SELECT packed FROM attestation_recent WHERE leaf = ?")
                    .bind(leaf)
                    .fetch_optional(reading)
                    .await?;
            self.keyframe = packed.map(|packed| Keyframe::read(leaf, &packed)).transpose()?;
        }
        Ok(self.keyframe.as_ref())
    }

    /// From the pack that has it, if one has.
    async fn packed(
        &mut self,
        reading: &mut Connection<'_>,
        (enrolment, seq): (i64, u64),
    ) -> Result<Option<Kept>, StoreError> {
        if let Some(kept) = self.pack.as_ref().and_then(|pack| pack.get(enrolment, seq)) {
            return Ok(Some(kept.clone()));
        }
        let row: Option<(i64, i64, Vec<u8>)> = sql::query_as(
            "SELECT first_seq, count, packed FROM attestation_pack WHERE enrolment_id = ? AND first_seq <= ?
             ORDER BY first_seq DESC LIMIT 1",
        )
        .bind(enrolment)
        .bind(to_i64(seq))
        .fetch_optional(reading)
        .await?;
        let Some((first, count, packed)) = row else { return Ok(None) };
        let first_seq = to_u64(first);
        if seq - first_seq >= to_u64(count) {
            return Ok(None);
        }
        let pieces = unpack(&packed)?;
        if pieces.len() as u64 != to_u64(count) {
            return Err(DAMAGED);
        }
        let pack = self.pack.insert(Pack { enrolment, first_seq, pieces });
        pack.get(enrolment, seq).cloned().map(Some).ok_or(DAMAGED)
    }
}

impl Pack {
    fn get(&self, enrolment: i64, seq: u64) -> Option<&Kept> {
        let index = seq.checked_sub(self.first_seq).filter(|_| self.enrolment == enrolment)?;
        self.pieces.get(usize::try_from(index).ok()?)
    }
}

/// Evidence that was found by its digest.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) host_row: i64,
    pub(crate) leaf: u64,
    pub(crate) status: i64,
    pub(crate) kept: Kept,
}

/// The evidence whose digests begin with these bytes, of which there are six at least: one, or none, unless somebody has tried hard.
pub(crate) async fn find(reading: &mut Connection<'_>, begins: &[u8]) -> Result<Vec<Found>, StoreError> {
    let known =
        begins.get(..BEGINS_BYTES).ok_or(StoreError::Damaged { what: "a digest of too few bytes" })?;
    let mut query = QueryBuilder::new("SELECT n.host_id, e.status, ");
    query.push(COLUMNS).push(" FROM ").push(SOURCE);
    query.push(" JOIN enrolment n ON n.id = e.enrolment_id WHERE e.leaf IN (SELECT leaf FROM attestation_digest WHERE begins = ");
    query.push_bind(known.to_vec()).push(")");
    let rows = query.build().fetch_all(&mut *reading).await?;
    let (mut unpacker, mut found) = (Unpacker::default(), Vec::new());
    for row in rows {
        let kept = unpacker.kept(reading, &row).await?;
        if kept.digest().as_bytes().starts_with(begins) {
            let (leaf, host_row, status): (i64, _, _) =
                (row.try_get("leaf")?, row.try_get("host_id")?, row.try_get("status")?);
            found.push(Found { host_row, leaf: to_u64(leaf), status, kept });
        }
    }
    Ok(found)
}

/// Of an early version that is not folded yet: with some parts packed, or with none.
async fn early(
    reading: &mut Connection<'_>,
    leaf: i64,
    packed: Option<Kept>,
) -> Result<Option<Kept>, StoreError> {
    let row = sql::query("SELECT * FROM attestation_columns WHERE leaf = ?")
        .bind(leaf)
        .fetch_optional(reading)
        .await?;
    let Some(row) = row else { return Ok(None) };
    let content = |column| -> Result<Option<Sha256Digest>, StoreError> {
        let digest: Option<Vec<u8>> = row.try_get(column)?;
        digest.map(|digest| Sha256Digest::from_slice(&digest).map_err(|_| DAMAGED)).transpose()
    };
    let parts = match packed {
        Some(parts) => parts,
        None => Kept {
            sealed: row.try_get("sealed")?,
            pcr_values: row.try_get("pcr_values")?,
            state_before: row.try_get("state_before")?,
            result: row.try_get("result")?,
            ..Kept::default()
        },
    };
    Ok(Some(Kept {
        ima_content: content("ima_list")?,
        systemd_log: content("systemd_log")?,
        heartbeat_ms: row.try_get::<Option<i64>>("heartbeat_ms")?.map_or(0, to_u64),
        summary: row.try_get("summary")?,
        ..parts
    }))
}

/// Bytes of a digest that evidence is found by.
const BEGINS_BYTES: usize = 6;

/// What evidence with this digest is found by.
pub(crate) fn begins(digest: &Sha256Digest) -> [u8; BEGINS_BYTES] {
    let mut begins = [0; BEGINS_BYTES];
    for (to, from) in begins.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    begins
}
