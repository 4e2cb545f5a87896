//! A public key's blob, and certificates.
//!
//! In: bytes as a line holds them in base64. Out: type and fingerprint; of a certificate the key that it is for, the key
//! that signed it, and what it is valid for. Times are seconds since 1970 as they stand there.

use super::SshError;
use crate::cursor::Cursor;
use crate::digest::Sha256Digest;
use crate::limits::SSH_BLOB_BYTES;

/// A public key or certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey<'a> {
    kind: &'a str,
    blob: &'a [u8],
    fields: &'a [u8],
}

impl<'a> PublicKey<'a> {
    /// Reads the type; the rest must be fields of the SSH wire format, but for certificates, which have numbers too.
    pub fn of(blob: &'a [u8]) -> Result<Self, SshError> {
        if blob.len() > SSH_BLOB_BYTES {
            return Err(SshError::Limit { offset: 0, found: blob.len() });
        }
        let mut cursor = Cursor::new(blob);
        let kind = string(&mut cursor)?;
        let kind =
            std::str::from_utf8(kind).ok().filter(|kind| kind.bytes().all(|byte| byte.is_ascii_graphic()));
        let kind = kind.filter(|kind| !kind.is_empty()).ok_or(SshError::Type { offset: 4 })?;
        let key = Self { kind, blob, fields: cursor.rest() };
        if !key.is_certificate() {
            while !cursor.is_empty() {
                string(&mut cursor)?;
            }
        }
        Ok(key)
    }

    /// Its type, such as `ssh-ed25519`.
    pub const fn kind(&self) -> &'a str {
        self.kind
    }

    /// The whole blob.
    pub const fn blob(&self) -> &'a [u8] {
        self.blob
    }

    /// SHA-256 of the blob; for a plain key this is what `ssh-keygen -l` shows in base64.
    pub fn sha256(&self) -> Sha256Digest {
        Sha256Digest::of(&[self.blob])
    }

    /// Whether it is a certificate.
    pub fn is_certificate(&self) -> bool {
        self.kind.contains(CERTIFICATE)
    }

    /// The certificate's contents; `None` where it is a plain key.
    pub fn certificate(&self) -> Option<Result<Certificate<'a>, SshError>> {
        let (before, after) = self.kind.split_once(CERTIFICATE)?;
        Some(Certificate::read(*self, [before, if before.starts_with("sk-") { after } else { "" }]))
    }
}

/// What a certificate makes of its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateRole {
    /// A user's.
    User,
    /// A host's.
    Host,
}

/// A certificate of OpenSSH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate<'a> {
    /// SHA-256 of the key that it is for, as a plain key: what `ssh-keygen -l` shows for the certificate.
    pub subject_sha256: Sha256Digest,
    /// The number that its signer gave it.
    pub serial: u64,
    /// Whom it is for.
    pub role: CertificateRole,
    /// A name that its signer gave it.
    pub key_id: &'a [u8],
    /// From when on, in seconds since 1970.
    pub valid_after: u64,
    /// Until when.
    pub valid_before: u64,
    /// The key that is said to have signed it.
    pub signature_key: PublicKey<'a>,
}

impl<'a> Certificate<'a> {
    //= OpenSSH PROTOCOL.certkeys: nonce, the key's own fields, serial, type, key id, principals, times, options,
    // extensions, reserved, signature key, signature
    fn read(key: PublicKey<'a>, plain: [&str; 2]) -> Result<Self, SshError> {
        let offset = key.blob.len().saturating_sub(key.fields.len());
        let mut cursor = Cursor::at(key.fields, offset);
        let _nonce = string(&mut cursor)?;
        let before = cursor.rest();
        for _ in 0..own_fields(plain[0]).ok_or(SshError::UnknownCertificate { offset })? {
            string(&mut cursor)?;
        }
        let own = before.get(..before.len().saturating_sub(cursor.left())).unwrap_or_default();
        let length = u32::try_from(plain[0].len().saturating_add(plain[1].len())).unwrap_or(u32::MAX);
        let subject_sha256 =
            Sha256Digest::of(&[&length.to_be_bytes(), plain[0].as_bytes(), plain[1].as_bytes(), own]);
        let serial = cursor.u64_be()?;
        let role_at = cursor.offset();
        let role = match cursor.u32_be()? {
            1 => CertificateRole::User,
            2 => CertificateRole::Host,
            found => return Err(SshError::Role { offset: role_at, found }),
        };
        let key_id = string(&mut cursor)?;
        let _principals = string(&mut cursor)?;
        let (valid_after, valid_before) = (cursor.u64_be()?, cursor.u64_be()?);
        for _options_extensions_reserved in 0..3 {
            string(&mut cursor)?;
        }
        let signature_key = PublicKey::of(string(&mut cursor)?)?;
        let _signature = string(&mut cursor)?;
        Ok(Self { subject_sha256, serial, role, key_id, valid_after, valid_before, signature_key })
    }
}

