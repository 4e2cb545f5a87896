//! Certificates made to order: every field can be wrong, and the signature over it true.

use der::asn1::{BitString, ObjectIdentifier, OctetString, UtcTime};
use der::{Encode as _, flagset::FlagSet};
use evidence::tpm::{Key, Public, Template};
use p256::ecdsa::signature::hazmat::PrehashSigner as _;
use p256::elliptic_curve::sec1::ToEncodedPoint as _;
use x509_cert::certificate::{TbsCertificate, Version};
use x509_cert::crl::{CertificateList, RevokedCert, TbsCertList};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage, KeyUsages};
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use x509_cert::time::{Time, Validity};

pub(super) const EK: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.23.133.8.1");
pub(super) const SERVER: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");

/// The fields of a certificate on P-256. Keys are named by a number.
#[derive(Clone, Debug)]
pub(super) struct Forged {
    pub(super) subject: &'static str,
    pub(super) issuer: &'static str,
    pub(super) key: u8,
    pub(super) signer: u8,
    pub(super) valid: (u64, u64),
    pub(super) constraints: Option<BasicConstraints>,
    pub(super) usage: Option<FlagSet<KeyUsages>>,
    pub(super) extended: Option<Vec<ObjectIdentifier>>,
    pub(super) extra: Vec<Extension>,
    pub(super) algorithm: ObjectIdentifier,
    pub(super) outer_algorithm: Option<ObjectIdentifier>,
    pub(super) spoil_signature: bool,
}

impl Forged {
    pub(super) fn authority(subject: &'static str, key: u8, issuer: &'static str, signer: u8) -> Self {
        Self {
            subject,
            issuer,
            key,
            signer,
            valid: (1_000, 2_000),
            constraints: Some(BasicConstraints { ca: true, path_len_constraint: None }),
            usage: Some(KeyUsages::KeyCertSign | KeyUsages::CRLSign),
            extended: None,
            extra: Vec::new(),
            algorithm: ECDSA_SHA256,
            outer_algorithm: None,
            spoil_signature: false,
        }
    }

    pub(super) fn endorsement(key: u8, issuer: &'static str, signer: u8) -> Self {
        Self {
            constraints: Some(BasicConstraints { ca: false, path_len_constraint: None }),
            usage: Some(KeyUsages::KeyAgreement.into()),
            extended: Some(vec![EK]),
            ..Self::authority("", key, issuer, signer)
        }
    }

    /// The serial number: no two certificates of one issuer are for one key here.
    pub(super) const fn serial(&self) -> [u8; 2] {
        [self.key, self.signer]
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let algorithm = |oid| AlgorithmIdentifierOwned { oid, parameters: None };
        let tbs = TbsCertificate {
            version: Version::V3,
            serial_number: SerialNumber::new(&self.serial()).unwrap(),
            signature: algorithm(self.algorithm),
            issuer: name(self.issuer),
            validity: Validity { not_before: time(self.valid.0), not_after: time(self.valid.1) },
            subject: name(self.subject),
            subject_public_key_info: SubjectPublicKeyInfoOwned {
                algorithm: AlgorithmIdentifierOwned {
                    oid: EC_PUBLIC_KEY,
                    parameters: Some(der::Any::from(&P256)),
                },
                subject_public_key: BitString::from_bytes(&point(self.key)).unwrap(),
            },
            issuer_unique_id: None,
            subject_unique_id: None,
            extensions: Some(self.extensions()),
        };
        let signature = self.sign(&tbs.to_der().unwrap());
        let certificate = x509_cert::Certificate {
            tbs_certificate: tbs,
            signature_algorithm: algorithm(self.outer_algorithm.unwrap_or(self.algorithm)),
            signature: BitString::from_bytes(&signature).unwrap(),
        };
        certificate.to_der().unwrap()
    }

    fn sign(&self, tbs: &[u8]) -> Vec<u8> {
        let mut signature = sign(self.signer, tbs);
        if self.spoil_signature {
            *signature.last_mut().unwrap() ^= 1;
        }
        signature
    }

