//! The data of a firmware log's event as JSON: a `kind`, and fields by kind.
//!
//! In: typed data. Out: values. Fields are added, never renamed. That data decodes says nothing of whether it was
//! measured: that is the event's `digest`.

use evidence::digest::HashAlg;
use evidence::eventlog::{
    BootFacts, Contents, DevicePath, DeviceSecurity, EfiVariable, Event, EventType, FirmwareBlob, Gpt,
    HandoffTables, ImageLoad, LoadOption, Locator, Payload, PlatformEvent, SipaId, SipaRecord, SipaRecords,
    SipaValue, SpecId, Tagged, Text, crypto_api_hash,
};
use evidence::limits::SIPA_DEPTH;
use serde_json::{Value, json};

use super::event_signatures;

/// The event's data; `None` where its type gives it no form.
pub(super) fn decoded(event: &Event<'_>, facts: &BootFacts<'_>) -> Option<Value> {
    Some(match event.payload().ok()? {
        Payload::SpecId(spec) => spec_id(&spec),
        Payload::StartupLocality(value) => {
            let locality = if let [locality] = value { Some(*locality) } else { None };
            json!({"kind": "startup-locality", "locality": locality})
        }
        Payload::PlatformEvent(platform) => platform_event(&platform),
        Payload::Variable(of) => variable(&of, event.event_type, facts),
        Payload::Image(of) => image(&of),
        Payload::Gpt(of) => gpt(of),
        Payload::HandoffTables(of) => handoff_tables(of),
        Payload::FirmwareBlob(of) => firmware_blob(&of),
        Payload::Separator(data) => json!({"kind": "separator", "value": hex::encode(data)}),
        Payload::Text(text) => json!({"kind": text_kind(event.event_type), "text": text.to_string()}),
        Payload::CrtmVersion(version) => json!({"kind": "s-crtm-version", "version": version.to_string()}),
        Payload::CrtmGuid(guid) => json!({"kind": "s-crtm-version", "guid": guid.to_string()}),
        Payload::Ipl(ipl) => {
            json!({"kind": "ipl", "of": ipl.kind.name(), "text": ipl.text.to_string()})
        }
        Payload::Tagged(of) => tagged(of),
        Payload::Windows(of) => json!({"kind": "windows", "records": records(of, SIPA_DEPTH)}),
        Payload::DeviceSecurity(of) => device_security(&of),
        Payload::Raw(_) => return None,
    })
}

const fn text_kind(event_type: EventType) -> &'static str {
    match event_type {
        EventType::EFI_ACTION | EventType::ACTION => "action",
        EventType::POST_CODE => "post-code",
        EventType::S_CRTM_CONTENTS => "s-crtm-contents",
        EventType::EFI_HCRTM_EVENT => "h-crtm",
        EventType::COMPACT_HASH => "compact-hash",
        EventType::CPU_MICROCODE => "cpu-microcode",
        EventType::PLATFORM_CONFIG_FLAGS => "platform-config",
        EventType::TABLE_OF_DEVICES => "table-of-devices",
        EventType::NONHOST_CODE | EventType::NONHOST_CONFIG | EventType::NONHOST_INFO => "non-host",
        EventType::OMIT_BOOT_DEVICE_EVENTS => "omit-boot-device-events",
        _ => "text",
    }
}

fn spec_id(spec: &SpecId<'_>) -> Value {
    let (major, minor) = spec.version;
    let algorithms = spec.algorithms().map(|(id, digest_bytes)| {
        let name = HashAlg::from_tpm_id(id).map(HashAlg::name);
        json!({"id": id, "name": name, "digest_bytes": digest_bytes})
    });
    json!({
        "kind": "spec-id",
        "version": format!("{major}.{minor}"),
        "errata": spec.errata,
        "platform_class": match spec.platform_class { 0 => json!("client"), 1 => json!("server"), other => json!(other) },
        "uintn_bytes": u32::from(spec.uintn_size) * 4,
        "algorithms": algorithms.collect::<Vec<_>>(),
        "vendor_info": text_or_hex(spec.vendor_info),
    })
}

fn platform_event(event: &PlatformEvent<'_>) -> Value {
    let locator = |locator: &Locator<'_>| {
        let (kind, place) = match locator.kind {
            0 => ("data", text_or_hex(locator.data)),
            1 => ("uri", text_or_hex(locator.data)),
            2 => ("device-path", json!(hex::encode(locator.data))),
            3 => ("variable", json!(hex::encode(locator.data))),
            _ => ("unknown", json!(hex::encode(locator.data))),
        };
        json!({"kind": kind, "place": place})
    };
    let mut value = json!({
        "kind": "sp800-155",
        "vendor_id": event.vendor_id,
        "reference_manifest": event.manifest.to_string(),
    });
    if let Some(names) = &event.platform {
        let names = json!({
            "manufacturer": names.manufacturer.to_string(),
            "model": names.model.to_string(),
            "version": names.version.to_string(),
            "firmware_manufacturer": names.firmware_manufacturer.to_string(),
            "firmware_manufacturer_id": names.firmware_manufacturer_id,
            "firmware_version": names.firmware_version.to_string(),
        });
        merge(&mut value, json!({"platform": names}));
    }
    if let Some([manifest, certificate]) = &event.locators {
        let locators =
            json!({"manifest_locator": locator(manifest), "certificate_locator": locator(certificate)});
        merge(&mut value, locators);
    }
    value
}

