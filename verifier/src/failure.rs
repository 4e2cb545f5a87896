//! How a command ends that cannot do its work: one sentence, a hint, and an exit status after `sysexits.h`.

use std::fmt;
use std::process::ExitCode;

/// Why a command failed, for the person or service manager that started it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    exit: Exit,
    message: String,
    hint: String,
}

/// What kind of failure it was: the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// 69: something that is needed is not to be had, such as the port.
    Unavailable = 69,
    /// 70: a fault in this program, or damaged data.
    Software = 70,
    /// 74: reading or writing failed, such as on a full disk.
    Io = 74,
    /// 77: a file's permissions, or the user's.
    Permission = 77,
    /// 78: the configuration.
    Config = 78,
}

impl Failure {
    /// A failure without a hint.
    pub fn new(exit: Exit, message: impl fmt::Display) -> Self {
        Self { exit, message: message.to_string(), hint: String::new() }
    }

    /// The same with what the reader can do about it.
    #[must_use]
    pub fn hint(self, hint: impl fmt::Display) -> Self {
        Self { hint: hint.to_string(), ..self }
    }

    /// The same with a hint where there is none yet.
    #[must_use]
    pub fn or_hint(self, hint: impl fmt::Display) -> Self {
        if self.hint.is_empty() { self.hint(hint) } else { self }
    }

    /// The exit status.
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The status for `main` to return.
    pub fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.exit as u8)
    }

    /// A failed read or write of `what`.
    pub fn io(what: impl fmt::Display, error: &std::io::Error) -> Self {
        use std::io::ErrorKind;
        let failure = |exit| Self::new(exit, format_args!("{what}: {error}"));
        match error.kind() {
            ErrorKind::PermissionDenied => {
                failure(Exit::Permission).hint("run it as the user that owns the state directory")
            }
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
                failure(Exit::Io).hint("free some disk space")
            }
            _ => failure(Exit::Io),
        }
    }
}

/// `error:` and, where there is one, `hint:`, each on its line.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.message)?;
        if self.hint.is_empty() { Ok(()) } else { write!(f, "\nhint: {}", self.hint) }
    }
}

impl std::error::Error for Failure {}
