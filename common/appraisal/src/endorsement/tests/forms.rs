//! The forms in which certificates are handed on.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

const EK: &[u8] = include_bytes!("../../../tests/data/ek/ek-rsa2048.crt");
const PEM: &str = include_str!("../../../tests/data/ek/issuercert.pem");

fn check(bytes: &[u8], form: Form, expected: &[&[u8]]) {
    let (found, ders) = certificates_in(bytes).unwrap();
    assert_eq!((found, ders.iter().map(Vec::as_slice).collect::<Vec<_>>()), (form, expected.to_vec()));
}

#[test]
fn every_form_gives_the_same_certificate() {
    let (base64, url) = (STANDARD.encode(EK), URL_SAFE_NO_PAD.encode(EK));
    check(EK, Form::Der, &[EK]);
    check(&[EK, &[0xff; 500]].concat(), Form::Nv, &[EK]);
    check(&[EK, &[0; 3], EK].concat(), Form::Nv, &[EK, EK]);
    check(base64.as_bytes(), Form::Base64, &[EK]);
    check(format!("{url}\n").as_bytes(), Form::Base64, &[EK]);
    check(STANDARD.encode([EK, &[0xff; 90]].concat()).as_bytes(), Form::Base64, &[EK]);
    let size = u16::try_from(EK.len()).unwrap().to_be_bytes();
    check(&[&[0, 0, 0, 0, 0, 1], &size[..], EK].concat(), Form::Secboot, &[EK]);
    check(&[&size[..], EK, &[0; 4]].concat(), Form::Secboot, &[EK]);
    check(&[&size[..], EK].concat(), Form::Nv, &[EK]);
}

#[test]
fn pem_is_read_however_it_is_broken_into_lines() {
    let base64 = STANDARD.encode(EK);
    for label in ["CERTIFICATE", "X509 CERTIFICATE", "TRUSTED CERTIFICATE"] {
        let pem =
            |body: &str| format!("words\n-----BEGIN {label}-----\n{body}\n-----END {label}-----\nwords");
        check(pem(&base64).as_bytes(), Form::Pem, &[EK]);
        let (one, two) = base64.split_at(77);
        check(pem(&format!("{one}\r\n {two}")).as_bytes(), Form::Pem, &[EK]);
        check(pem(&format!("Proc-Type: 4\nX: y\n\n{base64}")).as_bytes(), Form::Pem, &[EK]);
    }
    let trusted = STANDARD.encode([EK, &[0x30, 0]].concat());
    let text = format!("-----BEGIN TRUSTED CERTIFICATE-----\n{trusted}\n-----END TRUSTED CERTIFICATE-----");
    check(text.as_bytes(), Form::Pem, &[EK]);
    let mixed = format!("-----BEGIN X509 CRL-----\nAA==\n-----END X509 CRL-----\n{PEM}");
    assert_eq!(certificates_in(mixed.as_bytes()).unwrap().1.len(), 1);
    assert_eq!(revocation_lists_in(mixed.as_bytes()), Err(EndorsementError::Pem { index: 0 }));
    let list = mixed.replace("AA==", "MAA=");
    assert_eq!(revocation_lists_in(list.as_bytes()), Ok(vec![vec![0x30, 0]]));
    assert_eq!(revocation_lists_in(&[0x30, 0]), Ok(vec![vec![0x30, 0]]));
}

#[test]
fn what_holds_no_certificate_is_refused() {
    for bytes in [
        &b""[..],
        b"\0\0\0\0",
        b"words",
        b"{}",
        &[0xff; 900],
        &EK[..500],
        b"-----BEGIN X-----\n-----END X-----",
    ] {
        let none = Err(EndorsementError::NoCertificate { size: bytes.len() });
        assert_eq!(certificates_in(bytes), none, "{bytes:.40?}");
    }
    let cut = &PEM[..PEM.len() - 40];
    assert_eq!(certificates_in(cut.as_bytes()), Err(EndorsementError::Pem { index: 0 }));
}
