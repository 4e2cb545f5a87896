//! What an administrator should know about a configuration that works all the same.
//!
//! In: a configuration. Out: sentences. None of this stops the agent: what is missing becomes a gap in the evidence, and the
//! verifier's policy decides what it means.

use std::fs::File;
use std::io;
use std::path::Path;

use crate::config::Config;

/// Sentences, each with what may help.
pub fn of(config: &Config) -> Vec<String> {
    let logs = [
        (
            "firmware log",
            &config.firmware_log,
            "boot with UEFI and a TPM, and mount securityfs on /sys/kernel/security",
        ),
        ("IMA list", &config.ima_list, "boot with ima_policy=tcb to have the kernel measure what is run"),
    ];
    let logs = logs.into_iter().filter_map(|(what, path, hint)| log(what, path, hint));
    let roots = config.measure.roots.iter().filter(|root| !root.exists());
    let roots = roots.map(|root| format!("{}: there is no such tree to measure", root.display()));
    logs.chain(roots).collect()
}

fn log(what: &str, path: &Path, hint: &str) -> Option<String> {
    match File::open(path) {
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            Some(format!("no {what} at {}: evidence will say so (hint: {hint})", path.display()))
        }
        Err(error) => Some(format!("{what} at {}: {error} (hint: run as root)", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::RawConfig;

    #[test]
    fn what_is_missing_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = RawConfig::default().check().unwrap();
        config.firmware_log = dir.path().join("firmware");
        config.ima_list = dir.path().join("ima");
        config.measure.roots = vec![dir.path().to_owned(), dir.path().join("none")];
        assert_eq!(of(&config).len(), 3);
        for file in ["firmware", "ima"] {
            std::fs::write(dir.path().join(file), "").unwrap();
        }
        std::fs::create_dir(dir.path().join("none")).unwrap();
        assert_eq!(of(&config), Vec::<String>::new());
    }
}
