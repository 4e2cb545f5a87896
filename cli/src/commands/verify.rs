//! `lydian evidence verify`: a bundle checked offline.

use std::path::Path;

use evidence::bundle::{BUNDLE_BYTES, Bundle};

use super::log;
use crate::Outcome;
use crate::args::VerifyArgs;
use crate::error::CliError;
use crate::files;
use crate::show::{Card, Cell, ClaimLine, Tone, claim_rows};
use crate::ui::{Format, Ui};
use crate::verify::{Given, Report, Standing, verify};

pub(super) fn run(ui: &mut Ui, args: &VerifyArgs) -> Result<Outcome, CliError> {
    let given = Given {
        log_key: log::key(&args.log_key)?,
        ak_name: args.ak_name.as_deref().map(ak_name).transpose()?,
        previous: args.previous.as_deref().map(read).transpose()?,
    };
    let bundle = read(&args.file)?;
    let report = verify(args.file.display().to_string(), &bundle, &given).map_err(|error| {
        CliError::input(&args.file, error).hint("the bundle is damaged, or of a newer version")
    })?;
    if ui.format() == Format::Table {
        let text = card(&report).render(ui.screen());
        ui.text(&text)?;
    } else {
        ui.json(&report)?;
    }
    let believed: Vec<&str> = report
        .checks
        .iter()
        .filter(|check| check.standing == Standing::Believed)
        .map(|check| check.check)
        .collect();
    if !believed.is_empty() {
        ui.warn(&format!("only the verifier's word: {}", believed.join(", ")));
    }
    Ok(if report.is_good(args.strict) { Outcome::Good } else { Outcome::NotTrusted })
}

fn read(path: &Path) -> Result<Bundle, CliError> {
    let bytes = files::read(path, BUNDLE_BYTES)?;
    Bundle::decode(&bytes).map_err(|error| {
        CliError::input(path, error).hint("`lydian evidence fetch HOST SEQ --out FILE` downloads one")
    })
}

fn ak_name(text: &str) -> Result<Vec<u8>, CliError> {
    let text = files::value_or_file(text)?;
    hex::decode(&text).map_err(|error| CliError::value("--ak-name", format!("not hexadecimal: {error}")))
}

fn card(report: &Report) -> Card {
    let mut card = Card::new(
        &format!("{} evidence {}", report.host_name, report.seq),
        Cell::status(report.verdict.name()),
    );
    card.section("Evidence");
    card.row("host", &report.host);
    card.row("chain", &report.chain);
    card.row("digest", &report.digest);
    card.row("boot", format!("TPM reset {}, restart {}", report.reset_count, report.restart_count));
    card.row("sealed", format!("{} by the agent's clock ({})", report.sealed, report.trigger));
    card.row("received", format!("{} in the verifier's word", report.received));
    card.row("TPM", format!("tier {} in the verifier's word", report.tier));
    card.row("agent", &report.agent_version);
    card.section("Checks");
    for check in &report.checks {
        let standing = match check.standing {
            Standing::Holds => Cell::toned("holds", Tone::Good),
            Standing::Fails => Cell::toned("fails", Tone::Bad),
            Standing::Believed => Cell::toned("verifier's word", Tone::Warn),
        };
        card.cells(vec![check.check.into(), standing, (&check.detail).into()]);
    }
    if let Some(result) = &report.result {
        card.section(format!("Result: {} under {}", result.status, result.policy));
        for claim in &result.claims {
            let reasons = claim.reasons.iter();
            claim_rows(
                &mut card,
                &ClaimLine {
                    member: claim.member.to_owned(),
                    status: claim.status,
                    reasons: reasons.map(|reason| (reason.code.to_owned(), reason.detail.clone())).collect(),
                },
            );
        }
    }
    card
}
