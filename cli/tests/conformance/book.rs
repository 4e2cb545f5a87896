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

/// Every difference that is known. The first that applies is the one.
pub(crate) const EXCEPTIONS: &[Exception] = &[Exception {
    id: "tpm2-eventlog-no-action",
    right: "Lydian",
    why: "tpm2_eventlog 5.4 extends EV_NO_ACTION records behind the first into PCR 0; TCG PFP 1.06 §10.4.1 says \
              that they are never extended, and where the TPM's values are known they agree with Lydian",
    applies: |row, check| {
        row.tool.contains("PCR0 WRONG") && check.starts_with("yaml ") && check.ends_with(":0")
    },
}];

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
        why: "schemas, release notes and lists of addresses that describe other files: nothing that a machine measures",
        applies: |row| {
            [".metainfo.xml", "HashesJsonSchema.json", ".tpm-roots.yaml", ".tpm-intermediates.yaml"]
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
