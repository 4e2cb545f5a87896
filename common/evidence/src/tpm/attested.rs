//! What an attestation is about: one kind of information for each command that attests.
//!
//! In: the type of a `TPMS_ATTEST` and what follows its firmware version. Out: the information's fields. Types that the
//! specification gives later are carried as bytes. Names stay as they were written, to be compared with the name of
//! the very object that is at hand; that such an object exists is what the signature says, not this module.
//= TPM 2.0 Library Part 2 §10.12: Attestation Structures

use crate::cursor::Cursor;
use crate::digest::HashAlg;
use crate::limits::{ATTEST_BYTES, TPM_DIGEST_BYTES, TPM_NAME_BYTES};
use crate::pcr::PcrSelection;

use super::attest::ClockInfo;
use super::selection;
use super::wire::{TpmError, Writer, hash_alg, sized, yes_no};

/// `TPMU_ATTEST`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attested {
    /// The values of PCRs.
    Quote(QuoteInfo),
    /// That an object is in the TPM.
    Certify(CertifyInfo),
    /// That the TPM made an object, and under which circumstances.
    Creation(CreationInfo),
    /// What an NV index holds.
    Nv(NvInfo),
    /// The digest of what an NV index holds.
    NvDigest(NvDigestInfo),
    /// The time.
    Time(TimeInfo),
    /// The commands of a session.
    SessionAudit(SessionAuditInfo),
    /// The commands that are audited.
    CommandAudit(CommandAuditInfo),
    /// Something else: carried, not understood.
    Other {
        /// The `TPMI_ST_ATTEST`.
        tag: u16,
        /// Its information, as it was read.
        info: Vec<u8>,
    },
}

/// `TPMS_QUOTE_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QuoteInfo {
    /// The PCRs that the TPM took, which need not be those that it was asked for.
    pub selection: PcrSelection,
    /// The hash over their values, in selection order, by the signing scheme's algorithm.
    pub pcr_digest: Vec<u8>,
}

/// `TPMS_CERTIFY_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertifyInfo {
    /// The object's name.
    pub name: Vec<u8>,
    /// Its qualified name, which covers its parents too.
    pub qualified_name: Vec<u8>,
}

/// `TPMS_CREATION_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationInfo {
    /// The object's name.
    pub object_name: Vec<u8>,
    /// The hash of its creation data, by its name algorithm.
    pub creation_hash: Vec<u8>,
}

/// `TPMS_NV_CERTIFY_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvInfo {
    /// The index's name.
    pub index_name: Vec<u8>,
    /// Where in the index the contents start.
    pub offset: u16,
    /// What the index holds there.
    pub contents: Vec<u8>,
}

/// `TPMS_NV_DIGEST_CERTIFY_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NvDigestInfo {
    /// The index's name.
    pub index_name: Vec<u8>,
    /// The hash of all that the index holds, by the signing scheme's algorithm.
    pub digest: Vec<u8>,
}

/// `TPMS_TIME_ATTEST_INFO`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeInfo {
    /// Milliseconds since the TPM was last reset, restarted or resumed.
    pub time_ms: u64,
    /// The clock and counters, not obscured as those of an attestation can be.
    pub clock: ClockInfo,
    /// The firmware version, not obscured either.
    pub firmware_version: u64,
}

/// `TPMS_SESSION_AUDIT_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionAuditInfo {
    /// Whether other commands came between.
    pub exclusivity: Exclusivity,
    /// The session's audit digest.
    pub session_digest: Vec<u8>,
}

/// Whether an audit session was alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exclusivity {
    /// No command came between those of the session: what they tell is of one moment.
    Exclusive,
    /// Others may have come between.
    Shared,
}

/// `TPMS_COMMAND_AUDIT_INFO`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandAuditInfo {
    /// How often the digest was started anew.
    pub audit_counter: u64,
    /// The audit's hash.
    pub digest_alg: HashAlg,
    /// The digest over the audited commands.
    pub audit_digest: Vec<u8>,
    /// The digest over the codes of the commands that are audited.
    pub command_digest: Vec<u8>,
}

const NV: u16 = 0x8014;
const COMMAND_AUDIT: u16 = 0x8015;
const SESSION_AUDIT: u16 = 0x8016;
const CERTIFY: u16 = 0x8017;
const QUOTE: u16 = 0x8018;
const TIME: u16 = 0x8019;
const CREATION: u16 = 0x801a;
const NV_DIGEST: u16 = 0x801c;

impl Attested {
    /// The `TPMI_ST_ATTEST`.
    pub const fn tag(&self) -> u16 {
        match self {
            Self::Quote(_) => QUOTE,
            Self::Certify(_) => CERTIFY,
            Self::Creation(_) => CREATION,
            Self::Nv(_) => NV,
            Self::NvDigest(_) => NV_DIGEST,
            Self::Time(_) => TIME,
            Self::SessionAudit(_) => SESSION_AUDIT,
            Self::CommandAudit(_) => COMMAND_AUDIT,
            Self::Other { tag, .. } => *tag,
        }
    }

