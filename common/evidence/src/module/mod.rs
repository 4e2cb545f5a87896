//! Linux kernel modules: what they say of themselves, and the signature behind them.
//!
//! In: a `.ko` file, or one that is compressed as `.ko.gz`, `.ko.xz` or `.ko.zst`. Out: the module's bytes, the part that
//! is signed, the signature, and the module's own description. It does not establish that the signature holds:
//! `appraisal::module` does. The kernel checks the last signature alone, over all that stands before it.
//= Linux Documentation/admin-guide/module-signing.rst, include/linux/module_signature.h

mod compression;
mod info;
mod trailer;

pub use compression::{Compression, UnpackError, unpack};
pub use info::{Info, InfoField};
pub use trailer::{IdType, ModuleSignature, SignatureHeader, TrailerError};

use crate::digest::{Digest, HashAlg};
use crate::elf::{Elf, ElfError};

/// A module that is not compressed.
#[derive(Clone, Copy, Debug)]
pub struct Module<'a> {
    bytes: &'a [u8],
    signature: Option<ModuleSignature<'a>>,
}

impl<'a> Module<'a> {
    /// Splits the signature off. A module without one is a module; one with a trailer that cannot be read is refused, as
    /// the kernel refuses it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, TrailerError> {
        Ok(Self { bytes, signature: trailer::parse(bytes)? })
    }

    /// The signature, if there is one.
    pub const fn signature(&self) -> Option<&ModuleSignature<'a>> {
        self.signature.as_ref()
    }

    /// What the signature is over: everything before it; without a signature, everything.
    pub fn content(&self) -> &'a [u8] {
        self.signature.map_or(self.bytes, |signature| signature.content)
    }

    /// The digest of what the signature is over.
    pub fn digest(&self, alg: HashAlg) -> Digest {
        alg.hash(&[self.content()])
    }

    /// The module as an ELF file.
    pub fn elf(&self) -> Result<Elf<'a>, ElfError> {
        Elf::parse(self.content())
    }

    /// What the module says of itself; none where it is no ELF file or has no such section.
    pub fn info(&self) -> Info<'a> {
        let elf = self.elf().ok();
        let bytes = elf.and_then(|elf| elf.section_bytes(&elf.section_named(b".modinfo")?));
        Info::new(bytes.unwrap_or_default())
    }

    /// Where a signature's closing text stands that is not at the end: something was added behind a signed module, which
    /// the kernel then takes for unsigned.
    pub fn misplaced_signature(&self) -> Option<usize> {
        if self.signature.is_some() { None } else { trailer::misplaced(self.bytes) }
    }

    /// Whether what is signed was signed before.
    pub fn is_signed_twice(&self) -> bool {
        self.signature.is_some_and(|signature| trailer::is_signed(signature.content))
    }
}
