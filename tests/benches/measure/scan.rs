//! The first scan of /usr, warm and cold, against programs that hash files: time and processor time.
//!
//! Ours is a process from its start to its end: it walks every directory, opens every file to see what it is, hashes what counts,
//! finds the packages and makes manifests. `aide` and `hashdeep` hash every file; `openssl` is told which files, once those
//! that count and once all of them.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Result, ensure};
use support::usage::{Cost, cost};
use support::{Figure, Goal};

use crate::worker;

const ROOT: &str = "/usr";
/// Of those that take seconds; the others take a minute and run once.
const ROUNDS: usize = 3;

/// Peer, whether it takes long, and what the ratios of ours to its processor time and time may be.
const PEERS: [(Peer, bool, f64, f64); 4] = [
    (Peer::OpensslSame, false, 1.0, 1.0),
    (Peer::OpensslAll, false, 1.0, 1.0),
    (Peer::Hashdeep, true, 0.125, 1.0),
    (Peer::Aide, true, 0.125, 1.0),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Peer {
    OpensslSame,
    OpensslAll,
    Hashdeep,
    Aide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Temperature {
    Warm,
    Cold,
}

pub(crate) fn run() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let bench = Bench { dir: dir.path().to_owned() };
    bench.prepare()?;
    for temperature in [Temperature::Warm, Temperature::Cold] {
        if temperature == Temperature::Cold && !drop_caches()? {
            writeln!(
                io::stdout(),
                "cold: /proc/sys/vm/drop_caches cannot be written, so nothing was measured cold"
            )?;
            continue;
        }
        bench.compare(temperature)?;
    }
    Ok(())
}

struct Bench {
    dir: PathBuf,
}

impl Bench {
    /// The lists for openssl and the configuration for aide; what is read here is warm afterwards.
    fn prepare(&self) -> Result<()> {
        let list = self.dir.join("same").display().to_string();
        let cache = self.cache()?;
        cost(&worker::command(&["scan", ROOT, &cache, &list])?, None, &[0])?;
        let find = Command::new("find")
            .args([ROOT, "-xdev", "-type", "f", "-print0"])
            .stdout(File::create(self.dir.join("all"))?)
            .status()?;
        ensure!(find.success(), "find: {find}");
        let config = format!(
            "database_out=file:{0}/aide.db\nreport_url=file:{0}/aide.report\ngzip_dbout=no\n{ROOT} sha256\n",
            self.dir.display()
        );
        std::fs::write(self.dir.join("aide.conf"), config)?;
        let count = |name: &str| -> Result<usize> {
            Ok(std::fs::read(self.dir.join(name))?.split(|byte| *byte == 0).count().saturating_sub(1))
        };
        writeln!(io::stdout(), "{ROOT}: {} files, {} of them executables", count("all")?, count("same")?)?;
        let warm = Command::new("xargs")
            .args(["-0", "cat"])
            .stdin(self.list("all")?)
            .stdout(Stdio::null())
            .status()?;
        // A file that went away meanwhile is no matter.
        ensure!(matches!(warm.code(), Some(0 | 123)), "cat: {warm}");
        Ok(())
    }

    fn compare(&self, temperature: Temperature) -> Result<()> {
        let (mut ours, mut peers) = (Vec::new(), PEERS.map(|_| Vec::new()));
        let rounds = if temperature == Temperature::Warm { ROUNDS } else { 1 };
        for round in 0..rounds {
            self.reset(temperature)?;
            ours.push(self.ours()?);
            for ((peer, long, ..), costs) in PEERS.iter().zip(&mut peers) {
                if round > 0 && *long {
                    continue;
                }
                self.reset(temperature)?;
                match self.peer(*peer) {
                    Ok(cost) => costs.push(cost),
                    Err(error) => writeln!(io::stdout(), "{} was not compared with: {error:#}", peer.name())?,
                }
            }
        }
        for ((peer, _, processor, wall), costs) in PEERS.into_iter().zip(peers) {
            let start = format!("first scan of {ROOT}, {}, against {}", temperature.name(), peer.name());
            let figure = |what: &str, part: fn(&Cost) -> f64, goal| {
                let (name, peer) = (format!("{start}: {what}"), median(&costs, part));
                let Some(ours) = median(&ours, part) else { return Ok(()) };
                Figure { name: &name, ours, peer, unit: "s", goal: Goal::RatioAtMost(goal) }.write()
            };
            figure("processor time", |cost| cost.processor, processor)?;
            figure("time", |cost| cost.wall, wall)?;
        }
        Ok(())
    }

    fn reset(&self, temperature: Temperature) -> Result<()> {
        let _ = std::fs::remove_file(self.dir.join("aide.db"));
        if temperature == Temperature::Cold {
            ensure!(drop_caches()?, "/proc/sys/vm/drop_caches cannot be written any more");
        }
        Ok(())
    }

    fn ours(&self) -> Result<Cost> {
        cost(&worker::command(&["scan", ROOT, &self.cache()?, worker::NO_LIST])?, None, &[0])
    }

    fn peer(&self, peer: Peer) -> Result<Cost> {
        let cores = std::thread::available_parallelism()?.to_string();
        let words = |line: &str| -> Vec<OsString> { line.split(' ').map(OsString::from).collect() };
        let openssl = format!("xargs -0 -n 200 -P {cores} openssl dgst -sha256");
        match peer {
            Peer::OpensslSame => cost(&words(&openssl), Some(self.list("same")?), &[0]),
            // 123: a file went away meanwhile.
            Peer::OpensslAll => cost(&words(&openssl), Some(self.list("all")?), &[0, 123]),
            Peer::Hashdeep => cost(&words(&format!("hashdeep -c sha256 -r -j{cores} {ROOT}")), None, &[0]),
            Peer::Aide => {
                let config = self.dir.join("aide.conf");
                let line = format!("aide --workers={cores} --config={} --init", config.display());
                cost(&words(&line), None, &[0])
            }
        }
    }

    fn list(&self, name: &str) -> Result<File> {
        Ok(File::open(self.dir.join(name))?)
    }

    /// Where a scan may make its cache; there is none there.
    fn cache(&self) -> Result<String> {
        let cache = self.dir.join("cache");
        if cache.exists() {
            std::fs::remove_file(&cache)?;
        }
        Ok(cache.display().to_string())
    }
}

impl Peer {
    const fn name(self) -> &'static str {
        match self {
            Self::OpensslSame => "openssl dgst of the same files",
            Self::OpensslAll => "openssl dgst of all files",
            Self::Hashdeep => "hashdeep -r",
            Self::Aide => "aide --init",
        }
    }
}

impl Temperature {
    const fn name(self) -> &'static str {
        match self {
            Self::Warm => "warm",
            Self::Cold => "cold",
        }
    }
}

/// Whether the kernel has forgotten what it had read.
fn drop_caches() -> Result<bool> {
    ensure!(Command::new("sync").status()?.success(), "sync");
    Ok(std::fs::write(Path::new("/proc/sys/vm/drop_caches"), "3").is_ok())
}

fn median(costs: &[Cost], part: fn(&Cost) -> f64) -> Option<f64> {
    let mut numbers: Vec<f64> = costs.iter().map(part).collect();
    numbers.sort_unstable_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}
