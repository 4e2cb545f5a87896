//! Whose container images are taken.
//!
//! In: `policy.json` with the keys that it names, lookaside settings, and authorities of registries. Out: a component for the
//! host and one for each account that has settings of its own. Docker's trust of an account is named with its digest only.
//= containers-policy.json(5), containers-registries.d(5), containers-certs.d(5)

use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use evidence::asn1::decode_base64;
use evidence::json::Value;
use evidence::principal::{KeyringUse, Relation};

use super::draft::{Draft, Yield, text};
use super::forms;
use super::look::Look;
use super::sshd::accounts;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let mut host = Draft::store("containers");
    settings(look, &mut host, Path::new("/etc/containers"));
    for path in look.with_endings("/usr/share/containers", &["policy.json"]) {
        policy(look, &mut host, &path);
    }
    let mut registries = Draft::store("containers:registries");
    for directory in ["/etc/docker/certs.d", "/etc/containers/certs.d"] {
        for path in look.tree(directory) {
            // `*.cert` and `*.key` beside an authority are this host's own.
            if path.as_os_str().as_bytes().ends_with(b".crt")
                && let Some(found) = look.read(&path)
            {
                registries.add(found, |bytes| forms::certificates(bytes, Relation::Trusts, KeyringUse::None));
            }
        }
    }
    let mut drafts = vec![host, registries];
    for account in accounts(look) {
        let mut draft = Draft::store(format!("containers:{}", text(&account.name)));
        settings(look, &mut draft, &account.home.join(".config/containers"));
        for path in look.tree(account.home.join(".docker/trust/tuf")) {
            if path.file_name().is_some_and(|name| name == "root.json")
                && let Some(found) = look.read(&path)
            {
                draft.add(found, |_| Yield::unparsed("a root of The Update Framework"));
            }
        }
        drafts.push(draft);
    }
    drafts
}

fn settings(look: &mut Look<'_>, draft: &mut Draft, directory: &Path) {
    policy(look, draft, &directory.join("policy.json"));
    for path in look.with_endings(directory.join("registries.d"), &[".yaml"]) {
        if let Some(found) = look.read(path) {
            draft.add(found, |_| Yield::unparsed("settings in YAML: where signatures lie"));
        }
    }
}

/// A policy, and the files of keys that it names.
fn policy(look: &mut Look<'_>, draft: &mut Draft, path: &Path) {
    let Some(found) = look.read(path) else { return };
    let mut keys = Vec::new();
    draft.add(found, |bytes| match Value::parse(bytes) {
        Ok(value) => rules(value, &mut keys),
        Err(error) => Yield::unparsed(error),
    });
    for key in keys {
        if let Some(found) = look.read(key) {
            draft.add(found, |bytes| forms::any_key(bytes, Relation::Trusts));
        }
    }
}

/// What each scope asks for.
fn rules(policy: Value<'_>, keys: &mut Vec<PathBuf>) -> Yield {
    let mut yielded = Yield::default();
    let mut scope = |name: &str, requirements: Value<'_>, yielded: &mut Yield| {
        let mut shown = Vec::new();
        for requirement in requirements.items().into_iter().flatten() {
            shown.push(
                requirement
                    .member("type")
                    .and_then(Value::text)
                    .map_or_else(|| "?".to_owned(), |kind| kind.decode().into_owned()),
            );
            named(requirement, keys, yielded);
        }
        yielded.fact(name, shown.join(" "));
    };
    if let Some(default) = policy.member("default") {
        scope("default", default, &mut yielded);
    }
    for (transport, scopes) in policy.member("transports").and_then(Value::members).into_iter().flatten() {
        for (name, requirements) in scopes.members().into_iter().flatten() {
            scope(&format!("{} {}", transport.decode(), name.decode()), requirements, &mut yielded);
        }
    }
    yielded
}

/// Keys and authorities of one requirement, by their paths or whole.
fn named(requirement: Value<'_>, keys: &mut Vec<PathBuf>, yielded: &mut Yield) {
    let parts = ["fulcio", "pki"].into_iter().filter_map(|part| requirement.member(part));
    for part in std::iter::once(requirement).chain(parts) {
        for (member, value) in part.members().into_iter().flatten() {
            let member = member.decode();
            let many = value.items().into_iter().flatten().chain(std::iter::once(value));
            let texts = many.filter_map(|value| value.text().map(|text| text.decode().into_owned()));
            if member.ends_with("Path") || member.ends_with("Paths") {
                keys.extend(texts.map(PathBuf::from));
            } else if member.ends_with("Data") || member.ends_with("Datas") {
                for data in texts {
                    let key =
                        decode_base64(data.as_bytes()).map(|key| forms::any_key(&key, Relation::Trusts));
                    let key = key.unwrap_or_else(|| Yield::unparsed(format!("{member} that is no base64")));
                    *yielded = std::mem::take(yielded).with(key);
                }
            }
        }
    }
}
