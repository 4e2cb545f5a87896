//! Logs that are not those of the quoted PCRs: each event and record counts, in its place, once.

use anyhow::{Context as _, Result};
use evidence::body::FirmwareLog;
use evidence::digest::Sha256Digest;
use evidence::envelope::{Attachment, AttachmentKind, Envelope};
use evidence::eventlog::{EventLog, EventType};
use evidence::ima::ImaList;
use support::SecureBootSwitch;

use super::{Row, Shown, Stage, refuse, sent};

#[tokio::test]
async fn firmware_logs_that_do_not_fit_are_refused() -> Result<()> {
    refuse(FIRMWARE).await
}

#[tokio::test]
async fn ima_lists_that_do_not_fit_are_refused() -> Result<()> {
    refuse(IMA).await
}

const BASE: Row =
    Row { name: "", code: "", status: 422, provoke: |_| Ok(Vec::new()), shown: Shown::WithHost };
const MISMATCH: Row = Row { code: "firmware-log-mismatch", ..BASE };
const DAMAGED: Row = Row { code: "firmware-log-damaged", ..BASE };
const REPLAY: Row = Row { code: "firmware-log-replay", ..BASE };
const IMA_ORDER: Row = Row { code: "ima-out-of-order", status: 409, ..BASE };
const IMA_DAMAGED: Row = Row { code: "ima-damaged", ..BASE };
const IMA_REPLAY: Row = Row { code: "ima-replay", ..BASE };

const FIRMWARE: &[Row] = &[
    Row {
        name: "a new boot without its log",
        code: "firmware-log-needed",
        provoke: |stage| {
            stage.attester.host.reboot()?;
            let mut envelope = stage.envelope()?;
            envelope.attachments.retain(|attachment| attachment.kind != AttachmentKind::FirmwareLog);
            sent(&envelope)
        },
        shown: Shown::Nowhere,
        ..BASE
    },
    Row {
        name: "another log than the body names",
        provoke: |stage| {
            stage.attester.host.reboot()?;
            let mut envelope = stage.envelope()?;
            firmware_of(&mut envelope)?.push(0);
            sent(&envelope)
        },
        ..MISMATCH
    },
    Row {
        name: "another log within the same boot",
        provoke: |stage| {
            let another = FirmwareLog::Present(Sha256Digest::new([9; 32]));
            sent(&stage.with_body(|body| body.firmware_log = another)?)
        },
        ..MISMATCH
    },
    Row {
        name: "no log any more within the same boot",
        provoke: |stage| sent(&stage.with_body(|body| body.firmware_log = FirmwareLog::Absent)?),
        ..MISMATCH
    },
    Row {
        name: "the last event is cut",
        provoke: |stage| {
            booted_with(stage, |events| events.last_mut().is_some_and(|event| event.pop().is_some()))
        },
        ..DAMAGED
    },
    Row {
        name: "a size that points behind the end",
        provoke: |stage| {
            // The size of an event's data stands behind its one SHA-256 digest.
            booted_with(stage, |events| set(events.last_mut(), 46, 0xff))
        },
        ..DAMAGED
    },
    Row {
        name: "one bit of a digest is another",
        provoke: |stage| booted_with(stage, |events| set(events.get_mut(2), 20, 0x55)),
        ..REPLAY
    },
    Row {
        name: "an event is left out",
        provoke: |stage| booted_with(stage, |events| !events.remove(3).is_empty()),
        ..REPLAY
    },
    Row {
        name: "two events of a PCR have changed places",
        provoke: |stage| {
            booted_with(stage, |events| {
                events.swap(2, 3);
                true
            })
        },
        ..REPLAY
    },
    Row {
        name: "an event comes twice",
        provoke: |stage| {
            booted_with(stage, |events| {
                let again = events.get(2).cloned();
                again.map(|again| events.insert(3, again)).is_some()
            })
        },
        ..REPLAY
    },
    Row {
        name: "an event is appended",
        provoke: |stage| {
            booted_with(stage, |events| {
                let again = events.get(2).cloned();
                again.map(|again| events.push(again)).is_some()
            })
        },
        ..REPLAY
    },
    Row {
        name: "an event that was extended is called one that is not",
        provoke: |stage| {
            let [kind, ..] = EventType::NO_ACTION.0.to_le_bytes();
            // The type's other bytes of EV_S_CRTM_VERSION are zero as well.
            booted_with(stage, |events| set(events.get_mut(1), 4, kind))
        },
        ..REPLAY
    },
    Row {
        name: "an event is moved to another PCR",
        provoke: |stage| booted_with(stage, |events| set(events.get_mut(1), 0, 8)),
        ..REPLAY
    },
    Row {
        name: "Secure Boot was off, the log of a boot with it on",
        provoke: |stage| {
            let good = stage.host().firmware_log.clone();
            stage.attester.host.reboot_with(SecureBootSwitch::Off)?;
            with_firmware(stage, good)
        },
        ..REPLAY
    },
];

