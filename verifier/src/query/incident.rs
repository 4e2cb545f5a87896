//! How far an incident is dealt with, by what hosts prove.
//!
//! In: an incident. Out: each host that is not a NO for its window, whether something of it is still there, and what is left to do. A host is
//! *exposed* while its newest evidence shows something of the subjects in any role; *contained* when it shows nothing; *re-attested* when
//! it attests as trusted from a boot that began after that, and the answer in every role is a NO since that boot's first evidence. Nobody sets
//! a state by hand.

use std::collections::{BTreeSet, HashMap};

use evidence::time::UnixTime;
use wire::incident::{IncidentCounts, IncidentHost, IncidentState, IncidentStatus, IncidentView, Todo};
use wire::trusted::{HostAnswer, List, SightingView, Trusted, Verdict};

use super::trusted::{AskError, Asked, Since, answer_as_of};
use crate::limits::SIGHTINGS_SHOWN;
use crate::sql::{self, Connection};
use crate::store::directory;
use crate::store::{Store, StoreError, to_u64};

/// How it stands: `asked` is its question, `ever` the same in all roles and for all of time. All of it is as of one moment.
pub(crate) async fn status(
    store: &Store,
    incident: IncidentView,
    asked: &Asked,
    ever: Asked,
    silent_before: UnixTime,
) -> Result<IncidentStatus, AskError> {
    let (mut reading, directory) = directory::begin(store).await?;
    let boots = boots(&mut reading).await?;
    let since = boots.iter().filter_map(|(row, boot)| Some((*row, boot.first_leaf? + 1))).collect();
    let ever = Asked { list: List::Exposed, brief: true, shown: SIGHTINGS_SHOWN, ..ever };
    let mut ask = async |asked: &Asked, since: &Since| {
        answer_as_of(&mut reading, &directory, asked, silent_before, since).await
    };
    let window = ask(&Asked { list: List::Exposed, ..asked.clone() }, &Since::new()).await?;
    let (ever, still) = (ask(&ever, &Since::new()).await?, ask(&ever, &since).await?);
    let (ever, still) = (by_id(&ever), by_id(&still));
    let rows: HashMap<&str, i64> = directory.hosts().iter().map(|host| (&*host.card.id, host.row)).collect();
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
        let boot = rows.get(&*host.id).and_then(|row| boots.get(row)).copied().unwrap_or_default();
        let known = Known { boot, ever: ever.get(&*host.id).copied(), still: still.get(&*host.id).copied() };
        let host = of_host(host, &known);
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

fn by_id(answer: &Trusted) -> HashMap<&str, &HostAnswer> {
    answer.hosts.iter().map(|host| (&*host.id, host)).collect()
}

fn counts(window: &Trusted) -> IncidentCounts {
    let counts = window.hosts_asked;
    IncidentCounts { all: counts.all, no: counts.no, ..IncidentCounts::default() }
}

/// The newest boot of a host.
#[derive(Clone, Copy, Debug, Default)]
struct Boot {
    /// Its first leaf; `None` where a chain began within a boot, which proves none.
    first_leaf: Option<u64>,
    /// Whether the newest result is that the host is trusted.
    trusted: bool,
}

async fn boots(reading: &mut Connection<'_>) -> Result<HashMap<i64, Boot>, StoreError> {
    let rows: Vec<(i64, bool, Option<i64>)> = sql::query_as(
        "SELECT h.id, coalesce(h.last_status, 0) = 1,
           (SELECT max(b.first_leaf) FROM boot b WHERE b.host_id = h.id AND b.continues = 0) FROM host h",
    )
    .fetch_all(reading)
    .await?;
    let boot =
        |(row, trusted, first): (_, _, Option<i64>)| (row, Boot { first_leaf: first.map(to_u64), trusted });
    Ok(rows.into_iter().map(boot).collect())
}

/// What is known of a host beside the answer for the window.
struct Known<'a> {
    boot: Boot,
    /// The answer in all roles, for all of time; a NO where there is none.
    ever: Option<&'a HostAnswer>,
    /// The same since the first evidence of the newest boot.
    still: Option<&'a HostAnswer>,
}

impl Known<'_> {
    fn seen(&self) -> &[SightingView] {
        self.ever.map_or(&[], |ever| &ever.seen)
    }

    /// Whether more was seen than is looked at here one by one.
    fn is_cut(&self) -> bool {
        self.ever.is_some_and(|ever| ever.more_seen > 0)
    }

    /// Whether the newest boot began without it, as far as that was seen.
    fn is_past(&self) -> bool {
        let ended =
            |first| !self.seen().is_empty() && self.seen().iter().all(|seen| ended_before(seen, first));
        self.boot.first_leaf.is_some_and(ended)
    }

    fn state(&self, host: &HostAnswer) -> IncidentState {
        let lasts = self.seen().iter().any(|seen| seen.until.is_none());
        let may_last = self.is_cut() && self.still.is_some_and(|still| still.answer == Verdict::Yes);
        if lasts || may_last {
            IncidentState::Exposed
        } else if host.answer == Verdict::Unknown {
            IncidentState::Unknown
        } else if self.still.is_none()
            && self.is_past()
            && !self.is_cut()
            && self.boot.trusted
            && host.standing == "heard"
        {
            IncidentState::ReAttested
        } else {
            IncidentState::Contained
        }
    }

    /// What keeps a host that has nothing of it from being known to be well.
    fn left(&self) -> Vec<Todo> {
        if self.is_cut() {
            return vec![shown(
                "open an incident with fewer subjects: more was seen than is looked at one by one",
            )];
        }
        if !self.is_past() {
            return vec![shown("reboot: what is gone from the disk may still run")];
        }
        let gaps = self.still.into_iter().flat_map(|still| &still.unknown);
        let mut left: Vec<Todo> =
            gaps.map(|why| shown(format!("end what keeps it from being seen: {}", why.detail))).collect();
        if !self.boot.trusted {
            left.push(shown("look at its newest result (lydian host show): it does not attest as trusted"));
        }
        left
    }
}

