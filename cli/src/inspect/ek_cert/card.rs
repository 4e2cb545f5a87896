//! The report on one certificate, for people.
//!
//! In: the report. Out: a card: the TPM, the certificate, the chain, the findings.

use super::view::{AssertionsView, EkCertView};
use crate::show::{Card, Cell, Screen, Tone};

pub(super) fn render(view: &EkCertView, screen: Screen) -> String {
    let mut card = Card::new(&view.file, status(view));
    device(&mut card, view);
    certificate(&mut card, view);
    card.section("Chain");
    for authority in &view.chain {
        card.row(authority.from, &authority.subject);
    }
    card.section("Findings");
    for finding in &view.findings {
        let (tone, code) = (finding.tone(), finding.code);
        card.cells(vec![Cell::toned(finding.severity, tone), code.into(), (&finding.text).into()]);
    }
    card.render(screen)
}

/// The tier in one word, toned by what follows from it.
fn status(view: &EkCertView) -> Cell {
    let tone = match view.tier {
        _ if view.findings.iter().any(super::super::report::FindingView::is_error) => Tone::Bad,
        "manufacturer" | "cloud" => Tone::Good,
        "unknown" => Tone::Dim,
        _ => Tone::Warn,
    };
    Cell::toned(format!("tier {}", view.tier), tone)
}

fn device(card: &mut Card, view: &EkCertView) {
    card.section(if view.kind == "platform" { "Platform" } else { "TPM" });
    let mut row = |label: &str, value: &Option<String>| {
        if let Some(value) = value {
            card.row(label, value);
        }
    };
    let maker = view.manufacturer.as_ref().map(|raw| match &view.vendor {
        Some(vendor) => format!("{} ({raw})", vendor.name),
        None => raw.clone(),
    });
    row("maker", &maker);
    row("model", &view.model);
    row("version", &view.version);
    row("serial", &view.platform_serial);
    let specification = view.tcg.specification.as_ref();
    row(
        "specification",
        &specification.map(|found| {
            let (hundreds, rest) = (found.revision / 100, found.revision % 100);
            format!("{}, level {}, revision {hundreds}.{rest:02}", found.family, found.level)
        }),
    );
    row("asserted", &view.tcg.assertions.as_ref().map(asserted));
    row(
        "of certificate",
        &view.holder.as_ref().map(|holder| format!("{} of {}", holder.serial, holder.issuer)),
    );
}

/// A maker's assertions in one line.
fn asserted(assertions: &AssertionsView) -> String {
    let upgradable = if assertions.field_upgradable { "firmware can be replaced" } else { "fixed firmware" };
    let mut parts = vec![upgradable.to_owned()];
    if let Some(criteria) = &assertions.common_criteria {
        let plus = if criteria.plus { "+" } else { "" };
        parts.push(format!("CC {} EAL{}{plus} ({})", criteria.version, criteria.level, criteria.status));
    }
    if let Some(fips) = &assertions.fips {
        let plus = if fips.plus { "+" } else { "" };
        parts.push(format!("FIPS {} level {}{plus}", fips.version, fips.level));
    }
    if let Some(generation) = assertions.ek_generation {
        let place =
            assertions.ek_generation_location.map_or_else(String::new, |place| format!(" at {place}"));
        parts.push(format!("key {generation}{place}"));
    }
    if assertions.iso9000 {
        parts.push("ISO 9000".to_owned());
    }
    parts.join(", ")
}

fn certificate(card: &mut Card, view: &EkCertView) {
    card.section("Certificate");
    card.row("for", purpose(view));
    if view.kind != "platform" || !view.subject.is_empty() {
        card.row("subject", if view.subject.is_empty() { Cell::none() } else { (&view.subject).into() });
    }
    card.row("issuer", &view.issuer);
    card.row("serial", &view.serial);
    card.row("valid", format!("{} to {}", day(&view.not_before), day(&view.not_after)));
    if let Some(key) = &view.key {
        let bits = key.bits.map_or_else(String::new, |bits| format!(", {bits} bits"));
        card.row("key", format!("{}{bits}", key.algorithm));
    }
    for (label, values) in [("for use in", usage(view)), ("policies", view.usage.policies.join(", "))] {
        if !values.is_empty() {
            card.row(label, values);
        }
    }
    card.row("signed with", &view.signature_algorithm);
    card.row("SHA-256", &view.cert_sha256);
    if let Some(spki) = &view.spki_sha256 {
        card.row("key's SHA-256", spki);
    }
    match view.public_matches {
        Some(true) => card.row("TPM's key", Cell::toned("is this one", Tone::Good)),
        Some(false) => card.row("TPM's key", Cell::toned("is another one", Tone::Bad)),
        None => {}
    }
}

/// The key's uses, with TCG's purposes by name.
fn usage(view: &EkCertView) -> String {
    let purposes = view.usage.purposes.iter().map(|oid| match oid.as_str() {
        "2.23.133.8.1" => "TCG EK",
        "2.23.133.8.2" | "2.23.133.8.4" => "TCG platform",
        "2.23.133.8.3" => "TCG AK",
        other => other,
    });
    view.usage.key.iter().copied().chain(purposes).collect::<Vec<_>>().join(", ")
}

fn purpose(view: &EkCertView) -> &'static str {
    match (view.kind, view.platform_form) {
        ("ek", _) => "an endorsement key",
        ("ak", _) => "an attestation key",
        ("platform", Some("delta")) => "what changed of a platform",
        ("platform", Some("key")) => "a platform, by the key of its TPM",
        ("platform", _) => "a platform",
        ("ca", _) => "an authority",
        _ => "something else",
    }
}

/// The day of a time; certificates without an end have the year 9999.
fn day(time: &str) -> &str {
    let day = time.split_once('T').map_or(time, |(day, _)| day);
    if day == "9999-12-31" { "no end" } else { day }
}
