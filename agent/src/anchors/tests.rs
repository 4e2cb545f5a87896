//! Made roots for what changes, and this machine's own stores against the tools that others trust.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use evidence::manifest::{ComponentKind, Entry};
use evidence::principal::{PrincipalKind, Relation};

use super::*;

/// A root with these files.
fn root(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, bytes).unwrap();
    }
    folder
}

fn manifests(root: &Path) -> Vec<Manifest> {
    let mut anchors = Anchors::new(root).unwrap();
    let manifests = anchors.refresh().unwrap();
    let names: BTreeSet<_> = manifests.iter().map(|manifest| manifest.name().to_owned()).collect();
    assert_eq!(names.len(), manifests.len(), "each component has a name of its own");
    manifests
}

fn named<'m>(manifests: &'m [Manifest], name: &str) -> &'m Manifest {
    let found = manifests.iter().find(|manifest| manifest.name() == name);
    found.unwrap_or_else(|| {
        panic!("{name} is not among {:?}", manifests.iter().map(Manifest::name).collect::<Vec<_>>())
    })
}

fn fact<'m>(entry: &'m Entry, key: &str) -> Option<&'m str> {
    entry.facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.as_str())
}

fn ids(entries: &[Entry], kind: PrincipalKind) -> BTreeSet<Vec<u8>> {
    let principals = entries.iter().flat_map(|entry| &entry.edges).flat_map(|edge| &edge.principals);
    principals.filter(|principal| principal.kind() == kind).map(|principal| principal.id().to_vec()).collect()
}

/// What a program prints; `None`, with a word, where it is not there.
fn output(program: &str, arguments: &[&str], input: Option<&Path>) -> Option<String> {
    let mut command = Command::new(program);
    command.args(arguments).args(input);
    match command.output() {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) => {
            eprintln!("SKIPPED: {program}: {error}");
            None
        }
    }
}

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcH";

#[test]
fn an_empty_root_has_one_component_and_no_gap() {
    let folder = root(&[]);
    let mut anchors = Anchors::new(folder.path()).unwrap();
    let manifests = anchors.refresh().unwrap();
    assert_eq!(manifests.iter().map(Manifest::name).collect::<Vec<_>>(), Vec::<&str>::new());
    assert_eq!(anchors.unread().count(), 0);
}

#[test]
fn a_change_is_seen_once_and_nothing_else_is() {
    let folder = root(&[("etc/passwd", b"root:x:0:0:r:/root:/bin/sh\n"), ("etc/shells", b"")]);
    let mut anchors = Anchors::new(folder.path()).unwrap();
    assert!(anchors.refresh().is_some());
    for _ in 0..2 * REREAD_EVERY {
        assert!(anchors.refresh().is_none());
    }
    let keys = folder.path().join("root/.ssh/authorized_keys");
    std::fs::create_dir_all(keys.parent().unwrap()).unwrap();
    std::fs::write(&keys, format!("from=\"10.0.0.1\" {KEY} me\nnonsense\n")).unwrap();
    let changed = anchors.refresh().unwrap();
    let store = named(&changed, "ssh:authorized-keys:root");
    let [entry] = store.entries() else { panic!("{store:?}") };
    assert_eq!(entry.path, b"/root/.ssh/authorized_keys");
    assert_eq!((entry.edges[0].label.as_str(), fact(entry, "options.1")), ("me", Some("from=\"10.0.0.1\"")));
    assert!(fact(entry, "unparsed").unwrap().contains("a line without a key"));
    assert!(anchors.refresh().is_none());
    std::fs::remove_file(keys).unwrap();
    assert!(anchors.refresh().is_some());
    assert!(anchors.refresh().is_none());
}

