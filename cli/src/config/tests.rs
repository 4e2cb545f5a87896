//! Precedence, refusals, and that a token stays where it belongs.

use super::*;

const FILE: &str = r#"
    default-profile = "prod"
    [profile.prod]
    url = "https://prod.example"
    token = "prod-secret"
    ca = "/etc/prod.pem"
    [profile.lab]
    url = "https://lab.example"
    ca = "/etc/lab.pem"
"#;

fn resolved(args: &ConnectionArgs, file: &str) -> Result<Connection, CliError> {
    resolve(args, Some(toml::from_str(file).unwrap()), Some(Path::new("/c.toml")))
}

fn args() -> ConnectionArgs {
    ConnectionArgs::default()
}

fn load_with_mode(text: &str, mode: u32) -> Result<Option<RawConfig>, CliError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    load(&path, true)
}

#[test]
fn the_default_profile_is_used() {
    let connection = resolved(&args(), FILE).unwrap();
    assert_eq!(connection.url.as_str(), "https://prod.example/");
    assert_eq!(connection.ca, Path::new("/etc/prod.pem"));
    assert_eq!(connection.token.as_deref(), Some("prod-secret"));
}

#[test]
fn options_win_over_the_profile() {
    let given = ConnectionArgs {
        ca: Some("/mine.pem".into()),
        token: Some("mine".into()),
        profile: Some("lab".into()),
        ..args()
    };
    let connection = resolved(&given, FILE).unwrap();
    assert_eq!(connection.url.as_str(), "https://lab.example/");
    assert_eq!(connection.ca, Path::new("/mine.pem"));
    assert_eq!(connection.token.as_deref(), Some("mine"));
}

#[test]
fn a_profile_s_token_goes_to_no_other_verifier() {
    let elsewhere = ConnectionArgs { url: Some("https://elsewhere.example".into()), ..args() };
    assert_eq!(resolved(&elsewhere, FILE).unwrap().token, None);
    let same = ConnectionArgs { url: Some("https://prod.example/".into()), ..args() };
    assert_eq!(resolved(&same, FILE).unwrap().token.as_deref(), Some("prod-secret"));
}

#[test]
fn what_is_missing_is_named() {
    for (args, file, message, hint) in [
        (args(), "", "no verifier is configured", "--url"),
        (ConnectionArgs { url: Some("https://v.example".into()), ..args() }, "", "no CA is given", "--ca"),
        (ConnectionArgs { profile: Some("dev".into()), ..args() }, FILE, "no profile dev", "lab"),
        (ConnectionArgs { url: Some("http://v.example".into()), ..args() }, "", "is not https", "https://"),
        (ConnectionArgs { url: Some("https://u:p@v.example".into()), ..args() }, "", "user name", "https://"),
    ] {
        let error = resolved(&args, file).unwrap_err();
        assert!(error.message.contains(message), "{}", error.message);
        assert!(error.hints.iter().any(|text| text.contains(hint)), "{:?}", error.hints);
    }
}

#[test]
fn a_readable_token_is_refused_and_a_mode_without_one_is_not() {
    let error = load_with_mode(FILE, 0o644).unwrap_err();
    assert!(error.message.contains("(mode 644)"), "{}", error.message);
    assert!(error.hints.iter().any(|hint| hint.starts_with("chmod 600 ")), "{:?}", error.hints);
    assert!(load_with_mode(FILE, 0o640).is_err());
    assert!(load_with_mode(FILE, 0o600).is_ok());
    assert!(load_with_mode("[profile.lab]\nurl = \"https://lab.example\"", 0o644).is_ok());
}

#[test]
fn unknown_keys_are_refused_without_showing_the_file() {
    let error = load_with_mode("[profile.p]\ntoken = \"hush\"\ntokn = 1", 0o600).unwrap_err();
    assert!(error.message.contains("tokn"), "{}", error.message);
    assert!(error.message.contains("line 3: "), "{}", error.message);
    assert!(!error.message.contains("hush"), "{}", error.message);
}

#[test]
fn a_variable_that_is_set_to_nothing_is_not_set() {
    let empty = ConnectionArgs {
        url: Some(String::new()),
        token: Some(String::new()),
        ca: Some(PathBuf::new()),
        profile: Some(String::new()),
        ..args()
    };
    assert_eq!(resolved(&without_empty(&empty), FILE), resolved(&args(), FILE));
}

#[test]
fn debug_output_has_no_token() {
    let text =
        format!("{:?} {:?}", resolved(&args(), FILE).unwrap(), toml::from_str::<RawConfig>(FILE).unwrap());
    assert!(!text.contains("prod-secret"), "{text}");
}
