use evidence::digest::{HostId, Sha256Digest};

use super::*;
use crate::record::tests::{Bench, Chain, submit};
use crate::sql::{self, QueryBuilder};
use crate::store::packed::{Kept, Packed};

struct World {
    bench: Bench,
    chain: Chain,
    host: HostId,
    pieces: Vec<Kept>,
}

impl World {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let row = bench.enrol(1, 1).await.unwrap();
        Self { bench, chain: Chain::new(row, 1), host: HostId::new([1; 32]), pieces: Vec::new() }
    }

    /// Records evidence as the verifier would: against the keyframe that its host has now.
    async fn record(&mut self, pieces: u64) {
        for _ in 0..pieces {
            let number = self.pieces.len();
            let before = self.pieces.last().map_or(Sha256Digest::new([0; 32]), Kept::digest);
            // Every hundredth is unlike those before, so that a new keyframe begins.
            let noise = |salt: usize| Sha256Digest::of(&[&salt.to_be_bytes()]);
            let era: Vec<u8> = (0..40).flat_map(|n| *noise(number / 100 * 1_000 + n).as_bytes()).collect();
            let kept = Kept {
                sealed: [before.as_bytes().as_slice(), noise(number).as_bytes(), &era].concat(),
                state_before: before.as_bytes().to_vec(),
                result: "{}".into(),
                summary: format!("piece {number}"),
                ..Kept::default()
            };
            let keyframe = self.bench.store.enrolled(self.host).await.unwrap().unwrap().keyframe;
            let mut new = self.chain.next(&[]);
            new.digest = kept.digest();
            new.packed = Packed::new(&kept, keyframe.as_ref()).unwrap();
            submit(self.bench.recorder.clone(), new.clone()).await.unwrap();
            self.chain.accepted(&new, &[]);
            self.pieces.push(kept);
        }
    }

    async fn fold(&self) {
        for chain in chains(&self.bench.store).await.unwrap() {
            fold(&self.bench.store, &self.bench.recorder, chain).await.unwrap();
        }
    }

    /// Everything that is recorded, as it is read now, in order and then each by its digest.
    async fn check(&self) {
        let mut reading = self.bench.store.readers().acquire().await.unwrap();
        let mut query = QueryBuilder::new("SELECT ");
        query.push(unpack::COLUMNS).push(" FROM ").push(unpack::SOURCE).push(" ORDER BY e.leaf");
        let rows = query.build().fetch_all(&mut reading).await.unwrap();
        assert_eq!(rows.len(), self.pieces.len());
        let mut unpacker = Unpacker::default();
        for (row, piece) in rows.iter().zip(&self.pieces) {
            assert_eq!(&unpacker.kept(&mut reading, row).await.unwrap(), piece);
        }
        for piece in &self.pieces {
            let found = unpack::find(&mut reading, piece.digest().as_bytes()).await.unwrap();
            assert!(matches!(found.as_slice(), [one] if one.kept == *piece));
        }
    }

    async fn count(&self, statement: &'static str) -> i64 {
        sql::query_scalar(statement).fetch_one(self.bench.store.readers()).await.unwrap()
    }
}

const RECENT: &str = "SELECT count(*) FROM attestation_recent";
const PACKS: &str = "SELECT count(*) FROM attestation_pack";

#[tokio::test]
async fn older_evidence_moves_into_packs_and_stays_the_same() {
    let mut world = World::new().await;
    world.record(191).await;
    world.fold().await;
    assert_eq!(world.count(PACKS).await, 0, "too little to fold");
    world.record(1).await;
    world.fold().await;
    assert_eq!(
        (world.count(PACKS).await, world.count(RECENT).await),
        (1, 65),
        "64, and the keyframe of theirs"
    );
    world.check().await;
    world.record(270).await;
    world.fold().await;
    // Those that replaced the first keyframes are folded, and nothing needs the first ones any more.
    assert_eq!(
        (world.count(PACKS).await, world.count(RECENT).await),
        (3, 79),
        "78 of 462, and the keyframe at 300"
    );
    world.check().await;
    // A row is found in its pack, whatever replaced it meanwhile.
    assert!(world.bench.store.recorded(&world.pieces[5].digest()).await.unwrap().is_some());
    let nothing = world.bench.store.recorded(&Sha256Digest::new([9; 32])).await.unwrap();
    assert!(nothing.is_none());
}

#[tokio::test]
async fn a_chain_that_ended_is_folded_to_its_end() {
    let mut world = World::new().await;
    world.record(70).await;
    world.bench.enrol(1, 2).await.unwrap();
    world.fold().await;
    assert_eq!((world.count(PACKS).await, world.count(RECENT).await), (1, 0));
    world.check().await;
}

#[tokio::test]
async fn a_pack_that_does_not_follow_is_not_written() {
    let mut world = World::new().await;
    world.record(192).await;
    let enrolment = chains(&world.bench.store).await.unwrap()[0];
    let (one, two) =
        (next_pack(&world.bench.store, enrolment).await, next_pack(&world.bench.store, enrolment).await);
    let recorder = &world.bench.recorder;
    let done = recorder.record(Work::Fold(Box::new(one.unwrap().unwrap()))).await.unwrap().0;
    assert!(matches!(done, Done::Stored));
    let done = recorder.record(Work::Fold(Box::new(two.unwrap().unwrap()))).await.unwrap().0;
    assert!(matches!(done, Done::Nothing));
    world.check().await;
}

#[tokio::test]
async fn a_damaged_pack_is_told_and_not_skipped() {
    let mut world = World::new().await;
    world.record(192).await;
    world.fold().await;
    let path = world.bench.database();
    let mut db = crate::store::reopen(&path).await.unwrap();
    for damage in
        ["UPDATE attestation_pack SET packed = unhex('00')", "UPDATE attestation_pack SET count = 3"]
    {
        sql::query(damage).execute(&mut db).await.unwrap();
        let known = world.bench.store.recorded(&world.pieces[1].digest()).await;
        assert!(matches!(known, Err(StoreError::Damaged { .. })), "{damage}: {known:?}");
    }
    sql::query("DELETE FROM attestation_pack").execute(&mut db).await.unwrap();
    assert!(world.bench.store.recorded(&world.pieces[1].digest()).await.is_err());
}

#[tokio::test]
async fn evidence_that_an_early_version_kept_in_columns_is_folded_as_well() {
    let mut world = World::new().await;
    world.record(192).await;
    let mut db = crate::store::reopen(&world.bench.database()).await.unwrap();
    let leaf: i64 =
        sql::query_scalar("SELECT leaf FROM attestation WHERE seq = 3").fetch_one(&mut db).await.unwrap();
    let piece = &world.pieces[3];
    sql::query(
        "INSERT INTO attestation_columns (leaf, summary, sealed, pcr_values, state_before, result) VALUES (?, ?, ?, ?, ?, ?)",
    )
    .bind(leaf)
    .bind(&piece.summary)
    .bind(&piece.sealed)
    .bind(&piece.pcr_values)
    .bind(&piece.state_before)
    .bind(&piece.result)
    .execute(&mut db)
    .await
    .unwrap();
    sql::query("DELETE FROM attestation_recent WHERE leaf = ?").bind(leaf).execute(&mut db).await.unwrap();
    world.check().await;
    world.fold().await;
    assert_eq!(world.count(PACKS).await, 1);
    assert_eq!(world.count("SELECT count(*) FROM attestation_columns").await, 0);
    world.check().await;
}
