//! A disk in memory that forgets what was not flushed, and fails where it is told to.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rand_chacha::ChaCha8Rng;
use rand_core::RngCore as _;

use crate::log::disk::Disk;

/// What goes wrong at one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The process dies before the call does anything.
    Kill,
    /// The disk is full.
    Full,
    /// The disk fails.
    Fails,
    /// A write takes some of the bytes only.
    Short,
}

#[derive(Clone, Debug, Default)]
struct Content {
    now: Vec<u8>,
    flushed: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    File(usize),
    Dir,
}

#[derive(Debug, Default)]
struct Model {
    contents: Vec<Content>,
    now: BTreeMap<PathBuf, Name>,
    flushed: BTreeMap<PathBuf, Name>,
    calls: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
}

/// A handle to the disk.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyDisk(Arc<Mutex<Model>>);

impl FaultyDisk {
    /// A disk with one directory.
    pub(crate) fn with_root(root: &Path) -> Self {
        let disk = Self::default();
        let mut model = disk.0.lock().unwrap();
        model.now.insert(root.to_owned(), Name::Dir);
        model.flushed.insert(root.to_owned(), Name::Dir);
        drop(model);
        disk
    }

    /// The call, counted from now, that goes wrong.
    pub(crate) fn set_fault(&self, after: u64, fault: Fault) {
        let mut model = self.0.lock().unwrap();
        model.fault = Some((model.calls + after, fault));
    }

    /// How many calls were made.
    pub(crate) fn calls(&self) -> u64 {
        self.0.lock().unwrap().calls
    }

    /// Whether the process has died.
    pub(crate) fn is_dead(&self) -> bool {
        self.0.lock().unwrap().dead
    }

    /// The disk as the next process finds it. After a loss of power, names and bytes that were not flushed are there, or
    /// not, or in part.
    pub(crate) fn after_crash(&self, power: bool, random: &mut ChaCha8Rng) -> Self {
        let old = self.0.lock().unwrap();
        let mut model = Model { contents: old.contents.clone(), now: old.now.clone(), ..Model::default() };
        if power {
            model.now.clone_from(&old.flushed);
            for (path, name) in &old.now {
                if random.next_u32().is_multiple_of(2) {
                    model.now.insert(path.clone(), *name);
                }
            }
            for path in old.flushed.keys() {
                if !old.now.contains_key(path) && random.next_u32().is_multiple_of(2) {
                    model.now.remove(path);
                }
            }
            for content in &mut model.contents {
                content.now = torn(content, random);
            }
        }
        // A name in a directory that is gone is gone.
        let names = model.now.clone();
        let is_whole = |path: &Path| {
            path.ancestors()
                .skip(1)
                .all(|dir| dir.as_os_str().is_empty() || dir == Path::new("/") || names.contains_key(dir))
        };
        model.now.retain(|path, _| is_whole(path));
        for content in &mut model.contents {
            content.flushed.clone_from(&content.now);
        }
        model.flushed.clone_from(&model.now);
        Self(Arc::new(Mutex::new(model)))
    }

    /// Every file below the root.
    pub(crate) fn files(&self, root: &Path) -> BTreeMap<String, Vec<u8>> {
        let model = self.0.lock().unwrap();
        let file = |(path, name): (&PathBuf, &Name)| match name {
            Name::File(content) => {
                let path = path.strip_prefix(root).ok()?.to_str()?.to_owned();
                Some((path, model.contents[*content].now.clone()))
            }
            Name::Dir => None,
        };
        model.now.iter().filter_map(file).collect()
    }

    /// One call: what goes wrong at it, if anything.
    fn call(&self) -> io::Result<(std::sync::MutexGuard<'_, Model>, Option<Fault>)> {
        let mut model = self.0.lock().unwrap();
        if model.dead {
            return Err(io::Error::other("the process is dead"));
        }
        model.calls += 1;
        match model.fault {
            Some((at, fault)) if at == model.calls => match fault {
                Fault::Kill => {
                    model.dead = true;
                    Err(io::Error::other("killed"))
                }
                Fault::Full => Err(io::ErrorKind::StorageFull.into()),
                Fault::Fails => Err(io::Error::from_raw_os_error(5)),
                Fault::Short => Ok((model, Some(Fault::Short))),
            },
            _ => Ok((model, None)),
        }
    }
}

