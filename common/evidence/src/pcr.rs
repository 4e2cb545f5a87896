//! PCR numbers, selections and values.
//!
//! In: numbers and banks from TPM structures, logs and configuration. Out: types that cannot name a PCR that
//! does not exist, in the order in which a TPM hashes them. Values are what somebody states or what a log
//! replays to: only a quote over them makes them true.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use crate::digest::{Digest, HashAlg};
use crate::limits;

/// The number of a platform configuration register, 0 to 23.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PcrIndex(u8);

impl PcrIndex {
    /// How many PCRs a PC Client TPM has.
    //= TCG PC Client Platform TPM Profile 1.05 §4.6.1: the TPM SHALL support at least 24 PCRs
    pub const COUNT: u8 = 24;
    /// Every index, rising.
    pub const ALL: [Self; 24] = {
        let mut all = [Self(0); 24];
        let mut rest: &mut [Self] = &mut all;
        let mut index = 0;
        while let Some((first, tail)) = rest.split_first_mut() {
            *first = Self(index);
            index += 1;
            rest = tail;
        }
        all
    };
    /// Where Secure Boot's state and authorities are measured.
    pub const SECURE_BOOT: Self = Self(7);
    /// Programs that devices bring.
    pub const OPTION_ROMS: Self = Self(2);
    /// Programs that firmware and boot loaders start.
    pub const BOOT_MANAGER: Self = Self(4);
    /// GRUB's commands, and the command lines that it passes.
    pub const COMMAND_LINES: Self = Self(8);
    /// Where IMA measures by default.
    pub const IMA: Self = Self(10);
    /// What boot loaders read: GRUB's files, and the initrd that the kernel's EFI stub was given.
    pub const LOADED: Self = Self(9);
    /// What unified kernel images consist of, and phases of the boot.
    pub const UNIFIED_IMAGE: Self = Self(11);
    /// Shim's lists of keys and its switches.
    pub const SHIM_LISTS: Self = Self(14);

    /// The PCR with this number.
    pub fn new(index: u32) -> Result<Self, PcrError> {
        match u8::try_from(index) {
            Ok(small) if small < Self::COUNT => Ok(Self(small)),
            _ => Err(PcrError::Index { index }),
        }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// The PCR's value after a TPM reset, before anything was extended.
    ///
    /// The firmware's locality is a matter of the log (`StartupLocality`), not of the PCR.
    //= TCG PC Client Platform TPM Profile 1.05 §4.6.2: PCR 17 to 22 start at all ones, the others at zero
    pub fn start(self, bank: HashAlg) -> Digest {
        if (17..=22).contains(&self.0) { Digest::ones(bank) } else { Digest::zero(bank) }
    }
}

impl fmt::Display for PcrIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for PcrIndex {
    type Err = PcrError;

    fn from_str(text: &str) -> Result<Self, PcrError> {
        if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PcrError::Syntax);
        }
        text.parse().map_err(|_| PcrError::Syntax).and_then(Self::new)
    }
}

/// A set of PCRs of one bank.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PcrMask(u32);

impl PcrMask {
    /// No PCR.
    pub const EMPTY: Self = Self(0);

    /// From bits, least significant first: bit 0 is PCR 0. Bits above 23 are refused.
    pub fn new(bits: u32) -> Result<Self, PcrError> {
        match bits.checked_ilog2() {
            Some(highest) if highest >= u32::from(PcrIndex::COUNT) => Err(PcrError::Index { index: highest }),
            _ => Ok(Self(bits)),
        }
    }

    /// The bits: bit 0 is PCR 0.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// The three octets of a `TPMS_PCR_SELECTION`.
    pub const fn to_octets(self) -> [u8; 3] {
        let [a, b, c, _] = self.0.to_le_bytes();
        [a, b, c]
    }

    /// The same set with `pcr` in it.
    #[must_use]
    pub const fn with(self, pcr: PcrIndex) -> Self {
        Self(self.0 | 1 << pcr.0)
    }

