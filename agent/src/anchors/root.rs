//! Files below a directory that stands for `/`.
//!
//! In: paths as a host has them. Out: their content, stamps and names, with all symbolic links resolved within that
//! directory by the kernel, so that none leads out of it. Only regular files are read, none is waited for, and what is
//! read is bounded. Names that private keys go by are never opened, and what turns out to hold one is dropped unhashed.
//= Linux openat2(2): RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS

use std::fs::File;
use std::io::Read as _;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use evidence::digest::Sha256Digest;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
use rustix::io::Errno;
use sha2::Digest as _;
use zeroize::Zeroize as _;

use super::limits::{CHUNK_BYTES, DIRECTORY_NAMES, HASHED_BYTES, PARSED_BYTES, READ_ATTEMPTS};

/// The directory.
#[derive(Debug)]
pub(crate) struct Root {
    fd: OwnedFd,
    /// Its path for this process, which stands before that of all files below it.
    path: PathBuf,
}

/// What the file system says of a file, as far as it changes with content or permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    identity: (u32, u32, u64),
    pub(crate) size: u64,
    pub(crate) mode: u32,
    modified: (i64, u32),
    changed: (i64, u32),
}

/// A file that was read.
#[derive(Debug)]
pub(crate) struct Found {
    /// Where it really is, as the host names it.
    pub(crate) path: Vec<u8>,
    /// Its content; none where it is longer than what is parsed.
    pub(crate) bytes: Option<Vec<u8>>,
    pub(crate) digest: Sha256Digest,
    pub(crate) size: u64,
    pub(crate) mode: u32,
    /// It changed at every attempt.
    pub(crate) raced: bool,
}

/// Why a file was not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnreadCause {
    /// The kernel refused.
    #[error("{0}")]
    Refused(Errno),
    /// It is no regular file.
    #[error("not a regular file")]
    NotRegular,
    /// It is longer than any store.
    #[error("longer than {HASHED_BYTES} bytes")]
    TooLong,
    /// It holds, or its name says that it holds, a private key: neither read on nor hashed.
    #[error("a private key: neither kept nor hashed")]
    Private,
    /// More than is looked at: of files, names, or accounts.
    #[error("more than is looked at")]
    TooMany,
    /// What it yields does not fit in a manifest.
    #[error("more than a manifest holds")]
    Manifest,
}

