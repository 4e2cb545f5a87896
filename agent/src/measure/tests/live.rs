//! The whole thread: snapshots arrive, and only when there is something to say.

use std::collections::BTreeSet;
use std::fs;

use tokio::sync::mpsc::{Receiver, channel};

use super::*;
use crate::measure::{MeasureError, Measurer, Report, Snapshot};

struct Live {
    host: Host,
    measurer: Measurer,
    out: Receiver<Report>,
    manifests: BTreeMap<Sha256Digest, Manifest>,
}

impl Live {
    fn start(host: Host, room: usize) -> Self {
        let config = host.config();
        Self::start_with(host, config, room)
    }

    fn start_with(host: Host, config: MeasureConfig, room: usize) -> Self {
        let (sender, out) = channel(room);
        let measurer = Measurer::start(config, BTreeSet::new(), Arc::new(SystemClock), sender).unwrap();
        Self { host, measurer, out, manifests: BTreeMap::new() }
    }

    /// The next snapshot; each of its components must have been sent with its manifest by then.
    async fn next(&mut self) -> Snapshot {
        let snapshot = loop {
            let next = tokio::time::timeout(Duration::from_secs(30), self.out.recv());
            match next.await.expect("a report in time").expect("the thread lives") {
                Report::Manifest(digest, bytes) => {
                    let manifest = Manifest::decode(&bytes).unwrap();
                    assert_eq!(manifest.digest(), digest);
                    assert_eq!(self.manifests.insert(digest, manifest), None, "a manifest is sent once");
                }
                Report::Snapshot(snapshot) => break *snapshot,
            }
        };
        assert!(snapshot.components.iter().all(|digest| self.manifests.contains_key(digest)));
        assert!(snapshot.components.is_sorted_by(|a, b| a < b));
        snapshot
    }

    fn digests(&self, snapshot: &Snapshot) -> BTreeMap<String, Sha256Digest> {
        let manifests = snapshot.components.iter().map(|digest| &self.manifests[digest]);
        let entries = manifests.flat_map(Manifest::entries);
        entries.map(|entry| (String::from_utf8(entry.path.clone()).unwrap(), entry.digest)).collect()
    }

    /// Snapshots until one has this file with the content that it has now, or has it no more.
    async fn until(&mut self, path: &str) -> Snapshot {
        let expected = fs::read(self.host.at(path)).ok().map(|bytes| Sha256Digest::of(&[&bytes]));
        loop {
            let snapshot = self.next().await;
            if self.digests(&snapshot).get(path).copied() == expected {
                return snapshot;
            }
        }
    }
}

#[tokio::test]
async fn a_change_is_reported_when_its_burst_is_over_not_at_the_latest_moment() {
    let host = Host::new();
    let config = MeasureConfig { settle_max: Duration::from_hours(1), ..host.config() };
    let mut live = Live::start_with(host, config, 1);
    live.next().await;
    live.host.elf("usr/bin/tool", "changed");
    live.until("/usr/bin/tool").await;
}

#[tokio::test]
async fn each_change_arrives() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let mut live = Live::start(host, 4);
    let first = live.next().await;
    assert_eq!((first.files, first.components.len(), first.gaps.len()), (1, 1, 0));
    live.host.elf("usr/lib/new/b", "2");
    let second = live.until("/usr/lib/new/b").await;
    assert_eq!(second.files, 2);
    assert!(second.changed_at >= first.changed_at);
    fs::remove_dir_all(live.host.at("usr/lib")).unwrap();
    let third = live.until("/usr/lib/new/b").await;
    assert_eq!(third.components, first.components);
    live.measurer.stop();
}

#[tokio::test]
async fn no_change_makes_no_snapshot() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let mut live = Live::start(host, 4);
    let first = live.next().await;
    live.measurer.rescan();
    live.host.write("usr/share/text", b"no code");
    // Written anew, a walk could meet it while it is empty: its times change, and so it is hashed again.
    let again = std::fs::File::options().append(true).open(live.host.at("usr/bin/a")).unwrap();
    again.set_modified(std::time::SystemTime::now()).unwrap();
    live.measurer.rescan();
    live.host.elf("usr/bin/b", "2");
    // Whatever came between comes first: a walk of everything is told for its numbers, and nothing else is.
    let walks = |snapshot: &Snapshot| {
        let walks = snapshot.counters.iter().find(|counter| counter.name == "walks.full");
        walks.expect("walks are counted").value
    };
    let (mut before, mut second) = (walks(&first), live.next().await);
    while second.components == first.components {
        assert!(walks(&second) > before, "nothing has changed, and nobody walked");
        (before, second) = (walks(&second), live.next().await);
    }
    assert_eq!(live.digests(&second).len(), 2);
}

