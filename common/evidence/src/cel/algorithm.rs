//! Digests of a record, and how tools write the names of their algorithms.
//!
//! In: the array of a record's digests, which was checked when the record was read. Out: digests of the algorithms that
//! Lydian knows.

use super::CelProblem;
use super::record::{Hex, field};
use crate::digest::{Digest, HashAlg};
use crate::json::{Items, Kind, Value};
use crate::limits::EVENT_LOG_BANKS;

/// The digests of a record that Lydian knows the algorithms of.
#[derive(Clone, Debug)]
pub struct RecordDigests<'a>(Option<Items<'a>>);

impl<'a> RecordDigests<'a> {
    /// Checks each of the digests, of unknown algorithms too.
    pub(super) fn read(value: Value<'a>) -> Result<Self, CelProblem> {
        let wrong = |offset, expected| CelProblem::Field { offset, field: "digests", expected };
        let items = value.items().ok_or_else(|| wrong(value.offset(), "has to be an array"))?;
        let mut seen = 0_u32;
        for (at, item) in items.clone().enumerate() {
            if at == EVENT_LOG_BANKS {
                return Err(wrong(item.offset(), "has more members than there are algorithms"));
            }
            let (alg, hex) = parts(item)?;
            let Some(alg) = alg else { continue };
            if hex.len() != alg.size() {
                let (offset, expected, found) = (hex.offset(), alg.size(), hex.len());
                return Err(CelProblem::DigestSize { offset, alg, expected, found });
            }
            let bit = 1 << HashAlg::ALL.iter().position(|known| *known == alg).unwrap_or_default();
            if seen & bit != 0 {
                return Err(CelProblem::DigestTwice { offset: item.offset(), alg });
            }
            seen |= bit;
        }
        Ok(Self(Some(items)))
    }

    /// Of a value that was read before.
    pub(super) fn known(value: Value<'a>) -> Self {
        Self(value.items())
    }
}

impl Iterator for RecordDigests<'_> {
    type Item = Digest;

    fn next(&mut self) -> Option<Digest> {
        self.0.as_mut()?.find_map(|item| {
            let (alg, hex) = parts(item).ok()?;
            digest(alg?, hex)
        })
    }
}

fn digest(alg: HashAlg, hex: Hex<'_>) -> Option<Digest> {
    let mut bytes = [0; 64];
    let bytes = bytes.get_mut(..alg.size())?;
    for (to, from) in bytes.iter_mut().zip(hex.bytes()) {
        *to = from;
    }
    Digest::new(alg, bytes).ok()
}

/// A digest's algorithm, where it is known, and its digits.
fn parts(item: Value<'_>) -> Result<(Option<HashAlg>, Hex<'_>), CelProblem> {
    let alg = field(item, "hashAlg")?;
    let hex = Hex::read(field(item, "digest")?, "digest")?;
    let wrong = |expected| CelProblem::Field { offset: alg.offset(), field: "hashAlg", expected };
    let alg = match alg.kind() {
        Kind::Text(name) => hash_alg(&name.decode()),
        Kind::Number(id) => {
            let id = id.unsigned().and_then(|id| u16::try_from(id).ok());
            HashAlg::from_tpm_id(id.ok_or_else(|| wrong("has to be the number of an algorithm"))?)
        }
        _ => return Err(wrong("has to be text or a number")),
    };
    Ok((alg, hex))
}

/// The algorithm of this name: `sha256` as systemd and most tools write it, `TPM2_ALG_SHA256`, `sha3-256`, or its number as
/// text, `0x000b`.
pub fn hash_alg(name: &str) -> Option<HashAlg> {
    let name = name.to_ascii_lowercase().replace('-', "_");
    if let Some(id) = name.strip_prefix("0x") {
        return HashAlg::from_tpm_id(u16::from_str_radix(id, 16).ok()?);
    }
    let name = name.strip_prefix("tpm2_alg_").or_else(|| name.strip_prefix("tpm_alg_")).unwrap_or(&name);
    match name {
        "sm3" => Some(HashAlg::Sm3),
        name => name.parse().ok(),
    }
}
