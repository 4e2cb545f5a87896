//! Whose packages rpm, flatpak and snapd take.
//!
//! In: rings of keys, settings of repositories, snapd's assertions. Out: stores and sources. rpm also keeps keys in its own
//! database, which is not read here.
//= dnf.conf(5), flatpak-flatpakrepo(5); snapd asserts/assertstypes: account-key

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use evidence::asn1::decode_base64;
use evidence::principal::{Edge, Principal, PrincipalKind, Relation};
use evidence::settings::{Stanza, settings, stanzas, words};

use super::apt::ring;
use super::draft::{Draft, Yield, address, text};
use super::forms;
use super::limits::ASSERTIONS;
use super::look::Look;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let keys = look.tree("/etc/pki/rpm-gpg");
    let mut drafts = vec![ring(look, "rpm:keys", keys)];
    let mut repositories = Draft::sources("dnf");
    let mut files: Vec<PathBuf> =
        ["/etc/dnf/dnf.conf", "/etc/yum.conf", "/etc/zypp/zypp.conf"].map(Into::into).into();
    for directory in ["/etc/yum.repos.d", "/etc/zypp/repos.d", "/usr/share/dnf5/repos.d"] {
        files.extend(look.with_endings(directory, &[".repo"]));
    }
    for path in files {
        if let Some(found) = look.read(path) {
            repositories.add(found, repository);
        }
    }
    drafts.push(repositories);
    drafts.push(flatpak(look));
    drafts.push(snap(look));
    drafts
}

/// Who signs what of a repository, by its settings.
fn repository(bytes: &[u8]) -> Yield {
    const SHOWN: [&[u8]; 12] = [
        b"baseurl",
        b"mirrorlist",
        b"metalink",
        b"enabled",
        b"gpgkey",
        b"gpgcheck",
        b"repo_gpgcheck",
        b"pkg_gpgcheck",
        b"localpkg_gpgcheck",
        b"sslverify",
        b"sslcacert",
        b"type",
    ];
    let mut yielded = Yield::default();
    for setting in settings(bytes) {
        if SHOWN.contains(&setting.key) {
            let values: Vec<String> = words(&setting.value).map(address).collect();
            yielded.fact(&format!("{}.{}", text(setting.section), text(setting.key)), values.join(" "));
        }
    }
    yielded
}

fn flatpak(look: &mut Look<'_>) -> Draft {
    let rings = look.with_endings("/var/lib/flatpak/repo", &[".trustedkeys.gpg"]);
    let mut draft = ring(look, "flatpak", rings);
    for directory in ["/etc/flatpak/remotes.d", "/usr/share/flatpak/remotes.d"] {
        for path in look.with_endings(directory, &[".flatpakrepo"]) {
            if let Some(found) = look.read(path) {
                draft.add(found, remote);
            }
        }
    }
    draft
}

fn remote(bytes: &[u8]) -> Yield {
    let mut yielded = Yield::default();
    for setting in settings(bytes) {
        match setting.key {
            b"Url" => yielded.fact("url", address(&setting.value)),
            b"GPGVerify" => yielded.fact("gpg-verify", text(&setting.value)),
            b"GPGKey" => {
                let key = decode_base64(&setting.value).map(|key| forms::openpgp(&key, Relation::Trusts));
                yielded = yielded.with(key.unwrap_or_else(|| Yield::unparsed("GPGKey that is no base64")));
            }
            _ => {}
        }
    }
    yielded
}

fn snap(look: &mut Look<'_>) -> Draft {
    let mut draft = Draft::store("snap");
    draft.whole.fact("keys-of-the-store", "built into snapd, and not in these files");
    let mut files = Vec::new();
    for kind in ["account-key", "model", "store", "serial"] {
        files.extend(look.tree(format!("/var/lib/snapd/assertions/asserts-v0/{kind}")));
    }
    if files.is_empty() {
        return Draft::store("snap");
    }
    if files.len() > ASSERTIONS {
        draft.whole.fact("left-out", files.len().saturating_sub(ASSERTIONS));
    }
    for path in files.into_iter().take(ASSERTIONS) {
        if let Some(found) = look.read(path) {
            draft.add(found, assertion);
        }
    }
    draft
}

/// The headers of an assertion: what it is, of whose key, signed by which.
fn assertion(bytes: &[u8]) -> Yield {
    let Some(headers) = stanzas(bytes).next() else { return Yield::unparsed("no headers") };
    let mut yielded = Yield::default();
    for header in ["type", "account-id", "name", "authority-id", "brand-id", "model", "since", "until"] {
        if let Some(value) = headers.field(header) {
            yielded.fact(header, text(&value));
        }
    }
    let is_key = headers.field("type").is_some_and(|kind| *kind == *b"account-key");
    let owner = headers.field("account-id").map(|id| text(&id)).unwrap_or_default();
    let listed = snap_key(&headers, "public-key-sha3-384").filter(|_| is_key);
    let signer = snap_key(&headers, "sign-key-sha3-384");
    if signer.is_none() {
        yielded.fact("unparsed", "no sign-key-sha3-384");
    }
    let listed = listed.map(|key| Edge::new(Relation::Trusts, vec![key], &owner));
    let signer = signer.map(|key| Edge::new(Relation::SignedBy, vec![key], ""));
    yielded.edges = listed.into_iter().chain(signer).collect();
    yielded
}

fn snap_key(headers: &Stanza<'_>, name: &str) -> Option<Principal> {
    let id = URL_SAFE_NO_PAD.decode(&*headers.field(name)?).ok()?;
    Principal::new(PrincipalKind::SnapKey, &id).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_key_is_trusted_and_signed() {
        let key = |byte: u8| URL_SAFE_NO_PAD.encode([byte; 48]);
        let text = format!(
            "type: account-key\naccount-id: canonical\npublic-key-sha3-384: {}\nsign-key-sha3-384: {}\n\nAcbB\n\nsig\n",
            key(1),
            key(2)
        );
        let yielded = assertion(text.as_bytes());
        let found: Vec<_> =
            yielded.edges.iter().map(|edge| (edge.relation, edge.principals[0].id()[0])).collect();
        assert_eq!(found, [(Relation::Trusts, 1), (Relation::SignedBy, 2)]);
        assert_eq!(yielded.edges[0].label, "canonical");
    }

    #[test]
    fn a_repository_keeps_no_password() {
        let text = b"[a]\nbaseurl=https://u:p@h/x\n https://i/y\ngpgcheck=0\npassword=secret\n";
        let facts: Vec<_> = repository(text).facts.into_iter().collect();
        let expected = [("a.baseurl", "https://\u{2026}@h/x https://i/y"), ("a.gpgcheck", "0")];
        assert_eq!(facts, expected.map(|(key, value)| (key.to_owned(), value.to_owned())));
    }
}
