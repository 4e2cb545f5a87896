//! A TPM maker's certificate authority, in memory.
//!
//! In: an endorsement key. Out: a certificate for it as the TCG's profile wants it, by a root that a verifier can be told
//! to trust. It vouches for whatever it is handed.
//= TCG EK Credential Profile 2.5 §3: X.509 Endorsement Certificate

use anyhow::{Context as _, Result};
use p256::ecdsa::SigningKey;
use p256::ecdsa::signature::Signer as _;
use p256::pkcs8::EncodePublicKey as _;
use x509_cert::attr::AttributeTypeAndValue;
use x509_cert::certificate::{Certificate, TbsCertificate, Version};
use x509_cert::der::asn1::{Any, BitString, ObjectIdentifier, OctetString, SetOfVec, Utf8StringRef};
use x509_cert::der::{DateTime, Decode as _, Encode, EncodePem as _, pem::LineEnding};
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::ext::pkix::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages, SubjectAltName,
    SubjectKeyIdentifier,
};
use x509_cert::ext::{AsExtension, Extension};
use x509_cert::name::{Name, RdnSequence, RelativeDistinguishedName};
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

use crate::soft_tpm::{SoftTpm, rng};

/// A root that issues endorsement certificates.
#[derive(Clone, Debug)]
pub struct TestEkCa {
    called: String,
    key: SigningKey,
    name: Name,
    root: Certificate,
}

/// Until when a certificate holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lifetime {
    /// For ever, as TPM makers do.
    Endless,
    /// It has been over for years.
    Over,
}

impl TestEkCa {
    /// The authority of this name; its key follows from the name.
    pub fn new(name: &str) -> Result<Self> {
        Self::with_key(name, 0)
    }

    /// Somebody else who calls himself the same.
    pub fn impostor(&self) -> Result<Self> {
        Self::with_key(&self.called, 1)
    }

    fn with_key(called: &str, seed: u64) -> Result<Self> {
        let key = SigningKey::from(p256::SecretKey::random(&mut rng(called, seed)));
        let name: Name = format!("CN={called}").parse().context("an authority's name")?;
        let spki = spki_of(&key.verifying_key().to_public_key_der()?.into_vec())?;
        let extensions = vec![
            extension(&BasicConstraints { ca: true, path_len_constraint: None }, Critical::Yes)?,
            extension(&KeyUsage(KeyUsages::KeyCertSign.into()), Critical::Yes)?,
            extension(&key_identifier(&spki)?, Critical::No)?,
        ];
        let tbs = tbs(1, &name, &name, Lifetime::Endless, spki, extensions)?;
        let root = sign(&key, tbs)?;
        Ok(Self { called: called.to_owned(), key, name, root })
    }

    /// The root's certificate in PEM.
    pub fn root_pem(&self) -> Result<String> {
        Ok(self.root.to_pem(LineEnding::LF)?)
    }

    /// The root's certificate in DER.
    pub fn root_der(&self) -> Result<Vec<u8>> {
        Ok(self.root.to_der()?)
    }

    /// Certifies the endorsement key of a TPM and puts the certificate into it.
    pub fn certify(&self, tpm: &SoftTpm, lifetime: Lifetime) -> Result<()> {
        tpm.store_certificates(vec![self.issue(&tpm.endorsement_spki()?, lifetime)?]);
        Ok(())
    }

