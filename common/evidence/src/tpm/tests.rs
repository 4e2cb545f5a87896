//! Real structures, the laws of reading and writing, and bytes that nobody should accept.

use proptest::prelude::*;

mod attested;

use super::*;
use crate::digest::HashAlg;
use crate::limits;
use crate::pcr::{PcrMask, PcrSelection};

/// The attestation key, a quote and its signature of a measured boot (OVMF, swtpm 0.7, tpm2-tools 5.4).
const AK_TPM2B: &str = "00580023000b00050072000000100018000b00030010002092cbb00c25d6dedb1045782d0c4e864485853a7840fd73f2ed5a4487be7c7b0f00202d33c3ca40c9866048f5193d08670595fb9943237019f2fa80670fec128ca92a";
const AK_NAME: &str = "000bc0952d2f19f41057c282d2539300055bff2208eb6842093ed7b436bc54e34e6e";
const QUOTE: &str = "ff54434780180022000b4f881c2dc0beb755a7af924e1690e79037148d0b47911fab5a59c815da182a2f002000112233445566778899aabbccddeeff00112233445566778899aabbccddeeff0000000000005d7d000000020000000001201910230016363600000001000b03ffffff0020b1e4a9f31ce9272aa1ff044dfab8541c59e143218ba7ca4bfe20b9e72ef50f1b";
const SIGNATURE: &str = "0018000b0020288a2ccaf58be23e50d0d129d2a9e10b4d994f0bf9084d9bca50a580f84cbb8600202517bcd9f7185bd478188eaa52e302045c20abf4864377aa5b58aff39fb83d09";

/// Names of the templates, computed apart from this code.
const EK_RSA_2048: &str = "000b32503929a1287eedaa3e89d932f9b51a6f92abd0fa57721ffa6fc041e04f7498";
const EK_ECC_P256: &str = "000b0f1277a2f3f382e7f75db466fac234182a8d62f97dfbaae7b06fdf52bda51467";
const EK_ECC_P384: &str =
    "000c399513d745c4c1155f3a3339d1c34b973052c18af1b15dad0d0111bfc21fbd8b2b4a790136a2f284dcc9ced84469a0f8";
const EK_RSA_2048_HIGH: &str = "000b712ae25edaa6aa498878645d96125d62b2e7d4f7cb69fd55763f1cbcff32239b";
const EK_ECC_P256_HIGH: &str = "000b61a6907c8e905a6c135ed295657dc69524643d14caf30989f399dee685fa2d59";
const EK_RSA_3072: &str =
    "000c097d81ebd9f047f5be9924ed7c7406151a62b27de0a161f804bb318960634a703c884b8b1b9234facc9edf26145f178f";
const AK_RSA_2048: &str = "000b6cb5284d3e55fbf1ba82e683294e1c319320bc7e6897a60b90f1497d09d55033";
const AK_ECC_P256: &str = "000bde15b4e9ae0e65b0a921a2b997aebf6ae6aab464e4d07720ab16e2663c741e58";
const SRK_ECC_P256: &str = "000b9430f5e63490113d4ed813e7afe4e3012af75fd74076f3c6efdd392701fa7204";

fn bytes(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}

#[test]
fn a_real_attestation_key_reads_and_has_its_name() {
    let public = Public::parse_tpm2b(&bytes(AK_TPM2B)).unwrap();
    assert_eq!(public.name().to_string(), AK_NAME);
    assert_eq!(KeyName::parse(&bytes(AK_NAME)), Ok(public.name()));
    assert_eq!(public.name().to_bytes(), bytes(AK_NAME));
    assert!(public.attributes().contains(ObjectAttributes::ATTESTATION_KEY));
    assert_eq!(
        public.attributes().to_string(),
        "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|restricted|sign"
    );
    let Key::Ecc(key) = public.key() else { panic!("not an ECC key") };
    assert_eq!((key.curve, key.scheme), (Curve::NistP256, Scheme::Ecdsa(HashAlg::Sha256)));
    assert_eq!((key.symmetric, key.kdf), (Symmetric::Null, KdfScheme::Null));
    assert_eq!(public.to_tpm2b().unwrap(), bytes(AK_TPM2B));
    assert_eq!(public.area().encode().unwrap(), public.raw());
}

