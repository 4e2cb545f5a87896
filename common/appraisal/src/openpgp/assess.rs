//! From signatures to states.
//!
//! In: a certificate and a time. Out: its [`Assessment`]. The newest signature counts, as for GnuPG: an older one, though
//! it may hold, says nothing once there is a newer one.

use evidence::digest::HashAlg;
use evidence::openpgp::{Certificate, Component, ComponentKind, Key, Seconds, Signature, SignatureType};
use evidence::time::UnixTime;

use super::finding::{Finding, FindingCode};
use super::verify::{Unverified, verify};
use super::{Assessment, Status, Subkey, UserId};

/// Signatures of one certificate that are verified: people who renew their keys for decades have some hundred.
const CHECKS: usize = 1_024;
/// Bytes of a user id or attribute that are hashed for each signature over it.
const HASHED_BYTES: usize = 128 << 10;
/// Findings of one certificate.
const FINDINGS: usize = 32;

/// States what a certificate comes to at a time.
pub fn assess<'a>(certificate: &Certificate<'a>, at: UnixTime) -> Assessment<'a> {
    let mut work = Work {
        primary: certificate.primary,
        at: Seconds::try_from(at.as_secs()).unwrap_or(Seconds::MAX),
        checks: CHECKS,
        revoked: false,
        direct: None,
        out: Assessment {
            status: Status::Unverified,
            expires: None,
            flags: None,
            user_ids: Vec::new(),
            subkeys: Vec::new(),
            signatures_by_others: 0,
            findings: Vec::new(),
        },
        newest: None,
        newest_expiring: None,
    };
    work.note_key(&certificate.primary);
    for component in certificate.components() {
        work.component(&component);
    }
    if certificate.unknown_packets() > 0 {
        work.note(FindingCode::UnknownPackets, certificate.primary.offset, None);
    }
    work.conclude()
}

/// What a signature that holds says.
#[derive(Clone, Copy, Debug)]
struct Bound {
    created: Seconds,
    /// Seconds after the key's creation, 0 for never.
    key_expires_after: Option<Seconds>,
    expires: Option<Seconds>,
    flags: Option<u8>,
    is_primary: bool,
    is_sha1: bool,
}

impl Bound {
    fn of(signature: &Signature<'_>) -> Self {
        Self {
            created: signature.created().unwrap_or(0),
            key_expires_after: signature.key_expires_after(),
            expires: signature.expires(),
            flags: signature.key_flags(),
            is_primary: signature.is_primary_user_id(),
            is_sha1: signature.hash() == Some(HashAlg::Sha1),
        }
    }

    /// Takes the place of an older one.
    fn newest(self, before: Option<Self>) -> Self {
        before.filter(|before| before.created > self.created).unwrap_or(self)
    }
}

/// What the signatures behind one component come to.
#[derive(Clone, Copy, Debug, Default)]
struct Tally<'a> {
    bound: Option<Bound>,
    /// The newest signature that binds, for what stands outside of what it is over.
    signature: Option<Signature<'a>>,
    revoked: Option<Seconds>,
    wrong: Option<(usize, Unverified)>,
    unverified: Option<(usize, Unverified)>,
}

struct Work<'a> {
    primary: Key<'a>,
    at: Seconds,
    checks: usize,
    revoked: bool,
    direct: Option<Bound>,
    /// The newest signature over a user id, and the newest that says when the key expires.
    newest: Option<Bound>,
    newest_expiring: Option<Bound>,
    out: Assessment<'a>,
}

impl<'a> Work<'a> {
    fn component(&mut self, component: &Component<'a>) {
        let Ok(kind) = component.kind else {
            return self.note(FindingCode::SubkeyMalformed, component.offset, None);
        };
        let mut tally = Tally::default();
        for signature in component.signatures() {
            match signature {
                Ok(signature) => self.signature(&kind, &signature, &mut tally),
                Err(_) => self.note(FindingCode::SignatureMalformed, component.offset, None),
            }
        }
        match kind {
            ComponentKind::Primary => self.direct = tally.bound,
            ComponentKind::UserId(bytes) => self.user_id(bytes, false, &tally),
            ComponentKind::UserAttribute(bytes) => self.user_id(bytes, true, &tally),
            ComponentKind::Subkey(key) => self.subkey(&key, &tally),
        }
        self.note_tally(component.offset, &kind, &tally);
    }

