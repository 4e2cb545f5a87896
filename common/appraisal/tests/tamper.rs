//! The tamper matrix of a quote: each single bit of each part, and each part cut or continued, changes the verdict; where it
//! does not, the bit is shown to carry nothing.
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "the quotes of a recorded boot lie in the workspace")
)]

#[cfg(test)]
mod matrix {
    use std::path::Path;

    use evidence::pcr::{PcrMask, PcrSelection, PcrValues};
    use evidence::tpm::{Attest, AttestFields, Attested, KeyName, Public, Signature, parse_pcr_file};
    use lydian_appraisal::attester::AttestationKey;
    use lydian_appraisal::crypto::{SignatureError, verify_signature};
    use lydian_appraisal::quote::{
        Asked, QuoteError, QuoteKey, check_name, check_nonce, check_values, quoted,
    };

    /// A quote with all that belongs to it.
    struct Quote {
        attest: Vec<u8>,
        signature: Vec<u8>,
        public: Vec<u8>,
        name: KeyName,
        nonce: Vec<u8>,
        selection: PcrSelection,
        values: PcrValues,
        pcr_file: Vec<u8>,
    }

    fn read(path: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    impl Quote {
        fn of_boot(key: &str) -> Self {
            let file = |name: String| read(&format!("../../tests/vectors/direct/{name}"));
            let attest = file(format!("quote_{key}.msg"));
            let pcr_file = file(format!("quote_{key}.pcrs"));
            let selection = Attest::parse(&attest).unwrap().quote().unwrap().selection.clone();
            let public = file(format!("ak_{key}.tpm2b"));
            Self {
                signature: file(format!("quote_{key}.sig")),
                name: Public::parse_tpm2b(&public).unwrap().name(),
                nonce: hex::decode(file("nonce.hex".to_owned()).trim_ascii()).unwrap(),
                values: parse_pcr_file(&pcr_file, &selection).unwrap(),
                attest,
                public,
                selection,
                pcr_file,
            }
        }

        fn key(&self) -> QuoteKey {
            let public = Public::parse_tpm2b(&self.public).unwrap();
            QuoteKey::new(&AttestationKey::new(public).unwrap()).unwrap()
        }

        fn asked(&self) -> Asked<'_> {
            Asked { nonce: &self.nonce, selection: &self.selection, values: &self.values }
        }

        fn check(&self) -> Result<Attest, QuoteError> {
            self.key().check(&self.attest, &self.signature, &self.asked())
        }
    }

