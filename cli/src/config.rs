//! Which verifier, with which token, under which CA.
//!
//! In: options (which `clap` has merged with `LYDIAN_*` variables) and a file of profiles. Out: one checked
//! [`Connection`]; an option wins over a variable, and that over the profile. A profile's token goes to the profile's own
//! verifier and to no other. A file with tokens in it that others can read is refused.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::args::ConnectionArgs;
use crate::error::CliError;
use crate::files;
use crate::limits::CONFIG_BYTES;

/// Where a verifier is and who asks.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Connection {
    /// Its address: always `https`.
    pub(crate) url: reqwest::Url,
    /// The CA that vouches for it.
    pub(crate) ca: PathBuf,
    /// The operator's token; some requests need none.
    pub(crate) token: Option<String>,
}

/// A token never gets into a message.
impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("url", &self.url.as_str())
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

/// The file as it is written.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawConfig {
    /// Used where `--profile` is not given.
    default_profile: Option<String>,
    #[serde(default)]
    profile: BTreeMap<String, RawProfile>,
}

#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RawProfile {
    url: Option<String>,
    token: Option<String>,
    ca: Option<PathBuf>,
}

impl std::fmt::Debug for RawProfile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RawProfile").field("url", &self.url).field("ca", &self.ca).finish_non_exhaustive()
    }
}

impl Connection {
    /// The connection that options, variables and the file give.
    pub(crate) fn of(args: &ConnectionArgs) -> Result<Self, CliError> {
        let args = without_empty(args);
        let path = args.config.clone().or_else(default_path);
        let file = match &path {
            None => None,
            Some(path) => load(path, args.config.is_some())?,
        };
        resolve(&args, file, path.as_deref())
    }

    /// Whether an address is known at all.
    pub(crate) fn is_configured(args: &ConnectionArgs) -> bool {
        let args = without_empty(args);
        args.url.is_some()
            || args.profile.is_some()
            || args.config.is_some()
            || default_path().is_some_and(|path| path.exists())
    }
}

/// A variable that is set to nothing counts as not set.
fn without_empty(args: &ConnectionArgs) -> ConnectionArgs {
    let text = |value: &Option<String>| value.clone().filter(|text| !text.is_empty());
    let path = |value: &Option<PathBuf>| value.clone().filter(|path| !path.as_os_str().is_empty());
    ConnectionArgs {
        url: text(&args.url),
        token: text(&args.token),
        ca: path(&args.ca),
        profile: text(&args.profile),
        config: path(&args.config),
    }
}

/// `$XDG_CONFIG_HOME/lydian/config.toml`, by default under `~/.config`.
fn default_path() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")))?;
    Some(base.join("lydian/config.toml"))
}

fn load(path: &Path, named: bool) -> Result<Option<RawConfig>, CliError> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound && !named => return Ok(None),
        other => other.map_err(|error| CliError::file(path, &error))?,
    };
    let mode = file.metadata().map_err(|error| CliError::file(path, &error))?.permissions().mode();
    let bytes = files::read_all(file, path, CONFIG_BYTES)?;
    let text = String::from_utf8(bytes).map_err(|_| CliError::not_text(path))?;
    let config: RawConfig = toml::from_str(&text).map_err(|error| {
        CliError::configuration(format!("{}: {}", path.display(), where_and_what(&error, &text)))
    })?;
    let secret = config.profile.values().any(|profile| profile.token.is_some());
    if secret && mode & 0o077 != 0 {
        let message =
            format!("{} holds a token and others may read it (mode {:03o})", path.display(), mode & 0o777);
        return Err(CliError::configuration(message).hint(format!("chmod 600 {}", path.display())));
    }
    Ok(Some(config))
}

/// TOML's message with its line, and without its excerpt, which may show a token.
fn where_and_what(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    match before.map(|before| before.matches('\n').count().saturating_add(1)) {
        Some(line) => format!("line {line}: {}", error.message()),
        None => error.message().to_owned(),
    }
}

fn resolve(
    args: &ConnectionArgs,
    file: Option<RawConfig>,
    path: Option<&Path>,
) -> Result<Connection, CliError> {
    let profile = choose(args, file.unwrap_or_default(), path)?;
    let profile_url = profile.url.as_deref().map(parse_url).transpose()?;
    let (url, own) = match (&args.url, profile_url) {
        (Some(url), profile_url) => {
            let url = parse_url(url)?;
            let own = profile_url.is_some_and(|profile| profile == url);
            (url, own)
        }
        (None, Some(url)) => (url, true),
        (None, None) => return Err(no_url(path)),
    };
    let ca = args.ca.clone().or(profile.ca).ok_or_else(no_ca)?;
    let token = match &args.token {
        Some(token) => Some(files::value_or_file(token)?),
        None if own => profile.token,
        None => None,
    };
    Ok(Connection { url, ca, token })
}

fn choose(args: &ConnectionArgs, mut config: RawConfig, path: Option<&Path>) -> Result<RawProfile, CliError> {
    let (name, named) = match (&args.profile, config.default_profile) {
        (Some(name), _) => (name.clone(), true),
        (None, Some(name)) => (name, true),
        (None, None) => ("default".to_owned(), false),
    };
    match config.profile.remove(&name) {
        Some(profile) => Ok(profile),
        None if !named => Ok(RawProfile::default()),
        None => {
            let file =
                path.map_or_else(|| "no configuration file".to_owned(), |path| path.display().to_string());
            let known: Vec<String> = config.profile.into_keys().collect();
            let hint = if known.is_empty() {
                format!("add [profile.{name}] with url, ca and token to it")
            } else {
                format!("it has: {}", known.join(", "))
            };
            Err(CliError::configuration(format!("{file}: there is no profile {name}")).hint(hint))
        }
    }
}

fn parse_url(text: &str) -> Result<reqwest::Url, CliError> {
    let bad = |why: &str| {
        CliError::configuration(format!("the verifier's address {text:?} {why}"))
            .hint("an address looks like https://verifier.example:8443")
    };
    let url = reqwest::Url::parse(text).map_err(|error| bad(&format!("cannot be read: {error}")))?;
    if url.scheme() != "https" {
        return Err(bad("is not https"));
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() {
        return Err(bad("has a user name or query in it"));
    }
    Ok(url)
}

fn no_url(path: Option<&Path>) -> CliError {
    let new = CliError::configuration("no verifier is configured")
        .hint("give --url and --ca, or set LYDIAN_URL and LYDIAN_CA");
    match path {
        None => new,
        Some(path) => new.hint(format!("or write {} with [profile.default]: url, ca, token", path.display())),
    }
}

fn no_ca() -> CliError {
    CliError::configuration("no CA is given for the verifier")
        .hint("give --ca, set LYDIAN_CA, or add ca to the profile; the system's CAs are not trusted")
}

#[cfg(test)]
mod tests;
