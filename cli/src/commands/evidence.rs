//! `lydian evidence fetch`: a bundle from the verifier to a file.

use std::io::Write as _;
use std::path::Path;

use evidence::bundle::{BUNDLE_BYTES, Bundle};

use super::host::with_matches;
use crate::Outcome;
use crate::client::{Client, Request};
use crate::error::CliError;
use crate::files;
use crate::ui::Ui;

pub(super) fn fetch(
    client: &Client,
    ui: &mut Ui,
    host: &str,
    seq: u64,
    out: &Path,
) -> Result<Outcome, CliError> {
    let number = seq.to_string();
    let path = ["v1", "hosts", host, "evidence", &number];
    let bytes = client.get_bytes(Request::path(&path), BUNDLE_BYTES).map_err(|denied| {
        with_matches(client, host, denied).hint("`lydian host history` shows the positions")
    })?;
    let bundle = Bundle::decode(&bytes).map_err(|error| CliError::reply(error.to_string()))?;
    let found = bundle.envelope.evidence.body().seq;
    if found != seq {
        return Err(CliError::reply(format!("the bundle is of evidence {found}, not of {seq}")));
    }
    if out.as_os_str() == "-" {
        let written = std::io::stdout().lock().write_all(&bytes);
        if let Err(error) = written
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(CliError::output(&error));
        }
    } else {
        files::write(out, &bytes)?;
        ui.note(&crate::escape::safe(&format!(
            "wrote {}: evidence {} of {}, {} bytes; nothing of it is verified yet: lydian evidence verify {}",
            out.display(),
            found,
            bundle.host_name,
            bytes.len(),
            out.display()
        )));
    }
    Ok(Outcome::Good)
}
