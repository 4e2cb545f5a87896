//! What TCG's attributes say of a TPM and of a platform.
//!
//! In: the alternative names and directory attributes of a certificate. Out: maker, model and version, the
//! specification that the TPM follows, and what its maker asserts of its security. These are the signer's words: whether
//! they count is for the chain to say.
//= TCG EK Credential Profile 2.5 §3.2.9, §3.2.10; TCG Platform Certificate Profile 1.1 §3.1

use evidence::asn1::{Asn1Error, Oid, Value, tag, text};

use super::DeviceName;
use super::extensions::truth;

const TPM_MANUFACTURER: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 1]);
const TPM_MODEL: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 2]);
const TPM_VERSION: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 3]);
/// Platforms have one set of attributes since version 1.1 of their profile, and had another before.
const PLATFORM_MANUFACTURER: [Oid<'static>; 2] =
    [Oid::new(&[0x67, 0x81, 5, 5, 1, 1]), Oid::new(&[0x67, 0x81, 5, 2, 4])];
const PLATFORM_MODEL: [Oid<'static>; 2] =
    [Oid::new(&[0x67, 0x81, 5, 5, 1, 4]), Oid::new(&[0x67, 0x81, 5, 2, 5])];
const PLATFORM_VERSION: [Oid<'static>; 2] =
    [Oid::new(&[0x67, 0x81, 5, 5, 1, 5]), Oid::new(&[0x67, 0x81, 5, 2, 6])];
const PLATFORM_SERIAL: [Oid<'static>; 2] =
    [Oid::new(&[0x67, 0x81, 5, 5, 1, 6]), Oid::new(&[0x67, 0x81, 5, 2, 23])];
const TPM_SPECIFICATION: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 16]);
const TPM_ASSERTIONS: Oid<'static> = Oid::new(&[0x67, 0x81, 5, 2, 18]);

/// How deep a name lies in an extension: `GeneralNames`, a choice, the name, a relative name, a pair, and two to spare.
const NESTING: usize = 7;

/// The specification that a TPM follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TpmSpecification {
    /// `2.0` or `1.2`.
    pub family: String,
    /// The level.
    pub level: u64,
    /// The revision, without its point: 138 is 1.38.
    pub revision: u64,
}

/// What a maker asserts of a TPM's security.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SecurityAssertions {
    /// The version of the assertions, from 0.
    pub version: u64,
    /// Whether its firmware can be replaced.
    pub field_upgradable: bool,
    /// How the endorsement key came into the TPM.
    pub key_generation: Option<&'static str>,
    /// Where the endorsement key came into the TPM.
    pub key_location: Option<&'static str>,
    /// Where the certificate was made.
    pub certificate_location: Option<&'static str>,
    /// The Common Criteria evaluation.
    pub common_criteria: Option<CommonCriteria>,
    /// The FIPS 140 validation.
    pub fips: Option<Fips>,
    /// Whether it was made under ISO 9000.
    pub iso9000: bool,
}

/// A Common Criteria evaluation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonCriteria {
    /// The criteria's version.
    pub version: String,
    /// The evaluation assurance level, 1 to 7.
    pub level: u64,
    /// Whether the level is one with a plus.
    pub plus: bool,
    /// How far the evaluation is.
    pub status: &'static str,
}

/// A FIPS 140 validation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fips {
    /// The standard's version.
    pub version: String,
    /// The level, 1 to 4.
    pub level: u64,
    /// Whether the level is one with a plus.
    pub plus: bool,
}

/// A platform as its maker names it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PlatformName {
    /// The maker.
    pub manufacturer: Option<String>,
    /// The model.
    pub model: Option<String>,
    /// The version.
    pub version: Option<String>,
    /// The serial number.
    pub serial: Option<String>,
}

/// The TPM that alternative names name.
pub(super) fn device(names: &Value<'_>) -> Option<DeviceName> {
    let mut device = DeviceName::default();
    for_each_attribute(names, NESTING, &mut |kind, value| match kind {
        TPM_MANUFACTURER => device.manufacturer = Some(text(value)),
        TPM_MODEL => device.model = Some(text(value)),
        TPM_VERSION => device.version = Some(text(value)),
        _ => {}
    });
    (device != DeviceName::default()).then_some(device)
}

/// The platform that alternative names name.
pub(super) fn platform(names: &Value<'_>) -> Option<PlatformName> {
    let mut platform = PlatformName::default();
    for_each_attribute(names, NESTING, &mut |kind, value| {
        let part = if PLATFORM_MANUFACTURER.contains(&kind) {
            &mut platform.manufacturer
        } else if PLATFORM_MODEL.contains(&kind) {
            &mut platform.model
        } else if PLATFORM_VERSION.contains(&kind) {
            &mut platform.version
        } else if PLATFORM_SERIAL.contains(&kind) {
            &mut platform.serial
        } else {
            return;
        };
        *part = Some(text(value));
    });
    (platform != PlatformName::default()).then_some(platform)
}

