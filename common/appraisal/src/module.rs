//! Whether a kernel module is signed by a key that somebody trusts.
//!
//! In: a module and certificates. Out: what each of its signers comes to, and whether the module is signed by one of the
//! certificates, or one beneath them. Which certificates a kernel trusts, and whether it insists on a signature, is not
//! known here; like the kernel, this ignores whether certificates have expired.
//= Linux kernel/module/signing.c, crypto/asymmetric_keys/pkcs7_trust.c

use evidence::asn1::Asn1Error;
use evidence::module::Module;
use evidence::pkcs7::{SignedData, SignerInfo};
use evidence::x509::Certificate;

use crate::crypto::SignatureError;
use crate::signed_data::{self, SignerError, VerifiedSigner};

/// Signers of one module that are verified: real ones have one.
pub const MAX_SIGNERS: usize = 8;

/// What a signer comes to.
#[derive(Clone, Debug)]
pub struct SignerOutcome<'a> {
    /// The signer; `None` where it cannot be read.
    pub signer: Option<SignerInfo<'a>>,
    /// The verified signature, or why there is none.
    pub outcome: Result<VerifiedSigner<'a>, SignerError>,
    /// Whether the signer's certificate is one of those that are trusted, or beneath one.
    pub is_trusted: bool,
}

/// What a module's signature comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A certificate that is trusted signed it, or one beneath it.
    Holds,
    /// The signature is not over this content, not by the certificate that it names, or not by any that is trusted.
    Fails,
    /// There is no certificate to verify it with, or its algorithms are not supported.
    NotVerified,
}

/// What is known of a signature.
#[derive(Clone, Debug)]
pub struct Verification<'a> {
    /// What it comes to.
    pub verdict: Verdict,
    /// Its signers, at most [`MAX_SIGNERS`].
    pub signers: Vec<SignerOutcome<'a>>,
}

/// Verifies a module's PKCS#7 signature; `None` where there is none of that kind.
pub fn verify<'a>(
    module: &Module<'a>,
    trusted: &[Certificate<'a>],
) -> Option<Result<Verification<'a>, Asn1Error>> {
    let signed = module.signature()?.signed_data()?;
    Some(signed.map(|signed| verify_signed(module, &signed, trusted)))
}

fn verify_signed<'a>(
    module: &Module<'a>,
    signed: &SignedData<'a>,
    trusted: &[Certificate<'a>],
) -> Verification<'a> {
    let included = signed_data::included(signed);
    let pool: Vec<_> = trusted.iter().chain(&included).copied().collect();
    let digest = |alg| module.digest(alg);
    let signers: Vec<_> = signed
        .signers()
        .take(MAX_SIGNERS)
        .map(|signer| {
            let outcome = match &signer {
                Ok(signer) => signed_data::verify_detached(signed, signer, &pool, &digest),
                Err(error) => Err((*error).into()),
            };
            let is_trusted = outcome.as_ref().is_ok_and(|verified| {
                let chain = signed_data::chain(verified.certificate(), &pool);
                let mut above = chain.certificates().iter();
                above.any(|above| trusted.iter().any(|trusted| trusted.der() == above.der()))
            });
            SignerOutcome { signer: signer.ok(), outcome, is_trusted }
        })
        .collect();
    Verification { verdict: verdict(&signers, trusted), signers }
}

fn verdict(signers: &[SignerOutcome<'_>], trusted: &[Certificate<'_>]) -> Verdict {
    if signers.is_empty() || signers.iter().any(|signer| signer.outcome.as_ref().is_err_and(is_wrong)) {
        return Verdict::Fails;
    }
    if signers.iter().any(|signer| signer.is_trusted) {
        return Verdict::Holds;
    }
    let unknown =
        |signer: &SignerOutcome<'_>| matches!(signer.outcome, Ok(_) | Err(SignerError::NoCertificate));
    if !trusted.is_empty() && signers.iter().any(unknown) { Verdict::Fails } else { Verdict::NotVerified }
}

/// Whether a signature was found wrong, rather than left unverified.
pub fn is_wrong(error: &SignerError) -> bool {
    match error {
        SignerError::NoCertificate
        | SignerError::NoContent
        | SignerError::DigestAlgorithm(_)
        | SignerError::SignatureAlgorithm(_) => false,
        SignerError::Malformed(_) | SignerError::ContentType | SignerError::MessageDigest => true,
        SignerError::Signature(error) => {
            matches!(error, SignatureError::DoesNotHold | SignatureError::MalformedSignature)
        }
    }
}
