//! The report on one certificate.
//!
//! In: what `appraisal` found. Out: the fields of the JSON; they are added to, never renamed.

use appraisal::endorsement::{Authority, EndorsementFinding, Examination, Vendor, Which};
use serde::Serialize;

use super::super::report::{Completeness, FindingView, Report, outcome_of};
use super::card;
use super::given::Given;
use crate::Outcome;
use crate::show::Screen;

/// A certificate as `-o json` writes it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct EkCertView {
    pub(super) file: String,
    /// How the file holds it: `der`, `nv`, `pem`, `base64`, `json` or `secboot`.
    pub(super) form: &'static str,
    /// Further certificates of the file, which were taken for those above it.
    pub(super) more: usize,
    /// `ek`, `ak`, `platform`, `ca` or `other`.
    pub(super) kind: &'static str,
    /// How a platform certificate is about one: by `attributes`, by a `delta` to others, or by a `key`.
    pub(super) platform_form: Option<&'static str>,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) serial: String,
    pub(super) not_before: String,
    pub(super) not_after: String,
    /// As the certificate has it: of a TPM `id:` and a number, of a platform a name.
    pub(super) manufacturer: Option<String>,
    pub(super) model: Option<String>,
    pub(super) version: Option<String>,
    /// Who has that number in the TCG's registry.
    pub(super) vendor: Option<VendorView>,
    pub(super) cert_sha256: String,
    pub(super) spki_sha256: Option<String>,
    pub(super) key: Option<KeyView>,
    pub(super) usage: UsageView,
    pub(super) signature_algorithm: String,
    pub(super) tcg: TcgView,
    pub(super) platform_serial: Option<String>,
    /// The certificate that a platform certificate is about.
    pub(super) holder: Option<HolderView>,
    /// Whether it is about the key of `--public`.
    pub(super) public_matches: Option<bool>,
    /// The time of the check.
    pub(super) checked_at: String,
    pub(super) tier: &'static str,
    /// The authorities above it, up to the root.
    pub(super) chain: Vec<AuthorityView>,
    pub(super) findings: Vec<FindingView>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct VendorView {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct KeyView {
    pub(super) algorithm: String,
    pub(super) bits: Option<usize>,
}

/// What the key may be used for: names of the standard, and object identifiers.
#[derive(Clone, Debug, Serialize)]
pub(super) struct UsageView {
    pub(super) key: Vec<&'static str>,
    pub(super) purposes: Vec<String>,
    pub(super) policies: Vec<String>,
}

/// What TCG's directory attributes say.
#[derive(Clone, Debug, Serialize)]
pub(super) struct TcgView {
    pub(super) specification: Option<SpecificationView>,
    pub(super) assertions: Option<AssertionsView>,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct SpecificationView {
    pub(super) family: String,
    pub(super) level: u64,
    pub(super) revision: u64,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct AssertionsView {
    pub(super) version: u64,
    pub(super) field_upgradable: bool,
    pub(super) ek_generation: Option<&'static str>,
    pub(super) ek_generation_location: Option<&'static str>,
    pub(super) ek_certificate_location: Option<&'static str>,
    pub(super) common_criteria: Option<CriteriaView>,
    pub(super) fips: Option<FipsView>,
    pub(super) iso9000: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct CriteriaView {
    pub(super) version: String,
    pub(super) level: u64,
    pub(super) plus: bool,
    pub(super) status: &'static str,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct FipsView {
    pub(super) version: String,
    pub(super) level: u64,
    pub(super) plus: bool,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct HolderView {
    pub(super) issuer: String,
    pub(super) serial: String,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct AuthorityView {
    /// `intermediate` or `root`.
    pub(super) from: &'static str,
    pub(super) subject: String,
    pub(super) cert_sha256: String,
    pub(super) not_after: String,
}

impl EkCertView {
    pub(super) fn new(
        file: String,
        form: &'static str,
        more: usize,
        found: &Examination,
        given: &Given,
    ) -> Self {
        let findings: Vec<_> = found.findings.iter().map(finding).collect();
        let device = found.device.clone().unwrap_or_default();
        let platform = found.platform.clone().unwrap_or_default();
        let vendor = device.manufacturer.as_deref().and_then(Vendor::of);
        Self {
            file,
            form,
            more,
            kind: found.kind.name(),
            platform_form: found.kind.platform_form(),
            subject: found.subject.clone(),
            issuer: found.issuer.clone(),
            serial: serial(&found.serial),
            not_before: found.validity.not_before.to_string(),
            not_after: found.validity.not_after.to_string(),
            manufacturer: device.manufacturer.or(platform.manufacturer),
            model: device.model.or(platform.model),
            version: device.version.or(platform.version),
            vendor: vendor.map(|Vendor { code, name }| VendorView { code, name }),
            cert_sha256: found.certificate.to_string(),
            spki_sha256: found.key.as_ref().map(|key| key.spki.to_string()),
            key: found.key.as_ref().map(|key| KeyView { algorithm: key.algorithm.clone(), bits: key.bits }),
            usage: UsageView {
                key: found.usage.key.clone(),
                purposes: found.usage.purposes.clone(),
                policies: found.usage.policies.clone(),
            },
            signature_algorithm: found.signature_algorithm.clone(),
            tcg: TcgView::new(found),
            platform_serial: platform.serial,
            holder: found
                .holder
                .as_ref()
                .map(|holder| HolderView { issuer: holder.issuer.clone(), serial: serial(&holder.serial) }),
            public_matches: given.public.as_ref().map(|_| {
                !findings.iter().any(|finding| matches!(finding.code, "other-key" | "key-unsupported"))
            }),
            checked_at: given.at.to_string(),
            tier: found.standing.name(),
            chain: found.chain.iter().map(AuthorityView::new).collect(),
            findings,
        }
    }
}

impl Report for EkCertView {
    fn outcome(&self) -> Outcome {
        outcome_of(&self.findings, Completeness::Whole)
    }

    fn render(&self, screen: Screen) -> String {
        card::render(self, screen)
    }
}

impl TcgView {
    fn new(found: &Examination) -> Self {
        let specification = found.specification.as_ref().map(|specification| SpecificationView {
            family: specification.family.clone(),
            level: specification.level,
            revision: specification.revision,
        });
        let assertions = found.assertions.as_ref().map(|assertions| AssertionsView {
            version: assertions.version,
            field_upgradable: assertions.field_upgradable,
            ek_generation: assertions.key_generation,
            ek_generation_location: assertions.key_location,
            ek_certificate_location: assertions.certificate_location,
            common_criteria: assertions.common_criteria.as_ref().map(|criteria| CriteriaView {
                version: criteria.version.clone(),
                level: criteria.level,
                plus: criteria.plus,
                status: criteria.status,
            }),
            fips: assertions.fips.as_ref().map(|fips| FipsView {
                version: fips.version.clone(),
                level: fips.level,
                plus: fips.plus,
            }),
            iso9000: assertions.iso9000,
        });
        Self { specification, assertions }
    }
}

impl AuthorityView {
    fn new(authority: &Authority) -> Self {
        Self {
            from: if matches!(authority.which, Which::Root(_)) { "root" } else { "intermediate" },
            subject: authority.subject.clone(),
            cert_sha256: authority.certificate.to_string(),
            not_after: authority.not_after.to_string(),
        }
    }
}

fn finding(finding: &EndorsementFinding) -> FindingView {
    FindingView {
        code: finding.code(),
        severity: finding.severity().name(),
        event: None,
        offset: None,
        text: finding.to_string(),
    }
}

/// The serial number in hexadecimal, without the zero that DER puts before a high first bit.
fn serial(octets: &[u8]) -> String {
    match octets {
        [0, rest @ ..] if !rest.is_empty() => hex::encode(rest),
        octets => hex::encode(octets),
    }
}