#[test]
fn private_keys_are_not_read_and_are_told_of() {
    let secret = b"-----BEGIN EC PRIVATE KEY-----\nMAMC\n-----END EC PRIVATE KEY-----\n";
    let folder = root(&[
        ("etc/ssl/certs/mixed.pem", secret),
        ("etc/keys/ima.der", &[0x30, 0x82, 1, 0, 2, 1, 0, 0x30]),
        ("etc/pki/rpm-gpg/secret", &[0xc5, 1, 4]),
        ("var/lib/shim-signed/mok/MOK.priv", secret),
        ("var/lib/systemd/credential.secret", b"secret"),
        ("etc/ssh/ssh_host_ed25519_key", secret),
        (
            "etc/ssh/sshd_config",
            b"HostKey /etc/ssh/ssh_host_ed25519_key\nTrustedUserCAKeys /etc/ssh/ssh_host_ed25519_key\n",
        ),
    ]);
    let mut anchors = Anchors::new(folder.path()).unwrap();
    let manifests = anchors.refresh().unwrap();
    let entries: Vec<_> = manifests.iter().flat_map(Manifest::entries).map(|entry| &entry.path).collect();
    assert_eq!(entries, [b"/etc/ssh/sshd_config"]);
    let unread: Vec<_> =
        anchors.unread().map(|unread| (unread.path.display().to_string(), unread.cause)).collect();
    let expected = [
        "/etc/keys/ima.der",
        "/etc/pki/rpm-gpg/secret",
        "/etc/ssl/certs/mixed.pem",
        "/etc/ssh/ssh_host_ed25519_key",
    ];
    assert_eq!(unread, expected.map(|path| (path.to_owned(), UnreadCause::Private)));
    let credentials = named(&manifests, "systemd:credentials");
    assert!(credentials.facts()[0].value.starts_with("mode 100"));
}