    fn signature(&mut self, kind: &ComponentKind<'a>, signature: &Signature<'a>, tally: &mut Tally<'a>) {
        let id = self.primary.key_id();
        if signature.issuers().next().is_some() && !signature.issuers().any(|issuer| issuer == id) {
            self.out.signatures_by_others += 1;
            return;
        }
        let Some(says) = Says::of(kind, signature.signature_type) else {
            return self.note(FindingCode::SignatureMisplaced, signature.offset, None);
        };
        if let Err(why) = self.verify(kind, says, signature) {
            let place = if why.is_wrong() { &mut tally.wrong } else { &mut tally.unverified };
            place.get_or_insert((signature.offset, why));
            return;
        }
        let bound = Bound::of(signature);
        match says {
            Says::Revoked if !self.counts_now(signature) => {}
            Says::Revoked if *kind == ComponentKind::Primary => self.revoked = true,
            Says::KeyRevoked => self.revoked |= self.counts_now(signature),
            Says::Revoked => {
                tally.revoked = Some(tally.revoked.map_or(bound.created, |newest| newest.max(bound.created)));
            }
            // What is not yet made does not count yet.
            Says::Bound if bound.created > self.at => {}
            Says::Bound => {
                let newest = bound.newest(tally.bound);
                if newest.created == bound.created {
                    tally.signature = Some(*signature);
                }
                tally.bound = Some(newest);
            }
        }
    }

    /// Whether a revocation counts at the time that is asked for. A key that was replaced or retired was good before.
    //= RFC 9580 §5.2.3.31
    fn counts_now(&self, revocation: &Signature<'_>) -> bool {
        let was_good_before = matches!(revocation.revocation_reason(), Some(1 | 3));
        !was_good_before || revocation.created().is_none_or(|created| created <= self.at)
    }

    fn verify(
        &mut self,
        kind: &ComponentKind<'a>,
        says: Says,
        signature: &Signature<'a>,
    ) -> Result<(), Unverified> {
        self.checks = self.checks.checked_sub(1).ok_or(Unverified::TooMany)?;
        let frame = self.primary.frame();
        let key = [frame.as_ref(), self.primary.body];
        let (tag, bytes): (u8, &[u8]) = match kind {
            _ if says == Says::KeyRevoked => return verify(&self.primary, signature, &key),
            ComponentKind::Primary => return verify(&self.primary, signature, &key),
            ComponentKind::Subkey(subkey) => {
                let [start, body] = key;
                let over = [start, body, subkey.frame().as_ref(), subkey.body].concat();
                return verify(&self.primary, signature, &[&over]);
            }
            ComponentKind::UserId(bytes) => (0xb4, bytes),
            ComponentKind::UserAttribute(bytes) => (0xd1, bytes),
        };
        if bytes.len() > HASHED_BYTES {
            return Err(Unverified::Length);
        }
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes();
        let [start, body] = key;
        //= RFC 9580 §5.2.4: version 3 signatures hash the user id without a header
        let head: &[&[u8]] = if signature.version == 3 { &[] } else { &[&[tag], &length] };
        verify(&self.primary, signature, &[&[start, body], head, &[bytes]].concat())
    }

    fn user_id(&mut self, bytes: &'a [u8], is_attribute: bool, tally: &Tally<'a>) {
        let status = match (tally.bound, tally.revoked) {
            (None, None) => Status::Unverified,
            (None, Some(_)) => Status::Revoked,
            (Some(bound), Some(revoked)) if revoked >= bound.created => Status::Revoked,
            (Some(bound), _) if bound.expires.is_some_and(|expires| expires <= self.at) => Status::Expired,
            (Some(_), _) => Status::Valid,
        };
        self.out.user_ids.push(UserId {
            bytes,
            is_attribute,
            status,
            signed: tally.bound.map(|bound| bound.created),
            is_primary: tally.bound.is_some_and(|bound| bound.is_primary),
        });
        let Some(bound) = tally.bound.filter(|_| !is_attribute) else { return };
        if status == Status::Expired {
            return;
        }
        self.newest = Some(bound.newest(self.newest));
        if bound.key_expires_after.is_some_and(|after| after != 0) {
            self.newest_expiring = Some(bound.newest(self.newest_expiring));
        }
    }

    fn subkey(&mut self, key: &Key<'a>, tally: &Tally<'a>) {
        self.note_key(key);
        let mut subkey = Subkey { key: *key, status: Status::Unverified, expires: None, flags: None };
        if let Some(bound) = tally.bound {
            subkey.flags = bound.flags;
            subkey.expires = expiry(key, bound.key_expires_after);
            let is_over = |time: Option<Seconds>| time.is_some_and(|time| time <= self.at);
            subkey.status = if is_over(subkey.expires) || is_over(bound.expires) {
                Status::Expired
            } else {
                Status::Valid
            };
            if signs(key, bound.flags) && !self.consents(key, tally.signature.as_ref()) {
                self.note(FindingCode::CrossSignature, key.offset, None);
                subkey.status = Status::Unverified;
            }
        }
        if tally.revoked.is_some() {
            subkey.status = Status::Revoked;
        }
        self.out.subkeys.push(subkey);
    }

