//! The table: one row per parser.

mod canonical;
mod efi;
mod eventlog;
mod files;
mod ima;
mod packages;
mod pe;
mod records;
mod signing;
mod text;
mod tpm;

/// Inputs with their names.
pub(crate) type Inputs = Vec<(String, Vec<u8>)>;

/// A generator of hostile input of about so many bytes.
pub(crate) type Hostile = (&'static str, fn(usize) -> Vec<u8>);

/// One parser.
pub(crate) struct Row {
    /// What it reads.
    pub(crate) name: &'static str,
    /// Its module in `evidence`.
    pub(crate) module: &'static str,
    /// Its fuzz target in `fuzz/fuzz_targets`.
    pub(crate) fuzz: &'static str,
    /// Real inputs.
    pub(crate) real: fn() -> Inputs,
    /// Generators: the smallest records that are legal, the longest lists, whatever costs most by the byte. Each grows with
    /// the size that it is asked for.
    pub(crate) hostile: &'static [Hostile],
    /// Bytes of hostile input; 16 times as many must still be below the parser's own limit.
    pub(crate) scale: usize,
    /// Everything that can be done with such bytes.
    pub(crate) read: fn(&[u8]),
    /// The peak's allowed multiple of the input: 4.
    pub(crate) multiple: u64,
    /// What the peak may have beside: `CONSTANT`, or what a limit of the parser comes to, with the reason.
    pub(crate) constant: u64,
}

/// A few fixed buffers, an error's text, lists that are capped.
pub(crate) const CONSTANT: u64 = 16 << 10;

/// All rows.
pub(crate) fn all() -> Vec<Row> {
    let mut rows = vec![efi::row(), eventlog::row(), ima::row(), pe::row()];
    rows.extend(tpm::rows());
    rows.extend(canonical::rows());
    rows.extend(canonical::exports());
    rows.extend(records::rows());
    rows.extend(signing::rows());
    rows.extend(text::rows());
    rows.extend(files::rows());
    rows.extend(packages::rows());
    rows
}
