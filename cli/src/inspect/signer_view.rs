//! Certificates and signers, as answers show them.
//!
//! In: a `SignedData` and the digest of what it signs. Out: each signer with its certificate, its chain as far as the
//! certificates go, its countersignatures, and whether all that holds. Nothing here says that a chain's end is trusted.

use appraisal::signed_data::{
    self, Chain, ChainEnd, SignerError, VerifiedTimestamp, chain, included, weaknesses,
};
use evidence::digest::{Digest, HashAlg};
use evidence::pkcs7::{SignedData, SignerId, SignerInfo};
use evidence::time::UnixTime;
use evidence::x509::Certificate;
use serde::Serialize;

use crate::show::{Cell, Tone};

/// Signers, countersignatures and nested signatures that are shown of one signature. Real ones have 1 to 3.
pub(super) const MAX_SIGNERS: usize = 16;

/// A certificate.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CertificateView {
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) not_before: Option<String>,
    pub(super) not_after: Option<String>,
    pub(super) cert_sha256: String,
    pub(super) spki_sha256: String,
    /// The key's kind and bits.
    pub(super) key: String,
    pub(super) signature_algorithm: String,
}

/// A signer.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SignerView {
    /// `null` where the certificate is not included.
    pub(super) subject: Option<String>,
    pub(super) issuer: Option<String>,
    pub(super) serial: Option<String>,
    pub(super) cert_sha256: Option<String>,
    pub(super) spki_sha256: Option<String>,
    pub(super) digest_algorithm: String,
    pub(super) signature_algorithm: String,
    /// Whether the signature holds over what it is said to be over.
    pub(super) valid: bool,
    pub(super) error: Option<String>,
    /// By the signer's own word.
    pub(super) signing_time: Option<String>,
    /// By the first countersignature that holds.
    pub(super) countersignature_time: Option<String>,
    pub(super) countersignatures: Vec<CountersignatureView>,
    /// From the signer's certificate up.
    pub(super) chain: Vec<CertificateView>,
    /// `root`, `unchecked-root`, `missing-issuer` or `too-long`.
    pub(super) chain_end: Option<&'static str>,
    pub(super) weaknesses: Vec<&'static str>,
}

/// A countersignature.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CountersignatureView {
    /// `rfc3161` or `pkcs9`.
    pub(super) kind: &'static str,
    pub(super) time: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) valid: bool,
    pub(super) error: Option<String>,
}

impl CertificateView {
    pub(super) fn new(certificate: &Certificate<'_>) -> Self {
        let key = certificate.public_key();
        Self {
            subject: certificate.subject().to_string(),
            issuer: certificate.issuer().to_string(),
            serial: certificate.serial_hex(),
            not_before: certificate.not_before().map(second),
            not_after: certificate.not_after().map(second),
            cert_sha256: certificate.sha256().to_string(),
            spki_sha256: certificate.spki_sha256().to_string(),
            key: match key.bits() {
                Some(bits) => format!("{} {bits}", key.name()),
                None => key.name(),
            },
            signature_algorithm: certificate.signature_algorithm().to_string(),
        }
    }
}

impl SignerView {
    /// Every signer of `signed` over content whose digest is `digest`; what cannot be read is left out.
    pub(super) fn all(signed: &SignedData<'_>, digest: &dyn Fn(HashAlg) -> Digest) -> Vec<Self> {
        let certificates = included(signed);
        let signers = signed.signers().filter_map(Result::ok).take(MAX_SIGNERS);
        signers
            .map(|signer| {
                let result = signed_data::verify_detached(signed, &signer, &certificates, digest);
                Self::new(&signer, &certificates, result.map(|_| ()))
            })
            .collect()
    }

