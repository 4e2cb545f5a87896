//! The attestation key: made once, persisted, found again.
//!
//! It is a primary key of the endorsement hierarchy, so it follows from the TPM's seed and the template alone: a lost
//! record or an evicted handle costs nothing. In any other hierarchy the TPM would add a secret number to the reset
//! counters that it quotes, and a boot that nobody saw could not be told from the number alone. Clearing the TPM keeps
//! the key and sets its counters to zero, which the verifier sees. In: a context and where the record lies. Out: the key, at a persistent handle, so that a killed process never leaves it in a transient slot.
//! The record is written before the key is persisted; a crash between leaves a record of an empty handle, which the
//! next call fills.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use evidence::tpm::{KeyName, Public, Template};
use tss_esapi::Context;
use tss_esapi::handles::{KeyHandle, PersistentTpmHandle};
use tss_esapi::interface_types::dynamic_handles::Persistent;
use tss_esapi::interface_types::resource_handles::{Hierarchy, Provision};
use tss_esapi::interface_types::session_handles::AuthSession;

use super::key::{create_primary, persistent_handles, read_public, with_key_at};
use super::object::with_transient;
use super::{code, ek};
use crate::durable;
use crate::quote::TpmError;

/// Where the attestation key goes and where that is written down.
#[derive(Clone, Debug)]
pub struct AkPlace {
    /// First persistent handle to try.
    pub handle_base: u32,
    /// File with the handle and the key's name.
    pub record: PathBuf,
}

/// Whether a missing key may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Make {
    /// A new one will do: the host is being enrolled.
    New,
    /// Only the one that was recorded: the verifier knows that one.
    OnlyTheSame,
}

/// Runs `body` with the attestation key and its public area.
pub(super) fn with_ak<T>(
    context: &mut Context,
    place: &AkPlace,
    make: Make,
    body: impl FnOnce(&mut Context, KeyHandle, Public) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let handle = locate(context, place, make)?;
    with_key_at(context, handle, body)
}

/// The persistent handle of the key, which is made and persisted if need be.
fn locate(context: &mut Context, place: &AkPlace, make: Make) -> Result<u32, TpmError> {
    let record = Record::read(&place.record)?;
    if let Some(record) = &record
        && record.is_in_place(context)?
    {
        return Ok(record.handle);
    }
    let template = if ek::has_p256(context)? { Template::AkEccP256 } else { Template::AkRsa2048 };
    //= TPM 2.0 Library Part 1 §36.7: counters are obfuscated unless the signer is in the endorsement or platform hierarchy
    let key = create_primary(context, Hierarchy::Endorsement, template)?;
    with_transient(context, key, |context, key| {
        let name = read_public(context, key)?.name();
        let known = record.as_ref().is_some_and(|record| record.name == name);
        if make == Make::OnlyTheSame && !known {
            return Err(TpmError::KeyGone);
        }
        persist(context, place, key, name)
    })
}

fn persist(context: &mut Context, place: &AkPlace, key: KeyHandle, name: KeyName) -> Result<u32, TpmError> {
    let used = persistent_handles(context, place.handle_base, HANDLES)?;
    for handle in &used {
        let record = Record { handle: *handle, name };
        if record.is_in_place(context)? {
            record.write(&place.record)?;
            return Ok(*handle);
        }
    }
    let mut range = place.handle_base..place.handle_base.saturating_add(HANDLES);
    let handle = range
        .find(|handle| !used.contains(handle))
        .ok_or(TpmError::Unsuitable { what: "a free persistent handle for the attestation key" })?;
    Record { handle, name }.write(&place.record)?;
    let persistent = PersistentTpmHandle::new(handle).map_err(code::of("persistent handle"))?;
    let mut object = context
        .execute_with_session(Some(AuthSession::Password), |context| {
            context.evict_control(Provision::Owner, key.into(), Persistent::Persistent(persistent))
        })
        .map_err(code::of("TPM2_EvictControl"))?;
    context.tr_close(&mut object).map_err(code::of("Esys_TR_Close"))?;
    Ok(handle)
}

/// Where the key is, as it is written down: `81018000 000b…`, handle and name in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Record {
    handle: u32,
    name: KeyName,
}

impl Record {
    fn read(path: &Path) -> Result<Option<Self>, TpmError> {
        match fs::read_to_string(path) {
            Ok(text) => match Self::parse(&text) {
                Some(record) => Ok(Some(record)),
                None => Err(record_error(path, &"it is damaged; remove it and enrol again")),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(record_error(path, &error)),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let (handle, name) = text.trim_end().split_once(' ')?;
        let name = KeyName::parse(&hex::decode(name).ok()?).ok()?;
        Some(Self { handle: u32::from_str_radix(handle, 16).ok()?, name })
    }

    fn write(&self, path: &Path) -> Result<(), TpmError> {
        let text = format!("{:08x} {}\n", self.handle, self.name);
        durable::write(path, text.as_bytes()).map_err(|error| record_error(path, &error))
    }

    /// Whether the key of this name is at this handle.
    fn is_in_place(&self, context: &mut Context) -> Result<bool, TpmError> {
        match with_key_at(context, self.handle, |_, _, public| Ok(public.name())) {
            Ok(name) => Ok(name == self.name),
            Err(error) if code::is_absent(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn record_error(path: &Path, reason: &dyn std::fmt::Display) -> TpmError {
    TpmError::Record { reason: format!("{}: {reason}", path.display()) }
}

/// Handles that are tried, from the base on.
const HANDLES: u32 = 0x100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_round_trip_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ak");
        assert_eq!(Record::read(&path), Ok(None));
        let name = KeyName::parse(&[&[0, 0x0b][..], &[7; 32]].concat()).unwrap();
        let record = Record { handle: 0x8101_8000, name };
        record.write(&path).unwrap();
        assert_eq!(Record::read(&path), Ok(Some(record)));
        fs::write(&path, "81018000").unwrap();
        assert!(matches!(Record::read(&path), Err(TpmError::Record { .. })));
    }
}
