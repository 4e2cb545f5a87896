//! What a TPM says under its signature.
//!
//! In: the bytes of a `TPMS_ATTEST`. Out: its fields beside those bytes, which are what the signature covers; what they
//! attest is read by `attested`. That the structure starts with the TPM's magic number means nothing until a
//! restricted key's signature over it holds.
//= TPM 2.0 Library Part 2 §10.12.12: TPMS_ATTEST

use crate::cursor::Cursor;
use crate::limits::{ATTEST_BYTES, TPM_NAME_BYTES};

use super::attested::{Attested, QuoteInfo};
use super::wire::{TpmError, Writer, sized, whole, yes_no};

/// `TPM_GENERATED_VALUE`: a restricted key signs a structure that starts so only if its TPM made it.
const GENERATED: u32 = 0xff54_4347;

/// An attestation: its bytes and their fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attest {
    raw: Vec<u8>,
    fields: AttestFields,
}

/// The fields of a `TPMS_ATTEST`, free to be filled in; [`Attest::new`] makes an attestation of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttestFields {
    /// The qualified name of the key that signs.
    pub qualified_signer: Vec<u8>,
    /// What the asker wanted to be signed along: the nonce.
    pub extra_data: Vec<u8>,
    /// The TPM's clock and counters.
    pub clock: ClockInfo,
    /// The TPM's firmware version, as its vendor numbers it.
    pub firmware_version: u64,
    /// What is attested.
    pub attested: Attested,
}

/// `TPMS_CLOCK_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockInfo {
    /// Milliseconds for which the TPM has had power.
    pub clock_ms: u64,
    /// How often the TPM was reset: one for each boot, seen or not.
    pub reset_count: u32,
    /// How often it was restarted or resumed since.
    pub restart_count: u32,
    /// Whether the clock can have gone back.
    pub safety: ClockSafety,
}

/// What the TPM says of its clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockSafety {
    /// No greater value of the clock was ever reported.
    Safe,
    /// After an unorderly shutdown the clock may have gone back a little; not a failure.
    MayHaveGoneBack,
}

impl Attest {
    /// Reads a `TPMS_ATTEST`.
    pub fn parse(tpms_attest: &[u8]) -> Result<Self, TpmError> {
        let fields = whole(tpms_attest, "attestation", ATTEST_BYTES, AttestFields::read)?;
        Ok(Self { raw: tpms_attest.to_vec(), fields })
    }

    /// The attestation that has these fields.
    pub fn new(fields: &AttestFields) -> Result<Self, TpmError> {
        Self::parse(&fields.encode()?)
    }

    /// The `TPMS_ATTEST` as it was read: the bytes that are signed.
    pub fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The fields.
    pub const fn fields(&self) -> &AttestFields {
        &self.fields
    }

    /// The quote, if this is one.
    pub const fn quote(&self) -> Option<&QuoteInfo> {
        match &self.fields.attested {
            Attested::Quote(quote) => Some(quote),
            _ => None,
        }
    }
}

impl AttestFields {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let offset = cursor.offset();
        let magic = cursor.u32_be()?;
        if magic != GENERATED {
            return Err(TpmError::Value { offset, what: "TPM_GENERATED_VALUE", found: magic.into() });
        }
        let tag = cursor.u16_be()?;
        Ok(Self {
            qualified_signer: sized(cursor, "qualified signer", TPM_NAME_BYTES)?.to_vec(),
            extra_data: sized(cursor, "extra data", TPM_NAME_BYTES)?.to_vec(),
            clock: ClockInfo::read(cursor)?,
            firmware_version: cursor.u64_be()?,
            attested: Attested::read(tag, cursor)?,
        })
    }

    /// The `TPMS_ATTEST` of these fields.
    pub fn encode(&self) -> Result<Vec<u8>, TpmError> {
        let mut out = Writer::default();
        out.u32(GENERATED).u16(self.attested.tag());
        out.sized(&self.qualified_signer, "qualified signer", TPM_NAME_BYTES)?;
        out.sized(&self.extra_data, "extra data", TPM_NAME_BYTES)?;
        self.clock.write(&mut out);
        out.u64(self.firmware_version);
        self.attested.write(&mut out)?;
        Ok(out.finish())
    }
}

impl ClockInfo {
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        let clock_ms = cursor.u64_be()?;
        let reset_count = cursor.u32_be()?;
        let restart_count = cursor.u32_be()?;
        let safety = if yes_no(cursor)? { ClockSafety::Safe } else { ClockSafety::MayHaveGoneBack };
        Ok(Self { clock_ms, reset_count, restart_count, safety })
    }

    pub(super) fn write(&self, out: &mut Writer) {
        out.u64(self.clock_ms).u32(self.reset_count).u32(self.restart_count);
        out.u8(match self.safety {
            ClockSafety::MayHaveGoneBack => 0,
            ClockSafety::Safe => 1,
        });
    }
}
