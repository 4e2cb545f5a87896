//! A log of systemd's, or a canonical one, as `lydian inspect systemd-log -o json` writes it.
//!
//! In: a parsed log. Out: values that serialise. Fields are added, never renamed. Nothing here is true before the log, behind
//! the firmware's, replays to quoted values.

use std::collections::BTreeMap;

use evidence::cel::{CelRecord, Content, Register};
use evidence::digest::{Digest, HashAlg};
use evidence::systemd_log::{Measured, NvPcr, NvPcrAnchor, SystemdEvent};
use serde::Serialize;
use serde_json::{Value, json};

use super::report::FindingView;

/// By bank and PCR.
pub(super) type ByBank<T> = BTreeMap<&'static str, BTreeMap<u8, T>>;

/// A log.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct LogView {
    pub(super) file: String,
    /// `json-seq` or `cel-json`.
    pub(super) format: &'static str,
    /// The firmware log that PCRs start from; without one they start from a reset.
    pub(super) firmware: Option<String>,
    pub(super) banks: Vec<&'static str>,
    /// The bank that is shown, and that digests are checked in.
    pub(super) bank: &'static str,
    /// Boots that records are of, in their order.
    pub(super) boot_ids: Vec<String>,
    /// Records of the log; `events` may hold fewer.
    pub(super) event_count: u64,
    pub(super) events: Vec<EventView>,
    /// What each PCR that either log extends comes to, by bank.
    pub(super) pcrs: ByBank<String>,
    /// What each `NvPCR` comes to, by name, or by index where it has none.
    pub(super) nvpcrs: BTreeMap<String, NvPcrView>,
    /// Whether known values are what the logs replay to, by bank.
    #[serde(rename = "match", skip_serializing_if = "Option::is_none")]
    pub(super) matches: Option<ByBank<bool>>,
    /// How many records known values vouch for, by bank.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) vouched_for: BTreeMap<&'static str, u64>,
    pub(super) findings: Vec<FindingView>,
    /// Where the reader was stopped.
    pub(super) truncated_at: Option<usize>,
}

/// A measurement.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EventView {
    pub(super) number: u64,
    pub(super) offset: usize,
    pub(super) pcr: Option<u32>,
    pub(super) nvpcr: Option<NvPcrPlace>,
    /// What systemd calls it, or the type of a firmware event, or an IMA template.
    #[serde(rename = "type")]
    pub(super) event_type: Option<String>,
    pub(super) digests: BTreeMap<&'static str, String>,
    /// `verified`, `mismatch`, `opaque`, `no-digest` or `not-extended`.
    pub(super) digest: &'static str,
    pub(super) decoded: Option<Value>,
    pub(super) timestamp_us: Option<u64>,
    pub(super) findings: Vec<&'static str>,
    /// One line for people.
    #[serde(skip)]
    pub(super) text: String,
}

/// Which `NvPCR` an event extends.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NvPcrPlace {
    pub(super) index: String,
    pub(super) name: Option<String>,
}

/// An `NvPCR`.
#[derive(Clone, Debug, Serialize)]
pub(super) struct NvPcrView {
    pub(super) index: String,
    pub(super) alg: Option<&'static str>,
    pub(super) value: Option<String>,
    /// `anchored`, `named` or `unknown`.
    pub(super) start: &'static str,
    pub(super) events: u64,
}

impl EventView {
    pub(super) fn new(event: &SystemdEvent<'_>, bank: HashAlg) -> Self {
        let record = &event.record;
        let digests = record.digests().map(|digest| (digest.alg().name(), digest.to_string()));
        let nvpcr = match record.register {
            Register::Nv(index) => Some(NvPcrPlace {
                index: format!("{index:#x}"),
                name: event.nv_name.map(|name| name.decode().into_owned()),
            }),
            Register::Pcr(_) => None,
        };
        let (event_type, digest, decoded, text) = match record.content {
            Content::Firmware { .. } | Content::Ima { .. } => foreign(record, bank),
            _ => own(event, bank),
        };
        Self {
            number: record.number,
            offset: record.offset,
            pcr: match record.register {
                Register::Pcr(pcr) => Some(pcr),
                Register::Nv(_) => None,
            },
            nvpcr,
            event_type,
            digests: digests.collect(),
            digest,
            decoded,
            timestamp_us: event.timestamp_us,
            findings: Vec::new(),
            text,
        }
    }
}

