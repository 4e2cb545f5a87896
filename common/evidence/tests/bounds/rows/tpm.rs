//! TPM structures: none is longer than a few KiB, so what is hostile about them is what they claim.

use std::hint::black_box;

use evidence::tpm::{
    Attest, CreationData, CreationTicket, NvPublic, Public, Signature, certificate_from_nv, parse_pcr_file,
    parse_pcr_selection,
};

use super::{CONSTANT, Inputs, Row};
use crate::samples::{file, of_boots};

pub(super) fn rows() -> [Row; 6] {
    let [attest, signature, public, nv] = signed();
    let [creation, pcrs] = beside();
    [attest, signature, public, nv, creation, pcrs]
}

/// Attestations, signatures, keys, selections and certificates.
fn signed() -> [Row; 4] {
    [
        Row {
            name: "TPMS_ATTEST",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || {
                let others =
                    ["certify.msg", "creation.msg", "nv.msg", "time.msg", "session.msg", "command.msg"];
                [both(["quote_rsa.msg", "quote_ecc.msg"]), others.into_iter().flat_map(of_boots).collect()]
                    .concat()
            },
            hostile: &[("more than any TPM says", zeros)],
            scale: 1 << 10,
            read: |bytes| {
                if let Ok(attest) = Attest::parse(bytes) {
                    let _again = black_box(attest.fields().encode());
                }
            },
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "TPMT_SIGNATURE",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || both(["quote_rsa.sig", "quote_ecc.sig"]),
            hostile: &[("more than any TPM says", zeros)],
            scale: 1 << 10,
            read: |bytes| {
                if let Ok(signature) = Signature::parse(bytes) {
                    let _again = black_box(signature.encode());
                }
            },
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "TPM2B_PUBLIC",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || both(["ak_rsa.tpm2b", "ak_ecc.tpm2b"]),
            hostile: &[("more than any TPM says", zeros)],
            scale: 1 << 10,
            read: |bytes| {
                for public in [Public::parse_tpm2b(bytes), Public::parse(bytes)].into_iter().flatten() {
                    let _name = black_box(public.name());
                }
            },
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "selections and certificates from NV",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || vec![file("common/appraisal/tests/data/ek/ek-rsa2048.crt")],
            hostile: &[("selections", |size| [&[0, 0, 0, 16][..], &[0, 0x0b, 0].repeat(size / 3)].concat())],
            scale: 1 << 10,
            read: |bytes| {
                let _selection = black_box(parse_pcr_selection(bytes));
                let _certificate = black_box(certificate_from_nv(bytes));
            },
            multiple: 4,
            constant: CONSTANT,
        },
    ]
}

/// What is compared with an attestation.
fn beside() -> [Row; 2] {
    [
        Row {
            name: "creation data and NV public areas",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || both(["creation.data", "nv.public"]),
            hostile: &[("more than any TPM says", zeros)],
            scale: 1 << 8,
            read: |bytes| {
                let _data = black_box((CreationData::parse(bytes), CreationData::parse_tpm2b(bytes)));
                let _public = black_box((NvPublic::parse(bytes), NvPublic::parse_tpm2b(bytes)));
                let _ticket = black_box(CreationTicket::parse(bytes));
            },
            multiple: 4,
            constant: CONSTANT,
        },
        Row {
            name: "PCR files",
            module: "tpm",
            fuzz: "pcr_files",
            real: || both(["quote_rsa.pcrs", "quote_ecc.pcrs"]),
            hostile: &[("lists without digests", lists)],
            scale: 8 << 10,
            read: |bytes| {
                for selection in ["sha256:0", "sha1:0,1,2,3,4,5,6,7+sha256:0,1,2,3,4,5,6,7,8,9,10,11"] {
                    let selection = selection.parse().unwrap();
                    let _values = black_box(parse_pcr_file(bytes, &selection));
                }
            },
            multiple: 4,
            constant: CONSTANT,
        },
    ]
}

fn both(names: [&str; 2]) -> Inputs {
    names.into_iter().flat_map(of_boots).collect()
}

fn zeros(size: usize) -> Vec<u8> {
    vec![0; size]
}

/// The head of a file of no bank, and as many lists as fit.
fn lists(size: usize) -> Vec<u8> {
    let count = size / 532;
    let mut bytes = vec![0; 136 + count * 532];
    bytes[132..136].copy_from_slice(&u32::try_from(count).unwrap().to_le_bytes());
    bytes
}