#[test]
fn a_real_quote_reads_and_writes_back() {
    let attest = Attest::parse(&bytes(QUOTE)).unwrap();
    let fields = attest.fields();
    assert_eq!(hex::encode(&fields.extra_data), "00112233445566778899aabbccddeeff".repeat(2));
    let clock = ClockInfo { clock_ms: 23_933, reset_count: 2, restart_count: 0, safety: ClockSafety::Safe };
    assert_eq!(fields.clock, clock);
    assert_eq!(fields.firmware_version, 0x2019_1023_0016_3636);
    let quote = attest.quote().unwrap();
    let all = PcrSelection::of_bank(HashAlg::Sha256, PcrMask::new(0x00ff_ffff).unwrap());
    assert_eq!(quote.selection, all);
    assert_eq!(quote.pcr_digest.len(), 32);
    assert_eq!(fields.encode().unwrap(), attest.raw());
    let signature = Signature::parse(&bytes(SIGNATURE)).unwrap();
    assert_eq!(signature.hash(), HashAlg::Sha256);
    assert_eq!(signature.encode().unwrap(), bytes(SIGNATURE));
}

/// Every field of the real structures, when cut short or followed by a byte, is refused with the place.
#[test]
fn truncated_and_trailing_bytes_are_refused() {
    fn check<T: std::fmt::Debug>(good: &str, parse: impl Fn(&[u8]) -> Result<T, TpmError>) {
        let mut good = bytes(good);
        for cut in 0..good.len() {
            let error = parse(&good[..cut]).unwrap_err();
            let TpmError::Truncated(at) = error else { panic!("{cut}: {error}") };
            assert!(at.offset <= cut && at.needed > at.left, "{cut}: {error}");
        }
        let offset = good.len();
        good.push(0);
        assert_eq!(parse(&good).unwrap_err(), TpmError::Trailing { offset, left: 1 });
    }
    check(AK_TPM2B, Public::parse_tpm2b);
    check(&AK_TPM2B[4..], Public::parse);
    check(QUOTE, Attest::parse);
    check(SIGNATURE, Signature::parse);
    check(AK_NAME, KeyName::parse);
    check("00000001000b03ffffff", parse_pcr_selection);
}

#[test]
fn what_the_tpm_did_not_make_is_no_attestation() {
    let mut quote = bytes(QUOTE);
    quote[0] = 0xfe;
    let found = 0xfe54_4347;
    assert_eq!(
        Attest::parse(&quote).unwrap_err(),
        TpmError::Value { offset: 0, what: "TPM_GENERATED_VALUE", found }
    );
}

#[test]
fn an_unknown_attested_type_is_carried_and_is_no_quote() {
    let mut bytes = bytes(QUOTE);
    bytes[5] = 0x1b; // reserved
    let attest = Attest::parse(&bytes).unwrap();
    assert_eq!(attest.quote(), None);
    assert_eq!(attest.fields().encode().unwrap(), bytes);
    for tag in [0x8014, 0x8015, 0x8016, 0x8017, 0x8018, 0x8019, 0x801a, 0x801c] {
        let posing = Attested::Other { tag, info: Vec::new() };
        assert!(AttestFields { attested: posing, ..attest.fields().clone() }.encode().is_err(), "{tag:#x}");
    }
}

/// Offsets count from the structure's first byte.
#[test]
fn an_error_names_the_byte() {
    let check = |good: &str, at: usize, to: u8, expected: TpmError| {
        let mut bytes = bytes(good);
        bytes[at] = to;
        let found = if good == QUOTE {
            Attest::parse(&bytes).map(drop)
        } else if good == SIGNATURE {
            Signature::parse(&bytes).map(drop)
        } else {
            Public::parse_tpm2b(&bytes).map(drop)
        };
        assert_eq!(found, Err(expected), "byte {at} set to {to:#x}");
    };
    check(QUOTE, 92, 2, TpmError::Value { offset: 92, what: "TPMI_YES_NO", found: 2 });
    let limit = limits::PCR_SELECTIONS;
    let what = "count of PCR banks";
    check(QUOTE, 104, 17, TpmError::Limit { offset: 101, what, limit, found: 17 });
    check(QUOTE, 106, 99, TpmError::Unknown { offset: 105, what: "hash algorithm", found: 99 });
    check(QUOTE, 107, 5, TpmError::Limit { offset: 107, what: "PCR bitmap", limit: 4, found: 5 });
    check(SIGNATURE, 1, 0x1d, TpmError::Unknown { offset: 0, what: "signature scheme", found: 0x1d });
    check(SIGNATURE, 1, 0x10, TpmError::Unsigned { offset: 0 });
    check(
        SIGNATURE,
        4,
        1,
        TpmError::Truncated(crate::cursor::Truncated { offset: 6, needed: 288, left: 66 }),
    );
}

