//! Hash algorithms and digests.
//!
//! In: algorithm identifiers and bytes from logs and TPM structures. Out: values whose length always fits
//! their algorithm. A digest says nothing of where it came from or whether anybody vouches for it.

use std::fmt;
use std::str::FromStr;

use sha2::Digest as _;

/// A hash algorithm of the TCG algorithm registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HashAlg {
    /// SHA-1: legacy, flagged wherever it is relied on.
    Sha1,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
    /// SM3-256.
    Sm3,
    /// SHA3-256.
    Sha3_256,
    /// SHA3-384.
    Sha3_384,
    /// SHA3-512.
    Sha3_512,
}

impl HashAlg {
    /// Every algorithm that Lydian knows, in the order of their identifiers.
    pub const ALL: [Self; 8] = [
        Self::Sha1,
        Self::Sha256,
        Self::Sha384,
        Self::Sha512,
        Self::Sm3,
        Self::Sha3_256,
        Self::Sha3_384,
        Self::Sha3_512,
    ];

    /// The `TPM_ALG_ID`.
    pub const fn tpm_id(self) -> u16 {
        match self {
            Self::Sha1 => 0x0004,
            Self::Sha256 => 0x000b,
            Self::Sha384 => 0x000c,
            Self::Sha512 => 0x000d,
            Self::Sm3 => 0x0012,
            Self::Sha3_256 => 0x0027,
            Self::Sha3_384 => 0x0028,
            Self::Sha3_512 => 0x0029,
        }
    }

    /// The algorithm with this `TPM_ALG_ID`, if it is a hash that Lydian knows.
    pub fn from_tpm_id(id: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|alg| alg.tpm_id() == id)
    }

    /// Length of a digest in bytes.
    pub const fn size(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 | Self::Sha3_256 => 32,
            Self::Sha384 | Self::Sha3_384 => 48,
            Self::Sha512 | Self::Sha3_512 => 64,
        }
    }

    /// The name as Linux and tpm2-tools write it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sm3 => "sm3_256",
            Self::Sha3_256 => "sha3_256",
            Self::Sha3_384 => "sha3_384",
            Self::Sha3_512 => "sha3_512",
        }
    }

    /// Hashes the concatenation of `parts`.
    pub fn hash(self, parts: &[&[u8]]) -> Digest {
        match self {
            Self::Sha1 => run::<sha1::Sha1>(self, parts),
            Self::Sha256 => run::<sha2::Sha256>(self, parts),
            Self::Sha384 => run::<sha2::Sha384>(self, parts),
            Self::Sha512 => run::<sha2::Sha512>(self, parts),
            Self::Sm3 => run::<sm3::Sm3>(self, parts),
            Self::Sha3_256 => run::<sha3::Sha3_256>(self, parts),
            Self::Sha3_384 => run::<sha3::Sha3_384>(self, parts),
            Self::Sha3_512 => run::<sha3::Sha3_512>(self, parts),
        }
    }
}

impl fmt::Display for HashAlg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for HashAlg {
    type Err = DigestError;

    fn from_str(name: &str) -> Result<Self, DigestError> {
        Self::ALL.into_iter().find(|alg| alg.name() == name).ok_or(DigestError::UnknownName)
    }
}

fn run<H: sha2::Digest>(alg: HashAlg, parts: &[&[u8]]) -> Digest {
    let mut hasher = H::new();
    for part in parts {
        hasher.update(part);
    }
    Digest::filled(alg, &hasher.finalize())
}

/// A digest of a known algorithm; its length always fits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    alg: HashAlg,
    bytes: [u8; 64],
}

impl Digest {
    /// A digest from its bytes, which must have the algorithm's length.
    pub fn new(alg: HashAlg, bytes: &[u8]) -> Result<Self, DigestError> {
        if bytes.len() == alg.size() {
            Ok(Self::filled(alg, bytes))
        } else {
            Err(DigestError::Length { alg, expected: alg.size(), found: bytes.len() })
        }
    }

