//! PCR selections as TPMs write them.
//!
//! In: `TPML_PCR_SELECTION`. Out: [`PcrSelection`], and back with three octets for each bank. A bitmap of another
//! length is read where it names no PCR above 23; such a selection is written back in three octets, which is why
//! an attestation is hashed from its own bytes.
//= TPM 2.0 Library Part 2 §10.9.7: TPML_PCR_SELECTION; §10.6.2: TPMS_PCR_SELECTION

use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits::{ATTEST_BYTES, PCR_SELECT_OCTETS, PCR_SELECTIONS};
use crate::pcr::{PcrMask, PcrSelection};

use super::wire::{TpmError, Writer, hash_alg, whole};

/// Reads a `TPML_PCR_SELECTION`.
pub fn parse_pcr_selection(bytes: &[u8]) -> Result<PcrSelection, TpmError> {
    whole(bytes, "PCR selection", ATTEST_BYTES, read)
}

/// Writes a `TPML_PCR_SELECTION`.
pub fn write_pcr_selection(selection: &PcrSelection) -> Vec<u8> {
    let mut out = Writer::default();
    write(selection, &mut out);
    out.finish()
}

pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<PcrSelection, TpmError> {
    let offset = cursor.offset();
    let count = usize::try_from(cursor.u32_be()?).unwrap_or(usize::MAX);
    if count > PCR_SELECTIONS {
        return Err(TpmError::Limit {
            offset,
            what: "count of PCR banks",
            limit: PCR_SELECTIONS,
            found: count,
        });
    }
    let banks = (0..count).map(|_| read_bank(cursor)).collect::<Result<_, _>>()?;
    PcrSelection::new(banks).map_err(|error| TpmError::Selection { offset, error })
}

fn read_bank(cursor: &mut Cursor<'_>) -> Result<(HashAlg, PcrMask), TpmError> {
    let bank = hash_alg(cursor)?;
    let offset = cursor.offset();
    let size = usize::from(cursor.u8()?);
    if size > PCR_SELECT_OCTETS {
        let what = "PCR bitmap";
        return Err(TpmError::Limit { offset, what, limit: PCR_SELECT_OCTETS, found: size });
    }
    let mut octets = [0; PCR_SELECT_OCTETS];
    for (to, from) in octets.iter_mut().zip(cursor.take(size)?) {
        *to = *from;
    }
    let mask =
        PcrMask::new(u32::from_le_bytes(octets)).map_err(|error| TpmError::Selection { offset, error })?;
    Ok((bank, mask))
}

pub(super) fn write(selection: &PcrSelection, out: &mut Writer) {
    // A selection cannot hold more than `PCR_SELECTIONS` banks, so its count always fits.
    out.u32(u32::try_from(selection.banks().len()).unwrap_or(u32::MAX));
    for (bank, mask) in selection.banks() {
        let octets = mask.to_octets();
        out.u16(bank.tpm_id()).u8(3).bytes(&octets);
    }
}
