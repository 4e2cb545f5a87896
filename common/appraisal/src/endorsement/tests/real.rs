//! Certificates that other people's tools made: swtpm's local CA, openssl, and the makers of TPMs.

use std::path::{Path, PathBuf};

use evidence::tpm::{Key, Public, Template};
use proptest::prelude::*;
use rsa::traits::PublicKeyParts as _;

use super::super::path::Search;
use super::*;

const EK_RSA: &[u8] = include_bytes!("../../../tests/data/ek/ek-rsa2048.crt");
const EK_P384: &[u8] = include_bytes!("../../../tests/data/ek/ek-secp384r1.crt");
const EK_RSA_PUBLIC: &[u8] = include_bytes!("../../../tests/data/ek/ek_rsa.pub");
const LOCAL_CA: &str = include_str!("../../../tests/data/ek/issuercert.pem");
const LOCAL_ROOT: &str = include_str!("../../../tests/data/ek/swtpm-localca-rootca-cert.pem");
const PSS_EK: &[u8] = include_bytes!("../../../tests/data/ek/pss-ek.crt");
const PSS_INTERMEDIATE: &[u8] = include_bytes!("../../../tests/data/ek/pss-intermediate.crt");
const PSS_ROOT: &str = include_str!("../../../tests/data/ek/pss-root.pem");

/// 2026-12-01.
const NOW: UnixTime = UnixTime::from_secs(1_796_083_200);

/// The endorsement key that a certificate is about, as a TPM would show it.
fn certified(certificate: &Certificate<'_>) -> Public {
    let mut area = match certificate.public_key().unwrap() {
        PublicKey::Rsa(_) => Template::EkRsa2048.area(),
        PublicKey::P256(_) => Template::EkEccP256.area(),
        PublicKey::P384(_) => Template::EkEccP384.area(),
        PublicKey::P521(_) => panic!("no template has this curve"),
    };
    let point = certificate.parsed().public_key().key_bits();
    match (&mut area.key, certificate.public_key().unwrap()) {
        (Key::Rsa(key), PublicKey::Rsa(found)) => {
            key.modulus = found.n().to_bytes_be();
            key.bits = u16::try_from(found.n().bits()).unwrap();
        }
        (Key::Ecc(key), _) => {
            let (x, y) = point[1..].split_at(point.len() / 2);
            (key.x, key.y) = (x.to_vec(), y.to_vec());
        }
        _ => panic!("no such template"),
    }
    Public::new(&area).unwrap()
}

#[test]
fn certificates_of_swtpms_local_ca_hold() {
    let roots = EndorsementRoots::from_pem(LOCAL_ROOT).unwrap();
    let intermediates = certificates_from_pem(LOCAL_CA).unwrap();
    let intermediates: Vec<&[u8]> = intermediates.iter().map(Vec::as_slice).collect();
    let ek = Public::parse_tpm2b(EK_RSA_PUBLIC).unwrap();
    let found = verify_chain(EK_RSA, &intermediates, &roots, &NO_LISTS, NOW, &ek).unwrap();
    assert_eq!(found.issuer, "CN=swtpm-localca");
    assert_eq!(found.root, "CN=swtpm-localca-rootca");
    assert_eq!(found.subject, "CN=unknown");
    // 9999-12-31T23:59:59Z: for ever.
    assert_eq!(found.not_after.as_secs(), 253_402_300_799);
    let device = found.device.unwrap();
    assert_eq!(device.manufacturer.as_deref(), Some("id:00001014"));
    assert_eq!((device.model.as_deref(), device.version.as_deref()), (Some("swtpm"), Some("id:20191023")));

    let p384 = certified(&Certificate::parse(LEAF, EK_P384).unwrap());
    assert!(verify_chain(EK_P384, &intermediates, &roots, &NO_LISTS, NOW, &p384).is_ok());
    let crossed = verify_chain(EK_P384, &intermediates, &roots, &NO_LISTS, NOW, &ek);
    assert_eq!(crossed, Err(EndorsementError::OtherKey { which: LEAF }));
    let alone = verify_chain(EK_RSA, &[], &roots, &NO_LISTS, NOW, &ek);
    assert_eq!(alone, Err(EndorsementError::NoIssuer { issuer: "CN=swtpm-localca".into() }));
}

