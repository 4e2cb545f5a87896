//! Every error as a person gets to see it: what went wrong, and what helps.
//!
//! In: errors of libraries, of the system and of a verifier. Out: [`CliError`]. This is the only place where other
//! crates' errors become sentences.

use std::error::Error as StdError;
use std::io;
use std::path::Path;

use wire::Problem;

/// At whose door an error lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What was asked for cannot be done so.
    Usage,
    /// The profile is wrong or incomplete.
    Configuration,
    /// A file cannot be read or written.
    File,
    /// A file or value is not what it should be.
    Input,
    /// The verifier cannot be reached or is not the one expected.
    Connection,
    /// The verifier answered something that cannot be understood.
    Reply,
    /// The verifier said no.
    Refused,
    /// The output cannot be written.
    Output,
}

/// An error with its hints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CliError {
    /// At whose door it lies.
    pub(crate) kind: Kind,
    /// What went wrong.
    pub(crate) message: String,
    /// What helps; each a sentence.
    pub(crate) hints: Vec<String>,
}

/// The message alone; the hints are for whoever shows the whole of it.
impl std::fmt::Display for CliError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl StdError for CliError {}

impl CliError {
    /// An error without hints.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), hints: Vec::new() }
    }

    /// Adds a hint; an empty one adds nothing.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        let hint = hint.into();
        if !hint.is_empty() {
            self.hints.push(hint);
        }
        self
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let (path, cause) = (path.display(), plain(error));
        let new = Self::new(Kind::File, format!("{path}: {cause}"));
        match error.kind() {
            io::ErrorKind::NotFound => {
                new.hint("check the path; `-` reads standard input where a command says so")
            }
            io::ErrorKind::PermissionDenied => new
                .hint("the kernel's measurement logs are readable by root alone: copy them with sudo first"),
            _ => new,
        }
    }

    /// A file with more bytes than are read.
    pub(crate) fn too_long(path: &Path, limit: usize) -> Self {
        Self::new(Kind::Input, format!("{}: more than {limit} bytes", path.display()))
            .hint("this is not what the command reads, or it is damaged")
    }

    /// A file that should hold text.
    pub(crate) fn not_text(path: &Path) -> Self {
        Self::new(Kind::Input, format!("{}: not UTF-8 text", path.display()))
    }

    /// Bytes of a file that are not what they should be.
    pub(crate) fn input(path: &Path, error: impl std::fmt::Display) -> Self {
        Self::new(Kind::Input, format!("{}: {error}", path.display()))
    }

    /// A value that is not what it should be.
    pub(crate) fn value(what: &str, error: impl std::fmt::Display) -> Self {
        Self::new(Kind::Usage, format!("{what}: {error}"))
    }

    /// Something is missing or wrong in the configuration.
    pub(crate) fn configuration(message: impl Into<String>) -> Self {
        Self::new(Kind::Configuration, message)
    }

    /// The output cannot be written.
    pub(crate) fn output(error: &dyn StdError) -> Self {
        Self::new(Kind::Output, format!("cannot write the output: {error}"))
    }

    /// An answer that cannot be understood.
    pub(crate) fn reply(message: impl Into<String>) -> Self {
        Self::new(Kind::Reply, message)
            .hint("is this the address of a Lydian verifier? `lydian version` shows what answers there")
    }

    /// A verifier of another protocol.
    pub(crate) fn protocol(found: &str) -> Self {
        let ours = wire::PROTOCOL_VERSION;
        Self::new(Kind::Reply, format!("the verifier speaks protocol {found}, this program speaks {ours}"))
            .hint("use the version of `lydian` that came with the verifier")
    }

    /// A verifier's no.
    pub(crate) fn problem(problem: &Problem) -> Self {
        let new = Self::new(Kind::Refused, format!("{} ({})", problem.detail, problem.code));
        match problem.code.as_str() {
            "unauthorised" => {
                new.hint("the token is missing, wrong, expired or revoked: an admin makes one with `lydian token create`")
            }
            "forbidden" => new.hint("the token's scope is not enough: read < enrol < admin"),
            "protocol-version" => new.hint("use the version of `lydian` that came with the verifier"),
            "rate-limited" | "overloaded" => new.hint("try again in a minute"),
            _ => new,
        }
        .hint(problem.hint.clone())
    }

    /// A request that came to no answer.
    pub(crate) fn connection(url: &reqwest::Url, error: &reqwest::Error) -> Self {
        let place = url.origin().ascii_serialization();
        let (what, hint) = connection_cause(error);
        Self::new(Kind::Connection, format!("cannot reach the verifier at {place}: {what}")).hint(hint)
    }
}

