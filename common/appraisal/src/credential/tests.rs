//! Both halves against each other, and each thing that a TPM would refuse. swtpm is asked in `tests/swtpm.rs`.

use evidence::tpm::{BlockCipher, CipherMode, SymmetricCipher, Template};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;

use super::*;

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// An endorsement key of software, of the template that is given.
fn p256(seed: u64) -> (Public, SoftwareEndorsementKey) {
    let secret = p256::SecretKey::random(&mut rng(seed));
    let point = secret.public_key().to_encoded_point(false);
    let ek = on_curve(Template::EkEccP256, point.x().unwrap(), point.y().unwrap());
    (ek, SoftwareEndorsementKey::P256(secret))
}

fn p384(seed: u64) -> (Public, SoftwareEndorsementKey) {
    let secret = p384::SecretKey::random(&mut rng(seed));
    let point = secret.public_key().to_encoded_point(false);
    let ek = on_curve(Template::EkEccP384, point.x().unwrap(), point.y().unwrap());
    (ek, SoftwareEndorsementKey::P384(secret))
}

/// The profile's template for this curve, made of the one for P-384.
fn p521(seed: u64) -> (Public, SoftwareEndorsementKey) {
    let secret = p521::SecretKey::random(&mut rng(seed));
    let point = secret.public_key().to_encoded_point(false);
    let mut area = Template::EkEccP384.area();
    area.name_alg = HashAlg::Sha512;
    area.auth_policy = vec![0; 64];
    let Key::Ecc(key) = &mut area.key else { panic!("not ECC") };
    key.curve = evidence::tpm::Curve::NistP521;
    (key.x, key.y) = (point.x().unwrap().to_vec(), point.y().unwrap().to_vec());
    (Public::new(&area).unwrap(), SoftwareEndorsementKey::P521(secret))
}

fn rsa_2048() -> (Public, SoftwareEndorsementKey) {
    rsa(Template::EkRsa2048, 2048)
}

fn rsa(template: Template, bits: u16) -> (Public, SoftwareEndorsementKey) {
    use rsa::traits::PublicKeyParts as _;
    let secret = rsa::RsaPrivateKey::new(&mut rng(1), usize::from(bits)).unwrap();
    let mut area = template.area();
    let Key::Rsa(key) = &mut area.key else { panic!("not RSA") };
    key.bits = bits;
    key.modulus = secret.n().to_bytes_be();
    (Public::new(&area).unwrap(), SoftwareEndorsementKey::Rsa(Box::new(secret)))
}

fn on_curve(template: Template, x: &[u8], y: &[u8]) -> Public {
    let mut area = template.area();
    let Key::Ecc(key) = &mut area.key else { panic!("not ECC") };
    (key.x, key.y) = (x.to_vec(), y.to_vec());
    Public::new(&area).unwrap()
}

fn name(template: Template) -> KeyName {
    Public::new(&template.area()).unwrap().name()
}

#[test]
fn what_is_made_for_a_key_and_a_name_opens_with_them_alone() {
    let (mine, other) = (name(Template::AkEccP256), name(Template::AkRsa2048));
    let large = |bits| rsa(Template::EkRsa3072, bits);
    for (ek, private) in [p256(1), p384(1), p521(1), rsa_2048(), large(3072), large(4096)] {
        let blob = make_credential(&ek, &mine, b"a secret", &mut rng(7)).unwrap();
        let opened = activate_credential(&ek, &private, &mine, &blob).unwrap();
        assert_eq!(opened.as_slice(), b"a secret");
        let refused = activate_credential(&ek, &private, &other, &blob);
        assert_eq!(refused.unwrap_err(), CredentialError::Integrity);
    }
}

#[test]
fn another_endorsement_key_opens_nothing() {
    let name = name(Template::AkEccP256);
    let ((ek, _), (another, private)) = (p256(1), p256(2));
    let blob = make_credential(&ek, &name, b"a secret", &mut rng(7)).unwrap();
    let opened = activate_credential(&another, &private, &name, &blob);
    assert_eq!(opened.unwrap_err(), CredentialError::Integrity);
    let swapped = activate_credential(&ek, &private, &name, &blob);
    assert_eq!(swapped.unwrap_err(), CredentialError::WrongPrivateKey);
}