    /// Whether the set holds this PCR.
    pub const fn contains(self, pcr: PcrIndex) -> bool {
        self.0 & (1 << pcr.0) != 0
    }

    /// The PCRs, rising.
    pub fn iter(self) -> impl Iterator<Item = PcrIndex> {
        PcrIndex::ALL.into_iter().filter(move |pcr| self.contains(*pcr))
    }

    /// How many PCRs the set holds.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether the set holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<PcrIndex> for PcrMask {
    fn from_iter<I: IntoIterator<Item = PcrIndex>>(pcrs: I) -> Self {
        pcrs.into_iter().fold(Self::EMPTY, Self::with)
    }
}

/// Which PCRs of which banks: what is asked of a TPM, and what it says that it quoted.
///
/// The order of the banks counts: the quoted digest is over the values in this order. Equality is exact, so
/// a TPM that dropped a bank's bits does not pass for one that was asked for less.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PcrSelection(Vec<(HashAlg, PcrMask)>);

impl PcrSelection {
    /// From banks in their order; a bank comes at most once, and may select nothing.
    pub fn new(banks: Vec<(HashAlg, PcrMask)>) -> Result<Self, PcrError> {
        if banks.len() > limits::PCR_SELECTIONS {
            return Err(PcrError::TooManyBanks { found: banks.len(), limit: limits::PCR_SELECTIONS });
        }
        for (at, (bank, _)) in banks.iter().enumerate() {
            if banks.iter().take(at).any(|(before, _)| before == bank) {
                return Err(PcrError::DuplicateBank { bank: *bank });
            }
        }
        Ok(Self(banks))
    }

    /// PCRs of a single bank.
    pub fn of_bank(bank: HashAlg, pcrs: PcrMask) -> Self {
        Self(vec![(bank, pcrs)])
    }

    /// The banks in their order.
    pub fn banks(&self) -> &[(HashAlg, PcrMask)] {
        &self.0
    }

    /// Every selected PCR in the order in which a TPM hashes the values: banks as listed, PCRs rising.
    //= TPM 2.0 Library Part 1 §17.7: PCR are processed in order of selection, lowest numbered first
    pub fn iter(&self) -> impl Iterator<Item = (HashAlg, PcrIndex)> {
        self.0.iter().flat_map(|(bank, mask)| mask.iter().map(|pcr| (*bank, pcr)))
    }

    /// Whether this PCR of this bank is selected.
    pub fn contains(&self, bank: HashAlg, pcr: PcrIndex) -> bool {
        self.0.iter().any(|(known, mask)| *known == bank && mask.contains(pcr))
    }

    /// How many PCR values the selection names.
    pub fn len(&self) -> usize {
        self.0.iter().map(|(_, mask)| mask.len()).sum()
    }

    /// Whether the selection names no PCR at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// As tpm2-tools: `sha1:0,1+sha256:0,1,7`; a bank without PCRs is `sha256:none`, no bank at all is `none`.
impl fmt::Display for PcrSelection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (at, (bank, mask)) in self.0.iter().enumerate() {
            write!(f, "{}{bank}:", if at == 0 { "" } else { "+" })?;
            if mask.is_empty() {
                f.write_str("none")?;
            }
            for (at, pcr) in mask.iter().enumerate() {
                write!(f, "{}{pcr}", if at == 0 { "" } else { "," })?;
            }
        }
        Ok(())
    }
}

impl FromStr for PcrSelection {
    type Err = PcrError;

    fn from_str(text: &str) -> Result<Self, PcrError> {
        if text == "none" {
            return Ok(Self(Vec::new()));
        }
        // One more than the limit, so that `new` refuses it; a longer text is not read to its end.
        let banks = text.split('+').take(limits::PCR_SELECTIONS + 1).map(parse_bank);
        Self::new(banks.collect::<Result<_, _>>()?)
    }
}

