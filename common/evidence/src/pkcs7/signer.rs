//! One signer of a `SignedData`.
//!
//! In: a `SignerInfo`. Out: which certificate it names, what it signed, and what hangs on its signature without being
//! signed: further signatures and countersignatures. An attribute that cannot be read is absent.
//= RFC 5652 §5.3

use crate::asn1::{Asn1Error, Oid, Value, oid, tag, time, unsigned};
use crate::time::UnixTime;
use crate::x509::{AlgorithmId, Certificate, Name};

use super::{SignedData, TimestampInfo};

/// A `SignerInfo`, borrowed.
#[derive(Clone, Copy, Debug)]
pub struct SignerInfo<'a> {
    id: SignerId<'a>,
    digest_algorithm: AlgorithmId<'a>,
    signed: Option<Value<'a>>,
    signature_algorithm: AlgorithmId<'a>,
    signature: &'a [u8],
    unsigned: Option<Value<'a>>,
}

/// How a signer names its certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignerId<'a> {
    /// By who issued it, and the number that it was given.
    IssuerSerial {
        /// The issuer.
        issuer: Name<'a>,
        /// The serial number's octets.
        serial: &'a [u8],
    },
    /// By its subject key identifier.
    KeyId(&'a [u8]),
}

/// One attribute.
#[derive(Clone, Copy, Debug)]
pub struct Attribute<'a> {
    /// Its kind.
    pub oid: Oid<'a>,
    /// The set of its values.
    pub values: Value<'a>,
}

impl SignerId<'_> {
    /// Whether this certificate is the one that is named.
    pub fn names(&self, certificate: &Certificate<'_>) -> bool {
        match self {
            Self::IssuerSerial { issuer, serial } => {
                unsigned(serial) == unsigned(certificate.serial()) && *issuer == certificate.issuer()
            }
            Self::KeyId(id) => certificate.subject_key_id() == Some(*id),
        }
    }
}

impl<'a> SignerInfo<'a> {
    /// Reads a `SignerInfo` value.
    pub fn of(value: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut reader = value.expect(tag::SEQUENCE)?.reader();
        let _version = reader.expect(tag::INTEGER)?;
        let id = match reader.optional(tag::context(0))? {
            Some(key_id) => SignerId::KeyId(key_id.content()),
            None => issuer_and_serial(&reader.value()?)?,
        };
        let digest_algorithm = AlgorithmId::parse(&reader.value()?)?;
        let signed = reader.optional(tag::context_constructed(0))?;
        let signature_algorithm = AlgorithmId::parse(&reader.value()?)?;
        let signature = reader.expect(tag::OCTET_STRING)?.content();
        let unsigned = reader.optional(tag::context_constructed(1))?;
        Ok(Self { id, digest_algorithm, signed, signature_algorithm, signature, unsigned })
    }

