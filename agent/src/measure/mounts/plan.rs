//! What is walked: from configured roots and a table of mounts.
//!
//! In: both, and what is excluded. Out: roots, each on one mount, and a word for every other mount below. A file is walked
//! under one path: a bind mount of what is walked already is not walked again, unless something is hidden there. Nor is an
//! overlay whose layers are all walked: a hundred containers of one image would be a hundred walks of the same files, and
//! the layers' own file systems tell of what is changed and executed in them. Where a layer is not walked, or the overlay is
//! a configured root by itself, it is walked as programs see it.

use std::collections::BTreeSet;
use std::sync::Arc;

use evidence::body::{Coverage, Means};

use super::kinds::Kind;
use super::limits::ROOTS;
use super::table::{Device, Mount, unescape};
use super::tree::MountTree;
use crate::measure::place::{join, printable, within};

/// A tree to be walked, on one mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    /// Where.
    pub(crate) path: Arc<[u8]>,
    /// The mount's number: another one at the same path is another root. None where nothing is mounted at all.
    pub(crate) mount: Option<u64>,
    /// The file system.
    pub(crate) device: Option<Device>,
    /// Its type, to be shown.
    pub(crate) kind: Box<[u8]>,
}

/// What is walked, and what is not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) roots: Vec<Root>,
    pub(crate) not_walked: Vec<Coverage>,
}

/// The plan for a table. `real` finds a path without symbolic links.
pub(super) fn plan(
    mounts: &[Mount],
    configured: &[Arc<[u8]>],
    excluded: impl Fn(&[u8]) -> bool,
    real: impl Fn(&[u8]) -> Option<Box<[u8]>>,
) -> Plan {
    let tree = MountTree::new(mounts);
    let mut planner =
        Planner { tree: &tree, excluded: &excluded, real: &real, walked: Vec::new(), plan: Plan::default() };
    let configured: BTreeSet<&Arc<[u8]>> = configured.iter().collect();
    for path in &configured {
        planner.configured(path);
    }
    let below = |mount: &&Mount| {
        let inside = |root: &&Arc<[u8]>| within(&mount.point, root) && ***root != *mount.point;
        configured.iter().any(inside) && !configured.iter().any(|root| ***root == *mount.point)
    };
    let mut others: Vec<&Mount> = tree.seen().filter(below).filter(|mount| !excluded(&mount.point)).collect();
    // The widest of one file system first, so that narrower ones are found in it; overlays last, after their layers.
    others.sort_by_key(|mount| (Kind::of(mount) == Kind::Overlay, mount.device, mount.root.len()));
    for mount in others {
        planner.mount(mount);
    }
    let mut plan = planner.plan;
    plan.roots.sort_by(|a, b| a.path.cmp(&b.path));
    plan.not_walked.sort();
    plan
}

struct Planner<'a, E, R> {
    tree: &'a MountTree<'a>,
    excluded: &'a E,
    real: &'a R,
    walked: Vec<Walked<'a>>,
    plan: Plan,
}

/// A part of a file system that is walked, and where.
struct Walked<'a> {
    mount: &'a Mount,
    /// The directory of the file system.
    from: Vec<u8>,
    path: Arc<[u8]>,
}

impl<'a, E: Fn(&[u8]) -> bool, R: Fn(&[u8]) -> Option<Box<[u8]>>> Planner<'a, E, R> {
    /// A root that was asked for is walked whatever it is on, unless it is not of this host.
    fn configured(&mut self, path: &Arc<[u8]>) {
        let Some(mount) = self.tree.at(path) else {
            self.plan.roots.push(Root { path: Arc::clone(path), mount: None, device: None, kind: [].into() });
            return;
        };
        // One that lies in another on the same mount is walked with that.
        if self.walked.iter().any(|walked| walked.mount.id == mount.id && within(path, &walked.path)) {
            return;
        }
        match Kind::of(mount) {
            Kind::Local | Kind::Overlay => self.walk(mount, Arc::clone(path)),
            Kind::Pseudo => self.leave(path, Means::Nothing, "no files but a view of the kernel's state"),
            Kind::Not(reason) => self.leave(path, Means::Nothing, reason),
        }
    }