    fn extensions(&self) -> Vec<Extension> {
        let mut all = Vec::new();
        if let Some(value) = &self.constraints {
            all.push(extension("2.5.29.19", true, &value.to_der().unwrap()));
        }
        if let Some(value) = self.usage {
            all.push(extension("2.5.29.15", true, &KeyUsage(value).to_der().unwrap()));
        }
        if let Some(value) = &self.extended {
            all.push(extension("2.5.29.37", false, &ExtendedKeyUsage(value.clone()).to_der().unwrap()));
        }
        all.extend(self.extra.iter().cloned());
        all
    }
}

/// A list of revoked certificates, signed by a key that is named by a number.
#[derive(Clone, Debug)]
pub(super) struct ForgedList {
    pub(super) issuer: &'static str,
    pub(super) signer: u8,
    pub(super) this_update: u64,
    pub(super) next_update: Option<u64>,
    pub(super) revoked: Vec<RevokedCert>,
    pub(super) extensions: Vec<Extension>,
}

impl ForgedList {
    /// A list that is good from 1,200 to 1,800.
    pub(super) fn of(issuer: &'static str, signer: u8, serials: &[&[u8]]) -> Self {
        Self {
            issuer,
            signer,
            this_update: 1_200,
            next_update: Some(1_800),
            revoked: serials.iter().map(|serial| entry(serial, &[])).collect(),
            extensions: Vec::new(),
        }
    }

    pub(super) fn der(&self) -> Vec<u8> {
        let algorithm = AlgorithmIdentifierOwned { oid: ECDSA_SHA256, parameters: None };
        let some = |list: &[Extension]| (!list.is_empty()).then(|| list.to_vec());
        let tbs = TbsCertList {
            version: Version::V2,
            signature: algorithm.clone(),
            issuer: name(self.issuer),
            this_update: time(self.this_update),
            next_update: self.next_update.map(time),
            revoked_certificates: (!self.revoked.is_empty()).then(|| self.revoked.clone()),
            crl_extensions: some(&self.extensions),
        };
        let signature = sign(self.signer, &tbs.to_der().unwrap());
        let signature = BitString::from_bytes(&signature).unwrap();
        CertificateList { tbs_cert_list: tbs, signature_algorithm: algorithm, signature }.to_der().unwrap()
    }
}

/// An entry of a list, from 1,100.
pub(super) fn entry(serial: &[u8], extensions: &[Extension]) -> RevokedCert {
    RevokedCert {
        serial_number: SerialNumber::new(serial).unwrap(),
        revocation_date: time(1_100),
        crl_entry_extensions: (!extensions.is_empty()).then(|| extensions.to_vec()),
    }
}

fn time(secs: u64) -> Time {
    Time::UtcTime(UtcTime::from_unix_duration(std::time::Duration::from_secs(secs)).unwrap())
}

fn sign(signer: u8, message: &[u8]) -> Vec<u8> {
    let digest = evidence::digest::Sha256Digest::of(&[message]);
    let key = p256::ecdsa::SigningKey::from(&secret(signer));
    let signature: p256::ecdsa::Signature = key.sign_prehash(digest.as_bytes()).unwrap();
    signature.to_der().as_bytes().to_vec()
}

pub(super) fn extension(oid: &str, critical: bool, value: &[u8]) -> Extension {
    Extension {
        extn_id: ObjectIdentifier::new(oid).unwrap(),
        critical,
        extn_value: OctetString::new(value).unwrap(),
    }
}

fn name(common: &str) -> Name {
    if common.is_empty() { Name::default() } else { format!("CN={common}").parse().unwrap() }
}

fn secret(key: u8) -> p256::SecretKey {
    p256::SecretKey::from_slice(&[key; 32]).unwrap()
}

fn point(key: u8) -> Vec<u8> {
    secret(key).public_key().to_encoded_point(false).as_bytes().to_vec()
}

/// The endorsement key of a TPM that holds this key.
pub(super) fn endorsement_key(key: u8) -> Public {
    let point = point(key);
    let mut area = Template::EkEccP256.area();
    let Key::Ecc(ecc) = &mut area.key else { panic!("not ECC") };
    (ecc.x, ecc.y) = (point[1..33].to_vec(), point[33..].to_vec());
    Public::new(&area).unwrap()
}
