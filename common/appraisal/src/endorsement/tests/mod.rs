//! Chains that hold, and one test row for each reason why one does not.

mod bundle;
mod forge;
mod forms;
mod platform;
mod real;
mod revocation;
mod vectors;

use der::asn1::ObjectIdentifier;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsages};

use super::*;
use crate::crypto::SignatureError;
use evidence::digest::HashAlg;
use forge::{EK, Forged, SERVER, endorsement_key, extension};

/// A chain of three with one thing changed.
struct Chain {
    leaf: Forged,
    intermediate: Forged,
    root: Forged,
    at: u64,
    tpm: u8,
}

impl Chain {
    fn good() -> Self {
        Self {
            leaf: Forged::endorsement(1, "intermediate", 2),
            intermediate: Forged::authority("intermediate", 2, "root", 3),
            root: Forged::authority("root", 3, "root", 3),
            at: 1_500,
            tpm: 1,
        }
    }

    fn verify(&self) -> Result<Endorsement, EndorsementError> {
        let (leaf, intermediate, root) = (self.leaf.der(), self.intermediate.der(), self.root.der());
        let roots = EndorsementRoots::from_der([root.as_slice()])?;
        verify_chain(
            &leaf,
            &[&intermediate],
            &roots,
            &RevocationLists::default(),
            UnixTime::from_secs(self.at),
            &endorsement_key(self.tpm),
        )
    }
}

fn check(change: impl FnOnce(&mut Chain), expected: EndorsementError) {
    let mut chain = Chain::good();
    change(&mut chain);
    assert_eq!(chain.verify(), Err(expected));
}

fn holds(change: impl FnOnce(&mut Chain)) {
    let mut chain = Chain::good();
    change(&mut chain);
    let endorsement = chain.verify().unwrap();
    assert_eq!((endorsement.tier, endorsement.root.as_str()), (TrustTier::Manufacturer, "CN=root"));
}

const NO_LISTS: RevocationLists = RevocationLists::none();
const LEAF: Which = Which::EndorsementKey;
const INTERMEDIATE: Which = Which::Intermediate(0);
const ROOT: Which = Which::Root(0);

fn oid(text: &str) -> ObjectIdentifier {
    ObjectIdentifier::new(text).unwrap()
}

#[test]
fn a_good_chain_holds_and_says_whose_it_is() {
    let chain = Chain::good();
    let endorsement = chain.verify().unwrap();
    assert_eq!(endorsement.tier, TrustTier::Manufacturer);
    assert_eq!((endorsement.subject.as_str(), endorsement.issuer.as_str()), ("", "CN=intermediate"));
    assert_eq!(endorsement.serial, [1, 2]);
    assert_eq!(endorsement.not_after, UnixTime::from_secs(2_000));
    assert_eq!(endorsement.certificate, Sha256Digest::of(&[&chain.leaf.der()]));
    assert_eq!(endorsement.root_certificate, Sha256Digest::of(&[&chain.root.der()]));
}

#[test]
fn what_may_be_missing_may_be_missing() {
    holds(|chain| chain.leaf.extended = None);
    holds(|chain| chain.leaf.usage = None);
    holds(|chain| chain.leaf.constraints = None);
    holds(|chain| chain.intermediate.usage = None);
    holds(|chain| chain.intermediate.extended = Some(vec![EK, SERVER]));
    holds(|chain| chain.leaf.extra.push(extension("1.2.3.4", false, b"not critical")));
    holds(|chain| chain.leaf.issuer = "Intermediate");
}

#[test]
fn validity_counts_to_the_second_for_every_certificate() {
    holds(|chain| chain.at = 1_000);
    holds(|chain| chain.at = 2_000);
    let at = |secs| UnixTime::from_secs(secs);
    let (not_before, not_after) = (at(1_000), at(2_000));
    let early = |which| EndorsementError::NotYetValid { which, not_before, at: at(999) };
    let late = |which| EndorsementError::Expired { which, not_after, at: at(2_001) };
    check(|chain| chain.at = 999, early(LEAF));
    check(|chain| chain.at = 2_001, late(LEAF));
    let long = (1, 9_000);
    check(|chain| (chain.at, chain.leaf.valid) = (999, long), early(INTERMEDIATE));
    check(|chain| (chain.at, chain.leaf.valid) = (2_001, long), late(INTERMEDIATE));
    let only_the_root = |chain: &mut Chain, at| {
        (chain.at, chain.leaf.valid, chain.intermediate.valid) = (at, long, long);
    };
    check(|chain| only_the_root(chain, 999), early(ROOT));
    check(|chain| only_the_root(chain, 2_001), late(ROOT));
}

