//! Settings of the host that no measured log carries, as the agent reads them.
//!
//! In: the root of the file system. Out: claims, sorted by key. They are the agent's own word, sealed by a quote: root
//! can make the agent read anything. What cannot be read is left out; the host's machine id is given as a digest.

use std::fs;
use std::path::{Path, PathBuf};

use evidence::body::Claim;
use evidence::digest::Sha256Digest;
use evidence::limits::{BODY_CLAIMS, LONG_TEXT_BYTES};

/// Reads every setting below a root directory, `/` on a host.
pub fn read(root: &Path) -> Vec<Claim> {
    let text = |path: &str| line(&at(root, path));
    let mut claims: Vec<Claim> = [
        ("kernel.release", text("proc/sys/kernel/osrelease")),
        ("kernel.version", text("proc/sys/kernel/version")),
        ("kernel.command-line", text("proc/cmdline")),
        ("kernel.lockdown", text("sys/kernel/security/lockdown").as_deref().and_then(chosen)),
        ("kernel.module-signatures", text("sys/module/module/parameters/sig_enforce")),
        ("kernel.tainted", text("proc/sys/kernel/tainted")),
        ("host.name", text("proc/sys/kernel/hostname")),
        ("host.machine-id-sha256", text("etc/machine-id").as_deref().and_then(machine)),
        ("firmware.secure-boot", efi(root, "SecureBoot")),
        ("firmware.setup-mode", efi(root, "SetupMode")),
    ]
    .into_iter()
    .chain(os_release(root))
    .filter_map(|(key, value)| Some(Claim { key: key.to_owned(), value: value? }))
    .collect();
    claims.sort();
    claims.truncate(BODY_CLAIMS);
    claims
}

fn at(root: &Path, path: &str) -> PathBuf {
    root.join(path)
}

/// A file's text without the newline at its end, cut where a claim ends.
fn line(path: &Path) -> Option<String> {
    let bytes = fs::read(path).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let mut text = text.trim_end_matches(['\n', '\0']).to_owned();
    while text.len() > LONG_TEXT_BYTES {
        text.pop();
    }
    (!text.is_empty()).then_some(text)
}

/// The word in brackets of `none [integrity] confidentiality`.
fn chosen(text: &str) -> Option<String> {
    let (_, rest) = text.split_once('[')?;
    rest.split_once(']').map(|(word, _)| word.to_owned())
}

/// Machine ids are confidential by their manual page, so another name for the same machine is given.
fn machine(id: &str) -> Option<String> {
    let id = id.trim();
    (id.len() == 32).then(|| Sha256Digest::of(&[b"lydian/machine-id/v1\0", id.as_bytes()]).to_string())
}

/// The last byte of a global EFI variable of one byte, behind its four bytes of attributes.
fn efi(root: &Path, name: &str) -> Option<String> {
    let path = at(root, &format!("sys/firmware/efi/efivars/{name}-8be4df61-93ca-11d2-aa0d-00e098032b8c"));
    match fs::read(path).ok()?.as_slice() {
        [_, _, _, _, 0] => Some("off".into()),
        [_, _, _, _, 1] => Some("on".into()),
        _ => None,
    }
}

//= os-release(5): VARIABLE=value, quoted as for a shell
fn os_release(root: &Path) -> impl Iterator<Item = (&'static str, Option<String>)> {
    let text = ["etc/os-release", "usr/lib/os-release"].iter().find_map(|path| line(&at(root, path)));
    let text = text.unwrap_or_default();
    [("os.id", "ID"), ("os.version-id", "VERSION_ID"), ("os.pretty-name", "PRETTY_NAME")].into_iter().map(
        move |(key, variable)| {
            let value = text.lines().find_map(|line| line.strip_prefix(variable)?.strip_prefix('='));
            (
                key,
                value
                    .map(|value| value.trim_matches(['"', '\'']).to_owned())
                    .filter(|value| !value.is_empty()),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, path: &str, bytes: &[u8]) {
        let path = at(root, path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    #[test]
    fn settings_are_read_and_sorted() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        write(root, "proc/sys/kernel/osrelease", b"6.1.0-28-amd64\n");
        write(root, "sys/kernel/security/lockdown", b"none [integrity] confidentiality\n");
        write(root, "etc/os-release", b"PRETTY_NAME=\"Debian 12\"\nID=debian\nVERSION_ID=\"12\"\n");
        write(root, "etc/machine-id", b"0123456789abcdef0123456789abcdef\n");
        let variable = "sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
        write(root, variable, &[6, 0, 0, 0, 1]);
        let claims = read(root);
        let value =
            |key: &str| claims.iter().find(|claim| claim.key == key).map(|claim| claim.value.as_str());
        assert_eq!(value("kernel.release"), Some("6.1.0-28-amd64"));
        assert_eq!(value("kernel.lockdown"), Some("integrity"));
        assert_eq!(value("os.id"), Some("debian"));
        assert_eq!(value("os.version-id"), Some("12"));
        assert_eq!(value("firmware.secure-boot"), Some("on"));
        assert_eq!(value("firmware.setup-mode"), None);
        assert!(!value("host.machine-id-sha256").unwrap().contains("0123456789abcdef0123"));
        assert!(claims.is_sorted_by(|one, next| one.key < next.key));
    }

    #[test]
    fn a_long_value_is_cut_to_what_a_body_holds() {
        let root = tempfile::tempdir().unwrap();
        write(root.path(), "proc/cmdline", "ä".repeat(LONG_TEXT_BYTES).as_bytes());
        assert_eq!(read(root.path())[0].value.len(), LONG_TEXT_BYTES);
    }

    #[test]
    fn nothing_to_read_is_no_claims() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(read(root.path()), []);
    }
}
