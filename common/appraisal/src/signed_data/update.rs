//! Whether the update of an authenticated variable is signed, and for which variable.
//!
//! In: an update, whose file does not name its variable. Out: the signer, and the first of the well-known variables for
//! which the signature holds. Whether the signer may update that variable is for its own `PK` or `KEK` to say.
//= UEFI 2.10 §8.2.2: the digest is over name, vendor, attributes, time and contents; only SHA-256

use evidence::efi::{AuthenticatedUpdate, Guid};

use super::{SignerError, VerifiedSigner, included, verify_detached};

/// A variable that updates are made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UpdateTarget {
    /// Its name.
    pub name: &'static str,
    /// Its vendor.
    pub vendor: Guid,
    /// What the update is written with: with `APPEND_WRITE` it is added to what is there.
    pub attributes: u32,
}

/// `EFI_VARIABLE_APPEND_WRITE`.
const APPEND: u32 = 0x40;
/// Non-volatile, for boot services and at runtime, time-based authentication.
const WRITE: u32 = 0x27;

impl UpdateTarget {
    /// Variables of keys and signatures.
    const NAMES: [(&'static str, Guid); 7] = [
        ("dbx", Guid::IMAGE_SECURITY),
        ("db", Guid::IMAGE_SECURITY),
        ("KEK", Guid::GLOBAL_VARIABLE),
        ("PK", Guid::GLOBAL_VARIABLE),
        ("dbt", Guid::IMAGE_SECURITY),
        ("dbr", Guid::IMAGE_SECURITY),
        ("MokList", Guid::SHIM_LOCK),
    ];

    /// Whether the update is added to what is there.
    pub const fn appends(&self) -> bool {
        self.attributes & APPEND != 0
    }

    fn all() -> impl Iterator<Item = Self> {
        Self::NAMES.into_iter().flat_map(|(name, vendor)| {
            [WRITE | APPEND, WRITE].map(|attributes| Self { name, vendor, attributes })
        })
    }
}

/// Checks an update's first signature for each of the well-known variables; the error is that of the last.
pub fn verify_update<'a>(
    update: &AuthenticatedUpdate<'a>,
) -> Result<(VerifiedSigner<'a>, UpdateTarget), SignerError> {
    let signed = update.signed_data().ok_or(SignerError::NoContent)??;
    let signer = signed.signers().next().ok_or(SignerError::NoCertificate)??;
    let certificates = included(&signed);
    let mut refused = SignerError::NoCertificate;
    for target in UpdateTarget::all() {
        let (front, [time, payload]) = update.signed_parts(target.name, target.vendor, target.attributes);
        let digest = |alg: evidence::digest::HashAlg| alg.hash(&[&front, time, payload]);
        match verify_detached(&signed, &signer, &certificates, &digest) {
            Ok(verified) => return Ok((verified, target)),
            Err(error) => refused = error,
        }
    }
    Err(refused)
}
