//! Subjects: what a question is about, as people write it.
//!
//! In: text such as `file:SHA256` or `package:xz-utils>=5.6.0`. Out: a typed subject, which prints as it was meant. That a subject
//! exists anywhere is not known here.

mod boot;
mod glob;
mod issuer;
mod key;
mod package;
mod sbat;
mod scope;
mod version;

use std::fmt;
use std::str::FromStr;

use evidence::digest::Sha256Digest;

use crate::limits::SUBJECT_BYTES;
use crate::role::{Role, Source};

pub use boot::{BootSubject, SecureBootState};
pub use glob::Glob;
pub use issuer::{Authority, IssuerSubject};
pub use key::KeySubject;
pub use package::{Bound, PackageSubject};
pub use sbat::{SbatSubject, generations};
pub use scope::lies_elsewhere;
pub use version::{Scheme, compare};

/// What a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A content, by its SHA-256.
    File(Sha256Digest),
    /// Files whose paths fit a pattern.
    Path(Glob),
    /// A package, in a range of versions.
    Package(PackageSubject),
    /// Every package that was built from a source package, in a range of the source's versions.
    Source(PackageSubject),
    /// A certificate, key or boot image, under names that it goes by.
    Key(KeySubject),
    /// Certificates whose name has this text in it, whatever the case: what people call them, which nothing vouches for.
    CertName(String),
    /// An authority with what it issued, by the names that certificates carry.
    Issuer(IssuerSubject),
    /// How a host boots.
    Boot(BootSubject),
    /// Boot images by the generations that they state of themselves.
    Sbat(SbatSubject),
}

impl Subject {
    /// Roles that a host can have to do with it, in the order in which they are shown.
    pub const fn roles(&self) -> &'static [Role] {
        match self {
            Self::File(_) | Self::Path(_) | Self::Sbat(_) => &[Role::Executed, Role::Present],
            Self::Package(_) | Self::Source(_) | Self::Boot(_) => &[Role::Present],
            Self::Key(key) if key.is_image() => {
                &[Role::Executed, Role::Present, Role::Eligible, Role::Revoked]
            }
            Self::Key(_) | Self::CertName(_) | Self::Issuer(_) => {
                &[Role::Used, Role::Eligible, Role::Revoked]
            }
        }
    }

    /// Sources that must have been seen without a gap before it can be said that a host never had it in this role. Each inner list
    /// names those of which one is enough; empty where the subject has no such role.
    pub const fn sources(&self, role: Role) -> &'static [&'static [Source]] {
        match (self, role) {
            // What was never there was never run; and what the kernel's list lacks was never run either.
            (Self::File(_) | Self::Path(_), Role::Executed) => &[&[Source::Ima, Source::Files]],
            (
                Self::File(_)
                | Self::Path(_)
                | Self::Package(_)
                | Self::Source(_)
                | Self::Key(_)
                | Self::Sbat(_),
                Role::Present,
            ) => &[&[Source::Files]],
            // A key is listed by firmware and by the system's stores, and has signed boot images and files.
            (
                Self::Key(_) | Self::CertName(_) | Self::Issuer(_),
                Role::Used | Role::Eligible | Role::Revoked,
            ) => &[&[Source::Files], &[Source::Boot]],
            (Self::Key(_) | Self::Sbat(_), Role::Executed) | (Self::Boot(_), Role::Present) => {
                &[&[Source::Boot]]
            }
            _ => &[],
        }
    }
}

impl FromStr for Subject {
    type Err = SubjectError;

