//! The TPM's two key derivations.
//!
//! In: a secret, a label and contexts. Out: as many bytes as were asked for. Both are made of the endorsement key's
//! own hash; a hash that cannot be computed is an error, never a weaker one.

use evidence::digest::HashAlg;
use hmac::digest::KeyInit;
use hmac::{Hmac, Mac};
use zeroize::Zeroizing;

use super::CredentialError;

/// HMAC with any of the hashes, over the concatenation of `parts`.
pub(super) fn hmac(
    hash: HashAlg,
    key: &[u8],
    parts: &[&[u8]],
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let run = match hash {
        HashAlg::Sha256 => run::<Hmac<sha2::Sha256>>,
        HashAlg::Sha384 => run::<Hmac<sha2::Sha384>>,
        HashAlg::Sha512 => run::<Hmac<sha2::Sha512>>,
        _ => return Err(CredentialError::Hash(hash)),
    };
    run(key, parts).ok_or(CredentialError::Hash(hash))
}

/// `None` where the construction refuses the key's length, which HMAC never does.
fn run<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Option<Zeroizing<Vec<u8>>> {
    let mut mac = <M as Mac>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(Zeroizing::new(mac.finalize().into_bytes().to_vec()))
}

/// `KDFa` with one context.
//= TPM 2.0 Library Part 1 §11.4.10.2: K(i) ≔ HMAC(K, [i] || Label || 00 || Context || [L])
pub(super) fn kdfa(
    hash: HashAlg,
    key: &[u8],
    label: &str,
    context: &[u8],
    bits: u16,
) -> Result<Zeroizing<Vec<u8>>, CredentialError> {
    let wanted = usize::from(bits.div_ceil(8));
    let mut out = Zeroizing::new(Vec::with_capacity(wanted));
    let mut counter = 0_u32;
    while out.len() < wanted {
        counter = counter.saturating_add(1);
        let block = hmac(
            hash,
            key,
            &[&counter.to_be_bytes(), label.as_bytes(), &[0], context, &u32::from(bits).to_be_bytes()],
        )?;
        let missing = wanted.saturating_sub(out.len());
        out.extend(block.iter().take(missing));
    }
    Ok(out)
}

/// `KDFe` for as many bits as the hash has, so that one round is enough.
//= TPM 2.0 Library Part 1 §11.4.10.3: digest(i) ≔ H(counter || Z || Use || PartyUInfo || PartyVInfo)
pub(super) fn kdfe(
    hash: HashAlg,
    product: &[u8],
    label: &str,
    party_u: &[u8],
    party_v: &[u8],
) -> Zeroizing<Vec<u8>> {
    let counter = 1_u32.to_be_bytes();
    let digest = hash.hash(&[&counter, product, label.as_bytes(), &[0], party_u, party_v]);
    Zeroizing::new(digest.as_bytes().to_vec())
}
