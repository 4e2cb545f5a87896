//! Threads that examine files, for as long as a walk has many of them.
//!
//! In: batches of names in open directories. Out: their findings, in any order. A few files are examined on
//! the calling thread; threads and their buffers exist only while there is more.

use std::ffi::CString;
use std::num::NonZeroUsize;
use std::os::fd::OwnedFd;
use std::sync::atomic::AtomicBool;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use super::examine::{Examiner, Finding};
use super::limits::INLINE_BATCHES;
use super::place::Place;
use crate::clock::Clock;

/// Names of one directory to examine.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) directory: Arc<[u8]>,
    pub(crate) fd: Arc<OwnedFd>,
    pub(crate) place: Place,
    pub(crate) names: Vec<CString>,
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
    clock: Arc<dyn Clock>,
    stop: Arc<AtomicBool>,
    backlog: Vec<Batch>,
    crew: Option<Crew>,
}

struct Crew {
    jobs: Option<SyncSender<Batch>>,
    results: Receiver<Examined>,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    pub(crate) fn new(threads: NonZeroUsize, clock: Arc<dyn Clock>, stop: Arc<AtomicBool>) -> Self {
        Self { threads, clock, stop, backlog: Vec::new(), crew: None }
    }

    /// Takes a batch; returns what is done so far. Waits while the threads have enough to do.
    pub(crate) fn submit(&mut self, batch: Batch) -> Vec<Examined> {
        self.backlog.push(batch);
        let mut done = Vec::new();
        if self.crew.is_none() {
            if self.backlog.len() <= INLINE_BATCHES {
                return done;
            }
            self.crew = self.start();
        }
        let Some(Crew { jobs: Some(jobs), results, .. }) = &self.crew else {
            return self.examine_backlog();
        };
        while let Some(batch) = self.backlog.pop() {
            match jobs.try_send(batch) {
                Ok(()) => {}
                Err(TrySendError::Full(batch)) => {
                    self.backlog.push(batch);
                    // The queue is full, so that results come.
                    done.extend(results.recv());
                }
                Err(TrySendError::Disconnected(batch)) => {
                    self.backlog.push(batch);
                    break;
                }
            }
        }
        done.extend(results.try_iter());
        done
    }

    /// No more batches: the next result, until there is none.
    pub(crate) fn next(&mut self) -> Option<Vec<Examined>> {
        if !self.backlog.is_empty() {
            return Some(self.examine_backlog());
        }
        let crew = self.crew.as_mut()?;
        crew.jobs = None;
        if let Ok(examined) = crew.results.recv() {
            return Some(vec![examined]);
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
        let mut examiner = Examiner::new(&*self.clock, &self.stop);
        self.backlog.drain(..).map(|batch| run(&mut examiner, batch)).collect()
    }

    fn start(&self) -> Option<Crew> {
        let (jobs, queue) = sync_channel(2 * self.threads.get());
        let (done, results) = channel();
        let queue = Arc::new(Mutex::new(queue));
        let handles: Vec<_> = (0..self.threads.get())
            .filter_map(|_| {
                let (queue, done) = (Arc::clone(&queue), done.clone());
                let (clock, stop) = (Arc::clone(&self.clock), Arc::clone(&self.stop));
                let body = move || work(&queue, &done, &*clock, &stop);
                let spawned =
                    std::thread::Builder::new().name("hash".into()).stack_size(STACK_BYTES).spawn(body);
                spawned.inspect_err(|error| tracing::warn!(%error, "no hashing thread")).ok()
            })
            .collect();
        (!handles.is_empty()).then_some(Crew { jobs: Some(jobs), results, handles })
    }
}

fn work(queue: &Mutex<Receiver<Batch>>, done: &Sender<Examined>, clock: &dyn Clock, stop: &AtomicBool) {
    let mut examiner = Examiner::new(clock, stop);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        if done.send(run(&mut examiner, batch)).is_err() {
            return;
        }
    }
}

fn run(examiner: &mut Examiner<'_>, batch: Batch) -> Examined {
    let Batch { directory, fd, place, names } = batch;
    let findings = names
        .into_iter()
        .map(|name| {
            let finding = examiner.examine(&fd, &name, place);
            (name, finding)
        })
        .collect();
    Examined { directory, place, findings }
}

/// The threads call nothing deep; the default of 2 MiB is only address space, but some limits count that.
const STACK_BYTES: usize = 256 << 10;
