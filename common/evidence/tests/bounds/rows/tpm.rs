//! TPM structures: none is longer than a few KiB, so what is hostile about them is what they claim.

use std::hint::black_box;

use evidence::tpm::{Attest, Public, Signature, certificate_from_nv, parse_pcr_selection};

use super::{CONSTANT, Inputs, Row};
use crate::samples::{file, of_boots};

pub(super) fn rows() -> [Row; 4] {
    [
        Row {
            name: "TPMS_ATTEST",
            module: "tpm",
            fuzz: "tpm_structures",
            real: || both(["quote_rsa.msg", "quote_ecc.msg"]),
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

fn both(names: [&str; 2]) -> Inputs {
    names.into_iter().flat_map(of_boots).collect()
}

fn zeros(size: usize) -> Vec<u8> {
    vec![0; size]
}
