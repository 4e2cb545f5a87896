//! What can be out of order in a certificate.
//!
//! In: nothing. Out: codes that answers name; they never change.

use std::fmt;

use super::Unverified;

/// Something out of order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub code: FindingCode,
    /// Where the packet starts.
    pub offset: usize,
    /// Why a signature does not count.
    pub why: Option<Unverified>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at byte {}: {}", self.offset, self.code.text())?;
        match self.why {
            Some(why) => write!(f, ": {why}"),
            None => Ok(()),
        }
    }
}

evidence::finding_codes! {
    /// Nothing binds a key, user id or subkey: each signature that should is wrong.
    NotBound = "not-bound", Error, "what should bind this is wrong";
    /// A signature by the key itself is wrong; another one binds the same.
    SelfSignatureInvalid = "self-signature-invalid", Warning, "a signature by the key itself is wrong";
    /// A signature by the key itself cannot be verified.
    SelfSignatureUnverified = "self-signature-unverified", Warning, "a signature by the key itself is not verified";
    /// What binds this relies on SHA-1.
    Sha1SelfSignature = "sha1-self-signature", Warning, "what binds this is over SHA-1";
    /// A subkey that signs has not signed that it belongs to the key.
    CrossSignature = "cross-signature", Warning, "the subkey's own consent is missing or wrong";
    /// A signature by the key itself that has no meaning where it stands.
    SignatureMisplaced = "signature-misplaced", Info, "a signature by the key itself means nothing here";
    /// A signature packet that cannot be read.
    SignatureMalformed = "signature-malformed", Warning, "a signature cannot be read";
    /// A subkey that cannot be read.
    SubkeyMalformed = "subkey-malformed", Error, "a subkey cannot be read";
    /// A key of version 3: its key id can be forged.
    Version3 = "version-3-key", Warning, "a key of version 3, whose key id anybody can give to another key";
    /// A secret key in a ring of public ones.
    SecretKey = "secret-key", Error, "a secret key lies among the public ones";
    /// Packets that are not known.
    UnknownPackets = "unknown-packets", Info, "there are packets that are not known";
    /// There are more findings than are told.
    TooManyFindings = "too-many-findings", Warning, "there are more findings than are told";
}
