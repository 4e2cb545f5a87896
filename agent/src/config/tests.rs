use std::os::unix::fs::PermissionsExt as _;

use super::*;

fn parse(text: &str) -> Result<Config, ConfigError> {
    toml::from_str::<RawConfig>(text).expect("TOML").check()
}

#[track_caller]
fn refused(text: &str, key: &str) {
    match parse(text) {
        Err(ConfigError::Value { key: found, .. }) => assert_eq!(found, key),
        other => panic!("{other:?}"),
    }
}

#[test]
fn nothing_written_gives_the_defaults() {
    let config = parse("").unwrap();
    assert_eq!(config.state_dir, Path::new("/var/lib/lydian-agent"));
    assert_eq!(config.tpm.to_string(), "device:/dev/tpmrm0");
    assert_eq!(config.measure.settle, Duration::from_millis(500));
    assert_eq!(config.heartbeat, None);
    assert_eq!(config.measure.hash_threads.get(), 8);
}

#[test]
fn unknown_keys_are_errors() {
    for text in ["stat-dir = '/x'", "[verifier]\nurll = 'x'", "[measure]\nsettle_ms = 5", "[nothing]"] {
        assert!(toml::from_str::<RawConfig>(text).is_err(), "{text}");
    }
}

#[test]
fn values_that_make_no_sense_name_their_key() {
    refused("state-dir = 'here'", "state-dir");
    refused("[verifier]\nurl = 'http://plain.example'", "verifier.url");
    refused("[verifier]\nurl = 'https://user@a.example'", "verifier.url");
    refused("[verifier]\nurl = 'nonsense'", "verifier.url");
    refused("[tpm]\ntcti = 'mssim'", "tpm.tcti");
    refused("[tpm]\nak-handle-base = 1", "tpm.ak-handle-base");
    refused("[measure]\nroots = []", "measure.roots");
    refused("[measure]\nroots = ['usr']", "measure.roots");
    refused("[measure]\nsettle-ms = 0", "measure.settle-ms");
    refused("[measure]\ncpu-percent = 101", "measure.cpu-percent");
    refused("[measure]\nsettle-ms = 600\nsettle-max-ms = 500", "measure.settle-max-ms");
    refused("[spool]\nmax-bytes = 1", "spool.max-bytes");
    refused("[seal]\nheartbeat-secs = 0", "seal.heartbeat-secs");
}

#[test]
fn a_flag_goes_before_the_file() {
    let file: RawConfig = toml::from_str("[measure]\nsettle-ms = 100\nroots = ['/usr']").unwrap();
    let over = Overrides { settle_ms: Some(200), ..Overrides::default() };
    let config = file.overridden_by(&over).check().unwrap();
    assert_eq!(config.measure.settle, Duration::from_millis(200));
    assert_eq!(config.measure.roots, [Path::new("/usr")]);
}

#[test]
fn what_check_config_prints_reads_as_the_same() {
    let config =
        parse("[verifier]\nurl = 'https://v.example:8443'\nca = '/ca.pem'\n[seal]\nheartbeat-secs = 9")
            .unwrap();
    let text = toml::to_string(&RawConfig::from(&config)).unwrap();
    assert_eq!(parse(&text).unwrap(), config);
}

#[test]
fn the_example_that_is_shipped_is_the_default() {
    let text = include_str!("../../../packaging/config/agent.toml");
    assert_eq!(parse(text).unwrap(), parse("").unwrap());
    // With every comment sign taken off, each key exists and has a good value.
    let keys: String = text
        .lines()
        .filter_map(|line| line.strip_prefix("#").filter(|rest| !rest.starts_with(' ')).or(Some(line)))
        .filter(|line| !line.starts_with("# "))
        .fold(String::new(), |all, line| all + line + "\n");
    let all = parse(&keys).unwrap();
    assert!(all.verifier_url.is_some() && all.heartbeat.is_some());
}

#[test]
fn a_file_that_everybody_can_write_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("agent.toml");
    fs::write(&path, "").unwrap();
    let over = Overrides { config: Some(path.clone()), ..Overrides::default() };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
    assert!(matches!(Config::load(&over), Err(ConfigError::WorldWritable { .. })));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    Config::load(&over).unwrap();
    fs::write(&path, "no toml").unwrap();
    assert!(matches!(Config::load(&over), Err(ConfigError::Syntax { .. })));
    fs::remove_file(&path).unwrap();
    assert!(matches!(Config::load(&over), Err(ConfigError::Unreadable { .. })), "a named file must be there");
}
