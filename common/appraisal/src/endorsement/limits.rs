//! Every maximum of the endorsement chains, each with its reason.

/// A certificate. Endorsement certificates have some 1,000 to 2,000 bytes, authorities with long policies up to 3,000,
/// platform certificates with their components up to 8,000.
pub(super) const CERTIFICATE_BYTES: usize = 16_384;
/// The vendors' roots number some 50, with the clouds' not many more.
pub const ROOTS: usize = 1_024;
/// Real chains have one to three; a folder with all that the makers publish has some 150.
pub const INTERMEDIATES: usize = 1_024;
/// Authorities above a key: real chains have at most four.
pub(super) const DEPTH: usize = 6;
/// Signatures to try: cross-signed chains need a handful.
pub(super) const SIGNATURES: usize = 48;
/// A list of revoked certificates. Makers' lists have 1 kB to 2 MB.
pub const REVOCATION_LIST_BYTES: usize = 16 << 20;
/// Lists of revoked certificates: one for each authority of a folder with all that the makers publish.
pub const REVOCATION_LISTS: usize = 1_024;
/// A bundle of roots: the certificates in PEM with their headings. All that the makers publish comes to 400 kB.
pub const BUNDLE_BYTES: usize = 8 << 20;
/// A bundle's version.
pub(super) const VERSION_BYTES: usize = 64;
/// A vendor's name in a bundle.
pub(super) const VENDOR_BYTES: usize = 64;
