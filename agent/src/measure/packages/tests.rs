//! Databases made up, and this machine's own against what dpkg says of it.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::*;
use crate::measure::engine::Engine;
use crate::measure::tests::{ELF, Host, engine};

const MD5_OF_A: &str = "3a4a60eb1ceb3a9cc5c7bf3dd7e8e9a0";

/// A host that has been walked, with its packages.
struct Seen {
    host: Host,
    engine: Engine,
    packages: Packages,
}

impl Seen {
    fn of(host: Host) -> Self {
        let mut engine = host.engine();
        let mut packages = Packages::new(&host.path("dpkg"));
        packages.attribute(&mut engine.tree, &engine.places);
        Self { host, engine, packages }
    }

    fn owner(&mut self, path: &str) -> String {
        let path = Path::new(path);
        let directory = self.host.at(path.parent().unwrap().to_str().unwrap());
        let directory = std::fs::canonicalize(directory).unwrap();
        let name = path.file_name().unwrap().as_encoded_bytes();
        let file = self.engine.tree.file_mut(directory.as_os_str().as_encoded_bytes(), name).unwrap();
        match file.owner {
            Owner::Package(number) => {
                let package = self.packages.package(number).unwrap();
                format!("{} {} {}", package.name, package.version, package.architecture)
            }
            other => format!("{other:?}"),
        }
    }

    fn check(&mut self, path: &str, owner: &str, compared: Compared, flags: &[&str], md5: Option<&str>) {
        assert_eq!(self.owner(path), owner, "{path}");
        let (directory, name) = path.rsplit_once('/').unwrap();
        let directory = std::fs::canonicalize(self.host.at(directory)).unwrap();
        let directory = directory.as_os_str().as_encoded_bytes();
        let digest = self.engine.tree.file_mut(directory, name.as_bytes()).unwrap().digest;
        let md5 = md5.map(|hex| digits(hex.as_bytes()).unwrap());
        let name = name.as_bytes();
        assert_eq!(self.packages.compare(directory, name, &digest, md5.as_ref()), compared, "{path}");
        assert_eq!(self.packages.flags(directory, name, &digest, md5.as_ref()).names(), flags, "{path}");
    }
}

fn dpkg(host: &Host, file: &str, content: &str) {
    let path = host.path("dpkg").join(file);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, content).unwrap();
}

fn stanza(name: &str, state: &str, conffiles: &str) -> String {
    format!("Package: {name}\nStatus: install ok {state}\nArchitecture: amd64\nVersion: 1\n{conffiles}\n")
}

#[test]
fn packages_name_the_sources_that_they_were_built_from() {
    let host = Host::new();
    let sources = [
        ("same", "", ("same", "1")),
        ("renamed", "Source: other\n", ("other", "1")),
        ("rebuilt", "Source: other (0.9-2)\n", ("other", "0.9-2")),
        ("odd", "Source: (2)\n", ("(2)", "1")),
    ];
    let mut status = String::new();
    for (name, source, _) in sources {
        host.elf(&format!("usr/bin/{name}"), name);
        dpkg(&host, &format!("info/{name}.list"), &format!("/usr/bin/{name}\n"));
        status.push_str(&stanza(name, "installed", source));
    }
    dpkg(&host, "status", &status);
    let mut seen = Seen::of(host);
    for (name, _, (source, version)) in sources {
        assert_eq!(seen.owner(&format!("usr/bin/{name}")), format!("{name} 1 amd64"));
        let known = seen.packages.owners.iter().find(|package| package.name == name).unwrap();
        assert_eq!(known.built_from, Some((source.to_owned(), version.to_owned())));
    }
}

#[test]
fn what_is_unpacked_counts_and_what_was_removed_does_not() {
    let host = Host::new();
    let states = [
        ("unpacked", "p 1 amd64"),
        ("half-configured", "p 1 amd64"),
        ("triggers-pending", "p 1 amd64"),
        ("triggers-awaited", "p 1 amd64"),
        ("installed", "p 1 amd64"),
        ("half-installed", "p 1 amd64"),
        ("config-files", "Nobody"),
        ("not-installed", "Nobody"),
    ];
    host.elf("usr/bin/a", "a");
    dpkg(&host, "info/format", "1\n");
    dpkg(&host, "info/p.list", "/usr/bin/a\n");
    dpkg(&host, "info/p.md5sums", &format!("{MD5_OF_A}  usr/bin/a\n"));
    let mut seen = Seen::of(host);
    for (state, owner) in states {
        dpkg(&seen.host, "status", &stanza("p", state, ""));
        seen.packages.read = None;
        seen.packages.attribute(&mut seen.engine.tree, &seen.engine.places);
        let whole = owner != "Nobody" && state != "half-installed";
        let compared = if whole { Compared::NotComputed } else { Compared::NotListed };
        seen.check("/usr/bin/a", owner, compared, &[], None);
    }
    dpkg(&seen.host, "info/format", "2\n");
    seen.packages.read = None;
    seen.packages.attribute(&mut seen.engine.tree, &seen.engine.places);
    assert_eq!(seen.owner("/usr/bin/a"), "Nobody");
    assert_eq!(seen.packages.unread().len(), 1);
}

