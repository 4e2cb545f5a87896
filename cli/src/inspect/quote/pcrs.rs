//! PCR values from files, of tpm2-tools or as JSON.
//!
//! In: what `tpm2_quote` or `tpm2_pcrread` write, or JSON by bank and PCR, with or without `banks` around it. Out: the values.

use std::collections::BTreeMap;

use evidence::digest::{Digest, DigestError, HashAlg};
use evidence::pcr::{PcrError, PcrIndex, PcrSelection, PcrValues};
use evidence::tpm::{PcrFileError, parse_pcr_file};
use serde::Deserialize;

/// Why a file holds no PCR values.
#[derive(Debug, thiserror::Error)]
pub(super) enum PcrsError {
    /// Not JSON of the expected form.
    #[error("not PCR values in JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// A bank or a PCR that cannot be.
    #[error("PCR values in JSON: {bank:?} {pcr:?}: {error}")]
    Pcr {
        /// The bank.
        bank: String,
        /// The PCR.
        pcr: String,
        /// Why it cannot be.
        error: PcrError,
    },
    /// A value that is none of its bank.
    #[error("PCR values in JSON: {bank:?} {pcr:?}: {error}")]
    Value {
        /// The bank.
        bank: String,
        /// The PCR.
        pcr: String,
        /// Why it is none.
        error: DigestError,
    },
    /// Not a file of tpm2-tools.
    #[error(transparent)]
    File(#[from] PcrFileError),
}

type Banks = BTreeMap<String, BTreeMap<String, String>>;

/// Either form.
#[derive(Deserialize)]
#[serde(untagged)]
enum Json {
    Wrapped { banks: Banks },
    Bare(Banks),
}

/// Reads the values; those of a file of tpm2-tools must be the ones of `selection`.
pub(super) fn read(bytes: &[u8], selection: &PcrSelection) -> Result<PcrValues, PcrsError> {
    if bytes.trim_ascii_start().first() != Some(&b'{') {
        return Ok(parse_pcr_file(bytes, selection)?);
    }
    // A value can begin with any byte; but then the file has a length that fits.
    json(bytes).or_else(|error| parse_pcr_file(bytes, selection).map_err(|_| error))
}

fn json(bytes: &[u8]) -> Result<PcrValues, PcrsError> {
    let (Json::Wrapped { banks } | Json::Bare(banks)) = serde_json::from_slice(bytes)?;
    let mut values = PcrValues::new();
    for (bank, pcrs) in banks {
        for (pcr, value) in pcrs {
            let (index, value) = one(&bank, &pcr, &value)?;
            values.insert(index, value);
        }
    }
    Ok(values)
}

fn one(bank: &str, pcr: &str, value: &str) -> Result<(PcrIndex, Digest), PcrsError> {
    let wrong_pcr = |error| PcrsError::Pcr { bank: bank.to_owned(), pcr: pcr.to_owned(), error };
    let wrong_value = |error| PcrsError::Value { bank: bank.to_owned(), pcr: pcr.to_owned(), error };
    let alg: HashAlg = bank.parse().map_err(|_| wrong_pcr(PcrError::UnknownBank))?;
    let index: PcrIndex = pcr.parse().map_err(wrong_pcr)?;
    let digits = value.strip_prefix("0x").unwrap_or(value);
    let value = hex::decode(digits).unwrap_or_default();
    Ok((index, Digest::new(alg, &value).map_err(wrong_value)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection() -> PcrSelection {
        "sha256:0,7".parse().unwrap()
    }

    #[test]
    fn every_form_gives_the_same_values() {
        let expected = read(&[[0x11; 32], [0x22; 32]].concat(), &selection()).unwrap();
        let bare = format!(r#"{{"sha256": {{"0": "{}", "7": "0x{}"}}}}"#, "11".repeat(32), "22".repeat(32));
        assert_eq!(read(bare.as_bytes(), &selection()).unwrap(), expected);
        let wrapped = format!(r#" {{"banks": {bare}, "more": 1}}"#);
        assert_eq!(read(wrapped.as_bytes(), &selection()).unwrap(), expected);
    }

    /// The first value of a concatenation begins as JSON does.
    #[test]
    fn values_that_look_like_json_are_still_values() {
        let bytes = [[b'{'; 32], [0; 32]].concat();
        let values = read(&bytes, &selection()).unwrap();
        assert_eq!(values.value(HashAlg::Sha256, "0".parse().unwrap()).unwrap().as_bytes(), [b'{'; 32]);
    }

    #[test]
    fn what_cannot_be_is_named() {
        let refused = |text: &str| read(text.as_bytes(), &selection()).unwrap_err().to_string();
        assert!(refused(r#"{"md5": {"0": ""}}"#).contains("\"md5\""));
        assert!(refused(r#"{"sha256": {"24": ""}}"#).contains("no PCR 24"));
        assert!(refused(r#"{"sha256": {"1": "00"}}"#).contains("\"1\""));
        assert!(refused("{").contains("not PCR values in JSON"));
        assert!(refused("text").contains("4 bytes"));
    }
}
