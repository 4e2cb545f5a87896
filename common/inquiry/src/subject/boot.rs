//! Settings of a boot.

use std::fmt;
use std::str::FromStr;

use evidence::principal::{Principal, PrincipalKind};

use super::{SubjectError, hex_bytes};

/// How a host boots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BootSubject {
    /// Whether Secure Boot was on.
    SecureBoot(SecureBootState),
    /// Firmware's list of revocations lacked this image or certificate, and so would have let it in.
    DbxLacks {
        /// The entry's hash, in hexadecimal as it was given.
        hash: [u8; 32],
    },
    /// Shim's level let in a component of a generation below this one.
    SbatBelow {
        /// The component, such as `grub`.
        component: String,
        /// The first generation that is good.
        generation: u32,
    },
}

/// What a log says of Secure Boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SecureBootState {
    /// On.
    On,
    /// Off.
    Off,
    /// The log proves neither.
    Unknown,
}

impl SecureBootState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::On, Self::Off, Self::Unknown];

    /// The word for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::Unknown => "unknown",
        }
    }
}

impl BootSubject {
    /// Names under which a list of revocations would have an entry of this hash.
    pub fn revoked_names(hash: &[u8; 32]) -> Vec<Principal> {
        let kinds = [PrincipalKind::Image, PrincipalKind::Certificate, PrincipalKind::Tbs];
        kinds.into_iter().filter_map(|kind| Principal::new(kind, hash).ok()).collect()
    }
}

impl FromStr for BootSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        let error = SubjectError::Boot;
        if let Some(state) = text.strip_prefix("secure-boot=") {
            let state = SecureBootState::ALL.into_iter().find(|known| known.name() == state);
            return state.map(Self::SecureBoot).ok_or(error);
        }
        if let Some(hash) = text.strip_prefix("dbx-lacks=") {
            let hash = hex_bytes(hash).and_then(|bytes| bytes.try_into().ok()).ok_or(error)?;
            return Ok(Self::DbxLacks { hash });
        }
        let (component, generation) =
            text.strip_prefix("sbat<").and_then(|rest| rest.split_once(',')).ok_or(error)?;
        let generation = generation.parse().map_err(|_| error)?;
        let is_name = !component.is_empty() && component.chars().all(|c| c.is_ascii_graphic());
        if !is_name {
            return Err(error);
        }
        Ok(Self::SbatBelow { component: component.to_owned(), generation })
    }
}

impl fmt::Display for BootSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SecureBoot(state) => write!(f, "secure-boot={}", state.name()),
            Self::DbxLacks { hash } => write!(f, "dbx-lacks={}", hex::encode(hash)),
            Self::SbatBelow { component, generation } => write!(f, "sbat<{component},{generation}"),
        }
    }
}
