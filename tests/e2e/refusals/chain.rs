//! Evidence that is true and not the next of its chain, or whose state does not add up.

use anyhow::Result;
use evidence::body::CheckpointView;
use evidence::digest::{ChainId, Sha256Digest};

use super::{Row, Shown, refuse, sent};

#[tokio::test]
async fn evidence_out_of_its_place_is_refused() -> Result<()> {
    refuse(ROWS).await
}

const BASE: Row =
    Row { name: "", code: "", status: 409, provoke: |_| Ok(Vec::new()), shown: Shown::WithHost };
const REPLAYED: Row = Row { code: "replayed", ..BASE };
const SEQ: Row = Row { code: "seq-out-of-order", ..BASE };
const PREV: Row = Row { code: "prev-mismatch", ..BASE };
const CHECKPOINT: Row = Row { code: "checkpoint-unknown", status: 422, ..BASE };
const STATE_ROOT: Row = Row { code: "state-root-mismatch", status: 422, ..BASE };

const ROWS: &[Row] = &[
    Row { name: "the newest evidence once more", provoke: |stage| sent(&stage.second), ..REPLAYED },
    Row { name: "older evidence once more", provoke: |stage| sent(&stage.first), ..REPLAYED },
    Row {
        name: "recorded evidence with other attachments",
        provoke: |stage| {
            let mut again = stage.second.clone();
            again.attachments.clear();
            sent(&again)
        },
        ..REPLAYED
    },
    Row {
        name: "another chain",
        code: "wrong-chain",
        provoke: |stage| sent(&stage.with_body(|body| body.chain = ChainId::new([9; 16]))?),
        ..BASE
    },
    Row {
        name: "a position is left out",
        provoke: |stage| sent(&stage.with_body(|body| body.seq += 1)?),
        ..SEQ
    },
    Row {
        name: "a position that is taken",
        provoke: |stage| sent(&stage.with_body(|body| body.seq -= 1)?),
        ..SEQ
    },
    Row {
        name: "the first position again",
        provoke: |stage| {
            sent(&stage.with_body(|body| {
                body.seq = 0;
                body.prev = Sha256Digest::new([0; 32]);
            })?)
        },
        ..SEQ
    },
    Row {
        name: "follows nothing that is known",
        provoke: |stage| sent(&stage.with_body(|body| body.prev = Sha256Digest::new([9; 32]))?),
        ..PREV
    },
    Row {
        name: "follows older evidence",
        provoke: |stage| {
            let older = stage.first.evidence.digest();
            sent(&stage.with_body(|body| body.prev = older)?)
        },
        ..PREV
    },
    Row {
        name: "a checkpoint of another log",
        provoke: |stage| {
            let root = Sha256Digest::new([9; 32]);
            sent(&stage.with_body(|body| body.checkpoint.root = root)?)
        },
        ..CHECKPOINT
    },
    Row {
        name: "a checkpoint that is larger than the log",
        provoke: |stage| sent(&stage.with_body(|body| body.checkpoint.size += 1_000)?),
        ..CHECKPOINT
    },
    Row {
        name: "a checkpoint from before the last one",
        provoke: |stage| sent(&stage.with_body(|body| body.checkpoint = CheckpointView::none())?),
        ..CHECKPOINT
    },
    Row {
        name: "another state root",
        provoke: |stage| sent(&stage.with_body(|body| body.state_root = Sha256Digest::new([9; 32]))?),
        ..STATE_ROOT
    },
    Row {
        name: "a component that came in silence",
        provoke: |stage| {
            stage.attester.toggle(&crate::scene::package("silent", "1")?);
            sent(&stage.with_body(|body| body.added.clear())?)
        },
        ..STATE_ROOT
    },
    Row {
        name: "a component that went and was never there",
        provoke: |stage| sent(&stage.with_body(|body| body.removed = vec![Sha256Digest::new([9; 32])])?),
        ..STATE_ROOT
    },
];
