//! A quote, and what was asked for: each check with its own error.
//!
//! In: an attestation key, the bytes of an attestation and of its signature, and the nonce, selection and values that belong to
//! it. Out: the attestation, of which all of it then holds, or the first thing that does not. That the key is in a real
//! TPM, and that the nonce was fresh, is for whoever keeps the key and asked.

use evidence::digest::HashAlg;
use evidence::pcr::{PcrError, PcrSelection, PcrValues};
use evidence::tpm::{Attest, Attested, KeyName, Public, QuoteInfo, Signature, TpmError};

use crate::attester::AttestationKey;
use crate::crypto::{HashPolicy, SignatureError, VerifyingKey};

/// The longest nonce that every TPM takes into a quote whole.
//= TPM 2.0 Library Part 2 §10.4.3: TPM2B_DATA, limited to the size of the largest digest; SHA-256 is on every TPM
pub const NONCE_BYTES: usize = 32;

/// What a quote has to be about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The nonce, which the quote has as it is.
    pub nonce: &'a [u8],
    /// The PCRs that were to be quoted.
    pub selection: &'a PcrSelection,
    /// The values that are said to be quoted.
    pub values: &'a PcrValues,
}

/// Why a quote does not show what it is said to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// The key is another than the one that is called so.
    #[error("the key's name is {found}, not {expected}")]
    Name {
        /// The name that was expected.
        expected: KeyName,
        /// The name that follows from the public area.
        found: KeyName,
    },
    /// The signature cannot be read.
    #[error("the signature cannot be read: {0}")]
    SignatureMalformed(TpmError),
    /// The signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// The signed bytes are no attestation, or no TPM formed them.
    #[error("the signed structure is no attestation: {0}")]
    Attest(TpmError),
    /// An attestation of another type.
    #[error("the TPM attests {found} (type {tag:#06x}), not a quote")]
    Type {
        /// The type's name.
        found: &'static str,
        /// The `TPMI_ST_ATTEST`.
        tag: u16,
    },
    /// The nonce is another.
    #[error("the quote has a nonce of {} bytes, and another one than was asked for", found.len())]
    Nonce {
        /// What the quote has.
        found: Vec<u8>,
    },
    /// Other PCRs than were asked for.
    #[error("the quote covers {found}; {asked} was asked for")]
    Selection {
        /// What was asked for.
        asked: PcrSelection,
        /// What was quoted.
        found: PcrSelection,
    },
    /// A quoted PCR has no value.
    #[error("the values are incomplete: {0}")]
    Values(PcrError),
    /// The values are others.
    #[error("the values do not hash to the quoted digest")]
    PcrDigest,
}

/// An attestation key, ready to check quotes.
#[derive(Clone, Debug)]
pub struct QuoteKey {
    key: VerifyingKey,
}

impl QuoteKey {
    /// Makes a key ready.
    pub fn new(ak: &AttestationKey) -> Result<Self, SignatureError> {
        VerifyingKey::of_public(ak.public()).map(|key| Self { key })
    }

    /// Checks all of a quote: signature, magic number, type, nonce, selection and values.
    pub fn check(&self, attest: &[u8], signature: &[u8], asked: &Asked<'_>) -> Result<Attest, QuoteError> {
        // The signature first: nothing else of the structure is worth reading before it holds.
        let signature = Signature::parse(signature).map_err(QuoteError::SignatureMalformed)?;
        self.key.verify(HashPolicy::Modern, &signature, attest)?;
        let attest = Attest::parse(attest).map_err(QuoteError::Attest)?;
        let quote = quoted(&attest)?;
        check_nonce(&attest, asked.nonce)?;
        check_selection(quote, asked.selection)?;
        check_values(quote, signature.hash(), asked.values)?;
        Ok(attest)
    }
}

/// Whether a public area is the one of this name.
//= TPM 2.0 Library Part 1 §16: Name ≔ nameAlg || H_nameAlg (object→publicArea)
pub fn check_name(public: &Public, expected: KeyName) -> Result<(), QuoteError> {
    let found = public.name();
    if found == expected { Ok(()) } else { Err(QuoteError::Name { expected, found }) }
}

/// The quote, where the attestation is one.
pub fn quoted(attest: &Attest) -> Result<&QuoteInfo, QuoteError> {
    match &attest.fields().attested {
        Attested::Quote(quote) => Ok(quote),
        other => Err(QuoteError::Type { found: other.name(), tag: other.tag() }),
    }
}

/// Whether the attestation is over this nonce, to the last byte.
pub fn check_nonce(attest: &Attest, asked: &[u8]) -> Result<(), QuoteError> {
    let found = &attest.fields().extra_data;
    if found == asked { Ok(()) } else { Err(QuoteError::Nonce { found: found.clone() }) }
}

/// Whether these PCRs were quoted: TPMs drop the banks that they lack from a selection without a word.
pub fn check_selection(quote: &QuoteInfo, asked: &PcrSelection) -> Result<(), QuoteError> {
    if quote.selection == *asked {
        return Ok(());
    }
    Err(QuoteError::Selection { asked: asked.clone(), found: quote.selection.clone() })
}

/// Whether these values were quoted: in the order of the selection, hashed by the signature scheme's algorithm.
//= TPM 2.0 Library Part 3 §18.4: TPM2_Quote
pub fn check_values(quote: &QuoteInfo, hash: HashAlg, values: &PcrValues) -> Result<(), QuoteError> {
    let selected = values.selected(&quote.selection).map_err(QuoteError::Values)?;
    let parts: Vec<&[u8]> = selected.iter().map(evidence::digest::Digest::as_bytes).collect();
    if hash.hash(&parts).as_bytes() == quote.pcr_digest { Ok(()) } else { Err(QuoteError::PcrDigest) }
}
