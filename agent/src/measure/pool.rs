//! Threads that examine files, for as long as a walk has many of them.
//!
//! In: batches of names in open directories. Out: their findings, in any order. A few files are examined on
//! the calling thread; threads and their buffers exist only while there is more.

use std::ffi::CString;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use evidence::time::UnixTime;

use super::examine::{Digests, Examiner, Finding, Task, Tools};
use super::limits::{INLINE_BATCHES, INLINE_BYTES, ROUND};
use super::place::Place;
use super::stamp::{Stamp, Steps};

/// Names of one directory to examine.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) directory: Arc<[u8]>,
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) place: Place,
    /// Before their stamps were taken.
    pub(crate) listed: UnixTime,
    pub(crate) digests: Digests,
    pub(crate) steps: Steps,
    pub(crate) names: Vec<(CString, Stamp)>,
}

/// What became of a batch.
#[derive(Debug)]
pub(crate) struct Examined {
    pub(crate) directory: Arc<[u8]>,
    pub(crate) place: Place,
    pub(crate) findings: Vec<(CString, Finding)>,
}

/// Examines batches; dropped at the end of a walk.
pub(crate) struct Pool {
    threads: NonZeroUsize,
    tools: Tools,
    backlog: Vec<Batch>,
    waiting_bytes: u64,
    crew: Option<Crew>,
}

struct Crew {
    jobs: Option<SyncSender<Batch>>,
    results: Receiver<Examined>,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn new(threads: NonZeroUsize, tools: Tools) -> Self {
        Self { threads, tools, backlog: Vec::new(), waiting_bytes: 0, crew: None }
    }

    /// Takes a batch; returns what is done so far.
    pub(crate) fn submit(&mut self, batch: Batch) -> Vec<Examined> {
        let bytes: u64 = batch.names.iter().map(|(_, stamp)| stamp.size).sum();
        self.waiting_bytes = self.waiting_bytes.saturating_add(bytes);
        self.backlog.push(batch);
        if self.crew.is_none() {
            if self.backlog.len() <= INLINE_BATCHES && self.waiting_bytes <= INLINE_BYTES {
                return Vec::new();
            }
            self.crew = self.start();
            if self.crew.is_none() {
                return self.examine_backlog();
            }
        }
        self.advance()
    }

    /// Whether the threads have as much to do as they may have; then `wait` comes before the next batch.
    pub(crate) fn is_full(&self) -> bool {
        self.crew.is_some() && !self.backlog.is_empty()
    }

    /// Waits some time for something to be done.
    pub(crate) fn wait(&mut self) -> Vec<Examined> {
        let first = self.crew.as_ref().and_then(|crew| crew.results.recv_timeout(ROUND).ok());
        first.into_iter().chain(self.advance()).collect()
    }

    fn advance(&mut self) -> Vec<Examined> {
        let Some(Crew { jobs: Some(jobs), results, .. }) = &self.crew else { return Vec::new() };
        while let Some(batch) = self.backlog.pop() {
            match jobs.try_send(batch) {
                Ok(()) => {}
                Err(TrySendError::Full(batch)) => {
                    self.backlog.push(batch);
                    break;
                }
                Err(TrySendError::Disconnected(batch)) => {
                    // Every thread died; what is left is done on this one.
                    self.backlog.push(batch);
                    self.crew = None;
                    return self.examine_backlog();
                }
            }
        }
        results.try_iter().collect()
    }

    /// No more batches: the next results, for as long as there may be any.
    pub(crate) fn next(&mut self) -> Option<Vec<Examined>> {
        if self.crew.is_none() {
            return (!self.backlog.is_empty()).then(|| self.examine_backlog());
        }
        if !self.backlog.is_empty() {
            return Some(self.wait());
        }
        let crew = self.crew.as_mut()?;
        crew.jobs = None;
        match crew.results.recv_timeout(ROUND) {
            Ok(examined) => return Some(vec![examined]),
            Err(RecvTimeoutError::Timeout) => return Some(Vec::new()),
            Err(RecvTimeoutError::Disconnected) => {}
        }
        for handle in self.crew.take()?.handles {
            // A thread that died took its batches with it; their directories are walked again later.
            if handle.join().is_err() {
                tracing::error!("a hashing thread ended early");
            }
        }
        None
    }

    fn examine_backlog(&mut self) -> Vec<Examined> {
        let mut examiner = Examiner::new(self.tools.clone());
        self.backlog.drain(..).map(|batch| run(&mut examiner, batch)).collect()
    }

    fn start(&self) -> Option<Crew> {
        let (jobs, queue) = sync_channel(2 * self.threads.get());
        let (done, results) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let handles: Vec<_> = (0..self.threads.get())
            .filter_map(|_| {
                let (queue, done, tools) = (Arc::clone(&queue), done.clone(), self.tools.clone());
                let body = move || work(&queue, &done, tools);
                let spawned =
                    std::thread::Builder::new().name("hash".into()).stack_size(STACK_BYTES).spawn(body);
                spawned.inspect_err(|error| tracing::warn!(%error, "no hashing thread")).ok()
            })
            .collect();
        (!handles.is_empty()).then_some(Crew { jobs: Some(jobs), results, handles })
    }
}

fn work(queue: &Mutex<Receiver<Batch>>, done: &Sender<Examined>, tools: Tools) {
    let mut examiner = Examiner::new(tools);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        if done.send(run(&mut examiner, batch)).is_err() {
            return;
        }
    }
}

fn run(examiner: &mut Examiner, batch: Batch) -> Examined {
    let Batch { directory, fd, place, listed, digests, steps, names } = batch;
    let findings = names
        .into_iter()
        .map(|(name, stamp)| {
            let task = Task { name: &name, stamp, listed, place, digests, steps };
            let finding = examiner.examine(&fd, task);
            (name, finding)
        })
        .collect();
    Examined { directory, place, findings }
}

/// The threads call nothing deep; the default of 2 MiB is only address space, but some limits count that.
const STACK_BYTES: usize = 256 << 10;
