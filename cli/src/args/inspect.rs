//! The grammar of `lydian inspect`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(crate) enum InspectCommand {
    /// Firmware measurement logs: events, digests, Secure Boot, findings
    ///
    /// A log alone proves nothing: compare it with what a TPM quoted (--against). Exits with 1 where the log contradicts
    /// itself or the values, and with 2 where it cannot be read to its end; what was read is shown all the same.
    #[command(
        name = "eventlog",
        after_help = "Examples:\n  \
        lydian inspect eventlog /sys/kernel/security/tpm0/binary_bios_measurements\n  \
        ssh web-1 sudo cat /sys/kernel/security/tpm0/binary_bios_measurements | lydian inspect eventlog -\n  \
        lydian inspect eventlog --pcr 7 log.bin\n  \
        lydian inspect eventlog --only-findings *.bin\n  \
        lydian inspect eventlog --against pcrs.json log.bin        (pcrs.json: {\"banks\": {\"sha256\": {\"0\": \"<hex>\"}}})\n  \
        lydian inspect eventlog -o json log.bin | jq '.pcrs.sha256'"
    )]
    EventLog(EventLogArgs),
    /// IMA lists, binary or text: what was measured, violations, keys and devices, what the PCRs come to
    ///
    /// Exits with 1 where a record is not what its hash says, or no part of the list comes to the values that were given;
    /// with 2 where the list cannot be read to its end. A list may have any length.
    #[command(after_help = "Examples:\n  \
        lydian inspect ima /sys/kernel/security/ima/binary_runtime_measurements\n  \
        lydian inspect ima --all /sys/kernel/security/ima/ascii_runtime_measurements\n  \
        lydian inspect ima --only-findings list.bin\n  \
        lydian inspect ima --bank sha384,sha512 list.bin -o json\n  \
        lydian inspect ima --against pcrs.json list.bin\n  \
        lydian inspect ima --quoted \"$(tpm2_pcrread sha256:10 -Q -o /dev/stdout | xxd -p -c64)\" list.bin\n  \
        lydian inspect ima list.bin -o jsonl | jq -r 'select(.signed_by) | .name'")]
    Ima(ImaArgs),
    /// TPM quotes and other attestations: what is attested, and whether signature, key, PCR values and nonce fit
    ///
    /// Checks whatever is given; exits with 1 where something does not fit, with 2 where something cannot be read.
    #[command(after_help = "Examples:\n  lydian inspect quote quote.msg\n  \
        lydian inspect quote --attest quote.msg --signature quote.sig --ak ak.pub --pcrs quote.pcrs --nonce 0badc0de\n  \
        lydian inspect quote --attest quote.msg --signature raw.sig --scheme rsapss-sha256 --ak ak.pem --selection sha256:0,7\n  \
        lydian inspect quote --attest nv.msg --signature nv.sig --ak ak.pub --nv-public index.pub\n  \
        lydian inspect quote --attest made.msg --signature made.sig --ak ak.pub --object key.pub --creation-data key.data")]
    Quote(Box<QuoteArgs>),
    /// systemd's measurement log, canonical event logs, and what they add to the firmware's
    ///
    /// Reads systemd's own log (a JSON text sequence) and CEL-JSON. systemd measures phases, file systems, ids and images into
    /// PCRs that firmware used before it and into `NvPCRs`: give the firmware log (--firmware) for PCRs to come out. Exits with 1
    /// where the log contradicts itself or the values, and with 2 where it cannot be read to its end.
    #[command(after_help = "Examples:\n  \
        lydian inspect systemd-log /run/log/systemd/tpm2-measure.log\n  \
        lydian inspect systemd-log --firmware /sys/kernel/security/tpm0/binary_bios_measurements /run/log/systemd/tpm2-measure.log\n  \
        lydian inspect systemd-log --firmware boot.bin --against pcrs.json tpm2-measure.log\n  \
        /usr/lib/systemd/systemd-pcrlock cel | lydian inspect systemd-log - -o json | jq .pcrs.sha256")]
    SystemdLog(SystemdLogArgs),
    /// Endorsement certificates: who made the TPM, and who answers for it
    ///
    /// Platform certificates, attestation keys' and authorities' are read too. Exits with 1 where something that was
    /// given does not fit: a chain that does not hold, another key, a revoked certificate.
    #[command(after_help = "Examples:\n  \
        tpm2_nvread 0x1c00002 | lydian inspect ek-cert -\n  \
        lydian inspect ek-cert --roots ek-roots.bundle --intermediates ek-chain.bin ek.der\n  \
        lydian inspect ek-cert --roots /etc/lydian/ek-roots --crls crls/ --public ek.pub -o json ek.pem")]
    EkCert(EkCertArgs),
    /// EFI signature lists and authenticated variable updates: db, dbx, KEK, `MokList`
    ///
    /// Files are the contents of a variable, a file of efivarfs, or a signed update. Exits with 1 where an update's
    /// signature does not hold or firmware would refuse the lists, with 2 where they could not be read to their end.
    #[command(after_help = "Examples:\n  \
        lydian inspect siglist /sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f\n  \
        lydian inspect siglist DBXUpdate.bin -o json | jq '.lists[].entries[].sha256'")]
    Siglist(SiglistArgs),
    /// PE images: Authenticode digests, signatures with their chains, SBAT, UKI sections
    ///
    /// Exits with 1 where a signature does not hold or is over another image, with 2 where the image could not be read.
    /// That a signature holds says nothing of who trusts its signer.
    #[command(after_help = "Examples:\n  \
        lydian inspect pe /boot/efi/EFI/debian/shimx64.efi\n  \
        lydian inspect pe /efi/EFI/Linux/*.efi -o json | jq '.[].uki.profiles[0].pcr_11.sha256'\n  \
        lydian inspect pe vmlinuz -o json | jq -r .authenticode.sha256")]
    Pe(PeArgs),
    /// ELF files: build id, loader, needed libraries, notes
    ///
    /// Notes are what the builder wrote; nothing of them is signed. Exits with 2 where the file ends too early.
    #[command(after_help = "Examples:\n  \
        lydian inspect elf /usr/bin/bash\n  \
        lydian inspect elf -o jsonl /usr/lib/x86_64-linux-gnu/*.so.* | jq -r '[.build_id, .file] | @tsv'")]
    Elf(ElfArgs),
    /// Kernel modules: what they are, and who signed them
    ///
    /// Reads .ko, .ko.gz, .ko.xz and .ko.zst. Exits with 1 where a signature is wrong, or not by any of --keys.
    #[command(after_help = "Examples:\n  \
        lydian inspect module /lib/modules/$(uname -r)/kernel/net/tls/tls.ko*\n  \
        lydian inspect module --keys /var/lib/dkms/mok.pub /lib/modules/$(uname -r)/updates/dkms/*.ko.xz")]
    Module(ModuleArgs),
    /// `OpenPGP` key rings: fingerprints, user ids, expiry, revocation
    ///
    /// What a key says of itself counts where its own signature was verified. Exits with 1 where such a signature is wrong.
    #[command(after_help = "Examples:\n  \
        lydian inspect keyring /usr/share/keyrings/*.gpg /etc/apt/keyrings/*\n  \
        lydian inspect keyring --at 2027-01-01 /usr/share/keyrings/debian-archive-keyring.gpg")]
    Keyring(KeyringArgs),
}

#[derive(Debug, Args)]
pub(crate) struct EventLogArgs {
    /// Logs; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Only events of this PCR
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(0..=23))]
    pub(crate) pcr: Option<u32>,
    /// Only events that something is wrong with
    #[arg(long)]
    pub(crate) only_findings: bool,
    /// Bank to check digests in [default: the strongest of the log]
    #[arg(long, value_name = "ALG")]
    pub(crate) bank: Option<String>,
    /// PCR values that a TPM held, as JSON: says which of them the log accounts for, and why not
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ImaArgs {
    /// Lists; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Banks that PCRs are computed in, parted by commas or each on its own
    #[arg(long, value_delimiter = ',', default_value = "sha1,sha256", value_name = "ALG")]
    pub(crate) bank: Vec<String>,
    /// Quoted value of PCR 10: tells which records it vouches for
    #[arg(long, value_name = "HEX")]
    pub(crate) quoted: Option<String>,
    /// PCR values to compare with, as JSON: {"banks": {"sha256": {"10": "…"}}}
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// Only records that something is wrong with
    #[arg(long)]
    pub(crate) only_findings: bool,
    /// Every record, not only the first and those that stand out
    #[arg(long, conflicts_with = "only_findings")]
    pub(crate) all: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is for a terminal, where backticks are noise")]
pub(crate) struct QuoteArgs {
    /// TPMS_ATTEST; - is standard input
    #[arg(value_name = "ATTEST", required_unless_present = "attest", conflicts_with = "attest")]
    pub(crate) file: Option<PathBuf>,
    /// TPMS_ATTEST; - is standard input
    #[arg(long, value_name = "FILE")]
    pub(crate) attest: Option<PathBuf>,
    /// TPMT_SIGNATURE over it; also an RSA signature alone, or ECDSA's numbers as DER or one behind the other
    #[arg(long, value_name = "FILE")]
    pub(crate) signature: Option<PathBuf>,
    /// Scheme of a signature that does not name its own: rsassa, rsapss or ecdsa, as in ecdsa-sha384 [default: the key's]
    #[arg(long, value_name = "SCHEME", requires = "signature")]
    pub(crate) scheme: Option<String>,
    /// Attestation key: TPM2B_PUBLIC, TPMT_PUBLIC, or a public key in PEM or DER, which has no attributes to check
    #[arg(long, value_name = "FILE", alias = "public")]
    pub(crate) ak: Option<PathBuf>,
    /// The key's name in hex, or @FILE that holds it
    #[arg(long, value_name = "HEX", requires = "ak")]
    pub(crate) name: Option<String>,
    /// PCR values, as tpm2_quote or tpm2_pcrread write them, or as JSON: {"banks": {"sha256": {"0": HEX}}}
    #[arg(long, value_name = "FILE")]
    pub(crate) pcrs: Option<PathBuf>,
    /// The PCRs that were asked for, as in sha256:0,7
    #[arg(long, value_name = "PCRS")]
    pub(crate) selection: Option<String>,
    /// Public area of the object that is certified or was created
    #[arg(long, value_name = "FILE")]
    pub(crate) object: Option<PathBuf>,
    /// Public area of the NV index that is certified: TPM2B_NV_PUBLIC or TPMS_NV_PUBLIC
    #[arg(long, value_name = "FILE")]
    pub(crate) nv_public: Option<PathBuf>,
    /// Creation data of the object that was created: TPM2B_CREATION_DATA or TPMS_CREATION_DATA
    #[arg(long, value_name = "FILE")]
    pub(crate) creation_data: Option<PathBuf>,
    /// The nonce that was asked for, in hex, or @FILE that holds it
    #[arg(long, value_name = "HEX")]
    pub(crate) nonce: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct SystemdLogArgs {
    /// Logs of systemd's, or canonical event logs as JSON; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Firmware log of the same boot, whose values PCRs start from
    #[arg(long, value_name = "FILE")]
    pub(crate) firmware: Option<PathBuf>,
    /// Bank to replay and to check digests in [default: all that the logs share]
    #[arg(long, value_name = "ALG")]
    pub(crate) bank: Option<String>,
    /// PCR values that a TPM held, as JSON: says which of them the logs account for, and why not
    #[arg(long, value_name = "FILE")]
    pub(crate) against: Option<PathBuf>,
    /// Only events that something is wrong with
    #[arg(long)]
    pub(crate) only_findings: bool,
}

#[derive(Debug, Args)]
#[expect(clippy::doc_markdown, reason = "the text is for a terminal, where backticks are noise")]
pub(crate) struct EkCertArgs {
    /// Certificates in DER, PEM or Base64, as read from NV, or as Intel's service answers; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Whom to trust: a bundle of roots, or a folder of certificates (those in its folder `cloud` are of clouds)
    #[arg(long, value_name = "BUNDLE|DIR")]
    pub(crate) roots: Option<PathBuf>,
    /// Certificates between those of TPMs and the roots
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) intermediates: Vec<PathBuf>,
    /// Lists of revoked certificates
    #[arg(long, value_name = "FILE|DIR")]
    pub(crate) crls: Vec<PathBuf>,
    /// Time of the check: 2026-05-01, 2026-05-01T12:00:00Z or @SECONDS [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
    /// The endorsement key that the certificate is to be about: TPM2B_PUBLIC or TPMT_PUBLIC
    #[arg(long, value_name = "FILE")]
    pub(crate) public: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct SiglistArgs {
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PeArgs {
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ElfArgs {
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct ModuleArgs {
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Certificates that are trusted: PEM with any number, or DER with one; may be given several times
    #[arg(long, value_name = "FILE")]
    pub(crate) keys: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct KeyringArgs {
    /// Files; - is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(crate) files: Vec<PathBuf>,
    /// Time of which states are told: RFC 3339, YYYY-MM-DD, or seconds since 1970 [default: now]
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}
