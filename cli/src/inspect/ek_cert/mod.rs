//! `lydian inspect ek-cert`: endorsement certificates and what stands beside them.
//!
//! In: certificates in any form that TPMs, tools and makers' services give them, and what they are to be compared with.
//! Out: who made the TPM, who answers for it, and what is out of order. Nothing is fetched.

mod card;
mod given;
mod view;

use std::path::Path;

use appraisal::endorsement::{EndorsementError, Surroundings, certificates_in, examine};
use serde_json::Value;

use super::{name_of, report};
use crate::Outcome;
use crate::args::EkCertArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::CERTIFICATE_FILE_BYTES;
use crate::ui::Ui;
use given::Given;
use view::EkCertView;

pub(crate) fn run(ui: &mut Ui, args: &EkCertArgs) -> Result<Outcome, CliError> {
    let given = Given::read(args, ui.now())?;
    report::each(ui, &args.files, |path| read(path, &given))
}

/// The first certificate of a file; others in it are taken for those above it.
fn read(path: &Path, given: &Given) -> Result<EkCertView, CliError> {
    let bytes = files::read(path, CERTIFICATE_FILE_BYTES)?;
    let failed = |error: EndorsementError| CliError::input(path, error);
    let (form, certificates) = match of_service(&bytes) {
        Some(text) => ("json", certificates_in(text.as_bytes()).map_err(failed)?.1),
        None => certificates_in(&bytes).map(|(form, found)| (form.name(), found)).map_err(failed)?,
    };
    let (first, rest) = certificates
        .split_first()
        .ok_or_else(|| failed(EndorsementError::NoCertificate { size: bytes.len() }))?;
    let intermediates: Vec<&[u8]> = rest.iter().chain(&given.intermediates).map(Vec::as_slice).collect();
    let with = Surroundings {
        roots: given.roots.as_ref(),
        intermediates: &intermediates,
        lists: &given.lists,
        at: given.at,
        public: given.public.as_ref(),
    };
    let found = examine(first, &with).map_err(failed)?;
    Ok(EkCertView::new(name_of(path), form, rest.len(), &found, given))
}

/// The certificate in an answer of Intel's service for endorsement certificates: JSON with Base64 of the alphabet for
/// URLs, or of the other one in percent encoding.
fn of_service(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| text.trim_start().starts_with('{'))?;
    let answer: Value = serde_json::from_str(text).ok()?;
    let base64 = answer.get("certificate")?.as_str()?;
    Some(base64.replace("%3D", "=").replace("%2B", "+").replace("%2F", "/"))
}
