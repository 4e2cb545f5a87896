//! The real programs, as processes that a test starts, kills and ends.
//!
//! In: a program's name and arguments. Out: a guard that knows when the program is ready because the program says so
//! over `sd_notify`, what it wrote, how long it took to end. A guard that is dropped kills its process. What a program does
//! is not looked at here.

mod notify;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::net::SocketAddr;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::artefacts;
use crate::wait::DEADLINE;

pub use notify::{NotifySocket, ServiceState};

/// How to call one of the workspace's programs.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
}

impl Program {
    /// The program of this name, built in the test's own profile.
    pub fn new(name: &str) -> Result<Self> {
        Ok(Self { path: artefacts::program(name)?, arguments: Vec::new(), environment: Vec::new() })
    }

    /// A program of the machine.
    pub fn other(name: &str) -> Self {
        Self { path: name.into(), arguments: Vec::new(), environment: Vec::new() }
    }

    /// The program and its arguments, for another program to run.
    pub fn words(&self) -> impl Iterator<Item = &OsStr> {
        [self.path.as_os_str()].into_iter().chain(self.arguments.iter().map(OsString::as_os_str))
    }

    /// With more arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item: AsRef<OsStr>>>(mut self, arguments: I) -> Self {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// With a variable in its environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// With the variables of another program.
    #[must_use]
    pub fn environment_of(mut self, other: &Self) -> Self {
        self.environment.extend(other.environment.iter().cloned());
        self
    }

    /// Runs the program to its end.
    pub async fn run(&self) -> Result<Finished> {
        let mut command = self.command();
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn().with_context(|| format!("start {}", self.path.display()))?;
        let output = tokio::time::timeout(DEADLINE, child.wait_with_output()).await;
        let output = output.with_context(|| format!("{} does not end", self.path.display()))??;
        Ok(Finished {
            status: output.status,
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Starts the program as a service; what it writes goes to files in `dir`, one behind the other for each start.
    pub fn start(&self, dir: &Path) -> Result<Service> {
        let name = self.path.file_name().context("a program has a name")?.to_string_lossy().into_owned();
        let socket = NotifySocket::bind()?;
        let log = dir.join(format!("{name}.stderr"));
        let file = File::options().create(true).read(true).append(true).open(&log)?;
        let log_start = usize::try_from(file.metadata()?.len())?;
        // A directory that is removed earlier than its services does not take what they wrote with it.
        let log = file.try_clone()?;
        let mut command = self.command();
        command.env("NOTIFY_SOCKET", socket.path()).stdout(Stdio::null()).stderr(file);
        let child = command.spawn().with_context(|| format!("start {}", self.path.display()))?;
        Ok(Service { name, child, socket, log, log_start, words: Words::Shown })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        // The settings of whoever runs the tests must not reach the programs under test.
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("LYDIAN_") {
                command.env_remove(name);
            }
        }
        command.args(&self.arguments).envs(self.environment.iter().cloned());
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }
}

/// What a program that ran to its end left behind.
#[derive(Clone, Debug)]
pub struct Finished {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to its standard output.
    pub stdout: String,
    /// What it wrote to its standard error.
    pub stderr: String,
}

impl Finished {
    /// The exit status; -1 where a signal ended it.
    pub fn code(&self) -> i32 {
        self.status.code().unwrap_or(-1)
    }

    /// The standard output of a program that must have succeeded.
    pub fn succeeded(self) -> Result<String> {
        if self.status.success() {
            Ok(self.stdout)
        } else {
            bail!("ended with {}: {}\n{}", self.status, self.stderr, self.stdout)
        }
    }
}

/// A program that runs until it is told not to.
#[derive(Debug)]
pub struct Service {
    name: String,
    child: Child,
    socket: NotifySocket,
    log: File,
    log_start: usize,
    words: Words,
}

/// What becomes of a program's words when its guard goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Words {
    Shown,
    Filed,
}

impl Drop for Service {
    #[expect(
        clippy::print_stderr,
        reason = "shown by the test runner with a test that failed, and only then"
    )]
    fn drop(&mut self) {
        if self.words == Words::Filed {
            return;
        }
        let all = self.stderr().unwrap_or_else(|error| error.to_string());
        eprintln!("--- {} wrote:\n{}", self.name, all.get(self.log_start..).unwrap_or(&all));
    }
}

