//! What a type of file system is: of files on this host, of the kernel's own, or of somebody else's.
//!
//! In: the type's name and its device. Out: whether it is walked, and why not. A type that is not known is walked where it
//! is on a block device.

use super::table::Mount;

/// Whose files they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// This host's.
    Local,
    /// Layers of other directories.
    Overlay,
    /// No files but a view of the kernel's state.
    Pseudo,
    /// They are not walked.
    Not(&'static str),
}

impl Kind {
    pub(super) fn of(mount: &Mount) -> Self {
        let kind = &*mount.kind;
        if kind == b"overlay" {
            Self::Overlay
        } else if LOCAL.contains(&kind) {
            Self::Local
        } else if PSEUDO.contains(&kind) {
            Self::Pseudo
        } else if NETWORK.contains(&kind) {
            Self::Not(
                "a file system of the network: what others change there causes no event here, and walking it would load them",
            )
        } else if kind == b"fuse" || kind == b"fuseblk" || kind.starts_with(b"fuse.") {
            Self::Not("FUSE: a program decides at each reading what is there")
        } else if mount.device.major == 0 {
            Self::Not("a type of file system that is not known")
        } else {
            Self::Local
        }
    }
}

/// Types without a block device of their own, and the usual ones with it.
const LOCAL: &[&[u8]] = &[
    b"bcachefs",
    b"btrfs",
    b"cramfs",
    b"devtmpfs",
    b"erofs",
    b"exfat",
    b"ext2",
    b"ext3",
    b"ext4",
    b"f2fs",
    b"iso9660",
    b"jffs2",
    b"jfs",
    b"msdos",
    b"nilfs2",
    b"ntfs",
    b"ntfs3",
    b"ramfs",
    b"reiserfs",
    b"rootfs",
    b"romfs",
    b"squashfs",
    b"tmpfs",
    b"ubifs",
    b"udf",
    b"vfat",
    b"xfs",
    b"zfs",
    b"zonefs",
];

/// Nothing that could be executed lies there, but what the kernel makes. `autofs` would mount what is looked at.
const PSEUDO: &[&[u8]] = &[
    b"autofs",
    b"bdev",
    b"binder",
    b"binfmt_misc",
    b"bpf",
    b"cgroup",
    b"cgroup2",
    b"configfs",
    b"cpuset",
    b"debugfs",
    b"devpts",
    b"efivarfs",
    b"fusectl",
    b"hugetlbfs",
    b"mqueue",
    b"nfsd",
    b"nsfs",
    b"pipefs",
    b"proc",
    b"pstore",
    b"resctrl",
    b"rpc_pipefs",
    b"securityfs",
    b"selinuxfs",
    b"smackfs",
    b"sockfs",
    b"sysfs",
    b"tracefs",
    b"usbfs",
    b"xenfs",
];

const NETWORK: &[&[u8]] = &[
    b"9p",
    b"acfs",
    b"afs",
    b"beegfs",
    b"ceph",
    b"cifs",
    b"coda",
    b"gfs",
    b"gfs2",
    b"glusterfs",
    b"gpfs",
    b"lustre",
    b"ncpfs",
    b"nfs",
    b"nfs4",
    b"ocfs2",
    b"orangefs",
    b"panfs",
    b"pvfs2",
    b"smb2",
    b"smb3",
    b"smbfs",
    b"vboxsf",
    b"virtiofs",
    b"vmhgfs",
    b"wekafs",
];
