//! Sealed evidence, and the envelope that carries it to the verifier.
//!
//! *Sealed evidence* is a body, the quote over it and the quote's signature, as the bytes that the host's chain
//! and the log commit to. The *envelope* adds what is not signed itself because the quote already vouches for
//! it: PCR values (their hash is quoted) and logs (they replay to those values). Parsing an envelope establishes
//! nothing but its shape.

use crate::body::{Body, BodyError};
use crate::cbor::{CborError, Reader, Writer};
use crate::digest::Sha256Digest;
use crate::limits::{
    ATTACHMENTS, ATTEST_BYTES, BODY_BYTES, ENVELOPE_BYTES, EVENT_LOG_BYTES, IMA_LIST_BYTES, PCR_VALUES,
    SIGNATURE_BYTES, SYSTEMD_LOG_BYTES,
};

/// A body, its quote and the quote's signature; untrusted until `appraisal` has verified it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    raw: Vec<u8>,
    body_raw: Vec<u8>,
    body: Body,
    attest: Vec<u8>,
    signature: Vec<u8>,
}

impl Evidence {
    /// Seals a body: `attest` is the `TPMS_ATTEST` over its qualifying data, `signature` a `TPMT_SIGNATURE`.
    pub fn seal(body_raw: &[u8], attest: &[u8], signature: &[u8]) -> Result<Self, EnvelopeError> {
        let mut w = Writer::new();
        w.array(4).uint(SEALED_VERSION).bytes(body_raw).bytes(attest).bytes(signature);
        Self::decode(&w.finish())
    }

    /// Reads the bytes that [`Evidence::raw`] returns.
    pub fn decode(raw: &[u8]) -> Result<Self, EnvelopeError> {
        let mut r = Reader::new(raw);
        r.array_of(4)?;
        version(&mut r, SEALED_VERSION)?;
        let body_raw = r.bytes(BODY_BYTES)?.to_vec();
        let attest = r.bytes(ATTEST_BYTES)?.to_vec();
        let signature = r.bytes(SIGNATURE_BYTES)?.to_vec();
        r.end()?;
        let body = Body::decode(&body_raw)?;
        Ok(Self { raw: raw.to_vec(), body_raw, body, attest, signature })
    }

    /// The sealed bytes, as they are kept and hashed.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// What the next evidence names as `prev`, and what the leaf in the log commits to.
    pub fn digest(&self) -> Sha256Digest {
        Sha256Digest::of(&[&self.raw])
    }

    /// The body's own bytes, over which the qualifying data is computed.
    pub fn body_raw(&self) -> &[u8] {
        &self.body_raw
    }

    /// The body.
    pub const fn body(&self) -> &Body {
        &self.body
    }

    /// The `TPMS_ATTEST`.
    pub fn attest(&self) -> &[u8] {
        &self.attest
    }

    /// The `TPMT_SIGNATURE` over it.
    pub fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Which log an attachment is a part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AttachmentKind {
    /// The firmware's TCG event log, whole.
    FirmwareLog,
    /// Records of the kernel's IMA list from number `first` on.
    ImaList,
    /// systemd's measurement log, whole.
    SystemdLog,
}

impl AttachmentKind {
    const fn code(self) -> u64 {
        match self {
            Self::FirmwareLog => 1,
            Self::ImaList => 2,
            Self::SystemdLog => 3,
        }
    }

    const fn limit(self) -> usize {
        match self {
            Self::FirmwareLog => EVENT_LOG_BYTES,
            Self::ImaList => IMA_LIST_BYTES,
            Self::SystemdLog => SYSTEMD_LOG_BYTES,
        }
    }
}

/// A log, or what is new of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Which log.
    pub kind: AttachmentKind,
    /// Number of the first record, from 0; always 0 for a log that is attached whole.
    pub first: u64,
    /// Raw bytes, as the kernel gave them.
    pub bytes: Vec<u8>,
}

/// One submission.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The sealed evidence.
    pub evidence: Evidence,
    /// Values of the quoted PCRs in the order of the quote's selection.
    pub pcr_values: Vec<Vec<u8>>,
    /// Logs, at most one of each kind, in the order of their kinds.
    pub attachments: Vec<Attachment>,
}

impl Envelope {
    /// The bytes of a submission before compression.
    pub fn encode(&self) -> Vec<u8> {
        self.encode_with(|_| true)
    }

    /// What the host's next submission is compressed against, so that it costs what is new: the same envelope with
    /// no log but systemd's, which is attached whole each time. Both sides can make these bytes of what they keep.
    pub fn reference(&self) -> Vec<u8> {
        self.encode_with(|kind| kind == AttachmentKind::SystemdLog)
    }

    fn encode_with(&self, kept: impl Fn(AttachmentKind) -> bool) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(4).uint(ENVELOPE_VERSION).bytes(self.evidence.raw());
        w.array(self.pcr_values.len());
        for value in &self.pcr_values {
            w.bytes(value);
        }
        let kept: Vec<_> = self.attachments.iter().filter(|attachment| kept(attachment.kind)).collect();
        w.array(kept.len());
        for attachment in kept {
            w.array(3).uint(attachment.kind.code()).uint(attachment.first).bytes(&attachment.bytes);
        }
        w.finish()
    }

    /// Reads a submission's decompressed bytes.
    pub fn decode(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        if bytes.len() > ENVELOPE_BYTES {
            return Err(EnvelopeError::TooLong { found: bytes.len() });
        }
        let mut r = Reader::new(bytes);
        r.array_of(4)?;
        version(&mut r, ENVELOPE_VERSION)?;
        let evidence = Evidence::decode(r.bytes(BODY_BYTES + ATTEST_BYTES + SIGNATURE_BYTES + 64)?)?;
        let count = r.array(PCR_VALUES)?;
        let pcr_values = (0..count).map(|_| Ok(r.bytes(64)?.to_vec())).collect::<Result<_, CborError>>()?;
        let attachments = decode_attachments(&mut r)?;
        r.end()?;
        Ok(Self { evidence, pcr_values, attachments })
    }

    /// The attachment of this kind.
    pub fn attachment(&self, kind: AttachmentKind) -> Option<&Attachment> {
        self.attachments.iter().find(|attachment| attachment.kind == kind)
    }
}

