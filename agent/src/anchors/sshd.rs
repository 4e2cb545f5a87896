//! Whose keys open the host over SSH, and whose host keys its users believe.
//!
//! In: sshd's configuration with all that it includes and names, every local account's files. Out: components: the
//! configuration, the host's own keys, authorities, and each account's keys. Accounts of a directory service, and keys that
//! a command gives (`AuthorizedKeysCommand`), are not in these files; the command is a fact.
//= sshd_config(5), sshd(8)

use std::collections::BTreeSet;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::path::{Path, PathBuf};

use evidence::principal::Relation;
use evidence::settings::{directives, lines};

use super::draft::{Draft, Yield, text};
use super::forms;
use super::limits::{ACCOUNTS, INCLUDE_DEPTH};
use super::look::Look;
use super::root::UnreadCause;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let mut server = Server { draft: Draft::store("ssh:configuration"), ..Server::default() };
    server.read(look, Path::new("/etc/ssh/sshd_config"), INCLUDE_DEPTH);
    let Server { draft, authorities, revoked, host_keys, host_certificates, mut key_files, .. } = server;
    if !server.overrides_default {
        key_files.extend([b".ssh/authorized_keys".to_vec(), b".ssh/authorized_keys2".to_vec()]);
    }
    let mut drafts = vec![draft, own_keys(look, &host_keys, host_certificates)];
    drafts.push(lists(look, "ssh:user-authorities", &authorities, Relation::Trusts));
    drafts.push(lists(look, "ssh:revoked-keys", &revoked, Relation::Revokes));
    drafts.push(known_hosts(
        look,
        "ssh:known-hosts",
        &["/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"],
    ));
    for account in accounts(look) {
        let paths: Vec<PathBuf> = key_files.iter().filter_map(|pattern| account.path(pattern)).collect();
        drafts.push(lists(
            look,
            &format!("ssh:authorized-keys:{}", text(&account.name)),
            &paths,
            Relation::Trusts,
        ));
        let hosts = [account.home.join(".ssh/known_hosts"), account.home.join(".ssh/known_hosts2")];
        drafts.push(known_hosts(look, &format!("ssh:known-hosts:{}", text(&account.name)), &hosts));
    }
    drafts
}

fn lists(look: &mut Look<'_>, name: &str, paths: &[PathBuf], relation: Relation) -> Draft {
    let mut draft = Draft::store(name);
    for path in paths {
        if let Some(found) = look.read(path) {
            draft.add(found, |bytes| {
                if bytes.starts_with(b"SSHKRL\n") {
                    Yield::unparsed("a binary list of revoked keys")
                } else {
                    forms::authorized_keys(bytes, relation)
                }
            });
        }
    }
    draft
}

fn known_hosts(look: &mut Look<'_>, name: &str, paths: &[impl AsRef<Path>]) -> Draft {
    let mut draft = Draft::store(name);
    for path in paths {
        if let Some(found) = look.read(path) {
            draft.add(found, forms::known_hosts);
        }
    }
    draft
}

/// The public halves of the host's keys; the private ones are never opened.
fn own_keys(look: &mut Look<'_>, keys: &[PathBuf], certificates: Vec<PathBuf>) -> Draft {
    let mut paths = look.with_endings("/etc/ssh", &["_key.pub", "_key-cert.pub"]);
    paths.retain(|path| path.file_name().is_some_and(|name| name.as_bytes().starts_with(b"ssh_host_")));
    for key in keys {
        let mut name = key.clone().into_os_string();
        if !name.as_bytes().ends_with(b".pub") {
            name.push(".pub");
        }
        paths.push(name.into());
    }
    paths.extend(certificates.into_iter().filter(|path| path.as_os_str().as_bytes().ends_with(b".pub")));
    let mut draft = lists(look, "ssh:host-keys", &paths, Relation::Trusts);
    if !draft.is_empty() {
        draft.whole.fact("keys-are", "the host's own");
    }
    draft
}

