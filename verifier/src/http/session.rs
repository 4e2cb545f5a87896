//! Enrolments that were begun and wait for their secret; in memory, few, and for minutes.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use evidence::time::UnixTime;
use zeroize::Zeroizing;

use crate::limits::{ENROL_SESSION_SECS, ENROL_SESSIONS};
use crate::record::NewEnrolment;

/// A credential that was given out.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) secret: Zeroizing<[u8; 32]>,
    pub(super) enrolment: NewEnrolment,
}

/// The open sessions by their names. The lock is never held across an await.
#[derive(Debug)]
pub(super) struct Sessions(Mutex<HashMap<String, (UnixTime, Session)>>);

/// As many are open as may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

impl Sessions {
    pub(super) fn new() -> Self {
        Self(Mutex::new(HashMap::new()))
    }

    pub(super) fn open(&self, id: String, session: Session, now: UnixTime) -> Result<(), Full> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= ENROL_SESSIONS {
            sessions.retain(|_, (expires, _)| *expires > now);
        }
        if sessions.len() >= ENROL_SESSIONS {
            return Err(Full);
        }
        sessions.insert(id, (now.plus_ms(ENROL_SESSION_SECS * 1_000), session));
        Ok(())
    }

    /// Takes a session out: each secret can be tried once.
    pub(super) fn take(&self, id: &str, now: UnixTime) -> Option<Session> {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (expires, session) = sessions.remove(id)?;
        (expires > now).then_some(session)
    }
}
