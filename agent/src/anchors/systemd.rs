//! Whose images, and which measurements, systemd takes.
//!
//! In: rings for downloads, certificates for signed disk images, the key of signed PCR policies. Out: components. The host's
//! secret for credentials is only known to be there, with its mode: it is neither opened nor hashed.
//= systemd-importd(8), systemd-dissect(1), systemd-measure(1), systemd-creds(1)

use evidence::principal::{KeyringUse, Relation};

use super::apt::ring;
use super::draft::Draft;
use super::forms;
use super::look::Look;

pub(crate) fn components(look: &mut Look<'_>) -> Vec<Draft> {
    let rings = RINGS.map(Into::into);
    let mut drafts = vec![ring(look, "systemd:import", rings)];
    let mut images = Draft::store("systemd:verity");
    for directory in ["/etc/verity.d", "/run/verity.d", "/usr/local/lib/verity.d", "/usr/lib/verity.d"] {
        for path in look.with_endings(directory, &[".crt"]) {
            if let Some(found) = look.read(path) {
                images.add(found, |bytes| forms::certificates(bytes, Relation::Trusts, KeyringUse::None));
            }
        }
    }
    drafts.push(images);
    let mut policy = Draft::store("systemd:pcr-policy");
    for directory in ["/etc/systemd", "/run/systemd", "/usr/lib/systemd"] {
        if let Some(found) = look.read(format!("{directory}/tpm2-pcr-public-key.pem")) {
            policy.add(found, |bytes| forms::certificates(bytes, Relation::Trusts, KeyringUse::None));
        }
    }
    drafts.push(policy);
    let mut credentials = Draft::store("systemd:credentials");
    for path in ["/var/lib/systemd/credential.secret", "/etc/systemd/credential.secret"] {
        if let Some(stamp) = look.note(path.as_ref()) {
            credentials.whole.fact(path, format!("mode {:o}", stamp.mode));
        }
    }
    drafts.push(credentials);
    drafts
}

const RINGS: [&str; 5] = [
    "/etc/systemd/import-pubring.gpg",
    "/etc/systemd/import-pubring.pgp",
    "/usr/lib/systemd/import-pubring.gpg",
    "/usr/lib/systemd/import-pubring.pgp",
    "/usr/local/lib/systemd/import-pubring.pgp",
];