fn of_host(host: &HostAnswer, known: &Known<'_>) -> IncidentHost {
    let state = known.state(host);
    let lasting = known.seen().iter().filter(|seen| seen.until.is_none());
    let mut todo: BTreeSet<Todo> = lasting.map(undo).collect();
    match state {
        IncidentState::Unknown => todo.extend(host.unknown.iter().map(|why| find_out(&why.code))),
        IncidentState::Contained => todo.extend(known.left()),
        IncidentState::Exposed if todo.is_empty() => todo.extend(known.left()),
        IncidentState::Exposed | IncidentState::ReAttested => {}
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

/// Whether it was over when a boot began. What a boot is made of, and what ran in it, ends where the next begins; a file that was missing in a
/// boot's first evidence may have been there when it began.
fn ended_before(seen: &SightingView, first_leaf: u64) -> bool {
    let Some(until) = &seen.until else { return false };
    let of_boot = seen.role == "executed" || seen.place.is_some();
    if of_boot { first_leaf >= until.leaf } else { first_leaf > until.leaf }
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
        ("executed", _, Some(place)) => {
            format!("boot by another program, and reboot: it was started ({place})")
        }
        ("executed", Some(path), None) => format!("reboot: {path} ran in this boot"),
        ("eligible", _, Some(place)) if place.starts_with("PK,") => {
            "install firmware with another platform key, and reboot".to_owned()
        }
        ("eligible", _, Some(place)) if place.starts_with("MokList,") => {
            format!("take it out of shim's list ({place}) with mokutil --delete, and reboot")
        }
        ("eligible", _, Some(place)) if place.starts_with("keyring ") => {
            format!("keep it out of the kernel's {place}, and reboot")
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
            level: None,
            first: evidence(3),
            last: None,
            until: until.map(evidence),
        }
    }

    fn answered(answer: Verdict, seen: &[SightingView]) -> HostAnswer {
        HostAnswer {
            id: "00".into(),
            name: "host".into(),
            standing: "heard".into(),
            heard: None,
            answer,
            class: None,
            seen: seen.to_vec(),
            more_seen: 0,
            unknown: Vec::new(),
            more_unknown: 0,
        }
    }

    fn state(
        answer: Verdict,
        ever: &[SightingView],
        first_leaf: u64,
        trusted: bool,
    ) -> (IncidentState, Vec<String>) {
        let (host, ever) = (answered(answer, &[]), answered(Verdict::Yes, ever));
        let boot = Boot { first_leaf: Some(first_leaf), trusted };
        let host = of_host(&host, &Known { boot, ever: Some(&ever), still: None });
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

    #[test]
    fn what_is_left_to_do_names_the_store() {
        let todo = |role, path: Option<&str>, place| {
            let path = path.map(Into::into);
            undo(&SightingView { path, ..seen(role, place, None) }).what
        };
        assert!(todo("eligible", None, Some("MokList, event 25, PCR 14")).contains("mokutil --delete"));
        assert!(todo("eligible", None, Some("keyring .ima")).contains("the kernel's keyring .ima"));
        assert!(todo("eligible", None, Some("db, event 3, PCR 7")).contains("firmware's list"));
        let started = todo("executed", Some("/boot/efi/a.efi"), Some("images, event 9, PCR 4"));
        assert!(started.starts_with("boot by another program"), "{started}");
        assert!(todo("used", Some("/usr/bin/a"), Some("IMA list")).starts_with("replace /usr/bin/a"));
    }

    #[test]
    fn a_host_of_which_not_all_is_known_is_not_well() {
        use IncidentState::{Contained, Exposed, ReAttested};
        let gone = answered(Verdict::Yes, &[seen("present", None, Some(7))]);
        let host = answered(Verdict::Yes, &[]);
        let boot = Boot { first_leaf: Some(9), trusted: true };
        let of = |known: &Known<'_>| of_host(&host, known).state;
        assert_eq!(of(&Known { boot, ever: Some(&gone), still: None }), ReAttested);
        // Something since the boot's first evidence is not known.
        let still = answered(Verdict::Unknown, &[]);
        assert_eq!(of(&Known { boot, ever: Some(&gone), still: Some(&still) }), Contained);
        assert_eq!(
            of(&Known { boot: Boot { first_leaf: None, ..boot }, ever: Some(&gone), still: None }),
            Contained
        );
        // What is not shown may last.
        let cut = HostAnswer { more_seen: 1, ..gone };
        assert_eq!(of(&Known { boot, ever: Some(&cut), still: None }), Contained);
        let still = answered(Verdict::Yes, &[]);
        assert_eq!(of(&Known { boot, ever: Some(&cut), still: Some(&still) }), Exposed);
    }
}
