//! Random rounds of submissions of several hosts at once.

use std::collections::BTreeMap;

use ledger::tree::{Frontier, LogSize};
use proptest::prelude::*;

use super::*;
use crate::sql;

/// What one host does next.
#[derive(Clone, Debug)]
enum Step {
    /// The next evidence, with these components afterwards.
    Next(Vec<u8>),
    /// The newest evidence once more.
    Again,
    /// Evidence that does not follow.
    Stray,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::btree_set(0_u8..12, 0..6).prop_map(|set| Step::Next(set.into_iter().collect())),
        1 => Just(Step::Again),
        1 => Just(Step::Stray),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever is submitted together: each receipt verifies, each refusal is deserved, the log holds exactly what was
    /// acknowledged, and the history's open intervals are what each host has.
    #[test]
    fn every_receipt_verifies(rounds in proptest::collection::vec(proptest::collection::vec(step(), 4), 1..6)) {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(check_rounds(rounds));
    }
}

async fn check_rounds(rounds: Vec<Vec<Step>>) {
    let bench = Bench::new().await;
    let mut hosts = Vec::new();
    for host in 1..=4 {
        hosts.push((Chain::new(bench.enrol(host, host).await.unwrap(), host), None::<NewEvidence>));
    }
    // Four join tokens and four enrolments.
    let mut acknowledged = 8_u64;
    let mut seen = bench.checkpoint();
    for round in rounds {
        let mut running = JoinSet::new();
        for (at, step) in round.into_iter().enumerate() {
            let (chain, last) = hosts[at].clone();
            let recorder = bench.recorder.clone();
            running.spawn(async move { (at, step.clone(), run_step(recorder, chain, last, step).await) });
        }
        while let Some(ran) = running.join_next().await {
            let (at, step, outcome) = ran.unwrap();
            let (chain, last) = &mut hosts[at];
            match (step, outcome) {
                (Step::Next(set), Some((new, Ok((done, head))))) => {
                    bench.verify(done, &head, &seen).await;
                    let after: Vec<_> = set.into_iter().map(component).collect();
                    chain.accepted(&new, &after);
                    *last = Some(new);
                    acknowledged += 1;
                }
                (Step::Again, None | Some((_, Err(RecordError::Replayed))))
                | (Step::Stray, Some((_, Err(RecordError::Overtaken)))) => {}
                (step, outcome) => panic!("{step:?}: {outcome:?}"),
            }
        }
        seen = bench.checkpoint();
        assert_eq!(seen.checkpoint().size().get(), acknowledged);
    }
    check_whole_log(&bench, acknowledged).await;
    check_intervals(&bench, &hosts.into_iter().map(|(chain, _)| chain).collect::<Vec<_>>()).await;
}

async fn run_step(
    recorder: Recorder,
    chain: Chain,
    last: Option<NewEvidence>,
    step: Step,
) -> Option<(NewEvidence, Answer)> {
    let new = match step {
        Step::Next(set) => chain.next(&set.into_iter().map(component).collect::<Vec<_>>()),
        Step::Again => last?,
        Step::Stray => Chain { seq: chain.seq + 1, ..chain.clone() }.next(&chain.components),
    };
    let answer = submit(recorder, new.clone()).await;
    Some((new, answer))
}

/// The root over all leaves, computed from nothing but the leaves, is the one that was signed.
async fn check_whole_log(bench: &Bench, leaves: u64) {
    let mut frontier = Frontier::new();
    for index in 0..leaves {
        let leaf =
            bench.store.leaf(LeafIndex::new(index).unwrap(), &bench.recorder.head()).await.unwrap().unwrap();
        frontier.push(leaf.hash()).unwrap();
    }
    assert_eq!(frontier.size(), LogSize::new(leaves).unwrap());
    assert_eq!(frontier.root(), *bench.checkpoint().checkpoint().root());
}

async fn check_intervals(bench: &Bench, hosts: &[Chain]) {
    let rows: Vec<(i64, Vec<u8>)> = sql::query_as(
        "SELECT hc.host_id, c.digest FROM host_component hc JOIN component c ON c.id = hc.component_id
         WHERE hc.to_leaf IS NULL",
    )
    .fetch_all(bench.store.readers())
    .await
    .unwrap();
    let mut open: BTreeMap<i64, Vec<Sha256Digest>> = BTreeMap::new();
    for (host, digest) in rows {
        open.entry(host).or_default().push(Sha256Digest::from_slice(&digest).unwrap());
    }
    for chain in hosts {
        let (mut found, mut expected) =
            (open.remove(&chain.row).unwrap_or_default(), chain.components.clone());
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