    /// A certificate for an endorsement key, DER.
    pub fn issue(&self, spki_der: &[u8], lifetime: Lifetime) -> Result<Vec<u8>> {
        let spki = spki_of(spki_der)?;
        let usage = if spki.algorithm.oid == RSA_ENCRYPTION {
            KeyUsages::KeyEncipherment
        } else {
            KeyUsages::KeyAgreement
        };
        let authority = AuthorityKeyIdentifier {
            key_identifier: Some(key_identifier(&self.root.tbs_certificate.subject_public_key_info)?.0),
            authority_cert_issuer: None,
            authority_cert_serial_number: None,
        };
        let extensions = vec![
            extension(&BasicConstraints { ca: false, path_len_constraint: None }, Critical::Yes)?,
            extension(&KeyUsage(usage.into()), Critical::Yes)?,
            extension(&ExtendedKeyUsage(vec![EK_CERTIFICATE]), Critical::No)?,
            // The subject is empty, so this is what names the TPM.
            extension(&device_name()?, Critical::Yes)?,
            extension(&authority, Critical::No)?,
        ];
        let subject = RdnSequence::default();
        let tbs = tbs(2, &self.name, &subject, lifetime, spki, extensions)?;
        Ok(sign(&self.key, tbs)?.to_der()?)
    }
}

fn spki_of(der: &[u8]) -> Result<SubjectPublicKeyInfoOwned> {
    SubjectPublicKeyInfoOwned::from_der(der).context("a public key's DER")
}

fn key_identifier(spki: &SubjectPublicKeyInfoOwned) -> Result<SubjectKeyIdentifier> {
    let bits = spki.subject_public_key.raw_bytes();
    let hash = evidence::digest::Sha256Digest::of(&[bits]);
    Ok(SubjectKeyIdentifier(OctetString::new(hash.as_bytes().as_slice())?))
}

fn tbs(
    serial: u8,
    issuer: &Name,
    subject: &Name,
    lifetime: Lifetime,
    subject_public_key_info: SubjectPublicKeyInfoOwned,
    extensions: Vec<Extension>,
) -> Result<TbsCertificate> {
    let not_after = match lifetime {
        Lifetime::Endless => Time::INFINITY,
        Lifetime::Over => date(2021)?,
    };
    Ok(TbsCertificate {
        version: Version::V3,
        serial_number: SerialNumber::new(&[serial])?,
        signature: ECDSA_WITH_SHA256,
        issuer: issuer.clone(),
        validity: Validity { not_before: date(2020)?, not_after },
        subject: subject.clone(),
        subject_public_key_info,
        issuer_unique_id: None,
        subject_unique_id: None,
        extensions: Some(extensions),
    })
}

fn date(year: u16) -> Result<Time> {
    let start = DateTime::new(year, 1, 1, 0, 0, 0)?;
    Ok(Time::UtcTime(x509_cert::der::asn1::UtcTime::from_date_time(start)?))
}

fn sign(key: &SigningKey, tbs_certificate: TbsCertificate) -> Result<Certificate> {
    let signature: p256::ecdsa::DerSignature = key.sign(&tbs_certificate.to_der()?);
    Ok(Certificate {
        tbs_certificate,
        signature_algorithm: ECDSA_WITH_SHA256,
        signature: BitString::from_bytes(signature.as_bytes())?,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Critical {
    Yes,
    No,
}

fn extension<T: AsExtension + Encode>(value: &T, critical: Critical) -> Result<Extension> {
    let extn_value = OctetString::new(value.to_der()?)?;
    Ok(Extension { extn_id: T::OID, critical: critical == Critical::Yes, extn_value })
}

/// Maker, model and version, as the TCG numbers them.
//= TCG EK Credential Profile 2.5 §3.2.9: Subject Alternative Name
fn device_name() -> Result<SubjectAltName> {
    let parts =
        [("2.23.133.2.1", "id:4C594400"), ("2.23.133.2.2", "SoftTpm"), ("2.23.133.2.3", "id:20260001")];
    let mut names = RdnSequence::default();
    for (oid, value) in parts {
        let value = Any::from(Utf8StringRef::new(value)?);
        let attribute = AttributeTypeAndValue { oid: ObjectIdentifier::new(oid)?, value };
        names.0.push(RelativeDistinguishedName(SetOfVec::try_from(vec![attribute])?));
    }
    Ok(SubjectAltName(vec![GeneralName::DirectoryName(names)]))
}

const EK_CERTIFICATE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const ECDSA_WITH_SHA256: AlgorithmIdentifierOwned =
    AlgorithmIdentifierOwned { oid: ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2"), parameters: None };
