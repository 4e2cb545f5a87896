//! What components and boots have to do with the subjects of a question.
//!
//! In: manifests, each once, and profiles of boots as histories meet them. Out: for each component and profile the roles in which it
//! carries a subject, and what of it cannot be told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Manifest};
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};

use super::history::Run;
use crate::component::{Image, Origin, role_of, unread};
use crate::issued::{Below, Certificate, UnknownAuthority, below, is_of_unknown_issuer};
use crate::limits::{LABEL_BYTES_WHOLE, REPLAY_EDGES};
use crate::profile::{Fact, Profile, Setting};
use crate::role::{Class, Role};
use crate::subject::{BootSubject, Glob, PackageSubject, Scheme, SecureBootState, Subject};

/// What is known of components and profiles.
#[derive(Debug)]
pub struct Catalogue<'q> {
    subjects: &'q [Subject],
    roles: &'q [Role],
    described: HashSet<Sha256Digest>,
    unread: HashSet<Sha256Digest>,
    /// Packages of which nobody has said what they were built from; kept where that is asked for.
    sourceless: HashSet<Sha256Digest>,
    /// Components that have what is asked about as a file or are it as a package.
    present: HashSet<Sha256Digest>,
    /// Keys of components, with the file where it is one's; kept where keys are asked for.
    edges: Vec<(Sha256Digest, Vec<u8>, Edge)>,
    /// Components with keys or boot images.
    keyed: HashSet<Sha256Digest>,
    images: HashMap<Principal, Program>,
    profiles: Mutex<Profiles>,
}

type Profiles = HashMap<Sha256Digest, Profile>;

/// Files that are one boot image.
#[derive(Debug, Default)]
struct Program {
    /// Whether of one of them all signatures are known.
    whole: bool,
    files: HashSet<(Sha256Digest, Vec<u8>)>,
}

/// More is asked about than can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the components have more than {REPLAY_EDGES} signatures and keys: ask about fewer hosts at once")]
pub struct TooMuch;

impl<'q> Catalogue<'q> {
    /// Of what is asked about, in these roles.
    pub fn new(subjects: &'q [Subject], roles: &'q [Role]) -> Self {
        Self {
            subjects,
            roles,
            described: HashSet::new(),
            unread: HashSet::new(),
            sourceless: HashSet::new(),
            present: HashSet::new(),
            edges: Vec::new(),
            keyed: HashSet::new(),
            images: HashMap::new(),
            profiles: Mutex::default(),
        }
    }