/// Gives each pair of a type and a value below `value`, however deep it lies: makers put the attributes into one
/// relative name or into three, and wrap the name once or twice.
fn for_each_attribute<'a>(value: &Value<'a>, depth: usize, give: &mut impl FnMut(Oid<'a>, &Value<'a>)) {
    const CONSTRUCTED: u8 = 0x20;
    let Some(deeper) = depth.checked_sub(1).filter(|_| value.tag() & CONSTRUCTED != 0) else { return };
    let mut parts = value.reader();
    if value.tag() == tag::SEQUENCE
        && parts.peek() == Some(tag::OID)
        && let (Ok(kind), Ok(content)) = (parts.value().and_then(|kind| kind.oid()), parts.value())
    {
        give(kind, &content);
        return;
    }
    for part in value.reader().map_while(Result::ok) {
        for_each_attribute(&part, deeper, give);
    }
}

/// The TPM's specification and its maker's assertions, from directory attributes: those that can be read.
pub(super) fn attributes(list: &Value<'_>) -> (Option<TpmSpecification>, Option<SecurityAssertions>) {
    let mut found = (None, None);
    for attribute in list.reader().map_while(Result::ok) {
        let mut reader = attribute.reader();
        let (Ok(kind), Ok(values)) = (reader.value().and_then(|kind| kind.oid()), reader.value()) else {
            continue;
        };
        let Ok(value) = values.reader().value() else { continue };
        match kind {
            TPM_SPECIFICATION => found.0 = specification(&value).ok(),
            TPM_ASSERTIONS => found.1 = assertions(&value).ok(),
            _ => {}
        }
    }
    found
}

fn specification(value: &Value<'_>) -> Result<TpmSpecification, Asn1Error> {
    let mut reader = value.expect(tag::SEQUENCE)?.reader();
    let family = text(&reader.value()?);
    let level = reader.value()?.small()?;
    let revision = reader.value()?.small()?;
    Ok(TpmSpecification { family, level, revision })
}

fn assertions(value: &Value<'_>) -> Result<SecurityAssertions, Asn1Error> {
    const GENERATION: &[&str] = &["internal", "injected", "internal-revocable", "injected-revocable"];
    const LOCATION: &[&str] = &["tpm-manufacturer", "platform-manufacturer", "ek-certificate-signer"];
    let mut reader = value.expect(tag::SEQUENCE)?.reader();
    let version = reader.optional(tag::INTEGER)?.map(|version| version.small()).transpose()?.unwrap_or(0);
    let field_upgradable = reader.optional(tag::BOOLEAN)?.is_some_and(|value| truth(&value));
    let key_generation = reader.optional(tag::context(0))?.map(|value| named(&value, GENERATION));
    let key_location = reader.optional(tag::context(1))?.map(|value| named(&value, LOCATION));
    let certificate_location = reader.optional(tag::context(2))?.map(|value| named(&value, LOCATION));
    let common_criteria = reader.optional(tag::context_constructed(3))?;
    let fips = reader.optional(tag::context_constructed(4))?;
    let iso9000 = reader.optional(tag::context(5))?.is_some_and(|value| truth(&value));
    Ok(SecurityAssertions {
        version,
        field_upgradable,
        key_generation,
        key_location,
        certificate_location,
        common_criteria: common_criteria.map(|value| criteria(&value)).transpose()?,
        fips: fips.map(|value| validation(&value)).transpose()?,
        iso9000,
    })
}

fn criteria(value: &Value<'_>) -> Result<CommonCriteria, Asn1Error> {
    const STATUS: &[&str] = &["designed-to-meet", "evaluation-in-progress", "evaluation-completed"];
    let mut reader = value.reader();
    let version = text(&reader.value()?);
    let level = number(&reader.value()?);
    let status = named(&reader.value()?, STATUS);
    let plus = reader.optional(tag::BOOLEAN)?.is_some_and(|value| truth(&value));
    Ok(CommonCriteria { version, level, plus, status })
}

fn validation(value: &Value<'_>) -> Result<Fips, Asn1Error> {
    let mut reader = value.reader();
    let version = text(&reader.value()?);
    let level = number(&reader.value()?);
    let plus = reader.optional(tag::BOOLEAN)?.is_some_and(|value| truth(&value));
    Ok(Fips { version, level, plus })
}

/// An enumeration's number, whatever its tag; one that does not fit is the last.
fn number(value: &Value<'_>) -> u64 {
    value.content().iter().fold(0_u64, |number, octet| number.saturating_mul(256) | u64::from(*octet))
}

fn named(value: &Value<'_>, names: &[&'static str]) -> &'static str {
    usize::try_from(number(value)).ok().and_then(|at| names.get(at).copied()).unwrap_or("unknown")
}
