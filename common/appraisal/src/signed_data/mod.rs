//! Whether the signatures of a PKCS#7 or CMS `SignedData` hold, and whose they are by the certificates at hand.
//!
//! In: a signer, the digest of what it is said to have signed, and certificates. Out: a signer whose signature holds over
//! that content, its chain as far as the certificates go, and what is weak about it. Signatures on programs outlive
//! their algorithms: SHA-1 and short keys are reported, and it is policy that refuses them. Nothing here says that a
//! chain's end is trusted, or that a certificate was valid or fit for its use.

mod chain;
mod update;

use evidence::asn1::{Asn1Error, Oid, oid};
use evidence::digest::{Digest, HashAlg};
use evidence::pkcs7::{SignedData, SignerInfo, TimestampInfo};
use evidence::time::UnixTime;
use evidence::x509::{AlgorithmId, Certificate, SignatureScheme};

use crate::crypto::{PublicKey, Salt, SignatureBytes, SignatureError};

pub use chain::{Chain, ChainEnd, Weakness, chain, verify_issued, weaknesses};
pub use update::{UpdateTarget, verify_update};

/// Certificates of one `SignedData` that are looked at. Real ones carry 1 to 6.
pub const MAX_CERTIFICATES: usize = 64;

/// Why a signature does not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// Something of it cannot be read.
    #[error(transparent)]
    Malformed(#[from] Asn1Error),
    /// No certificate at hand is the one that the signer names.
    #[error("the signer's certificate is not included")]
    NoCertificate,
    /// There is no content to check the signature with.
    #[error("the content is not included")]
    NoContent,
    /// The hash is not supported.
    #[error("the digest algorithm {0} is not supported")]
    DigestAlgorithm(String),
    /// The signature's algorithm is not supported.
    #[error("the signature algorithm {0} is not supported")]
    SignatureAlgorithm(String),
    /// The signed attributes name another kind of content, or none.
    #[error("the signed attributes are not about this kind of content")]
    ContentType,
    /// The signed attributes hold another digest, or none.
    #[error("the signed digest is not the content's")]
    MessageDigest,
    /// The signature does not hold, or cannot be checked.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

/// A signer whose signature holds over the content that it was checked with.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedSigner<'a> {
    certificate: Certificate<'a>,
    hash: HashAlg,
}

impl<'a> VerifiedSigner<'a> {
    /// The certificate whose key signed.
    pub const fn certificate(&self) -> &Certificate<'a> {
        &self.certificate
    }

    /// The hash that was signed.
    pub const fn hash(&self) -> HashAlg {
        self.hash
    }
}

/// A countersignature that holds.
#[derive(Clone, Copy, Debug)]
pub struct VerifiedTimestamp<'a> {
    signer: VerifiedSigner<'a>,
    time: Option<UnixTime>,
}

impl<'a> VerifiedTimestamp<'a> {
    /// Who says so.
    pub const fn signer(&self) -> &VerifiedSigner<'a> {
        &self.signer
    }

    /// The time; `None` where what was signed holds none.
    pub const fn time(&self) -> Option<UnixTime> {
        self.time
    }
}

/// The certificates that came with a `SignedData`, without those that cannot be read.
pub fn included<'a>(signed: &SignedData<'a>) -> Vec<Certificate<'a>> {
    signed.certificates().filter_map(Result::ok).take(MAX_CERTIFICATES).collect()
}

/// Checks one signer of a `SignedData` over content that lies elsewhere; `digest` gives that content's digest.
pub fn verify_detached<'a>(
    signed: &SignedData<'a>,
    signer: &SignerInfo<'a>,
    certificates: &[Certificate<'a>],
    digest: &dyn Fn(HashAlg) -> Digest,
) -> Result<VerifiedSigner<'a>, SignerError> {
    verify_signer(signer, Some(signed.content_type()), certificates, digest)
}

/// Checks one signer of a `SignedData` over the content within.
pub fn verify_included<'a>(
    signed: &SignedData<'a>,
    signer: &SignerInfo<'a>,
    certificates: &[Certificate<'a>],
) -> Result<VerifiedSigner<'a>, SignerError> {
    let content = signed.content_octets().ok_or(SignerError::NoContent)?;
    verify_detached(signed, signer, certificates, &|alg| alg.hash(&[&content]))
}

