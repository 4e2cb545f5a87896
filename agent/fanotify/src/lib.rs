//! Events of whole file systems, by file handles: a small safe interface to Linux's fanotify.
//!
//! In: marks on file systems. Out: what changed in which directory, under which name. A directory is told by its
//! handle (`name_to_handle_at`), not by a path: the path is looked up when it is needed, by opening the handle.
//! An event says that something happened, never what is true now. What is written through a mapping is told at
//! its unmapping; file systems without handles, of the network and of FUSE tell nothing.
//!
//! The only crate of the project with unsafe code: six system calls. Decoding has none.
//!
//! `fanotify(7)`, `fanotify_init(2)`, `fanotify_mark(2)`, `open_by_handle_at(2)` are the specification.

mod event;
mod group;
mod handle;
mod limits;
mod mask;

pub use event::{DecodeError, Event, Events, Fault, decode};
pub use group::{Buffer, Features, Group, InitError, MarkError, Options, Queue};
pub use handle::{FileHandle, Fsid, HandleError, HandleTooLong, OpenAs};
pub use limits::{BUFFER_BYTES, HANDLE_BYTES};
pub use mask::Mask;
