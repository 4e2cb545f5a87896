//! The part of the kernel's IMA list that a quote vouches for.
//!
//! In: how many records evidence covers already, the list as it is now, and the quoted PCRs. Out: the records that lead
//! to the quoted PCR 10, cut exactly there: the list is read after the quote and may be longer. Where PCR 10 moved
//! between quote and reading, the values are put right from the list. Nothing is proved here: the verifier replays.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use evidence::body::BootCounters;
use evidence::digest::{Digest, HashAlg};
use evidence::ima::{Extends, ImaList, ImaReplay, leading_bank};
use evidence::limits::IMA_LIST_BYTES;
use evidence::pcr::{PcrIndex, PcrSelection};

/// Where in the list evidence has got to, remembered between seals; lost, it is found again from the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImaPlace {
    boot: BootCounters,
    count: u64,
    offset: u64,
    states: Vec<ImaReplay>,
}

/// What of the list goes with a quote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ImaSlice {
    /// PCR 10 is not quoted.
    NotQuoted,
    /// The kernel exposes no list.
    Missing,
    /// Records from the asked one on that lead to the quoted value.
    Records {
        /// Their bytes; empty where nothing is new.
        bytes: Vec<u8>,
        /// Where to go on from.
        place: ImaPlace,
    },
    /// No prefix leads there. All records: the verifier is to see them and refuse.
    NoPrefix {
        /// All bytes from the asked record on.
        bytes: Vec<u8>,
    },
}

/// What was quoted.
pub(super) struct QuotedPcrs<'q> {
    selection: &'q PcrSelection,
    hash: HashAlg,
    digest: &'q [u8],
    values: &'q mut [Digest],
    standing: Standing,
}

/// Whether the values that were read are those that were quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    AsQuoted,
    ImaMoved,
}

/// Which banks a replay has to agree with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Banks {
    /// All: then it can be gone on from in any of them.
    All,
    /// The one that the verifier goes by; what the kernel does in the others is not understood.
    Leading,
}

impl<'q> QuotedPcrs<'q> {
    /// Values as they were read, the quoted digest, and the hash that it was made with.
    pub(super) fn new(
        selection: &'q PcrSelection,
        hash: HashAlg,
        digest: &'q [u8],
        values: &'q mut [Digest],
    ) -> Self {
        let as_quoted = hash_of(hash, values.iter().copied()) == digest;
        let standing = if as_quoted { Standing::AsQuoted } else { Standing::ImaMoved };
        Self { selection, hash, digest, values, standing }
    }
}

impl ImaPlace {
    fn start(boot: BootCounters, selection: &PcrSelection, extends: fn(HashAlg) -> Extends) -> Self {
        let states =
            ima_banks(selection).map(|bank| ImaReplay::resume(extends(bank), 0, PcrIndex::IMA.start(bank)));
        Self { boot, count: 0, offset: 0, states: states.collect() }
    }

    /// Takes in a record of `size` bytes; `false` where it cannot be hashed.
    fn take(&mut self, record: &evidence::ima::ImaRecord<'_>) -> bool {
        let next: Option<Vec<ImaReplay>> = self.states.iter().map(|state| state.extend(record)).collect();
        let Some(next) = next else { return false };
        self.states = next;
        self.count = self.count.saturating_add(1);
        self.offset = self.offset.saturating_add(record.size as u64);
        true
    }
}

/// Finds the slice. `known`: where the last seal ended; `covered`: how many records evidence of this boot covers.
pub(super) fn slice(
    path: &Path,
    boot: BootCounters,
    covered: u64,
    known: Option<&ImaPlace>,
    quoted: &mut QuotedPcrs<'_>,
) -> io::Result<ImaSlice> {
    if ima_banks(quoted.selection).next().is_none() {
        return Ok(ImaSlice::NotQuoted);
    }
    let known = known.filter(|place| place.boot == boot && place.count == covered);
    let skip = known.map_or(0, |place| place.offset);
    let Some(bytes) = read_from(path, skip)? else { return Ok(ImaSlice::Missing) };
    for banks in [Banks::All, Banks::Leading] {
        for extends in KERNELS {
            let start = known.cloned().unwrap_or_else(|| ImaPlace::start(boot, quoted.selection, extends));
            if let Some(found) = find(&bytes, start, covered, banks, quoted) {
                return Ok(found);
            }
        }
    }
    let from = offset_of(&bytes, covered.saturating_sub(known.map_or(0, |place| place.count)));
    Ok(ImaSlice::NoPrefix { bytes: bytes.get(from..).unwrap_or_default().to_vec() })
}

