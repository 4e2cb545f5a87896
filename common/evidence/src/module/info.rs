//! What a module says of itself.
//!
//! In: the `.modinfo` section. Out: its fields in their order. They are the builder's words; the kernel compares
//! `vermagic` with its own and believes `intree` and `retpoline`.

/// The fields of a module, one by one.
#[derive(Clone, Debug)]
pub struct Info<'a> {
    rest: &'a [u8],
}

/// A field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InfoField<'a> {
    /// What it is called.
    pub key: &'a [u8],
    /// What it says.
    pub value: &'a [u8],
}

impl<'a> Info<'a> {
    pub(super) const fn new(section: &'a [u8]) -> Self {
        Self { rest: section }
    }

    /// The first field of this name.
    pub fn first(&self, key: &[u8]) -> Option<&'a [u8]> {
        self.clone().find(|field| field.key == key).map(|field| field.value)
    }
}

impl<'a> Iterator for Info<'a> {
    type Item = InfoField<'a>;

    fn next(&mut self) -> Option<InfoField<'a>> {
        let start = self.rest.iter().position(|byte| *byte != 0)?;
        let rest = self.rest.get(start..)?;
        let end = rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len());
        let (field, rest) = rest.split_at_checked(end)?;
        self.rest = rest;
        let equals = field.iter().position(|byte| *byte == b'=').unwrap_or(field.len());
        let (key, value) = field.split_at_checked(equals)?;
        Some(InfoField { key, value: value.get(1..).unwrap_or_default() })
    }
}
