//! What Windows measures (`SIPA` records, "WBCL"): nested records of a number, a length and data.
//!
//! In: the data of a tagged event in PCR 11 to 14, or of the trust point that Windows logs with register 0xFFFFFFFF.
//! Out: records by number, typed where Windows' header `wbcl.h` types them. Records of one event share its digest: they
//! are all true or none is.

use super::Text;
use crate::cursor::{Cursor, Truncated};
use crate::limits;

/// Records of one level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipaRecords<'a>(&'a [u8]);

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SipaRecord<'a> {
    /// What it is.
    pub id: SipaId,
    /// Its data, raw.
    pub data: &'a [u8],
}

/// What a record's data is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SipaValue<'a> {
    /// More records: a module's, an antimalware driver's, or everything up to a boundary of trust.
    Records(SipaRecords<'a>),
    /// On or off.
    Switch(bool),
    /// A number of one to eight bytes.
    Number(u64),
    /// Text.
    Text(Text<'a>),
    /// A policy of code integrity by name and digest.
    Policy {
        /// Its version.
        version: u64,
        /// Its file's name.
        name: Text<'a>,
        /// The algorithm's `TPM_ALG_ID`.
        hash_alg: u16,
        /// The policy's digest.
        digest: &'a [u8],
    },
    /// A list of revoked boot programs by age and digest.
    RevocationList {
        /// When it was made, in Windows' time: units of 100 ns since 1601.
        created: u64,
        /// The algorithm's `TPM_ALG_ID`.
        hash_alg: u16,
        /// The list's digest.
        digest: &'a [u8],
    },
    /// Anything else: digests, keys, serial numbers.
    Bytes(&'a [u8]),
}

impl<'a> SipaRecords<'a> {
    /// Checks that records follow each other to the data's end, on every level.
    pub(super) fn read(data: &'a [u8]) -> Result<Self, Truncated> {
        check(data, 0, limits::SIPA_DEPTH)?;
        Ok(Self(data))
    }

    /// The records in order.
    pub fn iter(self) -> impl Iterator<Item = SipaRecord<'a>> + use<'a> {
        let mut cursor = Cursor::new(self.0);
        std::iter::from_fn(move || read_record(&mut cursor).ok())
    }
}

fn check(data: &[u8], start: usize, depth: usize) -> Result<(), Truncated> {
    let mut cursor = Cursor::at(data, start);
    while !cursor.is_empty() {
        let record = read_record(&mut cursor)?;
        if record.id.is_aggregate() && depth > 0 {
            let start = cursor.offset().saturating_sub(record.data.len());
            check(record.data, start, depth.saturating_sub(1))?;
        }
    }
    Ok(())
}

fn read_record<'a>(cursor: &mut Cursor<'a>) -> Result<SipaRecord<'a>, Truncated> {
    let id = SipaId(cursor.u32_le()?);
    let size = cursor.u32_le()?;
    Ok(SipaRecord { id, data: cursor.take(usize::try_from(size).unwrap_or(usize::MAX))? })
}

impl<'a> SipaRecord<'a> {
    /// The data by its type; data of another length than its type has stays raw.
    pub fn value(&self) -> SipaValue<'a> {
        if self.id.is_aggregate() {
            return SipaValue::Records(SipaRecords(self.data));
        }
        let typed = match self.id.shape() {
            Shape::Switch => match self.data {
                [value] => Some(SipaValue::Switch(*value != 0)),
                _ => number(self.data).map(|value| SipaValue::Switch(value != 0)),
            },
            Shape::Number => number(self.data).map(SipaValue::Number),
            Shape::Text => Some(SipaValue::Text(Text::wide(self.data))),
            Shape::Policy => policy(self.data).ok(),
            Shape::RevocationList => revocation_list(self.data).ok(),
            Shape::Bytes => None,
        };
        typed.unwrap_or(SipaValue::Bytes(self.data))
    }
}

