use evidence::openpgp::{
    ComponentKind, Form, KeyRing, Packet, PacketError, Packets, Signature, SignatureType, Tag,
};

use crate::oracle::run;

pub(crate) fn own(name: &str) -> Vec<u8> {
    let path = format!("{}/../../tests/vectors/keyrings/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Fingerprint and number of components of each certificate.
fn keys(bytes: &[u8]) -> Vec<(String, usize)> {
    let ring = KeyRing::read(bytes).unwrap();
    let certificates = ring.certificates().map(Result::unwrap);
    certificates
        .map(|certificate| (certificate.primary.fingerprint().to_string(), certificate.components().count()))
        .collect()
}

#[test]
fn three_forms_of_one_ring() {
    let binary = own("ed25519.gpg");
    let expected = [("0B3D16B066D832D51E7FAE4D1B855FC9EA68228D".to_owned(), 3)];
    assert_eq!(keys(&binary), expected);
    assert_eq!(keys(&own("ed25519.asc")), expected);
    let keybox = own("two.kbx");
    assert_eq!(KeyRing::read(&keybox).unwrap().form(), Form::Keybox);
    let of_keybox = keys(&keybox);
    assert_eq!((of_keybox.len(), &of_keybox[0]), (2, &expected[0]));
    assert_eq!(KeyRing::read(&own("ed25519.asc")).unwrap().packets(), binary);
}

#[test]
fn rings_without_keys_and_files_that_are_none() {
    assert_eq!(keys(b""), []);
    for bytes in [&b"deb http://deb.debian.org\n"[..], b"\0\0", b"-----BEGIN CERTIFICATE-----\n"] {
        assert!(KeyRing::read(bytes).is_err(), "{bytes:?}");
    }
}

#[test]
fn cut_at_every_byte_each_form_is_refused_or_says_so() {
    for name in ["all.gpg", "ed25519.asc", "two.kbx"] {
        let bytes = own(name);
        let whole = keys(&bytes).len();
        for length in 1..bytes.len() {
            let Ok(ring) = KeyRing::read(&bytes[..length]) else {
                assert!(length < 40, "{name} cut at {length}");
                continue;
            };
            let certificates: Vec<_> = ring.certificates().collect();
            let complete = ring.damage().is_none() && certificates.iter().all(Result::is_ok);
            let components = certificates.iter().filter_map(|found| found.as_ref().ok()).flat_map(|found| {
                found.components().map(|component| component.signatures().count()).collect::<Vec<_>>()
            });
            let count = components.count();
            // A cut between two packets or blobs leaves a smaller ring, one at the very end armour without its last line's end.
            let on_a_border =
                Packets::new(&bytes, 0).any(|packet| packet.is_ok_and(|packet| packet.offset == length));
            let is_border = match name {
                "all.gpg" => on_a_border,
                "two.kbx" => certificates.len() < whole,
                _ => length == bytes.len() - 1,
            };
            assert!(!complete || is_border, "{name} cut at {length}: {count} components, nothing said");
        }
    }
}

#[test]
fn a_flipped_bit_in_every_byte_is_read_or_refused() {
    for name in ["all.gpg", "ed25519.asc", "two.kbx"] {
        let bytes = own(name);
        let mut read = 0;
        for at in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[at] ^= 1 << (at % 8);
            let Ok(ring) = KeyRing::read(&bytes) else { continue };
            for certificate in ring.certificates().filter_map(Result::ok) {
                read += certificate.primary.fingerprint().as_bytes().len();
                for component in certificate.components() {
                    read += component.signatures().filter_map(Result::ok).count();
                }
            }
        }
        assert!(read > 0);
    }
}

fn packets(bytes: &[u8]) -> Vec<Result<Packet<'_>, PacketError>> {
    Packets::new(bytes, 0).collect()
}

#[test]
fn lengths_of_the_old_and_the_new_format() {
    let body = vec![7; 70_000];
    let check = |header: &[u8], size: usize| {
        let bytes = [header, &body[..size]].concat();
        let found = packets(&bytes);
        assert_eq!(found.len(), 1, "{header:?}");
        let packet = found[0].as_ref().unwrap();
        assert_eq!((packet.tag, packet.body), (Tag::USER_ID, Some(&body[..size])), "{header:?}");
    };
    check(&[0xcd, 191], 191);
    check(&[0xcd, 192, 0], 192);
    check(&[0xcd, 223, 255], 8383);
    check(&[0xcd, 255, 0, 1, 0, 0], 65_536);
    check(&[0xb4, 200], 200);
    check(&[0xb5, 1, 0], 256);
    check(&[0xb6, 0, 1, 0, 1], 65_537);
    check(&[0xb7], 70_000);
}

#[test]
fn bodies_in_parts_are_walked_over() {
    let mut bytes = vec![0xcb, 0xe9];
    bytes.extend([0; 512]);
    bytes.push(0xe0);
    bytes.push(0);
    bytes.push(2);
    bytes.extend([0; 2]);
    bytes.extend([0xcd, 1, b'x']);
    let found: Vec<_> = packets(&bytes).into_iter().map(Result::unwrap).collect();
    assert_eq!((found[0].tag, found[0].body), (Tag(11), None));
    assert_eq!((found[1].tag, found[1].body), (Tag::USER_ID, Some(&b"x"[..])));
    assert!(matches!(
        packets(&[0xcd, 0xe0, 0, 0])[..],
        [Err(PacketError::ShortPart { offset: 0, found: 1 })]
    ));
    let endless = [&[0xcd, 0xe9][..], &[0xe0; 4096]].concat();
    assert!(matches!(packets(&endless)[..], [Err(PacketError::Truncated { offset: 0, .. })]));
}

