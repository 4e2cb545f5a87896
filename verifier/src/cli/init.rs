//! A new verifier, from nothing to the line that hosts join by.
//!
//! In: settings, or somebody at the terminal who is asked for them. Out: a configuration file that says them, authority, log key and
//! database in the state directory, an administrator's token and a join token. Whatever is there already stays.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use toml::Value;
use wire::operator::Scope;

use super::commands::{expiry, fingerprint, print, token_failure};
use super::{InitArgs, InitOutput, Settings};
use crate::clock::Clock;
use crate::config::{Config, DEFAULT_PATH, Overrides, RawConfig};
use crate::endorse::Endorser;
use crate::failure::{Exit, Failure};
use crate::files::{self, Audience};
use crate::limits::CONFIG_BYTES;
use crate::serve;
use crate::store;
use crate::store::action::Who;
use crate::store::token;

/// A setting and its value; without a section it is at the top.
type Setting = (Option<&'static str>, &'static str, Value);

pub(super) async fn run(settings: &Settings, arguments: &InitArgs) -> Result<(), Failure> {
    let path = settings.config.clone().unwrap_or_else(|| PathBuf::from(DEFAULT_PATH));
    let text = existing(&path)?;
    let config = parsed(&path, &text)?;
    let wanted = wanted(settings, arguments, &config)?;
    let text = wanted.iter().fold(text, |text, setting| with(&text, setting));
    let config = parsed(&path, &text).map_err(|failure| {
        failure.or_hint("the file could not take these settings; write them there by hand, and run this again without them")
    })?;
    serve::check_files(&config)?;
    write(&path, &text)?;

    let clock = Clock::system();
    let log_key = serve::prepare(&config, &clock).await?;
    let ca = fingerprint(&config)?;
    let mut db = store::open_existing(&config.database).await?;
    let (now, who) = (clock.now(), Who::command_line());
    let ends = expiry(now, ADMIN_TTL, ADMIN_TTL)?;
    let admin = token::create_operator(&mut db, &who, "init", Scope::Admin, now, ends).await;
    let admin = admin.map_err(token_failure)?;
    let ends = expiry(now, arguments.join_ttl, config.join_token_ttl_max)?;
    let join = token::create_join(&mut db, &who, "init", now, ends).await.map_err(token_failure)?;
    // A tidy end; everything is written.
    let _ = db.close().await;
    give_away(&config.state_dir)?;

    let url = url(&config);
    // A variable, since everybody on that host sees the words of a command.
    let enroll =
        format!("LYDIAN_JOIN_TOKEN={} lydian-agent enroll --url {url} --ca-fingerprint {ca}", join.secret);
    let shown = match arguments.output {
        InitOutput::Json => format!(
            "{}\n",
            json!({
                "config": path.display().to_string(), "url": url, "ca_fingerprint": ca.to_string(), "log_key": log_key.to_string(),
                "operator_token": admin.secret, "join_token": join.secret, "enroll": enroll,
            })
        ),
        InitOutput::Text => format!(
            "configuration    {}\n\
             state            {}\n\
             verifier         {url}\n\
             authority        {ca} (SHA-256 of `lydian-verifier ca`)\n\
             log              {log_key}\n\
             admin's token    {} (until {}; shown this once)\n\
             \n\
             Start it:          systemctl enable --now lydian-verifier\n\
             On the first host: {enroll}\n\
             On each other:     the same with a token of its own, from `lydian-verifier join-token create`\n",
            path.display(),
            config.state_dir.display(),
            admin.secret,
            admin.expires,
        ),
    };
    print(&shown)
}

fn existing(path: &Path) -> Result<String, Failure> {
    if !path.exists() {
        return Ok(String::new());
    }
    let bytes = files::read_trusted(path, CONFIG_BYTES)?;
    String::from_utf8(bytes).map_err(|error| invalid(path, &error))
}

fn parsed(path: &Path, text: &str) -> Result<Config, Failure> {
    let raw: RawConfig = toml::from_str(text).map_err(|error| invalid(path, &error))?;
    Config::new(raw, &Overrides::default())
}

fn invalid(path: &Path, why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Exit::Config, format_args!("{}: {why}", path.display()))
}

