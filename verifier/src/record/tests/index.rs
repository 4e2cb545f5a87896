//! Rows of the index, as evidence after evidence opens and closes them.

use inquiry::profile::{Lasting, Trouble};
use inquiry::role::Source;

use super::*;
use crate::sql;
use crate::store::to_i64;

fn trouble(cause: &str, lasting: Lasting, since: Option<u64>) -> Trouble {
    let (cause, scope) = (cause.to_owned(), "x".to_owned());
    Trouble { source: Source::Ima, cause, scope, lasting, since: since.map(UnixTime::from_secs) }
}

struct World {
    bench: Bench,
    chain: Chain,
    leaves: Vec<i64>,
}

impl World {
    async fn new() -> Self {
        let bench = Bench::new().await;
        let row = bench.enrol(1, 1).await.unwrap();
        Self { bench, chain: Chain::new(row, 1), leaves: Vec::new() }
    }

    /// Records evidence that was sealed at a time.
    async fn seal(&mut self, at: u64, begins: Begins, troubles: Vec<Trouble>) {
        let mut new = self.chain.next(&[]);
        new.index.agent_time = UnixTime::from_secs(at);
        new.index.begins = begins;
        new.index.reading.troubles = troubles;
        self.record(new).await;
    }

    async fn record(&mut self, new: NewEvidence) {
        let done = submit(self.bench.recorder.clone(), new.clone()).await.unwrap().0;
        let Done::Logged { index, .. } = done else { panic!("{done:?}") };
        self.chain.accepted(&new, &[]);
        self.leaves.push(to_i64(index.get()));
    }

    /// Gaps with the numbers of the evidence that they lie between.
    async fn gaps(&self) -> Vec<(String, Option<usize>, Option<usize>)> {
        let rows: Vec<(String, Option<i64>, Option<i64>)> =
            sql::query_as("SELECT cause, from_leaf, to_leaf FROM coverage_gap ORDER BY id")
                .fetch_all(self.bench.store.readers())
                .await
                .unwrap();
        let number = |leaf: Option<i64>| {
            leaf.map(|leaf| self.leaves.iter().position(|known| *known == leaf).expect("a leaf of evidence"))
        };
        rows.into_iter().map(|(cause, from, to)| (cause, number(from), number(to))).collect()
    }
}

fn row(cause: &str, from: Option<usize>, to: Option<usize>) -> (String, Option<usize>, Option<usize>) {
    (cause.to_owned(), from, to)
}

#[tokio::test]
async fn a_gap_that_is_noticed_late_begins_before_what_was_sealed_meanwhile() {
    let mut world = World::new().await;
    world.seal(100, Begins::Chain, vec![]).await;
    world.seal(200, Begins::Nothing, vec![]).await;
    world.seal(300, Begins::Nothing, vec![]).await;
    let troubles = vec![
        trouble("at-once", Lasting::Passed, None),
        trouble("late", Lasting::Passed, Some(250)),
        trouble("later", Lasting::Stands, Some(200)),
        trouble("oldest", Lasting::Passed, Some(99)),
    ];
    world.seal(400, Begins::Nothing, troubles).await;
    let expected = [
        row("at-once", Some(2), Some(3)),
        row("late", Some(1), Some(3)),
        row("later", Some(1), None),
        row("oldest", None, Some(3)),
    ];
    assert_eq!(world.gaps().await, expected);
}

#[tokio::test]
async fn what_the_kernel_does_not_tell_again_lasts_until_the_next_boot() {
    let mut world = World::new().await;
    let kexec = || vec![trouble("kexec", Lasting::Boot, None)];
    world.seal(1, Begins::Chain, vec![]).await;
    world.seal(2, Begins::Nothing, kexec()).await;
    world.seal(3, Begins::Nothing, vec![]).await;
    assert_eq!(world.gaps().await, [row("kexec", Some(0), None)]);
    world.seal(4, Begins::Boot, kexec()).await;
    assert_eq!(world.gaps().await, [row("kexec", Some(0), None)], "the next boot has it as well");
    world.seal(5, Begins::Boot, vec![]).await;
    assert_eq!(world.gaps().await, [row("kexec", Some(0), Some(4))]);
}

#[tokio::test]
async fn a_chain_that_begins_may_go_on_in_the_boot_before() {
    let mut world = World::new().await;
    world.seal(1, Begins::Chain, vec![]).await;
    world.seal(2, Begins::Boot, vec![]).await;
    let row = world.bench.enrol(1, 2).await.unwrap();
    world.chain = Chain::new(row, 2);
    world.seal(3, Begins::Chain, vec![]).await;
    world.seal(4, Begins::Boot, vec![]).await;
    let boots: Vec<(i64, bool)> = sql::query_as("SELECT first_leaf, continues FROM boot ORDER BY first_leaf")
        .fetch_all(world.bench.store.readers())
        .await
        .unwrap();
    let [first, second, third, fourth] = world.leaves[..] else { panic!() };
    assert_eq!(boots, [(first, false), (second, false), (third, true), (fourth, false)]);
}

#[tokio::test]
async fn a_hosts_reach_is_from_a_leaf_to_the_checkpoint_that_the_one_before_names() {
    let mut world = World::new().await;
    let mut expected = 0;
    let mut named_before = None;
    for named in [1, 1, 4, 0] {
        let mut new = world.chain.next(&[]);
        new.index.named = named;
        world.record(new).await;
        let (leaf, named) = (*world.leaves.last().unwrap(), to_i64(named));
        expected = expected.max(leaf - named.min(named_before.unwrap_or(named)));
        named_before = Some(named);
        assert_eq!(world.bench.count("SELECT reach FROM host_index").await, expected, "{:?}", world.leaves);
    }
    assert!(expected > world.leaves[3] - world.leaves[2], "it reaches further than one step");
}
