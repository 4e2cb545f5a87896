//! What a machine's firmware holds and starts: the content of a boot that [`super::EventLogBuilder`] measures.

use anyhow::Result;
use evidence::digest::{Digest, HashAlg, Sha256Digest};
use evidence::pe::Image;

use super::SecureBootSwitch;

/// A machine's firmware and what it starts.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Whether Secure Boot is on.
    pub secure_boot: SecureBootSwitch,
    /// The platform key, as a signature list.
    pub platform_key: Vec<u8>,
    /// Keys that may be asked, as signature lists.
    pub db: Vec<u8>,
    /// What is revoked, as signature lists.
    pub dbx: Vec<u8>,
    /// What let something run: a variable's name and the entry.
    pub authorities: Vec<(&'static str, Vec<u8>)>,
    /// Shim's level of revocations.
    pub sbat_level: Option<&'static str>,
    /// Programs that are started: what a signature would be over, and where they come from.
    pub images: Vec<(Vec<u8>, &'static str)>,
    /// What shim trusts, and what it revokes, as signature lists.
    pub shim_lists: Option<[Vec<u8>; 2]>,
    /// Files that the boot loader reads, with the paths that it logs.
    pub loaded: Vec<(Vec<u8>, &'static str)>,
}

impl Machine {
    /// A machine that starts one boot loader and lists nothing.
    pub fn new(secure_boot: SecureBootSwitch) -> Self {
        Self {
            secure_boot,
            platform_key: Vec::new(),
            db: Vec::new(),
            dbx: Vec::new(),
            authorities: Vec::new(),
            sbat_level: None,
            images: vec![(b"a boot loader's image".to_vec(), "")],
            shim_lists: None,
            loaded: Vec::new(),
        }
    }
}

/// The hash by which firmware knows an image.
pub fn image_hash(content: &[u8]) -> Sha256Digest {
    let hash = image_digest(content, HashAlg::Sha256);
    Sha256Digest::from_slice(hash.as_bytes()).unwrap_or_else(|_| Sha256Digest::of(&[content]))
}

/// What firmware measures of an image in a bank: Authenticode's hash of a real one, that of bytes which stand for one.
pub(super) fn image_digest(content: &[u8], bank: HashAlg) -> Digest {
    let hash = Image::parse(content).ok().and_then(|image| image.authenticode(bank).ok());
    hash.unwrap_or_else(|| bank.hash(&[content]))
}

/// A list of certificates: one list for each.
pub fn certificate_lists(certificates: &[&[u8]]) -> Result<Vec<u8>> {
    let lists = certificates.iter().map(|der| list(X509, &[der]));
    Ok(lists.collect::<Result<Vec<_>>>()?.concat())
}

/// A list of SHA-256 hashes of images.
pub fn hash_list(hashes: &[Sha256Digest]) -> Result<Vec<u8>> {
    let hashes: Vec<&[u8]> = hashes.iter().map(|hash| hash.as_bytes().as_slice()).collect();
    if hashes.is_empty() { Ok(Vec::new()) } else { list(SHA256, &hashes) }
}

/// An entry as an authority's event holds it: owner and data.
pub fn entry(data: &[u8]) -> Vec<u8> {
    [&OWNER, data].concat()
}

//= UEFI 2.10 §32.4.1: EFI_SIGNATURE_LIST
fn list(kind: [u8; 16], entries: &[&[u8]]) -> Result<Vec<u8>> {
    let size = 16 + entries.first().map_or(0, |entry| entry.len());
    let mut list = kind.to_vec();
    for number in [28 + size * entries.len(), 0, size] {
        list.extend(u32::try_from(number)?.to_le_bytes());
    }
    list.extend(entries.iter().flat_map(|data| entry(data)));
    Ok(list)
}

//= TCG PFP 1.06 §10.2.3: UEFI_IMAGE_LOAD_EVENT, with a device path of one file
pub(super) fn load_event(path: &str) -> Result<Vec<u8>> {
    let mut name: Vec<u8> = path.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect();
    let mut device = vec![4, 4];
    device.extend(u16::try_from(name.len() + 4)?.to_le_bytes());
    device.append(&mut name);
    device.extend([0x7f, 0xff, 4, 0]);
    let mut data = Vec::new();
    for number in [0x1000, 0x2000, 0, u64::try_from(device.len())?] {
        data.extend(number.to_le_bytes());
    }
    data.extend(device);
    Ok(data)
}

const OWNER: [u8; 16] = *b"lydian's testers";
/// `EFI_CERT_X509_GUID`.
const X509: [u8; 16] =
    [0xa1, 0x59, 0xc0, 0xa5, 0xe4, 0x94, 0xa7, 0x4a, 0x87, 0xb5, 0xab, 0x15, 0x5c, 0x2b, 0xf0, 0x72];
/// `EFI_CERT_SHA256_GUID`.
const SHA256: [u8; 16] =
    [0x26, 0x16, 0xc4, 0xc1, 0x4c, 0x50, 0x92, 0x40, 0xac, 0xa9, 0x41, 0xf9, 0x36, 0x93, 0x43, 0x28];