#[test]
fn what_does_not_parse_is_an_entry_with_a_reason() {
    let folder = root(&[
        ("usr/local/share/ca-certificates/a.crt", b"no certificate"),
        ("etc/apt/trusted.gpg.d/b.gpg", b"no ring"),
        ("etc/ssl/certs/java/cacerts", &[0xfe, 0xed, 0xfe, 0xed]),
        ("etc/containers/policy.json", b"{"),
        ("sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &[7, 0, 0, 0, 1]),
    ]);
    let manifests = manifests(folder.path());
    let entries: Vec<_> = manifests.iter().flat_map(Manifest::entries).collect();
    assert_eq!(entries.len(), 5);
    for entry in entries {
        assert!(fact(entry, "unparsed").is_some(), "{entry:?}");
        assert_eq!(entry.edges, []);
    }
}

#[test]
fn sources_name_their_rings_and_lists_their_sources() {
    let folder = root(&[
        ("etc/apt/sources.list", b"deb [signed-by=/k.gpg trusted=yes] http://a.example/x s main\n"),
        (
            "etc/apt/sources.list.d/b.sources",
            b"Types: deb\nURIs: http://b.example/y\nSuites: t u\nSigned-By: /l.gpg\n",
        ),
        (
            "var/lib/apt/lists/b.example_y_dists_u_InRelease",
            b"-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: B\nSuite: u\n",
        ),
        ("var/lib/apt/lists/c.example_z_dists_u_InRelease", b"Origin: C\n"),
    ]);
    let manifests = manifests(folder.path());
    let apt = named(&manifests, "apt");
    assert_eq!(apt.kind(), ComponentKind::PackageSources);
    let entry =
        |name: &str| apt.entries().iter().find(|entry| entry.path.ends_with(name.as_bytes())).unwrap();
    assert_eq!(fact(entry("sources.list"), "source.1.trusted"), Some("yes"));
    let list = entry("b.example_y_dists_u_InRelease");
    assert_eq!(fact(list, "keyring"), Some("/l.gpg"));
    assert_eq!(fact(list, "source"), Some("/etc/apt/sources.list.d/b.sources"));
    assert_eq!(fact(list, "origin"), Some("B"));
    assert_eq!(fact(entry("c.example_z_dists_u_InRelease"), "source"), Some("none that is configured"));
}

#[test]
fn a_database_of_firmware_yields_its_certificates_and_hashes() {
    let vectors = std::env::var_os("LYDIAN_VECTORS")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/vectors"), PathBuf::from);
    let Ok(update) =
        std::fs::read(vectors.join("google+go-tpm-tools/server/secure-boot/dbxupdate_x64-2021-04-29.bin"))
    else {
        eprintln!("SKIPPED: {} is missing", vectors.display());
        return;
    };
    let evidence::efi::Container::Authenticated(_) = evidence::efi::Container::detect(&update).unwrap()
    else {
        panic!("an update")
    };
    let lists = evidence::efi::Container::detect(&update).unwrap();
    let expected = lists.lists().map_while(Result::ok).map(|list| list.entries().len()).sum::<usize>();
    let start = lists.lists().next().unwrap().unwrap().offset();
    let variable = [&[0x27, 0, 0, 0][..], &update[start..]].concat();
    let folder = root(&[("sys/firmware/efi/efivars/dbx-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &variable)]);
    let manifests = manifests(folder.path());
    let [entry] = named(&manifests, "efi:dbx").entries() else { panic!() };
    assert!(entry.edges.len() > 100 && entry.edges.len() <= expected, "{} of {expected}", entry.edges.len());
    assert!(entry.edges.iter().all(|edge| edge.relation == Relation::Revokes));
}

/// Of shim's lists firmware's log has the hash alone, so their bytes go along; of firmware's own it has the bytes.
#[test]
fn a_list_of_shims_carries_its_bytes() {
    let lists = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors/signing/db.esl");
    let lists = std::fs::read(lists).unwrap();
    let variable = [&[6, 0, 0, 0][..], &lists].concat();
    let folder = root(&[
        ("sys/firmware/efi/efivars/MokListRT-605dab50-e046-4300-abb6-3dd810dd8b23", &variable),
        ("sys/firmware/efi/efivars/db-d719b2cb-3d3a-4596-a3bc-dad00e67656f", &variable),
    ]);
    let manifests = manifests(folder.path());
    let of = |name: &str| {
        let [entry] = named(&manifests, name).entries() else { panic!() };
        evidence::manifest::carried(&entry.facts, evidence::manifest::LIST_BYTES).collect::<Vec<_>>()
    };
    assert_eq!(of("efi:MokListRT"), [lists]);
    assert!(of("efi:db").is_empty());
}

#[test]
fn certificates_that_ima_measured_are_whole() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors");
    let mut found = 0;
    for boot in std::fs::read_dir(folder).unwrap() {
        let list = boot.unwrap().path().join("binary_runtime_measurements");
        let Ok(file) = std::fs::File::open(&list) else { continue };
        let (keys, damage) = ima_keys(file).unwrap();
        eprintln!("{}: {} keys, damage {damage:?}", list.display(), keys.len());
        for key in &keys {
            assert!(key.keyring.starts_with(b".") || key.keyring.starts_with(b"_"), "{key:?}");
            assert!(key.edge.principals.len() >= 4);
        }
        found += keys.len();
    }
    eprintln!("{found} certificates in the recorded lists");
}

#[test]
fn a_policy_of_containers_names_its_keys() {
    let policy = br#"{"default":[{"type":"reject"}],"transports":{"docker":{"quay.io":[
        {"type":"signedBy","keyType":"GPGKeys","keyPaths":["/etc/keys.gpg"]},
        {"type":"sigstoreSigned","keyPath":"/etc/cosign.pub","keyData":"!"}]}}}"#;
    let folder = root(&[
        ("etc/containers/policy.json", policy),
        ("etc/keys.gpg", b"no ring"),
        ("etc/cosign.pub", b"-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n-----END PUBLIC KEY-----\n"),
    ]);
    let manifests = manifests(folder.path());
    let store = named(&manifests, "containers");
    assert_eq!(store.entries().len(), 3, "{store:?}");
    let policy = &store.entries()[0];
    assert_eq!(store.entries()[2].path, b"/etc/keys.gpg");
    assert!(fact(&store.entries()[2], "unparsed").is_some());
    let policy = if policy.path == b"/etc/containers/policy.json" { policy } else { &store.entries()[1] };
    assert_eq!(fact(policy, "docker quay.io"), Some("signedBy sigstoreSigned"));
    assert_eq!(fact(policy, "default"), Some("reject"));
    assert!(fact(policy, "unparsed").unwrap().contains("keyData"));
    assert_eq!(ids(store.entries(), PrincipalKind::Spki).len(), 1);
}