/// Offsets are those of the `TPM2B`, not of what is in it.
#[test]
fn an_error_within_a_tpm2b_names_the_byte() {
    let mut area = bytes(AK_TPM2B);
    area[5] = 0x99;
    let what = "hash algorithm";
    assert_eq!(Public::parse_tpm2b(&area), Err(TpmError::Unknown { offset: 4, what, found: 0x99 }));
}

#[test]
fn a_bank_that_selects_nothing_is_kept_and_a_double_one_is_refused() {
    let empty = parse_pcr_selection(&bytes("0000000200040300000000 0b03010000".replace(' ', "").as_str()));
    let empty = empty.unwrap();
    assert_eq!(empty.to_string(), "sha1:none+sha256:0");
    assert_eq!(hex::encode(write_pcr_selection(&empty)), "00000002000403000000000b03010000");
    let double = parse_pcr_selection(&bytes("00000002000403010000000403020000"));
    let error = crate::pcr::PcrError::DuplicateBank { bank: HashAlg::Sha1 };
    assert_eq!(double, Err(TpmError::Selection { offset: 0, error }));
}

#[test]
fn a_bitmap_of_another_width_names_the_same_registers() {
    let narrow = parse_pcr_selection(&bytes("00000001000b0181")).unwrap();
    let wide = parse_pcr_selection(&bytes("00000001000b0481000000")).unwrap();
    assert_eq!((narrow.to_string(), narrow == wide), ("sha256:0,7".into(), true));
    let error = crate::pcr::PcrError::Index { index: 24 };
    assert_eq!(
        parse_pcr_selection(&bytes("00000001000b0481000001")),
        Err(TpmError::Selection { offset: 6, error })
    );
}

#[test]
fn every_template_is_a_public_area_that_reads_back() {
    let check = |template: Template, size: usize, name: &str| {
        let public = Public::new(&template.area()).unwrap();
        assert_eq!(*public.area(), template.area());
        assert_eq!((public.raw().len(), public.name().to_string().as_str()), (size, name), "{template:?}");
    };
    // The sizes follow from TCG EK Credential Profile 2.5 §B; the names pin every bit.
    check(Template::EkRsa2048, 314, EK_RSA_2048);
    check(Template::EkEccP256, 122, EK_ECC_P256);
    check(Template::EkEccP384, 74, EK_ECC_P384);
    check(Template::EkRsa2048High, 58, EK_RSA_2048_HIGH);
    check(Template::EkEccP256High, 58, EK_ECC_P256_HIGH);
    check(Template::EkRsa3072, 74, EK_RSA_3072);
    check(Template::AkRsa2048, 24, AK_RSA_2048);
    check(Template::AkEccP256, 24, AK_ECC_P256);
    check(Template::SrkEccP256, 90, SRK_ECC_P256);
}

#[test]
fn a_key_tells_the_template_that_it_was_made_from() {
    for template in Template::ENDORSEMENT_KEYS {
        let mut area = template.area();
        match &mut area.key {
            Key::Rsa(key) => key.modulus = vec![0xc1; usize::from(key.bits / 8)],
            Key::Ecc(key) => (key.x, key.y) = (vec![1; 48], vec![2; 48]),
            Key::Opaque { .. } => panic!("no key"),
        }
        let made = Public::new(&area).unwrap();
        assert_eq!(Template::of_endorsement_key(&made), Some(template));
        assert!(made.attributes().contains(ObjectAttributes::ENDORSEMENT_KEY));
        area.attributes = area.attributes | ObjectAttributes::NO_DA;
        assert_eq!(Template::of_endorsement_key(&Public::new(&area).unwrap()), None);
    }
    let ak = Public::new(&Template::AkEccP256.area()).unwrap();
    assert_eq!(Template::of_endorsement_key(&ak), None);
}