fn parse_bank(text: &str) -> Result<(HashAlg, PcrMask), PcrError> {
    let (bank, pcrs) = text.split_once(':').ok_or(PcrError::Syntax)?;
    let bank = bank.parse().map_err(|_| PcrError::UnknownBank)?;
    if pcrs == "none" {
        return Ok((bank, PcrMask::EMPTY));
    }
    let mask = pcrs.split(',').map(str::parse).collect::<Result<PcrMask, PcrError>>()?;
    Ok((bank, mask))
}

/// Values of PCRs, of any number of banks. A value's bank is its algorithm, so the two cannot disagree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PcrValues(BTreeMap<(HashAlg, PcrIndex), Digest>);

impl PcrValues {
    /// No values.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Reads the values of a selection that lie one behind the other in selection order, as they are hashed
    /// for a quote.
    pub fn from_concatenated(selection: &PcrSelection, bytes: &[u8]) -> Result<Self, PcrError> {
        let expected = selection.iter().map(|(bank, _)| bank.size()).sum();
        let wrong = PcrError::ValuesLength { expected, found: bytes.len() };
        let mut cursor = crate::cursor::Cursor::new(bytes);
        let mut values = Self::new();
        for (bank, pcr) in selection.iter() {
            let value = cursor.take(bank.size()).map_err(|_| wrong)?;
            values.insert(pcr, Digest::new(bank, value).map_err(|_| wrong)?);
        }
        if cursor.is_empty() { Ok(values) } else { Err(wrong) }
    }

    /// Sets a PCR's value in the bank of the value's algorithm; gives what was there.
    pub fn insert(&mut self, pcr: PcrIndex, value: Digest) -> Option<Digest> {
        self.0.insert((value.alg(), pcr), value)
    }

    /// The value of a PCR in a bank.
    pub fn value(&self, bank: HashAlg, pcr: PcrIndex) -> Option<Digest> {
        self.0.get(&(bank, pcr)).copied()
    }

    /// Every value, by bank and then by PCR.
    pub fn iter(&self) -> impl Iterator<Item = (PcrIndex, Digest)> {
        self.0.iter().map(|((_, pcr), value)| (*pcr, *value))
    }

    /// How many values there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The values of a selection, in the order in which a TPM hashes them; an error names the first that
    /// is missing.
    pub fn selected(&self, selection: &PcrSelection) -> Result<Vec<Digest>, PcrError> {
        let values = selection
            .iter()
            .map(|(bank, pcr)| self.value(bank, pcr).ok_or(PcrError::MissingValue { bank, pcr }));
        values.collect()
    }
}