#[test]
fn the_certificate_must_be_about_this_very_key() {
    check(|chain| chain.tpm = 9, EndorsementError::OtherKey { which: LEAF });
    check(|chain| chain.leaf.key = 9, EndorsementError::OtherKey { which: LEAF });
}

#[test]
fn signatures_must_hold_all_the_way() {
    let wrong =
        |which, issuer| EndorsementError::Signature { which, issuer, error: SignatureError::DoesNotHold };
    check(|chain| chain.leaf.spoil_signature = true, wrong(LEAF, INTERMEDIATE));
    check(|chain| chain.leaf.signer = 9, wrong(LEAF, INTERMEDIATE));
    check(|chain| chain.intermediate.spoil_signature = true, wrong(INTERMEDIATE, ROOT));
    check(|chain| chain.intermediate.signer = 9, wrong(INTERMEDIATE, ROOT));
    check(|chain| chain.root.key = 9, wrong(INTERMEDIATE, ROOT));
    // The root's own signature is nobody's business: it is trusted because it is in the list.
    holds(|chain| chain.root.spoil_signature = true);
}

#[test]
fn algorithms_that_do_not_count_are_named() {
    let sha1 = oid("1.2.840.10045.4.1");
    let error = SignatureError::Hash(HashAlg::Sha1);
    let refused = EndorsementError::Signature { which: LEAF, issuer: INTERMEDIATE, error };
    check(|chain| chain.leaf.algorithm = sha1, refused);
    let ed25519 = oid("1.3.101.112");
    check(
        |chain| chain.leaf.algorithm = ed25519,
        EndorsementError::Algorithm { which: LEAF, oid: ed25519.to_string() },
    );
    check(
        |chain| chain.leaf.outer_algorithm = Some(oid("1.2.840.10045.4.3.3")),
        EndorsementError::TwoAlgorithms { which: LEAF },
    );
}

#[test]
fn issuers_must_be_at_hand_and_authorities() {
    check(
        |chain| chain.leaf.issuer = "somebody",
        EndorsementError::NoIssuer { issuer: "CN=somebody".into() },
    );
    check(
        |chain| chain.intermediate.issuer = "somebody",
        EndorsementError::NoIssuer { issuer: "CN=somebody".into() },
    );
    let not_authority = EndorsementError::NotAuthority { which: INTERMEDIATE };
    check(|chain| chain.intermediate.constraints = None, not_authority.clone());
    let not_ca = Some(BasicConstraints { ca: false, path_len_constraint: None });
    check(|chain| chain.intermediate.constraints = not_ca, not_authority);
    check(
        |chain| chain.root.usage = Some(KeyUsages::CRLSign.into()),
        EndorsementError::NotForCertificates { which: ROOT },
    );
    check(
        |chain| chain.intermediate.extended = Some(vec![SERVER]),
        EndorsementError::NotForEndorsement { which: INTERMEDIATE },
    );
}

#[test]
fn a_path_length_is_kept() {
    let limit = |limit| Some(BasicConstraints { ca: true, path_len_constraint: Some(limit) });
    holds(|chain| chain.root.constraints = limit(1));
    holds(|chain| chain.intermediate.constraints = limit(0));
    check(
        |chain| chain.root.constraints = limit(0),
        EndorsementError::PathLength { which: ROOT, limit: 0, found: 1 },
    );
}

#[test]
fn an_endorsement_certificate_is_for_an_endorsement_key() {
    let authority = Some(BasicConstraints { ca: true, path_len_constraint: None });
    check(|chain| chain.leaf.constraints = authority, EndorsementError::LeafIsAuthority);
    let signing = Some(KeyUsages::DigitalSignature.into());
    check(|chain| chain.leaf.usage = signing, EndorsementError::NotForEncryption);
    check(
        |chain| chain.leaf.extended = Some(vec![SERVER]),
        EndorsementError::NotForEndorsement { which: LEAF },
    );
}