    /// A PCR's value after a TPM reset: all zero.
    pub const fn zero(alg: HashAlg) -> Self {
        Self { alg, bytes: [0; 64] }
    }

    /// All bits set: the start value of PCR 17 to 22, and what an IMA violation extends.
    pub fn ones(alg: HashAlg) -> Self {
        Self::filled(alg, &[0xff; 64])
    }

    /// The algorithm.
    pub const fn alg(&self) -> HashAlg {
        self.alg
    }

    /// The digest's bytes, exactly `alg().size()` of them.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.alg.size()).unwrap_or(&self.bytes)
    }

    /// What a PCR that holds `self` holds after it is extended with `measured`.
    ///
    /// `None` where the algorithms differ.
    //= TPM 2.0 Library Part 1 §17.2: PCR.new = H(PCR.old ‖ measured)
    pub fn extend(&self, measured: &Digest) -> Option<Self> {
        if self.alg != measured.alg {
            return None;
        }
        Some(self.alg.hash(&[self.as_bytes(), measured.as_bytes()]))
    }

    /// Whether every byte is zero.
    pub fn is_zero(&self) -> bool {
        self.as_bytes().iter().all(|b| *b == 0)
    }

    /// The digest's bytes with zeros behind them, or cut, for another algorithm's size.
    ///
    /// This is what kernels extend into banks for which they computed nothing of their own.
    #[must_use]
    pub fn padded(&self, alg: HashAlg) -> Self {
        Self::filled(alg, self.as_bytes())
    }

    #[inline]
    fn filled(alg: HashAlg, from: &[u8]) -> Self {
        let mut bytes = [0; 64];
        let size = alg.size().min(from.len());
        if let (Some(to), Some(from)) = (bytes.get_mut(..size), from.get(..size)) {
            to.copy_from_slice(from);
        }
        Self { alg, bytes }
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.as_bytes())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{self}", self.alg)
    }
}

/// Defines a fixed-size identifier with hex as its text form.
macro_rules! bytes_newtype {
    ($(#[$doc:meta])* $name:ident, $len:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; $len]);

        impl $name {
            /// From an array, whose length always fits.
            pub const fn new(bytes: [u8; $len]) -> Self {
                Self(bytes)
            }

            /// From a slice, whose length is checked.
            pub fn from_slice(bytes: &[u8]) -> Result<Self, DigestError> {
                let found = bytes.len();
                bytes.try_into().map(Self).map_err(|_| DigestError::Bytes { expected: $len, found })
            }

            /// The bytes.
            pub const fn as_bytes(&self) -> &[u8; $len] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_hex(f, &self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = DigestError;

            fn from_str(text: &str) -> Result<Self, DigestError> {
                let mut bytes = [0; $len];
                parse_hex(text, &mut bytes)?;
                Ok(Self(bytes))
            }
        }
    };
}

bytes_newtype!(
    /// A SHA-256 over content of ours: a file, a manifest, a body, a piece of evidence.
    Sha256Digest,
    32
);
bytes_newtype!(
    /// A host's identity: SHA-256 over a domain tag and the `TPMT_PUBLIC` of its TPM's endorsement key.
    HostId,
    32
);
bytes_newtype!(
    /// One unbroken run of a host's evidence, drawn at random at each enrolment.
    ChainId,
    16
);

impl Sha256Digest {
    /// Hashes the concatenation of `parts`.
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = sha2::Sha256::new();
        for part in parts {
            hasher.update(part);
        }
        Self(hasher.finalize().into())
    }
}

impl HostId {
    /// The identity of the host whose endorsement key has this `TPMT_PUBLIC`.
    pub fn of_endorsement_key(tpmt_public: &[u8]) -> Self {
        Self(*Sha256Digest::of(&[b"lydian/host/v1\0", tpmt_public]).as_bytes())
    }
}

/// Why bytes or text are not a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    /// The length does not fit the algorithm.
    #[error("a {alg} digest has {expected} bytes, found {found}")]
    Length {
        /// The algorithm.
        alg: HashAlg,
        /// Its digest's length.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// The length does not fit the identifier.
    #[error("expected {expected} bytes, found {found}")]
    Bytes {
        /// The identifier's length.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// The text is not hexadecimal of the right length.
    #[error("expected {expected} hexadecimal digits")]
    Hex {
        /// How many digits were expected.
        expected: usize,
    },
    /// No hash algorithm has this name.
    #[error(
        "unknown hash algorithm (known: sha1, sha256, sha384, sha512, sm3_256, sha3_256, sha3_384, sha3_512)"
    )]
    UnknownName,
}

