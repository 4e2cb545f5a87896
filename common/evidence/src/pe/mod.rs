//! PE images: what firmware loads, measures and verifies.
//!
//! In: the bytes of an EFI program. Out: its headers and sections, the Authenticode digest that is measured into PCR 4 and
//! looked up in db and dbx, its signatures, and what shim, GRUB, systemd-stub and kernels put into sections. Signatures
//! lie outside of the digest and can be attached or removed: a digest says what ran, never who signed it. Whether a
//! signature holds is for `appraisal::signed_data`.
//!
//! ```
//! # use lydian_evidence as evidence;
//! use evidence::digest::HashAlg;
//! use evidence::pe::{Image, PeError};
//! fn measured(file: &[u8]) -> Result<String, PeError> {
//!     Ok(Image::parse(file)?.authenticode(HashAlg::Sha256)?.to_string())
//! }
//! # assert!(measured(b"MZ").is_err());
//! ```
//= Microsoft PE Format; Windows Authenticode Portable Executable Signature Format, version 1.0; UEFI 2.10 §32.2

mod image;
mod kind;
mod layout;
mod sbat;
mod section;
mod shim;
mod signature;
mod uki;

pub use image::{Directory, Image, PeError};
pub use kind::ImageKind;
pub use layout::{Finding, FindingCode};
pub use sbat::{SbatEntry, SbatLevel, sbat_entries};
pub use section::Section;
pub use shim::{VendorCertificates, VendorKeys};
pub use signature::{Attached, IndirectData};
pub use uki::{MeasuredSection, Uki};

#[cfg(test)]
mod tests;
