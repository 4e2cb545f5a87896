//! What components and boots have to do with the subjects of a question.
//!
//! In: manifests, each once, and profiles of boots as histories meet them. Out: for each component and profile the roles in which it
//! carries a subject, and what of it cannot be told.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use evidence::digest::Sha256Digest;
use evidence::manifest::{ComponentKind, Entry, Manifest};
use evidence::principal::{Edge, Principal, Relation};

use super::carriers::{Carriers, Needed};
use super::doubts::{by_boot, doubt_anywhere, is_nameless};
use crate::carried::{KeyList, image_signers, key_lists};
use crate::component::{Image, Origin, generations_of, role_of, unread};
use crate::issued::{Below, Certificate, UnknownAuthority, below};
use crate::limits::REPLAY_EDGES;
use crate::profile::{Fact, KeySeen, MeasuredList, Profile, Ran, Setting, ShimList};
use crate::role::{Class, Role};
use crate::subject::{PackageSubject, SbatSubject, Scheme, Subject};

/// What is known of components and profiles.
#[derive(Debug)]
pub struct Catalogue<'q> {
    subjects: &'q [Subject],
    pub(super) roles: &'q [Role],
    described: HashSet<Sha256Digest>,
    unread: HashSet<Sha256Digest>,
    /// Packages of which nobody has said what they were built from; kept where that is asked for.
    sourceless: HashSet<Sha256Digest>,
    /// Components that have what is asked about as a file or are it as a package.
    present: HashSet<Sha256Digest>,
    /// Keys of components, with the file where it is one's; kept where keys are asked for.
    pub(super) edges: Vec<(Sha256Digest, Vec<u8>, Edge)>,
    /// Components with keys or boot images.
    keyed: HashSet<Sha256Digest>,
    images: HashMap<Principal, Program>,
    /// Files that are asked about, by where they stand in their components.
    entries: HashSet<Ran>,
    /// Contents of lists of keys, by their hashes.
    lists: HashMap<Vec<u8>, KeyList>,
    met: Mutex<Met>,
}

/// What histories tell of.
#[derive(Clone, Debug, Default)]
struct Met {
    profiles: Profiles,
    lists: HashMap<Sha256Digest, MeasuredList>,
    keys: HashSet<KeySeen>,
}

type Profiles = HashMap<Sha256Digest, Profile>;

/// Facts of boots: of firmware's logs, and of shim's lists.
pub(super) struct Boots {
    pub(super) firmware: Profiles,
    lists: Profiles,
    /// Lists of which nobody has sent what is in them.
    pub(super) unresolved: Vec<(Sha256Digest, ShimList)>,
    keys: HashSet<KeySeen>,
}

impl Boots {
    pub(super) fn all(&self) -> impl Iterator<Item = (&Sha256Digest, &Profile)> {
        self.firmware.iter().chain(&self.lists)
    }

    /// Keys with all their names, and what people call them.
    fn keys(&self) -> impl Iterator<Item = (&Vec<Principal>, &String)> {
        let of_boots = self.all().flat_map(|(_, profile)| profile.facts()).filter_map(|fact| match fact {
            Fact::Key { names, label, .. } => Some((names, label)),
            Fact::Setting { .. } => None,
        });
        of_boots.chain(self.keys.iter().map(|key| (&key.names, &key.label)))
    }
}