#[tokio::test]
async fn known_components_need_no_manifest() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    let mut live = Live::start(host, 1);
    let first = live.next().await;
    let Live { host, measurer, .. } = live;
    measurer.stop();
    let (sender, mut out) = channel(1);
    let known = first.components.iter().copied().collect();
    let _measurer = Measurer::start(host.config(), known, Arc::new(SystemClock), sender).unwrap();
    let second = tokio::time::timeout(Duration::from_secs(30), out.recv()).await.unwrap().unwrap();
    assert!(matches!(second, Report::Snapshot(second) if second.components == first.components));
}

#[tokio::test]
async fn a_slow_receiver_gets_the_newest_with_every_manifest() {
    let host = Host::new();
    host.elf("usr/bin/a", "0");
    // Room for one: the first snapshot fills it, and all that follow wait and are replaced.
    let mut live = Live::start(host, 1);
    for n in 1..20 {
        live.host.elf("usr/bin/a", &n.to_string());
        live.host.elf(&format!("usr/{n}/x"), &n.to_string());
        live.measurer.rescan();
        tokio::task::yield_now().await;
    }
    let mut last = live.until("/usr/19/x").await;
    while live.digests(&last) != paths(&live.host.walked_anew()) {
        last = live.next().await;
    }
    assert_eq!(last.files, 20);
}

#[tokio::test]
async fn a_dpkg_run_is_waited_for() {
    let host = Host::new();
    host.elf("usr/bin/a", "1");
    fs::create_dir(host.path("dpkg")).unwrap();
    fs::write(host.path("dpkg/lock"), b"").unwrap();
    let mut live = Live::start(host, 4);
    live.next().await;
    let lock = fs::File::options().write(true).open(live.host.path("dpkg/lock")).unwrap();
    rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::LockExclusive).unwrap();
    live.host.elf("usr/bin/tool", "half");
    // Long enough that it would have come: twenty times the time to settle.
    let early = tokio::time::timeout(Duration::from_millis(400), live.out.recv()).await;
    assert!(early.is_err(), "not while dpkg works");
    live.host.elf("usr/bin/tool", "whole");
    fs::create_dir(live.host.path("dpkg/info")).unwrap();
    fs::write(live.host.path("dpkg/info/tool.list"), b"/usr/bin/tool\n").unwrap();
    drop(lock);
    let after = live.until("/usr/bin/tool").await;
    let kinds: Vec<_> = after.components.iter().map(|digest| live.manifests[digest].kind()).collect();
    assert!(kinds.contains(&ComponentKind::Package));
}

#[tokio::test]
async fn it_stops_in_the_middle_of_a_walk() {
    let host = Host::new();
    let large = fs::File::create(host.at("usr/bin/large")).unwrap();
    std::io::Write::write_all(&mut &large, ELF).unwrap();
    // Hours of hashing.
    large.set_len(1 << 43).unwrap();
    let live = Live::start(host, 1);
    let begun = std::time::Instant::now();
    live.measurer.stop();
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn it_ends_when_nobody_receives() {
    let host = Host::new();
    let (sender, out) = channel(1);
    drop(out);
    let watch = sender.clone();
    let measurer = Measurer::start(host.config(), BTreeSet::new(), Arc::new(SystemClock), sender).unwrap();
    assert!(watch.is_closed());
    measurer.stop();
}

#[test]
fn a_configuration_that_cannot_be_honoured_is_refused() {
    let host = Host::new();
    let config = host.config();
    let start = |config| {
        let (sender, _out) = channel(1);
        Measurer::start(config, BTreeSet::new(), Arc::new(SystemClock), sender).map(Measurer::stop)
    };
    let none = MeasureConfig { roots: vec![], ..config.clone() };
    assert!(matches!(start(none), Err(MeasureError::NoRoots)));
    let relative = MeasureConfig { excludes: vec!["usr".into()], ..config.clone() };
    assert!(matches!(start(relative), Err(MeasureError::Relative { .. })));
    let outside = MeasureConfig { roots: vec![host.path("elsewhere")], ..config };
    assert!(matches!(start(outside), Err(MeasureError::OutsidePrefix { .. })));
}
