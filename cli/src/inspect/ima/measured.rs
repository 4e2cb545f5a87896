//! What IMA measured that is no file, and who signed what is: as answers have it.
//!
//! In: fields of records. Out: keys with their keyrings, devices, critical data, signers, each kept to a number.

use std::collections::BTreeMap;

use evidence::ima::{DmEvent, ImaFields, ImaSignature, MeasuredBuffer, SignatureKind};
use evidence::pkcs7::{SignedData, SignerId};
use evidence::x509::Certificate;
use serde::Serialize;

use super::text_of;
use crate::limits::{KEPT_OF_A_KIND, SHOWN_TEXT_BYTES};

/// Everything of a list that is told apart from its records.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Measured {
    pub(super) keys: Vec<KeyView>,
    pub(super) devices: Vec<DeviceView>,
    pub(super) critical_data: Vec<CriticalView>,
    pub(super) signers: Vec<SignerView>,
    /// Things that were left out because there are too many of their kind.
    pub(super) left_out: u64,
    #[serde(skip)]
    by_signer: BTreeMap<(&'static str, String), u64>,
}

/// A certificate that was loaded onto a keyring.
#[derive(Clone, Debug, Serialize)]
pub(super) struct KeyView {
    pub(super) record: u64,
    pub(super) keyring: String,
    pub(super) subject: String,
    pub(super) cert_sha256: String,
    pub(super) spki_sha256: String,
    /// The subject key identifier, whose last four bytes signatures name.
    pub(super) key_id: Option<String>,
}

/// What happened to a device.
#[derive(Clone, Debug, Serialize)]
pub(super) struct DeviceView {
    pub(super) record: u64,
    pub(super) event: &'static str,
    pub(super) name: Option<String>,
    pub(super) uuid: Option<String>,
    pub(super) active_table_hash: Option<String>,
    pub(super) targets: Vec<TargetView>,
}

/// A part of a device.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TargetView {
    pub(super) kind: Option<String>,
    pub(super) begin: Option<String>,
    pub(super) length: Option<String>,
    /// `sha256:` and the root of the hash tree, where the target is a verity one.
    pub(super) verity_root: Option<String>,
    pub(super) hash_failed: Option<String>,
}

/// Critical data, or a command line.
#[derive(Clone, Debug, Serialize)]
pub(super) struct CriticalView {
    pub(super) record: u64,
    pub(super) name: String,
    /// The start of it; `null` where it is no text.
    pub(super) text: Option<String>,
    pub(super) bytes: usize,
}

/// Who signed files of a list.
#[derive(Clone, Debug, Serialize)]
pub(super) struct SignerView {
    /// `content`, `verity`, `portable-evm` or `appended`.
    pub(super) kind: &'static str,
    /// Id of the key; issuer and serial number where an appended signature names these.
    pub(super) key: String,
    /// Of a measured key with this id; others may have the same.
    pub(super) subject: Option<String>,
    pub(super) files: u64,
}

/// What was odd.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    /// A certificate that cannot be read.
    Key(String),
    /// A signature that cannot be read.
    Signature(String),
    /// A verity device with a block that is not its hash's.
    Corrupted(String),
}

impl Measured {
    /// Takes in a record's buffer.
    pub(super) fn buffer(&mut self, record: u64, buffer: &MeasuredBuffer<'_>) -> Option<Oddity> {
        match buffer {
            MeasuredBuffer::Key { keyring, certificate } => {
                return match Certificate::parse(certificate) {
                    Ok(key) => {
                        let key = KeyView::new(record, keyring, &key);
                        self.left_out += keep(&mut self.keys, key);
                        None
                    }
                    Err(error) => Some(Oddity::Key(format!("a key on {}: {error}", text_of(keyring)))),
                };
            }
            MeasuredBuffer::DeviceMapper(event) => {
                let device = DeviceView::new(record, event);
                let corrupted =
                    device.targets.iter().any(|target| target.hash_failed.as_deref() == Some("C"));
                let name = device.name.clone().unwrap_or_default();
                self.left_out += keep(&mut self.devices, device);
                return corrupted
                    .then(|| Oddity::Corrupted(format!("verity found a changed block of {name}")));
            }
            MeasuredBuffer::KexecCommandLine(line) => self.critical(record, b"kexec-cmdline", line, true),
            MeasuredBuffer::CriticalText { name, text } => self.critical(record, name, text, true),
            MeasuredBuffer::CriticalBytes { name, bytes } => self.critical(record, name, bytes, false),
        }
        None
    }