/// Files that are one boot image.
#[derive(Debug, Default)]
struct Program {
    /// With whether all signatures are known of each.
    files: HashMap<(Sha256Digest, Vec<u8>), bool>,
    /// Who signed it, by signatures that hold.
    signers: Vec<Edge>,
    /// Whether a file of it states a generation that is asked about.
    stated: bool,
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
            entries: HashSet::new(),
            lists: HashMap::new(),
            met: Mutex::default(),
        }
    }

    pub(super) fn asks_for_keys(&self) -> bool {
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
            self.files(component, manifest);
        }
        self.programs(component, manifest);
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
        for list in key_lists(manifest) {
            for digest in &list.digests {
                self.lists.insert(digest.clone(), list.clone());
            }
        }
        for (image, signers) in image_signers(manifest) {
            self.images.entry(image).or_default().signers.extend(signers);
        }
        Ok(())
    }

    /// Which of a component's files are asked about.
    fn files(&mut self, component: Sha256Digest, manifest: &Manifest) {
        for (entry, number) in manifest.entries().iter().zip(0..) {
            let is = self.subjects.iter().any(|subject| is_entry(subject, &entry.path, &entry.digest));
            if is && self.asks_for_runs() {
                self.entries.insert(Ran { component, entry: number });
            }
        }
    }

    /// Boot images among a component's files.
    fn programs(&mut self, component: Sha256Digest, manifest: &Manifest) {
        let stated = |subject: &Subject| matches!(subject, Subject::Sbat(_));
        if !self.asks_for_keys() && !self.subjects.iter().any(stated) {
            return;
        }
        for entry in manifest.entries() {
            let Some(image) = Image::of(entry) else { continue };
            self.keyed.insert(component);
            let program = self.images.entry(image.name).or_default();
            program.files.insert((component, entry.path.clone()), image.whole);
            program.stated |= self.subjects.iter().any(|subject| match subject {
                Subject::Sbat(sbat) => states(sbat, entry),
                _ => false,
            });
        }
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
        self.met(|met| {
            met.profiles.entry(digest).or_insert_with(|| profile.clone());
        });
        digest
    }

    /// The same of a list of keys.
    pub(super) fn list(&self, list: &MeasuredList) -> Sha256Digest {
        let id = list.id();
        self.met(|met| met.lists.insert(id, list.clone()));
        id
    }

    /// A key that a host's kernel tells of.
    pub(super) fn key(&self, key: &KeySeen) {
        self.met(|met| met.keys.insert(key.clone()));
    }

    /// Whether a file of a component is asked about.
    pub(super) fn is_asked(&self, ran: &Ran) -> bool {
        self.entries.contains(ran)
    }

    fn met<T>(&self, with: impl FnOnce(&mut Met) -> T) -> T {
        with(&mut self.met.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Everything that boots tell, when every host's history was read.
    fn boots(&self) -> Boots {
        let Met { profiles: firmware, lists: met, keys } = self.met(|met| met.clone());
        let (mut lists, mut unresolved) = (Profiles::new(), Vec::new());
        for (id, list) in met {
            if let Some(contents) = self.lists.get(&list.digest) {
                let mut facts = list.facts(contents);
                let setting = Setting::Unnamed(list.list.name().to_owned());
                facts.extend((!contents.whole).then_some(Fact::Setting { setting, place: list.place }));
                lists.insert(id, Profile::new(facts));
            } else if !list.is_empty() {
                unresolved.push((id, list.list));
            }
        }
        Boots { firmware, lists, unresolved, keys }
    }

    /// Programs that hosts have started, of which no manifest tells all signatures: others may have them as files.
    pub fn unresolved(&self) -> BTreeSet<Principal> {
        if !self.asks_for_keys() || !self.roles.contains(&Role::Used) {
            return BTreeSet::new();
        }
        let started = |met: &mut Met| {
            let facts = met.profiles.values().flat_map(Profile::facts).filter_map(started);
            facts.flatten().filter(|name| !self.is_whole(name)).cloned().collect()
        };
        self.met(started)
    }

    /// Hashes of lists that boots were under and whose contents are not here, and of programs that hosts have started of which no signature is: manifests
    /// of others may carry these.
    pub fn uncarried(&self) -> BTreeSet<Vec<u8>> {
        if !self.asks_for_keys() {
            return BTreeSet::new();
        }
        let is_signed =
            |name: &&Principal| self.images.get(*name).is_some_and(|program| !program.signers.is_empty());
        let missing = |met: &mut Met| {
            let lists = met.lists.values().filter(|list| !list.digest.is_empty() && !list.is_empty());
            let lists = lists.map(|list| &list.digest).filter(|digest| !self.lists.contains_key(*digest));
            let facts = met.profiles.values().flat_map(Profile::facts).filter_map(started).flatten();
            let images = facts.filter(|_| self.roles.contains(&Role::Used)).filter(|name| !is_signed(name));
            lists.cloned().chain(images.map(|image| image.id().to_vec())).collect()
        };
        self.met(missing)
    }

    pub(super) fn is_whole(&self, image: &Principal) -> bool {
        self.images.get(image).is_some_and(|program| program.files.values().any(|whole| *whole))
    }

    /// What carries the subjects, when every host's history was read.
    pub fn carriers(&self) -> Carriers {
        let boots = self.boots();
        let mut carriers = Carriers::default();
        carriers.described.clone_from(&self.described);
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
                    self.principals(&key.names().iter().collect(), (&boots, &mut carriers));
                    self.doubts_of_keys(key.is_image(), (&boots, &mut carriers));
                }
                Subject::CertName(text) => {
                    let names = self.named(&text.to_lowercase(), &boots);
                    self.principals(&names, (&boots, &mut carriers));
                    if self.roles.contains(&Role::Eligible) || self.roles.contains(&Role::Revoked) {
                        doubt_anywhere("certificate-without-name", is_nameless, (&boots, &mut carriers));
                    }
                    self.doubts_of_keys(false, (&boots, &mut carriers));
                }
                Subject::Issuer(issuer) => {
                    // An authority that is not known has no answer, so that none can follow.
                    match below(issuer, &self.certificates(&boots)) {
                        Ok(Below { found, open }) => {
                            self.principals(&found.keys().collect(), (&boots, &mut carriers));
                            self.doubts_of_chains(&open, (&boots, &mut carriers));
                        }
                        Err(UnknownAuthority) => {
                            doubt_anywhere("issuer-unknown", |_| true, (&boots, &mut carriers));
                        }
                    }
                    self.doubts_of_issuers((&boots, &mut carriers));
                    self.doubts_of_keys(false, (&boots, &mut carriers));
                }
                Subject::Boot(boot) => by_boot(boot, (&boots, &mut carriers)),
                Subject::Sbat(_) => self.by_generation((&boots, &mut carriers)),
            }
        }
        carriers.entries.clone_from(&self.entries);
        if !carriers.needed.is_empty() {
            self.started((&boots, &mut carriers));
        }
        carriers.retain(self.roles);
        carriers
    }

    /// Every certificate of which it is known who issued it.
    fn certificates(&self, boots: &Boots) -> BTreeSet<Certificate> {
        let of_edges = self.edges.iter().map(|(_, _, edge)| &edge.principals);
        let of_signers = self.images.values().flat_map(|program| &program.signers);
        let carried = of_signers.map(|edge| &edge.principals);
        let of_boots = boots.keys().map(|(names, _)| names);
        of_edges.chain(carried).chain(of_boots).filter_map(|names| Certificate::of(names)).collect()
    }

    /// All names of what has this text in a label.
    fn named<'a>(&'a self, text: &str, boots: &'a Boots) -> BTreeSet<&'a Principal> {
        let fits = |label: &str| label.to_lowercase().contains(text);
        let of_edges = self.edges.iter().map(|(_, _, edge)| edge);
        let edges = of_edges.chain(self.images.values().flat_map(|program| &program.signers));
        let named = edges.map(|edge| (&edge.principals, &edge.label)).chain(boots.keys());
        named.filter(|(_, label)| fits(label)).flat_map(|(names, _)| names).collect()
    }

    fn principals(&self, names: &BTreeSet<&Principal>, (boots, carriers): (&Boots, &mut Carriers)) {
        let is = |some: &[Principal]| some.iter().any(|name| names.contains(name));
        let mut signed = HashSet::new();
        for (component, path, edge) in self.edges.iter().filter(|(_, _, edge)| is(&edge.principals)) {
            carriers.component(*component, (role_of(edge.relation), Class::D));
            if edge.relation == Relation::SignedBy {
                signed.insert((*component, path.as_slice()));
            }
        }
        for name in names {
            for (component, _) in self.images.get(name).into_iter().flat_map(|program| program.files.keys()) {
                carriers.component(*component, (Role::Present, Class::D));
            }
        }
        // Programs that it signed, by the file that has their hash.
        let of_signed = |name: &Principal| {
            let files = self.images.get(name).into_iter().flat_map(|program| program.files.keys());
            files.into_iter().any(|(component, path)| signed.contains(&(*component, path.as_slice())))
        };
        // Those whose signatures hold need nobody's word.
        let of_signers = |name: &Principal| {
            let signers = self.images.get(name).into_iter().flat_map(|program| &program.signers);
            signers.into_iter().any(|edge| is(&edge.principals))
        };
        for (digest, profile) in boots.all() {
            for fact in profile.facts() {
                let Fact::Key { names, role, class, .. } = fact else { continue };
                if is(names) {
                    carriers.profile(*digest, (*role, *class));
                }
                if *role == Role::Executed && names.iter().any(of_signed) {
                    carriers.profile(*digest, (Role::Used, Class::D));
                }
                if *role == Role::Executed && names.iter().any(of_signers) {
                    carriers.profile(*digest, (Role::Used, Class::C));
                }
            }
        }
        carriers.keys.extend(names.iter().copied().cloned());
    }

    /// Which programs boots started, and whose files they are.
    fn started(&self, (boots, carriers): (&Boots, &mut Carriers)) {
        for (digest, profile) in &boots.firmware {
            let images: Vec<Principal> =
                profile.facts().iter().filter_map(started).flatten().cloned().collect();
            carriers.started.insert(*digest, images);
        }
        for (image, program) in &self.images {
            let owners = program.files.iter().map(|((component, _), whole)| (*component, *whole));
            carriers.owners.insert(image.clone(), owners.collect());
        }
    }

    /// Programs that state a generation that is asked about.
    fn by_generation(&self, (boots, carriers): (&Boots, &mut Carriers)) {
        let is_stated = |name: &Principal| self.images.get(name).is_some_and(|program| program.stated);
        for (digest, profile) in &boots.firmware {
            let mut started = profile.facts().iter().filter_map(started).flatten();
            if started.any(is_stated) {
                carriers.profile(*digest, (Role::Executed, Class::D));
            }
        }
        if self.roles.contains(&Role::Executed) {
            carriers.needed.insert(Needed::File);
        }
    }
}

/// Names of a program that was started.
pub(super) fn started(fact: &Fact) -> Option<&Vec<Principal>> {
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
        Subject::Sbat(sbat) => entries.iter().any(|entry| Image::of(entry).is_some() && states(sbat, entry)),
        Subject::Key(_) | Subject::CertName(_) | Subject::Issuer(_) | Subject::Boot(_) => false,
    }
}

/// Whether a subject is a file with this path and digest.
fn is_entry(subject: &Subject, path: &[u8], digest: &Sha256Digest) -> bool {
    match subject {
        Subject::File(file) => file == digest,
        Subject::Path(glob) => glob.matches(path) || glob.in_usr().is_some_and(|glob| glob.matches(path)),
        _ => false,
    }
}

/// Whether an image states a generation that is asked about.
fn states(sbat: &SbatSubject, entry: &Entry) -> bool {
    generations_of(entry)
        .any(|(component, generation)| component == sbat.component() && sbat.takes(generation))
}

fn is_package(package: &PackageSubject, manifest: &Manifest) -> bool {
    manifest.kind() == ComponentKind::Package
        && manifest.name() == package.name()
        && package.takes(manifest.version(), Scheme::of_architecture(manifest.architecture()))
}
