use super::*;

macro_rules! vector {
    ($name:literal) => {
        include_bytes!(concat!("../../../../tests/vectors/signing/", $name))
    };
}

const CONTENT: &[u8] = vector!("content");
const ROOT: &[u8] = vector!("root.der");
const LEAF: &[u8] = vector!("leaf.der");
const INTER: &[u8] = vector!("inter.der");
const P256: &[u8] = vector!("p256.der");
const WEAK: &[u8] = vector!("weak.der");
const DETACHED: &[u8] = vector!("detached.p7");
const ATTACHED: &[u8] = vector!("attached-noattr.p7");
const PSS: &[u8] = vector!("pss-keyid.p7");
const NO_CERTIFICATES: &[u8] = vector!("ec-nocerts.p7");
const INDEFINITE: &[u8] = vector!("ber.p7");
const MD5: &[u8] = vector!("md5.p7");

fn certificate(der: &[u8]) -> Certificate<'_> {
    Certificate::parse(der).unwrap()
}

/// The only signer's check over `content`, with `more` certificates beside those that are included.
fn check<'a>(
    bytes: &'a [u8],
    more: &[Certificate<'a>],
    content: &[u8],
) -> Result<VerifiedSigner<'a>, SignerError> {
    let signed = SignedData::parse(bytes).unwrap();
    let signer = signed.signers().next().unwrap().unwrap();
    let certificates = [included(&signed), more.to_vec()].concat();
    verify_detached(&signed, &signer, &certificates, &|alg| alg.hash(&[content]))
}

#[test]
fn signatures_of_every_scheme_hold() {
    let holds = |bytes, more: &[_], subject: &str| {
        let signer = check(bytes, more, CONTENT).unwrap();
        assert!(signer.certificate().subject().to_string().starts_with(subject));
    };
    holds(DETACHED, &[], "CN=Lydian test signer\\ ");
    holds(ATTACHED, &[], "CN=Lydian test signer\\ ");
    holds(PSS, &[], "CN=Lydian test signer\\ ");
    holds(INDEFINITE, &[], "CN=Lydian test signer\\ ");
    holds(NO_CERTIFICATES, &[certificate(P256)], "CN=Lydian test signer P-256");
}

#[test]
fn included_content_is_what_is_checked() {
    for bytes in [ATTACHED, INDEFINITE] {
        let signed = SignedData::parse(bytes).unwrap();
        let signer = signed.signers().next().unwrap().unwrap();
        assert!(verify_included(&signed, &signer, &included(&signed)).is_ok());
    }
    let signed = SignedData::parse(DETACHED).unwrap();
    let signer = signed.signers().next().unwrap().unwrap();
    let refused = verify_included(&signed, &signer, &included(&signed));
    assert_eq!(refused.unwrap_err(), SignerError::NoContent);
}

#[test]
fn other_content_is_refused() {
    let refused = |bytes, content| check(bytes, &[], content).unwrap_err();
    assert_eq!(refused(DETACHED, b"other"), SignerError::MessageDigest);
    assert_eq!(refused(PSS, b"other"), SignerError::MessageDigest);
    assert_eq!(refused(ATTACHED, b"other"), SignerError::Signature(SignatureError::DoesNotHold));
}

#[test]
fn what_cannot_be_checked_says_why() {
    assert_eq!(check(NO_CERTIFICATES, &[], CONTENT).unwrap_err(), SignerError::NoCertificate);
    assert_eq!(check(MD5, &[], CONTENT).unwrap_err(), SignerError::DigestAlgorithm("md5".to_owned()));
}

/// Every bit from the signed attributes on is signed, is the signature, or chooses how to check.
#[test]
fn no_bit_of_a_signer_can_change() {
    let signed = SignedData::parse(NO_CERTIFICATES).unwrap();
    let signer = signed.signers().next().unwrap().unwrap();
    let attributes = signer.signed_attributes().unwrap()[1];
    let start = NO_CERTIFICATES.windows(attributes.len()).position(|window| window == attributes).unwrap();
    for bit in 8 * start..8 * NO_CERTIFICATES.len() {
        let mut changed = NO_CERTIFICATES.to_vec();
        changed[bit / 8] ^= 1 << (bit % 8);
        let Ok(signed) = SignedData::parse(&changed) else { continue };
        let Some(Ok(signer)) = signed.signers().next() else { continue };
        let result = verify_detached(&signed, &signer, &[certificate(P256)], &|alg| alg.hash(&[CONTENT]));
        assert!(result.is_err(), "bit {bit} can change");
    }
}

#[test]
fn chains_go_as_far_as_the_certificates_do() {
    let subjects = |chain: &Chain<'_>| -> Vec<String> {
        chain.certificates().iter().filter_map(|found| found.subject().common_name()).collect()
    };
    let (leaf, inter, root) = (certificate(LEAF), certificate(INTER), certificate(ROOT));
    let whole = chain(&leaf, &[root, leaf, certificate(P256), inter]);
    assert_eq!(whole.end(), ChainEnd::Root);
    assert_eq!(subjects(&whole), ["Lydian test signer ", "Lydian test intermediate", "Lydian test root"]);
    let short = chain(&leaf, &[inter]);
    assert_eq!((short.end(), short.certificates().len()), (ChainEnd::MissingIssuer, 2));
    assert_eq!(chain(&leaf, &[root]).certificates().len(), 1);
    assert_eq!(weaknesses(Some(HashAlg::Sha256), &whole), []);
}

/// A certificate that has the issuer's name and another key is no issuer.
#[test]
fn names_alone_do_not_make_a_chain() {
    let mut forged = INTER.to_vec();
    let at = forged.len() - 500;
    forged[at] ^= 1;
    let chain = chain(&certificate(LEAF), &[certificate(&forged), certificate(ROOT)]);
    assert!(chain.certificates().len() == 1 || chain.end() == ChainEnd::MissingIssuer);
}

#[test]
fn what_is_weak_is_reported() {
    let weak = certificate(WEAK);
    let chain = chain(&weak, &[certificate(INTER), certificate(ROOT)]);
    assert_eq!(chain.end(), ChainEnd::Root);
    assert_eq!(
        weaknesses(Some(HashAlg::Sha1), &chain),
        [Weakness::Sha1Signature, Weakness::ShortKey, Weakness::Sha1Certificate]
    );
}

fn update(bytes: &[u8]) -> evidence::efi::AuthenticatedUpdate<'_> {
    evidence::efi::AuthenticatedUpdate::detect(bytes).unwrap().unwrap()
}

#[test]
fn updates_are_signed_for_one_variable() {
    let bytes: &[u8] = vector!("dbx.auth");
    let (signer, target) = verify_update(&update(bytes)).unwrap();
    assert_eq!(signer.certificate().der(), LEAF);
    assert_eq!((target.name, target.appends()), ("dbx", true));
    // The year, and a hash of the payload.
    for at in [0, bytes.len() - 1] {
        let mut changed = bytes.to_vec();
        changed[at] ^= 1;
        let refused = verify_update(&update(&changed)).unwrap_err();
        assert_eq!(refused, SignerError::Signature(SignatureError::DoesNotHold));
    }
}
