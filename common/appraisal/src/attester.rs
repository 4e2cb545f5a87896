//! What the verifier knows of a host since its enrolment.
//!
//! In: an attestation key's public area. Out: a key that has every attribute without which its signature would
//! prove nothing. That the key lives in the host's TPM is established by the credential at enrolment, not here.

use evidence::digest::HostId;
use evidence::pcr::PcrSelection;
use evidence::tpm::{ObjectAttributes, Public};

/// A public area fit for an attestation key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestationKey(Public);

impl AttestationKey {
    /// Takes a key that its TPM made, cannot give away, and uses for structures of the TPM's own only.
    //= TPM 2.0 Library Part 1 §31.4.4: restricted signing keys
    pub fn new(public: Public) -> Result<Self, AkUnsuitable> {
        let attributes = public.attributes();
        let missing = attributes.missing(ObjectAttributes::ATTESTATION_KEY);
        if missing != ObjectAttributes::from_bits(0) {
            return Err(AkUnsuitable::Lacks(missing));
        }
        if attributes.contains(ObjectAttributes::DECRYPT) {
            return Err(AkUnsuitable::Decrypts);
        }
        Ok(Self(public))
    }

    /// The public area.
    pub const fn public(&self) -> &Public {
        &self.0
    }
}

/// Why a key cannot be an attestation key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AkUnsuitable {
    /// Attributes without which anybody could have made what it signs.
    #[error("the attestation key lacks {0}")]
    Lacks(ObjectAttributes),
    /// A restricted key that decrypts is a storage key.
    #[error("the attestation key is a decryption key")]
    Decrypts,
}

/// An enrolled host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attester {
    /// Its identity.
    pub host: HostId,
    /// The key that signs its quotes.
    pub ak: AttestationKey,
    /// The PCRs that it was asked to quote.
    pub selection: PcrSelection,
}
