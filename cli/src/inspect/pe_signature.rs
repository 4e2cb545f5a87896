//! Authenticode signatures, as answers show them.
//!
//! In: a signature and the image that it is attached to, or a signature alone. Out: the digest that it signs, whether that
//! is the image's, and its signers; the signatures nested in it as signatures of their own.

use evidence::asn1::{from_pem, oid};
use evidence::pe::{Image, IndirectData};
use evidence::pkcs7::SignedData;
use serde::Serialize;

use super::signer_view::{MAX_SIGNERS, SignerView};

/// A signature.
#[derive(Debug, Serialize)]
pub(super) struct SignatureView {
    /// Which entry of the certificate table it is, or is nested in.
    certificate: usize,
    pub(super) nested: bool,
    /// The hash that the digest is of.
    digest_algorithm: Option<String>,
    /// What it signs.
    pub(super) digest: Option<String>,
    /// Whether that is the image's digest; `null` without an image, or where it cannot be computed.
    pub(super) digest_matches: Option<bool>,
    pub(super) signers: Vec<SignerView>,
    /// Why it is no signature of an image.
    pub(super) error: Option<String>,
}

impl SignatureView {
    /// A signature and those that are nested in it.
    pub(super) fn with_nested(
        signed: &SignedData<'_>,
        image: Option<&Image<'_>>,
        certificate: usize,
    ) -> Vec<Self> {
        let nested = signed
            .signers()
            .filter_map(Result::ok)
            .take(MAX_SIGNERS)
            .flat_map(|signer| signer.nested_signatures())
            .filter_map(Result::ok)
            .take(MAX_SIGNERS);
        let nested = nested.map(|signed| Self::new(&signed, image, certificate, true));
        std::iter::once(Self::new(signed, image, certificate, false)).chain(nested).collect()
    }

    /// The signatures of a file that is one without its image, in DER or PEM; `None` where it is none.
    pub(super) fn detached(bytes: &[u8]) -> Option<Vec<Self>> {
        let decoded = from_pem(bytes);
        let (signed, _) = SignedData::parse_prefix(decoded.as_deref().unwrap_or(bytes)).ok()?;
        (signed.content_type() == oid::SPC_INDIRECT_DATA).then(|| Self::with_nested(&signed, None, 0))
    }

    fn new(signed: &SignedData<'_>, image: Option<&Image<'_>>, certificate: usize, nested: bool) -> Self {
        let indirect = IndirectData::of(signed);
        let content = signed.content_octets().unwrap_or_default();
        let data = indirect.as_ref().ok();
        Self {
            certificate,
            nested,
            digest_algorithm: data.map(|data| data.algorithm().to_string()),
            digest: data.map(|data| hex::encode(data.digest())),
            digest_matches: data.zip(image).and_then(|(data, image)| data.is_of(image)),
            signers: SignerView::all(signed, &|alg| alg.hash(&[&content])),
            error: indirect.err().map(|error| error.to_string()),
        }
    }
}