impl NvPcrView {
    pub(super) fn new(nvpcr: &NvPcr) -> (String, Self) {
        let index = format!("{:#x}", nvpcr.index);
        let view = Self {
            index: index.clone(),
            alg: nvpcr.alg().map(HashAlg::name),
            value: nvpcr.value.map(|value| value.to_string()),
            start: nvpcr.start.name(),
            events: nvpcr.events,
        };
        (nvpcr.name.clone().unwrap_or(index), view)
    }
}

type Parts = (Option<String>, &'static str, Option<Value>, String);

/// An event of systemd's, or a record that says nothing.
fn own(event: &SystemdEvent<'_>, bank: HashAlg) -> Parts {
    // An NV index has an algorithm of its own.
    let bank = match event.record.register {
        Register::Nv(_) => event.record.digests().next().map_or(bank, |digest| digest.alg()),
        Register::Pcr(_) => bank,
    };
    let measured = event.measured();
    let text = event.text.map(|text| text.decode().into_owned()).unwrap_or_default();
    let event_type = event.event_type.map(|word| word.decode().into_owned());
    (event_type, event.check(bank).name(), measured.as_ref().map(decoded), text)
}

/// A record of firmware's or of IMA's in a canonical log.
fn foreign(record: &CelRecord<'_>, bank: HashAlg) -> Parts {
    let check = |bytes: &[u8], otherwise| match record.digest(bank) {
        _ if !record.is_measured() => "not-extended",
        None => "no-digest",
        Some(digest) if bank.hash(&[bytes]) == digest => "verified",
        Some(digest) if digest == Digest::ones(bank) => "opaque",
        Some(_) => otherwise,
    };
    match record.content {
        Content::Firmware { event_type, data } => {
            let bytes = data.to_vec();
            let text = format!("{} of data", crate::show::counted(data.len() as u64, "byte"));
            (Some(event_type.to_string()), check(&bytes, "opaque"), None, text)
        }
        Content::Ima { template, data } => {
            let name = template.decode().into_owned();
            // The old template hashes its data in another way.
            let otherwise = if name == "ima" { "opaque" } else { "mismatch" };
            let text = format!("{} of data", crate::show::counted(data.len() as u64, "byte"));
            (Some(name), check(&data.to_vec(), otherwise), None, text)
        }
        _ => (None, "opaque", None, String::new()),
    }
}

fn decoded(measured: &Measured) -> Value {
    match measured {
        Measured::Phase(phase) => json!({ "phase": phase }),
        Measured::FileSystem { path, kind, uuid, label, partition_uuid, partition_type, partition_label } => {
            json!({
                "path": path, "file_system": kind, "uuid": uuid, "label": label,
                "partition_uuid": partition_uuid, "partition_type": partition_type,
                "partition_label": partition_label,
            })
        }
        Measured::VolumeKey { name, uuid } => json!({ "volume": name, "uuid": uuid }),
        Measured::MachineId(id) => json!({ "machine_id": id }),
        Measured::ProductId(id) => json!({ "product_id": id }),
        Measured::KeySlot { name, uuid, mechanism, slot } => {
            json!({ "volume": name, "uuid": uuid, "mechanism": mechanism, "slot": slot })
        }
        Measured::NvPcrInit { name, index, anchor } => {
            let index = format!("{index:#x}");
            match anchor {
                NvPcrAnchor::Value(value) => {
                    json!({ "nvpcr": name, "index": index, "alg": value.alg().name(), "value": value.to_string() })
                }
                NvPcrAnchor::Name { alg, digest } => {
                    json!({ "nvpcr": name, "index": index, "alg": alg.name(), "tpm_name": digest.to_string() })
                }
                NvPcrAnchor::Unknown(text) => json!({ "nvpcr": name, "index": index, "anchor": text }),
            }
        }
        Measured::NvPcrSeparator | Measured::OsSeparator => json!({ "separator": true }),
        Measured::Verity { name, root_hash, signers } => {
            json!({ "device": name, "root_hash": root_hash, "signers": signers })
        }
        Measured::Login { user } => json!({ "user": user }),
        Measured::Credential { name } => json!({ "credential": name }),
        Measured::Text(text) => json!({ "text": text }),
    }
}