    /// Whether a subkey has signed that it belongs to the primary key.
    //= RFC 9580 §5.2.1.9: a signature that binds a signing subkey MUST have an Embedded Signature subpacket
    fn consents(&self, key: &Key<'a>, binding: Option<&Signature<'a>>) -> bool {
        let Some(embedded) = binding.and_then(Signature::embedded) else { return false };
        let (primary, subkey) = (self.primary.frame(), key.frame());
        let over = [primary.as_ref(), self.primary.body, subkey.as_ref(), key.body];
        embedded.signature_type == SignatureType::PRIMARY_KEY_BINDING && verify(key, &embedded, &over).is_ok()
    }

    fn conclude(mut self) -> Assessment<'a> {
        let direct_expires =
            self.direct.filter(|direct| direct.key_expires_after.is_some_and(|after| after != 0));
        let expires_after = direct_expires.or(self.newest_expiring).and_then(|bound| bound.key_expires_after);
        self.out.expires = expiry(&self.primary, expires_after);
        let flags = |bound: Option<Bound>| bound.and_then(|bound| bound.flags);
        self.out.flags = flags(self.direct).or(flags(self.newest));
        let expired = self.out.expires.is_some_and(|expires| expires <= self.at);
        self.out.status = match (self.revoked, self.direct.or(self.newest)) {
            (true, _) => Status::Revoked,
            (false, None) => Status::Unverified,
            (false, Some(_)) if expired => Status::Expired,
            (false, Some(_)) => Status::Valid,
        };
        for subkey in &mut self.out.subkeys {
            subkey.status = subkey.status.max(self.out.status);
        }
        self.out
    }

    fn note_key(&mut self, key: &Key<'_>) {
        if key.version == 3 {
            self.note(FindingCode::Version3, key.offset, None);
        }
        if key.has_secret {
            self.note(FindingCode::SecretKey, key.offset, None);
        }
    }

    fn note_tally(&mut self, offset: usize, kind: &ComponentKind<'_>, tally: &Tally<'_>) {
        if let Some((offset, why)) = tally.wrong {
            let is_bound =
                tally.bound.is_some() || tally.revoked.is_some() || *kind == ComponentKind::Primary;
            let code = if is_bound { FindingCode::SelfSignatureInvalid } else { FindingCode::NotBound };
            self.note(code, offset, Some(why));
        }
        if let Some((offset, why)) = tally.unverified {
            self.note(FindingCode::SelfSignatureUnverified, offset, Some(why));
        }
        if tally.bound.is_some_and(|bound| bound.is_sha1) {
            self.note(FindingCode::Sha1SelfSignature, offset, None);
        }
    }

    fn note(&mut self, code: FindingCode, offset: usize, why: Option<Unverified>) {
        match self.out.findings.len() {
            room if room < FINDINGS => self.out.findings.push(Finding { code, offset, why }),
            FINDINGS => {
                self.out.findings.push(Finding { code: FindingCode::TooManyFindings, offset, why: None });
            }
            _ => {}
        }
    }
}

/// What a signature says of the component before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Says {
    Bound,
    Revoked,
    /// A revocation of the whole key, wherever it stands.
    KeyRevoked,
}

impl Says {
    fn of(kind: &ComponentKind<'_>, signature_type: SignatureType) -> Option<Self> {
        match (kind, signature_type) {
            (ComponentKind::Primary, SignatureType::DIRECT_KEY)
            | (ComponentKind::Subkey(_), SignatureType::SUBKEY_BINDING) => Some(Self::Bound),
            (ComponentKind::UserId(_) | ComponentKind::UserAttribute(_), kind) if kind.is_certification() => {
                Some(Self::Bound)
            }
            (_, SignatureType::KEY_REVOCATION) => Some(Self::KeyRevoked),
            (ComponentKind::Subkey(_), SignatureType::SUBKEY_REVOCATION)
            | (
                ComponentKind::UserId(_) | ComponentKind::UserAttribute(_),
                SignatureType::CERTIFICATION_REVOCATION,
            ) => Some(Self::Revoked),
            _ => None,
        }
    }
}

/// When a key expires.
fn expiry(key: &Key<'_>, after: Option<Seconds>) -> Option<Seconds> {
    let days = key.valid_days.filter(|days| *days != 0);
    let of_version_3 = days.map(|days| key.created.saturating_add(u32::from(days) * 86_400));
    let after = after.filter(|after| *after != 0);
    of_version_3.or_else(|| after.map(|after| key.created.saturating_add(after)))
}

/// Whether a subkey may sign: as its flags say, or for want of them by its algorithm.
fn signs(key: &Key<'_>, flags: Option<u8>) -> bool {
    match flags {
        Some(flags) => flags & 0x02 != 0,
        None => matches!(key.algorithm.0, 1 | 3 | 17 | 19 | 22 | 27 | 28),
    }
}