#[test]
fn digests_and_configuration_files_of_dpkg() {
    let host = Host::new();
    symlink("usr/bin", host.at("bin")).unwrap();
    for file in ["a", "b", "conf", "new conf", "moved"] {
        host.elf(&format!("usr/bin/{file}"), file);
    }
    let conffiles = format!("Conffiles:\n /bin/conf {MD5_OF_A} obsolete\n /usr/bin/new conf newconffile\n");
    dpkg(&host, "status", &(stanza("p", "installed", &conffiles) + &stanza("q", "installed", "")));
    dpkg(&host, "info/p:amd64.list", "/bin/a\n/usr/bin/b\n/usr/bin/conf\n/usr/bin/new conf\n/usr/bin/d\n");
    let sums = ["bin/a", "usr/bin/b", "usr/bin/d"].map(|path| format!("{MD5_OF_A}  {path}\n")).concat();
    dpkg(&host, "info/p:amd64.md5sums", &(sums + "short  usr/bin/b\nnothing\n"));
    // Another package's word on a file that it does not have counts for nothing.
    dpkg(&host, "info/q.list", "/usr/bin/a\n");
    dpkg(&host, "info/q.md5sums", "00000000000000000000000000000000  usr/bin/a\n");
    dpkg(&host, "diversions", "/usr/bin/d\n/usr/bin/moved\nother\n");
    let mut seen = Seen::of(host);
    let wrong = Some("00000000000000000000000000000001");
    let p = "p 1 amd64";
    seen.check("/usr/bin/a", p, Compared::Equal, &[], Some(MD5_OF_A));
    seen.check("/usr/bin/b", p, Compared::Differs, &["not-as-packaged"], wrong);
    seen.check("/usr/bin/moved", p, Compared::Equal, &[], Some(MD5_OF_A));
    seen.check("/usr/bin/conf", p, Compared::Differs, &["not-as-packaged", "configuration"], wrong);
    seen.check("/usr/bin/conf", p, Compared::NotComputed, &["configuration"], None);
    seen.check("/usr/bin/new conf", p, Compared::NotListed, &["configuration"], None);
    let directory = std::fs::canonicalize(seen.host.at("usr/bin")).unwrap();
    let wanted = seen.packages.wants_md5(directory.as_os_str().as_encoded_bytes(), b"b");
    assert_eq!(wanted, digits(MD5_OF_A.as_bytes()));
}

#[test]
fn a_directory_that_became_a_link_is_followed() {
    let host = Host::new();
    host.elf("usr/lib/jvm/java-17/bin/java", "1");
    std::fs::create_dir_all(host.at("etc/alternatives")).unwrap();
    symlink("/usr/lib/jvm/java-17", host.at("etc/alternatives/jvm")).unwrap();
    symlink("/etc/alternatives/jvm", host.at("usr/lib/jvm/default")).unwrap();
    dpkg(&host, "info/jre.list", "/usr/lib/jvm/default/bin/java\n");
    let mut seen = Seen::of(host);
    assert_eq!(seen.owner("/usr/lib/jvm/java-17/bin/java"), "jre  ");
}

#[test]
fn python_distributions_have_what_no_other_package_has() {
    let host = Host::new();
    let site = "usr/lib/python3/dist-packages";
    for file in ["x/fast.so", "x/other.so", "y.so"] {
        host.elf(&format!("{site}/{file}"), "a");
    }
    host.elf("usr/bin/x-tool", "a");
    // SHA-256 of the file's five bytes, in base64.
    let digest = Sha256Digest::of(&[ELF, b"a"]);
    let good = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest.as_bytes());
    let wrong = "A".repeat(43);
    let record = format!(
        "x/fast.so,sha256={good},5\nx/other.so,sha256={wrong},5\n../../../bin/x-tool,,\nx/gone.so,sha256={good},5\n"
    );
    host.write(&format!("{site}/X_Y.z-1.0.dist-info/RECORD"), record.as_bytes());
    host.write(&format!("{site}/X_Y.z-1.0.dist-info/METADATA"), b"Name: X_Y.z\nVersion: 1.0\n\nName: no\n");
    host.write(&format!("{site}/y.egg-info/PKG-INFO"), b"Name: y\r\nVersion: 2\r\n");
    host.write(&format!("{site}/y.egg-info/installed-files.txt"), b"../y.so\n");
    dpkg(&host, "info/p.list", "/usr/bin/x-tool\n");
    let mut seen = Seen::of(host);
    let x = "python:x-y-z 1.0 ";
    seen.check(&format!("/{site}/x/fast.so"), x, Compared::Equal, &[], None);
    seen.check(&format!("/{site}/x/other.so"), x, Compared::Differs, &["not-as-packaged"], None);
    seen.check("/usr/bin/x-tool", "p  ", Compared::NotListed, &[], None);
    seen.check(&format!("/{site}/y.so"), "python:y 2 ", Compared::NotListed, &[], None);
    assert_eq!(seen.packages.owners.iter().filter(|package| package.source == Source::Python).count(), 2);
}

