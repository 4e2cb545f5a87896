//! How far an incident is dealt with, by what hosts prove.
//!
//! In: an incident. Out: each host that is not a NO for its window, whether something of it is still there, and what is left to do. A host is
//! *exposed* while its newest evidence shows something of the subjects in any role; *contained* when it shows nothing; *re-attested* when
//! it attests as trusted from a boot that began after that, and nothing keeps it from being seen. Nobody sets a state by hand.

use std::collections::{BTreeSet, HashMap};

use evidence::time::UnixTime;
use inquiry::role::Source;
use sqlx::Row as _;
use wire::incident::{IncidentCounts, IncidentHost, IncidentState, IncidentStatus, IncidentView, Todo};
use wire::trusted::{HostAnswer, List, SightingView, Trusted, Verdict};

use super::trusted::{AskError, Asked, answer};
use crate::limits::HITS_PER_HOST;
use crate::store::directory::GapEntry;
use crate::store::{Store, StoreError, to_u64};

/// How it stands: `asked` is its question, `ever` the same in all roles and for all of time.
pub(crate) async fn status(
    store: &Store,
    incident: IncidentView,
    asked: &Asked,
    ever: Asked,
    silent_before: UnixTime,
) -> Result<IncidentStatus, AskError> {
    let ever = Asked { list: List::Exposed, brief: true, shown: HITS_PER_HOST, ..ever };
    let ever = answer(store, &ever, silent_before).await?;
    let ever: HashMap<&str, &HostAnswer> = ever.hosts.iter().map(|host| (&*host.id, host)).collect();
    let window = answer(store, &Asked { list: List::Exposed, ..asked.clone() }, silent_before).await?;
    let boots = boots(store).await?;
    let blind = blind(store, asked);
    let mut status = IncidentStatus {
        incident,
        window: window.window.clone(),
        roles: window.roles.clone(),
        log_size: window.log_size,
        counts: counts(&window),
        limits: window.limits.clone(),
        hosts: Vec::with_capacity(window.hosts.len()),
    };
    for host in &window.hosts {
        let boot = boots.get(&*host.id).copied().unwrap_or_default();
        let mut gaps = blind.get(&*host.id).cloned().unwrap_or_default();
        let ever = ever.get(&*host.id);
        // What is not shown may last.
        if let Some(more) = ever.map(|ever| ever.more_seen).filter(|more| *more > 0) {
            gaps.push(format!("{more} more things were seen than are looked at"));
        }
        let host = of_host(host, ever.map_or(&[], |ever| &ever.seen), boot, &gaps);
        match host.state {
            IncidentState::Exposed => status.counts.exposed += 1,
            IncidentState::Contained => status.counts.contained += 1,
            IncidentState::ReAttested => status.counts.re_attested += 1,
            IncidentState::Unknown => status.counts.unknown += 1,
        }
        status.hosts.push(host);
    }
    status
        .hosts
        .sort_by(|one, other| (one.state, &one.name, &one.id).cmp(&(other.state, &other.name, &other.id)));
    Ok(status)
}

fn counts(window: &Trusted) -> IncidentCounts {
    let counts = window.hosts_asked;
    IncidentCounts { all: counts.all, no: counts.no, ..IncidentCounts::default() }
}

/// The newest boot of a host.
#[derive(Clone, Copy, Debug, Default)]
struct Boot {
    /// Its first leaf; a chain that began within a boot proves no boot.
    first_leaf: u64,
    /// Whether the newest result is that the host is trusted.
    trusted: bool,
}

async fn boots(store: &Store) -> Result<HashMap<String, Boot>, StoreError> {
    let rows = sqlx::query(
        "SELECT h.identity, h.last_status, (SELECT max(b.first_leaf) FROM boot b WHERE b.host_id = h.id AND NOT b.continues) AS first_leaf
         FROM host h",
    )
    .fetch_all(store.readers())
    .await?;
    rows.iter()
        .map(|row| {
            let boot = Boot {
                first_leaf: row.try_get::<Option<i64>, _>("first_leaf")?.map_or(0, to_u64),
                trusted: row.try_get::<Option<i64>, _>("last_status")? == Some(1),
            };
            Ok((hex::encode(row.try_get::<Vec<u8>, _>("identity")?), boot))
        })
        .collect()
}