impl Service {
    /// Leaves what the program wrote in its file, for those who watch something else.
    pub const fn file_words(&mut self) {
        self.words = Words::Filed;
    }

    /// Waits until the program says that it is ready.
    pub async fn ready(&mut self) -> Result<()> {
        self.told("is ready", |state| state.ready.then_some(())).await
    }

    /// Waits until the program is ready and says where it listens (`STATUS=listening on ADDRESS`).
    pub async fn listening(&mut self) -> Result<SocketAddr> {
        self.ready().await?;
        let address = self.told("says where it listens", |state| {
            state
                .status
                .as_deref()?
                .split_once("listening on ")?
                .1
                .split_whitespace()
                .next()
                .map(str::to_owned)
        });
        let address = address.await?;
        address.parse().with_context(|| format!("{}: an address in its status: {address}", self.name))
    }

    /// Waits until what the program has told has an answer to `ask`.
    pub async fn told<T>(&mut self, what: &str, ask: impl Fn(&ServiceState) -> Option<T>) -> Result<T> {
        let Self { name, child, socket, log, .. } = self;
        let said = || read_all(log).unwrap_or_else(|error| error.to_string());
        tokio::select! {
            answer = socket.told(ask) => answer,
            ended = child.wait() => bail!("{name} ended with {}: {}", ended?, said()),
            () = tokio::time::sleep(DEADLINE) => bail!("{name}: {what}: not within {DEADLINE:?}: {}", said()),
        }
    }

    /// Ends the process without a warning.
    pub async fn kill_9(&mut self) -> Result<()> {
        // Gone already is as good.
        if self.child.id().is_some() {
            self.child.kill().await.with_context(|| format!("kill {}", self.name))?;
        }
        Ok(())
    }

    /// Asks the process to end, and says how long it took and how it ended.
    pub async fn terminate(&mut self) -> Result<(Duration, ExitStatus)> {
        let start = Instant::now();
        self.signal(Signal::TERM)?;
        let ended = self.ended().await?;
        Ok((start.elapsed(), ended))
    }

    /// Waits until the process ends by itself.
    pub async fn ended(&mut self) -> Result<ExitStatus> {
        let ended = tokio::time::timeout(DEADLINE, self.child.wait()).await;
        Ok(ended.with_context(|| format!("{} does not end", self.name))??)
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.pid()?, signal).with_context(|| format!("send {signal:?} to {}", self.name))
    }

    /// The process.
    pub fn pid(&self) -> Result<Pid> {
        let pid = self.child.id().with_context(|| format!("{} has ended", self.name))?;
        Pid::from_raw(i32::try_from(pid)?).context("a process has a number")
    }

    /// Everything that the program wrote to its standard error, earlier starts included.
    pub fn stderr(&self) -> Result<String> {
        read_all(&self.log)
    }
}

fn read_all(log: &File) -> Result<String> {
    let mut bytes = vec![0; usize::try_from(log.metadata()?.len())?];
    log.read_exact_at(&mut bytes, 0).context("read what a service wrote")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Any program can stand for a service here: what is tested is the guard.
    fn shell(script: &str, dir: &Path) -> Service {
        let program = Program { path: "/bin/sh".into(), arguments: Vec::new(), environment: Vec::new() };
        program.args(["-c", script]).start(dir).unwrap()
    }

    #[tokio::test]
    async fn a_program_that_ends_early_is_not_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let error = shell("echo broken >&2; exit 3", dir.path()).ready().await.unwrap_err().to_string();
        assert!(error.contains("exit status: 3") && error.contains("broken"), "{error}");
    }

    #[tokio::test]
    async fn a_killed_program_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let mut service = shell("exec cat /dev/zero >/dev/null", dir.path());
        service.kill_9().await.unwrap();
        service.kill_9().await.unwrap();
        assert!(service.pid().is_err());
    }

    #[tokio::test]
    async fn ending_is_measured() {
        let dir = tempfile::tempdir().unwrap();
        let mut service = shell("exec cat /dev/zero >/dev/null", dir.path());
        let (took, status) = service.terminate().await.unwrap();
        assert!(took < DEADLINE && status.code().is_none(), "{took:?} {status}");
    }
}
