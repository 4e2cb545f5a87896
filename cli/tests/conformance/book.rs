//! The exceptions and the reasons: each with its name, who is right, and why. `docs/conformance.md` shows them.

use std::fmt::Write as _;

use crate::corpus::Row;

/// A difference from an oracle that is as it should be.
pub(crate) struct Exception {
    pub(crate) id: &'static str,
    /// Whose reading is right.
    pub(crate) right: &'static str,
    pub(crate) why: &'static str,
    /// Whether this check of this file is meant.
    pub(crate) applies: fn(&Row, &str) -> bool,
}

/// Why a file is not read.
pub(crate) struct Unread {
    pub(crate) id: &'static str,
    pub(crate) why: &'static str,
    pub(crate) applies: fn(&Row) -> bool,
}

/// Whether a check says that a file could not be read, or not to its end.
fn cut_short(check: &str) -> bool {
    let findings = ["finding truncated", "finding log-damaged", "finding not-a-log", "finding not-a-list"];
    ["unreadable", "truncated"].contains(&check) || findings.contains(&check)
}

/// Every difference that is known. The first that applies is the one.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        id: "tpm2-eventlog-no-action",
        right: "Lydian",
        why: "tpm2_eventlog 5.4 extends EV_NO_ACTION records behind the first into PCR 0; TCG PFP 1.06 §10.4.1 says \
              that they are never extended, and where the TPM's values are known they agree with Lydian",
        applies: |row, check| {
            row.tool.contains("PCR0 WRONG") && check.starts_with("yaml ") && check.ends_with(":0")
        },
    },
    Exception {
        id: "exit-boot-services-not-logged",
        right: "the TPM",
        why: "this HP firmware extended the ExitBootServices actions into PCR 5 without logging them; `--against` says so, \
              and that the value is reached with the actions appended",
        applies: |row, check| row.path.ends_with("/ebs_event_missing_eventlog") && check == "sha1:5",
    },
    Exception {
        id: "bank-without-log",
        right: "Lydian",
        why: "the same machine's TPM has a SHA-256 bank, its log has SHA-1 digests alone: nothing can be said of PCR 5 in the \
              other bank, which is the finding",
        applies: |row, check| {
            row.path.ends_with("/ebs_event_missing_eventlog") && check == "finding pcr-bank-absent"
        },
    },
    Exception {
        id: "altered-log",
        right: "Lydian",
        why: "HIRS altered this log on purpose: event 25's data is not what its digest says, which is the finding",
        applies: |row, check| row.path.ends_with("/TPMLog_Altered.bin") && check == "finding digest-mismatch",
    },
    Exception {
        id: "single-events-made-by-hand",
        right: "Lydian",
        why: "tpm2-tools' fixtures of one event name banks that the event has no digest of: as a boot's log that would let \
              anybody extend those banks, which is the finding",
        applies: |row, check| {
            row.path.contains("/integration/fixtures/event")
                && ["finding bank-not-extended", "finding digest-missing"].contains(&check)
        },
    },
    Exception {
        id: "other-pcr-0",
        right: "the TPM",
        why: "the log is the one of `good-1`, the PCR 0 is another: what was measured is not what was logged, which \
              `--against` reports for PCR 0 alone",
        applies: |row, check| {
            ["failed-1", "failed-2"].iter().any(|name| row.path.contains(&format!("/{name}.evidence.json")))
                && ["sha256:0", "finding pcr-mismatch"].contains(&check)
        },
    },
    Exception {
        id: "not-a-log",
        right: "Lydian",
        why: "files that their projects made to be refused: a text and nothing at all instead of a firmware log, bytes that \
              are no IMA list",
        applies: |row, check| {
            ["-bogus", "measurements-empty", "/invalid_ima_log.txt"].iter().any(|end| row.path.ends_with(end))
                && cut_short(check)
        },
    },
    Exception {
        id: "vendor-info-behind-its-event",
        right: "Lydian",
        why: "tpm2-tools' fixture has 4 bytes of vendor information behind an event whose size leaves them out: the event is \
              malformed and the bytes are no event; tpm2_eventlog reads past the event's end",
        applies: |row, check| {
            row.path.ends_with("/integration/fixtures/specid-vendordata.bin") && cut_short(check)
        },
    },
    Exception {
        id: "damaged-ima-fixture",
        right: "Lydian",
        why: "tpm2-tss's fixtures end with a newline behind the last record, or lack the last byte of one: what is before is \
              read, and where it ends is said",
        applies: |row, check| row.path.contains("/fapi/eventlog/sml-ima-") && cut_short(check),
    },
    Exception {
        id: "unknown-algorithm",
        right: "Lydian",
        why: "keylime's list of an unknown hash algorithm has template hashes that are not those of its lines; keylime says that \
              it must be refused",
        applies: |row, check| {
            row.path.ends_with("/ima-log-unknown") && check == "finding template-hash-mismatch"
        },
    },
    Exception {
        id: "bad-lines",
        right: "Lydian",
        why: "lines that keylime's tests hold for bad: a field that is not hexadecimal, and a signature whose length is not its \
              own in a line that was changed for it",
        applies: |row, check| {
            (row.path.ends_with("/lines.log") && check == "finding fields-malformed")
                || (row.path.ends_with("/bad_signatures.log")
                    && ["finding template-hash-mismatch", "finding signature-malformed"].contains(&check))
        },
    },
    Exception {
        id: "malformed-signature-list",
        right: "Lydian",
        why: "go-efilib's lists that were made to be refused: read up to the field that cannot be, which is named",
        applies: |row, check| row.path.contains("/testdata/sigdbs/in") && cut_short(check),
    },
    Exception {
        id: "signature-shorter-than-its-owner",
        right: "Lydian",
        why: "another of them: its signatures are said to have 9 bytes, but an owner alone has 16; the independent reading \
              takes it for 105 certificates",
        applies: |row, check| {
            row.path.ends_with("/invalid-signature-size.siglist") && ["entries", "clean"].contains(&check)
        },
    },
    Exception {
        id: "osslsigncode-several-signatures",
        right: "Lydian",
        why: "osslsigncode 2.9 prints no digests where an image has more than one entry in its certificate table; sbverify \
              lists the same two signatures as Lydian",
        applies: |_, check| check == "osslsigncode",
    },
    Exception {
        id: "sbat-level-for-sbat",
        right: "Lydian",
        why: "shim's images have a `.sbat` section and a `.sbatlevel` section; the oracle's `sbat` is text of the latter \
              (what shim revokes), Lydian shows both under their names",
        applies: |row, check| check == "sbat" && row.path.contains("shim"),
    },
];

