//! Real quotes of real TPMs, each with what an independent implementation says of it (`check.json`).
//!
//! The corpus is read in place, from `LYDIAN_VECTORS` or beside the workspace; where it is not at hand, the test says so.
#![cfg_attr(
    test,
    expect(clippy::disallowed_methods, reason = "the corpus lies outside the project and is read in place")
)]

#[cfg(test)]
mod quotes {
    use std::path::{Path, PathBuf};

    use evidence::digest::HashAlg;
    use evidence::pcr::{PcrIndex, PcrValues};
    use evidence::tpm::{
        Attest, Attested, ClockSafety, Curve, EccKey, KdfScheme, Key, KeyName, Public, PublicArea, RsaKey,
        Scheme, Signature, Symmetric, Template,
    };
    use lydian_appraisal::crypto::{HashPolicy, SignatureError, verify_signature, verify_signature_under};
    use p256::elliptic_curve::sec1::ToEncodedPoint as _;
    use p256::pkcs8::DecodePublicKey as _;
    use rsa::traits::PublicKeyParts as _;
    use serde_json::Value;

    /// The directories below `dir` that hold a `check.json`.
    fn cases(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                cases(&path, found);
            } else if path.ends_with("check.json") {
                found.push(dir.to_owned());
            }
        }
    }

    fn corpus() -> Vec<PathBuf> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
        let dir = std::env::var_os("LYDIAN_VECTORS").map_or(default, PathBuf::from);
        if !dir.is_dir() {
            println!("SKIPPED: no vectors at {} (LYDIAN_VECTORS)", dir.display());
            return Vec::new();
        }
        let mut found = Vec::new();
        cases(&dir, &mut found);
        assert!(found.len() >= 31, "the corpus has shrunk to {}", found.len());
        found
    }

    fn read(dir: &Path, name: &str) -> Option<Vec<u8>> {
        std::fs::read(dir.join(name)).ok()
    }

    /// The signature. Some projects keep its numbers alone, as DER or bare; the TPM's form is then made of them.
    fn signature(dir: &Path, check: &Value) -> Signature {
        let bytes = read(dir, "signature.bin").unwrap();
        let hash: HashAlg = check["signature"]["hash"].as_str().unwrap().parse().unwrap();
        let signature = match (check["signature"]["alg"].as_str().unwrap(), bytes.as_slice()) {
            ("ecdsa", [0x30, ..]) => {
                let (r, s) = p256::ecdsa::Signature::from_der(&bytes).unwrap().split_bytes();
                Signature::Ecdsa { hash, r: r.to_vec(), s: s.to_vec() }
            }
            ("rsassa", _) if bytes.len() == 256 => Signature::RsaSsa { hash, signature: bytes },
            _ => {
                let signature = Signature::parse(&bytes).unwrap();
                assert_eq!(signature.encode().unwrap(), bytes, "{}", dir.display());
                signature
            }
        };
        assert_eq!(signature.hash(), hash, "{}", dir.display());
        signature
    }

    /// The attestation key, from whatever form the corpus has of it.
    fn key(dir: &Path) -> Option<Public> {
        if let Some(bytes) = read(dir, "ak.tpm2b_public.bin") {
            let public = Public::parse_tpm2b(&bytes).unwrap();
            let name = KeyName::parse(&read(dir, "ak.name").unwrap()).unwrap();
            assert_eq!(public.name(), name, "the TPM's own name");
            return Some(public);
        }
        if let Some(bytes) = read(dir, "ak_tpmt_public.bin") {
            return Some(Public::parse(&bytes).unwrap());
        }
        let pem = String::from_utf8(read(dir, "ak_pub.pem")?).unwrap();
        let area = PublicArea { key: from_pem(&pem), ..Template::AkEccP256.area() };
        Some(Public::new(&area).unwrap())
    }

    /// A PEM does not say which scheme the key is bound to.
    fn from_pem(pem: &str) -> Key {
        let (symmetric, scheme) = (Symmetric::Null, Scheme::Null);
        if let Ok(key) = rsa::RsaPublicKey::from_public_key_pem(pem) {
            let bits = u16::try_from(key.n().bits()).unwrap();
            return Key::Rsa(RsaKey { symmetric, scheme, bits, exponent: 0, modulus: key.n().to_bytes_be() });
        }
        let point = p256::PublicKey::from_public_key_pem(pem).unwrap().to_encoded_point(false);
        let (x, y) = (point.x().unwrap().to_vec(), point.y().unwrap().to_vec());
        Key::Ecc(EccKey { symmetric, scheme, curve: Curve::NistP256, kdf: KdfScheme::Null, x, y })
    }

    /// Every field, as the other implementation read it.
    fn fields_agree(attest: &Attest, expected: &Value, context: &str) {
        let fields = attest.fields();
        let hex = |field: &str| hex::decode(expected[field].as_str().unwrap()).unwrap();
        assert_eq!(fields.qualified_signer, hex("qualifiedSigner"), "{context}");
        assert_eq!(fields.extra_data, hex("extraData"), "{context}");
        assert_eq!(Some(fields.clock.clock_ms), expected["clock"].as_u64(), "{context}");
        assert_eq!(Some(fields.clock.reset_count.into()), expected["resetCount"].as_u64(), "{context}");
        assert_eq!(Some(fields.clock.restart_count.into()), expected["restartCount"].as_u64(), "{context}");
        let safe = fields.clock.safety == ClockSafety::Safe;
        assert_eq!(Some(u64::from(safe)), expected["safe"].as_u64(), "{context}");
        assert_eq!(fields.firmware_version.to_be_bytes().as_slice(), hex("firmwareVersion"), "{context}");
        let Attested::Quote(quote) = &fields.attested else {
            assert_ne!(expected["type"], "quote", "{context}");
            return;
        };
        assert_eq!(quote.pcr_digest, hex("pcrDigest"), "{context}");
        let banks: Vec<Value> = quote
            .selection
            .banks()
            .iter()
            .map(|(bank, mask)| {
                serde_json::json!([bank.name(), mask.iter().map(PcrIndex::get).collect::<Vec<_>>()])
            })
            .collect();
        assert_eq!(Value::from(banks), expected["pcrSelect"], "{context}");
    }

    #[test]
    fn structures_read_as_another_implementation_reads_them() {
        for dir in corpus() {
            let context = dir.display().to_string();
            let check: Value = serde_json::from_slice(&read(&dir, "check.json").unwrap()).unwrap();
            let bytes = read(&dir, "attest.bin").unwrap();
            let attest = Attest::parse(&bytes).unwrap_or_else(|error| panic!("{context}: {error}"));
            fields_agree(&attest, &check["attest"], &context);
            assert_eq!(Attest::new(attest.fields()).unwrap().raw(), bytes, "{context}");
            signature(&dir, &check);
        }
    }

    #[test]
    fn signatures_hold_where_another_implementation_says_so() {
        let mut held = 0;
        for dir in corpus() {
            let context = dir.display().to_string();
            let check: Value = serde_json::from_slice(&read(&dir, "check.json").unwrap()).unwrap();
            let Some(public) = key(&dir) else {
                assert_eq!(check["signature_verifies"], Value::Null, "{context}: no key, no verdict");
                continue;
            };
            assert_eq!(check["signature_verifies"], true, "{context}");
            let mut message = read(&dir, "attest.bin").unwrap();
            let signature = signature(&dir, &check);
            let modern = match signature.hash() {
                HashAlg::Sha1 => Err(SignatureError::Hash(HashAlg::Sha1)),
                _ => Ok(()),
            };
            assert_eq!(verify_signature(&public, &signature, &message), modern, "{context}");
            let under = |message: &[u8]| {
                verify_signature_under(HashPolicy::DangerAllowSha1, &public, &signature, message)
            };
            assert_eq!(under(&message), Ok(()), "{context}");
            message[30] ^= 1;
            assert_eq!(under(&message), Err(SignatureError::DoesNotHold), "{context}");
            held += 1;
        }
        println!("{held} signatures held");
    }

    /// The digest is over the values in selection order, by the signature's hash.
    #[test]
    fn pcr_digests_are_over_the_values_in_selection_order() {
        for dir in corpus() {
            let context = dir.display().to_string();
            let check: Value = serde_json::from_slice(&read(&dir, "check.json").unwrap()).unwrap();
            let Some(json) = read(&dir, "pcrs.json") else { continue };
            let attest = Attest::parse(&read(&dir, "attest.bin").unwrap()).unwrap();
            let signature = signature(&dir, &check);
            let values = values(&serde_json::from_slice(&json).unwrap());
            let quote = attest.quote().unwrap();
            let selected =
                values.selected(&quote.selection).unwrap_or_else(|error| panic!("{context}: {error}"));
            let parts: Vec<&[u8]> = selected.iter().map(evidence::digest::Digest::as_bytes).collect();
            let digest = signature.hash().hash(&parts);
            let matches = digest.as_bytes() == quote.pcr_digest;
            assert_eq!(Value::from(matches), check["pcrDigest_matches_pcrs"], "{context}");
        }
    }

    fn values(json: &Value) -> PcrValues {
        let mut values = PcrValues::new();
        for (bank, pcrs) in json.as_object().unwrap() {
            let bank: HashAlg = bank.parse().unwrap();
            for (pcr, value) in pcrs.as_object().unwrap() {
                let value = hex::decode(value.as_str().unwrap()).unwrap();
                let value = evidence::digest::Digest::new(bank, &value).unwrap();
                values.insert(pcr.parse().unwrap(), value);
            }
        }
        values
    }
}
