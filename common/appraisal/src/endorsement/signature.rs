//! Whether something is signed by the key of a certificate.
//!
//! In: signed bytes with their signature, and the certificate of who is said to have signed. Out: nothing, or why not.
//! The signature is checked over the bytes as they came, by an algorithm from a short list; SHA-1 is not on it.

use der::Decode as _;
use der::asn1::UintRef;
use evidence::asn1::{Asn1Error, Value, tag};
use evidence::x509::{AlgorithmId, SignatureScheme};

use super::certificate::Certificate;
use super::{EndorsementError, Which};
use crate::crypto::{HashPolicy, PublicKey, Salt, SignatureBytes, SignatureError, allowed};

/// What certificates, attribute certificates and revocation lists have in common: three values in a sequence.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed<'a> {
    /// The first, as it lies in the DER: a re-encoding might differ.
    pub(super) content: Value<'a>,
    outer: Value<'a>,
    signature: &'a [u8],
}

/// `Ecdsa-Sig-Value`.
#[derive(Clone, Copy, Debug, der::Sequence)]
struct EcdsaNumbers<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

impl<'a> Signed<'a> {
    /// Takes a signed structure apart; nothing may follow within it.
    pub(super) fn of(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let content = reader.expect(tag::SEQUENCE)?;
        let outer = reader.expect(tag::SEQUENCE)?;
        let bits = reader.expect(tag::BIT_STRING)?;
        reader.end()?;
        // The count of loose bits is not under the signature, so that only one value is good.
        let [0, signature @ ..] = bits.content() else {
            return Err(Asn1Error::Content { offset: bits.offset(), what: "signature of whole octets" });
        };
        Ok(Self { content, outer, signature })
    }

    /// The algorithm's name or number.
    pub(super) fn algorithm(&self) -> String {
        AlgorithmId::parse(&self.outer).map_or_else(|_| "?".to_owned(), |id| id.to_string())
    }

    /// Checks the signature by the key of `issuer`; `inner` is the algorithm that stands under the signature.
    pub(super) fn verify(
        &self,
        which: Which,
        inner: &Value<'_>,
        issuer: &Certificate<'_>,
    ) -> Result<(), EndorsementError> {
        //= RFC 5280 §4.1.1.2: this field MUST contain the same algorithm identifier as the signature field
        if inner.raw() != self.outer.raw() {
            return Err(EndorsementError::TwoAlgorithms { which });
        }
        let algorithm =
            AlgorithmId::parse(&self.outer).map_err(|error| EndorsementError::Malformed { which, error })?;
        let Some(scheme) = algorithm.signature_scheme() else {
            return Err(EndorsementError::Algorithm { which, oid: algorithm.oid().to_string() });
        };
        let failed = |error| EndorsementError::Signature { which, issuer: issuer.which(), error };
        allowed(HashPolicy::Modern, scheme.hash()).map_err(failed)?;
        check(&issuer.public_key()?, scheme, self.signature, self.content.raw()).map_err(failed)
    }
}

fn check(
    key: &PublicKey,
    scheme: SignatureScheme,
    signature: &[u8],
    message: &[u8],
) -> Result<(), SignatureError> {
    let bytes = match scheme {
        SignatureScheme::Pkcs1(hash) => SignatureBytes::Pkcs1 { hash, signature },
        SignatureScheme::Pss { hash, salt } => {
            SignatureBytes::Pss { hash, salt: Salt::Bytes(salt), signature }
        }
        SignatureScheme::Ecdsa(hash) => {
            let numbers =
                EcdsaNumbers::from_der(signature).map_err(|_| SignatureError::MalformedSignature)?;
            SignatureBytes::Ecdsa { hash, r: numbers.r.as_bytes(), s: numbers.s.as_bytes() }
        }
    };
    key.verify(&bytes, message)
}
