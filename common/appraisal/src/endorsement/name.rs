//! When two distinguished names are the same.
//!
//! In: a name. Out: a key; equal keys are equal names, but for letter case, spaces, the order within a relative name and
//! the kind of string: some makers' certificates differ so. A name only picks the candidates: a signature decides.
//= RFC 5280 §7.1: Internationalized Names in Distinguished Names

use evidence::asn1::{Reader, Value, text};
use evidence::digest::Sha256Digest;
use evidence::x509::Name;

/// What a name is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameKey(Sha256Digest);

impl NameKey {
    pub(super) fn of(name: &Name<'_>) -> Self {
        let mut folded = Vec::with_capacity(name.raw().len());
        let relatives = Value::first(name.raw()).map_or(Reader::new(&[]), |name| name.reader());
        for relative in relatives.map_while(Result::ok) {
            let mut parts: Vec<_> = relative.reader().map_while(Result::ok).map(|pair| part(&pair)).collect();
            parts.sort_unstable();
            folded.push(RELATIVE);
            for part in &parts {
                folded.extend_from_slice(part);
            }
        }
        Self(Sha256Digest::of(&[&folded]))
    }
}

/// No text has these octets, so that parts cannot run into each other.
const RELATIVE: u8 = 0xff;
const ATTRIBUTE: u8 = 0xfe;
const VALUE: u8 = 0xfd;

fn part(pair: &Value<'_>) -> Vec<u8> {
    let mut reader = pair.reader();
    let (kind, value) = (reader.value(), reader.value());
    let mut part = vec![ATTRIBUTE];
    // An identifier's octets come with their length, so they too end where they end.
    part.extend_from_slice(kind.map_or(pair.raw(), |kind| kind.raw()));
    part.push(VALUE);
    if let Ok(value) = value {
        let mut words = text(&value).to_lowercase();
        words.retain(|c| c != '\0');
        for (at, word) in words.split_whitespace().enumerate() {
            if at > 0 {
                part.push(b' ');
            }
            part.extend_from_slice(word.as_bytes());
        }
    }
    part
}