    fn asks_for_keys(&self) -> bool {
        self.subjects
            .iter()
            .any(|subject| matches!(subject, Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_)))
    }

    pub(super) fn asks_for_runs(&self) -> bool {
        self.subjects.iter().any(|subject| matches!(subject, Subject::File(_) | Subject::Path(_)))
    }

    /// Takes in what a component consists of.
    pub fn manifest(&mut self, component: Sha256Digest, manifest: &Manifest) -> Result<(), TooMuch> {
        if !self.described.insert(component) {
            return Ok(());
        }
        if self.subjects.iter().any(|subject| is_in(subject, manifest)) {
            self.present.insert(component);
        }
        let asks_for_sources = self.subjects.iter().any(|subject| matches!(subject, Subject::Source(_)));
        if asks_for_sources && Origin::of(manifest) == Origin::Unknown {
            self.sourceless.insert(component);
        }
        if !self.asks_for_keys() {
            return Ok(());
        }
        if unread(manifest).is_some() {
            self.unread.insert(component);
        }
        let own = manifest.edges().iter().map(|edge| (b"".as_slice(), edge));
        let of_files = manifest
            .entries()
            .iter()
            .flat_map(|entry| entry.edges.iter().map(|edge| (entry.path.as_slice(), edge)));
        for (path, edge) in own.chain(of_files) {
            if self.edges.len() >= REPLAY_EDGES {
                return Err(TooMuch);
            }
            self.keyed.insert(component);
            self.edges.push((component, path.to_vec(), edge.clone()));
        }
        for entry in manifest.entries() {
            let Some(image) = Image::of(entry) else { continue };
            self.keyed.insert(component);
            let program = self.images.entry(image.name).or_default();
            program.whole |= image.whole;
            program.files.insert((component, entry.path.clone()));
        }
        Ok(())
    }

    /// Whether it may matter when a host had this component.
    pub(super) fn matters(&self, component: &Sha256Digest) -> bool {
        !self.described.contains(component)
            || [&self.present, &self.keyed, &self.unread, &self.sourceless]
                .iter()
                .any(|some| some.contains(component))
    }

    /// Its name from now on.
    pub(super) fn profile(&self, profile: &Profile) -> Sha256Digest {
        let digest = profile.digest();
        let mut profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        profiles.entry(digest).or_insert_with(|| profile.clone());
        digest
    }

    /// Programs that hosts have started, of which no manifest tells all signatures: others may have them as files.
    pub fn unresolved(&self) -> BTreeSet<Principal> {
        if !self.asks_for_keys() || !self.roles.contains(&Role::Used) {
            return BTreeSet::new();
        }
        let profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        let started = profiles.values().flat_map(Profile::facts).filter_map(started);
        started.flatten().filter(|name| !self.is_whole(name)).cloned().collect()
    }

    fn is_whole(&self, image: &Principal) -> bool {
        self.images.get(image).is_some_and(|program| program.whole)
    }

    /// What carries the subjects, when every host's history was read.
    pub fn carriers(&self) -> Carriers {
        let profiles = self.profiles.lock().unwrap_or_else(PoisonError::into_inner);
        let mut carriers = Carriers { described: self.described.clone(), ..Carriers::default() };
        carriers.unread.clone_from(&self.unread);
        carriers.sourceless.clone_from(&self.sourceless);
        for component in &self.present {
            carriers.component(*component, (Role::Present, Class::D));
        }
        for subject in self.subjects {
            match subject {
                Subject::File(digest) => drop(carriers.files.insert(*digest)),
                Subject::Path(glob) => {
                    carriers.paths.push(glob.clone());
                    carriers.paths.extend(glob.in_usr());
                }
                Subject::Package(_) | Subject::Source(_) => {}
                Subject::Key(key) => {
                    self.principals(&key.names().iter().collect(), (&profiles, &mut carriers));
                    self.doubts_of_keys(key.is_image(), (&profiles, &mut carriers));
                }
                Subject::CertName(text) => {
                    let names = self.named(&text.to_lowercase(), &profiles);
                    self.principals(&names, (&profiles, &mut carriers));
                    if self.roles.contains(&Role::Eligible) || self.roles.contains(&Role::Revoked) {
                        doubt("certificate-without-name", is_nameless, (&profiles, &mut carriers));
                    }
                    self.doubts_of_keys(false, (&profiles, &mut carriers));
                }
                Subject::Issuer(issuer) => {
                    // An authority that is not known has no answer, so that none can follow.
                    match below(issuer, &self.certificates(&profiles)) {
                        Ok(Below { found, open }) => {
                            self.principals(&found.keys().collect(), (&profiles, &mut carriers));
                            self.doubts_of_chains(&open, (&profiles, &mut carriers));
                        }
                        Err(UnknownAuthority) => {
                            doubt("issuer-unknown", |_| true, (&profiles, &mut carriers));
                        }
                    }
                    self.doubts_of_issuers((&profiles, &mut carriers));
                    self.doubts_of_keys(false, (&profiles, &mut carriers));
                }
                Subject::Boot(boot) => by_boot(boot, (&profiles, &mut carriers)),
            }
        }
        carriers.retain(self.roles);
        carriers
    }

    /// Every certificate of which it is known who issued it.
    fn certificates(&self, profiles: &Profiles) -> BTreeSet<Certificate> {
        let of_boots = profiles.values().flat_map(Profile::facts).filter_map(|fact| match fact {
            Fact::Key { names, .. } => Some(names),
            Fact::Setting { .. } => None,
        });
        let of_edges = self.edges.iter().map(|(_, _, edge)| &edge.principals);
        of_edges.chain(of_boots).filter_map(|names| Certificate::of(names)).collect()
    }

    /// Certificates whose chains end with a stranger may lie below any authority.
    fn doubts_of_chains(&self, open: &BTreeSet<Principal>, (profiles, carriers): (&Profiles, &mut Carriers)) {
        let is_open = |names: &[Principal]| names.iter().any(|name| open.contains(name));
        for (component, _, edge) in &self.edges {
            if self.roles.contains(&role_of(edge.relation)) && is_open(&edge.principals) {
                carriers.open.insert(*component);
            }
        }
        let unknown = |profile: &Profile| {
            profile.facts().iter().any(|fact| {
                matches!(fact, Fact::Key { names, role, .. } if self.roles.contains(role) && is_open(names))
            })
        };
        doubt("chain-open", unknown, (profiles, carriers));
    }

    /// Certificates of which it is not known may have been issued by anybody.
    fn doubts_of_issuers(&self, (profiles, carriers): (&Profiles, &mut Carriers)) {
        for (component, _, edge) in &self.edges {
            if self.roles.contains(&role_of(edge.relation)) && is_of_unknown_issuer(&edge.principals) {
                carriers.unissued.insert(*component);
            }
        }
        let unknown = |profile: &Profile| {
            profile.facts().iter().any(|fact| {
                matches!(fact, Fact::Key { names, role, .. } if self.roles.contains(role) && is_of_unknown_issuer(names))
            })
        };
        doubt("issuer-unknown", unknown, (profiles, carriers));
    }

    /// All names of what has this text in a label.
    fn named<'a>(&'a self, text: &str, profiles: &'a Profiles) -> BTreeSet<&'a Principal> {
        let fits = |label: &str| label.to_lowercase().contains(text);
        let of_edges = self.edges.iter().map(|(_, _, edge)| (&edge.label, &edge.principals));
        let of_boots = profiles.values().flat_map(Profile::facts).filter_map(|fact| match fact {
            Fact::Key { names, label, .. } => Some((label, names)),
            Fact::Setting { .. } => None,
        });
        of_edges.chain(of_boots).filter(|(label, _)| fits(label)).flat_map(|(_, names)| names).collect()
    }

    fn principals(&self, names: &BTreeSet<&Principal>, (profiles, carriers): (&Profiles, &mut Carriers)) {
        let is = |some: &[Principal]| some.iter().any(|name| names.contains(name));
        let mut signed = HashSet::new();
        for (component, path, edge) in self.edges.iter().filter(|(_, _, edge)| is(&edge.principals)) {
            carriers.component(*component, (role_of(edge.relation), Class::D));
            if edge.relation == Relation::SignedBy {
                signed.insert((*component, path.as_slice()));
            }
        }
        for name in names {
            for (component, _) in self.images.get(name).into_iter().flat_map(|program| &program.files) {
                carriers.component(*component, (Role::Present, Class::D));
            }
        }
        // Programs that it signed, by the file that has their hash.
        let of_signed = |name: &Principal| {
            let files = self.images.get(name).into_iter().flat_map(|program| &program.files);
            files.into_iter().any(|(component, path)| signed.contains(&(*component, path.as_slice())))
        };
        for (digest, profile) in profiles {
            for fact in profile.facts() {
                let Fact::Key { names, role, class, .. } = fact else { continue };
                if is(names) {
                    carriers.profile(*digest, (*role, *class));
                }
                if *role == Role::Executed && names.iter().any(of_signed) {
                    carriers.profile(*digest, (Role::Used, Class::C));
                }
            }
        }
    }

    fn doubts_of_keys(&self, is_image: bool, (profiles, carriers): (&Profiles, &mut Carriers)) {
        let mut doubt = |cause, of: &dyn Fn(&Profile) -> bool| doubt(cause, of, (profiles, carriers));
        let unnamed = |profile: &Profile, lists: &[&str]| {
            settings(profile)
                .any(|setting| matches!(setting, Setting::Unnamed(list) if lists.contains(&list.as_str())))
        };
        let measured = |profile: &Profile, lists: &[&str]| {
            let has = |list: &&&str| {
                settings(profile).any(|setting| matches!(setting, Setting::Measured(of) if of == **list))
            };
            lists.iter().filter(has).count() == lists.len()
        };
        if self.roles.contains(&Role::Used) && !is_image {
            // A program that ran is known by its hash alone: who signed it, only where some host has it as a file.
            let unresolved = |profile: &Profile| {
                profile.facts().iter().filter_map(started).flatten().any(|name| !self.is_whole(name))
            };
            doubt("image-unresolved", &unresolved);
            doubt("entries-of-other-kinds", &|profile| unnamed(profile, &["authorities"]));
        }
        if self.roles.contains(&Role::Eligible) {
            let lists: &[&str] = &["PK", "KEK", "db"];
            doubt("list-not-measured", &|profile| !measured(profile, lists));
            let lists: &[&str] = &["PK", "KEK", "db", "dbt"];
            doubt("entries-of-other-kinds", &|profile| unnamed(profile, lists));
        }
        if self.roles.contains(&Role::Revoked) {
            doubt("list-not-measured", &|profile| !measured(profile, &["dbx"]));
            doubt("entries-of-other-kinds", &|profile| unnamed(profile, &["dbx"]));
        }
    }
}