#[test]
fn an_openssl_chain_with_pss_and_p384_holds() {
    let roots = EndorsementRoots::from_pem(PSS_ROOT).unwrap();
    let ek = Public::parse_tpm2b(EK_RSA_PUBLIC).unwrap();
    let found = verify_chain(PSS_EK, &[PSS_INTERMEDIATE], &roots, &NO_LISTS, NOW, &ek).unwrap();
    assert_eq!((found.subject.as_str(), found.serial.as_slice()), ("", [0x80, 0x01].as_slice()));
    let device = found.device.unwrap();
    assert_eq!(device.model.as_deref(), Some("Lydian test"));
    let mut spoiled = PSS_EK.to_vec();
    *spoiled.last_mut().unwrap() ^= 1;
    let error = SignatureError::DoesNotHold;
    assert_eq!(
        verify_chain(&spoiled, &[PSS_INTERMEDIATE], &roots, &NO_LISTS, NOW, &ek),
        Err(EndorsementError::Signature { which: LEAF, issuer: INTERMEDIATE, error })
    );
}

#[test]
fn a_bundle_may_hold_text_between_certificates() {
    let bundle = format!("# swtpm\n{LOCAL_ROOT}\nsubject=x\n{PSS_ROOT}").replace('\n', "\r\n");
    assert_eq!(EndorsementRoots::from_pem(&bundle).unwrap().len(), 2);
    assert!(EndorsementRoots::from_pem("no certificate").unwrap().is_empty());
    let cut = &bundle[..bundle.len() - 40];
    assert_eq!(EndorsementRoots::from_pem(cut).unwrap_err(), EndorsementError::Pem { index: 1 });
    let spoiled = bundle.replacen("MII", "M!!", 1);
    assert_eq!(EndorsementRoots::from_pem(&spoiled).unwrap_err(), EndorsementError::Pem { index: 0 });
}

/// Real certificates of real makers, where the corpus is at hand.
#[expect(clippy::disallowed_methods, reason = "the corpus lies outside the project and is read in place")]
pub(super) fn vectors() -> Option<PathBuf> {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let dir = std::env::var_os("LYDIAN_VECTORS").map_or(default, PathBuf::from);
    if !dir.is_dir() {
        println!("SKIPPED: no vectors at {} (LYDIAN_VECTORS)", dir.display());
        return None;
    }
    Some(dir)
}

