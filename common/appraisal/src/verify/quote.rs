//! The quote: made by the enrolled key's TPM, over this body, of the PCRs that were asked for.

use evidence::body::{self, Body, BootCounters};
use evidence::digest::Digest;
use evidence::envelope::Envelope;
use evidence::pcr::{PcrSelection, PcrValues};
use evidence::tpm::{Attest, Attested, ClockInfo, QuoteInfo, Signature};

use crate::attester::Attester;
use crate::crypto;
use crate::quote::check_values;
use crate::refusal::Refusal;

/// An envelope whose quote holds: its body and PCR values are what the host's TPM signed.
#[derive(Clone, Debug)]
pub struct VerifiedQuote<'e> {
    envelope: &'e Envelope,
    clock: ClockInfo,
    selection: PcrSelection,
    values: PcrValues,
}

impl<'e> VerifiedQuote<'e> {
    /// Checks everything that the quote alone can show.
    pub(super) fn new(envelope: &'e Envelope, attester: &Attester) -> Result<Self, Refusal> {
        let evidence = &envelope.evidence;
        let body = evidence.body();
        if body.host != attester.host {
            return Err(Refusal::OtherHost { expected: attester.host, found: body.host });
        }
        // The signature first: nothing else of the structure is worth reading before it holds.
        let signature = Signature::parse(evidence.signature()).map_err(Refusal::SignatureMalformed)?;
        crypto::verify_signature(attester.ak.public(), &signature, evidence.attest())
            .map_err(Refusal::Signature)?;
        let attest = Attest::parse(evidence.attest()).map_err(Refusal::NotAQuote)?;
        let clock = attest.fields().clock;
        let quote = quote_info(&attest)?;
        check_qualifying_data(&attest, evidence.body_raw())?;
        check_selection(quote, attester)?;
        check_boot(body, &clock)?;
        let values = values_of(envelope, quote, &signature)?;
        Ok(Self { envelope, clock, selection: quote.selection.clone(), values })
    }

    /// The envelope that the quote vouches for.
    pub const fn envelope(&self) -> &'e Envelope {
        self.envelope
    }

    /// What the host states.
    pub const fn body(&self) -> &'e Body {
        self.envelope.evidence.body()
    }

    /// The TPM's clock and counters.
    pub const fn clock(&self) -> &ClockInfo {
        &self.clock
    }

    /// The quoted PCRs.
    pub const fn selection(&self) -> &PcrSelection {
        &self.selection
    }

    /// Their values, which hash to the quoted digest.
    pub const fn values(&self) -> &PcrValues {
        &self.values
    }
}

fn quote_info(attest: &Attest) -> Result<&QuoteInfo, Refusal> {
    match &attest.fields().attested {
        Attested::Quote(quote) => Ok(quote),
        other => Err(Refusal::OtherAttestation { tag: other.tag() }),
    }
}

fn check_qualifying_data(attest: &Attest, body: &[u8]) -> Result<(), Refusal> {
    let expected = body::qualifying_data(body);
    let found = &attest.fields().extra_data;
    if found == expected.as_bytes() {
        return Ok(());
    }
    Err(Refusal::QualifyingData { expected, found: found.clone() })
}

/// TPMs drop the banks that they lack from a selection without a word, so what was quoted is compared.
fn check_selection(quote: &QuoteInfo, attester: &Attester) -> Result<(), Refusal> {
    if quote.selection == attester.selection {
        return Ok(());
    }
    Err(Refusal::Selection { expected: attester.selection.clone(), found: quote.selection.clone() })
}

fn check_boot(body: &Body, clock: &ClockInfo) -> Result<(), Refusal> {
    let quote = BootCounters { reset_count: clock.reset_count, restart_count: clock.restart_count };
    if body.boot == quote { Ok(()) } else { Err(Refusal::Boot { body: body.boot, quote }) }
}

/// The values, which come in the order of the selection and give the quoted digest.
fn values_of(envelope: &Envelope, quote: &QuoteInfo, signature: &Signature) -> Result<PcrValues, Refusal> {
    if envelope.pcr_values.len() != quote.selection.len() {
        return Err(Refusal::PcrValues);
    }
    let mut values = PcrValues::new();
    for ((bank, pcr), bytes) in quote.selection.iter().zip(&envelope.pcr_values) {
        let value = Digest::new(bank, bytes).map_err(|_| Refusal::PcrValues)?;
        values.insert(pcr, value);
    }
    match check_values(quote, signature.hash(), &values) {
        Ok(()) => Ok(values),
        Err(_) => Err(Refusal::PcrValues),
    }
}
