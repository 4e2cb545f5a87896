//! Manual pages and completions of the three programs, from their grammars.
//!
//! In: the programs' command lines as clap has them. Out: files below `packaging`, the same for the same grammar, or with `--check` what
//! is not as it would be made. Nothing else may lie in their folders.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Command, CommandFactory as _};
use clap_complete::Shell;
use clap_mangen::Man;

/// What the chore needs.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Writes nothing: fails where a file is not as it would be made
    #[arg(long)]
    check: bool,
    /// The folder that has `man` and `completions`
    #[arg(long, value_name = "DIR", default_value = "packaging")]
    dir: PathBuf,
}

/// The programs, and the section of the manual that each is in.
fn programs() -> [(Command, &'static str); 3] {
    [(cli::command(), "1"), (agent::cli::Cli::command(), "8"), (verifier::cli::Arguments::command(), "8")]
}

/// Makes the files, or compares them; gives the report.
pub(crate) fn run(args: &Args) -> Result<String> {
    let made = files()?;
    let found = found(&args.dir)?;
    let stale = made.iter().filter(|(path, bytes)| found.get(*path) != Some(*bytes)).map(|(path, _)| path);
    let surplus = found.keys().filter(|path| !made.contains_key(*path));
    let differ: Vec<&PathBuf> = stale.chain(surplus).collect();
    if args.check {
        let list = differ.iter().map(|path| args.dir.join(path).display().to_string()).collect::<Vec<_>>();
        if !list.is_empty() {
            bail!("not as the programs' help is (cargo run -p xtask -- manuals):\n  {}", list.join("\n  "));
        }
        return Ok(format!("{} files are as they would be made\n", made.len()));
    }
    for path in &differ {
        let place = args.dir.join(path);
        match made.get(*path) {
            Some(bytes) => {
                if let Some(folder) = place.parent() {
                    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
                }
                fs::write(&place, bytes)
            }
            None => fs::remove_file(&place),
        }
        .with_context(|| place.display().to_string())?;
    }
    Ok(format!("{} files, {} of which were not so\n", made.len(), differ.len()))
}

/// What stands at the foot of each page.
const SOURCE: &str = concat!("Lydian ", env!("CARGO_PKG_VERSION"));

/// Every file by its path below the folder.
fn files() -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for (mut program, section) in programs() {
        for (shell, folder) in [(Shell::Bash, "bash"), (Shell::Fish, "fish"), (Shell::Zsh, "zsh")] {
            let name = program.get_name().to_owned();
            let file = match shell {
                Shell::Fish => format!("{name}.fish"),
                Shell::Zsh => format!("_{name}"),
                _ => name.clone(),
            };
            let mut bytes = Vec::new();
            clap_complete::generate(shell, &mut program.clone(), name, &mut bytes);
            files.insert(Path::new("completions").join(folder).join(file), bytes);
        }
        // Subcommands inherit options and get their full names.
        program.build();
        pages(&program, section, &mut files)?;
    }
    Ok(files)
}

/// The page of a command and of each below it.
fn pages(command: &Command, section: &str, files: &mut BTreeMap<PathBuf, Vec<u8>>) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name()).to_owned();
    let mut bytes = Vec::new();
    let man = Man::new(command.clone()).title(name.clone()).section(section).manual("Lydian").source(SOURCE);
    man.render(&mut bytes).with_context(|| name.clone())?;
    files.insert(Path::new("man").join(format!("{name}.{section}")), bytes);
    for below in command.get_subcommands().filter(|below| !below.is_hide_set() && below.get_name() != "help")
    {
        pages(below, section, files)?;
    }
    Ok(())
}

/// What lies in the folders now.
fn found(dir: &Path) -> Result<BTreeMap<PathBuf, Vec<u8>>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![PathBuf::from("man"), PathBuf::from("completions")];
    while let Some(folder) = folders.pop() {
        let place = dir.join(&folder);
        if !place.is_dir() {
            continue;
        }
        for entry in fs::read_dir(&place).with_context(|| place.display().to_string())? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            if entry.file_type()?.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(entry.path()).with_context(|| entry.path().display().to_string())?;
                found.insert(path, bytes);
            }
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_has_its_page_and_checking_finds_what_is_not_as_it_would_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let args = |check| Args { check, dir: dir.path().to_owned() };
        run(&args(false)).unwrap();
        for file in
            ["man/lydian.1", "man/lydian-host-list.1", "man/lydian-agent.8", "man/lydian-agent-enroll.8"]
        {
            let page = fs::read_to_string(dir.path().join(file)).unwrap();
            assert!(page.contains(".TH "), "{file}");
        }
        for file in ["bash/lydian", "fish/lydian-agent.fish", "zsh/_lydian-verifier"] {
            assert!(dir.path().join("completions").join(file).is_file(), "{file}");
        }
        run(&args(true)).unwrap();
        fs::write(dir.path().join("man/lydian.1"), "old").unwrap();
        fs::write(dir.path().join("man/lydian-gone.1"), "old").unwrap();
        let why = run(&args(true)).unwrap_err().to_string();
        assert!(why.contains("man/lydian.1") && why.contains("man/lydian-gone.1"), "{why}");
        assert!(!why.contains("lydian-agent"), "{why}");
        run(&args(false)).unwrap();
        run(&args(true)).unwrap();
    }
}
