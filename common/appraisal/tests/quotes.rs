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
        Attest, Attested, ClockSafety, CreationData, CredentialBlob, KeyName, Public, Signature,
        parse_pcr_file,
    };
    use lydian_appraisal::crypto::{HashPolicy, KeyFile, SchemeHint, SignatureError, parse_signature_file};
    use lydian_appraisal::quote::check_values;
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

    fn corpus_root() -> Option<PathBuf> {
        let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
        let dir = std::env::var_os("LYDIAN_VECTORS").map_or(default, PathBuf::from);
        if !dir.is_dir() {
            println!("SKIPPED: no vectors at {} (LYDIAN_VECTORS)", dir.display());
            return None;
        }
        Some(dir)
    }

    fn corpus() -> Vec<PathBuf> {
        let Some(dir) = corpus_root() else { return Vec::new() };
        let mut found = Vec::new();
        cases(&dir, &mut found);
        assert!(found.len() >= 31, "the corpus has shrunk to {}", found.len());
        found
    }

    fn read(dir: &Path, name: &str) -> Option<Vec<u8>> {
        std::fs::read(dir.join(name)).ok()
    }

    /// The signature, framed or bare; the quote's own digest tells the hash of a bare one.
    fn signature(dir: &Path, check: &Value) -> Signature {
        let bytes = read(dir, "signature.bin").unwrap();
        let hash: HashAlg = check["signature"]["hash"].as_str().unwrap().parse().unwrap();
        let key = key(dir).map(|file| file.verifying_key().unwrap());
        let hint = SchemeHint { stated: None, key: key.as_ref(), hash };
        let signature = parse_signature_file(&bytes, &hint).unwrap();
        assert_eq!(signature.scheme_name(), check["signature"]["alg"], "{}", dir.display());
        assert_eq!(signature.hash(), hash, "{}", dir.display());
        signature
    }

    /// The attestation key, from whatever form the corpus has of it.
    fn key(dir: &Path) -> Option<KeyFile> {
        let names = ["ak.tpm2b_public.bin", "ak_tpmt_public.bin", "ak_pub.pem"];
        let file = KeyFile::parse(&names.iter().find_map(|name| read(dir, name))?).unwrap();
        if let (KeyFile::Area(public), Some(name)) = (&file, read(dir, "ak.name")) {
            assert_eq!(Ok(public.name()), KeyName::parse(&name), "the TPM's own name");
        }
        if let (KeyFile::Area(_), Some(pem)) = (&file, read(dir, "ak_pub.pem")) {
            let bare = KeyFile::parse(&pem).unwrap().verifying_key().unwrap();
            assert_eq!(bare.size(), file.verifying_key().unwrap().size(), "{}", dir.display());
        }
        Some(file)
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
            let Some(key) = key(&dir) else {
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
            let key = key.verifying_key().unwrap();
            assert_eq!(key.verify(HashPolicy::Modern, &signature, &message), modern, "{context}");
            let under = |message: &[u8]| key.verify(HashPolicy::DangerAllowSha1, &signature, message);
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
        let (mut json, mut blobs) = (0, 0);
        for dir in corpus() {
            let context = dir.display().to_string();
            let check: Value = serde_json::from_slice(&read(&dir, "check.json").unwrap()).unwrap();
            let attest = Attest::parse(&read(&dir, "attest.bin").unwrap()).unwrap();
            let Some(quote) = attest.quote() else { continue };
            let hash = signature(&dir, &check).hash();
            if let Some(file) = read(&dir, "pcrs.json") {
                let values = values(&serde_json::from_slice(&file).unwrap());
                let matches = check_values(quote, hash, &values).is_ok();
                assert_eq!(Value::from(matches), check["pcrDigest_matches_pcrs"], "{context}");
                json += 1;
            }
            if let Some(file) = read(&dir, "pcrs_blob.bin") {
                let values = parse_pcr_file(&file, &quote.selection).unwrap();
                assert_eq!(check_values(quote, hash, &values), Ok(()), "{context}");
                blobs += 1;
            }
        }
        println!("values of {json} JSON files and {blobs} files of tpm2_quote checked");
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

    /// Rows of the index that are about quotes: each file is read by a parser of its own, or there is a reason.
    #[test]
    fn every_file_about_a_quote_is_read_or_has_a_reason() {
        let Some(root) = corpus_root() else { return };
        let index = std::fs::read_to_string(root.join("INDEX.tsv")).unwrap();
        let rows = index.lines().map(|line| line.split('\t').collect::<Vec<_>>());
        let rows: Vec<_> = rows.filter(|row| row.get(7) == Some(&"quote")).collect();
        let (mut parsed, mut excused) = (0, 0);
        for row in &rows {
            let path = root.join(row[0]);
            let name = path.file_name().unwrap().to_str().unwrap();
            let bytes = std::fs::read(&path).unwrap();
            match row_reader(name) {
                Ok(reader) => {
                    reader(&path, &bytes).unwrap_or_else(|error| panic!("{}: {error}", row[0]));
                    parsed += 1;
                }
                Err(reason) => {
                    println!("left out: {}: {reason}", row[0]);
                    excused += 1;
                }
            }
        }
        println!("{} rows about quotes: {parsed} read, {excused} with a reason", rows.len());
        assert!(rows.len() >= 163, "the index has shrunk to {}", rows.len());
    }

    type Reader = fn(&Path, &[u8]) -> Result<(), String>;

    fn said<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<(), String> {
        result.map(drop).map_err(|error| error.to_string())
    }

    fn row_reader(name: &str) -> Result<Reader, &'static str> {
        Ok(match name {
            "attest.bin" | "tpm-quote.msg" | "quote.out" => |_, bytes| said(Attest::parse(bytes)),
            "signature.bin" | "tpm-quote.sig" | "quotesig.out" => |_, bytes| {
                let hint = SchemeHint { stated: None, key: None, hash: HashAlg::Sha256 };
                said(parse_signature_file(bytes, &hint))
            },
            "ak_pub.pem"
            | "akpub.pem"
            | "ekpub.pem"
            | "ak_tpmt_public.bin"
            | "ak.tpm2b_public.bin"
            | "ak.pub"
            | "ek.pub" => |_, bytes| said(KeyFile::parse(bytes)),
            "ak.name" => |path, bytes| {
                let name = KeyName::parse(bytes).map_err(|error| error.to_string())?;
                let key = ["ak.tpm2b_public.bin", "ak.pub"].iter().find_map(|key| read(path.parent()?, key));
                let public = Public::parse_tpm2b(&key.unwrap()).map_err(|error| error.to_string())?;
                if public.name() == name { Ok(()) } else { Err("another name".to_owned()) }
            },
            "creation_data.bin" => |_, bytes| said(CreationData::parse(bytes)),
            "mkcred.out" => |_, bytes| said(CredentialBlob::parse_file(bytes)),
            "pcrs_blob.bin" | "quotepcr.out" => |path, bytes| {
                let attest = ["attest.bin", "quote.out"].iter().find_map(|name| read(path.parent()?, name));
                let attest = Attest::parse(&attest.unwrap()).map_err(|error| error.to_string())?;
                said(parse_pcr_file(bytes, &attest.quote().unwrap().selection))
            },
            "pcrs.json" => |_, bytes| {
                values(&serde_json::from_slice(bytes).map_err(|error| error.to_string())?);
                Ok(())
            },
            "nonce.hex" => |_, bytes| said(hex::decode(bytes.trim_ascii())),
            "iak_idevid_chain.pem" => return Err("certificates, which `inspect ek-cert` reads"),
            "hcl-report.bin" => return Err("a report of Azure's paravisor, not of a TPM"),
            "quote.bin" => {
                return Err("another project's container (bincode); the same quote as tpm-quote-v1.json's");
            }
            _ if matches!(name.rsplit('.').next(), Some("json" | "pb")) => {
                return Err("another project's container; its parts lie extracted beside it");
            }
            _ => return Ok(|_, _| Err("a file that nothing here reads".to_owned())),
        })
    }
}
