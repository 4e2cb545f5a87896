//! What systemd measured, as its texts say it.
//!
//! In: an event's text. Out: its parts. The text's own beginning decides, not the event's type, since only the text can be
//! measured; it means something where its digest was recomputed.
//= systemd docs/TPM2_PCR_MEASUREMENTS.md: measured hash

use super::SystemdEvent;
use super::escape::unescaped;
use crate::digest::{Digest, HashAlg};

/// What systemd calls a measurement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// A phase of the boot was reached.
    Phase,
    /// A file system was mounted.
    FileSystem,
    /// An encrypted volume was unlocked: an HMAC with its key.
    VolumeKey,
    /// The machine's id.
    MachineId,
    /// The product's id from the firmware.
    ProductId,
    /// How an encrypted volume was unlocked.
    KeySlot,
    /// An `NvPCR` was set up.
    NvPcrInit,
    /// No more `NvPCRs` are set up early.
    NvPcrSeparator,
    /// An image with verity was activated.
    Verity,
    /// Userspace took over: into every PCR that firmware and kernel used.
    OsSeparator,
    /// A user logged in.
    Login,
    /// A credential was typed at boot: an HMAC with its value.
    Credential,
    /// The record does not say.
    Unnamed,
    /// Another word.
    Unknown,
}

impl EventKind {
    /// The kind of this word.
    //= systemd src/shared/tpm2-util.c: tpm2_userspace_event_type_table
    pub fn of(word: &str) -> Self {
        match word {
            "phase" => Self::Phase,
            "filesystem" => Self::FileSystem,
            "volume-key" => Self::VolumeKey,
            "machine-id" => Self::MachineId,
            "product-id" => Self::ProductId,
            "keyslot" => Self::KeySlot,
            "nvpcr-init" => Self::NvPcrInit,
            "nvpcr-separator" => Self::NvPcrSeparator,
            "dm-verity" => Self::Verity,
            "os-separator" => Self::OsSeparator,
            "login" => Self::Login,
            "credential" => Self::Credential,
            _ => Self::Unknown,
        }
    }
}

/// What a text says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Measured {
    /// A phase of the boot.
    Phase(String),
    /// A file system.
    FileSystem {
        /// Where it was mounted; older versions do not say.
        path: Option<String>,
        /// Its type.
        kind: String,
        /// Its UUID.
        uuid: String,
        /// Its label.
        label: String,
        /// Its partition's UUID.
        partition_uuid: String,
        /// Its partition's type.
        partition_type: String,
        /// Its partition's label.
        partition_label: String,
    },
    /// An encrypted volume's key.
    VolumeKey {
        /// The volume.
        name: String,
        /// Its LUKS header's UUID.
        uuid: String,
    },
    /// The machine's id.
    MachineId(String),
    /// The product's id, or `missing`.
    ProductId(String),
    /// How an encrypted volume was unlocked.
    KeySlot {
        /// The volume.
        name: String,
        /// Its LUKS header's UUID.
        uuid: String,
        /// By what: `tpm2`, `fido2`, `pkcs11`, a password.
        mechanism: String,
        /// The slot.
        slot: String,
    },
    /// An `NvPCR` was set up.
    NvPcrInit {
        /// Its name.
        name: String,
        /// Its NV index.
        index: u32,
        /// What it started from.
        anchor: NvPcrAnchor,
    },
    /// No more `NvPCRs` are set up early.
    NvPcrSeparator,
    /// Userspace took over.
    OsSeparator,
    /// An image with verity was activated.
    Verity {
        /// The device.
        name: String,
        /// The root of its hashes.
        root_hash: String,
        /// Serial numbers and issuers of the keys that signed it.
        signers: String,
    },
    /// A user logged in.
    Login {
        /// Who.
        user: String,
    },
    /// A credential was typed at boot.
    Credential {
        /// Which.
        name: String,
    },
    /// Something else.
    Text(String),
}

/// What an `NvPCR` started from, as it was measured into PCR 9.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NvPcrAnchor {
    /// Its value after a secret was extended into it: systemd 259.
    Value(Digest),
    /// The TPM's Name of the index, of this hash algorithm; the first thing extended is all zeros: systemd 260 and later.
    Name {
        /// The algorithm of the name, and of the index.
        alg: HashAlg,
        /// The name without its algorithm.
        digest: Digest,
    },
    /// Neither.
    Unknown(String),
}

