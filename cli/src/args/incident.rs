//! `lydian incident …`

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::NarrowingArgs;

#[derive(Debug, Subcommand)]
pub(crate) enum IncidentCommand {
    /// Say what happened: what was compromised, and when
    ///
    /// Takes a token of scope admin. An incident stays when it is closed, under its name.
    #[command(after_help = "Subjects and times are those of `lydian trusted --help`.\n\nExamples:\n  \
lydian incident open xz-2024 'package:xz-utils>=5.6.0' 'package:liblzma5>=5.6.0' --from 2024-02-24 --to 2024-04-10\n  \
lydian incident open stolen-key @fingerprints.txt --from 2026-11-01 --note 'the vendor told us on the 20th'")]
    Open(IncidentOpen),
    /// All incidents
    #[command(after_help = "Examples:\n  lydian incident list\n  lydian incident list -o json")]
    List,
    /// How far it is dealt with: exposed, contained, re-attested, and what is left to do on each host
    ///
    /// A host is exposed while its newest evidence shows something of it, contained when it shows nothing, and re-attested when it attests as
    /// trusted from a boot that began without it. Exits with 0 if every host is a NO or re-attested, with 1 if not.
    #[command(after_help = "Examples:\n  lydian incident status xz-2024\n  \
lydian incident status xz-2024 -o jsonl | jq -r 'select(.state==\"exposed\") | .name'")]
    Status {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
    },
    /// A report for people: what was asked, the answer, the evidence, what is left
    #[command(after_help = "Examples:\n  lydian incident report xz-2024 > xz.md\n  \
lydian incident report xz-2024 --format html --out xz.html")]
    Report {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// Markdown, HTML or JSON
        #[arg(long, value_enum, default_value_t)]
        format: ReportFormat,
        /// The file to write instead of standard output
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Nothing is left to do
    #[command(after_help = "Examples:\n  lydian incident close xz-2024 --note 'all hosts re-attested'")]
    Close {
        /// Its name
        #[arg(value_name = "NAME")]
        name: String,
        /// In words
        #[arg(long, value_name = "TEXT", default_value = "")]
        note: String,
    },
}

/// What a report is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// Markdown
    #[default]
    Md,
    /// One page of HTML
    Html,
    /// As the verifier answers
    Json,
}

#[derive(Clone, Debug, Args)]
pub(crate) struct IncidentOpen {
    /// What it is to be called: letters, digits, dots, dashes and underscores
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// What was compromised; any of several counts
    #[arg(required = true, value_name = "SUBJECT")]
    pub(crate) subjects: Vec<String>,
    /// When the window begins [default: as early as each host is known]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// When the window ends; a day is taken to its end [default: as late as each host is known]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// In words
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub(crate) note: String,
    #[command(flatten)]
    pub(crate) narrowing: NarrowingArgs,
    /// Gaps of these causes are taken as if nothing had happened in them
    #[arg(long, value_name = "CAUSE,…", value_delimiter = ',')]
    pub(crate) accept: Vec<String>,
}
