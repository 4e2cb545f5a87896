//! `lydian watch …`

use clap::{Args, Subcommand};

use super::NarrowingArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum WatchCommand {
    /// Look for something from now on, and in all that was
    ///
    /// What a watch finds is in the history of its host (`lydian host history`), in the verifier's log, and in `lydian watch show`. Takes a
    /// token of scope admin.
    #[command(after_help = "Subjects are those of `lydian trusted --help`.\n\nExamples:\n  \
lydian watch add xz 'package:xz-utils>=5.6.0' 'package:liblzma5>=5.6.0'\n  \
lydian watch add revoked-loaders @dbxupdate_x64.bin --role executed --lasting\n  \
lydian watch add sbat @SbatLevel.csv\n  \
lydian watch add --shipped test-platform-keys")]
    Add(WatchAdd),
    /// All watches, and how they stand
    ///
    /// Exits with 0 if no watch finds anything now, with 1 if any does or could not be looked at.
    #[command(
        after_help = "Examples:\n  lydian watch list\n  lydian watch list -o json | jq '.watches[].last'"
    )]
    List,
    /// One watch: what it looks for, and what it found
    ///
    /// Exits with 0 if it finds nothing now, with 1 if it does.
    #[command(after_help = "Examples:\n  lydian watch show xz\n  lydian watch show xz -o jsonl")]
    Show {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Look for it no more, and forget what it found
    #[command(after_help = "Examples:\n  lydian watch rm xz")]
    Rm {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// Watches that come with this program, for `lydian watch add --shipped`
    #[command(after_help = "Examples:\n  lydian watch shipped\n  lydian watch shipped -o json")]
    Shipped,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct WatchAdd {
    /// What it is to be called: letters, digits, dots, dashes and underscores
    #[arg(value_name = "NAME", required_unless_present = "shipped")]
    pub(crate) name: Option<String>,
    /// What is looked for; any of several counts
    #[arg(value_name = "SUBJECT", required_unless_present = "shipped")]
    pub(crate) subjects: Vec<String>,
    /// One that comes with this program, or all of them
    #[arg(long, value_name = "NAME|all", conflicts_with_all = ["name", "subjects", "note", "role", "min_class", "lasting", "unless"])]
    pub(crate) shipped: Option<String>,
    /// Where the subjects are from, or what for [default: the names of their files]
    #[arg(long, value_name = "TEXT")]
    pub(crate) note: Option<String>,
    #[command(flatten)]
    pub(crate) narrowing: NarrowingArgs,
    /// Only what a host has now, not what it had
    #[arg(long)]
    pub(crate) lasting: bool,
    /// Not hosts that have this now, such as the key that takes the other's place
    #[arg(long, value_name = "SUBJECT")]
    pub(crate) unless: Vec<String>,
}