/// What is left of a content: what was flushed, what was written, its beginning, or its beginning and zeroes.
fn torn(content: &Content, random: &mut ChaCha8Rng) -> Vec<u8> {
    if content.now == content.flushed {
        return content.now.clone();
    }
    let keep = usize::try_from(random.next_u32()).unwrap() % (content.now.len() + 1);
    let mut bytes = content.now.clone();
    match random.next_u32() % 4 {
        0 => return content.flushed.clone(),
        1 => {}
        2 => bytes.truncate(keep),
        _ => bytes[keep..].fill(0),
    }
    bytes
}

fn exists(model: &Model, path: &Path) -> io::Result<Name> {
    model.now.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
}

fn parent(model: &Model, path: &Path) -> io::Result<()> {
    exists(model, path.parent().unwrap()).map(|_| ())
}

fn vacant(model: &Model, path: &Path) -> io::Result<()> {
    if model.now.contains_key(path) { Err(io::ErrorKind::AlreadyExists.into()) } else { Ok(()) }
}

impl Disk for FaultyDisk {
    type File = usize;

    fn create(&self, path: &Path) -> io::Result<usize> {
        let (mut model, _) = self.call()?;
        parent(&model, path)?;
        vacant(&model, path)?;
        model.contents.push(Content::default());
        let content = model.contents.len() - 1;
        model.now.insert(path.to_owned(), Name::File(content));
        Ok(content)
    }

    fn write(&self, file: &mut usize, bytes: &[u8]) -> io::Result<usize> {
        let (mut model, fault) = self.call()?;
        let taken = if fault == Some(Fault::Short) { bytes.len().div_ceil(2) } else { bytes.len() };
        model.contents[*file].now.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn sync(&self, file: &usize) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        let content = &mut model.contents[*file];
        content.flushed.clone_from(&content.now);
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        let name = exists(&model, from)?;
        parent(&model, to)?;
        vacant(&model, to)?;
        model.now.insert(to.to_owned(), name);
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        let name = exists(&model, from)?;
        parent(&model, to)?;
        model.now.remove(from);
        model.now.insert(to.to_owned(), name);
        Ok(())
    }

    fn unlink(&self, path: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        exists(&model, path)?;
        model.now.remove(path);
        Ok(())
    }

    fn make_dir(&self, path: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        parent(&model, path)?;
        vacant(&model, path)?;
        model.now.insert(path.to_owned(), Name::Dir);
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        exists(&model, path)?;
        if model.now.keys().any(|other| other.parent() == Some(path)) {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        model.now.remove(path);
        Ok(())
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let (mut model, _) = self.call()?;
        exists(&model, path)?;
        let inside = |other: &Path| other.parent() == Some(path);
        model.flushed.retain(|other, _| !inside(other));
        let names: Vec<_> =
            model.now.iter().filter(|(other, _)| inside(other)).map(|(p, n)| (p.clone(), *n)).collect();
        model.flushed.extend(names);
        Ok(())
    }

    fn read(&self, path: &Path, limit: usize) -> io::Result<Vec<u8>> {
        let (model, _) = self.call()?;
        match exists(&model, path)? {
            Name::File(content) if model.contents[content].now.len() <= limit => {
                Ok(model.contents[content].now.clone())
            }
            Name::File(_) => Err(io::ErrorKind::FileTooLarge.into()),
            Name::Dir => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    fn list(&self, path: &Path) -> io::Result<Vec<(PathBuf, bool)>> {
        let (model, _) = self.call()?;
        exists(&model, path)?;
        let inside = model.now.iter().filter(|(other, _)| other.parent() == Some(path));
        Ok(inside.map(|(other, name)| (other.clone(), *name == Name::Dir)).collect())
    }
}