    fn from_str(text: &str) -> Result<Self, SubjectError> {
        if text.len() > SUBJECT_BYTES {
            return Err(SubjectError::TooLong);
        }
        let (kind, rest) = text.split_once(':').ok_or(SubjectError::NoKind)?;
        if rest.is_empty() {
            return Err(SubjectError::Nothing);
        }
        match kind {
            "file" => rest.parse().map(Self::File).map_err(|_| SubjectError::Digest),
            "path" if rest.starts_with(['/', '*']) => rest.parse().map(Self::Path),
            "path" => Err(SubjectError::Path),
            "package" => rest.parse().map(Self::Package),
            "source" => rest.parse().map(Self::Source),
            "cert-name" if is_plain(rest) => Ok(Self::CertName(rest.to_owned())),
            "cert-name" => Err(SubjectError::CertName),
            "issuer" => rest.parse().map(Self::Issuer),
            "cert" => KeySubject::certificate(rest).map(Self::Key),
            "key" => KeySubject::key(rest).map(Self::Key),
            "image" => KeySubject::image(rest).map(Self::Key),
            "boot" => rest.parse().map(Self::Boot),
            "sbat" => rest.parse().map(Self::Sbat),
            _ => Err(SubjectError::NoKind),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(digest) => write!(f, "file:{digest}"),
            Self::Path(glob) => write!(f, "path:{glob}"),
            Self::Package(package) => write!(f, "package:{package}"),
            Self::Source(package) => write!(f, "source:{package}"),
            Self::Key(key) => key.fmt(f),
            Self::CertName(text) => write!(f, "cert-name:{text}"),
            Self::Issuer(issuer) => write!(f, "issuer:{issuer}"),
            Self::Boot(boot) => write!(f, "boot:{boot}"),
            Self::Sbat(sbat) => write!(f, "sbat:{sbat}"),
        }
    }
}

/// Why text is no subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubjectError {
    /// It does not begin with a kind.
    #[error(
        "a subject begins with file:, path:, package:, source:, cert:, cert-name:, issuer:, key:, image:, sbat: or boot:"
    )]
    NoKind,
    /// There is nothing behind the kind.
    #[error("there is nothing behind the colon")]
    Nothing,
    /// It is too long.
    #[error("a subject has at most {SUBJECT_BYTES} bytes")]
    TooLong,
    /// Not a digest.
    #[error("a file is named by its SHA-256, 64 hexadecimal digits in lower case")]
    Digest,
    /// A pattern that no path fits.
    #[error("a pattern of paths begins with a slash or a star")]
    Path,
    /// Not a pattern.
    #[error("at byte {offset}: {what}")]
    Glob {
        /// Where in the pattern.
        offset: usize,
        /// What is wrong.
        what: &'static str,
    },
    /// Not a package.
    #[error("a package is written NAME, or NAME with one or two of = < <= > >= and a version each")]
    Package,
    /// Not text that names have.
    #[error("a certificate's name is looked for by three printable characters of it at least")]
    CertName,
    /// Not a certificate's name.
    #[error(
        "a certificate is named by a SHA-256 of it or of its TBSCertificate (or SHA-384, SHA-512 of the latter), in hexadecimal"
    )]
    Certificate,
    /// Not an authority's name.
    #[error(
        "an authority is named by the SHA-256 of its certificate or key, by the identifier of its key, or as name:SHA256[+KEYID] of its subject, in hexadecimal; \
         /closure behind it takes what lies below"
    )]
    Issuer,
    /// Not a key's name.
    #[error(
        "a key is named by the SHA-256 of its SubjectPublicKeyInfo (64 hexadecimal digits), an OpenPGP fingerprint (32, 40 or 64) or \
         key id (16), an IMA key id (8), or SHA256:… as ssh-keygen prints it"
    )]
    Key,
    /// Not an image's name.
    #[error("a boot image is named by its Authenticode SHA-256, 64 hexadecimal digits")]
    Image,
    /// Not a generation of an image.
    #[error("boot images are named by their SBAT generations as COMPONENT<GENERATION, such as sbat:grub<3")]
    Sbat,
    /// Not a setting of the boot.
    #[error("settings of the boot are secure-boot=on|off|unknown, dbx-lacks=SHA256 and sbat<NAME,GENERATION")]
    Boot,
}

fn is_plain(text: &str) -> bool {
    text.trim() == text && text.chars().count() >= 3 && !text.chars().any(char::is_control)
}

/// Hexadecimal digits, upper or lower case, with the colons between that some tools print.
fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    let digits: String = text.chars().filter(|c| *c != ':').collect();
    hex::decode(digits).ok()
}

#[cfg(test)]
mod tests;