    fn both() -> [(&'static str, Quote); 2] {
        ["ecc", "rsa"].map(|key| (key, Quote::of_boot(key)))
    }

    /// Every value that differs from `bytes` in one bit.
    fn flips(bytes: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
        (0..bytes.len() * 8).map(|bit| {
            let mut changed = bytes.to_vec();
            changed[bit / 8] ^= 1 << (bit % 8);
            (bit, changed)
        })
    }

    /// Every beginning of `bytes`, and `bytes` with one more.
    fn cuts(bytes: &[u8]) -> impl Iterator<Item = Vec<u8>> {
        let longer = [bytes, &[0]].concat();
        (0..bytes.len()).map(|cut| bytes[..cut].to_vec()).chain([longer])
    }

    #[test]
    fn a_true_quote_passes() {
        for (what, quote) in both() {
            assert!(quote.check().is_ok(), "{what}");
        }
    }

    #[test]
    fn every_bit_of_what_was_signed_counts() {
        for (what, quote) in both() {
            let (key, asked) = (quote.key(), quote.asked());
            let refused = Err(QuoteError::Signature(SignatureError::DoesNotHold));
            for (bit, attest) in flips(&quote.attest) {
                assert_eq!(key.check(&attest, &quote.signature, &asked), refused, "{what}, bit {bit}");
            }
            for attest in cuts(&quote.attest) {
                assert_eq!(key.check(&attest, &quote.signature, &asked), refused, "{what}, {}", attest.len());
            }
        }
    }

    #[test]
    fn every_bit_of_a_signature_counts() {
        for (what, quote) in both() {
            let (key, asked) = (quote.key(), quote.asked());
            for (bit, signature) in flips(&quote.signature) {
                let found = key.check(&quote.attest, &signature, &asked);
                let refused = matches!(
                    found,
                    Err(QuoteError::SignatureMalformed(_)
                        | QuoteError::Signature(
                            SignatureError::DoesNotHold
                                | SignatureError::MalformedSignature
                                | SignatureError::BoundScheme { .. }
                                | SignatureError::SchemeUnsupported(_)
                        ))
                );
                assert!(refused, "{what}, bit {bit}: {found:?}");
            }
            for signature in cuts(&quote.signature) {
                let found = key.check(&quote.attest, &signature, &asked);
                assert!(matches!(found, Err(QuoteError::SignatureMalformed(_))), "{what}: {found:?}");
            }
        }
    }

    /// The same for the other schemes and curves, whose quotes have no values beside them.
    fn of_scheme(name: &str, step: usize) {
        let file = |kind: &str, end: &str| read(&format!("tests/data/{kind}-{name}.{end}"));
        let public = Public::parse_tpm2b(&file("ak", "tpm2b")).unwrap();
        let (message, encoded) = (file("quote", "msg"), file("quote", "sig"));
        let holds = |bytes: &[u8]| {
            Signature::parse(bytes)
                .is_ok_and(|signature| verify_signature(&public, &signature, &message).is_ok())
        };
        assert!(holds(&encoded), "{name}");
        for (bit, changed) in flips(&encoded).step_by(step) {
            assert!(!holds(&changed), "{name}, bit {bit}");
        }
    }

    #[test]
    fn every_bit_of_a_pss_signature_counts() {
        of_scheme("rsapss", 1);
        of_scheme("rsapss-3072-sha384", 1);
    }

    /// Every byte, at changing bits: these curves are slow without optimisation.
    #[test]
    fn every_byte_of_a_signature_on_a_large_curve_counts() {
        of_scheme("p384", 9);
        of_scheme("p521", 9);
    }

    #[test]
    #[ignore = "half a minute; `make soak` runs it"]
    fn every_bit_of_a_signature_on_a_large_curve_counts() {
        of_scheme("p384", 1);
        of_scheme("p521", 1);
    }

    /// Zeros in front of a number are the one freedom of the encoding: the numbers, and so the verdict, are the same.
    #[test]
    fn zeros_in_front_of_a_number_carry_nothing() {
        let quote = Quote::of_boot("ecc");
        let Signature::Ecdsa { hash, r, s } = Signature::parse(&quote.signature).unwrap() else {
            panic!("not ECDSA")
        };
        let padded = Signature::Ecdsa { hash, r: [&[0], r.as_slice()].concat(), s };
        let found = quote.key().check(&quote.attest, &padded.encode().unwrap(), &quote.asked());
        assert_eq!(found, quote.check());
    }

    #[test]
    fn every_bit_of_a_public_area_is_in_the_keys_name() {
        for (what, quote) in both() {
            assert_eq!(
                check_name(&Public::parse_tpm2b(&quote.public).unwrap(), quote.name),
                Ok(()),
                "{what}"
            );
            for (bit, changed) in flips(&quote.public) {
                let Ok(public) = Public::parse_tpm2b(&changed) else { continue };
                let refused = check_name(&public, quote.name);
                assert!(matches!(refused, Err(QuoteError::Name { .. })), "{what}, bit {bit}");
            }
            for changed in cuts(&quote.public) {
                assert!(Public::parse_tpm2b(&changed).is_err(), "{what}, {}", changed.len());
            }
        }
    }

    #[test]
    fn every_bit_of_a_nonce_counts() {
        for (what, quote) in both() {
            let key = quote.key();
            let changed = flips(&quote.nonce).map(|(_, nonce)| nonce).chain(cuts(&quote.nonce));
            for nonce in changed {
                let asked = Asked { nonce: &nonce, ..quote.asked() };
                let found = key.check(&quote.attest, &quote.signature, &asked);
                assert_eq!(
                    found,
                    Err(QuoteError::Nonce { found: quote.nonce.clone() }),
                    "{what}, {nonce:02x?}"
                );
            }
        }
    }

    #[test]
    fn every_pcr_that_was_asked_for_counts() {
        for (what, quote) in both() {
            let (bank, mask) = quote.selection.banks()[0];
            let other = |banks| PcrSelection::new(banks).unwrap();
            let one_off =
                (0..24).map(|pcr| other(vec![(bank, PcrMask::new(mask.bits() ^ 1 << pcr).unwrap())]));
            let more = [
                other(vec![]),
                other(vec![(evidence::digest::HashAlg::Sha1, mask), (bank, mask)]),
                other(vec![(bank, mask), (evidence::digest::HashAlg::Sha1, PcrMask::EMPTY)]),
                other(vec![(evidence::digest::HashAlg::Sha384, mask)]),
            ];
            for selection in one_off.chain(more) {
                let asked = Asked { selection: &selection, ..quote.asked() };
                let found = quote.key().check(&quote.attest, &quote.signature, &asked);
                assert!(matches!(found, Err(QuoteError::Selection { .. })), "{what}, {selection}: {found:?}");
            }
        }
    }

    /// Bits of a file that are no value's: the parser gives the very same values without them.
    #[test]
    fn every_bit_of_a_pcr_value_counts() {
        for (what, quote) in both() {
            let attest = Attest::parse(&quote.attest).unwrap();
            let info = quoted(&attest).unwrap();
            let hash = Signature::parse(&quote.signature).unwrap().hash();
            let (mut refused, mut idle) = (0, 0);
            for (bit, changed) in flips(&quote.pcr_file) {
                match parse_pcr_file(&changed, &quote.selection) {
                    Ok(values) if values == quote.values => idle += 1,
                    Ok(values) => {
                        assert_eq!(
                            check_values(info, hash, &values),
                            Err(QuoteError::PcrDigest),
                            "{what}, {bit}"
                        );
                        refused += 1;
                    }
                    Err(_) => refused += 1,
                }
            }
            // 24 values of 32 bytes at least; what is idle is the other half of each buffer and unused banks.
            assert!(refused >= 24 * 32 * 8, "{what}: {refused} of {}", refused + idle);
            let mut fewer = PcrValues::new();
            for (pcr, value) in quote.values.iter().skip(1) {
                fewer.insert(pcr, value);
            }
            let asked = Asked { values: &fewer, ..quote.asked() };
            let found = quote.key().check(&quote.attest, &quote.signature, &asked);
            assert!(matches!(found, Err(QuoteError::Values(_))), "{what}: {found:?}");
        }
    }

    #[test]
    fn values_of_other_registers_do_not_do() {
        let quote = Quote::of_boot("ecc");
        let all: Vec<_> = quote.values.iter().collect();
        let swapped = |a: usize, b: usize| {
            let mut values = quote.values.clone();
            values.insert(all[a].0, all[b].1);
            values.insert(all[b].0, all[a].1);
            values
        };
        let values = swapped(0, 7);
        let asked = Asked { values: &values, ..quote.asked() };
        assert_eq!(quote.key().check(&quote.attest, &quote.signature, &asked), Err(QuoteError::PcrDigest));
    }

    /// Without the signature in the way: each field is refused for what it is.
    #[test]
    fn each_field_has_an_error_of_its_own() {
        let quote = Quote::of_boot("ecc");
        let fields = Attest::parse(&quote.attest).unwrap().fields().clone();
        let with = |change: fn(&mut AttestFields)| {
            let mut fields = fields.clone();
            change(&mut fields);
            Attest::new(&fields).unwrap()
        };
        let shorter = with(|fields| fields.extra_data.truncate(31));
        assert!(matches!(check_nonce(&shorter, &quote.nonce), Err(QuoteError::Nonce { .. })));
        let certify = with(|fields| {
            let name = fields.qualified_signer.clone();
            let info = evidence::tpm::CertifyInfo { name: name.clone(), qualified_name: name };
            fields.attested = Attested::Certify(info);
        });
        assert_eq!(quoted(&certify), Err(QuoteError::Type { found: "certify", tag: 0x8017 }));
        let digest = with(|fields| {
            if let Attested::Quote(quote) = &mut fields.attested {
                quote.pcr_digest.pop();
            }
        });
        let info = quoted(&digest).unwrap();
        let hash = evidence::digest::HashAlg::Sha256;
        assert_eq!(check_values(info, hash, &quote.values), Err(QuoteError::PcrDigest));
        let sha384 = evidence::digest::HashAlg::Sha384;
        let attest = Attest::parse(&quote.attest).unwrap();
        let honest = quoted(&attest).unwrap();
        assert_eq!(check_values(honest, hash, &quote.values), Ok(()));
        assert_eq!(
            check_values(honest, sha384, &quote.values),
            Err(QuoteError::PcrDigest),
            "by another hash"
        );
    }
}
