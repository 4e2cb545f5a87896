//! Public areas and primary keys, between the TPM library's types and ours.
//!
//! In: templates of `evidence`. Out: keys in the TPM and their public areas as bytes. A public area that the library
//! would write differently than the TPM is noticed, because the TPM's name for it is over the TPM's bytes.

use evidence::tpm::{Key, Public, PublicArea, Template};
use tss_esapi::Context;
use tss_esapi::handles::{KeyHandle, PersistentTpmHandle, TpmHandle};
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::traits::{Marshall as _, UnMarshall as _};

use super::object::with_persistent;
use super::{code, leftovers};
use crate::quote::TpmError;

/// Makes the primary key of a template; the caller flushes it.
pub(super) fn create_primary(
    context: &mut Context,
    hierarchy: Hierarchy,
    template: Template,
) -> Result<KeyHandle, TpmError> {
    let area = tss_esapi::structures::Public::unmarshall(&template.area().encode()?)
        .map_err(code::of("Tss2_MU_TPMT_PUBLIC_Unmarshal"))?;
    let made = context
        .execute_with_session(Some(AuthSession::Password), |context| {
            context.create_primary(hierarchy, area, None, None, None, None)
        })
        .map_err(code::of("TPM2_CreatePrimary"))?;
    Ok(made.key_handle)
}

/// The public area of a loaded key.
pub(super) fn read_public(context: &mut Context, key: KeyHandle) -> Result<Public, TpmError> {
    let (public, name, _qualified) = context
        .execute_without_session(|context| context.read_public(key))
        .map_err(code::of("TPM2_ReadPublic"))?;
    let public = Public::parse(&public.marshall().map_err(code::of("Tss2_MU_TPMT_PUBLIC_Marshal"))?)?;
    if public.name().to_bytes() != name.value() {
        return Err(TpmError::Inconsistent {
            what: "a key's name is not over the public area that was read",
        });
    }
    Ok(public)
}

/// The persistent handles in use in a range.
pub(super) fn persistent_handles(
    context: &mut Context,
    first: u32,
    count: u32,
) -> Result<Vec<u32>, TpmError> {
    let handles = leftovers::handles(context, first, count)?.into_iter().filter_map(|handle| match handle {
        TpmHandle::Persistent(handle) => Some(u32::from(handle)),
        _ => None,
    });
    Ok(handles.filter(|handle| (first..first.saturating_add(count)).contains(handle)).collect())
}

/// Runs `body` with the key at a persistent handle and its public area.
pub(super) fn with_key_at<T>(
    context: &mut Context,
    handle: u32,
    body: impl FnOnce(&mut Context, KeyHandle, Public) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    let handle = PersistentTpmHandle::new(handle).map_err(code::of("persistent handle"))?;
    with_persistent(context, handle.into(), |context, object| {
        let public = read_public(context, object.into())?;
        body(context, object.into(), public)
    })
}

/// Whether a key was made from a template: all of its public area but the public value is the template's.
pub(super) fn is_made_from(public: &Public, template: Template) -> bool {
    blank(public.area().clone()) == blank(template.area())
}

fn blank(mut area: PublicArea) -> PublicArea {
    match &mut area.key {
        Key::Rsa(key) => key.modulus.clear(),
        Key::Ecc(key) => {
            key.x.clear();
            key.y.clear();
        }
        Key::Opaque { rest, .. } => rest.clear(),
    }
    area
}