    fn critical(&mut self, record: u64, name: &[u8], bytes: &[u8], is_text: bool) {
        let shown = bytes.get(..SHOWN_TEXT_BYTES).unwrap_or(bytes);
        let text = is_text.then(|| text_of(shown));
        let view = CriticalView { record, name: text_of(name), text, bytes: bytes.len() };
        self.left_out += keep(&mut self.critical_data, view);
    }

    /// Takes in a record's signatures.
    pub(super) fn signatures(&mut self, fields: &ImaFields<'_>) -> Option<Oddity> {
        let attributes = [fields.signature, fields.evm_signature];
        for bytes in attributes.into_iter().flatten().filter(|bytes| !bytes.is_empty()) {
            match ImaSignature::parse(bytes) {
                Ok(signature) => self.signed(kind(signature.kind), format!("{:08x}", signature.key_id)),
                Err(error) => return Some(Oddity::Signature(error.to_string())),
            }
        }
        let appended = fields.modsig.filter(|bytes| !bytes.is_empty())?;
        match SignedData::parse(appended) {
            Ok(data) => {
                for signer in data.signers().filter_map(Result::ok) {
                    self.signed("appended", signer_name(&signer.id()));
                }
                None
            }
            Err(error) => Some(Oddity::Signature(format!("appended signature: {error}"))),
        }
    }

    fn signed(&mut self, kind: &'static str, key: String) {
        let full = self.by_signer.len() >= KEPT_OF_A_KIND;
        match self.by_signer.entry((kind, key)) {
            std::collections::btree_map::Entry::Vacant(_) if full => self.left_out += 1,
            entry => *entry.or_default() += 1,
        }
    }

    pub(super) fn finish(mut self) -> Self {
        let signers = std::mem::take(&mut self.by_signer);
        let subject = |id: &str| {
            let mut keys = self.keys.iter();
            let named = |key: &&KeyView| key.key_id.as_ref().is_some_and(|key_id| key_id.ends_with(id));
            keys.find(named).map(|key| key.subject.clone())
        };
        let view = |((kind, key), files): ((&'static str, String), u64)| {
            let subject = subject(&key);
            SignerView { kind, key, subject, files }
        };
        self.signers = signers.into_iter().map(view).collect();
        self
    }
}

/// Keeps a thing if there is room; gives how many were left out.
fn keep<T>(things: &mut Vec<T>, thing: T) -> u64 {
    if things.len() < KEPT_OF_A_KIND {
        things.push(thing);
        0
    } else {
        1
    }
}

const fn kind(kind: SignatureKind) -> &'static str {
    match kind {
        SignatureKind::Content => "content",
        SignatureKind::Verity => "verity",
        SignatureKind::PortableEvm => "portable-evm",
    }
}

fn signer_name(id: &SignerId<'_>) -> String {
    match id {
        SignerId::IssuerSerial { issuer, serial } => format!("{issuer}, serial {}", hex::encode(serial)),
        SignerId::KeyId(id) => hex::encode(id),
    }
}

impl KeyView {
    fn new(record: u64, keyring: &[u8], key: &Certificate<'_>) -> Self {
        Self {
            record,
            keyring: text_of(keyring),
            subject: key.subject().to_string(),
            cert_sha256: key.sha256().to_string(),
            spki_sha256: key.spki_sha256().to_string(),
            key_id: key.subject_key_id().map(hex::encode),
        }
    }
}

impl DeviceView {
    fn new(record: u64, event: &DmEvent<'_>) -> Self {
        let targets = event.targets().take(KEPT_OF_A_KIND).map(|target| {
            let verity = target.verity();
            TargetView {
                kind: target.kind().map(text_of),
                begin: target.find(b"target_begin").map(text_of),
                length: target.find(b"target_len").map(text_of),
                verity_root: verity
                    .map(|verity| format!("{}:{}", text_of(verity.algorithm), text_of(verity.root_digest))),
                hash_failed: verity.map(|verity| text_of(verity.hash_failed)),
            }
        });
        Self {
            record,
            event: event.kind.name(),
            name: event.name().map(text_of),
            uuid: event.uuid().filter(|uuid| !uuid.is_empty()).map(text_of),
            active_table_hash: event.active_table_hash().map(text_of),
            targets: targets.collect(),
        }
    }
}