const IMA: &[Row] = &[
    Row {
        name: "a record is skipped",
        provoke: |stage| {
            measure(stage)?;
            sent(&stage.with_body(|body| body.ima_first += 1)?)
        },
        ..IMA_ORDER
    },
    Row {
        name: "records from the start again",
        provoke: |stage| {
            measure(stage)?;
            sent(&stage.with_body(|body| body.ima_first = 0)?)
        },
        ..IMA_ORDER
    },
    Row {
        name: "the attachment starts elsewhere than the body says",
        provoke: |stage| {
            measure(stage)?;
            let mut envelope = stage.envelope()?;
            ima_of(&mut envelope)?.first += 1;
            sent(&envelope)
        },
        ..IMA_ORDER
    },
    Row {
        name: "the last record is cut",
        provoke: |stage| {
            with_ima(stage, |records| records.last_mut().is_some_and(|last| last.pop().is_some()))
        },
        ..IMA_DAMAGED
    },
    Row {
        name: "a PCR that no TPM has",
        provoke: |stage| with_ima(stage, |records| set(records.first_mut(), 0, 99)),
        ..IMA_DAMAGED
    },
    Row {
        name: "one bit of a file's digest is another",
        // PCR, template hash, name's length and name, data's length, digest's length and name.
        provoke: |stage| with_ima(stage, |records| set(records.first_mut(), 4 + 20 + 10 + 4 + 4 + 8, 0x55)),
        ..IMA_REPLAY
    },
    Row {
        name: "a record is left out",
        provoke: |stage| with_ima(stage, |records| !records.remove(0).is_empty()),
        ..IMA_REPLAY
    },
    Row {
        name: "two records have changed places",
        provoke: |stage| {
            with_ima(stage, |records| {
                records.swap(0, 1);
                true
            })
        },
        ..IMA_REPLAY
    },
    Row {
        name: "a record comes twice",
        provoke: |stage| {
            with_ima(stage, |records| {
                let again = records.first().cloned();
                again.map(|again| records.insert(1, again)).is_some()
            })
        },
        ..IMA_REPLAY
    },
    Row {
        name: "no records though PCR 10 moved",
        provoke: |stage| {
            with_ima(stage, |records| {
                records.clear();
                true
            })
        },
        ..IMA_REPLAY
    },
    Row {
        name: "a record is called a violation",
        provoke: |stage| {
            with_ima(stage, |records| {
                records
                    .first_mut()
                    .and_then(|record| record.get_mut(4..24))
                    .map(|hash| hash.fill(0))
                    .is_some()
            })
        },
        ..IMA_REPLAY
    },
];

/// Reboots, and sends the boot's log with its events changed, as an intruder with root does who names the changed log
/// in the body. The first event announces the log's form.
fn booted_with(stage: &mut Stage, change: impl FnOnce(&mut Vec<Vec<u8>>) -> bool) -> Result<Vec<u8>> {
    stage.attester.host.reboot()?;
    let log = stage.host().firmware_log.clone();
    let parsed = EventLog::parse(&log);
    let mut offsets: Vec<_> = parsed.log.events().iter().map(|event| event.offset).collect();
    offsets.push(log.len());
    let mut events = pieces(&log, &offsets);
    anyhow::ensure!(change(&mut events), "the log has nothing to change there");
    with_firmware(stage, events.concat())
}

fn with_firmware(stage: &Stage, log: Vec<u8>) -> Result<Vec<u8>> {
    anyhow::ensure!(log != stage.host().firmware_log, "the log was not changed");
    let named = FirmwareLog::Present(Sha256Digest::of(&[&log]));
    let mut envelope = stage.with_body(|body| body.firmware_log = named)?;
    *firmware_of(&mut envelope)? = log;
    sent(&envelope)
}

/// Measures two files.
fn measure(stage: &mut Stage) -> Result<()> {
    stage.attester.host.run("/usr/bin/one")?;
    stage.attester.host.run("/usr/bin/two")
}

/// Measures two files, and sends their records changed.
fn with_ima(stage: &mut Stage, change: impl FnOnce(&mut Vec<Vec<u8>>) -> bool) -> Result<Vec<u8>> {
    measure(stage)?;
    let mut envelope = stage.envelope()?;
    let list = &mut ima_of(&mut envelope)?.bytes;
    let records: Vec<_> = ImaList::new(list).records().collect::<std::result::Result<_, _>>()?;
    let mut offsets: Vec<_> = records.iter().map(|record| record.offset).collect();
    offsets.push(list.len());
    let mut records = pieces(list, &offsets);
    anyhow::ensure!(change(&mut records), "the list has nothing to change there");
    anyhow::ensure!(*list != records.concat(), "the list was not changed");
    *list = records.concat();
    sent(&envelope)
}

fn pieces(bytes: &[u8], offsets: &[usize]) -> Vec<Vec<u8>> {
    let pieces = offsets.windows(2).filter_map(|pair| match pair {
        [from, to] => bytes.get(*from..*to),
        _ => None,
    });
    pieces.map(<[u8]>::to_vec).collect()
}

/// Sets a byte; whether there is one.
fn set(piece: Option<&mut Vec<u8>>, at: usize, value: u8) -> bool {
    piece.and_then(|piece| piece.get_mut(at)).map(|byte| *byte = value).is_some()
}

fn attachment(envelope: &mut Envelope, kind: AttachmentKind) -> Result<&mut Attachment> {
    envelope.attachments.iter_mut().find(|attachment| attachment.kind == kind).context("an attachment")
}

fn firmware_of(envelope: &mut Envelope) -> Result<&mut Vec<u8>> {
    Ok(&mut attachment(envelope, AttachmentKind::FirmwareLog)?.bytes)
}

fn ima_of(envelope: &mut Envelope) -> Result<&mut Attachment> {
    attachment(envelope, AttachmentKind::ImaList)
}