/// Walks from `place` to record `covered` and on to the quoted value.
fn find(
    bytes: &[u8],
    mut place: ImaPlace,
    covered: u64,
    banks: Banks,
    quoted: &mut QuotedPcrs<'_>,
) -> Option<ImaSlice> {
    let mut records = ImaList::new(bytes).records();
    let mut end = 0_usize;
    let mut first = 0_usize;
    while place.count < covered {
        let record = records.next()?.ok()?;
        end = record.offset.saturating_add(record.size);
        first = end;
        if !place.take(&record) {
            return None;
        }
    }
    while !quoted.agrees_with(&place.states, banks) {
        let record = records.next()?.ok()?;
        end = record.offset.saturating_add(record.size);
        if !place.take(&record) {
            return None;
        }
    }
    quoted.put_right(&place.states);
    Some(ImaSlice::Records { bytes: bytes.get(first..end)?.to_vec(), place })
}

impl QuotedPcrs<'_> {
    /// Whether the values are those quoted once PCR 10 is as a replay has it.
    fn agrees_with(&self, states: &[ImaReplay], banks: Banks) -> bool {
        if self.standing == Standing::AsQuoted && banks == Banks::All {
            return states.iter().all(|state| self.ima_values().any(|value| *value == state.value()));
        }
        if self.standing == Standing::AsQuoted {
            // The verifier goes by one bank, and so do we.
            let leading = leading_bank(&states.iter().map(|state| state.value().alg()));
            let leading = states.iter().find(|state| Some(state.value().alg()) == leading);
            return leading.is_some_and(|state| self.ima_values().any(|value| *value == state.value()));
        }
        let with_replayed = self.selection.iter().zip(self.values.iter()).map(|((_, pcr), value)| {
            let replayed = states.iter().find(|state| state.value().alg() == value.alg());
            if pcr == PcrIndex::IMA { replayed.map_or(*value, ImaReplay::value) } else { *value }
        });
        hash_of(self.hash, with_replayed) == self.digest
    }

    fn put_right(&mut self, states: &[ImaReplay]) {
        if self.standing == Standing::AsQuoted {
            return;
        }
        for ((_, pcr), value) in self.selection.iter().zip(self.values.iter_mut()) {
            let replayed = states.iter().find(|state| state.value().alg() == value.alg());
            if let (PcrIndex::IMA, Some(state)) = (pcr, replayed) {
                *value = state.value();
            }
        }
    }

    fn ima_values(&self) -> impl Iterator<Item = &Digest> {
        self.selection
            .iter()
            .zip(self.values.iter())
            .filter(|((_, pcr), _)| *pcr == PcrIndex::IMA)
            .map(|(_, value)| value)
    }
}

fn hash_of(alg: HashAlg, values: impl Iterator<Item = Digest>) -> Vec<u8> {
    let values: Vec<Digest> = values.collect();
    let parts: Vec<&[u8]> = values.iter().map(Digest::as_bytes).collect();
    alg.hash(&parts).as_bytes().to_vec()
}

/// Banks in which PCR 10 is quoted.
fn ima_banks(selection: &PcrSelection) -> impl Iterator<Item = HashAlg> {
    let banks = selection.banks().iter().map(|(bank, _)| *bank);
    banks.filter(|bank| selection.contains(*bank, PcrIndex::IMA))
}

/// What kernels extend: each bank's own hash; the same where they have no SM3 or SHA-3; before 5.8, SHA-1 everywhere.
const KERNELS: [fn(HashAlg) -> Extends; 3] = [
    |_| Extends::BankHash,
    |bank| if is_rare(bank) { Extends::PaddedSha1 } else { Extends::BankHash },
    |bank| if bank == HashAlg::Sha1 { Extends::BankHash } else { Extends::PaddedSha1 },
];

/// Whether kernels are often built without the algorithm.
const fn is_rare(bank: HashAlg) -> bool {
    matches!(bank, HashAlg::Sm3 | HashAlg::Sha3_256 | HashAlg::Sha3_384 | HashAlg::Sha3_512)
}

/// Where record number `count` of these bytes starts; the end, where there are fewer.
fn offset_of(bytes: &[u8], count: u64) -> usize {
    let records = ImaList::new(bytes)
        .records()
        .map_while(Result::ok)
        .take(usize::try_from(count).unwrap_or(usize::MAX));
    records.last().map_or(0, |record| record.offset.saturating_add(record.size))
}

/// The list from a byte on; `None` where there is no list.
fn read_from(path: &Path, skip: u64) -> io::Result<Option<Vec<u8>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        other => other?,
    };
    // The kernel's file is a sequence and cannot be relied on to seek.
    io::copy(&mut file.by_ref().take(skip), &mut io::sink())?;
    let mut bytes = Vec::new();
    file.take(IMA_LIST_BYTES as u64).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests;