    /// One signer, of which it is known whether its signature holds.
    pub(super) fn new(
        signer: &SignerInfo<'_>,
        certificates: &[Certificate<'_>],
        result: Result<(), SignerError>,
    ) -> Self {
        let certificate = certificates.iter().find(|certificate| signer.id().names(certificate));
        let chain = certificate.map(|certificate| chain(certificate, certificates));
        let countersignatures = countersignatures(signer, certificates);
        let (issuer, serial) = match (certificate, signer.id()) {
            (Some(found), _) => (Some(found.issuer().to_string()), Some(found.serial_hex())),
            (None, SignerId::IssuerSerial { issuer, serial }) => {
                (Some(issuer.to_string()), Some(hex::encode(serial)))
            }
            (None, SignerId::KeyId(_)) => (None, None),
        };
        Self {
            subject: certificate.map(|found| found.subject().to_string()),
            issuer,
            serial,
            cert_sha256: certificate.map(|found| found.sha256().to_string()),
            spki_sha256: certificate.map(|found| found.spki_sha256().to_string()),
            digest_algorithm: signer.digest_algorithm().to_string(),
            signature_algorithm: signer.signature_algorithm().to_string(),
            valid: result.is_ok(),
            error: result.err().map(|error| error.to_string()),
            signing_time: signer.signing_time().map(second),
            countersignature_time: countersignatures
                .iter()
                .find(|found| found.valid)
                .and_then(|found| found.time.clone()),
            countersignatures,
            chain: chain.iter().flat_map(Chain::certificates).map(CertificateView::new).collect(),
            chain_end: chain.as_ref().map(|chain| chain.end().name()),
            weaknesses: chain.as_ref().map_or_else(Vec::new, |chain| {
                let hash = signer.digest_algorithm().hash();
                weaknesses(hash, chain).into_iter().map(signed_data::Weakness::code).collect()
            }),
        }
    }

    /// The subject, or what else is known of the signer.
    pub(super) fn who(&self) -> String {
        match (&self.subject, &self.issuer) {
            (Some(subject), _) => subject.clone(),
            (None, Some(issuer)) => format!("not included, issued by {issuer}"),
            (None, None) => "not included".to_owned(),
        }
    }

    /// Label and value of each line that people see of it.
    pub(super) fn rows(&self) -> Vec<(&'static str, Cell)> {
        let mut rows = vec![("signer", Cell::from(self.who()))];
        let scheme = format!("{} with {}", self.signature_algorithm, self.digest_algorithm);
        rows.push(match &self.error {
            None => ("signature", Cell::toned(format!("holds ({scheme})"), Tone::Good)),
            Some(error) => ("signature", Cell::toned(format!("fails: {error} ({scheme})"), Tone::Bad)),
        });
        for above in self.chain.iter().skip(1) {
            rows.push(("issued by", (&above.subject).into()));
        }
        match self.chain_end {
            Some(end) if end == ChainEnd::Root.name() => {}
            Some(end) => {
                let issuer = self.chain.last().map(|last| last.issuer.as_str()).unwrap_or_default();
                rows.push(("chain ends", Cell::toned(format!("{end}: {issuer}"), Tone::Dim)));
            }
            None => {}
        }
        for found in &self.countersignatures {
            let time = found.time.as_deref().unwrap_or("no time");
            let by = found.subject.as_deref().unwrap_or("unknown");
            rows.push(match &found.error {
                None => ("time stamp", format!("{time} by {by}").into()),
                Some(error) => ("time stamp", Cell::toned(format!("{time}, fails: {error}"), Tone::Bad)),
            });
        }
        if !self.weaknesses.is_empty() {
            rows.push(("weak", Cell::toned(self.weaknesses.join(", "), Tone::Warn)));
        }
        rows
    }
}

fn countersignatures(signer: &SignerInfo<'_>, certificates: &[Certificate<'_>]) -> Vec<CountersignatureView> {
    let tokens = signer.timestamp_tokens().take(MAX_SIGNERS).map(|token| {
        let result = token.map_err(SignerError::from);
        let time = |token: &SignedData<'_>| evidence::pkcs7::TimestampInfo::of(token).ok()?.time();
        let claimed = result.as_ref().ok().and_then(time);
        let verified = result.and_then(|token| signed_data::verify_timestamp(signer, &token));
        CountersignatureView::new("rfc3161", claimed, verified)
    });
    let countersigners = signer.countersignatures().take(MAX_SIGNERS).map(|by| {
        let result = by.map_err(SignerError::from);
        let claimed = result.as_ref().ok().and_then(SignerInfo::signing_time);
        let verified = result.and_then(|by| signed_data::verify_countersignature(signer, &by, certificates));
        CountersignatureView::new("pkcs9", claimed, verified)
    });
    tokens.chain(countersigners).collect()
}

impl CountersignatureView {
    fn new(
        kind: &'static str,
        claimed: Option<UnixTime>,
        verified: Result<VerifiedTimestamp<'_>, SignerError>,
    ) -> Self {
        let subject = verified.as_ref().ok().map(|by| by.signer().certificate().subject().to_string());
        Self {
            kind,
            time: claimed.map(second),
            subject,
            valid: verified.is_ok(),
            error: verified.err().map(|error| error.to_string()),
        }
    }
}

/// A time as answers write it, to the second.
pub(super) fn second(time: UnixTime) -> String {
    let text = time.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(whole, _)| format!("{whole}Z"))
}
