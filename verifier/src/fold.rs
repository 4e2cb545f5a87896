//! Folds older evidence into packs, beside everything else.
//!
//! In: chains of which evidence was recorded. Out: packs for the recorder. The newest evidence of a chain stays as it is; where more than a pack
//! has gathered behind it, that is packed. When the verifier starts it looks at every chain once, so that nothing depends on a word of
//! mouth: what was not folded, because the verifier ended or because an earlier version recorded it, is folded then.

use evidence::digest::ChainId;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::limits::FOLD_QUEUE;
use crate::record::{Done, NewPack, RecordError, Recorder, Work, next_to_fold};
use crate::sql::{self, Connection, QueryBuilder};
use crate::store::pack::{PACK_BYTES, PACK_PIECES, pack};
use crate::store::unpack::{self, Unpacker};
use crate::store::{Store, StoreError, to_u64};

/// Whom one tells of recorded evidence.
#[derive(Clone, Debug)]
pub(crate) struct Folder(mpsc::Sender<ChainId>);

impl Folder {
    /// A piece of evidence was recorded.
    pub(crate) fn recorded(&self, chain: ChainId, seq: u64) {
        if seq.wrapping_add(1).is_multiple_of(APART) {
            // Where the queue is full, the chain's turn comes with later evidence.
            let _ = self.0.try_send(chain);
        }
    }
}

/// Makes the way to the folder and what [`run`] takes from it.
pub(crate) fn queue() -> (Folder, mpsc::Receiver<ChainId>) {
    let (chains, queue) = mpsc::channel(FOLD_QUEUE);
    (Folder(chains), queue)
}

/// Folds until it is asked to end.
pub(crate) async fn run(
    store: Store,
    recorder: Recorder,
    mut queue: mpsc::Receiver<ChainId>,
    stop: CancellationToken,
) {
    let folding = async {
        match chains(&store).await {
            Ok(chains) => {
                for enrolment in chains {
                    tell(fold(&store, &recorder, enrolment).await);
                }
            }
            Err(error) => tell(Err(error)),
        }
        while let Some(chain) = queue.recv().await {
            tell(chain_of(&store, &recorder, chain).await);
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = folding => {}
    }
}

/// Evidence that could not be folded is where it was.
fn tell(done: Result<(), FoldError>) {
    match done {
        Ok(()) | Err(FoldError::Record(RecordError::Stopped)) => {}
        Err(error) => tracing::error!(%error, "older evidence could not be folded"),
    }
}

/// Why evidence was not folded.
#[derive(Debug, thiserror::Error)]
enum FoldError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("packing: {0}")]
    Pack(#[from] std::io::Error),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl From<sqlx::Error> for FoldError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

async fn chains(store: &Store) -> Result<Vec<i64>, FoldError> {
    Ok(sql::query_scalar("SELECT id FROM enrolment ORDER BY id").fetch_all(store.readers()).await?)
}

async fn chain_of(store: &Store, recorder: &Recorder, chain: ChainId) -> Result<(), FoldError> {
    let enrolment: Option<i64> = sql::query_scalar("SELECT id FROM enrolment WHERE chain = ?")
        .bind(chain.as_bytes().as_slice())
        .fetch_optional(store.readers())
        .await?;
    match enrolment {
        Some(enrolment) => fold(store, recorder, enrolment).await,
        None => Ok(()),
    }
}

async fn fold(store: &Store, recorder: &Recorder, enrolment: i64) -> Result<(), FoldError> {
    loop {
        let Some(new) = next_pack(store, enrolment).await? else { return Ok(()) };
        let (done, _) = recorder.record(Work::Fold(Box::new(new))).await?;
        if !matches!(done, Done::Stored) {
            return Ok(());
        }
    }
}

async fn next_pack(store: &Store, enrolment: i64) -> Result<Option<NewPack>, FoldError> {
    let mut reading = store.readers().acquire().await?;
    let first = next_to_fold(&mut reading, enrolment).await?;
    let (left, ended) = left(&mut reading, enrolment, first).await?;
    if left < if ended { 1 } else { PACK_PIECES as u64 + APART } {
        return Ok(None);
    }
    let (mut pieces, mut bytes, mut unpacker) =
        (Vec::with_capacity(PACK_PIECES), 0_usize, Unpacker::default());
    for seq in (first..).take(PACK_PIECES.min(usize::try_from(left).unwrap_or(usize::MAX))) {
        // One by one: a piece may be of several megabytes.
        let mut query = QueryBuilder::new("SELECT ");
        query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE);
        query.push(" WHERE e.enrolment_id = ").push_bind(enrolment).push(" AND e.seq = ").push_bind(seq);
        let row = query.build().fetch_optional(&mut reading).await?;
        let row = row.ok_or(StoreError::Damaged { what: "a chain that is not whole" })?;
        let kept = unpacker.kept(&mut reading, &row).await?;
        bytes += kept.bytes();
        if bytes > PACK_BYTES && !pieces.is_empty() {
            break;
        }
        pieces.push(kept);
    }
    drop(reading);
    let count = pieces.len() as u64;
    let packed =
        tokio::task::spawn_blocking(move || pack(&pieces)).await.map_err(std::io::Error::other)??;
    Ok(Some(NewPack { enrolment, first_seq: to_u64(first), count, packed }))
}

/// How many pieces of evidence wait from a place on, and whether there will be no more of them.
async fn left(reading: &mut Connection<'_>, enrolment: i64, first: i64) -> Result<(u64, bool), StoreError> {
    let (left, ended): (i64, bool) = sql::query_as(
        "SELECT (SELECT count(*) FROM attestation WHERE enrolment_id = n.id AND seq >= ?2), n.chain <> h.chain
         FROM enrolment n JOIN host h ON h.id = n.host_id WHERE n.id = ?1",
    )
    .bind(enrolment)
    .bind(first)
    .fetch_one(reading)
    .await?;
    Ok((to_u64(left), ended))
}

/// The newest evidence of a chain that is not folded: what is looked at most, and what new evidence is compressed against.
const APART: u64 = 64;

#[cfg(test)]
mod tests;