impl Root {
    pub(crate) fn new(path: &Path) -> Result<Self, Errno> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        Ok(Self { fd, path })
    }

    fn open(&self, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        let flags = flags | OFlags::CLOEXEC;
        let resolve = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
        loop {
            match rustix::fs::openat2(&self.fd, path, flags, Mode::empty(), resolve) {
                // A rename somewhere in the tree while `..` was resolved.
                Err(Errno::AGAIN | Errno::INTR) => {}
                result => return result,
            }
        }
    }

    /// The stamp of what a path leads to; `None` where there is nothing.
    pub(crate) fn stamp(&self, path: &Path) -> Result<Option<Stamp>, Errno> {
        match self.open(path, OFlags::PATH).and_then(|fd| Stamp::of(&fd)) {
            Ok(stamp) => Ok(Some(stamp)),
            Err(Errno::NOENT | Errno::NOTDIR) => Ok(None),
            Err(errno) => Err(errno),
        }
    }

    /// Sorted names of a directory.
    pub(crate) fn names(&self, path: &Path) -> Result<Option<Vec<Vec<u8>>>, UnreadCause> {
        let fd = match self.open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NONBLOCK) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(errno) => return Err(UnreadCause::Refused(errno)),
        };
        let mut names = Vec::new();
        for entry in rustix::fs::Dir::new(fd).map_err(UnreadCause::Refused)? {
            let entry = entry.map_err(UnreadCause::Refused)?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(name.to_vec());
            }
            if names.len() > DIRECTORY_NAMES {
                return Err(UnreadCause::TooMany);
            }
        }
        names.sort_unstable();
        Ok(Some(names))
    }

    /// Reads a file; `None` where there is none.
    pub(crate) fn read(&self, path: &Path) -> Result<Option<Found>, UnreadCause> {
        if is_secret_name(path) {
            let there = self.stamp(path).map_err(UnreadCause::Refused)?;
            return if there.is_some() { Err(UnreadCause::Private) } else { Ok(None) };
        }
        let mut attempt = 1;
        loop {
            match self.read_once(path) {
                Ok(Some(found)) if found.raced && attempt < READ_ATTEMPTS => attempt += 1,
                result => return result,
            }
        }
    }

    fn read_once(&self, path: &Path) -> Result<Option<Found>, UnreadCause> {
        let fd = match self.open(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(fd) => fd,
            Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
            Err(Errno::NXIO | Errno::NODEV) => return Err(UnreadCause::NotRegular),
            Err(errno) => return Err(UnreadCause::Refused(errno)),
        };
        let before = Stamp::of(&fd).map_err(UnreadCause::Refused)?;
        if FileType::from_raw_mode(before.mode) != FileType::RegularFile {
            return Err(UnreadCause::NotRegular);
        }
        let path = self.real_path(&fd, path);
        // The name that a link leads to counts as much as the link's.
        if is_secret_name(Path::new(std::ffi::OsStr::from_bytes(&path))) {
            return Err(UnreadCause::Private);
        }
        let file = File::from(fd);
        let (bytes, digest, size) = content(&file)?;
        let after = Stamp::of(&file).map_err(UnreadCause::Refused)?;
        // Files of the kernel have no size to compare with.
        let raced = before != after || (after.size != 0 && after.size != size);
        Ok(Some(Found { path, bytes, digest, size, mode: after.mode, raced }))
    }

    fn real_path(&self, fd: &OwnedFd, asked: &Path) -> Vec<u8> {
        use std::os::fd::AsRawFd as _;
        let link = format!("/proc/self/fd/{}", fd.as_raw_fd());
        let real = rustix::fs::readlink(link, Vec::new()).ok().map(std::ffi::CString::into_bytes);
        let real = real.filter(|real| real.starts_with(b"/"));
        let prefix = self.path.as_os_str().as_bytes();
        let prefix = if prefix == b"/" { &[][..] } else { prefix };
        let inside = real.as_deref().and_then(|real| real.strip_prefix(prefix));
        inside.filter(|path| path.starts_with(b"/")).unwrap_or(asked.as_os_str().as_bytes()).to_vec()
    }
}

impl Stamp {
    fn of(fd: impl AsFd) -> Result<Self, Errno> {
        let stat = rustix::fs::statx(fd, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)?;
        Ok(Self {
            identity: (stat.stx_dev_major, stat.stx_dev_minor, stat.stx_ino),
            size: stat.stx_size,
            mode: u32::from(stat.stx_mode),
            modified: (stat.stx_mtime.tv_sec, stat.stx_mtime.tv_nsec),
            changed: (stat.stx_ctime.tv_sec, stat.stx_ctime.tv_nsec),
        })
    }
}