#[test]
fn a_critical_extension_that_is_not_understood_is_refused_wherever_it_is() {
    let strange = |chain: &mut Forged| chain.extra.push(extension("1.2.3.4", true, b""));
    let refused = |which| EndorsementError::CriticalExtension { which, oid: "1.2.3.4".to_owned() };
    check(|chain| strange(&mut chain.leaf), refused(LEAF));
    check(|chain| strange(&mut chain.intermediate), refused(INTERMEDIATE));
    check(|chain| strange(&mut chain.root), refused(ROOT));
    // Name constraints are not processed, so a certificate that insists on them is not believed.
    let constrained = "2.5.29.30".to_owned();
    check(
        |chain| chain.intermediate.extra.push(extension("2.5.29.30", true, &[0x30, 0])),
        EndorsementError::CriticalExtension { which: INTERMEDIATE, oid: constrained },
    );
}

#[test]
fn an_extension_comes_once() {
    let twice = BasicConstraints { ca: true, path_len_constraint: None };
    let twice = extension("2.5.29.19", true, &der::Encode::to_der(&twice).unwrap());
    check(
        |chain| chain.intermediate.extra.push(twice),
        EndorsementError::DuplicateExtension { which: INTERMEDIATE, oid: "2.5.29.19".to_owned() },
    );
}

#[test]
fn certificates_that_are_not_needed_do_no_harm_and_a_second_way_is_found() {
    let chain = Chain::good();
    let (leaf, root) = (chain.leaf.der(), chain.root.der());
    let good = chain.intermediate.der();
    let expired = Forged { valid: (1, 2), ..chain.intermediate.clone() }.der();
    let impostor = Forged { key: 7, ..chain.intermediate.clone() }.der();
    let stranger = Forged::authority("stranger", 8, "nobody", 8).der();
    let roots = EndorsementRoots::from_der([stranger.as_slice(), &root]).unwrap();
    let intermediates: [&[u8]; 5] = [&expired, &impostor, &stranger, &root, &good];
    let at = UnixTime::from_secs(chain.at);
    let found = verify_chain(&leaf, &intermediates, &roots, &NO_LISTS, at, &endorsement_key(1)).unwrap();
    assert_eq!(found.root, "CN=root");
    let none = EndorsementRoots::default();
    let issuer = "CN=root".to_owned();
    assert_eq!(
        verify_chain(&leaf, &[&good], &none, &NO_LISTS, at, &endorsement_key(1)),
        Err(EndorsementError::NoIssuer { issuer }),
        "a root that comes with the chain is not trusted for it"
    );
}

#[test]
fn rings_and_crowds_end() {
    // Two authorities that certify each other, without a root.
    let leaf = Forged::endorsement(1, "a", 2).der();
    let ring = [Forged::authority("a", 2, "b", 3).der(), Forged::authority("b", 3, "a", 2).der()];
    let at = UnixTime::from_secs(1_500);
    let none = EndorsementRoots::default();
    let verify = |intermediates: &[Vec<u8>]| {
        let intermediates: Vec<&[u8]> = intermediates.iter().map(Vec::as_slice).collect();
        verify_chain(&leaf, &intermediates, &none, &NO_LISTS, at, &endorsement_key(1)).unwrap_err()
    };
    assert_eq!(verify(&ring), EndorsementError::TooDeep { limit: 6 });
    let crowd: Vec<_> = (0..30).map(|n| ring[n % 2].clone()).collect();
    assert!(matches!(verify(&crowd), EndorsementError::TooDeep { .. }));
    let too_many = vec![ring[0].clone(); 1_025];
    assert_eq!(verify(&too_many), EndorsementError::TooMany { what: "intermediates", limit: 1_024 });
}

#[test]
fn bytes_that_are_no_certificate_are_refused_with_the_place() {
    let good = Chain::good().leaf.der();
    for cut in [0, 1, 10, good.len() - 1] {
        let error = EndorsementRoots::from_der([&good[..cut]]).unwrap_err();
        assert!(matches!(error, EndorsementError::Malformed { which: ROOT, .. }), "{cut}: {error}");
    }
    let trailing = [good.as_slice(), &[0]].concat();
    assert!(matches!(
        EndorsementRoots::from_der([trailing.as_slice()]),
        Err(EndorsementError::Malformed { .. })
    ));
    let found = 17_000;
    let huge = vec![0x30; found];
    let too_large = EndorsementError::TooLarge { which: ROOT, limit: 16_384, found };
    assert_eq!(EndorsementRoots::from_der([huge.as_slice()]).unwrap_err(), too_large);
}

