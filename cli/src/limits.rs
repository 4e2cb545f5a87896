//! Every maximum of this program, each with its reason.

/// A JSON reply: an answer about 100,000 hosts has some 100 MB where most of them are affected.
pub(crate) const JSON_REPLY_BYTES: usize = 512 << 20;
/// A list of subjects: the verifier takes ten thousand.
pub(crate) const SUBJECT_LIST_BYTES: usize = 4 << 20;
/// A checkpoint or a proof: 63 hashes and some signatures.
pub(crate) const TEXT_REPLY_BYTES: usize = 256 << 10;
/// A configuration file: some profiles.
pub(crate) const CONFIG_BYTES: usize = 256 << 10;
/// A CA file: a handful of certificates, or the system's bundle of some 150.
pub(crate) const CA_BYTES: usize = 1 << 20;
/// A file with a key or token in it.
pub(crate) const SECRET_BYTES: usize = 8 << 10;
/// What a list or log of any length is read in.
pub(crate) const CHUNK_BYTES: usize = 64 << 10;
/// A file of PCR values as JSON: 24 in each of 16 banks.
pub(crate) const PCR_JSON_BYTES: usize = 256 << 10;
/// Findings of one code that are kept of a list; the others are counted.
pub(crate) const FINDINGS_PER_CODE: usize = 100;
/// Things of one kind that are kept of a list: keys, devices, signers. Real lists have under 50.
pub(crate) const KEPT_OF_A_KIND: usize = 256;
/// Template names that are counted apart; kernels have nine, custom formats are one a boot.
pub(crate) const TEMPLATES: usize = 64;
/// Bytes of a measured text that are shown.
pub(crate) const SHOWN_TEXT_BYTES: usize = 512;
/// Hosts asked for at once.
pub(crate) const HOSTS_PER_PAGE: u64 = 500;
/// Pages of hosts that are followed: more hosts than any verifier is made for.
pub(crate) const HOST_PAGES: usize = 1_000;
/// History entries asked for at once.
pub(crate) const HISTORY_PER_PAGE: u64 = 200;
/// Signature lists. The largest dbx has some 25 KiB, and firmware keeps at most some hundred KiB of variables.
pub(crate) const SIGNATURE_LIST_BYTES: usize = 8 << 20;
/// A PE image. Unified kernel images with their initrd have 30 to 300 MiB.
pub(crate) const PE_IMAGE_BYTES: usize = 512 << 20;
/// A file with certificates: all intermediates that the TPM makers publish come to some 400 kB in PEM.
pub(crate) const CERTIFICATE_FILE_BYTES: usize = 4 << 20;
/// The progress of an audit: some kilobytes of hashes, and a hundred bytes for each archived checkpoint.
pub(crate) const AUDIT_STATE_BYTES: usize = 1 << 29;
/// Pages of operators' actions that are followed: half a million.
pub(crate) const ACTION_PAGES: usize = 1_000;
/// Pages of what a watch found that are followed: a million.
pub(crate) const HIT_PAGES: usize = 1_000;
/// What an export says of itself: a signed head, and the names of hosts.
pub(crate) const SUMMARY_BYTES: usize = 16 << 20;
/// Roots of the index in an export: one a day for 200 years. What each chain was at each of them is kept, 33 bytes.
pub(crate) const INDEX_ROOTS: usize = 1 << 16;
/// Leaves whose kinds are looked at for a proof: two days of a hundred thousand hosts, 165 MB.
pub(crate) const LEAVES_LOOKED_THROUGH: u64 = 5_000_000;
/// A package file: kernels with debug information have some gigabytes, and are refused; those that are installed have up to 300 MB.
pub(crate) const PACKAGE_FILE_BYTES: usize = 1 << 30;
/// What a member of one unpacks to.
pub(crate) const PACKAGE_UNPACKED_BYTES: usize = 4 << 30;
