//! Credential blobs: what a verifier sends so that only one TPM with one key can answer.
//!
//! In: `TPM2B_ID_OBJECT` and `TPM2B_ENCRYPTED_SECRET`. Out: the HMAC, the encrypted credential and the encrypted seed,
//! and the file form that tpm2-tools read. Making and opening them is `appraisal`'s business.
//= TPM 2.0 Library Part 2 §12.4: TPMS_ID_OBJECT; §11.4.3: TPM2B_ENCRYPTED_SECRET

use crate::cursor::Cursor;
use crate::limits::{ECC_COORDINATE_BYTES, ENCRYPTED_SECRET_BYTES, ID_OBJECT_BYTES, TPM_DIGEST_BYTES};

use super::wire::{TpmError, Writer, sized, whole};

const FILE_MAGIC: u32 = 0xbadc_c0de;
const FILE_VERSION: u32 = 1;

/// A credential and the seed that protects it: the two inputs of `TPM2_ActivateCredential`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CredentialBlob {
    /// The protected credential.
    pub id_object: IdObject,
    /// The seed, for the endorsement key alone.
    pub secret: EncryptedSecret,
}

/// `TPMS_ID_OBJECT`: the credential, encrypted, with its HMAC in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdObject {
    /// HMAC over the encrypted credential and the name of the key that it is for.
    pub integrity_hmac: Vec<u8>,
    /// The sized credential, encrypted; as long as it goes, without a size of its own.
    pub encrypted_identity: Vec<u8>,
}

/// `TPM2B_ENCRYPTED_SECRET`: an RSA ciphertext, or an ephemeral point as `TPMS_ECC_POINT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedSecret(Vec<u8>);

impl IdObject {
    /// Reads a `TPM2B_ID_OBJECT`.
    pub fn parse_tpm2b(tpm2b: &[u8]) -> Result<Self, TpmError> {
        whole(tpm2b, "credential", ID_OBJECT_BYTES.saturating_add(2), Self::read)
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let start = cursor.offset().saturating_add(2);
        let mut inner = Cursor::at(sized(cursor, "credential", ID_OBJECT_BYTES)?, start);
        let integrity_hmac = sized(&mut inner, "integrity HMAC", TPM_DIGEST_BYTES)?.to_vec();
        Ok(Self { integrity_hmac, encrypted_identity: inner.rest().to_vec() })
    }

    /// The `TPM2B_ID_OBJECT`.
    pub fn to_tpm2b(&self) -> Result<Vec<u8>, TpmError> {
        let mut inner = Writer::default();
        inner.sized(&self.integrity_hmac, "integrity HMAC", TPM_DIGEST_BYTES)?;
        inner.bytes(&self.encrypted_identity);
        let mut out = Writer::default();
        out.sized(&inner.finish(), "credential", ID_OBJECT_BYTES)?;
        Ok(out.finish())
    }
}

impl EncryptedSecret {
    /// From an RSA ciphertext, or the bytes of a `TPMS_ECC_POINT`.
    pub fn new(bytes: &[u8]) -> Result<Self, TpmError> {
        let (limit, found) = (ENCRYPTED_SECRET_BYTES, bytes.len());
        if found > limit {
            return Err(TpmError::Limit { offset: 0, what: "encrypted secret", limit, found });
        }
        Ok(Self(bytes.to_vec()))
    }

    /// From an ephemeral point's coordinates.
    pub fn from_point(x: &[u8], y: &[u8]) -> Result<Self, TpmError> {
        let mut point = Writer::default();
        point.sized(x, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        point.sized(y, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        Ok(Self(point.finish()))
    }

    /// The ephemeral point's coordinates, where the secret is for a key on a curve.
    pub fn point(&self) -> Result<(&[u8], &[u8]), TpmError> {
        let mut cursor = Cursor::new(&self.0);
        let x = sized(&mut cursor, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        let y = sized(&mut cursor, "ECC coordinate", ECC_COORDINATE_BYTES)?;
        super::wire::end(&cursor)?;
        Ok((x, y))
    }

    /// Reads a `TPM2B_ENCRYPTED_SECRET`.
    pub fn parse_tpm2b(tpm2b: &[u8]) -> Result<Self, TpmError> {
        whole(tpm2b, "encrypted secret", ENCRYPTED_SECRET_BYTES.saturating_add(2), Self::read)
    }

    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        sized(cursor, "encrypted secret", ENCRYPTED_SECRET_BYTES).map(|bytes| Self(bytes.to_vec()))
    }

    /// The secret's bytes, without their size.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The `TPM2B_ENCRYPTED_SECRET`.
    pub fn to_tpm2b(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.sized(&self.0, "encrypted secret", ENCRYPTED_SECRET_BYTES)?;
        Ok(out.finish())
    }
}

impl CredentialBlob {
    /// Reads the file that `tpm2_makecredential` writes.
    pub fn parse_file(bytes: &[u8]) -> Result<Self, TpmError> {
        whole(bytes, "credential file", 12 + ID_OBJECT_BYTES + ENCRYPTED_SECRET_BYTES, |cursor| {
            for (what, expected) in
                [("credential file's magic", FILE_MAGIC), ("credential file's version", FILE_VERSION)]
            {
                let offset = cursor.offset();
                let found = cursor.u32_be()?;
                if found != expected {
                    return Err(TpmError::Value { offset, what, found: found.into() });
                }
            }
            Ok(Self { id_object: IdObject::read(cursor)?, secret: EncryptedSecret::read(cursor)? })
        })
    }

    /// The file that `tpm2_activatecredential` reads.
    pub fn to_file(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.u32(FILE_MAGIC).u32(FILE_VERSION);
        out.bytes(&self.id_object.to_tpm2b()?).bytes(&self.secret.to_tpm2b()?);
        Ok(out.finish())
    }
}
