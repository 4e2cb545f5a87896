//! The service manager's end of `sd_notify`: how a program says that it is ready.
//!
//! In: datagrams on a socket of the test's own. Out: what the program has told so far. It believes every sender that knows the
//! socket's path.
//= systemd sd_notify(3)

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use tempfile::TempDir;
use tokio::net::UnixDatagram;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A socket for one program.
#[derive(Debug)]
pub struct NotifySocket {
    path: PathBuf,
    state: watch::Receiver<ServiceState>,
    reader: JoinHandle<()>,
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
    /// A new socket; must be called within a runtime. It is read at once and always, as a service manager does: a
    /// program whose words nobody reads would wait in the middle of its work.
    pub fn bind() -> Result<Self> {
        // A socket's path has at most 107 bytes.
        let dir = tempfile::Builder::new().prefix("lnfy").tempdir_in("/tmp")?;
        let path = dir.path().join("n");
        let socket = UnixDatagram::bind(&path).with_context(|| format!("bind {}", path.display()))?;
        let (told, state) = watch::channel(ServiceState::default());
        let reader = tokio::spawn(async move {
            let mut buffer = vec![0; DATAGRAM_BYTES];
            while let Ok(size) = socket.recv(&mut buffer).await {
                let text = String::from_utf8_lossy(buffer.get(..size).unwrap_or_default());
                told.send_modify(|state| text.lines().for_each(|line| state.take(line)));
            }
        });
        Ok(Self { path, state, reader, _dir: dir })
    }

    /// What a program finds as `NOTIFY_SOCKET`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What was told so far.
    pub fn state(&mut self) -> ServiceState {
        self.state.borrow_and_update().clone()
    }

    /// Waits until more was told since [`NotifySocket::state`].
    pub async fn changed(&mut self) -> Result<()> {
        self.state.changed().await.context("the reader of a service's words ended")
    }
}

impl Drop for NotifySocket {
    fn drop(&mut self) {
        self.reader.abort();
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
        while socket.state().watchdogs == 0 {
            socket.changed().await.unwrap();
        }
        let status = Some("listening on 127.0.0.1:1234".to_owned());
        assert_eq!(socket.state(), ServiceState { ready: true, stopping: false, status, watchdogs: 1 });
    }
}