/// How many fields a kind's public key has.
fn own_fields(kind: &str) -> Option<usize> {
    Some(match kind {
        "ssh-ed25519" => 1,
        "ssh-rsa" | "sk-ssh-ed25519" => 2,
        "sk-ecdsa-sha2-nistp256" => 3,
        "ssh-dss" => 4,
        ecdsa if ecdsa.starts_with("ecdsa-sha2-") => 2,
        _ => return None,
    })
}

fn string<'a>(cursor: &mut Cursor<'a>) -> Result<&'a [u8], SshError> {
    let length = cursor.u32_be()?;
    Ok(cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?)
}

const CERTIFICATE: &str = "-cert-v01";

#[cfg(test)]
mod tests {
    use super::*;

    fn field(bytes: &[u8]) -> Vec<u8> {
        [&u32::try_from(bytes.len()).unwrap().to_be_bytes(), bytes].concat()
    }

    #[test]
    fn a_plain_key_is_fields_alone() {
        let blob = [field(b"ssh-ed25519"), field(&[7; 32])].concat();
        assert_eq!(PublicKey::of(&blob).unwrap().kind(), "ssh-ed25519");
        assert!(PublicKey::of(&blob).unwrap().certificate().is_none());
        assert!(matches!(PublicKey::of(&blob[..blob.len() - 1]), Err(SshError::Truncated(_))));
        assert_eq!(PublicKey::of(&field(b"a b")), Err(SshError::Type { offset: 4 }));
        assert!(matches!(PublicKey::of(&vec![0; SSH_BLOB_BYTES + 1]), Err(SshError::Limit { .. })));
    }

    #[test]
    fn a_certificate_names_its_key_and_its_signer() {
        let signer = [field(b"ssh-ed25519"), field(&[9; 32])].concat();
        let blob = |kind: &[u8], role: u32| {
            let head = [field(kind), field(b"nonce"), field(&[7; 32])].concat();
            let mid = [7_u64.to_be_bytes().to_vec(), role.to_be_bytes().to_vec(), field(b"id"), field(b"")];
            let times = [1_u64.to_be_bytes(), 2_u64.to_be_bytes()].concat();
            [head, mid.concat(), times, field(b""), field(b""), field(b""), field(&signer), field(b"sig")]
                .concat()
        };
        let bytes = blob(b"ssh-ed25519-cert-v01@openssh.com", 1);
        let certificate = PublicKey::of(&bytes).unwrap().certificate().unwrap().unwrap();
        assert_eq!(certificate.signature_key.blob(), signer);
        assert_eq!((certificate.serial, certificate.key_id), (7, &b"id"[..]));
        let plain = [field(b"ssh-ed25519"), field(&[7; 32])].concat();
        assert_eq!(certificate.subject_sha256, PublicKey::of(&plain).unwrap().sha256());
        let bytes = blob(b"ssh-ed25519-cert-v01@openssh.com", 3);
        let role = PublicKey::of(&bytes).unwrap().certificate().unwrap();
        assert!(matches!(role, Err(SshError::Role { found: 3, .. })));
        let bytes = blob(b"new-cert-v01@openssh.com", 1);
        let unknown = PublicKey::of(&bytes).unwrap().certificate().unwrap();
        assert!(matches!(unknown, Err(SshError::UnknownCertificate { .. })));
    }
}