    /// The word for answers; it never changes.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Quote(_) => "quote",
            Self::Certify(_) => "certify",
            Self::Creation(_) => "creation",
            Self::Nv(_) => "nv-certify",
            Self::NvDigest(_) => "nv-digest",
            Self::Time(_) => "time",
            Self::SessionAudit(_) => "session-audit",
            Self::CommandAudit(_) => "command-audit",
            Self::Other { .. } => "other",
        }
    }

    pub(super) fn read(tag: u16, cursor: &mut Cursor<'_>) -> Result<Self, TpmError> {
        Ok(match tag {
            QUOTE => Self::Quote(QuoteInfo {
                selection: selection::read(cursor)?,
                pcr_digest: digest(cursor, "PCR digest")?,
            }),
            CERTIFY => Self::Certify(CertifyInfo {
                name: name(cursor, "name")?,
                qualified_name: name(cursor, "qualified name")?,
            }),
            CREATION => Self::Creation(CreationInfo {
                object_name: name(cursor, "object name")?,
                creation_hash: digest(cursor, "creation hash")?,
            }),
            NV => Self::Nv(NvInfo {
                index_name: name(cursor, "index name")?,
                offset: cursor.u16_be()?,
                contents: sized(cursor, "NV contents", ATTEST_BYTES)?.to_vec(),
            }),
            NV_DIGEST => Self::NvDigest(NvDigestInfo {
                index_name: name(cursor, "index name")?,
                digest: digest(cursor, "NV digest")?,
            }),
            TIME => Self::Time(TimeInfo {
                time_ms: cursor.u64_be()?,
                clock: ClockInfo::read(cursor)?,
                firmware_version: cursor.u64_be()?,
            }),
            SESSION_AUDIT => Self::SessionAudit(SessionAuditInfo {
                exclusivity: if yes_no(cursor)? { Exclusivity::Exclusive } else { Exclusivity::Shared },
                session_digest: digest(cursor, "session digest")?,
            }),
            COMMAND_AUDIT => Self::CommandAudit(CommandAuditInfo {
                audit_counter: cursor.u64_be()?,
                digest_alg: hash_alg(cursor)?,
                audit_digest: digest(cursor, "audit digest")?,
                command_digest: digest(cursor, "command digest")?,
            }),
            _ => {
                let left = cursor.left();
                Self::Other { tag, info: cursor.take(left)?.to_vec() }
            }
        })
    }

    pub(super) fn write(&self, out: &mut Writer) -> Result<(), TpmError> {
        match self {
            Self::Quote(quote) => {
                selection::write(&quote.selection, out);
                out.sized(&quote.pcr_digest, "PCR digest", TPM_DIGEST_BYTES)?;
            }
            Self::Certify(info) => {
                out.sized(&info.name, "name", TPM_NAME_BYTES)?;
                out.sized(&info.qualified_name, "qualified name", TPM_NAME_BYTES)?;
            }
            Self::Creation(info) => {
                out.sized(&info.object_name, "object name", TPM_NAME_BYTES)?;
                out.sized(&info.creation_hash, "creation hash", TPM_DIGEST_BYTES)?;
            }
            Self::Nv(info) => {
                out.sized(&info.index_name, "index name", TPM_NAME_BYTES)?.u16(info.offset);
                out.sized(&info.contents, "NV contents", ATTEST_BYTES)?;
            }
            Self::NvDigest(info) => {
                out.sized(&info.index_name, "index name", TPM_NAME_BYTES)?;
                out.sized(&info.digest, "NV digest", TPM_DIGEST_BYTES)?;
            }
            Self::Time(info) => {
                out.u64(info.time_ms);
                info.clock.write(out);
                out.u64(info.firmware_version);
            }
            Self::SessionAudit(info) => {
                out.u8(u8::from(info.exclusivity == Exclusivity::Exclusive));
                out.sized(&info.session_digest, "session digest", TPM_DIGEST_BYTES)?;
            }
            Self::CommandAudit(info) => {
                out.u64(info.audit_counter).u16(info.digest_alg.tpm_id());
                out.sized(&info.audit_digest, "audit digest", TPM_DIGEST_BYTES)?;
                out.sized(&info.command_digest, "command digest", TPM_DIGEST_BYTES)?;
            }
            Self::Other { tag, info } => {
                out.bytes(opaque(*tag, info)?);
            }
        }
        Ok(())
    }
}

/// Opaque information whose type is known would read back as something else.
fn opaque(tag: u16, info: &[u8]) -> Result<&[u8], TpmError> {
    match tag {
        NV..=CREATION | NV_DIGEST => {
            Err(TpmError::Unknown { offset: 4, what: "opaque attestation", found: tag })
        }
        _ => Ok(info),
    }
}

fn name(cursor: &mut Cursor<'_>, what: &'static str) -> Result<Vec<u8>, TpmError> {
    sized(cursor, what, TPM_NAME_BYTES).map(<[u8]>::to_vec)
}

fn digest(cursor: &mut Cursor<'_>, what: &'static str) -> Result<Vec<u8>, TpmError> {
    sized(cursor, what, TPM_DIGEST_BYTES).map(<[u8]>::to_vec)
}