/// Why numbers, text or bytes do not name PCRs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PcrError {
    /// There is no such PCR.
    #[error("there is no PCR {index} (0 to 23)")]
    Index {
        /// The number.
        index: u32,
    },
    /// A selection names a bank twice.
    #[error("bank {bank} is selected twice")]
    DuplicateBank {
        /// The bank.
        bank: HashAlg,
    },
    /// A selection with too many banks.
    #[error("{found} banks, at most {limit}")]
    TooManyBanks {
        /// How many there are.
        found: usize,
        /// How many there may be.
        limit: usize,
    },
    /// A bank that Lydian does not know.
    #[error("unknown PCR bank (known: sha1, sha256, sha384, sha512, sm3_256, sha3_256, sha3_384, sha3_512)")]
    UnknownBank,
    /// Text that is not a selection.
    #[error("a PCR selection is written like sha256:0,1,7 or sha1:0+sha256:0,1")]
    Syntax,
    /// Concatenated values of a wrong length.
    #[error("the selected PCR values have {expected} bytes, found {found}")]
    ValuesLength {
        /// The length that the selection implies.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A selected PCR without a value.
    #[error("no value for PCR {pcr} of bank {bank}")]
    MissingValue {
        /// The bank.
        bank: HashAlg,
        /// The PCR.
        pcr: PcrIndex,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_24_registers_exist() {
        assert_eq!(PcrIndex::new(23).map(PcrIndex::get), Ok(23));
        assert_eq!(PcrIndex::new(24), Err(PcrError::Index { index: 24 }));
        assert_eq!(PcrIndex::new(u32::MAX), Err(PcrError::Index { index: u32::MAX }));
        assert_eq!(PcrMask::new(0x00ff_ffff).map(PcrMask::len), Ok(24));
        assert_eq!(PcrMask::new(0x0100_0000), Err(PcrError::Index { index: 24 }));
        assert!(PcrIndex::ALL.iter().map(|pcr| pcr.get()).eq(0..24));
    }

    #[test]
    fn drtm_registers_start_at_ones() {
        for pcr in PcrIndex::ALL {
            let drtm = (17..=22).contains(&pcr.get());
            assert_eq!(pcr.start(HashAlg::Sha256).is_zero(), !drtm, "PCR {pcr}");
        }
    }

    #[test]
    fn selections_round_trip_as_text() {
        for text in ["sha256:0,1,2", "sha1:10+sha256:0,7,23", "sha384:none", "none", "sm3_256:0"] {
            assert_eq!(text.parse::<PcrSelection>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn bad_selections_are_refused() {
        let check = |text: &str, error| assert_eq!(text.parse::<PcrSelection>(), Err(error), "{text:?}");
        check("", PcrError::Syntax);
        check("sha256", PcrError::Syntax);
        check("sha256:", PcrError::Syntax);
        check("sha256:1,,2", PcrError::Syntax);
        check("sha256:+1", PcrError::Syntax);
        check("md5:1", PcrError::UnknownBank);
        check("sha256:24", PcrError::Index { index: 24 });
        check("sha1:1+sha1:2", PcrError::DuplicateBank { bank: HashAlg::Sha1 });
    }

    #[test]
    fn order_is_banks_as_listed_then_rising_registers() {
        let selection: PcrSelection = "sha256:7,0+sha1:3".parse().unwrap();
        let order: Vec<_> = selection.iter().map(|(bank, pcr)| format!("{bank}:{pcr}")).collect();
        assert_eq!(order, ["sha256:0", "sha256:7", "sha1:3"]);
        assert_eq!(selection.len(), 3);
        assert!(selection.contains(HashAlg::Sha1, PcrIndex(3)));
        assert!(!selection.contains(HashAlg::Sha1, PcrIndex(7)));
        assert_ne!(selection, "sha1:3+sha256:0,7".parse().unwrap(), "the order of banks counts");
    }

    #[test]
    fn octets_are_least_significant_first() {
        let mask: PcrMask = [PcrIndex(0), PcrIndex(10), PcrIndex(23)].into_iter().collect();
        assert_eq!(mask.to_octets(), [0x01, 0x04, 0x80]);
    }

    #[test]
    fn concatenated_values_must_fit_the_selection_exactly() {
        let selection: PcrSelection = "sha1:1+sha256:0".parse().unwrap();
        let mut bytes = [[1; 20].as_slice(), &[2; 32]].concat();
        let values = PcrValues::from_concatenated(&selection, &bytes).unwrap();
        assert_eq!(values.selected(&selection).unwrap().len(), 2);
        assert_eq!(values.value(HashAlg::Sha256, PcrIndex(0)).unwrap().as_bytes(), [2; 32]);
        let missing = "sha256:1".parse().unwrap();
        assert_eq!(
            values.selected(&missing),
            Err(PcrError::MissingValue { bank: HashAlg::Sha256, pcr: PcrIndex(1) })
        );
        bytes.push(0);
        assert_eq!(
            PcrValues::from_concatenated(&selection, &bytes),
            Err(PcrError::ValuesLength { expected: 52, found: 53 })
        );
        assert!(PcrValues::from_concatenated(&selection, &bytes[..51]).is_err());
    }
}
