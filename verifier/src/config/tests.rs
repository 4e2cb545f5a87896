use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn check(toml: &str, expected: &str) {
    let found = toml::from_str::<RawConfig>(toml)
        .map_err(|error| error.to_string())
        .and_then(|raw| Config::new(raw, &Overrides::default()).map_err(|failure| failure.to_string()));
    match found {
        Ok(_) => assert_eq!(expected, "", "{toml}"),
        Err(message) => assert!(!expected.is_empty() && message.contains(expected), "{toml}: {message}"),
    }
}

#[test]
fn every_value_is_checked() {
    check("", "");
    check("listen = 'localhost'", "listen = localhost is not an address and port");
    check("names = ['a b']", "neither a DNS name nor an IP address");
    check("lisen = '[::]:1'", "unknown field `lisen`");
    check("[hosts]\nheartbeat = 5", "unknown field `heartbeat`");
    check("[hosts]\nheartbeat-secs = 0", "hosts.heartbeat-secs = 0");
    check("[hosts]\nheartbeat-secs = 60\nstale-after-secs = 60", "is not above the heartbeat");
    check("[hosts]\nselection = 'sha256:24'", "cannot be quoted");
    check("[hosts]\nselection = 'none'", "names no PCR");
    check("[tls]\ncertificate = 'x.pem'", "they come together or not at all");
    check("[log]\norigin = 'a b'", "log.origin = a b");
    check("[endorsement]\npolicy = 'none'", "unknown variant `none`");
    check("[endorsement]\npolicy = 'danger-first-use'", "");
    check(
        "[log]\nobjects = 's3://b/p'\nobjects-endpoint = 'http://localhost.example.com'",
        "log.objects-endpoint",
    );
    check("[log]\nobjects = 's3://b/p'\nobjects-endpoint = 'http://localhost:9000'", "");
    check("[alerts]\nca = '/ca.pem'", "alerts.url is missing: alerts.ca says nothing without it");
    check(
        "[alerts]\nurl = 'http://alerts.example.com/'",
        "alerts.url = … is neither https nor on this machine",
    );
    check("[alerts]\nurl = 'http://localhost.example.com/'", "alerts.url = … is neither");
    check("[alerts]\nurl = 'https://who:secret@alerts.example.com/'", "alerts.url = … is neither");
    check("[alerts]\nurl = 'alerts.example.com'", "alerts.url = … is neither");
    check("[alerts]\nurl = 'https://alerts.example.com/lydian'", "");
    check("[alerts]\nurl = 'http://[::1]:9000/lydian'", "");
    check("[limits]\nconnections = 0", "limits.connections = 0");
    check("database = 'verifier.db'", "database = … is no address of a PostgreSQL database");
    check("database = 'postgres://who:secret@[::1/fleet'", "configuration: database: ");
    check("database = 'postgres://who:secret@db.example.com/fleet'", "database = … is on another machine");
    check(
        "database = 'postgres://db.example.com/fleet?sslmode=require'",
        "database = … is on another machine",
    );
    check("database = 'postgres://db.example.com/fleet?sslmode=verify-full'", "");
    check("database = 'postgres://who:secret@localhost/fleet'", "");
    check("database = 'postgres:///fleet?host=/run/postgresql'", "");
    check("[log]\nindex-root-interval-secs = 0", "log.index-root-interval-secs = 0");
}

#[test]
fn defaults_are_what_the_example_says() {
    let example = include_str!("../../../packaging/config/verifier.toml");
    let plain = Config::new(toml::from_str(example).unwrap(), &Overrides::default()).unwrap();
    // Each commented setting of the example states its default, so taking the marks off changes nothing but
    // the certificate's files, which have no default.
    let uncommented: String = example
        .lines()
        .map(|line| line.strip_prefix("#: ").unwrap_or(line))
        .filter(|line| {
            let none = ["ca = ", "certificate = ", "key = ", "origin = ", "names = ", "intermediates = "];
            !none.iter().chain(&["revocation-lists = ", "database = "]).any(|key| line.starts_with(key))
        })
        .flat_map(|line| [line, "\n"])
        .collect();
    let full = Config::new(toml::from_str(&uncommented).unwrap(), &Overrides::default()).unwrap();
    let limits = Limits { verifications: plain.limits.verifications, ..full.limits.clone() };
    assert_eq!((full.listen, &full.hosts, limits), (plain.listen, &plain.hosts, plain.limits));
    assert_eq!((full.endorsement, full.state_dir), (plain.endorsement, plain.state_dir));
    assert_eq!(full.join_token_ttl_max, plain.join_token_ttl_max);
    assert_eq!(full.index_root_every, plain.index_root_every);
    assert!(uncommented.lines().filter(|line| line.contains(" = ")).count() >= 12);
}

#[test]
fn the_command_line_wins() {
    let raw = toml::from_str("listen = '127.0.0.1:1'\nstate-dir = '/file'\nnames = ['file']").unwrap();
    let overrides = Overrides {
        listen: Some("127.0.0.1:2".into()),
        state_dir: Some("/flag".into()),
        names: vec!["flag".into()],
        origin: Some("example.com/log".into()),
    };
    let config = Config::new(raw, &overrides).unwrap();
    assert_eq!(config.listen.port(), 2);
    assert_eq!(config.database.to_string(), "/flag/verifier.db");
    assert_eq!(config.names, ["flag"]);
    assert_eq!(config.origin.unwrap().as_str(), "example.com/log");
}

#[test]
fn a_file_that_everybody_can_change_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("verifier.toml");
    std::fs::write(&path, "").unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o646)).unwrap();
    assert_eq!(load(Some(&path), &Overrides::default()).unwrap_err().exit(), Exit::Permission);
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    load(Some(&path), &Overrides::default()).unwrap();
    let absent = load(Some(&dir.path().join("absent")), &Overrides::default()).unwrap_err();
    assert_eq!(absent.exit(), Exit::Config);
}