/// What of each host cannot be seen now, in words, of the sources that would show something of the subjects.
fn blind(store: &Store, asked: &Asked) -> HashMap<String, Vec<String>> {
    let sources: Vec<Source> = asked
        .subjects
        .iter()
        .flat_map(|subject| subject.roles().iter().flat_map(|role| subject.sources(*role)))
        .flat_map(|one_of| one_of.iter().copied())
        .collect();
    let counts = |gap: &&GapEntry| {
        gap.to_leaf.is_none()
            && sources.contains(&gap.source)
            && !asked.accept.iter().any(|accepted| **accepted == *gap.cause)
    };
    let told = |gap: &GapEntry| format!("{} not seen: {} ({})", gap.source.name(), gap.cause, gap.scope);
    let directory = store.directories().newest();
    let hosts = directory.hosts().iter();
    hosts
        .map(|host| (host.card.id.to_string(), host.gaps.iter().filter(counts).map(told).collect()))
        .collect()
}

fn of_host(host: &HostAnswer, ever: &[SightingView], boot: Boot, gaps: &[String]) -> IncidentHost {
    let lasting: Vec<&SightingView> = ever.iter().filter(|seen| seen.until.is_none()).collect();
    let state = if !lasting.is_empty() {
        IncidentState::Exposed
    } else if host.answer == Verdict::Unknown {
        IncidentState::Unknown
    } else if boot.trusted
        && gaps.is_empty()
        && host.standing == "heard"
        && ever.iter().all(|seen| is_past(seen, boot))
    {
        IncidentState::ReAttested
    } else {
        IncidentState::Contained
    };
    let mut todo: BTreeSet<Todo> = lasting.into_iter().map(undo).collect();
    match state {
        IncidentState::Unknown => todo.extend(host.unknown.iter().map(|why| find_out(&why.code))),
        IncidentState::Contained if !ever.iter().all(|seen| is_past(seen, boot)) => {
            todo.insert(shown("reboot: what is gone from the disk may still run"));
        }
        IncidentState::Contained if !boot.trusted => {
            todo.insert(shown("look at its newest result (lydian host show): it does not attest as trusted"));
        }
        IncidentState::Exposed | IncidentState::Contained | IncidentState::ReAttested => {}
    }
    if state == IncidentState::Contained {
        todo.extend(gaps.iter().map(|gap| shown(format!("end what keeps it from being seen: {gap}"))));
    }
    if host.standing == "silent" {
        todo.insert(shown("bring it back, or retire it: it sends no evidence"));
    }
    if host.answer == Verdict::Yes {
        todo.insert(by_hand("rotate what it held: keys, tokens and passwords that were on it since then"));
    }
    IncidentHost {
        id: host.id.to_string(),
        name: host.name.to_string(),
        standing: host.standing.to_string(),
        heard: host.heard.as_ref().map(ToString::to_string),
        answer: host.answer,
        class: host.class.as_ref().map(ToString::to_string),
        state,
        todo: todo.into_iter().collect(),
        seen: host.seen.clone(),
        more_seen: host.more_seen,
        unknown: host.unknown.clone(),
    }
}

/// Whether the newest boot began without it. What a boot is made of, and what ran in it, ends where the next begins; a file that was missing in a
/// boot's first evidence may have been there when it began.
fn is_past(seen: &SightingView, boot: Boot) -> bool {
    let Some(until) = &seen.until else { return false };
    let of_boot = seen.role == "executed" || seen.place.is_some();
    if of_boot { boot.first_leaf >= until.leaf } else { boot.first_leaf > until.leaf }
}

fn shown(what: impl Into<String>) -> Todo {
    Todo { what: what.into(), shown: true }
}

fn by_hand(what: impl Into<String>) -> Todo {
    Todo { what: what.into(), shown: false }
}