#[test]
fn berkeley_db_is_said_not_to_be_read() {
    let host = Host::new();
    host.write("var/lib/rpm/Packages", b"whatever");
    let seen = Seen::of(host);
    let watched = seen.packages.watched(&seen.engine.places);
    let expected = ["dpkg", "root/usr/lib/sysimage/rpm", "root/var/lib/rpm", "root/usr/share/rpm"];
    assert_eq!(watched, expected.map(|path| seen.host.path(path)));
    let [unread] = seen.packages.unread() else { panic!("{:?}", seen.packages.unread()) };
    assert!(unread.scope.ends_with("Packages: Berkeley DB is not read"), "{}", unread.scope);
}

fn run(program: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(program).args(arguments).env("LC_ALL", "C").output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Packages of each path by `dpkg-query -S`, which knows no merged directories.
fn dpkg_search(paths: &BTreeSet<String>) -> Option<BTreeMap<String, BTreeSet<String>>> {
    let merged = paths.iter().map(|path| path.strip_prefix("/usr").unwrap_or(path).to_owned());
    let all: Vec<String> = paths.iter().cloned().chain(merged).collect();
    let arguments: Vec<&str> = ["-S"].into_iter().chain(all.iter().map(String::as_str)).collect();
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in run("dpkg-query", &arguments)?.lines().filter(|line| !line.starts_with("diversion")) {
        let (packages, path) = line.rsplit_once(": ").unwrap();
        let path = if path.starts_with("/usr") { path.to_owned() } else { format!("/usr{path}") };
        let names = packages.split(", ").map(|name| name.split(':').next().unwrap().to_owned());
        found.entry(path).or_default().extend(names);
    }
    Some(found)
}

/// The programs of this machine, by dpkg and by us.
#[test]
fn this_machine_as_dpkg_has_it() {
    let host = Host::new();
    let mut config = host.config();
    config.roots = vec!["/usr/sbin".into(), "/usr/lib/git-core".into()];
    config.roots.retain(|root| root.is_dir());
    config.path_prefix = "/".into();
    config.dpkg_admin_dir = "/var/lib/dpkg".into();
    if !config.dpkg_admin_dir.join("status").is_file() || config.roots.is_empty() {
        eprintln!("skipped: this machine has no packages of dpkg");
        return;
    }
    let mut engine = engine(&config, usize::MAX);
    let mut packages = Packages::new(&config.dpkg_admin_dir);
    packages.attribute(&mut engine.tree, &engine.places);
    let files: BTreeMap<String, _> = engine
        .tree
        .iter()
        .flat_map(|(path, directory)| directory.files.iter().map(move |(name, file)| (path, name, file)))
        .map(|(path, name, file)| {
            let shown = crate::measure::place::join(path, name);
            (String::from_utf8(shown).unwrap(), (path, file))
        })
        .collect();
    let paths = files.keys().cloned().collect();
    let Some(expected) = dpkg_search(&paths) else {
        eprintln!("skipped: no dpkg-query here");
        return;
    };
    let mut owned = 0;
    let mut owners = BTreeSet::new();
    for (path, (_, file)) in &files {
        let found = match file.owner {
            Owner::Package(number) => {
                packages.package(number).filter(|package| package.source == Source::Dpkg)
            }
            _ => None,
        };
        match (expected.get(path), found) {
            (None, None) => {}
            (Some(names), Some(package)) if names.contains(&package.name) => {
                assert!(!package.version.is_empty() && !package.architecture.is_empty(), "{package:?}");
                owners.insert(package.name.clone());
                owned += 1;
            }
            (expected, found) => panic!("{path}: dpkg has {expected:?}, found {found:?}"),
        }
    }
    eprintln!("{owned} of {} programs belong to {} packages", files.len(), owners.len());
    check_digests(&packages, &files, &owners);
}

fn check_digests(
    packages: &Packages,
    files: &BTreeMap<String, (&std::sync::Arc<[u8]>, &crate::measure::tree::Artefact)>,
    owners: &BTreeSet<String>,
) {
    let arguments: Vec<&str> = ["--verify"].into_iter().chain(owners.iter().map(String::as_str)).collect();
    let verified = run("dpkg", &arguments).unwrap();
    // "??5?????? c /path": a 5 says that the digest differs.
    let differs: BTreeSet<String> = verified
        .lines()
        .filter(|line| line.get(2..3) == Some("5"))
        .filter_map(|line| line.split(" /").nth(1))
        .map(|path| if path.starts_with("usr/") { format!("/{path}") } else { format!("/usr/{path}") })
        .collect();
    let mut compared = 0;
    for (path, (directory, file)) in files {
        let name = path.rsplit('/').next().unwrap().as_bytes();
        if packages.wants_md5(directory, name).is_none() {
            continue;
        }
        let sum = run("md5sum", &[path]).unwrap();
        let md5 = digits(sum.get(..32).unwrap().as_bytes());
        let found = packages.compare(directory, name, &file.digest, md5.as_ref());
        let expected = if differs.contains(path) { Compared::Differs } else { Compared::Equal };
        assert_eq!(found, expected, "{path}");
        compared += 1;
    }
    eprintln!("{compared} compared, {} differ", differs.len());
}
