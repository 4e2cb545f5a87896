//! What of boots and components cannot be told, and which boots have a setting.

use std::collections::BTreeSet;

use evidence::digest::Sha256Digest;
use evidence::principal::{Edge, Principal, PrincipalKind};

use super::carriers::{Carriers, Needed};
use super::catalogue::{Boots, Catalogue};
use crate::component::role_of;
use crate::issued::is_of_unknown_issuer;
use crate::limits::LABEL_BYTES_WHOLE;
use crate::profile::{Fact, Profile, Setting};
use crate::role::{Class, Role};
use crate::subject::{BootSubject, SecureBootState};

impl Catalogue<'_> {
    /// Certificates whose chains end with a stranger may lie below any authority.
    pub(super) fn doubts_of_chains(
        &self,
        open: &BTreeSet<Principal>,
        (boots, carriers): (&Boots, &mut Carriers),
    ) {
        let is_open = |names: &[Principal]| names.iter().any(|name| open.contains(name));
        carriers.strangers.extend(open.iter().cloned());
        carriers.open.extend(self.components_with(is_open));
        doubt_anywhere("chain-open", |profile| self.lists_such(profile, is_open), (boots, carriers));
    }

    /// Certificates of which it is not known may have been issued by anybody.
    pub(super) fn doubts_of_issuers(&self, (boots, carriers): (&Boots, &mut Carriers)) {
        carriers.of_issuers = true;
        carriers.unissued.extend(self.components_with(is_of_unknown_issuer));
        let unknown = |profile: &Profile| self.lists_such(profile, is_of_unknown_issuer);
        doubt_anywhere("issuer-unknown", unknown, (boots, carriers));
    }

    /// Components that have such a key in a role that is asked for.
    fn components_with(&self, is_such: impl Fn(&[Principal]) -> bool) -> Vec<Sha256Digest> {
        let asked = |edge: &Edge| self.roles.contains(&role_of(edge.relation)) && is_such(&edge.principals);
        let found = self.edges.iter().filter(|(_, _, edge)| asked(edge));
        found.map(|(component, ..)| *component).collect()
    }

    /// Whether a boot tells of such a key in a role that is asked for.
    fn lists_such(&self, profile: &Profile, is_such: impl Fn(&[Principal]) -> bool) -> bool {
        let asked = |fact: &Fact| matches!(fact, Fact::Key { names, role, .. } if self.roles.contains(role) && is_such(names));
        profile.facts().iter().any(asked)
    }

    pub(super) fn doubts_of_keys(&self, is_image: bool, (boots, carriers): (&Boots, &mut Carriers)) {
        let mut unnamed = |lists: &[&str]| {
            let is_of = |setting: &Setting| matches!(setting, Setting::Unnamed(list) if lists.contains(&list.as_str()));
            let has = |profile: &Profile| settings(profile).any(is_of);
            doubt_anywhere("entries-of-other-kinds", has, (boots, &mut *carriers));
        };
        if self.roles.contains(&Role::Used) && !is_image {
            unnamed(&["authorities"]);
        }
        if self.roles.contains(&Role::Eligible) {
            unnamed(&["PK", "KEK", "db", "dbt", "MokList"]);
        }
        if self.roles.contains(&Role::Revoked) {
            unnamed(&["dbx", "MokListX"]);
        }
        // A program that ran is known by its hash alone: who signed it, only where the host has it as a file.
        if self.roles.contains(&Role::Used) && !is_image {
            carriers.needed.insert(Needed::Signatures);
        }
        let mut doubt = |cause, of: &dyn Fn(&Profile) -> bool| doubt(cause, of, (boots, &mut *carriers));
        let measured = |profile: &Profile, lists: &[&str]| {
            let has = |list: &&&str| {
                settings(profile).any(|setting| matches!(setting, Setting::Measured(of) if of == **list))
            };
            lists.iter().filter(has).count() == lists.len()
        };
        if self.roles.contains(&Role::Eligible) {
            doubt("list-not-measured", &|profile| !measured(profile, &["PK", "KEK", "db"]));
        }
        if self.roles.contains(&Role::Revoked) {
            doubt("list-not-measured", &|profile| !measured(profile, &["dbx"]));
        }
        for (list, name) in &boots.unresolved {
            let bears = |role: Role| self.roles.contains(&role) && name.role().is_none_or(|of| of == role);
            if bears(Role::Eligible) || bears(Role::Revoked) {
                carriers.doubtful.entry(*list).or_insert("list-unresolved");
            }
        }
    }
}

