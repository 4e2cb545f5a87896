//! What carries the subjects of a question, when everything is known.

use std::collections::{BTreeSet, HashMap, HashSet};

use evidence::digest::Sha256Digest;
use evidence::principal::Principal;

use super::history::{Run, What};
use crate::issued::is_of_unknown_issuer;
use crate::profile::Ran;
use crate::role::{Class, Role};
use crate::subject::Glob;

/// What carries the subjects.
#[derive(Clone, Debug, Default)]
pub struct Carriers {
    pub(super) described: HashSet<Sha256Digest>,
    pub(super) unread: HashSet<Sha256Digest>,
    pub(super) sourceless: HashSet<Sha256Digest>,
    /// With certificates of which nobody knows who issued them, where that was asked.
    pub(super) unissued: HashSet<Sha256Digest>,
    /// With certificates whose chains end with a stranger, where a closure was asked for.
    pub(super) open: HashSet<Sha256Digest>,
    components: HashMap<Sha256Digest, Vec<(Role, Class)>>,
    profiles: HashMap<Sha256Digest, Vec<(Role, Class)>>,
    pub(super) doubtful: HashMap<Sha256Digest, &'static str>,
    pub(super) files: HashSet<Sha256Digest>,
    pub(super) paths: Vec<Glob>,
    /// Files of components that are asked about.
    pub(super) entries: HashSet<Ran>,
    /// Keys that are asked about, by their names.
    pub(super) keys: HashSet<Principal>,
    /// Whether it is asked who issued them.
    pub(super) of_issuers: bool,
    /// Certificates whose chains end with a stranger, where a closure was asked for.
    pub(super) strangers: HashSet<Principal>,
    /// Programs that boots started, by their profiles.
    pub(super) started: HashMap<Sha256Digest, Vec<Principal>>,
    /// Components with files that are a program, and whether all signatures are known of these.
    pub(super) owners: HashMap<Principal, Vec<(Sha256Digest, bool)>>,
    /// What must be known of programs that were started.
    pub(super) needed: BTreeSet<Needed>,
    roles: Vec<Role>,
}

/// What of a program's file its host's agent must have told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Needed {
    /// That it has it.
    File,
    /// All of its signatures.
    Signatures,
}

impl Carriers {
    pub(super) fn component(&mut self, component: Sha256Digest, how: (Role, Class)) {
        add(self.components.entry(component).or_default(), how);
    }

    pub(super) fn profile(&mut self, profile: Sha256Digest, how: (Role, Class)) {
        add(self.profiles.entry(profile).or_default(), how);
    }

    /// Those of the roles that are asked for, and what bears upon them: what was there may have been run.
    pub(super) fn retain(&mut self, roles: &[Role]) {
        let bears =
            |role: Role| roles.contains(&role) || role == Role::Present && roles.contains(&Role::Executed);
        for how in self.components.values_mut().chain(self.profiles.values_mut()) {
            how.retain(|(role, _)| bears(*role));
        }
        self.roles = roles.to_vec();
    }

    pub(super) fn of_component(&self, component: &Sha256Digest) -> &[(Role, Class)] {
        self.components.get(component).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of_profile(&self, profile: &Sha256Digest) -> &[(Role, Class)] {
        self.profiles.get(profile).map(Vec::as_slice).unwrap_or_default()
    }

    /// How what happened has to do with a subject.
    pub(super) fn of_run(&self, run: &Run<'_>) -> Vec<(Role, Class)> {
        let how = match run.what {
            What::Content { digest, class, path } => {
                let is = self.files.contains(digest) || self.paths.iter().any(|glob| glob.matches(path));
                is.then_some((Role::Executed, *class))
            }
            What::Entry(ran) => self.entries.contains(ran).then_some((Role::Executed, Class::D)),
            What::Key(key) => {
                let is = key.names.iter().any(|name| self.keys.contains(name));
                is.then_some((key.role, key.class))
            }
        };
        how.into_iter().filter(|(role, _)| self.roles.contains(role)).collect()
    }

    /// Why it cannot be told whether what happened has to do with a subject.
    pub(super) fn doubt_of_run(&self, run: &Run<'_>) -> Option<&'static str> {
        let What::Key(key) = run.what else { return None };
        if !self.of_issuers || !self.roles.contains(&key.role) {
            None
        } else if is_of_unknown_issuer(&key.names) {
            Some("issuer-unknown")
        } else {
            key.names.iter().any(|name| self.strangers.contains(name)).then_some("chain-open")
        }
    }

    /// Whether somebody has told what it consists of.
    pub(super) fn is_described(&self, component: &Sha256Digest) -> bool {
        self.described.contains(component)
    }

    /// Whether its agent could not read all of its keys.
    pub(super) fn is_unread(&self, component: &Sha256Digest) -> bool {
        self.unread.contains(component)
    }

    /// Whether nobody has said what it was built from, where that was asked.
    pub(super) fn is_sourceless(&self, component: &Sha256Digest) -> bool {
        self.sourceless.contains(component)
    }

    /// Whether it has a certificate that anybody may have issued, where that was asked.
    pub(super) fn is_unissued(&self, component: &Sha256Digest) -> bool {
        self.unissued.contains(component)
    }

    /// Whether it has a certificate whose chain ends with a stranger, where that was asked.
    pub(super) fn is_open(&self, component: &Sha256Digest) -> bool {
        self.open.contains(component)
    }

    /// Whether a host that ever had these components booted by a program that is no file of its own, where that was asked.
    pub(super) fn is_unresolved(&self, profile: &Sha256Digest, had: &HashSet<&Sha256Digest>) -> bool {
        let owned = |image: &Principal, needed: Needed| {
            let owners = self.owners.get(image).into_iter().flatten();
            let mut fit = owners.filter(|(_, whole)| *whole || needed == Needed::File);
            fit.any(|(component, _)| had.contains(component))
        };
        let started = self.started.get(profile).map(Vec::as_slice).unwrap_or_default();
        self.needed.iter().any(|needed| !started.iter().all(|image| owned(image, *needed)))
    }

    /// Why it cannot be told of a profile.
    pub(super) fn doubt(&self, profile: &Sha256Digest) -> Option<&'static str> {
        self.doubtful.get(profile).copied()
    }
}

fn add(to: &mut Vec<(Role, Class)>, how: (Role, Class)) {
    if !to.contains(&how) {
        to.push(how);
    }
}
