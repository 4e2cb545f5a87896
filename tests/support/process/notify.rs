//! The service manager's end of `sd_notify`: how a program says that it is ready.
//!
//! In: datagrams on a socket of the test's own, read as they come, because a program waits where nobody reads. Out: what
//! the program has told so far. It believes every sender that knows the socket's path.
//= systemd sd_notify(3)

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::sync::watch;
use tokio::task::AbortHandle;

/// A socket for one program.
#[derive(Debug)]
pub struct NotifySocket {
    path: PathBuf,
    told: watch::Receiver<ServiceState>,
    reader: AbortHandle,
    _dir: TempDir,
}

/// What a program has told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// It is ready for work.
    pub ready: bool,
    /// It is on its way out.
    pub stopping: bool,
    /// Its newest status line.
    pub status: Option<String>,
    /// How often it said that it is alive.
    pub watchdogs: u64,
}

impl NotifySocket {
    /// A new socket; must be called within a runtime.
    pub fn bind() -> Result<Self> {
        // A socket's path has at most 107 bytes.
        let dir = tempfile::Builder::new().prefix("lnfy").tempdir_in("/tmp")?;
        let path = dir.path().join("n");
        let socket = UnixDatagram::bind(&path).with_context(|| format!("bind {}", path.display()))?;
        let (tell, told) = watch::channel(ServiceState::default());
        let reader = tokio::spawn(read(socket, tell)).abort_handle();
        Ok(Self { path, told, reader, _dir: dir })
    }

    /// What a program finds as `NOTIFY_SOCKET`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was told so far.
    pub fn state(&self) -> ServiceState {
        self.told.borrow().clone()
    }

    /// Waits until something is told that has an answer to `ask`.
    pub async fn told<T>(&mut self, ask: impl Fn(&ServiceState) -> Option<T>) -> Result<T> {
        loop {
            if let Some(answer) = ask(&self.told.borrow_and_update()) {
                return Ok(answer);
            }
            self.told.changed().await.context("the socket of a service was closed")?;
        }
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

/// Reads until the socket breaks, which the closed channel then tells.
async fn read(socket: UnixDatagram, tell: watch::Sender<ServiceState>) {
    let mut buffer = vec![0; DATAGRAM_BYTES];
    while let Ok(size) = socket.recv(&mut buffer).await {
        let text = String::from_utf8_lossy(buffer.get(..size).unwrap_or_default());
        tell.send_modify(|state| text.lines().for_each(|line| state.take(line)));
    }
}

impl ServiceState {
    fn take(&mut self, line: &str) {
        match line.split_once('=') {
            Some(("READY", "1")) => self.ready = true,
            Some(("STOPPING", "1")) => self.stopping = true,
            Some(("WATCHDOG", "1")) => self.watchdogs = self.watchdogs.saturating_add(1),
            Some(("STATUS", status)) => self.status = Some(status.to_owned()),
            _ => {}
        }
    }
}

/// More than any line of status has.
const DATAGRAM_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_datagram_may_tell_several_things() {
        let mut socket = NotifySocket::bind().unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        let say = |text: &'static [u8]| sender.send_to(text, socket.path());
        say(b"READY=1\nSTATUS=listening on 127.0.0.1:1234\nMAINPID=7").await.unwrap();
        say(b"WATCHDOG=1").await.unwrap();
        let alive = socket.told(|state| (state.watchdogs == 1).then(|| state.clone())).await.unwrap();
        let status = Some("listening on 127.0.0.1:1234".to_owned());
        assert_eq!(alive, ServiceState { ready: true, stopping: false, status, watchdogs: 1 });
    }

    /// The kernel keeps some ten datagrams for a reader; a program that tells more would hang.
    #[tokio::test]
    async fn a_program_is_never_kept_waiting() {
        let mut socket = NotifySocket::bind().unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        for _ in 0..1_000 {
            sender.send_to(b"WATCHDOG=1", socket.path()).await.unwrap();
        }
        socket.told(|state| (state.watchdogs == 1_000).then_some(())).await.unwrap();
    }
}