/// Boots of a setting.
fn by_boot(boot: &BootSubject, (profiles, carriers): (&Profiles, &mut Carriers)) {
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
    for (digest, _) in profiles.iter().filter(|(_, profile)| fits(profile)) {
        carriers.profile(*digest, (Role::Present, Class::A));
    }
    match boot {
        BootSubject::SecureBoot(state) if *state != SecureBootState::Unknown => {
            let unknown =
                |setting: &Setting| matches!(setting, Setting::SecureBoot(SecureBootState::Unknown));
            doubt("secure-boot-unknown", |profile| settings(profile).any(unknown), (profiles, carriers));
        }
        BootSubject::DbxLacks { .. } => {
            doubt("dbx-not-measured", |profile| !measures_dbx(profile), (profiles, carriers));
        }
        _ => {}
    }
}

/// Of these profiles it cannot be told.
fn doubt(
    cause: &'static str,
    of: impl Fn(&Profile) -> bool,
    (profiles, carriers): (&Profiles, &mut Carriers),
) {
    for (digest, _) in profiles.iter().filter(|(_, profile)| of(profile)) {
        carriers.doubtful.entry(*digest).or_insert(cause);
    }
}

/// Names of a program that was started.
fn started(fact: &Fact) -> Option<&Vec<Principal>> {
    match fact {
        Fact::Key { names, role: Role::Executed, .. } => Some(names),
        _ => None,
    }
}

