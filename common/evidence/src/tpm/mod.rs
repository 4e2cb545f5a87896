//! TPM 2.0 structures as they travel: public areas, attestations, signatures, PCR selections, credential blobs.
//!
//! In: the bytes of `TPM2B_…`, `TPMT_…` and `TPMS_…` structures. Out: typed views beside the bytes that were read,
//! and the writers of the same structures. A reader takes the whole input or refuses it. Nothing here verifies a signature or knows whose TPM it was: `appraisal` does.
//= TPM 2.0 Library Part 2: Structures

mod attest;
mod attested;
mod certificate;
mod creation;
mod credential;
mod key;
mod nv;
mod pcr_file;
mod public;
mod scheme;
mod selection;
mod signature;
mod template;
mod wire;

pub use attest::{Attest, AttestFields, ClockInfo, ClockSafety};
pub use attested::{
    Attested, CertifyInfo, CommandAuditInfo, CreationInfo, Exclusivity, NvDigestInfo, NvInfo, QuoteInfo,
    SessionAuditInfo, TimeInfo,
};
pub use certificate::{NvChain, certificate_from_nv, certificates_from_nv};
pub use creation::{CreationData, CreationFields, CreationTicket, ParentNameAlg};
pub use credential::{CredentialBlob, EncryptedSecret, IdObject};
pub use key::{Curve, EccKey, Key, RsaKey};
pub use nv::{NvArea, NvAttributes, NvPublic, NvType};
pub use pcr_file::{PcrFileError, parse_pcr_file};
pub use public::{KeyName, ObjectAttributes, Public, PublicArea};
pub use scheme::{BlockCipher, CipherMode, KdfScheme, Scheme, Symmetric, SymmetricCipher};
pub use selection::{parse_pcr_selection, write_pcr_selection};
pub use signature::{OtherScheme, Signature};
pub use template::Template;
pub use wire::TpmError;

#[cfg(test)]
mod tests;
