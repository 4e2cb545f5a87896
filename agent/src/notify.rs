//! Words to the service manager, which must never hold up the agent.
//!
//! In: what to say. Out: datagrams to `NOTIFY_SOCKET`, sent by a thread of their own: a service manager that does not
//! read would otherwise stop the agent in the middle of its work. What cannot be queued is dropped; the next word
//! says what is true by then.

use std::sync::mpsc::{SyncSender, sync_channel};

use sd_notify::NotifyState;

/// Something to say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    /// The agent works.
    Ready,
    /// One line for people.
    Status(String),
    /// It is alive.
    Alive,
    /// It ends.
    Stopping,
}

/// The way to the service manager, if there is one.
#[derive(Debug)]
pub(crate) enum ServiceManager {
    /// The agent was started by hand.
    Absent,
    /// A thread that sends what is queued.
    Present(SyncSender<Word>),
}

impl ServiceManager {
    /// Finds the service manager that started this process.
    pub(crate) fn find() -> Self {
        if std::env::var_os("NOTIFY_SOCKET").is_none() {
            return Self::Absent;
        }
        let (words, queue) = sync_channel(QUEUE);
        let send_all = move || queue.iter().for_each(|word| send(&word));
        match std::thread::Builder::new().name("notify".to_owned()).spawn(send_all) {
            Ok(_detached) => Self::Present(words),
            Err(error) => {
                tracing::warn!(%error, "the service manager is not told anything");
                Self::Absent
            }
        }
    }

    /// Says something, now or never.
    pub(crate) fn tell(&self, word: Word) {
        if let Self::Present(words) = self
            && words.try_send(word).is_err()
        {
            tracing::debug!("the service manager does not listen");
        }
    }
}

fn send(word: &Word) {
    let sent = match word {
        Word::Ready => sd_notify::notify(&[NotifyState::Ready]),
        Word::Status(line) => sd_notify::notify(&[NotifyState::Status(line)]),
        Word::Alive => sd_notify::notify(&[NotifyState::Watchdog]),
        Word::Stopping => sd_notify::notify(&[NotifyState::Stopping]),
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "the service manager was not told");
    }
}

/// A few seconds' worth: the agent says at most one word an event.
const QUEUE: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_manager_that_does_not_listen_holds_nothing_up() {
        // Nobody takes from this queue, as when the thread waits in a full socket.
        let (words, _queue) = sync_channel(1);
        let manager = ServiceManager::Present(words);
        for _ in 0..3 {
            manager.tell(Word::Alive);
        }
        ServiceManager::Absent.tell(Word::Ready);
    }
}