#[test]
fn nv_certificates_lose_header_and_padding() {
    let der = [0x30, 0x82, 0x01, 0x00].into_iter().chain(std::iter::repeat_n(7, 256)).collect::<Vec<_>>();
    let padded = |pad: u8| der.iter().copied().chain([pad; 300]).collect::<Vec<u8>>();
    assert_eq!(certificate_from_nv(&der), Ok(der.as_slice()));
    assert_eq!(certificate_from_nv(&padded(0xff)), Ok(der.as_slice()));
    assert_eq!(certificate_from_nv(&padded(0x00)), Ok(der.as_slice()));
    let full = [[0x10, 0x01, 0x00, 0x01, 0x06, 0x10, 0x02].as_slice(), &padded(0)].concat();
    assert_eq!(certificate_from_nv(&full), Ok(der.as_slice()), "with TCG_PCCLIENT_STORED_CERT");
    for bad in [&[][..], &[0; 64], &[0xff; 64], &[0x30, 0], &der[..100], &full[..100], &full[..5]] {
        assert_eq!(certificate_from_nv(bad), Err(TpmError::NoCertificate { size: bad.len() }));
    }
    let huge = vec![0x30; limits::NV_CERTIFICATE_BYTES + 1];
    assert!(matches!(certificate_from_nv(&huge), Err(TpmError::Limit { .. })));
}

#[test]
fn a_credential_file_reads_back() {
    let blob = CredentialBlob {
        id_object: IdObject { integrity_hmac: vec![1; 32], encrypted_identity: vec![2; 34] },
        secret: EncryptedSecret::from_point(&[3; 32], &[4; 32]).unwrap(),
    };
    let file = blob.to_file().unwrap();
    assert_eq!(CredentialBlob::parse_file(&file), Ok(blob.clone()));
    assert_eq!(blob.secret.point().unwrap(), ([3; 32].as_slice(), [4; 32].as_slice()));
    assert_eq!(IdObject::parse_tpm2b(&blob.id_object.to_tpm2b().unwrap()), Ok(blob.id_object));
    assert_eq!(EncryptedSecret::parse_tpm2b(&blob.secret.to_tpm2b().unwrap()), Ok(blob.secret));
    let mut other = file;
    other[7] = 2;
    let what = "credential file's version";
    assert_eq!(CredentialBlob::parse_file(&other), Err(TpmError::Value { offset: 4, what, found: 2 }));
}

#[test]
fn what_cannot_be_read_cannot_be_written() {
    let signature = Signature::RsaSsa { hash: HashAlg::Sha256, signature: vec![0; 513] };
    assert!(matches!(signature.encode(), Err(TpmError::Limit { found: 513, .. })));
    assert!(matches!(EncryptedSecret::new(&[0; 513]), Err(TpmError::Limit { found: 513, .. })));
    let posing = Key::Opaque { object_type: 0x0001, rest: Vec::new() };
    let area = PublicArea { key: posing, ..Template::AkEccP256.area() };
    assert!(area.encode().is_err());
}

