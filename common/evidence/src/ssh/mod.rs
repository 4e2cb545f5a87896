//! SSH's public keys and certificates, and the files that list them.
//!
//! In: a key's blob, `authorized_keys`, `known_hosts`, `*.pub`. Out: each key with its type, its fingerprint as
//! `ssh-keygen -l` has it, and what the line says of it. It does not establish that anybody holds the key, nor that a
//! certificate's signature holds: of that, only who is said to have signed is read.
//= RFC 4253 §6.6, sshd(8) AUTHORIZED_KEYS FILE FORMAT and SSH_KNOWN_HOSTS FILE FORMAT, OpenSSH PROTOCOL.certkeys

mod key;
mod lines;

pub use key::{Certificate, CertificateRole, PublicKey};
pub use lines::{AuthorizedKey, HostMarker, KeyText, KnownHost, Options, authorized_keys, known_hosts};

use crate::cursor::Truncated;

/// Why bytes are no key, or a line lists none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SshError {
    /// A field is longer than what is left.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The type is no text.
    #[error("at byte {offset}: the key's type is no text")]
    Type {
        /// Where.
        offset: usize,
    },
    /// More bytes than keys have.
    #[error("at byte {offset}: a key of {found} bytes")]
    Limit {
        /// Where it starts.
        offset: usize,
        /// Its length.
        found: usize,
    },
    /// A role that certificates do not have.
    #[error("at byte {offset}: a certificate of type {found}")]
    Role {
        /// Where.
        offset: usize,
        /// What was found.
        found: u32,
    },
    /// A certificate for a kind of key that is not known, whose fields cannot be told apart.
    #[error("at byte {offset}: a certificate for an unknown kind of key")]
    UnknownCertificate {
        /// Where.
        offset: usize,
    },
    /// A line that has no key.
    #[error("at byte {offset}: a line without a key")]
    NoKey {
        /// Where the line starts.
        offset: usize,
    },
    /// The type that a line names is not that of its key.
    #[error("at byte {offset}: a key of another type than its line says")]
    OtherType {
        /// Where the line starts.
        offset: usize,
    },
}