#[test]
fn every_changed_byte_is_noticed() {
    let name = name(Template::AkEccP256);
    for (ek, private) in [p256(3), rsa_2048()] {
        let file = make_credential(&ek, &name, &[5; 32], &mut rng(7)).unwrap().to_file().unwrap();
        for at in 8..file.len() {
            let mut changed = file.clone();
            changed[at] ^= 1;
            let Ok(blob) = CredentialBlob::parse_file(&changed) else { continue };
            assert!(activate_credential(&ek, &private, &name, &blob).is_err(), "byte {at}");
        }
    }
}

#[test]
fn the_randomness_decides_the_seed() {
    let (ek, _) = p256(1);
    let name = name(Template::AkEccP256);
    let make = |seed| make_credential(&ek, &name, b"a secret", &mut rng(seed)).unwrap();
    assert_eq!(make(1), make(1));
    assert_ne!(make(1).secret, make(2).secret);
    assert_ne!(make(1).id_object, make(2).id_object);
}

#[test]
fn what_no_tpm_would_take_is_not_made() {
    let (ek, _) = p256(1);
    let name = name(Template::AkEccP256);
    let make = |ek: &Public, secret: &[u8]| make_credential(ek, &name, secret, &mut rng(1)).unwrap_err();
    assert_eq!(make(&ek, &[1; 33]), CredentialError::Size { limit: 32, found: 33 });
    assert_eq!(make(&ek, &[]), CredentialError::Size { limit: 32, found: 0 });
    let changed = |change: fn(&mut evidence::tpm::PublicArea)| {
        let mut area = ek.area().clone();
        change(&mut area);
        make(&Public::new(&area).unwrap(), b"a secret")
    };
    assert_eq!(changed(|area| area.name_alg = HashAlg::Sha1), CredentialError::Hash(HashAlg::Sha1));
    assert_eq!(
        changed(|area| if let Key::Ecc(key) = &mut area.key {
            key.symmetric = Symmetric::Null;
        }),
        CredentialError::Cipher(Symmetric::Null)
    );
    let cbc =
        Symmetric::Cipher(SymmetricCipher { cipher: BlockCipher::Aes, bits: 128, mode: CipherMode::Cbc });
    assert_eq!(
        changed(|area| {
            if let Key::Ecc(key) = &mut area.key
                && let Symmetric::Cipher(cipher) = &mut key.symmetric
            {
                cipher.mode = CipherMode::Cbc;
            }
        }),
        CredentialError::Cipher(cbc)
    );
    let missing = ObjectAttributes::RESTRICTED;
    assert_eq!(
        changed(|area| area.attributes = ObjectAttributes::from_bits(0x0002_00b2)),
        CredentialError::NotAnEndorsementKey { missing },
        "a key that decrypts anything would open a credential for any name"
    );
    assert_eq!(
        changed(|area| if let Key::Ecc(key) = &mut area.key {
            key.scheme = Scheme::Ecdh(HashAlg::Sha256);
        }),
        CredentialError::Scheme
    );
    // A template is no key yet: the origin is not on the curve.
    let template = Public::new(&Template::EkEccP256.area()).unwrap();
    assert_eq!(make(&template, b"a secret"), CredentialError::EndorsementKey(SignatureError::MalformedKey));
}

#[test]
fn a_secret_longer_than_a_block_comes_back() {
    let (ek, private) = p384(9);
    let name = name(Template::AkEccP256);
    // 48 bytes need four blocks and a part; AES-256 is the cipher of this template.
    let blob = make_credential(&ek, &name, &[0x5a; 48], &mut rng(3)).unwrap();
    assert_eq!(blob.id_object.encrypted_identity.len(), 50);
    let opened = activate_credential(&ek, &private, &name, &blob).unwrap();
    assert_eq!(opened.as_slice(), [0x5a; 48]);
}

/// HMAC-SHA-256 known answer of RFC 4231 §4.3, through the one function that both derivations use.
#[test]
fn hmac_is_hmac() {
    let mac = kdf::hmac(HashAlg::Sha256, b"Jefe", &[b"what do ya want ", b"for nothing?"]).unwrap();
    let expected = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
    assert_eq!(hex::encode(&*mac), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_secret_comes_back(secret in proptest::collection::vec(any::<u8>(), 1..=32), seed in any::<u64>()) {
        let (ek, private) = p256(seed);
        let name = name(Template::AkEccP256);
        let blob = make_credential(&ek, &name, &secret, &mut rng(seed.wrapping_add(1))).unwrap();
        let opened = activate_credential(&ek, &private, &name, &blob).unwrap();
        prop_assert_eq!(opened.as_slice(), secret.as_slice());
    }
}
