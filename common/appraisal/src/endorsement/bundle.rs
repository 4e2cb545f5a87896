//! A bundle of roots: one text file that says its version, and of each certificate whose word it is.
//!
//! In: a bundle's text, or certificates with their tiers and vendors. Out: roots to trust, or the text, which is the same
//! for the same certificates in whatever order. The digest in its head finds damage and careless edits; whoever may
//! replace the file may replace that too. `docs/ek-roots.md` describes the format.

use std::fmt::Write as _;

use base64::Engine as _;
use evidence::digest::Sha256Digest;

use super::certificate::Certificate;
use super::limits::{BUNDLE_BYTES, ROOTS, VENDOR_BYTES, VERSION_BYTES};
use super::pem::decode;
use super::{EndorsementError, EndorsementRoots, TrustTier, Which};

/// The first line; the number is the format's version.
const MAGIC: &str = "lydian-ek-roots 1";
/// Base64 digits of a line.
const COLUMNS: usize = 64;
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// A bundle that was read.
#[derive(Clone, Debug)]
pub struct Bundle {
    /// What its makers call this edition.
    pub version: String,
    /// SHA-256 over everything behind the head.
    pub digest: Sha256Digest,
    /// The roots.
    pub roots: EndorsementRoots,
}

/// A certificate for a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundleEntry {
    /// How far its word is trusted.
    pub tier: TrustTier,
    /// Whose it is: letters, digits, `.`, `_` and `-`.
    pub vendor: String,
    /// The certificate.
    pub der: Vec<u8>,
}

/// Why a text is no bundle, or certificates make none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A file above the limit.
    #[error("the bundle has {found} bytes, at most {limit} are read")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// Its size.
        found: usize,
    },
    /// Another file, or a format that is not known.
    #[error("not a bundle of roots: the first line is not `{MAGIC}`")]
    Format,
    /// A line that is not what belongs there.
    #[error("line {line}: {expected} expected")]
    Line {
        /// Its number, from 1.
        line: usize,
        /// What belongs there.
        expected: &'static str,
    },
    /// The bundle was changed since it was made.
    #[error("the bundle is damaged: its contents are not of the digest in its head")]
    Digest,
    /// A certificate is not the one that its heading names.
    #[error("line {line}: the certificate is not of the digest in its heading")]
    CertificateDigest {
        /// The heading's number, from 1.
        line: usize,
    },
    /// Certificates that are not in the bundle's order, or come twice.
    #[error("line {line}: the certificate is out of order, or comes twice")]
    Order {
        /// The heading's number, from 1.
        line: usize,
    },
    /// A certificate that is no root.
    #[error("line {line}: {error}")]
    Certificate {
        /// The heading's number, from 1.
        line: usize,
        /// Why it is none.
        error: EndorsementError,
    },
    /// A version or vendor that cannot be written.
    #[error("`{text}` is no {what}: letters, digits, `.`, `_` and `-` are")]
    Word {
        /// What it is to be.
        what: &'static str,
        /// What it is.
        text: String,
    },
    /// More certificates than the limit.
    #[error("more than {limit} certificates")]
    TooMany {
        /// The limit.
        limit: usize,
    },
}

impl Bundle {
    /// Whether a file's first bytes are a bundle's.
    pub fn is_one(bytes: &[u8]) -> bool {
        bytes.starts_with(b"lydian-ek-roots ")
    }

    /// Reads a bundle.
    pub fn parse(text: &str) -> Result<Self, BundleError> {
        let (limit, found) = (BUNDLE_BYTES, text.len());
        if found > limit {
            return Err(BundleError::TooLarge { limit, found });
        }
        let mut lines = Lines { rest: text, line: 0 };
        if lines.next() != Some(MAGIC) {
            return Err(BundleError::Format);
        }
        let version = lines.field("version ", "`version` and a word")?;
        word("version", version, VERSION_BYTES)?;
        let count = lines.field("certificates ", "`certificates` and their number")?;
        let count: usize = count.parse().map_err(|_| lines.expected("a number of certificates"))?;
        let digest = lines.field("sha256 ", "`sha256` and a digest")?;
        let digest: Sha256Digest = digest.parse().map_err(|_| lines.expected("a digest in hexadecimal"))?;
        if Sha256Digest::of(&[lines.rest.as_bytes()]) != digest {
            return Err(BundleError::Digest);
        }
        let roots = entries(&mut lines, count)?;
        Ok(Self { version: version.to_owned(), digest, roots })
    }

    /// Writes the bundle of these certificates, sorted, each once; it is read back before it is given.
    pub fn write(version: &str, entries: &[BundleEntry]) -> Result<String, BundleError> {
        word("version", version, VERSION_BYTES)?;
        let mut sorted: Vec<(Key<'_>, &BundleEntry)> =
            entries.iter().map(|entry| (Key::of(entry.tier, &entry.vendor, &entry.der), entry)).collect();
        sorted.sort_unstable_by_key(|(key, _)| *key);
        sorted.dedup_by_key(|(key, _)| key.digest);
        let mut body = String::new();
        for (key, entry) in &sorted {
            word("vendor", &entry.vendor, VENDOR_BYTES)?;
            push_entry(&mut body, key, entry)?;
        }
        let (count, digest) = (sorted.len(), Sha256Digest::of(&[body.as_bytes()]));
        let text = format!("{MAGIC}\nversion {version}\ncertificates {count}\nsha256 {digest}\n{body}");
        Self::parse(&text).map(|_| text)
    }
}

/// What certificates are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    tier: &'static str,
    vendor: &'a str,
    digest: [u8; 32],
}

