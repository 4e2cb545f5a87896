use ::evidence::time::UnixTime;
use wire::operator::HostStatus;

use super::history;
use super::hosts::{self, Found, Page};
use crate::record::tests::{Bench, Chain, submit};
use crate::record::{NewEvidence, NewRetirement, Work};
use crate::store::action::Who;

const FRESH: UnixTime = UnixTime::from_ms(0);
const ALL_SILENT: UnixTime = UnixTime::from_secs(9_000_000);

fn page(status: Option<HostStatus>, search: Option<&str>, after: Option<String>, limit: i64) -> Page {
    Page { status, search: search.map(str::to_owned), after, limit }
}

async fn names(bench: &Bench, page: &Page, silent_before: UnixTime) -> Vec<String> {
    let list = hosts::list(&bench.store, page, silent_before).await.unwrap();
    list.hosts.into_iter().map(|host| host.name).collect()
}

/// Six hosts: without evidence, affirming, warning, contraindicated, nothing claimed, retired.
async fn fleet() -> Bench {
    let bench = Bench::new().await;
    for (host, status) in [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(3)), (5, Some(0))] {
        let row = bench.enrol(host, host).await.unwrap();
        if let Some(status) = status {
            let new = NewEvidence { status, ..Chain::new(row, host).next(&[]) };
            submit(bench.recorder.clone(), new).await.unwrap();
        }
    }
    let row = bench.enrol(6, 6).await.unwrap();
    submit(bench.recorder.clone(), Chain::new(row, 6).next(&[])).await.unwrap();
    let new = NewRetirement { host_row: row, who: Who::token("test"), reason: String::new(), salt: [6; 32] };
    bench.recorder.record(Work::Retirement(Box::new(new))).await.unwrap();
    bench
}

#[tokio::test]
async fn the_filter_and_the_shown_status_are_one_rule() {
    let bench = fleet().await;
    let expected = [
        (HostStatus::Pending, vec!["host-1"]),
        (HostStatus::Trusted, vec!["host-2"]),
        (HostStatus::Warning, vec!["host-3", "host-5"]),
        (HostStatus::NotTrusted, vec!["host-4"]),
        (HostStatus::Stale, vec![]),
    ];
    for (status, hosts) in expected {
        assert_eq!(names(&bench, &page(Some(status), None, None, 10), FRESH).await, hosts, "{status:?}");
        let shown = hosts::list(&bench.store, &page(None, None, None, 10), FRESH).await.unwrap();
        let shown = shown.hosts.into_iter().filter(|host| host.status == status).map(|host| host.name);
        assert_eq!(shown.collect::<Vec<_>>(), hosts, "{status:?}");
    }
    assert_eq!(names(&bench, &page(Some(HostStatus::Stale), None, None, 10), ALL_SILENT).await.len(), 5);
    // One that is gone is shown to who asks for it, and is no part of the denominator.
    let gone =
        hosts::list(&bench.store, &page(Some(HostStatus::Retired), None, None, 10), FRESH).await.unwrap();
    assert_eq!((gone.hosts[0].name.as_str(), gone.hosts[0].status), ("host-6", HostStatus::Retired));
    assert_eq!((gone.hosts.len(), gone.total), (1, 5));
}

#[tokio::test]
async fn pages_follow_each_other_and_the_denominator_stays() {
    let bench = fleet().await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let list = hosts::list(&bench.store, &page(None, None, after, 2), FRESH).await.unwrap();
        assert_eq!(list.total, 5);
        seen.extend(list.hosts.into_iter().map(|host| host.name));
        after = list.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["host-1", "host-2", "host-3", "host-4", "host-5"]);
    assert_eq!(names(&bench, &page(None, Some("OST-3"), None, 9), FRESH).await, ["host-3"]);
    assert_eq!(names(&bench, &page(None, Some("0404"), None, 9), FRESH).await, ["host-4"], "by identity");
    assert_eq!(names(&bench, &page(None, Some("%"), None, 9), FRESH).await.len(), 0, "no pattern");
}

#[tokio::test]
async fn a_host_is_found_by_name_or_unique_prefix() {
    let bench = fleet().await;
    for (which, unique) in [("host-2", true), ("02", true), (&"02".repeat(32), true), ("0", false)] {
        let found = hosts::find(bench.store.readers(), which).await.unwrap();
        assert_eq!(matches!(found, Found::One(_)), unique, "{which}");
    }
    assert_eq!(hosts::find(bench.store.readers(), "0").await.unwrap(), Found::Several);
    for which in ["", "none", "%", "ff"] {
        assert_eq!(hosts::find(bench.store.readers(), which).await.unwrap(), Found::None, "{which}");
    }
}

#[tokio::test]
async fn a_history_is_read_backwards_in_pages() {
    let bench = fleet().await;
    bench.recorder.record(Work::Silence(ALL_SILENT)).await.unwrap();
    let Found::One(row) = hosts::find(bench.store.readers(), "host-3").await.unwrap() else {
        panic!("not found")
    };
    let first = history::of_host(&bench.store, row, None, 2).await;
    // The test's evidence is no real evidence, which a reader must notice rather than show.
    assert!(first.is_err());
    let newest = history::of_host(&bench.store, row, None, 1).await.unwrap();
    assert_eq!(newest.entries[0].kind, "stale");
    assert_eq!(newest.next, Some(newest.entries[0].id));
    let Found::One(pending) = hosts::find(bench.store.readers(), "host-1").await.unwrap() else {
        panic!("not found")
    };
    let all = history::of_host(&bench.store, pending, None, 10).await.unwrap();
    let kinds: Vec<_> = all.entries.iter().map(|entry| entry.kind.as_str()).collect();
    assert_eq!((kinds, all.next), (vec!["stale", "enrolled"], None));
}