    /// Which certificate it names.
    pub const fn id(&self) -> SignerId<'a> {
        self.id
    }

    /// The hash of the content, and of the signed attributes.
    pub const fn digest_algorithm(&self) -> AlgorithmId<'a> {
        self.digest_algorithm
    }

    /// The signature's algorithm, which often names the key's kind alone.
    pub const fn signature_algorithm(&self) -> AlgorithmId<'a> {
        self.signature_algorithm
    }

    /// The signature.
    pub const fn signature(&self) -> &'a [u8] {
        self.signature
    }

    /// What the signature is over where there are signed attributes: two parts, to be hashed one behind the other.
    //= RFC 5652 §5.4: an EXPLICIT SET OF tag is used, rather than the IMPLICIT [0] tag
    pub fn signed_attributes(&self) -> Option<[&'a [u8]; 2]> {
        let (_implicit_tag, rest) = self.signed?.raw().split_first()?;
        Some([&[tag::SET], rest])
    }

    /// The attributes beneath the signature.
    pub fn attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.signed)
    }

    /// The attributes beside the signature: anybody can add and remove them.
    pub fn unsigned_attributes(&self) -> impl Iterator<Item = Attribute<'a>> + use<'a> {
        attributes(self.unsigned)
    }

    fn attribute(&self, wanted: Oid<'_>) -> Option<Value<'a>> {
        let mut found = self.attributes().filter(|attribute| attribute.oid == wanted);
        let attribute = found.next()?;
        //= RFC 5652 §11: a signed attribute MUST NOT occur twice, and MUST have a single value
        if found.next().is_some() { None } else { attribute.values.only().ok() }
    }

    /// `messageDigest`: the content's digest.
    pub fn message_digest(&self) -> Option<&'a [u8]> {
        self.attribute(oid::MESSAGE_DIGEST)?.expect(tag::OCTET_STRING).ok().map(|value| value.content())
    }

    /// `contentType`: the kind of content.
    pub fn content_type(&self) -> Option<Oid<'a>> {
        self.attribute(oid::CONTENT_TYPE)?.oid().ok()
    }

    /// `signingTime`, by the signer's own word.
    pub fn signing_time(&self) -> Option<UnixTime> {
        time(&self.attribute(oid::SIGNING_TIME)?)
    }

    fn unsigned_values(&self, wanted: &'static [Oid<'static>]) -> impl Iterator<Item = Value<'a>> + use<'a> {
        self.unsigned_attributes()
            .filter(move |attribute| wanted.contains(&attribute.oid))
            .flat_map(|attribute| attribute.values.reader().map_while(Result::ok))
    }

    /// Further Authenticode signatures of the same file.
    pub fn nested_signatures(&self) -> impl Iterator<Item = Result<SignedData<'a>, Asn1Error>> + use<'a> {
        self.unsigned_values(&[oid::MS_NESTED_SIGNATURE]).map(|value| SignedData::of(&value))
    }

    /// Countersignatures of PKCS#9, which are over this signature's bytes.
    pub fn countersignatures(&self) -> impl Iterator<Item = Result<Self, Asn1Error>> + use<'a> {
        self.unsigned_values(&[oid::COUNTERSIGNATURE]).map(|value| Self::of(&value))
    }

    /// Time-stamp tokens of RFC 3161, which are over this signature's bytes.
    pub fn timestamp_tokens(&self) -> impl Iterator<Item = Result<SignedData<'a>, Asn1Error>> + use<'a> {
        self.unsigned_values(&[oid::MS_TIMESTAMP_TOKEN, oid::TIMESTAMP_TOKEN])
            .map(|value| SignedData::of(&value))
    }

    /// When a time-stamping authority says that the signature was there: of the first countersignature of either kind.
    /// Whether that one holds is not looked at.
    pub fn countersignature_time(&self) -> Option<UnixTime> {
        let mut tokens = self.timestamp_tokens().filter_map(Result::ok);
        let stamped = tokens.find_map(|token| TimestampInfo::of(&token).ok()?.time());
        let mut countersigned = self.countersignatures().filter_map(Result::ok);
        stamped.or_else(|| countersigned.find_map(|signer| signer.signing_time()))
    }
}

fn issuer_and_serial<'a>(value: &Value<'a>) -> Result<SignerId<'a>, Asn1Error> {
    let mut reader = value.expect(tag::SEQUENCE)?.reader();
    let issuer = Name::parse(&reader.value()?)?;
    let serial = reader.expect(tag::INTEGER)?.content();
    Ok(SignerId::IssuerSerial { issuer, serial })
}

fn attributes(set: Option<Value<'_>>) -> impl Iterator<Item = Attribute<'_>> {
    let values = set.into_iter().flat_map(|set| set.reader().map_while(Result::ok));
    values.filter_map(|value| {
        let mut reader = value.expect(tag::SEQUENCE).ok()?.reader();
        let oid = reader.value().ok()?.oid().ok()?;
        let values = reader.expect(tag::SET).ok()?;
        Some(Attribute { oid, values })
    })
}
