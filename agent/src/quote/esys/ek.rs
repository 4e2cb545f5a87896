//! The endorsement key: which template this TPM's certificate is for, and how the key is used.
//!
//! In: a context. Out: the key's public area and certificates, and an opened credential. Of several certified keys
//! the first in [`PREFERENCE`] is taken, always the same, because a host's identity hangs on it. Whether a
//! certificate is anybody's is for the verifier to say.

use evidence::tpm::{CredentialBlob, ObjectAttributes, Public, Template};
use tss_esapi::Context;
use tss_esapi::constants::CapabilityType;
use tss_esapi::handles::{AuthHandle, KeyHandle};
use tss_esapi::interface_types::algorithm::HashingAlgorithm;
use tss_esapi::interface_types::resource_handles::Hierarchy;
use tss_esapi::interface_types::session_handles::AuthSession;
use tss_esapi::structures::{CapabilityData, EncryptedSecret, IdObject};
use zeroize::Zeroizing;

use super::key::{create_primary, is_made_from, persistent_handles, read_public, with_key_at};
use super::object::{with_policy_session, with_transient};
use super::{code, nv};
use crate::quote::{EndorsementKey, TpmError};

/// The endorsement key with its certificates.
pub(super) fn endorsement(context: &mut Context) -> Result<EndorsementKey, TpmError> {
    let (template, certificates) = choose(context)?;
    let public = with_ek(context, template, |_, _, public| Ok(public))?;
    Ok(EndorsementKey { public, certificates })
}

/// Opens a credential with the endorsement key for the key at `ak`.
pub(super) fn activate(
    context: &mut Context,
    ak: KeyHandle,
    blob: &CredentialBlob,
) -> Result<Zeroizing<Vec<u8>>, TpmError> {
    // `TPM2B_ID_OBJECT`'s contents follow its two bytes of size.
    let tpm2b = blob.id_object.to_tpm2b()?;
    let id_object = IdObject::try_from(tpm2b.get(2..).unwrap_or_default().to_vec());
    let id_object = id_object.map_err(code::of("TPM2B_ID_OBJECT"))?;
    let secret = EncryptedSecret::try_from(blob.secret.as_bytes().to_vec());
    let secret = secret.map_err(code::of("TPM2B_ENCRYPTED_SECRET"))?;
    let (template, _certificates) = choose(context)?;
    with_ek(context, template, |context, ek, public| {
        authorised(context, &public, |context, session| {
            let sessions = (Some(AuthSession::Password), Some(session), None);
            let opened = context.execute_with_sessions(sessions, |context| {
                context.activate_credential(ak, ek, id_object, secret)
            });
            let opened = opened.map_err(code::of("TPM2_ActivateCredential"))?;
            Ok(Zeroizing::new(opened.to_vec()))
        })
    })
}

/// Runs `body` with a session that may use the endorsement key.
fn authorised<T>(
    context: &mut Context,
    ek: &Public,
    body: impl FnOnce(&mut Context, AuthSession) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    //= TCG EK Credential Profile 2.5 §B.4: high range templates have userWithAuth SET and an empty authValue
    if ek.attributes().contains(ObjectAttributes::USER_WITH_AUTH) {
        return body(context, AuthSession::Password);
    }
    //= TCG EK Credential Profile 2.5 §B.6.2: PolicyA is TPM2_PolicySecret(TPM_RH_ENDORSEMENT)
    with_policy_session(context, HashingAlgorithm::Sha256, |context, policy| {
        context
            .execute_with_session(Some(AuthSession::Password), |context| {
                let (nonce, hash, reference) = Default::default();
                context.policy_secret(policy, AuthHandle::Endorsement, nonce, hash, reference, None)
            })
            .map_err(code::of("TPM2_PolicySecret"))?;
        body(context, policy.into())
    })
}

/// The template whose key is this TPM's endorsement key, with the certificates for it.
fn choose(context: &mut Context) -> Result<(Template, Vec<Vec<u8>>), TpmError> {
    for template in PREFERENCE {
        let Some(index) = template.certificate_nv_index() else { continue };
        let Some(index) = nv::defined(context, index, index)?.pop() else { continue };
        // A defined index may have been left empty by the vendor.
        let Ok(certificate) = nv::certificate(context, index) else { continue };
        let mut certificates = vec![certificate];
        certificates.append(&mut nv::chain(context, wire::limits::EK_CERTIFICATES - 1).unwrap_or_default());
        return Ok((template, certificates));
    }
    let fallback = if has_p256(context)? { Template::EkEccP256 } else { Template::EkRsa2048 };
    Ok((fallback, Vec::new()))
}

/// Whether the TPM computes on NIST P-256.
pub(super) fn has_p256(context: &mut Context) -> Result<bool, TpmError> {
    use tss_esapi::constants::EccCurveIdentifier;

    let (curves, _more) = context
        .execute_without_session(|context| context.get_capability(CapabilityType::EccCurves, 0, CURVES))
        .map_err(code::of("TPM2_GetCapability"))?;
    match curves {
        CapabilityData::EccCurves(curves) => Ok(curves.into_inner().contains(&EccCurveIdentifier::NistP256)),
        _ => Err(TpmError::Inconsistent { what: "another capability than the one asked for" }),
    }
}

/// Runs `body` with the endorsement key: the one that somebody has made persistent, or one made for this call.
fn with_ek<T>(
    context: &mut Context,
    template: Template,
    body: impl FnOnce(&mut Context, KeyHandle, Public) -> Result<T, TpmError>,
) -> Result<T, TpmError> {
    for handle in persistent_handles(context, PERSISTENT_FIRST, PERSISTENT_COUNT)? {
        let made = with_key_at(context, handle, |_, _, public| Ok(is_made_from(&public, template)));
        if made.unwrap_or(false) {
            return with_key_at(context, handle, body);
        }
    }
    let key = create_primary(context, Hierarchy::Endorsement, template)?;
    with_transient(context, key, |context, key| {
        let public = read_public(context, key)?;
        body(context, key, public)
    })
}

/// Elliptic curves first: making the key takes a TPM milliseconds, for RSA it can be many seconds.
const PREFERENCE: [Template; 3] = [Template::EkEccP256, Template::EkEccP384, Template::EkRsa2048];
/// Where endorsement keys are persisted.
//= TCG TPM v2.0 Provisioning Guidance 1.0 §7.8: 0x81010000 to 0x8101FFFF
const PERSISTENT_FIRST: u32 = 0x8101_0000;
const PERSISTENT_COUNT: u32 = 0x100;
const CURVES: u32 = 64;