/// Checks a time-stamp token of RFC 3161 that hangs on `signer`.
pub fn verify_timestamp<'a>(
    signer: &SignerInfo<'_>,
    token: &SignedData<'a>,
) -> Result<VerifiedTimestamp<'a>, SignerError> {
    if token.content_type() != oid::TST_INFO {
        return Err(SignerError::ContentType);
    }
    let content = token.content_octets().ok_or(SignerError::NoContent)?;
    let info = TimestampInfo::parse(&content)?;
    let alg = hash_of(&info.algorithm())?;
    //= RFC 3161 §2.4.2: messageImprint; appendix A: the value of the signature of the SignerInfo
    if alg.hash(&[signer.signature()]).as_bytes() != info.digest() {
        return Err(SignerError::MessageDigest);
    }
    let by = token.signers().next().ok_or(SignerError::NoCertificate)??;
    let time = info.time();
    Ok(VerifiedTimestamp { signer: verify_included(token, &by, &included(token))?, time })
}

/// Checks a countersignature of PKCS#9 that hangs on `signer`.
pub fn verify_countersignature<'a>(
    signer: &SignerInfo<'_>,
    by: &SignerInfo<'a>,
    certificates: &[Certificate<'a>],
) -> Result<VerifiedTimestamp<'a>, SignerError> {
    //= RFC 5652 §11.4: the digest of the contents octets of the signatureValue field
    let digest = |alg: HashAlg| alg.hash(&[signer.signature()]);
    let verified = verify_signer(by, None, certificates, &digest)?;
    Ok(VerifiedTimestamp { signer: verified, time: by.signing_time() })
}

fn verify_signer<'a>(
    signer: &SignerInfo<'_>,
    content_type: Option<Oid<'_>>,
    certificates: &[Certificate<'a>],
    digest: &dyn Fn(HashAlg) -> Digest,
) -> Result<VerifiedSigner<'a>, SignerError> {
    let certificate = certificates.iter().find(|certificate| signer.id().names(certificate));
    let certificate = certificate.ok_or(SignerError::NoCertificate)?;
    let hash = hash_of(&signer.digest_algorithm())?;
    let content = digest(hash);
    let signed = match signer.signed_attributes() {
        None => content,
        Some(attributes) => {
            //= RFC 5652 §11.1: content-type must match the encapsulated content's; §11.2: message-digest
            if content_type.is_some() && signer.content_type() != content_type {
                return Err(SignerError::ContentType);
            }
            if signer.message_digest() != Some(content.as_bytes()) {
                return Err(SignerError::MessageDigest);
            }
            hash.hash(&attributes)
        }
    };
    let scheme = signer_scheme(&signer.signature_algorithm(), hash)?;
    verify_with(certificate, scheme, signer.signature(), &signed)?;
    Ok(VerifiedSigner { certificate: *certificate, hash })
}

/// A signer's scheme: its algorithm often names the kind of key alone, and the hash stands beside it.
//= RFC 3370 §3.2: rsaEncryption MUST be supported as a signature algorithm; RFC 5753 §2.1.1: ecdsa-with-…
fn signer_scheme(algorithm: &AlgorithmId<'_>, hash: HashAlg) -> Result<SignatureScheme, SignerError> {
    let scheme = match algorithm.oid() {
        oid::RSA_ENCRYPTION => Some(SignatureScheme::Pkcs1(hash)),
        oid::EC_PUBLIC_KEY => Some(SignatureScheme::Ecdsa(hash)),
        _ => algorithm.signature_scheme(),
    };
    scheme.ok_or_else(|| SignerError::SignatureAlgorithm(algorithm.to_string()))
}

fn hash_of(algorithm: &AlgorithmId<'_>) -> Result<HashAlg, SignerError> {
    algorithm.hash().ok_or_else(|| SignerError::DigestAlgorithm(algorithm.to_string()))
}

/// Checks a signature by a certificate's key over what has this digest.
fn verify_with(
    certificate: &Certificate<'_>,
    scheme: SignatureScheme,
    signature: &[u8],
    digest: &Digest,
) -> Result<(), SignerError> {
    let key = PublicKey::of_certificate(&certificate.public_key())?;
    let bytes = match scheme {
        SignatureScheme::Pkcs1(hash) => SignatureBytes::Pkcs1 { hash, signature },
        SignatureScheme::Pss { hash, salt } => {
            SignatureBytes::Pss { hash, salt: Salt::Bytes(salt), signature }
        }
        SignatureScheme::Ecdsa(hash) => {
            let (r, s) = ecdsa_numbers(signature)?;
            SignatureBytes::Ecdsa { hash, r, s }
        }
    };
    Ok(key.verify_digest(&bytes, digest)?)
}

/// `Ecdsa-Sig-Value`: two numbers.
fn ecdsa_numbers(signature: &[u8]) -> Result<(&[u8], &[u8]), Asn1Error> {
    use evidence::asn1::{Value, tag, unsigned};
    let mut reader = Value::first(signature)?.expect(tag::SEQUENCE)?.reader();
    let r = unsigned(reader.expect(tag::INTEGER)?.content());
    let s = unsigned(reader.expect(tag::INTEGER)?.content());
    reader.end()?;
    Ok((r, s))
}

#[cfg(test)]
mod tests;
