//! One piece of evidence with all that is needed to verify it again: offline, anywhere, years later.
//!
//! In and out: a file's bytes. A bundle holds the sealed evidence, the PCR values, the whole logs of the boot so
//! far, the attester's key and selection, the state that the evidence was checked against, and the proof that it is
//! in the log. It is only a container: `appraisal` and `ledger` verify what is in it, and whoever reads it decides
//! whose log key and whose attestation key they believe.

use crate::cbor::{CborError, Reader, Writer};
use crate::envelope::{Envelope, EnvelopeError};
use crate::limits::{ENVELOPE_BYTES, EVENT_LOG_BYTES, LONG_TEXT_BYTES, PUBLIC_BYTES, SHORT_TEXT_BYTES};

/// What a bundle file starts with, so that tools and people know it.
pub const MAGIC: &[u8] = b"lydian-bundle-v1\n";
/// The whole file: an envelope, a firmware log and small parts.
pub const BUNDLE_BYTES: usize = ENVELOPE_BYTES + EVENT_LOG_BYTES + STATE_BYTES + PROOF_BYTES + (64 << 10);
/// The carried state: 32 bytes a component.
const STATE_BYTES: usize = 4 << 20;
/// A proof file with its checkpoint and signatures.
const PROOF_BYTES: usize = 128 << 10;

/// The parts of a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The submission as it was recorded.
    pub envelope: Envelope,
    /// The firmware log of the boot; empty where the host has none.
    pub firmware_log: Vec<u8>,
    /// `TPMT_PUBLIC` of the attestation key.
    pub ak_public: Vec<u8>,
    /// What the host was asked to quote, such as `sha256:0,1,2`.
    pub selection: String,
    /// What people call the host.
    pub host_name: String,
    /// How well its endorsement key is vouched for, in the verifier's word.
    pub tier: String,
    /// The carried state before this evidence, as `appraisal` encodes it.
    pub state: Vec<u8>,
    /// When the verifier received it, in milliseconds since 1970.
    pub received_ms: u64,
    /// The log's key in C2SP vkey form, in the verifier's word.
    pub log_key: String,
    /// `c2sp.org/tlog-proof@v1` of its leaf.
    pub proof: String,
}

impl Bundle {
    /// The bytes of a bundle file.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.array(10).bytes(&self.envelope.encode()).bytes(&self.firmware_log).bytes(&self.ak_public);
        w.text(&self.selection).text(&self.host_name).text(&self.tier).bytes(&self.state);
        w.uint(self.received_ms).text(&self.log_key).text(&self.proof);
        [MAGIC, &w.finish()].concat()
    }

    /// Reads a bundle file.
    pub fn decode(file: &[u8]) -> Result<Self, BundleError> {
        if file.len() > BUNDLE_BYTES {
            return Err(BundleError::TooLong { found: file.len() });
        }
        let bytes = file.strip_prefix(MAGIC).ok_or(BundleError::NotABundle)?;
        let mut r = Reader::new(bytes);
        r.array_of(10)?;
        let bundle = Self {
            envelope: Envelope::decode(r.bytes(ENVELOPE_BYTES)?)?,
            firmware_log: r.bytes(EVENT_LOG_BYTES)?.to_vec(),
            ak_public: r.bytes(PUBLIC_BYTES)?.to_vec(),
            selection: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            host_name: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            tier: r.text(SHORT_TEXT_BYTES)?.to_owned(),
            state: r.bytes(STATE_BYTES)?.to_vec(),
            received_ms: r.uint()?,
            log_key: r.text(LONG_TEXT_BYTES)?.to_owned(),
            proof: r.text(PROOF_BYTES)?.to_owned(),
        };
        r.end()?;
        Ok(bundle)
    }
}

/// Why bytes are not a bundle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// The file does not start as a bundle does.
    #[error("not a bundle: it does not start with `lydian-bundle-v1`")]
    NotABundle,
    /// More bytes than a bundle has.
    #[error("bundle of {found} bytes; the limit is {BUNDLE_BYTES}")]
    TooLong {
        /// The length found.
        found: usize,
    },
    /// Not the canonical encoding; offsets count from behind the first line.
    #[error("bundle: {0}")]
    Encoding(#[from] CborError),
    /// The envelope within is not one; offsets count within it.
    #[error("bundle: {0}")]
    Envelope(#[from] EnvelopeError),
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::tests::body;
    use crate::envelope::Evidence;

    fn bundle() -> Bundle {
        Bundle {
            envelope: Envelope {
                evidence: Evidence::seal(&body().encode(), b"attest", b"signature").unwrap(),
                pcr_values: vec![vec![7; 32]],
                attachments: vec![],
            },
            firmware_log: vec![1, 2],
            ak_public: vec![3],
            selection: "sha256:0,1".into(),
            host_name: "web-1".into(),
            tier: "manufacturer".into(),
            state: vec![4],
            received_ms: 5,
            log_key: "log+00000000+AAAA".into(),
            proof: "c2sp.org/tlog-proof@v1\n".into(),
        }
    }

    #[test]
    fn decode_of_encode_is_identity() {
        assert_eq!(Bundle::decode(&bundle().encode()), Ok(bundle()));
    }

    #[test]
    fn other_files_and_truncations_are_refused() {
        assert_eq!(Bundle::decode(b"\x7fELF"), Err(BundleError::NotABundle));
        let bytes = bundle().encode();
        for len in MAGIC.len()..bytes.len() {
            assert!(Bundle::decode(&bytes[..len]).is_err(), "{len}");
        }
    }
}
