//! Program properties: what processor and loader may rely on.
//!
//! In: the bytes of an `NT_GNU_PROPERTY_TYPE_0` note. Out: its properties; those that say how a program is protected by
//! name. A property is a promise of the linker.
//= Linux Extensions to gABI: Program Property; psABI x86-64 §"Program Property", AArch64 ELF §"Program Property"

use super::layout::{Endianness, array};

/// The properties of a note, one by one; it ends where they stop making sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Properties<'a> {
    rest: &'a [u8],
    endianness: Endianness,
    align: usize,
}

impl<'a> Properties<'a> {
    pub(super) const fn new(desc: &'a [u8], endianness: Endianness, align: usize) -> Self {
        Self { rest: desc, endianness, align }
    }
}

impl<'a> Iterator for Properties<'a> {
    type Item = Property<'a>;

    fn next(&mut self) -> Option<Property<'a>> {
        let property_type = self.endianness.u32(array(self.rest, 0)?);
        let size = usize::try_from(self.endianness.u32(array(self.rest, 4)?)).ok()?;
        let (_, body) = self.rest.split_at_checked(8)?;
        let data = body.get(..size)?;
        self.rest = body.get(size.checked_next_multiple_of(self.align)?..).unwrap_or_default();
        Some(Property { property_type, data, endianness: self.endianness })
    }
}

/// One property.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Property<'a> {
    /// `pr_type`.
    pub property_type: u32,
    /// Its bytes.
    pub data: &'a [u8],
    endianness: Endianness,
}

impl Property<'_> {
    /// Its name, for the processor that the file is made for, where it is known.
    pub const fn name(&self, machine: super::Machine) -> Option<&'static str> {
        match (self.property_type, machine.0) {
            (1, _) => Some("stack-size"),
            (2, _) => Some("no-copy-on-protected"),
            (0xb000_8000, _) => Some("needed"),
            (0xc000_0002, X86 | X86_64) => Some("x86-feature"),
            (0xc000_8002, X86 | X86_64) => Some("x86-isa-needed"),
            (0xc001_0001, X86 | X86_64) => Some("x86-feature-used"),
            (0xc001_0002, X86 | X86_64) => Some("x86-isa-used"),
            (0xc000_0000, AARCH64) => Some("aarch64-feature"),
            (0xc000_0001, AARCH64) => Some("aarch64-pauth"),
            (0xc000_0000, RISCV) => Some("riscv-feature"),
            _ => None,
        }
    }

    /// The value of a property that is a set of bits.
    pub fn bits(&self) -> Option<u32> {
        if self.data.len() == 4 { array(self.data, 0).map(|bytes| self.endianness.u32(bytes)) } else { None }
    }

    /// Names of the bits that protect a program's control flow or say which processor it needs.
    pub fn flags(&self, machine: super::Machine) -> impl Iterator<Item = &'static str> {
        let bits = self.bits().unwrap_or(0);
        let names: &[(u32, &str)] = match (self.property_type, machine.0) {
            (0xc000_0002, X86 | X86_64) => &[(1, "IBT"), (2, "SHSTK"), (4, "LAM_U48"), (8, "LAM_U57")],
            (0xc000_8002 | 0xc001_0002, X86 | X86_64) => {
                &[(1, "x86-64-baseline"), (2, "x86-64-v2"), (4, "x86-64-v3"), (8, "x86-64-v4")]
            }
            (0xc000_0000, AARCH64) => &[(1, "BTI"), (2, "PAC"), (4, "GCS")],
            (0xc000_0000, RISCV) => &[(1, "CFI_LP_UNLABELED"), (2, "CFI_SS"), (4, "CFI_LP_FUNC_SIG")],
            _ => &[],
        };
        names.iter().filter(move |(bit, _)| bits & bit != 0).map(|(_, name)| *name)
    }
}

const X86: u16 = 3;
const X86_64: u16 = 62;
const AARCH64: u16 = 183;
const RISCV: u16 = 243;
