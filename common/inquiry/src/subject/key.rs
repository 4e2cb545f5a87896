//! Certificates, keys and boot images, by the names that people have of them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use evidence::principal::{Principal, PrincipalKind};

use super::{SubjectError, hex_bytes};

/// A certificate, key or boot image. What was written may be a name of several kinds: any of them counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySubject {
    kind: Kind,
    written: String,
    names: Vec<Principal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Key,
    Image,
}

impl KeySubject {
    /// Behind `cert:`.
    pub(super) fn certificate(text: &str) -> Result<Self, SubjectError> {
        Self::of("cert", text, &[PrincipalKind::Certificate, PrincipalKind::Tbs], SubjectError::Certificate)
    }

    /// Behind `image:`.
    pub(super) fn image(text: &str) -> Result<Self, SubjectError> {
        let image = Self::of("image", text, &[PrincipalKind::Image], SubjectError::Image)?;
        Ok(Self { kind: Kind::Image, ..image })
    }

    /// Behind `key:`, with or without the kind of name.
    pub(super) fn key(text: &str) -> Result<Self, SubjectError> {
        if let Some(digest) = text.strip_prefix("SHA256:") {
            let id = STANDARD_NO_PAD.decode(digest.trim_end_matches('=')).map_err(|_| SubjectError::Key)?;
            let name = Principal::new(PrincipalKind::Ssh, &id).map_err(|_| SubjectError::Key)?;
            return Ok(Self { kind: Kind::Key, written: format!("key:{text}"), names: vec![name] });
        }
        let named = PrincipalKind::ALL.into_iter().find_map(|kind| {
            let rest = text.strip_prefix(kind.name())?.strip_prefix(':')?;
            Some((kind, rest))
        });
        // These are no names of a key: `issuer:` asks about them.
        let named = named.filter(|(kind, _)| kind.is_of_one());
        if let Some((kind, rest)) = named {
            let mut subject = Self::of("key", rest, &[kind], SubjectError::Key)?;
            subject.written = format!("key:{}", text.to_ascii_lowercase());
            return Ok(subject);
        }
        Self::of("key", text, &KINDS, SubjectError::Key)
    }

    fn of(
        word: &str,
        text: &str,
        kinds: &[PrincipalKind],
        error: SubjectError,
    ) -> Result<Self, SubjectError> {
        let id = hex_bytes(text).ok_or(error)?;
        let of_kind = |kind: &PrincipalKind| Principal::new(*kind, &id).ok();
        let mut names: Vec<Principal> = kinds
            .iter()
            // A key identifier may have any length: it is only meant where it has the usual one.
            .filter(|kind| **kind != PrincipalKind::SubjectKeyId || id.len() == 20 || kinds.len() == 1)
            .filter_map(of_kind)
            .collect();
        //= RFC 9580 §5.5.4: the key id of version 4 is the end of the fingerprint, of version 6 its beginning
        let key_id = match id.len() {
            20 => id.last_chunk::<8>(),
            32 => id.first_chunk::<8>(),
            _ => None,
        };
        if let Some(key_id) = key_id.filter(|_| kinds.contains(&PrincipalKind::OpenPgp)) {
            names.extend(Principal::new(PrincipalKind::OpenPgpKeyId, key_id));
        }
        if names.is_empty() {
            return Err(error);
        }
        Ok(Self { kind: Kind::Key, written: format!("{word}:{}", hex::encode(&id)), names })
    }

    /// Whether it is a boot image rather than a key.
    pub const fn is_image(&self) -> bool {
        matches!(self.kind, Kind::Image)
    }

    /// Names under which it may be known.
    pub fn names(&self) -> &[Principal] {
        &self.names
    }
}

impl fmt::Display for KeySubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// What a key may be named by where its kind is not said.
const KINDS: [PrincipalKind; 6] = [
    PrincipalKind::Spki,
    PrincipalKind::OpenPgp,
    PrincipalKind::OpenPgpKeyId,
    PrincipalKind::ImaKeyId,
    PrincipalKind::SubjectKeyId,
    PrincipalKind::SnapKey,
];