/// What is to be set: what was given, and what somebody at the terminal says.
fn wanted(settings: &Settings, arguments: &InitArgs, config: &Config) -> Result<Vec<Setting>, Failure> {
    let mut wanted: Vec<Setting> = Vec::new();
    let mut set = |section, key, value| wanted.push((section, key, value));
    let names = match settings.names.as_slice() {
        [] if config.names.is_empty() => {
            let own = rustix::system::uname().nodename().to_string_lossy().into_owned();
            let said = ask("Name or address by which hosts reach this verifier", Some(&own));
            vec![said.ok_or_else(|| {
                Failure::new(Exit::Config, "it is not known by what name hosts reach this verifier")
                    .hint("give it with --server-name verifier.example.com")
            })?]
        }
        names => names.to_vec(),
    };
    if !names.is_empty() {
        set(None, "names", Value::from(names));
    }
    if let Some(listen) = &settings.listen {
        set(None, "listen", Value::from(listen.as_str()));
    }
    if let Some(dir) = &settings.state_dir {
        set(None, "state-dir", absolute(dir)?);
    }
    if let Some(origin) = &settings.origin {
        set(Some("log"), "origin", Value::from(origin.as_str()));
    }
    if arguments.danger_first_use {
        set(Some("endorsement"), "policy", Value::from("danger-first-use"));
    } else if let Some(roots) = &arguments.ek_roots {
        set(Some("endorsement"), "policy", Value::from("require-chain"));
        set(Some("endorsement"), "roots", absolute(roots)?);
    } else if Endorser::open(&config.endorsement).is_err() {
        let said = ask("Bundle or folder of the TPM makers' certificates (EK roots)", None);
        let roots = said.ok_or_else(|| {
            Failure::new(Exit::Config, "it is not known whose TPMs are to be believed")
                .hint("give --ek-roots PATH (docs/ek-roots.md), or --danger-first-use for a first look")
        })?;
        set(Some("endorsement"), "roots", absolute(Path::new(&roots))?);
    }
    Ok(wanted)
}

/// The service is started somewhere else.
fn absolute(path: &Path) -> Result<Value, Failure> {
    let path = std::path::absolute(path).map_err(|error| Failure::io(path.display(), &error))?;
    let text = path.to_str().ok_or_else(|| {
        Failure::new(Exit::Config, format_args!("{}: a configuration holds text alone", path.display()))
    })?;
    Ok(Value::from(text))
}

/// What somebody at the terminal says; nothing where nobody is there.
fn ask(what: &str, default: Option<&str>) -> Option<String> {
    let (stdin, mut stderr) = (std::io::stdin(), std::io::stderr());
    if !stdin.is_terminal() || !stderr.is_terminal() {
        return None;
    }
    let shown = default.map_or(String::new(), |default| format!(" [{default}]"));
    // Nobody can be asked who cannot be shown the question.
    write!(stderr, "{what}{shown}: ").and_then(|()| stderr.flush()).ok()?;
    let mut line = String::new();
    stdin.lock().read_line(&mut line).ok()?;
    let said = line.trim();
    if said.is_empty() { default.map(str::to_owned) } else { Some(said.to_owned()) }
}

/// A configuration with a setting, its comments as they were: in the place of the setting's line or behind the line that shows its default,
/// otherwise at the end of its section.
fn with(text: &str, (section, key, value): &Setting) -> String {
    let setting = format!("{key} = {value}");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let is_header = |line: &str| line.trim_start().starts_with('[');
    let begin = if let Some(section) = section {
        let header = format!("[{section}]");
        let Some(at) = lines.iter().position(|line| line.trim() == header) else {
            lines.extend([header, setting]);
            return joined(&lines);
        };
        at + 1
    } else {
        0
    };
    let end = lines.iter().skip(begin).position(|line| is_header(line)).map_or(lines.len(), |at| begin + at);
    let names_it = |line: &str| {
        let rest = line.trim_start().strip_prefix(*key);
        rest.is_some_and(|rest| rest.trim_start().starts_with('='))
    };
    let shows_it = |line: &str| line.trim_start().strip_prefix("#:").is_some_and(names_it);
    let place = |fits: &dyn Fn(&str) -> bool| {
        let within = lines.iter().enumerate().take(end).skip(begin);
        within.filter(|(_, line)| fits(line)).map(|(at, _)| at).next()
    };
    match (place(&names_it), place(&shows_it)) {
        (Some(at), _) => {
            if let Some(line) = lines.get_mut(at) {
                *line = setting;
            }
        }
        (None, Some(at)) => lines.insert(at + 1, setting),
        (None, None) => lines.insert(end, setting),
    }
    joined(&lines)
}

