//! An IMA list that is written while a TPM is extended, in the kernel's order: list first, PCR after.
//!
//! In: files and their digests, keys. Out: `ima-ng` and `ima-buf` records as `binary_runtime_measurements` holds them, and PCR 10 at the
//! value that they replay to.
//= Linux security/integrity/ima/ima_fs.c, ima_queue.c

use anyhow::Result;
use evidence::digest::{Digest, HashAlg, Sha256Digest};
use evidence::pcr::PcrIndex;

use super::Measured;

/// A list in the making, and the TPM that it is about.
#[derive(Debug)]
pub struct ImaListBuilder<'t, T> {
    tpm: &'t T,
    bytes: Vec<u8>,
}

impl<'t, T: Measured> ImaListBuilder<'t, T> {
    /// An empty list.
    pub fn new(tpm: &'t T) -> Self {
        Self { tpm, bytes: Vec::new() }
    }

    /// The list of a kernel that has started: one record that ties it to the firmware's PCRs.
    pub fn booted(tpm: &'t T) -> Result<Self> {
        let mut list = Self::new(tpm);
        let mut values = Vec::new();
        // PCR 8 and 9 are in it where its hash is not SHA-1.
        for pcr in PcrIndex::ALL.into_iter().take(10) {
            values.extend(tpm.value(HashAlg::Sha256, pcr)?.as_bytes());
        }
        list.file("boot_aggregate", &Sha256Digest::of(&[&values]))?;
        Ok(list)
    }

    /// The first measurement of a file.
    pub fn file(&mut self, path: &str, digest: &Sha256Digest) -> Result<()> {
        let record = ng_record(path, digest)?;
        self.bytes.extend(&record);
        super::extend_list(self.tpm, &record)
    }

    /// A certificate that was loaded onto a keyring, as `measure func=KEY_CHECK` logs it.
    pub fn key(&mut self, keyring: &str, certificate: &[u8]) -> Result<()> {
        let mut data = ng_data(keyring, &Sha256Digest::of(&[certificate]))?;
        data.extend(u32::try_from(certificate.len())?.to_le_bytes());
        data.extend(certificate);
        let record = record(&HashAlg::Sha1.hash(&[&data]), b"ima-buf", &data)?;
        self.bytes.extend(&record);
        super::extend_list(self.tpm, &record)
    }

    /// A file that was written while it was measured: nobody knows what was executed.
    pub fn violation(&mut self, path: &str) -> Result<()> {
        let record = violation_record(path)?;
        self.bytes.extend(&record);
        super::extend_list(self.tpm, &record)
    }

    /// The list so far.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The list's bytes.
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

/// The record of a file.
pub(crate) fn ng_record(path: &str, digest: &Sha256Digest) -> Result<Vec<u8>> {
    let data = ng_data(path, digest)?;
    let listed = HashAlg::Sha1.hash(&[&data]);
    record(&listed, b"ima-ng", &data)
}

fn violation_record(path: &str) -> Result<Vec<u8>> {
    record(&Digest::zero(HashAlg::Sha1), b"ima-ng", &ng_data(path, &Sha256Digest::new([0; 32]))?)
}

fn ng_data(path: &str, digest: &Sha256Digest) -> Result<Vec<u8>> {
    let digest = [b"sha256:\0".as_slice(), digest.as_bytes()].concat();
    let name = [path.as_bytes(), b"\0"].concat();
    let mut data = Vec::new();
    for field in [digest, name] {
        data.extend(u32::try_from(field.len())?.to_le_bytes());
        data.extend(field);
    }
    Ok(data)
}

fn record(listed: &Digest, template: &[u8], data: &[u8]) -> Result<Vec<u8>> {
    let mut bytes = u32::from(PcrIndex::IMA.get()).to_le_bytes().to_vec();
    bytes.extend(listed.as_bytes());
    bytes.extend(u32::try_from(template.len())?.to_le_bytes());
    bytes.extend(template);
    bytes.extend(u32::try_from(data.len())?.to_le_bytes());
    bytes.extend(data);
    Ok(bytes)
}
