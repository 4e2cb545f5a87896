//! The grammar of `lydian cel`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum CelCommand {
    /// One canonical log of a boot's firmware log, IMA list and systemd log
    ///
    /// Records are numbered across the logs, which are written one behind the other: only the order within a register was
    /// measured. `lydian inspect systemd-log` reads what this writes.
    #[command(after_help = "Examples:\n  \
        lydian cel write --firmware /sys/kernel/security/tpm0/binary_bios_measurements\n  \
        lydian cel write --firmware boot.bin --ima list.bin --systemd tpm2-measure.log --out boot.cel.json\n  \
        lydian cel write --ima list.bin --bank sha256 --layout json-seq | jq --seq .content.template_name")]
    Write(CelWriteArgs),
    /// The firmware log or IMA list that a canonical log holds, as the kernel gives them
    #[command(after_help = "Examples:\n  \
        lydian cel extract eventlog boot.cel.json --out boot.bin\n  \
        lydian cel extract ima boot.cel.json --out - | lydian inspect ima -")]
    Extract(CelExtractArgs),
}

#[derive(Debug, Args)]
pub(crate) struct CelWriteArgs {
    /// Firmware log
    #[arg(long, value_name = "FILE", required_unless_present_any = ["ima", "systemd"])]
    pub(crate) firmware: Option<PathBuf>,
    /// IMA list, in its binary form
    #[arg(long, value_name = "FILE")]
    pub(crate) ima: Option<PathBuf>,
    /// systemd's log, or another canonical log
    #[arg(long, value_name = "FILE")]
    pub(crate) systemd: Option<PathBuf>,
    /// Banks that IMA records get digests of [default: sha1 and sha256]
    #[arg(long, value_name = "ALG")]
    pub(crate) bank: Vec<String>,
    /// One array, or a JSON text sequence
    #[arg(long, value_enum, default_value_t, value_name = "LAYOUT")]
    pub(crate) layout: CelLayout,
    /// Where to; - is standard output
    #[arg(long, value_name = "FILE", default_value = "-")]
    pub(crate) out: PathBuf,
}

#[derive(Debug, Args)]
pub(crate) struct CelExtractArgs {
    /// What
    #[arg(value_enum)]
    pub(crate) kind: CelKind,
    /// Canonical log; - is standard input
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Where to; - is standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
}

/// How records are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CelLayout {
    /// One array.
    #[default]
    Array,
    /// A JSON text sequence.
    JsonSeq,
}

/// What a canonical log is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CelKind {
    /// Firmware's events.
    #[value(name = "eventlog")]
    EventLog,
    /// IMA's records.
    Ima,
}