/// sshd's configuration as far as it is about keys.
#[derive(Debug)]
struct Server {
    draft: Draft,
    authorities: Vec<PathBuf>,
    revoked: Vec<PathBuf>,
    host_keys: Vec<PathBuf>,
    host_certificates: Vec<PathBuf>,
    key_files: Vec<Vec<u8>>,
    /// Whether one stands outside of every `Match`; where none does, the default is for all others.
    overrides_default: bool,
    read: BTreeSet<PathBuf>,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            draft: Draft::store(""),
            authorities: Vec::new(),
            revoked: Vec::new(),
            host_keys: Vec::new(),
            host_certificates: Vec::new(),
            key_files: Vec::new(),
            overrides_default: false,
            read: BTreeSet::new(),
        }
    }
}

impl Server {
    fn read(&mut self, look: &mut Look<'_>, path: &Path, depth: usize) {
        // A file that includes itself would be read without an end.
        if !self.read.insert(path.to_owned()) {
            return;
        }
        let Some(found) = look.read(path) else { return };
        let (mut yielded, mut within, mut included) = (Yield::default(), String::new(), Vec::new());
        for (number, directive) in (1_usize..).zip(directives(found.bytes.as_deref().unwrap_or_default())) {
            let directive = match directive {
                Ok(directive) => directive,
                Err(error) => {
                    yielded.fact("unparsed", error);
                    continue;
                }
            };
            let words: Vec<String> = directive.words.iter().map(|word| text(word)).collect();
            if directive.is("Match") {
                within = format!(" (where {})", words.join(" "));
            } else if directive.is("Include") {
                included.extend(directive.words.iter().map(|word| word.to_vec()));
            } else {
                self.take(directive.keyword, &directive.words);
                self.overrides_default |= within.is_empty() && directive.is("AuthorizedKeysFile");
            }
            if SHOWN.iter().any(|shown| directive.is(shown)) {
                let key = format!("{}.{number}", text(directive.keyword).to_ascii_lowercase());
                yielded.fact(&key, format!("{}{within}", words.join(" ")));
            }
        }
        self.draft.add(found, |_| yielded);
        let Some(depth) = depth.checked_sub(1) else { return look.unread(path, UnreadCause::TooMany) };
        for pattern in included {
            for path in glob(look, &pattern) {
                self.read(look, &path, depth);
            }
        }
    }

    fn take(&mut self, keyword: &[u8], words: &[&[u8]]) {
        let paths = words.iter().filter(|word| !word.eq_ignore_ascii_case(b"none"));
        let absolute = paths.clone().map(|word| PathBuf::from(std::ffi::OsStr::from_bytes(word)));
        match &keyword.to_ascii_lowercase()[..] {
            b"trustedusercakeys" => self.authorities.extend(absolute),
            b"revokedkeys" => self.revoked.extend(absolute),
            b"hostkey" => self.host_keys.extend(absolute),
            b"hostcertificate" => self.host_certificates.extend(absolute),
            b"authorizedkeysfile" => self.key_files.extend(paths.map(|word| word.to_vec())),
            _ => {}
        }
    }
}

/// What is shown of the configuration: who may log in with what.
const SHOWN: [&str; 17] = [
    "AuthorizedKeysCommand",
    "AuthorizedKeysCommandUser",
    "AuthorizedKeysFile",
    "AuthorizedPrincipalsCommand",
    "AuthorizedPrincipalsFile",
    "CASignatureAlgorithms",
    "HostCertificate",
    "HostKey",
    "HostKeyAgent",
    "Include",
    "Match",
    "PasswordAuthentication",
    "PermitRootLogin",
    "PubkeyAcceptedAlgorithms",
    "PubkeyAuthentication",
    "RevokedKeys",
    "TrustedUserCAKeys",
];

/// Files that an `Include` names; wildcards in the last part alone, as configurations have them.
fn glob(look: &mut Look<'_>, pattern: &[u8]) -> Vec<PathBuf> {
    let path = Path::new("/etc/ssh").join(std::ffi::OsStr::from_bytes(pattern));
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Vec::new() };
    if !name.as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
        return vec![path];
    }
    if directory.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
        look.unread(&path, UnreadCause::TooMany);
        return Vec::new();
    }
    let mut paths = look.list(directory);
    paths.retain(|path| matches(name.as_bytes(), path.file_name().unwrap_or_default().as_bytes()));
    paths
}