/// What makes a sighting end.
fn undo(seen: &SightingView) -> Todo {
    let (what, subject) = (&*seen.what, &*seen.subject);
    let path = seen.path.as_deref();
    let place = seen.place.as_deref();
    if let Some(setting) = subject.strip_prefix("boot:") {
        return shown(match setting {
            "secure-boot=off" => "turn Secure Boot on, and reboot".to_owned(),
            _ if setting.starts_with("dbx-lacks=") => {
                "install the update of dbx that has it (fwupdmgr, or the firmware's own), and reboot"
                    .to_owned()
            }
            _ if setting.starts_with("sbat<") => {
                "raise shim's level (mokutil --set-sbat-policy latest, with a shim that has it), and reboot"
                    .to_owned()
            }
            _ => format!("change {setting}, and reboot"),
        });
    }
    shown(match (&*seen.role, path, place) {
        ("executed", Some(path), _) => format!("reboot: {path} ran in this boot"),
        ("executed", None, Some(place)) => {
            format!("boot by another program, and reboot: it was started ({place})")
        }
        ("eligible", _, Some(place)) if place.starts_with("PK,") => {
            "install firmware with another platform key, and reboot".to_owned()
        }
        ("eligible", _, Some(place)) => {
            format!("take it out of firmware's list ({place}) or revoke it by an update of dbx, and reboot")
        }
        ("eligible", Some(path), None) => format!("take it out of {path} ({what})"),
        ("used", Some(path), _) => format!("replace {path} ({what}): it was signed by it"),
        ("used", None, Some(place)) => format!("boot by what it did not sign ({place}), and reboot"),
        ("present", Some(path), None) => format!("replace or remove {path} ({what})"),
        _ => format!("upgrade or remove {what}"),
    })
}

/// What makes an unknown known.
fn find_out(code: &str) -> Todo {
    match code {
        "never-heard" => shown("start its agent: it has sent no evidence"),
        "silent" => shown("bring it back, or retire it: it sends no evidence"),
        "after-last" => shown("wait for its next evidence"),
        "before-first" => by_hand("look at it by hand: the window begins before its first evidence"),
        _ => by_hand("look at it by hand, or at what the gap is (lydian trusted --explain)"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::trusted::EvidenceView;

    fn seen(role: &'static str, place: Option<&'static str>, until: Option<u64>) -> SightingView {
        let evidence = |leaf| EvidenceView { leaf, seq: None, not_before_size: None, not_after: None };
        SightingView {
            subject: "package:xz-utils".into(),
            role: role.into(),
            class: "D".into(),
            certain: true,
            what: "xz-utils 5.6.1".into(),
            path: None,
            place: place.map(Into::into),
            label: None,
            first: evidence(3),
            last: None,
            until: until.map(evidence),
        }
    }

    fn state(
        answer: Verdict,
        ever: &[SightingView],
        first_leaf: u64,
        trusted: bool,
    ) -> (IncidentState, Vec<String>) {
        let host = HostAnswer {
            id: "00".into(),
            name: "host".into(),
            standing: "heard".into(),
            heard: None,
            answer,
            class: None,
            seen: Vec::new(),
            more_seen: 0,
            unknown: Vec::new(),
            more_unknown: 0,
        };
        let host = of_host(&host, ever, Boot { first_leaf, trusted }, &[]);
        (host.state, host.todo.into_iter().filter(|todo| todo.shown).map(|todo| todo.what).collect())
    }

    #[test]
    fn a_host_is_well_when_a_boot_began_without_it() {
        use IncidentState::{Contained, Exposed, ReAttested, Unknown};
        let lasts = [seen("present", None, None)];
        assert_eq!(
            state(Verdict::Yes, &lasts, 9, true),
            (Exposed, vec!["upgrade or remove xz-utils 5.6.1".into()])
        );
        let gone = [seen("present", None, Some(7))];
        // A file that the first evidence of a boot does not have may have been there when the boot began.
        for (first, expected) in [(5, Contained), (7, Contained), (8, ReAttested)] {
            assert_eq!(state(Verdict::Yes, &gone, first, true).0, expected, "{first}");
        }
        for of_boot in [seen("executed", None, Some(7)), seen("eligible", Some("db, event 3"), Some(7))] {
            assert_eq!(state(Verdict::Yes, std::slice::from_ref(&of_boot), 6, true).0, Contained);
            assert_eq!(state(Verdict::Yes, std::slice::from_ref(&of_boot), 7, true).0, ReAttested);
            let (found, todo) = state(Verdict::Yes, &[of_boot], 7, false);
            assert!(found == Contained && todo[0].contains("newest result"), "{todo:?}");
        }
        assert_eq!(state(Verdict::Unknown, &[], 9, true).0, Unknown);
        assert_eq!(state(Verdict::Unknown, &lasts, 9, true).0, Exposed, "what is there now is there");
        assert!(state(Verdict::Yes, &gone, 5, true).1[0].starts_with("reboot"));
    }
}
