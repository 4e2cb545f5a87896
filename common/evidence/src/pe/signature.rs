//! The signatures that are attached to an image.
//!
//! In: the certificate table. Out: each certificate in it, the `SignedData` of those that have one, the signatures that
//! are nested in others, and the digest that each signs.
//= Windows Authenticode Portable Executable Signature Format: SpcIndirectDataContent; UEFI 2.10 §32.2.4

use crate::asn1::{Asn1Error, Oid, Value, oid, tag};
use crate::cursor::Cursor;
use crate::efi::{UpdateSigner, WinCertificate};
use crate::pkcs7::SignedData;
use crate::x509::AlgorithmId;

use super::{Image, PeError};

/// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`.
const PKCS_SIGNED_DATA: u16 = 0x0002;

/// One certificate of the table.
#[derive(Clone, Copy, Debug)]
pub struct Attached<'a> {
    certificate: WinCertificate<'a>,
}

impl<'a> Image<'a> {
    /// The certificates of the table, in their order; the iteration ends behind the first that cannot be.
    pub fn attached(&self) -> impl Iterator<Item = Result<Attached<'a>, PeError>> + use<'a> {
        let file = self.bytes();
        let table = self.certificate_table();
        let mut cursor = table.map(|table| {
            let (offset, size) = (table.offset, table.size);
            let bytes = offset.checked_add(size).and_then(|end| file.get(offset..end));
            let outside = PeError::CertificateTable { offset, size, file: file.len() };
            bytes.map(|bytes| Cursor::at(bytes, offset)).ok_or(outside)
        });
        std::iter::from_fn(move || {
            let mut rest = match cursor.take()? {
                Ok(rest) if rest.is_empty() => return None,
                Ok(rest) => rest,
                Err(error) => return Some(Err(error)),
            };
            let certificate = match WinCertificate::parse(&mut rest) {
                Ok(certificate) => certificate,
                Err(error) => return Some(Err(error.into())),
            };
            //= Windows Authenticode …: the next entry starts at dwLength rounded up to an 8-byte multiple
            let length = certificate.data.len();
            let padding = length.next_multiple_of(8).saturating_sub(length).min(rest.left());
            let _zeros = rest.take(padding);
            cursor = Some(Ok(rest));
            Some(Ok(Attached { certificate }))
        })
    }
}

impl<'a> Attached<'a> {
    /// The certificate with its kind.
    pub const fn certificate(&self) -> &WinCertificate<'a> {
        &self.certificate
    }

    /// Its signature; `None` where it is of another kind.
    pub fn signed_data(&self) -> Option<Result<SignedData<'a>, Asn1Error>> {
        let bytes = match (self.certificate.kind, UpdateSigner::of(self.certificate)) {
            (PKCS_SIGNED_DATA, _) => self.certificate.data,
            (_, UpdateSigner::Pkcs7(bytes)) => bytes,
            _ => return None,
        };
        Some(SignedData::parse_prefix(bytes).map(|(signed, _padding)| signed))
    }
}

/// What an Authenticode signature is over: a digest of the image.
#[derive(Clone, Copy, Debug)]
pub struct IndirectData<'a> {
    kind: Oid<'a>,
    algorithm: AlgorithmId<'a>,
    digest: &'a [u8],
}

impl<'a> IndirectData<'a> {
    /// Reads the content of a signature.
    pub fn of(signed: &SignedData<'a>) -> Result<Self, Asn1Error> {
        let content = signed.content().ok_or(Asn1Error::Content { offset: 0, what: "signed digest" })?;
        if signed.content_type() != oid::SPC_INDIRECT_DATA {
            return Err(Asn1Error::Content { offset: content.offset(), what: "signed digest of a file" });
        }
        Self::parse(&content)
    }

    fn parse(content: &Value<'a>) -> Result<Self, Asn1Error> {
        let mut fields = content.expect(tag::SEQUENCE)?.reader();
        let kind = fields.expect(tag::SEQUENCE)?.reader().expect(tag::OID)?.oid()?;
        let mut message = fields.expect(tag::SEQUENCE)?.reader();
        let algorithm = AlgorithmId::parse(&message.value()?)?;
        let digest = message.expect(tag::OCTET_STRING)?.content();
        Ok(Self { kind, algorithm, digest })
    }

    /// What kind of file it is about.
    pub const fn kind(&self) -> Oid<'a> {
        self.kind
    }

    /// The hash.
    pub const fn algorithm(&self) -> AlgorithmId<'a> {
        self.algorithm
    }

    /// The digest.
    pub const fn digest(&self) -> &'a [u8] {
        self.digest
    }

    /// Whether it is the image's digest; `None` where that cannot be computed.
    pub fn is_of(&self, image: &Image<'_>) -> Option<bool> {
        let computed = image.authenticode(self.algorithm.hash()?).ok()?;
        Some(computed.as_bytes() == self.digest)
    }
}
