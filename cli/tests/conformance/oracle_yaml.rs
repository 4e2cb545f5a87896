//! What `tpm2_eventlog` prints, as far as it is compared: events with their digests, and replayed PCRs.

use std::collections::BTreeMap;

/// What was read of one output.
#[derive(Debug, Default)]
pub(crate) struct Printed {
    pub(crate) events: Vec<PrintedEvent>,
    /// Bank, PCR, value.
    pub(crate) pcrs: BTreeMap<String, BTreeMap<String, String>>,
}

#[derive(Debug, Default)]
pub(crate) struct PrintedEvent {
    pub(crate) pcr: String,
    pub(crate) event_type: String,
    /// By bank; SHA-1 where the output names none.
    pub(crate) digests: BTreeMap<String, String>,
}

/// Reads an output by its lines: keys at the depths that the tool always gives them.
pub(crate) fn parse(text: &str) -> Printed {
    let mut printed = Printed::default();
    let (mut bank, mut in_pcrs) = (String::new(), false);
    for line in text.lines() {
        if line.starts_with("pcrs:") {
            in_pcrs = true;
        } else if in_pcrs {
            let Some((key, value)) = line.split_once(':') else { continue };
            match value.trim() {
                "" => key.trim().clone_into(&mut bank),
                value => {
                    let value = value.trim_start_matches("0x").to_ascii_lowercase();
                    printed.pcrs.entry(bank.clone()).or_default().insert(key.trim().to_owned(), value);
                }
            }
        } else if line.starts_with("- EventNum:") || starts_event_of_old_log(line, printed.events.last()) {
            "sha1".clone_into(&mut bank);
            let pcr = line.strip_prefix("  PCRIndex:").unwrap_or_default().trim().to_owned();
            printed.events.push(PrintedEvent { pcr, ..PrintedEvent::default() });
        } else if let Some(event) = printed.events.last_mut() {
            let quoted = |rest: &str| rest.trim().trim_matches('"').to_ascii_lowercase();
            if let Some(rest) = line.strip_prefix("  PCRIndex:") {
                rest.trim().clone_into(&mut event.pcr);
            } else if let Some(rest) = line.strip_prefix("  EventType:") {
                rest.trim().clone_into(&mut event.event_type);
            } else if let Some(rest) = line.strip_prefix("  - AlgorithmId:") {
                rest.trim().clone_into(&mut bank);
            } else if let Some(rest) = line.strip_prefix("    Digest:").or(line.strip_prefix("  Digest:")) {
                event.digests.insert(bank.clone(), quoted(rest));
            }
        }
    }
    printed
}

/// Events of SHA-1-only logs have no number: their first line is the PCR.
fn starts_event_of_old_log(line: &str, last: Option<&PrintedEvent>) -> bool {
    line.starts_with("  PCRIndex:") && last.is_none_or(|last| !last.pcr.is_empty())
}