/// Every reason that is known. The first that applies is the one.
pub(crate) const UNREAD: &[Unread] = &[
    Unread {
        id: "policies",
        why: "policies, allow lists and reference values of other projects, with their signatures and keys: what somebody \
              wants of a machine, not evidence of it",
        applies: |row| row.kind == "policy",
    },
    Unread {
        id: "containers",
        why: "messages of other projects' protocols (JSON, protobuf, an Azure HCL report): the quotes, keys and logs in them \
              are extracted beside them and read there",
        applies: |row| {
            row.kind == "quote"
                && ([".json", ".pb", "hcl-report.bin", "az-snp-vtpm/quote.bin"]
                    .iter()
                    .any(|end| row.path.ends_with(end)))
                && !row.path.ends_with("/pcrs.json")
        },
    },
    Unread {
        id: "old-revocations",
        why: "what dbx updates of earlier times revoke, as tables for people: the updates that they describe are not in the \
              corpus; the newest table is compared with its update",
        applies: |row| row.path.contains("/Archived/dbx_info_"),
    },
    Unread {
        id: "keys-for-other-ends",
        why: "public keys alone, for checking other projects' files, or in PEM beside the same key in a TPM's own form",
        applies: |row| row.path.ends_with("test_key_public.pem") || row.path.ends_with("/ekpub.pem"),
    },
    Unread {
        id: "canonical-output",
        why: "the events of one log as tpm2_eventlog's canonical form writes them, which is neither its usual form nor CEL; \
              the same log is compared in the usual form",
        applies: |row| row.path.ends_with("/event-moklisttrusted-hex.yaml"),
    },
    Unread {
        id: "metadata",
        why: "schemas, release notes, lists of addresses, a text that tells a build script what to do: nothing that a \
              machine measures",
        applies: |row| {
            [
                "/dbx.empty",
                ".metainfo.xml",
                "HashesJsonSchema.json",
                ".tpm-roots.yaml",
                ".tpm-intermediates.yaml",
            ]
            .iter()
            .any(|end| row.path.ends_with(end))
        },
    },
];

pub(crate) fn exceptions_table() -> String {
    let mut table = String::from("| exception | who is right | why |\n|---|---|---|\n");
    for Exception { id, right, why, .. } in EXCEPTIONS {
        writeln!(table, "| `{id}` | {right} | {why} |").unwrap();
    }
    table
}

pub(crate) fn unread_table() -> String {
    let mut table = String::from("| reason | why |\n|---|---|\n");
    for Unread { id, why, .. } in UNREAD {
        writeln!(table, "| `{id}` | {why} |").unwrap();
    }
    table
}