/// The digits at once: an answer has thousands of digests in it.
fn write_hex(f: &mut fmt::Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [0_u8; 2 * LONGEST];
    let digit = |of: u8| DIGITS.get(usize::from(of)).copied().unwrap_or_default();
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[digit(byte >> 4), digit(byte & 15)]);
    }
    let text = text.get(..2 * bytes.len()).ok_or(fmt::Error)?;
    f.write_str(std::str::from_utf8(text).map_err(|_| fmt::Error)?)
}

/// Bytes of the longest digest.
const LONGEST: usize = 64;

fn parse_hex(text: &str, out: &mut [u8]) -> Result<(), DigestError> {
    let bad = DigestError::Hex { expected: out.len() * 2 };
    if text.len() != out.len() * 2 {
        return Err(bad);
    }
    let digit = |of: &u8| char::from(*of).to_digit(16).and_then(|value| u8::try_from(value).ok());
    for (to, pair) in out.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return Err(bad) };
        *to = digit(high).zip(digit(low)).map(|(high, low)| high << 4 | low).ok_or(bad)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_algorithm_gives_the_published_digest_of_abc() {
        let check = |alg: HashAlg, expected: &str| {
            let digest = alg.hash(&[b"a", b"bc"]).to_string();
            assert!(digest.starts_with(expected), "{alg}: {digest}");
            assert_eq!(digest.len(), 2 * alg.size());
        };
        check(HashAlg::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        check(HashAlg::Sha256, "ba7816bf8f01cfea414140de5dae2223");
        check(HashAlg::Sha384, "cb00753f45a35e8bb5a03d699ac65007");
        check(HashAlg::Sha512, "ddaf35a193617abacc417349ae204131");
        check(HashAlg::Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e2");
        check(HashAlg::Sha3_256, "3a985da74fe225b2045c172d6bd390bd");
        check(HashAlg::Sha3_384, "ec01498288516fc926459f58e2c6ad8d");
        check(HashAlg::Sha3_512, "b751850b1a57168a5693cd924b6b096e");
    }

    #[test]
    fn extend_is_hash_of_old_and_measured() {
        let one = HashAlg::Sha256.hash(&[b"one"]);
        let zero = Digest::zero(HashAlg::Sha256);
        let expected = HashAlg::Sha256.hash(&[&[0; 32], one.as_bytes()]);
        assert_eq!(zero.extend(&one), Some(expected));
    }

    #[test]
    fn extend_refuses_another_algorithm() {
        let sha1 = HashAlg::Sha1.hash(&[b"x"]);
        assert_eq!(Digest::zero(HashAlg::Sha256).extend(&sha1), None);
    }

    #[test]
    fn wrong_lengths_cannot_exist() {
        assert!(Digest::new(HashAlg::Sha256, &[0; 31]).is_err());
        assert!(HostId::from_slice(&[0; 33]).is_err());
        assert!("00".parse::<Sha256Digest>().is_err());
        assert!("+1".repeat(32).parse::<Sha256Digest>().is_err());
    }

    #[test]
    fn hex_round_trips() {
        let digest = Sha256Digest::of(&[b"lydian"]);
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn names_and_ids_round_trip() {
        for alg in HashAlg::ALL {
            assert_eq!(alg.name().parse(), Ok(alg));
            assert_eq!(HashAlg::from_tpm_id(alg.tpm_id()), Some(alg));
        }
    }
}
