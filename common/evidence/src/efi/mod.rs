//! What UEFI keeps of keys and signatures: signature lists, and updates of the variables that hold them.
//!
//! In: the contents of `PK`, `KEK`, `db`, `dbx` and `MokList`, of update files, and of events that measured them. Out:
//! their entries, borrowed. Which of them firmware used, and who may update them, is not decided here.
//!
//! ```
//! use evidence::efi::{Container, EntryValue};
//! # use lydian_evidence as evidence;
//! fn hashes(file: &[u8]) -> Result<usize, evidence::efi::EfiError> {
//!     let mut hashes = 0;
//!     for list in Container::detect(file)?.lists() {
//!         hashes += list?.entries().filter(|entry| matches!(entry.value(), EntryValue::Hash { .. })).count();
//!     }
//!     Ok(hashes)
//! }
//! # assert_eq!(hashes(&[]), Ok(0));
//! ```

mod auth;
mod container;
mod guid;
mod siglist;
mod time;
mod value;

pub use auth::{AuthenticatedUpdate, UpdateSigner, WinCertificate};
pub use container::Container;
pub use guid::Guid;
pub use siglist::{EfiError, Entry, SignatureList, SignatureLists, find_entry};
pub use time::EfiTime;
pub use value::{EntryValue, SignatureType};

#[cfg(test)]
mod tests;