#[test]
fn hostile_lengths_are_refused_with_their_place() {
    for header in
        [&[0xcd, 255, 0xff, 0xff, 0xff, 0xff][..], &[0xb6, 0xff, 0xff, 0xff, 0xff], &[0xcd, 254], &[0xcd]]
    {
        let bytes = [&[0xcd, 0][..], header].concat();
        let found = packets(&bytes);
        assert_eq!(found.len(), 2, "{header:?}");
        assert!(matches!(found[1], Err(PacketError::Truncated { offset: 2, .. })), "{found:?}");
    }
    assert!(matches!(packets(&[0x7f])[..], [Err(PacketError::Header { offset: 0, found: 0x7f })]));
}

#[test]
fn old_keys_have_old_fingerprints() {
    // Version 3, made at 2000-01-01, valid for ever, RSA with a modulus of 65 bits.
    let body = [&[3, 0x38, 0x6d, 0x43, 0x80, 0, 0, 1][..], &[0, 65, 1, 2, 3, 4, 5, 6, 7, 8, 9], &[0, 5, 17]]
        .concat();
    let bytes = [&[0x99, 0, u8::try_from(body.len()).unwrap()][..], &body].concat();
    let ring = KeyRing::read(&bytes).unwrap();
    let certificate = ring.certificates().next().unwrap().unwrap();
    let key = certificate.primary;
    assert_eq!((key.version, key.bits(), key.valid_days), (3, Some(65), Some(0)));
    // md5 of 01 02 03 04 05 06 07 08 09 11.
    assert_eq!(key.fingerprint().to_string(), MD5_OF_THE_NUMBERS);
    assert_eq!(key.key_id().to_string(), "0203040506070809");
}

const MD5_OF_THE_NUMBERS: &str = "070ACF3A4123104145030FC04147D332";

/// The certificate of RFC 9580, appendix A.3.
const VERSION_6: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----

xioGY4d/4xsAAAAg+U2nu0jWCmHlZ3BqZYfQMxmZu52JGggkLq2EVD34laPCsQYf
GwoAAABCBYJjh3/jAwsJBwUVCg4IDAIWAAKbAwIeCSIhBssYbE8GCaaX5NUt+mxy
KwwfHifBilZwj2Ul7Ce62azJBScJAgcCAAAAAK0oIBA+LX0ifsDm185Ecds2v8lw
gyU2kCcUmKfvBXbAf6rhRYWzuQOwEn7E/aLwIwRaLsdry0+VcallHhSu4RN6HWaE
QsiPlR4zxP/TP7mhfVEe7XWPxtnMUMtf15OyA51YBM4qBmOHf+MZAAAAIIaTJINn
+eUBXbki+PSAld2nhJh/LVmFsS+60WyvXkQ1wpsGGBsKAAAALAWCY4d/4wKbDCIh
BssYbE8GCaaX5NUt+mxyKwwfHifBilZwj2Ul7Ce62azJAAAAAAQBIKbpGG2dWTX8
j+VjFM21J0hqWlEg+bdiojWnKfA5AQpWUWtnNwDEM0g12vYxoWM8Y81W+bHBw805
I8kWVkXU6vFOi+HWvv/ira7ofJu16NnoUkhclkUrk0mXubZvyl4GBg==
-----END PGP PUBLIC KEY BLOCK-----
";

#[test]
fn keys_of_version_6_and_their_salted_signatures() {
    let ring = KeyRing::read(VERSION_6.as_bytes()).unwrap();
    assert_eq!(ring.damage(), None);
    let certificate = ring.certificates().next().unwrap().unwrap();
    let key = certificate.primary;
    let fingerprint = "CB186C4F0609A697E4D52DFA6C722B0C1F1E27C18A56708F6525EC27BAD9ACC9";
    assert_eq!(key.fingerprint().to_string(), fingerprint);
    assert_eq!((key.version, key.key_id().to_string()), (6, "CB186C4F0609A697".to_owned()));
    let components: Vec<_> = certificate.components().collect();
    assert!(matches!(components[1].kind, Ok(ComponentKind::Subkey(subkey)) if subkey.algorithm.0 == 25));
    let direct: Vec<Signature<'_>> = components[0].signatures().map(Result::unwrap).collect();
    assert_eq!(direct[0].signature_type, SignatureType::DIRECT_KEY);
    assert_eq!((direct[0].salt.len(), direct[0].issuers().next()), (32, Some(key.key_id())));
}

#[test]
fn gnupg_lists_the_same_packets() {
    let bytes = own("all.gpg");
    let path = format!("{}/../../tests/vectors/keyrings/all.gpg", env!("CARGO_MANIFEST_DIR"));
    let Some(said) = run("gpg", &["--batch", "--list-packets", &path]) else { return };
    let theirs: Vec<usize> = said
        .lines()
        .filter_map(|line| line.strip_prefix("# off=")?.split(' ').next()?.parse().ok())
        .collect();
    let ours: Vec<usize> = Packets::new(&bytes, 0).map(|packet| packet.unwrap().offset).collect();
    assert_eq!(ours, theirs);
}