    fn mount(&mut self, mount: &'a Mount) {
        match Kind::of(mount) {
            Kind::Pseudo => {}
            Kind::Not(reason) => self.leave(&mount.point, Means::Nothing, reason),
            Kind::Local | Kind::Overlay => match self.seen_elsewhere(mount) {
                Some(reason) => self.leave(&mount.point, Means::Elsewhere, &reason),
                None => self.walk(mount, Arc::from(&*mount.point)),
            },
        }
    }

    fn walk(&mut self, mount: &'a Mount, path: Arc<[u8]>) {
        if self.plan.roots.len() >= ROOTS {
            return self.leave(&path, Means::Nothing, "too many mounts");
        }
        let rest = path.strip_prefix(&*mount.point).unwrap_or_default();
        let from = match rest.strip_prefix(b"/").unwrap_or(rest) {
            [] => mount.root.to_vec(),
            rest => join(&mount.root, rest),
        };
        self.plan.roots.push(Root {
            path: Arc::clone(&path),
            mount: Some(mount.id),
            device: Some(mount.device),
            kind: mount.kind.clone(),
        });
        self.walked.push(Walked { mount, from, path });
    }

    fn leave(&mut self, path: &[u8], means: Means, reason: &str) {
        self.plan.not_walked.push(Coverage { scope: printable(path), means, reason: reason.into() });
    }

    /// The reason why a mount's files are walked under other paths.
    fn seen_elsewhere(&self, mount: &Mount) -> Option<String> {
        if let Some(path) = self.walked.iter().find_map(|walked| self.seen_in(walked, mount)) {
            return Some(format!("the same files as {}", printable(&path)));
        }
        let layers = (Kind::of(mount) == Kind::Overlay)
            .then(|| layers(&mount.options))
            .filter(|all| !all.is_empty())?;
        let walked = |layer: &[u8]| {
            let real = (self.real)(layer).filter(|_| layer.starts_with(b"/"));
            real.is_some_and(|layer| self.is_walked(&layer))
        };
        layers.iter().all(|layer| walked(layer)).then(|| "an overlay whose layers are all walked".into())
    }

    fn seen_in(&self, walked: &Walked<'_>, mount: &Mount) -> Option<Vec<u8>> {
        if walked.mount.device != mount.device || !within(&mount.root, &walked.from) {
            return None;
        }
        let rest = mount.root.strip_prefix(&*walked.from).unwrap_or_default();
        let path = match rest.strip_prefix(b"/").unwrap_or(rest) {
            [] => walked.path.to_vec(),
            rest => join(&walked.path, rest),
        };
        let seen = self.tree.at(&path).is_some_and(|seen| seen.id == walked.mount.id);
        (seen && !(self.excluded)(&path) && !self.tree.is_hidden_below(&path)).then_some(path)
    }

    fn is_walked(&self, path: &[u8]) -> bool {
        let Some(mount) = self.tree.at(path) else { return false };
        let within_root = |walked: &Walked<'_>| walked.mount.id == mount.id && within(path, &walked.path);
        self.walked.iter().any(within_root) && !(self.excluded)(path) && !self.tree.is_hidden_below(path)
    }
}

/// The directories of an overlay; none where the table does not tell them all.
fn layers(options: &[u8]) -> Vec<Box<[u8]>> {
    let mut layers = Vec::new();
    for option in split(options, b',') {
        let Some(equals) = option.iter().position(|byte| *byte == b'=') else { continue };
        let (key, value) = option.split_at(equals);
        let value = value.get(1..).unwrap_or_default();
        match key {
            b"upperdir" => layers.push(plain(value)),
            b"lowerdir" | b"lowerdir+" | b"datadir+" => {
                layers.extend(split(value, b':').filter(|layer| !layer.is_empty()).map(plain));
            }
            _ => {}
        }
    }
    layers
}

/// Splits where the separator is not behind a backslash.
fn split(text: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut escaped = false;
    text.split(move |byte| {
        let here = *byte == separator && !escaped;
        escaped = *byte == b'\\' && !escaped;
        here
    })
}

/// A path as an overlay's options have it: octal escapes, and backslashes before commas and colons.
fn plain(text: &[u8]) -> Box<[u8]> {
    let text = unescape(text);
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied();
    while let Some(byte) = bytes.next() {
        out.push(if byte == b'\\' { bytes.next().unwrap_or(byte) } else { byte });
    }
    out.into()
}