impl SystemdEvent<'_> {
    /// What systemd calls it. Not measured.
    pub fn kind(&self) -> EventKind {
        self.event_type.map_or(EventKind::Unnamed, |word| EventKind::of(&word.decode()))
    }

    /// What the text says; `None` where there is none. Worth something where [`SystemdEvent::check`] verified it.
    pub fn measured(&self) -> Option<Measured> {
        let text = self.text?.decode();
        let plain = unescaped(&text).and_then(|bytes| String::from_utf8(bytes).ok());
        // Text that stands for itself may hold what looks like an escape: a file system's path does.
        let hashes =
            |text: &str| self.record.digests().any(|digest| digest.alg().hash(&[text.as_bytes()]) == digest);
        Some(match plain {
            Some(plain) if !hashes(&text) => measured(&plain),
            _ => measured(&text),
        })
    }
}

/// The parts of a text.
pub(super) fn measured(text: &str) -> Measured {
    prefixed(text).unwrap_or_else(|| match text {
        "nvpcr-separator" => Measured::NvPcrSeparator,
        "os-separator" => Measured::OsSeparator,
        _ if PHASES.contains(&text) => Measured::Phase(text.to_owned()),
        _ => Measured::Text(text.to_owned()),
    })
}

/// Phases of systemd's own units; administrators can add others.
//= systemd docs/TPM2_PCR_MEASUREMENTS.md: PCR 11, boot phases, in this order
pub(super) const PHASES: [&str; 6] =
    ["enter-initrd", "leave-initrd", "sysinit", "ready", "shutdown", "final"];

fn prefixed(text: &str) -> Option<Measured> {
    let (prefix, rest) = text.split_once(':')?;
    let own = str::to_owned;
    match prefix {
        "machine-id" => Some(Measured::MachineId(own(rest))),
        "product-id" => Some(Measured::ProductId(own(rest))),
        "credential" => Some(Measured::Credential { name: own(rest) }),
        "file-system" => file_system(rest),
        "cryptsetup" => {
            let (name, uuid) = rest.split_once(':')?;
            Some(Measured::VolumeKey { name: own(name), uuid: own(uuid) })
        }
        "cryptsetup-keyslot" => {
            let [name, uuid, mechanism, slot] = split(rest)?.map(own);
            Some(Measured::KeySlot { name, uuid, mechanism, slot })
        }
        "verity" => {
            let [name, root_hash, signers] = split(rest)?.map(own);
            Some(Measured::Verity { name, root_hash, signers })
        }
        "login" => Some(Measured::Login { user: own(rest.split_once(':')?.0) }),
        "nvpcr-init" => nvpcr_init(rest),
        _ => None,
    }
}

fn file_system(rest: &str) -> Option<Measured> {
    let (path, parts) = match split::<7>(rest) {
        Some([path, parts @ ..]) => (Some(path.to_owned()), parts),
        None => (None, split::<6>(rest)?),
    };
    let [kind, uuid, label, partition_uuid, partition_type, partition_label] = parts.map(str::to_owned);
    Some(Measured::FileSystem { path, kind, uuid, label, partition_uuid, partition_type, partition_label })
}

/// `NAME:0xINDEX:ALG:VALUE`, or `NAME:0xINDEX:` and the TPM's Name, whose first two bytes are its algorithm.
fn nvpcr_init(rest: &str) -> Option<Measured> {
    let mut parts = rest.splitn(3, ':');
    let (name, index, anchor) = (parts.next()?, parts.next()?, parts.next()?);
    let index = u32::from_str_radix(index.strip_prefix("0x")?, 16).ok()?;
    let found = match anchor.split_once(':') {
        Some((alg, value)) => alg.parse().ok().and_then(|alg| digest(alg, value)).map(NvPcrAnchor::Value),
        None => anchor.split_at_checked(4).and_then(|(alg, value)| {
            let alg = HashAlg::from_tpm_id(u16::from_str_radix(alg, 16).ok()?)?;
            Some(NvPcrAnchor::Name { alg, digest: digest(alg, value)? })
        }),
    };
    let anchor = found.unwrap_or_else(|| NvPcrAnchor::Unknown(anchor.to_owned()));
    Some(Measured::NvPcrInit { name: name.to_owned(), index, anchor })
}

fn digest(alg: HashAlg, hex: &str) -> Option<Digest> {
    let digit = |digit: &u8| char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| match pair {
        [high, low] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    };
    if hex.len() != alg.size().saturating_mul(2) {
        return None;
    }
    let bytes: Vec<u8> = hex.as_bytes().chunks(2).map(pair).collect::<Option<_>>()?;
    Digest::new(alg, &bytes).ok()
}

/// Exactly so many parts between colons.
fn split<const N: usize>(text: &str) -> Option<[&str; N]> {
    let mut parts = text.split(':');
    let mut found = [""; N];
    for place in &mut found {
        *place = parts.next()?;
    }
    parts.next().is_none().then_some(found)
}