fn joined(lines: &[String]) -> String {
    let mut text = lines.join("\n");
    text.push('\n');
    text
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    if let Some(dir) = path.parent().filter(|dir| !dir.as_os_str().is_empty()) {
        serve::make_public_dir(dir)?;
    }
    files::write_whole(path, text.as_bytes(), Audience::Everybody)
}

/// What root made in another user's directory is that user's: the service does not run as root.
fn give_away(dir: &Path) -> Result<(), Failure> {
    let failed = |path: &Path, error: &std::io::Error| Failure::io(path.display(), error);
    let owner = std::fs::metadata(dir).map_err(|error| failed(dir, &error))?;
    if !rustix::process::geteuid().is_root() || owner.uid() == 0 {
        return Ok(());
    }
    let mut dirs = vec![dir.to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(&dir).map_err(|error| failed(&dir, &error))? {
            let path = entry.map_err(|error| failed(&dir, &error))?.path();
            let kind = std::fs::symlink_metadata(&path).map_err(|error| failed(&path, &error))?;
            // A link's target may be anybody's.
            if kind.is_symlink() {
                continue;
            }
            chown(&path, Some(owner.uid()), Some(owner.gid())).map_err(|error| failed(&path, &error))?;
            if kind.is_dir() {
                dirs.push(path);
            }
        }
    }
    Ok(())
}

/// How hosts reach it.
fn url(config: &Config) -> String {
    let name = config.names.first().map_or("localhost", String::as_str);
    let name = if name.contains(':') { format!("[{name}]") } else { name.to_owned() };
    format!("https://{name}:{}", config.listen.port())
}

/// How long the first operator's token lasts: time to make others.
const ADMIN_TTL: Duration = Duration::from_secs(30 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const SHIPPED: &str = include_str!("../../../packaging/config/verifier.toml");

    #[track_caller]
    fn check(text: &str, setting: &Setting, expected: &str) {
        let set = with(text, setting);
        assert_eq!(set, expected);
        assert_eq!(with(&set, setting), expected, "twice is as once");
    }

    #[test]
    fn a_setting_stands_where_it_is_explained() {
        let names = (None, "names", Value::from(vec!["a"]));
        check("", &names, "names = [\"a\"]\n");
        check("#: names = [\"x\"]\n[log]\n", &names, "#: names = [\"x\"]\nnames = [\"a\"]\n[log]\n");
        check("names = [\"x\"]\n", &names, "names = [\"a\"]\n");
        check("[log]\n", &names, "names = [\"a\"]\n[log]\n");
        let origin = (Some("log"), "origin", Value::from("o/l"));
        check("listen = \"x\"\n", &origin, "listen = \"x\"\n[log]\norigin = \"o/l\"\n");
        check("origin = 1\n[log]\n[tls]\n", &origin, "origin = 1\n[log]\norigin = \"o/l\"\n[tls]\n");
    }

    #[test]
    fn the_shipped_file_takes_each_of_them() {
        let settings: [Setting; 6] = [
            (None, "names", Value::from(vec!["verifier.example.com"])),
            (None, "listen", Value::from("127.0.0.1:1")),
            (None, "state-dir", Value::from("/srv/lydian")),
            (Some("log"), "origin", Value::from("example.com/lydian")),
            (Some("endorsement"), "policy", Value::from("require-chain")),
            (Some("endorsement"), "roots", Value::from("/etc/roots")),
        ];
        let text = settings.iter().fold(SHIPPED.to_owned(), |text, setting| with(&text, setting));
        assert_eq!(text.lines().count(), SHIPPED.lines().count() + settings.len());
        let config = parsed(Path::new("x"), &text).unwrap();
        assert_eq!(config.names, ["verifier.example.com"]);
        assert_eq!(config.listen.port(), 1);
        assert_eq!(config.state_dir, Path::new("/srv/lydian"));
        assert_eq!(config.origin.unwrap().to_string(), "example.com/lydian");
        assert!(
            matches!(config.endorsement, crate::config::EndorsementPolicy::RequireChain { roots, .. } if roots == Path::new("/etc/roots"))
        );
    }
}