/// Whatever reads must write the same bytes, apart from a bitmap's width.
fn read_everything(input: &[u8]) {
    if let Ok(public) = Public::parse(input) {
        assert_eq!(public.area().encode().unwrap(), input);
        assert_eq!(Public::parse_tpm2b(&public.to_tpm2b().unwrap()), Ok(public));
    }
    if let Ok(attest) = Attest::parse(input) {
        let again = Attest::new(attest.fields()).unwrap();
        assert_eq!(again.fields(), attest.fields());
    }
    if let Ok(signature) = Signature::parse(input) {
        assert_eq!(signature.encode().unwrap(), input);
    }
    if let Ok(selection) = parse_pcr_selection(input) {
        assert_eq!(parse_pcr_selection(&write_pcr_selection(&selection)), Ok(selection));
    }
    if let Ok(name) = KeyName::parse(input) {
        assert_eq!(name.to_bytes(), input);
    }
    if let Ok(blob) = CredentialBlob::parse_file(input) {
        assert_eq!(blob.to_file().unwrap(), input);
        let _ = blob.secret.point();
    }
    if let Ok(data) = CreationData::parse(input) {
        let again = CreationData::parse(&data.fields().encode().unwrap()).unwrap();
        assert_eq!(again.fields(), data.fields());
    }
    if let Ok(public) = NvPublic::parse(input) {
        assert_eq!(public.area().encode().unwrap(), input);
    }
    let _ = (CreationData::parse_tpm2b(input), NvPublic::parse_tpm2b(input), CreationTicket::parse(input));
    if let Ok(der) = certificate_from_nv(input) {
        assert!(input.windows(der.len()).any(|window| window == der));
    }
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds =
        vec![bytes(AK_TPM2B), bytes(&AK_TPM2B[4..]), bytes(QUOTE), bytes(SIGNATURE), bytes(AK_NAME)];
    for template in [Template::EkRsa2048, Template::EkEccP384, Template::AkRsa2048, Template::SrkEccP256] {
        seeds.push(template.area().encode().unwrap());
    }
    let blob = CredentialBlob {
        id_object: IdObject { integrity_hmac: vec![1; 32], encrypted_identity: vec![2; 34] },
        secret: EncryptedSecret::from_point(&[3; 32], &[4; 32]).unwrap(),
    };
    seeds.push(blob.to_file().unwrap());
    seeds.push(bytes("00000002000403010000000b0302ff00"));
    seeds.extend(attested::seeds());
    seeds.push(vec![0x10, 0x01, 0x00, 0x00, 0x06, 0x10, 0x02, 0x30, 0x02, 0x05, 0x00, 0xff]);
    seeds
}

/// Each byte of each seed at each interesting value.
#[test]
fn every_single_byte_change_is_read_or_refused() {
    for seed in seeds() {
        for at in 0..seed.len() {
            for to in [0, 1, 3, 4, 5, 0x10, 0x14, 0x17, 0x7f, 0x80, 0x81, 0xff, seed[at] ^ 1, seed[at] ^ 0x80]
            {
                let mut changed = seed.clone();
                changed[at] = to;
                read_everything(&changed);
            }
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_or_refused(input in proptest::collection::vec(any::<u8>(), 0..200)) {
        read_everything(&input);
    }

    #[test]
    fn mutated_seeds_are_read_or_refused(
        which in any::<prop::sample::Index>(),
        edits in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        cut in any::<prop::sample::Index>(),
    ) {
        let seeds = seeds();
        let mut input = which.get(&seeds).clone();
        for (at, to) in edits {
            let at = at.index(input.len());
            input[at] = to;
        }
        read_everything(&input);
        input.truncate(cut.index(input.len()));
        read_everything(&input);
    }

    #[test]
    fn any_quote_that_is_written_reads_back(
        extra_data in proptest::collection::vec(any::<u8>(), 0..=limits::TPM_NAME_BYTES),
        clock_ms in any::<u64>(), reset_count in any::<u32>(), restart_count in any::<u32>(), safe in any::<bool>(),
        masks in proptest::collection::vec(0u32..0x0100_0000, 0..=HashAlg::ALL.len()),
        pcr_digest in proptest::collection::vec(any::<u8>(), 0..=limits::TPM_DIGEST_BYTES),
    ) {
        let safety = if safe { ClockSafety::Safe } else { ClockSafety::MayHaveGoneBack };
        let banks = HashAlg::ALL.into_iter().zip(masks.into_iter().map(|bits| PcrMask::new(bits).unwrap()));
        let selection = PcrSelection::new(banks.collect()).unwrap();
        let fields = AttestFields {
            qualified_signer: bytes(AK_NAME),
            extra_data,
            clock: ClockInfo { clock_ms, reset_count, restart_count, safety },
            firmware_version: clock_ms ^ u64::MAX,
            attested: Attested::Quote(QuoteInfo { selection, pcr_digest }),
        };
        let attest = Attest::new(&fields).unwrap();
        prop_assert_eq!(attest.fields(), &fields);
        prop_assert_eq!(fields.encode().unwrap(), attest.raw());
    }
}