fn number(data: &[u8]) -> Option<u64> {
    if data.is_empty() || data.len() > 8 {
        return None;
    }
    Some(data.iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// `SIPAEVENT_SI_POLICY_PAYLOAD`: version, lengths, algorithm, then the name and the digest.
fn policy(data: &[u8]) -> Result<SipaValue<'_>, Truncated> {
    let mut cursor = Cursor::new(data);
    let version = cursor.u64_le()?;
    let name_bytes = usize::from(cursor.u16_le()?);
    let hash_alg = cursor.u16_le()?;
    let digest_bytes = usize::try_from(cursor.u32_le()?).unwrap_or(usize::MAX);
    let name = Text::wide(cursor.take(name_bytes)?);
    Ok(SipaValue::Policy { version, name, hash_alg, digest: cursor.take(digest_bytes)? })
}

/// `SIPAEVENT_REVOCATION_LIST_PAYLOAD`: time, length, algorithm, digest.
fn revocation_list(data: &[u8]) -> Result<SipaValue<'_>, Truncated> {
    let mut cursor = Cursor::new(data);
    let created = cursor.u64_le()?;
    let digest_bytes = usize::try_from(cursor.u32_le()?).unwrap_or(usize::MAX);
    let hash_alg = cursor.u16_le()?;
    Ok(SipaValue::RevocationList { created, hash_alg, digest: cursor.take(digest_bytes)? })
}

/// What a record is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SipaId(pub u32);

/// How a record's data is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Switch,
    Number,
    Text,
    Policy,
    RevocationList,
    Bytes,
}

macro_rules! sipa_ids {
    ($($name:ident = $value:literal, $text:literal, $shape:ident;)*) => {
        impl SipaId {
            $(
                #[doc = concat!("`", $text, "`")]
                pub const $name: Self = Self($value);
            )*

            /// Windows' own name, if it has one for this number.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($value => Some($text),)*
                    _ => None,
                }
            }

            const fn shape(self) -> Shape {
                match self.0 {
                    $($value => Shape::$shape,)*
                    _ => Shape::Bytes,
                }
            }
        }
    };
}