/// Whether a name fits a pattern of `*` and `?`; a leading dot is only fitted by one.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    // Where to go on after the last `*`: one byte further each time.
    let (mut at, mut pattern_at, mut star) = (0_usize, 0_usize, None);
    while let Some(byte) = name.get(at) {
        match pattern.get(pattern_at) {
            Some(b'*') => {
                star = Some((pattern_at, at));
                pattern_at = pattern_at.saturating_add(1);
                continue;
            }
            Some(wanted) if *wanted == b'?' || wanted == byte => {
                (at, pattern_at) = (at.saturating_add(1), pattern_at.saturating_add(1));
                continue;
            }
            _ => {}
        }
        let Some((star_at, from)) = star else { return false };
        (pattern_at, at) = (star_at.saturating_add(1), from.saturating_add(1));
        star = Some((star_at, at));
    }
    pattern.get(pattern_at..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// A local account.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) name: Vec<u8>,
    uid: Vec<u8>,
    pub(crate) home: PathBuf,
}

impl Account {
    /// A pattern of `AuthorizedKeysFile` for this account.
    //= sshd_config(5), TOKENS: %%, %h, %U, %u
    fn path(&self, pattern: &[u8]) -> Option<PathBuf> {
        let (mut path, mut rest) = (Vec::new(), pattern.iter());
        while let Some(byte) = rest.next() {
            match (byte, if *byte == b'%' { rest.next() } else { None }) {
                (b'%', Some(b'h')) => path.extend_from_slice(self.home.as_os_str().as_bytes()),
                (b'%', Some(b'u')) => path.extend_from_slice(&self.name),
                (b'%', Some(b'U')) => path.extend_from_slice(&self.uid),
                (b'%', Some(b'%')) => path.push(b'%'),
                (b'%', _) => return None,
                (byte, _) => path.push(*byte),
            }
        }
        Some(self.home.join(std::ffi::OsString::from_vec(path)))
    }
}

/// Local accounts, each home once.
pub(crate) fn accounts(look: &mut Look<'_>) -> Vec<Account> {
    let Some(found) = look.read("/etc/passwd") else { return Vec::new() };
    let bytes = found.bytes.unwrap_or_default();
    let mut accounts = Vec::new();
    for (_, line) in lines(&bytes) {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, uid, home) = (fields.next(), fields.nth(1), fields.nth(2));
        let (Some(name), Some(uid), Some(home)) = (name, uid, home) else { continue };
        if name.is_empty() || !home.starts_with(b"/") {
            continue;
        }
        if accounts.len() >= ACCOUNTS {
            look.unread("/etc/passwd".as_ref(), UnreadCause::TooMany);
            break;
        }
        let home = PathBuf::from(std::ffi::OsStr::from_bytes(home));
        accounts.push(Account { name: name.to_vec(), uid: uid.to_vec(), home });
    }
    accounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_names() {
        let check = |pattern: &str, name: &str, fits| {
            assert_eq!(matches(pattern.as_bytes(), name.as_bytes()), fits, "{pattern} {name}");
        };
        check("*.conf", "a.conf", true);
        check("*.conf", ".a.conf", false);
        check("*.conf", "a.conf.bak", false);
        check("*", "", true);
        check("a*b?c", "axxbbyc", true);
        check("a", "b", false);
    }

    #[test]
    fn tokens_are_replaced() {
        let account = Account { name: b"u".to_vec(), uid: b"7".to_vec(), home: "/home/u".into() };
        let check = |pattern: &str, path: Option<&str>| {
            assert_eq!(account.path(pattern.as_bytes()), path.map(PathBuf::from));
        };
        check(".ssh/authorized_keys", Some("/home/u/.ssh/authorized_keys"));
        check("/etc/keys/%u-%U%%", Some("/etc/keys/u-7%"));
        check("%h/k", Some("/home/u/k"));
        check("%x", None);
    }
}
