//! Platform certificates are what they are, and nothing else.

use super::*;

const PLATFORM: &[u8] = include_bytes!("../../../tests/data/ek/platform-cert.der");
const LOCAL_CA: &str = include_str!("../../../tests/data/ek/issuercert.pem");
const LOCAL_ROOT: &str = include_str!("../../../tests/data/ek/swtpm-localca-rootca-cert.pem");
const EK: &[u8] = include_bytes!("../../../tests/data/ek/ek-rsa2048.crt");

/// 2026-12-01.
const NOW: UnixTime = UnixTime::from_secs(1_796_083_200);

fn examined(der: &[u8], roots: Option<&EndorsementRoots>) -> Examination {
    let more = certificates_from_pem(LOCAL_CA).unwrap();
    let more: Vec<&[u8]> = more.iter().map(Vec::as_slice).collect();
    let with = Surroundings { roots, intermediates: &more, lists: &NO_LISTS, at: NOW, public: None };
    examine(der, &with).unwrap()
}

#[test]
fn swtpms_platform_certificate_is_one() {
    let roots = EndorsementRoots::from_pem(LOCAL_ROOT).unwrap();
    let found = examined(PLATFORM, Some(&roots));
    assert_eq!(found.issuer, "CN=swtpm-localca");
    assert_eq!((found.kind.name(), found.kind.platform_form()), ("platform", Some("key")));
    assert_eq!(found.standing, Standing::Known(TrustTier::None), "a platform is no TPM");
    assert_eq!(found.chain.len(), 2, "{:?}", found.findings);
    let platform = found.platform.unwrap();
    assert_eq!(platform.model.as_deref(), Some("QEMU-Q35"));
}

#[test]
fn a_platform_certificate_never_endorses() {
    let roots = EndorsementRoots::from_pem(LOCAL_ROOT).unwrap();
    let more = certificates_from_pem(LOCAL_CA).unwrap();
    let more: Vec<&[u8]> = more.iter().map(Vec::as_slice).collect();
    let ek = Public::parse_tpm2b(include_bytes!("../../../tests/data/ek/ek_rsa.pub")).unwrap();
    let found = verify_chain(PLATFORM, &more, &roots, &NO_LISTS, NOW, &ek);
    assert!(found.is_err(), "{found:?}");
    assert!(verify_chain(EK, &more, &roots, &NO_LISTS, NOW, &ek).is_ok());
}

#[test]
fn without_roots_nothing_is_known() {
    let found = examined(EK, None);
    assert_eq!((found.kind, found.standing), (CertificateKind::Endorsement, Standing::Unknown));
    assert_eq!(found.findings, [EndorsementFinding::NoRoots]);
    let specification = found.specification.unwrap();
    assert_eq!((specification.family.as_str(), specification.level), ("2.0", 0));
}