fn variable(variable: &EfiVariable<'_>, event_type: EventType, facts: &BootFacts<'_>) -> Value {
    let (contents, fields) = match variable.contents(event_type) {
        Contents::Switch(value) => ("switch", json!({"value": value})),
        Contents::BootOrder(order) => {
            let order = order.iter().map(|number| format!("Boot{number:04X}"));
            ("boot-order", json!({"order": order.collect::<Vec<_>>()}))
        }
        Contents::LoadOption(option) => ("load-option", load_option(&option)),
        Contents::SignatureLists(data) => ("signature-lists", event_signatures::lists(data)),
        Contents::Signature(data) => {
            let mut measured = facts.variables.iter().map(|known| known.variable);
            let measured = measured.find(|known| (known.guid, known.name) == (variable.guid, variable.name));
            ("signature", event_signatures::authority(data, measured.map(|known| known.data)))
        }
        Contents::Text(text) => ("text", json!({"text": text.to_string()})),
        Contents::Raw(data) => ("data", json!({"data": hex::encode(data)})),
    };
    let mut value = json!({
        "kind": "variable",
        "guid": variable.guid.to_string(),
        "name": variable.name.to_string(),
        "data_bytes": variable.data.len(),
        "contents": contents,
    });
    merge(&mut value, fields);
    value
}

/// Adds the fields of one object to another.
pub(super) fn merge(into: &mut Value, fields: Value) {
    if let (Value::Object(into), Value::Object(fields)) = (into, fields) {
        into.extend(fields);
    }
}

fn load_option(option: &LoadOption<'_>) -> Value {
    json!({
        "description": option.description.to_string(),
        "active": option.attributes & 1 != 0,
        "hidden": option.attributes & 8 != 0,
        "attributes": option.attributes,
        "device_path": device_path(&option.device_path),
        "file_path": option.device_path.file_path(),
        "optional_data": text_or_hex(option.optional_data),
    })
}

fn device_path(path: &DevicePath<'_>) -> Option<String> {
    (!path.is_empty()).then(|| path.to_string())
}

fn image(image: &ImageLoad<'_>) -> Value {
    json!({
        "kind": "image",
        "location": image.location,
        "length": image.length,
        "link_address": image.link_address,
        "device_path": device_path(&image.device_path),
        "file_path": image.device_path.file_path(),
    })
}

fn gpt(gpt: Gpt<'_>) -> Value {
    let partitions = gpt.partitions().map(|partition| {
        let (first, last) = partition.blocks;
        json!({
            "type": partition.kind.to_string(),
            "guid": partition.guid.to_string(),
            "name": partition.name.to_string(),
            "first_block": first,
            "last_block": last,
            "attributes": partition.attributes,
        })
    });
    json!({"kind": "gpt", "disk": gpt.disk.to_string(), "partitions": partitions.collect::<Vec<_>>()})
}

fn handoff_tables(tables: HandoffTables<'_>) -> Value {
    let entries =
        tables.tables().map(|(guid, address)| json!({"guid": guid.to_string(), "address": address}));
    json!({
        "kind": "handoff-tables",
        "description": tables.description.map(|text| text.to_string()),
        "tables": entries.collect::<Vec<_>>(),
    })
}

fn firmware_blob(blob: &FirmwareBlob<'_>) -> Value {
    json!({
        "kind": "firmware-blob",
        "description": blob.description.map(|text| text.to_string()),
        "base": blob.base,
        "length": blob.length,
    })
}

fn tagged(tagged: Tagged<'_>) -> Value {
    let text = Text::printable(tagged.data).map(|text| text.to_string());
    let data = if text.is_none() { Some(hex::encode(tagged.data)) } else { None };
    json!({"kind": "tag", "id": tagged.id, "meaning": tagged.meaning(), "text": text, "data": data})
}

fn records(of: SipaRecords<'_>, depth: usize) -> Vec<Value> {
    of.iter().map(|of| record(&of, depth)).collect()
}

fn record(record: &SipaRecord<'_>, depth: usize) -> Value {
    let mut value = json!({"id": record.id.0, "name": record.id.name()});
    let fields = match record.value() {
        SipaValue::Records(inner) if depth > 0 => json!({"records": records(inner, depth - 1)}),
        SipaValue::Records(_) => json!({"data": hex::encode(record.data)}),
        SipaValue::Switch(on) => json!({"value": on}),
        SipaValue::Number(number) if record.id == SipaId::HASH_ALGORITHM_ID => {
            json!({"value": number, "algorithm": crypto_api_hash(number)})
        }
        SipaValue::Number(number) => json!({"value": number}),
        SipaValue::Text(text) => json!({"value": text.to_string()}),
        SipaValue::Policy { version, name, hash_alg, digest } => json!({
            "version": version,
            "policy": name.to_string(),
            "algorithm": HashAlg::from_tpm_id(hash_alg).map(HashAlg::name),
            "digest": hex::encode(digest),
        }),
        SipaValue::RevocationList { created, hash_alg, digest } => json!({
            "created": created,
            "algorithm": HashAlg::from_tpm_id(hash_alg).map(HashAlg::name),
            "digest": hex::encode(digest),
        }),
        SipaValue::Bytes(data) => json!({"data": hex::encode(data)}),
    };
    merge(&mut value, fields);
    value
}

fn device_security(device: &DeviceSecurity<'_>) -> Value {
    json!({
        "kind": "device-security",
        "version": device.version,
        "auth_state": device.auth_state,
        "device_type": match device.device_type { 1 => json!("pci"), 2 => json!("usb"), other => json!(other) },
        "device_path": device.device_path.as_ref().and_then(device_path),
        "measurement": hex::encode(device.measurement),
    })
}

fn text_or_hex(data: &[u8]) -> Value {
    match Text::printable(data) {
        _ if data.is_empty() => Value::Null,
        Some(text) => json!(text.to_string()),
        None => json!(hex::encode(data)),
    }
}