/// Boots of a setting.
pub(super) fn by_boot(boot: &BootSubject, (boots, carriers): (&Boots, &mut Carriers)) {
    let fits = |profile: &Profile| match boot {
        BootSubject::SecureBoot(state) => {
            settings(profile).any(|setting| matches!(setting, Setting::SecureBoot(is) if is == state))
        }
        BootSubject::DbxLacks { hash } => {
            let names = BootSubject::revoked_names(hash);
            measures_dbx(profile)
                && !profile.facts().iter().any(|fact| {
                    matches!(fact, Fact::Key { names: listed, role: Role::Revoked, .. }
                        if listed.iter().any(|name| names.contains(name)))
                })
        }
        BootSubject::SbatBelow { component, generation } => {
            let levels = settings(profile).filter_map(|setting| match setting {
                Setting::SbatLevel { component: of, generation } if of == component => Some(generation),
                _ => None,
            });
            // A level that is no number keeps nothing out, nor does none at all.
            let mut below =
                levels.map(|level| level.parse::<u32>().map_or(true, |level| level < *generation));
            below.next().is_none_or(|first| first || below.any(|other| other))
        }
    };
    for (digest, _) in boots.firmware.iter().filter(|(_, profile)| fits(profile)) {
        carriers.profile(*digest, (Role::Present, Class::A));
    }
    match boot {
        BootSubject::SecureBoot(state) if *state != SecureBootState::Unknown => {
            let unknown =
                |setting: &Setting| matches!(setting, Setting::SecureBoot(SecureBootState::Unknown));
            doubt("secure-boot-unknown", |profile| settings(profile).any(unknown), (boots, carriers));
        }
        BootSubject::DbxLacks { .. } => {
            doubt("dbx-not-measured", |profile| !measures_dbx(profile), (boots, carriers));
        }
        _ => {}
    }
}

/// Of these profiles of firmware it cannot be told.
pub(super) fn doubt(
    cause: &'static str,
    of: impl Fn(&Profile) -> bool,
    (boots, carriers): (&Boots, &mut Carriers),
) {
    doubt_among(cause, boots.firmware.iter(), of, carriers);
}

/// Nor of these lists of keys.
pub(super) fn doubt_anywhere(
    cause: &'static str,
    of: impl Fn(&Profile) -> bool,
    (boots, carriers): (&Boots, &mut Carriers),
) {
    doubt_among(cause, boots.all(), of, carriers);
}

fn doubt_among<'b>(
    cause: &'static str,
    among: impl Iterator<Item = (&'b Sha256Digest, &'b Profile)>,
    of: impl Fn(&Profile) -> bool,
    carriers: &mut Carriers,
) {
    for (digest, _) in among.filter(|(_, profile)| of(profile)) {
        carriers.doubtful.entry(*digest).or_insert(cause);
    }
}

pub(super) fn settings(profile: &Profile) -> impl Iterator<Item = &Setting> {
    profile.facts().iter().filter_map(|fact| match fact {
        Fact::Setting { setting, .. } => Some(setting),
        Fact::Key { .. } => None,
    })
}

fn measures_dbx(profile: &Profile) -> bool {
    settings(profile).any(|setting| matches!(setting, Setting::Measured(list) if list == "dbx"))
}

/// Whether it lists a certificate of which nobody could read what it is called, or not all of it.
pub(super) fn is_nameless(profile: &Profile) -> bool {
    profile.facts().iter().any(|fact| {
        let Fact::Key { names, label, .. } = fact else { return false };
        let is_certificate = names.iter().any(|name| name.kind() == PrincipalKind::Certificate);
        is_certificate && (label.is_empty() || label.len() > LABEL_BYTES_WHOLE)
    })
}