/// Whether a component has a subject as one of its files, or is it.
fn is_in(subject: &Subject, manifest: &Manifest) -> bool {
    let entries = manifest.entries();
    match subject {
        Subject::File(digest) => entries.iter().any(|entry| entry.digest == *digest),
        Subject::Path(glob) => {
            let in_usr = glob.in_usr();
            let fits =
                |path: &[u8]| glob.matches(path) || in_usr.as_ref().is_some_and(|glob| glob.matches(path));
            entries.iter().any(|entry| fits(&entry.path))
        }
        Subject::Package(package) => is_package(package, manifest),
        Subject::Source(source) => match Origin::of(manifest) {
            Origin::Source(name, version) => {
                name == source.name()
                    && source.takes(version, Scheme::of_architecture(manifest.architecture()))
            }
            Origin::Unknown | Origin::Nothing => false,
        },
        Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_) | Subject::Boot(_) => false,
    }
}

fn is_package(package: &PackageSubject, manifest: &Manifest) -> bool {
    manifest.kind() == ComponentKind::Package
        && manifest.name() == package.name()
        && package.takes(manifest.version(), Scheme::of_architecture(manifest.architecture()))
}

fn settings(profile: &Profile) -> impl Iterator<Item = &Setting> {
    profile.facts().iter().filter_map(|fact| match fact {
        Fact::Setting { setting, .. } => Some(setting),
        Fact::Key { .. } => None,
    })
}

fn measures_dbx(profile: &Profile) -> bool {
    settings(profile).any(|setting| matches!(setting, Setting::Measured(list) if list == "dbx"))
}

/// Whether it lists a certificate of which nobody could read what it is called, or not all of it.
fn is_nameless(profile: &Profile) -> bool {
    profile.facts().iter().any(|fact| {
        let Fact::Key { names, label, .. } = fact else { return false };
        let is_certificate = names.iter().any(|name| name.kind() == PrincipalKind::Certificate);
        is_certificate && (label.is_empty() || label.len() > LABEL_BYTES_WHOLE)
    })
}

/// What carries the subjects.
#[derive(Clone, Debug, Default)]
pub struct Carriers {
    described: HashSet<Sha256Digest>,
    unread: HashSet<Sha256Digest>,
    sourceless: HashSet<Sha256Digest>,
    /// With certificates of which nobody knows who issued them, where that was asked.
    unissued: HashSet<Sha256Digest>,
    /// With certificates whose chains end with a stranger, where a closure was asked for.
    open: HashSet<Sha256Digest>,
    components: HashMap<Sha256Digest, Vec<(Role, Class)>>,
    profiles: HashMap<Sha256Digest, Vec<(Role, Class)>>,
    doubtful: HashMap<Sha256Digest, &'static str>,
    files: HashSet<Sha256Digest>,
    paths: Vec<Glob>,
    runs: bool,
}

impl Carriers {
    fn component(&mut self, component: Sha256Digest, how: (Role, Class)) {
        add(self.components.entry(component).or_default(), how);
    }

    fn profile(&mut self, profile: Sha256Digest, how: (Role, Class)) {
        add(self.profiles.entry(profile).or_default(), how);
    }

    /// Those of the roles that are asked for, and what bears upon them: what was there may have been run.
    fn retain(&mut self, roles: &[Role]) {
        let bears =
            |role: Role| roles.contains(&role) || role == Role::Present && roles.contains(&Role::Executed);
        for how in self.components.values_mut().chain(self.profiles.values_mut()) {
            how.retain(|(role, _)| bears(*role));
        }
        self.runs = bears(Role::Executed);
    }

    pub(super) fn of_component(&self, component: &Sha256Digest) -> &[(Role, Class)] {
        self.components.get(component).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn of_profile(&self, profile: &Sha256Digest) -> &[(Role, Class)] {
        self.profiles.get(profile).map(Vec::as_slice).unwrap_or_default()
    }

    pub(super) fn is_run_of(&self, run: &Run<'_>) -> bool {
        let is = self.files.contains(run.digest) || self.paths.iter().any(|glob| glob.matches(run.path));
        self.runs && is
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