/// What the first submission of a host is compressed against, where the verifier knows a host with the same state: the
/// digests of its components, as a body lists them.
pub fn state_reference<'a>(components: impl IntoIterator<Item = &'a Sha256Digest>) -> Vec<u8> {
    let mut w = Writer::new();
    for component in components {
        w.bytes(component.as_bytes());
    }
    w.finish()
}

/// Why bytes are not an envelope or sealed evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not the canonical encoding.
    #[error("envelope: {0}")]
    Encoding(#[from] CborError),
    /// The body within is not one.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// More bytes than a submission has.
    #[error("envelope of {found} bytes; the limit is {ENVELOPE_BYTES}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// A version of the format that this one does not know.
    #[error("envelope of version {found}; this program reads version {expected}")]
    Version {
        /// The version that this program reads.
        expected: u64,
        /// The version found.
        found: u64,
    },
    /// An attachment that this version does not know.
    #[error("envelope: at byte {offset}: unknown attachment {code}")]
    UnknownAttachment {
        /// Where it stands.
        offset: usize,
        /// What was found.
        code: u64,
    },
}

const SEALED_VERSION: u64 = 1;
const ENVELOPE_VERSION: u64 = 1;

fn version(r: &mut Reader<'_>, expected: u64) -> Result<(), EnvelopeError> {
    let found = r.uint()?;
    if found == expected { Ok(()) } else { Err(EnvelopeError::Version { expected, found }) }
}

fn decode_attachments(r: &mut Reader<'_>) -> Result<Vec<Attachment>, EnvelopeError> {
    let count = r.array(ATTACHMENTS)?;
    let mut attachments: Vec<Attachment> = Vec::new();
    for _ in 0..count {
        let offset = r.offset();
        r.array_of(3)?;
        let kind = match r.uint()? {
            1 => AttachmentKind::FirmwareLog,
            2 => AttachmentKind::ImaList,
            3 => AttachmentKind::SystemdLog,
            code => return Err(EnvelopeError::UnknownAttachment { offset, code }),
        };
        let first = match kind {
            AttachmentKind::FirmwareLog | AttachmentKind::SystemdLog => r.key(0).map(|()| 0)?,
            AttachmentKind::ImaList => r.uint()?,
        };
        let bytes = r.bytes(kind.limit())?.to_vec();
        if attachments.last().is_some_and(|last| last.kind >= kind) {
            return Err(CborError::Order { offset }.into());
        }
        attachments.push(Attachment { kind, first, bytes });
    }
    Ok(attachments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::body as sample_body;

    fn envelope() -> Envelope {
        Envelope {
            evidence: Evidence::seal(&sample_body().encode(), b"attest", b"signature").unwrap(),
            pcr_values: vec![vec![0; 32], vec![1; 32]],
            attachments: vec![
                Attachment { kind: AttachmentKind::FirmwareLog, first: 0, bytes: vec![1, 2, 3] },
                Attachment { kind: AttachmentKind::ImaList, first: 4, bytes: vec![] },
            ],
        }
    }

    #[test]
    fn decode_of_encode_is_identity() {
        assert_eq!(Envelope::decode(&envelope().encode()), Ok(envelope()));
    }

    #[test]
    fn a_whole_log_starts_at_its_start() {
        let mut whole = envelope();
        whole.attachments.push(Attachment { kind: AttachmentKind::SystemdLog, first: 0, bytes: vec![0x1e] });
        assert_eq!(Envelope::decode(&whole.encode()), Ok(whole.clone()));
        for at in [0, 2] {
            let mut within = whole.clone();
            within.attachments[at].first = 1;
            let refused = Envelope::decode(&within.encode());
            assert!(matches!(refused, Err(EnvelopeError::Encoding(_))), "{refused:?}");
        }
    }

    #[test]
    fn every_truncation_is_refused() {
        let bytes = envelope().encode();
        for len in 0..bytes.len() {
            assert!(Envelope::decode(&bytes[..len]).is_err(), "{len}");
        }
    }

    #[test]
    fn an_attachment_twice_is_refused() {
        let mut twice = envelope();
        twice.attachments.push(twice.attachments[1].clone());
        let refused = Envelope::decode(&twice.encode());
        assert!(matches!(refused, Err(EnvelopeError::Encoding(CborError::Order { .. }))), "{refused:?}");
    }

    #[test]
    fn attachments_do_not_move_the_digest_but_the_quote_does() {
        let one = envelope();
        let mut other = envelope();
        other.attachments.clear();
        assert_eq!(one.evidence.digest(), other.evidence.digest());
        let requoted = Evidence::seal(one.evidence.body_raw(), b"another", b"signature").unwrap();
        assert_ne!(one.evidence.digest(), requoted.digest());
    }

    #[test]
    fn an_unknown_version_is_named() {
        let mut bytes = envelope().encode();
        bytes[1] = 9;
        assert_eq!(Envelope::decode(&bytes), Err(EnvelopeError::Version { expected: 1, found: 9 }));
    }
}
