//! How the program ends when it cannot go on: words, a hint, and an exit status.
//!
//! In: an error of any part. Out: two lines on stderr and a status of sysexits(3), so that whoever starts the agent can
//! tell what to mend without reading.

use std::fmt;
use std::io;
use std::path::Path;
use std::process::ExitCode;

use crate::config::ConfigError;
use crate::journal::JournalError;
use crate::measure::MeasureError;
use crate::quote::TpmError;
use crate::receipt::ReceiptError;
use crate::submit::ClientError;

/// Why the program ends, told to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    message: String,
    hint: String,
    status: Status,
}

/// Exit statuses, after sysexits(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// 1: the agent is not healthy (`status`).
    Unhealthy,
    /// 2: the command line makes no sense; for `has`, any failure.
    Usage,
    /// 69: the TPM or the verifier is not to be had.
    Unavailable,
    /// 70: a fault of this program.
    Software,
    /// 74: a file system failed.
    InputOutput,
    /// 77: not permitted, here or by the verifier.
    NoPermission,
    /// 78: the configuration, or the host is not enrolled.
    Configuration,
}

impl Status {
    /// The number.
    pub const fn code(self) -> u8 {
        match self {
            Self::Unhealthy => 1,
            Self::Usage => 2,
            Self::Unavailable => 69,
            Self::Software => 70,
            Self::InputOutput => 74,
            Self::NoPermission => 77,
            Self::Configuration => 78,
        }
    }
}

/// The table for `--help`.
pub const HELP: &str = "\
Exit status:
   0  done; for `status`: the agent is healthy; for `has`: all are here now
   1  `status`: the agent is not healthy; `has`: one is not here now
   2  wrong usage; for `has`: any error
  69  the TPM or the verifier cannot be reached, or gave no usable answer
  70  a fault of this program
  74  a file or the state directory could not be read or written
  77  not permitted: by this system, or refused by the verifier
  78  the configuration is wrong, or the host is not enrolled";

impl Failure {
    /// A failure with its hint; an empty hint is left out.
    pub fn new(status: Status, message: impl fmt::Display, hint: impl Into<String>) -> Self {
        Self { message: message.to_string(), hint: hint.into(), status }
    }

    /// The same failure with this hint, where it has none.
    #[must_use]
    pub fn or_hint(self, hint: &str) -> Self {
        if self.hint.is_empty() { Self { hint: hint.to_owned(), ..self } } else { self }
    }

    /// The same failure with another exit status.
    #[must_use]
    pub fn with_status(self, status: Status) -> Self {
        Self { status, ..self }
    }

    /// A file that could not be used.
    pub fn file(path: &Path, error: &io::Error) -> Self {
        let status = io_status(Some(error.kind()));
        Self::new(status, format_args!("{}: {error}", path.display()), "")
    }

    /// The exit status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// What went wrong.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What may help; empty where nothing is known to.
    pub fn hint(&self) -> &str {
        &self.hint
    }

    /// Tells it on stderr.
    pub fn report(&self) -> ExitCode {
        use io::Write as _;

        let mut stderr = io::stderr().lock();
        // Where stderr is closed, the status has to do.
        let _ = writeln!(stderr, "error: {}", self.message);
        if !self.hint.is_empty() {
            let _ = writeln!(stderr, "hint: {}", self.hint);
        }
        ExitCode::from(self.status.code())
    }
}

const fn io_status(kind: Option<io::ErrorKind>) -> Status {
    match kind {
        Some(io::ErrorKind::PermissionDenied) => Status::NoPermission,
        _ => Status::InputOutput,
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        let status = match &error {
            ConfigError::Unreadable { source, .. } if source.kind() == io::ErrorKind::PermissionDenied => {
                Status::NoPermission
            }
            _ => Status::Configuration,
        };
        Self::new(status, &error, error.hint())
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        Self::new(io_status(error.io_kind()), &error, error.hint())
    }
}

impl From<TpmError> for Failure {
    fn from(error: TpmError) -> Self {
        let status = match &error {
            TpmError::Address { .. } => Status::Configuration,
            TpmError::Record { .. } => Status::InputOutput,
            _ => Status::Unavailable,
        };
        Self::new(status, &error, error.hint())
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let status = match &error {
            ClientError::Authority { .. } | ClientError::Client { .. } => Status::Configuration,
            ClientError::Refused(problem) if problem.status < 500 && problem.code != "rate-limited" => {
                Status::NoPermission
            }
            _ => Status::Unavailable,
        };
        Self::new(status, &error, error.hint())
    }
}

impl From<ReceiptError> for Failure {
    fn from(error: ReceiptError) -> Self {
        let message = format!("the verifier's receipt does not hold: {error}");
        Self::new(
            Status::Unavailable,
            message,
            "do not trust this verifier before somebody has looked into it",
        )
    }
}

impl From<MeasureError> for Failure {
    fn from(error: MeasureError) -> Self {
        Self::new(Status::Configuration, &error, "check [measure] in the configuration")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_help_names_every_status() {
        for status in [
            Status::Unhealthy,
            Status::Usage,
            Status::Unavailable,
            Status::Software,
            Status::InputOutput,
            Status::NoPermission,
            Status::Configuration,
        ] {
            assert!(HELP.contains(&format!("  {}  ", status.code())), "{status:?}");
        }
    }

    #[test]
    fn faults_are_told_apart_by_status() {
        let unreachable = TpmError::NotReachable { reason: "x".into() };
        assert_eq!(Failure::from(unreachable).status(), Status::Unavailable);
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        assert_eq!(Failure::file(Path::new("/x"), &denied).status(), Status::NoPermission);
        let full = io::Error::from(io::ErrorKind::StorageFull);
        let full = JournalError::Io { path: "/x".into(), source: full };
        assert_eq!(Failure::from(full).status(), Status::InputOutput);
    }
}