/// What lies at the bottom of a failed request, and what helps.
fn connection_cause(error: &reqwest::Error) -> (String, &'static str) {
    let mut bottom: &dyn StdError = error;
    let mut cause: Option<&dyn StdError> = Some(error);
    while let Some(at) = cause {
        bottom = at;
        if let Some(tls) = at.downcast_ref::<rustls::Error>() {
            return (tls.to_string(), tls_hint(tls));
        }
        // What an `io::Error` wraps is not its `source`.
        cause = match at.downcast_ref::<io::Error>() {
            None => at.source(),
            Some(io) => match io.get_ref() {
                None => return (plain(io), io_hint(io.kind())),
                Some(within) => Some(within),
            },
        };
    }
    if error.is_timeout() {
        return ("it does not answer in time".to_owned(), "is it overloaded, or is a firewall between?");
    }
    (bottom.to_string(), "check --url, and that the verifier runs")
}

fn tls_hint(error: &rustls::Error) -> &'static str {
    use rustls::CertificateError as Bad;
    match error {
        rustls::Error::InvalidCertificate(Bad::UnknownIssuer | Bad::BadSignature) => {
            "its certificate is not from the CA given with --ca: wrong CA file, or not your verifier"
        }
        rustls::Error::InvalidCertificate(Bad::NotValidForName | Bad::NotValidForNameContext { .. }) => {
            "its certificate is for another name: use the name that is in the certificate in --url"
        }
        rustls::Error::InvalidCertificate(Bad::Expired | Bad::ExpiredContext { .. }) => {
            "its certificate has expired, or this machine's clock is wrong"
        }
        rustls::Error::InvalidMessage(_) => "what answers there does not speak TLS",
        _ => "the verifier and this program could not agree on TLS 1.3",
    }
}

const fn io_hint(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => {
            "nothing listens there: is the verifier running, and the port right?"
        }
        io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
            "it hung up: is it really the verifier's port?"
        }
        io::ErrorKind::TimedOut => "is a firewall between?",
        _ => "check --url, and that the verifier runs",
    }
}

/// The system's sentence without its number.
fn plain(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    let text = text.get(..end).unwrap_or(&text);
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(code: &str, hint: &str) -> CliError {
        CliError::problem(&Problem {
            status: 403,
            code: code.into(),
            detail: "no".into(),
            hint: hint.into(),
            resume: None,
        })
    }

    #[test]
    fn system_errors_read_as_sentences() {
        let error = CliError::file(Path::new("/x"), &io::Error::from_raw_os_error(2));
        assert_eq!(error.message, "/x: no such file or directory");
        assert_eq!(error.kind, Kind::File);
    }

    #[test]
    fn the_verifier_s_hint_comes_along() {
        assert_eq!(problem("unauthorised", "").hints.len(), 1);
        assert_eq!(problem("forbidden", "ask Ann").hints.last().map(String::as_str), Some("ask Ann"));
        assert_eq!(problem("not-found", "").hints, [""; 0]);
    }

    #[test]
    fn wrong_certificates_are_told_apart() {
        use rustls::{CertificateError, Error};
        let hint = |bad| tls_hint(&Error::InvalidCertificate(bad));
        assert!(hint(CertificateError::UnknownIssuer).contains("--ca"));
        assert!(hint(CertificateError::NotValidForName).contains("another name"));
        assert!(hint(CertificateError::Expired).contains("clock"));
    }
}