#[test]
fn includes_of_sshd_are_followed_and_matches_shown() {
    let key = format!("{KEY} ca\n");
    let folder = root(&[
        ("etc/ssh/sshd_config", b"Include sshd_config.d/*.conf\nInclude /etc/ssh/sshd_config\nMatch User x\nAuthorizedKeysFile /etc/%u.keys\n"),
        ("etc/ssh/sshd_config.d/a.conf", b"TrustedUserCAKeys /etc/ssh/ca.pub\nRevokedKeys /etc/ssh/revoked\n"),
        ("etc/ssh/ca.pub", key.as_bytes()),
        ("etc/ssh/revoked", b"SSHKRL\n\0"),
        ("etc/x.keys", key.as_bytes()),
        ("etc/passwd", b"x:x:7:7::/home/x:/bin/sh\n"),
    ]);
    let manifests = manifests(folder.path());
    let configuration = named(&manifests, "ssh:configuration");
    assert_eq!(configuration.entries().len(), 2);
    let shown: Vec<_> = configuration.entries()[0].facts.iter().map(|fact| fact.value.as_str()).collect();
    assert!(shown.contains(&"/etc/%u.keys (where User x)"), "{shown:?}");
    assert_eq!(named(&manifests, "ssh:user-authorities").entries()[0].edges[0].label, "ca");
    assert!(fact(&named(&manifests, "ssh:revoked-keys").entries()[0], "unparsed").is_some());
    assert_eq!(named(&manifests, "ssh:authorized-keys:x").entries().len(), 1);
}

#[test]
fn a_chroot_resolves_its_links_inside() {
    let folder = root(&[("usr/share/ca/a.crt", b"x")]);
    let certs = folder.path().join("etc/ssl/certs");
    std::fs::create_dir_all(&certs).unwrap();
    std::os::unix::fs::symlink("/usr/share/ca/a.crt", certs.join("a.pem")).unwrap();
    std::os::unix::fs::symlink("a.pem", certs.join("5ad8a5d6.0")).unwrap();
    let manifests = manifests(folder.path());
    let [entry] = named(&manifests, "ca:/etc/ssl/certs").entries() else { panic!("each certificate once") };
    assert_eq!(entry.path, b"/usr/share/ca/a.crt");
}

#[test]
fn this_machine_has_the_authorities_that_openssl_finds() {
    let bundle = Path::new("/etc/ssl/certs/ca-certificates.crt");
    let Ok(text) = std::fs::read_to_string(bundle) else {
        eprintln!("SKIPPED: {} is missing", bundle.display());
        return;
    };
    let manifests = manifests(Path::new("/"));
    let store = named(&manifests, "ca:/etc/ssl/certs/ca-certificates.crt");
    let found = ids(store.entries(), PrincipalKind::Certificate);
    assert_eq!(found.len(), text.matches("BEGIN CERTIFICATE").count());
    let folder = tempfile::tempdir().unwrap();
    for (number, block) in text.split_inclusive("-----END CERTIFICATE-----\n").enumerate().step_by(20) {
        let path = folder.path().join(number.to_string());
        std::fs::write(&path, block).unwrap();
        let Some(printed) =
            output("openssl", &["x509", "-noout", "-sha256", "-fingerprint", "-in"], Some(&path))
        else {
            return;
        };
        let digits = printed.trim().rsplit('=').next().unwrap().replace(':', "");
        assert!(found.contains(&hex::decode(&digits).unwrap()), "{printed}");
    }
}

