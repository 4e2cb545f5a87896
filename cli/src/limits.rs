//! Every maximum of this program, each with its reason.

/// A JSON reply: a host with its components, which the verifier caps itself.
pub(crate) const JSON_REPLY_BYTES: usize = 32 << 20;
/// A checkpoint or a proof: 63 hashes and some signatures.
pub(crate) const TEXT_REPLY_BYTES: usize = 256 << 10;
/// A configuration file: some profiles.
pub(crate) const CONFIG_BYTES: usize = 256 << 10;
/// A CA file: a handful of certificates.
pub(crate) const CA_BYTES: usize = 1 << 20;
/// A file with a key or token in it.
pub(crate) const SECRET_BYTES: usize = 8 << 10;
/// Hosts asked for at once.
pub(crate) const HOSTS_PER_PAGE: u64 = 500;
/// Pages of hosts that are followed: more hosts than any verifier is made for.
pub(crate) const HOST_PAGES: usize = 1_000;
/// History entries asked for at once.
pub(crate) const HISTORY_PER_PAGE: u64 = 200;
/// A file with certificates: all intermediates that the TPM makers publish come to some 400 kB in PEM.
pub(crate) const CERTIFICATE_FILE_BYTES: usize = 4 << 20;
