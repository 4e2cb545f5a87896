//! Updates of authenticated variables.
//!
//! In: an update as `SetVariable` takes it: dbx updates of the UEFI Forum, `.auth` files. Out: when it was made, the
//! signature, and the lists that it carries. Whether the signature holds depends on the variable's name, which stands
//! outside of the file; `signed_parts` gives what is signed for a given one.
//= UEFI 2.10 §8.2.2: EFI_VARIABLE_AUTHENTICATION_2, EFI_VARIABLE_AUTHENTICATION; §32.2.4: WIN_CERTIFICATE

use crate::asn1::Asn1Error;
use crate::cursor::Cursor;
use crate::pkcs7::SignedData;

use super::{EfiError, EfiTime, Guid, SignatureLists};

/// `WIN_CERT_TYPE_EFI_GUID`.
const EFI_GUID_CERTIFICATE: u16 = 0x0ef1;
const REVISION: u16 = 0x0200;
/// Length, revision, type.
const HEADER: usize = 8;

const PKCS7: Guid = Guid::of(0x4aaf_d29d, 0x68df, 0x49ee, [0x8a, 0xa9, 0x34, 0x7d, 0x37, 0x56, 0x65, 0xa7]);
const RSA2048_SHA256: Guid =
    Guid::of(0xa771_7414, 0xc616, 0x4977, [0x94, 0x20, 0x84, 0x47, 0x12, 0xa7, 0x35, 0xbf]);

/// A `WIN_CERTIFICATE`: a signature with its kind.
#[derive(Clone, Copy, Debug)]
pub struct WinCertificate<'a> {
    /// Where it starts, from the start of the whole input.
    pub offset: usize,
    /// `wRevision`.
    pub revision: u16,
    /// `wCertificateType`.
    pub kind: u16,
    /// What follows its header, up to its length.
    pub data: &'a [u8],
}

impl<'a> WinCertificate<'a> {
    /// Reads one, whose length counts its header.
    pub fn parse(cursor: &mut Cursor<'a>) -> Result<Self, EfiError> {
        let (offset, left) = (cursor.offset(), cursor.left());
        let mut fields = cursor.clone();
        let size = fields.u32_le()?;
        let (revision, kind) = (fields.u16_le()?, fields.u16_le()?);
        let whole = usize::try_from(size).unwrap_or(usize::MAX);
        if whole < HEADER || whole > left {
            return Err(EfiError::CertificateSize { offset, size, left });
        }
        let data = cursor.take(whole)?.get(HEADER..).unwrap_or_default();
        Ok(Self { offset, revision, kind, data })
    }
}

/// An update with its signature.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatedUpdate<'a> {
    time: Option<EfiTime>,
    header: &'a [u8],
    signer: UpdateSigner<'a>,
    payload: &'a [u8],
    payload_offset: usize,
}

