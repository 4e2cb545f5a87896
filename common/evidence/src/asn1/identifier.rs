//! Object identifiers as they lie in DER.
//!
//! In: an identifier's content octets. Out: a value that is compared byte by byte and shown in dotted form. Any octets
//! are an identifier here; ones that are no sequence of numbers are shown as far as they can be.

use std::fmt;

use super::oid;
use crate::limits::OID_BYTES;

/// An object identifier, borrowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid<'a>(&'a [u8]);

impl<'a> Oid<'a> {
    /// From its content octets.
    pub const fn new(content: &'a [u8]) -> Self {
        Self(content)
    }

    /// The content octets.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }

    /// The name of an algorithm, as OpenSSL and the standards write it.
    pub fn algorithm_name(&self) -> Option<&'static str> {
        ALGORITHMS.iter().find_map(|(oid, name)| (oid == self).then_some(*name))
    }
}

const ALGORITHMS: &[(Oid<'static>, &str)] = &[
    (oid::RSA_ENCRYPTION, "rsaEncryption"),
    (oid::MD2_WITH_RSA, "md2WithRSAEncryption"),
    (oid::MD5_WITH_RSA, "md5WithRSAEncryption"),
    (oid::SHA1_WITH_RSA, "sha1WithRSAEncryption"),
    (oid::SHA1_WITH_RSA_OIW, "sha1WithRSA"),
    (oid::RSAES_OAEP, "rsaesOaep"),
    (oid::RSASSA_PSS, "rsassaPss"),
    (oid::SHA256_WITH_RSA, "sha256WithRSAEncryption"),
    (oid::SHA384_WITH_RSA, "sha384WithRSAEncryption"),
    (oid::SHA512_WITH_RSA, "sha512WithRSAEncryption"),
    (oid::EC_PUBLIC_KEY, "ecPublicKey"),
    (oid::ECDSA_WITH_SHA1, "ecdsa-with-SHA1"),
    (oid::ECDSA_WITH_SHA256, "ecdsa-with-SHA256"),
    (oid::ECDSA_WITH_SHA384, "ecdsa-with-SHA384"),
    (oid::ECDSA_WITH_SHA512, "ecdsa-with-SHA512"),
    (oid::ED25519, "ed25519"),
    (oid::SM2_WITH_SM3, "sm2-with-SM3"),
    (oid::MD5, "md5"),
    (oid::SHA1, "sha1"),
    (oid::SHA224, "sha224"),
    (oid::SHA256, "sha256"),
    (oid::SHA384, "sha384"),
    (oid::SHA512, "sha512"),
    (oid::SHA3_256, "sha3-256"),
    (oid::SHA3_384, "sha3-384"),
    (oid::SHA3_512, "sha3-512"),
    (oid::SM3, "sm3"),
];

impl fmt::Display for Oid<'_> {
    //= X.690 §8.19: base 128, the first two numbers in one
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.len() > OID_BYTES {
            return write!(f, "(an identifier of {} bytes)", self.0.len());
        }
        let mut number = 0_u128;
        let mut first = true;
        for byte in self.0 {
            number = number.saturating_mul(128).saturating_add(u128::from(byte & 0x7f));
            if byte & 0x80 != 0 {
                continue;
            }
            if first {
                let arc = (number / 40).min(2);
                write!(f, "{arc}.{}", number.saturating_sub(arc * 40))?;
                first = false;
            } else {
                write!(f, ".{number}")?;
            }
            number = 0;
        }
        if self.0.last().is_none_or(|last| last & 0x80 != 0) { f.write_str("?") } else { Ok(()) }
    }
}

impl fmt::Debug for Oid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Oid({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_shown_in_dotted_form() {
        let check = |oid: Oid<'_>, expected: &str| assert_eq!(oid.to_string(), expected);
        check(oid::RSA_ENCRYPTION, "1.2.840.113549.1.1.1");
        check(oid::RSASSA_PSS, "1.2.840.113549.1.1.10");
        check(oid::SHA256, "2.16.840.1.101.3.4.2.1");
        check(oid::SHA1_WITH_RSA_OIW, "1.3.14.3.2.29");
        check(oid::P521, "1.3.132.0.35");
        check(oid::SM3, "1.2.156.10197.1.401");
        check(oid::SM2, "1.2.156.10197.1.301");
        check(oid::SM2_WITH_SM3, "1.2.156.10197.1.501");
        check(oid::MS_NESTED_SIGNATURE, "1.3.6.1.4.1.311.2.4.1");
        check(oid::MS_TIMESTAMP_TOKEN, "1.3.6.1.4.1.311.3.3.1");
        check(oid::SPC_INDIRECT_DATA, "1.3.6.1.4.1.311.2.1.4");
        check(oid::TST_INFO, "1.2.840.113549.1.9.16.1.4");
        check(oid::EXTENDED_KEY_USAGE, "2.5.29.37");
        check(Oid::new(&[0x88, 0x37]), "2.999");
        check(Oid::new(&[]), "?");
        check(Oid::new(&[0x2a, 0x86]), "1.2?");
        check(Oid::new(&[0xff; 64]), "?");
        check(Oid::new(&[1; 65]), "(an identifier of 65 bytes)");
    }
}