#[test]
fn every_changed_bit_of_a_chain_is_noticed() {
    let chain = Chain::good();
    let roots = EndorsementRoots::from_der([chain.root.der().as_slice()]).unwrap();
    let (leaf, intermediate) = (chain.leaf.der(), chain.intermediate.der());
    let (at, public) = (UnixTime::from_secs(chain.at), endorsement_key(1));
    let holds = |leaf: &[u8], intermediate: &[u8]| {
        verify_chain(leaf, &[intermediate], &roots, &NO_LISTS, at, &public).is_ok()
    };
    assert!(holds(&leaf, &intermediate));
    for bit in 0..8 * leaf.len() {
        assert!(!holds(&flipped(&leaf, bit), &intermediate), "bit {bit} of the endorsement certificate");
    }
    for bit in 0..8 * intermediate.len() {
        assert!(!holds(&leaf, &flipped(&intermediate, bit)), "bit {bit} of the intermediate");
    }
}

/// The bytes with one bit changed.
fn flipped(bytes: &[u8], bit: usize) -> Vec<u8> {
    let mut changed = bytes.to_vec();
    changed[bit / 8] ^= 1 << (bit % 8);
    changed
}

#[test]
fn what_is_added_to_or_taken_from_a_chain_is_noticed() {
    let chain = Chain::good();
    let roots = EndorsementRoots::from_der([chain.root.der().as_slice()]).unwrap();
    let (leaf, intermediate) = (chain.leaf.der(), chain.intermediate.der());
    let (at, public) = (UnixTime::from_secs(chain.at), endorsement_key(1));
    let verify = |leaf: &[u8], more: &[&[u8]]| verify_chain(leaf, more, &roots, &NO_LISTS, at, &public);
    assert!(verify(&intermediate, &[&leaf]).is_err(), "swapped");
    assert!(verify(&leaf, &[]).is_err(), "dropped");
    assert!(verify(&leaf, &[&intermediate, &intermediate, &leaf]).is_ok(), "repeated: no harm");
    for cut in 0..leaf.len() {
        assert!(verify(&leaf[..cut], &[&intermediate]).is_err(), "cut at {cut}");
        assert!(verify(&leaf, &[&intermediate[..cut.min(intermediate.len() - 1)]]).is_err(), "cut at {cut}");
    }
    assert!(verify(&[leaf.as_slice(), &[0]].concat(), &[&intermediate]).is_err(), "appended");
}

#[test]
fn a_crowd_of_one_name_costs_a_limited_number_of_signatures() {
    let chain = Chain::good();
    let roots = EndorsementRoots::from_der([chain.root.der().as_slice()]).unwrap();
    let impostors: Vec<_> = (0..1_000_u32)
        .map(|n| Forged { key: u8::try_from(10 + n % 200).unwrap(), ..chain.intermediate.clone() }.der())
        .collect();
    let mut crowd: Vec<&[u8]> = impostors.iter().map(Vec::as_slice).collect();
    let (leaf, good) = (chain.leaf.der(), chain.intermediate.der());
    let at = UnixTime::from_secs(chain.at);
    let verify = |crowd: &[&[u8]]| verify_chain(&leaf, crowd, &roots, &NO_LISTS, at, &endorsement_key(1));
    crowd.push(&good);
    let failed = verify(&crowd).unwrap_err();
    assert!(matches!(failed, EndorsementError::Signature { .. }), "{failed}");
    // The identifier of the issuer's key leads past the crowd.
    let id = |key: u8| [4, 1, key];
    let named =
        Forged { extra: vec![extension("2.5.29.35", false, &[0x30, 3, 0x80, 1, 2])], ..chain.leaf.clone() };
    let found = Forged { extra: vec![extension("2.5.29.14", false, &id(2))], ..chain.intermediate.clone() };
    let (named, found) = (named.der(), found.der());
    crowd.push(&found);
    assert!(verify_chain(&named, &crowd, &roots, &NO_LISTS, at, &endorsement_key(1)).is_ok());
}

#[test]
fn names_of_tiers_round_trip() {
    for tier in TrustTier::ALL {
        assert_eq!(TrustTier::from_name(tier.name()), Some(tier));
    }
    assert_eq!(TrustTier::from_name("Manufacturer"), None);
    assert_eq!(EndorsementPolicy::default(), EndorsementPolicy::RequireChain);
}
