//! The socket on which a running agent answers.
//!
//! In: connections of root and of the agent's own user. Out: answers. One thread serves one connection after the other and
//! ends each that is silent; the main loop is never waited for. The socket is a file of mode 0600 in the state directory,
//! which is itself closed to others; peers are checked all the same.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use rustix::event::{EventfdFlags, PollFd, PollFlags, poll};

use super::answer::answer;
use super::board::Board;
use super::limits::{IDLE, QUESTION_BYTES, QUESTIONS};
use super::messages::{Answer, Question};
use crate::sightings::Reader;

/// Answers until it is dropped; the socket's file goes with it.
#[derive(Debug)]
pub struct Server {
    path: PathBuf,
    wake: std::sync::Arc<OwnedFd>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// The socket's name in the state directory.
    pub const FILE: &str = "agent.sock";

    /// Begins to answer. Only the holder of the directory's lock may call this: it takes the place of a stale socket.
    pub fn start(state_dir: &Path, reader: Reader, board: Board) -> io::Result<Self> {
        let path = state_dir.join(Self::FILE);
        let listener = bind(&path)?;
        let wake = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let wake = std::sync::Arc::new(wake);
        let told = std::sync::Arc::clone(&wake);
        let thread = std::thread::Builder::new()
            .name("answers".into())
            .spawn(move || serve(&listener, &told, &reader, &board))?;
        Ok(Self { path, wake, thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It fails only where the counter is full, and then the thread is awake.
        let _ = rustix::io::write(&self.wake, &1_u64.to_ne_bytes());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // One that is gone already is no harm, and the next agent replaces one that stays.
        let _ = fs::remove_file(&self.path);
    }
}

/// A socket under its final name is one that its owner alone can use: its mode is set before it is moved there.
fn bind(path: &Path) -> io::Result<UnixListener> {
    let fresh = path.with_extension("sock.tmp");
    crate::durable::remove(&fresh)?;
    let listener = UnixListener::bind(&fresh)?;
    fs::set_permissions(&fresh, fs::Permissions::from_mode(0o600))?;
    fs::rename(&fresh, path)?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

fn serve(listener: &UnixListener, wake: &OwnedFd, reader: &Reader, board: &Board) {
    loop {
        let mut fds = [PollFd::new(listener, PollFlags::IN), PollFd::new(wake, PollFlags::IN)];
        let waited = poll(&mut fds, None);
        let [_, woken] = &fds;
        match waited {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return tracing::warn!(%error, "local questions are not answered any more"),
            Ok(_) if !woken.revents().is_empty() => return,
            Ok(_) => {}
        }
        let Ok((stream, _)) = listener.accept() else { continue };
        if let Err(error) = converse(&stream, wake, reader, board) {
            tracing::debug!(%error, "a local question was not answered");
        }
    }
}

fn converse(stream: &UnixStream, wake: &OwnedFd, reader: &Reader, board: &Board) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(IDLE))?;
    stream.set_write_timeout(Some(IDLE))?;
    let peer = rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw();
    if !may_ask(peer, rustix::process::geteuid().as_raw()) {
        return tell(stream, &Answer::Failed { message: "only root and the agent's user may ask".into() });
    }
    let mut lines = BufReader::new(stream);
    for _ in 0..QUESTIONS {
        if is_set(wake) {
            return Ok(());
        }
        let mut line = Vec::new();
        let read = lines.by_ref().take(QUESTION_BYTES).read_until(b'\n', &mut line)?;
        if read == 0 {
            return Ok(());
        }
        let question = serde_json::from_slice::<Question>(&line);
        let Ok(question) = question else {
            // What follows may be the rest of a line that is too long: nothing of it is read.
            return tell(stream, &Answer::Failed { message: "this agent does not know the question".into() });
        };
        tell(stream, &answer(&question, reader, board))?;
    }
    Ok(())
}

fn is_set(wake: &OwnedFd) -> bool {
    let mut fds = [PollFd::new(wake, PollFlags::IN)];
    let now = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
    matches!(poll(&mut fds, Some(&now)), Ok(1))
}

fn tell(mut stream: &UnixStream, answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    stream.write_all(&line)
}

/// Root could read the stores anyway, and so could the agent's user.
pub(super) const fn may_ask(peer: u32, own: u32) -> bool {
    peer == 0 || peer == own
}
