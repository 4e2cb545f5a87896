//! A package built by rpmbuild, signed by GnuPG and installed by rpm into a directory: rpm is the oracle.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::measure::packages::{Compared, Packages, Source};
use crate::measure::tests::{Host, engine};
use crate::measure::tree::Owner;

const SPEC: &str = "
Name: NAME
Version: 1.2
Release: 3
Epoch: 4
Summary: of a test
License: none
BuildArch: noarch
%description
Of a test.
%install
mkdir -p %{buildroot}/usr/bin %{buildroot}/usr/lib/NAME %{buildroot}/opt
printf '#!/bin/sh\\necho NAME\\n' > %{buildroot}/usr/bin/NAME
printf '#!/bin/sh\\n# settings\\n' > %{buildroot}/usr/lib/NAME/settings
printf '#!/bin/sh\\n# shared\\n' > %{buildroot}/usr/bin/shared
for n in $(seq 1 FILES); do echo $n > %{buildroot}/opt/NAME-a-file-with-a-long-name-$n; done
%files
%attr(755,-,-) /usr/bin/NAME
%attr(755,-,-) /usr/bin/shared
%attr(755,-,-) %config /usr/lib/NAME/settings
/opt/*
";

struct Rpm {
    host: Host,
}

fn run(command: &mut Command) -> String {
    let output = command.env("LC_ALL", "C").output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Whether rpm is there; its tests say so where it is not.
fn is_there() -> bool {
    let there = |program: &str| Command::new(program).arg("--version").output().is_ok();
    let all = there("rpm") && there("rpmbuild");
    if !all {
        eprintln!("skipped: no rpm and rpmbuild here (Debian: apt-get install rpm)");
    }
    all
}

impl Rpm {
    fn new() -> Self {
        let rpm = Self { host: Host::new() };
        run(rpm.command("rpm").arg("--initdb"));
        rpm
    }

    fn home(&self) -> PathBuf {
        self.host.path("home")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env("HOME", self.home()).env("GNUPGHOME", self.host.path("gnupg"));
        if program == "rpm" {
            command.arg("--root").arg(self.host.path("root")).args(["--dbpath", "/usr/lib/sysimage/rpm"]);
        }
        command
    }

    fn build(&self, name: &str, files: u32) -> PathBuf {
        let top = self.host.path(&format!("build-{name}"));
        std::fs::create_dir_all(&top).unwrap();
        let spec = top.join("package.spec");
        std::fs::write(&spec, SPEC.replace("NAME", name).replace("FILES", &files.to_string())).unwrap();
        let define = format!("_topdir {}", top.display());
        run(self
            .command("rpmbuild")
            .args(["-bb", "--define", &define, "--define", "_buildhost h"])
            .arg(&spec));
        top.join(format!("RPMS/noarch/{name}-1.2-3.noarch.rpm"))
    }

    fn install(&self, package: &Path) {
        run(self.command("rpm").args(["-i", "--nodeps", "--noscripts", "--nosignature"]).arg(package));
    }

    /// Files of the tree: owner and comparison.
    fn seen(&self) -> BTreeMap<String, (String, Compared, Vec<&'static str>)> {
        let config = self.host.config();
        let mut engine = engine(&config, usize::MAX);
        let mut packages = Packages::new(&config.dpkg_admin_dir);
        packages.attribute(&mut engine.tree, &engine.places);
        assert_eq!(packages.unread(), []);
        let mut seen = BTreeMap::new();
        for (path, directory) in engine.tree.iter() {
            for (name, file) in directory.files.iter() {
                let Owner::Package(number) = file.owner else { continue };
                let package = packages.package(number).unwrap();
                assert_eq!(package.source, Source::Rpm);
                let shown = crate::measure::place::join(engine.places.shown(path), name);
                let edges: Vec<_> = package.edges.iter().flat_map(|edge| &edge.principals).collect();
                let edges: Vec<_> = edges.iter().map(|name| format!(" {name}")).collect();
                let edges = edges.concat();
                let owner = format!("{} {} {}{edges}", package.name, package.version, package.architecture);
                let compared = packages.compare(path, name, &file.digest, None);
                let flags = packages.flags(path, name, &file.digest, None).names();
                seen.insert(String::from_utf8(shown).unwrap(), (owner, compared, flags));
            }
        }
        seen
    }

    /// The same, by rpm's own word.
    fn told(&self, name: &str) -> Vec<String> {
        let format = "[%{FILENAMES} %{=NAME} %{=EPOCH}:%{=VERSION}-%{=RELEASE} %{=ARCH} %{FILEDIGESTS}\\n]";
        let told = run(self.command("rpm").args(["-q", "--qf", format, name]));
        told.lines().map(str::to_owned).collect()
    }
}

#[test]
fn what_rpm_installed() {
    if !is_there() {
        return;
    }
    let rpm = Rpm::new();
    // Some hundred long names: a header that does not fit a page.
    for (name, files) in [("zebra", 1), ("antelope", 400)] {
        rpm.install(&rpm.build(name, files));
    }
    rpm.host.write("usr/lib/zebra/settings", b"#!/bin/sh\n# mine\n");
    let seen = rpm.seen();
    let (antelope, zebra) = ("antelope 4:1.2-3 noarch", "zebra 4:1.2-3 noarch");
    let check = |path: &str, owner: &str, compared, flags: &[&'static str]| {
        assert_eq!(seen.get(path), Some(&(owner.to_owned(), compared, flags.to_vec())), "{path}");
    };
    check("/usr/bin/antelope", antelope, Compared::Equal, &[]);
    check("/usr/bin/zebra", zebra, Compared::Equal, &[]);
    check("/usr/bin/shared", antelope, Compared::Equal, &[]);
    check("/usr/lib/antelope/settings", antelope, Compared::Equal, &["configuration"]);
    check("/usr/lib/zebra/settings", zebra, Compared::Differs, &["not-as-packaged", "configuration"]);
    assert_eq!(seen.len(), 5);
    let told = rpm.told("antelope");
    assert_eq!(told.len(), 403);
    for line in told.iter().filter(|line| line.starts_with("/usr")) {
        let parts: Vec<_> = line.split(' ').collect();
        let [path, owner @ .., digest] = parts.as_slice() else { panic!("{line}") };
        assert_eq!(seen.get(*path).map(|(owner, ..)| owner.clone()), Some(owner.join(" ")), "{line}");
        let file = crate::measure::tests::digest_of(&rpm.host.at(path));
        assert_eq!(hex::encode(file.as_bytes()), *digest, "{line}");
    }
}

/// A writer that has the database open keeps what it commits in the log.
#[test]
fn what_is_committed_to_the_log_counts() {
    if !is_there() || Command::new("sqlite3").arg("--version").output().is_err() {
        eprintln!("skipped: rpm, rpmbuild or sqlite3 is not here");
        return;
    }
    let rpm = Rpm::new();
    rpm.install(&rpm.build("zebra", 100));
    let database = rpm.host.at("usr/lib/sysimage/rpm/rpmdb.sqlite");
    let log = database.with_file_name("rpmdb.sqlite-wal");
    // What is read is a copy from within a session, whose end would write the log back.
    let copy = rpm.host.path("copy");
    std::fs::create_dir(&copy).unwrap();
    let session = format!(
        ".open {0}\nPRAGMA journal_mode=wal;\nPRAGMA wal_autocheckpoint=0;\nCREATE TABLE other(x);\n\
         UPDATE Packages SET hnum = hnum + 100;\nDELETE FROM Packages WHERE hnum < 100;\n\
         .shell cp {0} {0}-wal {1}\nDELETE FROM Packages;\n.shell cp {0}-wal {1}/later\n",
        database.display(),
        copy.display()
    );
    let script = rpm.host.path("session");
    std::fs::write(&script, session).unwrap();
    run(Command::new("sqlite3").arg("-batch").arg("-init").arg(&script).arg(":memory:").arg(""));
    let name = |path: &Path| path.file_name().unwrap().to_owned();
    let put = |from: &Path, to: &Path| assert!(std::fs::copy(from, to).is_ok());
    put(&copy.join(name(&database)), &database);
    let check = |expected: usize, what: &str| assert_eq!(rpm.seen().len(), expected, "{what}");
    put(&copy.join(name(&log)), &log);
    assert!(std::fs::metadata(&log).unwrap().len() > 4_096, "the log holds the change");
    check(3, "all of the log");
    put(&copy.join("later"), &log);
    check(0, "packages were removed in the log");
    let bytes = std::fs::read(&log).unwrap();
    std::fs::write(&log, &bytes[..bytes.len() - 1]).unwrap();
    check(3, "a removal that is cut off was never committed");
    std::fs::write(&log, b"").unwrap();
    check(3, "no log");
}

#[test]
fn who_signed_it() {
    if !is_there() {
        return;
    }
    let rpm = Rpm::new();
    let gnupg = rpm.host.path("gnupg");
    std::fs::create_dir_all(&gnupg).unwrap();
    std::fs::set_permissions(&gnupg, std::os::unix::fs::PermissionsExt::from_mode(0o700)).unwrap();
    let gpg = || {
        let mut command = rpm.command("gpg");
        command.args(["--batch", "--pinentry-mode", "loopback", "--passphrase", ""]);
        command
    };
    if gpg().args(["--quick-gen-key", "packager@example.org", "rsa2048", "sign"]).output().is_err() {
        eprintln!("skipped: no gpg here");
        return;
    }
    let keys = run(gpg().args(["--with-colons", "--list-keys"]));
    let fingerprint = keys.lines().find_map(|line| line.strip_prefix("fpr:::::::::")).unwrap();
    let fingerprint = fingerprint.trim_end_matches(':').to_lowercase();
    let package = rpm.build("zebra", 1);
    let define = ["--define", "_gpg_name packager@example.org", "--define", "__gpg /usr/bin/gpg"];
    run(rpm.command("rpmsign").args(define).arg("--addsign").arg(&package));
    run(Command::new("gpgconf").env("GNUPGHOME", &gnupg).args(["--kill", "all"]));
    rpm.install(&package);
    let id = fingerprint.get(24..).unwrap();
    let expected = format!("zebra 4:1.2-3 noarch openpgp:{fingerprint} openpgp-key-id:{id}");
    assert_eq!(rpm.seen().get("/usr/bin/zebra").map(|(owner, ..)| owner.clone()), Some(expected));
}

#[test]
fn a_damaged_database_is_said_not_to_be_read() {
    let host = Host::new();
    host.write("var/lib/rpm/rpmdb.sqlite", b"SQLite format 3\0 and no more");
    let mut engine = host.engine();
    let mut packages = Packages::new(&host.path("dpkg"));
    packages.attribute(&mut engine.tree, &engine.places);
    let [unread] = packages.unread() else { panic!("{:?}", packages.unread()) };
    assert!(unread.scope.contains("rpmdb.sqlite: SQLite:"), "{}", unread.scope);
}