#[test]
fn this_machine_has_the_keys_that_gpg_finds() {
    let manifests = manifests(Path::new("/"));
    let rings =
        manifests.iter().filter(|manifest| manifest.name().starts_with("apt:")).flat_map(Manifest::entries);
    let mut seen = 0;
    for entry in rings {
        let path = PathBuf::from(String::from_utf8(entry.path.clone()).unwrap());
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap();
        let arguments = ["--homedir", home, "--batch", "--with-colons", "--show-keys"];
        let Some(printed) = output("gpg", &arguments, Some(&path)) else { return };
        let expected: BTreeSet<_> = printed
            .lines()
            .filter_map(|line| line.strip_prefix("fpr:::::::::"))
            .map(|rest| hex::decode(rest.trim_end_matches(':')).unwrap())
            .collect();
        let found = ids(std::slice::from_ref(entry), PrincipalKind::OpenPgp);
        assert!(expected.is_subset(&found), "{}: {expected:?} {found:?}", path.display());
        seen += expected.len();
    }
    eprintln!("{seen} fingerprints as gpg has them");
    lists_are_signed_by_listed_keys(&manifests);
}

fn lists_are_signed_by_listed_keys(manifests: &[Manifest]) {
    let rings: Vec<Entry> = manifests
        .iter()
        .filter(|manifest| manifest.name().starts_with("apt:"))
        .flat_map(Manifest::entries)
        .cloned()
        .collect();
    let trusted = ids(&rings, PrincipalKind::OpenPgp);
    let lists = named(manifests, "apt").entries().iter().filter(|entry| entry.path.ends_with(b"_InRelease"));
    for list in lists {
        let signers = ids(std::slice::from_ref(list), PrincipalKind::OpenPgp);
        let name = list.path.escape_ascii();
        eprintln!("{name}: {} signers, {:?}, {:?}", signers.len(), fact(list, "keyring"), fact(list, "date"));
        assert!(!signers.is_empty() && !signers.is_disjoint(&trusted), "{name}: {signers:?}");
    }
}

#[test]
fn ssh_keys_have_the_fingerprints_that_ssh_keygen_shows() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    for (kind, name) in [("ed25519", "a"), ("ecdsa", "b"), ("rsa", "c")] {
        if output("ssh-keygen", &["-q", "-t", kind, "-N", "", "-C", "me", "-f", &at(name)], None).is_none() {
            return;
        }
        output(
            "ssh-keygen",
            &["-q", "-s", &at("a"), "-I", "id", "-n", "u", &format!("{}.pub", at(name))],
            None,
        )
        .unwrap();
        for file in [format!("{}.pub", at(name)), format!("{}-cert.pub", at(name))] {
            let printed = output("ssh-keygen", &["-lf", &file], None).unwrap();
            let shown = printed.split_whitespace().nth(1).unwrap().strip_prefix("SHA256:").unwrap();
            let yielded = forms::authorized_keys(&std::fs::read(&file).unwrap(), Relation::Trusts);
            let names = yielded.edges[0]
                .principals
                .iter()
                .chain(yielded.edges.iter().flat_map(|edge| &edge.principals));
            let found: Vec<_> = names.map(|name| STANDARD_NO_PAD.encode(name.id())).collect();
            assert!(found.iter().any(|name| name == shown), "{printed}: {found:?}");
            assert_eq!(yielded.edges.len(), if file.ends_with("-cert.pub") { 2 } else { 1 });
        }
    }
}

#[test]
fn a_second_look_at_this_machine_costs_little() {
    let mut anchors = Anchors::new(Path::new("/")).unwrap();
    let start = Instant::now();
    let manifests = anchors.refresh().unwrap();
    let first = start.elapsed();
    let _settles = anchors.refresh();
    let start = Instant::now();
    let again = anchors.refresh();
    let second = start.elapsed();
    let edges: usize = manifests.iter().flat_map(Manifest::entries).map(|entry| entry.edges.len()).sum();
    for manifest in &manifests {
        eprintln!("{} {}: {} files", manifest.kind().name(), manifest.name(), manifest.entries().len());
    }
    anchors.unread().for_each(|unread| eprintln!("unread {}: {}", unread.path.display(), unread.cause));
    eprintln!("{} stores, {edges} keys; first look {first:?}, later ones {second:?}", manifests.len());
    assert!(again.is_none() || second < first);
}
