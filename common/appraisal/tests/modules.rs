//! Signed kernel modules: ours, whatever OpenSSL signs, and every way to change them.
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        clippy::disallowed_types,
        reason = "tests read files from disk and run OpenSSL as the oracle"
    )
)]

#[cfg(test)]
mod modules {
    use std::path::Path;
    use std::process::{Command, Stdio};

    use evidence::module::Module;
    use evidence::x509::Certificate;
    use lydian_appraisal::module::{Verdict, verify};

    const MAGIC: &[u8] = b"~Module signature appended~\n";

    fn own(name: &str) -> Vec<u8> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/modules").join(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// What a module comes to; `None` where it has no signature, or none that can be read.
    fn verdict(bytes: &[u8], keys: &[&[u8]]) -> Option<Verdict> {
        let keys: Vec<_> = keys.iter().map(|der| Certificate::parse(der).unwrap()).collect();
        let module = Module::parse(bytes).ok()?;
        verify(&module, &keys)?.ok().map(|verification| verification.verdict)
    }

    #[test]
    fn the_right_certificate_verifies_and_no_other() {
        let (rsa, ec) = (own("rsa.der"), own("ec.der"));
        for (name, right, wrong) in [("signed.ko", &rsa, &ec), ("attributes.ko", &ec, &rsa)] {
            let bytes = own(name);
            assert_eq!(verdict(&bytes, &[right]), Some(Verdict::Holds), "{name}");
            assert_eq!(verdict(&bytes, &[wrong, right]), Some(Verdict::Holds), "{name}");
            assert_eq!(verdict(&bytes, &[wrong]), Some(Verdict::Fails), "{name}");
            assert_eq!(verdict(&bytes, &[]), Some(Verdict::NotVerified), "{name}");
        }
        assert_eq!(verdict(&own("unsigned.ko"), &[&rsa]), None);
    }

    #[test]
    fn a_digest_that_is_signed_and_not_the_contents_needs_no_certificate_to_fail() {
        let mut bytes = own("attributes.ko");
        bytes[100] ^= 1;
        let ec = own("ec.der");
        assert_eq!(verdict(&bytes, &[&ec]), Some(Verdict::Fails));
    }

    #[test]
    fn no_flipped_bit_of_content_or_signature_holds() {
        for (name, key) in [("signed.ko", own("rsa.der")), ("attributes.ko", own("ec.der"))] {
            let good = own(name);
            let end = Module::parse(&good).unwrap().content().len();
            let mut held = Vec::new();
            for bit in 0..good.len() * 8 {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                let found = verdict(&bytes, &[&key]);
                if bit / 8 < end {
                    assert_eq!(found, Some(Verdict::Fails), "{name}: bit {bit} of the content");
                } else if found == Some(Verdict::Holds) {
                    held.push(bit / 8 - end);
                }
            }
            // Of a PKCS#7 message without attributes some fields are signed by nothing: versions, the list of hashes, the
            // parameters of algorithms, the content's type.
            held.dedup();
            let unsigned: &[u8] = &good[end..];
            for at in &held {
                assert!(!in_signature_value(unsigned, *at), "{name}: byte {at} of the message");
            }
            eprintln!("{name}: {} of {} bytes of the message are not signed", held.len(), unsigned.len());
            assert!(held.len() < 120, "{name}: {held:?}");
        }
    }

    /// Whether a byte of the message belongs to the signature itself, which is its last value.
    fn in_signature_value(message: &[u8], at: usize) -> bool {
        let length = message.len() - MAGIC.len() - 12;
        let size = if length > 350 { 256 } else { 70 };
        (length - size..length).contains(&at)
    }

    #[test]
    fn cut_repeated_and_appended_modules_do_not_hold() {
        let (good, key) = (own("signed.ko"), own("rsa.der"));
        for length in 0..good.len() {
            assert_ne!(verdict(&good[..length], &[&key]), Some(Verdict::Holds), "cut at {length}");
        }
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes.insert(at, 0);
            assert_ne!(verdict(&bytes, &[&key]), Some(Verdict::Holds), "a byte more at {at}");
            let mut bytes = good.clone();
            bytes.remove(at);
            assert_ne!(verdict(&bytes, &[&key]), Some(Verdict::Holds), "a byte less at {at}");
        }
        assert_ne!(verdict(&[&good[..], b"\n"].concat(), &[&key]), Some(Verdict::Holds));
        assert_ne!(verdict(&good.repeat(2), &[&key]), Some(Verdict::Holds));
    }

    #[test]
    fn a_signature_of_another_module_does_not_hold() {
        let (good, key) = (own("signed.ko"), own("rsa.der"));
        let end = Module::parse(&good).unwrap().content().len();
        let moved = [b"\x7fELF another module", &good[end..]].concat();
        assert_eq!(verdict(&moved, &[&key]), Some(Verdict::Fails));
    }

    /// Signs with OpenSSL as Linux's build does; `None`, said aloud, where there is no OpenSSL.
    fn openssl(folder: &Path, arguments: &[&str]) -> Option<Vec<u8>> {
        let run = Command::new("openssl")
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output();
        match run {
            Ok(output) => Some(output.stdout),
            Err(error) => {
                eprintln!("SKIPPED: openssl cannot be run: {error}");
                None
            }
        }
    }

    #[test]
    fn what_openssl_signs_holds() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        std::fs::write(folder.join("content"), vec![0x5a; 100_000]).unwrap();
        let keys: [(&str, &[&str]); 4] = [
            ("rsa2048", &["rsa:2048"]),
            ("rsa4096", &["rsa:4096"]),
            ("p256", &["ec", "-pkeyopt", "ec_paramgen_curve:P-256"]),
            ("p384", &["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]),
        ];
        let mut modules = 0;
        for (name, algorithm) in keys {
            let (key, pem, der) = (format!("{name}.key"), format!("{name}.pem"), format!("{name}.der"));
            let mut new =
                vec!["req", "-x509", "-nodes", "-keyout", &key, "-out", &pem, "-subj", "/CN=test", "-newkey"];
            new.extend(algorithm);
            if openssl(folder, &new).is_none() {
                return;
            }
            openssl(folder, &["x509", "-in", &pem, "-outform", "DER", "-out", &der]);
            let der = std::fs::read(folder.join(der)).unwrap();
            for hash in ["sha1", "sha256", "sha384", "sha512", "sha3-256"] {
                for form in [&["-noattr"][..], &[], &["-noattr", "-keyid"], &["-keyid"]] {
                    let mut sign =
                        vec!["cms", "-sign", "-binary", "-nocerts", "-nosmimecap", "-outform", "DER"];
                    sign.extend(["-signer", &pem, "-inkey", &key, "-in", "content", "-md", hash]);
                    sign.extend(form);
                    let signature = openssl(folder, &sign).unwrap();
                    if signature.is_empty() {
                        eprintln!("SKIPPED: this openssl does not sign with {name} and {hash}");
                        continue;
                    }
                    let size = u32::try_from(signature.len()).unwrap().to_be_bytes();
                    let trailer = [&[0, 0, 2, 0, 0, 0, 0, 0][..], &size, MAGIC].concat();
                    let mut module = [vec![0x5a; 100_000], signature, trailer].concat();
                    let what = format!("{name}, {hash}, {form:?}");
                    assert_eq!(verdict(&module, &[&der]), Some(Verdict::Holds), "{what}");
                    module[99_999] ^= 0x80;
                    assert_ne!(verdict(&module, &[&der]), Some(Verdict::Holds), "{what}");
                    modules += 1;
                }
            }
        }
        eprintln!("{modules} modules signed by OpenSSL verified");
    }
}
