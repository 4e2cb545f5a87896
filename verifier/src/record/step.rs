//! One piece of work within a batch's transaction.
//!
//! In: the work, and the index that a leaf of it would have. Out: its rows, what came of it, and the leaf if there is one. Whether the
//! transaction is committed is decided by the batch.

use ::evidence::time::UnixTime;
use ledger::leaf::Leaf;
use ledger::tree::LeafIndex;

use super::evidence::Together;
use super::{Done, NewEvidence, RecordError, Work, archive, event, incident, leaf_at, log, watching};
use crate::sql::Connection;
use crate::store::action::{self, ActionKind};
use crate::store::{StoreError, Trouble, token};

/// What came of it, and the leaf.
pub(super) type Applied = Result<(Done, Option<Leaf>), RecordError>;

/// As a step of the transaction, so that one row's refusal leaves no trace and the others go on.
pub(super) async fn in_step(
    work: &Work,
    tx: &mut Connection<'_>,
    index: LeafIndex,
    now: UnixTime,
) -> Result<Applied, StoreError> {
    let mut step = tx.step().await?;
    let applied = apply(work, &mut step, index, now).await;
    match &applied {
        Ok(_) => step.commit().await?,
        // The whole transaction is given up.
        Err(RecordError::Store { trouble, .. }) if *trouble != Trouble::Row => {}
        Err(_) => step.rollback().await?,
    }
    Ok(applied)
}

/// Evidence of several hosts as one step. Where a row of one of them is refused, each is a step of its own.
pub(super) async fn together(
    evidence: &Together<'_>,
    tx: &mut Connection<'_>,
    first: LeafIndex,
) -> Result<Vec<Applied>, StoreError> {
    let mut step = tx.step().await?;
    match evidence.apply(&mut step, first).await {
        Ok(applied) => {
            step.commit().await?;
            return Ok(applied.into_iter().map(logged).collect());
        }
        Err(RecordError::Store { trouble: Trouble::Row, .. }) => step.rollback().await?,
        // The whole transaction is given up.
        Err(error) => return Ok(vec![Err(error)]),
    }
    let (mut applied, mut index) = (Vec::with_capacity(evidence.pieces().len()), first);
    for new in evidence.pieces() {
        let mut step = tx.step().await?;
        let one = alone(new, &mut step, index).await;
        match &one {
            Ok((_, leaf)) => {
                step.commit().await?;
                if leaf.is_some() {
                    index = leaf_at(index.get().saturating_add(1))?;
                }
            }
            Err(RecordError::Store { trouble, .. }) if *trouble != Trouble::Row => return Ok(vec![one]),
            Err(_) => step.rollback().await?,
        }
        applied.push(one);
    }
    Ok(applied)
}

async fn alone(new: &NewEvidence, tx: &mut Connection<'_>, index: LeafIndex) -> Applied {
    let one = Together::of(new).apply(tx, index).await?;
    one.into_iter().next().map_or(Ok((Done::Nothing, None)), logged)
}

fn logged(applied: Result<(LeafIndex, Leaf), RecordError>) -> Applied {
    applied.map(|(index, leaf)| (Done::Logged { index, leaf }, Some(leaf)))
}

/// Writes one piece of work; a leaf that it returns is appended at `index`.
pub(super) async fn apply(work: &Work, tx: &mut Connection<'_>, index: LeafIndex, now: UnixTime) -> Applied {
    let with_leaf = |leaf| (Done::Logged { index, leaf }, Some(leaf));
    let stored = |changed| (if changed { Done::Stored } else { Done::Nothing }, None);
    match work {
        Work::Evidence(new) => alone(new, tx, index).await,
        Work::Enrolment(new) => new.apply(tx, index, now).await.map(with_leaf),
        Work::Retirement(new) => new.apply(tx, index, now).await.map(with_leaf),
        Work::Labels(new) => Ok(stored(new.apply(tx, now).await?)),
        Work::Manifest(new) => Ok(stored(new.apply(tx).await?)),
        Work::Refusal(new) => {
            new.apply(tx).await?;
            Ok(stored(true))
        }
        // No rows: a checkpoint is published once the batch's files are there, and every batch looks for what waits.
        Work::Publish(_) | Work::Outbox => Ok(stored(true)),
        Work::Contradicted(checkpoint) => {
            log::contradict(tx, checkpoint).await?;
            Ok(stored(true))
        }
        Work::IndexRoot(new) => {
            let leaf = new.apply(tx, index, now).await?;
            Ok(leaf.map_or((Done::Nothing, None), with_leaf))
        }
        Work::Fold(new) => Ok(stored(new.apply(tx).await?)),
        Work::Archive(checkpoint) => archive::apply(checkpoint, tx, index).await.map(with_leaf),
        Work::Silence(before) => Ok(stored(event::mark_silent(tx, *before, now).await? > 0)),
        Work::OperatorToken { who, name, scope, expires } => {
            let token = token::create_operator(tx, who, name, *scope, now, *expires).await?;
            Ok((Done::Token(token), None))
        }
        Work::JoinToken { who, note, expires } => {
            Ok((Done::Token(token::create_join(tx, who, note, now, *expires).await?), None))
        }
        Work::Asked { who, question } => {
            action::record(tx, ActionKind::TrustedAsked, who, question, now).await?;
            Ok(stored(true))
        }
        Work::Watch { who, rule } => Ok(stored(watching::add(tx, who, rule, now).await?)),
        Work::Unwatch { who, name } => Ok(stored(watching::remove(tx, who, name, now).await?)),
        Work::OpenIncident { who, rule } => Ok(stored(incident::open(tx, who, rule, now).await?)),
        Work::CloseIncident { who, name, note } => {
            Ok(stored(incident::close(tx, who, name, note, now).await?))
        }
        Work::Alerted(through) => Ok(stored(watching::alerted(tx, *through).await?)),
        Work::Hits(new) => Ok(stored(new.apply(tx, now).await?)),
        Work::Revoke { who, kind, id } => Ok(stored(token::revoke(tx, who, *kind, id, now).await?)),
    }
}