sipa_ids! {
    TRUST_BOUNDARY = 0x4001_0001, "TrustBoundary", Bytes;
    ELAM_AGGREGATION = 0x4001_0002, "ELAMAggregation", Bytes;
    LOADED_MODULE_AGGREGATION = 0x4001_0003, "LoadedModuleAggregation", Bytes;
    TRUST_POINT_AGGREGATION = 0xc001_0004, "TrustPointAggregation", Bytes;
    KSR_AGGREGATION = 0x4001_0005, "KSRAggregation", Bytes;
    KSR_SIGNED_MEASUREMENT_AGGREGATION = 0x4001_0006, "KSRSignedMeasurementAggregation", Bytes;
    INFORMATION = 0x0002_0001, "Information", Bytes;
    BOOT_COUNTER = 0x0002_0002, "BootCounter", Number;
    TRANSFER_CONTROL = 0x0002_0003, "TransferControl", Number;
    APPLICATION_RETURN = 0x0002_0004, "ApplicationReturn", Bytes;
    BITLOCKER_UNLOCK = 0x0002_0005, "BitlockerUnlock", Number;
    EVENT_COUNTER = 0x0002_0006, "EventCounter", Number;
    COUNTER_ID = 0x0002_0007, "CounterID", Number;
    MOR_BIT_NOT_CANCELABLE = 0x0002_0008, "MORBitNotCancelable", Number;
    APPLICATION_SVN = 0x0002_0009, "ApplicationSVN", Number;
    SVN_CHAIN_STATUS = 0x0002_000a, "SVNChainStatus", Number;
    MOR_BIT_API_STATUS = 0x0002_000b, "MORBitAPIStatus", Number;
    IDK_GENERATION_STATUS = 0x0002_000c, "IDKGenerationStatus", Number;
    FIRMWARE_FAILURE = 0x0003_0001, "FirmwareFailure", Bytes;
    TPM_FAILURE = 0x0003_0002, "TPMFailure", Bytes;
    INTERNAL_FAILURE = 0x0003_0003, "InternalFailure", Bytes;
    HYPERVISOR_FAILURE = 0x0003_0005, "HypervisorFailure", Bytes;
    BOOT_DEBUGGING = 0x0004_0001, "BootDebugging", Switch;
    BOOT_REVOCATION_LIST = 0x0004_0002, "BootRevocationList", RevocationList;
    OS_KERNEL_DEBUG = 0x0005_0001, "OSKernelDebug", Switch;
    CODE_INTEGRITY = 0x0005_0002, "CodeIntegrity", Switch;
    TEST_SIGNING = 0x0005_0003, "TestSigning", Switch;
    DATA_EXECUTION_PREVENTION = 0x0005_0004, "DataExecutionPrevention", Number;
    SAFE_MODE = 0x0005_0005, "SafeMode", Switch;
    WIN_PE = 0x0005_0006, "WinPE", Switch;
    PHYSICAL_ADDRESS_EXTENSION = 0x0005_0007, "PhysicalAddressExtension", Number;
    OS_DEVICE = 0x0005_0008, "OSDevice", Number;
    SYSTEM_ROOT = 0x0005_0009, "SystemRoot", Text;
    HYPERVISOR_LAUNCH_TYPE = 0x0005_000a, "HypervisorLaunchType", Number;
    HYPERVISOR_PATH = 0x0005_000b, "HypervisorPath", Text;
    HYPERVISOR_IOMMU_POLICY = 0x0005_000c, "HypervisorIOMMUPolicy", Number;
    HYPERVISOR_DEBUG = 0x0005_000d, "HypervisorDebug", Switch;
    DRIVER_LOAD_POLICY = 0x0005_000e, "DriverLoadPolicy", Number;
    SI_POLICY = 0x0005_000f, "SIPolicy", Policy;
    HYPERVISOR_MMIO_NX_POLICY = 0x0005_0010, "HypervisorMMIONXPolicy", Number;
    HYPERVISOR_MSR_FILTER_POLICY = 0x0005_0011, "HypervisorMSRFilterPolicy", Number;
    VSM_LAUNCH_TYPE = 0x0005_0012, "VSMLaunchType", Number;
    OS_REVOCATION_LIST = 0x0005_0013, "OSRevocationList", RevocationList;
    SMT_STATUS = 0x0005_0014, "SMTStatus", Number;
    VSM_IDK_INFO = 0x0005_0020, "VSMIDKInfo", Bytes;
    FLIGHT_SIGNING = 0x0005_0021, "FlightSigning", Switch;
    PAGEFILE_ENCRYPTION_ENABLED = 0x0005_0022, "PagefileEncryptionEnabled", Switch;
    VSM_IDKS_INFO = 0x0005_0023, "VSMIDKSInfo", Bytes;
    HIBERNATION_DISABLED = 0x0005_0024, "HibernationDisabled", Switch;
    DUMPS_DISABLED = 0x0005_0025, "DumpsDisabled", Switch;
    DUMP_ENCRYPTION_ENABLED = 0x0005_0026, "DumpEncryptionEnabled", Switch;
    DUMP_ENCRYPTION_KEY_DIGEST = 0x0005_0027, "DumpEncryptionKeyDigest", Bytes;
    LSA_ISO_CONFIG = 0x0005_0028, "LSAISOConfig", Number;
    SBCP_INFO = 0x0005_0029, "SBCPInfo", Bytes;
    HYPERVISOR_BOOT_DMA_PROTECTION = 0x0005_0030, "HypervisorBootDMAProtection", Switch;
    NO_AUTHORITY = 0x0006_0001, "NoAuthority", Text;
    AUTHORITY_PUB_KEY = 0x0006_0002, "AuthorityPubKey", Bytes;
    FILE_PATH = 0x0007_0001, "FilePath", Text;
    IMAGE_SIZE = 0x0007_0002, "ImageSize", Number;
    HASH_ALGORITHM_ID = 0x0007_0003, "HashAlgorithmID", Number;
    AUTHENTICODE_HASH = 0x0007_0004, "AuthenticodeHash", Bytes;
    AUTHORITY_ISSUER = 0x0007_0005, "AuthorityIssuer", Text;
    AUTHORITY_SERIAL = 0x0007_0006, "AuthoritySerial", Bytes;
    IMAGE_BASE = 0x0007_0007, "ImageBase", Number;
    AUTHORITY_PUBLISHER = 0x0007_0008, "AuthorityPublisher", Text;
    AUTHORITY_SHA1_THUMBPRINT = 0x0007_0009, "AuthoritySHA1Thumbprint", Bytes;
    IMAGE_VALIDATED = 0x0007_000a, "ImageValidated", Switch;
    MODULE_SVN = 0x0007_000b, "ModuleSVN", Number;
    MODULE_PLUTON = 0x0007_000c, "ModulePluton", Bytes;
    MODULE_ORIGINAL_FILENAME = 0x0007_000d, "ModuleOriginalFilename", Text;
    MODULE_VERSION = 0x0007_000e, "ModuleVersion", Bytes;
    PUBLISHER_OEM_NAME = 0x0007_000f, "PublisherOEMName", Text;
    QUOTE = 0x8008_0001, "Quote", Bytes;
    QUOTE_SIGNATURE = 0x8008_0002, "QuoteSignature", Bytes;
    AIK_ID = 0x8008_0003, "AIKID", Text;
    AIK_PUB_DIGEST = 0x8008_0004, "AIKPubDigest", Bytes;
    ELAM_KEYNAME = 0x0009_0001, "ELAMKeyname", Text;
    ELAM_CONFIGURATION = 0x0009_0002, "ELAMConfiguration", Bytes;
    ELAM_POLICY = 0x0009_0003, "ELAMPolicy", Bytes;
    ELAM_MEASURED = 0x0009_0004, "ELAMMeasured", Bytes;
    VBS_VSM_REQUIRED = 0x000a_0001, "VBSVSMRequired", Switch;
    VBS_SECURE_BOOT_REQUIRED = 0x000a_0002, "VBSSecurebootRequired", Switch;
    VBS_IOMMU_REQUIRED = 0x000a_0003, "VBSIOMMURequired", Switch;
    VBS_MMIO_NX_REQUIRED = 0x000a_0004, "VBSMMIONXRequired", Switch;
    VBS_MSR_FILTERING_REQUIRED = 0x000a_0005, "VBSMSRFilteringRequired", Switch;
    VBS_MANDATORY_ENFORCEMENT = 0x000a_0006, "VBSMandatoryEnforcement", Switch;
    VBS_HVCI_POLICY = 0x000a_0007, "VBSHVCIPolicy", Number;
    VBS_MICROSOFT_BOOT_CHAIN_REQUIRED = 0x000a_0008, "VBSMicrosoftBootChainRequired", Switch;
    VBS_DUMP_USES_AME_ROOT = 0x000a_0009, "VBSDumpUsesAMERoot", Switch;
    VBS_VSM_NO_SECRETS_ENFORCED = 0x000a_000a, "VBSVSMNosecretsEnforced", Switch;
    KSR_SIGNATURE = 0x000b_0001, "KSRSignature", Bytes;
    DRTM_STATE_AUTH = 0x000c_0001, "DRTMStateAuth", Bytes;
    DRTM_SMM_LEVEL = 0x000c_0002, "DRTMSMMLevel", Number;
    DRTM_AMD_SMM_HASH = 0x000c_0003, "DRTMAMDSMMHash", Bytes;
    DRTM_AMD_SMM_SIGNER_KEY = 0x000c_0004, "DRTMAMDSMMSignerKey", Bytes;
}

impl SipaId {
    /// Whether the data is records.
    pub const fn is_aggregate(self) -> bool {
        self.0 & 0x4000_0000 != 0
    }

    /// Whether a tagged event with this number is Windows': flags, a class from 1 to 12, and a number.
    pub const fn is_windows(self) -> bool {
        self.0 & 0x3ff0_0000 == 0 && matches!(self.0 >> 16 & 0xf, 1..=12)
    }
}

/// The hash that a `CryptoAPI` number means (`HashAlgorithmID`).
pub const fn crypto_api_hash(id: u64) -> Option<&'static str> {
    match id {
        0x8003 => Some("md5"),
        0x8004 => Some("sha1"),
        0x800c => Some("sha256"),
        0x800d => Some("sha384"),
        0x800e => Some("sha512"),
        _ => None,
    }
}
