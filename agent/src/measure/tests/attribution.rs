//! Owners by a small administrative directory of dpkg.

use std::fs;
use std::os::unix::fs::symlink;

use super::*;

impl Host {
    fn dpkg(&self, file: &str, content: &str) {
        let path = self.path("dpkg").join(file);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

const STATUS: &str = "Package: tool
Status: install ok installed
Architecture: amd64
Description: a tool
 with a second line
Version: 1:2.0-3

Package: libx
Architecture: i386
Version: 1.0

Package: libx
Architecture: amd64
Version: 1.1
";

fn merged_usr() -> Host {
    let host = Host::new();
    symlink("usr/bin", host.at("bin")).unwrap();
    symlink("/usr/lib/", host.at("lib")).unwrap();
    host.dpkg("status", STATUS);
    host
}

fn owners(host: &Host) -> Vec<(String, Vec<String>)> {
    let state = host.state(&mut host.engine());
    state
        .into_iter()
        .map(|((kind, name), files)| (format!("{kind} {name}"), files.into_keys().collect()))
        .collect()
}

fn check(host: &Host, expected: &[(&str, &[&str])]) {
    let found = owners(host);
    let found: Vec<(&str, Vec<&str>)> = found
        .iter()
        .map(|(name, files)| (name.as_str(), files.iter().map(String::as_str).collect()))
        .collect();
    let expected: Vec<(&str, Vec<&str>)> =
        expected.iter().map(|(name, files)| (*name, files.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
fn files_belong_to_packages_and_the_rest_to_directories() {
    let host = merged_usr();
    host.elf("usr/bin/tool", "1");
    host.elf("usr/bin/mine", "2");
    host.elf("usr/lib/x/libx.so", "3");
    host.elf("usr/lib/y/other", "4");
    host.dpkg("info/tool.list", "/.\n/bin\n/bin/tool\n/usr/share/doc/tool\n");
    host.dpkg("info/libx:amd64.list", "/lib/x/libx.so\n");
    host.dpkg("info/libx:i386.list", "/lib/i386/libx.so\n");
    host.dpkg("info/tool.md5sums", "/usr/lib/y/other\n");
    let expected: [(&str, &[&str]); 4] = [
        ("directory /usr/bin", &["/usr/bin/mine"]),
        ("directory /usr/lib/y", &["/usr/lib/y/other"]),
        ("package libx 1.1 amd64", &["/usr/lib/x/libx.so"]),
        ("package tool 1:2.0-3 amd64", &["/usr/bin/tool"]),
    ];
    check(&host, &expected);
}

#[test]
fn a_diverted_file_belongs_to_the_package_that_was_diverted() {
    let host = merged_usr();
    host.elf("usr/bin/tool", "of libx");
    host.elf("usr/bin/tool.distrib", "of tool");
    host.dpkg("info/tool.list", "/usr/bin/tool\n");
    host.dpkg("info/libx:amd64.list", "/usr/bin/tool\n");
    host.dpkg("diversions", "/usr/bin/tool\n/usr/bin/tool.distrib\nlibx\n");
    let expected: [(&str, &[&str]); 2] = [
        ("package libx 1.1 amd64", &["/usr/bin/tool"]),
        ("package tool 1:2.0-3 amd64", &["/usr/bin/tool.distrib"]),
    ];
    check(&host, &expected);
}

#[test]
fn of_two_packages_that_claim_a_file_the_first_by_name_has_it() {
    let host = merged_usr();
    host.elf("usr/bin/tool", "1");
    host.dpkg("info/tool.list", "/usr/bin/tool\n");
    host.dpkg("info/libx:amd64.list", "/bin/tool\n");
    check(&host, &[("package libx 1.1 amd64", &["/usr/bin/tool"])]);
}

#[test]
fn a_database_that_lies_or_is_damaged_only_groups() {
    let host = merged_usr();
    host.elf("usr/bin/tool", "1");
    let digest = digest_of(&host.at("usr/bin/tool"));
    host.dpkg("info/tool.list", "/usr/bin/tool");
    host.dpkg("info/odd\u{fffd}.list", "no path\n\n//\n/\n/usr/bin/\n/usr/bin/absent\n");
    host.dpkg("status", "Version: 1\n\n\nPackage tool\n: x\nPackage:\n");
    host.dpkg("diversions", "/usr/bin/tool\n/usr/bin/tool\n");
    let state = host.state(&mut host.engine());
    let expected = [("/usr/bin/tool".to_owned(), (digest, vec!["elf"]))].into();
    assert_eq!(state, [(("package", "tool  ".to_owned()), expected)].into());
}

#[test]
fn without_a_database_directories_hold_everything() {
    let host = Host::new();
    host.elf("usr/bin/tool", "1");
    check(&host, &[("directory /usr/bin", &["/usr/bin/tool"])]);
}

#[test]
fn a_changed_database_is_read_again() {
    let host = merged_usr();
    host.elf("usr/bin/tool", "1");
    host.dpkg("info/tool.list", "/usr/bin/tool\n");
    let mut engine = host.engine();
    let mut database = Packages::new(&host.path("dpkg"));
    database.attribute(&mut engine.tree, &engine.places);
    assert_eq!(database.package(0).unwrap().version, "1:2.0-3");
    host.dpkg("status-new", &STATUS.replace("2.0-3", "2.0-4"));
    fs::rename(host.path("dpkg/status-new"), host.path("dpkg/status")).unwrap();
    assert!(engine.take_hints(), "the directory is watched");
    database.attribute(&mut engine.tree, &engine.places);
    assert_eq!(database.package(0).unwrap().version, "1:2.0-4");
}

#[test]
fn a_held_lock_shows_and_a_file_lock_of_another_kind_does_not() {
    use rustix::fs::{FlockOperation, fcntl_lock, flock};
    let host = merged_usr();
    host.dpkg("lock", "");
    host.dpkg("lock-frontend", "");
    let database = Packages::new(&host.path("dpkg"));
    let places = host.engine().places;
    assert!(!database.busy(&places));
    let other = fs::File::options().write(true).open(host.path("dpkg/lock")).unwrap();
    flock(&other, FlockOperation::LockExclusive).unwrap();
    assert!(!database.busy(&places));
    let lock = fs::File::options().write(true).open(host.path("dpkg/lock-frontend")).unwrap();
    fcntl_lock(&lock, FlockOperation::NonBlockingLockExclusive).unwrap();
    assert!(database.busy(&places));
    drop(lock);
    assert!(!database.busy(&places));
}