#[expect(clippy::disallowed_methods, reason = "the corpus lies outside the project and is read in place")]
pub(super) fn read(path: &Path) -> Vec<u8> {
    std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn real_intermediates_lead_to_real_roots() {
    let Some(dir) = vectors() else { return };
    let bundle =
        |name: &str| String::from_utf8(read(&dir.join("loicsikidi+tpm-ca-certificates").join(name))).unwrap();
    let roots = EndorsementRoots::from_pem(&bundle("MIRROR.tpm-ca-certificates.pem")).unwrap();
    let bundle = bundle("MIRROR.tpm-intermediate-ca-certificates.pem");
    let ders = certificates_from_pem(&bundle).unwrap();
    let intermediates: Vec<_> = ders
        .iter()
        .enumerate()
        .map(|(index, der)| Certificate::parse(Which::Intermediate(index), der).unwrap())
        .collect();
    assert!(roots.len() > 20 && intermediates.len() > 100);
    for certificate in &intermediates {
        let outcome = Search::new(&roots, &intermediates, &NO_LISTS, NOW).path_of(certificate);
        assert!(outcome.is_ok(), "{}: {}", certificate.subject(), outcome.unwrap_err());
    }
}

/// A file with one certificate, in PEM or in DER.
fn one(path: &Path) -> Vec<u8> {
    let bytes = read(path);
    match std::str::from_utf8(&bytes) {
        Ok(text) => certificates_from_pem(text).unwrap().remove(0),
        Err(_) => bytes,
    }
}

#[test]
fn certificates_of_googles_virtual_tpms_hold() {
    let Some(dir) = vectors() else { return };
    let dir = dir.join("google+go-tpm-tools");
    let ca = |name: &str| one(&dir.join("server/ca-certs").join(name));
    let clouds = [ca("tpm_ek_root_1.cer"), ca("gcp_ek_ak_ca_root.crt")];
    let more = [
        ca("tpm_ek_intermediate_2.crt"),
        ca("tpm_ek_intermediate_3.crt"),
        ca("gcp_ek_ak_ca_intermediate_v3.crt"),
    ];
    let clouds = EndorsementRoots::clouds_from_der(clouds.iter().map(Vec::as_slice)).unwrap();
    let roots = EndorsementRoots::from_pem(LOCAL_ROOT).unwrap().and(clouds).unwrap();
    let more: Vec<&[u8]> = more.iter().map(Vec::as_slice).collect();
    let check = |name: &str, root: &str, model: Option<&str>| {
        let der = one(&dir.join(format!("internal/test/certificates/{name}_cert.pem")));
        let certificate = Certificate::parse(LEAF, &der).unwrap();
        let at = certificate.not_before();
        let found = verify_chain(&der, &more, &roots, &NO_LISTS, at, &certified(&certificate)).unwrap();
        assert_eq!(found.tier, TrustTier::Cloud, "{name}");
        assert!(found.root.contains(root), "{name}: {}", found.root);
        assert_eq!(found.device.and_then(|device| device.model).as_deref(), model, "{name}");
    };
    check("pca_tpm_ecc_enc", "EK/AK CA Root", None);
    check("pca_tpm_rsa_enc", "EK/AK CA Root", None);
    check("uca_tpm_ecc_enc", "tpm_ek_v1_cloud_host_root", Some("vTPM"));
    check("uca_tpm_rsa_enc", "tpm_ek_v1_cloud_host_root", Some("vTPM"));
    // The same authority certifies attestation keys, which are for signing.
    let refused = |name: &str| {
        let der = one(&dir.join(format!("internal/test/certificates/{name}_cert.pem")));
        let certificate = Certificate::parse(LEAF, &der).unwrap();
        let at = certificate.not_before();
        verify_chain(&der, &more, &roots, &NO_LISTS, at, &certified(&certificate)).unwrap_err()
    };
    assert_eq!(refused("pca_tpm_ecc_sign"), EndorsementError::NotForEncryption);
    assert_eq!(refused("uca_tpm_rsa_sign"), EndorsementError::NotForEncryption);
}

/// A laptop's own certificate, and the maker's bundle.
#[test]
fn a_laptops_certificate_holds() {
    let Some(dir) = vectors() else { return };
    let der = one(&dir.join("immune-gmbh+guard-oss/apisrv/pkg/check/tpm_test.go.extracted/ek0.pem"));
    let text =
        |name: &str| String::from_utf8(read(&dir.join("loicsikidi+tpm-ca-certificates").join(name))).unwrap();
    let roots = EndorsementRoots::from_pem(&text("MIRROR.tpm-ca-certificates.pem")).unwrap();
    let certificate = Certificate::parse(LEAF, &der).unwrap();
    let more = certificates_from_pem(&text("MIRROR.tpm-intermediate-ca-certificates.pem")).unwrap();
    let of_the_maker = |der: &&Vec<u8>| {
        let found = Certificate::parse(INTERMEDIATE, der).unwrap();
        found.subject().to_string().contains("STM TPM EK Intermediate")
    };
    let more: Vec<&[u8]> = more.iter().filter(of_the_maker).map(Vec::as_slice).collect();
    let found = verify_chain(&der, &more, &roots, &NO_LISTS, NOW, &certified(&certificate)).unwrap();
    assert_eq!(found.tier, TrustTier::Manufacturer);
    assert_eq!(found.issuer, "CN=STM TPM EK Intermediate CA 06,O=STMicroelectronics NV,C=CH");
    assert_eq!(found.device.unwrap().model.as_deref(), Some("ST33HTPHAHD8"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    /// Whatever is done to real certificates, they are read or refused.
    #[test]
    fn mutated_certificates_are_read_or_refused(
        which in 0_usize..4,
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..5),
        cut in proptest::option::of(any::<prop::sample::Index>()),
    ) {
        let mut der = [EK_RSA, EK_P384, PSS_EK, PSS_INTERMEDIATE].into_iter().nth(which).unwrap().to_vec();
        for (at, to) in edits {
            let at = at.index(der.len());
            der[at] = to;
        }
        if let Some(cut) = cut {
            der.truncate(cut.index(der.len()));
        }
        if let Ok(certificate) = Certificate::parse(LEAF, &der) {
            let _ = certificate.check_as_endorsement(NOW);
            let _ = certificate.check_as_authority(NOW, 0);
            let _ = certificate.public_key();
            let _ = Search::new(&EndorsementRoots::default(), std::slice::from_ref(&certificate), &NO_LISTS, NOW)
                .path_of(&certificate);
            let _ = certificate.signed_by(&certificate);
        }
    }
}
