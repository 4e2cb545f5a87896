//! Certificates and signatures.

use std::hint::black_box;

use evidence::digest::HashAlg;
use evidence::pkcs7::{SignedData, SignerInfo};
use evidence::x509::Certificate;

use super::{CONSTANT, Inputs, Row};
use crate::samples::of_folder;

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row {
            name: "certificate",
            module: "x509",
            fuzz: "x509",
            real: || of_signing(".der"),
            hostile: &[
                ("a name of zeros", |size| certificate(&[&tlv(0x31, &attribute(&vec![0; size]))])),
                ("a name of many parts", |size| certificate(&vec![&[0x31, 0][..]; size / 2])),
                ("nested indefinite lengths", |size| [0x30, 0x80].repeat(size / 2)),
            ],
            scale: 4 << 10,
            read: read_certificate,
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "signed data",
            module: "pkcs7",
            fuzz: "pkcs7",
            real: || of_signing(".p7"),
            hostile: &[
                ("many certificates", |size| signed(&[], &certificate(&[]).repeat(size / 64), &[])),
                ("many signers", |size| signed(&[], &[], &signer().repeat(size / 32))),
                ("content in pieces", |size| signed(&tlv(0x24, &[4, 1, 7].repeat(size / 3)), &[], &[])),
            ],
            scale: 4 << 10,
            read: read_signed,
            multiple: 4,
            constant: CONSTANT,
        },
    ]
}

fn of_signing(suffix: &str) -> Inputs {
    of_folder("tests/vectors/signing", suffix)
}

fn read_certificate(bytes: &[u8]) {
    let Ok((certificate, _)) = Certificate::parse_prefix(bytes) else { return };
    let _digests =
        black_box((certificate.sha256(), certificate.spki_sha256(), certificate.tbs_hash(HashAlg::Sha512)));
    let _names = black_box((certificate.subject().to_string(), certificate.issuer().to_string()));
    let _common = black_box((certificate.subject().common_name(), certificate.is_self_issued()));
    let _serial = black_box((certificate.serial_hex(), certificate.signature_algorithm().to_string()));
    let _times = black_box((certificate.not_before(), certificate.not_after()));
    let _key = black_box((certificate.public_key().name(), certificate.public_key().bits()));
    let _ids = black_box((certificate.subject_key_id(), certificate.authority_key_id()));
    let _usage = black_box((certificate.is_ca(), certificate.key_usage()));
    let _purposes =
        black_box(certificate.extended_key_usages().map(|oid| oid.to_string().len()).sum::<usize>());
}

fn read_signed(bytes: &[u8]) {
    let Ok((signed, _)) = SignedData::parse_prefix(bytes) else { return };
    let _content = black_box(signed.content_octets());
    for certificate in signed.certificates().map_while(Result::ok) {
        read_certificate(certificate.der());
    }
    let _algorithms = black_box(signed.digest_algorithms().count());
    signed.signers().map_while(Result::ok).for_each(|signer| read_signer(&signer));
}

fn read_signer(signer: &SignerInfo<'_>) {
    let _digest = black_box((signer.message_digest(), signer.content_type(), signer.signing_time()));
    let _stamped = black_box(signer.countersignature_time());
    let _nested = black_box(signer.nested_signatures().count());
}

fn tlv(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = u32::try_from(content.len()).unwrap().to_be_bytes();
    [&[tag, 0x84], length.as_slice(), content].concat()
}

fn attribute(text: &[u8]) -> Vec<u8> {
    tlv(0x30, &[&[6, 3, 0x55, 4, 3], tlv(0x0c, text).as_slice()].concat())
}

fn certificate(relatives: &[&[u8]]) -> Vec<u8> {
    let (algorithm, name) = ([0x30, 3, 6, 1, 0x2a], tlv(0x30, &relatives.concat()));
    let key = [&[0x30, 9][..], &algorithm, &[3, 2, 0, 0]].concat();
    let tbs = [&[2, 1, 1][..], &algorithm, &name, &[0x30, 0], &name, &key].concat();
    tlv(0x30, &[tlv(0x30, &tbs).as_slice(), &algorithm, &[3, 2, 0, 0]].concat())
}

fn signer() -> Vec<u8> {
    let algorithm = [0x30, 3, 6, 1, 0x2a];
    tlv(0x30, &[&[2, 1, 1, 0x80, 1, 7][..], &algorithm, &algorithm, &[4, 1, 0]].concat())
}

fn signed(content: &[u8], certificates: &[u8], signers: &[u8]) -> Vec<u8> {
    let encapsulated = tlv(0x30, &[&[6, 1, 0x2a], tlv(0xa0, content).as_slice()].concat());
    let parts = [vec![2, 1, 1, 0x31, 0], encapsulated, tlv(0xa0, certificates), tlv(0x31, signers)].concat();
    tlv(0x30, &parts)
}
