//! `lydian trusted …`

use clap::{Args, ValueEnum};
use wire::trusted::AskTrusted;

/// Who trusted X?
///
/// A host's answer is YES where its evidence shows it, NO where every source that could have shown it was seen without a gap, and UNKNOWN
/// else, with each gap. Exits with 0 if every host is a NO, with 1 if any is a YES or UNKNOWN.
#[derive(Clone, Debug, Args)]
#[command(after_help = "Subjects:\n  \
file:SHA256                     a content\n  \
path:/usr/lib/**/liblzma.so.5*  files whose path fits; * within a folder, ** across\n  \
package:xz-utils>=5.6.0<5.6.2   a package; = < <= > >= by the order of dpkg or rpm\n  \
source:xz-utils>=5.6.0          every package that was built from a source package\n  \
cert:SHA256                     a certificate, by its SHA-256 or that of its TBSCertificate\n  \
cert-name:DO NOT TRUST           certificates with this in their name, whatever the case
  \
issuer:SHA256                   an authority with what it issued, by its certificate or key; issuer:@FILE by what its certificate says;\n                                  /closure behind it, or --closure, takes all that lies below\n  \
key:FINGERPRINT                 an SPKI's SHA-256, an OpenPGP or SSH fingerprint, an IMA key id\n  \
image:SHA256                    a boot image, by its Authenticode SHA-256\n  \
sbat:grub<3                     boot images that state a generation of grub below 3\n  \
boot:secure-boot=off            also on, unknown\n  \
boot:dbx-lacks=SHA256           firmware would have let this image or certificate in\n  \
boot:sbat<grub,3                shim would have let this generation in\n  \
@FILE                           subjects of a file: one a line (a bare SHA-256 is a file's; - is standard input), CSV, STIX 2.1, CycloneDX, SPDX,\n                                  an update of dbx, SBAT levels, a .deb or .rpm, an OSV advisory\n                                  (@FILE#Debian:12 takes one of several releases)\n\n\
Times: 2026-11-24, '2026-11-24 13:30', RFC 3339 (UTC where no zone is given), @SECONDS, 36h or 7d ago, leaf:N of the log.\n\n\
Examples:\n  \
lydian trusted 'package:xz-utils>=5.6.0' 'package:liblzma5>=5.6.0' --from 2024-02-24 --to 2024-04-10\n  \
lydian trusted cert:48e99b991f57fc52f76149599bff0a58c47154229b9f8d603ac40d3500248507 --role eligible\n  \
lydian trusted @bad-digests.txt --role executed --min-class B -o jsonl\n  \
lydian trusted 'boot:sbat<grub,3' --at 1d --hosts 'web-*' --explain web-1")]
pub(crate) struct TrustedArgs {
    /// What is asked about; any of several counts
    #[arg(required = true, value_name = "SUBJECT")]
    pub(crate) subjects: Vec<String>,
    /// When the window begins [default: as early as each host is known]
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// When the window ends; a day is taken to its end [default: as late as each host is known]
    #[arg(long, value_name = "TIME")]
    pub(crate) to: Option<String>,
    /// A moment instead of a window
    #[arg(long, value_name = "TIME", conflicts_with_all = ["from", "to"])]
    pub(crate) at: Option<String>,
    #[command(flatten)]
    pub(crate) narrowing: NarrowingArgs,
    /// Whether at any moment of the window, or for the whole of it
    #[arg(long, value_enum, default_value_t)]
    pub(crate) mode: ModeArg,
    /// Gaps of these causes are taken as if nothing had happened in them, such as left-out or walks-only; the answer and its record say so
    #[arg(long, value_name = "CAUSE,…", value_delimiter = ',')]
    pub(crate) accept: Vec<String>,
    /// Show the hosts that are a NO too
    #[arg(long)]
    pub(crate) all: bool,
    /// Only which hosts, one a line with the answer before it: no times, no reasons, and some times as quick
    #[arg(long, conflicts_with_all = ["all", "explain", "proof"])]
    pub(crate) names: bool,
    /// With an authority also all that lies below it: what it issued, what those issued, and what they signed
    #[arg(long)]
    pub(crate) closure: bool,
    /// Write the answer with all evidence that it follows from into this new directory; `lydian verify DIR` checks it offline
    #[arg(long, value_name = "DIR")]
    pub(crate) proof: Option<std::path::PathBuf>,
    /// All that one host's answer rests on, by name or the beginning of its identity
    #[arg(long, value_name = "HOST")]
    pub(crate) explain: Option<String>,
}

/// For how much of the window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ModeArg {
    /// At any moment
    #[default]
    Any,
    /// All of it
    Whole,
}

/// What a question is narrowed to.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct NarrowingArgs {
    /// eligible, used, executed, present, revoked [default: all but revoked]
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',')]
    pub(crate) role: Vec<String>,
    /// The weakest class of evidence that counts, A (quoted) to E (unresolved)
    #[arg(long, value_name = "CLASS")]
    pub(crate) min_class: Option<String>,
    /// Only hosts whose name fits a pattern, or that have a label KEY=VALUE; of several, with commas between, all must hold
    #[arg(long, value_name = "SELECTOR")]
    pub(crate) hosts: Option<String>,
}

impl NarrowingArgs {
    /// A question without subjects that is narrowed so.
    pub(crate) fn question(&self) -> AskTrusted {
        AskTrusted {
            roles: self.role.clone(),
            min_class: self.min_class.clone(),
            hosts: self.hosts.clone(),
            ..AskTrusted::default()
        }
    }
}
