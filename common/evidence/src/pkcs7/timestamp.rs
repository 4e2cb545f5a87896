//! What a time-stamp token says.
//!
//! In: the `SignedData` of a token of RFC 3161, or its content. Out: the time, and the digest that it is about. Who says
//! so is for the verification of the token's own signature.
//= RFC 3161 §2.4.2: TSTInfo

use crate::asn1::{Asn1Error, Oid, Value, oid, tag, time};
use crate::time::UnixTime;
use crate::x509::AlgorithmId;

use super::SignedData;

/// `TSTInfo`, as far as it matters.
#[derive(Clone, Copy, Debug)]
pub struct TimestampInfo<'a> {
    policy: Oid<'a>,
    algorithm: AlgorithmId<'a>,
    digest: &'a [u8],
    time: Value<'a>,
}

impl<'a> TimestampInfo<'a> {
    /// Reads the content of a token; one in pieces has to be put together by the caller first.
    pub fn of(token: &SignedData<'a>) -> Result<Self, Asn1Error> {
        let content = token.content().ok_or(Asn1Error::Content { offset: 0, what: "time-stamp token" })?;
        if token.content_type() != oid::TST_INFO {
            return Err(Asn1Error::Content { offset: content.offset(), what: "time-stamp token" });
        }
        Self::parse(content.expect(tag::OCTET_STRING)?.content())
    }

    /// Reads a `TSTInfo`.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, Asn1Error> {
        let mut reader = Value::first(bytes)?.expect(tag::SEQUENCE)?.reader();
        let _version = reader.expect(tag::INTEGER)?;
        let policy = reader.expect(tag::OID)?.oid()?;
        let mut imprint = reader.expect(tag::SEQUENCE)?.reader();
        let algorithm = AlgorithmId::parse(&imprint.value()?)?;
        let digest = imprint.expect(tag::OCTET_STRING)?.content();
        let _serial = reader.expect(tag::INTEGER)?;
        let time = reader.expect(tag::GENERALIZED_TIME)?;
        Ok(Self { policy, algorithm, digest, time })
    }

    /// The authority's policy.
    pub const fn policy(&self) -> Oid<'a> {
        self.policy
    }

    /// The hash of `digest`.
    pub const fn algorithm(&self) -> AlgorithmId<'a> {
        self.algorithm
    }

    /// The digest of what was stamped.
    pub const fn digest(&self) -> &'a [u8] {
        self.digest
    }

    /// The time.
    pub fn time(&self) -> Option<UnixTime> {
        time(&self.time)
    }
}