impl<'a> Key<'a> {
    fn of(tier: TrustTier, vendor: &'a str, der: &[u8]) -> Self {
        Self { tier: tier.name(), vendor, digest: *Sha256Digest::of(&[der]).as_bytes() }
    }
}

fn push_entry(body: &mut String, key: &Key<'_>, entry: &BundleEntry) -> Result<(), BundleError> {
    let refused = |error| BundleError::Certificate { line: 0, error };
    let certificate = Certificate::parse(Which::Root(0), &entry.der).map_err(refused)?;
    certificate.check_as_root().map_err(refused)?;
    let (digest, subject) = (certificate.digest(), certificate.subject());
    // Writing to a String does not fail.
    let _infallible = write!(
        body,
        "\ncertificate {digest}\ntier {}\nvendor {}\nsubject {subject}\n{BEGIN}\n",
        key.tier, key.vendor,
    );
    let base64 = base64::engine::general_purpose::STANDARD.encode(&entry.der);
    let mut rest = base64.as_str();
    while let Some((line, after)) = rest.split_at_checked(COLUMNS) {
        body.push_str(line);
        body.push('\n');
        rest = after;
    }
    if !rest.is_empty() {
        body.push_str(rest);
        body.push('\n');
    }
    body.push_str(END);
    body.push('\n');
    Ok(())
}

fn entries(lines: &mut Lines<'_>, count: usize) -> Result<EndorsementRoots, BundleError> {
    if count > ROOTS {
        return Err(BundleError::TooMany { limit: ROOTS });
    }
    let mut roots = EndorsementRoots::default();
    let mut before: Option<Key<'_>> = None;
    for _ in 0..count {
        if lines.next() != Some("") {
            return Err(lines.expected("an empty line"));
        }
        let digest = lines.field("certificate ", "`certificate` and a digest")?;
        let line = lines.line;
        let digest: Sha256Digest = digest.parse().map_err(|_| lines.expected("a digest in hexadecimal"))?;
        let tier = match lines.field("tier ", "`tier` and its name")? {
            "manufacturer" => TrustTier::Manufacturer,
            "cloud" => TrustTier::Cloud,
            _ => return Err(lines.expected("the tier `manufacturer` or `cloud`")),
        };
        let vendor = lines.field("vendor ", "`vendor` and a word")?;
        word("vendor", vendor, VENDOR_BYTES)?;
        lines.field("subject ", "`subject` and a name")?; // for people: the certificate says it
        let der = body(lines)?;
        let key = Key::of(tier, vendor, &der);
        if key.digest != *digest.as_bytes() {
            return Err(BundleError::CertificateDigest { line });
        }
        if before.is_some_and(|before| before >= key) {
            return Err(BundleError::Order { line });
        }
        before = Some(key);
        let refused = |error| BundleError::Certificate { line, error };
        let certificate = Certificate::parse(Which::Root(roots.len()), &der).map_err(refused)?;
        certificate.check_as_root().map_err(refused)?;
        roots.add(tier, der).map_err(refused)?;
    }
    if lines.rest.is_empty() { Ok(roots) } else { Err(lines.after("the bundle's end")) }
}

/// The Base64 between the two marks.
fn body(lines: &mut Lines<'_>) -> Result<Vec<u8>, BundleError> {
    if lines.next() != Some(BEGIN) {
        return Err(lines.expected(BEGIN));
    }
    let start = lines.rest;
    let mut size = 0_usize;
    loop {
        match lines.next() {
            Some(END) => break,
            Some(line) if line.len() <= COLUMNS => size = size.saturating_add(line.len()).saturating_add(1),
            _ => return Err(lines.expected(END)),
        }
    }
    let base64 = start.get(..size).unwrap_or_default();
    decode(base64).ok_or_else(|| lines.expected("Base64 before this line"))
}

/// Lines that end with a newline, counted.
struct Lines<'a> {
    rest: &'a str,
    line: usize,
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.line = self.line.saturating_add(1);
        let (line, rest) = self.rest.split_once('\n')?;
        self.rest = rest;
        Some(line)
    }

    fn field(&mut self, name: &str, expected: &'static str) -> Result<&'a str, BundleError> {
        let value = self.next().and_then(|line| line.strip_prefix(name));
        value.ok_or_else(|| self.expected(expected))
    }

    /// The error that the line which was just read is something else.
    const fn expected(&self, expected: &'static str) -> BundleError {
        BundleError::Line { line: self.line, expected }
    }

    const fn after(&self, expected: &'static str) -> BundleError {
        BundleError::Line { line: self.line.saturating_add(1), expected }
    }
}

fn word(what: &'static str, text: &str, limit: usize) -> Result<(), BundleError> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if !text.is_empty() && text.len() <= limit && text.bytes().all(fits) {
        Ok(())
    } else {
        let text = text.chars().take(VENDOR_BYTES).collect();
        Err(BundleError::Word { what, text })
    }
}
