//! Bytes that a manifest carries within facts, so that nobody needs to believe what its agent read out of them.
//!
//! In: a short content: a list of keys whose hash a quoted log has, or a signature that holds whoever hands it on. Out: facts with parts of it in
//! base64, under keys that sort as the parts follow each other. What the bytes are is for whoever reads them to check.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::body::Claim;
use crate::limits::{CARRIED_BYTES, LONG_TEXT_BYTES};

/// The contents of a list of keys, without its attributes, as firmware's and shim's logs have a digest of it.
pub const LIST_BYTES: &str = "list-bytes";
/// A signature of an image (`SignedData` in DER), by its number.
pub const SIGNATURE_BYTES: &str = "signature-bytes";

/// Bytes of one part: a multiple of three, so that base64 pads the last alone.
const PART_BYTES: usize = LONG_TEXT_BYTES / 4 * 3;
/// Parts of one content.
const PARTS: usize = CARRIED_BYTES.div_ceil(PART_BYTES);

/// The facts of a content, the `number`th of its kind; none where it is too long.
pub fn carry(kind: &str, number: usize, bytes: &[u8]) -> Vec<Claim> {
    if bytes.is_empty() || bytes.len() > CARRIED_BYTES {
        return Vec::new();
    }
    let parts = bytes.chunks(PART_BYTES).enumerate();
    parts.map(|(part, bytes)| Claim { key: key(kind, number, part), value: STANDARD.encode(bytes) }).collect()
}

/// The contents of a kind that facts carry, up to one that is damaged: whoever wants more of them asks somebody who has them whole.
pub fn carried<'f>(facts: &'f [Claim], kind: &'f str) -> impl Iterator<Item = Vec<u8>> + use<'f> {
    (0_usize..).map_while(move |number| read(facts, kind, number))
}

/// Whether a fact is a part of such a content, which tells people nothing.
pub fn is_carried(key: &str) -> bool {
    [LIST_BYTES, SIGNATURE_BYTES]
        .into_iter()
        .any(|kind| key.strip_prefix(kind).is_some_and(|rest| rest.starts_with('.')))
}

fn read(facts: &[Claim], kind: &str, number: usize) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    for part in 0..PARTS {
        let key = key(kind, number, part);
        let Ok(at) = facts.binary_search_by(|fact| fact.key.cmp(&key)) else { break };
        bytes.extend(STANDARD.decode(&facts.get(at)?.value).ok()?);
    }
    (!bytes.is_empty() && bytes.len() <= CARRIED_BYTES).then_some(bytes)
}

fn key(kind: &str, number: usize, part: usize) -> String {
    format!("{kind}.{number:02}.{part:03}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_too_long_or_damaged_is_not_there() {
        assert!(carry(LIST_BYTES, 0, &[]).is_empty());
        assert!(carry(LIST_BYTES, 0, &vec![1; CARRIED_BYTES + 1]).is_empty());
        let mut facts = carry(LIST_BYTES, 0, &vec![1; CARRIED_BYTES]);
        assert!(facts.iter().all(|fact| fact.value.len() <= LONG_TEXT_BYTES && is_carried(&fact.key)));
        assert_eq!(carried(&facts, LIST_BYTES).map(|bytes| bytes.len()).collect::<Vec<_>>(), [CARRIED_BYTES]);
        assert_eq!(carried(&facts, SIGNATURE_BYTES).count(), 0);
        facts[1].value.push('!');
        assert_eq!(carried(&facts, LIST_BYTES).count(), 0);
        assert!(!is_carried("list-bytes") && !is_carried("authenticode"));
    }

    proptest! {
        #[test]
        fn contents_are_read_back_in_their_order(lengths in proptest::collection::vec(1_usize..20_000, 1..4)) {
            let contents: Vec<Vec<u8>> = lengths.iter().zip(0_u8..).map(|(length, byte)| vec![byte; *length]).collect();
            let mut facts: Vec<Claim> =
                contents.iter().enumerate().flat_map(|(number, bytes)| carry(SIGNATURE_BYTES, number, bytes)).collect();
            prop_assert!(facts.is_sorted());
            facts.push(Claim { key: "zz".into(), value: String::new() });
            prop_assert_eq!(carried(&facts, SIGNATURE_BYTES).collect::<Vec<_>>(), contents);
        }
    }
}
