//! What signature lists come in.
//!
//! In: a file. Out: whether it is the contents of a variable, a file of efivarfs with its attributes in front, or a signed
//! update, and the lists within. What cannot be told apart is taken as the contents.

use super::{AuthenticatedUpdate, EfiError, Guid, SignatureLists, SignatureType};

/// What lists come in.
#[derive(Clone, Copy, Debug)]
pub enum Container<'a> {
    /// The contents of a variable.
    Plain(&'a [u8]),
    /// A file of efivarfs.
    Efivarfs {
        /// The variable's attributes.
        attributes: u32,
        /// Its contents.
        contents: &'a [u8],
    },
    /// A signed update.
    Authenticated(AuthenticatedUpdate<'a>),
}

/// Every attribute that the specification knows.
//= UEFI 2.10 §8.2.1: variable attributes
const ATTRIBUTES: u32 = 0xff;

impl<'a> Container<'a> {
    /// Tells what the bytes are; an error is one of an update's own header.
    pub fn detect(bytes: &'a [u8]) -> Result<Self, EfiError> {
        if let Some(update) = AuthenticatedUpdate::detect(bytes) {
            return update.map(Self::Authenticated);
        }
        let Some((attributes, contents)) = bytes.split_first_chunk() else {
            return Ok(Self::Plain(bytes));
        };
        let attributes = u32::from_le_bytes(*attributes);
        let fits = attributes != 0 && attributes & !ATTRIBUTES == 0;
        if fits && !is_list(bytes) && (contents.is_empty() || is_list(contents)) {
            return Ok(Self::Efivarfs { attributes, contents });
        }
        Ok(Self::Plain(bytes))
    }

    /// The container's name for answers; it never changes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Plain(_) => "plain",
            Self::Efivarfs { .. } => "efivarfs",
            Self::Authenticated(_) => "authenticated",
        }
    }

    /// The lists.
    pub const fn lists(&self) -> SignatureLists<'a> {
        match self {
            Self::Plain(contents) => SignatureLists::new(contents),
            Self::Efivarfs { contents, .. } => SignatureLists::at(contents, 4),
            Self::Authenticated(update) => update.lists(),
        }
    }
}

/// Whether bytes start with a list, of a known kind or with sizes that fit.
fn is_list(bytes: &[u8]) -> bool {
    let known = bytes
        .first_chunk()
        .is_some_and(|guid| !matches!(SignatureType::of(Guid(*guid)), SignatureType::Other(_)));
    known || matches!(SignatureLists::new(bytes).next(), Some(Ok(_)))
}