/// Content, digest and length. Content is dropped where it is too long to be parsed.
fn content(mut file: &File) -> Result<(Option<Vec<u8>>, Sha256Digest, u64), UnreadCause> {
    let failed =
        |error: &std::io::Error| UnreadCause::Refused(Errno::from_io_error(error).unwrap_or(Errno::IO));
    let mut kept = Vec::new();
    let most = u64::try_from(PARSED_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    file.take(most).read_to_end(&mut kept).map_err(|error| failed(&error))?;
    if holds_secret(&kept) {
        kept.zeroize();
        return Err(UnreadCause::Private);
    }
    if kept.len() <= PARSED_BYTES {
        let (digest, size) = (Sha256Digest::of(&[&kept]), kept.len() as u64);
        return Ok((Some(kept), digest, size));
    }
    let mut hasher = sha2::Sha256::new_with_prefix(&kept);
    let mut size = kept.len() as u64;
    kept.truncate(CHUNK_BYTES);
    loop {
        match file.read(&mut kept) {
            Ok(0) => return Ok((None, Sha256Digest::new(hasher.finalize().into()), size)),
            Ok(count) => {
                hasher.update(kept.get(..count).unwrap_or_default());
                size = size.saturating_add(count as u64);
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(failed(&error)),
        }
        if size > HASHED_BYTES {
            return Err(UnreadCause::TooLong);
        }
    }
}

/// Whether private keys and other secrets go by this name. It is better not to read a public key than to read another.
pub(crate) fn is_secret_name(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_bytes();
    let ends = |ends: &[&[u8]]| ends.iter().any(|end| name.ends_with(end));
    let host_key = name.starts_with(b"ssh_host_") && ends(&[b"_key"]);
    let identity = name.starts_with(b"id_") && !ends(&[b".pub"]);
    let within = path.components().any(|part| part.as_os_str() == "private");
    ends(&[b".key", b".priv", b".p12", b".pfx", b".secret", b"-private.pem", b"-key.pem"])
        || host_key
        || identity
        || within
}

/// Whether content is or holds a private key: in text, as DER of PKCS#8 or PKCS#1, or as a ring that starts with one.
fn holds_secret(bytes: &[u8]) -> bool {
    // A version 0 number first in a sequence; certificates and public keys start with another sequence.
    let is_der = match bytes {
        [0x30, 0x82, _, _, 2, 1, 0 | 1, ..] | [0x30, 0x81, _, 2, 1, 0 | 1, ..] => true,
        [0x30, length, 2, 1, 0 | 1, ..] => *length < 0x80,
        _ => false,
    };
    // A packet with the tag of an OpenPGP secret key, in either form.
    let is_ring = matches!(bytes.first(), Some(0x94..=0x97 | 0xc5));
    is_der
        || is_ring
        || [&b"PRIVATE KEY-----"[..], b"PRIVATE KEY BLOCK-----"]
            .iter()
            .any(|mark| bytes.windows(mark.len()).any(|window| window == *mark))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_have_names_and_forms() {
        let named = |name: &str| is_secret_name(Path::new(name));
        assert!(
            ["/a/MOK.priv", "/etc/ssh/ssh_host_rsa_key", "/x/id_rsa", "/etc/ssl/private/a.pem"]
                .into_iter()
                .all(named)
        );
        assert!(["/var/lib/systemd/credential.secret", "/a/b.key", "/a/cosign.key"].into_iter().all(named));
        assert!(
            !["/etc/ssh/ssh_host_rsa_key.pub", "/a/cosign.pub", "/a/id_rsa.pub", "/a/x.pem"]
                .into_iter()
                .any(named)
        );
        assert!(holds_secret(b"x\n-----BEGIN RSA PRIVATE KEY-----\n"));
        assert!(holds_secret(&[0x30, 0x82, 4, 0xbd, 2, 1, 0, 0x30]));
        assert!(holds_secret(&[0x30, 0x2e, 2, 1, 0, 0x30]));
        assert!(!holds_secret(&[0x30, 0x82, 4, 0xbd, 0x30, 0x82]));
    }

    #[test]
    fn links_do_not_lead_out_and_special_files_are_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let inside = folder.path().join("root");
        std::fs::create_dir_all(inside.join("etc")).unwrap();
        std::fs::write(folder.path().join("outside"), "out").unwrap();
        std::fs::write(inside.join("target"), "in").unwrap();
        std::os::unix::fs::symlink("/target", inside.join("etc/link")).unwrap();
        std::os::unix::fs::symlink("../../outside", inside.join("etc/escape")).unwrap();
        std::os::unix::fs::symlink("loop", inside.join("etc/loop")).unwrap();
        std::fs::write(inside.join("a.key"), "secret").unwrap();
        std::os::unix::fs::symlink("/a.key", inside.join("etc/a.pem")).unwrap();
        let root = Root::new(&inside).unwrap();
        let found = root.read(Path::new("/etc/link")).unwrap().unwrap();
        assert_eq!((found.path, found.bytes.as_deref()), (b"/target".to_vec(), Some(&b"in"[..])));
        assert!(root.read(Path::new("/etc/escape")).unwrap().is_none());
        assert_eq!(root.read(Path::new("/etc/loop")).unwrap_err(), UnreadCause::Refused(Errno::LOOP));
        assert_eq!(root.read(Path::new("/etc")).unwrap_err(), UnreadCause::NotRegular);
        assert_eq!(root.read(Path::new("/etc/a.pem")).unwrap_err(), UnreadCause::Private);
        rustix::fs::mknodat(rustix::fs::CWD, inside.join("fifo"), FileType::Fifo, Mode::RUSR, 0).unwrap();
        assert_eq!(root.read(Path::new("/fifo")).unwrap_err(), UnreadCause::NotRegular);
    }
}