/// What signs an update.
#[derive(Clone, Copy, Debug)]
pub enum UpdateSigner<'a> {
    /// A `SignedData` without content, bare or in its `ContentInfo`.
    Pkcs7(&'a [u8]),
    /// The old form: an RSA-2048 key and a signature by it over a SHA-256.
    Rsa2048 {
        /// The modulus, least significant byte first.
        modulus: &'a [u8],
        /// The signature.
        signature: &'a [u8],
    },
    /// Something else.
    Opaque(WinCertificate<'a>),
}

impl<'a> AuthenticatedUpdate<'a> {
    /// Reads an update; `None` where the bytes start with no header of one.
    pub fn detect(bytes: &'a [u8]) -> Option<Result<Self, EfiError>> {
        if starts_with_certificate(bytes, EfiTime::SIZE) && looks_like_time(bytes) {
            return Some(Self::parse(bytes));
        }
        starts_with_certificate(bytes, 8).then(|| Self::parse_counted(bytes))
    }

    /// Reads an `EFI_VARIABLE_AUTHENTICATION_2` and what follows it.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EfiError> {
        let mut cursor = Cursor::new(bytes);
        let time = EfiTime::parse(&mut cursor)?;
        Self::behind(bytes.get(..EfiTime::SIZE).unwrap_or_default(), Some(time), cursor)
    }

    /// Reads an `EFI_VARIABLE_AUTHENTICATION` and what follows it: a counter instead of a time.
    pub fn parse_counted(bytes: &'a [u8]) -> Result<Self, EfiError> {
        let mut cursor = Cursor::new(bytes);
        let counter = cursor.take(8)?;
        Self::behind(counter, None, cursor)
    }

    fn behind(header: &'a [u8], time: Option<EfiTime>, mut cursor: Cursor<'a>) -> Result<Self, EfiError> {
        let certificate = WinCertificate::parse(&mut cursor)?;
        let signer = UpdateSigner::of(certificate);
        Ok(Self { time, header, signer, payload: cursor.rest(), payload_offset: cursor.offset() })
    }

    /// When it was made, by its own word; `None` for the old form, which counts.
    pub const fn time(&self) -> Option<EfiTime> {
        self.time
    }

    /// What signs it.
    pub const fn signer(&self) -> UpdateSigner<'a> {
        self.signer
    }

    /// The signature, where it is a `SignedData`.
    pub fn signed_data(&self) -> Option<Result<SignedData<'a>, Asn1Error>> {
        match self.signer {
            // Some vendors pad.
            UpdateSigner::Pkcs7(bytes) => Some(SignedData::parse_prefix(bytes).map(|(signed, _)| signed)),
            _ => None,
        }
    }

    /// What becomes the variable's contents, or is added to them.
    pub const fn payload(&self) -> &'a [u8] {
        self.payload
    }

    /// Where the payload starts.
    pub const fn payload_offset(&self) -> usize {
        self.payload_offset
    }

    /// The lists that it carries.
    pub const fn lists(&self) -> SignatureLists<'a> {
        SignatureLists::at(self.payload, self.payload_offset)
    }

    /// What is signed where this is an update of the variable of this name, vendor and attributes: name in UTF-16, then
    /// the rest.
    //= UEFI 2.10 §8.2.2: hash( VariableName, VendorGuid, Attributes, TimeStamp, DataNew_variable_content )
    pub fn signed_parts(&self, name: &str, vendor: Guid, attributes: u32) -> (Vec<u8>, [&'a [u8]; 2]) {
        let name = name.encode_utf16().flat_map(u16::to_le_bytes);
        let front = name.chain(vendor.0).chain(attributes.to_le_bytes()).collect();
        (front, [self.header, self.payload])
    }
}

impl<'a> UpdateSigner<'a> {
    pub(crate) fn of(certificate: WinCertificate<'a>) -> Self {
        Self::read(certificate).unwrap_or(Self::Opaque(certificate))
    }

    //= UEFI 2.10 §32.2.4: WIN_CERTIFICATE_UEFI_GUID, EFI_CERT_BLOCK_RSA_2048_SHA256
    fn read(certificate: WinCertificate<'a>) -> Option<Self> {
        if certificate.kind != EFI_GUID_CERTIFICATE {
            return None;
        }
        let mut cursor = Cursor::new(certificate.data);
        match Guid(cursor.array().ok()?) {
            PKCS7 => Some(Self::Pkcs7(cursor.rest())),
            RSA2048_SHA256 => {
                let _hash_type = cursor.take(16).ok()?;
                Some(Self::Rsa2048 { modulus: cursor.take(256).ok()?, signature: cursor.take(256).ok()? })
            }
            _ => None,
        }
    }
}

fn starts_with_certificate(bytes: &[u8], at: usize) -> bool {
    let certificate = bytes.get(at..).map(Cursor::new);
    certificate.is_some_and(|mut cursor| {
        let length = cursor.u32_le().is_ok_and(|length| length >= 24);
        length && cursor.u16_le() == Ok(REVISION) && matches!(cursor.u16_le(), Ok(0x0ef0..=0x0ef2 | 2))
    })
}

fn looks_like_time(bytes: &[u8]) -> bool {
    EfiTime::parse(&mut Cursor::new(bytes)).is_ok_and(|time| time.is_zero() || time.unix().is_some())
}
