use std::borrow::Cow;
use std::io::Write as _;
use std::path::Path;

use allocation_counter::measure;
use evidence::digest::HashAlg;
use evidence::module::{Compression, IdType, Module, TrailerError, UnpackError, unpack};
use evidence::pkcs7::SignerId;

use crate::oracle::run;

const LIMIT: usize = 1 << 20;
const MAGIC: &[u8] = b"~Module signature appended~\n";

fn own(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn path(name: &str) -> String {
    format!("{}/../../tests/vectors/modules/{name}", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_signed_module_is_split_where_it_was_signed() {
    let (bytes, plain) = (own("signed.ko"), own("unsigned.ko"));
    let module = Module::parse(&bytes).unwrap();
    assert_eq!(module.content(), plain);
    assert_eq!(module.digest(HashAlg::Sha256), HashAlg::Sha256.hash(&[&plain]));
    let signature = module.signature().unwrap();
    assert_eq!((signature.header.id_type, signature.offset), (IdType::Pkcs7, plain.len()));
    let signed = signature.signed_data().unwrap().unwrap();
    let signer = signed.signers().next().unwrap().unwrap();
    let SignerId::IssuerSerial { issuer, .. } = signer.id() else { panic!("{signer:?}") };
    assert_eq!(issuer.to_string(), "CN=Lydian test module key rsa");
    assert!(signer.signed_attributes().is_none(), "the kernel's build signs the content itself");
    let info = module.info();
    assert_eq!(info.first(b"vermagic"), Some(&b"6.1.0-lydian SMP preempt mod_unload modversions "[..]));
    assert_eq!(info.first(b"name"), Some(&b"lydian_test"[..]));
    assert_eq!(info.count(), 11);
    assert!(module.elf().unwrap().build_id().is_some());
}

#[test]
fn an_unsigned_module_has_no_signature() {
    let bytes = own("unsigned.ko");
    let module = Module::parse(&bytes).unwrap();
    assert!(module.signature().is_none());
    assert_eq!(module.content(), bytes);
    assert_eq!(module.misplaced_signature(), None);
}

#[test]
fn something_behind_a_signature_makes_a_module_unsigned_and_is_noticed() {
    let signed = own("signed.ko");
    for more in [&b"\0"[..], b"strip", &[0xff; 4096]] {
        let bytes = [&signed, more].concat();
        let module = Module::parse(&bytes).unwrap();
        assert!(module.signature().is_none());
        assert_eq!(module.misplaced_signature(), Some(signed.len() - MAGIC.len()));
    }
}

#[test]
fn a_module_that_was_signed_twice_is_signed_by_the_last() {
    let once = own("signed.ko");
    let end = Module::parse(&once).unwrap().content().len();
    let twice = [&once, &once[end..]].concat();
    let module = Module::parse(&twice).unwrap();
    assert_eq!(module.content(), once);
    assert!(module.is_signed_twice());
}

#[test]
fn trailers_that_the_kernel_refuses_are_refused() {
    let good = own("signed.ko");
    let header = good.len() - MAGIC.len() - 12;
    for (at, expected) in [
        (0, TrailerError::NotZero { offset: header }),
        (1, TrailerError::NotZero { offset: header }),
        (3, TrailerError::NotZero { offset: header }),
        (4, TrailerError::NotZero { offset: header }),
        (5, TrailerError::NotZero { offset: header }),
        (7, TrailerError::NotZero { offset: header }),
    ] {
        let mut bytes = good.clone();
        bytes[header + at] = 1;
        assert_eq!(Module::parse(&bytes).unwrap_err(), expected, "field at {at}");
    }
    let mut bytes = good.clone();
    bytes[header + 8] = 0xff;
    let error = Module::parse(&bytes).unwrap_err();
    assert!(
        matches!(error, TrailerError::Length { offset, left, .. } if offset == header && left == header),
        "{error}"
    );
    assert!(matches!(Module::parse(MAGIC).unwrap_err(), TrailerError::Truncated(_)));
    assert!(matches!(Module::parse(&good[header + 3..]).unwrap_err(), TrailerError::Truncated(_)));
}

#[test]
fn older_signatures_are_recognised() {
    // Linux 3.7 to 4.2: RSA (1), SHA-256 (4), X.509 (1), a name and a key id before the signature.
    let trailer = [&b"contentNAMEIDsignature"[..], &[1, 4, 1, 4, 2, 0, 0, 0, 0, 0, 0, 9], MAGIC].concat();
    let module = Module::parse(&trailer).unwrap();
    let signature = module.signature().unwrap();
    assert_eq!(signature.header.id_type, IdType::X509);
    assert_eq!((signature.signer, signature.key_id), (&b"NAME"[..], &b"ID"[..]));
    assert_eq!((module.content(), signature.signature), (&b"content"[..], &b"signature"[..]));
    assert_eq!(signature.legacy_hash(), Some(HashAlg::Sha256));
    assert!(signature.signed_data().is_none());
    let pgp = [&b"x"[..], &[0; 12], MAGIC].concat();
    assert_eq!(Module::parse(&pgp).unwrap().signature().unwrap().header.id_type, IdType::Pgp);
}

#[test]
fn every_compression_gives_the_same_module() {
    let plain = own("signed.ko");
    assert!(matches!(unpack(&plain, LIMIT), Ok(Cow::Borrowed(_))));
    for (name, compression) in [
        ("signed.ko.gz", Compression::Gzip),
        ("signed.ko.xz", Compression::Xz),
        ("signed.ko.zst", Compression::Zstd),
    ] {
        let bytes = own(name);
        assert_eq!(Compression::of(&bytes), Some(compression));
        assert_eq!(unpack(&bytes, LIMIT).unwrap(), plain, "{name}");
        assert_eq!(unpack(&bytes, plain.len()).unwrap(), plain, "{name}: exactly the limit");
        let offset = |error: UnpackError| error.offset();
        assert!(matches!(unpack(&bytes, plain.len() - 1), Err(UnpackError::Limit { .. })), "{name}");
        for length in compression_magic(compression)..bytes.len() {
            let error = unpack(&bytes[..length], LIMIT).unwrap_err();
            assert!(matches!(error, UnpackError::Damaged { .. }), "{name} cut at {length}: {error}");
            assert!(offset(error) <= length, "{name} cut at {length}: {error}");
        }
        let more = [bytes.as_slice(), b"x"].concat();
        let trailing = UnpackError::Trailing { offset: bytes.len(), left: 1 };
        assert_eq!(unpack(&more, LIMIT).unwrap_err(), trailing, "{name}");
    }
}

fn compression_magic(compression: Compression) -> usize {
    match compression {
        Compression::Gzip => 2,
        Compression::Xz => 6,
        Compression::Zstd => 4,
    }
}

#[test]
fn flipped_bits_of_compressed_modules_never_give_another_module() {
    let plain = own("signed.ko");
    for name in ["signed.ko.gz", "signed.ko.xz"] {
        let bytes = own(name);
        for bit in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[bit / 8] ^= 1 << (bit % 8);
            if Compression::of(&bytes).is_none() {
                continue;
            }
            if let Ok(out) = unpack(&bytes, LIMIT) {
                assert_eq!(out, plain, "{name}, bit {bit}: both formats have checksums");
            }
        }
    }
}

/// Half a gibibyte of zeros in each format, as the formats' own programs pack them.
fn bombs() -> Vec<(Compression, Vec<u8>)> {
    let zeros = vec![0; 1 << 20];
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    (0..64).for_each(|_| gzip.write_all(&zeros).unwrap());
    let mut zstd = zstd::stream::write::Encoder::new(Vec::new(), 19).unwrap();
    (0..512).for_each(|_| zstd.write_all(&zeros).unwrap());
    let mut bombs =
        vec![(Compression::Gzip, gzip.finish().unwrap()), (Compression::Zstd, zstd.finish().unwrap())];
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("zeros");
    std::fs::write(&file, vec![0; 64 << 20]).unwrap();
    if run("xz", &["-9".as_ref(), file.as_os_str()]).is_some() {
        bombs.push((Compression::Xz, std::fs::read(Path::new(&folder.path().join("zeros.xz"))).unwrap()));
    }
    bombs
}

#[test]
fn bombs_are_refused_at_the_limit() {
    const LIMIT: usize = 8 << 20;
    for (compression, bytes) in bombs() {
        assert!(bytes.len() < 1 << 17, "{compression:?}: {} bytes", bytes.len());
        let mut error = None;
        let info = measure(|| error = Some(unpack(&bytes, LIMIT).unwrap_err()));
        let Some(UnpackError::Limit { offset, limit: LIMIT }) = error else {
            panic!("{compression:?}: {error:?}")
        };
        assert!(offset > 0 && offset <= bytes.len(), "{compression:?}");
        // xz asks for the dictionary of its own header at once: 64 MiB, which is its limit.
        let dictionary = if compression == Compression::Xz { 64 << 20 } else { 0 };
        let most = 4 * u64::try_from(LIMIT).unwrap() + dictionary;
        assert!(info.bytes_max <= most, "{compression:?}: {} bytes", info.bytes_max);
    }
}

#[test]
fn dictionaries_and_windows_beyond_the_limit_are_refused() {
    // `xz --lzma2=dict=1GiB` of one byte, and a Zstandard header that asks for a window of 2 GiB.
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("byte");
    std::fs::write(&file, b"x").unwrap();
    if run("xz", &["--lzma2=dict=1GiB".as_ref(), file.as_os_str()]).is_some() {
        let bytes = std::fs::read(folder.path().join("byte.xz")).unwrap();
        let mut result = Ok(());
        let info = measure(|| result = unpack(&bytes, LIMIT).map(|_| ()));
        assert!(matches!(result, Err(UnpackError::Memory { .. })), "{result:?}");
        assert!(info.bytes_max < 1 << 20, "{}", info.bytes_max);
    }
    let zstd = [0x28, 0xb5, 0x2f, 0xfd, 0, 0xa8, 1, 0, 0];
    let mut result = Ok(());
    let info = measure(|| result = unpack(&zstd, LIMIT).map(|_| ()));
    assert!(matches!(result, Err(UnpackError::Memory { .. })), "{result:?}");
    assert!(info.bytes_max < 1 << 20, "{}", info.bytes_max);
}

#[test]
fn kmod_reads_the_same() {
    for name in ["unsigned.ko", "signed.ko", "signed.ko.gz", "signed.ko.xz", "signed.ko.zst"] {
        let Some(said) = run("modinfo", &[path(name)]) else { return };
        let bytes = own(name);
        let bytes = unpack(&bytes, LIMIT).unwrap();
        let module = Module::parse(&bytes).unwrap();
        if said.is_empty() {
            eprintln!("SKIPPED: this modinfo cannot read {name}");
            continue;
        }
        let theirs: Vec<_> = said.lines().filter_map(|line| line.split_once(':')).collect();
        let theirs = |key: &str| theirs.iter().find(|(name, _)| *name == key).map(|(_, value)| value.trim());
        for field in module.info() {
            let (key, value) = (String::from_utf8_lossy(field.key), String::from_utf8_lossy(field.value));
            assert_eq!(theirs(&key), Some(value.trim()), "{name}: {key}");
        }
        let expected = module.signature().map(|_| "PKCS#7");
        assert_eq!(theirs("sig_id"), expected, "{name}");
    }
}
