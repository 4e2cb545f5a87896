//! `lydian-agent cosign`: this host as a witness of the verifier's log.
//!
//! In: the newest checkpoint that this host has verified: each one that it takes has to have grown from the one before. Out:
//! a C2SP cosignature/v1 of it, by a key of this host's own, for trust policies that count hosts among their witnesses.
//! The key lies in the state directory: whoever owns the host can sign anything with it.

use std::io::{self, Write};
use std::path::Path;

use ledger::cosignature::CosignerSecret;
use ledger::note::KeyName;
use zeroize::Zeroizing;

use super::client::Source;
use super::text::written;
use crate::clock::{Clock as _, SystemClock};
use crate::durable;
use crate::failure::{Failure, Status};

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The public key.
    Key,
    /// The signature line alone, for a log that collects them.
    Line,
    /// The checkpoint with the line below it.
    Checkpoint,
}

/// Shows it.
pub fn show(state_dir: &Path, wanted: Wanted, out: &mut impl Write) -> Result<(), Failure> {
    if wanted == Wanted::Key {
        let secret = secret(state_dir)?;
        return written(writeln!(out, "{}", secret.cosigner_key()));
    }
    let verified = Source::open(state_dir)?.checkpoint()?;
    let secret = secret(state_dir)?;
    let hint = "check this host's clock";
    let line = secret
        .cosign(&verified, SystemClock.now().as_ms() / 1_000)
        .map_err(|error| Failure::new(Status::Software, error, hint))?;
    if wanted == Wanted::Line {
        return written(writeln!(out, "{}", line.to_line()));
    }
    let mut signed = verified.signed().clone();
    signed.add_signature(line).map_err(|error| Failure::new(Status::Software, error, ""))?;
    written(out.write_all(signed.as_bytes()))
}

/// Reads this host's cosigning key, or makes it.
fn secret(state_dir: &Path) -> Result<CosignerSecret, Failure> {
    let path = state_dir.join(KEY_FILE);
    let unusable = |error: &dyn std::fmt::Display| {
        let hint = "move the file away: a new key is another witness, which policies have to name";
        Failure::new(Status::InputOutput, format_args!("cannot use {}: {error}", path.display()), hint)
    };
    match std::fs::read(&path).map(Zeroizing::new) {
        Ok(bytes) => {
            let text = std::str::from_utf8(&bytes).map_err(|error| unusable(&error))?;
            CosignerSecret::from_secret_text(text.trim_end()).map_err(|error| unusable(&error))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let uname = rustix::system::uname();
            let name = format!("{}/lydian-agent", uname.nodename().to_string_lossy());
            let name = KeyName::new(name).map_err(|error| unusable(&error))?;
            let mut seed = Zeroizing::new([0; 32]);
            getrandom::fill(seed.as_mut()).map_err(|error| unusable(&error))?;
            let secret = CosignerSecret::from_seed(name, &seed);
            let text = Zeroizing::new(format!("{}\n", secret.to_secret_text()));
            durable::write(&path, text.as_bytes()).map_err(|error| Failure::file(&path, &error))?;
            Ok(secret)
        }
        Err(error) => Err(Failure::file(&path, &error)),
    }
}

const KEY_FILE: &str = "cosigner.key";
