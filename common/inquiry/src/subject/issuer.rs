//! An authority: certificates that it issued, and itself.

use std::fmt;

use evidence::principal::{Principal, PrincipalKind};

use super::{SubjectError, hex_bytes};

/// An authority with what it issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSubject {
    written: String,
    by: Authority,
    closure: bool,
}

/// How an authority is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Authority {
    /// By its certificate or key, under any of these names: it must be known to some host.
    Known(Vec<Principal>),
    /// By its name, and the identifier of its key where it has one: as its certificate says, whether or not any host has that.
    Named {
        /// Its name.
        name: Principal,
        /// The identifier of its key.
        key: Option<Principal>,
    },
}

impl IssuerSubject {
    /// How it is named.
    pub const fn authority(&self) -> &Authority {
        &self.by
    }

    /// Whether what was issued by what it issued counts, and so on.
    pub const fn is_closure(&self) -> bool {
        self.closure
    }
}

impl std::str::FromStr for IssuerSubject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        const ERROR: SubjectError = SubjectError::Issuer;
        let (rest, closure) = text.strip_suffix(CLOSURE).map_or((text, false), |rest| (rest, true));
        let key_id = |text: &str| {
            let id = hex_bytes(text).filter(|id| id.len() >= KEY_ID_BYTES).ok_or(ERROR)?;
            Principal::new(PrincipalKind::SubjectKeyId, &id).map_err(|_| ERROR)
        };
        if let Some(named) = rest.strip_prefix("name:") {
            let (name, key) = named.split_once('+').map_or((named, None), |(name, key)| (name, Some(key)));
            let id = hex_bytes(name).ok_or(ERROR)?;
            let name = Principal::new(PrincipalKind::SubjectName, &id).map_err(|_| ERROR)?;
            let key = key.map(key_id).transpose()?;
            let behind = key.as_ref().map_or_else(String::new, |key| format!("+{}", hex::encode(key.id())));
            let written = format!("name:{}{behind}", hex::encode(&id));
            return Ok(Self { written, by: Authority::Named { name, key }, closure });
        }
        let id = hex_bytes(rest).ok_or(ERROR)?;
        let names = if id.len() == 32 {
            let kinds = [PrincipalKind::Certificate, PrincipalKind::Spki, PrincipalKind::Tbs];
            kinds.into_iter().filter_map(|kind| Principal::new(kind, &id).ok()).collect()
        } else {
            vec![key_id(rest)?]
        };
        Ok(Self { written: hex::encode(&id), by: Authority::Known(names), closure })
    }
}

impl fmt::Display for IssuerSubject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)?;
        f.write_str(if self.closure { CLOSURE } else { "" })
    }
}

/// Behind an authority: with what lies below it.
const CLOSURE: &str = "/closure";
/// Shorter ones are no names of anything.
const KEY_ID_BYTES: usize = 8;
