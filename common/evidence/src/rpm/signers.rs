//! Who signed a package: the keys that its signatures name.
//!
//! In: the signatures that rpm copied into the header when it installed the package. Out: principals. No signature is
//! checked, and what it was over (the header without them, as it was in the package) is not at hand.

use super::{Header, tag};
use crate::openpgp::{Packets, Signature, Tag, radix64};
use crate::principal::{Edge, Principal, PrincipalKind, Relation};

impl Header<'_> {
    /// One edge for each signature that names its key.
    pub fn signers(&self) -> Vec<Edge> {
        let binary = [tag::RSA_HEADER, tag::DSA_HEADER, tag::PGP, tag::GPG];
        let mut edges: Vec<Edge> =
            binary.iter().filter_map(|tag| self.binary(*tag)).filter_map(signer).collect();
        //= rpm 6, RPMTAG_OPENPGP: texts in base64, one for each signature
        let texts = self.texts(tag::OPENPGP).take(SIGNATURES);
        edges.extend(texts.filter_map(|text| signer(&radix64(text)?)));
        edges.sort_unstable();
        edges.dedup();
        edges
    }
}

fn signer(bytes: &[u8]) -> Option<Edge> {
    let packet = Packets::new(bytes, 0).next()?.ok().filter(|packet| packet.tag == Tag::SIGNATURE)?;
    let signature = Signature::parse(&packet).ok()?;
    let fingerprints = signature.issuer_fingerprints().map(|id| (PrincipalKind::OpenPgp, id));
    let ids: Vec<_> = signature.issuers().collect();
    let ids = ids.iter().map(|id| (PrincipalKind::OpenPgpKeyId, id.0.as_slice()));
    // One key has one fingerprint and one id: what is signed comes first.
    let first = [fingerprints.take(1).collect::<Vec<_>>(), ids.take(1).collect()].concat();
    let principals: Vec<_> =
        first.into_iter().filter_map(|(kind, id)| Principal::new(kind, id).ok()).collect();
    (!principals.is_empty()).then(|| Edge::new(Relation::SignedBy, principals, ""))
}

/// Signatures of one package that are looked at; real ones have one or two.
const SIGNATURES: usize = 16;
