//! Every maximum of this crate, each with its reason. Lengths are checked before anything is allocated.

/// A firmware log. Real ones have 2 to 100 KiB; the UEFI area is rarely larger than 64 KiB.
pub const EVENT_LOG_BYTES: usize = 4 << 20;
/// Events of a firmware log. Real ones have 20 to 300.
pub const EVENT_LOG_EVENTS: usize = 65_536;
/// Hash banks of a firmware log: one for each algorithm that the TCG registry knows, with room to spare.
pub const EVENT_LOG_BANKS: usize = 16;
/// Findings of a firmware log. Real ones have up to 20; more are counted, not kept.
pub const EVENT_LOG_FINDINGS: usize = 256;
/// Variables, and authorities, of PCR 7 that are kept. Real logs have 5 to 15 of each.
pub const EVENT_LOG_VARIABLES: usize = 64;
/// Levels of nested records of Windows. Real ones have 2.
pub const SIPA_DEPTH: usize = 4;
/// One submission's slice of an IMA list: some 200,000 records. A longer backlog is cut into several.
pub const IMA_LIST_BYTES: usize = 32 << 20;
/// One field of an IMA record; `ima-modsig` carries a PKCS#7, `ima-buf` a certificate or a command line.
pub const IMA_FIELD_BYTES: usize = 1 << 20;
/// Name of an IMA template; the kernel's longest has 15 bytes, custom ones list their fields.
pub const IMA_TEMPLATE_NAME_BYTES: usize = 256;
/// A line of a text list: every byte of the longest field takes two.
pub const IMA_LINE_BYTES: usize = 2 * IMA_FIELD_BYTES + 4_096;
/// A `TPMS_ATTEST`: a quote over every PCR has under 200 bytes; TPM buffers hold 1,024 to 4,096.
pub const ATTEST_BYTES: usize = 4_096;
/// A `TPMT_SIGNATURE`: RSA-4096 has 518 bytes.
pub const SIGNATURE_BYTES: usize = 2_048;
/// A `TPMT_PUBLIC`: RSA-4096 with a policy has under 700 bytes.
pub const PUBLIC_BYTES: usize = 2_048;
/// An RSA modulus in a TPM structure: RSA-4096, the largest that any TPM makes.
pub const RSA_MODULUS_BYTES: usize = 512;
/// A coordinate or a signature's number on an elliptic curve: P-638 has 80 bytes, P-521 has 66.
pub const ECC_COORDINATE_BYTES: usize = 80;
/// A digest in a TPM structure: SHA-512, the longest that TPMs have.
pub const TPM_DIGEST_BYTES: usize = 64;
/// A `TPM2B_NAME` or `TPM2B_DATA`: an algorithm's identifier and the longest digest.
pub const TPM_NAME_BYTES: usize = TPM_DIGEST_BYTES + 2;
/// A `TPMS_CREATION_DATA`: a selection of every bank, three names and a digest have under 500 bytes.
pub const CREATION_DATA_BYTES: usize = 1_024;
/// A `TPMS_NV_PUBLIC`: 14 bytes and a policy's digest.
pub const NV_PUBLIC_BYTES: usize = 14 + TPM_DIGEST_BYTES;
/// PCR values in `tpm2_quote`'s own form: a selection, and a list of eight buffers for at least one value of every bank.
pub const PCR_FILE_BYTES: usize = 256 << 10;
/// Octets of a PCR bitmap: 24 PCRs have three; some TPMs write a fourth.
pub const PCR_SELECT_OCTETS: usize = 4;
/// A `TPMS_ID_OBJECT`: a sized HMAC and a sized, encrypted digest.
pub const ID_OBJECT_BYTES: usize = 2 * (TPM_DIGEST_BYTES + 2);
/// A `TPM2B_ENCRYPTED_SECRET`: one RSA-4096 block, or a point.
pub const ENCRYPTED_SECRET_BYTES: usize = RSA_MODULUS_BYTES;
/// An NV index that holds a certificate. Real ones have 700 to 2,000 bytes, and `MAX_NV_INDEX_SIZE` is 2,048 on most.
pub const NV_CERTIFICATE_BYTES: usize = 8_192;
/// The indices of a certificate chain, one behind the other: real chains have up to five certificates in six indices.
pub const NV_CHAIN_BYTES: usize = 8 * NV_CERTIFICATE_BYTES;
/// Banks in a PCR selection, as `TPML_PCR_SELECTION` (`HASH_COUNT`).
pub const PCR_SELECTIONS: usize = 16;
/// PCR values of one piece of evidence: 24 in each of `PCR_SELECTIONS` banks.
pub const PCR_VALUES: usize = 24 * PCR_SELECTIONS;
/// An evidence body. A first one names every component of a host; 34 bytes each.
pub const BODY_BYTES: usize = 4 << 20;
/// Components that one body adds or removes.
pub const BODY_COMPONENTS: usize = 100_000;
/// Gaps that one body reports.
pub const BODY_GAPS: usize = 1_024;
/// Posture claims of one body.
pub const BODY_CLAIMS: usize = 64;
/// A short text: a name, a version, a claim's key.
pub const SHORT_TEXT_BYTES: usize = 256;
/// A longer text: a kernel command line (the kernel's limit is 4,096 on most machines).
pub const LONG_TEXT_BYTES: usize = 8_192;
/// An attestation's result in JSON: six claims with their reasons. Real ones have 1 to 4 KiB.
pub const RESULT_BYTES: usize = 1 << 20;
/// A path: `PATH_MAX` of Linux.
pub const PATH_BYTES: usize = 4_096;
/// A whole submission, decompressed: attachments, body and their frame.
pub const ENVELOPE_BYTES: usize = 48 << 20;
/// Attachments of one submission: one of each kind.
pub const ATTACHMENTS: usize = 8;
/// A component's manifest. The largest Debian packages hold some 10,000 executables and libraries.
pub const MANIFEST_BYTES: usize = 16 << 20;
/// Entries of a manifest.
pub const MANIFEST_ENTRIES: usize = 65_536;
/// Principals of one manifest entry or component. A bundle of authorities has some 150; a key ring of a whole distribution some thousands.
pub const ENTRY_EDGES: usize = 16_384;
/// Names of one key or certificate: one of each kind that can apply.
pub const EDGE_PRINCIPALS: usize = 12;
/// Facts of one manifest entry or component: a Go program names its modules, large ones some 1,000.
pub const ENTRY_FACTS: usize = 4_096;
/// A content that facts carry: a list of keys has 1 to 20 KiB, an image's signature 2 to 12.
pub const CARRIED_BYTES: usize = 64 << 10;
/// Sources whose coverage one body states: one for each mounted file system, and the logs.
pub const BODY_COVERAGE: usize = 256;
/// Counters of one body.
pub const BODY_COUNTERS: usize = 64;
/// Programs whose executions one body counts.
pub const BODY_EXECUTIONS: usize = 65_536;
/// Programs outside the measured state whose executions one body counts.
pub const BODY_STRAYS: usize = 1_024;
/// An ELF file. Programs have up to some 100 MiB; with debugging data some have more, which nobody inspects whole.
pub const ELF_BYTES: usize = 512 << 20;
/// A name or path in an ELF file is searched for its end no further: `PATH_MAX` of Linux. Many entries may point to one text.
pub const ELF_TEXT_BYTES: usize = PATH_BYTES;
/// Findings of an ELF file: somebody who has read so many knows that it is damaged.
pub const ELF_FINDINGS: usize = 64;
/// A file of `OpenPGP` keys. Debian's ring of all its developers has 35 MiB.
pub const OPENPGP_RING_BYTES: usize = 128 << 20;
/// An `OpenPGP` key packet: RSA of 16,384 bits has 2 KiB, a post-quantum key some KiB more, its secret as much again.
pub const OPENPGP_KEY_BYTES: usize = 16 << 10;
/// An `OpenPGP` signature packet: two areas of subpackets of at most 64 KiB each in version 4.
pub const OPENPGP_SIGNATURE_BYTES: usize = 160 << 10;
/// One JSON document. A record of a measurement log has some 500 bytes; the largest holds an IMA field of 1 MiB in hexadecimal.
pub const JSON_BYTES: usize = 8 << 20;
/// Nesting of a JSON document. Records of measurement logs need four levels; a user's record within one, some more.
pub const JSON_DEPTH: usize = 32;
/// systemd's measurement log. Real ones have 3 to 30 KiB: a record a phase, a file system, an image or a login.
pub const SYSTEMD_LOG_BYTES: usize = 4 << 20;
/// A canonical event log as JSON: a firmware log and an IMA list of the longest kind, in hexadecimal.
pub const CEL_BYTES: usize = 128 << 20;
/// Findings of one log; what is wrong with the first hundreds of records is enough to know.
pub const LOG_FINDINGS: usize = 1_000;
/// `NvPCRs` of one log. systemd defines five, and its range of NV indices has 256.
pub const NVPCRS: usize = 256;
/// An object identifier that is shown. Those in use have 3 to 15 bytes.
pub const OID_BYTES: usize = 64;
/// A distinguished name that is shown. Real ones have 20 to 300 bytes.
pub const NAME_BYTES: usize = 1_024;
/// Relative names of a distinguished name that is shown. Real ones have 1 to 8.
pub const NAME_PARTS: usize = 32;
/// A kernel module's file. The largest, those of graphics cards, have some 30 MiB, twice as much with debugging data left in.
pub const MODULE_FILE_BYTES: usize = 64 << 20;
/// A kernel module, unpacked.
pub const MODULE_BYTES: usize = 128 << 20;
/// The dictionary that unpacking an xz file may need: that of `xz -9`. Linux's own build uses 1 MiB.
pub const MODULE_XZ_DICTIONARY_BYTES: usize = 64 << 20;
/// The window that unpacking a Zstandard file may need, as a power of two: that of `zstd --ultra -22`.
pub const MODULE_WINDOW_BYTES_LOG2: u32 = 27;
/// The end of an unsigned module in which a misplaced signature is looked for.
pub const MODULE_TRAILING_BYTES: usize = 64 << 10;
/// Findings about a PE image's layout: every section can have one.
pub const PE_FINDINGS: usize = 32;
/// A section's long name in a PE image. Real ones have 9 to 20 bytes.
pub const PE_SECTION_NAME_BYTES: usize = 64;
/// Zeros that a section has in memory behind what the file has of it: those of a page, but for `.bss` that no stub measures.
pub const PE_SECTION_PADDING_BYTES: usize = 1 << 20;
/// Profiles of a unified kernel image, as systemd's `UNIFIED_PROFILES_MAX`.
pub const UKI_PROFILES: usize = 256;
/// How many times over a PE image whose sections overlap is hashed. In real ones no two sections have bytes in common.
pub const PE_HASHED_MULTIPLE: usize = 4;
/// An SSH key or certificate: RSA of 16,384 bits has 2 KiB, certificates some KiB.
pub const SSH_BLOB_BYTES: usize = 16 << 10;
/// Words of a line of settings. Real ones have one to twenty.
pub const SETTING_WORDS: usize = 256;
/// Section headers of an ELF file that is searched in place. Programs have some 40; kernel modules some 100; objects with a
/// section for each function, thousands.
pub const ELF_SEARCH_SECTIONS: u64 = 65_536;
/// Names of sections of an ELF file that is searched in place. Programs have some 400 bytes of them.
pub const ELF_SEARCH_NAMES_BYTES: usize = 1 << 20;
/// What a Go program says of its build. The largest, with some 1,000 modules, have 100 KiB.
pub const GO_BUILD_BYTES: usize = 1 << 20;
/// What a Rust program says of its dependencies, compressed. Large ones have some 10 KiB.
pub const RUST_DEPENDENCIES_PACKED_BYTES: usize = 1 << 20;
/// The same, unpacked; some 100 bytes for each dependency.
pub const RUST_DEPENDENCIES_BYTES: usize = 4 << 20;
/// Texts of compilers in an ELF file. Real ones have under 200 bytes, each once.
pub const COMPILERS_BYTES: usize = 64 << 10;
/// A header in a database of RPM packages. Kernels' and documentation's have some 5 MiB; rpm itself takes up to 256.
pub const RPM_HEADER_BYTES: usize = 64 << 20;
/// Tags of such a header. Real ones have 60 to 120; rpm itself takes up to 65,536.
pub const RPM_INDEX_ENTRIES: usize = 65_536;
/// Slots of SUSE's database: packages that are, or ever were, installed at once.
pub const RPM_NDB_SLOTS: usize = 1 << 20;
/// A record of an SQLite database: an RPM header and some bytes.
pub const SQLITE_PAYLOAD_BYTES: usize = RPM_HEADER_BYTES + 4_096;
/// Levels of a tree of pages. A page points to a hundred others at least where pages have 4 KiB: ten levels are more than any disk holds.
pub const SQLITE_DEPTH: u32 = 20;
/// A write-ahead log. SQLite begins anew at 4 MiB unless a transaction is larger: an upgrade of a whole system has some 100.
pub const SQLITE_LOG_BYTES: u64 = 1 << 30;
